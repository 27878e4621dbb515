//! `?`: the keys, made from the one table that is the keymap.

use super::{Window, room, text::broken};
use crate::{
    report::show::Tone,
    tui::{
        keymap::Action,
        message::Lines,
        model::Model,
        update::{COMMANDS, can::refusal},
    },
};

pub(super) fn window(model: &Model) -> Window {
    let mut lines: Lines = Vec::new();
    let here = model.view_scope();
    let of_view = Action::ALL.iter().filter(|action| action.scope() == here);
    lines.push(vec![(Tone::Strong, format!("In this view: {}", model.view.word()))]);
    lines.extend(of_view.map(|action| of_action(model, *action)));
    let mut group = "";
    for action in Action::ALL.iter().filter(|action| action.scope() != here) {
        if action.group() != group {
            group = action.group();
            lines.push(Vec::new());
            lines.push(vec![(Tone::Strong, group.to_owned())]);
        }
        lines.push(of_action(model, *action));
    }
    lines.push(Vec::new());
    lines.push(vec![(Tone::Strong, "Commands".to_owned())]);
    for (word, rest) in COMMANDS {
        lines.push(vec![(Tone::Plain, format!("  :{word} {rest}").trim_end().to_owned())]);
    }
    let room = room(model);
    let lines = lines.iter().flat_map(|line| broken(line, room)).collect();
    Window {
        share: (90, 90),
        ..Window::new("keys", lines)
    }
}

fn of_action(model: &Model, action: Action) -> Vec<(Tone, String)> {
    let keys: Vec<String> = model.ui.keymap.keys(action).iter().map(ToString::to_string).collect();
    let keys = if keys.is_empty() {
        "(no key)".to_owned()
    } else {
        keys.join(", ")
    };
    let mut line = vec![
        (Tone::Plain, format!("  {keys:<18} ")),
        (Tone::Plain, action.help().to_owned()),
    ];
    // What cannot be used now says why. Only what never changes while the help is read.
    let lasting = model.is_manifests() || model.ui.read_only;
    if let Some(why) =
        refusal(model, action).filter(|_| lasting && matches!(action, Action::Renew | Action::Restart | Action::Yaml))
    {
        line = line.into_iter().map(|(_, text)| (Tone::Dim, text)).collect();
        line.push((Tone::Dim, format!(" ({why})")));
    }
    line
}
