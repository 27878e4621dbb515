//! Reads details of a few objects once something about them is wrong.

use futures_util::StreamExt;
use serde::Deserialize;
use tokio::sync::mpsc::Sender;

use super::{
    ClusterError, Connection,
    list::{ListOptions, Listing, Run},
    paths,
    request::{Asked, JSON, METADATA},
};
use crate::{
    object::{Change, Key, Kind, Seconds, Text, program::Program},
    source::{
        Scope,
        pairs::{self, DataKeys},
        scope::Namespaces,
    },
    text::parse_time,
};

/// The number of namespaces above which there is one cluster-wide list for each kind.
const FEW_NAMESPACES: usize = 10;
/// How many objects are requested at once.
const AT_ONCE: usize = 16;
/// The largest answer in bytes: metadata, or a page of events.
const LONGEST_ANSWER: usize = 16 << 20;
/// How many events of one object are read, and how many of the newest are kept.
const EVENTS_READ: &str = "500";
const EVENTS_KEPT: usize = 10;

/// The latest time at which the certificate of each Secret can have been written, according to its managedFields: the
/// time of an entry changes with every field of the same writer. Secrets that cannot be read, or have no such entry,
/// are left out.
pub async fn data_changed(connection: &Connection, data_keys: &DataKeys, keys: &[Key]) -> Vec<(Key, Seconds)> {
    futures_util::stream::iter(
        keys.iter()
            .filter(|key| paths::possible(&key.name) && paths::possible(&key.namespace)),
    )
    .map(|key| async move {
        let asked = Asked {
            verb: "get",
            resource: "secrets",
            namespace: Some(&key.namespace),
        };
        let path = paths::of_object(Kind::Secret.resource(), key);
        let answer = connection.get(&path, METADATA, asked).await.ok()?;
        let body = answer.whole(LONGEST_ANSWER).await.ok()?;
        written_at(&body, data_keys).map(|at| (key.clone(), at))
    })
    .buffer_unordered(AT_ONCE)
    .filter_map(|found| async move { found })
    .collect()
    .await
}

