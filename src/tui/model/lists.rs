//! The lines of the views that gather items: Secrets, findings, namespaces.

use std::{cmp::Reverse, sync::Arc};

use hashbrown::HashMap;

use super::derived::{ByNamespace, BySecret, Counts, worst};
use crate::{
    check::{Reason, Severity, Urgency},
    object::{Key, Kind, Seconds, Text},
    report::{
        Status,
        order::Field,
        present::{
            TableLine,
            order::{badness, compare, last},
        },
    },
    scan::About,
    tui::rows::{Rows, Sort},
    x509::Certificate,
};

/// One TLS Secret.
#[derive(Debug, Clone)]
pub struct SecretLine {
    /// Its name.
    pub key: Key,
    /// The worst of what uses it.
    pub status: Status,
    /// How many hosts use it.
    pub hosts: usize,
    /// Its leaf.
    pub certificate: Option<Arc<Certificate>>,
    /// The reasons of all findings, each once.
    pub reasons: Vec<Reason>,
    /// Whether clients are refused now.
    pub urgency: Urgency,
    /// The worst item that uses it.
    pub about: About,
    /// When it, or the first route that uses it, was created.
    pub created: Option<Seconds>,
}

impl<'a> TableLine<'a> for &'a SecretLine {
    fn status(&self) -> Status {
        self.status
    }

    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn namespace(&self) -> &'a str {
        &self.key.namespace
    }

    fn subject(&self) -> (Kind, &'a str) {
        (Kind::Secret, &self.key.name)
    }

    fn secret(&self) -> Option<&'a Key> {
        Some(&self.key)
    }

    fn secrets(&self) -> &'a [Key] {
        std::slice::from_ref(&self.key)
    }

    fn certificate(&self) -> Option<&'a Certificate> {
        self.certificate.as_deref()
    }

    fn created(&self) -> Option<Seconds> {
        self.created
    }

    fn reasons(&self) -> impl Iterator<Item = (Reason, bool)> {
        self.reasons.iter().map(|reason| (*reason, false))
    }
}

/// The Secrets of all items that are looked at.
pub fn secrets(rows: &Rows, sort: Sort) -> Vec<SecretLine> {
    let mut places: BySecret<'_, usize> = HashMap::new();
    let mut lines: Vec<SecretLine> = Vec::new();
    for item in rows.chosen() {
        let Some(key) = item.secret() else { continue };
        let at = *places.entry(key).or_insert_with(|| {
            lines.push(SecretLine {
                key: key.clone(),
                status: item.status,
                urgency: item.urgency,
                hosts: 0,
                certificate: item.certificate.clone(),
                reasons: Vec::new(),
                about: item.about.clone(),
                created: item.created,
            });
            lines.len() - 1
        });
        let Some(line) = lines.get_mut(at) else { continue };
        line.hosts += usize::from(item.host.is_some());
        if (badness(&item), &item.about) < (badness(&&*line), &line.about) {
            line.status = item.status;
            line.urgency = item.urgency;
            line.about = item.about.clone();
        }
        if line.certificate.is_none() {
            line.certificate.clone_from(&item.certificate);
        }
        for finding in &item.findings {
            if !line.reasons.contains(&finding.reason()) {
                line.reasons.push(finding.reason());
            }
        }
    }
    let by = match sort.by {
        // A Secret has no host of its own.
        Some(Field::Host) => Some(Field::Name),
        by => by,
    };
    lines.sort_by(|a, b| compare(&a, &b, by, sort.reverse));
    lines
}

/// All findings of one reason.
#[derive(Debug, Clone)]
pub struct Group {
    /// The reason.
    pub reason: Reason,
    /// The worst severity among them.
    pub status: Status,
    /// How many items have it.
    pub count: usize,
    /// In how many namespaces.
    pub namespaces: usize,
    /// The worst item that has it.
    pub example: About,
}

/// The findings of all items that are looked at, by reason.
pub fn groups(rows: &Rows, sort: Sort) -> Vec<Group> {
    let mut groups: HashMap<Reason, (Group, hashbrown::HashSet<&Text>)> = HashMap::new();
    for item in rows.iter() {
        let mut seen: Vec<Reason> = Vec::new();
        for finding in &item.findings {
            let reason = finding.reason();
            let (group, namespaces) = groups.entry(reason).or_insert_with(|| {
                let group = Group {
                    reason,
                    status: finding.severity.into(),
                    count: 0,
                    namespaces: 0,
                    example: item.about.clone(),
                };
                (group, hashbrown::HashSet::new())
            });
            if !seen.contains(&reason) {
                seen.push(reason);
                group.count += 1;
            }
            namespaces.insert(&item.namespace);
            if Status::from(finding.severity) > group.status {
                group.status = finding.severity.into();
                group.example = item.about.clone();
            }
        }
    }
    let mut groups: Vec<Group> = groups
        .into_values()
        .map(|(group, namespaces)| Group {
            namespaces: namespaces.len(),
            ..group
        })
        .collect();
    let urgency = |group: &Group| {
        let severity = if group.status == Status::Critical {
            Severity::Critical
        } else {
            Severity::Warning
        };
        Urgency::at(severity, group.reason)
    };
    groups.sort_by(|a, b| {
        let by = match sort.by {
            Some(Field::Name) => a.reason.as_str().cmp(b.reason.as_str()),
            _ => Reverse(a.status)
                .cmp(&Reverse(b.status))
                .then_with(|| urgency(a).cmp(&urgency(b)))
                .then_with(|| b.count.cmp(&a.count)),
        };
        let by = if sort.reverse { by.reverse() } else { by };
        by.then_with(|| a.reason.cmp(&b.reason))
    });
    groups
}

/// One namespace.
#[derive(Debug, Clone)]
pub struct NamespaceLine {
    /// Its name.
    pub name: Text,
    /// Its items by status.
    pub counts: Counts,
    /// What expires first in it.
    pub expires: Option<Seconds>,
}

impl NamespaceLine {
    /// All of its items.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }
}

/// The namespaces of all items that are looked at.
pub fn namespaces(rows: &Rows, sort: Sort) -> Vec<NamespaceLine> {
    let mut found: ByNamespace<'_, NamespaceLine> = HashMap::new();
    for item in rows.iter() {
        let line = found.entry(&item.namespace).or_insert_with(|| NamespaceLine {
            name: item.namespace.clone(),
            counts: Counts::default(),
            expires: None,
        });
        line.counts[item.status as usize] += 1;
        if let Some(certificate) = &item.certificate {
            let at = certificate.not_after;
            line.expires = Some(line.expires.map_or(at, |soonest| soonest.min(at)));
        }
    }
    let mut lines: Vec<NamespaceLine> = found.into_values().collect();
    lines.sort_by(|a, b| {
        let by = match sort.by {
            Some(Field::Name | Field::Namespace) => a.name.cmp(&b.name),
            Some(Field::Expires) => last(a.expires).cmp(&last(b.expires)),
            _ => Reverse(worst(&a.counts)).cmp(&Reverse(worst(&b.counts))).then_with(|| {
                let bad = |line: &NamespaceLine| line.counts[worst(&line.counts) as usize];
                bad(b).cmp(&bad(a))
            }),
        };
        let by = if sort.reverse { by.reverse() } else { by };
        by.then_with(|| a.name.cmp(&b.name))
    });
    lines
}
