use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const LONG: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(300);

/// A self-signed certificate for `names`.
fn own(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> (Vec<CertificateDer<'static>>, KeyPair) {
    let key = KeyPair::generate().expect("key");
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("names");
    change(&mut params);
    (vec![params.self_signed(&key).expect("certificate").der().clone()], key)
}

fn certified(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<CertifiedKey> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("PKCS#8");
    let key = PROVIDER.key_provider.load_private_key(key).expect("loads");
    Arc::new(CertifiedKey::new(chain, key))
}

/// Serves certificates by SNI; the first one is the default.
#[derive(Debug)]
struct BySni(Vec<(&'static str, Arc<CertifiedKey>)>);

impl ResolvesServerCert for BySni {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let by_name = self.0.iter().find(|(n, _)| hello.server_name() == Some(n));
        by_name.or(self.0.first()).map(|(_, c)| Arc::clone(c))
    }
}

fn builder(
    versions: &[&'static SupportedProtocolVersion],
) -> rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert> {
    ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
}

fn serving(certificates: Vec<(&'static str, Arc<CertifiedKey>)>) -> ServerConfig {
    builder(&[&TLS13, &TLS12]).with_cert_resolver(Arc::new(BySni(certificates)))
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// Accepts connections for ever with a TLS server.
async fn tls(config: ServerConfig) -> SocketAddr {
    let (listener, address) = listen().await;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut tls) = acceptor.accept(tcp).await {
                    let _ = tls.read(&mut [0; 16]).await;
                }
            });
        }
    });
    address
}

/// Accepts connections for ever, reads once and sends `answer`; without an answer the connection stays open.
async fn plain(answer: Option<&'static [u8]>) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = tcp.read(&mut [0; 4096]).await;
                match answer {
                    Some(answer) => drop(tcp.write_all(answer).await),
                    None => tokio::time::sleep(LONG * 10).await,
                }
            });
        }
    });
    address
}

fn target(address: SocketAddr, name: &str) -> ProbeRequest {
    ProbeRequest {
        address,
        server_name: name.to_owned(),
    }
}

async fn ask(address: SocketAddr, name: &str) -> Result<ServerHandshake, ProbeError> {
    probe(&target(address, name), LONG).await
}

#[tokio::test]
async fn the_host_picks_the_certificate_and_no_host_gets_the_default_one() {
    let (a, a_key) = own(&["default.example"], |_| {});
    let (b, b_key) = own(&["shop.example"], |_| {});
    let (c, c_key) = own(&["*.wild.example"], |_| {});
    let address = tls(serving(vec![
        ("default.example", certified(a.clone(), &a_key)),
        ("shop.example", certified(b.clone(), &b_key)),
        ("kubectl-certs-probe.wild.example", certified(c.clone(), &c_key)),
    ]))
    .await;
    for (host, expected) in [
        ("shop.example", &b),
        ("SHOP.example.", &b),
        ("*.wild.example", &c),
        ("unknown.example", &a),
        ("", &a),
        ("*", &a),
        ("127.0.0.1", &a),
    ] {
        let served = ask(address, host).await.expect(host);
        assert_eq!(served.chain, [expected[0].to_vec()], "{host:?}");
        assert_eq!((served.address, served.tls_version), (address, "TLS 1.3"), "{host:?}");
    }
}

#[tokio::test]
async fn an_expired_self_made_chain_of_three_comes_in_the_order_served() {
    let ca = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let root = CertifiedIssuer::self_signed(ca("root"), KeyPair::generate().expect("key")).expect("root");
    let middle = CertifiedIssuer::signed_by(ca("middle"), KeyPair::generate().expect("key"), &root).expect("middle");
    let key = KeyPair::generate().expect("key");
    let mut leaf = CertificateParams::new(vec!["old.example".to_owned()]).expect("name");
    leaf.not_before = rcgen::date_time_ymd(2001, 1, 1);
    leaf.not_after = rcgen::date_time_ymd(2001, 4, 1);
    let leaf = leaf.signed_by(&key, &middle).expect("leaf");
    // The root before the intermediate: what is served is kept, not repaired.
    let chain = vec![leaf.der().clone(), root.der().clone(), middle.der().clone()];
    let address = tls(serving(vec![("", certified(chain.clone(), &key))])).await;
    let served = ask(address, "old.example").await.expect("an expired one is served");
    assert_eq!(served.chain, chain.iter().map(|c| c.to_vec()).collect::<Vec<_>>());
    assert!(served.took < LONG && !served.client_certificate);
    assert_eq!(served.signature, Some("ECDSA_NISTP256_SHA256"));
}

#[tokio::test]
async fn tls_1_2_rsa_and_the_chosen_protocol_are_noted() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("RSA");
    let chain = vec![
        CertificateParams::new(vec!["a.example".to_owned()])
            .and_then(|p| p.self_signed(&key))
            .expect("certificate")
            .der()
            .clone(),
    ];
    let mut config = builder(&[&TLS12]).with_cert_resolver(Arc::new(BySni(vec![("", certified(chain, &key))])));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let served = ask(tls(config).await, "a.example").await.expect("TLS 1.2");
    assert_eq!(served.tls_version, "TLS 1.2");
    assert_eq!(served.alpn.as_deref(), Some("http/1.1"));
    assert!(
        served.signature.is_some_and(|s| s.starts_with("RSA_PSS")),
        "{:?}",
        served.signature
    );
}

