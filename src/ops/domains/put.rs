//! `domains put`: hosts are registered, as the API does it. The application is asked by the controller.

use super::objects::{failed, known, made, secret_name};
use crate::{
    apply::{Api, ApiError, Permit, Permits, RunId, Verb, rights},
    domain::{Host, Tenant},
    error::Blame,
    object::{Key, resource::DOMAIN},
    ops::{Context, OpError},
    plan::Plan,
    text::{counted, first_few, lines},
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The hosts, once each.
    pub hosts: Vec<Host>,
    /// The namespace; `None` is the context's.
    pub namespace: Option<String>,
    /// Whose they are, in the namespace of the domains that the API registers.
    pub tenant: Option<Tenant>,
    /// Whether it is only shown.
    pub is_dry: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// How many were registered, or would be.
    pub registered: usize,
    /// What is to blame for what failed, which was told.
    pub trouble: Option<Blame>,
}

/// Registers the hosts that are not registered yet, after it was confirmed.
///
/// # Errors
///
/// The cluster cannot be read, a right is missing, or it is not wanted. What fails for one host is told, and the others go on.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let connection = context.cluster.connection().await?.clone();
    let namespace = request
        .namespace
        .clone()
        .unwrap_or_else(|| connection.namespace.clone());
    let api = Api::new(connection.clone(), Permits::none());
    let waiting = front.wait_for_server(&connection);
    let known = known(&api, &namespace, front).await?;
    drop(waiting);
    let mut report = Report::default();
    let mut left = Vec::new();
    for host in &request.hosts {
        match known.get(host) {
            None => left.push(host),
            Some(known) => {
                let secret = Key::new(namespace.as_str(), secret_name(host));
                match known.stands_against(&namespace, &secret) {
                    Err(error) if error.blame == Blame::Write && !known.is_of(&namespace) => {
                        report.trouble = report.trouble.max(Some(error.blame));
                        front.failed(&error.after(&format!("{host} is not registered")));
                    }
                    _ => front.note(&format!(
                        "{host} is registered already: `kubectl certs domains show {host}`"
                    )),
                }
            }
        }
    }
    let verb = if request.is_dry { "would register" } else { "register" };
    let lines = lines(left.iter().map(|host| format!("{verb} Domain {namespace}/{host}")));
    front.print(&lines)?;
    if request.is_dry || left.is_empty() {
        report.registered = left.len();
        return Ok(report);
    }
    let permits = Permits::none().with(Permit::any(&[Verb::Get, Verb::Create], DOMAIN, namespace.as_str()));
    if let Ok(missing) = rights::missing(&api, &permits).await
        && !missing.is_none()
    {
        return Err(OpError::because(&missing)
            .after("nothing was registered")
            .blame(Blame::Cluster));
    }
    let plan = Plan {
        place: context.place(),
        question: Some(match left.as_slice() {
            [one] => format!("Register {one} in namespace {namespace}?"),
            several => format!("Register {} in namespace {namespace}?", counted(several.len(), "host")),
        }),
        ..Plan::default()
    };
    front.confirm(plan).await?;
    context.cancel.begin();
    let (api, run) = (api.with_permits(permits), RunId::random());
    for (count, host) in left.iter().enumerate() {
        if context.cancel.is_cancelled() {
            let rest: Vec<&&Host> = left.iter().skip(count).collect();
            return Err(OpError::new(
                Blame::Interrupted,
                format!("interrupted: {} not registered", first_few(&rest)),
            ));
        }
        let tenant = request.tenant.as_ref().map(Tenant::as_str);
        match api.create(DOMAIN, &made(host, &namespace, tenant, &run)).await {
            // Somebody else was faster, which comes to the same.
            Ok(_) | Err(ApiError::AlreadyExists { .. }) => report.registered += 1,
            Err(error) => {
                let error = failed(&error).after(&format!("{host} is not registered"));
                report.trouble = report.trouble.max(Some(error.blame));
                front.failed(&error);
            }
        }
    }
    Ok(report)
}
