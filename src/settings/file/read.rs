//! Reading a file: limits, paths, and settings that are not permitted.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    super::problem::{FileError, explain},
    EabEntry, File, IssuerEntry,
};
use crate::solve::dns01::config::Credential;

/// The largest file in bytes: settings are small, so a larger file is something else.
pub(in crate::settings) const LARGEST: u64 = 1 << 20;
/// How deeply the file may be nested.
const MAX_DEPTH: usize = 16;

impl File {
    /// Reads a text. Errors refer to it as `name`; relative paths in it start at `beside`.
    pub fn parse(text: &str, name: &str, beside: Option<&Path>) -> Result<Self, FileError> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_documents: 1, },
            strict_booleans: true,
            with_snippet: false,
        };
        // A file that is empty, or has only comments, sets nothing.
        let empty = text
            .lines()
            .map(str::trim)
            .all(|line| line.is_empty() || line.starts_with('#') || line == "---");
        if empty {
            return Ok(Self::default());
        }
        let mut file: Self =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| explain(&error, name, text))?;
        file.anchor(&|path| anchored(path, beside))
            .and_then(|()| file.without_passwords())
            .and_then(|()| file.trust_is_sound())
            .and_then(|()| file.domains.check())
            .and_then(|()| super::super::policy::names_of(&file.policy).map(drop))
            .map_err(|message| FileError::new(name, message))?;
        Ok(file)
    }

    /// Refuses passwords in URLs, before anything could show them.
    fn without_passwords(&self) -> Result<(), String> {
        for (name, entry) in &self.issuers {
            if entry.proxy.as_deref().is_some_and(has_user) {
                return Err(format!(
                    "issuers.{name}.proxy holds a password: give it by the variable HTTPS_PROXY instead"
                ));
            }
            if entry.directory.as_deref().is_some_and(has_user) {
                return Err(format!("issuers.{name}.directory holds a user name"));
            }
        }
        if let Some(problem) = self
            .notify
            .alertmanager
            .as_deref()
            .and_then(super::super::notify::problem)
        {
            return Err(format!("notify.alertmanager {problem}"));
        }
        Ok(())
    }

    fn trust_is_sound(&self) -> Result<(), String> {
        let mut entries = self.trust.iter().flatten().enumerate();
        match entries.find_map(|(at, entry)| Some((at, entry.problem()?))) {
            Some((at, problem)) => Err(format!("entry {} of trust: {problem}", at + 1)),
            None => Ok(()),
        }
    }

    /// Makes every path absolute with `place`.
    fn anchor(&mut self, place: &dyn Fn(&Path) -> PathBuf) -> Result<(), String> {
        for entry in self.issuers.values_mut() {
            if let Some(path) = &mut entry.ca_file {
                *path = place(path);
            }
            if let Some(EabEntry {
                key: Credential::File(path),
                ..
            }) = &mut entry.eab
            {
                *path = place(path);
            }
        }
        let domains = &mut self.domains;
        for place_of in [
            &mut self.notify.slack,
            &mut domains.database_url,
            &mut domains.database_key,
        ] {
            if let Some(Credential::File(path)) = place_of {
                *path = place(path);
            }
        }
        let trusted = self
            .trust
            .iter_mut()
            .flatten()
            .filter_map(|entry| entry.ca_file.as_mut());
        for path in self.storing.ca_files.iter_mut().flatten().chain(trusted) {
            *path = place(path);
        }
        for entry in self.dns01.providers.iter_mut().flatten() {
            // Only the form of a provider knows which of its fields are paths, but their names are the same in all.
            let mut value = serde_json::to_value(&*entry).map_err(|error| error.to_string())?;
            anchor_value(&mut value, place);
            *entry = serde_json::from_value(value).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// The first setting that a `ConfigMap` must not have. Otherwise whoever may write one could choose where an
    /// operator's credentials are sent, and what is run on the operator's machine.
    pub(in crate::settings) fn forbidden_in_config_map(&self) -> Option<String> {
        let issuer = self.issuers.iter().find_map(|(name, entry)| {
            let field = match entry {
                IssuerEntry { eab: Some(_), .. } => "eab",
                IssuerEntry { ca_file: Some(_), .. } => "caFile",
                IssuerEntry { proxy: Some(_), .. } => "proxy",
                IssuerEntry { agree_tos: Some(_), .. } => "agreeTos",
                IssuerEntry {
                    account_secret: Some(_),
                    ..
                } => "accountSecret",
                _ => return None,
            };
            Some(format!("issuers.{name}.{field}"))
        });
        issuer
            .or_else(|| {
                let providers = self.dns01.providers.as_deref().unwrap_or_default();
                (!providers.is_empty()).then(|| "dns01.providers".to_owned())
            })
            .or_else(|| self.notify.slack.as_ref().map(|_| "notify.slack".to_owned()))
            .or_else(|| {
                let url = self.domains.database_url.as_ref().map(|_| "domains.databaseUrl");
                let key = self.domains.database_key.as_ref().map(|_| "domains.databaseKey");
                url.or(key).map(str::to_owned)
            })
            .or_else(|| self.agree_tos.map(|_| "agreeTos".to_owned()))
            .or_else(|| self.account_secret.as_ref().map(|_| "accountSecret".to_owned()))
            .or_else(|| {
                let allowed = self.http01.allow_addresses.as_ref();
                allowed.map(|_| "http01.allowAddresses".to_owned())
            })
            .or_else(|| self.storing.ca_files.as_ref().map(|_| "storing.caFiles".to_owned()))
            // Otherwise whoever may write it could have their own server's certificate called trusted.
            .or_else(|| self.trust.as_ref().map(|_| "trust".to_owned()))
    }
}

/// Whether a URL contains a user name, and so possibly a password.
pub(in crate::settings) fn has_user(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#'])
        .next()
        .is_some_and(|authority| authority.contains('@'))
}

fn anchor_value(value: &mut Value, place: &dyn Fn(&Path) -> PathBuf) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(path) if ["file", "caFile", "command"].contains(&name.as_str()) => {
                        *path = place(Path::new(path)).to_string_lossy().into_owned();
                    }
                    _ => anchor_value(value, place),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| anchor_value(item, place)),
        _ => {}
    }
}

/// Makes a path absolute: `~/x` is in the home directory, and a relative path is beside the file that names it.
fn anchored(path: &Path, beside: Option<&Path>) -> PathBuf {
    if let Ok(rest) = path.strip_prefix("~")
        && let Some(home) = std::env::var_os("HOME")
    {
        return PathBuf::from(home).join(rest);
    }
    match beside {
        Some(dir) => dir.join(path),
        None => path.to_owned(),
    }
}
