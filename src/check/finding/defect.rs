//! The interface that each finding implements in its own file.

use super::Outside;
use crate::{
    check::{reason::Severity, row::Row, urgency::Urgency, words::commands::Commands},
    object::{Key, Seconds},
};

/// The facts of one finding, as it describes them. Texts from outside are inserted as they are: code that writes them
/// to a terminal clears them. In commands they are quoted for a shell.
pub(in crate::check) trait Defect {
    /// The usual severity.
    const SEVERITY: Severity;
    /// When clients refuse the certificate, where the finding is a warning.
    const AS_WARNING: Urgency;

    /// What is wrong, with the facts, in one sentence or two short ones.
    fn message(&self, row: &Row<'_>, now: Seconds) -> String;

    /// What to do, with the commands that do it where there are any.
    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String;

    /// What to do about a file, or about a server that was probed, where commands for a Secret do not help. `None`
    /// where the finding's page has to explain it.
    fn remedy_outside(&self, _outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        None
    }

    /// The Secret that the finding is about, where that is not simply the one that is served.
    fn secret(&self) -> Option<&Key> {
        None
    }
}

/// What the file of every finding imports.
pub(in crate::check) mod prelude {
    pub(in crate::check) use super::Defect;
    pub(in crate::check) use crate::{
        check::{
            Severity, Urgency,
            row::Row,
            verdict::{CertificateSubject, Collector, Subject},
            words::{commands::Commands, outside::Outside},
        },
        object::{Key, Kind, Seconds, Text},
    };
}
