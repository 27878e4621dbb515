//! HTTPS to APIs that are no ACME server: the public roots and a private CA, no redirects, bounded time and size.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, Response, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// How long one request may take, the answer included.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Why there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpsError {
    /// The CA's PEM holds no certificate that can be read.
    #[error("the CA's file holds no certificate in PEM that can be read")]
    Ca,
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// A client that trusts the public roots, and the certificates of `ca_pem`.
pub fn client(ca_pem: Option<&[u8]>) -> Result<Client, HttpsError> {
    let tls = |error: &(dyn std::error::Error + 'static)| HttpsError::Tls(crate::error::chain(error));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    if let Some(pem) = ca_pem {
        let mut any = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| HttpsError::Ca)?;
            roots.add(certificate).map_err(|_| HttpsError::Ca)?;
            any = true;
        }
        if !any {
            return Err(HttpsError::Ca);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| tls(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT / 2)
        .tcp_nodelay(true)
        .user_agent(concat!("kubectl-certs/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| tls(&e))
}

/// The body of an answer; an error when it is larger than `most` bytes.
pub async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| words(&e))? {
        if all.len() + chunk.len() > most {
            return Err(format!("the answer is larger than {most} bytes"));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// What went wrong with a request, without its URL, which the caller names.
pub fn words(error: &reqwest::Error) -> String {
    let mut text = crate::error::chain(error);
    if let Some(url) = error.url() {
        text = text.replace(&format!(" for url ({url})"), "");
    }
    text
}
