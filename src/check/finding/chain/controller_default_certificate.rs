use crate::check::{
    finding::prelude::*,
    words::say::{certificate, host, reissue, route},
};

/// A Secret that holds the self-signed default certificate of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerDefaultCertificate {
    pub controller: &'static str,
}

impl Defect for ControllerDefaultCertificate {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { controller } = self;
        format!(
            "{it} is the default one that {controller} generates for itself: no client trusts it for {}.",
            host(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Store a certificate for {} in the Secret that {} names. {}",
            host(row),
            route(row),
            reissue(row, commands)
        )
    }
}
