//! Decodes a watch in JSON as it arrives: one event for each object.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    DecodeError, Format, Skipped, Status,
    carry::{Carry, MAX_ITEM},
    json,
    scan::Scan,
    status,
};
use crate::{
    object::{Key, Kind, Object},
    source::pairs::DataKeys,
};

/// One event of a watch.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "events are handed on one at a time, and most hold an object"
)]
pub enum Event {
    /// An object exists, new or changed, with its resourceVersion.
    Set(Object, String),
    /// An object no longer exists, with the resourceVersion of its deletion.
    Gone(Key, String),
    /// Nothing has happened up to this resourceVersion.
    Bookmark(String),
    /// The server ends the watch. The code 410 requires a new list.
    Error(Status),
    /// An object exists that cannot be decoded, with its resourceVersion.
    Unreadable(Skipped, String),
}

/// Decodes the body of a watch as it arrives. It holds at most one event.
pub struct EventDecoder {
    kind: Kind,
    keys: DataKeys,
    scan: Option<Scan>,
    carry: Carry,
    failed: Option<DecodeError>,
}

impl EventDecoder {
    /// Makes a decoder of the events of `kind`. `keys` are the data keys in which Secrets have a certificate and its
    /// key.
    pub fn new(kind: Kind, keys: &DataKeys) -> Self {
        Self {
            kind,
            keys: keys.clone(),
            scan: None,
            carry: Carry::new(kind == Kind::Secret),
            failed: None,
        }
    }

    /// Takes the next bytes, and hands every event that they complete to `sink`, in order.
    ///
    /// An error concerns the stream and is permanent: a new watch has to start at the last resourceVersion.
    pub fn push(&mut self, frame: &[u8], sink: &mut dyn FnMut(Event)) -> Result<(), DecodeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.frame(frame, sink)
            .inspect_err(|error| self.failed = Some(error.clone()))
    }

    fn frame(&mut self, mut frame: &[u8], sink: &mut dyn FnMut(Event)) -> Result<(), DecodeError> {
        while let Some((&byte, after)) = frame.split_first() {
            let Some(mut scan) = self.scan else {
                match byte {
                    b'{' => self.scan = Some(Scan::default()),
                    _ if byte.is_ascii_whitespace() => frame = after,
                    _ => return Err(DecodeError::Json(format!("unexpected {:?}", char::from(byte)))),
                }
                continue;
            };
            let Some(end) = scan.advance(frame) else {
                self.scan = Some(scan);
                return self.carry.push(frame);
            };
            self.scan = None;
            let (piece, rest) = frame.split_at_checked(end).unwrap_or((frame, &[]));
            frame = rest;
            if self.carry.is_empty() {
                if piece.len() > MAX_ITEM {
                    return Err(DecodeError::TooLarge);
                }
                sink(event(self.kind, piece, &self.keys)?);
            } else {
                self.carry.push(piece)?;
                let event = event(self.kind, self.carry.bytes(), &self.keys);
                self.carry.clear();
                sink(event?);
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", borrow)]
    what: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

fn event(kind: Kind, bytes: &[u8], keys: &DataKeys) -> Result<Event, DecodeError> {
    let line: Line<'_> = serde_json::from_slice(bytes).map_err(|error| DecodeError::json(Some(kind), &error))?;
    let body = line.object.get().as_bytes();
    let named = json::named(body);
    let version = named
        .as_ref()
        .and_then(|meta| meta.resource_version.clone())
        .unwrap_or_default();
    let key = named.and_then(|meta| Some(Key::new(meta.namespace.unwrap_or_default(), meta.name?)));
    match &*line.what {
        "ADDED" | "MODIFIED" => Ok(match json::item(kind, body, keys) {
            Ok(object) => Event::Set(object, version),
            Err(error) => Event::Unreadable(Skipped { key, error }, version),
        }),
        "DELETED" => key.map(|key| Event::Gone(key, version)).ok_or(DecodeError::Nameless),
        "BOOKMARK" => Ok(Event::Bookmark(version)),
        "ERROR" => Ok(Event::Error(status(Format::Json, body).unwrap_or_default())),
        other => Err(DecodeError::Kind {
            expected: "an event".to_owned(),
            found: other.to_owned(),
        }),
    }
}
