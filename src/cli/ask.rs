//! Questions, where there is somebody to answer.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use super::locale::shown;
use crate::{ops::OpError, text::Clear};

/// Whether questions can be asked: standard input and standard error are a terminal.
pub(super) fn possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a yes; `--yes` is one. Where nobody can be asked, it is an error that names `--yes`.
pub(super) fn confirm(question: &str, yes: bool) -> Result<bool, OpError> {
    if yes {
        return Ok(true);
    }
    if !possible() {
        return Err(OpError::usage(format!(
            "{question:?} needs an answer, and there is no terminal to give it on",
        ))
        .hint("--yes answers every question"));
    }
    Ok(answer(question))
}

/// Says something, and has a word typed that shows that it was read. Only where questions can be asked.
pub(super) fn typed(said: &str, word: &str) -> bool {
    let mut err = anstream::stderr();
    let _ = write!(
        err,
        "{}. Type {} to continue: ",
        shown(&Clear(said).to_string()),
        Clear(word)
    );
    let _ = err.flush();
    read_line().is_some_and(|line| line.trim() == word)
}

/// Asks for a yes. Only where questions can be asked.
pub(super) fn answer(question: &str) -> bool {
    let mut err = anstream::stderr();
    let _ = write!(err, "{} [y/N] ", shown(&Clear(question).to_string()));
    let _ = err.flush();
    read_line().is_some_and(|line| ["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str()))
}

/// Whether a question stands on the terminal.
static ASKING: AtomicBool = AtomicBool::new(false);

pub(super) fn is_asking() -> bool {
    ASKING.load(Ordering::Relaxed)
}

/// Leaves a question without an answer: what follows begins a line of its own.
pub(super) fn leave() {
    if is_asking() {
        let mut err = anstream::stderr();
        let _ = writeln!(err, "\n{}", shown("nothing was done"));
    }
}

fn read_line() -> Option<String> {
    ASKING.store(true, Ordering::Relaxed);
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    ASKING.store(false, Ordering::Relaxed);
    read.ok().map(|_| line)
}
