//! Who is told of what nobody watches.

use clap::Args;

use crate::{
    ops::OpError,
    settings::{layer::Layer, notify::NotifyWord, value::NotAValue},
};

/// Who is told.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Notifications")]
pub struct NotifyArgs {
    /// Tell what fails, is held or ends: slack=env:NAME or slack=file:PATH, where the webhook's URL is, or alertmanager=URL; one of each form
    #[arg(long, value_name = "FORM=WHERE")]
    // Not parsed by clap, whose errors quote what was typed: it may be a secret.
    pub notify: Vec<String>,
    /// Tell of renewals too
    #[arg(long)]
    pub notify_renewed: bool,
}

impl NotifyArgs {
    /// Adds what the flags say to the other flags.
    ///
    /// # Errors
    ///
    /// A word is no receiver, or two are of the same form.
    pub fn add_to(&self, flags: &mut Layer) -> Result<(), OpError> {
        let entry = &mut flags.file.notify;
        let words: Result<Vec<NotifyWord>, NotAValue> = self.notify.iter().map(|word| word.parse()).collect();
        let words = words.map_err(|error| OpError::usage(format!("--notify: {error}")))?;
        entry.add(&words).map_err(|form| {
            OpError::usage(format!(
                "--notify {form}=... was given twice: there is one of each form"
            ))
        })?;
        if self.notify_renewed {
            entry.renewed = Some(true);
        }
        Ok(())
    }
}
