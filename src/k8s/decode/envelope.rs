//! Kubernetes' envelope of protobuf: `k8s\0`, then a runtime.Unknown.

use super::{
    DecodeError,
    wire::{Fields, text_of},
};
use crate::object::Text;

/// What every answer in protobuf begins with.
pub(super) const MAGIC: &[u8; 4] = b"k8s\0";

/// The fields of runtime.Unknown.
pub(super) const TYPE_META: u32 = 1;
pub(super) const RAW: u32 = 2;
pub(super) const CONTENT_ENCODING: u32 = 3;

/// An envelope that is there as a whole.
pub(super) struct Envelope<'a> {
    /// The kind that typeMeta names; empty when it names none.
    pub(super) kind: Text,
    /// The object's own message.
    pub(super) raw: &'a [u8],
}

impl Envelope<'_> {
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
pub(super) fn kind(type_meta: &[u8]) -> Result<Text, DecodeError> {
    Ok(text_of(type_meta, 2)?.unwrap_or_default())
}

/// An error when the payload is encoded, which servers do not do.
pub(super) fn check_encoding(encoding: &[u8]) -> Result<(), DecodeError> {
    if encoding.is_empty() {
        return Ok(());
    }
    Err(DecodeError::Encoding(String::from_utf8_lossy(encoding).into_owned()))
}

/// Opens the envelope of one object.
pub(super) fn open(body: &[u8]) -> Result<Envelope<'_>, DecodeError> {
    let message = body.strip_prefix(MAGIC).ok_or_else(|| {
        if MAGIC.starts_with(body) {
            DecodeError::Ended
        } else {
            DecodeError::NotProtobuf
        }
    })?;
    let (mut named, mut raw) = (Text::default(), None);
    for field in Fields::new(message) {
        match field? {
            (TYPE_META, value) => named = kind(value.bytes()?)?,
            (RAW, value) => raw = Some(value.bytes()?),
            (CONTENT_ENCODING, value) => check_encoding(value.bytes()?)?,
            _ => {}
        }
    }
    Ok(Envelope {
        kind: named,
        raw: raw.ok_or(DecodeError::Ended)?,
    })
}
