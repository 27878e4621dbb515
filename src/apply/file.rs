//! Writes the manifest of a Secret into a file, for users who keep certificates in git, encrypted with their own tool.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use zeroize::Zeroizing;

use super::{SecretChange, age::AgeError, manifest::Manifest};
use crate::{
    document::yaml,
    error::{Blame, Diagnose},
    file::{self, Lasting},
    object::Key,
};

/// The first line of the file. Only a file with this line may be replaced.
pub(super) const HEADER: &str =
    "# Written by kubectl certs. It holds a private key: encrypt it before it is committed or shared.\n";

/// The longest name of a file without its extension. It is pure ASCII.
const LONGEST: usize = 200;

/// Why a manifest is not written. The messages fit "cannot write the manifest of Secret shop/shop-tls: ...".
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file would be in a git work tree, and git would track it.
    #[error("{} is in the git work tree {}, and the file would hold a private key", path.display(), tree.display())]
    InGit {
        /// The file.
        path: PathBuf,
        /// The root of the work tree.
        tree: PathBuf,
    },
    /// There is a file with that name that this program did not write.
    #[error("{} already exists, and was not written by kubectl certs", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The path is not a directory.
    #[error("{} is not a directory", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The encrypted file has data keys that are not known without an identity, and would be lost.
    #[error("{} also holds {}, which cannot be read without an identity", path.display(), keys.join(", "))]
    Sealed {
        /// The file.
        path: PathBuf,
        /// The data keys.
        keys: Vec<String>,
    },
    /// The manifest could not be encrypted.
    #[error("cannot encrypt {}: {source}", path.display())]
    Encrypt {
        /// The file.
        path: PathBuf,
        /// The error.
        source: AgeError,
    },
    /// The file system returned an error.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
}

impl Diagnose for FileError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InGit { path, .. } => format!(
                "name a directory outside it, or add {} to .gitignore; --force writes it anyway; `ensure` can encrypt it \
                 (--age-recipient)",
                path.file_name().unwrap_or_default().to_string_lossy()
            ),
            Self::Exists { .. } => "move it away, or name another directory".into(),
            Self::NoDirectory { .. } => "create it first".into(),
            Self::Sealed { .. } => "name the identity that decrypts it: --age-identity FILE".into(),
            Self::Encrypt { source, .. } => return source.hint(),
            Self::Io { .. } => return None,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Io { .. } | Self::Encrypt { .. } => Blame::Write,
            Self::InGit { .. } | Self::Exists { .. } | Self::NoDirectory { .. } | Self::Sealed { .. } => Blame::Usage,
        }
    }
}

/// The file for the manifest of a Secret in `dir`: `NAMESPACE_NAME.yaml`, which no two Secrets share. A long name is
/// cut, and ends in a digest.
pub fn path(dir: &Path, key: &Key) -> PathBuf {
    // Names in manifests are arbitrary text, which must not lead out of the directory.
    let safe = |text: &str| -> String {
        text.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-.".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect()
    };
    let name = safe(&key.name);
    let mut name = if key.namespace.is_empty() {
        name
    } else {
        format!("{}_{name}", safe(&key.namespace))
    };
    if name.len() > LONGEST {
        // The name of a file has 255 bytes at most, and that of the temporary file also contains a number.
        let digest = crate::x509::Fingerprint::of(key.to_string().as_bytes()).to_string();
        name = format!("{}-{}", &name[..LONGEST - 17], &digest[..16]);
    }
    dir.join(name + ".yaml")
}

/// Writes the manifest of a planned Secret into `dir`, readable only by its owner, completely or not at all. With
/// `force`, into a git work tree too. Returns the path of the file. Blocks, because it runs git.
pub fn write(dir: &Path, change: &SecretChange, force: bool) -> Result<PathBuf, FileError> {
    write_manifest(dir, change.key(), &change.manifest(), force)
}

/// Performs the checks of [`write()`] without writing, before anything is ordered.
pub fn check(dir: &Path, key: &Key, force: bool) -> Result<PathBuf, FileError> {
    if !dir.is_dir() {
        return Err(FileError::NoDirectory { path: dir.to_owned() });
    }
    let path = path(dir, key);
    replaceable(&path)?;
    if !force && let Some(tree) = exposed_in(dir, &path) {
        return Err(FileError::InGit { path, tree });
    }
    Ok(path)
}

