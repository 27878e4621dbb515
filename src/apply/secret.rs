//! The Secret for a certificate: read, planned completely, and written with one conditional request.

mod exported;
mod note;
mod other;
mod refusal;
mod target;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Map, Value, json};

pub use exported::{Exported, NotExported};
pub use note::{ISSUED_AT, ISSUED_BY, ISSUER, Note, ORDER, REVOKED, SHA256, STAGE};
pub(super) use note::{NOTED, reason_of};
pub use refusal::Refusal;
pub(super) use target::Data;
pub use target::Target;

use target::Present;

use super::{
    Api, ApiError, Pair, Patch,
    kept::KeptPair,
    mark,
    owner::{self, Owner, OwnerKind},
};
use crate::{
    object::resource::SECRET,
    object::{
        Key,
        annotation::{CLAIM, COPIED_FROM, ISSUED_AT_DIRECTORY},
        secret::TLS_TYPE,
    },
    plan::permits::{Permit, Permits, Verb},
    x509::{Fingerprint, bundle::Parsed},
};

/// The data keys of the chain and the private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// The data key of the chain.
    pub certificate: String,
    /// The data key of the private key.
    pub key: String,
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            certificate: "tls.crt".into(),
            key: "tls.key".into(),
        }
    }
}

impl Slots {
    fn both(&self) -> [&str; 2] {
        [&self.certificate, &self.key]
    }
}

/// What permits a change and controls it.
// Each permits something of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The data keys of chain and key.
    pub slots: Slots,
    /// Whether the new certificate comes from a staging CA.
    pub staging: bool,
    /// `--overwrite-with-staging` of the command line.
    pub overwrite_with_staging: bool,
    /// `--force`: the Secret is written even if someone else owns it, or if keystores in it become stale.
    pub force: bool,
    /// Whether the controller makes a copy of another Secret current.
    pub copies: bool,
}

/// A completely planned change of one Secret. `Debug` shows no data.
pub struct SecretChange {
    key: Key,
    /// The uid and resourceVersion of the Secret; `None` if it is created.
    of: Option<(String, String)>,
    /// The object before the change, without data.
    base: Value,
    /// The data keys that are written.
    data: Data,
    /// The data keys that stay as they are, which a manifest needs too.
    kept: Data,
    annotations: Map<String, Value>,
    slots: Slots,
    remade: Vec<String>,
    left_stale: Vec<String>,
    forced: Option<Owner>,
    replaces: Option<Fingerprint>,
    sha256: Fingerprint,
}

impl std::fmt::Debug for SecretChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretChange")
            .field("key", &self.key)
            .field("creates", &self.creates())
            .field("names", &self.data.keys().collect::<Vec<_>>())
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

impl SecretChange {
    /// Plans to store `pair` in `target`: all data and annotations that change. The error says why that is not
    /// possible.
    pub fn plan(target: &Target, pair: &Pair, options: &Options, note: &Note) -> Result<Self, Refusal> {
        Self::plan_with(target, pair, options, note.annotations(pair, options.staging))
    }

    /// Plans to put a pair back with the annotations that it had, and one more that says why.
    pub fn put_back(
        target: &Target,
        kept: &KeptPair,
        pair: &Pair,
        options: &Options,
        why: Option<(&str, String)>,
    ) -> Result<Self, Refusal> {
        let mut annotations = kept.annotations.clone();
        annotations.extend(why.map(|(name, value)| (name.to_owned(), value.into())));
        Self::plan_with(target, pair, options, annotations)
    }

    /// Plans to make `target` a copy of another Secret. What was noted of an order of its own goes: the source has that.
    pub fn copy(target: &Target, pair: &Pair, options: &Options, source: &Key, claim: &str) -> Result<Self, Refusal> {
        let mut annotations: Map<String, Value> = NOTED.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        annotations.insert(SHA256.to_owned(), pair.sha256().to_string().into());
        annotations.insert(COPIED_FROM.to_owned(), source.to_string().into());
        annotations.insert(CLAIM.to_owned(), claim.into());
        let options = Options {
            copies: true,
            ..options.clone()
        };
        Self::plan_with(target, pair, &options, annotations)
    }

