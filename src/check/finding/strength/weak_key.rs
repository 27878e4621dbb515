use crate::{
    check::{
        finding::prelude::*,
        words::say::{brief, certificate, reissue, with_cert_manager},
    },
    x509::{Certificate, KeyAlgorithm},
};

/// A key that is too short, or whose algorithm is no longer accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeakKey {
    pub algorithm: Text,
    pub bits: u32,
}

impl Defect for WeakKey {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { algorithm, bits } = self;
        format!(
            "{it} has a weak key, {}{}: clients refuse it.",
            brief(algorithm),
            if *bits == 0 {
                String::new()
            } else {
                format!(" of {bits} bits")
            }
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Make a new key (ECDSA P-256, or RSA of 2048 bits or more) and issue the certificate again for it{}. {}",
            with_cert_manager(
                row,
                "set algorithm, size and rotationPolicy: Always in spec.privateKey of the Certificate"
            ),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Make a new key (ECDSA P-256, or RSA of 2048 bits or more), issue the certificate again for it, and {place}."
        ))
    }
}

impl WeakKey {
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        if let Some(bits) = weak_key(on.leaf) {
            let algorithm = compact_str::format_compact!("{}", on.leaf.key);
            collector.add(Self { algorithm, bits });
        }
    }
}

/// The length of the key in bits, if it is too short or its algorithm is no longer accepted (NIST SP 800-131A).
fn weak_key(leaf: &Certificate) -> Option<u32> {
    match &leaf.key {
        KeyAlgorithm::Rsa(bits) if *bits < 2048 => Some(*bits),
        KeyAlgorithm::Dsa(bits) => Some(*bits),
        KeyAlgorithm::Ec(_, bits) if (1..224).contains(bits) => Some(*bits),
        _ => None,
    }
}
