//! A certificate and its key in files, for as long as a hook runs.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::{apply::Pair, system};

/// The names of the files, as dehydrated has them, in the order of its arguments.
const NAMES: [&str; 4] = ["privkey.pem", "cert.pem", "fullchain.pem", "chain.pem"];
/// How the name of a directory begins; the id of the process and `-` follow.
const PREFIX: &str = "kubectl-certs-hook-";
/// How old the directory of another process is before it is taken for left behind: longer than any hook runs.
const STALE: Duration = Duration::from_hours(6);

/// Four files for this user alone, in a directory for this user alone. Both are removed with this value.
#[derive(Debug)]
pub(super) struct CertificateFiles(TempDir);

impl CertificateFiles {
    /// Writes the files into memory if the system has such a directory for its users, else among the temporary files.
    /// What an earlier process has left there is removed.
    pub(super) fn write(pair: &Pair) -> io::Result<Self> {
        let place = place();
        sweep(&place, is_stale);
        Self::within(&place, pair)
    }

    fn within(place: &Path, pair: &Pair) -> io::Result<Self> {
        let prefix = own_prefix();
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        if let Some(permissions) = system::private_permissions() {
            builder.permissions(permissions);
        }
        let files = Self(builder.tempdir_in(place)?);
        let [key, leaf, whole, issuers] = files.paths();
        private(&key, pair.key().expose_secret())?;
        private(&leaf, &pair.leaf_pem())?;
        private(&whole, &pair.chain_pem())?;
        private(&issuers, &pair.issuers_pem())?;
        Ok(files)
    }

    /// The paths of key, certificate, whole chain, and chain without the certificate.
    pub(super) fn paths(&self) -> [PathBuf; 4] {
        NAMES.map(|name| self.0.path().join(name))
    }
}

/// Removes the files that hooks of this process have now. For the moment before a process ends itself in the middle of
/// its work, when nothing else removes them.
pub fn remove_own_files() {
    let prefix = own_prefix();
    sweep(&place(), |name, _| name.starts_with(&prefix));
}

/// Removes the files that hooks of a process which was killed have left. Returns the number of certificates.
pub fn remove_stale_files() -> usize {
    sweep(&place(), is_stale)
}

fn place() -> PathBuf {
    std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|place| place.is_absolute() && place.is_dir())
        .unwrap_or_else(std::env::temp_dir)
}

fn own_prefix() -> String {
    format!("{PREFIX}{}-", std::process::id())
}

/// Whether the process that made a directory is gone. Ids of processes in other containers say nothing here, so that a
/// directory stays for some minutes. Only age counts where the system does not say what runs.
fn is_stale(name: &str, age: Duration) -> bool {
    let id = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
    let runs = id.and_then(|id| system::is_running(id.parse().ok()?));
    age > STALE || (runs == Some(false) && age > Duration::from_mins(10))
}

/// Removes the directories of hooks' files for which `goes` says so, by their name and age. What belongs to another user
/// stays, because it cannot be removed. Returns how many were removed.
fn sweep(place: &Path, goes: impl Fn(&str, Duration) -> bool) -> usize {
    let Ok(entries) = std::fs::read_dir(place) else {
        return 0;
    };
    let mut count = 0;
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        // A link is none of ours.
        let Ok(metadata) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        let age = metadata
            .modified()
            .ok()
            .and_then(|at| at.elapsed().ok())
            .unwrap_or_default();
        if metadata.is_dir() && goes(name, age) && std::fs::remove_dir_all(&path).is_ok() {
            count += 1;
        }
    }
    count
}

/// Writes a new file that only this user can read.
fn private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    system::private_file(&mut options);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(unix, not(portable_system)))]
    #[test]
    fn what_a_killed_process_has_left_is_removed_and_what_is_in_use_stays() {
        let place = tempfile::tempdir().unwrap();
        let [own, other, foreign] = [
            format!("{}abc", own_prefix()),
            format!("{PREFIX}4194399-abc"),
            "somebody-elses".to_owned(),
        ];
        for name in [&own, &other, &foreign] {
            std::fs::create_dir(place.path().join(name)).unwrap();
            std::fs::write(place.path().join(name).join("privkey.pem"), "a key").unwrap();
        }
        let there = || -> Vec<bool> {
            let all = [&own, &other, &foreign];
            all.map(|name| place.path().join(name).exists()).into()
        };
        // Both were made just now, and a process may be one of another container.
        assert_eq!(sweep(place.path(), is_stale), 0);
        assert_eq!(
            sweep(place.path(), |name, _| is_stale(name, Duration::from_mins(11))),
            1
        );
        assert_eq!(there(), [true, false, true]);
        assert_eq!(sweep(place.path(), |name, _| name.starts_with(&own_prefix())), 1);
        assert_eq!(there(), [false, false, true]);
    }
}