    /// Plans to store a pair that another program has ordered, for an installation. `directory` is the installation's: the CA is the same, and
    /// by this note its renewal changes none.
    pub fn import(
        target: &Target,
        pair: &Pair,
        options: &Options,
        directory: &str,
        claim: &str,
    ) -> Result<Self, Refusal> {
        let mut annotations: Map<String, Value> = NOTED.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        annotations.insert(SHA256.to_owned(), pair.sha256().to_string().into());
        annotations.insert(ISSUED_AT_DIRECTORY.to_owned(), directory.into());
        annotations.insert(CLAIM.to_owned(), claim.into());
        Self::plan_with(target, pair, options, annotations)
    }

    fn plan_with(
        target: &Target,
        pair: &Pair,
        options: &Options,
        annotations: Map<String, Value>,
    ) -> Result<Self, Refusal> {
        let slots = &options.slots;
        let mut change = Self {
            key: target.key.clone(),
            of: None,
            base: new_object(&target.key, slots),
            data: pair_data(pair, slots),
            kept: Data::new(),
            annotations,
            slots: slots.clone(),
            remade: Vec::new(),
            left_stale: Vec::new(),
            forced: None,
            replaces: None,
            sha256: pair.sha256(),
        };
        let Some(present) = &target.present else {
            return Ok(change);
        };
        may_be_written(target, options)?;
        change.forced = target.owner(slots);
        let held = target.held(slots);
        change.replaces = held.as_ref().and_then(|h| h.bundle.leaf().map(|leaf| leaf.sha256));
        change.decide_others(present, held.as_ref(), pair, options)?;
        let text = |field: &str| {
            present.object["metadata"][field]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        change.of = Some((text("uid"), text("resourceVersion")));
        // kubectl's record of what it applied contains the old key, and would no longer be true.
        if change
            .forced
            .as_ref()
            .is_some_and(|o| o.kind == owner::OwnerKind::Applied)
            || applied_holds_data(present)
        {
            change.annotations.insert(owner::LAST_APPLIED.into(), Value::Null);
        }
        change.base = present.object.clone();
        Ok(change)
    }

    /// Decides about every other data key.
    fn decide_others(
        &mut self,
        present: &Present,
        held: Option<&Parsed>,
        pair: &Pair,
        options: &Options,
    ) -> Result<(), Refusal> {
        let old = other::Old::new(held, present.data.get(&self.slots.key));
        let mut stale = Vec::new();
        for (name, value) in &present.data {
            if self.slots.both().contains(&name.as_str()) {
                continue;
            }
            match other::fate(name, value.expose_secret(), &old, pair) {
                other::Fate::Leave => drop(self.kept.insert(name.clone(), value.clone())),
                other::Fate::Remake(new) => {
                    self.remade.push(name.clone());
                    self.data.insert(name.clone(), new);
                }
                other::Fate::Stop(why) => stale.push((name.clone(), why)),
            }
        }
        if !stale.is_empty() && !options.force {
            return Err(Refusal::Stale {
                key: self.key.clone(),
                keys: stale,
            });
        }
        for (name, _) in stale {
            if let Some(value) = present.data.get(&name) {
                self.kept.insert(name.clone(), value.clone());
            }
            self.left_stale.push(name);
        }
        Ok(())
    }

    /// Namespace and name.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Whether the Secret is created.
    pub fn creates(&self) -> bool {
        self.of.is_none()
    }

    /// The data keys that are written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.data.keys().map(String::as_str)
    }

