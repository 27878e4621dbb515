//! A server on this machine that fails as no real one can be made to fail.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{AccountKey, Acme, Client, Issuer, Limits};

/// A request as the server got it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The protected header of a signed request.
    pub(crate) protected: Value,
    /// The payload; null for a POST-as-GET.
    pub(crate) payload: Value,
}

/// What the server does.
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Nothing, ever.
    Hang,
    /// Half an answer, and the connection is closed.
    Break,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, body.to_string())
    }

    pub(crate) fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// A problem of ACME's own types.
    pub(crate) fn problem(status: u16, kind: &str, detail: &str) -> Self {
        let kind = format!("urn:ietf:params:acme:error:{kind}");
        Self::json(status, &json!({"type": kind, "detail": detail}))
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

/// How the server answers: the request, its number among those to the same path (from 0), and the server's URL.
type Handler = dyn Fn(&Request, usize, &str) -> Reply + Send + Sync;

struct Shared {
    url: String,
    seen: Mutex<Vec<Request>>,
    handler: Box<Handler>,
    /// What the directory says of the CA.
    meta: Mutex<Value>,
    /// What the directory has otherwise than usual.
    directory: Mutex<Value>,
    /// The status of an answer that gives a nonce.
    nonce_status: AtomicU16,
    /// The status with which a HEAD is refused; 0 where it is not.
    head_status: AtomicU16,
}

/// The server. It gives out a directory at `/dir` and nonces at `/nonce`, and asks the test for the rest.
pub(crate) struct Fake {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub(crate) async fn start(handler: impl Fn(&Request, usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            url: format!("http://{}", listener.local_addr().unwrap()),
            seen: Mutex::default(),
            handler: Box::new(handler),
            meta: Mutex::new(
                json!({"profiles": {"classic": "the usual one"}, "termsOfService": "https://ca.example/terms"}),
            ),
            directory: Mutex::new(json!({})),
            nonce_status: AtomicU16::new(200),
            head_status: AtomicU16::new(0),
        });
        let serving = shared.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let shared = serving.clone();
                connections.spawn(async move { serve(connection, &shared).await });
            }
        });
        Self { shared, task }
    }

    /// From now on the directory says this of the CA.
    pub(crate) fn set_meta(&self, meta: Value) {
        *self.shared.meta.lock().unwrap() = meta;
    }

    /// From now on the directory has these in place of its own.
    pub(crate) fn set_directory(&self, changed: Value) {
        *self.shared.directory.lock().unwrap() = changed;
    }

    /// From now on HEAD is refused.
    pub(crate) fn refuse_head(&self, status: u16) {
        self.shared.head_status.store(status, Ordering::Relaxed);
    }

    /// From now on nonces come with another status than 200.
    pub(crate) fn set_nonce_status(&self, status: u16) {
        self.shared.nonce_status.store(status, Ordering::Relaxed);
    }

    pub(crate) fn issuer(&self) -> Issuer {
        let mut issuer = Issuer::new("fake", format!("{}/dir", self.shared.url));
        issuer.allow_http_loopback = true;
        issuer
    }

    pub(crate) async fn acme(&self) -> Acme {
        Acme::open_with(&self.issuer(), LIMITS).await.unwrap()
    }

    /// An account that need not be made.
    pub(crate) async fn client(&self) -> Client {
        self.acme().await.client(
            AccountKey::generate().unwrap(),
            format!("{}/account/1", self.shared.url),
        )
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.shared.url)
    }

    /// The requests to a path.
    pub(crate) fn seen(&self, path: &str) -> Vec<Request> {
        let seen = self.shared.seen.lock().unwrap();
        seen.iter().filter(|request| request.path == path).cloned().collect()
    }
}

/// Short, so that tests are.
pub(crate) const LIMITS: Limits = Limits {
    request: Duration::from_millis(400),
    tries: 4,
    backoff: Duration::from_millis(1),
    patience: Duration::from_secs(2),
};

async fn serve(connection: TcpStream, shared: &Shared) {
    let mut connection = BufReader::new(connection);
    while let Some(request) = read(&mut connection).await {
        let number = {
            let mut seen = shared.seen.lock().unwrap();
            seen.push(request.clone());
            seen.len()
        };
        let reply = match request.path.as_str() {
            "/nonce" => match (request.method.as_str(), shared.head_status.load(Ordering::Relaxed)) {
                ("HEAD", status @ 1..) => Reply::text(status, "").header("replay-nonce", ""),
                _ => Reply::text(shared.nonce_status.load(Ordering::Relaxed), ""),
            },
            "/dir" => Reply::json(200, &directory(shared)),
            path => {
                let seen = shared.seen.lock().unwrap().iter().filter(|r| r.path == path).count();
                (shared.handler)(&request, seen - 1, &shared.url)
            }
        };
        let mut out = Vec::new();
        match reply {
            Reply::Answer { status, headers, body } => {
                out.extend(format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len()).bytes());
                if !headers.iter().any(|(name, _)| *name == "replay-nonce") {
                    out.extend(format!("replay-nonce: n{number}\r\n").bytes());
                }
                for (name, value) in headers {
                    out.extend(format!("{name}: {value}\r\n").bytes());
                }
                out.extend(b"\r\n");
                out.extend(body);
            }
            Reply::Hang => std::future::pending().await,
            Reply::Break => {
                let _ = connection
                    .write_all(b"HTTP/1.1 200 X\r\ncontent-length: 900\r\n\r\n{\"status\"")
                    .await;
                return;
            }
        }
        if connection.write_all(&out).await.is_err() {
            return;
        }
    }
}

fn directory(shared: &Shared) -> Value {
    let url = &shared.url;
    let mut directory = json!({
        "newNonce": format!("{url}/nonce"), "newAccount": format!("{url}/new-account"),
        "newOrder": format!("{url}/new-order"), "revokeCert": format!("{url}/revoke"),
        "keyChange": format!("{url}/key-change"), "renewalInfo": format!("{url}/ari"),
        "meta": *shared.meta.lock().unwrap(),
    });
    for (name, value) in shared.directory.lock().unwrap().as_object().unwrap() {
        directory[name] = value.clone();
    }
    directory
}

async fn read(connection: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut first, mut length) = (String::new(), 0);
    connection.read_line(&mut first).await.ok()?;
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await.ok().filter(|n| *n > 0)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.ok()?;
    let jws: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (protected, payload) = opened(&jws);
    Some(Request {
        method: first.split(' ').next()?.to_owned(),
        path: first.split(' ').nth(1)?.to_owned(),
        protected,
        payload,
    })
}

/// The protected header and the payload of what is signed.
pub(crate) fn opened(jws: &Value) -> (Value, Value) {
    let part = |name: &str| {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(jws[name].as_str()?).ok()?;
        serde_json::from_slice(&decoded).ok()
    };
    (
        part("protected").unwrap_or_default(),
        part("payload").unwrap_or_default(),
    )
}
