//! Kubernetes' protobuf envelope: `k8s\0`, followed by a `runtime.Unknown`.

use bytes::Bytes;
use prost::Message as _;

use super::{DecodeError, message, view::text};
use crate::object::Text;

/// The beginning of every protobuf answer.
pub(super) const MAGIC: &[u8; 4] = b"k8s\0";

/// The field numbers of `runtime.Unknown`.
pub(super) const TYPE_META: u32 = 1;
pub(super) const RAW: u32 = 2;
pub(super) const CONTENT_ENCODING: u32 = 3;

/// A complete envelope.
pub(super) struct Envelope {
    /// The kind in typeMeta; empty if it has none.
    pub(super) kind: Text,
    /// The message of the object itself.
    pub(super) raw: Bytes,
}

impl Envelope {
    /// Fails if the envelope names another kind.
    pub(super) fn expect(&self, kind: &str) -> Result<(), DecodeError> {
        expect(kind, &self.kind)
    }
}

pub(super) fn expect(expected: &str, found: &str) -> Result<(), DecodeError> {
    if found.is_empty() || found == expected {
        return Ok(());
    }
    Err(DecodeError::Kind {
        expected: expected.to_owned(),
        found: found.to_owned(),
    })
}

/// The kind in a typeMeta; empty if it has none.
pub(super) fn kind(type_meta: Bytes) -> Result<Text, DecodeError> {
    Ok(text(&message::TypeMeta::decode(type_meta)?.kind))
}

/// Fails if the payload is encoded, which servers do not do.
pub(super) fn check_encoding(encoding: &[u8]) -> Result<(), DecodeError> {
    if encoding.is_empty() {
        return Ok(());
    }
    Err(DecodeError::Encoding(String::from_utf8_lossy(encoding).into_owned()))
}

/// Opens the envelope of one object.
pub(super) fn open(body: &Bytes) -> Result<Envelope, DecodeError> {
    if !body.starts_with(MAGIC) {
        return Err(if MAGIC.starts_with(body) {
            DecodeError::Ended
        } else {
            DecodeError::NotProtobuf
        });
    }
    let unknown = message::Unknown::decode(body.slice(MAGIC.len()..))?;
    check_encoding(&unknown.content_encoding)?;
    Ok(Envelope {
        kind: text(&unknown.type_meta.unwrap_or_default().kind),
        raw: unknown.raw.ok_or(DecodeError::Ended)?,
    })
}
