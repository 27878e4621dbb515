//! A verifier that judges no certificate, and only keeps what is sent.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};

/// The length of a signature by an RSA key of 2048 bits, in bytes. The cryptography in use does not support shorter
/// keys.
const RSA_2048: usize = 256;

/// What one handshake has shown so far.
#[derive(Debug, Default)]
pub(super) struct HandshakeLog {
    chain: OnceLock<Vec<Vec<u8>>>,
    scheme: OnceLock<SignatureScheme>,
    tls12: AtomicBool,
    client_certificate: AtomicBool,
}

impl HandshakeLog {
    pub(super) fn chain(&self) -> &[Vec<u8>] {
        self.chain.get().map_or(&[], |c| c)
    }

    pub(super) fn scheme(&self) -> Option<&'static str> {
        self.scheme.get().map(|s| s.as_str().unwrap_or("unknown"))
    }

    pub(super) fn version(&self) -> &'static str {
        if self.tls12.load(Ordering::Relaxed) {
            "TLS 1.2"
        } else {
            "TLS 1.3"
        }
    }

    pub(super) fn client_certificate(&self) -> bool {
        self.client_certificate.load(Ordering::Relaxed)
    }
}

/// Accepts every certificate that is valid X.509.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Arc<HandshakeLog>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Watch {
    pub(super) fn new(seen: Arc<HandshakeLog>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { seen, algorithms }
    }

    /// Refuses a signature that certainly was not made with the certificate's key, as every client does. A signature
    /// that cannot be verified here (a short key, an old version of X.509) does not matter.
    fn judge(
        &self,
        dss: &DigitallySignedStruct,
        verified: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        let _ = self.seen.scheme.set(dss.scheme);
        let rsa = dss.scheme.as_str().is_some_and(|name| name.starts_with("RSA"));
        match verified {
            Err(error @ Error::InvalidCertificate(CertificateError::BadSignature))
                if !rsa || dss.signature().len() >= RSA_2048 =>
            {
                Err(error)
            }
            _ => Ok(HandshakeSignatureValid::assertion()),
        }
    }
}

impl ServerCertVerifier for Watch {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end_entity).chain(intermediates);
        let _ = self.seen.chain.set(all.map(|c| c.to_vec()).collect());
        match x509_parser::parse_x509_certificate(end_entity) {
            Ok(([], _)) => Ok(ServerCertVerified::assertion()),
            _ => Err(Error::InvalidCertificate(CertificateError::BadEncoding)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.seen.tls12.store(true, Ordering::Relaxed);
        self.judge(dss, verify_tls12_signature(message, cert, dss, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge(dss, verify_tls13_signature(message, cert, dss, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ResolvesClientCert for Watch {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.seen.client_certificate.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
