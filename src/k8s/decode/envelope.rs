//! Kubernetes' envelope of protobuf: `k8s\0`, then a `runtime.Unknown`.

use bytes::Bytes;
use prost::Message as _;

use super::{DecodeError, message, view::text};
use crate::object::Text;

/// What every answer in protobuf begins with.
pub(super) const MAGIC: &[u8; 4] = b"k8s\0";

/// The fields of `runtime.Unknown`.
pub(super) const TYPE_META: u32 = 1;
pub(super) const RAW: u32 = 2;
pub(super) const CONTENT_ENCODING: u32 = 3;

/// An envelope that is there as a whole.
pub(super) struct Envelope {
    /// The kind that typeMeta names; empty when it names none.
    pub(super) kind: Text,
    /// The object's own message.
    pub(super) raw: Bytes,
}

impl Envelope {
    /// An error when the envelope names another kind.
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

/// The kind that a typeMeta names; empty when it names none.
pub(super) fn kind(type_meta: Bytes) -> Result<Text, DecodeError> {
    Ok(text(&message::TypeMeta::decode(type_meta)?.kind))
}

/// An error when the payload is encoded, which servers do not do.
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
