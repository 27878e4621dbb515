//! Writes files completely or not at all.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{self, Write as _},
    path::Path,
};

use crate::system;

/// Which part of a written file survives a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// None for sure, because the file only saves time.
    No,
    /// Its content, once it has its name.
    Content,
    /// Its name as well.
    Name,
}

/// Creates a new file that only its owner can access from the start. A link in its place is not followed.
///
/// # Errors
///
/// The error of the file system.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    system::private_file(&mut options);
    options.open(path)
}

/// Creates a directory that only its owner can access, and its parents with the usual mode. Returns whether it was
/// created; an existing one stays as it is.
///
/// # Errors
///
/// The error of the file system.
pub fn create_private_directory(path: &Path) -> io::Result<bool> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    let mut builder = fs::DirBuilder::new();
    system::private_directory(&mut builder);
    match builder.create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Replaces `path` at once by a file that only its owner can access: readers see either the old one or the new one. A
/// link is replaced, not followed.
///
/// # Errors
///
/// The error of the file system; nothing of the new file remains then.
pub fn replace(path: &Path, bytes: &[u8], lasting: Lasting) -> io::Result<()> {
    replace_with(path, lasting, |file| file.write_all(bytes))
}

/// Like [`replace`], with the output of `content`. If it fails, the old file stays.
///
/// # Errors
///
/// The error of the file system, or of `content`.
pub fn replace_with(
    path: &Path,
    lasting: Lasting,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    // In the same directory, because a rename across file systems is a copy. Hidden, and with a name for this write
    // only.
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{:016x}", RandomState::new().build_hasher().finish()));
    let beside = path.with_file_name(name);
    let mut file = create(&beside)?;
    let written = content(&mut file)
        .and_then(|()| {
            if lasting == Lasting::No {
                Ok(())
            } else {
                file.sync_all()
            }
        })
        .and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // A half-written file must not stay, whatever else is wrong.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    match path.parent() {
        Some(folder) if lasting == Lasting::Name => system::sync_directory(folder),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_whole_or_as_it_was() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("some.json");
        for lasting in [Lasting::No, Lasting::Content, Lasting::Name] {
            replace(&path, b"new", lasting).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
        }
        let refused = replace_with(&path, Lasting::Content, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("no"))
        });
        assert_eq!(refused.unwrap_err().to_string(), "no");
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(scratch.path()), ["some.json"], "nothing half written stays");
    }

    #[cfg(all(unix, not(portable_system)))]
    #[test]
    fn what_is_written_is_its_owners_alone_and_no_link_is_followed() {
        use std::os::unix::fs::{MetadataExt as _, symlink};
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("above/keys");
        assert!(create_private_directory(&folder).unwrap());
        assert!(!create_private_directory(&folder).unwrap());
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let (path, other) = (folder.join("key"), scratch.path().join("other"));
        fs::write(&other, "of another").unwrap();
        symlink(&other, &path).unwrap();
        assert!(create(&path).is_err());
        replace(&path, b"key", Lasting::Content).unwrap();
        let about = fs::symlink_metadata(&path).unwrap();
        assert!(about.is_file());
        assert_eq!(about.mode() & 0o777, 0o600);
        assert_eq!(fs::read(&other).unwrap(), b"of another");
    }
}
