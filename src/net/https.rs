//! HTTPS to APIs other than ACME servers: with the usual trusted roots and a private CA, without redirects, with limits
//! for time and size.

use std::time::Duration;

use reqwest::{Client, Response, redirect::Policy};

use crate::tls::{self, TlsError};

/// How long one request may take, including the answer.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Why there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpsError {
    /// The PEM of the CA has no readable certificate.
    #[error("the CA's file holds no certificate in PEM that can be read")]
    Ca,
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// Makes a client that trusts the usual roots, and the certificates of `ca_pem`.
pub fn client(ca_pem: Option<&[u8]>) -> Result<Client, HttpsError> {
    let config = tls::client(ca_pem).map_err(|error| match error {
        TlsError::Setup(why) => HttpsError::Tls(why),
        _ => HttpsError::Ca,
    })?;
    Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT / 2)
        .tcp_nodelay(true)
        .user_agent(concat!("kubectl-certs/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| HttpsError::Tls(crate::error::chain(&error)))
}

/// The body of an answer. It is an error if it has more than `most` bytes.
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

/// The error of a request without its URL, which the caller names.
pub fn words(error: &reqwest::Error) -> String {
    let mut text = crate::error::chain(error);
    if let Some(url) = error.url() {
        text = text.replace(&format!(" for url ({url})"), "");
    }
    text
}

/// A server with a certificate of an unknown CA, for tests.
#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Arc;

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    /// Starts a server with a certificate of its own CA, which answers everything with `body`. Returns its URL and the
    /// CA's PEM.
    pub(crate) async fn server(body: &'static str) -> (String, String) {
        server_with(body, |_| {}).await
    }

    /// The same with a certificate that is changed.
    pub(crate) async fn server_with(
        body: &'static str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut leaf);
        let leaf = leaf.signed_by(&key, &ca).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut head = [0; 4000];
                let _ = stream.read(&mut head).await;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        (url, ca.pem())
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::server, *};

    #[tokio::test]
    async fn a_private_ca_is_trusted_when_it_is_named_and_an_answer_has_a_largest_size() {
        let (url, ca) = server("hello").await;
        let trusting = client(Some(ca.as_bytes())).unwrap();
        let answer = trusting.get(&url).send().await.unwrap();
        assert_eq!(body(answer, 5).await.unwrap(), b"hello");
        let answer = trusting.get(&url).send().await.unwrap();
        assert_eq!(body(answer, 4).await.unwrap_err(), "the answer is larger than 4 bytes");
        let error = client(None).unwrap().get(&url).send().await.unwrap_err();
        let said = words(&error);
        assert!(said.contains("UnknownIssuer") && !said.contains("localhost"), "{said}");
        assert_eq!(client(Some(b"no certificate")).unwrap_err(), HttpsError::Ca);
    }
}
