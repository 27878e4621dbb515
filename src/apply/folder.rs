//! A directory for the manifests of Secrets, plain or encrypted with age.
//!
//! Beside an encrypted manifest, `NAME.yaml.age`, stands the public chain, `NAME.crt`, so that it is known without a
//! private key when the certificate is due. Its first lines say which encrypted file it belongs to, and what else that
//! file holds. It is written first: a run that is killed between the two leaves a chain that belongs to no file, and the
//! next run orders anew.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    SecretChange,
    age::{self, AgeError, Identity, Recipient},
    file::{self, FileError, HEADER},
    secret::Exported,
};
use crate::{
    file::{Lasting, PATIENCE, ReadError, SMALL, read, replace},
    object::Key,
    x509::Fingerprint,
};

/// How the first line of a chain begins.
const CHAIN: &str = "# Written by kubectl certs: the chain of ";
/// What stands before the digest of the encrypted file in it.
const DIGEST: &str = ", SHA-256 ";
/// How the line begins that names the other data keys of the encrypted file.
const OTHERS: &str = "# It also holds: ";

/// Where manifests are written, and for whom they are encrypted.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// The directory.
    pub directory: PathBuf,
    /// For whom manifests are encrypted; without any they are plain.
    pub recipients: Vec<Recipient>,
    /// Who reads what was encrypted before.
    pub identities: Vec<Identity>,
}

/// What became of a Secret that was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It was written to this file.
    Written(PathBuf),
    /// This file has the certificate already.
    AsItWas(PathBuf),
}

/// An encrypted manifest that is there.
#[derive(Debug)]
pub struct Sealed {
    /// Its path.
    pub path: PathBuf,
    /// The manifest, if an identity decrypts it.
    pub manifest: Option<Zeroizing<String>>,
    /// The chain beside it, if that belongs to it.
    pub chain: Option<Vec<u8>>,
    /// The other data keys that it holds, according to the chain.
    pub others: Vec<String>,
}

impl Folder {
    /// A directory for plain manifests.
    pub fn plain(directory: PathBuf) -> Self {
        Self {
            directory,
            ..Self::default()
        }
    }

    /// The file for the manifest of a Secret.
    pub fn path(&self, key: &Key) -> PathBuf {
        if self.recipients.is_empty() {
            file::path(&self.directory, key)
        } else {
            self.sealed_path(key)
        }
    }

    fn sealed_path(&self, key: &Key) -> PathBuf {
        with(&file::path(&self.directory, key), ".age")
    }

    fn chain_path(&self, key: &Key) -> PathBuf {
        file::path(&self.directory, key).with_extension("crt")
    }

    /// Performs the checks of [`Self::write`] without writing, before anything is ordered. An encrypted manifest may be
    /// in a git work tree.
    pub fn check(&self, key: &Key, force: bool) -> Result<PathBuf, FileError> {
        if self.recipients.is_empty() {
            return file::check(&self.directory, key, force);
        }
        if !self.directory.is_dir() {
            return Err(FileError::NoDirectory {
                path: self.directory.clone(),
            });
        }
        let (path, chain) = (self.sealed_path(key), self.chain_path(key));
        let ours = first_line(&chain).is_some_and(|line| line.starts_with(CHAIN));
        if is_there(&chain) && !ours {
            return Err(FileError::Exists { path: chain });
        }
        let sealed = self.sealed(key).map_err(|source| FileError::Io {
            path: path.clone(),
            source,
        })?;
        if let Some(sealed) = sealed {
            let written_here = sealed.manifest.as_ref().is_some_and(|text| text.starts_with(HEADER));
            if !written_here && !ours {
                return Err(FileError::Exists { path });
            }
            if sealed.manifest.is_none() && !sealed.others.is_empty() {
                return Err(FileError::Sealed {
                    path,
                    keys: sealed.others,
                });
            }
        }
        Ok(path)
    }

