//! `complete`: what may stand next on a command line, for `kubectl_complete-certs`.
//!
//! kubectl asks its plugins as cobra's programs ask themselves: one `WORD<TAB>DESCRIPTION` a line, and last a colon and the sum of
//! what the shell is to do besides.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _, ValueHint};
use clap_complete::Shell;

use super::{args::Cli, print};
use crate::ops::{OpError, named::kind_named};
use crate::{check::Reason, cli::failure::Exit, text::clear::is_unsafe};

mod dynamic;
mod kept;

use dynamic::TypedSource;

/// What the shell does besides: completes names of files, or not; and leaves the words in their order.
const FILES: u8 = 0;
const NO_FILES: u8 = 4;
const IN_ORDER: u8 = 32;

/// The script of a shell. Those of bash, zsh, fish and PowerShell ask this program for every word; Elvish's knows commands and flags alone.
pub(super) fn script(shell: Shell) -> Vec<u8> {
    match shell {
        Shell::Bash => include_bytes!("../../completions/kubectl-certs.bash").to_vec(),
        Shell::Zsh => include_bytes!("../../completions/kubectl-certs.zsh").to_vec(),
        Shell::Fish => include_bytes!("../../completions/kubectl-certs.fish").to_vec(),
        Shell::PowerShell => include_bytes!("../../completions/_kubectl-certs.ps1").to_vec(),
        other => {
            // Hidden commands are for programs: the script is made of those that are for people.
            let whole = Cli::command();
            let shown = whole
                .get_subcommands()
                .filter(|command| !command.is_hide_set())
                .cloned();
            let mut command = Command::new("kubectl-certs")
                .args(whole.get_arguments().cloned())
                .subcommands(shown);
            let mut script = Vec::new();
            clap_complete::generate(other, &mut command, "kubectl-certs", &mut script);
            script
        }
    }
}

/// The words that may stand in one place.
#[derive(Debug, Default)]
struct Choices {
    words: Vec<(String, String)>,
    files: bool,
    /// Whether their order says something.
    in_order: bool,
}

/// `reads_on`: nobody waits for it; the names are read for the next key press.
pub(super) fn run(words: &[String], reads_on: bool) -> Result<Exit, OpError> {
    let choices = choices(words, reads_on);
    let mut out = String::new();
    for (word, about) in &choices.words {
        // Names come from outside: one with a line break or an escape would be several words, or more than words.
        if !word.chars().any(is_unsafe) {
            let _ = writeln!(out, "{word}\t{about}");
        }
    }
    let order = if choices.in_order { IN_ORDER } else { 0 };
    let _ = writeln!(out, ":{}", order | if choices.files { FILES } else { NO_FILES });
    print(out.as_bytes())
}

/// What may stand in place of the last of the words that follow `kubectl certs`.
fn choices(words: &[String], reads_on: bool) -> Choices {
    let mut root = Cli::command();
    root.build();
    let (typed, before) = words
        .split_last()
        .map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let place = Completing::after(&root, before);
    let asked = TypedSource::of(words, reads_on);
    if let Some(flag) = place.open {
        return values(flag, place.command, "", typed, &asked);
    }
    if !place.literal && typed.starts_with('-') {
        return match typed.split_once('=') {
            Some((flag, value)) => {
                let of = long(place.command, flag.trim_start_matches('-'));
                let lead = format!("{flag}=");
                of.map_or_else(Choices::default, |arg| values(arg, place.command, &lead, value, &asked))
            }
            None => flags(place.command, typed),
        };
    }
    // After a kind come names of that kind, whatever the parser counts.
    let kind = place.first.and_then(kind_named);
    let last = || place.command.get_positionals().last();
    let positional = place
        .command
        .get_positionals()
        .nth(place.positionals)
        .or_else(|| last().filter(|arg| is_list(arg) || kind.is_some()));
    let mut found = positional.map_or_else(Choices::default, |arg| match kind {
        Some(kind) if is_target(arg) || arg.get_id() == "secret" => {
            let lead = format!("{}/", kind.as_str().to_ascii_lowercase());
            let all = named(arg, place.command, &lead, &asked).into_iter();
            let own = all.filter_map(|(word, about)| Some((word.strip_prefix(&lead)?.to_owned(), about)));
            Choices {
                words: own.filter(|(name, _)| name.starts_with(typed)).collect(),
                files: false,
                in_order: true,
            }
        }
        _ => values(arg, place.command, "", typed, &asked),
    });
    if place.positionals == 0 {
        let visible = place.command.get_subcommands().filter(|c| !c.is_hide_set());
        let named = visible.map(|c| (c.get_name().to_owned(), first_line(c.get_about())));
        found.words.extend(named.filter(|(name, _)| name.starts_with(typed)));
    }
    // PEM files and manifests are named by their paths among other targets.
    found.files |= positional.is_some() && typed.starts_with(['.', '/']);
    found
}

