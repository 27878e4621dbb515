//! What each action does.

use super::{arrange, ask, can::refusal, fields, find, keys, runs, save, texts, travel};
use crate::tui::{
    effect::Effect,
    keymap::Action,
    model::{
        Model, Passing, Prompt, View,
        input::Input,
        popup::{InputPurpose, Popup, TextOf, Watched},
    },
    order::RunId,
    rows::Choice,
};

/// Carries an action out, or says why it cannot be.
// One arm an action: it is a table.
#[allow(clippy::too_many_lines)]
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    // A window takes what scrolls and what leads out; what is of the view behind it waits.
    if waits(model, action) {
        let key = model.ui.keymap.shown(action);
        return refuse(model, action, &key);
    }
    if let Some(why) = refusal(model, action) {
        let told = match action {
            // Its key says what would follow, and not what it is about.
            Action::Confirm => why.to_owned(),
            _ => format!("{}: {why}", action.short()),
        };
        model.notice_while(Passing::Refused(action), told, true);
        return Vec::new();
    }
    model.leave_notice(!moves(action));
    match action {
        Action::Up => travel::step(model, -1),
        Action::Down => travel::step(model, 1),
        Action::PageUp => travel::step(model, -travel::page(model)),
        Action::PageDown => travel::step(model, travel::page(model)),
        Action::Top => travel::step(model, isize::MIN),
        Action::Bottom => travel::step(model, isize::MAX),
        Action::Open => travel::open(model),
        Action::Back => travel::back(model),
        Action::Focus => travel::focus(model),
        Action::Earlier => arrange::shift_day(model, -1),
        Action::Later => arrange::shift_day(model, 1),
        Action::HistoryBack => travel::travel(model, false),
        Action::HistoryForward => travel::travel(model, true),
        Action::Show(view) => travel::show(model, view),
        Action::NextView => travel::neighbour(model, 1),
        Action::PreviousView => travel::neighbour(model, View::ALL.len() - 1),
        Action::Filter => {
            model.rows.make_texts();
            model.prompt = Some(Prompt::Filter(Input::new(model.filter.clone())));
            Vec::new()
        }
        Action::Find => find::ask(model),
        Action::FindNext => find::step(model, true),
        Action::FindPrevious => find::step(model, false),
        Action::Command => {
            model.recall = crate::tui::model::Recall::None;
            model.prompt = Some(Prompt::Command(Input::default()));
            Vec::new()
        }
        Action::ProblemsOnly => {
            let choice = Choice {
                problems_only: !model.rows.choice().problems_only,
                ..model.rows.choice().clone()
            };
            keys::set_choice(model, choice);
            Vec::new()
        }
        Action::Sort => {
            arrange::next_sort(model);
            Vec::new()
        }
        Action::SortName
        | Action::SortNamespace
        | Action::SortHost
        | Action::SortStatus
        | Action::SortExpiry
        | Action::SortAge => {
            if let Some(field) = action.field() {
                arrange::sort_by(model, field);
            }
            Vec::new()
        }
        Action::Wide => {
            model.columns.wide = !model.columns.wide;
            model.cursor_mut().widths.clear();
            Vec::new()
        }
        Action::ScrollLeft => arrange::scroll_columns(model, -1),
        Action::ScrollRight => arrange::scroll_columns(model, 1),
        Action::Columns => {
            arrange::choose_columns(model);
            Vec::new()
        }
        Action::Mark => arrange::mark(model),
        Action::MarkRange => arrange::mark_range(model),
        Action::Unmark => {
            model.marks.clear();
            model.last_mark = None;
            Vec::new()
        }
        Action::Renew => runs::renew(model, false),
        Action::Restart => runs::restart(model),
        Action::Probe => probe(model),
        Action::Explain => texts::explain(model),
        Action::Users => texts::text(model, TextOf::Users),
        Action::Decode => texts::text(model, TextOf::Certificates),
        Action::Yaml => texts::text(model, TextOf::Yaml),
        Action::Wait => {
            model.ring = !model.ring;
            if model.ring {
                model.notice_while(Passing::Ring, "the bell rings when all renewals have ended", false);
            } else {
                model.notice("the bell does not ring", false);
            }
            Vec::new()
        }
        Action::Confirm => runs::confirm(model),
        Action::Stage => runs::other_stage(model),
        Action::Issuer | Action::Solver | Action::Advertise | Action::Flags => match fields::Field::of(action) {
            Some(field) => fields::ask(model, field),
            None => Vec::new(),
        },
        Action::Keep => fields::keep(model),
        Action::Cancel => runs::cancel(model),
        Action::Copy => texts::copy(model),
        Action::Save => {
            let name = format!("certs-{}.md", model.view.word());
            let help = "the extension chooses the format: .md, .json, .yaml or .txt";
            keys::ask_line(model, InputPurpose::File, "save the view as", help, name);
            Vec::new()
        }
        Action::Reread => {
            model.reading = crate::tui::model::Reading::Going { hosts: 0, secrets: 0 };
            vec![Effect::Read]
        }
        Action::Mouse => {
            model.ui.no_mouse = !model.ui.no_mouse;
            let told = if model.ui.no_mouse {
                "the mouse belongs to the terminal: select text with it"
            } else {
                "the mouse belongs to the screen"
            };
            model.notice(told, false);
            vec![Effect::Mouse(!model.ui.no_mouse)]
        }
        Action::Log => {
            model.unseen = 0;
            if !matches!(model.popups.last(), Some(Popup::Log { .. })) {
                model.popups.push(Popup::Log { scroll: 0 });
            }
            Vec::new()
        }
        Action::Help => {
            if !matches!(model.popups.last(), Some(Popup::Help { .. })) {
                model.popups.push(Popup::Help { scroll: 0 });
            }
            Vec::new()
        }
        Action::Quit => ask::quit(model),
    }
}

