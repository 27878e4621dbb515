//! A TLS client that takes whatever it is shown, and a TLS server that shows what it is told: what is served is seen
//! without the program that is under test.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, ServerConnection, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
};

use super::{cluster::TRAEFIK, eventually, pki::Pair};

/// A client of a host that takes whatever it is shown.
fn client(host: &str) -> Result<ClientConnection, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|e| e.to_string())?;
    ClientConnection::new(Arc::new(config), name).map_err(|e| e.to_string())
}

/// Sends bytes to a server, and returns all that it answers until it closes.
pub(crate) fn ask(address: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut tls = client(&address.ip().to_string())?;
    let mut tcp = TcpStream::connect(address).map_err(|e| e.to_string())?;
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    stream.write_all(bytes).map_err(|e| e.to_string())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => Err(error.to_string()),
        // A server that closes without a word of farewell.
        _ => Ok(answer),
    }
}

/// The leaf that Traefik shows for a host; an error where it shows none.
pub(crate) fn served(host: &str) -> Result<Vec<u8>, String> {
    let mut tls = client(host)?;
    let mut tcp = TcpStream::connect(TRAEFIK).map_err(|e| e.to_string())?;
    tcp.set_read_timeout(Some(Duration::from_secs(5)))
        .map_err(|e| e.to_string())?;
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp).map_err(|e| e.to_string())?;
    }
    let leaf = tls.peer_certificates().and_then(<[_]>::first);
    leaf.map(|leaf| leaf.to_vec()).ok_or_else(|| "no certificate".into())
}

/// Waits until Traefik shows this pair for the host.
#[track_caller]
pub(crate) fn wait_until_served(host: &str, pair: &Pair) {
    eventually(&format!("{host} being served"), || match served(host) {
        Ok(leaf) if leaf == pair.der => Ok(()),
        Ok(_) => Err("another certificate".into()),
        Err(error) => Err(error),
    });
}

/// Whether a certificate is the one that Traefik makes for itself.
pub(crate) fn is_traefiks_own(leaf: &[u8]) -> bool {
    leaf.windows(20).any(|window| window == b"TRAEFIK DEFAULT CERT")
}

/// What serves a pair, whatever name is asked for.
pub(crate) fn server_config(pair: &Pair) -> Arc<ServerConfig> {
    let chain = pair.chain_der.iter().cloned().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.key_der.clone()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// Serves a pair, whatever name is asked for, until the test process ends. Returns the address.
pub(crate) fn serve(pair: &Pair) -> String {
    let config = server_config(pair);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            std::thread::spawn(move || {
                let mut tls = ServerConnection::new(config).unwrap();
                let mut rest = Vec::new();
                let _ = rustls::Stream::new(&mut tls, &mut tcp).read_to_end(&mut rest);
                let _ = tcp.flush();
            });
        }
    });
    address
}

/// Serves the first pair on port 443 of an address, and the second once so much time has passed, until the test process ends.
pub(crate) fn serve_then(ip: Ipv4Addr, first: &Pair, after: Duration, second: &Pair) {
    let (first, second) = (server_config(first), server_config(second));
    let listener = TcpListener::bind((ip, 443)).unwrap();
    let begin = Instant::now();
    std::thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            let config = if begin.elapsed() < after { &first } else { &second };
            let mut tls = ServerConnection::new(Arc::clone(config)).unwrap();
            std::thread::spawn(move || {
                let mut rest = Vec::new();
                let _ = rustls::Stream::new(&mut tls, &mut tcp).read_to_end(&mut rest);
                let _ = tcp.flush();
            });
        }
    });
}

/// Accepts connections and never says a word, until the test process ends. Returns the address.
pub(crate) fn silence() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().flatten().collect::<Vec<_>>());
    address
}

#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
