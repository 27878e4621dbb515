//! What was taken over: what it looked like before, kept in a Secret of the installation's namespace until it is given back, and what
//! is written on a Secret to take it over and to give it back. Pure but for the reading and writing of what is kept.
//!
//! It is a Secret because what `kubectl apply` leaves on one holds a private key, and a Certificate may hold a password.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Purpose, RunId, Slots, backup, mark, owner::LAST_APPLIED, secret::NOTED};
use crate::{
    object::{Key, Seconds, Text, annotation},
    plan::adopt::Former,
    x509::Fingerprint,
};

/// The data key of what is kept.
const RECORD: &str = "adopted.json";
/// The largest one that is written, in bytes: an object of a cluster has a little more than 1 MiB.
pub const LARGEST: usize = 900 << 10;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Being taken over; a run that ended early goes on with it.
    Begun,
    /// Taken over.
    Done,
    /// Being given back; a run that ended early goes on with it.
    Returning,
}

/// What went over together, as it was before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// How far it is.
    pub state: State,
    /// When it was begun, in seconds since 1970.
    pub at: Seconds,
    /// Who kept it, by name.
    pub formers: Vec<String>,
    /// The routes.
    pub routes: Vec<RouteBefore>,
    /// The Certificates, as they are created again.
    pub certificates: Vec<CertificateBefore>,
    /// What ran.
    pub programs: Vec<ProgramBefore>,
    /// The Secrets.
    pub secrets: Vec<SecretBefore>,
}

/// An object by its kind, place and uid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Which {
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: Text,
    /// Its name.
    pub name: Text,
    /// Its uid.
    pub uid: String,
}

impl Which {
    /// The object that was read. Its kind is `kind`, because a list does not say it of its items.
    pub fn of(object: &Value, api_version: &str, kind: &str) -> Self {
        let meta = &object["metadata"];
        let text = |field: &str| meta[field].as_str().unwrap_or_default();
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: text("namespace").into(),
            name: text("name").into(),
            uid: text("uid").to_owned(),
        }
    }

    /// Namespace and name.
    pub fn key(&self) -> Key {
        Key::new(self.namespace.clone(), self.name.clone())
    }

    /// Whether an object that was read now is the same one, and not another of its name.
    pub fn is(&self, object: &Value) -> bool {
        object["metadata"]["uid"] == self.uid.as_str()
    }
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.key())
    }
}

/// A route as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteBefore {
    /// Which.
    pub route: Which,
    /// The annotations that are taken from it.
    pub taken: Map<String, Value>,
    /// Whether it is given the annotation that asks this program.
    pub is_asked: bool,
    /// The value that this annotation had, if it had one.
    pub asked_before: Option<String>,
}

/// A Certificate as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateBefore {
    /// Which.
    pub certificate: Which,
    /// The whole object, without what the server adds.
    pub object: Value,
}

/// What ran, and by which field it is ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgramBefore {
    /// Which.
    pub program: Which,
    /// The field of its spec.
    pub field: String,
    /// Its value before; null if it had none.
    pub before: Value,
    /// Its value meanwhile.
    pub meanwhile: Value,
}

/// A Secret as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretBefore {
    /// Which.
    pub secret: Which,
    /// Its annotations.
    pub annotations: Map<String, Value>,
    /// Its labels.
    pub labels: Map<String, Value>,
    /// Who managed its fields.
    pub managed_fields: Value,
    /// The SHA-256 of its data.
    pub data: String,
    /// The SHA-256 of the leaf that it held, and the directory from which its issuer got it, if that is known to be the installation's.
    pub ordered_at: Option<(String, String)>,
    /// Which of its keepers' marks are taken from it, besides cert-manager's: what `kubectl apply` left, and the managers of its data.
    pub is_of_program: bool,
}

impl SecretBefore {
    /// The Secret that was read.
    pub fn of(object: &Value, ordered_at: Option<(String, String)>, is_of_program: bool) -> Self {
        let meta = &object["metadata"];
        let map = |field: &str| meta[field].as_object().cloned().unwrap_or_default();
        Self {
            secret: Which::of(object, "v1", "Secret"),
            annotations: map("annotations"),
            labels: map("labels"),
            managed_fields: meta["managedFields"].clone(),
            data: digest(object),
            ordered_at,
            is_of_program,
        }
    }
}

