//! The storage of accounts: a local file for each directory, or a Secret.
//!
//! A change is a function from the present state to the new one. It runs under a lock for files, and against the
//! version that was read for a Secret, so that two runs which register at once end with the same key.

mod local;
mod secret;

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use local::lock;
pub use secret::permit;

use super::value::Namespaced;
use crate::{
    acme::{AccountKey, StoredAccount},
    apply::{Api, ApiError},
    error::{Blame, Diagnose},
    object::Seconds,
    object::resource::SECRET,
    plan::permits::{Permit, Permits, Verb},
};

/// The suffix of an account's file, and of its data key in a Secret.
const SUFFIX: &str = ".json";

/// An account, its key, and a rollover in progress.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The account.
    #[serde(flatten)]
    pub account: StoredAccount,
    /// The new key of a rollover. It is stored before the CA is asked, so that a killed run loses no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingKey>,
    /// The terms of service to which the user has agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
}

/// A key in PEM. `Debug` does not show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingKey {
    /// The key.
    #[serde(serialize_with = "expose", deserialize_with = "conceal")]
    pub key: SecretString,
    /// When it was generated, in seconds since 1970.
    pub since: Seconds,
}

fn expose<S: Serializer>(key: &SecretString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(key.expose_secret())
}

fn conceal<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

/// Where accounts are stored.
#[derive(Debug, Clone)]
pub enum Store {
    /// In files of this directory.
    Local(PathBuf),
    /// In a Secret, which may hold several.
    Secret(Box<Api>, Namespaced),
}

/// Why an account cannot be read or stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or a directory cannot be used.
    #[error("cannot {what} {path}: {reason}")]
    Io {
        /// The operation that failed.
        what: &'static str,
        /// The path.
        path: String,
        /// The error.
        reason: std::io::Error,
    },
    /// Others may read the file or directory.
    #[error("{path} can be read by others (mode {mode:03o})")]
    Open {
        /// The path.
        path: String,
        /// Its mode.
        mode: u32,
        /// The mode that it should have.
        wanted: u32,
    },
    /// The file, or its directory, belongs to someone else.
    #[error(transparent)]
    NotOurs(crate::own::NotOurs),
    /// The stored data is not an account.
    #[error("{place} holds no account: {reason}")]
    Damaged {
        /// Where it is stored.
        place: String,
        /// What is wrong. Never contains a part of the content.
        reason: String,
    },
    /// Another run holds the lock.
    #[error("another run has been using {place} for {seconds} s")]
    Locked {
        /// What is locked.
        place: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A request to the cluster failed.
    #[error(transparent)]
    Cluster(#[from] ApiError),
    /// The type of the Secret does not permit it.
    #[error("Secret {secret} has type {kind}: an account is kept in one of type Opaque")]
    WrongType {
        /// The Secret.
        secret: Namespaced,
        /// Its type.
        kind: String,
    },
    /// Others kept changing the Secret.
    #[error("Secret {0} was changed by someone else each time it was written")]
    Contended(Namespaced),
}

impl Diagnose for StoreError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotOurs(error) => error.hint(),
            Self::Open { path, wanted, .. } => Some(format!("chmod {wanted:o} {path}")),
            Self::Damaged { place, .. } => Some(format!(
                "check {place}; without it, a new account is created, and the old one can be ended only with its key"
            )),
            Self::Locked { .. } => Some("wait for it, or end it".to_owned()),
            Self::WrongType { .. } => Some("name another Secret, or one that does not exist yet".to_owned()),
            Self::Cluster(error) => error.hint(),
            Self::Io { .. } | Self::Contended(_) => None,
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Cluster(_) | Self::Contended(_) => Blame::Cluster,
            _ => Blame::Usage,
        }
    }
}

/// The new state of a stored account.
#[derive(Debug)]
pub enum Change {
    /// Store this.
    Keep(Box<Kept>),
    /// Change nothing.
    Leave,
    /// Remove it.
    Remove,
}

impl Store {
    /// The stored account for a directory.
    pub async fn load(&self, directory: &str) -> Result<Option<Kept>, StoreError> {
        match self {
            Self::Local(dir) => local::load(dir, directory),
            Self::Secret(api, key) => secret::load(api, key, directory).await,
        }
    }

