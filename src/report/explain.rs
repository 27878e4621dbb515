//! `kubectl certs explain`: the pages of the catalogue, for a terminal.

use std::{borrow::Cow, fmt::Write};

use anstyle::Style;

use crate::{check::Reason, text::wrap::wrap};

/// How wide the pages are written.
const WRITTEN: usize = 100;

/// The page of a reason: its headings bold where `colour` is asked for, its code as it stands, its paragraphs broken for a terminal of
/// `width` cells where that is narrower than the page.
pub fn explain(reason: Reason, colour: bool, width: Option<usize>) -> String {
    let bold = bold(colour);
    let mut out = String::new();
    let mut code = false;
    let page = match width.filter(|width| *width < WRITTEN) {
        Some(width) => Cow::Owned(wrap(reason.page().trim_end(), width)),
        None => Cow::Borrowed(reason.page().trim_end()),
    };
    for line in page.lines() {
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        let heading = line.trim_start_matches('#');
        if code {
            out.push_str(if line.is_empty() { "" } else { "    " });
            out.push_str(line);
        } else if heading.len() < line.len() && heading.starts_with(' ') {
            let _ = write!(out, "{bold}{}{bold:#}", heading.trim());
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// What a reason means, in one sentence.
pub fn meaning(reason: Reason) -> String {
    first_sentence(&first_paragraph(reason)).to_owned()
}

/// All reasons by their group: name, usual severity, and what it means in one sentence, which is broken into lines that
/// fit `width` cells where one is given.
pub fn list(colour: bool, width: Option<usize>) -> String {
    let bold = bold(colour);
    let widest = Reason::ALL.iter().map(|r| r.as_str().len()).max().unwrap_or(0);
    let mut out = String::new();
    let mut group = "";
    for reason in Reason::ALL {
        if reason.group() != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            group = reason.group();
            let _ = writeln!(out, "{gap}{bold}{}{bold:#}", group.to_ascii_uppercase());
        }
        let _ = write!(
            out,
            "  {:widest$}   {:8}  ",
            reason.as_str(),
            reason.severity().as_str()
        );
        let indent = widest + 15;
        let mut at = indent;
        for word in first_sentence(&first_paragraph(*reason)).split(' ') {
            if width.is_some_and(|width| at + 1 + word.len() > width && at > indent) {
                let _ = write!(out, "\n{:indent$}", "");
                at = indent;
            }
            out.push(' ');
            out.push_str(word);
            at += 1 + word.len();
        }
        out.push('\n');
    }
    out
}

fn bold(colour: bool) -> Style {
    if colour { Style::new().bold() } else { Style::new() }
}

/// The first paragraph of a reason's page, on one line; the reason's name where the page has none.
pub(super) fn first_paragraph(reason: Reason) -> String {
    let words: Vec<&str> = reason
        .page()
        .lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty() || line.starts_with('#'))
        .take_while(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    if words.is_empty() {
        reason.as_str().to_owned()
    } else {
        words.join(" ").replace('`', "")
    }
}

/// Up to the first full stop that ends a sentence.
fn first_sentence(paragraph: &str) -> &str {
    let end = paragraph
        .match_indices(". ")
        .map(|(at, _)| at + 1)
        .find(|at| !paragraph[..*at].ends_with("e.g.") && !paragraph[..*at].ends_with("i.e."));
    &paragraph[..end.unwrap_or(paragraph.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_no_markup_and_its_headings_are_bold_when_asked() {
        for reason in Reason::ALL {
            let page = explain(*reason, false, None);
            assert!(page.starts_with(&format!("{reason}\n")), "{reason}");
            assert!(page.contains("\nHow to fix it\n"), "{reason}");
            assert!(!page.contains("```") && !page.contains('\x1b'), "{reason}");
        }
        let page = explain(Reason::Expired, true, None);
        assert!(page.starts_with("\x1b[1mExpired\x1b[0m\n"), "{page:?}");
    }

    #[test]
    fn a_page_fits_a_narrow_terminal_but_for_its_commands() {
        for reason in Reason::ALL {
            let page = explain(*reason, false, Some(60));
            let code = |line: &&str| line.starts_with("    ");
            // A long word stays whole, so that it can be searched for.
            let too_long = page.lines().find(|line| {
                !code(line)
                    && crate::text::width::width(line) > 60
                    && line.trim().trim_start_matches("- ").contains(' ')
            });
            assert_eq!(too_long, None, "{reason}");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&page), words(&explain(*reason, false, None)), "{reason}");
            for command in explain(*reason, false, None).lines().filter(code) {
                assert!(page.lines().any(|line| line == command), "{reason}: {command}");
            }
        }
    }

    #[test]
    fn the_list_has_one_line_a_reason_under_its_group() {
        let narrow = list(false, Some(80));
        assert!(narrow.lines().all(|line| line.len() <= 80), "{narrow}");
        assert_eq!(
            narrow.split_whitespace().collect::<Vec<_>>(),
            list(false, None).split_whitespace().collect::<Vec<_>>()
        );
        let list = list(false, None);
        let groups: Vec<&str> = list
            .lines()
            .filter(|l| l.chars().all(char::is_uppercase) && !l.is_empty())
            .collect();
        assert_eq!(
            groups,
            [
                "REFERENCE",
                "PARSE",
                "TIME",
                "NAMES",
                "CHAIN",
                "STRENGTH",
                "OWNERSHIP",
                "SERVED"
            ]
        );
        for reason in Reason::ALL {
            let line = list
                .lines()
                .find(|l| l.split_whitespace().next() == Some(reason.as_str()));
            let line = line.unwrap_or_else(|| panic!("{reason} is missing"));
            assert!(line.contains(reason.severity().as_str()), "{line}");
            assert!(line.ends_with('.'), "a whole sentence: {line}");
        }
    }

    #[test]
    fn a_sentence_ends_at_its_full_stop() {
        assert_eq!(first_sentence("One. Two."), "One.");
        assert_eq!(
            first_sentence("A name, e.g. a.example, is wrong. Two."),
            "A name, e.g. a.example, is wrong."
        );
        assert_eq!(first_sentence("Until v1.2 only"), "Until v1.2 only");
    }
}
