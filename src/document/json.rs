//! JSON, indented as kubectl's.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::write_escaped;

/// Writes any value, indented by four spaces.
pub(crate) fn write(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let formatter = Safe(PrettyFormatter::with_indent(b"    "));
    value.serialize(&mut Serializer::with_formatter(&mut out, formatter))?;
    out.write_all(b"\n")?;
    out.flush()
}

fn escape_utf16<W: Write + ?Sized>(writer: &mut W, c: char) -> io::Result<()> {
    c.encode_utf16(&mut [0; 2])
        .iter()
        .try_for_each(|unit| write!(writer, "\\u{unit:04x}"))
}

/// `serde_json`'s pretty formatter, with unsafe characters escaped.
struct Safe(PrettyFormatter<'static>);

impl Formatter for Safe {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        write_escaped(writer, fragment, escape_utf16)
    }
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::is_escaped;

    proptest::proptest! {
        #[test]
        fn every_text_comes_back_and_none_reaches_a_terminal_raw(text in "(?s).*") {
            let mut out = Vec::new();
            write(&[&text], &mut out).expect("a vector");
            let out = String::from_utf8(out).expect("UTF-8");
            let back: Vec<String> = serde_json::from_str(&out).expect("JSON");
            proptest::prop_assert_eq!(&back[0], &text);
            proptest::prop_assert!(!out.chars().any(|c| c != '\n' && is_escaped(c)));
        }
    }

    #[test]
    fn a_character_beyond_the_first_plane_is_a_surrogate_pair() {
        let mut out = Vec::new();
        write(&"\u{e0041}\u{7f}ü", &mut out).expect("a vector");
        assert_eq!(String::from_utf8_lossy(&out), "\"\\udb40\\udc41\\u007fü\"\n");
    }
}
