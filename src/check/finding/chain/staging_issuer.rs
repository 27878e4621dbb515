use crate::check::{
    finding::prelude::*,
    words::say::{brief, certificate, reissue, with_cert_manager},
};

/// A certificate of a staging CA, which clients do not trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagingIssuer {
    pub issuer: Text,
}

impl Defect for StagingIssuer {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { issuer } = self;
        format!(
            "{it} was issued by {}, a CA for rehearsals that no client trusts.",
            brief(issuer)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Issue it again from the production CA{}. {}",
            with_cert_manager(
                row,
                "point issuerRef of the Certificate at an issuer whose spec.acme.server is \
                 https://acme-v02.api.letsencrypt.org/directory"
            ),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Issue it again from the production CA, whose certificates clients trust, and {place}."
        ))
    }
}
