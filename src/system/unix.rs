//! The form for Unix.

mod boot;
mod owner;
mod process;
mod signals;

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

pub(crate) use boot::since_boot;
pub(crate) use owner::owned;
pub(crate) use process::{end_group, host, is_running, own_group, place, resident, started};
pub(crate) use signals::{SignalListener, ignores_hang_up, stop_this_process};

/// The mode of what only its owner may open.
const FILE: u32 = 0o600;
const DIRECTORY: u32 = 0o700;

/// A file that is created with these options is its owner's alone from the start.
pub(crate) fn private_file(options: &mut OpenOptions) {
    options.mode(FILE);
}

/// A directory that is created with it is its owner's alone.
pub(crate) fn private_directory(builder: &mut DirBuilder) {
    builder.mode(DIRECTORY);
}

/// The permissions of a directory that is its owner's alone.
#[allow(clippy::unnecessary_wraps)] // the other form has none
pub(crate) fn private_permissions() -> Option<Permissions> {
    Some(Permissions::from_mode(DIRECTORY))
}

/// Closes a directory to others if it is open to them.
pub(crate) fn close(directory: &Path) -> io::Result<()> {
    if permissions_for_others(&fs::metadata(directory)?).is_some() {
        fs::set_permissions(directory, Permissions::from_mode(DIRECTORY))?;
    }
    Ok(())
}

/// The mode of a file or directory if others may read, change or enter it.
pub(crate) fn permissions_for_others(about: &Metadata) -> Option<u32> {
    let mode = about.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Writes the names in a directory to the disk.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
