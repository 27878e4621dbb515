use crate::{
    check::{
        finding::{Instead, prelude::*},
        words::say::{as_served, brief, instead, owner_of_route, route, secret},
    },
    inventory::{
        Binding, Controller,
        ingress::EVERY_HOST,
        query::{DefaultCertificate, Serving},
    },
    object::Ingress,
};

/// A rule without a host, next to a Secret whose certificate covers some hosts. `instead` is unknown where clients get
/// the Secret's certificate for the names that it has and another certificate for all other names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleWithoutHost {
    pub secret: Key,
    pub instead: Instead,
    pub assumed: Option<Controller>,
}

impl Defect for RuleWithoutHost {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        match self {
            Self {
                secret: key,
                instead: Instead::Unknown,
                ..
            } => format!(
                "A rule of {} has no host: clients that ask for a name which {} covers get its certificate, and all others the \
             controller's default one.",
                route(row),
                secret(key, row)
            ),
            Self {
                secret: key,
                instead: gets,
                assumed,
            } => format!(
                "A rule of {} has no host: {} there, and never {}{}.",
                route(row),
                instead(*gets, ""),
                secret(key, row),
                as_served(*assumed, true)
            ),
        }
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        match self {
            Self {
                instead: Instead::Unknown,
                ..
            } => format!(
                "Set spec.rules[].host of {} to each name that the certificate is for, or name its Secret as the default certificate of \
             the TLSStore called default; see the Ingress with {}.",
                owner_of_route(row),
                commands.kubectl_route("describe", row)
            ),
            Self { secret: key, .. } => format!(
                "Set spec.rules[].host of {} to each name that the certificate is for, or make it the default one with \
             `--default-ssl-certificate={}` among the controller's arguments; see the Ingress with {}.",
                owner_of_route(row),
                brief(&key.to_string()),
                commands.kubectl_route("describe", row)
            ),
        }
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}

impl RuleWithoutHost {
    /// Reports such a rule for Traefik, which serves a certificate to clients that ask for one of its names and the
    /// default certificate to all others. A rule without a host takes the requests of both.
    pub(in crate::check) fn of_traefik(
        subject: &Subject<'_>,
        binding: &Binding,
        ingress: &Ingress,
        collector: &mut Collector,
    ) {
        if subject.controller == Controller::Traefik
            && binding.host == EVERY_HOST
            && !ingress.rules.is_empty()
            && let Some(secret) = binding.secrets.first()
            && matches!(subject.serving, Serving::Named(_))
            && !matches!(subject.inventory.traefiks_default(), DefaultCertificate::Secret(_))
        {
            collector.add(Self {
                secret: secret.clone(),
                instead: Instead::Unknown,
                assumed: None,
            });
        }
    }
}
