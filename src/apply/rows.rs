//! Pairs that are not in Secrets. A target has the name of a Secret all the same: its Lease, its journal and its place in the
//! queue are those of any other, and only what is read before an order and written after it is elsewhere.

use futures_util::future::BoxFuture;

use super::{
    Pair,
    secret::{Note, Target},
};
use crate::object::Key;

/// Where such pairs are.
pub trait Rows: Send + Sync {
    /// Whether the pair of a target is there, and in no Secret.
    fn has(&self, secret: &Key) -> bool;

    /// The pair as it is, in the form of the Secret that it would be in; absent if there is none. The error fits "the pair ...".
    fn read<'a>(&'a self, secret: &'a Key) -> BoxFuture<'a, Result<Target, String>>;

    /// Puts a pair in the place of the one that was read. Nothing is written if there is another one by now, or one that is not
    /// older. The error fits "the pair ...".
    fn write<'a>(&'a self, read: &'a Target, pair: &'a Pair, note: &'a Note) -> BoxFuture<'a, Result<(), RowError>>;
}

/// Why a pair was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowError {
    /// There is another one than the one that was read.
    Changed,
    /// The store does not take it now.
    Away(String),
}
