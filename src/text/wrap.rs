//! Paragraphs broken anew for a narrow terminal.

use super::width::width;

/// The page with its paragraphs and list items (`- `) broken into lines of at most `room` cells. What is set off by four spaces after an
/// empty line is code, and stays as it is, as does a word that is longer than a line.
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

/// Lines that belong together.
struct Paragraph<'a> {
    /// How far its first line is set in, and how far the others.
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
    fn paragraphs_and_items_are_broken_and_code_is_not() {
        let page = "One two\nthree four.\n\n- first\n  item here\n- second:\n\n      kubectl get secret a-very-long-name\n        -o yaml\n\nEnd.\n";
        assert_eq!(
            wrap(page, 12),
            "One two\nthree four.\n\n- first item\n  here\n- second:\n\n      kubectl get secret a-very-long-name\n        -o yaml\n\nEnd.\n"
        );
        assert_eq!(wrap("One two\nthree.\n", 80), "One two three.\n");
    }
}
