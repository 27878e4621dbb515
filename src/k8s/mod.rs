//! The only code for Kubernetes: it connects as kubectl does, lists once, then watches; and it writes what a plan
//! permits.
//!
//! ```text
//! flags, KUBECONFIG, Pod → kubeconfig ┐
//!                proxy, credential ───┴→ connect → Connection
//! Connection → list ──────────────→ decode → Change…, Listing
//!                └ rights (403)                  │
//! Connection → watch ←───────────────────────────┘ → Change…, WatchState
//! Connection → rights::get_secrets, suspects: what is asked for a few objects alone
//! Connection → carriers: how much there is that is not read
//! Connection → follow: a list and a watch of what one part of the program keeps by itself
//! Connection, Permits → Api: every write
//! Connection → ServicePath: requests to a Service, which the server passes on
//! ```
//!
//! `source` says which objects are read, and what of each. `docs/decisions/0001-reading-a-cluster.md` explains why
//! reading is done this way, and `docs/decisions/0014-one-kubernetes-wing.md` why all of it is here.

mod api;
mod carriers;
mod connect;
mod credential;
pub mod decode;
mod doings;
mod error;
mod exchange;
mod follow;
mod kubeconfig;
mod list;
mod ours;
mod paths;
mod problem;
mod proxy;
mod read;
mod request;
mod rights;
pub mod status;
mod suspects;
mod watch;

#[cfg(test)]
pub(crate) mod fake;

pub use api::{Api, ApiError, Believed, Edit, Eviction, Patch, ServiceAnswer, ServicePath, ServiceRequest, Updated};
pub use carriers::{carriers_served, count_carriers};
pub use connect::{ConnectOptions, Connection, connect, connect_unattended};
pub use credential::terminal_is_taken;
pub use doings::doings;
pub use error::{ClusterError, TlsProblem, Unreachable};
pub use exchange::Reply;
pub use follow::{Followed, follow};
pub use kubeconfig::{cluster_key, context_namespace, contexts};
pub use list::{ListOptions, Listing, list};
pub use ours::{MANAGER, Marked, Own, RUN, micro_time, run_of, set, time};
pub(crate) use paths::possible;
pub use problem::ConnectError;
pub use rights::{get_secrets, namespace_exists, namespace_names};
pub use suspects::{EventLine, consumers, data_changed, events, holding_certificates, programs};
pub use watch::{WatchState, watch};
