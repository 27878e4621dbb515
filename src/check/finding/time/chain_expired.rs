use crate::check::{
    finding::prelude::*,
    words::say::{brief, moment, renew_above, the_certificate},
};

/// An intermediate or a root that is not valid now. `root`: it is the trusted root, which the server does not send.
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
        renew_above(self.root, row, commands)
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.replace_intermediate())
    }
}
