//! core/v1 Service.

use super::{
    super::wire::{Fields, Malformed},
    meta::{Labels, entry, meta},
};
use crate::object::{Service, Text};

/// A Service: its selector.
pub(super) fn service(message: &[u8]) -> Result<Service, Malformed> {
    let mut service = Service::default();
    let mut selector = Vec::new();
    for field in Fields::new(message) {
        match field? {
            (1, value) => service.meta = meta(value, Labels::Dropped)?,
            (2, spec) => {
                for field in spec.message()? {
                    let (2, value) = field? else { continue };
                    let (key, value) = entry(value)?;
                    selector.push((Text::from_utf8_lossy(key), Text::from_utf8_lossy(value)));
                }
            }
            _ => {}
        }
    }
    service.selector = selector.into();
    Ok(service)
}
