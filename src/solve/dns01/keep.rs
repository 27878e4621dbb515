//! What a solver records of what it writes.

use futures_util::future::BoxFuture;

use super::provider::Written;
use crate::solve::SolveError;

/// Records what is written, so that it can be found after a run is killed.
pub trait Keep: Send + Sync {
    /// Called before a value is written. If it fails, nothing is written.
    fn before<'a>(&'a self, written: &'a Written) -> BoxFuture<'a, Result<(), SolveError>>;

    /// Called after a value was removed.
    fn removed<'a>(&'a self, written: &'a Written) -> BoxFuture<'a, ()>;
}

/// Records nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepNothing;

impl Keep for KeepNothing {
    fn before<'a>(&'a self, _: &'a Written) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async { Ok(()) })
    }

    fn removed<'a>(&'a self, _: &'a Written) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}
