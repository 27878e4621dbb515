//! Files in the user's cache directory that only save time. They have mode 0600, and a file that others could have
//! written is not used.

use std::path::{Path, PathBuf};

use crate::{
    file::{self, Lasting},
    home::{self, Keeps},
};

/// The path of such a file: `$XDG_CACHE_HOME/kubectl-certs/NAME`, or below `~/.cache`. `None` without a home.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    Some(home::of_process(Keeps::Cache)?.join(name))
}

/// Reads a file of at most `largest` bytes. `what` describes its contents for the log. `None` if it does not exist, or
/// if others could have written it.
pub(crate) fn read(path: &Path, what: &str, largest: u64) -> Option<Vec<u8>> {
    let about = std::fs::metadata(path).ok()?;
    // The author of the file decides what is believed.
    if !crate::own::is_usable(path, what) {
        return None;
    }
    (about.is_file() && about.len() <= largest).then(|| std::fs::read(path).ok())?
}

/// Writes a file completely or not at all, so that two runs at once leave one complete file.
///
/// # Errors
///
/// An error of the file system, or the owner of the place if it belongs to somebody else.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder)?;
    // A file that could not be used would be written in vain.
    crate::own::check(path).map_err(std::io::Error::other)?;
    file::replace(path, bytes, Lasting::No)
}
