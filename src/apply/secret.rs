//! The Secret that a certificate is for: read, planned in full, and written with one conditional request.

mod note;
mod other;

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Map, Value, json};
use zeroize::Zeroize;

pub(super) use note::NOTED;
pub use note::{ISSUED_AT, ISSUED_BY, ISSUER, Note, ORDER, SHA256, STAGE};

use super::{
    Api, ApiError, Pair, Patch, mark,
    owner::{self, Owner},
};
use crate::{
    object::{Key, secret::TLS_TYPE},
    plan::{
        permits::{Permit, Permits, Verb},
        resource::SECRET,
    },
    x509::{
        Fingerprint, Interner,
        bundle::{self, Parsed},
        is_staging_issuer,
    },
};

/// The data keys of the chain and the private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// Where the chain is.
    pub certificate: String,
    /// Where the private key is.
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

/// What a Secret holds, by its data keys; overwritten when it is dropped.
pub(super) type Data = BTreeMap<String, SecretSlice<u8>>;

/// A Secret as it was found, or its absence.
pub struct Target {
    key: Key,
    present: Option<Present>,
}

struct Present {
    /// The whole object without its data.
    object: Value,
    data: Data,
}

impl std::fmt::Debug for Target {
    /// Without data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("key", &self.key)
            .field("present", &self.present.is_some())
            .finish_non_exhaustive()
    }
}

impl Target {
    /// Reads it; a Secret that is not there is a target too.
    pub async fn read(api: &Api, key: &Key) -> Result<Self, ApiError> {
        let object = api.get(SECRET, key).await?;
        Ok(Self::of(key.clone(), object))
    }

    /// A target of an object that was read, of a cluster or a manifest (`stringData` goes before `data`, as the server has
    /// it). Values that are not base64 are left out.
    pub fn of(key: Key, object: Option<Value>) -> Self {
        let present = object.map(|mut object| {
            let mut data = Data::new();
            if let Value::Object(map) = object["data"].take() {
                for (name, value) in map {
                    if let Value::String(mut text) = value {
                        let joined: zeroize::Zeroizing<String> =
                            zeroize::Zeroizing::new(text.split_ascii_whitespace().collect());
                        text.zeroize();
                        if let Ok(bytes) = STANDARD.decode(joined.as_bytes()) {
                            data.insert(name, bytes.into());
                        }
                    }
                }
            }
            if let Value::Object(map) = object["stringData"].take() {
                for (name, value) in map {
                    if let Value::String(text) = value {
                        data.insert(name, text.into_bytes().into());
                    }
                }
            }
            if let Some(map) = object.as_object_mut() {
                map.remove("data");
                map.remove("stringData");
            }
            Present { object, data }
        });
        Self { key, present }
    }

    /// Namespace and name.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Whether it is there.
    pub fn exists(&self) -> bool {
        self.present.is_some()
    }

    /// Its uid; `None` when it is not there.
    pub fn uid(&self) -> Option<&str> {
        self.present.as_ref()?.object["metadata"]["uid"].as_str()
    }

    /// Its resourceVersion; `None` when it is not there.
    pub fn version(&self) -> Option<&str> {
        self.present.as_ref()?.object["metadata"]["resourceVersion"].as_str()
    }

    /// Who else owns it.
    pub fn owner(&self, slots: &Slots) -> Option<Owner> {
        owner::of_secret(&self.present.as_ref()?.object, slots.both())
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.present.as_ref()?.object["metadata"]["annotations"][key].as_str()
    }

    /// The certificates that it holds and the state of its key; `None` when it is not there or holds none.
    pub fn held(&self, slots: &Slots) -> Option<Parsed> {
        let data = &self.present.as_ref()?.data;
        let chain = data.get(&slots.certificate)?;
        let parsed = bundle::parse(Some(chain.expose_secret()), data.get(&slots.key), &mut Interner::new());
        parsed.bundle.leaf().is_some().then_some(parsed)
    }

    /// SHA-256 of the leaf that it holds.
    pub fn sha256(&self, slots: &Slots) -> Option<Fingerprint> {
        Some(self.held(slots)?.bundle.leaf()?.sha256)
    }

    /// Whether the certificate that it holds comes from a staging CA: by its issuer's name, or by what was annotated when it
    /// was written. `false` when there is none.
    pub fn holds_staging(&self, slots: &Slots) -> bool {
        let Some(parsed) = self.held(slots) else { return false };
        let Some(leaf) = parsed.bundle.leaf() else { return false };
        // An annotation speaks of the certificate that it was written with, and of no other.
        let annotated = self.annotation(STAGE) == Some("staging")
            && self
                .annotation(SHA256)
                .is_some_and(|sha256| sha256 == leaf.sha256.to_string());
        annotated || is_staging_issuer(leaf)
    }

