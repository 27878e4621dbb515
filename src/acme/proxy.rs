//! What a proxy says when it makes no connection. The HTTP client drops it, so the proxy is asked once more, for its answer alone.

use std::{fmt, io, sync::Arc, time::Duration};

use http::{StatusCode, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::Url;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::error::AcmeError;

/// The most that is read of an answer, in bytes.
const HEAD: usize = 8 * 1024;

/// Which proxy is used for which URL: as the HTTP client chooses it.
#[derive(Clone)]
pub(super) struct Proxies(Arc<Matcher>);

impl fmt::Debug for Proxies {
    /// Without their passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}

impl Proxies {
    /// The issuer's own proxy for everything, or else those of the environment.
    pub(super) fn of(own: Option<&str>) -> Self {
        Self(Arc::new(match own {
            Some(proxy) => Matcher::builder().all(proxy).build(),
            None => Matcher::from_system(),
        }))
    }

    /// Why the proxy of a URL makes no connection; `None` where there is no proxy, or where it does.
    pub(super) async fn refusal(&self, url: &Url, limit: Duration) -> Option<AcmeError> {
        let target: Uri = url.as_str().parse().ok()?;
        let to = format!("{}:{}", target.host()?, url.port_or_known_default()?);
        let proxy = self.0.intercept(&target)?;
        let (scheme, host) = (proxy.uri().scheme_str().unwrap_or("http"), proxy.uri().host()?);
        let port = proxy
            .uri()
            .port_u16()
            .unwrap_or(if scheme == "https" { 443 } else { 80 });
        let refused = |status, words| AcmeError::Proxy {
            proxy: crate::text::clear(&format!("{scheme}://{host}:{port}")).into_owned(),
            status,
            words,
        };
        if scheme != "http" {
            return Some(refused(None, format!("makes no connection to {to}")));
        }
        let asked = timeout(limit, connect(&proxy, (host.trim_matches(['[', ']']), port), &to)).await;
        match asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(Some(200..=299)) => None,
            Ok(Some(status)) => {
                let reason = StatusCode::from_u16(status)
                    .ok()
                    .and_then(|code| code.canonical_reason());
                let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
                Some(refused(
                    Some(status),
                    format!("answers with status {status}{reason} when it is asked for a connection to {to}"),
                ))
            }
            Ok(None) => Some(refused(None, "does not answer as an HTTP proxy does".to_owned())),
            Err(error) => Some(refused(None, format!("cannot be reached: {error}"))),
        }
    }
}

/// Asks for a connection (RFC 9110, section 9.3.6), and returns the status of the answer, if it is one.
async fn connect(proxy: &Intercept, at: (&str, u16), to: &str) -> io::Result<Option<u16>> {
    let mut stream = TcpStream::connect(at).await?;
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(auth) = proxy.basic_auth() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(auth.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    let mut head = Vec::new();
    let mut line = stream.take(HEAD as u64);
    while !head.contains(&b'\n') && line.read_buf(&mut head).await? > 0 {}
    let first = String::from_utf8_lossy(&head);
    let mut words = first.split_ascii_whitespace();
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/"));
    Ok(words.next().and_then(|status| status.parse().ok()).filter(|_| is_http))
}

#[cfg(test)]
mod tests;
