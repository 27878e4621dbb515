//! What is really served: names are resolved, servers are probed over TLS, and what they send is returned unchanged.
//!
//! This module knows nothing of Kubernetes and judges no certificate.

pub mod address;
pub mod aia;
pub mod dns;
pub mod https;
pub mod lookup;
pub mod name;
pub mod probe;
pub mod server;
mod unresolved;

pub use address::{HostPort, elsewhere, resolve};
pub use lookup::Lookup;
pub use probe::{ProbeError, ProbeRequest, ServerHandshake, probe, probe_all};
pub use unresolved::{ResolveError, resolvers_words, says_no_address};
