//! Signatures that were verified once, remembered between runs in the user's cache directory.
//!
//! The file holds digests of signatures that are good, and is of mode 0600. It saves time alone: without it, or when it
//! cannot be written, everything is verified again.

use std::path::PathBuf;

use crate::{cache, x509::Memo};

/// Larger than the memo's own bound; what is larger is none of ours.
const LARGEST: u64 = 64 << 20;

fn path() -> Option<PathBuf> {
    cache::file("signatures")
}

/// Reads the memo; an empty one when there is none, or when others could have written it.
pub fn load() -> Memo {
    path()
        .and_then(|path| cache::read(&path, "the remembered signatures", LARGEST))
        .map_or_else(Memo::default, Memo::from_bytes)
}

/// Writes the memo, when it holds something new. Failing to is no error: the next run verifies again.
pub fn save(memo: &Memo) {
    if memo.new_entries() == 0 {
        return;
    }
    if let Some(path) = path()
        && let Err(error) = cache::write(&path, &memo.to_bytes())
    {
        log::debug!("the verified signatures cannot be kept in {}: {error}", path.display());
    }
}