fn write_manifest(dir: &Path, key: &Key, manifest: &Value, force: bool) -> Result<PathBuf, FileError> {
    let path = check(dir, key, force)?;
    // A key that is lost in a power failure cannot be recovered.
    let written = text(manifest).and_then(|text| file::replace(&path, &text, Lasting::Content));
    if let Err(source) = written {
        return Err(FileError::Io { path, source });
    }
    Ok(path)
}

/// The text of a manifest, with the line that marks it as ours.
pub(super) fn text(manifest: &Value) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(HEADER.as_bytes().to_vec());
    yaml::write(&Manifest(manifest), &mut *text)?;
    Ok(text)
}

/// Checks that there is no such file, or one that this program wrote. An encrypted manifest with the same name must
/// stay.
fn replaceable(path: &Path) -> Result<(), FileError> {
    let ours = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(FileError::Io {
                path: path.to_owned(),
                source,
            });
        }
        Ok(meta) if meta.is_file() => {
            let mut start = String::new();
            let limit = u64::try_from(HEADER.len()).unwrap_or(u64::MAX);
            File::open(path).is_ok_and(|file| file.take(limit).read_to_string(&mut start).is_ok()) && start == HEADER
        }
        Ok(_) => false,
    };
    if ours {
        Ok(())
    } else {
        Err(FileError::Exists { path: path.to_owned() })
    }
}

/// The git work tree that would track the file; `None` outside of one, or if git ignores the file.
fn exposed_in(dir: &Path, path: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    // `.git` is a directory in a repository, and a file in a linked work tree or a submodule.
    let tree = real.ancestors().find(|dir| dir.join(".git").exists())?;
    let name = path.file_name()?;
    // Only git knows all of its rules. The status 0 means ignored; tracked files are not ignored. Without git, it
    // cannot be known.
    let ignored = ask_git(tree)
        .args(["check-ignore", "--quiet", "--"])
        .arg(real.join(name))
        .status();
    match ignored {
        Ok(status) if status.code() == Some(0) => None,
        _ => Some(tree.to_owned()),
    }
}

/// A git command for one work tree. The repository, or a directory that looks like one, may come from someone else, so
/// nothing in its settings is run (git-config(1): core.fsmonitor, core.hooksPath), no other repository is searched for,
/// and the caller's variables are ignored.
fn ask_git(tree: &Path) -> Command {
    let mut git = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            git.env_remove(name);
        }
    }
    git.current_dir(tree)
        .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
        .args(["-c", "safe.bareRepository=explicit"])
        .arg("--git-dir")
        .arg(git_directory(tree))
        .arg("--work-tree")
        .arg(tree)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    git
}

