//! `cleanup`: what runs that were killed have left is listed, or removed.

use std::{collections::BTreeSet, sync::Arc};

use crate::text::in_namespaces;
use crate::{
    apply::{Api, Permits, RunId, rights},
    clock::now,
    engine::{
        cleanup::{self, Doubt, Leftovers},
        prepare,
    },
    error::Blame,
    k8s::namespace_exists,
    plan::{Plan, steps::Step},
    settings::{
        Settings,
        layer::{Layer, Origin},
        source::ClusterSecrets,
    },
    solve::dns01::{Dns01, Secrets, remove_stale_files},
    text::{Clear, counted, time},
};

use super::{Context, Front, OpError, session::no_namespace};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The namespaces; none is the context's.
    pub namespace: Vec<String>,
    /// Whether all namespaces are looked through.
    pub all_namespaces: bool,
    /// Whether what runs that may be going on have made is removed too.
    pub force: bool,
    /// Whether it is only shown.
    pub is_dry: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Report {
    /// How much was removed.
    pub removed: usize,
    /// What is to blame for what could not be read or removed, which was told.
    pub trouble: Option<Blame>,
}

/// Removes the files of hooks that killed runs have left on this machine. They are nobody's, so that nobody is asked.
fn remove_files(request: &Request, front: &dyn Front) {
    let count = if request.is_dry { 0 } else { remove_stale_files() };
    if count > 0 {
        let pairs = counted(count, "certificate");
        front.note(&format!(
            "removed the files of {pairs} that a hook of a killed run had been given"
        ));
    }
}

/// Lists what killed runs have left, and removes it after it was confirmed.
///
/// # Errors
///
/// The settings or the cluster cannot be read; a right is missing; or it is not wanted.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let layers = context.layers(Layer::empty(Origin::Flags)).await?;
    let settings = Settings::of(&layers).map_err(|error| OpError::because(&error))?;
    remove_files(request, front);
    let connection = context.cluster.connection().await?;
    let namespaces: Vec<Option<&str>> = if request.all_namespaces {
        vec![None]
    } else if request.namespace.is_empty() {
        vec![Some(&connection.namespace)]
    } else {
        let given: BTreeSet<&str> = request.namespace.iter().map(String::as_str).collect();
        given.into_iter().map(Some).collect()
    };
    for name in &request.namespace {
        let _waiting = front.wait_for_server(connection);
        if namespace_exists(connection, name).await == Some(false) {
            return Err(no_namespace(connection, name).await);
        }
    }
    let reading = Api::new(connection.clone(), Permits::none());
    let waiting = front.wait_for_server(connection);
    let (all, mut trouble) = found(&reading, namespaces, request.force, front).await;
    drop(waiting);
    let ending = all.iter().map(|found| found.ending).sum::<usize>();
    if all.iter().all(Leftovers::is_empty) {
        match (trouble, ending) {
            (None, 0) => front.note(&format!(
                "nothing is left behind{}",
                looked_at(request, &connection.namespace)
            )),
            (None, _) => front.note(&format!("nothing else is left behind: {}", being_deleted(ending))),
            (_, 0) => {}
            _ => front.note(&being_deleted(ending)),
        }
        return Ok(Report { removed: 0, trouble });
    }
    if ending > 0 {
        front.note(&being_deleted(ending));
    }
    let dns = dns(&settings, &reading, front)?;
    let (mut goes, mut stays) = (Vec::new(), Vec::new());
    for found in &all {
        let plan = found.plan(dns.as_ref()).await;
        goes.extend(plan.goes.into_iter().map(|what| Step::Remove { what }));
        stays.extend(plan.stays);
    }
    let would = if request.is_dry { "would " } else { "" };
    let going = goes.iter().map(|step| format!("{would}{}\n", Clear(&step.to_string())));
    let staying = stays.iter().map(|trouble| format!("{}\n", Clear(&trouble.text)));
    front.print(&going.chain(staying).collect::<String>())?;
    let mut hints: BTreeSet<String> = stays.iter().filter_map(|trouble| trouble.hint.clone()).collect();
    for hint in &hints {
        front.hint(hint);
    }
    if !stays.is_empty() {
        trouble = Some(Blame::Write);
    }
    if request.is_dry {
        return Ok(Report { removed: 0, trouble });
    }
    if goes.is_empty() {
        for trouble in &stays {
            front.error(&trouble.text);
        }
        return Ok(Report { removed: 0, trouble });
    }
    may_be_removed(&reading, &all, front).await?;
    let alive = all.iter().map(|found| found.alive.len()).sum::<usize>();
    let question = match (goes.len(), request.force && alive > 0) {
        (1, false) => "Remove it?".to_owned(),
        (count, false) => format!("Remove these {count}?"),
        (count, true) => format!("Remove these {count}, among them what runs that may be going on have made?"),
    };
    front
        .confirm(Plan {
            place: context.place(),
            question: Some(question),
            ..Plan::default()
        })
        .await?;
    let run = RunId::random();
    let mut count = 0;
    for found in &all {
        let api = reading.with_permits(found.permits());
        let removed = found.remove(&api, dns.as_ref(), &run, &BTreeSet::new()).await;
        count += removed.count;
        for one in removed.trouble {
            trouble = Some(Blame::Write);
            let hint = one.hint.filter(|hint| hints.insert(hint.clone()));
            front.error(&one.text);
            hint.as_deref().into_iter().for_each(|hint| front.hint(hint));
        }
    }
    front.note(&format!("removed {count}"));
    Ok(Report {
        removed: count,
        trouble,
    })
}

