//! What one source says: the command line, the environment, a file, a `ConfigMap`.

use std::fmt;

use super::{
    file::{File, IssuerEntry},
    value::Namespaced,
};

/// Where a layer comes from. Earlier ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flags,
    /// Variables `KUBECTL_CERTS_...`.
    Environment,
    /// A file, by its path.
    File(String),
    /// A `ConfigMap`.
    ConfigMap(Namespaced),
    /// What the program says itself.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flags => f.write_str("the command line"),
            Self::Environment => f.write_str("the environment"),
            Self::File(path) => f.write_str(path),
            Self::ConfigMap(key) => write!(f, "ConfigMap {key}"),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// Which issuer was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The one for rehearsals.
    Staging,
    /// The one for production.
    Production,
    /// One by its name.
    Issuer(String),
    /// One by the URL of its directory.
    Directory(String),
}

/// What one source says.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Where it comes from.
    pub origin: Origin,
    /// Which issuer it chooses. Files choose none: without a choice it is a rehearsal.
    pub choice: Option<Choice>,
    /// What it says of the chosen issuer, whichever that is.
    pub issuer: IssuerEntry,
    /// The DNS provider that proves every name.
    pub dns: Option<String>,
    /// Whether rate limits are told and not heeded.
    pub ignore_rate_limits: bool,
    /// Whether what others own is written.
    pub force: bool,
    /// Whether a staging certificate replaces a trusted one.
    pub overwrite_with_staging: bool,
    /// Everything that a file can say.
    pub file: File,
}

impl Layer {
    /// A layer that says nothing.
    pub fn empty(origin: Origin) -> Self {
        Self {
            origin,
            choice: None,
            issuer: IssuerEntry::default(),
            dns: None,
            ignore_rate_limits: false,
            force: false,
            overwrite_with_staging: false,
            file: File::default(),
        }
    }

    /// What a file says.
    pub fn of(origin: Origin, file: File) -> Self {
        Self {
            file,
            ..Self::empty(origin)
        }
    }
}
