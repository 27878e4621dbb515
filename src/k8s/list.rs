//! Lists all kinds at once, and decodes each item by item as it arrives.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::{
    sync::{OnceCell, mpsc::Sender},
    task::JoinSet,
};

use super::{
    ClusterError, Connection,
    paths::{Served, Wanted},
    read::{Part, Read},
    request::{Asked, DISCOVERY},
    rights,
};
use crate::{
    k8s::decode::Skipped,
    object::resource::Resource,
    object::{Change, Forbidden, Key, Kind, Text},
    source::{Scope, scope::Namespaces},
};

/// How lists are requested.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListOptions {
    /// `--chunk-size`: the number of objects in an answer. `None` and 0 request one answer for each kind, which is
    /// faster and, because it is decoded as it arrives, needs no more memory.
    pub chunk_size: Option<u32>,
    /// Whether a watch will follow. The names of all objects are remembered then, so that the watch can report objects
    /// that disappear.
    pub for_watch: bool,
}

/// The result of listing, besides the changes that were sent.
#[derive(Debug, Default)]
pub struct Listing {
    /// The resourceVersion at which a watch of a kind, cluster-wide or of one namespace, starts.
    pub resource_versions: HashMap<(Kind, Option<Text>), String>,
    /// Kinds that could not be read for a reason other than missing rights.
    pub incomplete: Vec<(Kind, ClusterError)>,
    /// How many requests were sent.
    pub requests: usize,
    /// Objects that could not be decoded and were left out.
    pub skipped: Vec<(Kind, Skipped)>,
    /// How many further objects could not be decoded.
    pub skipped_more: usize,
    /// The API version in which each kind was read.
    pub(super) apis: HashMap<Kind, Resource>,
    /// The objects that were read, if a watch follows.
    pub(super) keys: HashMap<(Kind, Option<Text>), HashSet<Key>>,
    /// Lists that a watch has to read first.
    pub(super) unread: Vec<(Kind, Option<Text>)>,
    /// What the cluster serves, if it was asked and answered.
    pub(super) served: Option<Arc<Served>>,
}

/// One pass over the kinds.
pub(super) struct Run {
    pub(super) connection: Connection,
    pub(super) scope: Scope,
    pub(super) options: ListOptions,
    /// Whether to list cluster-wide although the scope names namespaces, and to filter afterwards.
    pub(super) wide: bool,
    pub(super) sink: Sender<Change>,
    served: OnceCell<Option<Arc<Served>>>,
    pub(super) namespaces: OnceCell<Option<Vec<Text>>>,
}

/// The result for one kind.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) api: Option<Resource>,
    pub(super) parts: Vec<(Option<Text>, Part)>,
    pub(super) errors: Vec<(Option<Text>, ClusterError)>,
}

/// Reads `kinds` in the scope, all at once. Sends the objects, then [`Change::Listed`] for each kind that was read
/// completely. What was forbidden in some namespaces is sent before that as [`Change::Forbidden`].
///
/// An error means that nothing could be read, because the server cannot be reached or refuses the credentials.
pub async fn list(
    connection: &Connection,
    scope: &Scope,
    kinds: &[Kind],
    options: &ListOptions,
    sink: Sender<Change>,
) -> Result<Listing, ClusterError> {
    Run::new(connection, scope, *options, false, sink).all(kinds).await
}

impl Run {
    pub(super) fn new(
        connection: &Connection,
        scope: &Scope,
        options: ListOptions,
        wide: bool,
        sink: Sender<Change>,
    ) -> Self {
        Self {
            connection: connection.clone(),
            scope: scope.clone(),
            options,
            wide,
            sink,
            served: OnceCell::new(),
            namespaces: OnceCell::new(),
        }
    }