    /// Writes the manifest of a planned Secret with its chain (PEM), readable only by its owner, completely or not at
    /// all. Returns its path. Blocks.
    pub fn write(&self, change: &SecretChange, chain: &str, force: bool) -> Result<PathBuf, FileError> {
        if self.recipients.is_empty() {
            return file::write(&self.directory, change, force);
        }
        self.check(change.key(), force)?;
        let others: Vec<&str> = change.others().collect();
        self.seal(change.key(), &change.manifest(), &others, chain)
    }

    /// Writes a Secret that is exported, encrypted, if it is not there already. Blocks.
    ///
    /// # Errors
    ///
    /// There are no recipients, a file of that name is somebody else's, or it cannot be written.
    pub fn put(&self, exported: &Exported, again: bool) -> Result<Put, FileError> {
        let (key, chain) = (&exported.key, &exported.chain);
        let path = self.sealed_path(key);
        if self.recipients.is_empty() {
            let source = AgeError::Empty;
            return Err(FileError::Encrypt { path, source });
        }
        // What else the file holds is in the Secret too: nothing is lost with it.
        match self.check(key, false) {
            Ok(_) | Err(FileError::Sealed { .. }) => {}
            Err(error) => return Err(error),
        }
        if !again && self.has(exported) {
            return Ok(Put::AsItWas(path));
        }
        let others: Vec<&str> = exported.others.iter().map(String::as_str).collect();
        self.seal(key, exported.manifest(), &others, chain).map(Put::Written)
    }

    /// Whether the chain beside the encrypted manifest says that this certificate is in it.
    fn has(&self, exported: &Exported) -> bool {
        let sealed = self.sealed(&exported.key).ok().flatten();
        sealed.is_some_and(|sealed| {
            let chain = sealed.chain.as_deref().map(String::from_utf8_lossy);
            sealed.others == exported.others && chain.is_some_and(|chain| chain.ends_with(&exported.chain))
        })
    }

