//! Wraps paragraphs for a narrow terminal.

use super::width::width;

/// Wraps the paragraphs and list items (`- `) of a page into lines of at most `room` cells. Text that is indented by
/// four spaces after an empty line is code and stays as it is, and so does a word that is longer than a line.
pub fn wrap(page: &str, room: usize) -> String {
    let mut out = String::new();
    let mut open: Option<Paragraph<'_>> = None;
    for line in page.lines() {
        let depth = line.len() - line.trim_start().len();
        let text = line.trim();
        let item = text.starts_with("- ");
        if let Some(paragraph) = open.as_mut().filter(|p| !text.is_empty() && !item && !p.is_code) {
            paragraph.words.extend(text.split(' '));
            continue;
        }
        if let Some(paragraph) = open.take_if(|p| !p.is_code || text.is_empty() || (item && depth < 4)) {
            paragraph.close(room, &mut out);
        }
        if text.is_empty() {
            out.push('\n');
            continue;
        }
        match &mut open {
            Some(code) => code.lines.push(line),
            None => {
                open = Some(Paragraph {
                    depth,
                    hang: depth + if item { 2 } else { 0 },
                    is_code: depth >= 4,
                    words: text.split(' ').collect(),
                    lines: vec![line],
                });
            }
        }
    }
    if let Some(paragraph) = open {
        paragraph.close(room, &mut out);
    }
    out
}

/// Wraps a message between words into lines of at most `room` cells. The first line has `at` cells less, and the others
/// are indented by `hang`. A command, in backquotes or beginning with kubectl, stays in one piece so that it can be
/// copied; so does a word that is longer than a line.
pub fn message(text: &str, at: usize, hang: usize, room: usize) -> String {
    if at + width(text) <= room {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut at = at;
    for (place, word) in unbroken(text).into_iter().enumerate() {
        let cells = width(word);
        if place > 0 && at + 1 + cells > room && at > hang {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', hang));
            at = hang;
        } else if place > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += cells;
    }
    out
}

/// The words of a message. Text in backquotes is one word.
fn unbroken(text: &str) -> Vec<&str> {
    let paired = text.bytes().filter(|b| *b == b'`').count() % 2 == 0;
    let (mut words, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'`' && paired {
            quoted = !quoted;
        }
        if byte != b' ' || quoted {
            continue;
        }
        if &text[start..at] == "kubectl" {
            break;
        }
        words.push(&text[start..at]);
        start = at + 1;
    }
    words.push(&text[start..]);
    words
}

/// Lines that belong to one paragraph.
struct Paragraph<'a> {
    /// The indentation of its first line, and of the others.
    depth: usize,
    hang: usize,
    is_code: bool,
    words: Vec<&'a str>,
    lines: Vec<&'a str>,
}

impl Paragraph<'_> {
    fn close(self, room: usize, out: &mut String) {
        if self.is_code {
            for line in self.lines {
                out.push_str(line);
                out.push('\n');
            }
            return;
        }
        let mut at = self.depth;
        out.extend(std::iter::repeat_n(' ', self.depth));
        for (place, word) in self.words.iter().enumerate() {
            let cells = width(word);
            if place > 0 && at + 1 + cells > room {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', self.hang));
                at = self.hang;
            } else if place > 0 {
                out.push(' ');
                at += 1;
            }
            out.push_str(word);
            at += cells;
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_broken_between_words_and_its_commands_are_not() {
        assert_eq!(message("one two three", 0, 2, 9), "one two\n  three");
        assert_eq!(message("one two three", 4, 4, 80), "one two three");
        assert_eq!(message("one two", 6, 2, 9), "one\n  two", "some of the line is taken");
        let told = "say `kubectl certs cleanup` and more";
        assert_eq!(message(told, 0, 0, 20), "say\n`kubectl certs cleanup`\nand more");
        let command = "  for it: kubectl certs renew web -n shop --production";
        assert_eq!(
            message(command, 0, 0, 20),
            "  for it:\nkubectl certs renew web -n shop --production"
        );
        assert_eq!(message("a-word-that-is-long", 0, 2, 9), "a-word-that-is-long");
    }

    #[test]
    fn paragraphs_and_items_are_broken_and_code_is_not() {
        let page = "One two\nthree four.\n\n- first\n  item here\n- second:\n\n      kubectl get secret a-very-long-name\n        -o yaml\n\nEnd.\n";
        assert_eq!(
            wrap(page, 12),
            "One two\nthree four.\n\n- first item\n  here\n- second:\n\n      kubectl get secret a-very-long-name\n        -o yaml\n\nEnd.\n"
        );
        assert_eq!(wrap("One two\nthree.\n", 80), "One two three.\n");
    }
}
