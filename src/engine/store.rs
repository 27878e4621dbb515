//! Stores a new certificate and key: in the Secret, with a backup of what they replace, or in a file.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    authority::{Authority, Permitted},
    cancel::Cancel,
    failure::TargetError,
    lease::Lease,
};
use crate::{
    apply::{
        Api, ApiError, Folder, Pair, RunId, backup,
        kept::{self, KeepError, Keeping},
        secret::{Note, Options, SecretChange, Slots, Target},
    },
    error::Diagnose,
    object::Key,
    x509::{Fingerprint, KeyState},
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
        /// The directory, and for whom manifests are encrypted.
        folder: Folder,
        /// `--force` of the command line.
        force: bool,
        /// The Secret of the one target as manifests have it, if it was read; the target takes it.
        present: Arc<Mutex<Option<Target>>>,
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
    /// Whether an earlier run made the order, and the Secret has changed since: the certificate may be older than the one
    /// that is stored by now.
    pub may_be_older: bool,
    /// Where the pair is kept before it is stored, if that is wanted.
    pub keeping: Option<&'a Keeping>,
    /// Who lets the run write.
    pub authority: &'a Authority,
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
                Err(TargetError::Write(ref error) | TargetError::Keep(KeepError::Api(ref error)))
                    if away(error) && tokio::time::Instant::now() < deadline =>
                {
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
        if self.may_be_older {
            not_older(&target, pair, &self.options.slots)?;
        }
        let change = SecretChange::plan(&target, pair, self.options, self.note)?;
        if lease.is_some_and(Lease::is_lost) {
            return Err(TargetError::LeaseLost(key.clone()));
        }
        let mut backed_up = false;
        let _permitted = self.authority.permit()?;
        if let Some(keeping) = self.keeping {
            kept::keep(api, keeping, &target, pair, &change, self.run, crate::clock::now()).await?;
        }
        if !change.is_done(&target) {
            backed_up = backup::keep(api, &target, &change, self.run, crate::clock::now())
                .await
                .map_err(TargetError::Write)?;
            self.write(api, &change, self.authority.permit()?).await?;
        }
        Ok(Stored {
            place: format!("Secret {key}"),
            backed_up,
            notes: notes(&change),
            forced: change.forced().map(ToString::to_string),
            at: tokio::time::Instant::now(),
        })
    }

    /// The one write that puts a new certificate into service.
    async fn write(&self, api: &Api, change: &SecretChange, _permitted: Permitted) -> Result<(), TargetError> {
        change.write(api).await.map_err(TargetError::Write)
    }

    /// Writes the Secret's manifest into a directory.
    pub async fn into_directory(
        &self,
        folder: Folder,
        force: bool,
        read: &Target,
        pair: &Pair,
    ) -> Result<Stored, TargetError> {
        let change = SecretChange::plan(read, pair, self.options, self.note)?;
        let mut notes = notes(&change);
        notes.extend(folder.left_beside(change.key()));
        let chain = pair.chain_pem();
        let written = tokio::task::spawn_blocking(move || folder.write(&change, &chain, force)).await;
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

/// Refuses the certificate of an earlier run's order if it is not newer than the one that the Secret holds by now: the
/// journal may come from a backup of the cluster. No other dates are judged, because CAs backdate them, some to midnight:
/// neither those of this run's own order, which was made after the Secret was read, nor those of an earlier one if the
/// Secret still holds what it held when that order began.
#[allow(clippy::result_large_err)] // Called once for each certificate.
fn not_older(target: &Target, pair: &Pair, slots: &Slots) -> Result<(), TargetError> {
    let Some(held) = target.held(slots) else { return Ok(()) };
    let Some(present) = held.bundle.leaf() else {
        return Ok(());
    };
    let (now, leaf) = (crate::clock::now(), pair.leaf());
    let usable = held.bundle.key == KeyState::Matches
        && (present.not_before..=present.not_after).contains(&now)
        && target.revoked(present.sha256).is_none();
    if !usable || present.sha256 == leaf.sha256 || present.not_before < leaf.not_before {
        return Ok(());
    }
    Err(TargetError::Older {
        secret: target.key().clone(),
        not_before: leaf.not_before,
        present: present.not_before,
    })
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        apply::Roots,
        x509::testing::{Authority, Issued},
    };

    /// A leaf that is valid from some days before now, for 90 days.
    fn since(root: &Authority, days: i64) -> Issued {
        root.leaf_with("a.example", |params| {
            let day = |days: i64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(days.unsigned_abs() * 86_400);
            let today = crate::clock::now() / 86_400;
            params.not_before = day(today - days);
            params.not_after = day(today - days + 90);
        })
    }

    fn target(leaf: &Issued, key: &str, annotations: &Value) -> Target {
        let object = json!({
            "metadata": {"annotations": annotations},
            "stringData": {"tls.crt": leaf.pem(), "tls.key": key},
        });
        Target::of(Key::new("shop", "shop-tls"), Some(object))
    }

    #[test]
    fn what_an_old_order_gives_replaces_nothing_that_is_as_new_unless_that_is_unusable() {
        let root = Authority::root("Root");
        let (old, present, new) = (since(&root, 3), since(&root, 2), since(&root, 1));
        let pair = |leaf: &Issued| {
            let chain = leaf.pem();
            Pair::check(
                leaf.key_pem().into(),
                chain.as_bytes(),
                &[],
                crate::clock::now(),
                &Roots::Any,
            )
            .unwrap()
        };
        let judged =
            |leaf: &Issued, target: &Target| not_older(target, &pair(leaf), &Slots::default()).map_err(Box::new);
        let whole = target(&present, &present.key_pem(), &json!({}));
        let error = judged(&old, &whole).unwrap_err();
        assert!(
            error.to_string().contains("and Secret shop/shop-tls holds one of "),
            "{error}"
        );
        let same_day = judged(&since(&root, 2), &whole).unwrap_err();
        assert!(matches!(*same_day, TargetError::Older { .. }), "{same_day}");
        assert!(judged(&new, &whole).is_ok());
        assert!(judged(&present, &whole).is_ok(), "the same once more");
        let revoked = json!({"kubectl-certs.io/revoked": format!("{} superseded", Fingerprint::of(&present.der))});
        let expired = since(&root, 100);
        for unusable in [
            target(&present, &old.key_pem(), &json!({})),
            target(&present, &present.key_pem(), &revoked),
            target(&expired, &expired.key_pem(), &json!({})),
            Target::of(Key::new("shop", "shop-tls"), None),
        ] {
            assert!(judged(&old, &unusable).is_ok());
        }
    }
}
