//! How it is told what an order in earnest would refuse.

use std::collections::BTreeSet;

use crate::{
    engine::foreseen::Obstacle,
    error::Blame,
    object::Key,
    plan::{Refusal, Refused, Target},
    text::Clear,
};

use super::OpError;

/// How many are told; the others are counted.
const TOLD: usize = 10;

/// As a plan has them: the first, each with what to do, and how many more there are. Not cleared.
pub(super) fn refusals(obstacles: &[Obstacle]) -> Vec<Refusal> {
    let first = obstacles.iter().take(TOLD).map(|obstacle| Refusal {
        what: format!("would be refused: {obstacle}"),
        hint: obstacle.hint.clone(),
    });
    let more = obstacles.len().saturating_sub(TOLD);
    let rest = (more > 0).then(|| Refusal {
        what: format!("would be refused: {more} more"),
        hint: None,
    });
    first.chain(rest).collect()
}

/// The failure that they come to, where there is any.
pub(super) fn failure(said: &str, obstacles: &[Obstacle]) -> Option<OpError> {
    let first = obstacles.first()?;
    let blame = obstacles.iter().map(|obstacle| obstacle.blame).max();
    let more = match obstacles.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let failure = OpError::new(
        blame.unwrap_or(Blame::Usage),
        format!("{said}: {}{more}", Clear(&first.to_string())),
    );
    Some(failure.hint_if(first.hint.clone()))
}

/// How many of the targets would be refused. What is about none of them is about all.
pub(super) fn refused(obstacles: &[Obstacle], targets: &[Target]) -> Refused {
    if obstacles.iter().any(|it| it.secret.is_none()) {
        return Refused {
            whole: targets.len(),
            partly: 0,
        };
    }
    let of = |stops: bool| -> BTreeSet<&Key> {
        let found = obstacles.iter().filter(|it| it.stops == stops);
        found.filter_map(|it| it.secret.as_ref()).collect()
    };
    let (stopped, hindered) = (of(true), of(false));
    let whole = targets.iter().filter(|it| stopped.contains(&it.secret)).count();
    let partly = |it: &&Target| hindered.contains(&it.secret) && !stopped.contains(&it.secret);
    Refused {
        whole,
        partly: targets.iter().filter(partly).count(),
    }
}

/// Whether nothing at all could be ordered.
pub(super) fn stop_all(obstacles: &[Obstacle], targets: &[Target]) -> bool {
    refused(obstacles, targets).whole == targets.len()
}
