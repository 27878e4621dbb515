//! Fetches the issuer's certificate from the URL in a certificate (RFC 5280, section 4.2.2.1). Only plain http is
//! supported. The URL is not trusted, because anybody can be the author of a certificate.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::{net::TcpStream, time::timeout};

use super::{
    ResolveError,
    address::{is_private, is_refused, resolve},
};

/// How long one fetch may take, including the lookup.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer in bytes; a certificate has some 1.5 KB.
pub const LARGEST: usize = 64 << 10;

/// Where a fetch may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To public addresses, at port 80.
    Public,
    /// Also to private addresses and those of this machine, at any port. Never to link-local ones, where cloud
    /// providers offer credentials.
    Private,
}

impl Reach {
    /// Whether requests to an address are permitted.
    fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        !is_refused(address) && !link_local && (self == Self::Private || !is_private(address))
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AiaError {
    /// The URL is not one of plain http without credentials.
    #[error("it is not a plain http URL")]
    NotHttp,
    /// The URL has a port other than 80.
    #[error("port {0} is not allowed; --fetch-intermediates=private allows any")]
    Port(u16),
    /// The host has no address.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The host has no address to which requests are permitted.
    #[error("{0} is not allowed; --fetch-intermediates=private allows private addresses too")]
    Address(IpAddr),
    /// The connection is refused or breaks, or the answer is not HTTP or is too large.
    #[error("{0}")]
    Broken(String),
    /// The status is not 200. Redirects are not followed.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// The fetch takes too long.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Late,
}

/// Fetches a URL: at most [`LARGEST`] bytes, within [`TIMEOUT`].
pub async fn fetch(url: &str, reach: Reach) -> Result<Vec<u8>, AiaError> {
    let url: Url = url.parse().map_err(|_| AiaError::NotHttp)?;
    timeout(TIMEOUT, get(&url, reach)).await.map_err(|_| AiaError::Late)?
}

async fn get(url: &Url, reach: Reach) -> Result<Vec<u8>, AiaError> {
    let plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
    let host = url.host_str().filter(|_| plain).ok_or(AiaError::NotHttp)?;
    let port = url.port().unwrap_or(80);
    if reach == Reach::Public && port != 80 {
        return Err(AiaError::Port(port));
    }
    let addresses = resolve(host.trim_matches(['[', ']']), TIMEOUT).await?;
    let allowed = addresses.iter().copied().find(|address| reach.allows(*address));
    let Some(address) = allowed else {
        // A successful lookup returns at least one address.
        return Err(addresses.first().map_or(AiaError::NotHttp, |a| AiaError::Address(*a)));
    };
    let broken = |error: &(dyn std::error::Error + 'static)| AiaError::Broken(crate::error::chain(error));
    let tcp = TcpStream::connect(SocketAddr::new(address, port))
        .await
        .map_err(|error| broken(&error))?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(LARGEST)
        .handshake(TokioIo::new(tcp))
        .await
        .map_err(|error| broken(&error))?;
    // The task ends with the connection, which ends with the response, because the request asks to close it.
    tokio::spawn(async move {
        let _ = timeout(TIMEOUT, connection).await;
    });
    let authority = url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let path = url
        .query()
        .map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let request = Request::get(path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, concat!("kubectl-certs/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| broken(&error))?;
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    if response.status() != StatusCode::OK {
        return Err(AiaError::Status(response.status()));
    }
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    body.map(|body| body.to_bytes().to_vec())
        .map_err(|error| AiaError::Broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// A server on this machine with the same answer for everything. Returns its URL.
    async fn server(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/ca.der", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 1000];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(&answer).await;
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
            }
        });
        url
    }

    fn ok(body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn what_is_there_comes_and_no_more_than_it_may() {
        let url = server(ok(b"der")).await;
        assert_eq!(fetch(&url, Reach::Private).await.unwrap(), b"der");
        let most = server(ok(&vec![b'x'; LARGEST])).await;
        assert_eq!(fetch(&most, Reach::Private).await.unwrap().len(), LARGEST);
        let large = server(ok(&vec![b'x'; LARGEST + 1])).await;
        assert!(matches!(fetch(&large, Reach::Private).await, Err(AiaError::Broken(_))));
        let moved =
            server(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
        assert!(matches!(fetch(&moved, Reach::Private).await, Err(AiaError::Status(s)) if s == 302));
        let other = server(b"SSH-2.0-x\r\n".to_vec()).await;
        assert!(matches!(fetch(&other, Reach::Private).await, Err(AiaError::Broken(_))));
        let began = std::time::Instant::now();
        let silent = server(Vec::new()).await;
        assert!(matches!(fetch(&silent, Reach::Private).await, Err(AiaError::Late)));
        assert!(began.elapsed() < TIMEOUT * 2);
    }

    #[tokio::test]
    async fn a_certificate_leads_nobody_to_where_it_should_not() {
        let inside = server(ok(b"secret")).await;
        assert!(matches!(fetch(&inside, Reach::Public).await, Err(AiaError::Port(_))));
        for url in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://10.0.0.1/",
            "http://192.168.1.1/x",
            "http://[fd00::1]/",
        ] {
            assert!(
                matches!(fetch(url, Reach::Public).await, Err(AiaError::Address(_))),
                "{url}"
            );
        }
        for reach in [Reach::Public, Reach::Private] {
            for url in [
                "http://169.254.169.254/latest",
                "http://[fe80::1]/",
                "http://0.0.0.0/",
                "http://[::ffff:169.254.169.254]/",
            ] {
                assert!(matches!(fetch(url, reach).await, Err(AiaError::Address(_))), "{url}");
            }
            for url in [
                "https://ca.example/x",
                "ldap://ca.example/cn=x",
                "http://u:p@ca.example/",
                "file:///etc/passwd",
                "x",
                "http://",
            ] {
                assert!(matches!(fetch(url, reach).await, Err(AiaError::NotHttp)), "{url}");
            }
        }
    }
}
