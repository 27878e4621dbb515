//! The API of hosts: register, look at, list, release.

use std::sync::{Arc, PoisonError};

use axum::{
    body::{Body, to_bytes},
    extract::{Extension, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;

use super::{
    Scope, Shared,
    body::{DomainBody, PageBody},
    problem::Problem,
    tls::Peer,
    who::Caller,
};
use crate::{
    clock::now,
    domain::{self, Host, HostError, Record, Tenant, ToSet, Told, dns::ownership, state, state_for},
    domains::store::{Filter, StoreError, Version},
    object::Seconds,
    text::url::{decoded, query_fields},
};

/// Where hosts are.
pub(super) const DOMAINS: &str = "/v1/domains";
/// The largest body of a request, in bytes.
const LARGEST: usize = 4 << 10;
/// How many hosts a page has, unless another number is asked for, and at most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1_000;
/// How often a change is tried that meets another one.
const TRIES: usize = 4;
/// How soon a look has to be for another one to be of no use, in seconds.
const SOON: Seconds = 5;
/// The longest reason for a pause, in bytes.
const LONGEST_REASON: usize = 500;

/// What may be said of a host.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    /// Whose it is to be; only callers for all tenants may say another than their own.
    #[serde(default)]
    tenant: Option<Tenant>,
    #[serde(default)]
    paused: Pause,
}

/// What is said of a pause.
#[derive(Debug, Default)]
enum Pause {
    /// Nothing: it stays as it is.
    #[default]
    Unsaid,
    /// It ends: null.
    Ends,
    /// It begins, for this reason.
    For(String),
}

impl<'de> Deserialize<'de> for Pause {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let reason = Option::<String>::deserialize(deserializer)?;
        Ok(reason.map_or(Self::Ends, Self::For))
    }
}

impl Pause {
    /// Notes it, if it is another one.
    fn note(&self, record: &mut Record, at: Seconds) {
        let wanted = match self {
            Self::Unsaid => return,
            Self::Ends => None,
            Self::For(reason) => Some(reason.clone()),
        };
        if record.paused != wanted {
            record.paused = wanted;
            record.plan(at);
        }
    }
}

/// `/v1/domains/{host}`.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answered = async {
        let caller = shared.caller(&peer, &headers).await?;
        let host = shared.host(&uri)?;
        match method {
            Method::PUT => put(&shared, &caller, &host, body).await,
            Method::DELETE => release(&shared, &caller, &host).await,
            _ => look(&shared, &caller, &host).await,
        }
    };
    answered.await.unwrap_or_else(Problem::into_response)
}

/// `/v1/domains`.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let answered = async {
        let caller = shared.caller(&peer, &headers).await?;
        page(&shared, &caller, uri.query().unwrap_or_default()).await
    };
    answered.await.unwrap_or_else(Problem::into_response)
}

impl Shared {
    /// The host of a path. It is decoded once: what is encoded twice is no host.
    fn host(&self, uri: &Uri) -> Result<Host, Problem> {
        let part = uri.path().strip_prefix(DOMAINS).and_then(|rest| rest.strip_prefix('/'));
        let text = part.and_then(decoded).ok_or(HostError::NotAName)?;
        Ok(Host::parse(&text, &self.options.platform)?)
    }

    fn told(&self, status: StatusCode, record: &Record, at: Seconds) -> Response {
        super::json(status, &DomainBody::of(record, &self.options.instructions.now(), at))
    }

    /// What a tenant is told of a host, which may be another's.
    fn told_to(&self, record: &Record, tenant: &Tenant, at: Seconds) -> Told {
        state_for(record, tenant, &self.proof(&record.host, tenant), at)
    }

    /// The record by which a tenant shows that it controls a host.
    fn proof(&self, host: &Host, tenant: &Tenant) -> ToSet {
        ownership(host, tenant, &self.options.instructions.now().install)
    }

    /// Takes one of each limit.
    fn take(&self, caller: &Caller, tenant: &Tenant, host: &Host, at: Seconds) -> Result<(), Problem> {
        let mut registrations = self.registrations.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(registrations.take(&caller.name, tenant, host, at)?)
    }
}

fn forbidden(reason: &str) -> Problem {
    let next = "Ask whoever runs the platform: the settings say who may.";
    Problem::new(StatusCode::FORBIDDEN, "forbidden", reason, next)
}

impl Scope {
    /// Whether hosts of a tenant are seen and changed.
    fn has(&self, tenant: &Tenant) -> bool {
        match self {
            Self::Nothing => false,
            Self::One(own) => own == tenant,
            Self::All => true,
        }
    }

