//! Decodes a list in JSON as it arrives: finds the items in the bytes, wherever the metadata is, and hands over each.

use serde::Deserialize;

use super::{
    DecodeError, ListEnd, Skipped,
    carry::{Carry, MAX_ITEM},
    scan::Scan,
    view,
};
use crate::{
    object::{Key, Kind, Object},
    source::{form, pairs::DataKeys},
};

/// The position of the next byte in the list.
#[derive(Debug, Clone, Copy)]
enum At {
    /// Before the list's opening brace.
    Start,
    /// Before the first name, or the closing brace.
    FirstName,
    /// Before a name.
    Name,
    /// Before the colon.
    Colon,
    /// Before a value.
    Value,
    /// In a value that is not needed.
    Skip(Scan),
    /// In a value that is decoded.
    Take(Part, Scan),
    /// After a value.
    AfterValue,
    /// Before the first item, or the closing bracket.
    FirstItem,
    /// Before an item.
    Item,
    /// After an item.
    AfterItem,
    /// After the closing brace.
    End,
}

/// The parts of the list that are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Name,
    Kind,
    Metadata,
    Items,
    Item,
    Other,
}

/// The decoder of one list.
pub(super) struct List {
    kind: Kind,
    keys: DataKeys,
    at: At,
    /// The part that the last name announced.
    next: Part,
    carry: Carry,
    has_items: bool,
    end: ListEnd,
}

impl List {
    pub(super) fn new(kind: Kind, keys: DataKeys) -> Self {
        Self {
            kind,
            keys,
            at: At::Start,
            next: Part::Other,
            carry: Carry::new(kind == Kind::Secret),
            has_items: false,
            end: ListEnd::default(),
        }
    }

