//! Which flag sets which setting: found by giving each flag and looking at what it changes.

use std::collections::BTreeMap;

use clap::{CommandFactory as _, Parser as _};

use crate::{
    cli::{
        args::{Cli, Command},
        settings::issue_layer,
    },
    settings::view,
};

/// Values of the forms that flags take; the first that a flag takes is given to it.
const VALUES: &[&str] = &[
    "7",
    "2m",
    "a=b",
    "certificate=tls.crt,key=tls.key",
    "ns/name",
    "deployment/web",
    "192.0.2.7:8089",
    "web:80",
    "auto",
    "https://ca.example/directory",
];

/// What some flags need beside them.
const BESIDE: &[&[&str]] = &[&[], &["--eab-kid=k", "--eab-key-file=f"]];

/// The flags of `renew` that set a setting, by its path in the file. Settings of an issuer are by their own name, because
/// the flag sets those of the chosen one.
pub(super) fn of_settings() -> BTreeMap<String, Vec<String>> {
    let mut root = Cli::command();
    root.build();
    let renew = root.find_subcommand("renew").expect("it is there");
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for arg in renew.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let Some(long) = arg.get_long() else { continue };
        let mut forms: Vec<String> = Vec::new();
        if arg.get_action().takes_values() {
            let words = arg.get_possible_values();
            let words = words.iter().map(|word| word.get_name().to_owned());
            forms.extend(
                words
                    .chain(VALUES.iter().map(|value| (*value).to_owned()))
                    .map(|value| format!("--{long}={value}")),
            );
        } else {
            forms.push(format!("--{long}"));
        }
        let set = BESIDE
            .iter()
            .find_map(|beside| forms.iter().find_map(|form| paths(form, beside)));
        for path in set.unwrap_or_default() {
            found.entry(path).or_default().push(format!("--{long}"));
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

/// The paths of the settings that a flag sets; `None` if the command does not take it in this form.
fn paths(form: &str, beside: &[&str]) -> Option<Vec<String>> {
    let beside = beside
        .iter()
        .copied()
        .filter(|other| other.split('=').next() != form.split('=').next());
    let line = ["certs", "renew", "web", form].into_iter().chain(beside);
    let Some(Command::Renew(command)) = Cli::try_parse_from(line).ok()?.command else {
        return None;
    };
    let layer = issue_layer(&command.issue.how).ok()?;
    Some(view::lines(&[layer]).into_iter().map(|line| line.path).collect())
}

#[test]
fn a_flag_is_found_with_its_setting() {
    let all = of_settings();
    for (path, flag) in [
        ("http01.solver", "--solver"),
        ("solver.image", "--solver-image"),
        ("storing.wait", "--wait"),
        ("email", "--email"),
        ("eab", "--eab-kid"),
        ("profile", "--profile"),
    ] {
        let flags = all.get(path).cloned().unwrap_or_default();
        assert!(flags.iter().any(|one| one == flag), "{path}: {flags:?}");
    }
}
