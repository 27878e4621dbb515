//! networking/v1 Ingress and IngressClass.

use super::{
    super::wire::{Fields, Malformed, Value, text_of},
    meta::{Labels, meta},
};
use crate::object::{Ingress, IngressClass, Text, annotation, ingress::IngressTls};

/// An Ingress.
pub(super) fn ingress(message: &[u8]) -> Result<Ingress, Malformed> {
    let mut ingress = Ingress::default();
    for field in Fields::new(message) {
        match field? {
            (1, value) => ingress.meta = meta(value, Labels::Kept)?,
            (2, value) => spec(value, &mut ingress)?,
            (3, value) => status(value, &mut ingress.addresses)?,
            _ => {}
        }
    }
    // Nearly all have one of each, where a vector makes room for four.
    ingress.tls.shrink_to_fit();
    ingress.rules.shrink_to_fit();
    ingress.addresses.shrink_to_fit();
    Ok(ingress)
}

fn spec(value: Value<'_>, ingress: &mut Ingress) -> Result<(), Malformed> {
    for field in value.message()? {
        match field? {
            (1, _) => ingress.default_backend = true,
            (2, value) => ingress.tls.push(tls(value)?),
            (3, value) => ingress.rules.push(text_of(value.bytes()?, 1)?.unwrap_or_default()),
            (4, value) => ingress.class = Some(value.text()?).filter(|class| !class.is_empty()),
            _ => {}
        }
    }
    Ok(())
}

fn tls(value: Value<'_>) -> Result<IngressTls, Malformed> {
    let mut tls = IngressTls::default();
    for field in value.message()? {
        match field? {
            (1, value) => tls.hosts.push(value.text()?),
            (2, value) => tls.secret = Some(value.text()?).filter(|name| !name.is_empty()),
            _ => {}
        }
    }
    tls.hosts.shrink_to_fit();
    Ok(tls)
}

/// status.loadBalancer.ingress: the IP address of each, or else its host name.
fn status(value: Value<'_>, addresses: &mut Vec<Text>) -> Result<(), Malformed> {
    for field in value.message()? {
        let (1, balancer) = field? else { continue };
        for field in balancer.message()? {
            let (1, point) = field? else { continue };
            let point = point.bytes()?;
            let filled = |address: &Text| !address.is_empty();
            let ip = text_of(point, 1)?.filter(filled);
            addresses.extend(match ip {
                Some(ip) => Some(ip),
                None => text_of(point, 2)?.filter(filled),
            });
        }
    }
    Ok(())
}

/// An IngressClass.
pub(super) fn class(message: &[u8]) -> Result<IngressClass, Malformed> {
    let mut class = IngressClass::default();
    for field in Fields::new(message) {
        match field? {
            (1, value) => class.meta = meta(value, Labels::Dropped)?,
            (2, value) => class.controller = text_of(value.bytes()?, 1)?.unwrap_or_default(),
            _ => {}
        }
    }
    class.default = class.meta.annotation(annotation::DEFAULT_CLASS) == Some("true");
    Ok(class)
}
