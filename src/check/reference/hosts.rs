//! The hosts of tls entries against the hosts of rules, and hosts that several routes claim.

use crate::{
    inventory::{Binding, BindingId, Origin, RouteKey, settle::MANY},
    object::{Ingress, Kind, annotation},
};

use super::{
    super::{
        finding::Fact,
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
        Origin::Entry(_) if !binding.in_rules && !ingress.rules.is_empty() => {
            collector.add(Fact::TlsHostWithoutRule { host: host.clone() });
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
    let leaf = |b: &Binding| {
        let stored = b.secrets.iter().find_map(|key| inventory.secrets().get(key));
        stored.and_then(|stored| stored.leaf()).map(|leaf| leaf.sha256)
    };
    let own = leaf(binding);
    let winner = inventory.winner(binding, subject.controller).map(|b| &b.route);
    let mut others: Vec<&RouteKey> = inventory
        .bindings_of_host(&binding.host)
        .iter()
        .filter(|other| **other != id)
        .take(MANY)
        .filter_map(|other| inventory.bindings().get(*other))
        .filter(|other| {
            other.route != binding.route
                // One that names no Secret decides where the oldest does.
                && (!other.secrets.is_empty() || winner == Some(&other.route))
                && other.secrets != binding.secrets
                // A copy of one certificate in each namespace is served alike by all.
                && (own.is_none() || own != leaf(other))
                && inventory.shares_hosts(&binding.route, &other.route)
        })
        .map(|other| &other.route)
        .collect();
    if others.is_empty() {
        return;
    }
    others.sort();
    others.dedup();
    // Where another route decides and brings nothing for the host, clients get the default certificate.
    let loses = winner.is_some_and(|w| *w != binding.route) && subject.stored.is_none();
    let severity = if loses { Severity::Critical } else { Severity::Warning };
    let fact = Fact::DuplicateHost {
        others: others.into_iter().map(object_ref).collect(),
        winner: winner.map(object_ref),
    };
    collector.add_at(severity, fact);
}
