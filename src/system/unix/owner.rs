//! Whose files are.

use std::{
    fs::Metadata,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::Path,
};

use crate::system::{Foreign, ForeignReason};

/// The sticky bit: in such a directory only the owner of a file may replace it.
const STICKY: u32 = 0o1000;

/// Checks that a file and its directory belong to this user or to root, and that nobody else may change them. A file that does
/// not exist belongs to nobody.
pub(crate) fn owned(path: &Path) -> Result<(), Foreign> {
    check(path, user())
}

/// The effective user of this process, which owns the files that it creates.
fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn check(path: &Path, user: u32) -> Result<(), Foreign> {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut places = vec![whole.clone()];
    // A link is in one directory, and its target in another.
    if let Ok(real) = std::fs::canonicalize(&whole)
        && real != whole
    {
        places.push(real);
    }
    for place in places {
        if let Ok(about) = std::fs::symlink_metadata(&place) {
            // The mode of a link itself has no meaning.
            file(&place, &about, user, about.is_symlink())?;
        }
        if let Some(parent) = place.parent()
            && let Ok(about) = std::fs::metadata(parent)
        {
            directory(parent, &about, user)?;
        }
    }
    Ok(())
}

fn file(path: &Path, about: &Metadata, user: u32, is_link: bool) -> Result<(), Foreign> {
    owner(path, about, user)?;
    // What is written to a device (/dev/null: no settings) is not read from it.
    if !is_link && is_open(about) && !about.file_type().is_char_device() {
        return Err(foreign(path, ForeignReason::Mode(about.mode() & 0o7777)));
    }
    Ok(())
}

fn directory(path: &Path, about: &Metadata, user: u32) -> Result<(), Foreign> {
    owner(path, about, user)?;
    if is_open(about) && about.mode() & STICKY == 0 {
        return Err(foreign(path, ForeignReason::Mode(about.mode() & 0o7777)));
    }
    Ok(())
}

fn owner(path: &Path, about: &Metadata, user: u32) -> Result<(), Foreign> {
    if about.uid() == user || about.uid() == 0 {
        return Ok(());
    }
    Err(foreign(path, ForeignReason::Owner(about.uid())))
}

/// Whether others may write it. A group with the same number as the owner belongs to the owner alone, because most
/// distributions give each user one, with a umask of 002.
fn is_open(about: &Metadata) -> bool {
    let group = about.mode() & 0o020 != 0 && about.gid() != about.uid();
    group || about.mode() & 0o002 != 0
}

fn foreign(path: &Path, why: ForeignReason) -> Foreign {
    Foreign {
        path: path.to_owned(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn stranger() -> u32 {
        user() + 4321
    }

    #[test]
    fn what_is_this_users_is_used_and_what_others_may_change_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("kubectl-certs");
        fs::create_dir(&folder).unwrap();
        let path = folder.join("config.yaml");
        assert_eq!(check(&path, user()), Ok(()), "not there");
        fs::write(&path, "x").unwrap();
        mode(&folder, 0o755);
        for (bits, usable) in [(0o600, true), (0o644, true), (0o666, false), (0o602, false)] {
            mode(&path, bits);
            assert_eq!(check(&path, user()).is_ok(), usable, "{bits:o}");
        }
        mode(&path, 0o600);
        mode(&folder, 0o777);
        assert!(check(&path, user()).is_err(), "anybody may replace it");
        mode(&folder, 0o1777);
        assert_eq!(check(&path, user()), Ok(()), "as in /tmp");
    }

    #[test]
    fn what_is_another_users_is_not_used_and_what_is_roots_is() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("signatures");
        fs::write(&path, "x").unwrap();
        let error = check(&path, stranger());
        if user() == 0 {
            // Root's files are trusted by everybody.
            assert_eq!(error, Ok(()));
            std::os::unix::fs::chown(&path, Some(4321), None).unwrap();
            let error = check(&path, user()).unwrap_err();
            assert_eq!(error.why, ForeignReason::Owner(4321));
            // A link to the file is no better, nor is a link in a directory of others.
            let link = scratch.path().join("link");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            assert!(check(&link, user()).is_err());
            std::os::unix::fs::chown(&path, Some(0), None).unwrap();
            assert_eq!(check(&link, user()), Ok(()));
            std::os::unix::fs::chown(scratch.path(), Some(4321), None).unwrap();
            assert!(check(&path, user()).is_err());
        } else {
            assert!(error.is_err());
        }
    }

    #[test]
    fn a_mounted_config_map_is_used() {
        // ..data -> ..2026_01_01, config.yaml -> ..data/config.yaml, in a sticky directory that is open to all.
        let scratch = tempfile::tempdir().unwrap();
        let version = scratch.path().join("..2026_01_01");
        fs::create_dir(&version).unwrap();
        fs::write(version.join("config.yaml"), "x").unwrap();
        std::os::unix::fs::symlink("..2026_01_01", scratch.path().join("..data")).unwrap();
        let path = scratch.path().join("config.yaml");
        std::os::unix::fs::symlink("..data/config.yaml", &path).unwrap();
        mode(scratch.path(), 0o1777);
        assert_eq!(check(&path, user()), Ok(()));
    }
}