    /// The private key that it holds, for `--reuse-key`; `None` when there is none or it is no text.
    pub fn private_key(&self, slots: &Slots) -> Option<SecretString> {
        let bytes = self.present.as_ref()?.data.get(&slots.key)?.expose_secret();
        let text = std::str::from_utf8(bytes).ok()?;
        (!text.trim().is_empty()).then(|| text.to_owned().into())
    }

    /// The chain that it holds, as it stands.
    pub fn chain(&self, slots: &Slots) -> Option<&[u8]> {
        let bytes = self.present.as_ref()?.data.get(&slots.certificate)?;
        Some(bytes.expose_secret())
    }

    pub(super) fn data(&self) -> Option<&Data> {
        self.present.as_ref().map(|present| &present.data)
    }

    pub(super) fn object(&self) -> Option<&Value> {
        self.present.as_ref().map(|present| &present.object)
    }
}

/// What allows and steers a change.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where chain and key go.
    pub slots: Slots,
    /// Whether the new pair comes from a staging CA.
    pub staging: bool,
    /// `--overwrite-with-staging`.
    pub overwrite_with_staging: bool,
    /// `--force`: it is written although someone else owns it, and although keystores in it go stale.
    pub force: bool,
}

/// Why a pair is not written into a Secret. The messages fit "the certificate is not stored: ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It can never be changed.
    #[error("Secret {key} is immutable")]
    Immutable {
        /// The Secret.
        key: Key,
        /// A name for a new one.
        new_name: String,
    },
    /// It is no Secret for a certificate, and a type cannot be changed.
    #[error("Secret {key} is of the type {kind:?} and does not hold {slots}")]
    WrongType {
        /// The Secret.
        key: Key,
        /// Its type.
        kind: String,
        /// What it lacks: `tls.crt and tls.key`.
        slots: String,
        /// A name for a new one.
        new_name: String,
    },
    /// Someone else writes it.
    #[error("Secret {key} is {owner}")]
    Owned {
        /// The Secret.
        key: Key,
        /// Who.
        owner: Owner,
    },
    /// A certificate that no client trusts would replace one that may be served.
    #[error("a staging certificate, which no client trusts, would replace the certificate of Secret {key}")]
    Staging {
        /// The Secret.
        key: Key,
    },
    /// Other data keys hold the same certificate in forms that cannot be made anew.
    #[error(
        "Secret {key} holds the certificate in other forms too, which would go stale: {}",
        list(keys)
    )]
    Stale {
        /// The Secret.
        key: Key,
        /// The data keys, each with why it cannot be made anew.
        keys: Vec<(String, &'static str)>,
    },
}

impl Refusal {
    /// One line that says what to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Immutable { key, new_name } | Self::WrongType { key, new_name, .. } => format!(
                "issue it into a new Secret (`kubectl certs issue --secret {new_name} -n {} -d HOST...`) and change the \
                 route's reference from {} to {new_name}; the old one stays",
                key.namespace, key.name
            ),
            Self::Owned { owner, .. } => format!("{}; --force writes it all the same", owner.change),
            Self::Staging { .. } => {
                "run it with --production; --overwrite-with-staging replaces it all the same".into()
            }
            Self::Stale { .. } => {
                "make them anew yourself with --force, which writes the pair and leaves them as they are, or give the \
                 certificate a Secret without them"
                    .into()
            }
        })
    }
}

