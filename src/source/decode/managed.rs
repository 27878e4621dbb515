//! When a Secret's certificate or key last changed, by the managedFields of its protobuf form.

use super::wire::{Fields, Malformed, Value, text_of};
use crate::{object::Seconds, source::form};

/// The time of the last change by a manager of the certificate or key. A manager's time is that of its last change to
/// any field that it manages, so this is the latest moment that the change can have been at.
pub(super) fn data_changed(secret: &[u8]) -> Result<Option<Seconds>, Malformed> {
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

/// A `ManagedFieldsEntry`'s time, if the manager manages the certificate or key.
fn managed_since(manager: Value<'_>) -> Result<Option<Seconds>, Malformed> {
    let (mut time, mut ours) = (None, false);
    for field in manager.message()? {
        match field? {
            (4, value) => time = super::view::time(value)?,
            (7, fields) => ours = is_of_data(&text_of(fields.bytes()?, 1)?.unwrap_or_default()),
            _ => {}
        }
    }
    Ok(time.filter(|_| ours))
}

/// Whether a fieldsV1, which is JSON in protobuf too, is of the certificate or key: the rule is that of the JSON form.
fn is_of_data(fields: &str) -> bool {
    let entry = format!(r#"{{"time":"1970-01-01T00:00:00Z","fieldsV1":{fields}}}"#);
    let secret = format!(r#"{{"metadata":{{"managedFields":[{entry}]}}}}"#);
    form::data_changed(secret.as_bytes()).is_some()
}
