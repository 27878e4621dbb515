//! Strength and usage of the certificate's key.

use crate::{
    inventory::{Inventory, Stored, settle::MANY},
    object::Key,
    x509::{Certificate, KeyAlgorithm, KeyState, Trust},
};

use super::{finding::Fact, reason::Severity, verdict::Collector};

pub(super) fn judge(inventory: &Inventory, stored: &Stored, collector: &mut Collector) {
    judge_key(inventory, stored, collector);
    let Some(leaf) = stored.leaf() else { return };
    // A self-signed certificate made for a server by hand nearly always has the CA flag: SelfSigned says it all.
    if leaf.is_ca && !leaf.self_signed {
        collector.add(Fact::LeafIsCa);
    }
    let public = matches!(stored.bundle.trust, Trust::Trusted { public: true, .. });
    if leaf.usage.present && !leaf.usage.server_auth {
        collector.add(Fact::MissingServerAuth);
    } else if leaf.usage.client_auth && public {
        collector.add(Fact::ClientAuthLost);
    }
    if leaf.must_staple {
        collector.add(Fact::MustStaple);
    }
}

/// The findings that hold whoever uses the Secret.
pub(super) fn judge_key(inventory: &Inventory, stored: &Stored, collector: &mut Collector) {
    let Some(leaf) = stored.leaf() else { return };
    if let Some(bits) = weak_key(leaf) {
        collector.add(Fact::WeakKey {
            algorithm: compact_str::format_compact!("{}", leaf.key),
            bits,
        });
    }
    // The signature of a root is never verified, so its hash does not matter.
    for (_, certificate) in stored
        .bundle
        .certificates
        .iter()
        .enumerate()
        .filter(|(_, c)| c.weak_signature)
    {
        if !certificate.self_signed {
            collector.add(Fact::WeakSignature {
                algorithm: certificate.signature.into(),
            });
            break;
        }
    }
    repeated(inventory, stored, leaf, collector);
}

/// Its length in bits, when that is too short or the algorithm is no longer accepted (NIST SP 800-131A).
fn weak_key(leaf: &Certificate) -> Option<u32> {
    match &leaf.key {
        KeyAlgorithm::Rsa(bits) if *bits < 2048 => Some(*bits),
        KeyAlgorithm::Dsa(bits) => Some(*bits),
        KeyAlgorithm::Ec(_, bits) if (1..224).contains(bits) => Some(*bits),
        _ => None,
    }
}

/// One key in several Secrets. Copies of one certificate are how a wildcard gets into several namespaces: that is told
/// as worth knowing; one key under several certificates is a warning.
fn repeated(inventory: &Inventory, stored: &Stored, leaf: &Certificate, collector: &mut Collector) {
    // Anybody can store a certificate of a key that they do not have: neither theirs nor the owner's Secret is told of it.
    if stored.bundle.key != KeyState::Matches {
        return;
    }
    let own = stored.meta.key();
    let mut others: Vec<(Key, bool)> = inventory
        .secrets()
        .with_public_key(leaf.key_sha256)
        .filter(|other| other.bundle.key == KeyState::Matches)
        .take(MANY)
        .map(|other| (other.meta.key(), other.leaf().is_some_and(|l| l.sha256 != leaf.sha256)))
        .filter(|(key, _)| *key != own)
        .collect();
    if others.is_empty() {
        return;
    }
    others.sort();
    let other_certificate = others.iter().any(|(_, differs)| *differs);
    let severity = if other_certificate {
        Severity::Warning
    } else {
        Severity::Info
    };
    let others = others.into_iter().map(|(key, _)| key).collect();
    collector.add_at(severity, Fact::RepeatedKey { others });
}
