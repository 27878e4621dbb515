//! The pair that was replaced: kept in a Secret beside for 30 days, and put back by `rollback`. The run that comes after removes it.

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::{
    Api, ApiError, Patch, Purpose, RunId, mark,
    owner::Owner,
    secret::{self, Data, SecretChange, Slots, Target},
};
use crate::{
    object::{Key, Seconds},
    plan::{
        permits::{Permit, Permits, Verb},
        resource::SECRET,
    },
    x509::{Certificate, Fingerprint},
};

/// Its type: neither a controller nor a scan takes it for a certificate that is in use.
pub const TYPE: &str = "kubectl-certs.io/backup";
/// SHA-256 of the leaf that it holds.
const HOLDS: &str = "kubectl-certs.io/backup-of";
/// SHA-256 of the leaf that replaced it.
const REPLACED_BY: &str = "kubectl-certs.io/replaced-by";
/// The data keys of chain and key.
const SLOTS: &str = "kubectl-certs.io/secret-keys";
/// The annotations that the Secret had of this program, as JSON.
const NOTES: &str = "kubectl-certs.io/notes";

/// How long a backup is kept at the least: until the new pair has long been seen to serve.
pub const KEPT: Seconds = 30 * 24 * 60 * 60;

/// Where the backup of a Secret is.
pub fn key(of: &Key) -> Key {
    Key::new(of.namespace.clone(), Purpose::Backup.name(&of.to_string()))
}

/// What keeping a backup may do: for the plan of a renewal.
pub fn permits(of: &Key) -> Permits {
    let at = key(of);
    let verbs = [Verb::Get, Verb::Create, Verb::Update];
    Permits::none().with(Permit::one(&verbs, SECRET, at.namespace, at.name))
}

/// What a rollback may do.
pub fn rollback_permits(of: &Key) -> Permits {
    let at = key(of);
    secret::permits(of, true).with(Permit::one(&[Verb::Get], SECRET, at.namespace, at.name))
}

/// Keeps what a change is about to replace. An earlier backup of the same Secret is replaced. `false` when there is nothing
/// to keep, because the Secret is new or holds no certificate.
pub async fn keep(
    api: &Api,
    target: &Target,
    change: &SecretChange,
    run: &RunId,
    now: Seconds,
) -> Result<bool, ApiError> {
    let Some(object) = backup(target, change, run, now) else {
        return Ok(false);
    };
    let at = key(target.key());
    // The lifetime of a backup that is written twice at once belongs to the later one: a few tries are enough.
    let mut last = None;
    for _ in 0..4 {
        let written = match api.get(SECRET, &at).await? {
            None => api.create(SECRET, &object).await,
            Some(found) => {
                let mut object = object.clone();
                object["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"].clone();
                object["metadata"]["uid"] = found["metadata"]["uid"].clone();
                api.replace(SECRET, &object).await
            }
        };
        match written {
            Ok(_) => return Ok(true),
            Err(error @ (ApiError::Conflict { .. } | ApiError::AlreadyExists { .. } | ApiError::NotFound { .. })) => {
                last = Some(error);
            }
            Err(error) if error.is_uncertain() => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    last.map_or(Ok(true), Err)
}

/// The backup as an object; `None` when there is no certificate to keep.
fn backup(target: &Target, change: &SecretChange, run: &RunId, now: Seconds) -> Option<Value> {
    let slots = change.slots();
    let held = target.sha256(slots)?;
    let data = target.data()?;
    // Everything that the change writes over, so that a rollback puts all of it back.
    let kept: Vec<_> = data
        .iter()
        .filter(|(name, _)| change.data().contains_key(*name))
        .collect();
    let at = key(target.key());
    let mut object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": TYPE,
        "metadata": {"namespace": at.namespace.as_str(), "name": at.name.as_str()},
        "data": secret::encoded(kept),
    });
    mark::mark(
        &mut object,
        run,
        Purpose::Backup,
        now.saturating_add(KEPT),
        target.key(),
    );
    for (name, value) in [
        (HOLDS, held.to_string()),
        (REPLACED_BY, change.sha256().to_string()),
        (SLOTS, json!([slots.certificate, slots.key]).to_string()),
        (NOTES, notes(target.object()?).to_string()),
    ] {
        mark::set(&mut object, "annotations", name, &value);
    }
    Some(object)
}

/// The annotations of this program; what is absent is null, so that putting them back takes newer ones away.
fn notes(object: &Value) -> Value {
    let annotations = &object["metadata"]["annotations"];
    let names = secret::NOTED.iter();
    let map: Map<String, Value> = names
        .map(|name| ((*name).to_owned(), annotations[*name].clone()))
        .collect();
    map.into()
}

