//! One read request to the API server: time limits, a bounded number of attempts, and the meaning of unexpected
//! answers.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::{Instant, timeout_at};

use super::{ClusterError, Connection, error::Unreachable};
use crate::{
    clock::{Pauses, spread},
    k8s::decode::{self, Format},
    requests,
};

/// For built-in kinds: protobuf takes a quarter of the bytes and a third of the time.
pub(super) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf,application/json;q=0.5";
/// For custom resources and watches.
pub(super) const JSON: &str = "application/json";
/// Only the metadata of an object.
pub(super) const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
/// Only the metadata of the objects of a list. JSON, because the list decoder does not know its protobuf envelope.
pub(super) const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// All groups with their resources in one answer. A server before 1.26 answers only with the groups.
pub(super) const DISCOVERY: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// The most bytes of an error's body that are read.
const LONGEST_ERROR: usize = 64 << 10;

/// A successful answer whose body has not been read.
pub(super) struct Answer {
    body: Body,
    /// The format of the body.
    pub(super) format: Format,
    server: String,
    idle: Duration,
    deadline: Option<Instant>,
    granted: Option<Duration>,
}

impl Answer {
    /// An answer of any kind, with the time limits of the connection.
    pub(super) fn of(connection: &Connection, body: Body, format: Option<Format>, deadline: Option<Instant>) -> Self {
        Self {
            body,
            format: format.unwrap_or(Format::Json),
            server: connection.server.clone(),
            idle: connection.timing.idle,
            deadline,
            granted: connection.request_timeout,
        }
    }

    /// The next piece of the body; `None` at its end.
    pub(super) async fn frame(&mut self) -> Result<Option<Bytes>, ClusterError> {
        loop {
            let quiet = Instant::now() + self.idle;
            let until = self.deadline.map_or(quiet, |deadline| deadline.min(quiet));
            match timeout_at(until, self.body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Ok(Some(Err(error))) => return Err(ClusterError::from_kube(&self.server, &error)),
                Err(_) => return Err(late(&self.server, self.deadline, self.granted)),
            }
        }
    }

    /// The whole body, which may have at most `most` bytes.
    pub(super) async fn whole(mut self, most: usize) -> Result<Vec<u8>, ClusterError> {
        let mut out = Vec::new();
        while let Some(frame) = self.frame().await? {
            if out.len() + frame.len() > most {
                return Err(ClusterError::Refused {
                    server: self.server,
                    code: 200,
                    reason: "TooLarge".into(),
                    message: format!("an answer of more than {most} bytes"),
                    retry_after: None,
                });
            }
            out.extend_from_slice(&frame);
        }
        Ok(out)
    }
}

/// The error for a late answer: `--request-timeout` if it has expired, otherwise the silence of the server.
pub(super) fn late(server: &str, deadline: Option<Instant>, granted: Option<Duration>) -> ClusterError {
    match (deadline, granted) {
        (Some(deadline), Some(after)) if Instant::now() >= deadline => ClusterError::Timeout {
            server: server.to_owned(),
            after,
        },
        _ => ClusterError::Unreachable {
            server: server.to_owned(),
            problem: Unreachable::Timeout,
        },
    }
}

/// The object of a request, for the words of its errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) verb: &'static str,
    pub(super) resource: &'static str,
    pub(super) namespace: Option<&'a str>,
}

impl Connection {
    /// Reads `path`, with at most three attempts while errors are passing (429, 502 to 504, a broken connection).
    pub(super) async fn get(&self, path: &str, accept: &'static str, asked: Asked<'_>) -> Result<Answer, ClusterError> {
        self.get_by(path, accept, asked, self.deadline()).await
    }

