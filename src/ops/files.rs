//! Files that a user names.

use std::path::Path;

use crate::file;

/// Reads a file of at most `largest` bytes.
pub fn read_file(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let read = file::read(path, largest, file::PATIENCE);
    read.map(|mut bytes| std::mem::take(&mut *bytes))
        .map_err(|error| error.to_string())
}
