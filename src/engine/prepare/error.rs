//! Why a run cannot be prepared.

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
        /// Which.
        message: String,
        /// How to give it.
        hint: String,
    },
    /// A challenge cannot be answered for any name.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The directory for manifests.
    #[error(transparent)]
    File(#[from] file::FileError),
    /// No Secret can have the name.
    #[error("{} is not the name of a Secret", quoted(.0))]
    NotAName(Key),
}

/// What names of Secrets are made of.
pub(in crate::engine) const NAMES: &str =
    "names are of lower-case letters, digits, - and . (RFC 1123): correct --secret, or the name in the route";

/// Whether a Secret can have this name. Routes are anybody's text, `../../nodes` included.
pub(in crate::engine) fn is_name(secret: &Key) -> bool {
    crate::settings::value::is_name(&secret.name)
        && (secret.namespace.is_empty() || crate::settings::value::is_name(&secret.namespace))
}

/// A name that is none, within a sentence.
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
