//! What choosing a certificate is made of: whether a Secret can be served, whether it is for a host, and which one is best.

use crate::{
    inventory::{ingress::EVERY_HOST, secrets::Stored},
    x509::{KeyAlgorithm, KeyState, Readers, San, readers::refusal},
};

/// The Secret that serves a host best: usable, for the host, of the algorithm that clients prefer; else the first by name.
pub(super) fn fittest<'a>(among: impl Iterator<Item = &'a Stored>, host: &str) -> Option<&'a Stored> {
    let fitness = |stored: &Stored| {
        let modern = stored
            .leaf()
            .is_some_and(|l| !matches!(l.key, KeyAlgorithm::Rsa(_) | KeyAlgorithm::Dsa(_)));
        (usable(stored), covers(stored, host), modern)
    };
    // One alone, as nearly always, is compared with none.
    among.reduce(|a, b| {
        let names = |stored: &'a Stored| (&stored.meta.namespace, &stored.meta.name);
        let order = fitness(a).cmp(&fitness(b)).then_with(|| names(b).cmp(&names(a)));
        if order.is_gt() { a } else { b }
    })
}

/// Whether a Secret holds a certificate and its key, which Go loads: all controllers that choose among Secrets are written in it.
pub fn usable(stored: &Stored) -> bool {
    stored.leaf().is_some()
        && matches!(stored.bundle.key, KeyState::Matches)
        && refusal(&stored.bundle.objections, Readers::GO).is_none()
}

/// Whether a Secret that can be used names the host itself, and not by a wildcard.
pub(super) fn names_exactly(stored: &Stored, host: &str) -> bool {
    usable(stored)
        && stored
            .leaf()
            .is_some_and(|leaf| leaf.names.iter().any(|san| matches!(san, San::Dns(n) if n == host)))
}

/// Whether a Secret's leaf names the host. Every host (`*`) is covered by any certificate.
pub fn covers(stored: &Stored, host: &str) -> bool {
    host == EVERY_HOST || stored.leaf().is_some_and(|leaf| leaf.names.cover(host))
}
