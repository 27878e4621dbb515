//! `domains import`: certificates that another program keeps for customers' domains go over with their keys, without an order.
//!
//! ```text
//! store ─→ Found ─→ Judge ─→ Importer: kept pair ─→ Secret ─→ Domain
//!  twice: once to count and to tell what is wrong, and once more to write, a few at a time
//! ```
//!
//! The Secret is there before the Domain, or the controller would order for it. What is there already is left as it is, so that a run
//! that was ended goes on when it is run again.

mod auto_ssl;
mod caddy;
mod found;
mod judge;
mod pem;
mod rdb;
#[cfg(test)]
mod tests;
mod write;

use std::{path::PathBuf, sync::Arc};

use super::objects::{Known, known};
use crate::{
    apply::{Api, Permit, Permits, Purpose, RunId, Verb, rights},
    clock::now,
    engine::prepare::store_options,
    error::Blame,
    object::resource::{DOMAIN, SECRET},
    ops::{Context, Front, OpError, adopt::Installation, install_id},
    plan::Plan,
    text::{counted, quote},
};
pub use found::Form;
use found::{Item, StoreError, walk};
use judge::{Judge, Judged};
use write::Importer;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whose store it is.
    pub form: Form,
    /// Where it is.
    pub path: PathBuf,
    /// The namespace of the Domains and their Secrets; `None` is the context's.
    pub namespace: Option<String>,
    /// Whose they are, in the namespace of the domains that the API registers.
    pub tenant: Option<String>,
    /// The namespace of the installation; `None` if there is one alone.
    pub controller_namespace: Option<String>,
    /// Whether the installation's CA issued them, which nothing in a certificate of a CA of one's own says.
    pub same_ca: bool,
    /// Whether it is only shown.
    pub is_dry: bool,
}

/// What came of it, in hosts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// How many were imported.
    pub imported: usize,
    /// How many were there already, with this certificate or a newer one.
    pub as_they_were: usize,
    /// How many are left because of something that was told.
    pub left: usize,
    /// What is to blame for what failed, which was told.
    pub trouble: Option<Blame>,
}

/// What a store holds.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    certificates: usize,
    hosts: usize,
    problems: usize,
}

/// Reads the store, tells what cannot be imported, asks, and imports the rest.
///
/// # Errors
///
/// The store cannot be read, or holds nothing that could be imported; there is no installation that would keep it; the cluster cannot be
/// read, a right is missing, or it is not wanted. What is wrong with one pair is told, and the others go on.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let connection = context.cluster.connection().await?.clone();
    let api = Api::new(connection.clone(), Permits::none());
    let namespace = request
        .namespace
        .clone()
        .unwrap_or_else(|| connection.namespace.clone());
    let waiting = front.wait_for_server(&connection);
    let installation = Installation::find(&api, request.controller_namespace.as_deref(), false).await?;
    if !installation.follows(&namespace) {
        return Err(OpError::usage(format!(
            "the installation in namespace {} does not follow namespace {namespace}, and would renew nothing there",
            installation.namespace
        ))
        .hint("name one that it follows with -n"));
    }
    let known = known(&api, &namespace, front).await?;
    drop(waiting);
    let judge = Arc::new(Judge::new(&installation, request.same_ca, now()));
    let counts = look(request, &judge, context).await?;
    if counts.hosts == 0 {
        let path = request.path.display();
        return Err(OpError::usage(format!(
            "{path} holds no certificate that could be imported"
        )));
    }
    let mut report = Report {
        left: counts.problems,
        trouble: (counts.problems > 0).then_some(Blame::Usage),
        ..Report::default()
    };
    let permits = permits(&namespace, &installation.namespace);
    if !request.is_dry {
        may_be_written(&api, &permits, front).await?;
        let plan = Plan {
            place: context.place(),
            question: Some(format!(
                "Import {} for {} into namespace {namespace}?",
                counted(counts.certificates, "certificate"),
                counted(counts.hosts, "host")
            )),
            ..Plan::default()
        };
        front.confirm(plan).await?;
        context.cancel.begin();
    }
    let run = RunId::random();
    let install = match &installation.install {
        Some(install) => install.clone(),
        None if request.is_dry => String::new(),
        None => note_install(&api, &installation, &run).await?,
    };
    let importer = Importer {
        api: api.with_permits(permits),
        namespace,
        controller_namespace: installation.namespace.clone(),
        tenant: request.tenant.clone(),
        install,
        options: store_options(&installation.settings),
        directory: installation.ca().directory,
        known,
        run,
        is_dry: request.is_dry,
        now: now(),
    };
    importer.import(request, &judge, context, &mut report).await?;
    if context.cancel.is_cancelled() {
        return Err(OpError::new(
            Blame::Interrupted,
            format!(
                "interrupted after {} of {}",
                report.imported,
                counted(counts.hosts, "host")
            ),
        )
        .hint("running it again goes on"));
    }
    tell(request, &importer.namespace, &report, front);
    Ok(report)
}

