//! Checks the owner of a file: a file that belongs to someone else, or that others may change, is not used.
//!
//! Whoever can write the remembered signatures decides what is trusted, and whoever can write the settings decides
//! which program answers a challenge. In many containers `HOME` and `XDG_CACHE_HOME` are in `/tmp`, and on some systems
//! `sudo` keeps `HOME`. Kubeconfigs are read as kubectl does, whoever owns them, because containers mount those of the
//! user.

use std::{fmt, path::Path};

use crate::{
    error::{Blame, Diagnose},
    system::{self, Foreign, ForeignReason},
};

/// Why a file is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOurs(Foreign);

impl std::error::Error for NotOurs {}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.path.display();
        match self.0.why {
            ForeignReason::Owner(uid) => write!(f, "{path} belongs to another user (number {uid})"),
            ForeignReason::Mode(mode) => write!(f, "others may write {path} (mode {mode:03o})"),
        }
    }
}

impl Diagnose for NotOurs {
    fn hint(&self) -> Option<String> {
        let path = self.0.path.display().to_string();
        let word = crate::text::quote(&path);
        Some(match self.0.why {
            ForeignReason::Owner(_) => {
                format!("find out who made {path}; if it is yours: `chown \"$(id -u)\" {word}`")
            }
            ForeignReason::Mode(_) => format!("check that nobody has changed it, then `chmod go-w {word}`"),
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
/// What belongs to whom. On systems without such owners nothing is checked.
pub(crate) fn check(path: &Path) -> Result<(), NotOurs> {
    system::owned(path).map_err(NotOurs)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_says_whose_it_is_and_what_to_do() {
        let error = |why| {
            NotOurs(Foreign {
                path: "/tmp/config".into(),
                why,
            })
        };
        let of_another = error(ForeignReason::Owner(4321));
        assert_eq!(
            of_another.to_string(),
            "/tmp/config belongs to another user (number 4321)"
        );
        assert!(of_another.hint().unwrap().contains("chown"));
        let open = error(ForeignReason::Mode(0o666));
        assert_eq!(open.to_string(), "others may write /tmp/config (mode 666)");
        assert!(open.hint().unwrap().contains("`chmod go-w /tmp/config`"));
    }
}
