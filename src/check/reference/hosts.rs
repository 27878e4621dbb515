//! The hosts of tls entries against the hosts of rules, and hosts that several routes claim.

use crate::{
    inventory::{Binding, BindingId, Origin, RouteKey, ingress::covers_host, settle::MANY},
    object::{Ingress, Kind, annotation},
};

use super::{
    super::{
        finding::{Fact, ObjectRef},
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
            let severity = if asked_for_acme {
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
        Origin::Entry(_) if host != "*" && !ingress.rules.is_empty() => {
            let ruled = ingress.rules.iter().any(|rule| {
                let rule = crate::inventory::ingress::normal_host(rule);
                rule == "*" || rule == *host || covers_host(&rule, host) || covers_host(host, &rule)
            });
            if !ruled {
                collector.add(Fact::TlsHostWithoutRule { host: host.clone() });
            }
        }
        _ => {}
    }
}

/// One host, several routes of one controller, different Secrets.
fn duplicate(subject: &Subject<'_>, id: BindingId, binding: &Binding, collector: &mut Collector) {
    let inventory = subject.inventory;
    if binding.host == "*" || binding.secrets.is_empty() {
        return;
    }
    let mut others: Vec<&RouteKey> = inventory
        .bindings_of_host(&binding.host)
        .iter()
        .filter(|other| **other != id)
        .take(MANY)
        .filter_map(|other| inventory.bindings().get(*other))
        .filter(|other| {
            other.route != binding.route
                && !other.secrets.is_empty()
                && other.secrets != binding.secrets
                && inventory.shares_hosts(&binding.route, &other.route)
        })
        .map(|other| other.route.as_ref())
        .collect();
    if others.is_empty() {
        return;
    }
    others.sort();
    others.dedup();
    let winner = subject
        .controller
        .oldest_wins()
        .then(|| oldest(subject, &binding.route, &others))
        .flatten();
    collector.add(Fact::DuplicateHost {
        others: others.into_iter().map(object_ref).collect(),
        winner,
    });
}

/// The oldest of the routes, where all say when they were made.
fn oldest(subject: &Subject<'_>, own: &RouteKey, others: &[&RouteKey]) -> Option<ObjectRef> {
    let mut aged = Vec::with_capacity(others.len() + 1);
    for route in others.iter().copied().chain([own]) {
        aged.push((subject.inventory.created(route)?, route));
    }
    aged.into_iter().min().map(|(_, route)| object_ref(route))
}
