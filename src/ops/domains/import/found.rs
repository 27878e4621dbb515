//! What the stores of other programs hold, one pair at a time: a store of 100,000 is never in memory.

use std::{
    fmt,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::{auto_ssl, caddy, pem};
use crate::file::{self, PATIENCE, ReadError};

/// The largest chain and key that are read, in bytes. A chain of four RSA certificates has some 8 KiB.
pub(super) const LARGEST: u64 = 1 << 20;

/// Whose store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A directory of PEM files, as certbot, acme.sh, lego, dehydrated and people have them.
    PemDir,
    /// Caddy's storage in the file system.
    Caddy,
    /// What lua-resty-auto-ssl keeps: a dump of Redis, or its directory of files.
    AutoSsl,
}

impl Form {
    /// All, as they are written.
    pub const ALL: [&'static str; 3] = ["pem-dir", "caddy", "auto-ssl"];

    /// The one that is written so.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "pem-dir" => Some(Self::PemDir),
            "caddy" => Some(Self::Caddy),
            "auto-ssl" => Some(Self::AutoSsl),
            _ => None,
        }
    }
}

/// A chain and a key that belong together, says their store. `Debug` shows no key.
#[derive(Debug)]
pub(super) struct Found {
    /// Where it is: a file's path below the one that was named, or the key in a dump. Not cleared.
    pub at: String,
    /// For which host the store keeps it; `None`: for the names of the certificate.
    pub host: Option<String>,
    /// The chain, as PEM.
    pub chain: Vec<u8>,
    /// The private key, as PEM.
    pub key: SecretString,
    /// The directory of the CA from which it was ordered, where the store says so.
    pub directory: Option<String>,
}

/// One thing in a store.
#[derive(Debug)]
pub(super) enum Item {
    /// A pair.
    Pair(Found),
    /// Something that should be a pair and is none.
    Problem {
        /// Where it is.
        at: String,
        /// What is wrong with it: a lowercase fragment.
        why: String,
    },
}

/// Takes what is found, and says whether to go on.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Item) -> ControlFlow<()>;

/// Why a store cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// The system returned an error.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{} {what}", path.display())]
    Other {
        /// The path.
        path: PathBuf,
        /// What it is not: a predicate.
        what: String,
        /// What to do.
        hint: Option<&'static str>,
    },
}

/// Hands all that a store holds to `sink`, in an order that is the same each time.
///
/// # Errors
///
/// It cannot be read, or is no such store. What is wrong with one pair is an [`Item::Problem`].
pub(super) fn walk(form: Form, path: &Path, sink: Sink<'_>) -> Result<(), StoreError> {
    match form {
        Form::PemDir => pem::walk(path, sink),
        Form::Caddy => caddy::walk(path, sink),
        Form::AutoSsl => auto_ssl::walk(path, sink),
    }
}

/// The names in a directory, sorted, without those that are hidden: of its files, which may be links, and of its own directories.
pub(super) fn entries(path: &Path) -> Result<(Vec<String>, Vec<String>), StoreError> {
    let failed = |source| StoreError::Read {
        path: path.to_owned(),
        source,
    };
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        // A directory that is a link could lead round in circles.
        if entry.file_type().map_err(failed)?.is_dir() {
            directories.push(name);
        } else {
            files.push(name);
        }
    }
    files.sort_unstable();
    directories.sort_unstable();
    Ok((files, directories))
}

/// Reads chain and key of two files.
pub(super) fn pair(at: String, chain: &Path, key: &Path, host: Option<String>, directory: Option<String>) -> Item {
    let read = |path: &Path| {
        file::check(path, LARGEST)
            .and_then(|()| file::read_text(path, LARGEST))
            .map_err(|error| cannot(path, &error))
    };
    match read(chain).and_then(|chain| Ok((chain, read(key)?))) {
        Ok((chain, key)) => Item::Pair(Found {
            at,
            host,
            chain: chain.as_bytes().to_vec(),
            key: SecretString::from(key.as_str()),
            directory,
        }),
        Err(why) => Item::Problem { at, why },
    }
}

/// That a file cannot be read, by its name alone: the line says where it is.
pub(super) fn cannot(path: &Path, error: &ReadError) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("cannot read {name}: {error}")
}

/// Reads a small text that is no secret.
pub(super) fn small_text(path: &Path) -> Option<String> {
    file::check(path, LARGEST).ok()?;
    let bytes = file::read(path, LARGEST, PATIENCE).ok()?;
    String::from_utf8(bytes.to_vec()).ok()
}

/// A path below another one, as it is shown.
pub(super) struct Below<'a>(pub(super) &'a Path, pub(super) &'a Path);

impl fmt::Display for Below<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.1.strip_prefix(self.0).unwrap_or(self.1);
        let shown = if rest.as_os_str().is_empty() { self.1 } else { rest };
        shown.display().fmt(f)
    }
}
