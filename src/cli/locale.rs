//! Whether what people read may hold more letters than ASCII, and the writer that sees to it.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::OnceLock,
};

use crate::text;

/// Whether the terminal or the locale shows ASCII alone.
pub(super) fn is_ascii() -> bool {
    static ASCII: OnceLock<bool> = OnceLock::new();
    *ASCII.get_or_init(|| {
        let linux = std::env::var_os("TERM").is_some_and(|term| term == "linux");
        linux || !is_utf8(|name| std::env::var(name).ok())
    })
}

/// Whether the locale of the environment has more letters than ASCII. One that says nothing of it is of today.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty());
    said.is_none_or(|locale| !matches!(locale.as_str(), "C" | "POSIX"))
}

/// A text as it can be shown here.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if is_ascii() {
        text::ascii(text)
    } else {
        Cow::Borrowed(text)
    }
}

/// Writes text for people, as it can be shown here. What programs read is written to the inner writer.
pub(super) struct Legible<W> {
    out: W,
    ascii: bool,
    /// The beginning of a character whose end is still to come.
    begun: Vec<u8>,
}

impl<W: Write> Legible<W> {
    pub(super) fn new(out: W) -> Self {
        Self::of(out, is_ascii())
    }

    /// Text that programs read stays as it is.
    pub(super) fn of(out: W, ascii: bool) -> Self {
        Self {
            out,
            ascii,
            begun: Vec::new(),
        }
    }
}

impl<W: Write> Write for Legible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.ascii || (self.begun.is_empty() && bytes.is_ascii()) {
            return self.out.write(bytes);
        }
        self.begun.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.begun) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            // No text: nothing that this program writes for people.
            Err(_) => self.begun.len(),
        };
        let rest = self.begun.split_off(whole);
        let text = String::from_utf8_lossy(&self.begun);
        self.out.write_all(text::ascii(&text).as_bytes())?;
        self.begun = rest;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_of_c_gets_ascii() {
        let of = |pairs: &[(&str, &str)]| {
            is_utf8(|name| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(!of(&[("LANG", "C")]) && !of(&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "POSIX")]));
        assert!(of(&[]) && of(&[("LANG", "C.UTF-8")]) && of(&[("LANG", "C"), ("LC_ALL", "de_DE.UTF-8")]));
    }

    #[test]
    fn a_character_that_comes_in_two_pieces_is_one() {
        for cut in 0..=5 {
            let mut out = Vec::new();
            let (first, second) = "a→b".as_bytes().split_at(cut);
            let mut shown = Legible::of(&mut out, true);
            shown.write_all(first).expect("a vector");
            shown.write_all(second).expect("a vector");
            assert_eq!(out, b"a->b", "{cut}");
        }
        let mut out = Vec::new();
        Legible::of(&mut out, false)
            .write_all("a→b".as_bytes())
            .expect("a vector");
        assert_eq!(out, "a→b".as_bytes());
    }
}
