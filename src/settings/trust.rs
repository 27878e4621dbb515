//! `trust:`: additional CAs that are trusted wherever certificates are judged, in all contexts or in some.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{SettingsError, issuer::read_whole, layer::Layer};
use crate::text::Glob;

/// One CA, or a bundle of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TrustEntry {
    /// The contexts of the kubeconfig in which it is trusted, as patterns (`prod-*`); everywhere without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contexts: Option<Vec<String>>,
    /// A PEM file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The PEM itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// The PEM of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its name in errors: `trust: FILE`, or its number.
    pub name: String,
    /// The PEM.
    pub pem: Vec<u8>,
}

impl TrustEntry {
    /// What is wrong with the entry.
    pub(super) fn problem(&self) -> Option<String> {
        match (&self.ca_file, &self.ca) {
            (Some(_), Some(_)) => return Some("both caFile and ca are set: one of them is enough".to_owned()),
            (None, None) => return Some("there is neither caFile nor ca".to_owned()),
            _ => {}
        }
        let patterns = self.contexts.iter().flatten();
        let mut wrong = patterns.filter(|pattern| pattern.parse::<Glob>().is_err());
        wrong
            .next()
            .map(|pattern| format!("the context {pattern:?} is not a valid pattern"))
    }

    /// Whether the entry applies to a context, which is empty for manifests, files and servers.
    fn applies(&self, context: &str) -> bool {
        self.contexts.as_ref().is_none_or(|patterns| {
            patterns.iter().any(|pattern| {
                let glob = pattern.parse::<Glob>();
                pattern == context || (!context.is_empty() && glob.is_ok_and(|glob| glob.is_match(context)))
            })
        })
    }

    fn read(&self, number: usize) -> Result<Root, SettingsError> {
        let name = |what: &Path| format!("trust: {}", what.display());
        match (&self.ca_file, &self.ca) {
            (Some(file), _) => Ok(Root {
                name: name(file),
                pem: read_whole(file).map_err(|reason| SettingsError::Unreadable {
                    path: name(file),
                    reason,
                })?,
            }),
            (None, ca) => Ok(Root {
                name: format!("trust, entry {number}"),
                pem: ca.clone().unwrap_or_default().into_bytes(),
            }),
        }
    }
}

/// The entries of the strongest layer that has any.
pub fn entries(layers: &[Layer]) -> &[TrustEntry] {
    let said = layers.iter().find_map(|layer| layer.file.trust.as_deref());
    said.unwrap_or_default()
}

/// Reads the files in `storing.caFiles`, with an error for each that cannot be read.
pub fn of_storing(layers: &[Layer]) -> Vec<Result<Root, SettingsError>> {
    let said = layers.iter().find_map(|layer| layer.file.storing.ca_files.as_deref());
    let read = |file: &PathBuf| {
        let name = format!("storing.caFiles: {}", file.display());
        let read = read_whole(file);
        let pem = read.map_err(|reason| SettingsError::Unreadable {
            path: name.clone(),
            reason,
        })?;
        Ok(Root { name, pem })
    };
    said.unwrap_or_default().iter().map(read).collect()
}

/// Reads the roots that are trusted in a context, which is empty for manifests, files and servers.
pub fn roots(entries: &[TrustEntry], context: &str) -> Result<Vec<Root>, SettingsError> {
    let numbered = entries.iter().enumerate();
    let chosen = numbered.filter(|(_, entry)| entry.applies(context));
    chosen.map(|(at, entry)| entry.read(at + 1)).collect()
}

/// Reads the roots of all contexts, with an error for each that cannot be read.
pub fn read_all(entries: &[TrustEntry]) -> Vec<Result<Root, SettingsError>> {
    let numbered = entries.iter().enumerate();
    numbered.map(|(at, entry)| entry.read(at + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::File;

    fn parse(text: &str) -> Result<Vec<TrustEntry>, String> {
        let file = File::parse(text, "config.yaml", Some(Path::new("/etc/certs")));
        file.map(|file| file.trust.unwrap_or_default())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_entry_is_trusted_in_the_contexts_that_it_names() {
        let entries =
            parse("trust: [{ca: A}, {contexts: [prod, 'stage-*'], ca: B}, {contexts: [dev], ca: C}]").unwrap();
        let trusted = |context: &str| -> String {
            let roots = roots(&entries, context).unwrap();
            roots
                .iter()
                .map(|root| String::from_utf8_lossy(&root.pem).into_owned())
                .collect()
        };
        assert_eq!(trusted("prod"), "AB");
        assert_eq!(trusted("stage-eu"), "AB");
        assert_eq!(trusted("dev"), "AC");
        assert_eq!(trusted("other"), "A");
        assert_eq!(trusted(""), "A", "manifests have no context");
    }

    #[test]
    fn a_file_is_beside_the_settings_and_is_named_where_it_is_missing() {
        let entries = parse("trust: [{caFile: roots/corp.pem}]").unwrap();
        assert_eq!(
            entries[0].ca_file.as_deref(),
            Some(Path::new("/etc/certs/roots/corp.pem"))
        );
        let error = roots(&entries, "").unwrap_err().to_string();
        assert!(
            error.starts_with("trust: /etc/certs/roots/corp.pem cannot be read: "),
            "{error}"
        );
    }

    #[test]
    fn an_entry_that_says_nothing_or_too_much_is_refused() {
        for (text, words) in [
            (
                "trust: [{contexts: [a]}]",
                "entry 1 of trust: there is neither caFile nor ca",
            ),
            (
                "trust: [{ca: A}, {ca: A, caFile: b}]",
                "entry 2 of trust: both caFile and ca are set",
            ),
            ("trust: [{ca: A, contexts: ['a[']}]", "\"a[\" is not a valid pattern"),
            ("trust: [{file: a}]", "caFile"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
