//! When a Secret's certificate last changed, by its managedFields.
//!
//! A manager's time is that of its last change to any field that it manages, so this is the latest moment that the
//! change can have been at.

use serde::{Deserialize, de::IgnoredAny};

use super::wire::{Fields, Malformed, Value, text_of};
use crate::{object::Seconds, text::parse_time};

/// A manager's fieldsV1, as far as it tells whether it manages the certificate.
#[derive(Deserialize, Default)]
struct FieldSet {
    #[serde(rename = "f:data")]
    data: Option<Data>,
}

#[derive(Deserialize, Default)]
struct Data {
    #[serde(rename = "f:tls.crt")]
    certificate: Option<IgnoredAny>,
}

impl FieldSet {
    fn has_certificate(&self) -> bool {
        self.data.as_ref().is_some_and(|data| data.certificate.is_some())
    }
}

/// By a Secret in protobuf.
pub(super) fn protobuf(secret: &[u8]) -> Result<Option<Seconds>, Malformed> {
    let mut changed = None;
    for field in Fields::new(secret) {
        let (1, meta) = field? else { continue };
        for field in meta.message()? {
            let (17, manager) = field? else { continue };
            changed = changed.max(managed_since(manager)?);
        }
    }
    Ok(changed)
}

/// A ManagedFieldsEntry's time, if the manager manages the certificate.
fn managed_since(manager: Value<'_>) -> Result<Option<Seconds>, Malformed> {
    let (mut time, mut manages) = (None, false);
    for field in manager.message()? {
        match field? {
            (4, value) => time = super::view::time(value)?,
            (7, fields) => {
                let fields = text_of(fields.bytes()?, 1)?.unwrap_or_default();
                manages = serde_json::from_str::<FieldSet>(&fields).is_ok_and(|f| f.has_certificate());
            }
            _ => {}
        }
    }
    Ok(time.filter(|_| manages))
}

#[derive(Deserialize)]
struct SecretForm {
    metadata: MetaForm,
}

#[derive(Deserialize)]
struct MetaForm {
    #[serde(rename = "managedFields", default)]
    managed: Vec<Manager>,
}

#[derive(Deserialize)]
struct Manager {
    time: Option<String>,
    #[serde(rename = "fieldsV1", default)]
    fields: FieldSet,
}

/// By a Secret in JSON; `None` also when its managedFields cannot be read.
pub(super) fn json(secret: &[u8]) -> Option<Seconds> {
    let form: SecretForm = serde_json::from_slice(secret).ok()?;
    let managers = form.metadata.managed.iter();
    managers
        .filter(|manager| manager.fields.has_certificate())
        .filter_map(|manager| parse_time(manager.time.as_deref()?))
        .max()
}
