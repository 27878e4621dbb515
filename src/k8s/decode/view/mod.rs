//! Protobuf messages of the built-in kinds into views. The numbers are those of the generated.proto files of
//! k8s.io/api and k8s.io/apimachinery; fields that no view has are passed over.

mod consumer;
mod ingress;
mod meta;
mod secret;
mod service;

pub(super) use secret::drop_useless;

use super::{
    DecodeError,
    wire::{Fields, Malformed, Value},
};
use crate::{
    object::{Key, Kind, Object, Seconds},
    source::pairs::DataKeys,
};

/// Whether servers write the kind in protobuf: the built-in ones.
pub(super) fn has_protobuf(kind: Kind) -> bool {
    kind.row().is_built_in()
}

/// The view of one object of `kind`.
pub(super) fn decode(kind: Kind, message: &[u8], keys: &DataKeys) -> Result<Object, DecodeError> {
    let object = match kind {
        Kind::Ingress => Object::Ingress(ingress::ingress(message)?),
        Kind::IngressClass => Object::IngressClass(ingress::class(message)?),
        Kind::Secret => Object::Secret(secret::secret(message, keys)?),
        Kind::Namespace => Object::Namespace(meta::of(message, meta::Labels::Kept)?),
        Kind::Service => Object::Service(service::service(message)?),
        kind if has_protobuf(kind) => Object::Consumer(consumer::consumer(kind, message)?),
        kind => return Err(DecodeError::NoProtobufOf(kind)),
    };
    if object.meta().name.is_empty() {
        return Err(DecodeError::Nameless);
    }
    Ok(object)
}

/// Which object a message is, as far as that can be read.
pub(super) fn key(message: &[u8]) -> Option<Key> {
    let mut key = Key::new("", "");
    let metadata = Fields::new(message).filter_map(Result::ok).find(|(n, _)| *n == 1)?.1;
    for (field, value) in metadata.message().ok()?.filter_map(Result::ok) {
        match field {
            1 => key.name = value.text().ok()?,
            3 => key.namespace = value.text().ok()?,
            _ => {}
        }
    }
    (!key.name.is_empty()).then_some(key)
}

/// A metav1.Time; `None` for the zero time, which is an empty message.
pub(super) fn time(value: Value<'_>) -> Result<Option<Seconds>, Malformed> {
    let mut seconds = None;
    for field in value.message()? {
        if let (1, value) = field? {
            seconds = Some(value.signed()?);
        }
    }
    Ok(seconds)
}
