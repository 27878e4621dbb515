//! What challenges have put into the cluster: noted before it is made, and removed again.

use futures_util::future::join_all;
use serde_json::Value;

use super::{
    super::{api_error, config_map, in_place},
    Http01, lock,
};
use crate::{
    apply::{Purpose, mark},
    k8s::{Marked, Own},
    object::Key,
    object::resource::Resource,
    solve::{Challenge, SolveError},
};

/// What a challenge, or what challenges share, has put into the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Made {
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

impl Http01 {
    /// Creates a shared object. It is recorded first, so that it is removed whatever happens.
    pub(super) async fn create_once(
        &self,
        resource: Resource,
        object: impl Own,
        about: &Key,
    ) -> Result<Value, SolveError> {
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

    pub(super) async fn create(
        &self,
        resource: Resource,
        mut object: impl Own,
        about: &Key,
    ) -> Result<Value, SolveError> {
        self.mark(&mut object, about);
        let (key, object) = (object.key(), object.json());
        self.journal.will_make(resource, &key).await?;
        self.api.create(resource, &object).await.map_err(api_error)
    }

    pub(super) fn mark(&self, object: &mut impl Marked, about: &Key) {
        mark::mark(object, &self.options.run, Purpose::Solver, self.options.expires, about);
    }

    pub(super) fn note(&self, challenge: &Challenge, made: Made) {
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

    pub(super) async fn take_away(&self, challenge: &Challenge) -> Result<usize, SolveError> {
        let made = lock(&self.made).remove(challenge).unwrap_or_default();
        let (count, left, error) = self.unmake_all(made).await;
        for made in left {
            self.note(challenge, made);
        }
        error.map_or(Ok(count), Err)
    }

    pub(super) async fn take_all_away(&self) -> Result<usize, SolveError> {
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
