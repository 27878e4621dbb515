//! Shows what is to be done and asks for it: the same way for everything that writes.

use crate::{
    cli::failure::Failure,
    object::Key,
    plan::{steps::Step, summary::summary},
    tui::order::Plan,
};

use super::{ask, note, told};

/// How many Secrets are shown with their steps.
const SHOWN: usize = 3;

/// Shows a plan and asks whether it is to be carried out; an error where it is not. `yes` was said before, on the command line.
/// Whoever holds the screen gets the whole plan; a terminal its notes, its first steps and a question.
pub(super) async fn agreed(plan: Plan, question: &str, yes: bool) -> Result<(), Failure> {
    if !yes && let Some(front) = told::run() {
        return if front.confirm(plan).await {
            Ok(())
        } else {
            Err(refused())
        };
    }
    plan.notes.iter().for_each(|line| note(line));
    if !yes {
        show(&plan.targets, &plan.left_out);
    }
    asked(question, yes)
}

/// Shows a summary, and the steps of the first Secrets, where somebody is there to see them. Steps of no Secret have no heading.
pub(super) fn show(targets: &[(Key, Vec<Step>)], left_out: &[String]) {
    if !ask::possible() {
        return;
    }
    for line in summary(targets, left_out) {
        note(&line);
    }
    for (secret, steps) in targets.iter().take(SHOWN) {
        if !secret.name.is_empty() {
            note(&format!("Secret {secret}"));
        }
        for (number, step) in (1..).zip(steps) {
            note(&format!("{number}. {step}"));
        }
    }
}

/// Asks a question; an error where the answer is no, or nobody can answer.
pub(super) fn asked(question: &str, yes: bool) -> Result<(), Failure> {
    if ask::confirm(question, yes)? {
        Ok(())
    } else {
        Err(refused())
    }
}

fn refused() -> Failure {
    Failure::usage("nothing was done")
}

/// A plan that orders nothing.
pub(super) fn plan(secret: Key, steps: Vec<Step>, notes: Vec<String>) -> Plan {
    Plan {
        targets: vec![(secret, steps)],
        notes,
        ..Plan::default()
    }
}
