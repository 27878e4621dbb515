use crate::{
    check::{
        finding::{Instead, prelude::*},
        words::say::{brief, host, instead, owner_of_route, route, secret},
    },
    inventory::Binding,
};

/// A tls entry that names no Secret. `unused` is a Secret that another tls entry of the Ingress names and that would
/// cover the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretNameEmpty {
    pub instead: Instead,
    pub unused: Option<Key>,
}

impl Defect for SecretNameEmpty {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        match self {
            Self {
                unused: Some(unused),
                instead: gets,
            } => format!(
                "The first tls entry of {} that lists {} names no Secret, and that entry takes effect: {}, and {} of another entry is \
             not served.",
                route(row),
                host(row),
                instead(*gets, ""),
                secret(unused, row)
            ),
            Self { instead: gets, .. } => format!(
                "A tls entry of {} for {} names no Secret: {}.",
                route(row),
                host(row),
                match gets {
                    Instead::Unknown => "which certificate clients get is up to the controller".to_owned(),
                    known => instead(*known, ""),
                }
            ),
        }
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        match self {
            Self {
                unused: Some(unused), ..
            } => format!(
                "Set secretName: {} in the tls entry of {} that lists {}; {} shows the certificate that clients get.",
                brief(&unused.name),
                owner_of_route(row),
                host(row),
                commands.certs("probe", row)
            ),
            Self { .. } => format!(
                "Name a Secret in that tls entry, unless the controller's default certificate is intended for {}; {} \
             shows the certificate that clients get.",
                host(row),
                commands.certs("probe", row)
            ),
        }
    }
}

impl SecretNameEmpty {
    /// Reports a tls entry that names no Secret: the controller serves its default certificate, unless it chooses
    /// another one.
    pub(in crate::check) fn check(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
        if binding.origin.entry().is_some() && binding.secrets.is_empty() && subject.stored.is_none() {
            let instead = match subject.instead() {
                Instead::NoConnection => Instead::Unknown,
                other => other,
            };
            collector.add(Self { instead, unused: None });
        }
    }
}
