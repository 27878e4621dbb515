//! DER as strictly as Go's `cryptobyte`: lengths have to be as short as possible, and nothing is accepted that only BER
//! permits.

/// The unread rest of some DER.
#[derive(Clone, Copy)]
pub(super) struct Strict<'a>(pub(super) &'a [u8]);

impl<'a> Strict<'a> {
    /// The next element: its tag and its content.
    pub(super) fn any(&mut self) -> Option<(u8, Strict<'a>)> {
        let [tag, first, rest @ ..] = self.0 else { return None };
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            if !(1..=4).contains(&count) || rest.len() < count {
                return None;
            }
            let (bytes, rest) = rest.split_at(count);
            let length = bytes.iter().fold(0usize, |sum, b| (sum << 8) | usize::from(*b));
            if length < 0x80 || bytes.first() == Some(&0) {
                return None;
            }
            (length, rest)
        };
        let content = rest.get(..length)?;
        self.0 = &rest[length..];
        Some((*tag, Strict(content)))
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn read(&mut self, tag: u8) -> Option<Strict<'a>> {
        (*self.0.first()? == tag)
            .then(|| self.any())?
            .map(|(_, content)| content)
    }

    /// The content of the next element if it has this tag. `None` if it has the tag and is malformed.
    #[allow(clippy::option_option)] // Malformed, absent, or present.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Option<Strict<'a>>> {
        if self.0.first() == Some(&tag) {
            self.read(tag).map(Some)
        } else {
            Some(None)
        }
    }

    /// An OBJECT IDENTIFIER whose numbers are encoded as short as possible and are below 2³¹.
    pub(super) fn identifier(&mut self) -> Option<&'a [u8]> {
        let all = self.read(0x06)?.0;
        let mut number = 0u32;
        let mut begins = true;
        for byte in all {
            if begins && *byte == 0x80 || number >= 1 << 24 {
                return None;
            }
            number = (number << 7) | u32::from(byte & 0x7f);
            begins = byte & 0x80 == 0;
            if begins {
                number = 0;
            }
        }
        (begins && !all.is_empty()).then_some(all)
    }

    /// A BOOLEAN that is 0 or 255.
    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.read(0x01)?.0 {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// The bytes of a BIT STRING whose unused bits are zero.
    pub(super) fn bits(&mut self) -> Option<&'a [u8]> {
        let [unused @ 0..=7, bytes @ ..] = self.read(0x03)?.0 else {
            return None;
        };
        let mask = (1u16 << unused) - 1;
        match bytes.last() {
            None => (*unused == 0).then_some(bytes),
            Some(last) => (u16::from(*last) & mask == 0).then_some(bytes),
        }
    }
}

/// Whether an INTEGER is encoded as short as possible.
pub(super) fn minimal(integer: &[u8]) -> bool {
    match integer {
        [] => false,
        [0, second, ..] => second & 0x80 != 0,
        [0xff, second, ..] => second & 0x80 == 0,
        _ => true,
    }
}

/// Whether a text is pure ASCII, as an `IA5String` must be.
pub(super) fn is_ia5(text: &[u8]) -> bool {
    text.is_ascii()
}
