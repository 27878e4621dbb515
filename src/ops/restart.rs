//! Restarts of what uses Secrets, as the screen asks for them: kubectl has a command for it, so this program has none.

use std::collections::BTreeMap;

use crate::text::{counted, first_few};
use crate::{
    apply::{
        Api, events,
        rollout::{self, LIMIT, Workload},
    },
    clock::now,
    engine::aftermath::record_restarts,
    error::{Blame, Diagnose},
    event::{EventKind, Teller},
    k8s::{Connection, consumers},
    object::{Change, Key, Kind, Object, Text},
    plan::{Plan, steps::Step},
    text::CommandLine,
};

use super::{Context, OpError, front::Front, reach};

/// What came of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// In a sentence, as it was printed.
    pub said: String,
}

/// Restarts the workloads that use Secrets, one after the other, after their plan was confirmed.
///
/// # Errors
///
/// The workloads are not known, may not be restarted, or do not come back; or it is not wanted.
pub async fn run(secrets: &[Key], context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let flags = context.cluster.options();
    let connection = context.cluster.connection().await?.clone();
    let used = workloads(&connection, secrets).await?;
    let mut all: Vec<Workload> = used.values().flatten().cloned().collect();
    all.sort();
    all.dedup();
    if all.is_empty() {
        // Nothing that had to be done was left undone.
        return printed(unused(secrets.iter()), front);
    }
    let mut permits = rollout::permits(&all);
    for secret in used.keys() {
        // Without the right to it no Event is left, and nothing else is the worse.
        permits.extend(events::permits(&secret.namespace));
    }
    let api = Api::new(connection, permits);
    let failed = |error: &rollout::RolloutError| OpError::because(error).blame(Blame::Write);
    let outages = rollout::check(&api, &all).await.map_err(|error| failed(&error))?;
    // kubectl restarts in one namespace at a time.
    let mut by_namespace: BTreeMap<&Text, Vec<String>> = BTreeMap::new();
    for workload in &all {
        let names = by_namespace.entry(&workload.key.namespace).or_default();
        names.push(workload.to_string());
    }
    let mut commands = by_namespace.into_iter().map(|(namespace, names)| {
        let mut words = vec!["rollout".to_owned(), "restart".to_owned()];
        words.extend(names);
        words.extend(["-n".to_owned(), namespace.to_string()]);
        words.extend(reach::cluster_flags(flags, flags.context.clone()));
        CommandLine {
            program: "kubectl",
            words,
        }
    });
    let command = commands.next();
    let mut notes = vec!["one after another, each once the previous one is back".to_owned()];
    notes.extend(outages);
    let idle = || {
        used.iter()
            .filter(|(_, workloads)| workloads.is_empty())
            .map(|(secret, _)| secret)
    };
    if idle().next().is_some() {
        notes.push(unused(idle()));
    }
    notes.extend(commands.map(|command| format!("the same by hand: {command}")));
    let plan = Plan {
        targets: used
            .iter()
            .filter(|(_, workloads)| !workloads.is_empty())
            .map(|(secret, workloads)| {
                let steps = workloads.iter().map(|workload| Step::Restart {
                    workload: workload.to_string(),
                });
                (secret.clone(), steps.collect())
            })
            .collect(),
        notes,
        command,
        place: context.place(),
        question: Some("Restart them?".to_owned()),
        ..Plan::default()
    };
    front.confirm(plan).await?;
    let tell = Teller::new(front.listener());
    // One that uses several of the Secrets is restarted once.
    let mut back: Vec<Workload> = Vec::new();
    for (secret, workloads) in &used {
        if context.cancel.is_cancelled() {
            return Err(OpError::new(
                Blame::Interrupted,
                "cancelled: workloads that were restarted stay restarted",
            ));
        }
        let told = tell.about(secret.clone());
        let (before, now_due): (Vec<Workload>, Vec<Workload>) =
            workloads.iter().cloned().partition(|workload| back.contains(workload));
        for workload in &before {
            told.tell(EventKind::Restarted {
                workload: workload.to_string(),
            });
        }
        let restarted = rollout::restart(&api, &now_due, now(), LIMIT, &told).await;
        record_restarts(&api, secret, &restarted.done).await;
        back.extend(restarted.done);
        if let Some(error) = restarted.stopped {
            told.tell(EventKind::Failed {
                error: crate::error::chain(&error),
                hint: error.hint(),
            });
            return Err(failed(&error));
        }
        if !workloads.is_empty() {
            told.tell(EventKind::Done);
        }
    }
    front.finish();
    printed(format!("{} restarted", counted(all.len(), "workload")), front)
}

fn printed(said: String, front: &dyn Front) -> Result<Report, OpError> {
    front.print(&format!("{said}\n"))?;
    Ok(Report { said })
}

/// That no workload uses these Secrets.
fn unused<'a>(secrets: impl Iterator<Item = &'a Key>) -> String {
    let secrets: Vec<&Key> = secrets.collect();
    let (word, it) = match secrets.len() {
        1 => ("Secret", "it"),
        _ => ("Secrets", "them"),
    };
    format!(
        "no workload uses {word} {}: no Deployment, StatefulSet or DaemonSet has {it} in its Pods, so nothing has to be \
         restarted; ingress controllers notice a changed Secret by themselves",
        first_few(&secrets)
    )
}

/// The workloads that use each Secret, in whatever way.
async fn workloads(connection: &Connection, secrets: &[Key]) -> Result<BTreeMap<Key, Vec<Workload>>, OpError> {
    let mut namespaces: Vec<Text> = secrets.iter().map(|key| key.namespace.clone()).collect();
    namespaces.sort();
    namespaces.dedup();
    let (sink, mut changes) = tokio::sync::mpsc::channel(64);
    let from = connection.clone();
    let listing = tokio::spawn(async move { consumers(&from, Some(&namespaces), sink).await });
    let mut found: BTreeMap<Key, Vec<Workload>> = secrets.iter().map(|key| (key.clone(), Vec::new())).collect();
    let mut unread = None;
    while let Some(change) = changes.recv().await {
        let consumer = match change {
            Change::Set(Object::Consumer(consumer)) => consumer,
            // Who cannot be seen may use it all the same.
            Change::Forbidden(forbidden) if rollout::WorkloadKind::of(forbidden.kind).is_some() => {
                unread.get_or_insert(forbidden);
                continue;
            }
            _ => continue,
        };
        let Some(kind) = rollout::WorkloadKind::of(consumer.kind) else {
            continue;
        };
        for used in &consumer.uses {
            let secret = Key::new(consumer.meta.namespace.clone(), used.name.clone());
            if let Some(workloads) = found.get_mut(&secret) {
                workloads.push(Workload {
                    kind,
                    key: consumer.meta.key(),
                });
            }
        }
    }
    match listing.await {
        Ok(Err(error)) => return Err(OpError::because(&error)),
        Ok(Ok(listing)) => {
            let of_workloads = |(kind, _): &&(Kind, _)| rollout::WorkloadKind::of(*kind).is_some();
            if let Some((_, error)) = listing.incomplete.iter().find(of_workloads) {
                return Err(OpError::because(error));
            }
        }
        Err(_) => {}
    }
    if let Some(forbidden) = unread {
        let kind = forbidden.kind.plural();
        return Err(OpError::new(
            Blame::Cluster,
            format!(
                "the right to {} {kind} is missing: the workloads that use it are not known",
                forbidden.verb
            ),
        )
        .hint("restart the workloads that use it by hand: `kubectl rollout restart`"));
    }
    for workloads in found.values_mut() {
        workloads.sort();
        workloads.dedup();
    }
    Ok(found)
}
