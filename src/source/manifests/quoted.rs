//! Quoted texts of several lines whose later lines are indented no more than their key.
//!
//! YAML 1.2 requires more indentation (section 7.4, `s-flow-line-prefix`), and the parser insists on it. kubectl's
//! reader does not: go-yaml (`sigs.k8s.io/yaml` v1.6.0, goyaml.v2 `scannerc.go`, `yaml_parser_scan_flow_scalar`) folds
//! lines with any indentation. Such texts are in use, for instance in the Gateway API's own resource definitions.

/// The document with such lines indented, each still on its own line. Folding removes indentation, so no value changes.
/// `None` if nothing has to be indented, or if that would take more room than the document itself.
pub(super) fn indented(text: &str) -> Option<String> {
    let mut lines = Lines {
        out: String::with_capacity(text.len() + text.len() / 8),
        room: text.len() + 4096,
        moved: false,
        flow: 0,
        open: None,
        block: None,
        value_expected: true,
    };
    for line in text.split_inclusive('\n') {
        lines.take(line)?;
    }
    lines.moved.then_some(lines.out)
}

/// A quoted text that has not ended.
#[derive(Clone, Copy)]
struct Open {
    quote: u8,
    /// The column to which its next lines are indented.
    column: usize,
}

struct Lines {
    out: String,
    /// How many spaces may still be inserted.
    room: usize,
    moved: bool,
    /// How many `[` and `{` are open.
    flow: usize,
    open: Option<Open>,
    /// In a literal or folded text: the column of the key or dash that it belongs to.
    block: Option<usize>,
    /// Whether a quote at the start of a line begins a text; otherwise it is part of a plain one.
    value_expected: bool,
}

impl Lines {
    fn take(&mut self, line: &str) -> Option<()> {
        let indentation = line.len() - line.trim_start_matches(' ').len();
        let blank = line.trim().is_empty();
        if let Some(above) = self.block {
            if blank || indentation > above {
                self.out.push_str(line);
                return Some(());
            }
            self.block = None;
        }
        let mut at = 0;
        let mut starts = self.value_expected || self.flow > 0;
        if let Some(open) = self.open {
            if !blank && indentation <= open.column {
                let missing = open.column + 1 - indentation;
                self.room = self.room.checked_sub(missing)?;
                self.out.extend(std::iter::repeat_n(' ', missing));
                self.moved = true;
            }
            if let Some(end) = closing(line.as_bytes(), 0, open.quote) {
                self.open = None;
                at = end;
                starts = false;
            } else {
                self.out.push_str(line);
                return Some(());
            }
        } else if !blank {
            at = indentation;
        }
        self.scan(line, at, indentation, starts);
        self.out.push_str(line);
        Some(())
    }

