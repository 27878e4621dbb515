//! The settings of one source: the command line, the environment, a file, a `ConfigMap`.

use std::fmt;

use super::{
    file::{File, IssuerEntry},
    value::Namespaced,
};

/// The source of a layer. Earlier ones take precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flags,
    /// The variables `KUBECTL_CERTS_...`.
    Environment,
    /// A file, with its path.
    File(String),
    /// A `ConfigMap`.
    ConfigMap(Namespaced),
    /// The defaults of the program.
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

/// The selection of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The issuer for rehearsals.
    Staging,
    /// The issuer for production.
    Production,
    /// The issuer with this name.
    Issuer(String),
    /// The issuer with this directory URL.
    Directory(String),
}

/// The settings of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The source.
    pub origin: Origin,
    /// The issuer that it selects. Files select none: a run without a selection is a rehearsal.
    pub choice: Option<Choice>,
    /// Its settings for the chosen issuer, whichever that is.
    pub issuer: IssuerEntry,
    /// The DNS provider that proves every name.
    pub dns: Option<String>,
    /// Whether rate limits are reported but ignored.
    pub ignore_rate_limits: bool,
    /// Whether Secrets of other owners are written.
    pub force: bool,
    /// Whether a staging certificate may replace a trusted one.
    pub overwrite_with_staging: bool,
    /// All settings that a file can have.
    pub file: File,
}

impl Layer {
    /// Makes an empty layer.
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

    /// Makes the layer of a file.
    pub fn of(origin: Origin, file: File) -> Self {
        Self {
            file,
            ..Self::empty(origin)
        }
    }
}
