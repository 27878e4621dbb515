//! Finds the end of a JSON value in bytes that arrive in pieces, without parsing it.

/// The state of scanning a value. It begins at the first byte of the value, which must not be white space.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scan {
    depth: u64,
    string: bool,
    escaped: bool,
    bare: bool,
}

impl Scan {
    /// Starts to scan the value that begins with `first`; `None` if no value begins so.
    pub(super) fn begin(first: u8) -> Option<Self> {
        match first {
            b'{' | b'[' | b'"' => Some(Self::default()),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Some(Self {
                bare: true,
                ..Self::default()
            }),
            _ => None,
        }
    }

    /// Takes the next bytes. If the value ends in them, returns how many of the bytes belong to it.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.bare {
            return bytes
                .iter()
                .position(|b| matches!(b, b',' | b'}' | b']' | b':') || b.is_ascii_whitespace());
        }
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.escaped {
                self.escaped = false;
                at += 1;
            } else if self.string {
                at += plain(rest);
                match bytes.get(at) {
                    Some(b'"') => {
                        self.string = false;
                        at += 1;
                        if self.depth == 0 {
                            return Some(at);
                        }
                    }
                    Some(_) => {
                        self.escaped = true;
                        at += 1;
                    }
                    None => return None,
                }
            } else {
                let skipped = rest
                    .iter()
                    .position(|b| matches!(b, b'"' | b'{' | b'}' | b'[' | b']'))?;
                at += skipped + 1;
                match rest.get(skipped) {
                    Some(b'"') => self.string = true,
                    Some(b'{' | b'[') => self.depth += 1,
                    _ => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at);
                        }
                    }
                }
            }
        }
        None
    }
}

/// How many bytes precede the first quotation mark or backslash. It examines eight at a time, because keys and
/// certificates make up most of a list of Secrets.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const QUOTES: u64 = ONES * b'"' as u64;
    const BACKSLASHES: u64 = ONES * b'\\' as u64;
    let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (words, _) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        if zero_byte(word ^ QUOTES) | zero_byte(word ^ BACKSLASHES) != 0 {
            break;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|b| matches!(b, b'"' | b'\\'))
        .unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn end(text: &str) -> Option<usize> {
        Scan::begin(text.as_bytes()[0])?.advance(text.as_bytes())
    }

    #[test]
    fn a_value_ends_where_it_ends() {
        for (text, expected) in [
            ("{},", Some(2)),
            (r#"{"a":[1,{"b":"}"}]} x"#, Some(19)),
            (r#""a\"b\\",1"#, Some(8)),
            (r#""0123456789abcdef\"01234567" "#, Some(28)),
            ("[]", Some(2)),
            ("true,", Some(4)),
            ("-12.5e3}", Some(7)),
            ("null", None),
            (r#"{"a":"}"#, None),
            (r#""\""#, None),
            ("]", None),
            ("x", None),
        ] {
            assert_eq!(end(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(text in r#"[{}\[\]",:a1 \\"]{0,80}"#, cuts in prop::collection::vec(0usize..80, 0..6)) {
            let bytes = text.as_bytes();
            let Some(scan) = bytes.first().and_then(|b| Scan::begin(*b)) else { return Ok(()) };
            let whole = { let mut scan = scan; scan.advance(bytes) };
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let (mut scan, mut from, mut found) = (scan, 0, None);
            for cut in cuts {
                if let Some(end) = scan.advance(&bytes[from..cut]) {
                    found = Some(from + end);
                    break;
                }
                from = cut;
            }
            prop_assert_eq!(found, whole);
        }
    }
}
