//! Who lets a run order and write: a command line may always, a controller while it leads.

use std::{fmt, sync::Arc};

use super::lease::Leading;

/// Says whether this process leads.
pub trait Leads: fmt::Debug + Send + Sync {
    /// The leader that this process is now.
    ///
    /// # Errors
    ///
    /// It does not lead, or has not renewed its Lease in time.
    fn now(&self) -> Result<Leading, NotNow>;
}

/// Why nothing may be ordered or written now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotNow(pub String);

/// Who lets a run order and write.
#[derive(Debug, Clone, Default)]
pub enum Authority {
    /// Whoever started it: a command line.
    #[default]
    Always,
    /// The Lease of an installation, as long as this process holds it.
    Leader(Arc<dyn Leads>),
}

/// The permission for one newOrder, one finalize or one write that begins at once. Each of these takes one, so that none
/// is begun without having been asked for.
#[derive(Debug)]
#[must_use]
pub struct Permitted(Option<Leading>);

impl Authority {
    /// Asks for a permission.
    ///
    /// # Errors
    ///
    /// This process does not lead.
    pub fn permit(&self) -> Result<Permitted, NotNow> {
        match self {
            Self::Always => Ok(Permitted(None)),
            Self::Leader(leads) => leads.now().map(|leading| Permitted(Some(leading))),
        }
    }
}

impl Permitted {
    /// The controller that acts; `None` for a command line.
    pub fn leading(&self) -> Option<&Leading> {
        self.0.as_ref()
    }
}
