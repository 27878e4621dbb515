//! Performs one TLS handshake (RFC 8446, RFC 5246) to see what a server sends, without judging it.

mod error;
mod sniff;
mod watch;

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use rustls::{
    ClientConfig, ProtocolVersion,
    client::Resumption,
    crypto::CryptoProvider,
    pki_types::{DnsName, ServerName},
    version::{TLS12, TLS13},
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;

use super::{
    address::is_refused,
    name::{RequestedHost, asked},
};
pub use error::ProbeError;
use sniff::Sniff;
use watch::{HandshakeLog, Watch};

/// How long one probe may take, including the connection.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// How many servers are probed at once.
pub const CONCURRENCY: usize = 32;
/// How long a server that has sent its certificate may take to close the connection.
const FAREWELL: Duration = Duration::from_millis(100);

/// The protocols that a web client offers. Without them some servers refuse the handshake, with them others do.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The provider is named here, so that it does not depend on the default provider of the process.
static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));

/// What to probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRequest {
    /// The address of the server.
    pub address: SocketAddr,
    /// The host to request: a name, a wildcard (a name below it is requested), an IP address or an empty text (no SNI).
    pub server_name: String,
}

/// The result of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHandshake {
    /// The address that was probed.
    pub address: SocketAddr,
    /// The certificates in DER, in the order served; at least one. The first is valid X.509; the others were not
    /// parsed.
    pub chain: Vec<Vec<u8>>,
    /// `TLS 1.3` or `TLS 1.2`.
    pub tls_version: &'static str,
    /// The application protocol that the server chose: `h2`, `http/1.1`, or none.
    pub alpn: Option<String>,
    /// The time from the first packet to the end of the handshake.
    pub took: Duration,
    /// The scheme of the server's signature, such as `ECDSA_NISTP256_SHA256`. A server with both an RSA and an ECDSA
    /// certificate sends one of them. Probes prefer ECDSA, and do not see the other one.
    pub signature: Option<&'static str>,
    /// Whether the server asks for a client certificate. It may refuse requests without one.
    pub client_certificate: bool,
}

/// Connects to a server, performs a handshake and returns what the server sends, within `timeout`.
///
/// Expired, untrusted, self-signed and mismatching certificates are results. Errors are what keeps every client from
/// getting a readable certificate whose key the server has.
pub async fn probe(target: &ProbeRequest, timeout: Duration) -> Result<ServerHandshake, ProbeError> {
    if is_refused(target.address.ip()) {
        return Err(ProbeError::AddressRefused {
            address: target.address.ip(),
        });
    }
    let asked = asked(&target.server_name)?;
    let start = Instant::now();
    let deadline = start + timeout;
    match handshake(target.address, &asked, &ALPN, start, deadline, timeout).await {
        Err(ProbeError::NoApplicationProtocol) => {
            handshake(target.address, &asked, &[], start, deadline, timeout).await
        }
        other => other,
    }
}

/// Probes all targets, at most `concurrency` at once, each within `timeout`. The results are in the order of the
/// targets.
///
/// No task is spawned: dropping the future closes every connection.
pub async fn probe_all(
    targets: &[ProbeRequest],
    concurrency: usize,
    timeout: Duration,
) -> Vec<Result<ServerHandshake, ProbeError>> {
    // By index, because a closure that takes the target itself makes a future that cannot be spawned.
    let mut answers: Vec<_> = stream::iter(0..targets.len())
        .map(|i| async move { (i, probe(&targets[i], timeout).await) })
        .buffer_unordered(concurrency.max(1))
        .collect()
        .await;
    answers.sort_unstable_by_key(|(i, _)| *i);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

async fn handshake(
    address: SocketAddr,
    asked: &RequestedHost,
    alpn: &[&[u8]],
    start: Instant,
    deadline: Instant,
    after: Duration,
) -> Result<ServerHandshake, ProbeError> {
    let tcp = timeout_at(deadline, TcpStream::connect(address))
        .await
        .map_err(|_| ProbeError::ConnectTimeout { after })?
        .map_err(ProbeError::from_connect)?;
    // Some kernels and containers refuse the option; the handshake works without it.
    let _ = tcp.set_nodelay(true);

    let seen = Arc::new(HandshakeLog::default());
    let (tcp, head) = Sniff::new(tcp);
    let connector = TlsConnector::from(Arc::new(config(&seen, asked, alpn)?));
    let ended = timeout_at(deadline, connector.connect(server_name(asked, address.ip())?, tcp)).await;
    let took = start.elapsed();

    let mut served = ServerHandshake {
        address,
        chain: seen.chain().to_vec(),
        tls_version: seen.version(),
        alpn: None,
        took,
        signature: seen.scheme(),
        client_certificate: seen.client_certificate(),
    };
    match ended {
        Ok(Ok(mut tls)) => {
            let (_, connection) = tls.get_ref();
            served.alpn = connection
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned());
            if connection.protocol_version() == Some(ProtocolVersion::TLSv1_2) {
                served.tls_version = "TLS 1.2";
            }
            let _ = timeout(FAREWELL, tls.shutdown()).await;
            Ok(served)
        }
        // Without a client certificate TLS 1.2 ends here, after the server has sent everything that a probe needs.
        _ if served.client_certificate && served.signature.is_some() => Ok(served),
        Ok(Err(error)) => Err(ProbeError::from_handshake(error, head.bytes())),
        Err(_) if !head.bytes().is_empty() => Err(ProbeError::HandshakeStalled { after }),
        Err(_) => Err(ProbeError::HandshakeTimeout { after }),
    }
}

fn config(seen: &Arc<HandshakeLog>, asked: &RequestedHost, alpn: &[&[u8]]) -> Result<ClientConfig, ProbeError> {
    let provider = Arc::clone(&PROVIDER);
    let watch = Arc::new(Watch::new(Arc::clone(seen), provider.signature_verification_algorithms));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(ProbeError::Protocol)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&watch) as _)
        .with_client_cert_resolver(watch);
    // A resumed session shows no certificate.
    config.resumption = Resumption::disabled();
    config.enable_sni = matches!(asked, RequestedHost::Name(_));
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    Ok(config)
}

fn server_name(asked: &RequestedHost, address: IpAddr) -> Result<ServerName<'static>, ProbeError> {
    Ok(match asked {
        RequestedHost::Name(name) => {
            let name = DnsName::try_from(name.clone()).map_err(|_| super::name::InvalidName { name: name.clone() })?;
            ServerName::DnsName(name)
        }
        RequestedHost::Address(asked) => ServerName::from(*asked),
        RequestedHost::Default => ServerName::from(address),
    })
}

#[cfg(test)]
mod tests;
