//! Which findings a report shows: findings are selected by severity and reason, or excused by the command line or by
//! annotations of the objects.
//!
//! The two differ. **Selection** decides what a report is about: rows and findings that are not selected are left out
//! and counted. A finding that is **excused** is known and accepted: it no longer affects a status, but it is still
//! reported. Neither hides a failure: a row always keeps its true status, and whatever could not be read is always
//! reported.

use std::collections::BTreeSet;

use crate::{
    inventory::Inventory,
    object::{Key, Kind, annotation},
};

use super::{Finding, Reason, Severity, Subject};

/// Which findings the user selected, and which are excused.
#[derive(Debug, Clone, Default)]
pub struct Select {
    /// `--min-severity`: findings of a lower severity are left out.
    pub min_severity: Option<Severity>,
    /// `--reason`: if not empty, findings of all other reasons are left out.
    pub only: BTreeSet<Reason>,
    /// `--ignore`: findings of these reasons are excused.
    pub ignored: BTreeSet<Reason>,
    /// Reasons that are not checked at all, because the kinds that they depend on are not watched.
    pub unread: BTreeSet<Reason>,
}

/// The findings of one row, sorted by how they are reported.
#[derive(Debug, Default)]
pub struct Sorted {
    /// The findings that count and are selected, in their original order.
    pub told: Vec<Finding>,
    /// The findings that are selected and excused.
    pub excused: Vec<Finding>,
    /// How many findings were not selected.
    pub left_out: usize,
    /// The worst severity of all findings that are not excused, selected or not. Nothing is known of what could not be
    /// read.
    pub worst: Option<Severity>,
}

impl Select {
    /// Whether any selection by severity or reason is in effect.
    pub fn chooses(&self) -> bool {
        self.min_severity.is_some() || !self.only.is_empty()
    }

    /// Whether a finding is selected.
    fn chosen(&self, finding: &Finding) -> bool {
        self.would_choose(finding.reason(), finding.severity)
    }

    /// Whether a finding of this reason and severity is selected. `Forbidden` always is, because it may hide any other
    /// finding.
    pub fn would_choose(&self, reason: Reason, severity: Severity) -> bool {
        reason == Reason::Forbidden
            || (self.min_severity.is_none_or(|least| severity >= least)
                && (self.only.is_empty() || self.only.contains(&reason)))
    }

    /// Whether a finding of this reason, at its usual severity, can affect the report. Objects that matter only to
    /// reasons which cannot are not read. A reason that is not selected still matters if it can be worse than one that
    /// is, because it then determines the status of the row.
    pub fn may_matter(&self, reason: Reason) -> bool {
        if self.ignored.contains(&reason) || self.unread.contains(&reason) {
            return false;
        }
        let usual = reason.severity();
        let by_severity = self.min_severity.is_none_or(|least| usual >= least);
        let by_reason = self.only.is_empty()
            || self.only.contains(&reason)
            || self.only.iter().any(|chosen| chosen.severity() < usual);
        by_severity && by_reason
    }

    /// Sorts the findings of one row. The annotation `kubectl-certs/ignore` of the route, or of a Secret of the
    /// binding, excuses findings too, but never those of which `is_for_others` says so.
    pub fn sort(&self, inventory: &Inventory, subject: &IgnoreOf<'_>, mut findings: Vec<Finding>) -> Sorted {
        findings.retain(|finding| !self.unread.contains(&finding.reason()));
        let mut sorted = Sorted::default();
        if findings.is_empty() {
            return sorted;
        }
        let mut annotated = Vec::new();
        let route = subject.route.and_then(|route| inventory.route_meta(route));
        let secrets = subject
            .secrets
            .iter()
            .filter_map(|key| inventory.secrets().get(key))
            .map(|s| &s.meta);
        for meta in route.into_iter().chain(secrets) {
            annotated.extend(named(meta.annotation(annotation::IGNORE)).filter_map(|name| name.parse::<Reason>().ok()));
        }
        annotated.retain(|reason| !is_for_others(*reason));
        let excused = |reason: Reason| self.ignored.contains(&reason) || annotated.contains(&reason);
        let counts = findings.iter().filter(|f| !excused(f.reason()));
        sorted.worst = counts
            .filter(|f| f.reason() != Reason::Forbidden)
            .map(|f| f.severity)
            .max();
        let all = findings.len();
        findings.retain(|finding| self.chosen(finding));
        sorted.left_out = all - findings.len();
        if findings.iter().any(|f| excused(f.reason())) {
            (sorted.excused, sorted.told) = findings.into_iter().partition(|f| excused(f.reason()));
        } else {
            sorted.told = findings;
        }
        sorted
    }
}

