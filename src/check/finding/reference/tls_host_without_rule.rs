use crate::{
    check::{
        finding::{Instead, prelude::*},
        words::say::{as_served, brief, instead, owner_of_route, route},
    },
    inventory::{
        Binding, Controller,
        ingress::{EVERY_HOST, covers_host, normal_host},
        query::Serving,
    },
    object::Ingress,
};

/// A host of a tls entry that no rule has. `taken_by` is the rule that handles the host's requests all the same: a
/// wildcard, or `*` for a rule without a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsHostWithoutRule {
    pub host: Text,
    pub taken_by: Option<Text>,
    pub instead: Instead,
    pub assumed: Option<Controller>,
}

impl Defect for TlsHostWithoutRule {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        match self {
            Self {
                host,
                taken_by: None,
                instead: gets,
                assumed,
            } => format!(
                "{} is in a tls entry of {} but in none of its rules: no request for the host is routed{}{}.",
                brief(host),
                route(row),
                instead(*gets, "; "),
                as_served(*assumed, *gets != Instead::Unknown)
            ),
            Self {
                host,
                taken_by: Some(rule),
                instead: gets,
                assumed,
            } => format!(
                "{} is in a tls entry of {} but has no rule of its own; {} takes its requests, and only the rules' hosts choose \
             the certificate{}{}.",
                brief(host),
                route(row),
                if rule == "*" {
                    "a rule without a host".to_owned()
                } else {
                    format!("the rule for {}", brief(rule))
                },
                instead(*gets, ": "),
                as_served(*assumed, true)
            ),
        }
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        match self {
            Self {
                host,
                taken_by: Some(_),
                ..
            } if host.parse::<std::net::IpAddr>().is_ok() => format!(
                "Clients that connect by an address send no server name, and no rule can have an address as its host: make the Secret the \
             controller's default one with `--default-ssl-certificate`, or let clients use a name; see the Ingress with {}.",
                commands.kubectl_route("describe", row)
            ),
            Self {
                host,
                taken_by: Some(_),
                ..
            } => format!(
                "Add a rule with `host: {}` to spec.rules of {}, with the paths of the existing one, or make the Secret the \
             controller's default one with `--default-ssl-certificate`; see the Ingress with {}.",
                brief(host),
                owner_of_route(row),
                commands.kubectl_route("describe", row)
            ),
            Self { host, .. } => format!(
                "Add a rule for {} to {}, or remove the host from its tls entry; see both with {}.",
                brief(host),
                owner_of_route(row),
                commands.kubectl_route("describe", row)
            ),
        }
    }
}

impl TlsHostWithoutRule {
    /// Reports a host that only a tls entry names. Where a rule without a host or with a wildcard handles its requests,
    /// ingress-nginx answers them with the certificate of that rule's server.
    pub(in crate::check) fn check(
        subject: &Subject<'_>,
        binding: &Binding,
        ingress: &Ingress,
        collector: &mut Collector,
    ) {
        let nginx = subject.controller == Controller::IngressNginx;
        let takes = |rule: &&Text| {
            let rule = normal_host(rule);
            rule == EVERY_HOST || covers_host(&rule, &binding.host)
        };
        let taken_by = ingress.rules.iter().filter(|_| nginx).find(takes);
        let gets_its_own = matches!(subject.serving, Serving::Named(_));
        let severity = if taken_by.is_some() && !gets_its_own {
            match subject.serving {
                Serving::Default(None) => Severity::Critical,
                _ => subject.unless_served(),
            }
        } else {
            Severity::Warning
        };
        let fact = Self {
            host: binding.host.clone(),
            taken_by: taken_by.map(|rule| normal_host(rule)),
            instead: if nginx { subject.instead() } else { Instead::Unknown },
            assumed: subject.assumed(),
        };
        collector.add_at(severity, fact);
    }
}
