//! The manual of each command: what the parser knows of it, as values. `roff` makes man pages of them, and tests make
//! `docs/reference/commands.md`.

pub(super) mod around;
#[cfg(test)]
mod reference;
pub(super) mod roff;

use clap::{Arg, Command, CommandFactory as _};

use super::args::Cli;

/// Everything that is to be said of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandText {
    /// Its words after `kubectl certs`: none for the program itself.
    pub(super) words: Vec<String>,
    /// What it does, in one line.
    pub(super) about: String,
    /// The same in full: a paragraph each.
    pub(super) description: Vec<String>,
    /// Other names of it.
    pub(super) aliases: Vec<String>,
    /// How it is called: a line each.
    pub(super) usage: Vec<String>,
    /// What it takes, under its headings.
    pub(super) groups: Vec<OptionGroup>,
    /// The commands below it, each with what it does.
    pub(super) commands: Vec<(String, String)>,
    /// Examples, each with what it is for.
    pub(super) examples: Vec<(String, String)>,
}

/// Arguments and options under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OptionGroup {
    pub(super) heading: String,
    pub(super) options: Vec<OptionText>,
}

/// One argument or option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OptionText {
    /// How it is written: `-f, --filename <FILE>`.
    pub(super) syntax: String,
    /// Its long name without dashes; `None` for an argument.
    pub(super) long: Option<String>,
    /// What it does: a paragraph each.
    pub(super) help: Vec<String>,
    /// The value that it has without being given.
    pub(super) usual: Option<String>,
    /// The values that it may have, where its help does not list them, each with what it means.
    pub(super) values: Vec<(String, String)>,
}

impl CommandText {
    /// Its name as a file has it: `kubectl-certs-account-show`.
    pub(super) fn page(&self) -> String {
        page_of(&self.words)
    }

    /// Its name as it is typed: `kubectl certs account show`.
    pub(super) fn typed(&self) -> String {
        std::iter::once("kubectl certs")
            .chain(self.words.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Whether it has an option with this long name.
    pub(super) fn takes(&self, long: &str) -> bool {
        let mut all = self.groups.iter().flat_map(|group| &group.options);
        all.any(|option| option.long.as_deref() == Some(long))
    }
}

/// The name of the page of a command: its words, joined.
fn page_of(words: &[String]) -> String {
    std::iter::once("kubectl-certs")
        .chain(words.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("-")
}

/// The program and all commands that are for people, each before those below it.
pub(super) fn all() -> Vec<CommandText> {
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    gather(&root, &[], &mut found);
    found
}

fn gather(command: &Command, words: &[String], into: &mut Vec<CommandText>) {
    into.push(text_of(command, words));
    for below in shown(command) {
        let words = [words, &[below.get_name().to_owned()]].concat();
        gather(below, &words, into);
    }
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    let all = command.get_subcommands();
    all.filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn text_of(command: &Command, words: &[String]) -> CommandText {
    let said = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string).unwrap_or_default();
    let about = said(command.get_about().or(command.get_long_about()));
    let long = said(command.get_long_about().or(command.get_about()));
    let after = said(command.get_after_long_help());
    let (notes, examples) = after.split_once("Examples:\n").unwrap_or((after.as_str(), ""));
    // Exit statuses have a section of their own.
    let notes = notes.lines().filter(|line| !line.starts_with("Exit status:"));
    let usage = command.clone().render_usage().to_string();
    CommandText {
        words: words.to_vec(),
        about: about.trim_end_matches('.').replace('\n', " "),
        description: paragraphs(&long)
            .into_iter()
            .map(sentence)
            .chain(notes.filter(|line| !line.trim().is_empty()).map(str::to_owned))
            .collect(),
        aliases: command.get_visible_aliases().map(str::to_owned).collect(),
        usage: usage
            .lines()
            .map(|line| {
                line.trim()
                    .trim_start_matches("Usage: ")
                    .replace("kubectl-certs", "kubectl certs")
            })
            .collect(),
        groups: groups(command),
        commands: shown(command)
            .map(|below| (below.get_name().to_owned(), said(below.get_about())))
            .collect(),
        examples: pairs(examples),
    }
}

/// Lines `# ABOUT`, each before its command.
fn pairs(examples: &str) -> Vec<(String, String)> {
    let mut about = String::new();
    let mut found = Vec::new();
    for line in examples.lines().map(str::trim) {
        match line.strip_prefix("# ") {
            Some(text) => text.clone_into(&mut about),
            None => found.push((std::mem::take(&mut about), line.to_owned())),
        }
    }
    found
}

/// With a full stop, which short descriptions lack.
fn sentence(mut text: String) -> String {
    if text.ends_with(|c: char| c.is_alphanumeric() || c == '`' || c == ')') {
        text.push('.');
    }
    text
}

fn paragraphs(text: &str) -> Vec<String> {
    let parts = text.split("\n\n").map(|part| part.trim().replace('\n', " "));
    parts.filter(|part| !part.is_empty()).collect()
}

fn groups(command: &Command) -> Vec<OptionGroup> {
    let mut groups: Vec<OptionGroup> = ["Arguments", "Options"]
        .map(|heading| OptionGroup {
            heading: heading.to_owned(),
            options: Vec::new(),
        })
        .into();
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let usual = if arg.is_positional() { "Arguments" } else { "Options" };
        let heading = arg.get_help_heading().unwrap_or(usual);
        let option = option(arg);
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.options.push(option),
            None => groups.push(OptionGroup {
                heading: heading.to_owned(),
                options: vec![option],
            }),
        }
    }
    groups.retain(|group| !group.options.is_empty());
    groups
}

fn option(arg: &Arg) -> OptionText {
    let help = arg.get_long_help().or(arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    // Some options tell their default themselves, because it is a setting's.
    let (help, told) = match help
        .trim_end()
        .strip_suffix(']')
        .and_then(|help| help.rsplit_once(" [default: "))
    {
        Some((help, usual)) => (help.to_owned(), Some(usual.to_owned())),
        None => (help, None),
    };
    let usual: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    let is_valued = arg.get_action().takes_values();
    let usual = (is_valued && !arg.is_hide_default_value_set() && !usual.is_empty()).then(|| usual.join(","));
    let values = if is_valued && !arg.is_hide_possible_values_set() {
        arg.get_possible_values()
    } else {
        Vec::new()
    };
    let written = arg.to_string();
    // What `--help` prints is for the terminal where it is typed.
    let help = if arg.get_id() == "help" {
        "Print help".to_owned()
    } else {
        help
    };
    OptionText {
        syntax: match arg.get_short().filter(|_| arg.get_long().is_some()) {
            Some(short) => format!("-{short}, {written}"),
            None => written,
        },
        long: arg.get_long().map(str::to_owned),
        help: paragraphs(&help),
        usual: usual.or(told),
        values: values
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| {
                let about = value.get_help().map(ToString::to_string).unwrap_or_default();
                (value.get_name().to_owned(), about)
            })
            .collect(),
    }
}
