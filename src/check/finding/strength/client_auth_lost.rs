use super::MissingServerAuth;
use crate::{
    check::{finding::prelude::*, words::say::certificate},
    x509::Trust,
};

/// A certificate that permits client authentication now, and will not after its renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAuthLost;

impl Defect for ClientAuthLost {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        match self {
            Self if row.certificate.is_some_and(|c| c.usage.client_auth) => format!(
                "{it} may also be used by a client (clientAuth), which public CAs no longer issue: its renewal will not have that \
             usage."
            ),
            Self => format!(
                "{it} may not be used by a client (its extended key usage lacks clientAuth): a peer that asks for a client \
             certificate refuses it."
            ),
        }
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "If it is also used as a client certificate, get a separate one from a private CA; {} shows the usages. \
             Otherwise no action is needed.",
            commands.certificate_text(row)
        )
    }
}

impl ClientAuthLost {
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        let public = matches!(on.stored.bundle.trust, Trust::Trusted { public: true, .. });
        if on.leaf.usage.client_auth && public && !MissingServerAuth::applies(on.leaf) {
            collector.add(Self);
        }
    }
}
