//! Who is told of what nobody watches.

use clap::Args;

use crate::{
    ops::OpError,
    settings::{layer::Layer, notify::NotifyWord},
};

/// Who is told.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Notifications")]
pub struct NotifyArgs {
    /// Tell what fails, is held or ends: slack=env:NAME or slack=file:PATH, where the webhook's URL is, or alertmanager=URL; one of each form
    #[arg(long, value_name = "FORM=WHERE")]
    pub notify: Vec<NotifyWord>,
    /// Tell of renewals too
    #[arg(long)]
    pub notify_renewed: bool,
}

impl NotifyArgs {
    /// Adds what the flags say to the other flags.
    ///
    /// # Errors
    ///
    /// Two receivers of the same form.
    pub fn add_to(&self, flags: &mut Layer) -> Result<(), OpError> {
        let entry = &mut flags.file.notify;
        entry.add(&self.notify).map_err(|form| {
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
