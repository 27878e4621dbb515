//! HTTP-01 (RFC 8555, section 8.3): the answer is led to through the cluster's own controller, on the exact path of the token.
//!
//! ```text
//! ChallengeRoute (route, class, listener) + Controller → table::Row → objects (JSON) → Api
//! backend: Pod | this process (endpoint) | the user's Service        self_check → fetch, at every address
//! ```
//!
//! The answering server keeps nothing: the answer to a token is the token and the thumbprint of the account's key. So one
//! Pod answers all challenges of a run in a namespace, and needs no word of them.

pub mod check;
pub mod config_map;
mod container;
pub mod fetch;
pub mod guard;
pub mod image;
pub mod in_dns;
pub mod in_place;
pub mod objects;
mod permit;
pub mod place;
mod pod;
pub mod responder;
pub mod self_check;
mod solver;
pub mod table;

use std::{net::SocketAddr, time::Duration};

pub use fetch::Ports;
pub use guard::{Guard, Network};
pub use objects::{PodOptions, trial_pod};
pub use permit::{permits, refusal, rights_hint};
pub use place::{ChallengeRoute, Class};
pub use responder::{Responder, Thumbprint};
pub use solver::{Http01, edited};

use super::SolveError;
use crate::{
    apply::{ApiError, RunId},
    net::{HostPort, Lookup},
    object::Seconds,
    settings::value::{SelfCheck, ServicePort},
};

/// The beginning of the path at which a CA asks.
pub const CHALLENGE_PREFIX: &str = "/.well-known/acme-challenge/";

/// The path of a token.
pub fn challenge_path(token: &str) -> String {
    format!("{CHALLENGE_PREFIX}{token}")
}

/// Whether a text can be a token: base64url without padding (RFC 8555, section 8.3), of a bounded length. It becomes part of
/// a path, of a rule and of a name (CVE-2026-40611).
pub fn is_token(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// What answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// A Pod.
    Pod,
    /// This process.
    Endpoint {
        /// Where it listens.
        listen: SocketAddr,
        /// Where the cluster reaches it.
        advertise: SocketAddr,
    },
    /// A Service of the user's, in the route's namespace: the answers are written to a `ConfigMap` for it, and no route is
    /// made.
    Service(ServicePort),
}

/// How challenges are answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// What answers.
    pub backend: Backend,
    /// Whether the path goes into the route's own Ingress whatever the controller (`--solver in-place`).
    pub in_place: bool,
    /// Whether the user chose the solver: an unknown controller is then no reason to refuse.
    pub named: bool,
    /// How Pods are made, the one that answers and the one that looks.
    pub pod: PodOptions,
    /// The thumbprint of the account's key.
    pub thumbprint: Thumbprint,
    /// How the answer is looked at.
    pub self_check: SelfCheck,
    /// How long it may take to be seen; `None` is what the controller usually needs.
    pub limit: Option<Duration>,
    /// `--connect`: where the routes are reached from here; its port is that of HTTPS, and not used.
    pub connect: Option<HostPort>,
    /// Who is asked for addresses.
    pub lookup: Lookup,
    /// Which addresses may be asked besides the routes' own.
    pub guard: Guard,
    /// The ports that the CA asks.
    pub ports: Ports,
    /// The run.
    pub run: RunId,
    /// When what it makes may be removed by others.
    pub expires: Seconds,
}

/// An API error as a solver's, with its hint.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn api_error(error: ApiError) -> SolveError {
    match &error {
        ApiError::Forbidden { resource, .. } if resource.starts_with("endpointslices") => {
            SolveError::because(&error).hint(permit::ENDPOINTSLICE_HINT)
        }
        error => SolveError::because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_base64url_and_nothing_else() {
        for token in ["a", "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ", "_-"] {
            assert!(is_token(token), "{token}");
        }
        for wrong in ["", "a/b", "..", "a b", "a`b", "a\n", "é", &"a".repeat(256)] {
            assert!(!is_token(wrong), "{wrong:?}");
        }
    }
}