/// Why a pair is not put back. The messages fit "cannot roll back: ...".
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// There is no backup.
    #[error("no earlier pair of Secret {key} is kept")]
    None {
        /// The Secret.
        key: Key,
    },
    /// The Secret itself is gone.
    #[error("Secret {key} is not there any more")]
    Gone {
        /// The Secret.
        key: Key,
    },
    /// It is back.
    #[error("Secret {key} already holds the earlier pair ({sha256})")]
    Already {
        /// The Secret.
        key: Key,
        /// SHA-256 of its leaf.
        sha256: String,
    },
    /// It holds neither the earlier pair nor the one that replaced it.
    #[error(
        "Secret {key} has been changed by another since: it holds neither the earlier pair nor the one that replaced it"
    )]
    Changed {
        /// The Secret.
        key: Key,
    },
    /// Someone else owns it.
    #[error("Secret {key} is {owner}")]
    Owned {
        /// The Secret.
        key: Key,
        /// Who.
        owner: Owner,
    },
    /// The earlier certificate is over.
    #[error("the earlier certificate of Secret {key} has expired on {}", crate::text::date(*.not_after))]
    Expired {
        /// The Secret.
        key: Key,
        /// When.
        not_after: Seconds,
    },
    /// The backup cannot be read.
    #[error("what is kept of Secret {key} cannot be read")]
    Unreadable {
        /// The Secret.
        key: Key,
    },
    /// The cluster.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl RollbackError {
    /// One line that says what to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None { .. } => {
                "the pair that a renewal replaces is kept for 30 days at the least; renew issues a new one".into()
            }
            Self::Gone { .. } => "issue makes a new one".into(),
            Self::Already { .. } => return None,
            Self::Changed { .. } | Self::Expired { .. } => "--force puts it back all the same".into(),
            Self::Owned { owner, .. } => format!("{}; --force writes it all the same", owner.change),
            Self::Unreadable { .. } => "renew issues a new one".into(),
            Self::Api(error) => return error.hint(),
        })
    }
}

/// What a rollback is about to do.
pub struct Rollback {
    key: Key,
    uid: String,
    version: String,
    data: Data,
    notes: Value,
    /// SHA-256 of the leaf that is put back.
    pub sha256: Fingerprint,
    /// SHA-256 of the leaf that goes, where there is one.
    pub replaces: Option<Fingerprint>,
    /// Until when the earlier certificate is valid.
    pub not_after: Seconds,
    /// The names that it has.
    pub names: Vec<String>,
    /// The leaf that is put back.
    pub leaf: Arc<Certificate>,
    /// The leaf that goes, where there is one.
    pub present: Option<Arc<Certificate>>,
}

impl std::fmt::Debug for Rollback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rollback")
            .field("key", &self.key)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

impl Rollback {
    /// Reads the Secret and its backup, and plans to put the pair back, or says why not.
    pub async fn read(api: &Api, of: &Key, force: bool, now: Seconds) -> Result<Self, RollbackError> {
        let Some(backup) = api.get(SECRET, &key(of)).await? else {
            return Err(RollbackError::None { key: of.clone() });
        };
        let target = Target::read(api, of).await?;
        Self::plan(&target, backup, force, now)
    }

