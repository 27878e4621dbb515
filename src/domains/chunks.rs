//! Serves the hosts of customers without an object for each: a few Ingresses or `ListenerSets` with many hosts, which this program
//! alone writes. [`mod@plan`] says which host is in which; here they are read, made and written.
//!
//! A host is in a chunk only while its Secret holds a pair that can be served: Traefik reads no entry of an Ingress behind one
//! whose Secret is missing.

mod made;
pub mod plan;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

pub use made::{Backend, Form};
pub(super) use made::{is_of, prefix};
use made::{number_of, read, whole};
use plan::{Chunk, Hosts, Write, plan};

use crate::{
    apply::{Api, ApiError, Patch, Permit, Permits, Purpose, Verb, mark::selector},
    k8s::{Believed, Edit},
    object::{
        Key, Text,
        resource::{HTTPROUTE, INGRESS, LISTENERSET},
    },
};

/// The chunks of an installation, as they were last read and written.
#[derive(Debug)]
pub struct Chunks {
    api: Api,
    install: String,
    form: Form,
    /// The namespaces that are read; all of them if none is named.
    namespaces: Vec<Text>,
    known: BTreeMap<Text, Vec<Chunk>>,
    /// The namespaces in which something has to be written, or read again.
    dirty: BTreeSet<Text>,
    wanted: BTreeMap<Text, Hosts>,
    /// The namespace of each host.
    places: HashMap<Text, Text>,
    /// Whether it is known of every host whether it is wanted: before, nobody is taken out of a chunk.
    is_complete: bool,
}

/// The rights that chunks of a form take in a namespace; an empty one is all of them.
pub fn permits(form: &Form, namespace: &str) -> Permits {
    let verbs = [Verb::Get, Verb::Create, Verb::Patch, Verb::Delete];
    let resources: &[_] = match form {
        Form::Ingress { .. } => &[INGRESS],
        Form::ListenerSet { .. } => &[LISTENERSET, HTTPROUTE],
    };
    resources.iter().fold(Permits::none(), |all, resource| {
        all.with(Permit::prefix(&verbs, *resource, namespace, Purpose::Chunk.prefix()))
    })
}

impl Chunks {
    /// Chunks of a form in these namespaces, or in all of them if none is named. Nothing is read yet.
    pub fn new(api: Api, install: &str, form: Form, namespaces: Vec<Text>) -> Self {
        Self {
            api,
            install: install.to_owned(),
            form,
            namespaces,
            known: BTreeMap::new(),
            dirty: BTreeSet::new(),
            wanted: BTreeMap::new(),
            places: HashMap::new(),
            is_complete: false,
        }
    }

    /// Has a host served with a Secret.
    pub fn want(&mut self, host: &Text, secret: &Key) {
        if self.places.get(host).is_some_and(|place| *place != secret.namespace) {
            self.forget(host);
        }
        let hosts = self.wanted.entry(secret.namespace.clone()).or_default();
        let before = hosts.insert(host.clone(), secret.name.clone());
        self.places.insert(host.clone(), secret.namespace.clone());
        if before.as_ref() != Some(&secret.name) {
            self.dirty.insert(secret.namespace.clone());
        }
    }

    /// Has a host no longer served.
    pub fn forget(&mut self, host: &Text) {
        if let Some(place) = self.places.remove(host) {
            if let Some(hosts) = self.wanted.get_mut(&place) {
                hosts.remove(host);
            }
            self.dirty.insert(place);
        }
    }

    /// Takes note that every host that is wanted was told.
    pub fn complete(&mut self) {
        self.is_complete = true;
        self.dirty.extend(self.known.keys().cloned());
    }

    /// Whether something can be written.
    pub fn is_dirty(&self) -> bool {
        self.is_complete && !self.dirty.is_empty()
    }

