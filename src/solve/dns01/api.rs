//! Code that the clients of HTTP APIs share.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};

use crate::clock::Pauses;
use crate::{net::https, solve::SolveError};

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

/// Sends a request that may be carried out twice without harm. Repeats it after a failure to connect, a 429 and a 5xx;
/// the last answer counts.
pub(super) async fn send(label: &str, most: usize, make: impl Fn() -> RequestBuilder) -> Result<ApiAnswer, SolveError> {
    let mut pauses = Pauses::growing(Duration::from_millis(500), Duration::MAX, (3, 1));
    let mut attempt = 1;
    loop {
        let outcome = once(label, most, make()).await;
        let again = match &outcome {
            Ok(answer) => answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS,
            Err(_) => true,
        };
        if !again || attempt == TRIES {
            return outcome;
        }
        tokio::time::sleep(pauses.take()).await;
        attempt += 1;
    }
}

/// Sends a request once.
pub(super) async fn once(label: &str, most: usize, request: RequestBuilder) -> Result<ApiAnswer, SolveError> {
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
pub(super) fn ca(path: Option<&std::path::Path>) -> Result<Option<Vec<u8>>, SolveError> {
    let Some(path) = path else { return Ok(None) };
    crate::file::read(path, crate::file::SMALL, crate::file::PATIENCE)
        .map(|mut pem| Some(std::mem::take(&mut *pem)))
        .map_err(|e| SolveError::new(format!("cannot read caFile {}: {e}", path.display())))
}

/// The base URL of an API without its trailing slash: https, or http, which is meant for the loopback and private
/// networks.
pub(super) fn base(url: &str) -> Result<String, SolveError> {
    // The URL is not quoted, because it may contain a password.
    let wrong = || SolveError::new("url is not the URL of an API").hint("such as https://pdns.corp.internal:8081");
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong())?;
    let has_user = parsed.password().is_some() || !parsed.username().is_empty();
    if has_user || !matches!(parsed.scheme(), "https" | "http") || parsed.host().is_none() || parsed.query().is_some() {
        return Err(wrong());
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}
