//! Descriptions of the settings of the dns-update crate's providers.

use std::{collections::BTreeMap, time::Duration};

use dns_update::DnsUpdater;
use secrecy::{ExposeSecret, SecretString};

/// The type of one field in the settings of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A credential on one line.
    Secret,
    /// A credential of several lines: a PEM key, a JSON document.
    Document,
    /// Text, which may come from the same sources as credentials.
    Text,
    /// A whole number.
    Number,
    /// true or false.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// One field in the settings of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in the settings.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it is required.
    pub needed: bool,
}

/// Which changes must not happen at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Two changes of one name.
    ByName,
    /// Two changes of one zone: the provider reads, changes and writes more than one name, or refuses a second change
    /// while the first is in progress.
    ByZone,
}

/// How many values a name can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Any number of values.
    Many,
    /// One value; a second one replaces it.
    One,
}

/// One provider of the dns-update crate.
pub struct ProviderSpec {
    /// Its name in the settings: `provider: cloudflare`.
    pub word: &'static str,
    /// Its usual name.
    pub label: &'static str,
    /// The fields of its settings.
    pub fields: &'static [Field],
    /// Which changes must not happen at the same time.
    pub writes: Writes,
    /// How many values a name can have.
    pub holds: Holds,
    /// Makes its client.
    pub make: fn(&Given, Option<Duration>) -> dns_update::Result<DnsUpdater>,
}

impl std::fmt::Debug for ProviderSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word)
    }
}

impl PartialEq for ProviderSpec {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl Eq for ProviderSpec {}

impl ProviderSpec {
    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

pub(super) const fn secret(name: &'static str) -> Field {
    field(name, Kind::Secret)
}

pub(super) const fn document(name: &'static str) -> Field {
    field(name, Kind::Document)
}

pub(super) const fn text(name: &'static str) -> Field {
    field(name, Kind::Text)
}

pub(super) const fn number(name: &'static str) -> Field {
    field(name, Kind::Number)
}

pub(super) const fn flag(name: &'static str) -> Field {
    field(name, Kind::Flag)
}

pub(super) const fn one_of(name: &'static str, words: &'static [&'static str]) -> Field {
    field(name, Kind::OneOf(words))
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        needed: !matches!(kind, Kind::Flag),
    }
}

impl Field {
    /// Makes the field optional.
    pub(super) const fn optional(self) -> Self {
        Self { needed: false, ..self }
    }
}

/// The settings of a provider with the credentials themselves. The Debug form shows none of them.
#[derive(Debug, Default)]
pub struct Given(BTreeMap<&'static str, SecretString>);

impl Given {
    pub(super) fn put(&mut self, name: &'static str, value: SecretString) {
        self.0.insert(name, value);
    }

    /// The value of a required field. If it is absent, an empty text, which no provider accepts.
    pub(super) fn text(&self, name: &str) -> &str {
        self.maybe(name).unwrap_or_default()
    }

    pub(super) fn maybe(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(ExposeSecret::expose_secret)
    }

    pub(super) fn own(&self, name: &str) -> String {
        self.text(name).to_owned()
    }

    pub(super) fn maybe_own(&self, name: &str) -> Option<String> {
        self.maybe(name).map(str::to_owned)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.maybe(name) == Some("true")
    }
}
