//! The picture of a line.

use super::{Model, SPLIT};
use crate::tui::{
    item::ItemSubject,
    message::{StyledLines, Trouble},
};

/// A picture of one route or Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Of what.
    pub of: ItemSubject,
    /// The width that was asked for.
    pub width: u16,
    /// The picture; `None` until it is there.
    pub lines: Option<Result<StyledLines, Trouble>>,
    /// How many lines are scrolled past.
    pub scroll: usize,
    /// When it was asked for, in milliseconds since the start.
    pub asked_ms: u64,
    /// Whether the keys scroll it and not the table.
    pub focused: bool,
}

impl Model {
    /// Whether a picture stands beside the table.
    pub fn is_beside(&self) -> bool {
        self.detail.is_some() && self.size.0 >= SPLIT
    }
}
