//! `domains list`: where the hosts stand.

use super::{
    Domain,
    objects::{failed, read},
};
use crate::{
    apply::{Api, Permits},
    clock::now,
    domain::{Host, State, Tenant, Told, state},
    object::{Seconds, resource::DOMAIN},
    ops::{Context, OpError},
    settings::domains::NAMESPACE,
};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The namespace; `None` is the context's.
    pub namespace: Option<String>,
    /// Whether all namespaces are read.
    pub all_namespaces: bool,
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of this tenant.
    pub tenant: Option<Tenant>,
    /// Only those after this host, in the order of hosts.
    pub after: Option<Host>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// One host.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its object.
    pub domain: Domain,
    /// Where it stands; `None` if its record cannot be read.
    pub told: Option<Told>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The hosts, in their order.
    pub lines: Vec<Line>,
    /// The last host, if there are more after it.
    pub next: Option<String>,
    /// When it was judged, in seconds since 1970.
    pub now: Seconds,
}

/// Reads the Domains.
///
/// # Errors
///
/// The cluster cannot be read, or does not know the kind.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let connection = context.cluster.connection().await?.clone();
    let _waiting = context.front().wait_for_server(&connection);
    let namespace = match &request.namespace {
        _ if request.all_namespaces => None,
        Some(namespace) => Some(namespace.clone()),
        None => Some(connection.namespace.clone()),
    };
    let now = now();
    let api = Api::new(connection, Permits::none());
    let take = |object| {
        let domain = read(object, NAMESPACE)?;
        let told = domain.record.as_ref().ok().map(|record| state(record, now));
        let line = Line { domain, told };
        is_wanted(&line, request).then_some(line)
    };
    let found = api.list_as(DOMAIN, namespace.as_deref(), None, take).await;
    let mut lines = found.map_err(|error| failed(&error))?;
    lines.sort_unstable_by(|one, other| {
        let by = |line: &Line| (line.domain.key.name.clone(), line.domain.key.namespace.clone());
        by(one).cmp(&by(other))
    });
    let mut next = None;
    if let Some(limit) = request.limit.filter(|limit| lines.len() > *limit) {
        lines.truncate(limit);
        next = lines.last().map(|line| line.domain.key.name.to_string());
    }
    Ok(Report { lines, next, now })
}

fn is_wanted(line: &Line, request: &Request) -> bool {
    let record = line.domain.record.as_ref().ok();
    let after = |after: &Host| line.domain.key.name.as_str() > after.as_str();
    let of = |tenant: &Tenant| record.is_some_and(|record| record.tenant == *tenant);
    let is_in = |state: State| line.told.as_ref().is_some_and(|told| told.state == state);
    request.after.as_ref().is_none_or(after)
        && request.tenant.as_ref().is_none_or(of)
        && request.state.is_none_or(is_in)
}
