//! metav1.ObjectMeta.

use super::super::wire::{Fields, Malformed, Value};
use crate::object::{Meta, More, Owner, Text, annotation};

/// Which labels are kept: all of routes and namespaces; of Secrets those that say who writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Labels {
    Kept,
    Writers,
    Dropped,
}

/// The metadata of an object of which nothing else is read.
pub(super) fn of(message: &[u8], labels: Labels) -> Result<Meta, Malformed> {
    let mut found = Meta::default();
    for field in Fields::new(message) {
        if let (1, value) = field? {
            found = meta(value, labels)?;
        }
    }
    Ok(found)
}

/// An `ObjectMeta`.
pub(super) fn meta(value: Value<'_>, labels: Labels) -> Result<Meta, Malformed> {
    let mut meta = Meta::default();
    let (mut kept, mut annotations, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for field in value.message()? {
        match field? {
            (1, value) => meta.name = value.text()?,
            (3, value) => meta.namespace = value.text()?,
            (8, value) => meta.created = super::time(value)?,
            (11, value) if labels != Labels::Dropped => {
                let (key, value) = entry(value)?;
                let says = || std::str::from_utf8(key).is_ok_and(annotation::says_who_writes);
                if labels == Labels::Kept || says() {
                    kept.push((lossy(key), lossy(value)));
                }
            }
            (12, value) => {
                let (key, value) = entry(value)?;
                if std::str::from_utf8(key).is_ok_and(annotation::wanted) {
                    annotations.push((lossy(key), lossy(value)));
                }
            }
            (13, value) => owners.push(owner(value)?),
            _ => {}
        }
    }
    meta.more = More {
        labels: kept.into(),
        annotations: annotations.into(),
        owners: owners.into(),
    }
    .boxed();
    Ok(meta)
}

fn lossy(bytes: &[u8]) -> Text {
    Text::from_utf8_lossy(bytes)
}

/// An entry of a map: key and value, each empty where it is left out.
pub(super) fn entry(value: Value<'_>) -> Result<(&[u8], &[u8]), Malformed> {
    let (mut key, mut content) = (&[][..], &[][..]);
    for field in value.message()? {
        match field? {
            (1, value) => key = value.bytes()?,
            (2, value) => content = value.bytes()?,
            _ => {}
        }
    }
    Ok((key, content))
}

fn owner(value: Value<'_>) -> Result<Owner, Malformed> {
    let mut owner = Owner {
        kind: Text::default(),
        name: Text::default(),
        controller: false,
    };
    for field in value.message()? {
        match field? {
            (1, value) => owner.kind = value.text()?,
            (3, value) => owner.name = value.text()?,
            (6, value) => owner.controller = value.number()? != 0,
            _ => {}
        }
    }
    Ok(owner)
}