    /// The tenant for whom a host is registered, if `wanted` is said.
    fn tenant(&self, wanted: Option<&Tenant>) -> Result<Option<Tenant>, Problem> {
        match (self, wanted) {
            (Self::Nothing, _) => Err(forbidden("This caller may register no hosts.")),
            (Self::One(own), Some(wanted)) if own != wanted => {
                Err(forbidden("This caller may register hosts of its own tenant alone."))
            }
            (Self::One(own), _) => Ok(Some(own.clone())),
            (Self::All, wanted) => Ok(wanted.cloned()),
        }
    }
}

/// The record of a host, if the caller sees it. One of another tenant is told as none.
async fn seen(shared: &Shared, caller: &Caller, host: &Host) -> Result<(Record, Version), Problem> {
    if caller.scope == Scope::Nothing {
        return Err(forbidden("This caller sees no hosts."));
    }
    let found = shared.hands.store.get(host).await?;
    let found = found.filter(|(record, _)| caller.scope.has(&record.tenant));
    found.ok_or_else(Problem::not_registered)
}

async fn look(shared: &Shared, caller: &Caller, host: &Host) -> Result<Response, Problem> {
    let at = now();
    if let Scope::One(tenant) = &caller.scope {
        // Of another tenant's host it is told how to get it, if it has asked for it, and nothing else.
        let found = shared.hands.store.get(host).await?;
        let has_asked = |record: &Record| record.moved.as_ref().is_some_and(|moved| moved.to == *tenant);
        if let Some((record, _)) = found.filter(|(record, _)| record.tenant != *tenant && has_asked(record)) {
            let told = shared.told_to(&record, tenant, at);
            let body = DomainBody::of_another(host, tenant, told, &shared.proof(host, tenant));
            return Ok(super::json(StatusCode::OK, &body));
        }
    }
    let (record, _) = seen(shared, caller, host).await?;
    Ok(shared.told(StatusCode::OK, &record, at))
}

/// Reads what is said of a host; nothing is said by an empty body.
async fn wanted(body: Body) -> Result<Wanted, Problem> {
    let bytes = to_bytes(body, LARGEST).await.map_err(|_| {
        let reason = "The body is larger than 4096 bytes, or does not arrive.";
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLarge", reason, "Send less.")
    })?;
    if bytes.trim_ascii().is_empty() {
        return Ok(Wanted::default());
    }
    let wanted: Wanted = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::request(format!("The body cannot be read: {error}.")))?;
    if let Pause::For(reason) = &wanted.paused
        && (reason.len() > LONGEST_REASON || reason.trim().is_empty())
    {
        let reason = format!("The reason for a pause has 1 to {LONGEST_REASON} bytes.");
        return Err(Problem::request(reason));
    }
    Ok(wanted)
}

/// What a registration makes of what is there.
enum Next {
    /// It is there as it is wanted.
    Same(Record),
    /// It is put; the status that tells so.
    Put(Record, StatusCode),
    /// It is another tenant's; what notes that it is asked for, if that is new.
    Taken(Option<Record>),
}

fn next(found: Option<&Record>, host: &Host, tenant: &Tenant, wanted: &Wanted, at: Seconds) -> Next {
    let Some(record) = found else {
        let mut record = Record::new(host.clone(), tenant.clone(), at);
        wanted.paused.note(&mut record, at);
        return Next::Put(record, StatusCode::CREATED);
    };
    match domain::access(record, tenant, at) {
        domain::Access::Own => {
            let mut next = record.clone();
            next.registered_again(at);
            wanted.paused.note(&mut next, at);
            // Whoever asks again may have set the records in DNS meanwhile.
            if !state(&next, at).certificate && next.due > at.saturating_add(SOON) {
                next.look_again(at);
            }
            if next == *record {
                return Next::Same(next);
            }
            Next::Put(next, StatusCode::OK)
        }
        domain::Access::Free => {
            let mut next = Record::handed_over(host, tenant, at);
            wanted.paused.note(&mut next, at);
            Next::Put(next, StatusCode::CREATED)
        }
        domain::Access::Kept { .. } => {
            let mut next = record.clone();
            next.wanted_by(tenant, at);
            Next::Taken((next != *record).then_some(next))
        }
    }
}

