//! The API server's answers, frame by frame, into views: bytes in, objects out.
//!
//! ```text
//! frames ─→ ListDecoder ┬→ protobuf  k8s\0, Unknown, list ─→ view ─┬→ Object
//!                       └→ json      { items: [ … ] } ────→ form ─┘
//! lines  ─→ EventDecoder ─────────────────────────────────→ form ──→ Event
//! ```
//!
//! A list is never held: an item that lies within one frame is decoded in place, another one is gathered first. The texts of a message
//! are parts of its frame until the view copies those that it keeps.

mod carry;
mod envelope;
mod error;
mod event;
mod json;
mod managed;
mod message;
mod protobuf;
mod scan;
mod status;
mod view;
mod wire;

#[cfg(test)]
mod tests;

pub use carry::MAX_ITEM;
pub use error::DecodeError;
pub use event::{Event, EventDecoder};
pub use status::{Status, said, status};
pub use wire::Malformed;

use bytes::Bytes;

use crate::{
    object::{Key, Kind, Object},
    source::{form, pairs::DataKeys},
};

/// How many undecodable items are named; the others are only counted.
const MAX_NAMED: usize = 1000;

/// How the body of an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/vnd.kubernetes.protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Format {
    /// The format that a Content-Type names, parameters aside; `None` for another one, and for streams of protobuf.
    pub fn of(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(str::trim);
        let media = parts.next()?;
        let mut streams = parts.filter(|p| p.to_ascii_lowercase().starts_with("stream="));
        if media.eq_ignore_ascii_case("application/vnd.kubernetes.protobuf") {
            streams.next().is_none().then_some(Self::Protobuf)
        } else if media.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }
}

/// What a list says beside its items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListEnd {
    /// metadata.resourceVersion: where a watch goes on.
    pub resource_version: String,
    /// metadata.continue: the next page, where there is one.
    pub continue_token: Option<String>,
    /// metadata.remainingItemCount: how many items the pages to come hold, where the server knows.
    pub remaining: Option<u64>,
    /// The first 1,000 items that could not be decoded, and were left out.
    pub skipped: Vec<Skipped>,
    /// How many more could not be decoded.
    pub skipped_more: usize,
}

impl ListEnd {
    fn skip(&mut self, skipped: Skipped) {
        if self.skipped.len() < MAX_NAMED {
            self.skipped.push(skipped);
        } else {
            self.skipped_more += 1;
        }
    }
}

/// An object that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which one, as far as its metadata could be read.
    pub key: Option<Key>,
    /// What is wrong with it. Holds nothing of a Secret's data.
    pub error: DecodeError,
}

/// Decodes the body of a LIST as it arrives. Holds one item and no more.
pub struct ListDecoder {
    list: List,
    failed: Option<DecodeError>,
}

enum List {
    Protobuf(protobuf::List),
    Json(json::List),
}

impl ListDecoder {
    /// A decoder of a list of `kind`; `keys` are those under which Secrets hold pairs.
    pub fn new(format: Format, kind: Kind, keys: &DataKeys) -> Self {
        let list = match format {
            Format::Protobuf => List::Protobuf(protobuf::List::new(kind, keys.clone())),
            Format::Json => List::Json(json::List::new(kind, keys.clone())),
        };
        Self { list, failed: None }
    }

    /// Takes the next bytes, and hands every object that they complete to `sink`, in the list's order.
    ///
    /// An item that cannot be decoded is left out and named by [`Self::finish`]. An error is one of the list itself,
    /// and stays: nothing is decoded after it.
    pub fn push(&mut self, frame: &Bytes, sink: &mut dyn FnMut(Object)) -> Result<(), DecodeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = match &mut self.list {
            List::Protobuf(list) => list.push(frame, sink),
            List::Json(list) => list.push(frame, sink),
        };
        result.inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// What the list says of itself; [`DecodeError::Ended`] when it is not whole.
    pub fn finish(self) -> Result<ListEnd, DecodeError> {
        match (self.failed, self.list) {
            (Some(error), _) => Err(error),
            (None, List::Protobuf(list)) => list.finish(),
            (None, List::Json(list)) => list.finish(),
        }
    }
}

/// One object, the body of a GET. That of a Secret says when its certificate last changed, by its managedFields.
pub fn object(format: Format, kind: Kind, body: &Bytes, keys: &DataKeys) -> Result<Object, DecodeError> {
    match format {
        Format::Protobuf => {
            let envelope = envelope::open(body)?;
            envelope.expect(kind.as_str())?;
            let mut object = view::decode(kind, envelope.raw.clone(), keys)?;
            if let Object::Secret(secret) = &mut object {
                secret.data_changed = managed::data_changed(envelope.raw, keys)?;
            }
            Ok(object)
        }
        Format::Json => {
            let mut object = json::item(kind, body, keys)?;
            if let Object::Secret(secret) = &mut object {
                secret.data_changed = form::data_changed(body, keys);
            }
            Ok(object)
        }
    }
}
