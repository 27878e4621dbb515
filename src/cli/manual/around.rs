//! What surrounds a command: the environment, files, exit statuses and other commands that matter to it.

use super::CommandText;
use crate::{
    cli::failure::Exit,
    settings::env::{self, PREFIX, told},
};

/// A name, and what it is. Between backquotes are literal words.
pub(in crate::cli) type Entry = (String, String);

/// Commands whose pages name each other: somebody who reads the first may look for the others.
const RELATED: &[(&str, &[&str])] = &[
    ("", &["status", "renew", "controller", "explain", "man"]),
    ("status", &["show", "probe", "why", "explain"]),
    ("show", &["status", "probe", "explain"]),
    ("probe", &["status", "show"]),
    ("preflight", &["renew", "limits", "why"]),
    ("limits", &["preflight", "renew", "forecast"]),
    ("forecast", &["limits", "controller"]),
    ("domains", &["controller", "install", "forecast"]),
    ("why", &["status", "preflight", "controller"]),
    ("renew", &["preflight", "ensure", "rollback", "cleanup", "limits"]),
    ("issue", &["ensure", "renew", "preflight"]),
    ("ensure", &["renew", "issue", "install"]),
    ("revoke", &["renew", "account"]),
    ("rollback", &["renew", "show"]),
    ("cleanup", &["renew"]),
    ("export", &["ensure", "controller"]),
    ("proof", &["controller", "status"]),
    ("controller", &["install", "pause", "resume", "why", "proof"]),
    ("adopt", &["install", "why", "account"]),
    ("install", &["controller", "adopt", "uninstall", "resume", "rights"]),
    ("uninstall", &["install", "cleanup"]),
    ("pause", &["resume", "controller"]),
    ("resume", &["pause", "controller"]),
    ("account", &["config", "renew"]),
    ("config", &["account", "renew"]),
    ("explain", &["status", "show"]),
    ("rights", &["install", "preflight"]),
    ("version", &["man"]),
    ("completion", &["man"]),
    ("man", &["completion", "explain"]),
];

/// The pages that a command's page refers to, the program's own among them.
pub(super) fn related(command: &CommandText) -> Vec<String> {
    let first = command.words.first().map_or("", String::as_str);
    let others = RELATED.iter().find(|(name, _)| *name == first);
    let mut pages = Vec::new();
    if !command.words.is_empty() {
        pages.push("kubectl-certs".to_owned());
    }
    if command.words.len() > 1 {
        pages.push(format!("kubectl-certs-{first}"));
    }
    // Those below it are listed on a page's own section.
    if command.words.len() < 2 {
        let names = others.map_or(&[][..], |(_, names)| names);
        pages.extend(names.iter().map(|name| format!("kubectl-certs-{name}")));
    }
    pages
}

/// How a command may end.
pub(super) fn statuses(command: &CommandText) -> Vec<Entry> {
    let first = command.words.first().map_or("", String::as_str);
    let is_offline = !command.takes("kubeconfig");
    let only_reads = matches!(
        first,
        "" | "status" | "show" | "probe" | "why" | "rights" | "config" | "proof" | "forecast"
    );
    let may_end = |exit: &Exit| match exit {
        Exit::Ok | Exit::Usage => true,
        Exit::Findings => command.takes("fail-on") || matches!(first, "why" | "proof"),
        Exit::Acme | Exit::Write => !is_offline && !only_reads,
        Exit::Cluster | Exit::HungUp | Exit::Interrupted | Exit::Terminated => !is_offline,
    };
    let all = Exit::ALL.iter().filter(|exit| may_end(exit));
    all.map(|exit| {
        let about = match exit {
            Exit::Findings if first == "why" => "The host is not served as it should be.",
            Exit::Findings if first == "proof" => {
                "A certificate expired while it was kept, or a line does not have the hash of the one before it."
            }
            Exit::Ok if first == "why" => "The host is served as it should be.",
            Exit::Ok if !command.takes("fail-on") => "Everything was done.",
            exit => exit.about(),
        };
        ((*exit as u8).to_string(), about.to_owned())
    })
    .collect()
}

