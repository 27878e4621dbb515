//! A `Domain` object: what is read of it, and what is written.

use std::{borrow::Cow, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::{Host, Record, Tenant, is_permitted, state},
    k8s::MANAGER,
    object::{Key, Seconds, Text, resource::DOMAIN},
    text::{date_time, parse_time, shorten},
    x509::Fingerprint,
};

/// The most characters of a sentence in the status; the definition of the kind has the same.
const SENTENCE: usize = 1000;
/// The longest name of a Secret.
const LONGEST_NAME: usize = 253;
/// What the names of the Secrets begin with.
pub const SECRET: &str = "domain-";
/// What is told to whom is not the first.
const SECOND: (&str, &str) = (
    "Another namespace has registered this host first.",
    "Ask whoever runs the platform if the host is yours.",
);

/// The fields that are read.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub(super) struct Object {
    metadata: Meta,
    spec: Spec,
    status: Option<Status>,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    namespace: Text,
    name: Text,
    resource_version: Text,
    creation_timestamp: Text,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    host: Text,
    secret_name: Text,
    tenant: Text,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
struct Status {
    state: Text,
    claim: Option<Claim>,
    record: Option<Value>,
}

/// Who has taken a host for himself, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Claim {
    pub(super) by: Text,
    pub(super) until: Seconds,
}

impl Claim {
    /// Whether it keeps somebody from it at a moment.
    pub(super) fn keeps(&self, by: &str, now: Seconds) -> bool {
        self.by != by && self.until > now
    }
}

/// What the index has of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) namespace: Text,
    pub(super) version: Text,
    pub(super) created: Seconds,
    /// The record, or why there is none that can be read.
    pub(super) record: Result<Arc<Record>, Arc<str>>,
    pub(super) claim: Option<Claim>,
    /// Whether it has a status.
    pub(super) has_status: bool,
    /// Whether it has been told that another one was first.
    pub(super) is_told: bool,
    /// Whether its spec names a Secret.
    pub(super) has_secret: bool,
}

impl Object {
    /// The host, and what is kept of the object; `None` where it is none that the definition admits. `own` is the namespace in
    /// which the spec says whose a domain is.
    pub(super) fn read(self, own: &str) -> Option<(Host, Entry)> {
        let Self { metadata, spec, status } = self;
        let host: Host = metadata.name.parse().ok()?;
        if spec.host != host.as_str() || metadata.resource_version.is_empty() {
            return None;
        }
        let created = parse_time(&metadata.creation_timestamp).unwrap_or_default();
        let said = if metadata.namespace == own && !spec.tenant.is_empty() {
            &spec.tenant
        } else {
            &metadata.namespace
        };
        let tenant: Tenant = said.parse().ok()?;
        let has_status = status.is_some();
        let Status { state, claim, record } = status.unwrap_or_default();
        let is_told = record.is_none() && state == "blocked";
        let record = match record {
            None => Ok(Arc::new(Record::new(host.clone(), tenant, created))),
            Some(record) => serde_json::from_value::<Record>(record)
                // Whoever may write an object says neither of another host nor for another tenant.
                .map(|record| {
                    Arc::new(Record {
                        host: host.clone(),
                        tenant,
                        ..record
                    })
                })
                .map_err(|error| error.to_string().into()),
        };
        let entry = Entry {
            namespace: metadata.namespace,
            version: metadata.resource_version,
            created,
            record,
            claim,
            has_status,
            is_told,
            has_secret: !spec.secret_name.is_empty(),
        };
        Some((host, entry))
    }

    /// The host, the namespace and the version of an object that is gone.
    pub(super) fn gone(&self) -> Option<(Host, Text, Text)> {
        let meta = &self.metadata;
        let host = meta.name.parse().ok()?;
        Some((host, meta.namespace.clone(), meta.resource_version.clone()))
    }
}

impl Entry {
    /// Where the object is.
    pub(super) fn key(&self, host: &Host) -> Key {
        Key::new(self.namespace.clone(), host.as_str())
    }
}

/// A new object, without its status, in the namespace of those that the API registers.
pub(super) fn made(record: &Record, own: &str) -> Value {
    let host = record.host.as_str();
    json!({
        "apiVersion": DOMAIN.api_version(), "kind": DOMAIN.kind,
        "metadata": {
            "namespace": own, "name": host,
            "labels": {"app.kubernetes.io/managed-by": MANAGER},
        },
        "spec": {"host": host, "secretName": secret_name(&record.host), "tenant": record.tenant},
    })
}

/// The name of the Secret of a host, in the namespace of its object: `domain-` and the host. Where that is too long for a name,
/// the host is cut, and a hash of the whole keeps it apart from others.
pub fn secret_name(host: &Host) -> String {
    let whole = format!("{SECRET}{host}");
    if whole.len() <= LONGEST_NAME {
        return whole;
    }
    let hash = Fingerprint::of(host.as_str().as_bytes()).to_string();
    let hash = &hash[..16];
    // A label may not end with a hyphen.
    let kept = whole[..LONGEST_NAME - hash.len() - 1].trim_end_matches(['-', '.']);
    format!("{kept}-{hash}")
}

