use crate::check::{
    finding::prelude::*,
    words::say::{brief, moment, renew, the_certificate},
};

/// An intermediate or a root that is not valid now. `root`: it is the trusted root, which is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainExpired {
    pub subject: Text,
    pub root: bool,
    pub not_after: Seconds,
    pub not_before: Seconds,
}

impl Defect for ChainExpired {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let Self {
            subject,
            root,
            not_after,
            not_before,
        } = self;

        let (what, place) = if *root {
            ("root", "above")
        } else {
            ("intermediate", "beside")
        };
        let when = if *not_before > now {
            format!("is valid only from {}", moment(*not_before, now))
        } else {
            format!("expired on {}", moment(*not_after, now))
        };
        format!(
            "The {what} {} {place} {} {when}: clients refuse the chain.",
            brief(subject),
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
