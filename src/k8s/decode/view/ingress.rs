//! networking/v1 Ingress and IngressClass.

use super::{
    super::wire::{Fields, Malformed, Value, text_of},
    meta::{Labels, meta},
};
use crate::object::{Ingress, IngressClass, List, Text, annotation, ingress::IngressTls};

/// An Ingress.
pub(super) fn ingress(message: &[u8]) -> Result<Ingress, Malformed> {
    let mut ingress = Ingress::default();
    for field in Fields::new(message) {
        match field? {
            (1, value) => ingress.meta = meta(value, Labels::Kept)?,
            (2, value) => spec(value, &mut ingress)?,
            (3, value) => ingress.addresses = status(value)?,
            _ => {}
        }
    }
    Ok(ingress)
}

fn spec(value: Value<'_>, ingress: &mut Ingress) -> Result<(), Malformed> {
    let (mut entries, mut rules) = (Vec::new(), Vec::new());
    for field in value.message()? {
        match field? {
            (1, _) => ingress.default_backend = true,
            (2, value) => entries.push(tls(value)?),
            (3, value) => rules.push(text_of(value.bytes()?, 1)?.unwrap_or_default()),
            (4, value) => ingress.class = Some(value.text()?).filter(|class| !class.is_empty()),
            _ => {}
        }
    }
    (ingress.tls, ingress.rules) = (entries.into(), rules.into());
    Ok(())
}

fn tls(value: Value<'_>) -> Result<IngressTls, Malformed> {
    let (mut tls, mut hosts) = (IngressTls::default(), Vec::new());
    for field in value.message()? {
        match field? {
            (1, value) => hosts.push(value.text()?),
            (2, value) => tls.secret = Some(value.text()?).filter(|name| !name.is_empty()),
            _ => {}
        }
    }
    tls.hosts = hosts.into();
    Ok(tls)
}

/// status.loadBalancer.ingress: the IP address of each, or else its host name.
fn status(value: Value<'_>) -> Result<List<Text>, Malformed> {
    let mut addresses = Vec::new();
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
    Ok(addresses.into())
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
