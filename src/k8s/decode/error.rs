//! Why an answer cannot be decoded.

use super::{carry::MAX_ITEM, wire::Malformed};
use crate::object::Kind;

/// Why an answer, or one item of it, cannot be decoded. The message contains nothing of a Secret's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body ends before the list or object does.
    #[error("the answer ended early")]
    Ended,
    /// The body does not begin like Kubernetes' protobuf.
    #[error("the answer is not in Kubernetes' protobuf format")]
    NotProtobuf,
    /// The kind is a custom resource, which no server encodes in protobuf.
    #[error("there is no protobuf format of {}", .0.as_str())]
    NoProtobufOf(Kind),
    /// The encoding of the payload is not known.
    #[error("the answer has the unknown encoding {0:?}")]
    Encoding(String),
    /// A protobuf message is malformed.
    #[error("malformed protobuf: {0}")]
    Protobuf(#[from] Malformed),
    /// The message of an object does not have the form of its kind.
    #[error("malformed protobuf: {}", fault(.0))]
    Message(#[from] prost::DecodeError),
    /// JSON is malformed, or its types do not match the kind.
    #[error("malformed JSON: {0}")]
    Json(String),
    /// The object is of another kind than the requested one.
    #[error("expected {expected}, got {found:?}")]
    Kind {
        /// The requested kind.
        expected: String,
        /// The kind of the object.
        found: String,
    },
    /// The answer has no items, so it is not a list.
    #[error("the answer is not a list")]
    NotAList,
    /// An object has no name.
    #[error("the object has no name")]
    Nameless,
    /// An item is larger than any object can be.
    #[error("an item is larger than {} MiB", MAX_ITEM >> 20)]
    TooLarge,
}

/// What is wrong, and in which field. Values are not quoted.
fn fault(error: &prost::DecodeError) -> String {
    let text = error.to_string();
    let told = text.strip_prefix("failed to decode Protobuf message: ");
    told.unwrap_or(&text).to_owned()
}

impl DecodeError {
    /// An error from serde, whose messages may quote values. For a Secret only the place is kept.
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