/// Whether an annotation of the object that is judged excuses nothing of a reason: where something could not be read, a healthy
/// status would be false, and who may have a name is not for whoever asks for it to say.
fn is_for_others(reason: Reason) -> bool {
    matches!(reason, Reason::Forbidden | Reason::NameNotPermitted | Reason::NameTaken)
}

/// The words of the list in an annotation.
fn named(annotation: Option<&str>) -> impl Iterator<Item = &str> {
    let words = annotation.unwrap_or_default().split(',').map(str::trim);
    words.filter(|word| !word.is_empty())
}

/// A word in the annotation `kubectl-certs/ignore` of an object that excuses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ineffective {
    /// The object's kind.
    pub kind: Kind,
    /// The namespace and name of the object.
    pub key: Key,
    /// The word.
    pub word: String,
    /// The reason that is probably meant; `None` where the word is a reason that cannot be excused.
    pub nearest: Option<Reason>,
}

/// Finds all ineffective words: those that name no reason, and those that no annotation excuses. Users who write one believe that it works.
pub fn ineffective(inventory: &Inventory) -> Vec<Ineffective> {
    let secrets = inventory.secrets().iter().map(|stored| (Kind::Secret, &stored.meta));
    let mut found = Vec::new();
    for (kind, meta) in inventory.listed_routes().chain(secrets) {
        for word in named(meta.annotation(annotation::IGNORE)) {
            let nearest = match word.parse::<Reason>() {
                Ok(reason) if is_for_others(reason) => None,
                Ok(_) => continue,
                Err(unknown) => Some(unknown.nearest),
            };
            found.push(Ineffective {
                kind,
                key: meta.key(),
                word: word.to_owned(),
                nearest,
            });
        }
    }
    found.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    found
}

/// The objects whose annotations may excuse findings.
#[derive(Debug, Clone, Copy)]
pub struct IgnoreOf<'a> {
    /// The route of the binding, if there is one.
    pub route: Option<&'a crate::inventory::RouteKey>,
    /// The Secrets of the binding.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_decide_a_status_is_read_for_although_it_is_not_chosen() {
        let only = |reason| Select {
            only: [reason].into(),
            ..Select::default()
        };
        // StalePods is a warning, OrphanSecret is an info.
        assert!(Select::default().may_matter(Reason::StalePods));
        assert!(only(Reason::ExtraRoot).may_matter(Reason::StalePods));
        assert!(!only(Reason::Expired).may_matter(Reason::StalePods));
        assert!(!only(Reason::ExtraRoot).may_matter(Reason::OrphanSecret));
        assert!(only(Reason::OrphanSecret).may_matter(Reason::OrphanSecret));
        let least = |severity| Select {
            min_severity: Some(severity),
            ..Select::default()
        };
        assert!(!least(Severity::Warning).may_matter(Reason::OrphanSecret));
        assert!(least(Severity::Warning).may_matter(Reason::StalePods));
        assert!(!least(Severity::Critical).may_matter(Reason::StalePods));
        let ignored = Select {
            ignored: [Reason::StalePods].into(),
            ..Select::default()
        };
        assert!(!ignored.may_matter(Reason::StalePods));
    }
}
