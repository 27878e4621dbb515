//! What a report shows of the findings: chosen by severity and reason, or excused by the command line and the objects' own
//! annotations.
//!
//! The two are different things. What is **chosen** says what a report is about: rows and findings that are not are left
//! out, and counted. What is **excused** is known and accepted: it no longer makes a status worse, and is told all the same. Neither
//! hides why something fails: whatever is chosen, a row keeps its true status, and what could not be read is always there.

use std::collections::BTreeSet;

use crate::{
    inventory::Inventory,
    object::{Key, Kind, annotation},
};

use super::{Finding, Reason, Severity, Subject};

/// What the user chose to see, and what is excused.
#[derive(Debug, Clone, Default)]
pub struct Select {
    /// `--min-severity`: findings below it are left out.
    pub min_severity: Option<Severity>,
    /// `--reason`: when not empty, all others are left out.
    pub only: BTreeSet<Reason>,
    /// `--ignore`: these are excused.
    pub ignored: BTreeSet<Reason>,
    /// These are not looked for at all, because what they depend on is not followed.
    pub unread: BTreeSet<Reason>,
}

/// The findings of one thing, by what becomes of them.
#[derive(Debug, Default)]
pub struct Sorted {
    /// Those that count and are chosen, in their order.
    pub told: Vec<Finding>,
    /// Those that are chosen, and excused.
    pub excused: Vec<Finding>,
    /// How many were not chosen.
    pub left_out: usize,
    /// The worst severity of all that are not excused, chosen or not; of what could not be read, nothing is known.
    pub worst: Option<Severity>,
}

impl Select {
    /// Whether rows and findings are chosen among at all.
    pub fn chooses(&self) -> bool {
        self.min_severity.is_some() || !self.only.is_empty()
    }

    /// Whether a finding is chosen.
    fn chosen(&self, finding: &Finding) -> bool {
        self.would_choose(finding.reason(), finding.severity)
    }

    /// Whether a finding of a reason and a severity is chosen. What could not be read always is: nobody knows what it hides.
    pub fn would_choose(&self, reason: Reason, severity: Severity) -> bool {
        reason == Reason::Forbidden
            || (self.min_severity.is_none_or(|least| severity >= least)
                && (self.only.is_empty() || self.only.contains(&reason)))
    }

    /// Whether findings of a reason can make a difference, at its usual severity: for what cannot, nothing is read. One that is not
    /// chosen does where it can be worse than one that is: the status of the row is then its.
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

    /// Parts the findings of one thing. The annotation `kubectl-certs/ignore` of the route, or of a Secret of the binding,
    /// excuses too, but never [`Reason::Forbidden`]: a healthy status would be a lie.
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
        annotated.retain(|reason| *reason != Reason::Forbidden);
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

/// The words of an annotation's list.
fn named(annotation: Option<&str>) -> impl Iterator<Item = &str> {
    let words = annotation.unwrap_or_default().split(',').map(str::trim);
    words.filter(|word| !word.is_empty())
}

/// A word in the annotation `kubectl-certs/ignore` of an object that excuses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ineffective {
    /// The object's kind.
    pub kind: Kind,
    /// The object.
    pub key: Key,
    /// The word.
    pub word: String,
    /// The reason that may be meant; `None` where the word is a reason that cannot be excused.
    pub nearest: Option<Reason>,
}

/// All such words: those that are no reason, and `Forbidden`. Somebody who has written one believes that it works.
pub fn ineffective(inventory: &Inventory) -> Vec<Ineffective> {
    let secrets = inventory.secrets().iter().map(|stored| (Kind::Secret, &stored.meta));
    let mut found = Vec::new();
    for (kind, meta) in inventory.listed_routes().chain(secrets) {
        for word in named(meta.annotation(annotation::IGNORE)) {
            let nearest = match word.parse::<Reason>() {
                Ok(Reason::Forbidden) => None,
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

/// The objects whose annotations may excuse reasons.
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
