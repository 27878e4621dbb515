//! Where the program's own log goes: to standard error, or, while the screen is taken over, to whoever holds it.

use std::{
    io::Write,
    sync::{Arc, PoisonError, RwLock},
};

use tracing_subscriber::fmt::MakeWriter;

use crate::{event::Level, ops::Front, text::Clear};

/// The log of this process. Nothing of it may reach a terminal that is drawn on.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<RwLock<Option<Arc<dyn Front>>>>);

impl Log {
    /// Begins it. `KUBECTL_CERTS_LOG` chooses what is logged, as `tracing` directives; else `-v N`, as kubectl counts; warnings without
    /// either.
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
        let filter = tracing_subscriber::EnvFilter::try_from_env("KUBECTL_CERTS_LOG")
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(log.clone())
            .with_ansi(false)
            .without_time();
        let _ = subscriber.try_init();
        log
    }

    /// Gives what is logged to `front` from here on, or to the terminal again.
    pub(super) fn divert(&self, front: Option<Arc<dyn Front>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = front;
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let front = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(front) = front {
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

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