    /// Scans a line outside of quoted texts. `starts` says whether a quote here begins a text.
    fn scan(&mut self, line: &str, from: usize, indentation: usize, mut starts: bool) {
        let bytes = line.as_bytes();
        let mut at = from;
        let key_at_start = from == indentation;
        // Whether only spaces and the dashes of sequences precede this position. Remembered, because a line may have a
        // million dashes.
        let before_any = |byte: u8| matches!(byte, b' ' | b'-' | b'?');
        let mut dashes_alone = bytes[..from.min(bytes.len())].iter().all(|byte| before_any(*byte));
        while let Some(&byte) = bytes.get(at) {
            let first = dashes_alone;
            dashes_alone &= before_any(byte);
            let next = bytes.get(at + 1).copied().unwrap_or(b'\n');
            let ends_word = matches!(next, b' ' | b'\t' | b'\r' | b'\n');
            match byte {
                b'#' if at == 0 || matches!(bytes[at - 1], b' ' | b'\t') => break,
                b'"' | b'\'' if starts || (key_at_start && at == indentation) => match closing(bytes, at + 1, byte) {
                    Some(end) => {
                        at = end;
                        starts = false;
                        continue;
                    }
                    None if starts => {
                        self.open = Some(Open {
                            quote: byte,
                            column: at,
                        });
                        return;
                    }
                    None => {}
                },
                b'|' | b'>' if starts && self.flow == 0 => {
                    self.block = Some(owner_column(bytes, indentation, at));
                    self.value_expected = true;
                    return;
                }
                b'[' | b'{' if starts => {
                    self.flow += 1;
                    at += 1;
                    continue;
                }
                b']' | b'}' if self.flow > 0 => {
                    self.flow -= 1;
                    starts = false;
                }
                b',' if self.flow > 0 => starts = true,
                b':' if ends_word || self.flow > 0 => starts = true,
                b'-' | b'?' if ends_word && first => starts = true,
                // A tag or an anchor precedes the value.
                b'!' | b'&' if starts => {
                    let word = line[at..].find([' ', '\t', '\r', '\n']);
                    at += word.unwrap_or(line.len() - at);
                    continue;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ => starts = false,
            }
            at += 1;
        }
        if !line[from.min(line.len())..].trim().is_empty() && !line.trim_start().starts_with('#') {
            self.value_expected = starts;
        }
    }
}

/// The column of the key, or of the dash if there is no key, to which the value at `value` belongs.
fn owner_column(bytes: &[u8], indentation: usize, value: usize) -> usize {
    let (mut at, mut dash) = (indentation, indentation);
    while matches!(bytes.get(at), Some(b'-' | b'?')) && matches!(bytes.get(at + 1), Some(b' ')) {
        dash = at;
        at += 1;
        while bytes.get(at) == Some(&b' ') {
            at += 1;
        }
    }
    if at == value { dash } else { at }
}

/// The position after the quote that ends a text which continues at `from`.
fn closing(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 1,
            _ if byte == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_quoted_texts_are_moved_in_and_nothing_else_is() {
        for (text, expected) in [
            (
                "a:\n  b: 'one\n  two'\n  c: 1\n",
                Some("a:\n  b: 'one\n      two'\n  c: 1\n"),
            ),
            (
                "a: \"one\n\ntwo \\\" \nthree\"\n",
                Some("a: \"one\n\n    two \\\" \n    three\"\n"),
            ),
            (
                "- 'one\ntwo''\nthree'\n- b\n",
                Some("- 'one\n   two''\n   three'\n- b\n"),
            ),
            ("a:\n'one\ntwo'\n", Some("a:\n'one\n two'\n")),
            ("'k': [x, 'one\ntwo']\n", Some("'k': [x, 'one\n          two']\n")),
            ("a: !!str 'one\ntwo'\n", Some("a: !!str 'one\n          two'\n")),
            ("a: one isn't\n  two isn't\nb: 1\n", None),
            ("a: |\n  it's 'one\n\n  \"two\nb: 1\n", None),
            ("a: >-\n  'one\nb: 'x'\n", None),
            (
                "- a: |\n    it's\n  b: 'one\n  two'\n",
                Some("- a: |\n    it's\n  b: 'one\n      two'\n"),
            ),
            ("- |\n 'one\n- b\n", None),
            ("# it's\na: 1 # isn't\nb: 'x' # 'y\nc: 1\n", None),
            ("a: \"x\\\"\"\nb: 'it''s'\n", None),
            ("a: one\n  'two\nb: 1\n", None),
            ("", None),
        ] {
            assert_eq!(indented(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_document_grows_by_its_own_length_at_most() {
        let far = " ".repeat(20_000);
        let text = format!("a:\n{far}b: '\n{}", "x\n".repeat(20_000));
        assert_eq!(indented(&text), None);
    }

    #[test]
    fn a_line_of_a_million_dashes_is_gone_over_once() {
        let dashes = "- ".repeat(500_000);
        let text = format!("a:\n  b: 'x\n  y'\n{dashes}'one\ntwo'\n");
        let moved = indented(&text).expect("the first text is moved");
        assert!(moved.ends_with(" two'\n"), "the last one is a text too");
        assert_eq!(
            indented("- ? - 'one\ntwo'\n").as_deref(),
            Some("- ? - 'one\n       two'\n")
        );
        assert_eq!(indented("- x - 'one\ntwo'\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_keeps_its_lines(text in "[a:'\"|>#\\[\\]{},\\- \n\\\\]{0,80}") {
            if let Some(moved) = indented(&text) {
                proptest::prop_assert_eq!(moved.lines().count(), text.lines().count());
                for (moved, line) in moved.lines().zip(text.lines()) {
                    proptest::prop_assert_eq!(moved.trim_start_matches(' '), line.trim_start_matches(' '));
                }
            }
        }
    }
}
