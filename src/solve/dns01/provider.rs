//! What every DNS provider can do: add one value at a name, and remove it, leaving the others.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub(super) use super::update::spec::Writes;
use crate::solve::SolveError;

/// One TXT value to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The zone, without a last dot.
    pub(super) zone: String,
    /// The name, without a last dot.
    pub(super) name: String,
    /// The value.
    pub(super) value: String,
    /// How long others may keep it, in seconds; the name's present values keep theirs.
    pub(super) ttl: u32,
    /// The domain that is proved. The record may be elsewhere, where its CNAME leads.
    pub(super) domain: String,
    /// The challenge's token, which hooks are told.
    pub(super) token: String,
}

/// A value that was written, or was about to be: what a later run needs to remove it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The provider's name in the settings.
    pub provider: String,
    /// The zone.
    pub zone: String,
    /// The record's name.
    pub name: String,
    /// The value.
    pub value: String,
    /// The domain that was proved.
    pub domain: String,
    /// The challenge's token.
    pub token: String,
}

impl Written {
    /// What is told where it could not be removed.
    pub fn stays(&self, error: SolveError) -> SolveError {
        SolveError {
            message: format!("{self} stays: {}", error.message),
            ..error
        }
    }
}

impl std::fmt::Display for Written {
    /// `TXT record _acme-challenge.shop.example with value abc`. Not cleared.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TXT record {} with value {}", self.name, self.value)
    }
}

/// Changes TXT records. Whoever calls keeps apart what [`Provider::writes`] says must not happen at the same time.
pub(super) trait Provider: Send + Sync {
    /// What it is, for messages: `PowerDNS at https://pdns.corp.internal:8081`.
    fn label(&self) -> &str;

    /// What must not happen at the same time.
    fn writes(&self) -> Writes {
        Writes::ByName
    }

    /// How many values a name can have at the same time.
    fn holds(&self) -> usize {
        usize::MAX
    }

    /// Makes the value one of the name's. Does nothing when it is there already.
    fn add<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), SolveError>>;

    /// Takes just this value away. Returns whether it was there, as far as the provider tells.
    fn remove<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<bool, SolveError>>;
}
