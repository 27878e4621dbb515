//! The journals of all certificates in progress. Before a solver writes something, it is recorded in the journals that
//! it concerns.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;

use super::{
    authority::{Authority, NotNow, Permitted},
    journal::{Journal, JournalError, Left},
};
use crate::{
    error::Diagnose,
    name::Name,
    object::{
        Key,
        resource::{self, Resource},
    },
    solve::{
        Journal as Notes, SolveError,
        dns01::{Keep, Written},
    },
};

/// The names and the journal of each Secret.
type Active = HashMap<Key, (Vec<Name>, Arc<Journal>)>;

/// The journals of the certificates in progress.
#[derive(Debug, Default)]
pub struct Journals(Mutex<Active>);

impl Journals {
    /// Adds the journal of a certificate that is started.
    pub fn add(&self, secret: Key, names: Vec<Name>, journal: Arc<Journal>) {
        self.lock().insert(secret, (names, journal));
    }

    /// Removes the journal of a certificate that has ended.
    pub fn remove(&self, secret: &Key) {
        self.lock().remove(secret);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Active> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, concerned: impl Fn(&Key, &[Name]) -> bool) -> Vec<Arc<Journal>> {
        let all = self.lock();
        let found = all.iter().filter(|(secret, (names, _))| concerned(secret, names));
        found.map(|(_, (_, journal))| Arc::clone(journal)).collect()
    }

    /// Records it in all of them. One that another run has taken over is that run's to keep; where all are, nothing may
    /// be written any more.
    async fn note(&self, journals: Vec<Arc<Journal>>, left: Left) -> Result<(), SolveError> {
        let (mut taken, mut noted) = (None, 0);
        for journal in journals {
            if !journal.entry().await.left.contains(&left) {
                let left = left.clone();
                match journal.note(|entry| entry.left.push(left)).await {
                    Ok(()) => {}
                    Err(error @ JournalError::Taken(_)) => {
                        taken = Some(error);
                        continue;
                    }
                    Err(error) => return Err(failed(&error)),
                }
            }
            noted += 1;
        }
        taken.filter(|_| noted == 0).map_or(Ok(()), |error| Err(failed(&error)))
    }
}

fn failed(error: &JournalError) -> SolveError {
    let solve = SolveError::new(crate::error::chain(error)).of_cluster();
    match error.hint() {
        Some(hint) => solve.hint(hint),
        None => solve,
    }
}

/// What a solver asks before it writes something: whether this process may still write, which one that was stopped and goes on
/// long after may not. Then it is recorded in the journals that it concerns.
#[derive(Debug, Default)]
pub struct Fenced {
    journals: Arc<Journals>,
    authority: Authority,
}

impl Fenced {
    /// Makes it for the orders in progress, and for who lets them write.
    pub fn new(journals: Arc<Journals>, authority: Authority) -> Self {
        Self { journals, authority }
    }

    fn permit(&self) -> Result<Permitted, SolveError> {
        let not_now = |error: NotNow| SolveError::new(error.to_string()).of_cluster();
        self.authority.permit().map_err(not_now)
    }
}

/// Objects that a run creates carry its label, which is enough to find them. Only changes to other objects are
/// recorded, in every journal of the namespace, because that of the certificate concerned is among them.
impl Notes for Fenced {
    fn will_make<'a>(&'a self, _: Resource, _: &'a Key) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(std::future::ready(self.permit().map(drop)))
    }

    fn will_change<'a>(&'a self, resource: Resource, key: &'a Key) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            let _permitted = self.permit()?;
            let left = Left::Change {
                kind: resource.kind.to_owned(),
                namespace: key.namespace.to_string(),
                name: key.name.to_string(),
            };
            let concerned = self.journals.of(|secret, _| secret.namespace == key.namespace);
            self.journals.note(concerned, left).await
        })
    }
}

impl Keep for Fenced {
    fn before<'a>(&'a self, written: &'a Written) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            let _permitted = self.permit()?;
            let concerned = |_: &Key, names: &[Name]| names.iter().any(|n| n.base() == Some(written.domain.as_str()));
            let concerned = self.journals.of(concerned);
            self.journals.note(concerned, Left::Record(written.clone())).await
        })
    }

    /// Nothing to do: the entry ends with the certificate, and removing the record once more does no harm.
    fn removed<'a>(&'a self, _: &'a Written) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// The resource of a recorded change, among those that are ever changed.
pub fn changed_kind(kind: &str) -> Option<Resource> {
    [resource::INGRESS, resource::CONFIGMAP]
        .into_iter()
        .find(|r| r.kind == kind)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::engine::{authority::Leads, lease::Leading};

    #[derive(Debug)]
    struct Slept;

    impl Leads for Slept {
        fn now(&self) -> Result<Leading, NotNow> {
            Err(NotNow("this process leads no longer".to_owned()))
        }
    }

    #[test]
    fn who_leads_no_longer_makes_and_changes_nothing_for_a_challenge() {
        let fenced = Fenced::new(Arc::default(), Authority::Leader(Arc::new(Slept)));
        let key = Key::new("shop", "web");
        let refused = |asked: Option<Result<(), SolveError>>| {
            let error = asked.and_then(Result::err).map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some("this process leads no longer"));
        };
        refused(fenced.will_make(resource::SERVICE, &key).now_or_never());
        refused(fenced.will_change(resource::INGRESS, &key).now_or_never());
        let may = Fenced::default();
        assert!(
            may.will_make(resource::SERVICE, &key)
                .now_or_never()
                .is_some_and(|asked| asked.is_ok())
        );
        assert!(
            may.will_change(resource::INGRESS, &key)
                .now_or_never()
                .is_some_and(|asked| asked.is_ok())
        );
    }
}
