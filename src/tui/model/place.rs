//! Where one is: the cursor of each view, and the places before.

use super::{Model, View};
use crate::tui::rows::{Choice, Sort};

/// Where the cursor of a view is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cursor {
    /// The line.
    pub at: usize,
    /// The first line that is drawn.
    pub top: usize,
    /// The widths that the columns have needed so far.
    pub widths: Vec<u16>,
    /// How many columns it is moved sideways.
    pub left: usize,
}

/// A place in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The view.
    pub view: View,
    /// The filter as it was typed.
    pub filter: String,
    /// What else chooses.
    pub choice: Choice,
    /// How the hosts are sorted.
    pub sort: Sort,
    /// The line.
    pub at: usize,
    /// Whether Enter led on from here, so that Esc leads back.
    pub drilled: bool,
}

impl Model {
    /// The cursor of the view.
    pub fn cursor(&self) -> &Cursor {
        &self.cursors[self.view as usize]
    }

    /// The cursor of the view.
    pub fn cursor_mut(&mut self) -> &mut Cursor {
        &mut self.cursors[self.view as usize]
    }
}
