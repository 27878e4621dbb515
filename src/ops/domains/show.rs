//! `domains show`: all about one host.

use super::{
    Domain,
    objects::{failed, read},
};
use crate::{
    apply::{Api, ApiError, Permits},
    clock::now,
    domain::{Host, Told, state},
    error::Blame,
    object::{Key, Seconds, resource::DOMAIN},
    ops::{Context, OpError},
    settings::domains::NAMESPACE,
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The host.
    pub host: Host,
    /// The namespace; `None`: the context's, and if it is not there, all.
    pub namespace: Option<String>,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The object.
    pub domain: Domain,
    /// Where it stands; `None` if its record cannot be read.
    pub told: Option<Told>,
    /// When it was judged, in seconds since 1970.
    pub now: Seconds,
}

/// Reads the Domain of a host.
///
/// # Errors
///
/// There is none, or the cluster cannot be read.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let connection = context.cluster.connection().await?.clone();
    let _waiting = context.front().wait_for_server(&connection);
    let namespace = request
        .namespace
        .clone()
        .unwrap_or_else(|| connection.namespace.clone());
    let api = Api::new(connection, Permits::none());
    let domain = find(&api, &request.host, &namespace, request.namespace.is_none()).await?;
    let now = now();
    let told = domain.record.as_ref().ok().map(|record| state(record, now));
    Ok(Report { domain, told, now })
}

/// The Domain of a host, in a namespace or, where that is permitted, in any.
async fn find(api: &Api, host: &Host, namespace: &str, anywhere: bool) -> Result<Domain, OpError> {
    let key = Key::new(namespace, host.as_str());
    let found = api.get(DOMAIN, &key).await.map_err(|error| failed(&error))?;
    if let Some(domain) = found.and_then(|object| read(object, NAMESPACE)) {
        return Ok(domain);
    }
    let mut all = Vec::new();
    if anywhere {
        let take = |object| read(object, NAMESPACE).filter(|domain| domain.key.name == host.as_str());
        all = match api.list_as(DOMAIN, None, None, take).await {
            Err(ApiError::Forbidden { .. }) => Vec::new(),
            other => other.map_err(|error| failed(&error))?,
        };
    }
    // Of several, the one that has the host.
    let released = |domain: &Domain| domain.record.as_ref().is_ok_and(|record| record.released.is_some());
    all.sort_by_key(|domain| {
        (
            released(domain),
            domain.record.as_ref().map_or(Seconds::MAX, |record| record.since),
        )
    });
    all.into_iter().next().ok_or_else(|| {
        OpError::new(Blame::Usage, format!("there is no Domain {host}"))
            .hint(format!("`kubectl certs domains put {host}` registers it"))
    })
}
