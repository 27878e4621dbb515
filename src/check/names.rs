//! Names: is the host one of the certificate's, and are the certificate's names all wanted? (RFC 9525)

use std::collections::HashSet;

use crate::{
    inventory::{BindingId, Inventory, Origin, Stored, ingress::normal_host, query::covers},
    object::Text,
    x509::{Certificate, San},
};

use super::{
    finding::{Fact, Instead},
    reason::Severity,
    sample::Sample,
    verdict::{Collector, Subject},
};

pub(super) fn judge(subject: &Subject<'_>, stored: &Stored, collector: &mut Collector) {
    let Some(leaf) = stored.leaf() else { return };
    let Some((id, binding)) = subject.binding else { return };
    if !covers(stored, &binding.host) {
        // Who comes over plain HTTP to a host that is redirected never sees the certificate.
        let severity = if binding.origin == Origin::Redirect {
            Severity::Warning
        } else {
            subject.unless_served()
        };
        mismatch(subject, leaf, &binding.host, severity, collector);
    }
    for name in leaf.names.too_broad().take(BROAD) {
        collector.add(Fact::WildcardTooBroad { name: name.clone() });
    }
    // Told once for a certificate, however many hosts it serves.
    if subject.named && subject.inventory.bindings_of_secret(&stored.meta.key()).first() == Some(&id) {
        unused(subject.inventory, stored, leaf, collector);
    }
}

/// A named Secret that is not served, because its certificate is not for the host and another one is.
pub(super) fn judge_unserved(subject: &Subject<'_>, stored: &Stored, collector: &mut Collector) {
    let Some((_, binding)) = subject.binding else { return };
    if let Some(leaf) = stored.leaf().filter(|_| !covers(stored, &binding.host)) {
        mismatch(subject, leaf, &binding.host, Severity::Warning, collector);
    }
}

/// Certificates that belong to no route, for the host that they were asked for.
pub(super) fn judge_host(stored: &Stored, host: Option<&str>, collector: &mut Collector) {
    let (Some(leaf), Some(host)) = (stored.leaf(), host) else {
        return;
    };
    let host = normal_host(host);
    if !covers(stored, &host) {
        report_mismatch(leaf, &host, Instead::Unknown, Severity::Critical, collector);
    }
}

fn mismatch(subject: &Subject<'_>, leaf: &Certificate, host: &Text, severity: Severity, collector: &mut Collector) {
    let checks = subject
        .binding
        .is_some_and(|(_, b)| subject.controller.checks_names(b.route.kind));
    let instead = if checks { subject.instead() } else { Instead::Unknown };
    report_mismatch(leaf, host, instead, severity, collector);
}

fn report_mismatch(leaf: &Certificate, host: &Text, instead: Instead, severity: Severity, collector: &mut Collector) {
    if !leaf.has_san {
        let common_name = leaf.common_name().unwrap_or_default().into();
        collector.add_at(severity, Fact::CommonNameOnly { common_name });
        return;
    }
    let names = Sample::of(&leaf.names, |san| compact_str::format_compact!("{san}"));
    collector.add_at(
        severity,
        Fact::HostMismatch {
            host: host.clone(),
            names,
            instead,
        },
    );
}

/// A Secret that Pods mount, whose certificate names Services: the names of the Services that select those Pods. Of several that do,
/// one is enough: the others may be for metrics, or headless. What names no Service may be for clients outside, or for webhooks.
pub(super) fn judge_services(inventory: &Inventory, stored: &Stored, collector: &mut Collector) {
    let Some(leaf) = stored.leaf().filter(|_| names_services(stored)) else {
        return;
    };
    let secret = stored.meta.key();
    let mut missed = None;
    for service in inventory.services_of_pods(&secret) {
        let (name, namespace) = (&service.meta.name, &service.meta.namespace);
        let forms = [
            name.clone(),
            compact_str::format_compact!("{name}.{namespace}"),
            service.host(),
            compact_str::format_compact!("{name}.{namespace}.svc.cluster.local"),
        ];
        // `*.db.shop.svc` is for each Pod behind a headless Service.
        let below = compact_str::format_compact!(".{}", service.host());
        let covered = forms.iter().any(|form| covers(stored, form))
            || leaf
                .names
                .iter()
                .any(|san| matches!(san, San::Dns(dns) if dns.contains(below.as_str())));
        if covered {
            return;
        }
        missed.get_or_insert_with(|| service.host());
    }
    if let Some(host) = missed {
        report_mismatch(leaf, &host, Instead::Unknown, Severity::Warning, collector);
    }
}

