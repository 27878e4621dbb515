//! What the loop was told by `resume` and `pause`.

use tokio::time::Instant;

use super::{Controller, TOLD};
use crate::{
    clock::now,
    error::chain,
    event::Level,
    ops::pause::{self, Told},
};

impl Controller {
    /// Whether somebody has said that it may order. Looked at again before anything is begun, so that a pause holds at
    /// once.
    pub(super) async fn is_told(&mut self) -> bool {
        if let Some((told, at)) = &self.told
            && !told.orders()
            && at.elapsed() < TOLD
        {
            return false;
        }
        let told = match pause::told(&self.api, self.unattended.namespace()).await {
            Ok(told) => told,
            Err(error) => {
                self.audit
                    .say(Level::Error, &format!("nothing is ordered: {}", chain(&error)));
                Told::Nothing
            }
        };
        let is_news = self.told.as_ref().is_none_or(|(before, _)| *before != told);
        if is_news {
            self.say_what_was_told(&told);
        }
        let orders = told.orders();
        self.told = Some((told, Instant::now()));
        orders
    }

    pub(super) fn say_what_was_told(&self, told: &Told) {
        let words = match told {
            Told::Order => "it may order".to_owned(),
            Told::Pause(pause) => format!("paused by {}: {}", pause.by, pause.reason),
            Told::Nothing => {
                let due = self
                    .keeper
                    .queue
                    .iter()
                    .filter(|queued| queued.task.due_at <= now())
                    .count();
                format!(
                    "nobody has told it to order yet: {due} certificates would be ordered now; `kubectl certs resume -n {}` \
                     tells it to",
                    self.unattended.namespace()
                )
            }
        };
        self.audit.say(Level::Note, &words);
    }
}
