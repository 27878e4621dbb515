//! Whom this program trusts when it asks a CA or a DNS provider: Mozilla's roots, which are compiled in, and the system's.
//!
//! One decision for all that it asks, so that whoever is reached with one is reached with the other
//! (`docs/decisions/0015-tls-trust.md`). What certificates of a cluster are judged by is another matter (`x509::trust`): it depends on no
//! machine.

use std::sync::{Arc, LazyLock};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Why a client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsError {
    /// The CA's text is cut off, or not base64.
    #[error("it is not PEM")]
    NotPem,
    /// What is in it cannot be a root.
    #[error("it holds something that is not a certificate")]
    NotACertificate,
    /// It says nothing.
    #[error("there is no certificate in it")]
    Empty,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// What the system trusts, and what of it cannot be read.
#[derive(Debug, Default)]
struct System {
    certificates: Vec<CertificateDer<'static>>,
    /// What users are told: `None` where nobody has to know.
    problem: Option<String>,
}

impl System {
    /// What `SSL_CERT_FILE` and `SSL_CERT_DIR` name; without them the system's own store, which need not be there.
    fn read() -> Self {
        let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
            .into_iter()
            .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        let found = rustls_native_certs::load_native_certs();
        let said: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        Self {
            problem: problem(named, found.certs.is_empty(), &said),
            certificates: found.certs,
        }
    }
}

/// What is said of a store with these errors. A system that has no store, and one file of many that cannot be read, are nobody's
/// concern; what a variable names was meant.
fn problem(named: Option<&str>, is_empty: bool, errors: &[String]) -> Option<String> {
    let what = match (named, errors.first()) {
        (Some(name), Some(error)) => format!("not all that {name} names can be read ({error})"),
        (Some(name), None) if is_empty => format!("{name} names no certificate"),
        (None, Some(error)) if is_empty => format!("the system's CA certificates cannot be read ({error})"),
        _ => return None,
    };
    Some(format!("{what}; Mozilla's roots are trusted all the same"))
}

/// Mozilla's roots and the system's, read when the first client is made.
static ROOTS: LazyLock<RootCertStore> = LazyLock::new(|| {
    let system = System::read();
    if let Some(problem) = &system.problem {
        log::warn!("{problem}");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    roots.add_parsable_certificates(system.certificates);
    roots
});

/// What a client is made of that trusts Mozilla's roots, the system's, and the certificates of `ca_pem`.
pub(crate) fn client(ca_pem: Option<&[u8]>) -> Result<ClientConfig, TlsError> {
    let mut roots = ROOTS.clone();
    if let Some(pem) = ca_pem {
        let mut is_empty = true;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| TlsError::NotPem)?;
            roots.add(certificate).map_err(|_| TlsError::NotACertificate)?;
            is_empty = false;
        }
        if is_empty {
            return Err(TlsError::Empty);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests;
