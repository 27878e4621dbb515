//! Signatures that were verified once, remembered between runs in the user's cache directory.
//!
//! The file holds digests of signatures that are good, and is of mode 0600. It saves time alone: without it, or when it
//! cannot be written, everything is verified again.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::x509::Memo;

/// Larger than the memo's own bound; what is larger is none of ours.
const LARGEST: u64 = 64 << 20;

fn path() -> Option<PathBuf> {
    cache_file("signatures")
}

/// A file that only saves time: `$XDG_CACHE_HOME/kubectl-certs/NAME`, or below `~/.cache`. `None` without a home.
pub fn cache_file(name: &str) -> Option<PathBuf> {
    let absolute = |variable| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("kubectl-certs").join(name))
}

/// Reads the memo; an empty one when there is none, or when others could have written it.
pub fn load() -> Memo {
    path()
        .and_then(|path| read(&path))
        .map_or_else(Memo::default, Memo::from_bytes)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let about = std::fs::metadata(path).ok()?;
    // Whoever can write the file decides what is trusted.
    if !crate::own::is_usable(path, "the remembered signatures") {
        return None;
    }
    (about.is_file() && about.len() <= LARGEST).then(|| std::fs::read(path).ok())?
}

/// Writes the memo, when it holds something new. Failing to is no error: the next run verifies again.
pub fn save(memo: &Memo) {
    if memo.new_entries() == 0 {
        return;
    }
    if let Some(path) = path()
        && let Err(error) = write(&path, &memo.to_bytes())
    {
        tracing::debug!(path = %path.display(), %error, "cannot keep the verified signatures");
    }
}

/// Writes beside the file and renames, so that two runs at once leave one whole file.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder)?;
    // What could not be used would be written in vain.
    crate::own::check(path).map_err(std::io::Error::other)?;
    let beside = path.with_extension(std::process::id().to_string());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&beside).and_then(|mut file| file.write_all(bytes));
    written.and_then(|()| std::fs::rename(&beside, path)).inspect_err(|_| {
        let _ = std::fs::remove_file(&beside);
    })
}
