//! `adopt`: certificates that others keep are handed to the installation, without an order, and given back with `undo`.
//!
//! ```text
//! kept down: what everything looks like now
//! former keeper lets go:  annotations of routes, CronJob or Deployment, Certificate, marks on the Secret
//! a pause, and a look whether anything has come back
//! this program takes it:  claim on the Secret, annotation of routes
//! ```
//!
//! Each step looks first whether it is done, so that a run that was killed is gone on with by the next one, and undone from wherever it
//! was.

mod account;
mod carry;
mod installation;
mod objects;
mod read;
mod record;
mod tell;
mod undo;

use serde_json::Value;

use super::{
    Context, Front, OpError, Source, install_id,
    session::{Open, Session},
    why::Due,
};
use crate::{
    apply::{
        Api, Permit, Permits, RunId, Verb,
        adopted::{Record, State},
        mark::{self, Purpose},
        rights,
    },
    engine::prepare::store_options,
    error::Blame,
    object::{Key, resource::SECRET},
    plan::{
        Plan,
        adopt::{Former, groups},
    },
    text::{Clear, counted},
};
use account::Taking;
use carry::Carrier;
pub(in crate::ops) use installation::Installation;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The namespaces.
    pub source: Source,
    /// Whose certificates; none is everybody's.
    pub from: Vec<Former>,
    /// The namespace of the installation; `None` if there is one alone.
    pub controller_namespace: Option<String>,
    /// Whether they are given back.
    pub undo: bool,
    /// The Secret with the account's key of the former keeper, which goes over too: its owner has said so by naming it.
    pub import_account: Option<Key>,
    /// Whether what other programs write again is taken over too.
    pub force: bool,
    /// Whether it is only shown.
    pub is_dry: bool,
    /// When the installation renews a certificate.
    pub due: Due,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// How many Secrets were taken over, or given back.
    pub done: usize,
    /// How many are left because somebody has to decide something.
    pub undecided: usize,
    /// What is to blame for what failed, which was told.
    pub trouble: Option<Blame>,
}

/// Shows what is taken over, asks, and does it; or gives it back.
///
/// # Errors
///
/// There is no installation that could keep certificates, the cluster cannot be read, a right is missing, or it is not wanted. What fails
/// for one certificate is told, and the others go on.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let connection = context.cluster.connection().await?.clone();
    let api = Api::new(connection.clone(), Permits::none());
    let namespaces = namespaces(request, &connection.namespace);
    let waiting = front.wait_for_server(&connection);
    if request.undo {
        let all = records(&api, request.controller_namespace.as_deref(), &[]).await?;
        drop(waiting);
        return undo::run(request, context, &api, &namespaces, all).await;
    }
    let needs_account = request.import_account.is_none();
    let installation = Installation::find(&api, request.controller_namespace.as_deref(), needs_account).await?;
    let records = records(&api, Some(&installation.namespace), &namespaces).await?;
    let records = records.into_iter().map(|(_, record)| record).collect();
    drop(waiting);
    Box::pin(adopt(request, context, &api, &installation, records)).await
}

/// The namespaces that are asked for; none is all.
fn namespaces(request: &Request, of_context: &str) -> Vec<String> {
    match (request.source.all_namespaces, request.source.namespace.as_slice()) {
        (true, _) => Vec::new(),
        (false, []) => vec![of_context.to_owned()],
        (false, named) => named.to_vec(),
    }
}

/// What was taken over before, of these namespaces, by the installation in one or by any: each with the installation's namespace.
async fn records(api: &Api, namespace: Option<&str>, namespaces: &[String]) -> Result<Vec<(String, Record)>, OpError> {
    let selector = mark::selector(Some(Purpose::Adopted));
    let found = api.list(SECRET, namespace, Some(&selector)).await;
    let found = found.map_err(|error| {
        let error = OpError::because(&error).after("what was taken over before cannot be read");
        match namespace {
            Some(_) => error,
            None => error.hint("--controller-namespace names the namespace of the installation that took it over"),
        }
    })?;
    let read = |object: &Value| Some((key_of(object).namespace.to_string(), Record::read(object)?));
    let mut all: Vec<(String, Record)> = found.iter().filter_map(read).collect();
    all.retain(|(_, record)| is_of(record, namespaces));
    all.sort_by_key(|(at, record)| (at.clone(), record.name()));
    Ok(all)
}

/// Whether what was taken over is in one of these namespaces; none is all.
fn is_of(record: &Record, namespaces: &[String]) -> bool {
    let name = record.name();
    namespaces.is_empty() || name.is_some_and(|name| namespaces.iter().any(|one| name.namespace == one.as_str()))
}

