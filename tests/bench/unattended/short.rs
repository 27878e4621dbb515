//! Certificates that live for minutes: nobody ever meets another than a good one, and none is ordered more often than it needs.

use crate::{
    Plan,
    figure::{Figure, Of, seconds, thousands},
    support::{
        pebble::SHORT_LIVES,
        short_lives::{Lives, keep},
        watcher::{Fault, in_words},
    },
};

/// 200 of 600 s, for 20 minutes.
pub(crate) fn large(plan: &Plan) -> Vec<Figure> {
    of(plan, 200, 0, 20.0)
}

/// 10 of 200 s, for 5 minutes.
pub(crate) fn small(plan: &Plan) -> Vec<Figure> {
    of(plan, 10, 1, 5.0)
}

fn of(plan: &Plan, count: usize, profile: usize, minutes: f64) -> Vec<Figure> {
    let lives = Lives {
        count: plan.size(count, count),
        profile: SHORT_LIVES[profile],
        lasts: plan.lasts(minutes),
    };
    let kept = keep("bench-short", &lives);
    for line in kept.trouble.iter().take(5) {
        crate::say(line);
    }
    let size = format!(
        "{} of {} s, {}",
        thousands(lives.count),
        lives.profile.1,
        seconds(lives.lasts)
    );
    let mut of = Of::size(size);
    let (expired, gaps): (Vec<_>, Vec<_>) = kept.gaps.iter().cloned().partition(|gap| gap.fault == Fault::Expired);
    of.none("expired ones served", expired.len(), &in_words(&expired));
    of.none("other gaps", gaps.len(), &in_words(&gaps));
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    of.most("orders of one certificate", kept.most() as f64, kept.allowed as f64);
    of.none("orders refused by a limit", kept.refused, "");
    of.told(
        "certificates that each host has shown, at least",
        kept.fewest.to_string(),
    );
    of.told("looks at each host, at least", kept.looks.to_string());
    of.figures
}