/// The SHA-256 of the data of a Secret.
pub fn digest(object: &Value) -> String {
    Fingerprint::of(object["data"].to_string().as_bytes()).to_string()
}

/// The annotation that names the Certificate of a Secret, and the label by which cert-manager finds it.
const ANNOTATION: &str = annotation::CERTIFICATE_NAME;
const LABEL: &str = annotation::CERT_MANAGERS;
/// The kind of an owner that keeps a Secret from going with its Certificate.
const GUARD: &str = "Namespace";

/// Whether a field manager is one of cert-manager's loops, which are called after them: `cert-manager-certificates-issuing`.
pub fn is_cert_manager(manager: &str) -> bool {
    manager == "cert-manager" || manager.starts_with("cert-manager-")
}

/// The marks on a Secret that say that its keeper writes it, in words: none once they are taken.
pub fn marks(object: &Value, slots: &Slots, is_of_program: bool) -> Vec<String> {
    let meta = &object["metadata"];
    let mut all = Vec::new();
    if !meta["annotations"][ANNOTATION].is_null() {
        all.push(format!("the annotation {ANNOTATION}"));
    }
    if is_of_program && applied(object, slots) {
        all.push(format!("the annotation {LAST_APPLIED}, which holds the pair"));
    }
    if !meta["labels"][LABEL].is_null() {
        all.push(format!("the label {LABEL}"));
    }
    if references(object).any(is_of_certificate) {
        all.push("the owner reference to its Certificate".to_owned());
    }
    if references(object).any(is_guard) {
        all.push("the owner reference to its Namespace, which protected it".to_owned());
    }
    let mut managers: Vec<&str> = entries(object)
        .filter(|entry| is_former(entry, slots, is_of_program))
        .filter_map(|entry| entry["manager"].as_str())
        .collect();
    managers.dedup();
    all.extend(managers.iter().map(|manager| format!("the field manager {manager:?}")));
    all
}

/// The patch that takes these marks; `None` if there are none. Only for the version that was read.
pub fn unmark(object: &Value, slots: &Slots, is_of_program: bool) -> Option<Value> {
    if marks(object, slots, is_of_program).is_empty() {
        return None;
    }
    let mut annotations = json!({ANNOTATION: null});
    if is_of_program && applied(object, slots) {
        annotations[LAST_APPLIED] = Value::Null;
    }
    let left: Vec<&Value> = references(object)
        .filter(|one| !is_of_certificate(one) && !is_guard(one))
        .collect();
    let managers: Vec<&Value> = entries(object)
        .filter(|entry| !is_former(entry, slots, is_of_program))
        .collect();
    Some(json!({"metadata": {
        "uid": object["metadata"]["uid"], "resourceVersion": object["metadata"]["resourceVersion"],
        "annotations": annotations, "labels": {LABEL: null},
        "ownerReferences": if left.is_empty() { Value::Null } else { json!(left) },
        "managedFields": fields(&managers),
    }}))
}

/// The patch that keeps a Secret from going with its Certificate: an owner that stays. `None` if it needs none. The garbage collector
/// deletes what has lost all of its owners, and takes only the reference from what has another.
pub fn guard(object: &Value, namespace: &Value) -> Option<Value> {
    if !references(object).any(is_of_certificate) || references(object).any(is_guard) {
        return None;
    }
    let mut all: Vec<Value> = references(object).cloned().collect();
    all.push(json!({
        "apiVersion": "v1", "kind": GUARD, "name": namespace["metadata"]["name"], "uid": namespace["metadata"]["uid"],
        "controller": false, "blockOwnerDeletion": false,
    }));
    Some(json!({"metadata": {
        "uid": object["metadata"]["uid"], "resourceVersion": object["metadata"]["resourceVersion"], "ownerReferences": all,
    }}))
}

