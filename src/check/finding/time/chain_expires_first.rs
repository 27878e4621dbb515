use crate::check::{
    finding::prelude::*,
    words::say::{brief, moment, renew, the_certificate},
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
        match self {
            Self { root: true, .. } => format!(
                "Get the CA's current root to the clients, and to {}; or let the server send the CA's intermediate for a root that \
             is still valid. See the chain with {}. {}",
                commands.status_with("--ca-file <CA-FILE>", row),
                commands.show(row),
                renew(row, commands)
            ),
            Self { .. } => format!(
                "Replace the intermediate with the CA's current one: a renewal includes it. See the chain with {}. {}",
                commands.show(row),
                renew(row, commands)
            ),
        }
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Replace the intermediate with the CA's current one: a renewal includes it; {place}."
        ))
    }
}
