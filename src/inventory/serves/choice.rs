//! The parts of choosing a certificate: whether a Secret can be served, whether it covers the host, and which one is
//! best.

use crate::{
    inventory::{ingress::EVERY_HOST, secrets::Stored},
    x509::{KeyAlgorithm, KeyState, Readers, San, readers::refusal},
};

/// The best Secret for a host: it is usable, covers the host, and has the algorithm that clients prefer; ties are
/// resolved by name.
pub(super) fn fittest<'a>(among: impl Iterator<Item = &'a Stored>, host: &str) -> Option<&'a Stored> {
    let fitness = |stored: &Stored| {
        let modern = stored
            .leaf()
            .is_some_and(|l| !matches!(l.key, KeyAlgorithm::Rsa(_) | KeyAlgorithm::Dsa(_)));
        (usable(stored), covers(stored, host), modern)
    };
    // Nearly always there is only one, and nothing to compare.
    among.reduce(|a, b| {
        let names = |stored: &'a Stored| (&stored.meta.namespace, &stored.meta.name);
        let order = fitness(a).cmp(&fitness(b)).then_with(|| names(b).cmp(&names(a)));
        if order.is_gt() { a } else { b }
    })
}

/// Whether a Secret holds a certificate and its key in a form that Go loads. All controllers that choose among Secrets
/// are written in Go.
pub fn usable(stored: &Stored) -> bool {
    stored.leaf().is_some()
        && matches!(stored.bundle.key, KeyState::Matches)
        && refusal(&stored.bundle.objections, Readers::GO).is_none()
}

/// Whether a usable Secret names the host itself, without a wildcard.
pub(super) fn names_exactly(stored: &Stored, host: &str) -> bool {
    usable(stored)
        && stored
            .leaf()
            .is_some_and(|leaf| leaf.names.iter().any(|san| matches!(san, San::Dns(n) if n == host)))
}

/// Whether the leaf of a Secret covers the host. Any certificate covers every host (`*`).
pub fn covers(stored: &Stored, host: &str) -> bool {
    host == EVERY_HOST || stored.leaf().is_some_and(|leaf| leaf.names.cover(host))
}
