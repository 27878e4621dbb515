//! The pair that was replaced: kept in a Secret beside for 30 days, and put back by `rollback`. The run that comes after removes it.

mod rollback;

use serde_json::{Map, Value, json};

pub use rollback::{Rollback, RollbackError};

use super::{
    Api, ApiError, Patch, Purpose, RunId, mark,
    secret::{self, Data, REVOKED, SecretChange, Slots, Target},
};
use crate::{
    k8s::{Believed, Edit},
    object::resource::SECRET,
    object::{Key, Seconds},
    plan::permits::{Permit, Permits, Verb},
    x509::Fingerprint,
};

/// Its type: neither a controller nor a scan takes it for a certificate that is in use.
pub use crate::object::secret::BACKUP_TYPE as TYPE;
/// SHA-256 of the leaf that it holds.
const HOLDS: &str = "kubectl-certs.io/backup-of";
/// SHA-256 of the leaf that replaced it.
const REPLACED_BY: &str = "kubectl-certs.io/replaced-by";
/// The data keys of chain and key.
const SLOTS: &str = "kubectl-certs.io/secret-keys";
/// The reason for which nothing brings a certificate back: others know its key.
const COMPROMISED: &str = "key-compromise";
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

/// What a rollback may do: the pair that it replaces is kept too.
pub fn rollback_permits(of: &Key) -> Permits {
    let at = key(of);
    secret::permits(of, true).with(Permit::one(&[Verb::Get, Verb::Update], SECRET, at.namespace, at.name))
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
    // The lifetime of a backup that is written twice at once belongs to the later one.
    let whole = |_: Option<&Value>| Ok::<_, ApiError>(Edit::Whole(object.clone()));
    api.update(SECRET, &at, Believed::Unknown, whole).await.map(|_| true)
}

/// The backup as an object; `None` when there is no certificate to keep.
fn backup(target: &Target, change: &SecretChange, run: &RunId, now: Seconds) -> Option<Value> {
    of_pair(target, change.slots(), change.data(), change.sha256(), run, now)
}

/// Everything that `written` writes over, so that a rollback puts all of it back.
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

/// The annotations of this program; what is absent is null, so that putting them back takes newer ones away.
fn notes(object: &Value) -> Value {
    let annotations = &object["metadata"]["annotations"];
    let names = secret::NOTED.iter();
    let map: Map<String, Value> = names
        .map(|name| ((*name).to_owned(), annotations[*name].clone()))
        .collect();
    map.into()
}

/// The issuer that was noted on a Secret beside the certificate that `kept`, its backup, holds.
pub fn issuer_of(kept: &Target, sha256: Fingerprint) -> Option<String> {
    let sha256 = sha256.to_string();
    if kept.annotation(HOLDS)? != sha256 {
        return None;
    }
    let notes: Value = serde_json::from_str(kept.annotation(NOTES)?).ok()?;
    // A note speaks of the certificate that it was written with, and of no other.
    (notes[secret::SHA256] == sha256.as_str())
        .then(|| notes[secret::ISSUER].as_str().map(str::to_owned))
        .flatten()
}

/// The Secrets of a namespace whose earlier pair a rollback puts back, by force at the least, and until when each is kept.
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

/// Notes a revocation wherever the certificate is kept in a namespace, or, without one, in all of them, and on the Secret that it
/// was revoked in: no rollback puts it back unawares. Returns on how many it was noted.
pub async fn note_revoked(
    api: &Api,
    namespace: Option<&str>,
    live: Option<&Key>,
    sha256: Fingerprint,
    reason: &str,
) -> Result<usize, ApiError> {
    let kept = api
        .list(SECRET, namespace, Some(&mark::selector(Some(Purpose::Backup))))
        .await?;
    let holds =
        |backup: &&Value| backup["metadata"]["annotations"][HOLDS].as_str() == Some(sha256.to_string().as_str());
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
