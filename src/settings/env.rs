//! The environment: a variable for each setting with a single value.

use std::str::FromStr;

use super::{
    SettingsError,
    file::{Addresses, EabEntry, File},
    layer::{Choice, Layer, Origin},
    section::Section as _,
    value::{Advertised, Length, NameServer, Namespaced, RestartWord, SelfCheck, SolverKind},
};
use crate::{apply::KeyKind, solve::dns01::config::Credential, text::nearest};

/// The prefix of all variables.
pub(crate) const PREFIX: &str = "KUBECTL_CERTS_";

/// The variables, without their prefix, that are not settings of the file, with their text in the guide: flags, fields
/// of the chosen issuer, and the program's own variables. The variables of other settings are where those are declared.
pub(crate) const OTHERS: &[(&str, &str)] = &[
    ("CONFIG", "`--config`"),
    ("CONFIG_MAP", "`--config-map`"),
    ("ISSUER", "`--issuer`: a choice, so the run is not a rehearsal"),
    ("DIRECTORY_URL", "`--directory-url`, likewise"),
    ("DIRECTORY_CA_FILE", "`--directory-ca-file`"),
    ("AGREE_TOS", "`agreeTos`: true or false"),
    ("EMAIL", "`email`; several are separated by commas"),
    ("EAB_KID", "the key id of an external account binding"),
    ("EAB_KEY", "the key of an external account binding"),
    ("ACCOUNT_SECRET", "`accountSecret`"),
    ("PROFILE", "`--profile`"),
    ("PREFERRED_CHAIN", "`--preferred-chain`"),
    ("DNS", "`--dns`"),
    (
        "KEEP_NAMES",
        "whether completion keeps the cluster's names for minutes (true), or asks for them each time (false)",
    ),
    (
        "LOG",
        "what the program logs: `debug`, or `MODULE=LEVEL` with commas between",
    ),
];

/// The variable of a setting of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    /// Its name, without the prefix.
    pub(crate) name: &'static str,
    /// What the setting does: a line of its documentation each.
    pub(crate) about: &'static [&'static str],
}

/// The variables of all settings of the file.
pub(crate) fn settings() -> Vec<Variable> {
    let mut all = Vec::new();
    File::variables(&mut all);
    all
}

/// What a setting does, as one text without the names of its variable and its flag, with which its documentation ends.
pub(crate) fn told(about: &[&str]) -> String {
    let lines: Vec<&str> = about.iter().map(|line| line.trim()).collect();
    let mut text = lines.join(" ");
    let is_name = |word: &str| word.starts_with(PREFIX) || word.starts_with("--");
    for mark in [". ", ": "] {
        let Some(at) = text.rfind(mark) else { continue };
        if text[at + mark.len()..].trim_end_matches('.').split(", ").all(is_name) {
            text.truncate(at);
            text.push('.');
        }
    }
    text
}

/// Looks up a variable by its whole name. An empty variable counts as not set.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks up a variable in the environment of the process.
pub fn process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(super) fn one(get: Lookup<'_>, name: &str) -> Option<String> {
    get(&format!("{PREFIX}{name}")).filter(|value| !value.trim().is_empty())
}

/// The layer of the environment.
pub fn layer(get: Lookup<'_>) -> Result<Layer, SettingsError> {
    let mut layer = Layer::empty(Origin::Environment);
    layer.choice = match (one(get, "ISSUER"), one(get, "DIRECTORY_URL")) {
        (Some(_), Some(_)) => return Err(SettingsError::TwoChoices),
        (Some(name), None) => Some(Choice::Issuer(name)),
        (None, Some(url)) => Some(Choice::Directory(url)),
        (None, None) => None,
    };
    layer.issuer.ca_file = one(get, "DIRECTORY_CA_FILE").map(Into::into);
    layer.issuer.agree_tos = flag(get, "AGREE_TOS")?;
    layer.issuer.email = one(get, "EMAIL").map(|all| Addresses(list(&all)));
    layer.issuer.eab = one(get, "EAB_KID").map(|kid| EabEntry { kid, key: eab_key() });
    layer.issuer.account_secret = said(get, "ACCOUNT_SECRET")?;
    layer.issuer.profile = one(get, "PROFILE");
    layer.issuer.preferred_chain = one(get, "PREFERRED_CHAIN");
    layer.dns = one(get, "DNS");
    layer.file = File::of_environment(get)?;
    Ok(layer)
}

/// The location of the EAB key if the environment contains it.
pub fn eab_key() -> Credential {
    Credential::Env(format!("{PREFIX}EAB_KEY"))
}

/// Whether the environment contains an EAB key.
pub fn has_eab_key(get: Lookup<'_>) -> bool {
    one(get, "EAB_KEY").is_some()
}

/// Whether completion may store names in the user's cache directory. An unreadable value is not consent.
pub fn keeps_names(get: Lookup<'_>) -> bool {
    matches!(flag(get, "KEEP_NAMES"), Ok(None | Some(true)))
}

