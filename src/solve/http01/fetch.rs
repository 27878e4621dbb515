//! Fetches a URL like a CA: port 80, up to ten redirects, only to ports 80 and 443, with any certificate on the way
//! (RFC 8555, section 8.3; Let's Encrypt, "HTTP-01 challenge").

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::guard::Guard;
use crate::net::{Lookup, ResolveError};

/// How many redirects are followed.
pub const REDIRECTS: usize = 10;
/// How long a connection may take, and the whole fetch.
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
/// How many bytes of a body are read: more than any answer to a challenge has.
const LONGEST_BODY: usize = 4096;

/// The ports that a CA uses: 80 and 443, except in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The port for http.
    pub http: u16,
    /// The port for https.
    pub https: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { http: 80, https: 443 }
    }
}

/// The page at the end of the redirects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// The beginning of the body.
    pub body: Vec<u8>,
    /// The URLs of the redirects, in order.
    pub redirects: Vec<String>,
    /// The address that served the page.
    pub address: SocketAddr,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Requests to the address are not permitted.
    #[error("{address} is not contacted: {why}")]
    NotAsked {
        /// The address.
        address: IpAddr,
        /// The reason.
        why: &'static str,
    },
    /// This machine has no route to the address.
    #[error("this network cannot reach {address}: {cause}")]
    NoRoute {
        /// The address.
        address: SocketAddr,
        /// The message of the system.
        cause: io::Error,
    },
    /// Nothing answers.
    #[error("{address} does not answer within {} s", CONNECT.as_secs())]
    NoAnswer {
        /// The address.
        address: SocketAddr,
    },
    /// The connection is refused, or breaks.
    #[error("{address}: {cause}")]
    Broken {
        /// The address.
        address: SocketAddr,
        /// What happened.
        cause: String,
    },
    /// A redirect leads where no CA follows.
    #[error("{from} redirects to {to}, {why}")]
    Redirect {
        /// The URL that was requested.
        from: String,
        /// The URL of the redirect.
        to: String,
        /// Why a CA does not follow.
        why: &'static str,
    },
    /// There are more redirects than a CA follows.
    #[error("more than {REDIRECTS} redirects, the last to {to}")]
    TooManyRedirects {
        /// The URL of the last redirect.
        to: String,
    },
    /// A redirect leads to a host without an address.
    #[error("a redirect leads to {to}: {cause}")]
    Resolve {
        /// The URL of the redirect.
        to: String,
        /// The answer of DNS.
        #[source]
        cause: Box<ResolveError>,
    },
}

impl FetchError {
    /// Whether the cause is this machine's network and not the host, so that a CA may well succeed.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::NotAsked { .. } | Self::NoRoute { .. } | Self::NoAnswer { .. } => true,
            Self::Resolve { cause, .. } => cause.is_unanswered(),
            Self::Redirect { .. } | Self::TooManyRedirects { .. } | Self::Broken { .. } => false,
        }
    }
}

/// Fetches `http://HOST/PATH` from `address`, and follows redirects. A redirect to the same host uses the same address;
/// another host is resolved by `lookup`, and only requested if `guard` permits it.
pub async fn fetch(
    host: &str,
    path: &str,
    address: IpAddr,
    ports: Ports,
    guard: &Guard,
    lookup: &Lookup,
) -> Result<Page, FetchError> {
    let at = SocketAddr::new(address, ports.http);
    match timeout(WHOLE, follow(host, path, address, ports, guard, lookup)).await {
        Ok(result) => result,
        Err(_) => Err(FetchError::Broken {
            address: at,
            cause: format!("no complete answer within {} s", WHOLE.as_secs()),
        }),
    }
}

async fn follow(
    host: &str,
    path: &str,
    address: IpAddr,
    ports: Ports,
    guard: &Guard,
    lookup: &Lookup,
) -> Result<Page, FetchError> {
    let shown = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let start = format!("http://{shown}:{}{path}", ports.http);
    let mut url = Url::parse(&start).map_err(|_| FetchError::Redirect {
        from: "the check".into(),
        to: start,
        why: "which is not a URL",
    })?;
    let origin = url.host_str().map(str::to_owned);
    let mut redirects: Vec<String> = Vec::new();
    loop {
        let addresses = if url.host_str() == origin.as_deref() {
            vec![address]
        } else {
            resolve(&url, lookup).await?
        };
        let port = url.port_or_known_default().unwrap_or(ports.http);
        let (response, at) = ask_any(&url, &addresses, port, guard).await?;
        let status = response.status();
        let target = redirection(status, response.headers());
        let Some(target) = target else {
            return Ok(Page {
                status: status.as_u16(),
                body: beginning(response.into_body()).await,
                redirects,
                address: at,
            });
        };
        let next = next(&url, &target, ports)?;
        if redirects.len() == REDIRECTS {
            return Err(FetchError::TooManyRedirects { to: next.to_string() });
        }
        redirects.push(next.to_string());
        url = next;
    }
}

/// The URL to which an answer redirects.
fn redirection(status: StatusCode, headers: &header::HeaderMap) -> Option<String> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = headers.get(header::LOCATION)?;
    Some(String::from_utf8_lossy(target.as_bytes()).into_owned())
}

