//! When a Secret's certificate or key last changed, by the managedFields of its protobuf form.

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

/// The time of the last change by a manager of the certificate or key. A manager's time is that of its last change to
/// any field that it manages, so this is the latest moment that the change can have been at.
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
