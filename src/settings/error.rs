//! Errors of settings.

use super::problem::FileError;
use crate::error::{Blame, Diagnose};
use crate::text::nearest;

/// Why there are no settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The content of a file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file cannot be read.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// The error.
        reason: String,
    },
    /// The file, or its directory, belongs to someone else.
    #[error("the settings are not used: {0}")]
    NotOurs(crate::own::NotOurs),
    /// The value of a variable cannot be used.
    #[error("{name}: {reason}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A value cannot be used.
    #[error("{0}")]
    Value(String),
    /// The environment selects an issuer in two ways.
    #[error("KUBECTL_CERTS_ISSUER and KUBECTL_CERTS_DIRECTORY_URL both choose an issuer")]
    TwoChoices,
    /// No issuer has this name.
    #[error("no issuer is called {name:?}{}", near(.name, .known))]
    NoIssuer {
        /// The name.
        name: String,
        /// The names of all issuers.
        known: Vec<String>,
    },
    /// An issuer of the settings has no directory.
    #[error("issuer {0} has no directory")]
    NoDirectory(String),
    /// The CA for rehearsals is one whose certificates everybody trusts.
    #[error("staging names {0}, which is a production CA")]
    StagingIsProduction(String),
    /// A field of an issuer cannot be used.
    #[error("issuer {issuer}: {reason}")]
    Issuer {
        /// The name of the issuer.
        issuer: String,
        /// What is wrong: never the value of a credential.
        reason: String,
    },
    /// The external account binding is incomplete.
    #[error("--eab-kid and its key are needed together")]
    HalfBinding,
    /// Two DNS providers have the same name.
    #[error("two DNS providers are called {0:?}")]
    TwoProviders(String),
    /// No DNS provider has this name.
    #[error("no DNS provider is called {name:?}{}", near(.name, .known))]
    NoProvider {
        /// The name.
        name: String,
        /// The names of all providers.
        known: Vec<String>,
    },
    /// The solver is `service`, and no Service is named.
    #[error("the solver is a Service, and none is named")]
    NoService,
    /// A flag would have no effect.
    #[error("{flag} has no effect without {needs}")]
    Idle {
        /// The flag.
        flag: &'static str,
        /// The setting that it needs to have an effect.
        needs: &'static str,
    },
    /// The number of certificates to order at once is out of range.
    #[error("certificate.concurrency is 1 to 256")]
    Concurrency,
    /// Neither `XDG_CONFIG_HOME` nor `HOME` is set.
    #[error("settings and accounts have no place: neither XDG_CONFIG_HOME nor HOME is set")]
    NoHome,
    /// A `ConfigMap` cannot be read.
    #[error("{0}")]
    ConfigMap(String),
}

fn near(name: &str, known: &[String]) -> String {
    nearest(name, known.iter().map(String::as_str))
        .map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"))
}

impl Diagnose for SettingsError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::File(_) => "`kubectl certs config example` shows every field",
            Self::NoIssuer { known, .. } => return Some(format!("there are {}", known.join(", "))),
            Self::NotOurs(error) => return error.hint(),
            Self::NoDirectory(name) => return Some(format!("write issuers.{name}.directory: https://...")),
            Self::StagingIsProduction(_) => {
                "rehearse with a CA that is not for production, such as letsencrypt-staging"
            }
            Self::HalfBinding => {
                "give the key by --eab-key-file, --eab-key-env or KUBECTL_CERTS_EAB_KEY, and its id by --eab-kid"
            }
            Self::NoProvider { known, .. } if known.is_empty() => {
                "the settings name no DNS provider: dns01.providers in `kubectl certs config example`"
            }
            Self::NoProvider { known, .. } => return Some(format!("there are {} and manual", known.join(", "))),
            Self::Idle { flag, needs } => return Some(format!("add {needs}, or leave {flag} out")),
            Self::NoService => "name the Service that answers: --solver-service NAME:PORT",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    fn blame(&self) -> Blame {
        match self {
            Self::ConfigMap(_) => Blame::Cluster,
            _ => Blame::Usage,
        }
    }
}
