//! JSON and YAML as they are printed and written: as they are made, without holding the document, with every character of a
//! text kept. Those that could change a terminal are escapes.

pub(crate) mod json;
pub(crate) mod yaml;

use std::io::{self, Write};

use crate::text::clear::is_unsafe;

/// Whether a character of a quoted text is written as an escape although JSON (RFC 8259, section 7) would allow it raw.
/// U+FFFE and U+FFFF are not printable for YAML (1.2, section 5.1).
fn is_escaped(c: char) -> bool {
    is_unsafe(c) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Writes `fragment` with `escape` in the place of each character that [`is_escaped`].
fn write_escaped<W: Write + ?Sized>(
    writer: &mut W,
    fragment: &str,
    escape: impl Fn(&mut W, char) -> io::Result<()>,
) -> io::Result<()> {
    // Most texts are plain ASCII, which `serde_json` has already cleared of controls other than DEL.
    let mut rest = fragment;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_escaped(*c)) {
        writer.write_all(&rest.as_bytes()[..at])?;
        escape(writer, c)?;
        rest = &rest[at + c.len_utf8()..];
    }
    writer.write_all(rest.as_bytes())
}
