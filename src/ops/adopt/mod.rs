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

mod carry;
mod installation;
mod objects;
mod read;
mod record;
mod tell;
mod undo;

use serde_json::Value;

use super::{
    Context, Front, OpError, Source,
    session::{Open, Session},
    unattended::install_of,
    why::Due,
};
use crate::{
    apply::{
        Api, Permit, Permits, Verb,
        adopted::{Record, State},
        mark::{self, Purpose},
        rights,
    },
    error::Blame,
    object::{Key, resource::SECRET},
    plan::{
        Plan,
        adopt::{Former, groups},
    },
    text::counted,
};
use carry::Carrier;
use installation::Installation;

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
    let waiting = front.wait_for_server(&connection);
    let installation = Installation::find(&api, request.controller_namespace.as_deref()).await?;
    let namespaces = namespaces(request, &connection.namespace);
    let records = records(&api, &installation.namespace, &namespaces).await?;
    drop(waiting);
    if request.undo {
        return undo::run(request, context, &api, &installation, records).await;
    }
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

/// What was taken over before, of these namespaces.
async fn records(api: &Api, namespace: &str, namespaces: &[String]) -> Result<Vec<Record>, OpError> {
    let selector = mark::selector(Some(Purpose::Adopted));
    let found = api.list(SECRET, Some(namespace), Some(&selector)).await;
    let found = found.map_err(|error| OpError::because(&error).after("what was taken over before cannot be read"))?;
    let mut all: Vec<Record> = found.iter().filter_map(Record::read).collect();
    all.retain(|record| {
        record.name().is_some_and(|name| {
            namespaces.is_empty() || namespaces.iter().any(|one| name.namespace == one.as_str())
        })
    });
    all.sort_by_key(Record::name);
    Ok(all)
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
    let session = Session::open(&context.cluster, &request.source, &context.checks(), &[], open).await?;
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
    if work.is_empty() || request.is_dry {
        return Ok(report);
    }
    let permits = permits(&work, installation, false);
    may_be_changed(api, &permits, front).await?;
    let count = work.iter().map(|record| record.secrets.len()).sum();
    confirm(context, format!("Adopt {}?", counted(count, "certificate"))).await?;
    let api = api.with_permits(permits);
    let Some(install) = install_of(&api, &installation.account).await? else {
        return Err(OpError::usage(format!("there is no Secret {} any more", installation.account)));
    };
    let carrier = Carrier::new(api, context, installation, install);
    report.trouble = carrier.adopt(work, &mut report.done).await?;
    tell::adopted(&report, installation, front);
    Ok(report)
}

/// The rights for taking this over, or for giving it back.
fn permits(records: &[Record], installation: &Installation, is_back: bool) -> Permits {
    let one = |verbs: &[Verb], resource, key: &Key| {
        Permit::one(verbs, resource, key.namespace.clone(), key.name.clone())
    };
    let mut all = Permits::none().with(one(&[Verb::Get, Verb::Patch], SECRET, &installation.account));
    let kept = [Verb::Get, Verb::Create, Verb::Update, Verb::Delete];
    let at = installation.namespace.as_str();
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
            let verbs = if is_back { [Verb::Get, Verb::Create] } else { [Verb::Get, Verb::Delete] };
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
