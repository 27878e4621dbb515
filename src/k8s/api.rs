//! Every write to a cluster: timed, held against the plan, told in words.

mod error;

use std::{sync::Arc, time::Duration};

use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

pub use error::ApiError;
use error::Asked;

use super::{
    Connection, Reply,
    ours::{self, MANAGER},
    paths::{possible, query},
};
use crate::{
    clock::Pauses,
    object::Key,
    object::resource::Resource,
    plan::permits::{Permits, Verb},
};

/// An object is at most 1.5 MiB in etcd, and more in JSON.
const LARGEST_OBJECT: usize = 8 << 20;
/// One page of a list.
const LARGEST_PAGE: usize = 64 << 20;
/// How many objects a page has, and how many pages are read.
const PAGE: &str = "500";
const MOST_PAGES: usize = 1000;
/// How long passing trouble is borne: a server that is being restarted is back within this time.
const PATIENCE: Duration = Duration::from_secs(20);
/// The first pause between two tries, and the longest.
const PAUSES: Pauses = Pauses::doubling(Duration::from_millis(250), Duration::from_secs(2));

/// A change to an object.
#[derive(Clone, PartialEq)]
pub enum Patch {
    /// RFC 6902: operations, of which `test` makes it conditional.
    Json(Value),
    /// RFC 7386: what is there is set, what is null is removed.
    Merge(Value),
    /// Kubernetes' own merge, which knows the keys of lists; built-in kinds alone.
    Strategic(Value),
    /// Server-side apply of these fields, under this program's field manager.
    Apply {
        /// The fields.
        object: Value,
        /// Whether fields of other managers are taken over.
        force: bool,
    },
}

impl std::fmt::Debug for Patch {
    /// Its kind alone: it may hold a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "Patch::Json",
            Self::Merge(_) => "Patch::Merge",
            Self::Strategic(_) => "Patch::Strategic",
            Self::Apply { .. } => "Patch::Apply",
        })
    }
}

impl Patch {
    fn parts(&self) -> (&'static str, &Value) {
        match self {
            Self::Json(patch) => ("application/json-patch+json", patch),
            Self::Merge(patch) => ("application/merge-patch+json", patch),
            Self::Strategic(patch) => ("application/strategic-merge-patch+json", patch),
            // JSON is YAML.
            Self::Apply { object, .. } => ("application/apply-patch+yaml", object),
        }
    }
}

/// Writes to one cluster, within what a plan holds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    connection: Connection,
    permits: Arc<Permits>,
    dry_run: bool,
}

/// What goes out, without its body.
struct Call<'a> {
    method: Method,
    asked: Asked<'a>,
    subresource: Option<&'a str>,
    query: Vec<(&'static str, String)>,
    most: usize,
}

impl Api {
    /// Writes over `connection` what `permits` holds.
    pub fn new(connection: Connection, permits: Permits) -> Self {
        Self {
            connection,
            permits: Arc::new(permits),
            dry_run: false,
        }
    }

    /// The same for another plan.
    #[must_use]
    pub fn with_permits(&self, permits: Permits) -> Self {
        Self {
            permits: Arc::new(permits),
            ..self.clone()
        }
    }

    /// The same, with every write judged by the server and none done (`?dryRun=All`).
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Whether nothing is really written.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What may be written.
    pub fn permits(&self) -> &Permits {
        &self.permits
    }

