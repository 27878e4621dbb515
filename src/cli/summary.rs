//! The table at the end of an issuance, and what to do next.

use crate::{
    engine::{failure::TargetError, run::Outcome},
    error::chain,
    ops::issuance::Report,
    report::progress::{self, Summary},
    text::{time, width},
};

use super::{again, colour, note};

/// Shows what became of each certificate.
pub(super) fn show(report: &Report) {
    let rehearsal = report.is_rehearsal;
    let mut lines = Vec::new();
    for outcome in &report.outcomes {
        let took = progress::duration(u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX));
        lines.push(match &outcome.result {
            Ok(issued) => Summary {
                secret: outcome.secret.clone(),
                names: issued.names.clone(),
                result: progress::result(rehearsal, outcome.first, 0),
                detail: format!(
                    "valid until {}, {took}{}",
                    time::date(issued.not_after),
                    changed_ca(outcome, rehearsal)
                ),
            },
            Err(error) => Summary {
                secret: outcome.secret.clone(),
                names: outcome.names.clone(),
                result: result_of(error, rehearsal, outcome.first),
                detail: chain(error),
            },
        });
    }
    // A line that is cut has been told whole before.
    let room = colour::stderr_width().unwrap_or(usize::MAX);
    progress::table(&lines)
        .lines()
        .for_each(|line| note(&width::cut(line, room)));
    let passed = rehearsal && !lines.is_empty() && report.blame().is_none() && report.obstacles.is_empty();
    if passed {
        let (command, forced) = again::for_production();
        let force = if forced {
            " (--force is left out: give it again if you mean it)"
        } else {
            ""
        };
        note(&format!(
            "the rehearsal passed, and nothing that serves traffic was changed. For production{force}:"
        ));
        note(&format!("  {command}"));
    }
}

/// What became of a certificate whose course did not end as it was meant.
fn result_of(error: &TargetError, rehearsal: bool, first: bool) -> String {
    match error {
        TargetError::LeftOut { left_out, .. } => progress::result(rehearsal, first, left_out.len()),
        TargetError::Stopped => "not started".to_owned(),
        error if error.is_done_elsewhere() => "renewed meanwhile".to_owned(),
        error if error.is_waiting() => "waits for DNS".to_owned(),
        TargetError::NotOurs { .. } => "left out".to_owned(),
        _ => "failed".to_owned(),
    }
}

/// The CA that was changed, or would be, for the end of a line.
fn changed_ca(outcome: &Outcome, rehearsal: bool) -> String {
    outcome.changes_ca.as_ref().map_or_else(String::new, |(from, to)| {
        let verb = if rehearsal { "would change" } else { "changed" };
        format!("; CA {verb}: {from} → {to}")
    })
}
