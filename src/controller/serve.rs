//! Tells monitoring how the controller stands, over HTTP: `/metrics`, `/healthz` and `/readyz`.
//!
//! It listens before anything is read, and answers while the cluster is read and while there is no account.

mod classic;
mod described;
mod metrics;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::service::TowerToHyperService;
use tokio::{
    net::TcpListener,
    sync::{Mutex, oneshot},
    task::JoinHandle,
    time::timeout,
};

use super::state::{Ask, Asking, Snapshot, Stage};
use crate::{
    clock::now,
    engine::cancel::Cancel,
    net::server::{self, Bounds, listen_everywhere},
    object::Seconds,
    ops::OpError,
};

/// The port in a Pod, where none is named.
pub const PORT: u16 = 9402;
/// How long the loop has for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a picture is good enough for whoever asks next: the loop is not kept busy by questions.
const FRESH: Duration = Duration::from_secs(1);
/// How it is kept free for those who ask every few seconds.
const BOUNDS: Bounds = Bounds {
    connections: 64,
    head: Duration::from_secs(5),
    longest: Duration::from_mins(1),
    keep_alive: true,
};
/// What the format of the answers is called.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A socket that is listened on.
#[derive(Debug)]
pub struct Listening(TcpListener);

/// The server, while it answers.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Listens on an address; `None` is the usual port of all addresses.
    ///
    /// # Errors
    ///
    /// Another program has the port, or this machine does not have the address.
    pub async fn on(address: Option<SocketAddr>) -> Result<Self, OpError> {
        let bound = match address {
            Some(address) => TcpListener::bind(address).await,
            None => listen_everywhere(PORT).await,
        };
        bound.map(Self).map_err(|error| {
            let place = address.map_or_else(|| format!("port {PORT}"), |address| address.to_string());
            OpError::usage(format!("cannot listen on {place} for /metrics: {error}"))
                .hint("name another with --listen ADDRESS:PORT")
        })
    }

    /// Answers from now on.
    ///
    /// # Errors
    ///
    /// The socket has no address.
    pub fn answer(self, asking: Asking, cancel: Cancel) -> Result<Serving, OpError> {
        let address = self.0.local_addr();
        let address = address.map_err(|error| OpError::usage(format!("cannot listen for /metrics: {error}")))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = router(Shared {
            asking,
            cancel,
            began: now(),
            latest: Mutex::default(),
        });
        let task = tokio::spawn(server::serve(
            self.0,
            BOUNDS,
            TowerToHyperService::new(router),
            async move { drop(stopped.await) },
        ));
        Ok(Serving { address, stop, task })
    }
}

impl Serving {
    /// The address at which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it; what is under way is answered.
    pub async fn end(self) {
        drop(self.stop);
        drop(self.task.await);
    }
}

/// What the answers are made of.
struct Shared {
    asking: Asking,
    cancel: Cancel,
    /// When the process began.
    began: Seconds,
    /// The last picture, and when it was taken.
    latest: Mutex<Option<(Instant, Arc<Snapshot>)>>,
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(Arc::new(shared))
}

impl Shared {
    fn stage(&self) -> Stage {
        *self.asking.stage.borrow()
    }

    /// Asks the loop. The error says why there is no answer.
    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, &'static str> {
        let (answer, answered) = oneshot::channel();
        let asked = async {
            self.asking.asks.send(question(answer)).await.ok()?;
            answered.await.ok()
        };
        match timeout(PATIENCE, asked).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err("the controller has ended"),
            Err(_) => Err("the controller's loop has not answered for 5 seconds"),
        }
    }

    /// How everything stands. While one is asked for, others wait for the same.
    async fn snapshot(&self) -> Result<Arc<Snapshot>, &'static str> {
        let mut latest = self.latest.lock().await;
        if let Some((at, snapshot)) = &*latest
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(self.ask(Ask::Snapshot).await?);
        *latest = Some((Instant::now(), Arc::clone(&snapshot)));
        Ok(snapshot)
    }
}

fn line(status: StatusCode, text: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (status, kind, format!("{text}\n")).into_response()
}

fn unavailable(text: &str) -> Response {
    line(StatusCode::SERVICE_UNAVAILABLE, text)
}

/// Whether the process is worth keeping. Without an account or a cluster a new one would be no better.
async fn healthz(State(shared): State<Arc<Shared>>) -> Response {
    match shared.stage() {
        Stage::Reading => line(StatusCode::OK, "ok: the cluster is being read"),
        Stage::WithoutAccount => line(StatusCode::OK, "ok: it waits for an account"),
        Stage::Going => match shared.ask(Ask::Alive).await {
            Ok(()) => line(StatusCode::OK, "ok"),
            Err(why) => unavailable(why),
        },
    }
}

/// Whether it does its work, or is warm to take it over.
async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    if shared.cancel.is_cancelled() {
        return unavailable("it ends");
    }
    match shared.stage() {
        Stage::Reading => return unavailable("the cluster is being read"),
        Stage::WithoutAccount => return unavailable(NO_ACCOUNT),
        Stage::Going => {}
    }
    match shared.snapshot().await {
        // It plans, and answers challenges: metrics tell of the account.
        Ok(snapshot) if !snapshot.has_account => line(StatusCode::OK, "ok: it only plans, because there is no account"),
        Ok(snapshot) if snapshot.leads => line(StatusCode::OK, "ok"),
        Ok(_) => line(StatusCode::OK, "ok: another replica orders"),
        Err(why) => unavailable(why),
    }
}

const NO_ACCOUNT: &str = "AccountMissing: there is no Secret with the account, so nothing is ordered";

async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let snapshot = match shared.stage() {
        Stage::Going => match shared.snapshot().await {
            Ok(snapshot) => Some(snapshot),
            Err(why) => return unavailable(why),
        },
        Stage::Reading | Stage::WithoutAccount => None,
    };
    let of = metrics::Metrics {
        stage: shared.stage(),
        snapshot: snapshot.as_deref(),
        began: shared.began,
    };
    let Ok(text) = of.text() else {
        return unavailable("the metrics cannot be written");
    };
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepted.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
        ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response()
    } else {
        ([(header::CONTENT_TYPE, CLASSIC)], classic::of(&text)).into_response()
    }
}

#[cfg(test)]
mod tests;