/// The variables that a command reads. The program's own page lists all of them.
pub(super) fn environment(command: &CommandText) -> Vec<Entry> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    if command.takes("kubeconfig") {
        all.push(("KUBECONFIG", "The kubeconfig files, by default `~/.kube/config`."));
        all.push((
            "HTTPS_PROXY, NO_PROXY",
            "The proxy for the API server, CAs and DNS providers, and the hosts that are reached without it.",
        ));
    }
    if command.takes("color") {
        all.push(("NO_COLOR", "If it is set, nothing is coloured."));
    }
    if command.page() == "kubectl-certs-man" {
        all.push((
            "SOURCE_DATE_EPOCH",
            "The date of the pages, in seconds since 1970, so that they can be reproduced. Without it they have none.",
        ));
    }
    all.push((
        "LC_ALL, LC_CTYPE, LANG",
        "Where they ask for another encoding than UTF-8, only ASCII is printed.",
    ));
    let mut all: Vec<Entry> = all
        .into_iter()
        .map(|(name, about)| (name.to_owned(), about.to_owned()))
        .collect();
    if command.words.is_empty() {
        all.push((
            "XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME".to_owned(),
            "The directories in place of `~/.config`, `~/.cache` and `~/.local/state`.".to_owned(),
        ));
        all.extend(own());
    } else if command.takes("config") {
        all.push((
            format!("{PREFIX}..."),
            "Settings, each as a variable. A flag overrides a variable, and a variable overrides the settings file. kubectl-certs(1) lists them.".to_owned(),
        ));
    }
    all
}

/// The program's own variables.
fn own() -> Vec<Entry> {
    let others = env::OTHERS
        .iter()
        .map(|(name, about)| (format!("{PREFIX}{name}"), capital(about)));
    let settings = env::settings()
        .into_iter()
        .map(|variable| (format!("{PREFIX}{}", variable.name), told(variable.about)));
    others.chain(settings).collect()
}

/// As a sentence. Of a variable that is another name of a flag or a setting, it begins with that name.
fn capital(text: &str) -> String {
    if text.starts_with('`') {
        return format!("As {text}.");
    }
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// The files that a command reads or writes.
pub(super) fn files(command: &CommandText) -> Vec<Entry> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    if command.takes("kubeconfig") {
        all.push(("~/.kube/config", "The kubeconfig."));
    }
    if command.takes("config") || command.words.is_empty() {
        all.push((
            "~/.config/kubectl-certs/config.yaml",
            "The settings. `kubectl certs config example` prints a file with all of them.",
        ));
        all.push((
            "~/.config/kubectl-certs/accounts/",
            "The accounts with CAs, with their keys, unless the settings name a Secret for them.",
        ));
        all.push((
            "~/.local/state/kubectl-certs/",
            "What a run leaves for the next one: its journal where no cluster keeps it.",
        ));
    }
    if command.takes("kubeconfig") {
        all.push((
            "~/.cache/kubectl-certs/",
            "What only saves time. It may be removed at any time.",
        ));
    }
    all.into_iter()
        .map(|(name, about)| (name.to_owned(), about.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::manual;

    #[test]
    fn every_page_refers_to_pages_that_there_are() {
        let all = manual::all();
        let pages: Vec<String> = all.iter().map(CommandText::page).collect();
        for command in &all {
            let related = related(command);
            assert!(
                command.words.len() > 1 || related.len() > 1,
                "{}: add it to RELATED",
                command.page()
            );
            for page in related {
                assert!(pages.contains(&page), "{}: {page}", command.page());
            }
        }
        assert!(
            RELATED
                .iter()
                .all(|(name, _)| all.iter().any(|one| one.words.join(" ") == *name))
        );
    }

    #[test]
    fn a_page_tells_what_its_command_reads_and_how_it_may_end() {
        let all = manual::all();
        let of = |words: &str| all.iter().find(|one| one.words.join(" ") == words).expect("a command");
        let ends = |words: &str| -> Vec<String> { statuses(of(words)).into_iter().map(|(status, _)| status).collect() };
        assert_eq!(ends("explain"), ["0", "2"]);
        assert_eq!(ends("status"), ["0", "1", "2", "3", "129", "130", "143"]);
        assert_eq!(ends("renew"), ["0", "2", "3", "4", "5", "129", "130", "143"]);
        let reads = |words: &str, name: &str| environment(of(words)).iter().any(|(one, _)| one.starts_with(name));
        assert!(reads("status", "KUBECONFIG") && !reads("explain", "KUBECONFIG"));
        assert!(reads("", "KUBECTL_CERTS_WAIT") && reads("renew", "KUBECTL_CERTS_..."));
        assert!(files(of("explain")).is_empty());
    }
}
