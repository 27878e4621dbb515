//! Text for terminals that only show ASCII: the Linux console, the locale C.

use std::borrow::Cow;

/// Replaces each symbol in `text` by an ASCII one with the same meaning, and every other character by an escape.
/// Borrowed if nothing has to change.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '…' => out.push('~'),
            '→' => out.push_str("->"),
            '─' | '━' | '·' | '–' => out.push('-'),
            '│' => out.push('|'),
            '├' | '└' | '┌' | '┐' | '┘' | '✓' => out.push('+'),
            '░' => out.push('.'),
            '✗' => out.push('x'),
            '█' | '▇' | '▆' | '▅' | '▄' | '▃' | '▂' | '▁' => out.push('#'),
            c => out.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_have_one_of_ascii_and_letters_an_escape() {
        assert_eq!(ascii("├─ a → b… ✓"), "+- a -> b~ +");
        assert_eq!(ascii("müller.example"), "m\\u{fc}ller.example");
        assert!(matches!(ascii("plain"), Cow::Borrowed(_)));
    }
}
