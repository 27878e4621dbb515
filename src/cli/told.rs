//! Where words for a person go: to standard error and output, or, while the screen is taken over, to whoever holds it.
//!
//! Nothing that a command says may reach a terminal that is drawn on, and the commands need not know that.

use std::{
    io::Write,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::future::BoxFuture;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    cli::failure::Failure,
    event::{EventKind, Listen, Teller},
    solve::{SolveError, dns01::Operator},
    text::Clear,
    tui::{message::Level, order::Plan},
};

/// Whoever holds the screen.
pub(super) trait Front: Send + Sync {
    /// Takes a line. Not cleared.
    fn say(&self, level: Level, text: &str);
    /// Takes what a command prints.
    fn print(&self, bytes: &[u8]);
    /// Listens to what happens.
    fn listener(self: Arc<Self>) -> Arc<dyn Listen>;
    /// Shows a plan, and says whether it is to be carried out.
    fn confirm(&self, plan: Plan) -> BoxFuture<'_, bool>;
    /// Asks a question that is answered with yes or no.
    fn ask(&self, question: String) -> BoxFuture<'_, bool>;
}

/// Who takes what no run says.
static SCREEN: RwLock<Option<Arc<dyn Front>>> = RwLock::new(None);

tokio::task_local! {
    /// Who takes what the run of this task says.
    static RUN: Arc<dyn Front>;
}

/// Gives what is said to `front` from here on, or to the terminal again.
pub(super) fn divert(front: Option<Arc<dyn Front>>) {
    *SCREEN.write().unwrap_or_else(PoisonError::into_inner) = front;
}

/// Carries a command out whose words go to `front`.
pub(super) async fn within<F: Future>(front: Arc<dyn Front>, command: F) -> F::Output {
    RUN.scope(front, command).await
}

/// The front of the run that is carried out here; `None` for a command of its own.
pub(super) fn run() -> Option<Arc<dyn Front>> {
    RUN.try_with(Arc::clone).ok()
}

/// Whether nothing is said at all.
static SILENT: AtomicBool = AtomicBool::new(false);

/// Says nothing from here on: what would be said would stand in the middle of a line that somebody types.
pub(super) fn silence() {
    SILENT.store(true, Ordering::Relaxed);
}

pub(super) fn is_silent() -> bool {
    SILENT.load(Ordering::Relaxed)
}

/// Whoever takes what is said here; `None` is the terminal.
pub(super) fn front() -> Option<Arc<dyn Front>> {
    run().or_else(|| SCREEN.read().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Tells the run that is carried out here, if the screen shows it; a command of its own has words for what it did.
pub(super) fn to_screen() -> Teller {
    run().map_or_else(Teller::silent, |front| Teller::new(front.listener()))
}

/// Tells how a write ended.
pub(super) fn end<T>(tell: &Teller, ended: &Result<T, Failure>) {
    tell.tell(match ended {
        Ok(_) => EventKind::Done,
        Err(failure) => EventKind::Failed {
            error: failure.message.clone(),
            hint: failure.hint.clone(),
        },
    });
}

/// Shows the plan of a run to whoever holds the screen. An error when it is not to be carried out; a command of its own asks
/// otherwise, and gets `false` here.
pub(super) async fn confirmed(plan: impl FnOnce() -> Plan) -> Result<bool, Failure> {
    let Some(front) = run() else { return Ok(false) };
    if front.confirm(plan()).await {
        Ok(true)
    } else {
        Err(Failure::usage("nothing was done"))
    }
}

/// The operator who writes DNS records by hand, before the screen.
pub(super) struct AtScreen(pub(super) Arc<dyn Front>);

impl Operator for AtScreen {
    fn ask<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            if self.0.ask(format!("{text}\nDoes it exist?")).await {
                Ok(())
            } else {
                Err(SolveError::new("the operator did not write the record"))
            }
        })
    }

    fn tell(&self, text: &str) {
        self.0.say(Level::Note, text);
    }
}

/// Where the program's own log goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        if let Some(front) = front() {
            front.say(Level::Note, text.trim());
        } else {
            // One event at a time: whatever it quotes ends no line.
            let line = Clear(text.trim_end()).to_string();
            if !super::progress::above(&line) {
                writeln!(std::io::stderr(), "{}", super::locale::shown(&line))?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}
