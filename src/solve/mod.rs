//! Solvers of challenges: HTTP-01 through the cluster's ingress controller, DNS-01 through a DNS provider, and
//! DNS-PERSIST-01 by a record that is there already.
//!
//! Solvers know nothing of the ACME protocol: they put an answer where a CA looks for it, wait until it is visible
//! there, and remove it.

pub mod dns01;
pub mod dns_persist01;
pub mod http01;
pub(crate) mod patience;

use futures_util::future::BoxFuture;

use crate::{
    error::{Blame, Diagnose, chain},
    event::{Method, Teller},
    name::Name,
    object::Key,
    object::resource::Resource,
};

/// One challenge to answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Challenge {
    /// The name to prove; for a wildcard, the domain without the asterisk.
    pub name: Name,
    /// Whether it is for the wildcard below the name.
    pub wildcard: bool,
    /// The token: base64url, checked by the code that read it (RFC 8555, section 8.1). Empty for DNS-PERSIST-01.
    pub token: String,
    /// The token, `.` and the thumbprint of the account's key. It is not secret, because it is published. Empty for
    /// DNS-PERSIST-01.
    pub key_authorization: String,
    /// For DNS-PERSIST-01, by which domains the record names the CA.
    pub issuers: Vec<String>,
}

/// A failure, in words that an operator can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SolveError {
    /// What failed, and what was seen, as a lowercase fragment. Not cleared for a terminal.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether the cluster or its rights are the cause, rather than the challenge.
    pub cluster: bool,
    /// Whether a server has refused a change, so that nothing has to be removed.
    pub refused: bool,
    /// Whether nothing has failed: the name does not resolve yet, and nothing was ordered.
    pub waiting: bool,
}

impl SolveError {
    /// Makes a failure of a challenge.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            cluster: false,
            refused: false,
            waiting: false,
        }
    }

    /// Makes a failure from another error, with its causes, its hint, and whether the cluster is to blame.
    pub fn because(error: &(impl Diagnose + 'static)) -> Self {
        Self {
            hint: Diagnose::hint(error),
            cluster: error.blame() == Blame::Cluster,
            ..Self::new(chain(error))
        }
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Marks the failure as one after which nothing has changed.
    #[must_use]
    pub fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// Marks the error as one of a name that does not resolve yet.
    #[must_use]
    pub fn waiting(mut self) -> Self {
        self.waiting = true;
        self
    }

    /// Marks the failure as caused by the cluster.
    #[must_use]
    pub fn of_cluster(mut self) -> Self {
        self.cluster = true;
        self
    }
}

impl Diagnose for SolveError {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    fn blame(&self) -> Blame {
        if self.cluster { Blame::Cluster } else { Blame::Acme }
    }
}

/// Answers challenges. Many may be presented at once; the solver itself prevents what must not happen at the same time.
pub trait Solve: Send + Sync {
    /// The method by which it proves names.
    fn method(&self) -> Method;

    /// Whether it could answer for a name, as far as that is known without a write, before anything is ordered. The
    /// error says what is missing.
    fn can_answer<'a>(&'a self, _: &'a Name) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Waits until a CA would find the name and its answer, if the method needs that; a name that is not expected to come
    /// is looked up once. Called before anything is ordered. The error says which record is missing, or where requests
    /// lead instead.
    fn until_found<'a>(
        &'a self,
        _: &'a Name,
        _is_expected: bool,
        _: &'a Teller,
    ) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Puts the answer in place, and returns when it has been seen as the CA will see it.
    fn present<'a>(&'a self, challenge: &'a Challenge, tell: &'a Teller) -> BoxFuture<'a, Result<(), SolveError>>;

    /// Removes what [`Self::present`] made for this challenge, after success and failure alike. Does nothing if there
    /// is nothing. Returns how many objects or records were removed.
    fn clean<'a>(&'a self, challenge: &'a Challenge) -> BoxFuture<'a, Result<usize, SolveError>>;

    /// Leaves what [`Self::present`] made for this challenge to another run that has its order by now, as far as that
    /// run has the same answer. [`Self::finish`] does not remove it either.
    fn leave(&self, _: &Challenge) {}

    /// Removes what the challenges of a run share. Does nothing if there is nothing.
    fn finish(&self) -> BoxFuture<'_, Result<usize, SolveError>>;
}

/// Is told of everything in the cluster before a solver makes or changes it, so that leftovers of a killed run can be
/// found.
pub trait Journal: Send + Sync {
    /// An object will be made. It carries the label of the run.
    fn will_make<'a>(&'a self, resource: Resource, key: &'a Key) -> BoxFuture<'a, Result<(), SolveError>>;

    /// An object of the user will be changed: an Ingress (`http01::in_place::leftover` finds what has to be removed),
    /// or the `ConfigMap` for the user's own Service.
    fn will_change<'a>(&'a self, resource: Resource, key: &'a Key) -> BoxFuture<'a, Result<(), SolveError>>;
}

/// Keeps no journal: only the labels show what a run has made.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn will_make<'a>(&'a self, _: Resource, _: &'a Key) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn will_change<'a>(&'a self, _: Resource, _: &'a Key) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