    /// The same of objects that were read.
    pub fn plan(target: &Target, backup: Value, force: bool, now: Seconds) -> Result<Self, RollbackError> {
        let of = target.key().clone();
        let annotation = |name: &str| backup["metadata"]["annotations"][name].as_str().map(str::to_owned);
        let text = |name: &str| annotation(name).and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let names = text(SLOTS).unwrap_or_default();
        let (Some(certificate), Some(key)) = (names[0].as_str(), names[1].as_str()) else {
            return Err(RollbackError::Unreadable { key: of });
        };
        let slots = Slots {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let (replaced_by, about) = (annotation(REPLACED_BY), annotation(mark::FOR));
        let notes = text(NOTES).filter(Value::is_object).unwrap_or_else(|| json!({}));
        // A name is a hash: only what the backup says of itself tells whose it is.
        if about != Some(of.to_string()) {
            return Err(RollbackError::None { key: of });
        }
        let kept = Target::of(of.clone(), Some(backup));
        let leaf = kept.held(&slots).and_then(|held| held.bundle.leaf().cloned());
        let Some(leaf) = leaf else {
            return Err(RollbackError::Unreadable { key: of });
        };
        let (Some(uid), Some(version)) = (target.uid(), target.version()) else {
            return Err(RollbackError::Gone { key: of });
        };
        let data = kept.data().cloned().unwrap_or_default();
        let same = |now: &Data| {
            data.iter().all(|(name, value)| {
                now.get(name)
                    .is_some_and(|n| n.expose_secret() == value.expose_secret())
            })
        };
        if target.data().is_some_and(same) {
            return Err(RollbackError::Already {
                key: of,
                sha256: leaf.sha256.to_string(),
            });
        }
        let present = target.sha256(&slots);
        if !force {
            if let Some(owner) = target.owner(&slots) {
                return Err(RollbackError::Owned { key: of, owner });
            }
            if present.map(|p| p.to_string()) != replaced_by {
                return Err(RollbackError::Changed { key: of });
            }
            if leaf.not_after < now {
                let not_after = leaf.not_after;
                return Err(RollbackError::Expired { key: of, not_after });
            }
        }
        Ok(Self {
            uid: uid.to_owned(),
            version: version.to_owned(),
            key: of,
            data,
            notes,
            sha256: leaf.sha256,
            replaces: present,
            not_after: leaf.not_after,
            names: leaf.names.iter().map(ToString::to_string).collect(),
            present: target.held(&slots).and_then(|held| held.bundle.leaf().cloned()),
            leaf,
        })
    }

    /// Puts it back, with one conditional write: [`ApiError::Conflict`] when the Secret has been changed since it was read.
    pub async fn write(&self, api: &Api) -> Result<(), ApiError> {
        let patch = Patch::Merge(json!({
            "metadata": {"uid": self.uid, "resourceVersion": self.version, "annotations": self.notes},
            "data": secret::encoded(&self.data),
        }));
        match api.patch(SECRET, &self.key, &patch).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_uncertain() && !api.is_dry_run() => {
                let now = Target::read(api, &self.key).await?;
                let done = now.data().is_some_and(|now| {
                    self.data.iter().all(|(name, value)| {
                        now.get(name)
                            .is_some_and(|n| n.expose_secret() == value.expose_secret())
                    })
                });
                if done { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apply::{
            pair::tests::{NOW, pair},
            secret::{Note, Options},
        },
        x509::testing::{Authority, Issued},
    };

    fn secret(leaf: &Issued, extra: Value) -> Value {
        let mut object = json!({
            "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"namespace": "shop", "name": "shop-tls", "uid": "u", "resourceVersion": "1"},
            "stringData": {"tls.crt": leaf.pem(), "tls.key": leaf.key_pem(), "privkey.pem": leaf.key_pem(), "other": "x"},
        });
        object["metadata"]["annotations"] = extra;
        object
    }

    fn of(object: Value) -> Target {
        Target::of(Key::new("shop", "shop-tls"), Some(object))
    }

    #[test]
    fn what_a_renewal_replaces_is_kept_and_put_back_once_and_only_over_its_successor() {
        let root = Authority::root("Root");
        let (old, new, third) = (root.leaf("a.example"), root.leaf("a.example"), root.leaf("a.example"));
        let run = RunId::random();
        let note = Note {
            run: run.clone(),
            issuer: "own".into(),
            order: None,
            at: NOW,
            window: None,
        };
        let target = of(secret(&old, json!({"kubectl-certs.io/issuer": "first"})));
        let change = SecretChange::plan(&target, &pair(&new, &[]), &Options::default(), &note).unwrap();
        let kept = backup(&target, &change, &run, NOW).unwrap();
        let names: Vec<&String> = kept["data"].as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            ["privkey.pem", "tls.crt", "tls.key"],
            "all that is written over, and no more"
        );
        assert_eq!(kept["type"], TYPE);
        assert_eq!(kept["metadata"]["labels"][mark::PURPOSE], "backup");

        let plan = |object: Value, force, now| Rollback::plan(&of(object), kept.clone(), force, now);
        let back = plan(secret(&new, json!({})), false, NOW).unwrap();
        assert_eq!(back.sha256, Fingerprint::of(&old.der));
        assert_eq!(back.replaces, Some(Fingerprint::of(&new.der)));
        assert_eq!(back.notes["kubectl-certs.io/issuer"], "first");
        assert_eq!(back.notes["kubectl-certs.io/order"], Value::Null);
        assert!(back.notes.as_object().unwrap().contains_key("kubectl-certs.io/order"));
        assert!(!format!("{back:?}").contains("PRIVATE"), "{back:?}");

        for (object, now, words) in [
            (secret(&old, json!({})), NOW, "already holds the earlier pair"),
            (secret(&third, json!({})), NOW, "has been changed by another"),
            (
                secret(&new, json!({"meta.helm.sh/release-name": "shop"})),
                NOW,
                "owned by Helm",
            ),
            (secret(&new, json!({})), i64::MAX, "has expired"),
        ] {
            let error = plan(object, false, now).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(plan(secret(&third, json!({})), true, NOW).is_ok());
        let gone = Target::of(Key::new("shop", "shop-tls"), None);
        assert!(matches!(
            Rollback::plan(&gone, kept.clone(), true, NOW),
            Err(RollbackError::Gone { .. })
        ));
        let another = Target::of(Key::new("shop", "other"), None);
        assert!(matches!(
            Rollback::plan(&another, kept.clone(), true, NOW),
            Err(RollbackError::None { .. })
        ));
    }

    #[test]
    fn a_new_secret_or_one_without_certificate_leaves_nothing_to_keep() {
        let root = Authority::root("Root");
        let new = root.leaf("a.example");
        let run = RunId::random();
        let note = Note {
            run: run.clone(),
            issuer: "own".into(),
            order: None,
            at: NOW,
            window: None,
        };
        let mut empty = secret(&new, json!({}));
        empty["stringData"] = json!({"tls.crt": "", "tls.key": ""});
        for target in [Target::of(Key::new("shop", "shop-tls"), None), of(empty)] {
            let change = SecretChange::plan(&target, &pair(&new, &[]), &Options::default(), &note).unwrap();
            assert!(backup(&target, &change, &run, NOW).is_none());
        }
    }
}
