use crate::check::{
    Sample,
    finding::{Instead, prelude::*},
    words::say::{brief, certificate, instead, list_of, reissue, route, with_cert_manager},
};

/// A certificate that does not cover the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostMismatch {
    pub host: Text,
    pub names: Sample<Text>,
    pub instead: Instead,
}

impl Defect for HostMismatch {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self {
            host,
            names,
            instead: gets,
        } = self;
        format!(
            "{it} does not cover {}: it names {}{}.",
            if host.is_empty() {
                "every host".into()
            } else {
                brief(host)
            },
            list_of(names),
            instead(*gets, "; ")
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        match self {
            Self { host, .. } if row.route.is_none() => format!(
                "If clients use that name, issue a certificate that has {} too{}; if they use another one, no action is needed. \
             {} shows the names. {}",
                brief(host),
                with_cert_manager(row, "add it to spec.dnsNames of the Certificate"),
                commands.names(row),
                reissue(row, commands)
            ),
            Self { host, .. } => format!(
                "Correct the host or the Secret's name in {}, or issue a certificate that names {} too{}; {} shows the names. {}",
                route(row),
                if host.is_empty() {
                    "every host of the route".into()
                } else {
                    brief(host)
                },
                with_cert_manager(row, "add it to spec.dnsNames of the Certificate"),
                commands.names(row),
                reissue(row, commands)
            ),
        }
    }

    fn remedy_outside(&self, outside: Outside<'_>, commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.issue_with_name(commands))
    }
}
