//! The roots that this program trusts when it connects to a CA or a DNS provider: Mozilla's roots, which are compiled
//! in, and those of the system. Servers of its own have their configuration from here too.
//!
//! The same roots apply to all connections, so that a server which one of them accepts is accepted by all
//! (`docs/decisions/0015-tls-trust.md`). The trust by which certificates of a cluster are judged is separate
//! (`x509::trust`), and does not depend on the machine.

use std::sync::{Arc, LazyLock};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

/// Why no client can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsError {
    /// The PEM of the CA is truncated, or not base64.
    #[error("it is not PEM")]
    NotPem,
    /// Its content cannot be a root.
    #[error("it holds something that is not a certificate")]
    NotACertificate,
    /// It is empty.
    #[error("there is no certificate in it")]
    Empty,
    /// There is no private key in it.
    #[error("it holds no private key in PEM")]
    NoKey,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// The roots of the system, and which of them cannot be read.
#[derive(Debug, Default)]
struct System {
    certificates: Vec<CertificateDer<'static>>,
    /// The message for users; `None` if they need none.
    problem: Option<String>,
}

impl System {
    /// Reads what `SSL_CERT_FILE` and `SSL_CERT_DIR` name, or without them the system's own store, which may be absent.
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

/// The message about a store with these errors. A system without a store, and one unreadable file of many, are not
/// reported; what a variable names was meant.
fn problem(named: Option<&str>, is_empty: bool, errors: &[String]) -> Option<String> {
    let what = match (named, errors.first()) {
        (Some(name), Some(error)) => format!("not all that {name} names can be read ({error})"),
        (Some(name), None) if is_empty => format!("{name} names no certificate"),
        (None, Some(error)) if is_empty => format!("the system's CA certificates cannot be read ({error})"),
        _ => return None,
    };
    Some(format!("{what}; Mozilla's roots are trusted all the same"))
}

/// Mozilla's roots and those of the system, read when the first client is made.
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

/// Adds the certificates of a PEM text, of which there has to be one.
fn add(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), TlsError> {
    let mut is_empty = true;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| TlsError::NotPem)?;
        roots.add(certificate).map_err(|_| TlsError::NotACertificate)?;
        is_empty = false;
    }
    if is_empty { Err(TlsError::Empty) } else { Ok(()) }
}

/// The configuration of a server with a chain and its key, both in PEM. Clients may show a certificate that the
/// certificates of `client_ca` lead to; one that they do not lead to ends the handshake.
pub(crate) fn server(chain: &[u8], key: &[u8], client_ca: Option<&[u8]>) -> Result<ServerConfig, TlsError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::NotPem)?;
    if chain.is_empty() {
        return Err(TlsError::Empty);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let setup = |error: String| TlsError::Setup(error);
    let clients: Arc<dyn ClientCertVerifier> = match client_ca {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            add(&mut roots, pem)?;
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .map_err(|error| setup(error.to_string()))?
        }
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(error.to_string()))?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(|error| setup(error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The configuration of a client that trusts Mozilla's roots, those of the system, and the certificates of `ca_pem`.
pub(crate) fn client(ca_pem: Option<&[u8]>) -> Result<ClientConfig, TlsError> {
    let mut roots = ROOTS.clone();
    if let Some(pem) = ca_pem {
        add(&mut roots, pem)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests;
