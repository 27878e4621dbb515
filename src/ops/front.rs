//! Whoever a use case tells and asks: the command line, the screen, or nobody.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::OpError;
use crate::{
    event::{Event, EventKind, Level, Listen, Teller},
    k8s::Connection,
    plan::Plan,
    solve::{SolveError, dns01::Operator},
};

/// What is waited for, in words that are asked for when it has taken long.
pub type Words = Box<dyn Fn() -> String + Send>;

/// Tells and asks on behalf of a use case. What it takes is not cleared for a terminal.
pub trait Front: Send + Sync {
    /// Takes a line for a person.
    fn say(&self, level: Level, text: &str);

    /// Takes a result as text, lines that end each with a newline.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn print(&self, text: &str) -> Result<(), OpError>;

    /// Says what is waited for, if that takes long enough to wonder, until what comes back is dropped.
    fn wonder(&self, words: Words) -> Waiting;

    /// Who hears what happens to each certificate.
    fn listener(&self) -> Arc<dyn Listen>;

    /// Who hears of the steps of what is told in words as well.
    fn steps(&self) -> Teller {
        Teller::silent()
    }

    /// Ends what the listener has begun to show: nothing happens any more to what it has heard of.
    fn finish(&self) {}

    /// Whether what is printed stands below what was said: what was said is not repeated then.
    fn is_one_screen(&self) -> bool {
        false
    }

    /// Whether anybody is there to be asked.
    fn can_ask(&self) -> bool;

    /// Whether what is to be confirmed has been agreed to beforehand: only what agreement does not cover is asked.
    fn has_agreed(&self) -> bool {
        false
    }

    /// Who writes DNS records where the provider is `manual`.
    fn operator(&self) -> Arc<dyn Operator>;

    /// Shows what is about to be done, and asks for it.
    ///
    /// # Errors
    ///
    /// The answer is no, or nobody can be asked.
    fn confirm(&self, plan: Plan) -> BoxFuture<'_, Result<(), OpError>>;

    /// Asks a question that is answered with yes or no, and that was not answered beforehand: `--yes` is no answer.
    fn ask(&self, question: String) -> BoxFuture<'_, bool>;
}

impl dyn Front + '_ {
    /// Something that the user may like to know.
    pub fn note(&self, text: &str) {
        self.say(Level::Note, text);
    }

    /// What to do, below what went wrong.
    pub fn hint(&self, text: &str) {
        self.note(&format!("hint: {text}"));
    }

    /// Something that the user should know of.
    pub fn warn(&self, text: &str) {
        self.say(Level::Warning, text);
    }

    /// Something that went wrong, while the rest goes on.
    pub fn error(&self, text: &str) {
        self.say(Level::Error, text);
    }

    /// A failure with its hint, while the rest goes on.
    pub fn failed(&self, error: &OpError) {
        self.error(&error.message);
        error.hint.as_deref().into_iter().for_each(|hint| self.hint(hint));
    }

    /// Says what is waited for, if it takes long.
    pub fn wait(&self, words: impl Fn() -> String + Send + 'static) -> Waiting {
        self.wonder(Box::new(words))
    }

    /// Says that an API server does not answer.
    pub fn wait_for_server(&self, connection: &Connection) -> Waiting {
        let server = connection.server.clone();
        self.wait(move || format!("waiting for the API server {server} to answer"))
    }

    /// Says that hosts do not answer, or their names are not resolved.
    pub fn wait_for_hosts(&self) -> Waiting {
        self.wait(|| "waiting for the hosts that are probed to answer".to_owned())
    }

    /// Says that a CA does not answer.
    pub fn wait_for_ca(&self, name: &str) -> Waiting {
        let name = name.to_owned();
        self.wait(move || format!("waiting for the CA {name} to answer"))
    }
}

/// Ends what [`Front::wonder`] began when it is dropped.
#[derive(Default)]
#[must_use]
pub struct Waiting(#[allow(dead_code)] Option<Box<dyn Send>>);

impl Waiting {
    /// What is dropped with it.
    pub fn until_dropped(what: impl Send + 'static) -> Self {
        Self(Some(Box::new(what)))
    }
}

/// Tells nobody, and agrees to nothing.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Front for Nobody {
    fn say(&self, _: Level, _: &str) {}

    fn print(&self, _: &str) -> Result<(), OpError> {
        Ok(())
    }

    fn wonder(&self, _: Words) -> Waiting {
        Waiting::default()
    }

    fn listener(&self) -> Arc<dyn Listen> {
        Arc::new(Self)
    }

    fn can_ask(&self) -> bool {
        false
    }

    fn operator(&self) -> Arc<dyn Operator> {
        Arc::new(Self)
    }

    fn confirm(&self, _: Plan) -> BoxFuture<'_, Result<(), OpError>> {
        Box::pin(async { Err(refused()) })
    }

    fn ask(&self, _: String) -> BoxFuture<'_, bool> {
        Box::pin(async { false })
    }
}

impl Operator for Nobody {
    fn ask<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async { Err(SolveError::new("nobody is there to write the record by hand")) })
    }

    fn tell(&self, _: &str) {}
}

impl Listen for Nobody {
    fn hear(&self, _: &Event) {}
}

/// Tells how a write ended.
pub(super) fn ended<T>(tell: &Teller, result: &Result<T, OpError>) {
    tell.tell(match result {
        Ok(_) => EventKind::Done,
        Err(error) => EventKind::Failed {
            error: error.message.clone(),
            hint: error.hint.clone(),
        },
    });
}

/// The answer was no.
pub fn refused() -> OpError {
    OpError::usage("nothing was done")
}
