//! What answers a challenge: HTTP-01 through the cluster's ingress controller, DNS-01 through a DNS provider.
//!
//! Solvers know nothing of ACME's protocol: they put an answer where a CA looks for it, wait until it can be seen there, and
//! take it away again.

pub mod dns01;
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

/// One challenge to be answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Challenge {
    /// The name that is to be proved; of a wildcard the bare domain.
    pub name: Name,
    /// Whether it is for the wildcard below the name.
    pub wildcard: bool,
    /// The token: base64url, checked by who read it (RFC 8555, section 8.1).
    pub token: String,
    /// token `.` thumbprint of the account's key. Not a secret: it is published.
    pub key_authorization: String,
}

/// What failed, in words that an operator can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SolveError {
    /// What failed, with what was seen: a lowercase fragment, not cleared.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether the cluster or its rights are the cause, rather than the challenge.
    pub cluster: bool,
    /// Whether a server has refused a change, so that there is nothing to take away again.
    pub refused: bool,
}

impl SolveError {
    /// A failure of a challenge.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            cluster: false,
            refused: false,
        }
    }

    /// What another error says: its causes, what to do, and whether the cluster is to blame.
    pub fn because(error: &(impl Diagnose + 'static)) -> Self {
        Self {
            hint: Diagnose::hint(error),
            cluster: error.blame() == Blame::Cluster,
            ..Self::new(chain(error))
        }
    }

    /// The same, with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, by which nothing has changed.
    #[must_use]
    pub fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// The same, caused by the cluster.
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

/// Answers challenges. Many may be presented at once; what must not happen at the same time the solver keeps apart.
pub trait Solve: Send + Sync {
    /// How it proves names.
    fn method(&self) -> Method;

    /// Whether it could answer for a name at all, before anything is ordered: what is known without a write. The error says what is
    /// missing.
    fn can_answer<'a>(&'a self, _: &'a Name) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Puts the answer in place, and returns when it has been seen as the CA will see it.
    fn present<'a>(&'a self, challenge: &'a Challenge, tell: &'a Teller) -> BoxFuture<'a, Result<(), SolveError>>;

    /// Takes away what [`Self::present`] made for this challenge, after success and failure alike. Does nothing when
    /// there is nothing. Returns how many objects or records were removed.
    fn clean<'a>(&'a self, challenge: &'a Challenge) -> BoxFuture<'a, Result<usize, SolveError>>;

    /// Takes away what the challenges of a run share. Does nothing when there is nothing.
    fn finish(&self) -> BoxFuture<'_, Result<usize, SolveError>>;
}

/// Is told of everything in the cluster before a solver makes or changes it, so that what a killed run has left is found.
pub trait Journal: Send + Sync {
    /// An object is about to be made. It carries the run's label.
    fn will_make<'a>(&'a self, resource: Resource, key: &'a Key) -> BoxFuture<'a, Result<(), SolveError>>;

    /// An object of the user's is about to be changed: an Ingress (`http01::in_place::leftover` finds what is to be taken
    /// away again), or the `ConfigMap` for a Service of the user's.
    fn will_change<'a>(&'a self, resource: Resource, key: &'a Key) -> BoxFuture<'a, Result<(), SolveError>>;
}

/// Keeps no journal: the labels alone say what a run has made.
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
