//! The protobuf wire format around items: varints and tags. Groups are rejected.

/// What is wrong with a protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A number takes more than 64 bits.
    #[error("a number is too long")]
    Varint,
    /// The field number is 0 or beyond 2^29, or the wire type is invalid.
    #[error("a field has no valid tag")]
    Tag,
    /// The message has a group, which Kubernetes never writes.
    #[error("a group")]
    Group,
    /// A field reaches beyond its message.
    #[error("a field reaches beyond its message")]
    Length,
    /// A known field has the wrong type.
    #[error("a field has the wrong type")]
    Type,
    /// A field that may occur once occurs twice.
    #[error("a field comes twice")]
    Twice,
}

/// The encoding of a field's value.
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

    /// Takes a byte. At the last byte, returns the number and starts again.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn number(bytes: &[u8]) -> Result<Option<u64>, Malformed> {
        let mut varint = Varint::default();
        bytes.iter().try_fold(None, |_, byte| varint.push(*byte))
    }

    #[test]
    fn numbers_are_read_up_to_the_largest_and_no_further() {
        assert_eq!(number(b"\x96\x01"), Ok(Some(150)));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Ok(Some(u64::MAX)));
        assert_eq!(number(b"\x80"), Ok(None));
        for wrong in [
            &b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"[..],
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        ] {
            assert_eq!(number(wrong), Err(Malformed::Varint), "{wrong:x?}");
        }
    }

    #[test]
    fn a_tag_is_a_field_and_how_it_is_written() {
        assert_eq!(tag(0x0a), Ok((1, WireType::Bytes)));
        for (wrong, expected) in [
            (0x02, Malformed::Tag),
            (0x0e, Malformed::Tag),
            (0x0b, Malformed::Group),
            (0x0c, Malformed::Group),
            (1 << 32, Malformed::Tag),
        ] {
            assert_eq!(tag(wrong), Err(expected), "{wrong:x}");
        }
    }
}
