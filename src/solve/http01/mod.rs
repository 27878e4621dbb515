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
pub mod standing;
pub mod table;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

pub use fetch::Ports;
pub use guard::{Guard, Network};
pub use objects::{PodOptions, trial_pod};
pub use permit::{permits, refusal, rights_hint, waits_for_dns};
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

/// The prefix of the path that a CA requests.
pub const CHALLENGE_PREFIX: &str = "/.well-known/acme-challenge/";

/// The path for a token.
pub fn challenge_path(token: &str) -> String {
    format!("{CHALLENGE_PREFIX}{token}")
}

/// Whether a text is a valid token: base64url without padding (RFC 8555, section 8.3), of limited length. It becomes
/// part of a path, of a rule and of a name (CVE-2026-40611).
pub fn is_token(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Whether it is seen that the answer is there, and not just waited for.
fn is_looked_at(self_check: SelfCheck) -> bool {
    !matches!(self_check, SelfCheck::Off | SelfCheck::Wait(_))
}

/// A token that no CA has given, to find out where requests for a host lead. `purpose` is a word of it.
pub fn own_token(purpose: &str) -> String {
    let mut random = [0; 16];
    // Without random numbers no order has it either.
    let _ = aws_lc_rs::rand::fill(&mut random);
    format!("kubectl-certs-{purpose}-{}", BASE64_URL_SAFE_NO_PAD.encode(random))
}

/// What answers challenges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// A Pod.
    Pod,
    /// This process.
    Endpoint {
        /// The address at which it listens.
        listen: SocketAddr,
        /// The address at which the cluster reaches it.
        advertise: SocketAddr,
    },
    /// The user's own Service in the namespace of the route. The answers are written to a `ConfigMap` for it, and no
    /// route is made.
    Service(ServicePort),
}

/// How challenges are answered.
#[derive(Debug, Clone)]
pub struct Options {
    /// What answers them.
    pub backend: Backend,
    /// Whether the path is added to the route's own Ingress for every controller (`--solver in-place`).
    pub in_place: bool,
    /// Whether the user chose the solver, so that an unknown controller is not refused.
    pub named: bool,
    /// The options of Pods, both for answering and for checking.
    pub pod: PodOptions,
    /// The thumbprint of the account's key.
    pub thumbprint: Thumbprint,
    /// The responder that answers for as long as the program goes on, in place of one of its own.
    pub standing: Option<Arc<standing::Standing>>,
    /// How the answer is checked.
    pub self_check: SelfCheck,
    /// How long a host that does not resolve yet is waited for, before anything is ordered.
    pub resolve_timeout: Duration,
    /// How long it may take until the answer is visible; `None` for the usual time of the controller.
    pub limit: Option<Duration>,
    /// `--connect`: the address at which the routes are reached from here. Its port, which is that of HTTPS, is not
    /// used.
    pub connect: Option<HostPort>,
    /// Looks up addresses.
    pub lookup: Lookup,
    /// Zones that are known to exist: those of the settings.
    pub zones: Vec<String>,
    /// Which addresses may be requested besides those of the routes.
    pub guard: Guard,
    /// The ports that the CA uses.
    pub ports: Ports,
    /// The id of the run.
    pub run: RunId,
    /// When others may remove the objects that it makes.
    pub expires: Seconds,
}

/// Converts an error of the API into one of a solver, with its hint.
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
