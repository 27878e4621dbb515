//! The solver for HTTP-01: makes the objects for a challenge, shares those that can be shared, checks that the answer
//! is visible, and removes the objects.

mod found;
mod look;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    Backend, ChallengeRoute, Options, Responder, api_error, challenge_path, config_map, in_place, is_token,
    objects::{self, Owner, PathBackend, SERVICE_PORT},
    permit::{is_together, resource_of},
    pod,
    responder::listening_hint,
    self_check::AnswerSeen,
    table::{self, Routing, Row},
};
use crate::{
    apply::{Api, ApiError, Patch, Purpose, mark},
    event::{EventKind, Method, Teller},
    inventory::Controller,
    k8s::{Believed, Edit, Marked, Own, Updated},
    name::Name,
    net::dns::Authorities,
    object::Key,
    object::resource::{CONFIGMAP, ENDPOINTSLICE, INGRESS, JOB, Resource, SERVICE},
    settings::value::SelfCheck,
    solve::{Challenge, Journal, Solve, SolveError},
};

/// How many challenges share an Ingress, if there are many.
const TOGETHER: usize = 50;
/// How long the kubelet may take until Pods see a changed `ConfigMap`, and how long the user's server may take in
/// addition.
const MOUNTED: Duration = Duration::from_mins(3);

/// What a challenge, or what challenges share, has put into the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Made {
    /// An object.
    Object(Resource, Key),
    /// A path in the user's own Ingress.
    Path {
        ingress: Key,
        path: String,
        service: String,
    },
    /// An answer in the `ConfigMap`.
    Answer { namespace: String, token: String },
    /// An answer of the responder that goes on.
    Token(String),
}

/// What the challenges of a namespace share.
#[derive(Debug)]
struct Shared {
    service: String,
    owner: Option<Owner>,
    /// Whether its Pod is running.
    runs: OnceCell<()>,
}

/// Made by the first challenge that needs it.
type Once = Arc<OnceCell<Arc<Shared>>>;

/// Answers HTTP-01 challenges through the controllers of the cluster.
pub struct Http01 {
    api: Api,
    options: Options,
    places: HashMap<Name, ChallengeRoute>,
    journal: Arc<dyn Journal>,
    /// By namespace and kind of Service.
    shared: Mutex<HashMap<(String, bool), Once>>,
    responder: OnceCell<Responder>,
    /// Who is asked for names that may not exist yet.
    authorities: OnceLock<Option<Authorities>>,
    made: Mutex<HashMap<Challenge, Vec<Made>>>,
    /// The shared objects in the order in which they were made.
    made_once: Mutex<Vec<Made>>,
    /// The Secrets that the shared objects name.
    made_for: Mutex<BTreeSet<Key>>,
    /// The Ingresses that several challenges share, by name.
    together: Mutex<HashMap<String, Arc<OnceCell<()>>>>,
    /// How many challenges have been routed through them.
    led: AtomicUsize,
    /// Prevents simultaneous edits of one Ingress, which would only fail each other.
    editing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Http01 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http01")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The row of the table for a place, with the options applied.
pub(super) fn row_of(options: &Options, place: &ChallengeRoute) -> Result<Row, SolveError> {
    let row = table::row(place.controller, place.kind, place.mergeable, options.named);
    if matches!(options.backend, Backend::Service(_)) {
        return Ok(Row {
            routing: Routing::Nothing,
            patience: MOUNTED,
            note: Some("your own proxy has to pass /.well-known/acme-challenge/ to the Service"),
            ..row.or_else(|_| table::row(place.controller, place.kind, false, true))?
        });
    }
    let row = row?;
    if !options.in_place || row.routing == Routing::InPlace {
        return match (&place.route, row.routing) {
            (None, Routing::InPlace) => Err(no_route()),
            _ => Ok(row),
        };
    }
    match (&place.route, row.routing) {
        (Some(_), Routing::Ingress) if place.login => Ok(Row {
            note: Some(
                "the route asks for a login, which would apply to the path too: the answer gets an Ingress of its own",
            ),
            ..row
        }),
        (Some(_), Routing::Ingress) => Ok(Row {
            routing: Routing::InPlace,
            annotations: &[],
            note: Some("the path is in the route's own Ingress, whose annotations apply to it too"),
            ..row
        }),
        (None, _) => Err(no_route()),
        (_, other) => Err(SolveError::new(format!(
            "--solver in-place adds a path to an Ingress, and this route needs an {}",
            other.kind()
        ))
        .hint("leave --solver out, or choose pod or endpoint")),
    }
}

/// The user's Ingresses that are temporarily edited, of the routes at these places.
pub fn edited<'a>(options: &Options, places: impl IntoIterator<Item = &'a ChallengeRoute>) -> BTreeSet<Key> {
    let in_place = places.into_iter().filter(|place| {
        let row = row_of(options, place);
        row.is_ok_and(|row| row.routing == Routing::InPlace)
    });
    in_place
        .filter_map(|place| Some(place.route.as_ref()?.key.clone()))
        .collect()
}

