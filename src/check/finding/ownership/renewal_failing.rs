use crate::{
    check::{
        finding::prelude::*,
        words::say::{follow, moment, name, said},
    },
    object::Told,
};

/// A cert-manager Certificate that is ready, but whose renewal fails. `message` is empty while cert-manager is
/// retrying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalFailing {
    pub certificate: Key,
    pub attempts: u32,
    pub last: Option<Seconds>,
    pub message: Told,
}

impl Defect for RenewalFailing {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let Self {
            certificate,
            attempts,
            last,
            message,
        } = self;
        format!(
            "cert-manager's Certificate {} is ready, but its renewal fails{}{}",
            name(certificate, row),
            failures(*attempts, *last, now),
            said("", message)
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        follow(&self.certificate, commands)
    }
}

/// The failed attempts in parentheses: ` (4 attempts, the last on 2026-11-28, 3d ago)`.
fn failures(attempts: u32, last: Option<Seconds>, now: Seconds) -> String {
    let count = match attempts {
        0 => None,
        1 => Some("one attempt".to_owned()),
        _ => Some(format!("{attempts} attempts")),
    };
    let last = last.map(|at| format!("the last on {}", moment(at, now)));
    let parts: Vec<String> = count.into_iter().chain(last).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}