/// The patch that claims a Secret for an install, and names this program as the manager of its data; `None` if that is so. Only for the
/// version that was read.
pub fn claim(object: &Value, before: &SecretBefore, install: &str, now: Seconds) -> Option<Value> {
    let meta = &object["metadata"];
    let mut annotations = Map::new();
    if meta["annotations"][annotation::CLAIM] != install {
        annotations.insert(annotation::CLAIM.to_owned(), install.into());
    }
    // By this the controller knows that its CA stays the same.
    if let Some((leaf, directory)) = &before.ordered_at
        && meta["annotations"][annotation::ISSUED_SHA256].is_null()
    {
        annotations.insert(annotation::ISSUED_SHA256.to_owned(), leaf.as_str().into());
        annotations.insert(annotation::ISSUED_AT_DIRECTORY.to_owned(), directory.as_str().into());
    }
    if annotations.is_empty() {
        return None;
    }
    let mut patch = json!({"metadata": {
        "uid": meta["uid"], "resourceVersion": meta["resourceVersion"], "annotations": annotations,
    }});
    let is_managed = entries(object).any(|entry| !entry["fieldsV1"]["f:data"].is_null());
    if !is_managed && let Some(data) = object["data"].as_object() {
        let mut own = json!({".": {}});
        for name in data.keys() {
            own[format!("f:{name}")] = json!({});
        }
        let mut all: Vec<Value> = entries(object).cloned().collect();
        all.push(json!({
            "manager": mark::MANAGER, "operation": "Update", "apiVersion": "v1", "time": crate::text::date_time(now),
            "fieldsType": "FieldsV1", "fieldsV1": {"f:data": own, "f:type": {}},
        }));
        patch["metadata"]["managedFields"] = all.into();
    }
    Some(patch)
}

/// The patch that gives a Secret back: its annotations, labels and managers as they were, and nothing of this program's. What `kubectl
/// apply` left stays away if the pair is another one by now. `None` if there is nothing to do.
pub fn give_back(object: &Value, before: &SecretBefore) -> Option<Value> {
    let meta = &object["metadata"];
    let is_same = digest(object) == before.data;
    let mut annotations = Map::new();
    let present = meta["annotations"].as_object();
    let ours = present.into_iter().flatten().map(|(name, _)| name.as_str());
    for name in ours.filter(|name| is_ours(name) && !before.annotations.contains_key(*name)) {
        annotations.insert(name.to_owned(), Value::Null);
    }
    for name in [ANNOTATION, LAST_APPLIED] {
        let is_stale = name == LAST_APPLIED && !is_same;
        if let Some(value) = before.annotations.get(name).filter(|_| !is_stale)
            && meta["annotations"][name] != *value
        {
            annotations.insert(name.to_owned(), value.clone());
        }
    }
    let mut labels = Map::new();
    if let Some(value) = before.labels.get(LABEL)
        && meta["labels"][LABEL] != *value
    {
        labels.insert(LABEL.to_owned(), value.clone());
    }
    if annotations.is_empty() && labels.is_empty() {
        return None;
    }
    Some(json!({"metadata": {
        "uid": meta["uid"], "resourceVersion": meta["resourceVersion"],
        "annotations": annotations, "labels": labels, "managedFields": managers_before(before),
    }}))
}

/// The patch that restores who managed the fields of a Secret, and nothing else, so that this program is none of them; `None` if that is so.
pub fn give_managers_back(object: &Value, before: &SecretBefore) -> Option<Value> {
    let meta = &object["metadata"];
    let is_so = meta["managedFields"] == before.managed_fields;
    (!is_so).then(|| {
        json!({"metadata": {
            "uid": meta["uid"], "resourceVersion": meta["resourceVersion"], "managedFields": managers_before(before),
        }})
    })
}

fn managers_before(before: &SecretBefore) -> Value {
    let all: Vec<&Value> = before.managed_fields.as_array().into_iter().flatten().collect();
    fields(&all)
}

/// An object as it is created again: without what the server adds.
pub fn anew(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(all) = object.as_object_mut() {
        all.remove("status");
    }
    if let Some(meta) = object["metadata"].as_object_mut() {
        for field in [
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "generation",
            "managedFields",
            "selfLink",
        ] {
            meta.remove(field);
        }
    }
    object
}

