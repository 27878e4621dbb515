//! Errors of a renewal by cert-manager.

use crate::{
    apply::ApiError,
    error::{Blame, Diagnose},
    object::Key,
};

/// Why a Certificate was not renewed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertManagerError {
    /// The renewal cannot be rehearsed.
    #[error(
        "Secret {secret} belongs to cert-manager (Certificate {certificate}), which issues and stores it: there is nothing \
         to rehearse"
    )]
    Rehearsal {
        /// The Certificate.
        certificate: Key,
        /// The Secret that the Certificate writes.
        secret: Key,
    },
    /// There is no cluster in which cert-manager could be asked.
    #[error(
        "Secret {secret} belongs to cert-manager (Certificate {certificate}), which issues and stores it in its cluster: there is no \
         manifest to write"
    )]
    Manifests {
        /// The Certificate.
        certificate: Key,
        /// The Secret that the Certificate writes.
        secret: Key,
    },
    /// The Certificate does not exist, or was deleted meanwhile.
    #[error("there is no Certificate {certificate}")]
    Missing {
        /// The Certificate.
        certificate: Key,
    },
    /// The Issuing condition could not be written.
    #[error("cannot ask cert-manager to renew Certificate {certificate}")]
    Trigger {
        /// The Certificate.
        certificate: Key,
        /// The error of the write.
        #[source]
        source: Box<ApiError>,
    },
    /// The state of the issuance could not be read.
    #[error("cannot follow Certificate {certificate}")]
    Read {
        /// The Certificate.
        certificate: Key,
        /// The error of the read.
        #[source]
        source: Box<ApiError>,
    },
    /// The issuance failed.
    #[error("cert-manager could not renew Certificate {certificate}: {why}")]
    Failed {
        /// The Certificate.
        certificate: Key,
        /// The messages of cert-manager, the issuer and the CA. Not cleared for a terminal.
        why: String,
    },
    /// The issuance did not end in time.
    #[error("Certificate {certificate} has not been renewed within {seconds} s: {waits}")]
    Stuck {
        /// The Certificate.
        certificate: Key,
        /// The time that was waited, in seconds.
        seconds: u64,
        /// What the issuance is waiting for. Not cleared for a terminal.
        waits: String,
        /// Whether no controller has even started.
        no_controller: bool,
    },
    /// The user pressed Ctrl-C.
    #[error("interrupted; cert-manager continues with Certificate {certificate}")]
    Interrupted {
        /// The Certificate.
        certificate: Key,
    },
}

impl Diagnose for CertManagerError {
    fn hint(&self) -> Option<String> {
        let describe = |key: &Key| format!("`kubectl describe certificate {} -n {}`", key.name, key.namespace);
        Some(match self {
            Self::Rehearsal { secret, .. } => format!(
                "`kubectl certs renew secret/{} -n {} --production` asks cert-manager to renew it now",
                secret.name, secret.namespace
            ),
            Self::Manifests { secret, .. } => format!(
                "`kubectl certs renew secret/{} -n {} --production --context <CONTEXT>` asks cert-manager in that cluster to renew it",
                secret.name, secret.namespace
            ),
            Self::Missing { certificate } => format!(
                "`kubectl get certificates.cert-manager.io -n {}` lists the existing ones",
                certificate.namespace
            ),
            Self::Trigger { certificate, source } if source.is_forbidden() => format!(
                "ask for the right; `kubectl auth can-i patch certificates.cert-manager.io/{} --subresource=status -n {}` shows \
                 when you have it",
                certificate.name, certificate.namespace
            ),
            Self::Trigger { source, .. } | Self::Read { source, .. } => return source.hint(),
            Self::Failed { certificate, .. } => format!(
                "fix that, then run it again: by itself, cert-manager waits an hour at first, and longer each time; {} shows the details",
                describe(certificate)
            ),
            Self::Stuck {
                no_controller: true, ..
            } => "`kubectl get pods -A -l app.kubernetes.io/name=cert-manager` shows whether it runs".to_owned(),
            Self::Stuck { certificate, .. } | Self::Interrupted { certificate } => {
                format!(
                    "cert-manager continues by itself; {} shows its progress",
                    describe(certificate)
                )
            }
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Rehearsal { .. } | Self::Manifests { .. } | Self::Missing { .. } => Blame::Usage,
            Self::Trigger { .. } | Self::Read { .. } => Blame::Cluster,
            Self::Failed { .. } | Self::Stuck { .. } => Blame::Acme,
            Self::Interrupted { .. } => Blame::Interrupted,
        }
    }
}
