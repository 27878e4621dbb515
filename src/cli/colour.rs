//! Whether stdout is a terminal, how wide it is, and whether colours are wanted.

use std::io::IsTerminal as _;

use super::args::ColorChoice;

/// Whether to use colour on stdout: `--color`, then `NO_COLOR`, `CLICOLOR` and the terminal's own word.
pub(super) fn wanted(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
    }
}

/// The cells of a terminal that does not say how wide it is.
const USUAL: usize = 80;

/// The width of a terminal from what it says of itself: one that says nothing has that of `COLUMNS`, or the usual one.
fn cells(said: Option<usize>) -> usize {
    let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
    said.filter(|width| *width > 0)
        .or_else(columns)
        .filter(|width| *width > 0)
        .unwrap_or(USUAL)
}

/// The width in cells of the terminal that stderr is; `None` when it is none.
pub(super) fn stderr_width() -> Option<usize> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let said = terminal_size::terminal_size_of(std::io::stderr());
    Some(cells(said.map(|(width, _)| usize::from(width.0))))
}

/// How many lines the terminal that stderr is has; `None` when it is none.
pub(super) fn stderr_height() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stderr())
        .map(|(_, height)| usize::from(height.0))
        .filter(|height| *height > 0)
}

/// The terminal's width in cells; `None` when stdout is no terminal.
pub(super) fn terminal_width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let said = terminal_size::terminal_size();
    Some(cells(said.map(|(width, _)| usize::from(width.0))))
}
