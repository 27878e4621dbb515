//! `cleanup`: what runs that were killed have left is listed, or removed.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    apply::{Api, Permits, RunId, rights},
    cli::failure::{Exit, Failure},
    clock::now,
    engine::{
        cleanup::{self, Doubt, Leftovers},
        journals::Journals,
        prepare,
    },
    plan::steps::Step,
    settings::{
        Settings,
        layer::{Layer, Origin},
        source::ClusterSecrets,
    },
    solve::dns01::{Dns01, Secrets, Terminal},
    text::{Clear, time},
};

use super::{
    agree,
    args::issue::CleanupCommand,
    counted::in_namespaces,
    error_line, note, print_text,
    settings::{Cluster, layers},
    waiting::Waiting,
};

pub(super) async fn run(command: CleanupCommand) -> Result<Exit, Failure> {
    let cluster = Cluster::new(&command.connection);
    let layers = layers(Layer::empty(Origin::Flags), &command.settings, &cluster).await?;
    let settings = Settings::of(&layers).map_err(|error| Failure::because(&error))?;
    let connection = cluster.connection().await.map_err(|error| Failure::because(&error))?;
    let namespaces: Vec<Option<&str>> = if command.all_namespaces {
        vec![None]
    } else if command.namespace.is_empty() {
        vec![Some(&connection.namespace)]
    } else {
        let given: BTreeSet<&str> = command.namespace.iter().map(String::as_str).collect();
        given.into_iter().map(Some).collect()
    };
    let reading = Api::new(connection.clone(), Permits::none());
    let waiting = Waiting::for_server(connection);
    let (all, mut exit) = found(&reading, namespaces, command.force).await;
    drop(waiting);
    let ending = all.iter().map(|found| found.ending).sum::<usize>();
    if all.iter().all(Leftovers::is_empty) {
        match (exit, ending) {
            (Exit::Ok, 0) => note(&format!(
                "nothing is left behind{}",
                looked_at(&command, &connection.namespace)
            )),
            (Exit::Ok, _) => note(&format!("nothing else is left behind: {}", being_deleted(ending))),
            (_, 0) => {}
            _ => note(&being_deleted(ending)),
        }
        return Ok(exit);
    }
    if ending > 0 {
        note(&being_deleted(ending));
    }
    let dns = dns(&settings, &reading)?;
    let (mut goes, mut stays) = (Vec::new(), Vec::new());
    for found in &all {
        let plan = found.plan(dns.as_ref()).await;
        goes.extend(plan.goes.into_iter().map(|what| Step::Remove { what }));
        stays.extend(plan.stays);
    }
    let would = if command.dry_run { "would " } else { "" };
    let going = goes.iter().map(|step| format!("{would}{}\n", Clear(&step.to_string())));
    let staying = stays.iter().map(|trouble| format!("{}\n", Clear(&trouble.text)));
    print_text(&going.chain(staying).collect::<String>())?;
    let mut hints: BTreeSet<String> = stays.iter().filter_map(|trouble| trouble.hint.clone()).collect();
    for hint in &hints {
        super::hint(hint);
    }
    if !stays.is_empty() {
        exit = Exit::Write;
    }
    if command.dry_run {
        return Ok(exit);
    }
    if goes.is_empty() {
        for trouble in &stays {
            error_line(&trouble.text);
        }
        return Ok(exit);
    }
    may_be_removed(&reading, &all).await?;
    let alive = all.iter().map(|found| found.alive.len()).sum::<usize>();
    let question = match (goes.len(), command.force && alive > 0) {
        (1, false) => "Remove it?".to_owned(),
        (count, false) => format!("Remove these {count}?"),
        (count, true) => format!("Remove these {count}, among them what runs that may be going on have made?"),
    };
    agree::asked(&question, command.yes)?;
    let run = RunId::random();
    let mut count = 0;
    for found in &all {
        let api = reading.with_permits(found.permits());
        let removed = found.remove(&api, dns.as_ref(), &run, &BTreeSet::new()).await;
        count += removed.count;
        for trouble in removed.trouble {
            exit = Exit::Write;
            let hint = trouble.hint.filter(|hint| hints.insert(hint.clone()));
            error_line(&trouble.text);
            hint.as_deref().into_iter().for_each(super::hint);
        }
    }
    note(&format!("removed {count}"));
    Ok(exit)
}

/// Where it was looked, unless that was everywhere.
fn looked_at(command: &CleanupCommand, usual: &str) -> String {
    match command.namespace.as_slice() {
        _ if command.all_namespaces => String::new(),
        [] => format!(" {}; -A looks in all", in_namespaces(&[usual])),
        given => format!(" {}", in_namespaces(given)),
    }
}

/// What was left in each namespace, and how the command ends where that could not be read.
async fn found(api: &Api, namespaces: Vec<Option<&str>>, force: bool) -> (Vec<Leftovers>, Exit) {
    let mut exit = Exit::Ok;
    let mut all = Vec::new();
    let looks = |seconds| {
        note(&format!(
            "a run elsewhere may have ended: watching its Lease for {seconds} s (--force skips this)"
        ));
    };
    let doubt = if force { Doubt::Force } else { Doubt::Look(&looks) };
    for namespace in namespaces {
        let found = cleanup::find(api, namespace, &doubt, now()).await;
        for error in &found.unread {
            exit = Exit::Cluster;
            super::failed(&Failure::because(error));
        }
        for alive in found.alive.iter().filter(|_| !force) {
            let secret = alive.secret.as_ref().map(ToString::to_string).unwrap_or_default();
            note(&format!(
                "skipped: {} has been working on Secret {secret} since {}",
                alive.holder,
                time::date_time(alive.since)
            ));
        }
        all.push(found);
    }
    (all, exit)
}

/// What is left out of the list, because it goes by itself.
fn being_deleted(count: usize) -> String {
    match count {
        1 => "1 object is being deleted already".to_owned(),
        _ => format!("{count} objects are being deleted already"),
    }
}

/// Asks for all rights before the first thing is removed.
async fn may_be_removed(api: &Api, all: &[Leftovers]) -> Result<(), Failure> {
    let mut permits = Permits::none();
    for found in all {
        permits.extend(found.permits());
    }
    // A server that does not say what is allowed says it when something is removed.
    let _waiting = Waiting::for_server(api.connection());
    let Ok(missing) = rights::missing(api, &permits).await else {
        return Ok(());
    };
    if missing.is_none() {
        return Ok(());
    }
    Err(Failure::because(&missing).after("nothing was removed"))
}

/// Who removes records: by the providers of the settings.
fn dns(settings: &Settings, api: &Api) -> Result<Option<Dns01>, Failure> {
    let secrets: Arc<dyn Secrets> = Arc::new(ClusterSecrets(api.clone()));
    prepare::dns01(
        &settings.dns01,
        &Arc::new(Journals::default()),
        secrets,
        Arc::new(Terminal),
    )
    .map_err(|error| Failure::because(&error).exit(Exit::Usage))
}
