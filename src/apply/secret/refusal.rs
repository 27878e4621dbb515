//! Why a certificate is not written into a Secret, and what to do then.

use crate::error::{Blame, Diagnose};
use crate::{apply::owner::Owner, object::Key};

/// Why a certificate is not written into a Secret. The messages fit "the certificate is not stored: ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The Secret is immutable.
    #[error("Secret {key} is immutable")]
    Immutable {
        /// The Secret.
        key: Key,
        /// A possible name for a new Secret.
        new_name: String,
    },
    /// The Secret is not of a type for certificates, and its type cannot be changed.
    #[error("Secret {key} is of the type {kind:?} and does not hold {slots}")]
    WrongType {
        /// The Secret.
        key: Key,
        /// Its type.
        kind: String,
        /// The data keys that it lacks: `tls.crt and tls.key`.
        slots: String,
        /// A possible name for a new Secret.
        new_name: String,
    },
    /// Someone else owns the Secret.
    #[error("Secret {key} is {owner}")]
    Owned {
        /// The Secret.
        key: Key,
        /// The owner.
        owner: Owner,
    },
    /// A certificate that no client trusts would replace one that may be in use.
    #[error("a staging certificate, which no client trusts, would replace the certificate of Secret {key}")]
    Staging {
        /// The Secret.
        key: Key,
    },
    /// Other data keys hold the same certificate in forms that cannot be generated.
    #[error(
        "Secret {key} also holds the certificate in other forms, which would go stale: {}",
        list(keys)
    )]
    Stale {
        /// The Secret.
        key: Key,
        /// The data keys, each with the reason.
        keys: Vec<(String, &'static str)>,
    },
}

impl Diagnose for Refusal {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Immutable { key, new_name } | Self::WrongType { key, new_name, .. } => format!(
                "issue it into a new Secret (`kubectl certs issue --secret {new_name} -n {} -d HOST...`) and change the \
                 route's reference from {} to {new_name}; the old one stays",
                key.namespace, key.name
            ),
            Self::Owned { owner, .. } => format!("{}; --force writes it anyway", owner.change),
            Self::Staging { .. } => "run it with --production; --overwrite-with-staging replaces it anyway".into(),
            Self::Stale { .. } => {
                "rebuild them yourself with --force, which writes the pair and leaves them as they are, or give the \
                 certificate a Secret without them"
                    .into()
            }
        })
    }

    fn blame(&self) -> Blame {
        Blame::Write
    }
}

fn list(keys: &[(String, &'static str)]) -> String {
    let all: Vec<String> = keys.iter().map(|(name, why)| format!("{name} ({why})")).collect();
    all.join(", ")
}
