//! Stores a new certificate and key: in the Secret, with a backup of what they replace, or in a file.

use std::{path::PathBuf, time::Duration};

use super::{cancel::Cancel, failure::TargetError, lease::Lease};
use crate::{
    apply::{
        Api, ApiError, Pair, RunId, backup, file,
        secret::{Note, Options, SecretChange, Target},
    },
    error::Diagnose,
    object::Key,
    x509::Fingerprint,
};

/// How often a Secret is read again because something other than the certificate and key was changed meanwhile.
const TRIES: usize = 5;
/// How long an unreachable cluster is waited for once the certificate is issued.
const PATIENCE: Duration = Duration::from_mins(2);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// Where certificates are stored.
// There is only one for each run, so its size does not matter.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
pub enum Destination {
    /// Into Secrets.
    Cluster(Api),
    /// As manifests in this directory; with force, inside a git work tree too.
    Directory {
        /// The directory.
        directory: PathBuf,
        /// `--force` of the command line.
        force: bool,
    },
}

/// The parameters of storing.
#[derive(Debug)]
pub struct StoreRequest<'a> {
    /// What permits the write and controls it.
    pub options: &'a Options,
    /// The annotations for the Secret.
    pub note: &'a Note,
    /// The id of the run.
    pub run: &'a RunId,
}

/// The result of storing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The place in words: `Secret shop/shop-tls`, or a path.
    pub place: String,
    /// Whether the replaced certificate and key are kept.
    pub backed_up: bool,
    /// Notes worth reporting: other data keys that were generated again or are stale.
    pub notes: Vec<String>,
    /// The owner that was overridden: `owned by Helm (...)`.
    pub forced: Option<String>,
    /// When it was stored.
    pub at: tokio::time::Instant,
}

impl StoreRequest<'_> {
    /// Writes the Secret. `read` is the Secret as it was before the order: if another program has changed its
    /// certificate and key since then, they are not overwritten. An unreachable cluster is waited for, because the
    /// certificate is issued and must not be lost.
    pub async fn into_secret(
        &self,
        api: &Api,
        read: &Target,
        pair: &Pair,
        lease: Option<&Lease>,
        cancel: &Cancel,
    ) -> Result<Stored, TargetError> {
        let key = read.key().clone();
        let before = read.sha256(&self.options.slots);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut tries = 0;
        loop {
            // Cancel between two attempts only, so that a write that has begun is not cut off.
            if cancel.is_cancelled() {
                return Err(TargetError::NotStored);
            }
            match self.once(api, &key, before, pair, lease).await {
                Err(TargetError::Write(ApiError::Conflict { .. } | ApiError::AlreadyExists { .. }))
                    if tries < TRIES =>
                {
                    tries += 1;
                }
                Err(TargetError::Write(ref error)) if away(error) && tokio::time::Instant::now() < deadline => {
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        () = cancel.cancelled() => {}
                    }
                }
                other => return other,
            }
        }
    }

    async fn once(
        &self,
        api: &Api,
        key: &Key,
        before: Option<Fingerprint>,
        pair: &Pair,
        lease: Option<&Lease>,
    ) -> Result<Stored, TargetError> {
        let target = Target::read(api, key).await.map_err(TargetError::Write)?;
        let now = target.sha256(&self.options.slots);
        if now != before && now != Some(pair.sha256()) {
            return Err(TargetError::Changed(key.clone()));
        }
        let change = SecretChange::plan(&target, pair, self.options, self.note)?;
        if lease.is_some_and(Lease::is_lost) {
            return Err(TargetError::LeaseLost(key.clone()));
        }
        let mut backed_up = false;
        if !change.is_done(&target) {
            backed_up = backup::keep(api, &target, &change, self.run, crate::clock::now())
                .await
                .map_err(TargetError::Write)?;
            change.write(api).await.map_err(TargetError::Write)?;
        }
        Ok(Stored {
            place: format!("Secret {key}"),
            backed_up,
            notes: notes(&change),
            forced: change.forced().map(ToString::to_string),
            at: tokio::time::Instant::now(),
        })
    }

    /// Writes the Secret's manifest into a directory.
    pub async fn into_directory(
        &self,
        directory: PathBuf,
        force: bool,
        read: &Target,
        pair: &Pair,
    ) -> Result<Stored, TargetError> {
        let change = SecretChange::plan(read, pair, self.options, self.note)?;
        let notes = notes(&change);
        let written = tokio::task::spawn_blocking(move || file::write(&directory, &change, force)).await;
        let path = match written {
            Ok(Ok(path)) => path,
            Ok(Err(error)) => {
                return Err(TargetError::File {
                    message: crate::error::chain(&error),
                    hint: error.hint(),
                });
            }
            Err(_) => {
                return Err(TargetError::File {
                    message: "writing was cut off".to_owned(),
                    hint: None,
                });
            }
        };
        Ok(Stored {
            place: path.display().to_string(),
            backed_up: false,
            notes,
            forced: None,
            at: tokio::time::Instant::now(),
        })
    }
}

fn notes(change: &SecretChange) -> Vec<String> {
    let mut notes = Vec::new();
    if !change.remade().is_empty() {
        notes.push(format!("rebuilt beside it: {}", change.remade().join(", ")));
    }
    if !change.left_stale().is_empty() {
        notes.push(format!(
            "left as they were, and no longer the same certificate: {}",
            change.left_stale().join(", ")
        ));
    }
    if let Some(owner) = change.forced() {
        notes.push(format!("written although it is {owner}, which may write over it"));
    }
    notes
}

/// Whether the cluster is temporarily unreachable, rather than refusing the write.
fn away(error: &ApiError) -> bool {
    error.is_passing()
}
