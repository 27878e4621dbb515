//! Restores a replaced certificate and key.

mod error;

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

pub use error::RollbackError;

use super::{COMPROMISED, NOTES, REPLACED_BY, SLOTS, key, of_pair};
use crate::{
    apply::{
        Api, ApiError, Patch, RunId, mark,
        owner::Owner,
        secret::{self, Data, REVOKED, Slots, Target},
    },
    k8s::{Believed, Edit},
    object::resource::SECRET,
    object::{Key, Seconds},
    x509::{Certificate, Fingerprint},
};

/// A planned rollback.
pub struct Rollback {
    key: Key,
    uid: String,
    version: String,
    data: Data,
    notes: Value,
    /// The SHA-256 of the leaf that is restored.
    pub sha256: Fingerprint,
    /// The SHA-256 of the leaf that is replaced, if there is one.
    pub replaces: Option<Fingerprint>,
    /// The end of the earlier certificate's validity, in seconds since 1970.
    pub not_after: Seconds,
    /// The names of the earlier certificate.
    pub names: Vec<String>,
    /// The leaf that is restored.
    pub leaf: Arc<Certificate>,
    /// The leaf that is replaced, if there is one.
    pub present: Option<Arc<Certificate>>,
    /// The reasons against it that `--force` overrides, one line each.
    pub against: Vec<String>,
    /// The owner that is overridden.
    pub forced: Option<Owner>,
    /// The backup as it was read.
    backup: Value,
    /// The backup of what is replaced; `None` if there is nothing to keep.
    undo: Option<Value>,
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
    /// Reads the Secret and its backup, and plans the rollback, or says why it is not possible.
    pub async fn read(api: &Api, of: &Key, force: bool, run: &RunId, now: Seconds) -> Result<Self, RollbackError> {
        let Some(backup) = api.get(SECRET, &key(of)).await? else {
            return Err(RollbackError::None { key: of.clone() });
        };
        let target = Target::read(api, of).await?;
        Self::plan(&target, backup, force, run, now)
    }

    /// Plans a rollback with objects that were read already.
    pub fn plan(target: &Target, backup: Value, force: bool, run: &RunId, now: Seconds) -> Result<Self, RollbackError> {
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
        // The name contains a hash, so that only the annotation of the backup tells to which Secret it belongs.
        if about != Some(of.to_string()) {
            return Err(RollbackError::None { key: of });
        }
        let kept = Target::of(of.clone(), Some(backup.clone()));
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
        let owner = target.owner(&slots);
        let mut against: Vec<RollbackError> = Vec::new();
        against.extend(
            owner
                .clone()
                .map(|owner| RollbackError::Owned { key: of.clone(), owner }),
        );
        if present.map(|p| p.to_string()) != replaced_by {
            against.push(RollbackError::Changed { key: of.clone() });
        }
        if let Some(reason) = revoked(&leaf, &backup, &notes, target) {
            let error = RollbackError::Revoked {
                key: of.clone(),
                reason,
            };
            if matches!(&error, RollbackError::Revoked { reason, .. } if reason == COMPROMISED) {
                return Err(error);
            }
            against.push(error);
        }
        if leaf.not_after < now {
            let not_after = leaf.not_after;
            against.push(RollbackError::Expired {
                key: of.clone(),
                not_after,
            });
        }
        if leaf.self_signed {
            against.push(RollbackError::SelfSigned { key: of.clone() });
        }
        let lines = against.iter().map(ToString::to_string).collect();
        if let (false, Some(first)) = (force, against.into_iter().next()) {
            return Err(first);
        }
        Ok(Self {
            uid: uid.to_owned(),
            version: version.to_owned(),
            key: of,
            notes,
            sha256: leaf.sha256,
            replaces: present,
            not_after: leaf.not_after,
            names: leaf.names.iter().map(ToString::to_string).collect(),
            present: target.held(&slots).and_then(|held| held.bundle.leaf().cloned()),
            against: lines,
            forced: owner,
            undo: of_pair(target, &slots, &data, leaf.sha256, run, now),
            backup,
            leaf,
            data,
        })
    }

    /// Keeps what is replaced in place of what is restored, so that a second rollback undoes the first. If the
    /// following write fails, [`Self::keep_again`] restores the previous backup. Returns `false` if there is nothing to
    /// keep.
    pub async fn keep_present(&self, api: &Api) -> Result<bool, ApiError> {
        let Some(undo) = &self.undo else { return Ok(false) };
        let mut object = undo.clone();
        for field in ["uid", "resourceVersion"] {
            object["metadata"][field] = self.backup["metadata"][field].clone();
        }
        api.replace(SECRET, &object).await.map(|_| true)
    }

    /// Restores the previous backup.
    pub async fn keep_again(&self, api: &Api) -> Result<(), ApiError> {
        let again = |found: Option<&Value>| {
            Ok::<_, ApiError>(match found {
                Some(_) => Edit::Whole(self.backup.clone()),
                None => Edit::Nothing,
            })
        };
        let at = key(&self.key);
        api.update(SECRET, &at, Believed::Unknown, again).await.map(drop)
    }