/// The next URL, if a CA would follow the redirect.
fn next(from: &Url, target: &str, ports: Ports) -> Result<Url, FetchError> {
    let refused = |why| FetchError::Redirect {
        from: from.to_string(),
        to: crate::text::shorten(target, 300).into_owned(),
        why,
    };
    let mut url = from.join(target).map_err(|_| refused("which is not a URL"))?;
    let usual = match url.scheme() {
        "http" => ports.http,
        "https" => ports.https,
        _ => return Err(refused("which is neither http nor https")),
    };
    // A URL without a port means the default port of its scheme, which is different in tests.
    if url.port().is_none() && url.port_or_known_default() != Some(usual) {
        let _ = url.set_port(Some(usual));
    }
    let port = url.port_or_known_default().unwrap_or(0);
    if port != ports.http && port != ports.https {
        return Err(refused("and a CA follows to ports 80 and 443 only"));
    }
    url.set_fragment(None);
    Ok(url)
}

async fn resolve(url: &Url, lookup: &Lookup) -> Result<Vec<IpAddr>, FetchError> {
    let host = url.host_str().unwrap_or_default();
    let mut found = lookup
        .addresses(host, CONNECT)
        .await
        .map_err(|cause| FetchError::Resolve {
            to: url.to_string(),
            cause: Box::new(cause),
        })?;
    // As Let's Encrypt does.
    found.sort_by_key(IpAddr::is_ipv4);
    Ok(found)
}

/// Sends the request to the first address that accepts a connection.
async fn ask_any(
    url: &Url,
    addresses: &[IpAddr],
    port: u16,
    guard: &Guard,
) -> Result<(http::Response<Incoming>, SocketAddr), FetchError> {
    let mut last = None;
    for ip in addresses {
        let address = SocketAddr::new(*ip, port);
        if let Some(why) = guard.refuses(*ip) {
            last = Some(FetchError::NotAsked { address: *ip, why });
            continue;
        }
        let tcp = match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(cause)) => {
                last = Some(unconnected(address, cause));
                continue;
            }
            Err(_) => {
                last = Some(FetchError::NoAnswer { address });
                continue;
            }
        };
        let _ = tcp.set_nodelay(true);
        return Ok((ask(url, tcp, address).await?, address));
    }
    Err(last.unwrap_or_else(|| FetchError::Redirect {
        from: "the check".into(),
        to: url.to_string(),
        why: "which has no address",
    }))
}

fn unconnected(address: SocketAddr, cause: io::Error) -> FetchError {
    use io::ErrorKind as K;
    match cause.kind() {
        K::NetworkUnreachable | K::HostUnreachable | K::AddrNotAvailable | K::PermissionDenied => {
            FetchError::NoRoute { address, cause }
        }
        K::Unsupported => FetchError::NoRoute { address, cause },
        K::TimedOut => FetchError::NoAnswer { address },
        _ => FetchError::Broken {
            address,
            cause: cause.to_string(),
        },
    }
}

async fn ask(url: &Url, tcp: TcpStream, address: SocketAddr) -> Result<http::Response<Incoming>, FetchError> {
    let broken = |cause: String| FetchError::Broken { address, cause };
    if url.scheme() == "https" {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|_| broken("its name is not one for TLS".into()))?;
        let tls = TlsConnector::from(Arc::clone(&TLS)).connect(name, tcp).await;
        send(url, tls.map_err(|error| broken(format!("TLS failed: {error}")))?)
            .await
            .map_err(broken)
    } else {
        send(url, tcp).await.map_err(broken)
    }
}

async fn send<S>(url: &Url, stream: S) -> Result<http::Response<Incoming>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let words = |error: hyper::Error| format!("no HTTP answer: {error}");
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(64 << 10)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(words)?;
    // The task ends with the connection, which ends with the response, because the request asks to close it.
    tokio::spawn(async move {
        let _ = timeout(WHOLE, connection).await;
    });
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let request = Request::get(path_and_query(url))
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("kubectl-certs/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    sender.send_request(request).await.map_err(words)
}

fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

async fn beginning(mut body: Incoming) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            let room = LONGEST_BODY - out.len();
            out.extend_from_slice(&data[..data.len().min(room)]);
            if out.len() == LONGEST_BODY {
                break;
            }
        }
    }
    out
}

static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_or_else(
            // The provider supports both versions, so that this cannot fail; 1.2 alone would do.
            |_| ClientConfig::builder(),
            std::convert::identity,
        )
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
});

/// Accepts every certificate: a missing or expired one may be the very reason for the challenge.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
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
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(from: &str, to: &str) -> Result<String, String> {
        let from = Url::parse(from).unwrap();
        next(&from, to, Ports::default())
            .map(|url| url.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn redirects_are_followed_where_a_ca_follows() {
        let from = "http://shop.example/.well-known/acme-challenge/a";
        for (to, expected) in [
            ("https://shop.example/x", "https://shop.example/x"),
            ("//www.shop.example:443/x", "http://www.shop.example:443/x"),
            ("/login?next=1#top", "http://shop.example/login?next=1"),
            ("http://other.example:80/", "http://other.example/"),
        ] {
            assert_eq!(redirected(from, to), Ok(expected.into()), "{to}");
        }
        for (to, why) in [
            ("https://shop.example:8443/x", "80 and 443 only"),
            ("ftp://shop.example/", "neither http nor https"),
            ("http://[", "not a URL"),
        ] {
            assert!(redirected(from, to).unwrap_err().contains(why), "{to}");
        }
    }

    #[test]
    fn the_request_has_path_and_query_alone() {
        for (url, path) in [("http://a.example:8080/x/y?z=1", "/x/y?z=1"), ("https://[::1]/", "/")] {
            let url = Url::parse(url).unwrap();
            assert_eq!(path_and_query(&url), path);
        }
    }
}
