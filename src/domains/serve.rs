//! The HTTP side of customers' domains: the API of hosts, and the source from which web servers get certificates by name.
//!
//! ```text
//! GET, PUT, DELETE /v1/domains/{host}   api ────→ store
//! GET /v1/domains                        │
//! GET /v1/certificate?server_name=       └ door: token, client certificate
//!    └→ source ─→ cache │ store, pairs │ asks → register → wait for the record
//! ```
//!
//! It knows neither the cluster nor the controller: [`Hands`] has what it needs of them.

mod answer;
mod api;
mod body;
mod brief;
mod cache;
mod certificate;
mod counts;
mod flights;
mod gate;
mod hands;
mod known;
mod lanes;
mod problem;
mod source;
mod tls;
mod who;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use hyper::{Request, body::Incoming, service::Service as _};
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

pub use counts::Counted;
pub use hands::{Asks, Pairs, Reviews};
pub use tls::{Identities, Identity, IdentitySecret};

use problem::Problem;
use source::Source;
use tls::{Peer, Tls};
use who::{Caller, Door, NotLetIn};

use crate::{
    domain::{
        Host, Platform, Tenant, TenantError,
        limit::{RegistrationLimits, Registrations},
    },
    domains::{instructed::Instructed, store::Store},
    net::server::{self, Bounds, listen_everywhere},
    object::Key,
    policy::Pattern,
    settings::domains::{ClientEntry, DomainsSettings},
};

/// How it is kept free. Web servers keep connections open.
const BOUNDS: Bounds = Bounds {
    connections: 2_048,
    head: Duration::from_secs(10),
    longest: Duration::from_mins(30),
    keep_alive: true,
};

/// What the server needs of the rest.
#[derive(Clone)]
pub struct Hands {
    /// The records.
    pub store: Arc<dyn Store>,
    /// The question to the application.
    pub asks: Arc<dyn Asks>,
    /// The pairs of records.
    pub pairs: Arc<dyn Pairs>,
    /// Who judges tokens; without it there are only client certificates.
    pub reviews: Option<Arc<dyn Reviews>>,
    /// Is told what was done: the event, the host, and who did it.
    pub note: Arc<Note>,
}

/// Takes note of what was done: the event, the host, and who did it.
pub type Note = dyn Fn(&'static str, &Host, &str) + Send + Sync;

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hands")
            .field("store", &self.store)
            .field("asks", &self.asks)
            .field("pairs", &self.pairs)
            .field("reviews", &self.reviews)
            .finish_non_exhaustive()
    }
}

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the platform keeps for itself.
    pub platform: Platform,
    /// How customers' names lead to the platform.
    pub instructions: Instructed,
    /// The tenant of hosts that a handshake registers.
    pub home: Tenant,
    /// How often hosts are registered.
    pub limits: RegistrationLimits,
    /// How long a request for a pair is held while it is ordered.
    pub hold: Duration,
    /// How many pairs are kept.
    pub cached: usize,
    /// Who may ask.
    pub access: Access,
}

impl Options {
    /// As the settings have it.
    ///
    /// # Errors
    ///
    /// `domains.namespace` is no tenant, as that of each namespace is.
    pub fn of(settings: &DomainsSettings, instructions: Instructed) -> Result<Self, TenantError> {
        let client = |entry: &ClientEntry| {
            let scope = match entry.tenant.as_deref() {
                None => Scope::Nothing,
                Some("*") => Scope::All,
                Some(tenant) => Scope::One(tenant.parse()?),
            };
            Ok(Client {
                name: entry.name.clone(),
                scope,
                certificates: entry.certificates,
            })
        };
        Ok(Self {
            platform: settings.platform.clone(),
            instructions,
            home: settings.namespace.parse()?,
            limits: settings.limits,
            hold: settings.hold,
            cached: settings.cached,
            access: Access {
                audience: settings.audience.clone(),
                tenants: settings.tenants.clone(),
                readers: settings.readers.clone(),
                clients: settings.clients.iter().map(client).collect::<Result<_, _>>()?,
            },
        })
    }
}

/// Who may ask, and for what.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The audience of tokens.
    pub audience: String,
    /// The namespaces whose `ServiceAccount`s see and change hosts: each those of the tenant that is called like it.
    pub tenants: Vec<Pattern>,
    /// The `ServiceAccount`s that get pairs with their keys.
    pub readers: Vec<Key>,
    /// The owners of client certificates.
    pub clients: Vec<Client>,
}

/// The owner of a client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The common name, or a DNS name, of the certificate.
    pub name: String,
    /// Whose hosts it sees and changes.
    pub scope: Scope,
    /// Whether it gets pairs with their keys.
    pub certificates: bool,
}

/// Whose hosts somebody sees and changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// Nobody's.
    #[default]
    Nothing,
    /// Those of one tenant.
    One(Tenant),
    /// Everybody's.
    All,
}

/// What all requests share.
#[derive(Debug)]
struct Shared {
    hands: Hands,
    options: Options,
    source: Arc<Source>,
    registrations: Arc<Mutex<Registrations>>,
    door: Arc<Door>,
}

