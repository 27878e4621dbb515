//! The structure of API objects in JSON and YAML, and their conversion into views.
//!
//! The structs have only the fields that are used, and skip all others without decoding them. `null`, which kubectl
//! prints and Helm produces, counts as absent everywhere.

mod certmanager;
mod consumer;
mod gateway;
mod hosts;
mod ingress;
mod lenient;
mod made;
mod meta;
mod route;
mod secret;
mod traefik;

use serde::{
    Deserialize,
    de::{DeserializeSeed as _, Error as _},
};
use zeroize::Zeroizing;

pub use lenient::without_values;
pub use made::{encrypted, made, may_make};
pub use secret::{data_changed, names_of_pair};

use super::pairs::DataKeys;
use crate::object::{Kind, Meta, Object, Text, register::Role};

/// Reads one object of a known kind from JSON.
///
/// The error has line and column within `json`, and shows no text value of the object, which might be a key.
pub fn from_json(kind: Kind, json: &[u8], keys: &DataKeys) -> Result<Object, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    decode(kind, &mut deserializer, keys)
        .and_then(|object| deserializer.end().map(|()| object))
        .map_err(|error| serde_json::Error::custom(without_values(&error.to_string())))
}

/// Reads one object of a known kind from a value that was read from YAML. The error shows no text value of the object,
/// and no position.
///
/// The value is converted to JSON, because the code that reads objects is large, and with a single format it exists
/// only once.
pub fn from_value(kind: Kind, value: &serde_json::Value, keys: &DataKeys) -> Result<Object, serde_json::Error> {
    let json = wiped(|to| Ok(serde_json::to_writer(to, value)?)).map_err(serde_json::Error::custom)?;
    from_json(kind, &json, keys).map_err(|error| serde_json::Error::custom(without_place(&error.to_string())))
}

/// What `write` writes, which is called twice. Its length is counted first, because a buffer that grew would leave
/// copies of a key behind, which nobody wipes.
pub(super) fn wiped(
    mut write: impl FnMut(&mut Counted<'_>) -> std::io::Result<()>,
) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut length = Counted::default();
    write(&mut length)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.count));
    write(&mut Counted {
        count: 0,
        into: Some(&mut *bytes),
    })?;
    Ok(bytes)
}

/// Counts the bytes that are written, and may keep them.
#[derive(Default)]
pub(super) struct Counted<'a> {
    /// How many bytes have been written.
    pub(super) count: usize,
    into: Option<&'a mut Vec<u8>>,
}

impl std::io::Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.count += bytes.len();
        if let Some(into) = &mut self.into {
            into.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The message of a JSON error without its position, which is given in lines of the file instead.
pub fn without_place(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message)
}

/// Reads an object of `kind`. `keys` are the data keys in which Secrets have a certificate and its key. The error may
/// quote values.
fn decode<'de>(
    kind: Kind,
    from: &mut serde_json::Deserializer<impl serde_json::de::Read<'de>>,
    keys: &DataKeys,
) -> Result<Object, serde_json::Error> {
    Ok(match kind {
        Kind::Ingress => Object::Ingress(ingress::Ingress::deserialize(from)?.into()),
        Kind::IngressClass => Object::IngressClass(ingress::IngressClass::deserialize(from)?.into()),
        Kind::Gateway => Object::Gateway(gateway::Gateway::deserialize(from)?.into()),
        Kind::GatewayClass => Object::GatewayClass(gateway::GatewayClass::deserialize(from)?.into()),
        Kind::ListenerSet | Kind::XListenerSet => {
            Object::ListenerSet(gateway::ListenerSet::deserialize(from)?.into_view(kind))
        }
        Kind::HttpRoute | Kind::GrpcRoute | Kind::TlsRoute => {
            Object::Route(route::Route::deserialize(from)?.into_view(kind))
        }
        Kind::ReferenceGrant => Object::ReferenceGrant(route::ReferenceGrant::deserialize(from)?.into()),
        Kind::IngressRoute | Kind::OldIngressRoute | Kind::IngressRouteTcp | Kind::OldIngressRouteTcp => {
            Object::IngressRoute(traefik::IngressRoute::deserialize(from)?.into_view(kind))
        }
        Kind::TlsStore | Kind::OldTlsStore => {
            Object::TlsStore(traefik::store::TlsStore::deserialize(from)?.into_view(kind))
        }
        Kind::Secret => Object::Secret(secret::Reading(keys).deserialize(from)?.into()),
        Kind::Certificate => Object::Certificate(certmanager::Certificate::deserialize(from)?.into()),
        Kind::CertificateRequest => Object::CertificateRequest(certmanager::Request::deserialize(from)?.into()),
        Kind::Issuer => Object::Issuer(certmanager::Issuer::deserialize(from)?.into_view(false)),
        Kind::ClusterIssuer => Object::Issuer(certmanager::Issuer::deserialize(from)?.into_view(true)),
        Kind::Order => Object::Order(certmanager::Order::deserialize(from)?.into()),
        Kind::Challenge => Object::Challenge(certmanager::Challenge::deserialize(from)?.into()),
        Kind::Namespace => Object::Namespace(meta::Only::deserialize(from)?.metadata.into()),
        Kind::Service => Object::Service(consumer::Service::deserialize(from)?.into()),
        Kind::Pod => Object::Consumer(consumer::Pod::deserialize(from)?.into()),
        Kind::CronJob => Object::Consumer(consumer::CronJob::deserialize(from)?.into()),
        Kind::ServiceAccount => Object::Consumer(consumer::ServiceAccount::deserialize(from)?.into()),
        kind if kind.row().role == Role::Consumer => {
            Object::Consumer(consumer::Workload::deserialize(from)?.into_view(kind))
        }
        // All other kinds are routes that the register says how to read.
        kind => Object::HostRoute(hosts::read(kind, from)?),
    })
}

/// Sets `namespace` on an object whose manifest has none, if its kind has namespaces; removes the namespace from an
/// object whose kind has none.
pub fn place(object: &mut Object, namespace: &Text) {
    let namespaced = object.kind().namespaced();
    if let Object::ListenerSet(set) = object
        && let Some(parent) = &mut set.parent
        && parent.namespace.is_empty()
    {
        parent.namespace.clone_from(namespace);
    }
    let meta = meta_mut(object);
    if !namespaced {
        meta.namespace = Text::default();
    } else if meta.namespace.is_empty() {
        meta.namespace.clone_from(namespace);
    }
}

fn meta_mut(object: &mut Object) -> &mut Meta {
    match object {
        Object::Ingress(o) => &mut o.meta,
        Object::IngressClass(o) => &mut o.meta,
        Object::Gateway(o) => &mut o.meta,
        Object::GatewayClass(o) => &mut o.meta,
        Object::ListenerSet(o) => &mut o.meta,
        Object::Route(o) => &mut o.meta,
        Object::ReferenceGrant(o) => &mut o.meta,
        Object::IngressRoute(o) => &mut o.meta,
        Object::HostRoute(o) => &mut o.meta,
        Object::TlsStore(o) => &mut o.meta,
        Object::Secret(o) => &mut o.meta,
        Object::Certificate(o) => &mut o.meta,
        Object::CertificateRequest(o) => &mut o.meta,
        Object::Issuer(o) => &mut o.meta,
        Object::Order(o) => &mut o.meta,
        Object::Challenge(o) => &mut o.meta,
        Object::Namespace(meta) => meta,
        Object::Consumer(o) => &mut o.meta,
        Object::Service(o) => &mut o.meta,
    }
}

#[cfg(test)]
mod tests;
