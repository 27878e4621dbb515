//! Where the records of hosts are: one trait, and the stores that implement it.
//!
//! A record is read, changed by a function of [`crate::domain`], and put back on the condition that nobody has changed it
//! meanwhile.

pub mod cluster;
pub mod memory;
pub mod postgres;

use std::fmt;

use futures_util::{future::BoxFuture, stream::BoxStream};

use crate::{
    domain::{Host, Record, State, Tenant, state},
    error::{Blame, Diagnose},
    k8s::ApiError,
    object::Seconds,
};

/// Which record was read: a put is refused if there is another one by then. Opaque to everybody but its store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(pub String);

/// From where a watch goes on. Opaque to everybody but its store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(pub String);

/// One message of a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The record of a host is new, has changed or is gone: `get` says which.
    Host {
        /// The host.
        host: Host,
        /// From where a watch goes on after this.
        cursor: Cursor,
    },
    /// All records that there were when the watch began have been told.
    Listed {
        /// From where a watch goes on after this.
        cursor: Cursor,
    },
}

/// Which records of a page are wanted. Without a field all are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of a tenant.
    pub tenant: Option<Tenant>,
    /// Those in a state.
    pub state: Option<State>,
    /// Those whose host contains a text, in lower case.
    pub part: Option<String>,
}

impl Filter {
    /// Whether a record is wanted at a moment.
    pub fn admits(&self, record: &Record, now: Seconds) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| *tenant == record.tenant)
            && self
                .part
                .as_ref()
                .is_none_or(|part| record.host.as_str().contains(part.as_str()))
            && self.state.is_none_or(|wanted| state(record, now).state == wanted)
    }
}

/// Why a record could not be read or put. The messages fit "failed to ...".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has changed the record since it was read, or has made it meanwhile.
    #[error("the record of {0} has been changed by somebody else meanwhile")]
    Conflict(Host),
    /// The changes after the cursor are no longer kept: a new watch has to begin with all.
    #[error("the changes since the last look are no longer kept")]
    Expired,
    /// The record is there, and cannot be read.
    #[error("the record of {host} cannot be read: {why}")]
    Unreadable {
        /// The host, not cleared for a terminal.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// The records have not been read yet, for this reason; not cleared for a terminal.
    #[error("the domains of the cluster cannot be read: {0}")]
    Unread(String),
    /// The cluster refuses or does not answer.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The database refuses or does not answer. The text names no password.
    #[error("the database of the domains {0}")]
    Database(String),
}

impl Diagnose for StoreError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Conflict(_) | Self::Expired => Some("try it again: the record is read anew".to_owned()),
            Self::Unreadable { .. } => {
                Some("delete the record or mend it by hand, and register the host again".to_owned())
            }
            Self::Unread(_) => Some(
                "`kubectl get domains -A` asks the same: the definition of the kind and the right to list it are needed"
                    .to_owned(),
            ),
            Self::Api(error) => error.hint(),
            Self::Database(_) => Some("look at `domains.databaseUrl` in the settings, and at the database".to_owned()),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Api(error) => error.blame(),
            Self::Conflict(_) | Self::Expired | Self::Unreadable { .. } | Self::Unread(_) | Self::Database(_) => {
                Blame::Cluster
            }
        }
    }
}

/// The answer of a store, later.
pub type Later<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A store of records. Moments are in seconds since 1970.
pub trait Store: Send + Sync + fmt::Debug {
    /// The record of a host, and which it is; `None` if there is none.
    fn get<'a>(&'a self, host: &'a Host) -> Later<'a, Option<(Record, Version)>>;

    /// Puts a record in the place of the one that was read; without `was` there must be none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if there is another one, and nothing has changed.
    fn put<'a>(&'a self, record: &'a Record, was: Option<&'a Version>) -> Later<'a, Version>;

    /// The hosts that somebody has to look at by a moment, at most so many, the longest due first.
    fn due(&self, until: Seconds, limit: usize) -> Later<'_, Vec<Host>>;

    /// Takes a host for oneself until a moment; whoever has it may take it anew. A moment that has passed gives it back.
    /// `false` if somebody else has it.
    fn claim<'a>(&'a self, host: &'a Host, by: &'a str, until: Seconds) -> Later<'a, bool>;

    /// The hosts whose records change, from a cursor on. Without one it begins with all hosts, and tells when these have been
    /// told. It ends after an error.
    fn watch(&self, from: Option<Cursor>) -> BoxStream<'_, Result<Change, StoreError>>;

    /// The records after a host in the order of their hosts, at most so many.
    fn page<'a>(&'a self, filter: &'a Filter, after: Option<&'a Host>, limit: usize) -> Later<'a, Vec<Record>>;
}
