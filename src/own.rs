//! Checks the owner of a file: a file that belongs to someone else, or that others may change, is not used.
//!
//! Whoever can write the remembered signatures decides what is trusted, and whoever can write the settings decides
//! which program answers a challenge. In many containers `HOME` and `XDG_CACHE_HOME` are in `/tmp`, and on some systems
//! `sudo` keeps `HOME`. Kubeconfigs are read as kubectl does, whoever owns them, because containers mount those of the
//! user.

use crate::error::{Blame, Diagnose};
use std::{fmt, path::Path};

/// Why a file is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOurs {
    /// The path of the file, or of its directory.
    path: String,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    /// It belongs to the user with this number.
    Owner(u32),
    /// Others may write it. Contains its mode.
    Mode(u32),
}

impl std::error::Error for NotOurs {}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.why {
            Why::Owner(uid) => write!(f, "{path} belongs to another user (number {uid})"),
            Why::Mode(mode) => write!(f, "others may write {path} (mode {mode:03o})"),
        }
    }
}

impl Diagnose for NotOurs {
    fn hint(&self) -> Option<String> {
        let word = crate::text::quote(&self.path);
        Some(match self.why {
            Why::Owner(_) => format!(
                "find out who made {}; if it is yours: `chown \"$(id -u)\" {word}`",
                self.path
            ),
            Why::Mode(_) => format!("check that nobody has changed it, then `chmod go-w {word}`"),
        })
    }

    fn blame(&self) -> Blame {
        Blame::Usage
    }
}

/// Checks that a file and its directory belong to this user or to root, and that nobody else may change them. A file
/// that does not exist belongs to nobody. Both a link and its target are checked, as in a mounted Secret or
/// `ConfigMap`, which belong to root.
///
/// # Errors
///
/// What belongs to whom.
#[cfg(unix)]
pub(crate) fn check(path: &Path) -> Result<(), NotOurs> {
    unix::check(path, unix::user())
}

/// On other systems nothing is checked.
#[cfg(not(unix))]
pub fn check(_: &Path) -> Result<(), NotOurs> {
    Ok(())
}

/// Like [`check`], but logs a failure: for files without which the program continues. `what` describes their contents.
pub(crate) fn is_usable(path: &Path, what: &str) -> bool {
    match check(path) {
        Ok(()) => true,
        Err(error) => {
            log::warn!("{what} are not used: {error}; {}", error.hint().unwrap_or_default());
            false
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::Metadata,
        os::unix::fs::{FileTypeExt as _, MetadataExt as _},
        path::Path,
        sync::OnceLock,
    };

    use super::{NotOurs, Why};

    /// The sticky bit: in such a directory only the owner of a file may replace it.
    const STICKY: u32 = 0o1000;

    /// The effective user of this process, which owns the files that it creates.
    pub(super) fn user() -> u32 {
        static USER: OnceLock<u32> = OnceLock::new();
        *USER.get_or_init(|| {
            let process = std::fs::metadata("/proc/self").map(|about| about.uid());
            // For systems without /proc. If this fails too, only root's files are used.
            process.or_else(|_| of_new_file()).unwrap_or(0)
        })
    }

    fn of_new_file() -> std::io::Result<u32> {
        let path = std::env::temp_dir().join(format!(".kubectl-certs-{}", std::process::id()));
        let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        let uid = made.metadata().map(|about| about.uid());
        std::fs::remove_file(&path)?;
        uid
    }

    pub(super) fn check(path: &Path, user: u32) -> Result<(), NotOurs> {
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

    fn file(path: &Path, about: &Metadata, user: u32, is_link: bool) -> Result<(), NotOurs> {
        owner(path, about, user)?;
        // What is written to a device (/dev/null: no settings) is not read from it.
        if !is_link && is_open(about) && !about.file_type().is_char_device() {
            return Err(not_ours(path, Why::Mode(about.mode() & 0o7777)));
        }
        Ok(())
    }

    fn directory(path: &Path, about: &Metadata, user: u32) -> Result<(), NotOurs> {
        owner(path, about, user)?;
        if is_open(about) && about.mode() & STICKY == 0 {
            return Err(not_ours(path, Why::Mode(about.mode() & 0o7777)));
        }
        Ok(())
    }

    fn owner(path: &Path, about: &Metadata, user: u32) -> Result<(), NotOurs> {
        if about.uid() == user || about.uid() == 0 {
            return Ok(());
        }
        Err(not_ours(path, Why::Owner(about.uid())))
    }

    /// Whether others may write it. A group with the same number as the owner belongs to the owner alone, because most
    /// distributions give each user one, with a umask of 002.
    fn is_open(about: &Metadata) -> bool {
        let group = about.mode() & 0o020 != 0 && about.gid() != about.uid();
        group || about.mode() & 0o002 != 0
    }

    fn not_ours(path: &Path, why: Why) -> NotOurs {
        NotOurs {
            path: path.display().to_string(),
            why,
        }
    }

    #[cfg(test)]
    mod tests {
        use std::{fs, os::unix::fs::PermissionsExt as _};

        use super::*;
        use crate::error::Diagnose as _;

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
                assert_eq!(error.why, Why::Owner(4321));
                assert!(
                    error.to_string().contains("belongs to another user (number 4321)"),
                    "{error}"
                );
                assert!(error.hint().unwrap().contains("chown"), "{error:?}");
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
}
