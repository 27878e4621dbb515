use crate::check::{
    Renewer,
    finding::prelude::*,
    words::say::{certificate, expected, host},
};

/// cert-manager's temporary certificate, which it stores until the real one is issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemporaryCertificate;

impl Defect for TemporaryCertificate {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        format!(
            "{it} is a temporary one that cert-manager uses until the real one is issued: no client trusts it for {}.",
            host(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "cert-manager replaces it when the real one is issued, usually within minutes; if it stays, see what holds up the issuance \
             with {}.",
            match (row.renewer, expected(row)) {
                (Renewer::CertManager(certificate), Some(key)) => {
                    let certificate = Key::new(key.namespace.clone(), certificate.clone());
                    commands.kubectl("describe", Kind::Certificate, &certificate)
                }
                (_, key) => commands.kubectl_in(
                    key.map_or(row.namespace, |key| &key.namespace),
                    "get certificate,order,challenge"
                ),
            }
        )
    }
}
