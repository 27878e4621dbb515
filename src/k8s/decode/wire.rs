//! The protobuf wire format: varints, tags, fields. Every length is checked against what is there; groups are refused.

use crate::object::Text;

/// What is wrong with a protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A number takes more than 64 bits.
    #[error("a number is too long")]
    Varint,
    /// Field number 0, one beyond 2^29, or a wire type that is none.
    #[error("a field has no valid tag")]
    Tag,
    /// A group, which Kubernetes never writes.
    #[error("a group")]
    Group,
    /// A field reaches beyond its message.
    #[error("a field reaches beyond its message")]
    Length,
    /// A known field has another type than it should.
    #[error("a field has the wrong type")]
    Type,
    /// A field that may come once comes twice.
    #[error("a field comes twice")]
    Twice,
}

/// How a field's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireType {
    Varint,
    Fixed64,
    Bytes,
    Fixed32,
}

/// A varint that arrives byte by byte.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Varint {
    value: u64,
    bits: u32,
}

impl Varint {
    /// Whether no byte has arrived yet.
    pub(super) fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// Takes a byte; the number when it is the last one, and then begins again.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<u64>, Malformed> {
        if self.bits > 63 || (self.bits == 63 && byte > 1) {
            return Err(Malformed::Varint);
        }
        self.value |= u64::from(byte & 0x7f) << self.bits;
        self.bits += 7;
        if byte & 0x80 != 0 {
            return Ok(None);
        }
        Ok(Some(std::mem::take(self).value))
    }
}

/// Splits a tag into field number and wire type.
pub(super) fn tag(tag: u64) -> Result<(u32, WireType), Malformed> {
    let field = u32::try_from(tag >> 3).ok().filter(|f| (1..1 << 29).contains(f));
    let wire = match tag & 7 {
        0 => WireType::Varint,
        1 => WireType::Fixed64,
        2 => WireType::Bytes,
        3 | 4 => return Err(Malformed::Group),
        5 => WireType::Fixed32,
        _ => return Err(Malformed::Tag),
    };
    Ok((field.ok_or(Malformed::Tag)?, wire))
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

impl<'a> Value<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Fixed => Err(Malformed::Type),
        }
    }

    pub(super) fn message(self) -> Result<Fields<'a>, Malformed> {
        self.bytes().map(Fields::new)
    }

    pub(super) fn number(self) -> Result<u64, Malformed> {
        match self {
            Self::Varint(number) => Ok(number),
            Self::Bytes(_) | Self::Fixed => Err(Malformed::Type),
        }
    }

    pub(super) fn signed(self) -> Result<i64, Malformed> {
        self.number().map(u64::cast_signed)
    }

    /// A string; what is not UTF-8 is replaced, as the server does when it writes JSON.
    pub(super) fn text(self) -> Result<Text, Malformed> {
        self.bytes().map(Text::from_utf8_lossy)
    }
}

/// The fields of a message in their order. After an error there are none.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        let mut varint = Varint::default();
        while let [byte, rest @ ..] = self.rest {
            self.rest = rest;
            if let Some(number) = varint.push(*byte)? {
                return Ok(number);
            }
        }
        Err(Malformed::Length)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed::Length)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Length)?;
        self.rest = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u32, Value<'a>), Malformed> {
        let tag_value = self.varint()?;
        let (field, wire) = tag(tag_value)?;
        let value = match wire {
            WireType::Varint => Value::Varint(self.varint()?),
            WireType::Bytes => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            WireType::Fixed64 => self.take(8).map(|_| Value::Fixed)?,
            WireType::Fixed32 => self.take(4).map(|_| Value::Fixed)?,
        };
        Ok((field, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        Some(self.field().inspect_err(|_| self.rest = &[]))
    }
}

/// A string field of a message, where it is there and has the right type; the last one counts.
pub(super) fn text_of(message: &[u8], wanted: u32) -> Result<Option<Text>, Malformed> {
    let mut found = None;
    for field in Fields::new(message) {
        let (number, value) = field?;
        if number == wanted {
            found = Some(value.text()?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(message: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Malformed> {
        Fields::new(message).collect()
    }

    #[test]
    fn fields_are_read_in_order() {
        assert_eq!(
            all(b"\x08\x96\x01\x12\x02hi\x19\0\0\0\0\0\0\0\0\x25\0\0\0\0"),
            Ok(vec![
                (1, Value::Varint(150)),
                (2, Value::Bytes(b"hi")),
                (3, Value::Fixed),
                (4, Value::Fixed)
            ])
        );
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for (message, expected) in [
            (&b"\x12\x03hi"[..], Malformed::Length),
            (b"\x12", Malformed::Length),
            (b"\x80", Malformed::Length),
            (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Malformed::Length),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", Malformed::Varint),
            (b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", Malformed::Varint),
            (b"\x02\x00", Malformed::Tag),
            (b"\x0e", Malformed::Tag),
            (b"\x0b", Malformed::Group),
            (b"\x0c", Malformed::Group),
            (b"\x19\0\0\0", Malformed::Length),
            (b"\x25\0", Malformed::Length),
            (b"\x80\x80\x80\x80\x10", Malformed::Tag),
        ] {
            assert_eq!(all(message), Err(expected), "{message:x?}");
        }
    }

    #[test]
    fn the_largest_numbers_are_read() {
        assert_eq!(
            all(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            Ok(vec![(1, Value::Varint(u64::MAX))])
        );
        assert_eq!(Value::Varint(u64::MAX).signed(), Ok(-1));
        assert_eq!(Value::Varint(1).bytes(), Err(Malformed::Type));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Fields::new(&bytes).count() <= bytes.len());
        }
    }
}
