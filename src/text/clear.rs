//! Makes text from outside safe for a terminal. Text of a cluster, a certificate or a server may contain escape
//! sequences (CVE-2021-25743), newlines, and marks that reverse the direction of writing.

use std::{borrow::Cow, fmt};

/// Writes the replacement of one unsafe character: visible, unambiguous, on one line.
fn stand_in(c: char, out: &mut impl fmt::Write) -> fmt::Result {
    match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        c if (c as u32) < 0x100 => write!(out, "\\x{:02x}", c as u32),
        c => write!(out, "\\u{{{:x}}}", c as u32),
    }
}

/// Whether a character may change anything on the screen besides its own cell: C0 and C1 controls, line and paragraph
/// separators, bidirectional controls, invisible format characters, tags.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Replaces every unsafe character in `text` by an escape such as `\x1b`. Borrowed if nothing has to change.
pub fn clear(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(is_unsafe) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(Clear(text).to_string())
    }
}

/// Whether a text is pure printable ASCII, as nearly all texts are. Checked without decoding it.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..0x7f))
}

/// Displays a text with unsafe characters replaced.
#[derive(Debug, Clone, Copy)]
pub struct Clear<'a>(pub &'a str);

impl fmt::Display for Clear<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) {
            return f.write_str(self.0);
        }
        for c in self.0.chars() {
            if is_unsafe(c) {
                stand_in(c, f)?;
            } else {
                fmt::Write::write_char(f, c)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_bidirectional_marks_become_visible_and_other_text_stays() {
        assert_eq!(clear("\x1b[31mred\x07"), "\\x1b[31mred\\x07");
        assert_eq!(clear("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(clear("evil\u{202e}moc.elpmaxe"), "evil\\u{202e}moc.elpmaxe");
        assert_eq!(clear("\u{9b}31m"), "\\x9b31m");
        assert_eq!(clear("müller.example 日本"), "müller.example 日本");
        assert!(matches!(clear("plain"), Cow::Borrowed("plain")));
    }

    proptest::proptest! {
        #[test]
        fn what_comes_out_is_never_unsafe(s in ".*") {
            proptest::prop_assert!(!clear(&s).chars().any(is_unsafe));
        }
    }
}
