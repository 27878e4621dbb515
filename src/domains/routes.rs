//! An object of its own for each host, made of a template: for platforms whose hosts need a middleware, a class or a backend that
//! is theirs. This program alone writes these objects, and puts right what somebody changes.
//!
//! As with chunks, a host has its object only while its Secret holds a pair that can be served, and nothing is removed before all
//! records were read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::{
    chunks::{is_of, prefix},
    template::{BadTemplate, Filling, Template, has_all},
};
use crate::{
    apply::{
        Api, ApiError, Patch, Permit, Permits, Purpose, Verb,
        mark::{MANAGED_BY, MANAGER, PURPOSE, selector, short_hash},
    },
    domain::Tenant,
    k8s::{Believed, Edit},
    object::{Key, Text, annotation::CLAIM, resource::CONFIGMAP},
    x509::Fingerprint,
};

/// The data key of the template.
pub const DATA: &str = "template.yaml";
/// How many objects are written before something else is looked at.
const TOGETHER: usize = 200;

/// The objects of an installation, as they were last read and written.
#[derive(Debug)]
pub struct Routes {
    api: Api,
    install: String,
    /// The `ConfigMap` with the template.
    place: Key,
    template: Option<Template>,
    /// The namespaces that are read; all of them if none is named.
    namespaces: Vec<Text>,
    wanted: HashMap<Text, Wanted>,
    /// What each object has, if that is what is wanted of it.
    known: BTreeMap<Key, Option<Fingerprint>>,
    /// The hosts to look at, and whether there are objects that may have to go.
    dirty: BTreeSet<Text>,
    has_others: bool,
    is_complete: bool,
}

/// How a host is to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    secret: Key,
    tenant: Tenant,
}

/// Why hosts are not served yet. The messages fit "failed to ...".
#[derive(Debug, thiserror::Error)]
pub enum RoutesError {
    /// The cluster refuses or does not answer.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// There is no template that can be used.
    #[error("ConfigMap {place}: {why}")]
    Template {
        /// Where it is.
        place: Key,
        /// Why there is none.
        why: BadTemplate,
    },
    /// There is no template.
    #[error("there is no ConfigMap {place} with {DATA}, the template of the hosts' routes")]
    Missing {
        /// Where it should be.
        place: Key,
    },
}

/// The rights that objects of a kind take in a namespace.
fn permits(template: &Template, namespace: &str) -> Permits {
    let verbs = [Verb::Get, Verb::Create, Verb::Patch, Verb::Delete];
    let prefix = Purpose::Chunk.prefix();
    Permits::none().with(Permit::prefix(&verbs, template.resource, namespace, prefix))
}

impl Routes {
    /// Objects of the template in this `ConfigMap`, in these namespaces, or in all of them if none is named.
    pub fn new(api: Api, install: &str, place: Key, namespaces: Vec<Text>) -> Self {
        Self {
            api,
            install: install.to_owned(),
            place,
            template: None,
            namespaces,
            wanted: HashMap::new(),
            known: BTreeMap::new(),
            dirty: BTreeSet::new(),
            has_others: false,
            is_complete: false,
        }
    }

    /// Has a host of a tenant served with a Secret.
    pub fn want(&mut self, host: &Text, secret: &Key, tenant: &Tenant) {
        let wanted = Wanted {
            secret: secret.clone(),
            tenant: tenant.clone(),
        };
        let before = self.wanted.insert(host.clone(), wanted.clone());
        if before.as_ref() != Some(&wanted) {
            // One that has moved to another namespace leaves an object.
            self.has_others |= before.is_some_and(|before| before.secret.namespace != secret.namespace);
            self.dirty.insert(host.clone());
        }
    }

    /// Has a host no longer served.
    pub fn forget(&mut self, host: &Text) {
        self.dirty.remove(host);
        self.has_others |= self.wanted.remove(host).is_some();
    }

    /// Takes note that every host that is wanted was told.
    pub fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Whether something can be written.
    pub fn is_dirty(&self) -> bool {
        self.is_complete && self.template.is_some() && (self.has_others || !self.dirty.is_empty())
    }

    fn name(&self, host: &str) -> String {
        format!("{}h{}", prefix(&self.install), short_hash(host))
    }

    fn key(&self, host: &str, wanted: &Wanted) -> Key {
        Key::new(wanted.secret.namespace.clone(), self.name(host).as_str())
    }

    fn object(&self, template: &Template, host: &str, wanted: &Wanted) -> Value {
        let mut object = template.filled(Filling {
            host,
            tenant: wanted.tenant.as_str(),
            secret: &wanted.secret.name,
        });
        let metadata = &mut object["metadata"];
        metadata["labels"][MANAGED_BY] = MANAGER.into();
        metadata["labels"][PURPOSE] = Purpose::Chunk.as_str().into();
        metadata["annotations"][CLAIM] = self.install.as_str().into();
        object
    }

