//! The hosts of tls entries against the hosts of rules, and hosts that several routes claim.

use crate::{
    inventory::{
        Binding, BindingId, Controller, Origin, RouteKey,
        ingress::{EVERY_HOST, covers_host, normal_host},
        query::{Serving, covers},
    },
    object::{Ingress, Kind, Text, annotation},
};

use super::{
    super::{
        finding::{Fact, Instead},
        reason::Severity,
        verdict::{Collector, Subject},
    },
    object_ref,
};

pub(super) fn judge(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    if binding.route.kind == Kind::Ingress
        && let Some(ingress) = subject.inventory.ingress(&binding.route.key)
    {
        two_sets(subject, binding, ingress, collector);
    }
    if let Some((id, _)) = subject.binding {
        duplicate(subject, id, binding, collector);
    }
}

fn two_sets(subject: &Subject<'_>, binding: &Binding, ingress: &Ingress, collector: &mut Collector) {
    let host = &binding.host;
    match binding.origin {
        Origin::RuleOnly if subject.stored.is_none() => {
            let asked_for_acme = ingress.meta.annotation(annotation::TLS_ACME) == Some("true");
            // ingress-nginx sends requests to such a host over to HTTPS, where its own certificate awaits them.
            let sent_there = subject.is_fake()
                && !ingress.tls.is_empty()
                && ingress.meta.annotation(annotation::NGINX_SSL_REDIRECT) != Some("false")
                && subject.inventory.has_only_its_own_default(&binding.route);
            let severity = if asked_for_acme || sent_there {
                Severity::Critical
            } else {
                Severity::Info
            };
            collector.add_at(
                severity,
                Fact::RuleHostWithoutTls {
                    host: host.clone(),
                    asked_for_acme,
                },
            );
        }
        Origin::Entry(_) | Origin::Below(_) if !binding.in_rules && !ingress.rules.is_empty() => {
            tls_host_without_rule(subject, binding, ingress, collector);
        }
        _ => {}
    }
}

/// A host that only a tls entry names. Where a rule without host or with a wildcard takes its requests all the same,
/// ingress-nginx answers them with the certificate of that rule's server.
fn tls_host_without_rule(subject: &Subject<'_>, binding: &Binding, ingress: &Ingress, collector: &mut Collector) {
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
    let fact = Fact::TlsHostWithoutRule {
        host: binding.host.clone(),
        taken_by: taken_by.map(|rule| normal_host(rule)),
        instead: if nginx { subject.instead() } else { Instead::Unknown },
        assumed: subject.assumed(),
    };
    collector.add_at(severity, fact);
}

/// One host, several routes of one controller, different Secrets.
fn duplicate(subject: &Subject<'_>, id: BindingId, binding: &Binding, collector: &mut Collector) {
    let inventory = subject.inventory;
    if binding.host == "*" || binding.secrets.is_empty() {
        return;
    }
    let leaf = |b: &Binding| {
        let stored = b.secrets.iter().find_map(|key| inventory.secrets().get(key));
        stored.and_then(|stored| stored.leaf()).map(|leaf| leaf.sha256)
    };
    let own = leaf(binding);
    let winner = inventory.winner(binding, subject.controller).map(|b| &b.route);
    let beside = inventory.beside(id, binding);
    let mut others: Vec<&RouteKey> = beside
        .into_iter()
        .filter(|other| {
            // One that names no Secret decides where the oldest does.
            (!other.secrets.is_empty() || winner == Some(&other.route))
                && other.secrets != binding.secrets
                // A copy of one certificate in each namespace is served alike by all.
                && (own.is_none() || own != leaf(other))
        })
        .map(|other| &other.route)
        .collect();
    if others.is_empty() {
        return;
    }
    others.sort();
    others.dedup();
    // Where another route decides and brings nothing for the host, clients get the default certificate.
    let nothing = match subject.serving {
        Serving::Nothing | Serving::Default(None) => true,
        Serving::Default(Some(stored)) => !covers(stored, &binding.host),
        _ => false,
    };
    let loses = winner.is_some_and(|w| *w != binding.route) && nothing;
    let severity = if loses { Severity::Critical } else { Severity::Warning };
    let fact = Fact::DuplicateHost {
        others: others.into_iter().map(object_ref).collect(),
        winner: winner.map(object_ref),
    };
    collector.add_at(severity, fact);
}