    pub(super) async fn all(self, kinds: &[Kind]) -> Result<Listing, ClusterError> {
        let before = self.connection.requests();
        let run = Arc::new(self);
        let mut tasks = JoinSet::new();
        for kind in kinds.iter().copied().collect::<HashSet<_>>() {
            let run = Arc::clone(&run);
            // One task for each kind, so that decoding uses every core.
            tasks.spawn(async move { (kind, run.kind(kind).await) });
        }
        let mut listing = Listing::default();
        while let Some(done) = tasks.join_next().await {
            // A task only ends early if the runtime does.
            let Ok((kind, outcome)) = done else {
                return Err(ClusterError::Stopped);
            };
            listing.take(kind, outcome, run.options.for_watch);
        }
        if run.sink.is_closed() {
            return Err(ClusterError::Stopped);
        }
        listing.requests = run.connection.requests() - before;
        listing.served = run.served.get().cloned().flatten();
        let hopeless = listing.incomplete.iter().position(|(_, e)| e.concerns_everything());
        match hopeless {
            Some(at) if listing.resource_versions.is_empty() => Err(listing.incomplete.swap_remove(at).1),
            _ => Ok(listing),
        }
    }

    async fn kind(&self, kind: Kind) -> Outcome {
        let apis = if kind.row().is_built_in() {
            kind.row().resources().collect()
        } else {
            let served = self.served.get_or_init(|| discover(&self.connection)).await;
            match served
                .as_ref()
                .map_or_else(|| Wanted::Ask(kind.row().resources().collect()), |s| s.wanted(kind))
            {
                Wanted::Ask(apis) => apis,
                Wanted::None => Vec::new(),
                Wanted::Unknown(versions) => {
                    return Outcome {
                        errors: vec![(None, ClusterError::UnknownVersion { kind, versions })],
                        ..Outcome::default()
                    };
                }
            }
        };
        let targets = self.targets(kind);
        let Some((first, rest)) = targets.split_first() else {
            self.send(Change::Listed(kind)).await;
            return Outcome::default();
        };
        for api in apis {
            match self.one(kind, api, first.as_ref()).await {
                Err(ClusterError::Refused { code: 404, .. }) => {}
                result => return self.served_at(kind, api, first.clone(), result, rest).await,
            }
        }
        // Every API server has Secrets, so this is the wrong URL.
        if kind == Kind::Secret {
            let error = ClusterError::NotKubernetes {
                server: self.connection.server.clone(),
                code: 404,
                content_type: "no Secrets".into(),
            };
            return Outcome {
                errors: vec![(None, error)],
                ..Outcome::default()
            };
        }
        self.send(Change::NotServed(kind)).await;
        Outcome::default()
    }

    /// Continues once the version that the server has is known.
    async fn served_at(
        &self,
        kind: Kind,
        api: Resource,
        first: Option<Text>,
        result: Result<Part, ClusterError>,
        rest: &[Option<Text>],
    ) -> Outcome {
        let mut outcome = Outcome {
            api: Some(api),
            ..Outcome::default()
        };
        let mut complete = true;
        match (result, &first) {
            (Err(ClusterError::Forbidden { .. }), None) if kind.namespaced() => {
                complete = rights::by_namespace(self, kind, api, &mut outcome).await;
            }
            (result, _) => self.note(kind, first, result, &mut outcome).await,
        }
        let mut more = std::pin::pin!(self.many(kind, api, rest));
        for (namespace, result) in more.as_mut().await {
            self.note(kind, namespace, result, &mut outcome).await;
        }
        let forbidden_whole = outcome.parts.is_empty() && outcome.errors.is_empty();
        if complete && outcome.errors.is_empty() && !forbidden_whole {
            self.send(Change::Listed(kind)).await;
        }
        outcome
    }

    /// Lists several namespaces at once.
    pub(super) async fn many(
        &self,
        kind: Kind,
        api: Resource,
        namespaces: &[Option<Text>],
    ) -> Vec<(Option<Text>, Result<Part, ClusterError>)> {
        use futures_util::StreamExt;
        futures_util::stream::iter(namespaces.iter().cloned())
            .map(|namespace| async move {
                let result = self.one(kind, api, namespace.as_ref()).await;
                (namespace, result)
            })
            .buffer_unordered(self.connection.permits.available_permits().max(1))
            .collect()
            .await
    }

