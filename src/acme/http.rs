//! The HTTP client of one directory: every request has a time limit, every answer a limit of its size.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{
    Client, Method, Proxy, RequestBuilder, Response, Url,
    header::{ACCEPT_LANGUAGE, CONTENT_TYPE, DATE, HeaderMap, LINK, LOCATION, RETRY_AFTER},
    redirect,
};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::{
    error::{AcmeError, shown},
    failure,
    issuer::Issuer,
    problem::{Problem, quote},
    proxy::Proxies,
    reach::{Reach, is_here},
    retry,
};
use crate::{object::Seconds, requests, tls::TlsError};

/// The most that is read of an answer, in bytes.
const BODY_CAP: usize = 1024 * 1024;
/// How long a connection may take, name and TLS included: lost packets are sent again within it.
const CONNECT: Duration = Duration::from_secs(8);
/// How often a server is asked that has never answered and is silent, or whose name does not resolve.
const SILENT_TRIES: u32 = 1;
/// How many redirects of a GET are followed.
const REDIRECTS: usize = 5;

/// How long and how often is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one request, its answer's body included.
    pub request: Duration,
    /// How often a request is made that fails for want of a connection or with a 5xx.
    pub tries: u32,
    /// The wait after the first such failure; each next one is four times as long, up to 4 seconds.
    pub backoff: Duration,
    /// The longest Retry-After of a busy server that is waited for.
    pub patience: Duration,
}

impl Limits {
    /// For a connection.
    pub(super) fn connect(&self) -> Duration {
        CONNECT.min(self.request / 2)
    }
}

impl Default for Limits {
    /// 20 seconds, 4 times, a quarter of a second, a minute.
    fn default() -> Self {
        Self {
            request: Duration::from_secs(20),
            tries: 4,
            backoff: Duration::from_millis(250),
            patience: Duration::from_mins(1),
        }
    }
}

/// What a server answered.
#[derive(Debug, Clone)]
pub(super) struct HttpAnswer {
    /// What was asked.
    pub(super) url: String,
    pub(super) status: u16,
    /// How long it asks to wait.
    pub(super) retry_after: Option<Duration>,
    pub(super) location: Option<String>,
    pub(super) nonce: Option<String>,
    /// URLs by their relation.
    pub(super) links: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl HttpAnswer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the server failed, and may not fail the next time: what it has not, it does not have a moment later either.
    pub(super) fn is_busy(&self) -> bool {
        self.status >= 500 && self.status != 501
    }

    /// The first link of a relation.
    pub(super) fn link(&self, relation: &str) -> Option<&str> {
        let mut links = self.links.iter();
        links.find(|(rel, _)| rel == relation).map(|(_, url)| url.as_str())
    }

    /// The problem document of a failure, if it is one: any JSON object that has a type or a detail.
    pub(super) fn problem(&self) -> Option<Problem> {
        let mut problem: Problem = serde_json::from_slice(&self.body).ok()?;
        problem.status = problem.status.or(Some(self.status));
        (!problem.kind.is_empty() || !problem.detail.is_empty()).then_some(problem)
    }

    /// The body, read as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, AcmeError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let said = quote(&self.body);
            let reason = match said.chars().next() {
                Some('{') => error.to_string(),
                Some(_) => format!("it is not JSON: {said:?}"),
                None => "it is empty".to_owned(),
            };
            AcmeError::malformed(&self.url, reason)
        })
    }
}

/// Reaches one directory. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client,
    pub(super) limits: Limits,
    allow_http_loopback: bool,
    reach: Reach,
    proxies: Proxies,
    /// Whether the server has answered anything.
    answers: Arc<AtomicBool>,
    /// How many seconds its clock was ahead of this machine's when it answered last.
    ahead: Arc<AtomicI64>,
}

