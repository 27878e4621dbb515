//! Decodes a list in protobuf as it arrives: envelope, `ListMeta`, items.

use bytes::Bytes;
use prost::Message as _;

use super::{
    DecodeError, ListEnd, Skipped,
    carry::{Carry, MAX_ITEM},
    envelope::{self, CONTENT_ENCODING, MAGIC, RAW, TYPE_META},
    message::ListMeta,
    view,
    view::text,
    wire::{Malformed, Varint, WireType, tag},
};
use crate::{
    object::{Kind, Object},
    source::pairs::DataKeys,
};

/// The field numbers of every list.
const LIST_META: u32 = 1;
const ITEM: u32 = 2;

/// The position of the next byte in the list.
#[derive(Debug, Clone, Copy)]
enum At {
    /// In the magic number, after this many bytes.
    Magic(usize),
    /// In the tag of a field.
    Tag,
    /// In the length of a field.
    Length(u32),
    /// In a number that is not needed.
    Number,
    /// Before this many bytes that are not needed.
    Skip(u64),
    /// In a field that is decoded, with its length.
    Body(u32, usize),
}

/// The position relative to the message of the list in the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Raw {
    Before,
    Inside { left: u64 },
    After,
}

/// The decoder of one list.
pub(super) struct List {
    kind: Kind,
    keys: DataKeys,
    at: At,
    varint: Varint,
    raw: Raw,
    carry: Carry,
    end: ListEnd,
}

impl List {
    pub(super) fn new(kind: Kind, keys: DataKeys) -> Self {
        Self {
            kind,
            keys,
            at: At::Magic(0),
            varint: Varint::default(),
            raw: Raw::Before,
            carry: Carry::new(kind == Kind::Secret),
            end: ListEnd::default(),
        }
    }