    pub(super) async fn note(
        &self,
        kind: Kind,
        namespace: Option<Text>,
        result: Result<Part, ClusterError>,
        outcome: &mut Outcome,
    ) {
        match result {
            Ok(part) => outcome.parts.push((namespace, part)),
            Err(ClusterError::Forbidden { .. }) => self.send(forbidden(kind, namespace)).await,
            Err(error) => outcome.errors.push((namespace, error)),
        }
    }

    /// Reads one list.
    pub(super) async fn one(&self, kind: Kind, api: Resource, namespace: Option<&Text>) -> Result<Part, ClusterError> {
        let (labels, fields) = selectors(kind, &self.scope);
        Read {
            connection: &self.connection,
            kind,
            api,
            namespace: namespace.map(Text::as_str),
            labels,
            fields,
            chunk: self.options.chunk_size.filter(|size| *size > 0),
            keys: &self.scope.data_keys,
            remember: self.options.for_watch,
            allows: &|object| self.scope.allows(object),
            sink: &self.sink,
        }
        .run()
        .await
    }

    /// The lists for a kind: one for everything, or one for each namespace of the scope.
    fn targets(&self, kind: Kind) -> Vec<Option<Text>> {
        match &self.scope.namespaces {
            Namespaces::Only(names) if kind.namespaced() && !self.wide => {
                let mut seen = HashSet::new();
                let wanted = names
                    .iter()
                    .filter(|name| self.scope.allows_namespace(name) && seen.insert(name.as_str()));
                wanted.cloned().map(Some).collect()
            }
            _ => vec![None],
        }
    }

    pub(super) async fn send(&self, change: Change) {
        // Whether the receiver still exists is checked at the end.
        let _ = self.sink.send(change).await;
    }
}

pub(super) fn forbidden(kind: Kind, namespace: Option<Text>) -> Change {
    Change::Forbidden(Forbidden {
        kind,
        namespace,
        name: None,
        verb: "list",
    })
}

/// The label and field selectors for a kind: they limit Secrets to TLS Secrets, and routes to those that the user
/// selected.
pub(super) fn selectors(kind: Kind, scope: &Scope) -> (Option<&str>, Option<&str>) {
    match kind {
        Kind::Secret => (None, Some("type=kubernetes.io/tls")),
        kind if kind.is_route() => (scope.selector.as_deref(), scope.field_selector.as_deref()),
        _ => (None, None),
    }
}

/// What the cluster serves; `None` if it does not answer, in which case the scan continues without.
async fn discover(connection: &Connection) -> Option<Arc<Served>> {
    let asked = Asked {
        verb: "get",
        resource: "apis",
        namespace: None,
    };
    let answer = connection.get("/apis", DISCOVERY, asked).await;
    let body = match answer {
        Ok(answer) => answer.whole(32 << 20).await,
        Err(error) => Err(error),
    };
    match body {
        Ok(body) => Served::read(&body).map(Arc::new),
        Err(error) => {
            log::debug!("discovery failed, so each kind is asked for outright: {error}");
            None
        }
    }
}

impl Listing {
    /// Adds the result of another listing, of other kinds or other namespaces.
    pub fn absorb(&mut self, other: Self) {
        self.resource_versions.extend(other.resource_versions);
        self.incomplete.extend(other.incomplete);
        self.requests += other.requests;
        self.skipped.extend(other.skipped);
        self.skipped_more += other.skipped_more;
        self.apis.extend(other.apis);
        self.keys.extend(other.keys);
        self.unread.extend(other.unread);
        self.served = self.served.take().or(other.served);
    }

    fn take(&mut self, kind: Kind, outcome: Outcome, for_watch: bool) {
        self.apis.extend(outcome.api.map(|api| (kind, api)));
        for (namespace, part) in outcome.parts {
            self.skipped
                .extend(part.skipped.into_iter().map(|skipped| (kind, skipped)));
            self.skipped_more += part.skipped_more;
            if for_watch {
                self.keys.insert((kind, namespace.clone()), part.keys);
            }
            self.resource_versions.insert((kind, namespace), part.resource_version);
        }
        for (namespace, error) in outcome.errors {
            self.unread.push((kind, namespace));
            self.incomplete.push((kind, error));
        }
    }
}

#[cfg(test)]
mod tests;