fn list(keys: &[(String, &'static str)]) -> String {
    let all: Vec<String> = keys.iter().map(|(name, why)| format!("{name} ({why})")).collect();
    all.join(", ")
}

/// A change to one Secret, planned in full. `Debug` shows no data.
pub struct SecretChange {
    key: Key,
    /// uid and resourceVersion of what is changed; `None` when it is created.
    of: Option<(String, String)>,
    /// What the Secret's object is before, without data.
    base: Value,
    /// Data keys that are written.
    data: Data,
    /// Data keys that stay as they are: what a manifest needs beside.
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
    /// Plans what it takes to put `pair` into `target`: the whole data that changes and the annotations, or why not.
    pub fn plan(target: &Target, pair: &Pair, options: &Options, note: &Note) -> Result<Self, Refusal> {
        let slots = &options.slots;
        let mut change = Self {
            key: target.key.clone(),
            of: None,
            base: new_object(&target.key, slots),
            data: pair_data(pair, slots),
            kept: Data::new(),
            annotations: note.annotations(pair, options.staging),
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
        allowed(target, present, options)?;
        change.forced = target.owner(slots);
        if let Some(owner) = change.forced.clone().filter(|_| !options.force) {
            return Err(Refusal::Owned {
                key: target.key.clone(),
                owner,
            });
        }
        let held = target.held(slots);
        let replaceable = !options.staging || options.overwrite_with_staging || target.holds_staging(slots);
        if !replaceable {
            return Err(Refusal::Staging {
                key: target.key.clone(),
            });
        }
        change.replaces = held.as_ref().and_then(|h| h.bundle.leaf().map(|leaf| leaf.sha256));
        change.others(present, held.as_ref(), pair, options)?;
        let text = |field: &str| {
            present.object["metadata"][field]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        change.of = Some((text("uid"), text("resourceVersion")));
        // What kubectl applied holds the old key, and would from now on be a lie besides.
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
    fn others(
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

    /// Whether the Secret is made anew.
    pub fn creates(&self) -> bool {
        self.of.is_none()
    }

    /// The data keys that are written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.data.keys().map(String::as_str)
    }

    /// Other data keys that held the certificate, and are made anew: `ca.crt`, `tls-combined.pem`.
    pub fn remade(&self) -> &[String] {
        &self.remade
    }

    /// Keystores that stay as they are by `--force`, and no longer match.
    pub fn left_stale(&self) -> &[String] {
        &self.left_stale
    }

    /// The owner against whom `--force` writes.
    pub fn forced(&self) -> Option<&Owner> {
        self.forced.as_ref()
    }

    /// SHA-256 of the leaf that is replaced.
    pub fn replaces(&self) -> Option<Fingerprint> {
        self.replaces
    }

    /// SHA-256 of the new leaf.
    pub fn sha256(&self) -> Fingerprint {
        self.sha256
    }

    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// One line for who is to agree: `create Secret shop/shop-tls with tls.crt, tls.key`.
    pub fn summary(&self) -> String {
        let verb = if self.creates() { "create" } else { "update" };
        let names: Vec<&str> = self.names().collect();
        format!("{verb} Secret {} with {}", self.key, names.join(", "))
    }

    /// The whole Secret as it will be, for a manifest: with a private key in it.
    pub fn manifest(&self) -> Value {
        let mut object = self.base.clone();
        let meta = &mut object["metadata"];
        if let Some(meta) = meta.as_object_mut() {
            // What the server keeps for itself does not belong into a file.
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

    /// The one write.
    ///
    /// A merge patch of exactly the data keys and annotations that change, with the uid and the resourceVersion that were read:
    /// another version is refused (409), an absent Secret is not made (404). Not a PUT, which would send back everybody's
    /// data and take over what it did not change; not a server-side apply, which makes an absent object, needs force over
    /// hand-made Secrets, and removes a key from the Secret that a later apply leaves out.
    fn patch(&self, uid: &str, version: &str) -> Patch {
        Patch::Merge(json!({
            "metadata": {"uid": uid, "resourceVersion": version, "annotations": self.annotations},
            "data": encoded(&self.data),
        }))
    }

    /// Writes it: created by POST when it was absent, else by one conditional patch. [`ApiError::Conflict`] when it has been
    /// changed, [`ApiError::NotFound`] when it has been deleted since it was read; nothing is written then.
    pub async fn write(&self, api: &Api) -> Result<(), ApiError> {
        let Some((uid, version)) = &self.of else {
            return api.create(SECRET, &self.manifest()).await.map(drop);
        };
        match api.patch(SECRET, &self.key, &self.patch(uid, version)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_uncertain() && !api.is_dry_run() => {
                // The answer was lost: what is there now tells whether it was done.
                let now = Target::read(api, &self.key).await?;
                if self.is_done(&now) { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a Secret is what this change makes of it.
    pub fn is_done(&self, now: &Target) -> bool {
        now.data().is_some_and(|data| {
            self.data.iter().all(|(name, value)| {
                data.get(name)
                    .is_some_and(|found| found.expose_secret() == value.expose_secret())
            })
        })
    }
}

/// What a change of this Secret may do: for the plan.
pub fn permits(key: &Key, exists: bool) -> Permits {
    let write = if exists { Verb::Patch } else { Verb::Create };
    Permits::none().with(Permit::one(
        &[Verb::Get, write],
        SECRET,
        key.namespace.clone(),
        key.name.clone(),
    ))
}

/// Whether the Secret's own properties allow the write.
fn allowed(target: &Target, present: &Present, options: &Options) -> Result<(), Refusal> {
    let key = target.key.clone();
    // It cannot be known here which names are free; the command that takes it says so when it is not.
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
    // Who names the keys of an Opaque Secret wants them there.
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

fn pair_data(pair: &Pair, slots: &Slots) -> Data {
    let key = pair.key().expose_secret().as_bytes().to_vec();
    Data::from([
        (slots.certificate.clone(), pair.chain_pem().into_bytes().into()),
        (slots.key.clone(), key.into()),
    ])
}

/// A Secret that is not there yet: of the TLS type where its keys are those of the type.
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
