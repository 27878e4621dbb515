//! The solver for HTTP-01: makes the objects for a challenge, shares those that can be shared, checks that the answer
//! is visible, and removes the objects.

mod found;
mod look;
mod made;
mod reached;
mod routes;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::OnceCell;

use super::{
    Backend, ChallengeRoute, Class, Options, Responder, challenge_path, is_looked_at, is_token,
    self_check::AnswerSeen,
    table::{self, Routing, Row},
};
use crate::{
    apply::Api,
    event::{EventKind, Method, Teller},
    name::Name,
    net::dns::Authorities,
    object::Key,
    solve::{Challenge, Journal, Solve, SolveError},
};
use made::Made;
use routes::{Once, Shared};

/// How long the kubelet may take until Pods see a changed `ConfigMap`, and how long the user's server may take in
/// addition.
const MOUNTED: Duration = Duration::from_mins(3);

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
    if place.class == Class::Proxy {
        return Ok(table::BY_PROXY);
    }
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
            if place.class == Class::Proxy {
                return self.by_proxy(challenge, place, &row, &about, tell).await;
            }
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

    /// Looks whether the user's own proxy leads to the answer. No object of ours could.
    async fn by_proxy(
        &self,
        challenge: &Challenge,
        place: &ChallengeRoute,
        row: &Row,
        about: &Key,
        tell: &Teller,
    ) -> Result<(), SolveError> {
        let seen = self.look(challenge, place, row, None, about, tell).await;
        let AnswerSeen { at, note } = seen.map_err(|error| with_note(error, row))?;
        if let Some(text) = note {
            tell.tell(EventKind::Note { text });
        }
        tell_seen(challenge, at, tell);
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
        if !is_looked_at(self.options.self_check) {
            return false;
        }
        let row = Row {
            patience,
            ..row.clone()
        };
        let seen = self.look(challenge, place, &row, None, about, &Teller::silent()).await;
        let Ok(AnswerSeen { at, .. }) = seen else { return false };
        tell_seen(challenge, at, tell);
        true
    }
}

/// Tells that a challenge is answered, and where that was seen.
fn tell_seen(challenge: &Challenge, at: Vec<String>, tell: &Teller) {
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
        let found = async move {
            self.until_it_resolves(name, is_expected, tell).await?;
            self.until_it_is_reached(name, tell).await
        };
        found.boxed()
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
