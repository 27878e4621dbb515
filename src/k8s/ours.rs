//! This program's own objects: the marks that distinguish them from others, and the types in which they are made.
//!
//! The types are those of Kubernetes, where it has one. Secrets are JSON, because Kubernetes' types show their data in
//! `Debug` and do not wipe it. Objects of others are never written in a type, because that would drop fields which are
//! newer than the type.

use k8s_openapi::{
    api::{
        batch::v1::Job,
        coordination::v1::Lease,
        core::v1::{Event, Pod, PodTemplateSpec, Service},
        discovery::v1::EndpointSlice,
        networking::v1::Ingress,
    },
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, Time},
    jiff::Timestamp,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::object::{Key, Seconds};

/// The field manager of every write, and the value of the label that names the manager of an object.
pub const MANAGER: &str = "kubectl-certs";
/// A label of temporary objects with the id of the run that created them; an annotation on Secrets that stay.
pub use crate::object::annotation::RUN;

/// The run that created an object, from its label or, on objects that stay, its annotation.
pub fn run_of(object: &Value) -> Option<&str> {
    let meta = &object["metadata"];
    meta["labels"][RUN].as_str().or(meta["annotations"][RUN].as_str())
}

/// An object with labels and annotations.
pub trait Marked {
    /// Sets a label.
    fn label(&mut self, key: &str, value: &str);
    /// Sets an annotation.
    fn annotate(&mut self, key: &str, value: &str);
}

/// An object of this program's own.
pub trait Own: Marked + Serialize {
    /// The namespace and name.
    fn key(&self) -> Key;

    /// The form in which it is sent.
    fn json(&self) -> Value {
        // Objects of Kubernetes' types can always be converted to JSON.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Marked for ObjectMeta {
    fn label(&mut self, key: &str, value: &str) {
        let labels = self.labels.get_or_insert_default();
        labels.insert(key.to_owned(), value.to_owned());
    }

    fn annotate(&mut self, key: &str, value: &str) {
        let annotations = self.annotations.get_or_insert_default();
        annotations.insert(key.to_owned(), value.to_owned());
    }
}

impl Marked for PodTemplateSpec {
    fn label(&mut self, key: &str, value: &str) {
        self.metadata.get_or_insert_default().label(key, value);
    }

    fn annotate(&mut self, key: &str, value: &str) {
        self.metadata.get_or_insert_default().annotate(key, value);
    }
}

macro_rules! own {
    ($($kind:ty),+) => {$(
        impl Marked for $kind {
            fn label(&mut self, key: &str, value: &str) {
                self.metadata.label(key, value);
            }

            fn annotate(&mut self, key: &str, value: &str) {
                self.metadata.annotate(key, value);
            }
        }

        impl Own for $kind {
            fn key(&self) -> Key {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                Key::new(text(&self.metadata.namespace), text(&self.metadata.name))
            }
        }
    )+};
}

own!(EndpointSlice, Event, Ingress, Job, Lease, Pod, Service);

impl Marked for Value {
    fn label(&mut self, key: &str, value: &str) {
        set(self, "labels", key, value);
    }

    fn annotate(&mut self, key: &str, value: &str) {
        set(self, "annotations", key, value);
    }
}

impl Own for Value {
    fn key(&self) -> Key {
        let text = |name: &str| self["metadata"][name].as_str().unwrap_or_default();
        Key::new(text("namespace"), text("name"))
    }
}

/// Sets a label or an annotation.
pub fn set(object: &mut Value, map: &str, key: &str, value: &str) {
    let meta = &mut object["metadata"];
    if !meta[map].is_object() {
        meta[map] = json!({});
    }
    meta[map][key] = value.into();
}

/// A time in the form of most fields; `None` after the year 9999.
pub fn time(at: Seconds) -> Option<Time> {
    Timestamp::from_second(at).ok().map(Time)
}

/// A time in the form of a Lease.
pub fn micro_time(at: Seconds) -> Option<MicroTime> {
    Timestamp::from_second(at).ok().map(MicroTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_marked_alike_in_either_form() {
        let mut lease = Lease {
            metadata: ObjectMeta {
                namespace: Some("shop".into()),
                name: Some("x".into()),
                ..ObjectMeta::default()
            },
            ..Lease::default()
        };
        let mut json = lease.json();
        assert_eq!(json["apiVersion"], "coordination.k8s.io/v1");
        lease.label(RUN, "abc");
        lease.annotate("a", "b");
        json.label(RUN, "abc");
        json.annotate("a", "b");
        assert_eq!(lease.json(), json);
        assert_eq!((lease.key(), run_of(&json)), (json.key(), Some("abc")));
    }

    #[test]
    fn moments_are_written_as_the_server_reads_them() {
        let json = (json!(time(1_700_000_000)), json!(micro_time(1_700_000_000)));
        let (plain, micro) = ("2023-11-14T22:13:20Z", "2023-11-14T22:13:20.000000Z");
        assert_eq!(json, (plain.into(), micro.into()));
    }
}
