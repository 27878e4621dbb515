//! The lines of the view, and which of them actions are about.

use super::Model;
use crate::{
    scan::About,
    tui::item::{Item, ItemSubject},
};

impl Model {
    /// How many lines the view has.
    pub fn lines(&self) -> usize {
        self.view.lines(self)
    }

    /// The row that the line under the cursor is of, or the worst one.
    pub fn item(&self) -> Option<&Item> {
        self.view.item(self, self.cursor().at)
    }

    /// What the line under the cursor is about.
    pub fn subject(&self) -> Option<ItemSubject> {
        self.view.subject(self, self.cursor().at)
    }

    /// What actions are about: what is marked, or the line under the cursor.
    pub fn chosen(&self) -> Vec<About> {
        if self.marks.is_empty() {
            return self.item().map(|item| item.about.clone()).into_iter().collect();
        }
        self.marks
            .iter()
            .filter(|about| self.rows.about(about).is_some())
            .cloned()
            .collect()
    }

    /// How many of the marks are of lines that are chosen: the others are meant too, and not seen.
    pub fn seen_marks(&self) -> usize {
        self.view.seen_marks(self)
    }
}