/// Whether some name of a Secret's certificate is one of a Service beside it: `NAME.NAMESPACE.svc`, with or without the cluster's domain.
pub fn names_services(stored: &Stored) -> bool {
    let namespace = stored.meta.namespace.as_str();
    let names = stored.leaf().into_iter().flat_map(|leaf| &leaf.names);
    names.into_iter().any(|san| {
        let San::Dns(name) = san else { return false };
        let labels = || name.split('.').skip(1);
        labels()
            .zip(labels().skip(1))
            .any(|(first, second)| first == namespace && second == "svc")
    })
}

/// How many broad wildcards of one certificate are told.
const BROAD: usize = 4;

/// Names of the certificate that no route of the Secret has.
fn unused(inventory: &Inventory, stored: &Stored, leaf: &Certificate, collector: &mut Collector) {
    let secret = stored.meta.key();
    let ids = inventory.bindings_of_secret(&secret);
    let bound = |id: &crate::inventory::BindingId| inventory.bindings().get(*id);
    // A route for every host uses every name; a route that was not asked for may use any.
    if inventory.may_be_used_elsewhere(&secret) || ids.iter().filter_map(bound).any(|b| b.host == "*") {
        return;
    }
    let hosts = Hosts::of(inventory, ids);
    let used = |name: &Text| {
        let host = normal_host(name);
        hosts.own.contains(host.as_str()) || inventory.some_route_has(&host, leaf.sha256) || hosts.meet(&host)
    };
    let unused: Vec<Text> = leaf
        .names
        .iter()
        .filter_map(|san| match san {
            San::Dns(name) => Some(name.clone()),
            San::Ip(_) => None,
        })
        .filter(|name| !used(name))
        .collect();
    if !unused.is_empty() {
        let names = unused.into();
        collector.add(Fact::UnusedNames { names });
    }
}

/// The hosts of the bindings of a Secret, and those that are routed beside them.
struct Hosts<'a> {
    /// Those of the bindings.
    own: HashSet<&'a str>,
    /// What follows `*.` of the wildcards among them.
    wide: HashSet<&'a str>,
    /// What follows the first label of each, of those that are routed beside them too.
    parents: HashSet<&'a str>,
}

impl<'a> Hosts<'a> {
    fn of(inventory: &'a Inventory, ids: &[BindingId]) -> Self {
        let mut hosts = Self {
            own: HashSet::new(),
            wide: HashSet::new(),
            parents: HashSet::new(),
        };
        let mut seen = HashSet::new();
        for binding in ids.iter().filter_map(|id| inventory.bindings().get(*id)) {
            hosts.own.insert(binding.host.as_str());
            hosts.wide.extend(binding.host.strip_prefix("*."));
            if seen.insert(&binding.route) {
                let beside = inventory.bindings_of_route(&binding.route).map(|b| b.host.as_str());
                hosts
                    .parents
                    .extend(beside.filter_map(|host| Some(host.split_once('.')?.1)));
            }
        }
        hosts
    }

    /// Whether a name is below a wildcard host, or is a wildcard above a host of these routes.
    fn meet(&self, name: &str) -> bool {
        name.split_once('.')
            .is_some_and(|(_, parent)| self.wide.contains(parent))
            || name
                .strip_prefix("*.")
                .is_some_and(|parent| self.parents.contains(parent))
    }
}
