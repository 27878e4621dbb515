//! A man page of each command, in the macros of man(7), which groff and mandoc both read.

use std::fmt::Write as _;

use super::{
    CommandText, OptionGroup,
    around::{self, Entry},
};

/// How long a line of the source is at most.
const LINE: usize = 78;

/// The page of a command. `date` is the day that it is of, as YYYY-MM-DD; it may be empty.
pub(in crate::cli) fn page(command: &CommandText, date: &str) -> String {
    let name = command.page();
    let mut page = String::new();
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(
        page,
        ".TH {} 1 \"{date}\" \"kubectl certs {version}\" \"Manual of kubectl certs\"",
        quiet(&name.to_uppercase())
    );
    // No word is broken: a flag or a path with a hyphen would look as if it had another one.
    page.push_str(".nh\n.ad l\n");
    section(&mut page, "NAME");
    let _ = writeln!(page, "{}", words(&format!("{name} - {}", command.about)));
    section(&mut page, "SYNOPSIS");
    for (n, line) in command.usage.iter().enumerate() {
        let gap = if n == 0 { "" } else { ".br\n" };
        let rest = line.strip_prefix(&command.typed()).unwrap_or_default();
        let _ = writeln!(page, "{gap}\\fB{}\\fR", quiet(&command.typed()));
        if !rest.is_empty() {
            let _ = writeln!(page, "{}", words(rest));
        }
    }
    section(&mut page, "DESCRIPTION");
    paragraphs(&mut page, &command.description);
    if !command.aliases.is_empty() {
        let _ = writeln!(page, ".PP\nAlso called \\fB{}\\fR.", quiet(&command.aliases.join(", ")));
    }
    if !command.commands.is_empty() {
        section(&mut page, "COMMANDS");
        for (below, about) in &command.commands {
            let _ = writeln!(
                page,
                ".TP\n.BR {} (1)\n{}",
                quiet(&format!("{name}-{below}")),
                words(about)
            );
        }
    }
    options(&mut page, &command.groups);
    entries(&mut page, "ENVIRONMENT", &around::environment(command));
    entries(&mut page, "FILES", &around::files(command));
    entries(&mut page, "EXIT STATUS", &around::statuses(command));
    if !command.examples.is_empty() {
        section(&mut page, "EXAMPLES");
        for (n, (about, line)) in command.examples.iter().enumerate() {
            let gap = if n == 0 { "" } else { ".PP\n" };
            let _ = writeln!(
                page,
                "{gap}{}:\n.PP\n.RS 4\n.nf\n{}\n.fi\n.RE",
                words(about),
                quiet(line)
            );
        }
    }
    section(&mut page, "SEE ALSO");
    let pages: Vec<String> = around::related(command)
        .iter()
        .chain(std::iter::once(&"kubectl".to_owned()))
        .map(|other| format!(".BR {} (1)", quiet(other)))
        .collect();
    let _ = writeln!(page, "{}", pages.join(" ,\n"));
    page
}

/// The name of the file of a page.
pub(in crate::cli) fn file(command: &CommandText) -> String {
    format!("{}.1", command.page())
}

fn section(page: &mut String, title: &str) {
    let _ = writeln!(page, ".SH {title}");
}

fn options(page: &mut String, groups: &[OptionGroup]) {
    if groups.is_empty() {
        return;
    }
    section(page, "OPTIONS");
    for group in groups {
        // The first ones need no heading of their own.
        if !["Arguments", "Options"].contains(&group.heading.as_str()) {
            let _ = writeln!(page, ".SS {}", quiet(&group.heading));
        }
        for option in &group.options {
            let _ = writeln!(page, ".TP\n\\fB{}\\fR", syntax(&option.syntax));
            for (n, part) in option.help.iter().enumerate() {
                let gap = if n == 0 { "" } else { ".IP\n" };
                let _ = writeln!(page, "{gap}{}", ended(part));
            }
            if !option.values.is_empty() {
                page.push_str(".RS\n");
                for (value, about) in &option.values {
                    let item = if about.is_empty() {
                        words(&format!("`{value}`"))
                    } else {
                        ended(&format!("`{value}`: {about}"))
                    };
                    let _ = writeln!(page, ".IP \\(bu 2\n{item}");
                }
                page.push_str(".RE\n");
            }
            if let Some(usual) = &option.usual {
                let gap = if option.values.is_empty() { "" } else { ".IP\n" };
                let _ = writeln!(page, "{gap}By default \\fB{}\\fR.", quiet(usual));
            }
        }
    }
}

