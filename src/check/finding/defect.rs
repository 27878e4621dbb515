//! What the file of a finding has to say.

use super::Outside;
use crate::{
    check::{reason::Severity, row::Row, urgency::Urgency, words::commands::Commands},
    object::{Key, Seconds},
};

/// What a finding says of itself. Texts from outside go in raw: whoever writes them to a terminal clears them. In commands they are
/// quoted for a shell.
pub(in crate::check) trait Defect {
    /// How bad it usually is.
    const SEVERITY: Severity;
    /// When clients are refused where it is a warning.
    const AS_WARNING: Urgency;

    /// One sentence, or two short ones, that say what is wrong, with its facts.
    fn message(&self, row: &Row<'_>, now: Seconds) -> String;

    /// What to do, with commands where some do it.
    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String;

    /// What to do about a file, or a server that was asked for its certificate: no command for a Secret helps there. `None` where its
    /// page has to do.
    fn remedy_outside(&self, _outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        None
    }

    /// The Secret that it is about, where that is not simply the one that is served.
    fn secret(&self) -> Option<&Key> {
        None
    }
}

/// What every finding's file uses.
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
