//! What leads a challenge to its answer: the objects of the challenge, and those that challenges share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    super::{
        Backend, ChallengeRoute, Responder, api_error, challenge_path, config_map, in_place,
        objects::{self, Owner, PathBackend, SERVICE_PORT},
        permit::{is_together, resource_of},
        pod,
        responder::listening_hint,
        table::{Routing, Row},
    },
    Http01, lock,
    made::Made,
};
use crate::{
    apply::{ApiError, Patch, Purpose},
    event::Teller,
    inventory::Controller,
    k8s::{Believed, Edit, Updated},
    name::Name,
    object::Key,
    object::resource::{CONFIGMAP, ENDPOINTSLICE, INGRESS, JOB, SERVICE},
    solve::{Challenge, SolveError},
};

/// How many challenges share an Ingress, if there are many.
const TOGETHER: usize = 50;

/// What the challenges of a namespace share.
#[derive(Debug)]
pub(super) struct Shared {
    service: String,
    pub(super) owner: Option<Owner>,
    /// Whether its Pod is running.
    runs: OnceCell<()>,
}

/// Made by the first challenge that needs it.
pub(super) type Once = Arc<OnceCell<Arc<Shared>>>;

/// The host in the form for an Ingress: `None` for an IP address.
fn host_of(name: &Name) -> Option<&str> {
    name.base()
}

impl Http01 {
    /// Makes the objects for the challenge. Returns the shared ones, if a Pod answers.
    pub(super) async fn make(
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
    pub(super) async fn edit(
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

    pub(super) async fn until_it_runs(
        &self,
        place: &ChallengeRoute,
        shared: &Shared,
        tell: &Teller,
    ) -> Result<(), SolveError> {
        let pods = self.pods(place, shared);
        let wait = || pods.wait_until_it_answers(tell);
        shared.runs.get_or_try_init(wait).await.copied()
    }

    pub(super) fn pods(&self, place: &ChallengeRoute, shared: &Shared) -> pod::Pods<'_> {
        pod::Pods {
            api: &self.api,
            job: Key::new(place.namespace.clone(), shared.service.as_str()),
            selector: objects::pod_selector(&shared.service),
        }
    }
}
