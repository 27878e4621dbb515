//! YAML, indented as kubectl's.
//!
//! YAML 1.2 is a superset of JSON, so every text that is not evidently plain is a JSON string, with the characters that
//! YAML does not count as printable escaped too.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, BufWriter, Write},
};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use super::write_escaped;

/// Writes any value as a document, with its keys in the order in which it gives them.
pub(crate) fn write(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    value.serialize(&mut Serializer::with_formatter(&mut out, Yaml::default()))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// What readers of YAML 1.1 or 1.2 take for something other than a text.
const RESERVED: &[&str] = &[
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
];

/// Whether a word means something other than itself to some reader of YAML.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// Whether a text can stand without quotes, whoever reads it.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'))
        && !is_reserved(text)
}

/// A text as it stands in a document that is written by hand: in quotes where somebody would read something else.
pub(crate) fn scalar(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::new();
    // A Vec takes every write.
    let _ = text.serialize(&mut Serializer::with_formatter(&mut out, Yaml::default()));
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// One object or array that is open.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// The column of its keys or dashes.
    indent: usize,
    array: bool,
    empty: bool,
}

/// Where the next token goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum TokenPosition {
    /// At the start of the document.
    #[default]
    Start,
    /// After `key:`.
    Key,
    /// After `- `.
    Dash,
    /// After a finished value.
    Value,
}

/// Turns the calls of `serde_json`'s serializer into block YAML.
#[derive(Debug, Default)]
struct Yaml {
    open: Vec<Open>,
    place: TokenPosition,
    text: String,
    quoted: bool,
}

impl Yaml {
    fn begin(&mut self, array: bool) {
        let indent = match self.open.last() {
            None => 0,
            // A list under a key stands at the key's own column, as kubectl writes it.
            Some(parent) if array && !parent.array => parent.indent,
            Some(parent) => parent.indent + 2,
        };
        self.open.push(Open {
            indent,
            array,
            empty: true,
        });
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some(closed) = self.open.pop()
            && closed.empty
        {
            self.scalar(writer)?;
            writer.write_all(if closed.array { b"[]" } else { b"{}" })?;
        }
        Ok(())
    }

    /// Before a key or a dash: the next line, unless it stands right after a dash or at the start.
    fn line<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let mut indent = 0;
        if let Some(open) = self.open.last_mut() {
            open.empty = false;
            indent = open.indent;
        }
        if matches!(self.place, TokenPosition::Key | TokenPosition::Value) {
            write!(writer, "\n{:indent$}", "")?;
        }
        Ok(())
    }

    /// Before a scalar: the space after a key's colon.
    fn scalar<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.place == TokenPosition::Key {
            writer.write_all(b" ")?;
        }
        self.place = TokenPosition::Value;
        Ok(())
    }
}

impl Formatter for Yaml {
    fn write_null<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.scalar(writer)?;
        writer.write_all(b"null")
    }

    fn write_bool<W: ?Sized + Write>(&mut self, writer: &mut W, value: bool) -> io::Result<()> {
        self.scalar(writer)?;
        write!(writer, "{value}")
    }

    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        self.scalar(writer)?;
        write!(writer, "{value}")
    }

    fn write_u64<W: ?Sized + Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        self.scalar(writer)?;
        write!(writer, "{value}")
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        self.scalar(writer)?;
        write!(writer, "{value}")
    }

    fn begin_string<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.text.clear();
        self.quoted = false;
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, _writer: &mut W, fragment: &str) -> io::Result<()> {
        self.text.push_str(fragment);
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, _writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.quoted = true;
        match escape {
            CharEscape::Quote => self.text.push_str("\\\""),
            CharEscape::ReverseSolidus => self.text.push_str("\\\\"),
            CharEscape::Solidus => self.text.push('/'),
            CharEscape::Backspace => self.text.push_str("\\b"),
            CharEscape::FormFeed => self.text.push_str("\\f"),
            CharEscape::LineFeed => self.text.push_str("\\n"),
            CharEscape::CarriageReturn => self.text.push_str("\\r"),
            CharEscape::Tab => self.text.push_str("\\t"),
            CharEscape::AsciiControl(byte) => {
                let _ = write!(self.text, "\\u{byte:04x}");
            }
        }
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.scalar(writer)?;
        if !self.quoted && is_plain(&self.text) {
            return writer.write_all(self.text.as_bytes());
        }
        writer.write_all(b"\"")?;
        write_escaped(writer, &self.text, |w, c| match c as u32 {
            code @ ..=0xffff => write!(w, "\\u{code:04x}"),
            code => write!(w, "\\U{code:08x}"),
        })?;
        writer.write_all(b"\"")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.begin(true);
        Ok(())
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, _first: bool) -> io::Result<()> {
        self.line(writer)?;
        self.place = TokenPosition::Dash;
        writer.write_all(b"- ")
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.place = TokenPosition::Value;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.begin(false);
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, _first: bool) -> io::Result<()> {
        self.line(writer)?;
        self.place = TokenPosition::Dash;
        Ok(())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.place = TokenPosition::Key;
        writer.write_all(b":")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.place = TokenPosition::Value;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::is_escaped;
    use std::collections::BTreeMap;

    fn yaml(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        write(value, &mut out).expect("a vector");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn lists_and_empty_ones_stand_where_kubectl_puts_them() {
        let value = serde_json::json!({"a": [{"b": null, "c": []}, "x"], "d": {}, "e": {"f": "g"}});
        assert_eq!(yaml(&value), "a:\n- b: null\n  c: []\n- x\nd: {}\ne:\n  f: g\n");
        assert_eq!(yaml(&serde_json::json!([])), "[]\n");
        let scalars = serde_json::json!({"a": 1, "b": -2, "c": true, "d": 1.5});
        assert_eq!(yaml(&scalars), "a: 1\nb: -2\nc: true\nd: 1.5\n");
    }

    #[test]
    fn what_yaml_would_take_for_something_else_is_quoted() {
        for text in [
            "yes",
            "No",
            "y",
            "null",
            "1e3",
            "0x1f",
            "*",
            "",
            "2026-12-01",
            "a: b",
            "- a",
            "a #b",
            "&a",
            "~",
            ".inf",
            "=",
            "{a}",
        ] {
            let out = yaml(&[text]);
            assert_eq!(out, format!("- {text:?}\n"));
            assert_eq!(serde_saphyr::from_str::<Vec<String>>(&out).expect(&out), [text]);
        }
        assert_eq!(yaml(&["shop.example"]), "- shop.example\n");
        assert_eq!(scalar("shop.example"), "shop.example");
        assert_eq!(scalar("no"), "\"no\"");
        assert_eq!(scalar("a\u{202e}\n"), r#""a\u202e\n""#);
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back(key in "[a-z]{1,5}", text in "(?s).*", other in "[ -~\u{80}-\u{a0}\u{2020}-\u{2030}\u{fffd}-\u{10000}\u{e0000}-\u{e0080}\n]{0,8}") {
            let value = BTreeMap::from([(format!("k{key}"), vec![text, other])]);
            let out = yaml(&value);
            let back: BTreeMap<String, Vec<String>> = serde_saphyr::from_str(&out)
                .map_err(|e| proptest::test_runner::TestCaseError::fail(format!("{e}: {out:?}")))?;
            proptest::prop_assert_eq!(back, value);
            proptest::prop_assert!(!out.chars().any(|c| c != '\n' && is_escaped(c)));
        }
    }
}
