//! The directories of a user's files, by the XDG Base Directory Specification: a relative path in a variable is
//! ignored. Windows, which sets no `HOME`, says `USERPROFILE`.

use std::{ffi::OsString, path::PathBuf};

/// The contents of a directory, which determine the variable that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// `XDG_CONFIG_HOME`, or `~/.config`: settings and accounts.
    Config,
    /// `XDG_CACHE_HOME`, or `~/.cache`: files that only save time.
    Cache,
    /// `XDG_STATE_HOME`, or `~/.local/state`: what a run leaves for the next one.
    State,
}

/// The program's own directory; `None` without a home. `get` looks up a variable.
pub(crate) fn directory(keeps: Keeps, get: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let (variable, usual) = match keeps {
        Keeps::Config => ("XDG_CONFIG_HOME", ".config"),
        Keeps::Cache => ("XDG_CACHE_HOME", ".cache"),
        Keeps::State => ("XDG_STATE_HOME", ".local/state"),
    };
    let above =
        absolute(variable).or_else(|| Some(absolute("HOME").or_else(|| absolute("USERPROFILE"))?.join(usual)))?;
    Some(above.join("kubectl-certs"))
}

/// The same with the environment of the process.
pub(crate) fn of_process(keeps: Keeps) -> Option<PathBuf> {
    directory(keeps, &|name| std::env::var_os(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_where_xdg_says() {
        let place = |keeps, pairs: &[(&str, &str)]| {
            let get = |name: &str| pairs.iter().find(|(k, _)| *k == name).map(|(_, v)| OsString::from(*v));
            directory(keeps, &get).map(|path| path.display().to_string())
        };
        let home = [("HOME", "/home/ann")];
        for (keeps, named, usual) in [
            (Keeps::Config, "XDG_CONFIG_HOME", "/home/ann/.config/kubectl-certs"),
            (Keeps::Cache, "XDG_CACHE_HOME", "/home/ann/.cache/kubectl-certs"),
            (Keeps::State, "XDG_STATE_HOME", "/home/ann/.local/state/kubectl-certs"),
        ] {
            assert_eq!(place(keeps, &home).as_deref(), Some(usual));
            let both = |at| [(named, at), ("HOME", "/home/ann")];
            assert_eq!(place(keeps, &both("/x")).as_deref(), Some("/x/kubectl-certs"));
            for wrong in ["", "x"] {
                assert_eq!(place(keeps, &both(wrong)).as_deref(), Some(usual), "{wrong:?}");
            }
            assert_eq!(place(keeps, &[]), None);
        }
    }
}
