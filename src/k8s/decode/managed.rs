//! When the certificate or key of a Secret last changed, according to the managedFields of its protobuf form.

use bytes::Bytes;
use prost::{DecodeError, Message};

use super::{message, view};
use crate::{
    object::Seconds,
    source::{
        form,
        pairs::{DataKeys, LastChange},
    },
};

/// The time of the last change by a manager of the certificate or key. The time of a manager is that of its last change
/// to any of its fields, so the result is the latest possible time of the change.
pub(super) fn data_changed(secret: Bytes, keys: &DataKeys) -> Result<Option<Seconds>, DecodeError> {
    let mut change = LastChange::default();
    let managers = message::Managed::decode(secret)?.metadata.unwrap_or_default().managers;
    for manager in managers {
        let fields = manager.fields.unwrap_or_default().raw;
        if let Some(by) = form::names_of_pair(&String::from_utf8_lossy(&fields), keys) {
            change.note(by, view::time(manager.time));
        }
    }
    Ok(change.at())
}