/// Reads the store once: counts what could be imported, and tells what could not.
async fn look(request: &Request, judge: &Arc<Judge>, context: &Context) -> Result<Counts, OpError> {
    let (form, path, judge) = (request.form, request.path.clone(), Arc::clone(judge));
    let (front, cancel) = (Arc::clone(context.front()), context.cancel.clone());
    let walked = tokio::task::spawn_blocking(move || {
        let mut counts = Counts::default();
        let mut take = |item: Item| {
            let Judged { pair, problems } = judge.judge(item);
            counts.problems += problems.len();
            for problem in &problems {
                front.warn(problem);
            }
            if let Some(pair) = pair {
                counts.certificates += 1;
                counts.hosts += pair.hosts.len();
            }
            if cancel.is_cancelled() {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        };
        walk(form, &path, &mut take).map(|()| counts)
    });
    walked
        .await
        .map_err(|error| cut_off(&error))?
        .map_err(|error| unread(&error))
}

/// That reading a store failed.
fn unread(error: &StoreError) -> OpError {
    let hint = match error {
        StoreError::Read { .. } => None,
        StoreError::Other { hint, .. } => hint.map(str::to_owned),
    };
    OpError::usage(error).hint_if(hint)
}

fn cut_off(error: &tokio::task::JoinError) -> OpError {
    OpError::new(Blame::Usage, format!("reading was cut off: {error}"))
}

/// What is written: Secrets that are called after their hosts, Domains, and the pairs that the controller keeps.
fn permits(namespace: &str, controller_namespace: &str) -> Permits {
    let write = [Verb::Get, Verb::Create, Verb::Patch];
    let keep = [Verb::Get, Verb::Create, Verb::Update];
    Permits::none()
        .with(Permit::prefix(&write, SECRET, namespace, super::objects::SECRETS))
        .with(Permit::any(&[Verb::Get, Verb::Create], DOMAIN, namespace))
        .with(Permit::prefix(
            &keep,
            SECRET,
            controller_namespace,
            Purpose::Kept.prefix(),
        ))
}

/// Refuses what the cluster would refuse half way.
async fn may_be_written(api: &Api, permits: &Permits, front: &dyn Front) -> Result<(), OpError> {
    let _waiting = front.wait_for_server(api.connection());
    // A server that does not say what is allowed says it when something is written.
    let Ok(missing) = rights::missing(api, permits).await else {
        return Ok(());
    };
    if missing.is_none() {
        return Ok(());
    }
    Err(OpError::because(&missing)
        .after("nothing was imported")
        .blame(Blame::Cluster))
}

/// The id of an installation that has none yet.
async fn note_install(api: &Api, installation: &Installation, run: &RunId) -> Result<String, OpError> {
    let account = &installation.account;
    let permit = Permit::one(
        &[Verb::Get, Verb::Patch],
        SECRET,
        account.namespace.clone(),
        account.name.clone(),
    );
    let api = api.with_permits(Permits::none().with(permit));
    let noted = install_id::note(&api, account, run.as_str()).await?;
    noted.ok_or_else(|| {
        OpError::usage(format!(
            "the installation in namespace {} has no account: there is no Secret {account}",
            installation.namespace
        ))
        .hint("`kubectl certs account register` makes one there")
    })
}

fn tell(request: &Request, namespace: &str, report: &Report, front: &dyn Front) {
    let would = if request.is_dry { "would be " } else { "" };
    let mut parts = vec![format!(
        "{} {would}imported, and nothing was ordered",
        counted(report.imported, "host")
    )];
    if report.as_they_were > 0 {
        parts.push(format!("{} there already", report.as_they_were));
    }
    if report.left > 0 {
        parts.push(format!("{} left out, as told above", report.left));
    }
    front.note(&parts.join("; "));
    if report.imported > 0 && !request.is_dry {
        front.note(&format!(
            "the controller asks the application for each, and renews them when they are due: `kubectl certs domains list -n {}` says where \
             they stand",
            quote(namespace)
        ));
    }
}

/// What is known of a host before anything is written.
type Hosts = std::collections::HashMap<crate::domain::Host, Known>;
