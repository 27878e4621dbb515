//! When a Secret's certificate or key last changed, by the managedFields of its protobuf form.

use super::wire::{Fields, Malformed, text_of};
use crate::{
    object::Seconds,
    source::{
        form,
        pairs::{DataKeys, LastChange},
    },
};

/// The time of the last change by a manager of the certificate or key. A manager's time is that of its last change to
/// any field that it manages, so this is the latest moment that the change can have been at.
pub(super) fn data_changed(secret: &[u8], keys: &DataKeys) -> Result<Option<Seconds>, Malformed> {
    let mut change = LastChange::default();
    for field in Fields::new(secret) {
        let (1, meta) = field? else { continue };
        for field in meta.message()? {
            let (17, manager) = field? else { continue };
            let (mut time, mut by) = (None, None);
            for field in manager.message()? {
                match field? {
                    (4, value) => time = super::view::time(value)?,
                    // A fieldsV1 is JSON in protobuf too.
                    (7, fields) => by = form::names_of_pair(&text_of(fields.bytes()?, 1)?.unwrap_or_default(), keys),
                    _ => {}
                }
            }
            if let Some(by) = by {
                change.note(by, time);
            }
        }
    }
    Ok(change.at())
}
