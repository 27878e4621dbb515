//! What is in front, and so where keys are looked up: a window, the picture, or the view.

use super::{
    Detail, Model,
    popup::{Popup, WindowId},
};
use crate::tui::{
    filter::pattern::Pattern,
    item::ItemSubject,
    keymap::{Action, Key, Scope},
    order::RunId,
};

/// What is looked for in the text in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// What was typed, read.
    pub pattern: Pattern,
    /// The line in which it was found last.
    pub at: Option<usize>,
    /// How far the text was scrolled before.
    pub from: usize,
}

/// The text in front: what is looked for in one is not looked for in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Front {
    /// The keys.
    Help,
    /// The log.
    Log,
    /// A text, by its window.
    Text(WindowId),
    /// The picture, of what it is.
    Picture(ItemSubject),
}

impl Model {
    /// A number for a window that is opened.
    pub(crate) fn new_window(&mut self) -> WindowId {
        let id = WindowId(self.next_window);
        self.next_window += 1;
        id
    }

    /// Where keys are looked up in the view, whatever windows are over it.
    pub fn view_scope(&self) -> Scope {
        self.view.scopes().first().copied().unwrap_or(Scope::Everywhere)
    }

    /// The text in front, where there is one that can be searched.
    pub fn front(&self) -> Option<Front> {
        match self.popups.last() {
            Some(Popup::Help { .. }) => Some(Front::Help),
            Some(Popup::Log { .. }) => Some(Front::Log),
            Some(Popup::Text(text)) => Some(Front::Text(text.id)),
            Some(_) => None,
            None => self.read_picture().map(|detail| Front::Picture(detail.of.clone())),
        }
    }

    /// Where keys are looked up, the narrowest first.
    pub fn scopes(&self) -> &'static [Scope] {
        match self.popups.last() {
            Some(Popup::Plan(_)) => &[Scope::Plan, Scope::Everywhere],
            // What failed is planned anew from where it is told, with another field or stage.
            Some(Popup::Run(window)) if self.has_passed(&window.runs) || self.has_failed(&window.runs) => {
                &[Scope::Orders, Scope::Plan, Scope::Everywhere]
            }
            Some(Popup::Run(_)) => &[Scope::Orders, Scope::Everywhere],
            Some(Popup::Help { .. } | Popup::Log { .. } | Popup::Text(_)) => &[Scope::Text, Scope::Everywhere],
            Some(_) => &[Scope::Everywhere],
            None if self.read_picture().is_some() => &[
                Scope::Text,
                Scope::Picture,
                Scope::Rows,
                Scope::Lists,
                Scope::Everywhere,
            ],
            None if self.is_beside() => &[Scope::Picture, Scope::Rows, Scope::Lists, Scope::Everywhere],
            None => self.view.scopes(),
        }
    }

    /// What a key asks for here. To go on is meant only where a plan waits for that: elsewhere its key is what it is outside of plans.
    pub fn action(&self, key: Key) -> Option<Action> {
        let action = self.ui.keymap.action(key, self.scopes());
        if action != Some(Action::Confirm) || self.has_plan() {
            return action;
        }
        let scopes: Vec<Scope> = self.scopes().iter().copied().filter(|s| *s != Scope::Plan).collect();
        self.ui.keymap.action(key, &scopes)
    }

    /// Whether the window on top has a plan that can be carried out, or will.
    pub(crate) fn has_plan(&self) -> bool {
        let open = |id: &RunId| self.run(*id).is_some_and(|run| !run.is_over());
        matches!(self.popups.last(), Some(Popup::Plan(window)) if window.runs.iter().any(open))
    }

    /// The picture, where keys are for it: it has taken the table's place, or they were moved to it.
    fn read_picture(&self) -> Option<&Detail> {
        let detail = self.detail.as_ref();
        detail.filter(|detail| detail.focused || !self.is_beside())
    }
}
