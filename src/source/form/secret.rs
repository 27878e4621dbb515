//! Reads Secrets: the certificate and the key are decoded, all other values are skipped.

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::SecretSlice;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};
use zeroize::Zeroizing;

use super::{
    lenient::{List, Moment},
    meta::{Meta, WantedKey, Writers},
};
use crate::{
    object::{Seconds, Text, secret as view},
    source::pairs::{self, DataKeys},
};

/// Base64 as the API server accepts it: padded, with line ends and trailing bits ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const CA: &str = "ca.crt";

pub(super) struct Secret {
    metadata: Option<Meta<Writers>>,
    kind: Option<Text>,
    data: Data<true>,
    string_data: Data<false>,
}

/// The fields of a Secret.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Metadata,
    Type,
    Data,
    StringData,
    #[serde(other)]
    Other,
}

/// Reads a Secret whose certificate and key may be in these data keys.
pub(super) struct Reading<'k>(pub(super) &'k DataKeys);

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Secret;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Secret, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let (mut metadata, mut kind, mut data, mut string_data) = (None, None, None, None);
        while let Some(field) = map.next_key()? {
            match field {
                Field::Metadata => once(&mut metadata, "metadata", map.next_value()?)?,
                Field::Type => once(&mut kind, "type", map.next_value()?)?,
                Field::Data => once(&mut data, "data", map.next_value_seed(Entries(self.0))?)?,
                Field::StringData => once(&mut string_data, "stringData", map.next_value_seed(Entries(self.0))?)?,
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Secret {
            metadata: metadata.flatten(),
            kind: kind.flatten(),
            data: data.unwrap_or_default(),
            string_data: string_data.unwrap_or_default(),
        })
    }
}

/// Sets a field that may occur only once.
fn once<T, E: Error>(place: &mut Option<T>, name: &'static str, value: T) -> Result<(), E> {
    match place.replace(value) {
        Some(_) => Err(Error::duplicate_field(name)),
        None => Ok(()),
    }
}

impl From<Secret> for view::Secret {
    fn from(secret: Secret) -> Self {
        let (data, string_data) = (secret.data, secret.string_data);
        let key = string_data.key.or(data.key);
        let mut other_keys = data.others;
        other_keys.extend(string_data.others);
        other_keys.sort_unstable();
        other_keys.dedup();
        let (mut certificate, mut key) = (string_data.certificate.or(data.certificate), key);
        let mut data_keys = None;
        let own = data.own.under(string_data.own).pair();
        if let Some(((name, chain), own_key)) = own.filter(|_| certificate.is_none() && key.is_none()) {
            let (key_name, value) = own_key.unzip();
            let names = [name, key_name.unwrap_or_default()];
            other_keys.retain(|other| !names.contains(other));
            (certificate, key, data_keys) = (Some(chain), value, Some(Box::new(names)));
        }
        Self {
            meta: secret.metadata.into(),
            secret_type: secret.kind.unwrap_or_default(),
            data_keys,
            certificate: certificate.map(|mut c| std::mem::take(&mut *c)),
            key: key.map(|key| SecretSlice::from(exact(&key))),
            ca: string_data.ca.or(data.ca).map(|mut c| std::mem::take(&mut *c)),
            other_keys,
            data_changed: None,
        }
    }
}

/// A copy whose capacity equals its length, so that a boxed slice of it is the same allocation and nothing of it is
/// left behind.
fn exact(bytes: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(bytes.len());
    copy.extend_from_slice(bytes);
    copy
}

/// `data` (base64) or `stringData`.
#[derive(Default)]
struct Data<const ENCODED: bool> {
    certificate: Option<Zeroizing<Vec<u8>>>,
    key: Option<Zeroizing<Vec<u8>>>,
    /// The values in data keys of other programs' own.
    own: pairs::Found<Zeroizing<Vec<u8>>>,
    ca: Option<Zeroizing<Vec<u8>>>,
    others: Vec<Text>,
}

/// Reads the values that may belong to a certificate or key, and the names of the others.
struct Entries<'k, const ENCODED: bool>(&'k DataKeys);