    pub(super) fn push(&mut self, mut frame: &[u8], sink: &mut dyn FnMut(Object)) -> Result<(), DecodeError> {
        while let Some((&byte, after)) = frame.split_first() {
            match self.at {
                At::Skip(mut scan) => {
                    let Some(end) = scan.advance(frame) else {
                        self.at = At::Skip(scan);
                        return Ok(());
                    };
                    self.at = At::AfterValue;
                    frame = frame.get(end..).unwrap_or_default();
                }
                At::Take(part, mut scan) => {
                    let Some(end) = scan.advance(frame) else {
                        self.at = At::Take(part, scan);
                        return self.carry.push(frame);
                    };
                    let (value, rest) = frame.split_at_checked(end).unwrap_or((frame, &[]));
                    frame = rest;
                    self.value(part, value, sink)?;
                }
                _ => {
                    if byte.is_ascii_whitespace() || self.mark(byte)? {
                        frame = after;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<ListEnd, DecodeError> {
        match self.at {
            At::End if self.has_items => Ok(self.end),
            At::End => Err(DecodeError::NotAList),
            _ => Err(DecodeError::Ended),
        }
    }

    /// Takes a byte between values. Returns whether it was consumed; if not, a value begins with it.
    fn mark(&mut self, byte: u8) -> Result<bool, DecodeError> {
        self.at = match (self.at, byte) {
            (At::Start, b'{') => At::FirstName,
            (At::FirstName | At::AfterValue, b'}') => At::End,
            (At::FirstName | At::Name, b'"') => {
                self.at = At::Take(Part::Name, Scan::default());
                return Ok(false);
            }
            (At::Colon, b':') => At::Value,
            (At::AfterValue, b',') => At::Name,
            (At::Value, b'[') if self.next == Part::Items => {
                self.has_items = true;
                At::FirstItem
            }
            (At::FirstItem | At::AfterItem, b']') => At::AfterValue,
            (At::AfterItem, b',') => At::Item,
            (At::Value | At::FirstItem | At::Item, _) => {
                let scan = Scan::begin(byte).ok_or_else(|| unexpected(byte))?;
                self.at = match (self.at, self.next) {
                    (At::Value, Part::Other) => At::Skip(scan),
                    (At::Value, part) => At::Take(part, scan),
                    _ => At::Take(Part::Item, scan),
                };
                return Ok(false);
            }
            _ => return Err(unexpected(byte)),
        };
        Ok(true)
    }

    /// Takes the last piece of a value, and decodes the value, without a copy if it is the only piece.
    fn value(&mut self, part: Part, piece: &[u8], sink: &mut dyn FnMut(Object)) -> Result<(), DecodeError> {
        if self.carry.is_empty() {
            if piece.len() > MAX_ITEM {
                return Err(DecodeError::TooLarge);
            }
            return self.whole(part, piece, sink);
        }
        self.carry.push(piece)?;
        let mut carry = std::mem::take(&mut self.carry);
        let result = self.whole(part, carry.bytes(), sink);
        carry.clear();
        self.carry = carry;
        result
    }

    fn whole(&mut self, part: Part, bytes: &[u8], sink: &mut dyn FnMut(Object)) -> Result<(), DecodeError> {
        self.at = At::AfterValue;
        match part {
            Part::Name => {
                self.at = At::Colon;
                self.next = match bytes {
                    b"\"kind\"" => Part::Kind,
                    b"\"metadata\"" => Part::Metadata,
                    b"\"items\"" => Part::Items,
                    _ => Part::Other,
                };
            }
            Part::Kind => {
                let kind: String = parse(bytes)?;
                if kind == "Status" {
                    return Err(DecodeError::Kind {
                        expected: format!("{}List", self.kind.as_str()),
                        found: kind,
                    });
                }
            }
            Part::Metadata => {
                let meta: ListMeta = parse(bytes)?;
                self.end.resource_version = meta.resource_version.unwrap_or_default();
                self.end.continue_token = meta.continue_token.filter(|token| !token.is_empty());
                self.end.remaining = meta.remaining;
            }
            // An array of items does not get here. Go writes null for a list that was never made.
            Part::Items if bytes == b"null" => self.has_items = true,
            Part::Items => return Err(DecodeError::NotAList),
            Part::Item => {
                self.at = At::AfterItem;
                match item(self.kind, bytes, &self.keys) {
                    Ok(object) => sink(object),
                    Err(error) => self.end.skip(Skipped { key: key(bytes), error }),
                }
            }
            Part::Other => {}
        }
        Ok(())
    }
}

/// The view of one object of `kind`. Errors of the form quote no value.
pub(super) fn item(kind: Kind, bytes: &[u8], keys: &DataKeys) -> Result<Object, DecodeError> {
    let mut object = form::from_json(kind, bytes, keys).map_err(|error| DecodeError::Json(error.to_string()))?;
    if object.meta().name.is_empty() {
        return Err(DecodeError::Nameless);
    }
    if let Object::Secret(secret) = &mut object {
        view::drop_useless(secret);
    }
    Ok(object)
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(rename = "resourceVersion")]
    resource_version: Option<String>,
    #[serde(rename = "continue")]
    continue_token: Option<String>,
    #[serde(rename = "remainingItemCount")]
    remaining: Option<u64>,
}

#[derive(Deserialize)]
struct Named {
    metadata: NamedMeta,
}

/// The identity of an object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamedMeta {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) resource_version: Option<String>,
}

/// The name, namespace and version of an object, if its metadata can be read.
pub(super) fn named(bytes: &[u8]) -> Option<NamedMeta> {
    serde_json::from_slice::<Named>(bytes).ok().map(|named| named.metadata)
}

/// The namespace and name of an item, if they can be read.
pub(super) fn key(bytes: &[u8]) -> Option<Key> {
    let meta = named(bytes)?;
    Some(Key::new(meta.namespace.unwrap_or_default(), meta.name?))
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(bytes).map_err(|error| DecodeError::json(None, &error))
}

fn unexpected(byte: u8) -> DecodeError {
    DecodeError::Json(format!("unexpected {:?}", char::from(byte)))
}
