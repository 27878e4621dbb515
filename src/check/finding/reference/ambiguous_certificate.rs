use crate::{
    check::{
        Reason,
        finding::prelude::*,
        time::has_ended,
        words::say::{host, secret},
    },
    inventory::query::{Rivalry, Serving},
};

/// Two certificates cover one host, and something that this program cannot know decides between them. `latest` is the
/// one that Traefik's latest versions serve, where versions differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmbiguousCertificate {
    pub latest: Key,
    pub other: Key,
    pub why: Rivalry,
    pub expired: bool,
}

impl Defect for AmbiguousCertificate {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self {
            latest,
            other,
            why,
            expired,
        } = self;
        ambiguous(latest, other, *why, *expired, row)
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Let only one certificate name {}, or put the same certificate into both Secrets; {} shows which one \
             clients get now.",
            host(row),
            commands.certs("probe", row)
        )
    }
}

/// The message about which of two certificates Traefik serves.
fn ambiguous(latest: &Key, other: &Key, why: Rivalry, expired: bool, row: &Row<'_>) -> String {
    let (one, two) = (secret(latest, row), secret(other, row));
    let after = if expired { ", which has expired" } else { "" };
    let both = format!(
        "The certificates of {one} and of {two}{after} are both for {}",
        host(row)
    );
    match why {
        Rivalry::Chance => format!(
            "{both} and have the same names: which one clients get changes by chance, because Traefik reads them from \
             different kinds of routes in no fixed order."
        ),
        Rivalry::Earlier => {
            format!("{both}: Traefik serves the first since 3.6.22 and 3.7.6, and the second in earlier versions.")
        }
        Rivalry::EarlierByChance => format!(
            "{both}: Traefik serves the first since 3.6.22 and 3.7.6; in earlier versions it changes by chance at each reload."
        ),
    }
}

impl AmbiguousCertificate {
    /// Reports that something unknown decides between two certificates. Several routes with the same host have a
    /// finding of their own.
    pub(in crate::check) fn check(subject: &Subject<'_>, collector: &mut Collector) {
        let Serving::Chance(stored, other, why) = subject.serving else {
            return;
        };
        // The expiry of the first certificate is reported like that of any certificate that is served.
        let not_after = other.leaf().map(|leaf| leaf.not_after);
        let expired = not_after.is_some_and(|not_after| has_ended(not_after, subject.rules.now));
        if let Some(not_after) = not_after {
            collector.moment(not_after, subject.rules.now);
        }
        let told = collector.findings.iter().any(|f| f.reason() == Reason::DuplicateHost);
        if told && !expired {
            return;
        }
        let fact = Self {
            latest: stored.meta.key(),
            other: other.meta.key(),
            why,
            expired,
        };
        // Traefik's latest versions never serve the other certificate, unless the choice is random in them too.
        let severity = if expired && why == Rivalry::Chance {
            Severity::Critical
        } else {
            Severity::Warning
        };
        collector.add_at(severity, fact);
    }
}
