//! core/v1 Service.

use super::{
    super::message,
    meta::{Labels, meta, pairs},
};
use crate::object::Service;

/// The view of a Service with its selector.
pub(super) fn service(service: message::Service) -> Service {
    Service {
        meta: meta(service.metadata, Labels::Dropped),
        selector: pairs(&service.spec.unwrap_or_default().selector, |_| true).into(),
    }
}
