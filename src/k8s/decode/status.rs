//! `metav1.Status`: how the API server says no, in either format.

use bytes::Bytes;
use prost::Message as _;
use serde::Deserialize;

use super::{Format, envelope, message, view::text};
use crate::text::width::cut;

/// What an answer that is a Status says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The HTTP status; 0 when it names none.
    pub code: u16,
    /// Its reason, such as `Forbidden` or `Expired`; cut, like the message, to what a line or four can hold.
    pub reason: String,
    /// Its message: the server's words.
    pub message: String,
    /// details.retryAfterSeconds, when the server asks to wait.
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

/// The Status that a body holds; `None` when it is none.
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

/// How many cells of what a server says are kept: a line or four, and no screen full.
const LONGEST_SAID: usize = 300;

/// What a server says, cut.
pub fn said(text: &str) -> String {
    cut(text, LONGEST_SAID).into_owned()
}

fn code(number: i64) -> u16 {
    u16::try_from(number).unwrap_or_default()
}

/// Zero is how protobuf writes that nothing is asked for.
fn seconds(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|seconds| *seconds > 0)
}