/// Where a command line stands after some words.
struct Completing<'a> {
    command: &'a Command,
    /// The flag whose value comes next.
    open: Option<&'a Arg>,
    positionals: usize,
    /// The first of them.
    first: Option<&'a str>,
    /// `--` has been: no flag follows.
    literal: bool,
}

impl<'a> Completing<'a> {
    fn after(root: &'a Command, words: &'a [String]) -> Self {
        let mut place = Self {
            command: root,
            open: None,
            positionals: 0,
            first: None,
            literal: false,
        };
        for word in words {
            place.pass(word);
        }
        place
    }

    fn pass(&mut self, word: &'a str) {
        if self.open.take().is_some() {
            return;
        }
        if self.literal || !word.starts_with('-') || word == "-" {
            let command = self.command.find_subcommand(word);
            if let Some(command) = command.filter(|_| self.positionals == 0 && !self.literal) {
                self.command = command;
            } else {
                self.first = self.first.or(Some(word));
                self.positionals += 1;
            }
        } else if word == "--" {
            self.literal = true;
        } else if let Some(name) = word.strip_prefix("--") {
            self.open = long(self.command, name).filter(|arg| takes_value(arg));
        } else {
            // Of several letters, the first that takes a value takes the rest.
            let letters = word.char_indices().skip(1);
            let mut valued = letters.filter_map(|(at, c)| Some((at + c.len_utf8(), short(self.command, c)?)));
            let first = valued.find(|(_, arg)| takes_value(arg));
            self.open = first.filter(|(end, _)| *end == word.len()).map(|(_, arg)| arg);
        }
    }
}

fn long<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(name))
}

fn short(command: &Command, letter: char) -> Option<&Arg> {
    command.get_arguments().find(|arg| arg.get_short() == Some(letter))
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn is_list(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|n| n.max_values() > 1)
}

fn flags(command: &Command, typed: &str) -> Choices {
    let visible = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let named = visible.filter_map(|arg| Some((format!("--{}", arg.get_long()?), first_line(arg.get_help()))));
    Choices {
        words: named.filter(|(name, _)| name.starts_with(typed)).collect(),
        ..Choices::default()
    }
}

/// Whether an argument names routes and Secrets.
fn is_target(arg: &Arg) -> bool {
    ["targets", "target"].contains(&arg.get_id().as_str())
}

/// The values of an argument that no list of the parser has: those of the cluster, the kubeconfig and the settings.
fn named(arg: &Arg, command: &Command, typed: &str, asked: &TypedSource) -> Vec<(String, String)> {
    let reasons = || {
        Reason::ALL
            .iter()
            .map(|reason| (reason.to_string(), reason.group().to_owned()))
            .collect()
    };
    match arg.get_id().as_str() {
        // That of `revoke` lists its values itself.
        "reason" | "ignore" => reasons(),
        "namespace" | "exclude_namespace" | "controller_namespace" => asked.namespaces(),
        "context" => asked.contexts(),
        "issuer" => dynamic::issuers(asked),
        "output" if ["status", "probe", "get", "kubectl certs", "certs"].contains(&command.get_name()) => {
            dynamic::formats()
        }
        "output" if arg.get_value_parser().type_id() == std::any::TypeId::of::<super::args::issue::Output>() => {
            vec![("json".to_owned(), String::new())]
        }
        // `revoke` and `rollback` take a bare name for a Secret.
        // Only what the command would take is offered.
        "target" if command.get_name() == "revoke" => asked.revoked(typed),
        "secret" if command.get_name() == "rollback" => asked.rolled_back(typed),
        "host" if command.get_name() == "why" => asked.hosts(),
        "command" if command.get_name() == "man" => pages(),
        _ if is_target(arg) && command.get_name() == "renew" => asked.renewed(typed),
        _ if is_target(arg) => asked.targets(typed),
        _ => Vec::new(),
    }
}

