//! Reading with fewer rights: one list for each namespace, and Secrets by name.

use std::collections::HashSet;

use futures_util::StreamExt;
use tokio::sync::mpsc::{self, Sender};

use super::{
    ClusterError, Connection,
    list::{Outcome, Run, forbidden},
    paths,
    read::Read,
    request::{Asked, METADATA_LIST, PROTOBUF},
};
use crate::{
    k8s::decode::{self, ListDecoder},
    object::resource::Resource,
    object::{Change, Forbidden, Key, Kind, Object, Text},
    source::{pairs::DataKeys, scope::Namespaces},
};

/// The number of Secrets above which one list first determines which of them exist, before they are requested by name.
pub(super) const MANY: usize = 64;
/// How many Secrets are requested at once.
const AT_ONCE: usize = 32;
/// The largest object in bytes: a Secret has at most 1 MiB, which is a little more in JSON.
const LARGEST_OBJECT: usize = 8 << 20;

/// Reads a kind namespace by namespace, because the cluster-wide list is forbidden. Returns whether the kind is
/// complete now: everything was read, or sent as forbidden by name.
pub(super) async fn by_namespace(run: &Run, kind: Kind, api: Resource, outcome: &mut Outcome) -> bool {
    let known = match &run.scope.namespaces {
        Namespaces::Only(names) => Some(names),
        Namespaces::All => run
            .namespaces
            .get_or_init(|| namespaces(&run.connection))
            .await
            .as_ref(),
    };
    let Some(known) = known else {
        // The namespaces are not known either: the context's own namespace is the best guess.
        run.send(forbidden(kind, None)).await;
        let own = Text::from(run.connection.namespace.as_str());
        if run.scope.allows_namespace(&own) {
            match run.one(kind, api, Some(&own)).await {
                Ok(part) => outcome.parts.push((Some(own), part)),
                Err(ClusterError::Forbidden { .. }) => {}
                Err(error) => outcome.errors.push((Some(own), error)),
            }
        }
        return false;
    };
    let names: Vec<Option<Text>> = known
        .iter()
        .filter(|name| run.scope.allows_namespace(name))
        .cloned()
        .map(Some)
        .collect();
    let results = run.many(kind, api, &names).await;
    if results
        .iter()
        .all(|(_, result)| matches!(result, Err(ClusterError::Forbidden { .. })))
    {
        run.send(forbidden(kind, None)).await;
        return false;
    }
    for (namespace, result) in results {
        run.note(kind, namespace, result, outcome).await;
    }
    true
}

/// The names of all namespaces; `None` if they cannot be listed.
async fn namespaces(connection: &Connection) -> Option<Vec<Text>> {
    let (sink, mut changes) = mpsc::channel(64);
    let reading = async {
        let read = Read {
            connection,
            kind: Kind::Namespace,
            api: Kind::Namespace.resource(),
            namespace: None,
            labels: None,
            fields: None,
            chunk: None,
            keys: &DataKeys::default(),
            remember: false,
            allows: &|_| true,
            sink: &sink,
        };
        let done = read.run().await;
        drop(sink);
        done
    };
    let collecting = async {
        let mut names = Vec::new();
        while let Some(change) = changes.recv().await {
            if let Change::Set(Object::Namespace(meta)) = change {
                names.push(meta.name);
            }
        }
        names
    };
    let (done, names) = tokio::join!(reading, collecting);
    done.ok().map(|_| names)
}

/// Reads Secrets by name, 32 at once: those that a route names and that no list has, because they are of another type,
/// in another namespace, or may not be listed. Sends each as set, gone or forbidden, and returns those that could not
/// be read for another reason.
pub async fn get_secrets(
    connection: &Connection,
    data_keys: &DataKeys,
    mut keys: Vec<Key>,
    sink: Sender<Change>,
) -> Vec<(Key, ClusterError)> {
    if keys.len() > MANY
        && let Some(there) = other_secrets(connection).await
    {
        let (found, absent) = keys.into_iter().partition(|key| there.contains(key));
        keys = found;
        let absent: Vec<Key> = absent;
        for key in absent {
            // If the receiver no longer exists, no error is needed.
            let _ = sink.send(Change::Gone(Kind::Secret, key)).await;
        }
    }
    get_each(connection, data_keys, keys, &sink).await
}

