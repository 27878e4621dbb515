//! The picture beside the table, or in its place: it follows the cursor.

use super::{can::refusal, texts};
use crate::tui::{
    effect::Effect,
    keymap::Action,
    model::{Detail, Model, SPLIT},
};

/// Opens the picture of the line, or gives it the keys; of one that has them already the finding is explained.
pub(in crate::tui) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(of) = model.subject() else {
        if model.item().is_some() {
            let key = model.ui.keymap.shown(Action::Explain);
            model.notice(
                format!("open: this kind could not be read; {key} shows the missing right"),
                true,
            );
        }
        return Vec::new();
    };
    // A picture that has the keys already is of findings: Enter tells what they mean.
    let reads = model
        .detail
        .as_ref()
        .is_some_and(|detail| detail.of == of && detail.focused);
    if reads && refusal(model, Action::Explain).is_none() {
        return texts::explain(model);
    }
    if reads {
        let [open, back] = [Action::Open, Action::Back].map(|action| model.ui.keymap.shown(action));
        let told = format!("{open} explains the finding of the line, and it has none; {back} leads back");
        model.notice(told, true);
        return Vec::new();
    }
    if let Some(detail) = model.detail.as_mut().filter(|detail| detail.of == of) {
        detail.focused = true;
        return Vec::new();
    }
    let width = picture_width(model);
    model.detail = Some(Detail {
        of: of.clone(),
        width,
        lines: None,
        scroll: 0,
        asked_ms: model.ms,
        focused: model.size.0 < SPLIT,
    });
    vec![Effect::Picture { of, width }]
}

/// What is shown beside the table, or in its place, follows the cursor.
pub fn follow_cursor(model: &mut Model) -> Vec<Effect> {
    if model.detail.is_none() {
        return Vec::new();
    }
    let Some(of) = model.subject() else { return Vec::new() };
    let Some(detail) = model.detail.as_mut() else {
        return Vec::new();
    };
    if detail.of == of {
        return Vec::new();
    }
    detail.of = of.clone();
    detail.scroll = 0;
    detail.asked_ms = model.ms;
    let width = picture_width(model);
    vec![Effect::Picture { of, width }]
}

/// How wide a picture may be.
pub fn picture_width(model: &Model) -> u16 {
    let width = if model.size.0 >= SPLIT {
        model.size.0 / 2
    } else {
        model.size.0
    };
    width.saturating_sub(4).max(40)
}

/// Asks for the picture that is shown once more: the size, or what it shows, has changed.
pub fn picture_again(model: &mut Model) -> Vec<Effect> {
    let width = picture_width(model);
    let ms = model.ms;
    let Some(detail) = &mut model.detail else {
        return Vec::new();
    };
    detail.asked_ms = ms;
    vec![Effect::Picture {
        of: detail.of.clone(),
        width,
    }]
}
