//! One request of any verb, for code that writes. The caller interprets a refusal.

use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER},
};
use kube::client::Body;

use super::{
    ClusterError, Connection,
    error::Unreachable,
    request::{Answer, JSON},
};
use crate::k8s::decode::Format;

/// The answer of the server.
#[derive(Clone)]
pub struct Reply {
    /// The HTTP status, which may be a refusal.
    pub status: StatusCode,
    /// How many seconds the server asks to wait.
    pub retry_after: Option<u32>,
    /// The Content-Type, or `no content type`.
    pub content_type: String,
    /// The complete body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Reply {
    /// Omits the body, which may be a Secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Sends one request once. If the server refuses the token, it is renewed once, which is safe because such a
    /// request was not processed. The body is sent with its Content-Type; the answer is JSON of at most `most` bytes.
    ///
    /// Errors are only those of reaching the server, and 401. Every other status is returned as an answer.
    pub async fn exchange(
        &self,
        method: &Method,
        path: &str,
        body: Option<(&'static str, &[u8])>,
        most: usize,
    ) -> Result<Reply, ClusterError> {
        self.exchange_until(method, path, &HeaderMap::new(), body, most, |reply| {
            reply.status == StatusCode::UNAUTHORIZED
        })
        .await
    }

    /// The same with further headers, and where 401 is not always the server's own answer: `refused` says whether the
    /// server refuses the token.
    pub(super) async fn exchange_until(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: Option<(&'static str, &[u8])>,
        most: usize,
        refused: impl Fn(&Reply) -> bool,
    ) -> Result<Reply, ClusterError> {
        let renewed = |cause: &super::ConnectError| ClusterError::Credentials {
            user: self.user.clone(),
            cause: cause.to_string(),
        };
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(ClusterError::Stopped);
        };
        self.credential.renew(false).await.map_err(|e| renewed(&e))?;
        let reply = self.send_once(method, path, headers, body, most).await?;
        if !refused(&reply) {
            return Ok(reply);
        }
        if self.credential.renew(true).await.map_err(|e| renewed(&e))? {
            let reply = self.send_once(method, path, headers, body, most).await?;
            if !refused(&reply) {
                return Ok(reply);
            }
        }
        Err(ClusterError::Unauthorized {
            server: self.server.clone(),
            user: self.user.clone(),
        })
    }

    async fn send_once(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: Option<(&'static str, &[u8])>,
        most: usize,
    ) -> Result<Reply, ClusterError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, HeaderValue::from_static(JSON))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut bytes = Vec::new();
        if let Some((content_type, content)) = body {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static(content_type));
            bytes = content.to_vec();
        }
        let request = request
            .body(Body::from(bytes))
            .map_err(|_| ClusterError::BadRequest { path: path.to_owned() })?;
        let deadline = self.deadline();
        let (parts, body) = self.send(request, deadline).await?.into_parts();
        let text = |name| parts.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
        let content_type = text(CONTENT_TYPE).unwrap_or("no content type").to_owned();
        let answer = Answer::of(self, body, Format::of(&content_type), deadline);
        Ok(Reply {
            status: parts.status,
            retry_after: text(RETRY_AFTER).and_then(|v| v.trim().parse().ok()),
            content_type,
            body: answer.whole(most).await?,
        })
    }
}

impl ClusterError {
    /// Whether the request certainly did not reach the server, so that sending it again does nothing twice.
    pub fn was_not_sent(&self) -> bool {
        matches!(
            self,
            Self::Unreachable {
                problem: Unreachable::Refused | Unreachable::Dns | Unreachable::DnsSilent(_),
                ..
            }
        )
    }

    /// Whether nothing answers at the address of the server. If the server has never answered, this is not a passing
    /// error.
    pub fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Timeout { .. }
                | Self::Unreachable {
                    problem: Unreachable::Refused | Unreachable::Dns | Unreachable::DnsSilent(_) | Unreachable::Timeout,
                    ..
                }
        )
    }

    /// Whether the outcome of the request is unknown: the connection broke, or there was no answer in time.
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::Unreachable { problem, .. } => {
                matches!(
                    problem,
                    Unreachable::Reset | Unreachable::Timeout | Unreachable::Other(_)
                )
            }
            Self::Timeout { .. } => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_not_shown() {
        let reply = Reply {
            status: StatusCode::OK,
            retry_after: None,
            content_type: "application/json".into(),
            body: b"tls.key".to_vec(),
        };
        assert!(!format!("{reply:?}").contains("tls"), "{reply:?}");
        assert!(!format!("{reply:?}").contains("116"), "{reply:?}");
    }

    #[test]
    fn what_was_never_sent_is_told_from_what_may_have_happened() {
        let of = |problem| ClusterError::Unreachable {
            server: String::new(),
            problem,
        };
        for (problem, unsent, uncertain) in [
            (Unreachable::Refused, true, false),
            (Unreachable::Dns, true, false),
            (Unreachable::DnsSilent(String::new()), true, false),
            (Unreachable::Reset, false, true),
            (Unreachable::Timeout, false, true),
            (Unreachable::Proxy(String::new()), false, false),
        ] {
            let error = of(problem);
            assert_eq!(
                (error.was_not_sent(), error.is_uncertain()),
                (unsent, uncertain),
                "{error}"
            );
        }
    }
}
