//! Decodes the answers of the API server frame by frame into views: bytes in, objects out.
//!
//! ```text
//! frames ─→ ListDecoder ┬→ protobuf  k8s\0, Unknown, list ─→ view ─┬→ Object
//!                       └→ json      { items: [ … ] } ────→ form ─┘
//! lines  ─→ EventDecoder ─────────────────────────────────→ form ──→ Event
//! ```
//!
//! A list is never held as a whole: an item within one frame is decoded in place, any other is collected first. The
//! texts of a message are slices of its frame until the view copies those that it keeps.

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

/// How many undecodable items are named. The others are only counted.
const MAX_NAMED: usize = 1000;

/// The encoding of the body of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/vnd.kubernetes.protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Format {
    /// The format for a Content-Type, regardless of its parameters; `None` for any other type, and for streams of
    /// protobuf.
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

/// The properties of a list besides its items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListEnd {
    /// metadata.resourceVersion: where a watch continues.
    pub resource_version: String,
    /// metadata.continue: the token for the next page, if there is one.
    pub continue_token: Option<String>,
    /// metadata.remainingItemCount: how many items the following pages have, if the server knows.
    pub remaining: Option<u64>,
    /// The first 1,000 items that could not be decoded and were left out.
    pub skipped: Vec<Skipped>,
    /// How many further items could not be decoded.
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
    /// The namespace and name, if the metadata could be read.
    pub key: Option<Key>,
    /// Why it could not be decoded. Contains nothing of a Secret's data.
    pub error: DecodeError,
}

/// Decodes the body of a LIST as it arrives. It holds at most one item.
pub struct ListDecoder {
    list: List,
    failed: Option<DecodeError>,
}

enum List {
    Protobuf(protobuf::List),
    Json(json::List),
}

impl ListDecoder {
    /// Makes a decoder of a list of `kind`. `keys` are the data keys in which Secrets have a certificate and its key.
    pub fn new(format: Format, kind: Kind, keys: &DataKeys) -> Self {
        let list = match format {
            Format::Protobuf => List::Protobuf(protobuf::List::new(kind, keys.clone())),
            Format::Json => List::Json(json::List::new(kind, keys.clone())),
        };
        Self { list, failed: None }
    }

    /// Takes the next bytes, and hands every object that they complete to `sink`, in the order of the list.
    ///
    /// An item that cannot be decoded is left out, and [`Self::finish`] names it. An error concerns the list itself and
    /// is permanent: nothing is decoded after it.
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

    /// The properties of the list; [`DecodeError::Ended`] if it is incomplete.
    pub fn finish(self) -> Result<ListEnd, DecodeError> {
        match (self.failed, self.list) {
            (Some(error), _) => Err(error),
            (None, List::Protobuf(list)) => list.finish(),
            (None, List::Json(list)) => list.finish(),
        }
    }
}

/// Decodes one object, the body of a GET. For a Secret it also determines when its certificate last changed, from
/// managedFields.
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