async fn adopt(
    request: &Request,
    context: &Context,
    api: &Api,
    installation: &Installation,
    records: Vec<Record>,
) -> Result<Report, OpError> {
    let front = &**context.front();
    let open = Open {
        quiet: true,
        ..Open::default()
    };
    let mut session = Session::open(&context.cluster, &request.source, &context.checks(), &[], open).await?;
    session.inventory.set_home(installation.account.namespace.clone());
    if session.trouble.is_some() {
        return Err(OpError::new(
            Blame::Cluster,
            "not everything could be read, so that nobody knows who keeps what: nothing was changed",
        ));
    }
    let waiting = front.wait_for_server(api.connection());
    let found = read::read(api, &session, request, installation, front).await?;
    drop(waiting);
    let (returning, begun): (Vec<Record>, Vec<Record>) = records
        .into_iter()
        .filter(|record| record.state != State::Done)
        .partition(|record| record.state == State::Returning);
    let is_on_its_way = |secret: &Key| {
        let mut all = returning.iter().chain(&begun);
        all.any(|record| record.secrets.iter().any(|one| one.secret.key() == *secret))
    };
    let mut all = groups(&found.facts, &request.from, request.force);
    all.retain(|group| !group.secrets.iter().any(is_on_its_way));
    let (ready, undecided): (Vec<_>, Vec<_>) = all.into_iter().partition(|group| group.decisions.is_empty());
    let now = crate::clock::now();
    let mut work: Vec<Record> = begun;
    tell::plan(request, &work, &returning, &ready, &undecided, &found.facts, front)?;
    for group in &ready {
        match record::of(group, &found, now) {
            Some(record) => work.push(record),
            None => front.error(&format!(
                "{} is too much to keep down in one Secret, so that it could not be given back: it stays",
                tell::title(group)
            )),
        }
    }
    let mut report = Report {
        undecided: undecided.iter().map(|group| group.secrets.len().max(1)).sum(),
        ..Report::default()
    };
    let taking = match &request.import_account {
        Some(account) => Some(Taking::find(account, &work, api, installation, context).await?),
        None => None,
    };
    if let Some(taking) = &taking {
        let would = if request.is_dry { "would " } else { "" };
        front.print(&format!("{}\n", Clear(&format!("{would}{}", taking.step()))))?;
    }
    if request.is_dry || (work.is_empty() && taking.is_none()) {
        return Ok(report);
    }
    let mut permits = permits(&work, &installation.namespace, false);
    let account = &installation.account;
    permits.add(Permit::one(
        &[Verb::Get, Verb::Patch],
        SECRET,
        account.namespace.clone(),
        account.name.clone(),
    ));
    if let Some(taking) = &taking {
        permits.extend(taking.permits().await);
    }
    may_be_changed(api, &permits, front).await?;
    let count = work.iter().map(|record| record.secrets.len()).sum();
    let with = if taking.is_some() {
        ", and take over the account"
    } else {
        ""
    };
    confirm(context, format!("Adopt {}{with}?", counted(count, "certificate"))).await?;
    if let Some(taking) = &taking {
        taking.take(context).await?;
    }
    let api = api.with_permits(permits);
    let Some(install) = install_id::note(&api, &installation.account, RunId::random().as_str()).await? else {
        return Err(OpError::usage(format!(
            "there is no Secret {} any more",
            installation.account
        )));
    };
    let slots = store_options(&installation.settings).slots;
    let carrier = Carrier::new(api, context, &installation.namespace, install, slots);
    report.trouble = carrier.adopt(work, &mut report.done).await?;
    tell::adopted(&report, installation, front);
    Ok(report)
}

/// The rights for taking this over, or for giving it back, where the installation's namespace keeps it down.
fn permits(records: &[Record], at: &str, is_back: bool) -> Permits {
    let one =
        |verbs: &[Verb], resource, key: &Key| Permit::one(verbs, resource, key.namespace.clone(), key.name.clone());
    let mut all = Permits::none();
    let kept = [Verb::Get, Verb::Create, Verb::Update, Verb::Delete];
    all.add(Permit::prefix(&kept, SECRET, at, Purpose::Adopted.prefix()));
    let patch = [Verb::Get, Verb::Patch];
    for record in records {
        let routes = record.routes.iter().map(|one| &one.route);
        let programs = record.programs.iter().map(|one| &one.program);
        let secrets = record.secrets.iter().map(|one| &one.secret);
        for which in routes.chain(programs).chain(secrets) {
            if let Some(resource) = objects::resource(which) {
                all.add(one(&patch, resource, &which.key()));
            }
        }
        for before in &record.certificates {
            let verbs = if is_back {
                [Verb::Get, Verb::Create]
            } else {
                [Verb::Get, Verb::Delete]
            };
            if let Some(resource) = objects::resource(&before.certificate) {
                all.add(one(&verbs, resource, &before.certificate.key()));
            }
        }
    }
    all
}

async fn may_be_changed(api: &Api, permits: &Permits, front: &dyn Front) -> Result<(), OpError> {
    let _waiting = front.wait_for_server(api.connection());
    // A server that does not say what is allowed says it when something is changed.
    let Ok(missing) = rights::missing(api, permits).await else {
        return Ok(());
    };
    if missing.is_none() {
        return Ok(());
    }
    Err(OpError::because(&missing)
        .after("nothing was changed")
        .blame(Blame::Cluster))
}

async fn confirm(context: &Context, question: String) -> Result<(), OpError> {
    let plan = Plan {
        place: context.place(),
        question: Some(question),
        ..Plan::default()
    };
    context.front().confirm(plan).await
}

/// An object's namespace and name.
fn key_of(object: &Value) -> Key {
    use crate::k8s::Own as _;
    object.key()
}
