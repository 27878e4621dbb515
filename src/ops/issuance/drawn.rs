//! What an order needs of the picture of a cluster: with that in hand, the picture may change while everything else is waited
//! for.

use super::seen;
use crate::{
    apply::RunId,
    engine::{
        prepare::{PrepareError, Prepared, Preparing},
        rivals::Rivals,
    },
    plan::limits::Seen,
    source::Scope,
};

/// What was drawn from a picture for some targets.
pub(in crate::ops) struct Drawn {
    /// The id of the run.
    pub(super) run: RunId,
    /// Routes, rights and workloads.
    pub(super) prepared: Prepared,
    /// What the certificates that are there show of the CA's limits.
    pub(super) seen: Seen,
    /// Other routes that may claim the hosts.
    pub(super) rivals: Rivals,
}

impl Drawn {
    /// Draws it from the picture of `preparing`, which shows a scope.
    pub(in crate::ops) fn of(preparing: &Preparing<'_>, scope: &Scope) -> Result<Self, PrepareError> {
        Ok(Self::with(preparing.prepare()?, preparing, scope))
    }

    /// The same, where a part is there already.
    pub(super) fn with(prepared: Prepared, preparing: &Preparing<'_>, scope: &Scope) -> Self {
        Self {
            run: preparing.run.clone(),
            prepared,
            seen: seen(preparing.inventory, preparing.settings),
            rivals: Rivals::of(preparing.inventory, preparing.targets, scope),
        }
    }
}
