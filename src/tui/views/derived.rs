//! When the lines of a view are made anew.

use super::{Derived, View};
use crate::{
    object::Seconds,
    tui::rows::{Choice, Rows, Sort},
};

/// What the lines of a view were made from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Made {
    version: u64,
    sort: Sort,
    choice: Choice,
    /// The moment, as exactly as the lines show it.
    moment: Seconds,
}

impl Derived {
    /// Makes the lines of a view, unless they are as they would be. Returns where the line is then that was at `at`, where that is
    /// known.
    pub fn make(&mut self, view: View, rows: &Rows, sort: Sort, now: Seconds, at: Option<usize>) -> Option<usize> {
        let wanted = Made {
            version: rows.version(),
            sort,
            choice: rows.choice().clone(),
            moment: view.lasts().map_or(0, |lasts| now / lasts),
        };
        if self.made[view as usize].as_ref() == Some(&wanted) {
            return None;
        }
        let again = view.make(self, rows, sort, now, at);
        self.made[view as usize] = Some(wanted);
        again
    }
}

/// Where the line is in `now` that was at `at` in `before`, by what it is of.
pub(in crate::tui) fn again<T, K: PartialEq>(
    before: &[T],
    at: Option<usize>,
    now: &[T],
    of: fn(&T) -> &K,
) -> Option<usize> {
    let held = of(before.get(at?)?);
    now.iter().position(|line| of(line) == held)
}

/// Counts by status.
pub type Counts = [usize; 5];
