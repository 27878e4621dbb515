//! The commands in hints, completed with the flags by which the user said where to look and as whom: without `-f`, `--context` or `--as`
//! they would ask elsewhere, or about somebody else, and answer all the same.

use std::{borrow::Cow, ffi::OsString, fmt::Write as _, sync::OnceLock};

use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, parser::ValueSource};

use super::{args::Cli, typed};
use crate::{
    event::{Event, EventKind},
    text::{quote, without_user},
};

/// What a command begins with that is completed: kubectl's, and this program's among them.
const COMMAND: &str = "`kubectl ";

/// The flags that say which files are read in place of a cluster, by their ids.
const FILES: [&str; 2] = ["filename", "recursive"];
/// Those that say which cluster, and as whom. A token is in none: it must not be shown.
const CLUSTER: [&str; 12] = [
    "kubeconfig",
    "context",
    "cluster",
    "user",
    "as_user",
    "as_group",
    "as_uid",
    "server",
    "certificate_authority",
    "client_certificate",
    "client_key",
    "tls_server_name",
];
/// Those of them that no command can do without where they were given, and that take no value.
const UNVERIFIED: &str = "insecure_skip_tls_verify";
/// Those that say in which namespaces.
const NAMESPACES: [&str; 2] = ["namespace", "all_namespaces"];
/// Those that say where a server is, and where settings and account are.
const ELSEWHERE: [&str; 4] = ["connect", "config", "config_map", "account_secret"];

/// The flags of a command line that say where and as whom: each with its id and its words.
#[derive(Debug, Default)]
pub(super) struct Whom(Vec<(String, Vec<String>)>);

impl Whom {
    /// Of the words after the program's name.
    pub(super) fn of(words: impl IntoIterator<Item = OsString>) -> Self {
        let mut root = Cli::command();
        root.build();
        let line = std::iter::once(OsString::from("kubectl-certs")).chain(typed::in_order(words.into_iter().collect()));
        let Ok(matches) = root.clone().ignore_errors(true).try_get_matches_from(line) else {
            return Self::default();
        };
        let (command, matches) = innermost(&root, &matches);
        let ids = FILES
            .iter()
            .chain(&CLUSTER)
            .chain([&UNVERIFIED])
            .chain(&NAMESPACES)
            .chain(&ELSEWHERE);
        Self(
            ids.filter_map(|id| {
                let arg = argument(command, id)?;
                let words = said(arg, matches)?;
                Some(((*id).to_owned(), words))
            })
            .collect(),
        )
    }