    pub(super) fn push(&mut self, whole: &Bytes, sink: &mut dyn FnMut(Object)) -> Result<(), DecodeError> {
        let mut frame: &[u8] = whole;
        if !view::has_protobuf(self.kind) {
            return Err(DecodeError::NoProtobufOf(self.kind));
        }
        while let Some((&byte, after)) = frame.split_first() {
            self.leave_raw()?;
            match self.at {
                At::Magic(seen) => {
                    if MAGIC.get(seen) != Some(&byte) {
                        return Err(DecodeError::NotProtobuf);
                    }
                    self.at = if seen + 1 == MAGIC.len() {
                        At::Tag
                    } else {
                        At::Magic(seen + 1)
                    };
                    frame = after;
                }
                At::Tag | At::Length(_) | At::Number => {
                    self.take(1)?;
                    frame = after;
                    if let Some(number) = self.varint.push(byte)? {
                        self.number(number, sink)?;
                    }
                }
                At::Skip(left) => {
                    let count = frame.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.take(count as u64)?;
                    frame = frame.get(count..).unwrap_or_default();
                    self.at = skip(left - count as u64);
                }
                At::Body(field, length) => {
                    let count = frame.len().min(length.saturating_sub(self.carry.len()));
                    self.take(count as u64)?;
                    let (part, rest) = frame.split_at(count);
                    frame = rest;
                    self.body(field, length, whole.slice_ref(part), sink)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<ListEnd, DecodeError> {
        self.leave_raw()?;
        if matches!(self.at, At::Tag) && self.varint.is_empty() && self.raw == Raw::After {
            Ok(self.end)
        } else {
            Err(DecodeError::Ended)
        }
    }

    /// Leaves the message of the list at its end.
    fn leave_raw(&mut self) -> Result<(), DecodeError> {
        if self.raw != (Raw::Inside { left: 0 }) {
            return Ok(());
        }
        if !matches!(self.at, At::Tag) || !self.varint.is_empty() {
            return Err(Malformed::Length.into());
        }
        self.raw = Raw::After;
        Ok(())
    }

    /// Counts bytes of the message of the list.
    fn take(&mut self, count: u64) -> Result<(), Malformed> {
        if let Raw::Inside { left } = &mut self.raw {
            *left = left.checked_sub(count).ok_or(Malformed::Length)?;
        }
        Ok(())
    }

    /// Continues after a tag, length or number.
    fn number(&mut self, number: u64, sink: &mut dyn FnMut(Object)) -> Result<(), DecodeError> {
        match self.at {
            At::Tag => {
                let (field, wire) = tag(number)?;
                let known = match self.raw {
                    Raw::Inside { .. } => matches!(field, LIST_META | ITEM),
                    Raw::Before | Raw::After => matches!(field, TYPE_META | RAW | CONTENT_ENCODING),
                };
                self.at = match wire {
                    WireType::Bytes => At::Length(field),
                    _ if known => return Err(Malformed::Type.into()),
                    WireType::Varint => At::Number,
                    WireType::Fixed64 => self.skip_inside(8)?,
                    WireType::Fixed32 => self.skip_inside(4)?,
                };
            }
            At::Length(field) => self.length(field, number, sink)?,
            _ => self.at = At::Tag,
        }
        Ok(())
    }

    fn skip_inside(&self, count: u64) -> Result<At, Malformed> {
        match self.raw {
            Raw::Inside { left } if count > left => Err(Malformed::Length),
            _ => Ok(skip(count)),
        }
    }

    /// Continues after the length of a field.
    fn length(&mut self, field: u32, length: u64, sink: &mut dyn FnMut(Object)) -> Result<(), DecodeError> {
        match (self.raw, field) {
            (Raw::Before, RAW) => {
                self.raw = Raw::Inside { left: length };
                self.at = At::Tag;
            }
            (Raw::After, RAW) => return Err(Malformed::Twice.into()),
            (Raw::Inside { .. }, LIST_META | ITEM) | (Raw::Before | Raw::After, TYPE_META | CONTENT_ENCODING) => {
                self.skip_inside(length)?;
                let length = usize::try_from(length)
                    .ok()
                    .filter(|length| *length <= MAX_ITEM)
                    .ok_or(DecodeError::TooLarge)?;
                self.at = At::Body(field, length);
                if length == 0 {
                    self.body(field, 0, Bytes::new(), sink)?;
                }
            }
            _ => self.at = self.skip_inside(length)?,
        }
        Ok(())
    }

    /// Takes a piece of a field, and decodes the field at the last piece, without a copy if it is the only one.
    fn body(
        &mut self,
        field: u32,
        length: usize,
        part: Bytes,
        sink: &mut dyn FnMut(Object),
    ) -> Result<(), DecodeError> {
        if part.len() == length {
            self.at = At::Tag;
            return self.whole(field, part, sink);
        }
        self.carry.push(&part)?;
        if self.carry.len() < length {
            return Ok(());
        }
        self.at = At::Tag;
        let whole = self.carry.take();
        self.whole(field, whole, sink)
    }

    fn whole(&mut self, field: u32, bytes: Bytes, sink: &mut dyn FnMut(Object)) -> Result<(), DecodeError> {
        match (self.raw, field) {
            (Raw::Inside { .. }, LIST_META) => self.list_meta(bytes),
            (Raw::Inside { .. }, _) => {
                match view::decode(self.kind, bytes.clone(), &self.keys) {
                    Ok(object) => sink(object),
                    Err(error) => self.end.skip(Skipped {
                        key: view::key(bytes),
                        error,
                    }),
                }
                Ok(())
            }
            (_, TYPE_META) => envelope::expect(&format!("{}List", self.kind.as_str()), &envelope::kind(bytes)?),
            (_, _) => envelope::check_encoding(&bytes),
        }
    }

    fn list_meta(&mut self, bytes: Bytes) -> Result<(), DecodeError> {
        let meta = ListMeta::decode(bytes)?;
        self.end.resource_version = text(&meta.resource_version).into();
        self.end.continue_token = (!meta.continue_token.is_empty()).then(|| text(&meta.continue_token).into());
        self.end.remaining = meta.remaining;
        Ok(())
    }
}

fn skip(count: u64) -> At {
    if count == 0 { At::Tag } else { At::Skip(count) }
}