/// Where it was looked, unless that was everywhere.
fn looked_at(request: &Request, usual: &str) -> String {
    match request.namespace.as_slice() {
        _ if request.all_namespaces => String::new(),
        [] => format!(" {}; -A looks in all", in_namespaces(&[usual])),
        given => format!(" {}", in_namespaces(given)),
    }
}

/// What was left in each namespace, and what is to blame where that could not be read.
async fn found(
    api: &Api,
    namespaces: Vec<Option<&str>>,
    force: bool,
    front: &dyn Front,
) -> (Vec<Leftovers>, Option<Blame>) {
    let mut trouble = None;
    let mut all = Vec::new();
    let looks = |seconds| {
        front.note(&format!(
            "a run elsewhere may have ended: watching its Lease for {seconds} s (--force skips this)"
        ));
    };
    let doubt = if force { Doubt::Force } else { Doubt::Look(&looks) };
    for namespace in namespaces {
        let found = cleanup::find(api, namespace, &doubt, now()).await;
        for error in &found.unread {
            trouble = Some(Blame::Cluster);
            front.failed(&OpError::because(error));
        }
        for alive in &found.alive {
            let what = if force { "--force cuts this run off" } else { "skipped" };
            let secret = alive.secret.as_ref().map(ToString::to_string).unwrap_or_default();
            front.note(&format!(
                "{what}: {} has been working on Secret {secret} since {}",
                alive.holder,
                time::date_time(alive.since)
            ));
        }
        all.push(found);
    }
    (all, trouble)
}

/// What is left out of the list, because it goes by itself.
fn being_deleted(count: usize) -> String {
    match count {
        1 => "1 object is being deleted already".to_owned(),
        _ => format!("{count} objects are being deleted already"),
    }
}

/// Asks for all rights before the first thing is removed.
async fn may_be_removed(api: &Api, all: &[Leftovers], front: &dyn Front) -> Result<(), OpError> {
    let mut permits = Permits::none();
    for found in all {
        permits.extend(found.permits());
    }
    // A server that does not say what is allowed says it when something is removed.
    let _waiting = front.wait_for_server(api.connection());
    let Ok(missing) = rights::missing(api, &permits).await else {
        return Ok(());
    };
    if missing.is_none() {
        return Ok(());
    }
    Err(OpError::because(&missing).after("nothing was removed"))
}

/// Who removes records: by the providers of the settings.
fn dns(settings: &Settings, api: &Api, front: &dyn Front) -> Result<Option<Dns01>, OpError> {
    let secrets: Arc<dyn Secrets> = Arc::new(ClusterSecrets(api.clone()));
    prepare::dns01(&settings.dns01, &Arc::default(), secrets, front.operator())
        .map_err(|error| OpError::because(&error).blame(Blame::Usage))
}