/// An object as its keeper would leave it, and this program take it.
pub fn taken(object: &Value, slots: &Slots, is_of_program: bool) -> Value {
    let mut object = object.clone();
    if let Some(patch) = unmark(&object, slots, is_of_program) {
        let meta = &patch["metadata"];
        for field in ["annotations", "labels"] {
            for name in meta[field].as_object().into_iter().flatten().map(|(name, _)| name) {
                if let Some(map) = object["metadata"][field].as_object_mut() {
                    map.remove(name);
                }
            }
        }
        object["metadata"]["ownerReferences"] = meta["ownerReferences"].clone();
        object["metadata"]["managedFields"] = meta["managedFields"].clone();
    }
    object
}

/// managedFields of a patch. The API server resets them by one empty entry; an empty list would mean that they stay.
fn fields(all: &[&Value]) -> Value {
    if all.is_empty() { json!([{}]) } else { json!(all) }
}

fn is_ours(name: &str) -> bool {
    NOTED.contains(&name) || name.starts_with("kubectl-certs.io/")
}

fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    let all = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    all.filter(|entry| entry.as_object().is_some_and(|entry| !entry.is_empty()))
}

/// Whether an entry of managedFields is the former keeper's. Of a program, it is whoever wrote the pair otherwise than by an apply:
/// nothing else is known of it.
fn is_former(entry: &Value, slots: &Slots, is_of_program: bool) -> bool {
    let manager = entry["manager"].as_str().unwrap_or_default();
    if is_cert_manager(manager) {
        return true;
    }
    let holds = [&slots.certificate, &slots.key]
        .iter()
        .any(|slot| !entry["fieldsV1"]["f:data"][format!("f:{slot}")].is_null());
    is_of_program && holds && entry["operation"] == "Update" && manager != mark::MANAGER
}

fn applied(object: &Value, slots: &Slots) -> bool {
    let text = object["metadata"]["annotations"][LAST_APPLIED]
        .as_str()
        .unwrap_or_default();
    serde_json::from_str::<Value>(text).is_ok_and(|applied| {
        ["data", "stringData"]
            .iter()
            .any(|map| !applied[*map][&slots.certificate].is_null() || !applied[*map][&slots.key].is_null())
    })
}

fn references(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten()
}

fn is_of_certificate(reference: &Value) -> bool {
    let group = reference["apiVersion"]
        .as_str()
        .and_then(|version| version.split('/').next());
    reference["kind"] == "Certificate" && group == Some("cert-manager.io")
}

fn is_guard(reference: &Value) -> bool {
    reference["apiVersion"] == "v1" && reference["kind"] == GUARD
}

impl Record {
    /// The Secret by which it is called: the first.
    pub fn name(&self) -> Option<Key> {
        self.secrets.first().map(|one| one.secret.key())
    }

    /// Whether this was kept by one of them; none is all.
    pub fn is_from(&self, from: &[Former]) -> bool {
        from.is_empty()
            || from
                .iter()
                .any(|former| self.formers.iter().any(|name| name == former.as_str()))
    }

    /// Where it is kept, in the namespace of an installation.
    pub fn key_of(namespace: &str, secret: &Key) -> Key {
        Key::new(namespace, Purpose::Adopted.name(&secret.to_string()))
    }

    /// The object that keeps it. It has the type of a backup, so that nothing takes it for something else.
    pub fn object(&self, namespace: &str, run: &RunId) -> Option<Value> {
        let name = self.name()?;
        let at = Self::key_of(namespace, &name);
        let text = serde_json::to_vec(self).ok()?;
        let mut object = json!({
            "apiVersion": "v1", "kind": "Secret", "type": backup::TYPE,
            "metadata": {"namespace": at.namespace, "name": at.name},
            "data": {RECORD: STANDARD.encode(text)},
        });
        mark::mark_lasting(&mut object, run, Purpose::Adopted, &name);
        Some(object)
    }

    /// Reads it from its object; `None` if it is none, or of a later version.
    pub fn read(object: &Value) -> Option<Self> {
        if object["metadata"]["labels"][mark::PURPOSE] != Purpose::Adopted.as_str() {
            return None;
        }
        let text = STANDARD.decode(object["data"][RECORD].as_str()?).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

#[cfg(test)]
mod tests;
