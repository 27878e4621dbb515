//! What the settings say of the screen.

use crate::tui::{keymap::Keymap, theme::Theme};

/// What the settings say of the screen.
#[derive(Debug, Clone, Default)]
pub struct Ui {
    /// The keys.
    pub keymap: Keymap,
    /// The colours.
    pub theme: Theme,
    /// Whether only ASCII is drawn.
    pub ascii: bool,
    /// Whether the mouse is left to the terminal.
    pub no_mouse: bool,
    /// Whether nothing may be written.
    pub read_only: bool,
    /// The contexts on which production needs no more than a key press.
    pub unprotected: Vec<String>,
    /// The issuers that a rehearsal and `--production` mean.
    pub staging: String,
    /// See `staging`.
    pub production: String,
    /// The flags that each command line gets that renews (settings, CA files, solvers), as they were given.
    pub renew_flags: Vec<String>,
}
