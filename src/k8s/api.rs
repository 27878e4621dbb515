//! Every write to a cluster: with time limits, checked against the plan, and with errors in words.

mod error;
mod patch;
mod retry;
mod service;
mod update;

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

pub use error::ApiError;
use error::Asked;
pub use patch::Patch;
use retry::Patience;
pub use service::{ServiceAnswer, ServicePath, ServiceRequest};
pub use update::{Believed, Edit, Updated};

use super::{
    Connection, Reply,
    ours::{self, MANAGER, Own as _},
    paths::{possible, query},
};
use crate::{
    object::Key,
    object::resource::{POD, Resource},
    plan::permits::{Permits, Verb},
};

/// The largest object that is read, in bytes: etcd limits an object to 1.5 MiB, which is more in JSON.
const LARGEST_OBJECT: usize = 8 << 20;
/// The largest page of a list, in bytes.
const LARGEST_PAGE: usize = 64 << 20;
/// How many objects a page has, and how many pages are read.
const PAGE: &str = "500";
const MOST_PAGES: usize = 1000;

/// Writes to one cluster, within the permits of a plan. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    connection: Connection,
    permits: Arc<Permits>,
    dry_run: bool,
}

/// What became of an eviction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Eviction {
    /// The Pod is being deleted, or was gone.
    Gone,
    /// It may not go now, in the words of the server: a budget needs it, or the server is busy.
    NotNow(String),
}

/// A request without its body.
struct Call<'a> {
    method: Method,
    asked: Asked<'a>,
    subresource: Option<&'a str>,
    query: Vec<(&'static str, String)>,
    most: usize,
}

impl Api {
    /// Makes an API that writes over `connection` what `permits` has.
    pub fn new(connection: Connection, permits: Permits) -> Self {
        Self {
            connection,
            permits: Arc::new(permits),
            dry_run: false,
        }
    }

    /// The same API with the permits of another plan.
    #[must_use]
    pub fn with_permits(&self, permits: Permits) -> Self {
        Self {
            permits: Arc::new(permits),
            ..self.clone()
        }
    }

    /// The same API, with every write judged by the server and none persisted (`?dryRun=All`).
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Whether writes are not persisted.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// The connection to the cluster.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What may be written.
    pub fn permits(&self) -> &Permits {
        &self.permits
    }

