//! The command line that was typed, for production: what a rehearsal ends with.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory as _};

use super::{
    args::Cli,
    typed::{self, takes_next},
};
use crate::text::quote;

/// Answers to questions that production asks anew: each is given for one run, and never handed on.
const ANSWERS: [&str; 2] = ["yes", "max"];
/// What lets a run write against an owner: the operator gives it for one run.
const FORCE: &str = "force";

/// The command for production, and whether `--force` was left out of it. No answer to a question is repeated.
pub(super) fn for_production() -> (String, bool) {
    line(std::env::args_os().skip(1).collect())
}

fn line(words: Vec<OsString>) -> (String, bool) {
    let mut root = Cli::command();
    root.build();
    let words = typed::in_order(words);
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let name = words.next().unwrap_or_default();
    let command = root.find_subcommand(name.as_ref()).unwrap_or(&root);
    let (mut kept, mut forced) = (vec![name.into_owned()], false);
    let mut flags = true;
    while let Some(word) = words.next() {
        if !flags || word == "--" {
            // Flags come before it.
            if std::mem::replace(&mut flags, false) {
                kept.push("--production".to_owned());
            }
            kept.push(word.into_owned());
            continue;
        }
        let (word, last) = without_answers(command, &word, &mut forced);
        let is_kept = word.is_some();
        kept.extend(word);
        if last.is_some_and(takes_next)
            && let Some(value) = words.next()
            && is_kept
        {
            kept.push(value.into_owned());
        }
    }
    if flags {
        kept.push("--production".to_owned());
    }
    let words: Vec<_> = kept.iter().map(|word| quote(word)).collect();
    (format!("kubectl certs {}", words.join(" ")), forced)
}

/// What is left of a word, and the flag in it whose value is the next word.
fn without_answers<'c>(command: &'c Command, word: &str, forced: &mut bool) -> (Option<String>, Option<&'c Arg>) {
    let mut is_dropped = |arg: &Arg| {
        let id = arg.get_id().as_str();
        *forced |= id == FORCE;
        id == FORCE || ANSWERS.contains(&id)
    };
    let find = |is: &dyn Fn(&Arg) -> bool| command.get_arguments().find(|arg| is(arg));
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, false), |(name, _)| (name, true));
        let arg = find(&|arg| arg.get_long() == Some(name));
        let drops = arg.is_some_and(&mut is_dropped);
        return ((!drops).then(|| word.to_owned()), arg.filter(|_| !value));
    }
    let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
        return (Some(word.to_owned()), None);
    };
    let mut left = "-".to_owned();
    for (at, letter) in letters.char_indices() {
        let arg = find(&|arg| arg.get_short() == Some(letter));
        if !arg.is_some_and(&mut is_dropped) {
            left.push(letter);
        }
        if let Some(valued) = arg.filter(|arg| takes_next(arg)) {
            let value = letters.get(at + letter.len_utf8()..).unwrap_or_default();
            left.push_str(value);
            return (Some(left), Some(valued).filter(|_| value.is_empty()));
        }
    }
    ((left != "-").then_some(left), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_for_production_repeats_no_answer() {
        for (typed, again, forced) in [
            ("renew shop -y", "renew shop --production", false),
            ("renew shop -yn shop --force", "renew shop -n shop --production", true),
            ("-n shop renew web --yes=true", "renew -n shop web --production", false),
            (
                "renew --all --max 50 -l app=web",
                "renew --all -l app=web --production",
                false,
            ),
            ("renew --all --max=50 -ly -yA", "renew --all -ly -A --production", false),
            (
                "renew ingress web --dns=own",
                "renew ingress/web --dns=own --production",
                false,
            ),
            ("renew --email -y -- web", "renew --email -y --production -- web", false),
            (
                "issue --secret a -d *.b.example -y",
                "issue --secret a -d '*.b.example' --production",
                false,
            ),
        ] {
            let words = typed.split(' ').map(OsString::from).collect();
            assert_eq!(line(words), (format!("kubectl certs {again}"), forced), "{typed}");
        }
    }
}