    /// When `--request-timeout` will expire.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.request_timeout.map(|granted| Instant::now() + granted)
    }

    /// Like [`Self::get`], for one of several requests that together have to be done by `deadline`.
    pub(super) async fn get_by(
        &self,
        path: &str,
        accept: &'static str,
        asked: Asked<'_>,
        deadline: Option<Instant>,
    ) -> Result<Answer, ClusterError> {
        let mut pauses = Pauses::doubling(self.timing.pause, Duration::MAX);
        for _ in 1..self.timing.tries {
            let error = match self.get_once(path, accept, asked, deadline, self.timing.idle).await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.passing() => error,
                Err(error) => return Err(error),
            };
            let wait = match &error {
                ClusterError::Refused {
                    retry_after: Some(seconds),
                    ..
                } => Duration::from_secs(u64::from(*seconds)).max(pauses.due()),
                _ => spread(pauses.due()),
            };
            if wait > self.timing.longest_pause || deadline.is_some_and(|deadline| Instant::now() + wait >= deadline) {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            pauses.grow();
        }
        self.get_once(path, accept, asked, deadline, self.timing.idle).await
    }

    /// Reads `path` once. If the server refuses the token, it is renewed once. `idle` is the longest silence within the
    /// body.
    pub(super) async fn get_once(
        &self,
        path: &str,
        accept: &'static str,
        asked: Asked<'_>,
        deadline: Option<Instant>,
        idle: Duration,
    ) -> Result<Answer, ClusterError> {
        let renewed = |cause: &super::ConnectError| ClusterError::Credentials {
            user: self.user.clone(),
            cause: cause.to_string(),
        };
        self.credential.renew(false).await.map_err(|e| renewed(&e))?;
        match self.ask(path, accept, asked, deadline, idle).await {
            Err(ClusterError::Unauthorized { .. }) if self.credential.renew(true).await.map_err(|e| renewed(&e))? => {
                self.ask(path, accept, asked, deadline, idle).await
            }
            other => other,
        }
    }

    async fn ask(
        &self,
        path: &str,
        accept: &'static str,
        asked: Asked<'_>,
        deadline: Option<Instant>,
        idle: Duration,
    ) -> Result<Answer, ClusterError> {
        let request = Request::get(path)
            .header(ACCEPT, HeaderValue::from_static(accept))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .body(Body::empty())
            .map_err(|_| ClusterError::BadRequest { path: path.to_owned() })?;
        let (parts, body) = self.send(request, deadline).await?.into_parts();
        let kind = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("no content type");
        let format = Format::of(kind);
        let kind = decode::said(kind);
        if let (true, Some(format)) = (parts.status.is_success(), format) {
            return Ok(Answer {
                body,
                format,
                server: self.server.clone(),
                idle,
                deadline,
                granted: self.request_timeout,
            });
        }
        let answer = Answer {
            body,
            format: format.unwrap_or(Format::Json),
            server: self.server.clone(),
            idle: idle.min(Duration::from_secs(10)),
            deadline,
            granted: self.request_timeout,
        };
        Err(self
            .refusal(parts.status, &parts.headers, answer, format, kind, asked)
            .await)
    }

    /// Sends a request once, and waits for the beginning of its answer.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        deadline: Option<Instant>,
    ) -> Result<Response<Body>, ClusterError> {
        let asked = requests::PendingRequest::new(request.method(), format_args!("{}{}", self.server, request.uri()));
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answered = self.first_word(request, deadline).await;
        match &answered {
            Ok(response) => asked.answered(response.status()),
            Err(error) => asked.failed(error),
        }
        answered
    }

    async fn first_word(
        &self,
        request: Request<Body>,
        deadline: Option<Instant>,
    ) -> Result<Response<Body>, ClusterError> {
        let quiet = Instant::now() + self.timing.answer;
        let until = deadline.map_or(quiet, |deadline| deadline.min(quiet));
        let mut response = std::pin::pin!(self.client.send(request));
        // A server that has never answered gets less time than a busy one, unless the user sets a time limit. If it has
        // ignored one greeting, the next one is a formality.
        let greeting = if self.ignored.load(Ordering::Relaxed) {
            self.timing.greeting / 8
        } else {
            self.timing.greeting
        };
        let greeting = Instant::now() + greeting;
        let mut answered = None;
        if deadline.is_none() {
            answered = timeout_at(greeting, response.as_mut()).await.ok();
            if answered.is_none() && !self.answers.load(Ordering::Relaxed) {
                self.ignored.store(true, Ordering::Relaxed);
                return Err(late(&self.server, None, None));
            }
        }
        let answered = match answered {
            Some(answered) => Ok(answered),
            None => timeout_at(until, response).await,
        };
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(ClusterError::from_kube(&self.server, &error)),
            Err(_) => return Err(late(&self.server, deadline, self.request_timeout)),
        };
        self.answers.store(true, Ordering::Relaxed);
        Ok(response)
    }

    async fn refusal(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        answer: Answer,
        format: Option<Format>,
        content_type: String,
        asked: Asked<'_>,
    ) -> ClusterError {
        let server = self.server.clone();
        let text = answer.whole(LONGEST_ERROR).await.unwrap_or_default();
        let said = format.and_then(|format| decode::status(format, &text));
        let code = status.as_u16();
        let wait = headers
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.trim().parse().ok());
        match (code, said) {
            (401, _) => ClusterError::Unauthorized {
                server,
                user: self.user.clone(),
            },
            (403, Some(said)) => ClusterError::Forbidden {
                verb: asked.verb,
                resource: asked.resource,
                namespace: asked.namespace.map(Into::into),
                message: said.message,
            },
            (_, Some(said)) => ClusterError::Refused {
                server,
                code,
                reason: said.reason,
                message: said.message,
                retry_after: wait.or(said.retry_after),
            },
            // The server's own filters answer in plain text: "404 page not found", "Too many requests, ...".
            (404 | 410 | 429, None) if content_type.starts_with("text/plain") => ClusterError::Refused {
                server,
                code,
                reason: String::new(),
                message: decode::said(String::from_utf8_lossy(&text).trim()),
                retry_after: wait,
            },
            (429, None) => ClusterError::Refused {
                server,
                code,
                reason: String::new(),
                message: "too many requests".into(),
                retry_after: wait,
            },
            (_, None) => ClusterError::NotKubernetes {
                server,
                code,
                content_type,
            },
        }
    }
}