/// The status that says what is known at a moment.
pub(super) fn status(record: &Record, claim: Option<&Claim>, now: Seconds) -> Value {
    let told = state(record, now);
    let mut status = json!({
        "state": told.state.as_str(), "permitted": is_permitted(record),
        "reason": sentence(&told.reason), "next": sentence(&told.next),
        "record": record,
    });
    if let Some(looked) = &record.dns {
        status["traffic"] = looked.traffic.into();
        if let Some(proof) = looked.proof() {
            status["proof"] = proof.as_str().into();
        }
    }
    if let Some(until) = told.until {
        status["until"] = date_time(until).into();
    }
    if let Some(claim) = claim {
        status["claim"] = json_of(claim);
    }
    status
}

/// The status of an object whose host another one has registered first.
pub(super) fn second() -> Value {
    json!({"state": "blocked", "permitted": false, "reason": SECOND.0, "next": SECOND.1})
}

/// A claim in the form of the status.
pub(super) fn json_of(claim: &Claim) -> Value {
    json!({"by": claim.by, "until": claim.until})
}

fn sentence(text: &str) -> Cow<'_, str> {
    shorten(text, SENTENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(namespace: &str, name: &str, spec: &Value) -> Object {
        serde_json::from_value(json!({
            "metadata": {
                "namespace": namespace, "name": name, "resourceVersion": "7",
                "creationTimestamp": "2026-12-01T00:00:00Z", "managedFields": [{}],
            },
            "spec": spec,
        }))
        .unwrap()
    }

    #[test]
    fn the_tenant_is_the_namespace_and_only_the_api_s_own_namespace_says_another() {
        let spec = json!({"host": "a.example", "tenant": "alice"});
        for (namespace, tenant) in [("kubectl-certs", "alice"), ("bob", "bob")] {
            let (host, entry) = object(namespace, "a.example", &spec).read("kubectl-certs").unwrap();
            let record = entry.record.unwrap();
            assert_eq!((host.as_str(), record.tenant.as_str()), ("a.example", tenant));
            assert_eq!((record.since, record.due), (1_796_083_200, 1_796_083_200));
        }
    }

    #[test]
    fn a_status_cannot_speak_for_another_host_or_tenant_and_comes_back_as_it_was_written() {
        let record = Record::new("a.example".parse().unwrap(), "bob".parse().unwrap(), 5);
        let mut written = object("bob", "a.example", &json!({"host": "a.example"}));
        written.status = serde_json::from_value(status(&record, None, 10)).unwrap();
        assert_eq!(*written.read("own").unwrap().1.record.unwrap(), record);

        let mut forged = object("mallory", "b.example", &json!({"host": "b.example"}));
        forged.status = serde_json::from_value(status(&record, None, 10)).unwrap();
        let (host, entry) = forged.read("own").unwrap();
        let read = entry.record.unwrap();
        assert_eq!(
            (host.as_str(), read.host.as_str(), read.tenant.as_str()),
            ("b.example", "b.example", "mallory")
        );
    }

    #[test]
    fn an_object_of_another_name_than_its_host_is_none() {
        for (name, host) in [("a.example", "b.example"), ("127.0.0.1", "127.0.0.1"), ("a", "a")] {
            assert!(
                object("bob", name, &json!({"host": host})).read("own").is_none(),
                "{name}"
            );
        }
    }

    #[test]
    fn the_secret_has_the_host_in_its_name_and_is_cut_where_no_name_is_that_long() {
        let secret = |host: &str| secret_name(&host.parse().unwrap());
        assert_eq!(secret("shop.example"), "domain-shop.example");
        let long = |end: &str| format!("{}.{end}", [&"a".repeat(61); 4].map(String::as_str).join("."));
        let (one, other) = (secret(&long("co")), secret(&long("de")));
        assert_ne!(one, other);
        assert!(one.len() <= 253 && one.starts_with("domain-aaa"), "{one}");
    }

    /// What the API server calls structural: no field that is not described, but where that is said.
    fn close(schema: &mut Value) {
        let keeps = schema["x-kubernetes-preserve-unknown-fields"] == true;
        if schema["type"] == "object" && !keeps {
            schema["additionalProperties"] = false.into();
        }
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        properties.into_iter().flatten().for_each(|(_, field)| close(field));
    }

    #[test]
    fn every_status_is_one_that_the_definition_of_the_kind_admits() {
        let definition = crate::install::domains::definition().object;
        let mut schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        close(&mut schema["properties"]["status"]);
        let validator = jsonschema::validator_for(&schema["properties"]["status"]).unwrap();
        let whole = |mut record: Record| {
            record.moved = Some(crate::domain::Moved {
                to: "b".parse().unwrap(),
                at: 6,
            });
            record.paused = Some("p".repeat(3_000));
            record
        };
        let new = Record::new("a.example".parse().unwrap(), "bob".parse().unwrap(), 5);
        let served = crate::domain::testing::served(90 * 86_400);
        let missing = Record {
            dns: Some(crate::domain::Looked {
                traffic: false,
                challenge: true,
                seen: "x".repeat(2_000),
                ..crate::domain::testing::led_here()
            }),
            ..served.clone()
        };
        let claim = Claim {
            by: "replica".into(),
            until: 9,
        };
        let all = [new.clone(), whole(new), served.clone(), whole(served), missing];
        let written = all
            .iter()
            .map(|record| status(record, Some(&claim), 10))
            .chain([second()]);
        for status in written {
            let wrong: Vec<String> = validator.iter_errors(&status).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{wrong:?}: {status}");
            assert!(!validator.is_valid(&json!({"next": "x".repeat(2_000)})));
        }
    }
}