/// The repository of a work tree: `.git`, or the directory that this file names (`gitdir: PATH`, in linked work trees
/// and submodules).
fn git_directory(tree: &Path) -> PathBuf {
    let dot_git = tree.join(".git");
    let mut start = String::new();
    let read = File::open(&dot_git).and_then(|file| file.take(4096).read_to_string(&mut start));
    match read.ok().and_then(|_| start.trim_end().strip_prefix("gitdir: ")) {
        Some(elsewhere) => tree.join(elsewhere),
        None => dot_git,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest() -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop-tls"}, "data": {"tls.key": "c2VjcmV0"}})
    }

    fn key() -> Key {
        Key::new("shop", "shop-tls")
    }

    fn put(dir: &Path, force: bool) -> Result<PathBuf, FileError> {
        write_manifest(dir, &key(), &manifest(), force)
    }

    fn git(dir: &Path, args: &[&str]) {
        let done = Command::new("git")
            .arg("-C")
            .arg(dir)
            .args(args)
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    #[test]
    fn a_manifest_is_for_its_owner_alone_and_replaced_by_its_successor() {
        let dir = tempfile::tempdir().unwrap();
        let path = put(dir.path(), false).unwrap();
        assert_eq!(path, dir.path().join("shop_shop-tls.yaml"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(fs::read_to_string(&path).unwrap().contains("tls.key: c2VjcmV0\n"));
        put(dir.path(), false).unwrap();
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn nobody_elses_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path(), &key());
        fs::write(&path, "sops: encrypted\n").unwrap();
        assert!(matches!(put(dir.path(), true), Err(FileError::Exists { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "sops: encrypted\n");
        fs::remove_file(&path).unwrap();
        #[cfg(unix)]
        {
            // A link would lead the key elsewhere.
            std::os::unix::fs::symlink("/dev/null", &path).unwrap();
            assert!(matches!(put(dir.path(), true), Err(FileError::Exists { .. })));
        }
        let absent = dir.path().join("absent");
        assert!(matches!(put(&absent, false), Err(FileError::NoDirectory { .. })));
    }

    #[test]
    fn a_key_goes_into_a_git_work_tree_only_where_git_ignores_it_or_by_force() {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "--quiet"]);
        let sub = dir.path().join("secrets");
        fs::create_dir(&sub).unwrap();
        let refused = put(&sub, false).unwrap_err();
        assert!(matches!(refused, FileError::InGit { .. }), "{refused}");
        assert!(refused.hint().unwrap().contains("--force"), "{refused}");
        assert_eq!(fs::read_dir(&sub).unwrap().count(), 0);
        put(&sub, true).unwrap();
        fs::write(dir.path().join(".gitignore"), "secrets/\n").unwrap();
        put(&sub, false).unwrap();
        // Tracked files are not ignored, whatever .gitignore says.
        git(dir.path(), &["add", "--force", "secrets/shop_shop-tls.yaml"]);
        assert!(matches!(put(&sub, false), Err(FileError::InGit { .. })));
    }

    #[test]
    fn nothing_of_a_repository_is_run_to_ask_it() {
        let dir = tempfile::tempdir().unwrap();
        let ran = dir.path().join("RAN");
        let touch = format!("touch {}; false", ran.display());
        let tree = dir.path().join("tree");
        fs::create_dir(&tree).unwrap();
        git(&tree, &["init", "--quiet"]);
        git(&tree, &["config", "core.fsmonitor", &touch]);
        git(&tree, &["config", "core.hooksPath", &dir.path().display().to_string()]);
        assert!(matches!(put(&tree, false), Err(FileError::InGit { .. })));
        assert!(!ran.exists(), "a program of the work tree's settings ran");
        // A directory of the work tree that is made to look like a repository.
        let out = tree.join("out");
        for part in ["objects/x", "refs/x"] {
            fs::create_dir_all(out.join(part)).unwrap();
        }
        fs::write(out.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let settings = format!("[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = \"{touch}\"\n");
        fs::write(out.join("config"), settings).unwrap();
        assert!(matches!(put(&out, false), Err(FileError::InGit { .. })));
        assert!(!ran.exists(), "a program that a directory names ran");
        // git still recognizes ignored files, in a linked work tree too.
        fs::write(tree.join(".gitignore"), "out/\nkeys/\n").unwrap();
        put(&out, false).unwrap();
        git(&tree, &["config", "--unset", "core.fsmonitor"]);
        git(&tree, &["config", "--unset", "core.hooksPath"]);
        git(&tree, &["add", ".gitignore"]);
        git(
            &tree,
            &[
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
                "commit",
                "--quiet",
                "-m",
                "x",
            ],
        );
        git(&tree, &["worktree", "add", "--quiet", "../linked"]);
        let linked = dir.path().join("linked/keys");
        fs::create_dir(&linked).unwrap();
        put(&linked, false).unwrap();
        assert!(matches!(
            put(&dir.path().join("linked"), false),
            Err(FileError::InGit { .. })
        ));
    }

    #[test]
    fn a_name_from_outside_stays_in_the_directory_and_two_names_share_no_file() {
        let out = path(Path::new("/out"), &Key::new("../a", "b/../../c"));
        assert_eq!(out, Path::new("/out/..-a_b-..-..-c.yaml"));
        assert_eq!(out.parent(), Some(Path::new("/out")));
        let long = |last: &str| Key::new("n".repeat(63), format!("{}{last}", "s".repeat(252)));
        let (a, b) = (path(Path::new("/out"), &long("a")), path(Path::new("/out"), &long("b")));
        assert_ne!(a, b);
        assert!(a.file_name().unwrap().len() < 230, "room for what is written beside it");
        assert_ne!(
            path(Path::new("/out"), &Key::new("a", "b-c")),
            path(Path::new("/out"), &Key::new("a-b", "c"))
        );
    }
}