    /// Reads one object; `None` when there is none of that name. Tries again while the trouble is passing.
    pub async fn get(&self, resource: Resource, key: &Key) -> Result<Option<Value>, ApiError> {
        let call = Call::new(Method::GET, Verb::Get, resource, key);
        match self.again(&call, None).await {
            Ok(object) => Ok(Some(object)),
            // Of a name that cannot be, there is none.
            Err(ApiError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads all objects of a namespace (of all namespaces for `None`) that a label selector chooses.
    pub async fn list(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Vec<Value>, ApiError> {
        let key = Key::new(namespace.unwrap_or_default(), "");
        let mut items = Vec::new();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let mut call = Call::new(Method::GET, Verb::List, resource, &key);
            call.most = LARGEST_PAGE;
            call.query.push(("limit", PAGE.to_owned()));
            call.query
                .extend(labels.map(|labels| ("labelSelector", labels.to_owned())));
            if !token.is_empty() {
                call.query.push(("continue", token.clone()));
            }
            let mut page = match self.again(&call, None).await {
                // The pages' common moment has been compacted away: from the start.
                Err(ApiError::Expired { .. }) if !token.is_empty() => {
                    items.clear();
                    token.clear();
                    continue;
                }
                other => other?,
            };
            if let Value::Array(found) = page["items"].take() {
                items.extend(found);
            }
            match page["metadata"]["continue"].as_str() {
                Some(next) if !next.is_empty() && next != token => next.clone_into(&mut token),
                _ => break,
            }
        }
        Ok(items)
    }

    /// Reads the first objects of a kind without namespaces, so many at most.
    pub async fn first(&self, resource: Resource, most: usize) -> Result<Vec<Value>, ApiError> {
        let key = Key::new("", "");
        let mut call = Call::new(Method::GET, Verb::List, resource, &key);
        call.most = LARGEST_PAGE;
        call.query.push(("limit", most.to_string()));
        let mut page = self.once(&call, None, None).await?;
        Ok(match page["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        })
    }

    /// Creates an object, which says its namespace, and returns it as the server keeps it.
    ///
    /// One that is there already is returned when it carries the same run's id: its creation was answered and the answer
    /// lost.
    pub async fn create(&self, resource: Resource, object: &Value) -> Result<Value, ApiError> {
        let key = key_of(object);
        let mut at = key.clone();
        at.name = "".into();
        let mut call = Call::new(Method::POST, Verb::Create, resource, &at);
        self.planned(
            &Asked {
                key: &key,
                ..call.asked
            },
            None,
        )?;
        self.note_writing(&mut call);
        call.asked.key = &key;
        let deadline = self.deadline();
        let mut pauses = PAUSES;
        loop {
            let error = match self.once(&call, Some(("application/json", object)), Some(&at)).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            let exists = matches!(error, ApiError::AlreadyExists { .. });
            if (exists || error.is_uncertain())
                && !key.name.is_empty()
                && let Ok(Some(found)) = self.get(resource, &key).await
            {
                let ours = ours::run_of(object).is_some_and(|run| ours::run_of(&found) == Some(run));
                return if ours { Ok(found) } else { Err(error) };
            }
            // A second POST of the same name makes no second object.
            let again = error.was_not_done() || (error.is_uncertain() && !key.name.is_empty());
            if !again || !self.waits(&error, pauses.due(), deadline) {
                return Err(error);
            }
            tokio::time::sleep(pauses.take()).await;
        }
    }

    /// Replaces an object; its metadata says which, and which version of it: another version is [`ApiError::Conflict`].
    pub async fn replace(&self, resource: Resource, object: &Value) -> Result<Value, ApiError> {
        let key = key_of(object);
        let mut call = Call::new(Method::PUT, Verb::Update, resource, &key);
        self.planned(&call.asked, None)?;
        self.note_writing(&mut call);
        self.again(&call, Some(("application/json", object))).await
    }

    /// Changes an object.
    pub async fn patch(&self, resource: Resource, key: &Key, patch: &Patch) -> Result<Value, ApiError> {
        self.patch_part(resource, key, None, patch).await
    }

    /// Changes a part of an object, such as `status`.
    pub async fn patch_part(
        &self,
        resource: Resource,
        key: &Key,
        part: Option<&str>,
        patch: &Patch,
    ) -> Result<Value, ApiError> {
        let mut call = Call::new(Method::PATCH, Verb::Patch, resource, key);
        call.subresource = part;
        self.planned(&call.asked, part)?;
        self.note_writing(&mut call);
        if let Patch::Apply { force: true, .. } = patch {
            call.query.push(("force", "true".into()));
        }
        self.again(&call, Some(patch.parts())).await
    }

    /// Deletes an object, and what it owns in the background; with a `uid`, that very one alone. `false` when it is not there,
    /// or is another of that name.
    pub async fn delete(&self, resource: Resource, key: &Key, uid: Option<&str>) -> Result<bool, ApiError> {
        let mut call = Call::new(Method::DELETE, Verb::Delete, resource, key);
        self.planned(&call.asked, None)?;
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
        });
        if let Some(uid) = uid {
            options["preconditions"] = json!({"uid": uid});
        }
        if self.dry_run {
            options["dryRun"] = json!(["All"]);
            call.query.push(("dryRun", "All".into()));
        }
        let deadline = self.deadline();
        let mut pauses = PAUSES;
        loop {
            match self.once(&call, Some(("application/json", &options)), None).await {
                Ok(_) => return Ok(true),
                Err(ApiError::NotFound { .. }) => return Ok(false),
                Err(ApiError::Conflict { .. }) if uid.is_some() => return Ok(false),
                // What is deleted twice is gone all the same.
                Err(error) if error.is_passing() && self.waits(&error, pauses.due(), deadline) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pauses.take()).await;
        }
    }

    /// Asks a question that is put as the creation of an object and stores nothing (a review).
    pub async fn review(&self, resource: Resource, object: &Value) -> Result<Value, ApiError> {
        let key = Key::new("", "");
        let call = Call::new(Method::POST, Verb::Create, resource, &key);
        let deadline = self.deadline();
        let mut pauses = PAUSES;
        loop {
            match self.once(&call, Some(("application/json", object)), None).await {
                Err(error) if error.is_passing() && self.waits(&error, pauses.due(), deadline) => {}
                other => return other,
            }
            tokio::time::sleep(pauses.take()).await;
        }
    }

    fn planned(&self, asked: &Asked<'_>, part: Option<&str>) -> Result<(), ApiError> {
        let Asked { verb, resource, key } = *asked;
        if self.permits.allow(verb, resource, part, &key.namespace, &key.name) {
            return Ok(());
        }
        Err(ApiError::NotPlanned {
            verb,
            object: format!("{} {key}", resource.kind),
        })
    }

    fn note_writing(&self, call: &mut Call<'_>) {
        call.query.push(("fieldManager", MANAGER.into()));
        if self.dry_run {
            call.query.push(("dryRun", "All".into()));
        }
    }

    /// Until when passing trouble is borne: no longer than one request may take in all.
    fn deadline(&self) -> Instant {
        let granted = self.connection.request_timeout.unwrap_or(PATIENCE);
        Instant::now() + granted.min(PATIENCE)
    }

    /// Whether there is time for another try after `pause`. A server that has never answered is not waited for.
    fn waits(&self, error: &ApiError, pause: Duration, deadline: Instant) -> bool {
        let absent = matches!(error, ApiError::Cluster(error) if error.is_absence());
        (!absent || self.connection.has_answered()) && Instant::now() + pause <= deadline
    }

    /// Sends it again while that can do no harm: reads while the trouble is passing, writes as long as they were surely not
    /// done.
    async fn again(&self, call: &Call<'_>, body: Option<(&'static str, &Value)>) -> Result<Value, ApiError> {
        let reads = call.method == Method::GET;
        let deadline = self.deadline();
        let mut pauses = PAUSES;
        loop {
            let error = match self.once(call, body, None).await {
                Ok(object) => return Ok(object),
                Err(error) => error,
            };
            let harmless = error.was_not_done() || (reads && error.is_passing());
            if !harmless || !self.waits(&error, pauses.due(), deadline) {
                return Err(error);
            }
            tokio::time::sleep(pauses.take()).await;
        }
    }

    /// Sends it once, to the object's own path or to that of `place`.
    async fn once(
        &self,
        call: &Call<'_>,
        body: Option<(&'static str, &Value)>,
        place: Option<&Key>,
    ) -> Result<Value, ApiError> {
        let path = call.path(place.unwrap_or(call.asked.key))?;
        let body = body.map(|(kind, value)| (kind, zeroize::Zeroizing::new(value.to_string())));
        let content = body.as_ref().map(|(kind, text)| (*kind, text.as_bytes()));
        let reply: Reply = self
            .connection
            .exchange(&call.method, &path, content, call.most)
            .await?;
        if !reply.status.is_success() {
            return Err(ApiError::of(call.asked, &reply));
        }
        serde_json::from_slice(&reply.body).map_err(|_| ApiError::Unreadable {
            object: format!("{} {}", call.asked.resource.kind, call.asked.key),
        })
    }
}

impl<'a> Call<'a> {
    fn new(method: Method, verb: Verb, resource: Resource, key: &'a Key) -> Self {
        Self {
            method,
            asked: Asked { verb, resource, key },
            subresource: None,
            query: Vec::new(),
            most: LARGEST_OBJECT,
        }
    }

    /// The path, of names that can be names alone: text from outside stays in its segment.
    fn path(&self, key: &Key) -> Result<String, ApiError> {
        let Asked { verb, resource, .. } = self.asked;
        let impossible = |what: &str| ApiError::NotFound {
            object: format!("{} {key}", resource.kind),
            message: format!("no object can have this {what}"),
        };
        if !key.namespace.is_empty() && !possible(&key.namespace) {
            return Err(impossible("namespace"));
        }
        let mut path = resource.root();
        if !key.namespace.is_empty() {
            path = format!("{path}/namespaces/{}", key.namespace);
        }
        path = format!("{path}/{}", resource.plural);
        if !matches!(verb, Verb::List | Verb::Create) {
            if !possible(&key.name) {
                return Err(impossible("name"));
            }
            path = format!("{path}/{}", key.name);
        }
        if let Some(part) = self.subresource {
            path = format!("{path}/{part}");
        }
        for (name, value) in &self.query {
            query(&mut path, name, value);
        }
        Ok(path)
    }
}

/// Namespace and name, as an object's metadata has them.
fn key_of(object: &Value) -> Key {
    let meta = &object["metadata"];
    let text = |name: &str| meta[name].as_str().unwrap_or_default().to_owned();
    Key::new(text("namespace"), text("name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::resource::{CERTIFICATE, INGRESS, NAMESPACE, SECRET};

    #[test]
    fn paths_are_the_servers_and_names_from_outside_cannot_leave_their_segment() {
        let path = |verb, resource, namespace: &str, name: &str| {
            let key = Key::new(namespace, name);
            Call::new(Method::GET, verb, resource, &key)
                .path(&key)
                .map_err(|e| e.to_string())
        };
        for (verb, resource, namespace, name, expected) in [
            (
                Verb::Get,
                SECRET,
                "shop",
                "shop-tls",
                "/api/v1/namespaces/shop/secrets/shop-tls",
            ),
            (Verb::List, SECRET, "", "", "/api/v1/secrets"),
            (
                Verb::Create,
                INGRESS,
                "shop",
                "ignored",
                "/apis/networking.k8s.io/v1/namespaces/shop/ingresses",
            ),
            (Verb::Get, NAMESPACE, "", "shop", "/api/v1/namespaces/shop"),
        ] {
            assert_eq!(path(verb, resource, namespace, name).unwrap(), expected);
        }
        for (namespace, name) in [
            ("..", "x"),
            ("shop", "../x"),
            ("shop", ""),
            ("shop", "a/b"),
            ("shop", "a?b"),
        ] {
            assert!(path(Verb::Get, SECRET, namespace, name).is_err(), "{namespace} {name}");
        }
        let key = Key::new("shop", "web");
        let mut call = Call::new(Method::PATCH, Verb::Patch, CERTIFICATE, &key);
        call.subresource = Some("status");
        call.query.push(("fieldManager", "kubectl-certs".into()));
        assert_eq!(
            call.path(&key).unwrap(),
            "/apis/cert-manager.io/v1/namespaces/shop/certificates/web/status?fieldManager=kubectl-certs"
        );
    }

    #[test]
    fn a_patch_does_not_show_what_it_holds() {
        let patch = Patch::Merge(json!({"data": {"tls.key": "c2VjcmV0"}}));
        assert_eq!(format!("{patch:?}"), "Patch::Merge");
    }
}
