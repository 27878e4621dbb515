//! Code that the clients of HTTP APIs share.

use std::{path::Path, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};

use super::{credential::Secrets, service::ServiceUrl};
use crate::{
    clock::Pauses,
    k8s::{ApiError, Connection, ServiceRequest},
    net::https,
    solve::SolveError,
};

/// How many times a request is sent that gets no answer, or one that asks for a retry.
const TRIES: u32 = 3;
/// How many characters of an error's text are shown.
const SHOWN: usize = 300;

/// The answer to a request.
#[derive(Debug)]
pub(super) struct ApiAnswer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl ApiAnswer {
    /// The body as text on one line, cut; not cleared for a terminal.
    pub(super) fn text(&self) -> String {
        cut(&String::from_utf8_lossy(&self.body))
    }
}

/// At most [`SHOWN`] characters, with white space collapsed.
pub(super) fn cut(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    crate::text::shorten(&words, SHOWN).into_owned()
}

/// A request to an API.
#[derive(Debug)]
pub(super) struct ApiRequest {
    pub(super) method: Method,
    /// The path below the API's URL, with its leading slash.
    pub(super) path: String,
    /// JSON.
    pub(super) body: Option<String>,
}

/// How an API is reached, with the headers of every request.
#[derive(Debug)]
pub(super) struct ApiClient {
    way: Way,
    headers: HeaderMap,
}

#[derive(Debug)]
enum Way {
    /// From this machine.
    Direct { client: Client, base: String },
    /// By the API server.
    Service {
        connection: Box<Connection>,
        url: ServiceUrl,
    },
}

impl ApiClient {
    /// Makes a client for the API at a URL; `product` names it in errors. A Service is reached through the cluster.
    pub(super) fn open(
        product: &str,
        url: &str,
        ca_file: Option<&Path>,
        headers: HeaderMap,
        secrets: &dyn Secrets,
    ) -> Result<Self, SolveError> {
        let way = match ServiceUrl::read(url) {
            None => {
                let ca = ca(ca_file)?;
                Way::Direct {
                    base: base(url)?,
                    client: https::client(ca.as_deref()).map_err(|e| SolveError::new(e.to_string()))?,
                }
            }
            Some(read) => {
                let url = read.map_err(SolveError::new)?;
                let Some(connection) = secrets.connection() else {
                    return Err(SolveError::new(format!(
                        "{product} at {url} is reached through a cluster, and there is none here"
                    ))
                    .hint("give the URL at which this machine reaches it, or read from the cluster instead of manifests (-f)"));
                };
                Way::Service {
                    connection: Box::new(connection.clone()),
                    url,
                }
            }
        };
        Ok(Self { way, headers })
    }

    /// The URL of the API, without its trailing slash.
    pub(super) fn base(&self) -> String {
        match &self.way {
            Way::Direct { base, .. } => base.clone(),
            Way::Service { url, .. } => url.to_string(),
        }
    }

    /// Sends a request that may be carried out twice without harm. Repeats it after a failure to connect, a 429 and a
    /// 5xx; the last answer counts.
    pub(super) async fn send(&self, label: &str, most: usize, request: &ApiRequest) -> Result<ApiAnswer, SolveError> {
        let mut pauses = Pauses::growing(Duration::from_millis(500), Duration::MAX, (3, 1));
        let mut attempt = 1;
        loop {
            let outcome = self.once(label, most, request).await;
            let again = match &outcome {
                Ok(answer) => answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS,
                Err(error) => !error.refused,
            };
            if !again || attempt == TRIES {
                return outcome;
            }
            tokio::time::sleep(pauses.take()).await;
            attempt += 1;
        }
    }

    /// Sends a request once.
    pub(super) async fn once(&self, label: &str, most: usize, request: &ApiRequest) -> Result<ApiAnswer, SolveError> {
        match &self.way {
            Way::Direct { client, base } => {
                let url = format!("{base}{}", request.path);
                let made = client
                    .request(request.method.clone(), url)
                    .headers(self.headers.clone());
                let made = match &request.body {
                    Some(body) => made.header(CONTENT_TYPE, "application/json").body(body.clone()),
                    None => made,
                };
                direct(label, most, made).await
            }
            Way::Service { connection, url } => {
                let asked = ServiceRequest {
                    method: request.method.clone(),
                    path: &format!("{}{}", url.path, request.path),
                    headers: &self.headers,
                    body: request.body.as_deref(),
                };
                let answer = connection.ask_service(&url.service, &asked, most).await;
                let answer = answer.map_err(|error| by_server(label, url, &error))?;
                Ok(ApiAnswer {
                    status: answer.status,
                    body: answer.body,
                })
            }
        }
    }
}

/// The error if the API server does not pass a request on.
fn by_server(label: &str, url: &ServiceUrl, error: &ApiError) -> SolveError {
    let failed = SolveError {
        message: format!("cannot reach {label}: {}", crate::error::chain(error)),
        ..SolveError::because(error)
    };
    let namespace = &url.service.namespace;
    match error {
        // Nothing has changed, and asking again does not help.
        ApiError::Forbidden { .. } => failed.refused(),
        ApiError::NotFound { .. } => failed.refused().hint(format!(
            "check the URL: `kubectl get services -n {namespace}` lists the Services"
        )),
        ApiError::Refused {
            code: 500..=504,
            message,
            ..
        } => {
            let failed = failed.hint(format!(
                "the Service needs this port, and a Pod that is ready: `kubectl get services,endpointslices -n {namespace}`"
            ));
            // There is nobody to whom the request could have been passed on.
            let to_nobody = ["no endpoints available", "no service port"];
            if to_nobody.iter().any(|said| message.contains(said)) {
                failed.refused()
            } else {
                failed
            }
        }
        _ => failed,
    }
}

async fn direct(label: &str, most: usize, request: RequestBuilder) -> Result<ApiAnswer, SolveError> {
    let unreachable = |why: String| {
        SolveError::new(format!("cannot reach {label}: {why}"))
            .hint("check the URL; for a private CA, name its certificate with caFile")
    };
    let response = request.send().await.map_err(|e| unreachable(https::words(&e)))?;
    let status = response.status();
    let body = https::body(response, most).await.map_err(unreachable)?;
    Ok(ApiAnswer { status, body })
}

/// Reads the PEM of a private CA.
fn ca(path: Option<&Path>) -> Result<Option<Vec<u8>>, SolveError> {
    let Some(path) = path else { return Ok(None) };
    crate::file::read(path, crate::file::SMALL, crate::file::PATIENCE)
        .map(|mut pem| Some(std::mem::take(&mut *pem)))
        .map_err(|e| SolveError::new(format!("cannot read caFile {}: {e}", path.display())))
}

/// The base URL of an API without its trailing slash: https, or http, which is meant for the loopback and private
/// networks.
fn base(url: &str) -> Result<String, SolveError> {
    // The URL is not quoted, because it may contain a password.
    let wrong = || {
        SolveError::new("url is not the URL of an API").hint(
            "such as https://pdns.corp.internal:8081, or service://dns/powerdns-api:8081 for a Service of the cluster",
        )
    };
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong())?;
    let has_user = parsed.password().is_some() || !parsed.username().is_empty();
    if has_user || !matches!(parsed.scheme(), "https" | "http") || parsed.host().is_none() || parsed.query().is_some() {
        return Err(wrong());
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}