impl<'de, const ENCODED: bool> DeserializeSeed<'de> for Entries<'_, ENCODED> {
    type Value = Data<ENCODED>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de, const ENCODED: bool> Visitor<'de> for Entries<'_, ENCODED> {
    type Value = Data<ENCODED>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Data::default())
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Data::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut data = Data::default();
        while let Some(key) = map.next_key_seed(WantedKey(|_| true))? {
            match key.as_deref() {
                Some(CERTIFICATE) => data.certificate = Some(map.next_value_seed(Bytes::<ENCODED>)?),
                Some(KEY) => data.key = Some(map.next_value_seed(Bytes::<ENCODED>)?),
                Some(CA) => {
                    data.ca = Some(map.next_value_seed(Bytes::<ENCODED>)?);
                    data.others.extend(key);
                }
                _ => {
                    let slot = key.as_deref().and_then(|key| self.0.slot(key));
                    if let Some((slot, key)) = slot.zip(key.clone()) {
                        data.own.put(slot, key, map.next_value_seed(Bytes::<ENCODED>)?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                    data.others.extend(key);
                }
            }
        }
        Ok(data)
    }
}

/// Reads one value of `data` or `stringData`. Null is an empty value.
struct Bytes<const ENCODED: bool>;

impl<'de, const ENCODED: bool> DeserializeSeed<'de> for Bytes<ENCODED> {
    type Value = Zeroizing<Vec<u8>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de, const ENCODED: bool> Visitor<'de> for Bytes<ENCODED> {
    type Value = Zeroizing<Vec<u8>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Zeroizing::default())
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Zeroizing::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Zeroizing::new(if ENCODED {
            decode(text)
        } else {
            text.as_bytes().to_vec()
        }))
    }
}

/// Decodes the base64 `text`. If it is not base64, returns the bytes of the text itself, so that the parser reports
/// what they are.
fn decode(text: &str) -> Vec<u8> {
    let bytes = if text.bytes().any(|b| matches!(b, b'\r' | b'\n')) {
        let joined: Zeroizing<Vec<u8>> = Zeroizing::new(text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect());
        BASE64.decode(&*joined)
    } else {
        BASE64.decode(text)
    };
    bytes.unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// When the certificate or the key of a Secret last changed according to its managedFields, in seconds since 1970;
/// `None` if they do not say.
pub fn data_changed(json: &[u8], keys: &DataKeys) -> Option<Seconds> {
    #[derive(Deserialize, Default)]
    #[serde(default, expecting = "a mapping")]
    struct Object {
        metadata: Option<ManagedMeta>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase", expecting = "a mapping")]
    struct ManagedMeta {
        managed_fields: List<Entry>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase", expecting = "a mapping")]
    struct Entry {
        time: Moment,
        fields_v1: Option<Managed>,
    }
    let object: Object = serde_json::from_slice(json).ok()?;
    let mut change = pairs::LastChange::default();
    for entry in object.metadata?.managed_fields.0 {
        if let Some(by) = entry.fields_v1.and_then(|fields| fields.by(keys)) {
            change.note(by, entry.time.0);
        }
    }
    change.at()
}

/// By which names a fieldsV1 owns the certificate or the key; `None` if it owns neither.
pub fn names_of_pair(fields: &str, keys: &DataKeys) -> Option<pairs::By> {
    serde_json::from_str::<Managed>(fields).ok()?.by(keys)
}

/// The parts of a fieldsV1 that concern the data of a Secret.
#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Managed {
    #[serde(rename = "f:data")]
    data: Option<Owned>,
    /// Server-side apply of stringData manages these, although the Secret stores them as data.
    #[serde(rename = "f:stringData")]
    string_data: Option<Owned>,
}

impl Managed {
    fn by(&self, keys: &DataKeys) -> Option<pairs::By> {
        let both = self.data.iter().chain(&self.string_data);
        both.filter_map(|owned| owned.by(keys)).max()
    }
}

/// The data keys that the fields below `f:data` name.
struct Owned(Vec<Text>);

impl Owned {
    /// By which names they include the certificate or the key. If there are no names, all data keys are meant.
    fn by(&self, keys: &DataKeys) -> Option<pairs::By> {
        if self.0.is_empty() {
            return Some(pairs::By::TlsName);
        }
        let parts = self.0.iter().filter_map(|key| keys.part(key.strip_prefix("f:")?));
        parts.map(|(by, _)| by).max()
    }
}

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Children;
        impl<'de> Visitor<'de> for Children {
            type Value = Owned;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Owned, A::Error> {
                let mut names = Vec::new();
                while let Some(key) = map.next_key_seed(WantedKey(|key| key.starts_with("f:")))? {
                    names.extend(key);
                    map.next_value::<IgnoredAny>()?;
                }
                Ok(Owned(names))
            }
        }
        from.deserialize_map(Children)
    }
}
