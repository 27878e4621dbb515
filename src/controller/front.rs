//! The controller as whoever the use cases tell and ask: a log, and nobody at a terminal. What a plan says is agreed to,
//! because the controller itself has decided it.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::audit::Audit;
use crate::{
    event::{Event, EventKind, Level, Listen},
    object::Key,
    ops::{
        Front, OpError,
        front::{Nobody, Waiting, Words},
    },
    plan::Plan,
    solve::dns01::Operator,
};

/// How far a certificate has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The CA has validated one of its names.
    Proved,
    /// It is stored.
    Stored,
}

/// Tells the log, and is asked nothing.
pub struct LogFront {
    audit: Arc<Audit>,
    listener: Arc<dyn Listen>,
}

impl LogFront {
    /// Tells this log, and calls `reached` with each Secret and how far its certificate has come.
    pub fn telling(audit: Arc<Audit>, reached: impl Fn(&Key, Reached) + Send + Sync + 'static) -> Arc<dyn Front> {
        let listener = Arc::new(Both {
            audit: Arc::clone(&audit),
            reached,
        });
        Arc::new(Self { audit, listener })
    }
}

/// Hears events for the log and for the loop.
struct Both<F> {
    audit: Arc<Audit>,
    reached: F,
}

impl<F: Fn(&Key, Reached) + Send + Sync> Listen for Both<F> {
    fn hear(&self, event: &Event) {
        self.audit.hear(event);
        let reached = match &event.kind {
            EventKind::Validated { .. } => Reached::Proved,
            EventKind::Stored { .. } => Reached::Stored,
            _ => return,
        };
        if let Some(secret) = &event.secret {
            (self.reached)(secret, reached);
        }
    }
}

impl Front for LogFront {
    fn say(&self, level: Level, text: &str) {
        self.audit.say(level, text);
    }

    fn print(&self, text: &str) -> Result<(), OpError> {
        text.lines().for_each(|line| self.audit.say(Level::Note, line));
        Ok(())
    }

    fn wonder(&self, _: Words) -> Waiting {
        Waiting::default()
    }

    fn listener(&self) -> Arc<dyn Listen> {
        Arc::clone(&self.listener)
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
