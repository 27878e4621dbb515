use crate::check::{
    finding::prelude::*,
    words::say::{brief, moment, renew_above, the_certificate},
};

/// An intermediate or a root that expires before the certificate below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainExpiresFirst {
    pub subject: Text,
    pub root: bool,
    pub not_after: Seconds,
}

impl Defect for ChainExpiresFirst {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let Self {
            subject,
            root,
            not_after,
        } = self;
        format!(
            "The {} {} expires on {}, before {} does.",
            if *root { "root" } else { "intermediate" },
            brief(subject),
            moment(*not_after, now),
            the_certificate(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        renew_above(self.root, row, commands)
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.replace_intermediate())
    }
}
