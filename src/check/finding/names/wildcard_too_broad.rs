use crate::check::{
    finding::prelude::*,
    words::say::{brief, certificate, host, reissue},
};

/// A wildcard directly below a public suffix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WildcardTooBroad {
    pub name: Text,
}

impl Defect for WildcardTooBroad {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { name } = self;
        format!(
            "{it} names the wildcard {}, directly below a public suffix: public CAs do not issue it, and some browsers refuse it.",
            brief(name)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Issue it again for {} or for a wildcard under a domain of your own. {}",
            host(row),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Issue it again for a wildcard under a domain of your own, and {place}."
        ))
    }
}

impl WildcardTooBroad {
    pub(in crate::check) fn check(_subject: &Subject<'_>, on: &CertificateSubject<'_>, collector: &mut Collector) {
        for name in on.leaf.names.too_broad().take(TOLD) {
            collector.add(Self { name: name.clone() });
        }
    }
}

/// How many names of one certificate are reported.
const TOLD: usize = 4;
