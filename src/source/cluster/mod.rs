//! A cluster as a source: connects as kubectl does, lists once, then follows.
//!
//! ```text
//! flags, KUBECONFIG, Pod → kubeconfig ┐
//!                proxy, credential ───┴→ connect → Connection
//! Connection → list ──────────────→ Change…, Listing
//!                └ rights (403)         │
//! Connection → watch ←──────────────────┘ → Change…, WatchState
//! Connection → rights::get_secrets, suspects: what is asked for a few objects alone
//! Connection → carriers: how much there is that is not read
//! ```
//!
//! The decision page `docs/decisions/0001-reading-a-cluster.md` says why it is done this way.

mod carriers;
mod connect;
mod credential;
mod error;
mod exchange;
mod kubeconfig;
mod list;
mod paths;
mod problem;
mod proxy;
mod read;
mod request;
mod rights;
mod suspects;
mod watch;

#[cfg(test)]
mod fake;

pub use carriers::count_carriers;
pub use connect::{ConnectOptions, Connection, connect, connect_unattended};
pub use credential::terminal_is_taken;
pub use error::{ClusterError, TlsProblem, Unreachable};
pub use exchange::Reply;
pub use kubeconfig::{cluster_key, context_namespace, contexts};
pub use list::{ListOptions, Listing, list};
pub(crate) use paths::{possible, query};
pub use problem::ConnectError;
pub use rights::{get_secrets, namespace_exists, namespace_names};
pub use suspects::{EventLine, consumers, data_changed, events, holding_certificates, programs};
pub use watch::{WatchState, watch};
