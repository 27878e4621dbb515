//! Reads what controllers have stored of what they do: one list, and the Lease of each controller that has said something.
//!
//! It is an extra: what cannot be read is not missed.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    ClusterError, Connection, paths,
    request::{Asked, JSON},
};
use crate::{
    clock::now,
    object::{
        Key, Seconds, Text,
        doing::{Doing, Heard, STORED, StoredDoings},
        resource::{CONFIGMAP, LEASE},
    },
    plan::doing::shard::{self, Shard},
    text::parse_time,
};

/// How long it may take: a status does not wait for it.
const PATIENCE: Duration = Duration::from_secs(3);
/// The largest list: of a few controllers.
const LARGEST: usize = 32 << 20;
/// The largest Lease.
const LARGEST_LEASE: usize = 1 << 20;
/// So many controllers are asked whether they run.
const CONTROLLERS: usize = 8;
/// A Lease that was renewed is old after so long beyond its end, in seconds: clocks differ.
const GRACE: Seconds = 15;
/// How long a Lease lasts that does not say so, in seconds, and the longest that is believed.
const LASTS: Seconds = 15;
const LONGEST: Seconds = 3_600;

/// The name of the leader's Lease, and the namespace of a controller where none is named.
const LEADER: &str = "kubectl-certs-controller";
const USUAL: &str = "kubectl-certs";

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    metadata: Meta,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(default)]
    namespace: Text,
    #[serde(default)]
    name: Text,
}

/// What the controllers of a cluster have stored; nothing where that may not be read. Where all namespaces may not be listed,
/// it is looked in `namespace` alone, or in the usual one.
pub async fn doings(connection: &Connection, namespace: Option<&str>) -> Vec<StoredDoings> {
    let reading = async {
        let listed = match list(connection, None).await {
            Err(ClusterError::Forbidden { .. }) => list(connection, Some(namespace.unwrap_or(USUAL))).await,
            listed => listed,
        };
        let mut all = match listed {
            Ok(items) => read(items),
            Err(error) => {
                log::debug!("what controllers have stored cannot be read: {error}");
                return Vec::new();
            }
        };
        let speak = all.iter_mut().filter(|one| !one.doings.is_empty()).take(CONTROLLERS);
        join_all(speak.map(|one| async { one.heard = heard(connection, &one.by.namespace).await })).await;
        all
    };
    timeout(PATIENCE, reading).await.unwrap_or_default()
}

async fn list(connection: &Connection, namespace: Option<&str>) -> Result<Vec<Item>, ClusterError> {
    let mut path = paths::of(CONFIGMAP, namespace);
    paths::query(&mut path, "labelSelector", STORED);
    let asked = Asked {
        verb: "list",
        resource: "configmaps",
        namespace,
    };
    let body = connection.get(&path, JSON, asked).await?.whole(LARGEST).await?;
    Ok(serde_json::from_slice::<List>(&body).map_or_else(|_| Vec::new(), |list| list.items))
}

/// Puts together what each controller says. A `ConfigMap` that is not one of them, or that is of another installation than the
/// first of its namespace, counts for nothing.
fn read(items: Vec<Item>) -> Vec<StoredDoings> {
    let mut of_namespace: BTreeMap<Text, Vec<Shard>> = BTreeMap::new();
    let names = shard::names();
    for item in items {
        let Meta { namespace, name } = item.metadata;
        if !names.iter().any(|known| *known == name) {
            continue;
        }
        match shard::decode(&item.data) {
            Ok(shard) => of_namespace.entry(namespace).or_default().push(shard),
            Err(error) => log::debug!("ConfigMap {namespace}/{name} is not used: {error}"),
        }
    }
    let together = of_namespace
        .into_iter()
        .filter_map(|(namespace, shards)| put_together(namespace, shards));
    together.collect()
}

fn put_together(namespace: Text, mut shards: Vec<Shard>) -> Option<StoredDoings> {
    let mut by = shards.iter_mut().find_map(|shard| shard.about.take())?;
    by.namespace = namespace;
    let mut doings: Vec<Doing> = Vec::new();
    for shard in shards.into_iter().filter(|shard| shard.install == by.id) {
        doings.extend(shard.doings);
        by.left_out += shard.left_out;
    }
    doings.sort_by(|a, b| a.secret.cmp(&b.secret));
    Some(StoredDoings {
        by,
        heard: Heard::Unknown,
        doings,
    })
}

/// Whether the controller of a namespace runs: whether somebody renews its Lease.
async fn heard(connection: &Connection, namespace: &str) -> Heard {
    let asked = Asked {
        verb: "get",
        resource: "leases",
        namespace: Some(namespace),
    };
    let path = paths::of_object(LEASE, &Key::new(namespace, LEADER));
    let body = match connection.get(&path, JSON, asked).await {
        Ok(answer) => answer.whole(LARGEST_LEASE).await,
        Err(ClusterError::Refused { code: 404, .. }) => return Heard::Gone { last: None },
        Err(error) => Err(error),
    };
    let lease = body.ok().and_then(|body| serde_json::from_slice::<Value>(&body).ok());
    lease.map_or(Heard::Unknown, |lease| judge(&lease, now()))
}

fn judge(lease: &Value, now: Seconds) -> Heard {
    let spec = &lease["spec"];
    let renewed = spec["renewTime"].as_str().and_then(parse_time);
    let is_held = spec["holderIdentity"].as_str().is_some_and(|who| !who.is_empty());
    let lasts = spec["leaseDurationSeconds"].as_i64().unwrap_or(LASTS).clamp(1, LONGEST);
    match renewed {
        Some(at) if is_held && now.saturating_sub(at) <= lasts.saturating_add(GRACE) => Heard::Running,
        last => Heard::Gone { last },
    }
}

#[cfg(test)]
mod tests;