async fn put(shared: &Shared, caller: &Caller, host: &Host, body: Body) -> Result<Response, Problem> {
    let wanted = wanted(body).await?;
    let tenant = caller.scope.tenant(wanted.tenant.as_ref())?;
    let mut is_counted = false;
    for _ in 0..TRIES {
        let at = now();
        let found = shared.hands.store.get(host).await?;
        let (record, version) = match &found {
            Some((record, version)) => (Some(record), Some(version)),
            None => (None, None),
        };
        // Whoever may register for all says for whom, or changes what is there.
        let tenant = match (&tenant, record) {
            (Some(tenant), _) => tenant,
            (None, Some(record)) => &record.tenant,
            (None, None) => {
                return Err(Problem::request(
                    "The body has to name the tenant, because the caller is of none.",
                ));
            }
        };
        let (next, status) = match next(record, host, tenant, &wanted, at) {
            Next::Same(record) => return Ok(shared.told(StatusCode::OK, &record, at)),
            Next::Put(record, status) => (record, Ok(status)),
            Next::Taken(next) => {
                let told = record.map(|record| shared.told_to(record, tenant, at));
                let problem = told.map_or_else(Problem::unavailable, Problem::taken);
                match next {
                    Some(next) => (next, Err(problem)),
                    None => return Err(problem),
                }
            }
        };
        if !is_counted {
            shared.take(caller, tenant, host, at)?;
            is_counted = true;
        }
        match shared.hands.store.put(&next, version).await {
            Ok(_) => {}
            Err(StoreError::Conflict(_)) => continue,
            Err(error) => return Err(error.into()),
        }
        shared.source.changed(host);
        return match status {
            Ok(status) => {
                (shared.hands.note)("registered", host, &caller.name);
                Ok(shared.told(status, &next, at))
            }
            Err(problem) => {
                (shared.hands.note)("wanted-by-another", host, &caller.name);
                Err(problem)
            }
        };
    }
    Err(Problem::unavailable())
}

async fn release(shared: &Shared, caller: &Caller, host: &Host) -> Result<Response, Problem> {
    for _ in 0..TRIES {
        let at = now();
        let (mut record, version) = seen(shared, caller, host).await?;
        if record.released.is_some() {
            return Ok(shared.told(StatusCode::OK, &record, at));
        }
        record.release(at);
        match shared.hands.store.put(&record, Some(&version)).await {
            Ok(_) => {}
            Err(StoreError::Conflict(_)) => continue,
            Err(error) => return Err(error.into()),
        }
        shared.source.changed(host);
        (shared.hands.note)("released", host, &caller.name);
        return Ok(shared.told(StatusCode::OK, &record, at));
    }
    Err(Problem::unavailable())
}

/// What a page is asked for by.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    filter: Filter,
    after: Option<Host>,
    limit: usize,
}

fn asked(query: &str) -> Result<Asked, Problem> {
    let fields = query_fields(query).ok_or_else(|| Problem::request("The query is not UTF-8."))?;
    let mut asked = Asked {
        limit: PAGE,
        ..Asked::default()
    };
    for (name, value) in fields {
        match name.as_str() {
            "after" => {
                let host = value.parse();
                asked.after = Some(host.map_err(|error: HostError| Problem::request(format!("`after`: {error}.")))?);
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
                asked.limit =
                    limit.ok_or_else(|| Problem::request(format!("`limit` is a number from 1 to {LARGEST_PAGE}.")))?;
            }
            "state" => {
                let words = || domain::State::ALL.map(domain::State::as_str).join(", ");
                let state = domain::State::named(&value);
                let state = state.ok_or_else(|| Problem::request(format!("`state` is one of {}.", words())))?;
                asked.filter.state = Some(state);
            }
            "tenant" => {
                let tenant = value.parse();
                asked.filter.tenant =
                    Some(tenant.map_err(|error: domain::TenantError| Problem::request(format!("`tenant`: {error}.")))?);
            }
            "part" => asked.filter.part = Some(value.to_lowercase()),
            _ => {
                return Err(Problem::request(
                    "The query may have after, limit, state, tenant and part.",
                ));
            }
        }
    }
    Ok(asked)
}

async fn page(shared: &Shared, caller: &Caller, query: &str) -> Result<Response, Problem> {
    let mut asked = asked(query)?;
    match (&caller.scope, &asked.filter.tenant) {
        (Scope::Nothing, _) => return Err(forbidden("This caller sees no hosts.")),
        (Scope::One(own), Some(tenant)) if own != tenant => {
            return Err(forbidden("This caller sees the hosts of its own tenant alone."));
        }
        (Scope::One(own), _) => asked.filter.tenant = Some(own.clone()),
        (Scope::All, _) => {}
    }
    let at = now();
    // One more than is told says whether there is a next page.
    let found = shared
        .hands
        .store
        .page(&asked.filter, asked.after.as_ref(), asked.limit + 1);
    let mut records = found.await?;
    let has_more = records.len() > asked.limit;
    records.truncate(asked.limit);
    let instructions = shared.options.instructions.now();
    let body = PageBody {
        after: records
            .last()
            .filter(|_| has_more)
            .map(|record| record.host.to_string()),
        items: records
            .iter()
            .map(|record| DomainBody::of(record, &instructions, at))
            .collect(),
    };
    Ok(super::json(StatusCode::OK, &body))
}
