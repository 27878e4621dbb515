//! What is said to a command line that cannot be read: what was probably meant.

use clap::{
    Command, CommandFactory as _,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::text::nearest;

use super::args::Cli;

/// What other tools call a command, and what stands for it here.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["list", "ls", "get", "scan", "check", "report"],
        "`kubectl certs status` lists every host with its certificate",
    ),
    (
        &["describe", "inspect", "view"],
        "`kubectl certs show NAME` shows one route, Secret, file or server",
    ),
    (
        &["create", "new", "order", "request", "obtain"],
        "`kubectl certs issue` orders a certificate for a new Secret",
    ),
    (
        &["undo", "restore"],
        "`kubectl certs rollback SECRET` puts the pair before the last renewal back",
    ),
    (
        &["tui", "ui", "top", "dashboard"],
        "`kubectl certs` alone opens the terminal UI",
    ),
    (
        &["delete", "remove", "rm", "prune"],
        "`kubectl certs cleanup` removes what a killed run left behind, `kubectl certs revoke` revokes a certificate",
    ),
];

/// Says which command was meant by one that is not there, and nothing that misleads.
pub(super) fn improve(error: &mut clap::Error) {
    match error.kind() {
        ErrorKind::InvalidSubcommand => subcommand(error),
        // No name begins with a hyphen: what follows `--` would be the name of a Secret or a route.
        ErrorKind::UnknownArgument => without_escape(error),
        _ => {}
    }
}

fn subcommand(error: &mut clap::Error) {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return;
    };
    let word = word.clone();
    let root = Cli::command();
    let parent = parent(&root, &word);
    error.remove(ContextKind::SuggestedSubcommand);
    error.remove(ContextKind::Suggested);
    let elsewhere = ELSEWHERE.iter().find(|(words, _)| words.contains(&word.as_str()));
    if let Some((_, told)) = elsewhere.filter(|_| parent.get_name() == root.get_name()) {
        let told = vec![StyledStr::from(*told)];
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(told));
        return;
    }
    // Commands that are for programs alone are nobody's.
    let known = parent.get_subcommands().filter(|command| !command.is_hide_set());
    if let Some(meant) = nearest(&word, known.map(Command::get_name)) {
        let meant = vec![meant.to_owned()];
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(meant));
    }
}

/// The command of which the word was to be one: `account` in `account shwo`.
fn parent<'a>(root: &'a Command, word: &str) -> &'a Command {
    let words = std::env::args().skip(1).take_while(|before| before != word);
    let mut at = root;
    for before in words {
        at = at.find_subcommand(&before).unwrap_or(at);
    }
    at
}

fn without_escape(error: &mut clap::Error) {
    let Some(ContextValue::StyledStrs(told)) = error.get(ContextKind::Suggested) else {
        return;
    };
    let kept: Vec<StyledStr> = told
        .iter()
        .filter(|tip| !tip.to_string().contains("as a value"))
        .cloned()
        .collect();
    error.remove(ContextKind::Suggested);
    if !kept.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(kept));
    }
}
