//! Answers challenges over HTTP (RFC 8555, section 8.3) without storing any: the answer to a token is the token, a dot
//! and the thumbprint of the account's key, which is not secret.

use std::{convert::Infallible, fmt, future::ready, net::SocketAddr, str::FromStr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{CHALLENGE_PREFIX, is_token, standing::Answers, table::HEALTH_PATH};
use crate::net::server::{self, Bounds};

/// How it is kept free for a CA, which is done in milliseconds.
const BOUNDS: Bounds = Bounds {
    connections: 256,
    head: Duration::from_secs(5),
    longest: Duration::from_secs(30),
    keep_alive: false,
};

/// The thumbprint of an account's key (RFC 8555, section 8.1): the base64url of a SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Thumbprint(String);

/// The text is not a thumbprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the thumbprint of an account's key: 43 characters of base64url")]
pub struct NotAThumbprint(String);

impl FromStr for Thumbprint {
    type Err = NotAThumbprint;

    fn from_str(text: &str) -> Result<Self, NotAThumbprint> {
        if text.len() == 43 && is_token(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAThumbprint(crate::text::shorten(text, 100).into_owned()))
        }
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Thumbprint {
    /// The answer to a token.
    pub fn answer(&self, token: &str) -> String {
        format!("{token}.{}", self.0)
    }
}

/// Which tokens are answered.
#[derive(Debug, Clone)]
pub enum Answering {
    /// All, with the thumbprint of an account's key.
    All(Thumbprint),
    /// Those of the orders in progress, for their hosts.
    Only(Arc<Answers>),
}

impl Answering {
    fn answer(&self, host: Option<&str>, token: &str) -> Option<String> {
        match self {
            Self::All(thumbprint) => Some(thumbprint.answer(token)),
            Self::Only(answers) => answers.of(host, token),
        }
    }
}

impl From<Thumbprint> for Answering {
    fn from(thumbprint: Thumbprint) -> Self {
        Self::All(thumbprint)
    }
}

/// The status and the body of the answer to a request.
fn answer(method: &Method, host: Option<&str>, path: &str, answering: &Answering) -> (StatusCode, String) {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, String::new());
    }
    if path == HEALTH_PATH {
        return (StatusCode::OK, "ok".to_owned());
    }
    let token = path.strip_prefix(CHALLENGE_PREFIX).filter(|token| is_token(token));
    match token.and_then(|token| answering.answer(host, token)) {
        Some(answer) => (StatusCode::OK, answer),
        None => (StatusCode::NOT_FOUND, String::new()),
    }
}

fn respond(request: &Request<Incoming>, answering: &Answering) -> Response<Full<Bytes>> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let (status, body) = answer(request.method(), host, request.uri().path(), answering);
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    let fresh = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, fresh);
    response
}

/// Answers on `listener` until `stop` is ready. Errors of one connection do not affect others.
pub async fn serve(listener: TcpListener, answering: impl Into<Answering>, stop: impl Future<Output = ()>) {
    let answering = Arc::new(answering.into());
    let service =
        service_fn(move |request: Request<Incoming>| ready(Ok::<_, Infallible>(respond(&request, &answering))));
    server::serve(listener, BOUNDS, service, stop).await;
}

/// What to do if it cannot listen on an address.
pub fn listening_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address: name one that it has and that the cluster reaches, with --advertise ADDRESS:PORT"
        }
        std::io::ErrorKind::PermissionDenied => {
            "ports below 1024 are reserved for root: name another with --advertise ADDRESS:PORT"
        }
        _ => "another program has the port: name another with --advertise ADDRESS:PORT",
    }
}

/// A responder that runs in this process until it is dropped.
#[derive(Debug)]
pub struct Responder {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Responder {
    /// Starts a responder on `address`; port 0 selects any free port.
    pub async fn start(address: SocketAddr, answering: impl Into<Answering>) -> std::io::Result<Self> {
        let answering = answering.into();
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, answering, async {
            let _ = stopped.await;
        }));
        Ok(Self {
            address,
            stop: Some(stop),
            task,
        })
    }

    /// The address at which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::timeout,
    };

    use super::*;
    use crate::net::server::LARGEST_HEAD;

    fn thumbprint() -> Thumbprint {
        "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ".parse().unwrap()
    }

    #[test]
    fn only_a_well_formed_token_is_answered() {
        let of = |path: &str| answer(&Method::GET, None, path, &thumbprint().into());
        let (status, body) = of("/.well-known/acme-challenge/tok_en-1");
        assert_eq!((status, body), (StatusCode::OK, format!("tok_en-1.{}", thumbprint())));
        for path in [
            "/",
            "/.well-known/acme-challenge/",
            "/.well-known/acme-challenge",
            "/.well-known/acme-challenge/a/b",
            "/.well-known/acme-challenge/a.b",
            "/.well-known/acme-challenge/%41",
            "/.well-known/acme-challenge/..",
            "/.well-known/acme-challenge/tok\"en",
            "//.well-known/acme-challenge/a",
        ] {
            assert_eq!(of(path).0, StatusCode::NOT_FOUND, "{path}");
        }
        let long = format!("/.well-known/acme-challenge/{}", "a".repeat(300));
        assert_eq!(of(&long).0, StatusCode::NOT_FOUND);
        assert_eq!(of(HEALTH_PATH).0, StatusCode::OK);
        let post = answer(
            &Method::POST,
            None,
            "/.well-known/acme-challenge/a",
            &thumbprint().into(),
        );
        assert_eq!(post.0, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn a_thumbprint_is_base64url_of_32_bytes() {
        for wrong in ["", "short", &"a".repeat(44), &format!("{}.", "a".repeat(42))] {
            assert!(wrong.parse::<Thumbprint>().is_err(), "{wrong:?}");
        }
    }

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut said = String::new();
        let _ = tcp.read_to_string(&mut said).await;
        said
    }

    #[tokio::test]
    async fn a_real_socket_is_answered_and_closed_when_it_is_dropped() {
        let responder = Responder::start("127.0.0.1:0".parse().unwrap(), thumbprint())
            .await
            .unwrap();
        let address = responder.address();
        let get = "GET /.well-known/acme-challenge/abc HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
        let answers = futures_util::future::join_all((0..40).map(|_| ask(address, get))).await;
        for said in answers {
            assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
            assert!(said.ends_with(&format!("\r\n\r\nabc.{}", thumbprint())), "{said}");
        }
        let head = ask(address, &get.replacen("GET", "HEAD", 1)).await;
        assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
        // Connections without a request do not keep others out.
        let mut silent = Vec::new();
        for _ in 0..BOUNDS.connections + 20 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let said = timeout(Duration::from_secs(2), ask(address, get))
            .await
            .expect("an answer at once");
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        drop(silent);
        let huge = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "a".repeat(LARGEST_HEAD * 2)
        );
        let said = ask(address, &huge).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
        drop(responder);
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