    /// Of this process.
    fn own() -> &'static Self {
        static OWN: OnceLock<Whom> = OnceLock::new();
        OWN.get_or_init(|| Self::of(std::env::args_os().skip(1)))
    }

    /// The text, its commands with these flags, as far as each takes them and does not have them.
    pub(super) fn complete<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.0.is_empty() || !text.contains(COMMAND) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for (at, part) in text.split('`').enumerate() {
            if at > 0 {
                out.push('`');
            }
            let is_command = at % 2 == 1;
            let ours = part.strip_prefix("kubectl certs").filter(|_| is_command);
            // What it says of kubeconfigs, kubectl reads where it is told to.
            let of_kubectl = part
                .strip_prefix("kubectl ")
                .filter(|rest| is_command && !rest.starts_with("config "));
            match (of_kubectl, ours) {
                (Some(rest), None) => {
                    let _ = write!(out, "kubectl{} {rest}", self.of_kubectl(rest));
                }
                (_, Some(rest)) => {
                    // What the shell does with the output comes last.
                    let end = [" > ", " | "].iter().filter_map(|then| rest.find(then)).min();
                    let (rest, then) = rest.split_at(end.unwrap_or(rest.len()));
                    let _ = write!(out, "kubectl certs{rest}{}{then}", self.missing(rest));
                }
                (None, None) => out.push_str(part),
            }
        }
        Cow::Owned(out)
    }

    /// The event, its hints completed.
    pub(super) fn of_event(&self, event: &Event) -> Event {
        let mut event = event.clone();
        match &mut event.kind {
            EventKind::LeftOut { hint: Some(text), .. }
            | EventKind::NotStarted { hint: Some(text), .. }
            | EventKind::Failed { hint: Some(text), .. }
            | EventKind::Note { text } => *text = self.complete(text).into_owned(),
            _ => {}
        }
        event
    }

    /// ` --as jane --context prod`, for a command of kubectl's that does not have them. Who makes roles is not who lacks them.
    fn of_kubectl(&self, rest: &str) -> String {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let for_others = !words.contains(&"auth") && words.iter().any(|word| ["apply", "create"].contains(word));
        let root = Cli::command();
        self.joined(|id| {
            let long = argument(&root, id).and_then(Arg::get_long);
            let is_there = words
                .iter()
                .filter_map(|word| word.strip_prefix("--"))
                .any(|word| word.split('=').next() == long);
            (CLUSTER.contains(&id) || id == UNVERIFIED) && !is_there && !(for_others && id.starts_with("as_"))
        })
    }

    fn joined(&self, wanted: impl Fn(&str) -> bool) -> String {
        let words = self.0.iter().filter(|(id, _)| wanted(id)).flat_map(|(_, words)| words);
        words.fold(String::new(), |mut out, word| {
            out.push(' ');
            out.push_str(&quote(word));
            out
        })
    }

    /// What a command of this program lacks of them; `rest` is what stands after its name.
    fn missing(&self, rest: &str) -> String {
        let mut root = Cli::command();
        root.build();
        let mut command = &root;
        let mut names = rest.split_whitespace().peekable();
        while let Some(sub) = names.peek().and_then(|name| command.find_subcommand(name)) {
            command = sub;
            names.next();
        }
        let words: Vec<&str> = names.collect();
        let has = |id: &str| {
            argument(command, id).is_some_and(|arg| {
                words.iter().any(|word| {
                    let name = word.split('=').next().unwrap_or(word);
                    arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
                        || arg
                            .get_short()
                            .is_some_and(|short| name.strip_prefix('-') == Some(&short.to_string()))
                })
            })
        };
        let any = |ids: &[&str]| ids.iter().any(|id| has(id));
        // A file or a server is in no cluster.
        let outside = words
            .first()
            .is_some_and(|word| word.contains(':') || word.starts_with(['.', '/']));
        let files = any(&FILES);
        let cluster = any(&CLUSTER);
        let is_wanted = |id: &str| {
            let fits = if FILES.contains(&id) {
                !outside && !cluster && !files
            } else if CLUSTER.contains(&id) || id == UNVERIFIED {
                !outside && !files
            } else if NAMESPACES.contains(&id) {
                !outside && !any(&NAMESPACES)
            } else {
                true
            };
            fits && !has(id)
        };
        self.0
            .iter()
            .filter(|(id, words)| is_wanted(id) && argument(command, id).is_some_and(|arg| takes(arg, words.len())))
            .fold(String::new(), |out, (wanted, _)| out + &self.joined(|id| id == wanted))
    }
}

/// Whether a flag can be given with so many words.
fn takes(arg: &Arg, words: usize) -> bool {
    match arg.get_action() {
        ArgAction::Set => words == 2,
        _ => true,
    }
}

fn argument<'c>(command: &'c Command, id: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|arg| arg.get_id().as_str() == id)
}

/// The command that was meant, and what it was given.
fn innermost<'a>(mut command: &'a Command, mut matches: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    while let Some((name, below)) = matches.subcommand()
        && let Some(sub) = command.find_subcommand(name)
    {
        (command, matches) = (sub, below);
    }
    (command, matches)
}

/// The words of a flag that was given: its name before each value.
fn said(arg: &Arg, matches: &ArgMatches) -> Option<Vec<String>> {
    let id = arg.get_id().as_str();
    if matches.value_source(id) != Some(ValueSource::CommandLine) {
        return None;
    }
    // As the documentation has them.
    let name = match (id, arg.get_short()) {
        ("filename" | "recursive" | "namespace" | "all_namespaces", Some(short)) => format!("-{short}"),
        _ => format!("--{}", arg.get_long()?),
    };
    if !arg.get_action().takes_values() {
        return matches.get_flag(id).then(|| vec![name]);
    }
    let values = matches.get_raw(id)?;
    Some(
        values
            .flat_map(|value| {
                let value = value.to_string_lossy();
                // It is shown and copied; a password in it is not.
                let value = if id == "server" {
                    without_user(&value).into_owned()
                } else {
                    value.into_owned()
                };
                [name.clone(), value]
            })
            .collect(),
    )
}