impl Http {
    /// A client for an issuer's directory, with its CA bundle and its proxy. Fails with [`AcmeError::Settings`].
    pub(super) fn new(issuer: &Issuer, limits: Limits) -> Result<Self, AcmeError> {
        let reach = Reach::of(&issuer.directory_url, issuer.proxy.is_some() || proxy_in_environment());
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls(issuer.ca_pem.as_deref())?)
            .user_agent(concat!("kubectl-certs/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .timeout(limits.request)
            .connect_timeout(limits.connect())
            .tcp_nodelay(true)
            .dns_resolver(Arc::new(reach.clone()));
        if let Some(proxy) = &issuer.proxy {
            // The error would quote the URL, and that may hold a password.
            let proxy =
                Proxy::all(proxy).map_err(|_| AcmeError::Settings("the issuer's proxy is not a URL".to_owned()))?;
            builder = builder.proxy(proxy);
        }
        let client = builder
            .build()
            .map_err(|error| AcmeError::Settings(format!("no HTTP client can be set up: {}", failure::chain(error))))?;
        Ok(Self {
            client,
            limits,
            allow_http_loopback: issuer.allow_http_loopback,
            reach,
            proxies: Proxies::of(issuer.proxy.as_deref()),
            answers: Arc::default(),
            ahead: Arc::default(),
        })
    }

    /// Fetches a resource that needs no signature; repeated while that may help. Redirects are followed.
    pub(super) async fn get(&self, url: &str) -> Result<HttpAnswer, AcmeError> {
        let mut url = self.check(url)?;
        for _ in 0..=REDIRECTS {
            let answer = self.insist(&Method::GET, &url).await?;
            match answer.location.as_deref() {
                Some(next) if matches!(answer.status, 301 | 302 | 303 | 307 | 308) => url = self.check(next)?,
                _ if answer.is_success() => return Ok(answer),
                _ => return Err(AcmeError::of(&answer)),
            }
        }
        Err(AcmeError::malformed(url.as_str(), "it redirects too often"))
    }

    /// Asks for the headers of a resource alone; repeated while that may help. The answer may be a failure.
    pub(super) async fn head(&self, url: &str) -> Result<HttpAnswer, AcmeError> {
        self.insist(&Method::HEAD, &self.check(url)?).await
    }

    /// Sends a signed request, once. The answer may be a failure.
    pub(super) async fn post(&self, url: &str, jws: String) -> Result<HttpAnswer, AcmeError> {
        let request = self.client.post(self.check(url)?);
        self.send(url, request.header(CONTENT_TYPE, "application/jose+json").body(jws))
            .await
    }

    async fn insist(&self, method: &Method, url: &Url) -> Result<HttpAnswer, AcmeError> {
        let began = Instant::now();
        let mut failed = 0;
        loop {
            let outcome = self
                .send(url.as_str(), self.client.request(method.clone(), url.clone()))
                .await;
            let Some(wait) = self.again(&outcome, failed) else {
                return outcome.map_err(|error| error.since(began));
            };
            sleep(wait).await;
            failed += 1;
        }
    }

    /// How long to wait before a request that may be repeated is repeated; `None` when its outcome stands. `failed` is
    /// how often it has failed before.
    pub(super) fn again(&self, outcome: &Result<HttpAnswer, AcmeError>, failed: u32) -> Option<Duration> {
        let wish = match outcome {
            Ok(answer) if answer.is_busy() => answer.retry_after,
            // What stands before a CA limits too, for seconds: that is waited for as a busy server is.
            Ok(answer) if answer.status == 429 && !is_paused(answer) => Some(answer.retry_after?),
            Err(error) if error.is_transient() => None,
            _ => return None,
        };
        let silent = matches!(outcome, Err(AcmeError::TimedOut { .. } | AcmeError::Unresolved { .. }))
            && !self.answers.load(Ordering::Relaxed);
        let tries = if silent {
            self.limits.tries.min(SILENT_TRIES)
        } else {
            self.limits.tries
        };
        (failed + 1 < tries).then(|| retry::wait(&self.limits, failed, wish))?
    }

    /// Only https, and where the settings allow it http on this machine.
    pub(super) fn check(&self, url: &str) -> Result<Url, AcmeError> {
        let insecure = || AcmeError::Insecure { url: shown(url) };
        let parsed = Url::parse(url).map_err(|_| insecure())?;
        if !self.reach.allows(&parsed) {
            return Err(AcmeError::Address { url: shown(url) });
        }
        match parsed.scheme() {
            "https" => Ok(parsed),
            "http" if self.allow_http_loopback && is_here(&parsed) => Ok(parsed),
            _ => Err(insecure()),
        }
    }

    async fn send(&self, url: &str, request: RequestBuilder) -> Result<HttpAnswer, AcmeError> {
        let (client, request) = request.header(ACCEPT_LANGUAGE, "en").build_split();
        let request = request.map_err(|error| failure::of(url, error, &self.limits))?;
        let asked = requests::PendingRequest::new(request.method(), request.url());
        let response = match client.execute(request).await {
            Ok(response) => Ok(response),
            Err(error) => Err(self.failure(url, error).await),
        };
        match &response {
            Ok(response) => {
                self.answers.store(true, Ordering::Relaxed);
                asked.answered(response.status());
            }
            Err(error) => asked.failed(error),
        }
        let mut response = response?;
        let mut body = Vec::new();
        let broken = |error| failure::of(url, error, &self.limits);
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > BODY_CAP {
                return Err(AcmeError::TooLarge {
                    url: shown(url),
                    limit: BODY_CAP,
                });
            }
            body.extend_from_slice(&chunk);
        }
        let (now, date) = (crate::clock::now(), date_of(&response));
        if let Some(date) = date {
            self.ahead.store(date.saturating_sub(now), Ordering::Relaxed);
        }
        Ok(answer(url, &response, body, date.unwrap_or(now)))
    }

