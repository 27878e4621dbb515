//! Why an answer cannot be decoded.

use super::{carry::MAX_ITEM, wire::Malformed};
use crate::object::Kind;

/// Why an answer, or one item of it, cannot be decoded. Its text holds nothing of a Secret's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body is over before the list or object is.
    #[error("the answer ended early")]
    Ended,
    /// The body does not begin as Kubernetes' protobuf does.
    #[error("the answer is not in Kubernetes' protobuf format")]
    NotProtobuf,
    /// The kind is a custom resource, which no server writes in protobuf.
    #[error("there is no protobuf format of {}", .0.as_str())]
    NoProtobufOf(Kind),
    /// The payload is encoded in a way that is not known.
    #[error("the answer has the unknown encoding {0:?}")]
    Encoding(String),
    /// A protobuf message is malformed.
    #[error("malformed protobuf: {0}")]
    Protobuf(#[from] Malformed),
    /// The message of an object does not have the form of its kind.
    #[error("malformed protobuf: {}", fault(.0))]
    Message(#[from] prost::DecodeError),
    /// JSON is malformed, or has other types than the kind's.
    #[error("malformed JSON: {0}")]
    Json(String),
    /// It is something else than was asked for.
    #[error("expected {expected}, got {found:?}")]
    Kind {
        /// What was asked for.
        expected: String,
        /// What it says that it is.
        found: String,
    },
    /// The answer has no items: it is no list.
    #[error("the answer is not a list")]
    NotAList,
    /// An object without a name.
    #[error("the object has no name")]
    Nameless,
    /// One item is larger than any object can be.
    #[error("an item is larger than {} MiB", MAX_ITEM >> 20)]
    TooLarge,
}

/// What is wrong and in which field. No value is quoted.
fn fault(error: &prost::DecodeError) -> String {
    let text = error.to_string();
    let told = text.strip_prefix("failed to decode Protobuf message: ");
    told.unwrap_or(&text).to_owned()
}

impl DecodeError {
    /// serde's words, which may quote values: of a Secret only the place is told.
    pub(super) fn json(kind: Option<Kind>, error: &serde_json::Error) -> Self {
        if kind != Some(Kind::Secret) {
            return Self::Json(error.to_string());
        }
        let what = match error.classify() {
            serde_json::error::Category::Data => "an unexpected value",
            serde_json::error::Category::Eof => "an early end",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => "a syntax error",
        };
        Self::Json(format!("{what} at line {} column {}", error.line(), error.column()))
    }
}
