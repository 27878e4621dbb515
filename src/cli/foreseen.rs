//! How it is told what an order in earnest would refuse.

use std::collections::BTreeSet;

use crate::{cli::failure::Failure, engine::foreseen::Obstacle, error::Blame, object::Key, plan::Target, text::Clear};

use super::note;

/// How many are told; the others are counted.
const TOLD: usize = 10;

/// A line for each, for notes and plans: `would be refused: ...`. Not cleared.
pub(super) fn lines(obstacles: &[Obstacle]) -> Vec<String> {
    let mut lines: Vec<String> = obstacles
        .iter()
        .take(TOLD)
        .map(|obstacle| format!("would be refused: {obstacle}"))
        .collect();
    let more = obstacles.len().saturating_sub(TOLD);
    if more > 0 {
        lines.push(format!("would be refused: {more} more"));
    }
    lines
}

/// Tells them, each with what to do.
pub(super) fn tell(obstacles: &[Obstacle]) {
    let mut hints = BTreeSet::new();
    let mut lines = lines(obstacles).into_iter();
    for (obstacle, line) in obstacles.iter().take(TOLD).zip(lines.by_ref()) {
        note(&line);
        if let Some(hint) = obstacle.hint.as_deref().filter(|hint| hints.insert(*hint)) {
            super::hint(hint);
        }
    }
    // How many more there are.
    lines.for_each(|line| note(&line));
}

/// The failure that they come to, where there is any.
pub(super) fn failure(said: &str, obstacles: &[Obstacle]) -> Option<Failure> {
    let first = obstacles.first()?;
    let blame = obstacles.iter().map(|obstacle| obstacle.blame).max();
    let more = match obstacles.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let failure = Failure::new(
        blame.unwrap_or(Blame::Usage).into(),
        format!("{said}: {}{more}", Clear(&first.to_string())),
    );
    Some(failure.hint_if(first.hint.clone()))
}

/// Whether nothing at all could be ordered.
pub(super) fn stop_all(obstacles: &[Obstacle], targets: &[Target]) -> bool {
    let stopped: BTreeSet<&Key> = obstacles
        .iter()
        .filter(|it| it.stops)
        .filter_map(|it| it.secret.as_ref())
        .collect();
    obstacles.iter().any(|it| it.secret.is_none()) || targets.iter().all(|it| stopped.contains(&it.secret))
}