    /// Changes the stored account for a directory, and returns the new state. `change` may be called more than once;
    /// nobody else changes the account between its last call and the write.
    pub async fn change(
        &self,
        directory: &str,
        change: &(dyn Fn(Option<Kept>) -> Change + Send + Sync),
    ) -> Result<Option<Kept>, StoreError> {
        match self {
            Self::Local(dir) => local::change(dir, directory, change).await,
            Self::Secret(api, key) => secret::change(api, key, directory, change).await,
        }
    }

    /// Keeps a key beside the account of a directory, as PEM, and returns where: what has to make room for another account.
    /// `account import` takes it back.
    pub async fn keep_aside(&self, directory: &str, key: &AccountKey) -> Result<String, StoreError> {
        let name = aside_name(directory, key);
        let pem = key.pem().expose_secret().as_bytes();
        match self {
            Self::Local(dir) => local::keep_aside(dir, &name, pem),
            Self::Secret(api, secret) => secret::keep_aside(api, secret, &name, pem).await,
        }
    }

    /// The rights in a cluster that storing an account needs. An existing Secret is not created.
    pub async fn permits(&self) -> Permits {
        let Self::Secret(api, key) = self else {
            return Permits::none();
        };
        let there = matches!(api.get(SECRET, &key.0).await, Ok(Some(_)));
        let (namespace, name) = (key.0.namespace.clone(), key.0.name.clone());
        Permits::none().with(if there {
            Permit::one(&[Verb::Get, Verb::Update], SECRET, namespace, name)
        } else {
            permit(key)
        })
    }

    /// All stored accounts. Each damaged one is an error of its own.
    pub async fn list(&self) -> Result<Vec<Result<Kept, StoreError>>, StoreError> {
        match self {
            Self::Local(dir) => local::list(dir),
            Self::Secret(api, key) => secret::list(api, key).await,
        }
    }

    /// The place of the account for a directory: a path, or the Secret and its data key.
    pub fn place(&self, directory: &str) -> String {
        match self {
            Self::Local(dir) => dir.join(file_name(directory)).display().to_string(),
            Self::Secret(_, key) => format!("{} of Secret {key}", file_name(directory)),
        }
    }
}

/// The file for a directory, such as `acme-v02.api.letsencrypt.org-0123456789.json`: the host for people, a hash of the
/// whole URL to make it unique.
fn file_name(directory: &str) -> String {
    let rest = directory.split_once("://").map_or(directory, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or(rest);
    let host: String = host
        .chars()
        .take(100)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, directory.as_bytes());
    let hash = digest
        .as_ref()
        .iter()
        .take(5)
        .fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    format!("{}-{hash:010x}{SUFFIX}", host.trim_start_matches(['.', '-']))
}

/// The file of a key that is kept beside the account for a directory; the key's thumbprint tells it from others.
fn aside_name(directory: &str, key: &AccountKey) -> String {
    let account = file_name(directory);
    let thumbprint = key.thumbprint();
    let short = thumbprint.get(..8).unwrap_or(&thumbprint);
    format!("{}-{short}.pem", account.trim_end_matches(SUFFIX))
}

/// Reads stored data. Errors never quote the content.
fn parse(text: &[u8], directory: Option<&str>, place: &str) -> Result<Kept, StoreError> {
    let damaged = |reason: String| StoreError::Damaged {
        place: place.to_owned(),
        reason,
    };
    let kept: Kept = serde_json::from_slice(text).map_err(|error| {
        damaged(format!(
            "it cannot be read, at line {} column {}",
            error.line(),
            error.column()
        ))
    })?;
    match directory {
        Some(directory) if kept.account.directory != directory => {
            Err(damaged(format!("it is the account at {}", kept.account.directory)))
        }
        _ => Ok(kept),
    }
}

/// The text to store.
fn text(kept: &Kept) -> Result<zeroize::Zeroizing<Vec<u8>>, StoreError> {
    let mut text = zeroize::Zeroizing::new(Vec::with_capacity(4096));
    serde_json::to_writer_pretty(&mut *text, kept).map_err(|_| StoreError::Damaged {
        place: "an account".to_owned(),
        reason: "it cannot be written as JSON".to_owned(),
    })?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests;
