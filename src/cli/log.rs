//! Where the program's own log goes: to standard error, or, while the screen is taken over, to whoever holds it.

use std::{
    io::Write,
    sync::{Arc, PoisonError, RwLock},
};

use env_filter::{Builder, Filter};
use log::{Metadata, Record};

use crate::{event, ops::Front, text::Clear};

/// The log of this process. Nothing of it may reach a terminal that is drawn on.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<RwLock<Option<Arc<dyn Front>>>>);

/// What the `log` crate's macros reach.
struct Logger {
    filter: Filter,
    log: Log,
}

impl Log {
    /// Begins it. `KUBECTL_CERTS_LOG` chooses what is logged, as directives of the crate `env_filter` (`LEVEL`, or `MODULE=LEVEL`, with
    /// commas between); else `-v N`, as kubectl counts; warnings without either.
    pub(super) fn begin(verbosity: u8) -> Self {
        let log = Self::default();
        let usual = match verbosity {
            0 => "kubectl_certs=warn",
            1..=3 => "kubectl_certs=info",
            // What is asked of servers comes at 6, as kubectl's.
            4..=5 => "kubectl_certs=debug,kubectl_certs::requests=info",
            6..=7 => "kubectl_certs=debug",
            _ => "kubectl_certs=trace",
        };
        let asked = std::env::var("KUBECTL_CERTS_LOG").ok();
        let mut directives = Builder::new();
        let understood = asked.is_some_and(|asked| directives.try_parse(&asked).is_ok());
        if !understood {
            directives.parse(usual);
        }
        let filter = directives.build();
        let most = filter.filter();
        let logger = Logger {
            filter,
            log: log.clone(),
        };
        if log::set_boxed_logger(Box::new(logger)).is_ok() {
            log::set_max_level(most);
        }
        log
    }

    /// Gives what is logged to `front` from here on, or to the terminal again.
    pub(super) fn divert(&self, front: Option<Arc<dyn Front>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = front;
    }

    fn take(&self, line: &str) {
        let front = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(front) = front {
            front.say(event::Level::Note, line);
        } else {
            // One event at a time: whatever it quotes ends no line.
            let line = Clear(line).to_string();
            if !super::progress::above(&line) {
                let _ = writeln!(std::io::stderr(), "{}", super::locale::shown(&line));
            }
        }
    }
}

impl log::Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.filter.matches(record) {
            let line = format!("{} {}: {}", record.level(), record.target(), record.args());
            self.log.take(line.trim());
        }
    }

    fn flush(&self) {}
}
