//! The first CA is away while certificates that live for minutes become due, and there is a second one.

use std::time::Duration;

use crate::{
    Plan,
    figure::{Figure, Of, seconds, thousands},
    support::{second_ca::through_an_outage, watcher::in_words},
};

/// Ten minutes, of certificates that live for ten.
pub(crate) fn all(plan: &Plan) -> Vec<Figure> {
    let (many, away) = (plan.size(3, 20), plan.lasts(10.0));
    let life = away.max(Duration::from_secs(80)).as_secs();
    let kept = through_an_outage("bench-two", many, life, away);
    let mut of = Of::size(format!("{} of {life} s, away for {}", thousands(many), seconds(away)));
    of.none("expired ones served", kept.expired.len(), &in_words(&kept.expired));
    of.none("other gaps", kept.gaps.len(), &in_words(&kept.gaps));
    of.exactly("ordered at the second CA", kept.changed, many);
    of.none("changed although they could wait", kept.changed_early, "");
    of.none("changed because a validation failed", kept.failed_changed, "");
    of.exactly("lines that tell that the first CA is away", kept.told, 1);
    of.told(
        "until all were the first CA's again, after it was back",
        seconds(kept.until_back),
    );
    of.figures
}