/// The same, each by a request of its own.
pub(super) async fn get_each(
    connection: &Connection,
    data_keys: &DataKeys,
    keys: Vec<Key>,
    sink: &Sender<Change>,
) -> Vec<(Key, ClusterError)> {
    futures_util::stream::iter(keys)
        .map(|key| async move {
            let result = get_secret(connection, data_keys, &key).await;
            let change = match result {
                Ok(Some(object)) => Change::Set(object),
                Ok(None) => Change::Gone(Kind::Secret, key),
                Err(ClusterError::Forbidden { .. }) => Change::Forbidden(Forbidden {
                    kind: Kind::Secret,
                    namespace: Some(key.namespace),
                    name: Some(key.name),
                    verb: "get",
                }),
                Err(error) => return Some((key, error)),
            };
            // If the receiver no longer exists, no error is needed.
            let _ = sink.send(change).await;
            None
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|failed| async move { failed })
        .collect()
        .await
}

/// The names of all Secrets that the list of TLS Secrets does not have, except those of Helm; `None` if they cannot be
/// listed.
pub(super) async fn other_secrets(connection: &Connection) -> Option<HashSet<Key>> {
    let mut path = paths::of(Kind::Secret.resource(), None);
    paths::query(
        &mut path,
        "fieldSelector",
        "type!=kubernetes.io/tls,type!=helm.sh/release.v1",
    );
    let asked = Asked {
        verb: "list",
        resource: "secrets",
        namespace: None,
    };
    let mut answer = connection.get(&path, METADATA_LIST, asked).await.ok()?;
    let mut decoder = ListDecoder::new(answer.format, Kind::Secret, &DataKeys::default());
    let mut keys = HashSet::new();
    while let Some(frame) = answer.frame().await.ok()? {
        let taken = decoder.push(&frame, &mut |object| {
            keys.insert(object.meta().key());
        });
        taken.ok()?;
    }
    let end = decoder.finish().ok()?;
    let whole = end.skipped.is_empty() && end.continue_token.is_none();
    whole.then_some(keys)
}

/// Reads one Secret; `None` if there is none with that name.
pub(super) async fn get_secret(
    connection: &Connection,
    data_keys: &DataKeys,
    key: &Key,
) -> Result<Option<Object>, ClusterError> {
    if !paths::possible(&key.name) || !paths::possible(&key.namespace) {
        return Ok(None);
    }
    let asked = Asked {
        verb: "get",
        resource: "secrets",
        namespace: Some(&key.namespace),
    };
    let path = paths::of_object(Kind::Secret.resource(), key);
    let mut tries = 0;
    loop {
        tries += 1;
        let answer = match connection.get(&path, PROTOBUF, asked).await {
            Ok(answer) => answer,
            // A page of the server itself or of a proxy says nothing about an object.
            Err(ClusterError::Refused { code: 404, reason, .. }) if reason == "NotFound" => return Ok(None),
            Err(error) => return Err(error),
        };
        let format = answer.format;
        let body = match answer.whole(LARGEST_OBJECT).await {
            Err(ClusterError::Unreachable { .. }) if tries < connection.timing.tries => continue,
            other => other?,
        };
        let unreadable = |source| ClusterError::Unreadable {
            server: connection.server.clone(),
            what: "a Secret",
            source,
        };
        return decode::object(format, Kind::Secret, &body.into(), data_keys)
            .map(Some)
            .map_err(unreadable);
    }
}

/// The names of all namespaces; empty if they may not be listed.
pub async fn namespace_names(connection: &Connection) -> Vec<String> {
    let known = namespaces(connection).await.unwrap_or_default();
    known.iter().map(ToString::to_string).collect()
}

/// Whether a namespace exists; `None` if the server does not answer, because of a missing right or otherwise.
pub async fn namespace_exists(connection: &Connection, name: &str) -> Option<bool> {
    if !paths::possible(name) {
        return Some(false);
    }
    let asked = Asked {
        verb: "get",
        resource: "namespaces",
        namespace: None,
    };
    match connection
        .get(&format!("/api/v1/namespaces/{name}"), PROTOBUF, asked)
        .await
    {
        Ok(_) => Some(true),
        Err(ClusterError::Refused { code: 404, reason, .. }) if reason == "NotFound" => Some(false),
        Err(_) => None,
    }
}