#[tokio::test]
async fn a_server_of_another_application_protocol_is_asked_again_without() {
    let (chain, key) = own(&["mqtt.example"], |_| {});
    let mut config = serving(vec![("", certified(chain.clone(), &key))]);
    config.alpn_protocols = vec![b"mqtt".to_vec()];
    let served = ask(tls(config).await, "mqtt.example").await.expect("without ALPN");
    assert_eq!(served.chain, [chain[0].to_vec()]);
    assert_eq!(served.alpn, None);
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_still_shows_its_own() {
    let (chain, key) = own(&["mtls.example"], |_| {});
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).expect("root");
    for version in [&TLS12, &TLS13] {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots.clone()), Arc::clone(&PROVIDER))
            .build()
            .expect("verifier");
        let config = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_protocol_versions(&[version])
            .expect("version")
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(BySni(vec![("", certified(chain.clone(), &key))])));
        let served = ask(tls(config).await, "mtls.example")
            .await
            .expect("shown all the same");
        assert!(served.client_certificate, "{version:?}");
        assert_eq!(served.chain, [chain[0].to_vec()]);
        let expected = if version.version == ProtocolVersion::TLSv1_2 {
            "TLS 1.2"
        } else {
            "TLS 1.3"
        };
        assert_eq!(served.tls_version, expected);
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_and_one_that_is_no_x509_are_errors() {
    let (chain, _) = own(&["a.example"], |_| {});
    let (_, other) = own(&["a.example"], |_| {});
    for version in [&TLS12, &TLS13] {
        let wrong =
            builder(&[version]).with_cert_resolver(Arc::new(BySni(vec![("", certified(chain.clone(), &other))])));
        let error = ask(tls(wrong).await, "a.example").await.expect_err("not its key");
        assert!(matches!(error, ProbeError::BadSignature), "{error}");
    }
    let rubbish = vec![CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])];
    let error = ask(tls(serving(vec![("", certified(rubbish, &other))])).await, "a.example")
        .await
        .expect_err("no certificate");
    assert!(matches!(error, ProbeError::BrokenCertificate), "{error}");
    let error = ask(tls(serving(vec![])).await, "a.example").await.expect_err("none");
    assert!(
        matches!(error, ProbeError::Alert { .. } | ProbeError::UnknownHost),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_not_tls_is_named() {
    for (answer, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "plain HTTP"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "begins with \"SSH-2.0-OpenSSH_9.9\""),
        (b"\x1b[31mred\x00\xff", "begins with \"\\x1b[31mred\\x00\\xff\""),
        (b"", "closes the connection"),
        (b"\x15\x03\x03\x00\x02\x02\x70", "unrecognized_name"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "handshake_failure"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "neither TLS 1.2 nor TLS 1.3"),
        (b"\x15\x03\x03\x00\x02\x02\x74", "client certificate"),
        (b"\x15\x03\x03\x00\x02\x02\x32", "alert decode_error"),
        (b"\x16\x03\x03\xff\xff", "handshake fails"),
    ] {
        let error = ask(plain(Some(answer)).await, "a.example").await.expect_err("no TLS");
        assert!(
            error.to_string().contains(expected),
            "{}: {error}",
            answer.escape_ascii()
        );
    }
}

#[tokio::test]
async fn silence_ends_at_the_timeout_and_a_closed_port_at_once() {
    let silent = plain(None).await;
    let start = Instant::now();
    let error = probe(&target(silent, "a.example"), SHORT).await.expect_err("silent");
    assert!(matches!(error, ProbeError::HandshakeTimeout { .. }), "{error}");
    assert!(error.to_string().contains("0.3 s"), "{error}");
    assert!((SHORT..SHORT * 5).contains(&start.elapsed()), "{:?}", start.elapsed());

    let (listener, closed) = listen().await;
    drop(listener);
    let error = ask(closed, "a.example").await.expect_err("closed");
    assert!(matches!(error, ProbeError::Refused), "{error}");
}

#[tokio::test]
async fn a_server_that_trickles_bytes_ends_at_the_timeout_too() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = tcp.write_all(b"\x16\x03\x03\x40\x00").await;
                while tcp.write_all(b"\x02").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });
    let error = probe(&target(address, "a.example"), SHORT).await.expect_err("trickles");
    assert!(matches!(error, ProbeError::HandshakeStalled { .. }), "{error}");
}

#[tokio::test]
async fn no_packet_goes_to_an_address_or_name_that_cannot_be() {
    for address in ["0.0.0.0:443", "224.0.0.1:443", "[::]:443", "255.255.255.255:443"] {
        let error = ask(address.parse().expect(address), "a.example")
            .await
            .expect_err(address);
        assert!(matches!(error, ProbeError::AddressRefused { .. }), "{error}");
    }
    let error = ask(([127, 0, 0, 1], 1).into(), "no name").await.expect_err("no name");
    assert!(matches!(error, ProbeError::InvalidName(_)), "{error}");
}

#[tokio::test]
async fn many_are_asked_at_once_and_answered_in_order() {
    let (chain, key) = own(&["a.example"], |_| {});
    let good = tls(serving(vec![("", certified(chain, &key))])).await;
    let silent = plain(None).await;
    let targets: Vec<ProbeRequest> = (0..60)
        .map(|i| target(if i % 2 == 0 { silent } else { good }, "a.example"))
        .collect();
    let start = Instant::now();
    let answers = probe_all(&targets, CONCURRENCY, Duration::from_millis(800)).await;
    assert_eq!(answers.len(), targets.len());
    for (i, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_ok(), i % 2 == 1, "{i}: {answer:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[tokio::test]
async fn giving_up_closes_the_connection() {
    let (listener, address) = listen().await;
    let asked = target(address, "a.example");
    let mut tcp = {
        let pending = probe_all(std::slice::from_ref(&asked), 1, LONG);
        tokio::select! {
            _ = pending => panic!("a server that says nothing cannot be done"),
            accepted = listener.accept() => accepted.expect("a connection").0,
        }
    };
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(LONG, tcp.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is still open");
}