    /// Writes the manifest of a Secret encrypted, and its chain beside it.
    fn seal(&self, key: &Key, manifest: &Value, others: &[&str], chain: &str) -> Result<PathBuf, FileError> {
        let path = self.sealed_path(key);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| FileError::Io { path, source }
        };
        let plain = file::text(manifest).map_err(failed(&path))?;
        let sealed = age::encrypt(&plain, &self.recipients).map_err(|source| FileError::Encrypt {
            path: path.clone(),
            source,
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut beside = format!("{CHAIN}{name}{DIGEST}{}\n", Fingerprint::of(&sealed));
        if !others.is_empty() {
            beside = format!("{beside}{OTHERS}{}\n", others.join(", "));
        }
        beside.push_str(chain);
        let crt = self.chain_path(key);
        replace(&crt, beside.as_bytes(), Lasting::Content).map_err(failed(&crt))?;
        // A key that is lost in a power failure cannot be recovered.
        replace(&path, &sealed, Lasting::Content).map_err(failed(&path))?;
        Ok(path)
    }

    /// The encrypted manifest of a Secret; `None` if there is none.
    pub fn sealed(&self, key: &Key) -> io::Result<Option<Sealed>> {
        let path = self.sealed_path(key);
        if !is_there(&path) {
            return Ok(None);
        }
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let sealed = read(&path, SMALL, PATIENCE).map_err(io::Error::from)?;
        let manifest = match age::decrypt(&sealed, &self.identities) {
            Ok(plain) => std::str::from_utf8(&plain)
                .ok()
                .map(|text| Zeroizing::new(text.to_owned())),
            Err(AgeError::NotForUs) => None,
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        let beside = match read(&self.chain_path(key), SMALL, PATIENCE) {
            Ok(text) => text,
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Zeroizing::default(),
            Err(error) => return Err(error.into()),
        };
        let beside = String::from_utf8_lossy(&beside);
        let head = beside.lines().next().unwrap_or_default();
        let digest = head.strip_prefix(CHAIN).and_then(|head| head.rsplit_once(DIGEST));
        let belongs = digest.is_some_and(|(_, digest)| digest == Fingerprint::of(&sealed).to_string());
        let others = beside.lines().find_map(|line| line.strip_prefix(OTHERS));
        let others = others.map(|all| all.split(", ").map(str::to_owned).collect());
        Ok(Some(Sealed {
            path,
            manifest,
            chain: belongs.then(|| beside.as_bytes().to_vec()),
            others: others.unwrap_or_default(),
        }))
    }

    /// That a plain manifest with the private key is beside an encrypted one, if it is.
    pub fn left_beside(&self, key: &Key) -> Option<String> {
        let plain = file::path(&self.directory, key);
        (!self.recipients.is_empty() && is_there(&plain)).then(|| {
            format!(
                "{} is left, with a private key that is not encrypted: delete it",
                plain.display()
            )
        })
    }
}

fn with(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The first line of a regular file that is text.
fn first_line(path: &Path) -> Option<String> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut start = Vec::new();
    fs::File::open(path).ok()?.take(4096).read_to_end(&mut start).ok()?;
    let text = String::from_utf8_lossy(&start);
    text.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        apply::{
            age::tests::keygen,
            secret::{Slots, Target},
        },
        x509::testing::Authority,
    };

    fn exported(more: &serde_json::Value) -> Exported {
        let leaf = Authority::root("Root").leaf("a.example");
        let mut data = json!({"tls.crt": leaf.pem(), "tls.key": leaf.key_pem()});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let object =
            json!({"kind": "Secret", "metadata": {"namespace": "shop", "name": "shop-tls"}, "stringData": data});
        let target = Target::of(Key::new("shop", "shop-tls"), Some(object));
        Exported::of(&target, &Slots::default()).unwrap()
    }

    fn folder(directory: &Path, recipients: &[&str]) -> Folder {
        Folder {
            directory: directory.to_owned(),
            recipients: recipients.iter().map(|it| it.parse().unwrap()).collect(),
            identities: Vec::new(),
        }
    }

    #[test]
    fn a_secret_is_written_once_and_never_in_the_clear() {
        let (identity, recipient) = keygen();
        let dir = tempfile::tempdir().unwrap();
        let first = exported(&json!({"more": "secret words"}));
        let nobody = folder(dir.path(), &[]).put(&first, false);
        assert!(matches!(nobody, Err(FileError::Encrypt { .. })), "{nobody:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let folder = folder(dir.path(), &[&recipient]);
        let path = dir.path().join("shop_shop-tls.yaml.age");
        assert_eq!(folder.put(&first, false).unwrap(), Put::Written(path.clone()));
        let sealed = fs::read(&path).unwrap();
        // The same once more changes nothing, which git would show.
        assert_eq!(folder.put(&first, false).unwrap(), Put::AsItWas(path.clone()));
        assert_eq!(fs::read(&path).unwrap(), sealed);
        assert_eq!(folder.put(&first, true).unwrap(), Put::Written(path.clone()));
        assert_ne!(fs::read(&path).unwrap(), sealed);
        assert_eq!(folder.put(&exported(&json!({})), false).unwrap(), Put::Written(path));
        for entry in fs::read_dir(dir.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("PRIVATE") && !text.contains("secret words"), "{text}");
        }
        let read = Folder {
            identities: age::identities(&identity).unwrap(),
            ..folder
        };
        let sealed = read.sealed(&Key::new("shop", "shop-tls")).unwrap().unwrap();
        assert!(sealed.manifest.unwrap().contains("tls.key: "));
        assert!(sealed.chain.is_some());
    }

    #[test]
    fn a_file_of_somebody_elses_stays() {
        let (_, recipient) = keygen();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("shop_shop-tls.crt"), "theirs").unwrap();
        let refused = folder(dir.path(), &[&recipient]).put(&exported(&json!({})), true);
        assert!(matches!(refused, Err(FileError::Exists { .. })), "{refused:?}");
        let absent = folder(&dir.path().join("absent"), &[&recipient]).put(&exported(&json!({})), true);
        assert!(matches!(absent, Err(FileError::NoDirectory { .. })), "{absent:?}");
    }
}
