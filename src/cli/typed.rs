//! The command line as hands that know kubectl type it, put in the order that the parser takes.
//!
//! kubectl takes flags before the subcommand, `KIND NAME` for `KIND/NAME`, and `--flag=true`. What a word means is looked up in the
//! commands themselves, as completion does.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::args::Cli;
use crate::ops::named::kind_named;

/// The positional arguments that name objects.
const TARGETS: [&str; 3] = ["targets", "target", "secret"];

/// The words after the program's name, in the parser's order. What is not understood stays where it is: the parser complains of it.
pub(super) fn in_order(words: Vec<OsString>) -> Vec<OsString> {
    let mut root = Cli::command();
    root.build();
    let mut walk = Walk {
        root: &root,
        command: &root,
        path: Vec::new(),
        rest: Vec::new(),
        names: Vec::new(),
        open: false,
        literal: false,
    };
    for word in words {
        walk.pass(word);
    }
    walk.finish()
}

/// `-v N`, which counts before anything is parsed: how much the program logs.
pub(super) fn verbosity(words: &[OsString]) -> u8 {
    let mut found = None;
    for (at, word) in words.iter().enumerate() {
        let Some(word) = word.to_str() else { continue };
        let value = match word {
            "--" => break,
            "-v" | "--v" => words.get(at + 1).and_then(|next| next.to_str()),
            _ => word
                .strip_prefix("--v=")
                .or_else(|| word.strip_prefix("-v").map(|rest| rest.trim_start_matches('='))),
        };
        found = value.and_then(|value| value.parse().ok()).or(found);
    }
    found.unwrap_or_default()
}

struct Walk<'a> {
    root: &'a Command,
    /// The command so far.
    command: &'a Command,
    /// Its words.
    path: Vec<OsString>,
    /// All others.
    rest: Vec<OsString>,
    /// Where among those the positional arguments are.
    names: Vec<usize>,
    /// Whether the next word is a flag's value.
    open: bool,
    /// `--` has been: no flag follows.
    literal: bool,
}

impl Walk<'_> {
    fn pass(&mut self, word: OsString) {
        let text = word.to_str().map(str::to_owned);
        let Some(text) = text.filter(|_| !std::mem::take(&mut self.open)) else {
            self.rest.push(word);
            return;
        };
        if self.literal || !text.starts_with('-') || text == "-" {
            let sub = self.command.find_subcommand(&text);
            if let Some(sub) = sub.filter(|_| self.names.is_empty() && !self.literal) {
                self.command = sub;
                self.path.push(word);
            } else {
                self.names.push(self.rest.len());
                self.rest.push(word);
            }
            return;
        }
        if text == "--" {
            self.literal = true;
        } else if let Some(name) = text.strip_prefix("--") {
            let (name, value) = name
                .split_once('=')
                .map_or((name, None), |(name, value)| (name, Some(value)));
            let arg = self.find(|arg| arg.get_long() == Some(name));
            if let (Some(arg), Some(value)) = (arg, value)
                && matches!(arg.get_action(), ArgAction::SetTrue)
                && let Ok(set) = value.parse::<bool>()
            {
                if set {
                    self.rest.push(format!("--{name}").into());
                }
                return;
            }
            self.open = value.is_none() && arg.is_some_and(takes_next);
        } else {
            // Of several letters, the first that takes a value takes the rest.
            let letters = text.char_indices().skip(1);
            let valued = letters
                .filter_map(|(at, c)| Some((at + c.len_utf8(), self.find(|arg| arg.get_short() == Some(c))?)))
                .find(|(_, arg)| takes_next(arg));
            self.open = valued.is_some_and(|(end, _)| end == text.len());
        }
        self.rest.push(word);
    }

    /// A flag of the command, or of one that may still come.
    fn find(&self, is: impl Fn(&Arg) -> bool) -> Option<&Arg> {
        let below = self.root.get_subcommands().filter(|_| self.path.is_empty());
        std::iter::once(self.command)
            .chain(below)
            .find_map(|command| command.get_arguments().find(|arg| is(arg)))
    }

    fn finish(mut self) -> Vec<OsString> {
        let names_objects = self
            .command
            .get_positionals()
            .any(|arg| TARGETS.contains(&arg.get_id().as_str()));
        if names_objects {
            self.join_kind();
        }
        self.path.append(&mut self.rest);
        self.path
    }

    /// Makes `KIND/NAME` of `KIND NAME...`, as `kubectl get` reads it.
    fn join_kind(&mut self) {
        let text = |at: &usize| self.rest.get(*at).and_then(|word| word.to_str());
        let Some((kind, names)) = self.names.split_first() else {
            return;
        };
        let plain = names
            .iter()
            .all(|at| text(at).is_some_and(|name| !name.contains(['/', ':'])));
        let Some(word) = text(kind).filter(|word| kind_named(word).is_some()) else {
            return;
        };
        if names.is_empty() || !plain {
            return;
        }
        let (kind, word, names) = (*kind, word.to_owned(), names.to_vec());
        for at in names {
            if let Some(name) = self.rest.get_mut(at) {
                *name = format!("{word}/{}", name.to_string_lossy()).into();
            }
        }
        self.rest.remove(kind);
    }
}

/// Whether a flag takes the next word.
pub(super) fn takes_next(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> String {
        let words = in_order(line.split(' ').map(OsString::from).collect());
        let words: Vec<String> = words
            .into_iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        words.join(" ")
    }

    #[test]
    fn verbosity_is_read_as_kubectl_reads_it() {
        let of = |line: &str| verbosity(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for (line, level) in [
            ("status -v 6", 6),
            ("-v=4 status", 4),
            ("status --v=8", 8),
            ("-v9", 9),
            ("status -A", 0),
            ("-- -v 6", 0),
        ] {
            assert_eq!(of(line), level, "{line}");
        }
    }

    #[test]
    fn the_command_line_is_read_as_kubectl_reads_it() {
        for (typed, meant) in [
            ("-n shop status", "status -n shop"),
            (
                "--context prod -n shop renew web --production",
                "renew --context prod -n shop web --production",
            ),
            ("--solver pod renew web", "renew --solver pod web"),
            ("-n shop account show", "account show -n shop"),
            ("-A", "-A"),
            ("-nshop status web", "status -nshop web"),
            ("-An status status", "status -An status"),
            ("status ingress web", "status ingress/web"),
            (
                "status -n shop ing web api -o json",
                "status -n shop ing/web ing/api -o json",
            ),
            ("show secret -n shop web", "show -n shop secret/web"),
            ("renew certificate web", "renew certificate/web"),
            ("rollback secret web", "rollback secret/web"),
            // A kind alone is a name, and names with their kinds stay.
            ("status ingress", "status ingress"),
            ("status secret secret/web", "status secret secret/web"),
            ("status web api", "status web api"),
            ("explain Secret Expired", "explain Secret Expired"),
            ("status --all-namespaces=true --strict=false", "status --all-namespaces"),
            ("status --dry-run=server", "status --dry-run=server"),
            ("status -- ingress -n", "status -- ingress/-n"),
            ("nonsense -n shop status", "nonsense -n shop status"),
        ] {
            assert_eq!(of(typed), meant, "{typed}");
        }
    }
}
