//! The controller as whoever the use cases tell and ask: a log, and nobody at a terminal. What a plan says is agreed to,
//! because the controller itself has decided it.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::audit::Audit;
use crate::{
    event::{Level, Listen},
    ops::{
        Front, OpError,
        front::{Nobody, Waiting, Words},
    },
    plan::Plan,
    solve::dns01::Operator,
};

/// Tells the log, and is asked nothing.
pub struct LogFront(Arc<Audit>);

impl LogFront {
    /// Tells this log.
    pub fn telling(audit: Arc<Audit>) -> Arc<dyn Front> {
        Arc::new(Self(audit))
    }
}

impl Front for LogFront {
    fn say(&self, level: Level, text: &str) {
        self.0.say(level, text);
    }

    fn print(&self, text: &str) -> Result<(), OpError> {
        text.lines().for_each(|line| self.0.say(Level::Note, line));
        Ok(())
    }

    fn wonder(&self, _: Words) -> Waiting {
        Waiting::default()
    }

    fn listener(&self) -> Arc<dyn Listen> {
        Arc::clone(&self.0) as Arc<dyn Listen>
    }

    fn can_ask(&self) -> bool {
        false
    }

    fn has_agreed(&self) -> bool {
        true
    }

    fn operator(&self) -> Arc<dyn Operator> {
        Nobody.operator()
    }

    fn confirm(&self, _: Plan) -> BoxFuture<'_, Result<(), OpError>> {
        Box::pin(async { Ok(()) })
    }

    fn ask(&self, _: String) -> BoxFuture<'_, bool> {
        Box::pin(async { false })
    }
}
