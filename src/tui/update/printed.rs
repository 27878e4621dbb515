//! The command line that prints what a view shows: it stands below each view, and is copied from there.

use crate::tui::{CommandLine, model::Model};

/// The command that prints what is looked at, or what comes nearest to it: the file of each view says which.
pub fn view_command(model: &Model) -> Option<CommandLine> {
    model.view.command(model)
}
