//! networking/v1 Ingress and IngressClass.

use super::{
    super::message,
    filled,
    meta::{Labels, meta},
    text,
};
use crate::object::{Ingress, IngressClass, annotation, ingress::IngressTls};

/// The view of an Ingress.
pub(super) fn ingress(ingress: message::Ingress) -> Ingress {
    let spec = ingress.spec.unwrap_or_default();
    let balancer = ingress.status.and_then(|status| status.load_balancer);
    let points = balancer.unwrap_or_default().ingress;
    let tls = |tls: &message::IngressTls| IngressTls {
        hosts: tls.hosts.iter().map(text).collect(),
        secret: filled(&tls.secret),
    };
    Ingress {
        meta: meta(ingress.metadata, Labels::Kept),
        class: filled(&spec.class),
        default_backend: spec.default_backend.is_some(),
        tls: spec.tls.iter().map(tls).collect(),
        rules: spec.rules.iter().map(|rule| text(&rule.host)).collect(),
        // The IP address of each, otherwise its host name.
        addresses: points
            .iter()
            .filter_map(|point| filled(&point.ip).or_else(|| filled(&point.hostname)))
            .collect(),
    }
}

/// The view of an `IngressClass`.
pub(super) fn class(class: message::IngressClass) -> IngressClass {
    let meta = meta(class.metadata, Labels::Dropped);
    IngressClass {
        default: meta.annotation(annotation::DEFAULT_CLASS) == Some("true"),
        controller: text(&class.spec.unwrap_or_default().controller),
        meta,
    }
}
