//! The fields of a plan: with which issuer, through which solver, reached where. A plan that they change is made anew.

use super::{Start, keys, runs};
use crate::tui::{
    effect::Effect,
    keymap::Action,
    model::{
        Model,
        popup::{Popup, Wanted},
    },
    order::Job,
};

/// A field of a plan: a flag of `renew`, and where the settings keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The CA.
    Issuer,
    /// What answers HTTP-01.
    Solver,
    /// Where the cluster reaches this process.
    Advertise,
}

impl Field {
    /// The field that an action asks for.
    pub fn of(action: Action) -> Option<Self> {
        Some(match action {
            Action::Issuer => Self::Issuer,
            Action::Solver => Self::Solver,
            Action::Advertise => Self::Advertise,
            _ => return None,
        })
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Issuer => "--issuer",
            Self::Solver => "--solver",
            Self::Advertise => "--advertise",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Issuer => "the issuer of this renewal",
            Self::Solver => "the solver that answers HTTP-01",
            Self::Advertise => "the address that the cluster reaches this process at",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Issuer => {
                "letsencrypt, or an issuer of the settings; empty: as the settings say (`production:` keeps it)"
            }
            Self::Solver => {
                "pod, endpoint, service or in-place; empty: as the settings say (`http01.solver:` keeps it)"
            }
            Self::Advertise => {
                "ADDRESS:PORT, for the solver endpoint; empty: as the settings say (`http01.advertise:` keeps it)"
            }
        }
    }
}

/// The value of a flag.
fn value<'a>(words: &'a [String], flag: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| word == flag)?;
    words.get(at + 1).map(String::as_str)
}

/// Sets a flag, or takes it away.
fn set(words: &mut Vec<String>, flag: &str, value: Option<&str>) {
    while let Some(at) = words.iter().position(|word| word == flag) {
        words.drain(at..words.len().min(at + 2));
    }
    if let Some(value) = value {
        words.extend([flag.to_owned(), value.to_owned()]);
    }
}

/// Asks for a field.
pub(super) fn ask(model: &mut Model, field: Field) -> Vec<Effect> {
    let Some(Popup::Plan(window)) = model.popups.last() else {
        return Vec::new();
    };
    let renewal = window
        .runs
        .iter()
        .filter_map(|id| model.run(*id))
        .find(|run| run.job == Job::Renew);
    let Some(run) = renewal else {
        model.notice("nothing is ordered here: there is nothing to choose", true);
        return Vec::new();
    };
    let now = value(&run.command.words, field.flag()).unwrap_or_default().to_owned();
    keys::ask_line(model, Wanted::Field(field), field.title(), field.help(), now);
    Vec::new()
}

/// Takes a field that was typed: the plans of the window are made anew with it, and later ones have it too.
pub(super) fn take(model: &mut Model, field: Field, typed: &str) -> Vec<Effect> {
    let Some(Popup::Plan(window)) = model.popups.last() else {
        return Vec::new();
    };
    let typed = Some(typed.trim()).filter(|typed| !typed.is_empty());
    if typed.is_some_and(|typed| typed.starts_with('-') || typed.contains(char::is_whitespace)) {
        model.notice(format!("{}: one word, which is no flag", field.flag()), true);
        return Vec::new();
    }
    let ids = window.runs.clone();
    let renewals = ids.iter().filter_map(|id| model.run(*id));
    let starts: Vec<Start> = renewals
        .filter(|run| run.job == Job::Renew)
        .map(|run| {
            let mut command = run.command.clone();
            set(&mut command.words, field.flag(), typed);
            // An issuer that is named is no choice between rehearsal and production any more.
            if field == Field::Issuer && typed.is_some() {
                command.words.retain(|word| word != "--production");
            }
            Start {
                job: Job::Renew,
                command,
            }
        })
        .collect();
    if starts.is_empty() {
        return Vec::new();
    }
    // Who ordered from another issuer once is asked again: a rehearsal comes first.
    if field != Field::Issuer {
        set(&mut model.ui.renew_flags, field.flag(), typed);
    }
    model.popups.pop();
    let mut effects = runs::drop_plans(model, &ids);
    effects.extend(runs::plan(model, starts));
    effects
}

/// The words of the other stage: production, or the rehearsal that an issuer or `--production` is not.
pub(super) fn turned(words: &mut Vec<String>) {
    let named = value(words, "--issuer").is_some();
    if named || words.iter().any(|word| word == "--production") {
        words.retain(|word| word != "--production");
        set(words, "--issuer", None);
    } else {
        words.push("--production".to_owned());
    }
}
