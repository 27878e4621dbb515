//! Splits YAML into documents at the lines that end one, so that one broken document does not hide the others.

/// One document: its text, including the marker line, and the line in the file on which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// The line of the file, from 1.
    pub(super) line: usize,
}

/// The documents of `text` that have contents. `---` and `...` at the start of a line always end one, even in a block
/// of text (YAML 1.2, section 9.1.2), and so does the heading `NOTES:` that Helm prints after its manifests.
pub(super) fn documents(text: &str) -> Documents<'_> {
    Documents { rest: text, line: 1 }
}

/// The documents of a text.
pub(super) struct Documents<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Iterator for Documents<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        while !self.rest.is_empty() {
            let (text, begins) = (self.rest, self.line);
            let mut at = 0;
            let mut holds = false;
            let mut notes = None;
            while let Some(line) = text[at..].split_inclusive('\n').next() {
                let starts = is_marker(line, "---");
                if starts && at > 0 {
                    break;
                }
                at += line.len();
                self.line += 1;
                if is_marker(line, "...") {
                    break;
                }
                if line.trim_end() == "NOTES:" {
                    notes.get_or_insert(at - line.len());
                }
                holds |= notes.is_none() && (starts && !is_empty(&line[3..]) || !starts && !is_empty(line));
            }
            self.rest = &text[at..];
            if holds {
                return Some(Piece {
                    text: &text[..notes.unwrap_or(at)],
                    line: begins,
                });
            }
        }
        None
    }
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Whether a line has no contents: blank, a comment, a directive or the end of a document.
fn is_empty(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with(['#', '%']) || line == "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(&str, usize)> {
        documents(text).map(|p| (p.text, p.line)).collect()
    }

    #[test]
    fn documents_end_at_their_markers_and_empty_ones_are_left_out() {
        for (text, expected) in [
            ("a: 1\n---\nb: 2\n", vec![("a: 1\n", 1), ("---\nb: 2\n", 2)]),
            ("---\n# Source: x\n---\n\n---\r\na: 1", vec![("---\r\na: 1", 5)]),
            (
                "a: |\n  x\n---\nb: 1\n...\n\nc: 1\n",
                vec![("a: |\n  x\n", 1), ("---\nb: 1\n...\n", 3), ("\nc: 1\n", 6)],
            ),
            ("%YAML 1.2\n---\na: 1\n", vec![("---\na: 1\n", 2)]),
            ("--- {a: 1}\n--- # only a comment\n", vec![("--- {a: 1}\n", 1)]),
            ("a: |\n  ---\n  b\n---x\n", vec![("a: |\n  ---\n  b\n---x\n", 1)]),
            (
                "---\na: 1\nNOTES:\n1. Visit: http://x\n---\nb: 1\n",
                vec![("---\na: 1\n", 1), ("---\nb: 1\n", 5)],
            ),
            ("", vec![]),
            ("---\n---\n---", vec![]),
        ] {
            assert_eq!(pieces(text), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_line_that_counts_is_in_one_document(text in "(---\n|a: 1\n|\\.\\.\\.\n|#\n|\n){0,30}") {
            let held: usize = pieces(&text).iter().map(|(t, _)| t.matches("a: 1").count()).sum();
            proptest::prop_assert_eq!(held, text.matches("a: 1").count());
            for (piece, line) in pieces(&text) {
                let skipped: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
                proptest::prop_assert!(text[skipped..].starts_with(piece));
            }
        }
    }
}
