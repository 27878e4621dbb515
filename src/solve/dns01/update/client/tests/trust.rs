//! Whom clients trust: that of a CA, our own of a provider, and the library's. Each is asked in a process of its own, since a process does not
//! change its environment.

use std::{path::Path, process::Command, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{
    acme::{Acme, Issuer, Limits},
    net::https,
};

const URL: &str = "TRUST_TEST_URL";
const TOKEN: &str = "TRUST_TEST_TOKEN";

/// A server of a CA of its own, which answers everything with `{}`. Returns its URL and the CA's PEM.
async fn server() -> (String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
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
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut head = [0; 4000];
            let _ = stream.read(&mut head).await;
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (url, ca.pem())
}

/// What the three clients say of the server, in a process with these variables, each on a line.
async fn asked(url: &str, environment: &[(&str, &Path)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "--ignored", "--nocapture"])
        .arg("solve::dns01::update::client::tests::trust::child")
        .env_clear()
        .envs(environment.iter().copied())
        .env(URL, url)
        .env(TOKEN, "x");
    let ran = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    text
}

#[tokio::test]
#[ignore = "the tests below run it, each with an environment of its own"]
async fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let once = Limits {
        tries: 1,
        ..Limits::default()
    };
    let ca = Acme::open_with(&Issuer::new("own", &url), once).await.map(drop);
    println!("ca: {:?}", ca.map_err(|error| crate::error::chain(&error)));
    let own = https::client(None).unwrap().get(&url).send().await.map(drop);
    println!("own: {:?}", own.map_err(|error| https::words(&error)));
    let text = format!("provider: cpanel\nurl: {url}\nusername: ann\napiToken: {{env: {TOKEN}}}\n");
    let record = Record {
        zone: "shop.example".to_owned(),
        name: "_acme-challenge.shop.example".to_owned(),
        value: "abc".to_owned(),
        ttl: 60,
        domain: "shop.example".to_owned(),
        token: String::new(),
    };
    let library = match Update::new(&config(&text), &NoSecrets).await {
        Ok(update) => update.once(&record, false).await.map_err(|error| words(&error)),
        Err(error) => Err(format!("{}; {}", error.message, error.hint.unwrap_or_default())),
    };
    println!("library: {library:?}");
}

/// Whether each of them was content with the certificate.
#[track_caller]
fn trusted(said: &str) -> Vec<bool> {
    let one = |who: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(who)).expect(said);
        // The library's words are "Failed to send request".
        !["UnknownIssuer", "certificate", "send request"]
            .iter()
            .any(|word| line.contains(word))
    };
    ["ca: ", "own: ", "library: "].map(one).to_vec()
}

#[tokio::test]
async fn a_root_that_the_system_alone_has_is_trusted_by_every_client() {
    let (url, ca) = server().await;
    let dir = tempfile::tempdir().unwrap();
    let (file, broken) = (dir.path().join("ca.pem"), dir.path().join("broken"));
    std::fs::write(&file, &ca).unwrap();
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    let said = asked(&url, &[("SSL_CERT_FILE", &file)]).await;
    assert_eq!(trusted(&said), [true; 3], "{said}");
    // A file that is none spoils nothing for those that are made here.
    let said = asked(&url, &[("SSL_CERT_FILE", &broken), ("SSL_CERT_DIR", dir.path())]).await;
    assert_eq!(trusted(&said)[..2], [true; 2], "{said}");
}

#[tokio::test]
async fn without_a_store_clients_are_made_all_the_same() {
    let (url, _) = server().await;
    let none = Path::new("/nonexistent");
    let said = asked(&url, &[("SSL_CERT_FILE", none), ("SSL_CERT_DIR", none)]).await;
    // The server's root is nowhere; the library cannot do without a store, and says what to do.
    assert_eq!(trusted(&said), [false; 3], "{said}");
    assert!(
        said.contains("UnknownIssuer") && said.contains("install the system's CA certificates"),
        "{said}"
    );
}
