//! The picture beside the table, or in its place: it follows the cursor.

use crate::tui::{
    effect::Effect,
    model::{Model, SPLIT},
};

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
