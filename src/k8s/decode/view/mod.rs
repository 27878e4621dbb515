//! Converts protobuf messages of the built-in kinds into views.

mod consumer;
mod ingress;
mod meta;
mod secret;
mod service;

use bytes::Bytes;
use prost::Message;

pub(super) use secret::drop_useless;

use super::{
    DecodeError,
    message::{self, pod},
};
use crate::{
    object::{Key, Kind, Object, Seconds, Text},
    source::pairs::DataKeys,
};
use consumer::workload;
use meta::{Labels, meta};

/// Whether servers encode the kind in protobuf, which they do for built-in kinds.
pub(super) fn has_protobuf(kind: Kind) -> bool {
    kind.row().is_built_in()
}

/// The view of one object of `kind`.
pub(super) fn decode(kind: Kind, message: Bytes, keys: &DataKeys) -> Result<Object, DecodeError> {
    let object = match kind {
        Kind::Ingress => Object::Ingress(ingress::ingress(message::Ingress::decode(message)?)),
        Kind::IngressClass => Object::IngressClass(ingress::class(message::IngressClass::decode(message)?)),
        Kind::Secret => Object::Secret(secret::secret(message::Secret::decode(message)?, keys)),
        Kind::Namespace => Object::Namespace(meta(message::Object::decode(message)?.metadata, Labels::Kept)),
        Kind::Service => Object::Service(service::service(message::Service::decode(message)?)),
        Kind::Pod => Object::Consumer(consumer::pod(pod::Pod::decode(message)?)),
        Kind::ServiceAccount => Object::Consumer(consumer::account(pod::ServiceAccount::decode(message)?)),
        Kind::Job => {
            let job = pod::Job::decode(message)?;
            let template = job.spec.and_then(|spec| spec.template);
            Object::Consumer(workload(kind, job.metadata, template))
        }
        Kind::CronJob => {
            let job = pod::CronJob::decode(message)?;
            let made = job.spec.and_then(|spec| spec.job_template?.spec);
            Object::Consumer(workload(kind, job.metadata, made.and_then(|spec| spec.template)))
        }
        Kind::DaemonSet => {
            let set = pod::DaemonSet::decode(message)?;
            let template = set.spec.and_then(|spec| spec.template);
            Object::Consumer(workload(kind, set.metadata, template))
        }
        kind if has_protobuf(kind) => {
            let set = pod::Deployment::decode(message)?;
            let template = set.spec.and_then(|spec| spec.template);
            Object::Consumer(workload(kind, set.metadata, template))
        }
        kind => return Err(DecodeError::NoProtobufOf(kind)),
    };
    if object.meta().name.is_empty() {
        return Err(DecodeError::Nameless);
    }
    Ok(object)
}

/// The namespace and name of a message, if they can be read.
pub(super) fn key(message: Bytes) -> Option<Key> {
    let mut object = message::Object::default();
    // Fields before the error are kept.
    let _ = object.merge(message);
    let meta = object.metadata?;
    (!meta.name.is_empty()).then(|| Key::new(text(&meta.namespace), text(&meta.name)))
}

/// A text. Bytes that are not UTF-8 are replaced, as the server does when it writes JSON.
pub(super) fn text(bytes: &Bytes) -> Text {
    // Valid text is converted at once, while the lossy conversion goes letter by letter.
    std::str::from_utf8(bytes).map_or_else(|_| Text::from_utf8_lossy(bytes), Text::from)
}

/// A text, if it is not empty.
fn filled(bytes: &Bytes) -> Option<Text> {
    (!bytes.is_empty()).then(|| text(bytes))
}

/// A time; `None` for the zero time.
pub(super) fn time(time: Option<message::Time>) -> Option<Seconds> {
    time?.seconds
}