    /// The data keys besides chain and key that the Secret has, sorted.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        let all: std::collections::BTreeSet<&String> = self.kept.keys().chain(self.data.keys()).collect();
        let own = self.slots.both();
        all.into_iter()
            .map(String::as_str)
            .filter(move |name| !own.contains(name))
    }

    /// Other data keys that held the certificate and are generated again: `ca.crt`, `tls-combined.pem`.
    pub fn remade(&self) -> &[String] {
        &self.remade
    }

    /// Keystores that stay as they are because of `--force`, and no longer match.
    pub fn left_stale(&self) -> &[String] {
        &self.left_stale
    }

    /// The owner that `--force` overrides.
    pub fn forced(&self) -> Option<&Owner> {
        self.forced.as_ref()
    }

    /// The SHA-256 of the leaf that is replaced.
    pub fn replaces(&self) -> Option<Fingerprint> {
        self.replaces
    }

    /// The SHA-256 of the new leaf.
    pub fn sha256(&self) -> Fingerprint {
        self.sha256
    }

    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    pub(super) fn annotations(&self) -> &Map<String, Value> {
        &self.annotations
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// One line for the user's consent: `create Secret shop/shop-tls with tls.crt, tls.key`.
    pub fn summary(&self) -> String {
        let verb = if self.creates() { "create" } else { "update" };
        let names: Vec<&str> = self.names().collect();
        format!("{verb} Secret {} with {}", self.key, names.join(", "))
    }

    /// The whole Secret as it will be, for a manifest. It contains a private key.
    pub fn manifest(&self) -> Value {
        let mut object = self.base.clone();
        without_server(&mut object);
        let meta = &mut object["metadata"];
        if !meta["annotations"].is_object() {
            meta["annotations"] = json!({});
        }
        for (name, value) in &self.annotations {
            if value.is_null() {
                if let Some(map) = meta["annotations"].as_object_mut() {
                    map.remove(name);
                }
            } else {
                meta["annotations"][name] = value.clone();
            }
        }
        object["data"] = encoded(self.kept.iter().chain(&self.data));
        object
    }

    /// The patch that writes the Secret.
    ///
    /// It is a merge patch of exactly the data keys and annotations that change, with the uid and the resourceVersion
    /// that were read: the server refuses another version (409), and does not create an absent Secret (404). A PUT
    /// would send back everybody's data, and would take over fields that it did not change. A server-side apply would
    /// create an absent object, would need force for hand-made Secrets, and would remove a data key that a later apply
    /// omits.
    fn patch(&self, uid: &str, version: &str) -> Patch {
        Patch::Merge(json!({
            "metadata": {"uid": uid, "resourceVersion": version, "annotations": self.annotations},
            "data": encoded(&self.data),
        }))
    }

    /// Writes the Secret: by POST if it was absent, otherwise by one conditional patch. [`ApiError::Conflict`] if it
    /// has been changed since it was read, [`ApiError::NotFound`] if it has been deleted; nothing is written then.
    pub async fn write(&self, api: &Api) -> Result<(), ApiError> {
        let Some((uid, version)) = &self.of else {
            return api.create(SECRET, &self.manifest()).await.map(drop);
        };
        match api.patch(SECRET, &self.key, &self.patch(uid, version)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_uncertain() && !api.is_dry_run() => {
                // The answer was lost: the present state shows whether the write was done.
                let now = Target::read(api, &self.key).await?;
                if self.is_done(&now) { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a Secret is in the state that this change produces.
    pub fn is_done(&self, now: &Target) -> bool {
        now.data().is_some_and(|data| {
            self.data.iter().all(|(name, value)| {
                data.get(name)
                    .is_some_and(|found| found.expose_secret() == value.expose_secret())
            })
        })
    }
}

/// The rights for a change of this Secret, for the plan.
pub fn permits(key: &Key, exists: bool) -> Permits {
    let write = if exists { Verb::Patch } else { Verb::Create };
    Permits::none().with(Permit::one(
        &[Verb::Get, write],
        SECRET,
        key.namespace.clone(),
        key.name.clone(),
    ))
}

/// Checks whether a certificate may be written, as far as that is known without one, before anything is ordered.
pub fn may_be_written(target: &Target, options: &Options) -> Result<(), Refusal> {
    let Some(present) = &target.present else { return Ok(()) };
    let (slots, key) = (&options.slots, || target.key.clone());
    allowed(target, present, options)?;
    let is_own_copy =
        |refusal: &Refusal| matches!(refusal, Refusal::Owned { owner, .. } if owner.kind == OwnerKind::OwnCopy);
    let against = stopped(target, slots).into_iter().filter(|_| !options.force);
    let mut against = against.filter(|refusal| !(options.copies && is_own_copy(refusal)));
    if let Some(refusal) = against.next() {
        return Err(refusal);
    }
    if options.staging && !options.overwrite_with_staging && !target.holds_staging(slots) {
        return Err(Refusal::Staging { key: key() });
    }
    Ok(())
}

/// Everything that stops a write without force, as far as that is known without a certificate. With force it is
/// reported.
pub fn stopped(target: &Target, slots: &Slots) -> Vec<Refusal> {
    let Some(present) = &target.present else {
        return Vec::new();
    };
    let key = || target.key.clone();
    let owned = target.owner(slots).map(|owner| Refusal::Owned { key: key(), owner });
    let others = present
        .data
        .iter()
        .filter(|(name, _)| !slots.both().contains(&name.as_str()));
    let stale: Vec<_> = others
        .filter_map(|(name, value)| Some((name.clone(), other::keystore(name, value.expose_secret())?)))
        .collect();
    let stale = (!stale.is_empty()).then(|| Refusal::Stale {
        key: key(),
        keys: stale,
    });
    owned.into_iter().chain(stale).collect()
}

/// Checks whether the properties of the Secret permit the write.
fn allowed(target: &Target, present: &Present, options: &Options) -> Result<(), Refusal> {
    let key = target.key.clone();
    // It is not known here which names are free. The command that uses the name reports it if this one is not.
    let new_name = format!("{}-new", key.name.chars().take(249).collect::<String>());
    if present.object["immutable"] == true {
        return Err(Refusal::Immutable { key, new_name });
    }
    let kind = match present.object["type"].as_str() {
        None | Some("") => "Opaque",
        Some(kind) => kind,
    };
    let slots = &options.slots;
    let holds_both = slots.both().iter().all(|slot| present.data.contains_key(*slot));
    // If the user names the data keys of an Opaque Secret, that type is wanted.
    let named = kind == "Opaque" && *slots != Slots::default();
    if kind == TLS_TYPE || holds_both || named {
        return Ok(());
    }
    Err(Refusal::WrongType {
        key,
        kind: kind.to_owned(),
        slots: format!("{} and {}", slots.certificate, slots.key),
        new_name,
    })
}

fn applied_holds_data(present: &Present) -> bool {
    present.object["metadata"]["annotations"][owner::LAST_APPLIED]
        .as_str()
        .is_some_and(|text| text.contains("\"data\"") || text.contains("\"stringData\""))
}

/// Removes the fields that the server manages: they do not belong in a file.
fn without_server(object: &mut Value) {
    if let Some(meta) = object["metadata"].as_object_mut() {
        for field in [
            "managedFields",
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "generation",
            "selfLink",
        ] {
            meta.remove(field);
        }
    }
}

fn pair_data(pair: &Pair, slots: &Slots) -> Data {
    let key = pair.key().expose_secret().as_bytes().to_vec();
    Data::from([
        (slots.certificate.clone(), pair.chain_pem().into_bytes().into()),
        (slots.key.clone(), key.into()),
    ])
}

/// A new Secret, of the TLS type if its data keys are those of the type.
fn new_object(key: &Key, slots: &Slots) -> Value {
    let kind = if *slots == Slots::default() { TLS_TYPE } else { "Opaque" };
    let mut object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": kind,
        "metadata": {"name": key.name.as_str()},
    });
    if !key.namespace.is_empty() {
        object["metadata"]["namespace"] = key.namespace.as_str().into();
    }
    mark::set(&mut object, "labels", mark::MANAGED_BY, mark::MANAGER);
    object
}

pub(super) fn encoded<'a>(data: impl IntoIterator<Item = (&'a String, &'a SecretSlice<u8>)>) -> Value {
    let map: Map<String, Value> = data
        .into_iter()
        .map(|(name, value)| (name.clone(), STANDARD.encode(value.expose_secret()).into()))
        .collect();
    map.into()
}

#[cfg(test)]
mod tests;
