//! Errors of preparing a run.

use crate::{
    apply::file,
    error::{Blame, Diagnose},
    object::Key,
    solve::SolveError,
};

/// Why a run cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The solver needs a setting.
    #[error("{message}")]
    Setting {
        /// Which setting is missing.
        message: String,
        /// How to provide it.
        hint: String,
    },
    /// No name's challenge can be answered.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The directory for manifests cannot be used.
    #[error(transparent)]
    File(#[from] file::FileError),
    /// The name is not a valid name of a Secret.
    #[error("{} is not the name of a Secret", quoted(.0))]
    NotAName(Key),
}

/// The rule for names of Secrets.
pub(in crate::engine) const NAMES: &str =
    "names are of lower-case letters, digits, - and . (RFC 1123): correct --secret, or the name in the route";

/// Whether a Secret can have this name. Names in routes are arbitrary text, including `../../nodes`.
pub(in crate::engine) fn is_name(secret: &Key) -> bool {
    crate::settings::value::is_name(&secret.name)
        && (secret.namespace.is_empty() || crate::settings::value::is_name(&secret.namespace))
}

/// An invalid name, quoted for use within a sentence.
pub(in crate::engine) fn quoted(secret: &Key) -> String {
    format!("{:?}", crate::text::shorten(&secret.to_string(), 300))
}

impl Diagnose for PrepareError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Setting { hint, .. } => Some(hint.clone()),
            Self::Solve(error) => error.hint.clone(),
            Self::File(error) => error.hint(),
            Self::NotAName(_) => Some(NAMES.to_owned()),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Solve(error) => error.blame(),
            Self::Setting { .. } | Self::File(_) | Self::NotAName(_) => Blame::Usage,
        }
    }
}
