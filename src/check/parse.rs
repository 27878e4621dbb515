//! Parsing: can the certificate and the key be read, and do they belong together?

use crate::{
    check::finding,
    inventory::{Presence, Stored},
    x509::{KeyState, Readers},
};

use super::{
    readers::{self, Audience},
    reason::Severity,
    verdict::Collector,
};

/// Judges whether the certificate and the key of a Secret can be read and match. `worst` is the severity of a Secret
/// that cannot be served.
pub(super) fn judge(stored: &Stored, audience: Audience, worst: Severity, collector: &mut Collector) {
    let bundle = &stored.bundle;
    let secret = stored.meta.key();
    if stored.certificate == Presence::Present {
        readers::judge_form(stored, audience, worst, collector);
        if bundle.certificates.is_empty() && bundle.unreadable.is_empty() {
            let why = "it holds no certificate".to_owned();
            collector.add_at(
                worst,
                finding::InvalidCertificate {
                    secret: secret.clone(),
                    position: 0,
                    by: Readers::NONE,
                    skipped: false,
                    why,
                },
            );
        }
    }
    match &bundle.key {
        KeyState::Encrypted => collector.add_at(worst, finding::EncryptedKey { secret: secret.clone() }),
        KeyState::Invalid(why) => {
            collector.add_at(
                worst,
                finding::InvalidKey {
                    secret: secret.clone(),
                    by: Readers::NONE,
                    why: why.clone(),
                },
            );
        }
        KeyState::Differs => collector.add_at(worst, finding::InvalidKeyPair { secret: secret.clone() }),
        // Controllers compare the key with the first certificate of the file.
        KeyState::OfPosition(position) if bundle.leaf != Some(*position) => {
            collector.add_at(worst, finding::InvalidKeyPair { secret: secret.clone() });
        }
        _ => {}
    }
    if let Some(position) = bundle.leaf.filter(|p| *p > 0) {
        collector.add_at(worst, finding::LeafNotFirst { secret, position });
    }
}
