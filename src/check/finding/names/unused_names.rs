use std::collections::HashSet;

use crate::{
    check::{
        Sample,
        finding::prelude::*,
        words::say::{certificate, list_of},
    },
    inventory::{BindingId, Inventory, ingress::normal_host},
    x509::San,
};

/// Names of a certificate that no route uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedNames {
    pub names: Sample<Text>,
}

impl Defect for UnusedNames {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { names } = self;
        format!(
            "{it} names {} host{} that no route uses: {}.",
            names.count(),
            if names.count() == 1 { "" } else { "s" },
            list_of(names)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Drop the names that nobody needs from the next certificate: one whose DNS has moved away makes the whole \
             renewal fail. {} shows them all, {} what the routes use.",
            commands.names(row),
            commands.certs("status", &Row { route: None, ..*row })
        )
    }
}

impl UnusedNames {
    pub(in crate::check) fn check(subject: &Subject<'_>, on: &CertificateSubject<'_>, collector: &mut Collector) {
        let CertificateSubject {
            inventory,
            stored,
            leaf,
            ..
        } = *on;
        let Some((id, _)) = subject.binding else { return };
        // Report it once for a certificate, however many hosts it serves.
        if !subject.named || inventory.bindings_of_secret(&stored.meta.key()).first() != Some(&id) {
            return;
        }
        let secret = stored.meta.key();
        let ids = inventory.bindings_of_secret(&secret);
        let bound = |id: &crate::inventory::BindingId| inventory.bindings().get(*id);
        // A route for every host uses every name, and a route that was not read may use any.
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
            collector.add(Self { names });
        }
    }
}

/// The hosts of the bindings of a Secret, and the other hosts of their routes.
struct Hosts<'a> {
    /// The hosts of the bindings.
    own: HashSet<&'a str>,
    /// The wildcards among these hosts, each without its `*.`.
    wide: HashSet<&'a str>,
    /// All hosts of the routes, each without its first label.
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

    /// Whether a name is below a wildcard host of the bindings, or is a wildcard above a host of their routes.
    fn meet(&self, name: &str) -> bool {
        name.split_once('.')
            .is_some_and(|(_, parent)| self.wide.contains(parent))
            || name
                .strip_prefix("*.")
                .is_some_and(|parent| self.parents.contains(parent))
    }
}
