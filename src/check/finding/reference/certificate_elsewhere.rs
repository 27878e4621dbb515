use crate::{
    check::{
        finding::prelude::*,
        words::say::{host, route},
    },
    inventory::Keeper,
};

/// A route whose certificate is not stored in a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateElsewhere {
    pub by: Keeper,
}

impl Defect for CertificateElsewhere {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { by } = self;
        format!(
            "{} gets the certificate for {} from {}, not from a Secret: it is not checked here.",
            route(row),
            host(row),
            keeper(*by)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "No action is needed here; {} shows the certificate that clients get.",
            commands.certs("probe", row)
        )
    }
}

fn keeper(by: Keeper) -> &'static str {
    match by {
        Keeper::GoogleCertificateManager => "Google's Certificate Manager",
        Keeper::Google => "Google's load balancer",
        Keeper::Aws => "AWS Certificate Manager",
        Keeper::Options => "its implementation, by the listener's TLS options",
        Keeper::Resolver => "a certificate resolver of Traefik",
        Keeper::Backend => "its backend, to which TLS is passed through",
        Keeper::Controller => "its controller",
    }
}