/// The text with the flags of this process in its commands.
pub(super) fn completed(text: &str) -> Cow<'_, str> {
    Whom::own().complete(text)
}

/// The event with the flags of this process in the commands of its hints.
pub(super) fn completed_event(event: &Event) -> Event {
    Whom::own().of_event(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(typed: &str, hint: &str) -> String {
        Whom::of(typed.split(' ').map(OsString::from))
            .complete(hint)
            .into_owned()
    }

    #[test]
    fn a_right_is_asked_for_as_who_was_refused() {
        let hint = "ask for the right; `kubectl auth can-i list secrets -n shop` shows when you have it";
        assert_eq!(completed("renew web -n shop", hint), hint);
        assert_eq!(
            completed("renew web --as=jane --context prod --token abc", hint),
            "ask for the right; `kubectl --context prod --as jane auth can-i list secrets -n shop` shows when you have it"
        );
    }

    #[test]
    fn kubectl_asks_the_same_cluster_and_roles_are_made_by_somebody_else() {
        let typed = "renew web --context prod --as jane";
        for (hint, told) in [
            (
                "`kubectl rollout status deployment/web -n shop` follows it",
                "`kubectl --context prod --as jane rollout status deployment/web -n shop` follows it",
            ),
            (
                "`kubectl apply -f -` takes it",
                "`kubectl --context prod apply -f -` takes it",
            ),
            (
                "`kubectl config view --kubeconfig FILE`",
                "`kubectl config view --kubeconfig FILE`",
            ),
            ("kubectl is not found", "kubectl is not found"),
        ] {
            assert_eq!(completed(typed, hint), told);
            assert_eq!(completed(typed, told), told);
        }
    }

    #[test]
    fn a_command_of_ours_goes_where_the_user_looked() {
        for (typed, hint, told) in [
            // The files that were read, and no cluster's.
            (
                "renew web -f a.yaml -R -n shop --production",
                "`kubectl certs show secret/web-tls -n shop` shows it",
                "`kubectl certs show secret/web-tls -n shop -f a.yaml -R` shows it",
            ),
            ("status -f -", "`kubectl certs status`", "`kubectl certs status -f -`"),
            // The cluster and the user; the namespace where the command names none.
            (
                "-n shop --context prod renew web --as jane --kubeconfig ./k",
                "`kubectl certs cleanup` and `kubectl certs status -A`",
                "`kubectl certs cleanup --kubeconfig ./k --context prod --as jane -n shop` and \
                 `kubectl certs status -A --kubeconfig ./k --context prod --as jane`",
            ),
            // What is there is not said again, and a place that is spelled out counts.
            (
                "renew web --context prod -f a.yaml",
                "`kubectl certs renew web --context <CONTEXT>`",
                "`kubectl certs renew web --context <CONTEXT>`",
            ),
            (
                "status -A --context=prod",
                "`kubectl certs probe --context prod`",
                "`kubectl certs probe --context prod -A`",
            ),
            // Each command takes what it knows: a page of explanations is the same everywhere, and a server is in no cluster.
            (
                "status -f a.yaml --config c.yaml",
                "`kubectl certs explain`; `kubectl certs config check`; `kubectl certs show HOST:443`",
                "`kubectl certs explain`; `kubectl certs config check --config c.yaml`; `kubectl certs show HOST:443 --config c.yaml`",
            ),
            (
                "show a.example:443 --connect 10.0.0.1:443",
                "`kubectl certs show a.example:443 --servername <NAME>`",
                "`kubectl certs show a.example:443 --servername <NAME> --connect 10.0.0.1:443`",
            ),
            (
                "status -n a -n b",
                "`kubectl certs rollback web`",
                "`kubectl certs rollback web`",
            ),
            (
                "status -s https://u:secret@10.0.0.1:6443 --token t0ken --as-group a;b",
                "`kubectl certs cleanup -A`",
                "`kubectl certs cleanup -A --as-group 'a;b' --server https://10.0.0.1:6443`",
            ),
        ] {
            assert_eq!(completed(typed, hint), told, "{typed}");
            // Who completes twice changes nothing.
            assert_eq!(completed(typed, told), told, "{typed}");
        }
    }
}