/// The commands that have a page of the manual, by their first word.
fn pages() -> Vec<(String, String)> {
    let root = Cli::command();
    let shown = root.get_subcommands().filter(|c| !c.is_hide_set());
    shown
        .map(|c| (c.get_name().to_owned(), first_line(c.get_about())))
        .collect()
}

/// The values of an argument that begin with what is typed, after `lead`. Of a list with commas, its last one.
fn values(arg: &Arg, command: &Command, lead: &str, typed: &str, asked: &TypedSource) -> Choices {
    let (earlier, last) = match (arg.get_value_delimiter(), typed) {
        (Some(delimiter), typed) => typed.rfind(delimiter).map_or(("", typed), |at| typed.split_at(at + 1)),
        (None, typed) => ("", typed),
    };
    let listed = arg.get_possible_values();
    let mut all: Vec<(String, String)> = listed
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| (value.get_name().to_owned(), first_line(value.get_help())))
        .collect();
    let in_order = all.is_empty() && (is_target(arg) || arg.get_id() == "secret");
    if all.is_empty() {
        all = named(arg, command, typed, asked);
    }
    let fits = |name: &str| name.to_ascii_lowercase().starts_with(&last.to_ascii_lowercase());
    Choices {
        words: all
            .into_iter()
            .filter(|(name, _)| fits(name))
            .map(|(name, about)| (format!("{lead}{earlier}{name}"), about))
            .collect(),
        files: matches!(
            arg.get_value_hint(),
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath
        ),
        in_order,
    }
}

fn first_line(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> (Vec<String>, bool) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let found = choices(&words, false);
        (found.words.into_iter().map(|(word, _)| word).collect(), found.files)
    }

    #[test]
    fn commands_flags_and_values_are_offered_where_they_may_stand() {
        for (line, has, has_not) in [
            ("", "status", "complete"),
            ("", "renew", "respond"),
            ("re", "renew", "status"),
            ("renew --pro", "--production", "--staging"),
            ("renew web --stag", "--staging", "renew"),
            ("--fail", "--fail-on", "status"),
            ("status --fail-on ", "critical", "status"),
            ("status --fail-on=w", "--fail-on=warning", "--fail-on=info"),
            ("explain Host", "HostMismatch", "Expired"),
            ("explain host", "HostnameConflict", "Expired"),
            ("status --ignore ExtraRoot,Un", "ExtraRoot,UnusedNames", "UnusedNames"),
            ("revoke x --reason ", "superseded", "Expired"),
            ("account ", "show", "status"),
            ("completion ", "bash", "status"),
            ("man re", "renew", "status"),
            ("-n shop ", "status", "--namespace"),
        ] {
            let (found, _) = of(line);
            assert!(found.iter().any(|word| word == has), "{line:?}: {has} among {found:?}");
            assert!(
                !found.iter().any(|word| word == has_not),
                "{line:?}: {has_not} among {found:?}"
            );
        }
        for nothing in ["status -n ", "status -- --fail", "status web --nothing="] {
            assert_eq!(of(nothing).0, Vec::<String>::new(), "{nothing}");
        }
    }

    #[test]
    fn files_are_left_to_the_shell_where_they_are_meant() {
        for (line, files) in [
            ("status -f ", true),
            ("status -Rf ", true),
            ("status --ca-file ", true),
            ("show ./ch", true),
            ("show we", false),
            ("status -n ", false),
            ("", false),
        ] {
            assert_eq!(of(line).1, files, "{line:?}");
        }
    }
}