    /// Reads the template and what there is, so that what somebody has changed is put right by the next [`Routes::write`].
    ///
    /// # Errors
    ///
    /// There is no template that can be used, or the cluster refuses. What was read before is still known, and stays as it is.
    pub async fn read(&mut self) -> Result<(), RoutesError> {
        let place = self.place.clone();
        let map = self.api.get(CONFIGMAP, &place).await?;
        let text = map.as_ref().and_then(|map| map["data"][DATA].as_str());
        let Some(text) = text else {
            return Err(RoutesError::Missing { place });
        };
        let template = Template::parse(text).map_err(|why| RoutesError::Template { place, why })?;
        let mut by_key: HashMap<Key, Value> = HashMap::new();
        for (host, wanted) in &self.wanted {
            by_key.insert(self.key(host, wanted), self.object(&template, host, wanted));
        }
        let labels = selector(Some(Purpose::Chunk));
        let mut found: Vec<(Key, Option<Fingerprint>)> = Vec::new();
        let install = &self.install;
        let seen = |object: Value| {
            if !is_of(&object, install) {
                return None;
            }
            let meta = &object["metadata"];
            let text = |field: &str| meta[field].as_str().unwrap_or_default();
            let key = Key::new(text("namespace"), text("name"));
            let wanted = by_key.get(&key).filter(|wanted| has_all(&object, wanted));
            let stamp = wanted.map(stamp);
            Some((key, stamp))
        };
        let resource = template.resource;
        if self.namespaces.is_empty() {
            found = self.api.list_as(resource, None, Some(&labels), seen).await?;
        } else {
            for namespace in &self.namespaces {
                found.extend(self.api.list_as(resource, Some(namespace), Some(&labels), seen).await?);
            }
        }
        self.known = found.into_iter().collect();
        self.template = Some(template);
        let lacks = |(host, wanted): &(&Text, &Wanted)| {
            let known = self.known.get(&self.key(host, wanted));
            !known.is_some_and(Option::is_some)
        };
        let missing: Vec<Text> = self.wanted.iter().filter(lacks).map(|(host, _)| host.clone()).collect();
        self.dirty.extend(missing);
        self.has_others |= self.known.keys().any(|key| !by_key.contains_key(key));
        Ok(())
    }

    /// Writes the objects that are not as they are wanted, and removes those of hosts that have left. `may` is asked before each.
    ///
    /// # Errors
    ///
    /// The first error; what was not written is tried again by the next call.
    pub async fn write(&mut self, may: &(dyn Fn() -> bool + Sync)) -> Result<usize, RoutesError> {
        let Some(template) = self.template.clone().filter(|_| self.is_complete) else {
            return Ok(0);
        };
        let mut count = 0;
        while let Some(host) = self.dirty.first().cloned() {
            let Some(wanted) = self.wanted.get(&host) else {
                self.dirty.remove(&host);
                continue;
            };
            let (key, object) = (self.key(&host, wanted), self.object(&template, &host, wanted));
            let stamp = stamp(&object);
            if self.known.get(&key) != Some(&Some(stamp)) {
                if count >= TOGETHER || !may() {
                    return Ok(count);
                }
                self.put(&template, &key, &object).await?;
                count += 1;
                self.known.insert(key, Some(stamp));
            }
            self.dirty.remove(&host);
        }
        if self.has_others {
            let wanted: BTreeSet<Key> = self
                .wanted
                .iter()
                .map(|(host, wanted)| self.key(host, wanted))
                .collect();
            let others: Vec<Key> = self.known.keys().filter(|key| !wanted.contains(key)).cloned().collect();
            for key in others {
                if count >= TOGETHER || !may() {
                    return Ok(count);
                }
                let api = self.api.with_permits(permits(&template, &key.namespace));
                let object = api.get(template.resource, &key).await?;
                if let Some(object) = object.filter(|object| is_of(object, &self.install)) {
                    api.delete_version(template.resource, &object).await?;
                }
                count += 1;
                self.known.remove(&key);
            }
            self.has_others = false;
        }
        Ok(count)
    }

    async fn put(&self, template: &Template, key: &Key, wanted: &Value) -> Result<(), ApiError> {
        let resource = template.resource;
        let api = self.api.with_permits(permits(template, &key.namespace));
        let decide = |present: Option<&Value>| {
            let Some(present) = present else {
                let mut whole = wanted.clone();
                whole["apiVersion"] = resource.api_version().into();
                whole["kind"] = resource.kind.into();
                whole["metadata"]["namespace"] = key.namespace.as_str().into();
                whole["metadata"]["name"] = key.name.as_str().into();
                return Ok(Edit::Whole(whole));
            };
            if !is_of(present, &self.install) {
                return Err(ApiError::NotPlanned {
                    verb: Verb::Patch,
                    object: format!("{} {key}", resource.kind),
                });
            }
            if has_all(present, wanted) {
                return Ok(Edit::Nothing);
            }
            let version = &present["metadata"]["resourceVersion"];
            let mut patch = vec![
                json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}),
                json!({"op": "add", "path": "/spec", "value": wanted["spec"]}),
            ];
            for field in ["labels", "annotations"] {
                // Those that others have added stay.
                for (name, value) in wanted["metadata"][field].as_object().into_iter().flatten() {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    patch.push(json!({"op": "add", "path": format!("/metadata/{field}/{name}"), "value": value}));
                }
            }
            Ok(Edit::Patch(Patch::Json(patch.into())))
        };
        api.update(resource, key, Believed::Unknown, decide).await?;
        Ok(())
    }
}

fn stamp(object: &Value) -> Fingerprint {
    Fingerprint::of(object.to_string().as_bytes())
}

#[cfg(test)]
mod tests;