/// Which of the Secrets hold a certificate, as far as their managedFields name their data keys, so that no value has to
/// be read. Secrets that cannot be read, or have no managedFields, are left out.
pub async fn holding_certificates(connection: &Connection, data_keys: &DataKeys, keys: Vec<Key>) -> Vec<Key> {
    futures_util::stream::iter(keys.into_iter().filter(|key| paths::possible(&key.name)))
        .map(|key| async move {
            let asked = Asked {
                verb: "get",
                resource: "secrets",
                namespace: Some(&key.namespace),
            };
            let path = paths::of_object(Kind::Secret.resource(), &key);
            let answer = connection.get(&path, METADATA, asked).await.ok()?;
            let body = answer.whole(LONGEST_ANSWER).await.ok()?;
            names_certificate(&body, data_keys).then_some(key)
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|found| async move { found })
        .collect()
        .await
}

/// Whether an entry of managedFields has a data key for certificates.
fn names_certificate(body: &[u8], keys: &DataKeys) -> bool {
    entries(body).iter().any(|entry| entry.by(keys).is_some())
}

/// The newest time of an entry that has the certificate.
fn written_at(body: &[u8], keys: &DataKeys) -> Option<Seconds> {
    let mut change = pairs::LastChange::default();
    for entry in entries(body) {
        if let Some(by) = entry.by(keys) {
            change.note(by, entry.time.as_deref().and_then(parse_time));
        }
    }
    change.at()
}

/// The managedFields of an object; empty if there is no object.
fn entries(body: &[u8]) -> Vec<Entry> {
    #[derive(Deserialize)]
    struct Partial {
        metadata: PartialMetadata,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct PartialMetadata {
        #[serde(default)]
        managed_fields: Vec<Entry>,
    }
    serde_json::from_slice::<Partial>(body).map_or_else(|_| Vec::new(), |object| object.metadata.managed_fields)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    time: Option<String>,
    fields_v1: Option<Maps>,
}

#[derive(Deserialize)]
struct Maps {
    #[serde(rename = "f:data", default)]
    data: serde_json::Map<String, serde_json::Value>,
    /// Server-side apply of stringData manages these, although the Secret stores them as data.
    #[serde(rename = "f:stringData", default)]
    string_data: serde_json::Map<String, serde_json::Value>,
}

impl Entry {
    /// Which of the names of its data keys marks it as an entry of a certificate.
    fn by(&self, keys: &DataKeys) -> Option<pairs::By> {
        let maps = self.fields_v1.iter();
        let names = maps.flat_map(|maps| maps.data.keys().chain(maps.string_data.keys()));
        let parts = names.filter_map(|name| keys.part(name.strip_prefix("f:")?));
        let certificates = parts.filter(|(_, slot)| *slot == pairs::Slot::Certificate);
        certificates.map(|(by, _)| by).max()
    }
}

/// Reads the Pods, workloads and service accounts of the namespaces (`None`: of all), and sends them. Kinds that may
/// not be read are sent as forbidden.
pub async fn consumers(
    connection: &Connection,
    namespaces: Option<&[Text]>,
    sink: Sender<Change>,
) -> Result<Listing, ClusterError> {
    let mut scope = Scope::everything();
    let mut wide = true;
    if let Some(names) = namespaces {
        scope.namespaces = Namespaces::Only(names.to_vec());
        wide = names.len() > FEW_NAMESPACES;
    }
    Run::new(connection, &scope, ListOptions::default(), wide, sink)
        .all(&Kind::CONSUMERS)
        .await
}

/// The labels of Pods in the charts of ingress-nginx (its own, RKE2's, Bitnami's) and of Traefik (its own, RKE2's).
const CONTROLLERS: &str = "app.kubernetes.io/name in \
    (ingress-nginx,rke2-ingress-nginx,nginx-ingress-controller,nginx-ingress,traefik,rke2-traefik)";

/// The ingress controllers that run in the cluster and whose program decides what a class of ingress-nginx means. Empty
/// if Pods may not be listed in all namespaces; then only the name of the class is known.
pub async fn programs(connection: &Connection) -> Vec<Program> {
    let mut path = paths::of(Kind::Pod.resource(), None);
    paths::query(&mut path, "labelSelector", CONTROLLERS);
    paths::query(&mut path, "fieldSelector", "status.phase=Running");
    paths::query(&mut path, "limit", "500");
    let asked = Asked {
        verb: "list",
        resource: "pods",
        namespace: None,
    };
    let Ok(answer) = connection.get(&path, JSON, asked).await else {
        return Vec::new();
    };
    let body = answer.whole(LONGEST_ANSWER).await.unwrap_or_default();
    read_programs(&body)
}

/// The programs of the Pods, each once.
fn read_programs(body: &[u8]) -> Vec<Program> {
    let list: PodList = serde_json::from_slice(body).unwrap_or_default();
    let mut programs = Vec::new();
    let containers = list.items.iter().flat_map(|pod| {
        let namespace = pod.metadata.namespace.as_str();
        pod.spec.containers.iter().map(move |container| (namespace, container))
    });
    for (namespace, container) in containers {
        let arguments: Vec<&str> = container
            .command
            .iter()
            .chain(&container.args)
            .map(String::as_str)
            .collect();
        if let Some(program) = Program::of(&container.image, &arguments, namespace)
            && !programs.contains(&program)
        {
            programs.push(program);
        }
    }
    programs
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PodList {
    items: Vec<RawPod>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawPod {
    metadata: RawPodMetadata,
    spec: RawPodSpec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawPodMetadata {
    namespace: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawPodSpec {
    containers: Vec<RawContainer>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawContainer {
    image: String,
    command: Vec<String>,
    args: Vec<String>,
}

/// One event of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLine {
    /// When it was last seen, in seconds since 1970.
    pub when: Seconds,
    /// Its reason.
    pub reason: Text,
    /// The message of its writer, not cleared for a terminal.
    pub message: String,
    /// How often it was seen.
    pub count: u32,
    /// Whether it is a warning.
    pub warning: bool,
}

#[derive(Deserialize)]
struct EventList {
    #[serde(default)]
    items: Vec<RawEvent>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawEvent {
    metadata: RawMetadata,
    last_timestamp: Option<String>,
    event_time: Option<String>,
    first_timestamp: Option<String>,
    series: Option<RawSeries>,
    reason: Option<Text>,
    message: Option<String>,
    count: Option<u32>,
    #[serde(rename = "type")]
    event_type: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawMetadata {
    creation_timestamp: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawSeries {
    count: Option<u32>,
    last_observed_time: Option<String>,
}

/// The newest ten events about one object, newest first.
pub async fn events(
    connection: &Connection,
    namespace: &str,
    kind: Kind,
    name: &str,
) -> Result<Vec<EventLine>, ClusterError> {
    if !paths::possible(name) || !(namespace.is_empty() || paths::possible(namespace)) {
        return Ok(Vec::new());
    }
    // Events about cluster-wide objects are stored in `default`.
    let place = if namespace.is_empty() { "default" } else { namespace };
    let mut path = format!("/api/v1/namespaces/{place}/events");
    paths::query(
        &mut path,
        "fieldSelector",
        &format!("involvedObject.kind={},involvedObject.name={name}", kind.as_str()),
    );
    paths::query(&mut path, "limit", EVENTS_READ);
    let asked = Asked {
        verb: "list",
        resource: "events",
        namespace: Some(place),
    };
    let body = connection.get(&path, JSON, asked).await?.whole(LONGEST_ANSWER).await?;
    // An unreadable list of events is no reason to fail, because events only add detail.
    Ok(read_events(&body).unwrap_or_default())
}

fn read_events(body: &[u8]) -> Option<Vec<EventLine>> {
    let list: EventList = serde_json::from_slice(body).ok()?;
    let mut lines: Vec<EventLine> = list.items.into_iter().filter_map(line).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.when));
    lines.truncate(EVENTS_KEPT);
    Some(lines)
}

fn line(event: RawEvent) -> Option<EventLine> {
    let series = event.series.unwrap_or_default();
    let times = [
        series.last_observed_time,
        event.last_timestamp,
        event.event_time,
        event.first_timestamp,
        event.metadata.creation_timestamp,
    ];
    let when = times.iter().flatten().find_map(|time| parse_time(time))?;
    Some(EventLine {
        when,
        reason: event.reason.unwrap_or_default(),
        message: event.message.unwrap_or_default(),
        count: series.count.or(event.count).unwrap_or(1).max(1),
        warning: event.event_type.as_deref() == Some("Warning"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_writer_of_the_certificate_counts_and_others_do_not() {
        let body = br#"{"kind":"PartialObjectMetadata","metadata":{"name":"x","managedFields":[
            {"manager":"a","time":"2026-01-01T00:00:00Z","fieldsV1":{"f:data":{".":{},"f:tls.crt":{},"f:tls.key":{}}}},
            {"manager":"b","time":"2026-02-01T00:00:00Z","fieldsV1":{"f:data":{"f:tls.crt":{}}}},
            {"manager":"apply","time":"2026-02-02T00:00:00Z","fieldsV1":{"f:stringData":{"f:tls.crt":{}}}},
            {"manager":"c","time":"2026-03-01T00:00:00Z","fieldsV1":{"f:metadata":{"f:labels":{}}}},
            {"manager":"d","time":"2026-04-01T00:00:00Z","fieldsV1":{"f:data":{"f:ca.crt":{}}}}]}}"#;
        assert_eq!(written_at(body, &DataKeys::default()), parse_time("2026-02-02"));
        let own_names = br#"{"metadata":{"managedFields":[
            {"manager":"a","time":"2026-01-01T00:00:00Z","fieldsV1":{"f:data":{"f:proxycert":{},"f:proxykey":{}}}},
            {"manager":"b","time":"2026-02-01T00:00:00Z","fieldsV1":{"f:data":{"f:proxykey":{},"f:dhparam":{}}}}]}}"#;
        assert_eq!(written_at(own_names, &DataKeys::default()), parse_time("2026-01-01"));
        assert_eq!(written_at(br#"{"metadata":{}}"#, &DataKeys::default()), None);
        assert_eq!(written_at(b"<html>", &DataKeys::default()), None);
    }

    #[test]
    fn the_names_of_data_keys_tell_who_holds_a_certificate_without_their_values() {
        let of = |names: &str| {
            let body = format!(
                r#"{{"metadata":{{"managedFields":[{{"manager":"x"}},{{"fieldsV1":{{"f:metadata":{{}}}}}},
                {{"fieldsV1":{{"f:data":{{".":{{}},{names}}},"f:type":{{}}}}}}]}}}}"#
            );
            names_certificate(body.as_bytes(), &DataKeys::default())
        };
        assert!(of(r#""f:proxycert":{},"f:proxykey":{},"f:dhparam":{}"#));
        assert!(of(r#""f:tls.crt":{}"#));
        assert!(!of(r#""f:proxykey":{},"f:password":{}"#));
        assert!(
            !["<html>", "{\"metadata\":{}}"]
                .iter()
                .any(|body| names_certificate(body.as_bytes(), &DataKeys::default()))
        );
    }

    #[test]
    fn each_controller_that_runs_is_told_once() {
        let pod = |image: &str, args: &str| {
            format!(
                r#"{{"metadata":{{"namespace":"edge"}},"spec":{{"containers":[{{"image":"{image}","args":[{args}]}}]}}}}"#
            )
        };
        let nginx = pod(
            "registry.k8s.io/ingress-nginx/controller:v1.15.1",
            r#""--default-ssl-certificate=$(POD_NAMESPACE)/wild""#,
        );
        let body = format!(
            r#"{{"kind":"PodList","items":[{nginx},{nginx},{}]}}"#,
            pod("traefik:v3.7", "")
        );
        let programs = read_programs(body.as_bytes());
        assert_eq!(programs.len(), 1, "a Traefik without the provider serves no such class");
        assert_eq!(programs[0].default_certificate.key(), Some(&Key::new("edge", "wild")));
        assert!(read_programs(b"<html>").is_empty());
    }

    #[test]
    fn events_are_the_newest_ten_of_both_shapes() {
        let mut items: Vec<String> = (1..=28)
            .map(|day| format!(r#"{{"metadata":{{}},"lastTimestamp":"2026-02-{day:02}T00:00:00Z","reason":"R{day}","message":"m","count":{day},"type":"Normal"}}"#))
            .collect();
        items.push(r#"{"metadata":{"creationTimestamp":"2026-01-01T00:00:00Z"},"eventTime":"2026-01-02T00:00:00.123456Z","lastTimestamp":null,"reason":"Series","message":"m","type":"Warning","series":{"count":7,"lastObservedTime":"2026-03-01T00:00:00.000000Z"}}"#.into());
        items.push(r#"{"metadata":{},"reason":"NoTime"}"#.into());
        let body = format!(r#"{{"kind":"EventList","items":[{}]}}"#, items.join(","));
        let lines = read_events(body.as_bytes()).unwrap();
        assert_eq!(lines.len(), 10);
        assert_eq!(
            (lines[0].reason.as_str(), lines[0].count, lines[0].warning),
            ("Series", 7, true)
        );
        assert_eq!((lines[1].reason.as_str(), lines[9].reason.as_str()), ("R28", "R20"));
    }
}