/// Says of the key of an action that it does nothing in the window on top.
pub(super) fn refuse(model: &mut Model, action: Action, key: &str) -> Vec<Effect> {
    let told = nothing_here(model, key);
    model.notice_while(Passing::Refused(action), told, true);
    Vec::new()
}

/// That a key does nothing here, and which do.
pub(super) fn nothing_here(model: &Model, key: &str) -> String {
    let shown = |action| model.ui.keymap.shown(action);
    let (back, help) = (shown(Action::Back), shown(Action::Help));
    let others = match model.popups.last() {
        Some(Popup::Ask(_)) => "y says yes, n says no".to_owned(),
        Some(Popup::Menu(_)) => format!("enter chooses, {back} closes the window"),
        Some(Popup::Help { .. }) => format!("{back} closes the window"),
        Some(_) => format!("{back} closes the window, {help} lists the keys"),
        None => format!("{help} lists the keys"),
    };
    format!("{key} does nothing here; {others}")
}

/// Whether an action only moves in what is read: what was said before is read meanwhile.
pub(super) fn moves(action: Action) -> bool {
    matches!(
        action,
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom
    )
}

/// Whether an action is of the view behind a window that is open.
pub(super) fn waits(model: &Model, action: Action) -> bool {
    !model.popups.is_empty() && !works_over_windows(action)
}

/// Whether an action works while a window is open.
fn works_over_windows(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Back
            | Action::Command
            | Action::Copy
            | Action::Find
            | Action::FindNext
            | Action::FindPrevious
            | Action::Confirm
            | Action::Stage
            | Action::Issuer
            | Action::Solver
            | Action::Advertise
            | Action::Flags
            | Action::Keep
            | Action::Cancel
            | Action::Quit
            | Action::Help
            | Action::Log
            | Action::Mouse
            | Action::Wait
    )
}

fn probe(model: &mut Model) -> Vec<Effect> {
    let chosen = model.chosen();
    let count = chosen.len();
    let command = runs::of_items(model, &["probe"], &chosen).into_iter().next();
    let told = command.map(|command| format!("  {command}")).unwrap_or_default();
    let hosts = if count == 1 {
        "1 host"
    } else {
        &format!("{count} hosts")
    };
    model.notice(format!("probing {hosts}{told}"), false);
    vec![Effect::Probe(chosen)]
}

/// Opens the window of runs.
pub(super) fn watch_popup(runs: Vec<RunId>) -> Popup {
    Popup::Run(Watched { runs, scroll: 0 })
}

/// Writes the view to a file, in the form that the end of its name says.
pub fn saved(model: &mut Model, path: &str) -> Vec<Effect> {
    save::save(model, path)
}
