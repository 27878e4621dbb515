//! The loop's part in copies: has those written that are due, and takes note of what became of them.

use super::Controller;
use crate::{
    clock::now,
    engine::copy::{Copied, CopyError},
    error::{Diagnose as _, chain},
    object::Key,
};

/// What became of a copy.
pub(super) type CopyResult = Result<Option<Copied>, CopyError>;

impl Controller {
    /// Has copies written that are due, if this process leads and was told to order. Nothing of it is waited for.
    pub(super) async fn copy(&mut self) {
        let is_due = self.keeper.copies.next_wake().is_some_and(|at| at <= now());
        if !is_due || self.term.is_none() || !self.memory.is_recalled || !self.is_told().await {
            return;
        }
        let Some(term) = &self.term else { return };
        for (secret, source) in self.keeper.copies.take(now()) {
            let copying = self.unattended.copy(&secret, &source, term.authority.clone());
            let tells = self.tells.clone();
            tokio::spawn(async move {
                let result = copying.await;
                let _ = tells.send(super::Heard::Copied(secret, source, result));
            });
        }
    }

    /// Takes note of what became of a copy.
    pub(super) fn copied(&mut self, secret: &Key, source: &Key, result: CopyResult) {
        let line = |event: &'static str, level: &'static str, message: String| {
            self.audit.line([
                ("event", event.into()),
                ("level", level.into()),
                ("namespace", secret.namespace.as_str().into()),
                ("secret", secret.name.as_str().into()),
                ("source", source.to_string().into()),
                ("message", message.into()),
            ]);
        };
        match result {
            Ok(None) => self.keeper.copies.done(secret),
            Ok(Some(copied)) => {
                let verb = if copied.created { "made" } else { "made current" };
                let message = format!("the copy is {verb}, with the certificate {}", copied.sha256.short());
                line("copied", "info", message);
                self.keeper.copies.done(secret);
            }
            Err(error) => {
                let mut message = format!("the copy of Secret {source} is not made: {}", chain(&error));
                if let Some(hint) = error.hint() {
                    message = format!("{message}; {hint}");
                }
                let is_passing = error.is_passing();
                if !is_passing {
                    line("not-copied", "warning", message.clone());
                }
                self.keeper.copies.failed(secret, &message, is_passing, now());
            }
        }
    }
}