fn no_route() -> SolveError {
    SolveError::new("there is no Ingress yet to add a path to").hint("create the route first, or use DNS-01 (--dns)")
}

/// The host in the form for an Ingress: `None` for an IP address.
fn host_of(name: &Name) -> Option<&str> {
    name.base()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Http01 {
    /// Makes a solver for the names that have a place. Sends no request. `journal` is told of every object before it is
    /// made.
    pub fn new(api: Api, options: Options, places: HashMap<Name, ChallengeRoute>, journal: Arc<dyn Journal>) -> Self {
        Self {
            api,
            options,
            places,
            journal,
            shared: Mutex::default(),
            responder: OnceCell::new(),
            authorities: OnceLock::new(),
            made: Mutex::default(),
            made_once: Mutex::default(),
            made_for: Mutex::default(),
            together: Mutex::default(),
            led: AtomicUsize::new(0),
            editing: tokio::sync::Mutex::default(),
        }
    }

    /// The Secrets that shared objects name, until [`Solve::finish`] removes those objects.
    pub fn made_for(&self) -> BTreeSet<Key> {
        lock(&self.made_for).clone()
    }

    async fn put_in_place(&self, challenge: &Challenge, tell: &Teller) -> Result<(), SolveError> {
        let Some(place) = self.places.get(&challenge.name) else {
            return Err(SolveError::new(format!("no route has the host {}", challenge.name)).hint("use DNS-01 (--dns)"));
        };
        if challenge.wildcard {
            return Err(SolveError::new(format!(
                "a wildcard below {} cannot be validated by HTTP-01",
                challenge.name
            ))
            .hint("configure a DNS provider for its zone"));
        }
        if !is_token(&challenge.token)
            || challenge.key_authorization != self.options.thumbprint.answer(&challenge.token)
        {
            return Err(SolveError::new(
                "the CA's token, or the answer to it, is not of the form of RFC 8555",
            ));
        }
        let row = row_of(&self.options, place)?;
        let about = tell
            .secret()
            .cloned()
            .unwrap_or_else(|| Key::new(place.namespace.clone(), ""));
        if let Some(standing) = &self.options.standing {
            self.note(challenge, Made::Token(challenge.token.clone()));
            standing
                .answers()
                .add(&challenge.name, &challenge.token, &challenge.key_authorization);
            if standing.may_lead(place, &row)
                && self
                    .is_led(challenge, place, &row, standing.patience(), &about, tell)
                    .await
            {
                return Ok(());
            }
        }
        let shared = self.make(challenge, place, &row, &about).await?;
        tell.tell(EventKind::Presented {
            name: challenge.name.clone(),
            method: Method::Http01,
            place: format!("http://{}{}", challenge.name, challenge_path(&challenge.token)),
        });
        if self.api.is_dry_run() {
            return Ok(());
        }
        if let Some(shared) = &shared {
            self.until_it_runs(place, shared, tell).await?;
        }
        let seen = self.look(challenge, place, &row, shared.as_deref(), &about, tell).await;
        let AnswerSeen { at, note } = seen.map_err(|error| with_note(error, &row))?;
        if let Some(text) = note {
            tell.tell(EventKind::Note { text });
        }
        if !at.is_empty() {
            tell.tell(EventKind::SelfChecked {
                name: challenge.name.clone(),
                method: Method::Http01,
                seen: at,
            });
        }
        Ok(())
    }

    /// Whether a route that stays leads to the answer, so that no object has to be made for it. Looked at and not
    /// computed: a longer rule of an application, or a middleware before it, may come first.
    async fn is_led(
        &self,
        challenge: &Challenge,
        place: &ChallengeRoute,
        row: &Row,
        patience: Duration,
        about: &Key,
        tell: &Teller,
    ) -> bool {
        // Without a check nobody would see that the answer is not there.
        if matches!(self.options.self_check, SelfCheck::Off | SelfCheck::Wait(_)) {
            return false;
        }
        let row = Row {
            patience,
            ..row.clone()
        };
        let seen = self.look(challenge, place, &row, None, about, &Teller::silent()).await;
        let Ok(AnswerSeen { at, .. }) = seen else { return false };
        tell.tell(EventKind::Presented {
            name: challenge.name.clone(),
            method: Method::Http01,
            place: format!("http://{}{}", challenge.name, challenge_path(&challenge.token)),
        });
        if !at.is_empty() {
            tell.tell(EventKind::SelfChecked {
                name: challenge.name.clone(),
                method: Method::Http01,
                seen: at,
            });
        }
        true
    }

    /// Makes the objects for the challenge. Returns the shared ones, if a Pod answers.
    async fn make(
        &self,
        challenge: &Challenge,
        place: &ChallengeRoute,
        row: &Row,
        about: &Key,
    ) -> Result<Option<Arc<Shared>>, SolveError> {
        match &self.options.backend {
            Backend::Service(service) => {
                config_map::check_service(&self.api, &place.namespace, service).await?;
                let namespace = place.namespace.to_string();
                let key = Key::new(place.namespace.clone(), config_map::NAME);
                self.note(
                    challenge,
                    Made::Answer {
                        namespace: namespace.clone(),
                        token: challenge.token.clone(),
                    },
                );
                self.journal.will_change(CONFIGMAP, &key).await?;
                let mut object = config_map::object(&namespace, &challenge.token, &challenge.key_authorization);
                self.mark(&mut object, about);
                if config_map::write(&self.api, &object, &challenge.token, &challenge.key_authorization).await? {
                    lock(&self.made_once).push(Made::Object(CONFIGMAP, key));
                }
                Ok(None)
            }
            // The Job owns the other objects, so it is made first; its Pod starts while they are made.
            Backend::Pod => {
                let shared = self.shared(place, row, about).await?;
                self.lead(challenge, place, row, &shared.service, shared.owner.as_ref(), about)
                    .await?;
                Ok(Some(shared))
            }
            Backend::Endpoint { .. } => {
                let service = self.service_name(place, row);
                let (shared, lead) = tokio::join!(
                    self.shared(place, row, about),
                    self.lead(challenge, place, row, &service, None, about),
                );
                shared?;
                lead?;
                Ok(None)
            }
        }
    }

    fn service_name(&self, place: &ChallengeRoute, row: &Row) -> String {
        let identity = format!("{}/{}/{}", self.options.run, place.namespace, row.node_port);
        Purpose::Solver.name(&identity).to_string()
    }

    /// The objects that the challenges of the namespace share, made by the first.
    async fn shared(&self, place: &ChallengeRoute, row: &Row, about: &Key) -> Result<Arc<Shared>, SolveError> {
        let key = (place.namespace.to_string(), row.node_port);
        let cell = Arc::clone(lock(&self.shared).entry(key).or_default());
        cell.get_or_try_init(|| Box::pin(self.make_shared(place, row, about)))
            .await
            .cloned()
    }

    async fn make_shared(&self, place: &ChallengeRoute, row: &Row, about: &Key) -> Result<Arc<Shared>, SolveError> {
        let (namespace, name) = (place.namespace.as_str(), self.service_name(place, row));
        let mut owner = None;
        match &self.options.backend {
            Backend::Pod => {
                let thumbprint = self.options.thumbprint.to_string();
                let mut job = objects::job(namespace, &name, &thumbprint, &self.options.pod);
                if let Some(spec) = &mut job.spec {
                    self.mark(&mut spec.template, about);
                }
                let job = self.create_once(JOB, job, about).await?;
                owner = Owner::of(&job);
                let service = objects::service(namespace, &name, owner.as_ref(), true, row);
                self.create_once(SERVICE, service, about).await?;
            }
            Backend::Endpoint { listen, advertise } => {
                if self.options.standing.is_none() {
                    let start = || Responder::start(*listen, self.options.thumbprint.clone());
                    self.responder.get_or_try_init(start).await.map_err(|error| {
                        SolveError::new(format!("cannot listen on {listen}: {error}")).hint(listening_hint(&error))
                    })?;
                }
                let service = objects::service(namespace, &name, None, false, row);
                let slice = objects::endpoint_slice(namespace, &name, *advertise);
                tokio::try_join!(
                    self.create_once(SERVICE, service, about),
                    self.create_once(ENDPOINTSLICE, slice, about),
                )?;
            }
            Backend::Service(_) => {}
        }
        Ok(Arc::new(Shared {
            service: name,
            owner,
            runs: OnceCell::new(),
        }))
    }

    /// Routes the token's path to the Service.
    async fn lead(
        &self,
        challenge: &Challenge,
        place: &ChallengeRoute,
        row: &Row,
        service: &str,
        owner: Option<&Owner>,
        about: &Key,
    ) -> Result<(), SolveError> {
        let target = PathBackend {
            service,
            port: SERVICE_PORT,
        };
        if row.routing == Routing::Ingress && place.controller == Controller::Traefik && is_together(self.places.len())
        {
            return self.lead_together(challenge, place, row, target, owner, about).await;
        }
        let identity = format!("{}/{}/{}", self.options.run, challenge.name, challenge.token);
        let name = Purpose::Solver.name(&identity);
        let host = host_of(&challenge.name);
        let object = objects::route(place, row, &name, host, &challenge.token, target, owner);
        if let (Some(object), Some(resource)) = (object, resource_of(row.routing)) {
            self.note(
                challenge,
                Made::Object(resource, Key::new(place.namespace.clone(), name)),
            );
            self.create(resource, object, about).await?;
            return Ok(());
        }
        let Some(route) = place.route.as_ref().filter(|_| row.routing == Routing::InPlace) else {
            return Ok(());
        };
        let path = challenge_path(&challenge.token);
        self.note(
            challenge,
            Made::Path {
                ingress: route.key.clone(),
                path: path.clone(),
                service: service.to_owned(),
            },
        );
        self.journal.will_change(INGRESS, &route.key).await?;
        let change = |ingress: &Value| in_place::addition(ingress, host, &path, row.path_type, target);
        match self.edit(&route.key, &change).await? {
            Some(_) => Ok(()),
            None => Err(SolveError::new(format!("Ingress {} no longer exists", route.key)).of_cluster()),
        }
    }

    /// Routes the token's path to the Service through an Ingress that other challenges share. The Ingress is removed at
    /// the end of the run.
    async fn lead_together(
        &self,
        challenge: &Challenge,
        place: &ChallengeRoute,
        row: &Row,
        target: PathBackend<'_>,
        owner: Option<&Owner>,
        about: &Key,
    ) -> Result<(), SolveError> {
        let number = self.led.fetch_add(1, Ordering::Relaxed) / TOGETHER;
        let identity = format!(
            "{}/{}/{}/{:?}/{number}",
            self.options.run, place.namespace, target.service, place.class
        );
        let name = Purpose::Solver.name(&identity).to_string();
        let (host, path) = (host_of(&challenge.name), challenge_path(&challenge.token));
        let Some(object) = objects::route(place, row, &name, host, &challenge.token, target, owner) else {
            return Ok(());
        };
        let cell = Arc::clone(lock(&self.together).entry(name.clone()).or_default());
        let first = AtomicBool::new(false);
        let make = || async {
            self.create_once(INGRESS, object, about).await?;
            first.store(true, Ordering::Relaxed);
            Ok::<(), SolveError>(())
        };
        cell.get_or_try_init(make).await?;
        if first.load(Ordering::Relaxed) {
            return Ok(());
        }
        let key = Key::new(place.namespace.clone(), name);
        let change = |ingress: &Value| in_place::addition(ingress, host, &path, row.path_type, target);
        match self.edit(&key, &change).await? {
            Some(_) => Ok(()),
            None => Err(SolveError::new(format!("Ingress {key} no longer exists")).of_cluster()),
        }
    }

    /// Patches the user's Ingress until the patch matches its present state. `None` if it no longer exists, otherwise
    /// whether something was changed.
    async fn edit(
        &self,
        key: &Key,
        change: &(dyn Fn(&Value) -> Option<Value> + Sync),
    ) -> Result<Option<bool>, SolveError> {
        let _alone = self.editing.lock().await;
        // A failed test means that somebody has changed the rules since they were read.
        let patch = |ingress: Option<&Value>| {
            let patch = ingress.and_then(change);
            Ok::<_, ApiError>(patch.map_or(Edit::Nothing, |patch| Edit::Patch(Patch::Json(patch))))
        };
        let edited = self.api.update(INGRESS, key, Believed::Unknown, patch).await;
        Ok(match edited.map_err(api_error)? {
            Updated::Written(_) => Some(true),
            Updated::Kept(_) => Some(false),
            Updated::Absent => None,
        })
    }

    async fn until_it_runs(&self, place: &ChallengeRoute, shared: &Shared, tell: &Teller) -> Result<(), SolveError> {
        let pods = self.pods(place, shared);
        let wait = || pods.wait_until_it_answers(tell);
        shared.runs.get_or_try_init(wait).await.copied()
    }

    fn pods(&self, place: &ChallengeRoute, shared: &Shared) -> pod::Pods<'_> {
        pod::Pods {
            api: &self.api,
            job: Key::new(place.namespace.clone(), shared.service.as_str()),
            selector: objects::pod_selector(&shared.service),
        }
    }

    /// Creates a shared object. It is recorded first, so that it is removed whatever happens.
    async fn create_once(&self, resource: Resource, object: impl Own, about: &Key) -> Result<Value, SolveError> {
        let made = Made::Object(resource, object.key());
        lock(&self.made_for).insert(about.clone());
        {
            let mut all = lock(&self.made_once);
            if !all.contains(&made) {
                all.push(made);
            }
        }
        self.create(resource, object, about).await
    }

    async fn create(&self, resource: Resource, mut object: impl Own, about: &Key) -> Result<Value, SolveError> {
        self.mark(&mut object, about);
        let (key, object) = (object.key(), object.json());
        self.journal.will_make(resource, &key).await?;
        self.api.create(resource, &object).await.map_err(api_error)
    }

    fn mark(&self, object: &mut impl Marked, about: &Key) {
        mark::mark(object, &self.options.run, Purpose::Solver, self.options.expires, about);
    }

    fn note(&self, challenge: &Challenge, made: Made) {
        let mut all = lock(&self.made);
        let of_challenge = all.entry(challenge.clone()).or_default();
        if !of_challenge.contains(&made) {
            of_challenge.push(made);
        }
    }

    /// Removes one thing. Returns whether it existed.
    async fn unmake(&self, made: &Made) -> Result<bool, SolveError> {
        match made {
            Made::Object(resource, key) => self.api.delete(*resource, key, None).await.map_err(api_error),
            Made::Path { ingress, path, service } => {
                let change = |ingress: &Value| in_place::removal(ingress, path, service);
                Ok(self.edit(ingress, &change).await? == Some(true))
            }
            Made::Answer { namespace, token } => config_map::remove(&self.api, namespace, token).await,
            Made::Token(token) => {
                if let Some(standing) = &self.options.standing {
                    standing.answers().remove(token);
                }
                Ok(false)
            }
        }
    }

    /// Removes all of them, as far as possible. What fails stays recorded, so that it can be tried again.
    async fn unmake_all(&self, all: Vec<Made>) -> (usize, Vec<Made>, Option<SolveError>) {
        let tried = all.into_iter().map(|made| async move {
            let result = self.unmake(&made).await;
            (made, result)
        });
        let (mut count, mut left, mut first) = (0, Vec::new(), None);
        for (made, result) in join_all(tried).await {
            match result {
                Ok(was_there) => count += usize::from(was_there),
                Err(error) => {
                    left.push(made);
                    first.get_or_insert(error);
                }
            }
        }
        (count, left, first)
    }

    async fn take_away(&self, challenge: &Challenge) -> Result<usize, SolveError> {
        let made = lock(&self.made).remove(challenge).unwrap_or_default();
        let (count, left, error) = self.unmake_all(made).await;
        for made in left {
            self.note(challenge, made);
        }
        error.map_or(Ok(count), Err)
    }

    async fn take_all_away(&self) -> Result<usize, SolveError> {
        let challenges: Vec<Challenge> = lock(&self.made).keys().cloned().collect();
        let mut count = 0;
        let mut first = None;
        for challenge in challenges {
            match self.take_away(&challenge).await {
                Ok(removed) => count += removed,
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        let shared = std::mem::take(&mut *lock(&self.made_once));
        let (removed, left, error) = self.unmake_all(shared).await;
        count += removed;
        lock(&self.made_once).extend(left);
        lock(&self.shared).clear();
        lock(&self.together).clear();
        match first.or(error) {
            Some(error) => Err(error),
            None => Ok(count),
        }
    }
}

/// Adds what the table knows about such failures to the hint of the error.
fn with_note(mut error: SolveError, row: &Row) -> SolveError {
    if let (Some(note), false) = (row.note, error.cluster) {
        error.hint = Some(match error.hint {
            Some(hint) => format!("{hint}; {note}"),
            None => note.to_owned(),
        });
    }
    error
}

impl Solve for Http01 {
    fn method(&self) -> Method {
        Method::Http01
    }

    fn until_found<'a>(
        &'a self,
        name: &'a Name,
        is_expected: bool,
        tell: &'a Teller,
    ) -> BoxFuture<'a, Result<(), SolveError>> {
        self.until_it_resolves(name, is_expected, tell).boxed()
    }

    fn present<'a>(&'a self, challenge: &'a Challenge, tell: &'a Teller) -> BoxFuture<'a, Result<(), SolveError>> {
        self.put_in_place(challenge, tell).boxed()
    }

    fn clean<'a>(&'a self, challenge: &'a Challenge) -> BoxFuture<'a, Result<usize, SolveError>> {
        self.take_away(challenge).boxed()
    }

    /// Objects carry the run in their names; answers in the `ConfigMap` of a Service do not.
    fn leave(&self, challenge: &Challenge) {
        if let Some(made) = lock(&self.made).get_mut(challenge) {
            made.retain(|made| !matches!(made, Made::Answer { .. }));
        }
    }

    fn finish(&self) -> BoxFuture<'_, Result<usize, SolveError>> {
        self.take_all_away().boxed()
    }
}
