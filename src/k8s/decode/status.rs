//! `metav1.Status`, by which the API server refuses a request, in either format.

use bytes::Bytes;
use prost::Message as _;
use serde::Deserialize;

use super::{Format, envelope, message, view::text};
use crate::text::width::cut;

/// The content of a Status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The HTTP status; 0 if it has none.
    pub code: u16,
    /// Its reason, such as `Forbidden` or `Expired`. The reason and the message are cut to a few lines.
    pub reason: String,
    /// Its message, in the words of the server.
    pub message: String,
    /// details.retryAfterSeconds, if the server asks to wait.
    pub retry_after: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct StatusForm {
    kind: String,
    code: Option<i64>,
    reason: Option<String>,
    message: Option<String>,
    details: Option<Details>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Option<i64>,
}

impl StatusForm {
    fn status(self) -> Option<Status> {
        (self.kind == "Status").then(|| Status {
            code: code(self.code.unwrap_or_default()),
            reason: said(&self.reason.unwrap_or_default()),
            message: said(&self.message.unwrap_or_default()),
            retry_after: self.details.and_then(|d| seconds(d.retry_after_seconds?)),
        })
    }
}

/// The Status in a body; `None` if there is none.
pub fn status(format: Format, body: &[u8]) -> Option<Status> {
    match format {
        Format::Json => serde_json::from_slice::<StatusForm>(body).ok()?.status(),
        Format::Protobuf => {
            let envelope = envelope::open(&Bytes::copy_from_slice(body)).ok()?;
            (envelope.kind == "Status").then(|| message(envelope.raw)).flatten()
        }
    }
}

fn message(raw: Bytes) -> Option<Status> {
    let status = message::Status::decode(raw).ok()?;
    Some(Status {
        code: code(status.code),
        reason: said(&text(&status.reason)),
        message: said(&text(&status.message)),
        retry_after: status.details.and_then(|details| seconds(details.retry_after_seconds)),
    })
}

/// How many cells of a server's message are kept: a few lines, not a screen full.
const LONGEST_SAID: usize = 300;

/// A message of a server, cut to that length.
pub fn said(text: &str) -> String {
    cut(text, LONGEST_SAID).into_owned()
}

fn code(number: i64) -> u16 {
    u16::try_from(number).unwrap_or_default()
}

/// Protobuf encodes an absent number as zero.
fn seconds(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|seconds| *seconds > 0)
}