    /// Reads what there is, so that what somebody has changed or deleted is put right by the next [`Chunks::write`].
    ///
    /// # Errors
    ///
    /// The cluster refuses or does not answer. What was read before is still known.
    pub async fn read(&mut self) -> Result<(), ApiError> {
        let resource = self.form.resource();
        let labels = selector(Some(Purpose::Chunk));
        let mut objects = Vec::new();
        if self.namespaces.is_empty() {
            objects = self.api.list(resource, None, Some(&labels)).await?;
        }
        for namespace in &self.namespaces {
            objects.extend(self.api.list(resource, Some(namespace), Some(&labels)).await?);
        }
        let mut known: BTreeMap<Text, Vec<Chunk>> = BTreeMap::new();
        for object in objects.iter().filter(|object| is_of(object, &self.install)) {
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            if let Some(chunk) = read(&self.form, object, &self.install) {
                known.entry(namespace.into()).or_default().push(chunk);
            }
        }
        for chunks in known.values_mut() {
            chunks.sort_by_key(|chunk| chunk.number);
        }
        let differs = |namespace: &&Text| {
            let (before, now) = (self.known.get(*namespace), known.get(*namespace));
            before.map_or(&[][..], Vec::as_slice) != now.map_or(&[][..], Vec::as_slice)
        };
        let changed: Vec<Text> = self.known.keys().chain(known.keys()).filter(differs).cloned().collect();
        self.dirty.extend(changed);
        self.known = known;
        Ok(())
    }

    /// Writes what differs from what is wanted: one request for each chunk that changes. `may` is asked before each.
    ///
    /// # Errors
    ///
    /// The first error; what was not written is tried again by the next call.
    pub async fn write(&mut self, may: &(dyn Fn() -> bool + Sync)) -> Result<usize, ApiError> {
        if !self.is_complete {
            return Ok(0);
        }
        let most = self.form.most();
        let mut count = 0;
        for namespace in self.dirty.clone() {
            let none = Hosts::new();
            let wanted = self.wanted.get(&namespace).unwrap_or(&none);
            let known = self.known.entry(namespace.clone()).or_default();
            let api = self.api.with_permits(permits(&self.form, &namespace));
            let writer = Writer {
                api: &api,
                install: &self.install,
                form: &self.form,
                namespace: &namespace,
            };
            for write in plan(known, wanted, most) {
                if !may() {
                    return Ok(count);
                }
                writer.carry_out(&write).await?;
                count += 1;
                known.retain(|chunk| chunk.number != write.number());
                if let Write::Put(chunk) = write {
                    known.push(chunk);
                    known.sort_by_key(|chunk| chunk.number);
                }
            }
            self.dirty.remove(&namespace);
        }
        Ok(count)
    }
}

struct Writer<'a> {
    api: &'a Api,
    install: &'a str,
    form: &'a Form,
    namespace: &'a Text,
}

impl Writer<'_> {
    fn key(&self, number: usize) -> Key {
        Key::new(self.namespace.clone(), made::name(self.install, number).as_str())
    }

    async fn carry_out(&self, write: &Write) -> Result<(), ApiError> {
        match write {
            Write::Put(chunk) => self.put(chunk).await,
            Write::Remove(number) => self.remove(*number).await,
        }
    }

    async fn put(&self, chunk: &Chunk) -> Result<(), ApiError> {
        let key = self.key(chunk.number);
        let objects = whole(self.form, self.namespace, self.install, chunk);
        for (resource, object) in objects {
            let decide = |present: Option<&Value>| {
                let Some(present) = present else {
                    return Ok(Edit::Whole(object.clone()));
                };
                if !is_of(present, self.install) {
                    // Another installation, or somebody's: it has our name by chance or on purpose, and is not ours to write.
                    return Err(ApiError::NotPlanned {
                        verb: Verb::Patch,
                        object: format!("{} {key}", resource.kind),
                    });
                }
                let changes: Vec<Value> = made::FIELDS
                    .iter()
                    .filter(|field| object["spec"][**field] != present["spec"][**field])
                    .filter(|field| !object["spec"][**field].is_null())
                    .map(
                        |field| json!({"op": "add", "path": format!("/spec/{field}"), "value": object["spec"][*field]}),
                    )
                    .collect();
                if changes.is_empty() {
                    return Ok(Edit::Nothing);
                }
                let version = &present["metadata"]["resourceVersion"];
                let mut patch = vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
                patch.extend(changes);
                Ok(Edit::Patch(Patch::Json(patch.into())))
            };
            self.api.update(resource, &key, Believed::Unknown, decide).await?;
        }
        Ok(())
    }

    async fn remove(&self, number: usize) -> Result<(), ApiError> {
        let key = self.key(number);
        for resource in self.form.resources() {
            let Some(object) = self.api.get(*resource, &key).await? else {
                continue;
            };
            if is_of(&object, self.install) && number_of(&object, self.install) == Some(number) {
                self.api.delete_version(*resource, &object).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
