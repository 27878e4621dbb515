//! Backups of a replaced certificate and key: kept in a Secret of their own for 30 days, and restored by `rollback`. A
//! later run removes them.

mod rollback;

use serde_json::{Map, Value, json};

pub use rollback::{Rollback, RollbackError};

use super::{
    Api, ApiError, Patch, Purpose, RunId, mark,
    secret::{self, Data, REVOKED, SecretChange, Slots, Target},
};
use crate::{
    k8s::{Believed, Edit},
    object::{
        Key, Seconds,
        annotation::{NOTES, REPLACED_BY, SLOTS},
        resource::SECRET,
    },
    plan::permits::{Permit, Permits, Verb},
    x509::Fingerprint,
};

pub(super) use crate::object::annotation::{BACKUP_OF as HOLDS, FORMER as HELD};
/// The type of the Secret. Neither controllers nor scans treat it as a certificate in use.
pub use crate::object::secret::BACKUP_TYPE as TYPE;
/// The revocation reason after which a certificate must not be restored: others have its key.
const COMPROMISED: &str = "key-compromise";

/// How long a backup is kept at least, in seconds: long enough to notice problems with the new certificate.
pub const KEPT: Seconds = 30 * 24 * 60 * 60;

/// The key of the backup of a Secret.
pub fn key(of: &Key) -> Key {
    Key::new(of.namespace.clone(), Purpose::Backup.name(&of.to_string()))
}

/// The rights for keeping a backup, for the plan of a renewal.
pub fn permits(of: &Key) -> Permits {
    let at = key(of);
    let verbs = [Verb::Get, Verb::Create, Verb::Update];
    Permits::none().with(Permit::one(&verbs, SECRET, at.namespace, at.name))
}

/// The rights for a rollback, which also keeps a backup of what it replaces.
pub fn rollback_permits(of: &Key) -> Permits {
    let at = key(of);
    secret::permits(of, true).with(Permit::one(&[Verb::Get, Verb::Update], SECRET, at.namespace, at.name))
}

/// Keeps a backup of what a change is about to replace, in place of an earlier backup of the same Secret. Returns
/// `false` if there is nothing to keep, because the Secret is new or holds no certificate.
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
    // If two runs write a backup at once, the later one determines how long it is kept.
    let whole = |_: Option<&Value>| Ok::<_, ApiError>(Edit::Whole(object.clone()));
    api.update(SECRET, &at, Believed::Unknown, whole).await.map(|_| true)
}

/// The backup as an object; `None` if there is no certificate to keep.
fn backup(target: &Target, change: &SecretChange, run: &RunId, now: Seconds) -> Option<Value> {
    of_pair(target, change.slots(), change.data(), change.sha256(), run, now)
}

/// The backup of everything that `written` overwrites, so that a rollback restores all of it.
fn of_pair(
    target: &Target,
    slots: &Slots,
    written: &Data,
    replaced_by: Fingerprint,
    run: &RunId,
    now: Seconds,
) -> Option<Value> {
    let held = target.sha256(slots)?;
    let data = target.data()?;
    let kept: Vec<_> = data.iter().filter(|(name, _)| written.contains_key(*name)).collect();
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
        (REPLACED_BY, replaced_by.to_string()),
        (SLOTS, json!([slots.certificate, slots.key]).to_string()),
        (NOTES, notes(target.object()?).to_string()),
    ] {
        mark::set(&mut object, "annotations", name, &value);
    }
    Some(object)
}

/// The annotations of this program. Absent ones are null, so that restoring them removes newer ones.
fn notes(object: &Value) -> Value {
    let annotations = &object["metadata"]["annotations"];
    let names = secret::NOTED.iter();
    let map: Map<String, Value> = names
        .map(|name| ((*name).to_owned(), annotations[*name].clone()))
        .collect();
    map.into()
}

/// The issuer in the annotations of a Secret for the certificate in its backup, `kept`.
pub fn issuer_of(kept: &Target, sha256: Fingerprint) -> Option<String> {
    let sha256 = sha256.to_string();
    if kept.annotation(HOLDS)? != sha256 {
        return None;
    }
    let notes: Value = serde_json::from_str(kept.annotation(NOTES)?).ok()?;
    // Annotations only apply to the certificate with which they were written.
    (notes[secret::SHA256] == sha256.as_str())
        .then(|| notes[secret::ISSUER].as_str().map(str::to_owned))
        .flatten()
}

/// The Secrets of a namespace whose earlier certificate a rollback can restore, at least with force, and until when
/// each backup is kept.
pub async fn rolled_back(api: &Api, namespace: &str, now: Seconds) -> Result<Vec<(Key, Option<Seconds>)>, ApiError> {
    let kept = api
        .list(SECRET, Some(namespace), Some(&mark::selector(Some(Purpose::Backup))))
        .await?;
    let run = RunId::random();
    let looks = kept.into_iter().map(async |backup| {
        let annotation = |name: &str| backup["metadata"]["annotations"][name].as_str();
        let of = annotation(mark::FOR)?.split_once('/').map(|(a, b)| Key::new(a, b))?;
        let at = key(&of);
        if at.namespace != namespace || backup["metadata"]["name"] != at.name.as_str() {
            return None;
        }
        let until = annotation(mark::EXPIRES).and_then(crate::text::parse_time);
        let target = Target::read(api, &of).await.ok()?;
        Rollback::plan(&target, backup, true, &run, now).ok()?;
        Some((of, until))
    });
    let found = futures_util::future::join_all(looks).await;
    Ok(found.into_iter().flatten().collect())
}

/// Records a revocation on every Secret and backup that holds the certificate, in one namespace or in all of them, and
/// on the Secret from which it was revoked, so that no rollback restores it unnoticed. Returns on how many it was
/// recorded.
pub async fn note_revoked(
    api: &Api,
    namespace: Option<&str>,
    live: Option<&Key>,
    sha256: Fingerprint,
    reason: &str,
) -> Result<usize, ApiError> {
    let kept = api.list(SECRET, namespace, Some(&mark::selector_of_pairs())).await?;
    let of = sha256.to_string();
    let holds = |kept: &&Value| {
        let noted = |name: &str| kept["metadata"]["annotations"][name].as_str() == Some(of.as_str());
        noted(HOLDS) || noted(HELD)
    };
    let text = |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    let found = kept.iter().filter(holds);
    let mut at: Vec<Key> = found
        .map(|it| Key::new(text(it, "namespace"), text(it, "name")))
        .collect();
    at.extend(live.cloned());
    let patch = Patch::Merge(json!({"metadata": {"annotations": {REVOKED: format!("{sha256} {reason}")}}}));
    for key in &at {
        let (namespace, name) = (key.namespace.clone(), key.name.clone());
        let api = api.with_permits(Permits::none().with(Permit::one(&[Verb::Patch], SECRET, namespace, name)));
        api.patch(SECRET, key, &patch).await?;
    }
    Ok(at.len())
}
