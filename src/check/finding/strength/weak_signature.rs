use crate::check::{
    finding::prelude::*,
    words::say::{brief, certificate, reissue},
};

/// A signature that can be forged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeakSignature {
    pub algorithm: Text,
}

impl Defect for WeakSignature {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { algorithm } = self;
        format!(
            "{it}, or an intermediate of its chain, is signed with {}, which can be forged: clients refuse it.",
            brief(algorithm)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Issue it again from a CA that signs with SHA-256 or better; {} shows the signature. {}",
            commands.certificate_text(row),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Issue it again from a CA that signs with SHA-256 or better, and {place}."
        ))
    }
}

impl WeakSignature {
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        // The signature of a root is never verified, so its hash does not matter.
        let mut certificates = on.stored.bundle.certificates.iter();
        if let Some(certificate) = certificates.find(|c| c.weak_signature && !c.self_signed) {
            let algorithm = certificate.signature.into();
            collector.add(Self { algorithm });
        }
    }
}