/// Why the server does not answer.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program has the port, or this machine does not have the address.
    #[error("cannot listen on {place} for customers' domains: {error}")]
    Listen {
        /// The address.
        place: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The certificate of the server cannot be read.
    #[error("the certificate of the domains' server cannot be read: {0}")]
    Identity(String),
}

/// The server, while it answers.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    beside: Vec<JoinHandle<()>>,
}

/// Listens, and answers from now on: with TLS if there is an identity. Without TLS pairs are given to this machine alone.
///
/// # Errors
///
/// The address cannot be listened on, or the certificate of the server cannot be read.
pub async fn serve(
    address: SocketAddr,
    identities: Option<Arc<dyn Identities>>,
    hands: Hands,
    options: Options,
) -> Result<Serving, ServeError> {
    // An address that is none is all of them, of IPv4 too.
    let bound = if address.ip().is_unspecified() {
        listen_everywhere(address.port()).await
    } else {
        TcpListener::bind(address).await
    };
    let not_bound = |error| ServeError::Listen {
        place: address.to_string(),
        error,
    };
    let listener = bound.map_err(not_bound)?;
    let address = listener.local_addr().map_err(not_bound)?;
    let tls = match identities {
        Some(identities) => Some(Tls::new(identities).await.map_err(ServeError::Identity)?),
        None => None,
    };
    let registrations = Arc::new(Mutex::new(Registrations::new(options.limits)));
    let source = Arc::new(Source::new(hands.clone(), &options, Arc::clone(&registrations)));
    let door = Arc::new(Door::new(options.access.clone(), hands.reviews.clone()));
    let shared = Arc::new(Shared {
        hands,
        options,
        source,
        registrations,
        door,
    });
    let mut beside = vec![shared.source.follow()];
    beside.extend(tls.as_ref().map(Tls::keep_current));
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(answer(listener, tls, Arc::clone(&shared), async move {
        drop(stopped.await);
    }));
    Ok(Serving {
        address,
        shared,
        stop,
        task,
        beside,
    })
}

impl Serving {
    /// The address at which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes note that a Secret has changed, so that no pair is sent that was in it.
    pub fn secret_changed(&self, secret: &Key) {
        self.shared.source.secret_changed(secret);
    }

    /// Whether it knows all hosts that are registered: then only hosts that nobody registered have to wait for their turn.
    pub fn is_complete(&self) -> bool {
        self.shared.source.is_complete()
    }

    /// How many pairs are kept, and how many hosts are known.
    pub fn sizes(&self) -> (usize, usize) {
        self.shared.source.sizes()
    }

    /// What was done since it began.
    pub fn counted(&self) -> Counted {
        self.shared.source.counts.now()
    }

    /// Ends it; what is under way is answered.
    pub async fn end(self) {
        drop(self.stop);
        drop(self.task.await);
        self.beside.iter().for_each(JoinHandle::abort);
    }
}

/// Answers on a socket until `stop` is ready.
async fn answer(listener: TcpListener, tls: Option<Tls>, shared: Arc<Shared>, stop: impl Future<Output = ()>) {
    let door = Arc::clone(&shared.door);
    let router = TowerToHyperService::new(router(shared));
    let on = move |peer: Peer| {
        let router = router.clone();
        hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            router.call(request)
        })
    };
    if let Some(tls) = tls {
        let begin = move |tcp: TcpStream, from: SocketAddr| {
            let (tls, door, on) = (tls.clone(), Arc::clone(&door), on.clone());
            async move {
                let (stream, peer) = tls.accept(tcp, from, &door).await?;
                Some((stream, on(peer)))
            }
        };
        server::serve_each(listener, BOUNDS, begin, stop).await;
    } else {
        let begin = move |tcp: TcpStream, from: SocketAddr| {
            let address = from.ip().to_canonical();
            let peer = Peer {
                address,
                is_private: address.is_loopback(),
                caller: None,
            };
            std::future::ready(Some((tcp, on(peer))))
        };
        server::serve_each(listener, BOUNDS, begin, stop).await;
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(api::DOMAINS, get(api::list))
        .route(
            &format!("{}/{{host}}", api::DOMAINS),
            get(api::one).put(api::one).delete(api::one),
        )
        .route("/v1/certificate", get(certificate::certificate))
        .fallback(|| async {
            let next = "See the reference of the API for its paths.";
            Problem::new(
                StatusCode::NOT_FOUND,
                "noSuchPath",
                "There is nothing at this path.",
                next,
            )
        })
        .method_not_allowed_fallback(|| async {
            let next = "See the reference of the API for the methods of this path.";
            let reason = "The path does not have this method.";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "noSuchMethod", reason, next)
        })
        .with_state(shared)
}

impl Shared {
    /// Who asks: by the token, if there is one, else by the client certificate.
    async fn caller(&self, peer: &Peer, headers: &HeaderMap) -> Result<Caller, Problem> {
        if let Some(authorization) = headers.get(header::AUTHORIZATION) {
            let token = authorization.to_str().ok().and_then(who::token);
            let token = token.ok_or(NotLetIn::Unknown)?;
            return Ok(self.door.of_token(token, peer.address).await?);
        }
        Ok(peer.caller.clone().ok_or(NotLetIn::Nobody)?)
    }
}

/// An answer in JSON, which nobody keeps.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, text + "\n").into_response()
}

#[cfg(test)]
mod tests;
