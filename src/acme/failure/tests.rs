use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    acme::{Acme, AcmeError, Issuer, fake::LIMITS},
    error::Diagnose as _,
};

/// What opening a directory fails of whose certificate is valid in these years.
async fn opened(from: i32, until: i32) -> AcmeError {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    leaf.not_before = date_time_ymd(from, 1, 1);
    leaf.not_after = date_time_ymd(until, 1, 1);
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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/dir", listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let mut issuer = Issuer::new("own", url);
    issuer.ca_pem = Some(ca.pem().into_bytes());
    let error = Acme::open_with(&issuer, LIMITS).await.unwrap_err();
    server.abort();
    error
}

#[tokio::test]
async fn a_certificate_outside_of_its_time_is_told_with_dates_and_this_machines_clock() {
    for (from, until, words) in [
        (
            2001,
            2002,
            "its certificate has expired: it was valid until 2002-01-01T00:00:00Z",
        ),
        (
            2090,
            2091,
            "its certificate is not valid yet: it is valid from 2090-01-01T00:00:00Z",
        ),
    ] {
        let error = opened(from, until).await;
        let (text, hint) = (error.to_string(), error.hint().unwrap());
        let today = crate::text::date(crate::clock::now());
        assert!(text.contains(words), "{text}");
        assert!(text.contains(&format!("this machine's clock says {today}")), "{text}");
        assert!(hint.starts_with("check this machine's clock"), "{hint}");
        assert!(!error.is_transient());
    }
}
