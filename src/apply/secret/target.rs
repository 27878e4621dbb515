//! A Secret as it was read.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::Value;
use zeroize::Zeroize;

use super::{SHA256, STAGE, Slots};
use crate::{
    apply::{
        Api, ApiError,
        owner::{self, Owner},
    },
    object::Key,
    object::resource::SECRET,
    x509::{
        Fingerprint, Interner,
        bundle::{self, Parsed},
        is_staging_issuer,
    },
};

/// The data of a Secret by data key; overwritten when it is dropped.
pub(in crate::apply) type Data = BTreeMap<String, SecretSlice<u8>>;

/// A Secret as it was read, or its absence.
pub struct Target {
    pub(super) key: Key,
    pub(super) present: Option<Present>,
}

pub(super) struct Present {
    /// The whole object without its data.
    pub(super) object: Value,
    pub(super) data: Data,
}

impl std::fmt::Debug for Target {
    /// Omits the data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("key", &self.key)
            .field("present", &self.present.is_some())
            .finish_non_exhaustive()
    }
}

impl Target {
    /// Reads the Secret. One that does not exist is a target too.
    pub async fn read(api: &Api, key: &Key) -> Result<Self, ApiError> {
        let object = api.get(SECRET, key).await?;
        Ok(Self::of(key.clone(), object))
    }

    /// Makes a target of an object that was read from a cluster or a manifest. `stringData` takes precedence over
    /// `data`, as in the server. Values that are not base64 are left out.
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

    /// Whether it exists.
    pub fn exists(&self) -> bool {
        self.present.is_some()
    }

    /// Its uid; `None` if it does not exist.
    pub fn uid(&self) -> Option<&str> {
        self.present.as_ref()?.object["metadata"]["uid"].as_str()
    }

    /// Its resourceVersion; `None` if it does not exist.
    pub fn version(&self) -> Option<&str> {
        self.present.as_ref()?.object["metadata"]["resourceVersion"].as_str()
    }

    /// Another owner of the Secret, if there is one.
    pub fn owner(&self, slots: &Slots) -> Option<Owner> {
        owner::of_secret(&self.present.as_ref()?.object, slots.both())
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.present.as_ref()?.object["metadata"]["annotations"][key].as_str()
    }

    /// The certificates that it holds and the state of its key; `None` if it does not exist or holds none.
    pub fn held(&self, slots: &Slots) -> Option<Parsed> {
        self.contents(slots).filter(|parsed| parsed.bundle.leaf().is_some())
    }

    /// What is in its data keys for chain and key, whatever that is; `None` if it does not exist.
    pub fn contents(&self, slots: &Slots) -> Option<Parsed> {
        let data = &self.present.as_ref()?.data;
        let chain = data.get(&slots.certificate).map(ExposeSecret::expose_secret);
        Some(bundle::parse(chain, data.get(&slots.key), &mut Interner::new()))
    }

    /// The SHA-256 of the leaf that it holds.
    pub fn sha256(&self, slots: &Slots) -> Option<Fingerprint> {
        Some(self.held(slots)?.bundle.leaf()?.sha256)
    }

    /// Whether a certificate is the leaf in any of its data keys.
    pub fn holds(&self, sha256: Fingerprint) -> bool {
        let data = self.present.as_ref().map(|present| &present.data);
        data.into_iter().flat_map(Data::values).any(|value| {
            let parsed = bundle::parse(Some(value.expose_secret()), None, &mut Interner::new());
            parsed.bundle.leaf().is_some_and(|leaf| leaf.sha256 == sha256)
        })
    }

    /// Why a certificate was revoked, if this program recorded that on the Secret.
    pub fn revoked(&self, sha256: Fingerprint) -> Option<&str> {
        super::note::reason_of(self.annotation(super::REVOKED)?, sha256)
    }

    /// Whether it is being deleted.
    pub fn is_ending(&self) -> bool {
        self.object()
            .is_some_and(|object| object["metadata"]["deletionTimestamp"].is_string())
    }

    /// Whether the certificate that it holds comes from a staging CA, according to the name of its issuer, or to the
    /// annotation that was written with it. `false` if there is no certificate.
    pub fn holds_staging(&self, slots: &Slots) -> bool {
        let Some(parsed) = self.held(slots) else { return false };
        let Some(leaf) = parsed.bundle.leaf() else { return false };
        // An annotation only applies to the certificate with which it was written.
        let annotated = self.annotation(STAGE) == Some("staging")
            && self
                .annotation(SHA256)
                .is_some_and(|sha256| sha256 == leaf.sha256.to_string());
        annotated || is_staging_issuer(leaf)
    }

    /// The private key that it holds, for `--reuse-key`; `None` if there is none, or if it is not text.
    pub fn private_key(&self, slots: &Slots) -> Option<SecretString> {
        let bytes = self.present.as_ref()?.data.get(&slots.key)?.expose_secret();
        let text = std::str::from_utf8(bytes).ok()?;
        (!text.trim().is_empty()).then(|| text.to_owned().into())
    }

    /// The chain that it holds, unparsed.
    pub fn chain(&self, slots: &Slots) -> Option<&[u8]> {
        let bytes = self.present.as_ref()?.data.get(&slots.certificate)?;
        Some(bytes.expose_secret())
    }

    pub(in crate::apply) fn data(&self) -> Option<&Data> {
        self.present.as_ref().map(|present| &present.data)
    }

    pub(in crate::apply) fn object(&self) -> Option<&Value> {
        self.present.as_ref().map(|present| &present.object)
    }
}
