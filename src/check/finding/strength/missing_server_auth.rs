use crate::{
    check::{
        finding::prelude::*,
        words::say::{certificate, host, reissue},
    },
    x509::Certificate,
};

/// A certificate that servers may not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingServerAuth;

impl Defect for MissingServerAuth {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        format!(
            "{it} may not be used by a server (its extended key usage lacks serverAuth): clients refuse it for {}.",
            host(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Issue it again with serverAuth, with cert-manager by \"server auth\" in spec.usages of the Certificate; {} \
             shows the usages. {}",
            commands.certificate_text(row),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!("Issue it again with serverAuth among its usages, and {place}."))
    }
}

impl MissingServerAuth {
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        if Self::applies(on.leaf) {
            collector.add(Self);
        }
    }

    /// Whether the extended key usage, if the certificate has one, excludes servers (RFC 5280, section 4.2.1.12).
    pub(super) fn applies(leaf: &Certificate) -> bool {
        leaf.usage.present && !leaf.usage.server_auth
    }
}