/// The variables among `names` that have our prefix and are not known, each with the one that was probably meant.
pub fn unknown(names: impl IntoIterator<Item = String>) -> Vec<(String, Option<String>)> {
    let settings = settings();
    let of_settings = settings.iter().map(|variable| variable.name);
    let all: Vec<&str> = OTHERS.iter().map(|(name, _)| *name).chain(of_settings).collect();
    let known = || all.iter().copied();
    let mut found: Vec<_> = names
        .into_iter()
        .filter_map(|name| {
            let rest = name.strip_prefix(PREFIX)?;
            let meant = nearest(rest, known()).map(|meant| format!("{PREFIX}{meant}"));
            (!known().any(|one| one == rest)).then(|| (name.clone(), meant))
        })
        .collect();
    found.sort();
    found
}

fn list(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn wrong(name: &str, error: &impl ToString) -> SettingsError {
    SettingsError::Variable {
        name: format!("{PREFIX}{name}"),
        reason: error.to_string(),
    }
}

/// The type of a value that a variable can have.
pub(super) trait Spoken: Sized {
    /// Reads the value.
    fn heard(text: &str) -> Result<Self, String>;
}

/// The text is used unchanged.
impl Spoken for String {
    fn heard(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

/// The values are separated by commas.
impl<T: Spoken> Spoken for Vec<T> {
    fn heard(text: &str) -> Result<Self, String> {
        list(text).iter().map(|word| T::heard(word)).collect()
    }
}

macro_rules! spoken {
    ($($type:ty),+) => {$(
        impl Spoken for $type {
            fn heard(text: &str) -> Result<Self, String> {
                text.trim().parse().map_err(|error: <Self as FromStr>::Err| error.to_string())
            }
        }
    )+};
}

spoken!(
    u16,
    KeyKind,
    SolverKind,
    SelfCheck,
    Advertised,
    NameServer,
    Namespaced,
    RestartWord,
    Length
);

/// The value of a variable.
pub(super) fn said<T: Spoken>(get: Lookup<'_>, name: &str) -> Result<Option<T>, SettingsError> {
    let value = one(get, name).map(|text| T::heard(&text).map_err(|error| wrong(name, &error)));
    value.transpose()
}

fn flag(get: Lookup<'_>, name: &str) -> Result<Option<bool>, SettingsError> {
    match one(get, name).as_deref().map(str::trim) {
        None => Ok(None),
        Some("true" | "1" | "yes") => Ok(Some(true)),
        Some("false" | "0" | "no") => Ok(Some(false)),
        Some(_) => Err(wrong(name, &"it is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name: &str| {
            let found = pairs.iter().find(|(key, _)| name == format!("{PREFIX}{key}"));
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn variables_are_read_as_flags_are() {
        let get = with(&[
            ("EMAIL", "a@x.example, b@x.example"),
            ("ISSUER", "corp"),
            ("AGREE_TOS", "true"),
            ("EAB_KID", "kid-1"),
            ("EAB_KEY", "c2VjcmV0"),
            ("CONCURRENCY", "3"),
            ("RESTART", "deployment/web,sts/db"),
            ("PROFILE", ""),
        ]);
        let layer = layer(&get).unwrap();
        assert_eq!(layer.choice, Some(Choice::Issuer("corp".to_owned())));
        assert_eq!(layer.issuer.email.clone().unwrap().0, ["a@x.example", "b@x.example"]);
        assert_eq!(layer.issuer.agree_tos, Some(true));
        assert_eq!(layer.issuer.profile, None);
        assert_eq!(layer.file.certificate.concurrency, Some(3));
        assert_eq!(layer.file.storing.restart.clone().unwrap().len(), 2);
        assert!(!format!("{layer:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (pairs, words) in [
            (&[("WAIT", "soon")][..], ["KUBECTL_CERTS_WAIT", "90s"]),
            (&[("AGREE_TOS", "maybe")], ["KUBECTL_CERTS_AGREE_TOS", "true"]),
            (&[("RESTART", "pod/x")], ["KUBECTL_CERTS_RESTART", "deployment/NAME"]),
            (
                &[("ISSUER", "a"), ("DIRECTORY_URL", "b")],
                ["KUBECTL_CERTS_ISSUER", "KUBECTL_CERTS_DIRECTORY_URL"],
            ),
        ] {
            let get = move |name: &str| {
                let found = pairs.iter().find(|(key, _)| name == format!("{PREFIX}{key}"));
                found.map(|(_, value)| (*value).to_owned())
            };
            let error = layer(&get).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }

    #[test]
    fn what_a_setting_does_is_told_without_its_other_names() {
        assert_eq!(
            told(&["The contact address for CAs: one, or a list. KUBECTL_CERTS_EMAIL, --email."]),
            "The contact address for CAs: one, or a list."
        );
        assert_eq!(told(&["A profile of the CA: --profile."]), "A profile of the CA.");
        assert_eq!(told(&[" Two", " lines: a, b."]), "Two lines: a, b.");
    }

    #[test]
    fn a_variable_that_is_none_of_ours_is_found() {
        let names = [
            "KUBECTL_CERTS_EMAL",
            "KUBECTL_CERTS_EMAIL",
            "PATH",
            "KUBECTL_CERTS_ZZZZZZ",
        ];
        let found = unknown(names.map(str::to_owned));
        assert_eq!(
            found,
            [
                ("KUBECTL_CERTS_EMAL".to_owned(), Some("KUBECTL_CERTS_EMAIL".to_owned())),
                ("KUBECTL_CERTS_ZZZZZZ".to_owned(), None)
            ]
        );
    }
}