    /// Reads one object; `None` if there is none with that name. Retries passing errors.
    pub async fn get(&self, resource: Resource, key: &Key) -> Result<Option<Value>, ApiError> {
        let call = Call::new(Method::GET, Verb::Get, resource, key);
        match self.again(&call, None, ApiError::is_passing).await {
            Ok(object) => Ok(Some(object)),
            // There is no object with an impossible name.
            Err(ApiError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads all objects of a namespace (`None`: of all namespaces) that match a label selector.
    pub async fn list(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Vec<Value>, ApiError> {
        self.list_as(resource, namespace, labels, Some).await
    }

    /// The same, of which each object is made into what is wanted of it as soon as its page is there, so that no more than a page of
    /// whole objects is in memory.
    pub async fn list_as<T>(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        labels: Option<&str>,
        mut take: impl FnMut(Value) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
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
            let mut page = match self.again(&call, None, ApiError::is_passing).await {
                // The moment that the pages share has been compacted: start again.
                Err(ApiError::Expired { .. }) if !token.is_empty() => {
                    items.clear();
                    token.clear();
                    continue;
                }
                other => other?,
            };
            if let Value::Array(found) = page["items"].take() {
                items.extend(found.into_iter().filter_map(&mut take));
            }
            match page["metadata"]["continue"].as_str() {
                Some(next) if !next.is_empty() && next != token => next.clone_into(&mut token),
                _ => break,
            }
        }
        Ok(items)
    }

    /// Reads the first objects of a kind without namespaces, at most `most` of them.
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

    /// Creates an object in the namespace of its metadata, and returns it as the server stored it.
    ///
    /// An existing object is returned if it carries the id of the same run: the answer to its creation was lost.
    pub async fn create(&self, resource: Resource, object: &Value) -> Result<Value, ApiError> {
        let key = object.key();
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
        let mut patience = Patience::new(&self.connection);
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
            // A second POST with the same name does not create a second object.
            let again = error.was_not_done() || (error.is_uncertain() && !key.name.is_empty());
            match again.then(|| patience.pause(&error)).flatten() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    /// Replaces an object. Its metadata has its name and its version; if the server has another version, the error is
    /// [`ApiError::Conflict`].
    pub async fn replace(&self, resource: Resource, object: &Value) -> Result<Value, ApiError> {
        let key = object.key();
        let mut call = Call::new(Method::PUT, Verb::Update, resource, &key);
        self.planned(&call.asked, None)?;
        self.note_writing(&mut call);
        self.again(&call, Some(("application/json", object)), ApiError::was_not_done)
            .await
    }

    /// Applies a patch to an object, and returns it as the server stored it.
    pub async fn patch(&self, resource: Resource, key: &Key, patch: &Patch) -> Result<Value, ApiError> {
        self.patch_part(resource, key, None, patch).await
    }

    /// Applies a patch to a part of an object, such as `status`.
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
        self.again(&call, Some(patch.parts()), ApiError::was_not_done).await
    }

    /// Deletes an object, and the objects that it owns in the background. With a `uid`, only exactly that object.
    /// Returns `false` if it does not exist, or if another object has its name.
    pub async fn delete(&self, resource: Resource, key: &Key, uid: Option<&str>) -> Result<bool, ApiError> {
        self.delete_if(resource, key, uid.map(|uid| json!({"uid": uid}))).await
    }

    /// Like [`Self::delete`], and only exactly the version of the object that was read or written: `false` too if
    /// somebody has changed it since then.
    pub async fn delete_version(&self, resource: Resource, object: &Value) -> Result<bool, ApiError> {
        let meta = &object["metadata"];
        let only = json!({"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]});
        self.delete_if(resource, &object.key(), Some(only)).await
    }

    async fn delete_if(&self, resource: Resource, key: &Key, only: Option<Value>) -> Result<bool, ApiError> {
        let mut call = Call::new(Method::DELETE, Verb::Delete, resource, key);
        self.planned(&call.asked, None)?;
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
        });
        let is_conditional = only.is_some();
        if let Some(only) = only {
            options["preconditions"] = only;
        }
        if self.dry_run {
            options["dryRun"] = json!(["All"]);
            call.query.push(("dryRun", "All".into()));
        }
        // An object that is deleted twice is gone as well.
        let body = Some(("application/json", &options));
        match self.again(&call, body, ApiError::is_passing).await {
            Ok(_) => Ok(true),
            Err(ApiError::NotFound { .. }) => Ok(false),
            Err(ApiError::Conflict { .. }) if is_conditional => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks that a Pod be evicted: deleted, unless a `PodDisruptionBudget` does not let it go now. Only exactly the Pod
    /// with this `uid` (policy/v1 Eviction).
    pub async fn evict(&self, pod: &Key, uid: &str) -> Result<Eviction, ApiError> {
        const PART: &str = "eviction";
        let mut call = Call::new(Method::POST, Verb::Create, POD, pod);
        call.subresource = Some(PART);
        self.planned(&call.asked, Some(PART))?;
        let mut body = json!({
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": pod.name.as_str(), "namespace": pod.namespace.as_str()},
            "deleteOptions": {"preconditions": {"uid": uid}},
        });
        if self.dry_run {
            body["deleteOptions"]["dryRun"] = json!(["All"]);
            call.query.push(("dryRun", "All".into()));
        }
        // A Pod that is evicted twice is gone as well.
        let harmless = |error: &ApiError| error.is_passing() && !matches!(error, ApiError::Refused { code: 429, .. });
        match self.again(&call, Some(("application/json", &body)), harmless).await {
            Ok(_) | Err(ApiError::NotFound { .. } | ApiError::Conflict { .. }) => Ok(Eviction::Gone),
            Err(ApiError::Refused { code: 429, message, .. }) => Ok(Eviction::NotNow(message)),
            Err(error) => Err(error::of_part(error, PART)),
        }
    }

    /// Sends a review: the creation of an object that the server answers and does not store.
    pub async fn review(&self, resource: Resource, object: &Value) -> Result<Value, ApiError> {
        let key = Key::new("", "");
        let call = Call::new(Method::POST, Verb::Create, resource, &key);
        self.again(&call, Some(("application/json", object)), ApiError::is_passing)
            .await
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

    /// Sends a request until it is answered, or until another attempt could do harm.
    async fn again(
        &self,
        call: &Call<'_>,
        body: Option<(&'static str, &Value)>,
        harmless: fn(&ApiError) -> bool,
    ) -> Result<Value, ApiError> {
        let mut patience = Patience::new(&self.connection);
        loop {
            let error = match self.once(call, body, None).await {
                Ok(object) => return Ok(object),
                Err(error) => error,
            };
            let pause = harmless(&error).then(|| patience.pause(&error)).flatten();
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    /// Sends a request once, to the path of the object or to that of `place`.
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

    /// The path of an object. Only valid names are accepted, so that text from outside stays within its segment.
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
        // A part is created of an object that is there.
        if !matches!(verb, Verb::List | Verb::Create) || self.subresource.is_some() {
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
}
