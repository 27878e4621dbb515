//! Files that only save time, in the user's cache directory: of mode 0600, and none that others could have written is used.

use std::path::{Path, PathBuf};

use crate::{
    file::{self, Lasting},
    home::{self, Keeps},
};

/// A file that only saves time: `$XDG_CACHE_HOME/kubectl-certs/NAME`, or below `~/.cache`. `None` without a home.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    Some(home::of_process(Keeps::Cache)?.join(name))
}

/// Reads one of at most `largest` bytes. `what` is what it holds. `None` where there is none, or where others could have written it.
pub(crate) fn read(path: &Path, what: &str, largest: u64) -> Option<Vec<u8>> {
    let about = std::fs::metadata(path).ok()?;
    // Whoever can write the file decides what is believed.
    if !crate::own::is_usable(path, what) {
        return None;
    }
    (about.is_file() && about.len() <= largest).then(|| std::fs::read(path).ok())?
}

/// Writes it whole or not at all: two runs at once leave one whole file.
///
/// # Errors
///
/// Says what the file system refused, or to whom the place belongs.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder)?;
    // What could not be used would be written in vain.
    crate::own::check(path).map_err(std::io::Error::other)?;
    file::replace(path, bytes, Lasting::No)
}
