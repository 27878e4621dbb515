//! A certificate and its key in files, for as long as a hook runs.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::apply::Pair;

/// The names of the files, as dehydrated has them, in the order of its arguments.
const NAMES: [&str; 4] = ["privkey.pem", "cert.pem", "fullchain.pem", "chain.pem"];

/// Four files for this user alone, in a directory for this user alone. Both are removed with this value.
#[derive(Debug)]
pub(super) struct CertificateFiles(TempDir);

impl CertificateFiles {
    /// Writes the files into memory if the system has such a directory for its users, else among the temporary files.
    pub(super) fn write(pair: &Pair) -> io::Result<Self> {
        let place = std::env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|place| place.is_absolute() && place.is_dir())
            .unwrap_or_else(std::env::temp_dir);
        Self::within(&place, pair)
    }

    fn within(place: &Path, pair: &Pair) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("kubectl-certs-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let files = Self(builder.tempdir_in(place)?);
        let [key, leaf, whole, issuers] = files.paths();
        private(&key, pair.key().expose_secret())?;
        private(&leaf, &pair.leaf_pem())?;
        private(&whole, &pair.chain_pem())?;
        private(&issuers, &pair.issuers_pem())?;
        Ok(files)
    }

    /// The paths of key, certificate, whole chain, and chain without the certificate.
    pub(super) fn paths(&self) -> [PathBuf; 4] {
        NAMES.map(|name| self.0.path().join(name))
    }
}

/// Writes a new file that only this user can read.
fn private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
