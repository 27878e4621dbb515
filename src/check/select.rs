//! Which findings count: by severity, by reason, by the command line and by the objects' own annotations.

use std::collections::BTreeSet;

use crate::{inventory::Inventory, object::annotation};

use super::{Finding, Reason, Severity, Subject};

/// What the user chose to see.
#[derive(Debug, Clone, Default)]
pub struct Select {
    /// `--min-severity`: findings below it do not count.
    pub min_severity: Option<Severity>,
    /// `--reason`: when not empty, only these count.
    pub only: BTreeSet<Reason>,
    /// `--ignore`: these do not count.
    pub ignored: BTreeSet<Reason>,
}

impl Select {
    /// Whether findings of a reason can count at its usual severity: what cannot is not read for.
    pub fn may_count(&self, reason: Reason) -> bool {
        self.min_severity.is_none_or(|least| reason.severity() >= least)
            && (self.only.is_empty() || self.only.contains(&reason))
            && !self.ignored.contains(&reason)
    }

    /// Whether a finding counts, apart from what its objects say.
    pub fn counts(&self, finding: &Finding) -> bool {
        let reason = finding.reason();
        self.min_severity.is_none_or(|least| finding.severity >= least)
            && (self.only.is_empty() || self.only.contains(&reason))
            && !self.ignored.contains(&reason)
    }

    /// Takes away the findings that do not count: by the command line, or by the annotation `kubectl-certs/ignore` of
    /// the route or of a Secret of the binding.
    pub fn retain(&self, inventory: &Inventory, subject: &IgnoreOf<'_>, findings: &mut Vec<Finding>) {
        findings.retain(|finding| self.counts(finding));
        if findings.is_empty() {
            return;
        }
        let mut ignored = BTreeSet::new();
        let route = subject.route.and_then(|route| inventory.route_meta(route));
        let secrets = subject
            .secrets
            .iter()
            .filter_map(|key| inventory.secrets().get(key))
            .map(|s| &s.meta);
        for meta in route.into_iter().chain(secrets) {
            let names = meta.annotation(annotation::IGNORE).unwrap_or_default();
            ignored.extend(names.split(',').filter_map(|name| name.trim().parse::<Reason>().ok()));
        }
        // What could not be read is never hidden: a healthy status would be a lie.
        ignored.remove(&Reason::Forbidden);
        findings.retain(|finding| !ignored.contains(&finding.reason()));
    }
}

/// The objects whose annotations may ignore reasons.
#[derive(Debug, Clone, Copy)]
pub struct IgnoreOf<'a> {
    /// The route.
    pub route: Option<&'a crate::inventory::RouteKey>,
    /// The Secrets.
    pub secrets: &'a [crate::object::Key],
}

impl<'a> From<&Subject<'a>> for IgnoreOf<'a> {
    fn from(subject: &Subject<'a>) -> Self {
        let binding = subject.binding.map(|(_, b)| b);
        Self {
            route: binding.map(|b| &b.route),
            secrets: binding.map_or(&[], |b| &b.secrets),
        }
    }
}