fn entries(page: &mut String, title: &str, entries: &[Entry]) {
    if entries.is_empty() {
        return;
    }
    section(page, title);
    for (name, about) in entries {
        let _ = writeln!(page, ".TP\n\\fB{}\\fR\n{}", quiet(name), words(about));
    }
}

fn paragraphs(page: &mut String, all: &[String]) {
    for (n, part) in all.iter().enumerate() {
        let gap = if n == 0 { "" } else { ".PP\n" };
        let _ = writeln!(page, "{gap}{}", words(part));
    }
}

/// A text with a full stop: help has none in its last sentence.
fn ended(text: &str) -> String {
    let stop = if text.ends_with(['.', ':', '?', '!']) { "" } else { "." };
    format!("{}{stop}", words(text))
}

/// How an option is written: names bold, values italic.
fn syntax(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("\\fI"),
            '>' => out.push_str("\\fB"),
            _ => out.push_str(&quiet(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}

/// Text for people, in lines of the source that mandoc does not find too long: what stands between backquotes is bold.
fn words(text: &str) -> String {
    let mut marked = String::new();
    for (n, part) in text.split('`').enumerate() {
        if n % 2 == 1 {
            let _ = write!(marked, "\\fB{}\\fR", quiet(part));
        } else {
            marked.push_str(&quiet(part));
        }
    }
    let mut out = String::new();
    let mut room = 0;
    for word in marked.split_whitespace() {
        let begins = out.is_empty() || word.len() + 1 > room;
        if begins {
            out.push_str(if out.is_empty() { "" } else { "\n" });
            // At the beginning of a line these would be a request.
            out.push_str(if word.starts_with(['.', '\'']) { "\\&" } else { "" });
            room = LINE;
        } else {
            out.push(' ');
        }
        out.push_str(word);
        room = room.saturating_sub(word.len() + 1);
    }
    out
}

/// The text as it stands: nothing of it is a request, and no sign becomes another one.
fn quiet(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '"' => out.push_str("\\(dq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::manual::all;

    fn page_of(words: &str) -> String {
        let all = all();
        page(
            all.iter().find(|one| one.words.join(" ") == words).expect("a command"),
            "",
        )
    }

    #[test]
    fn every_option_is_on_the_page_of_its_command_with_its_default() {
        for command in all() {
            let page = page(&command, "2026-12-01");
            assert_eq!(page.matches(".TH ").count(), 1);
            for option in command.groups.iter().flat_map(|group| &group.options) {
                assert!(
                    page.contains(&format!("\\fB{}\\fR\n", syntax(&option.syntax))),
                    "{option:?}"
                );
                assert!(!option.help.is_empty(), "{option:?}");
            }
            for (_, line) in &command.examples {
                assert!(page.contains(&quiet(line)), "{line}");
            }
        }
        let renew = page_of("renew");
        assert!(
            renew.contains("\\-\\-solver\\-image") && renew.contains(".SH EXIT STATUS\n"),
            "{renew}"
        );
        assert!(page_of("account register").contains(".BR kubectl\\-certs\\-account (1)"));
    }

    #[test]
    fn text_cannot_become_a_request() {
        assert_eq!(words(".so /etc/passwd"), "\\&.so /etc/passwd");
        assert_eq!(words("'x' `a-b` \\n"), "\\(aqx\\(aq \\fBa\\-b\\fR \\en");
    }
}