    /// The time by the server's clock, as its last answer told it; this machine's where none did.
    pub(super) fn server_time(&self) -> Seconds {
        crate::clock::now().saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    /// What a request failed of; a proxy that makes no connection is asked why.
    async fn failure(&self, url: &str, error: reqwest::Error) -> AcmeError {
        let refusal = match Url::parse(url) {
            Ok(url) if failure::is_of_proxy(&error) => self.proxies.refusal(&url, self.limits.connect()).await,
            _ => None,
        };
        refusal.unwrap_or_else(|| failure::of(url, error, &self.limits))
    }
}

/// Whether the CA has paused a name, which no waiting ends.
fn is_paused(answer: &HttpAnswer) -> bool {
    matches!(AcmeError::of(answer), AcmeError::Paused { .. })
}

/// When an answer was sent, by the server's clock (RFC 9110, section 6.6.1).
fn date_of(response: &Response) -> Option<Seconds> {
    retry::http_date(response.headers().get(DATE)?.to_str().ok()?)
}

/// What was answered at `now`, by the clock that wrote its dates.
fn answer(url: &str, response: &Response, body: Vec<u8>, now: Seconds) -> HttpAnswer {
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let absolute = |target: &str| response.url().join(target).map(String::from).ok();
    HttpAnswer {
        url: url.to_owned(),
        status: response.status().as_u16(),
        retry_after: text(RETRY_AFTER.as_str()).and_then(|value| retry::retry_after(value, now)),
        location: text(LOCATION.as_str()).and_then(absolute),
        nonce: text("replay-nonce").filter(|nonce| is_nonce(nonce)).map(str::to_owned),
        links: links(headers)
            .filter_map(|(relation, target)| Some((relation.to_owned(), absolute(target)?)))
            .collect(),
        body,
    }
}

/// A nonce is base64url (RFC 8555, section 6.5.1); anything else would have to be escaped.
fn is_nonce(text: &str) -> bool {
    (1..=1024).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The relations and targets of Link headers (RFC 8288), as ACME uses them: `<URL>;rel="alternate"`.
fn links(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    // A target ends with its bracket, so commas inside of it do no harm.
    values.flat_map(|value| value.split('<').skip(1)).filter_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let mut parameters = parameters.split([';', ',']).filter_map(|p| p.split_once('='));
        let (_, relation) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"))?;
        Some((relation.trim().trim_matches('"'), target))
    })
}

/// Whether the environment names a proxy, which resolves names itself.
fn proxy_in_environment() -> bool {
    let names = [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HTTP_PROXY",
        "http_proxy",
    ];
    names
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// TLS by the roots that are trusted everywhere and those of the issuer.
fn tls(ca_pem: Option<&[u8]>) -> Result<ClientConfig, AcmeError> {
    crate::tls::client(ca_pem).map_err(|error| {
        AcmeError::Settings(match error {
            TlsError::Setup(_) => error.to_string(),
            _ => format!("the CA bundle of the directory cannot be used: {error}"),
        })
    })
}

#[cfg(test)]
mod tests;