    /// Writes the Secret with one conditional request: [`ApiError::Conflict`] if it has been changed since it was read.
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

/// Why the certificate that would be restored was revoked, if this program recorded that: on the backup, in the
/// annotations that the backup has of the Secret, or on the Secret.
fn revoked(leaf: &Certificate, backup: &Value, notes: &Value, target: &Target) -> Option<String> {
    let of_leaf = |text: &str| secret::reason_of(text, leaf.sha256).map(str::to_owned);
    let on = |object: &Value| object["metadata"]["annotations"][REVOKED].as_str().and_then(of_leaf);
    on(backup)
        .or_else(|| notes[REVOKED].as_str().and_then(of_leaf))
        .or_else(|| target.object().and_then(on))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{TYPE, backup},
        *,
    };
    use crate::{
        apply::{
            pair::tests::{NOW, pair},
            secret::{Note, Options, SecretChange},
        },
        error::Diagnose as _,
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

    fn note(run: &RunId) -> Note {
        Note {
            claim: None,
            run: run.clone(),
            issuer: "own".into(),
            directory: "https://ca.example/directory".into(),
            order: None,
            account: None,
            kind: None,
            at: NOW,
            window: None,
        }
    }

    #[test]
    fn what_a_renewal_replaces_is_kept_and_put_back_once_and_only_over_its_successor() {
        let root = Authority::root("Root");
        let (old, new, third) = (root.leaf("a.example"), root.leaf("a.example"), root.leaf("a.example"));
        let run = RunId::random();
        let note = note(&run);
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

        let plan = |object: Value, force, now| Rollback::plan(&of(object), kept.clone(), force, &run, now);
        let back = plan(secret(&new, json!({})), false, NOW).unwrap();
        assert_eq!(back.sha256, Fingerprint::of(&old.der));
        assert_eq!(back.replaces, Some(Fingerprint::of(&new.der)));
        assert_eq!(back.notes["kubectl-certs.io/issuer"], "first");
        assert_eq!(back.notes["kubectl-certs.io/order"], Value::Null);
        assert!(back.notes.as_object().unwrap().contains_key("kubectl-certs.io/order"));
        assert!(!format!("{back:?}").contains("PRIVATE"), "{back:?}");

        for (object, now, words) in [
            (secret(&old, json!({})), NOW, "already holds the earlier pair"),
            (secret(&third, json!({})), NOW, "has been changed by someone else"),
            (
                secret(&new, json!({"meta.helm.sh/release-name": "shop"})),
                NOW,
                "owned by Helm",
            ),
            (secret(&new, json!({})), i64::MAX, "expired on"),
        ] {
            let error = plan(object, false, now).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
        let forced = plan(secret(&third, json!({})), true, NOW).unwrap();
        assert!(
            forced.against[0].contains("has been changed by someone else"),
            "{:?}",
            forced.against
        );
        // What is replaced is kept in place of what is restored, so that it can be undone.
        let undo = back.undo.clone().unwrap();
        let again = Rollback::plan(&of(secret(&old, json!({}))), undo, false, &run, NOW).unwrap();
        assert_eq!(again.sha256, Fingerprint::of(&new.der));
        assert!(again.against.is_empty());
        let gone = Target::of(Key::new("shop", "shop-tls"), None);
        assert!(matches!(
            Rollback::plan(&gone, kept.clone(), true, &run, NOW),
            Err(RollbackError::Gone { .. })
        ));
        let another = Target::of(Key::new("shop", "other"), None);
        assert!(matches!(
            Rollback::plan(&another, kept.clone(), true, &run, NOW),
            Err(RollbackError::None { .. })
        ));
    }

    #[test]
    fn what_was_revoked_or_signed_itself_comes_back_only_by_force_and_a_key_that_others_know_never() {
        let root = Authority::root("Root");
        let (old, new) = (root.leaf("a.example"), root.leaf("a.example"));
        let run = RunId::random();
        let kept_of = |old: &Issued, notes: Value| {
            let target = of(secret(old, notes));
            let pair = pair(&new, &[]);
            of_pair(
                &target,
                &Slots::default(),
                target.data().unwrap(),
                pair.sha256(),
                &run,
                NOW,
            )
            .unwrap()
        };
        let plan = |kept: &Value, force| Rollback::plan(&of(secret(&new, json!({}))), kept.clone(), force, &run, NOW);
        let sha256 = Fingerprint::of(&old.der);
        for (reason, by_force) in [("superseded", true), ("key-compromise", false)] {
            // Revoked after it was kept, and before it was replaced.
            let mut later = kept_of(&old, json!({}));
            mark::set(&mut later, "annotations", REVOKED, &format!("{sha256} {reason}"));
            let before = kept_of(&old, json!({REVOKED: format!("{sha256} {reason}")}));
            for kept in [later, before] {
                let error = plan(&kept, false).unwrap_err();
                assert!(
                    error.to_string().contains(&format!("was revoked ({reason})")),
                    "{error}"
                );
                assert_eq!(plan(&kept, true).is_ok(), by_force, "{reason}");
                assert_eq!(error.hint().unwrap().contains("--force"), by_force, "{reason}");
                assert_eq!(error.yields_to_force(), by_force, "{reason}");
            }
        }
        let own = crate::x509::testing::self_signed("a.example", |_| {});
        let error = plan(&kept_of(&own, json!({})), false).unwrap_err();
        assert!(error.to_string().contains("is self-signed"), "{error}");
        assert!(plan(&kept_of(&own, json!({})), true).is_ok());
        // An annotation for another certificate does not apply to this one.
        let other = kept_of(&old, json!({REVOKED: "ab12 key-compromise"}));
        assert!(plan(&other, false).is_ok());
    }

    #[test]
    fn a_new_secret_or_one_without_certificate_leaves_nothing_to_keep() {
        let root = Authority::root("Root");
        let new = root.leaf("a.example");
        let run = RunId::random();
        let note = note(&run);
        let mut empty = secret(&new, json!({}));
        empty["stringData"] = json!({"tls.crt": "", "tls.key": ""});
        for target in [Target::of(Key::new("shop", "shop-tls"), None), of(empty)] {
            let change = SecretChange::plan(&target, &pair(&new, &[]), &Options::default(), &note).unwrap();
            assert!(backup(&target, &change, &run, NOW).is_none());
        }
    }
}
