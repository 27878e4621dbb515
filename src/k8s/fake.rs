//! A server for errors that no real one produces on demand: broken connections, silence, pages that do not come from an
//! API server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::{
    Connection,
    connect::{Timing, open},
    kubeconfig::Chosen,
};
use crate::object::{Change, Key, Kind};

/// What the server does after a request.
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Breaks the connection with a reset.
    Reset,
    /// Sends nothing more, and keeps the connection open.
    Hang,
}

/// An answer with a length.
pub(crate) fn answer(status: &str, content_type: &str, headers: &str, body: &str) -> Vec<Step> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    vec![Step::Send(format!("{head}{body}").into_bytes())]
}

pub(crate) fn json(body: &str) -> Vec<Step> {
    answer("200 OK", "application/json", "", body)
}

/// A refusal in the words of the API server.
pub(crate) fn refusal(code: u16, reason: &str, headers: &str) -> Vec<Step> {
    let body = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","code":{code},"reason":"{reason}","message":"words of {reason}"}}"#
    );
    answer(&format!("{code} {reason}"), "application/json", headers, &body)
}

/// A chunked answer without an end.
pub(crate) fn begin(pieces: &[&str]) -> Vec<Step> {
    let mut text =
        String::from("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    for piece in pieces {
        use std::fmt::Write as _;
        let _ = write!(text, "{:x}\r\n{piece}\r\n", piece.len());
    }
    vec![Step::Send(text.into_bytes())]
}

/// A complete chunked answer.
pub(crate) fn chunked(pieces: &[&str]) -> Vec<Step> {
    let mut steps = begin(pieces);
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}

/// A chunked answer without an end, followed by another step.
pub(crate) fn then(pieces: &[&str], step: Step) -> Vec<Step> {
    let mut steps = begin(pieces);
    steps.push(step);
    steps
}

/// A list of Ingresses with these names.
pub(crate) fn list(names: &[&str], version: &str, token: &str) -> String {
    let items: Vec<String> = names
        .iter()
        .map(|name| format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop"}},"spec":{{}}}}"#))
        .collect();
    let meta = format!(r#"{{"resourceVersion":"{version}","continue":"{token}"}}"#);
    format!(
        r#"{{"kind":"IngressList","apiVersion":"networking.k8s.io/v1","metadata":{meta},"items":[{}]}}"#,
        items.join(",")
    )
}

/// One event of a watch.
pub(crate) fn event(what: &str, name: &str, version: &str) -> String {
    let meta = format!(r#"{{"name":"{name}","namespace":"shop","resourceVersion":"{version}"}}"#);
    let head = r#""kind":"Ingress","apiVersion":"networking.k8s.io/v1""#;
    format!("{{\"type\":\"{what}\",\"object\":{{{head},\"metadata\":{meta},\"spec\":{{}}}}}}\n")
}

type Handler = dyn Fn(&str, usize) -> Vec<Step> + Send + Sync;

/// A running server.
pub(crate) struct Fake {
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    sent: Arc<Mutex<Vec<serde_json::Value>>>,
}

impl Fake {
    /// Starts a server. `handler` gets the path with its query, preceded by the method unless it is GET, and how many
    /// times the path was requested before, regardless of the query.
    pub(crate) async fn start(handler: impl Fn(&str, usize) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, sent) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let bodies = Arc::clone(&sent);
        let (handler, log) = (Arc::new(handler) as Arc<Handler>, Arc::clone(&asked));
        let seen = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(
                    stream,
                    Arc::clone(&handler),
                    Arc::clone(&log),
                    Arc::clone(&bodies),
                    Arc::clone(&seen),
                ));
            }
        });
        Self { address, asked, sent }
    }

    /// The bodies of the requests that had one.
    pub(crate) fn sent(&self) -> Vec<serde_json::Value> {
        self.sent.lock().unwrap().clone()
    }

    /// The paths that were requested.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A connection to it with short time limits.
    pub(crate) async fn connection(&self) -> Connection {
        let server = format!("http://{}", self.address);
        let chosen = Chosen {
            context: "fake".into(),
            is_current: true,
            cluster_name: "fake".into(),
            user: "alice".into(),
            namespace: "shop".into(),
            cluster: kube::config::Cluster {
                server: Some(server.clone()),
                ..Default::default()
            },
            server,
            auth: kube::config::AuthInfo::default(),
            token_first: false,
            root_file: None,
        };
        let mut connection = open(chosen, None).await.unwrap();
        let ms = Duration::from_millis;
        connection.timing = Timing {
            answer: ms(1000),
            greeting: ms(700),
            idle: ms(1000),
            silence: ms(600),
            tries: 3,
            pause: ms(20),
            longest_pause: Duration::from_secs(2),
            watch_pause: ms(200),
        };
        connection
    }
}

async fn serve(
    mut stream: TcpStream,
    handler: Arc<Handler>,
    asked: Arc<Mutex<Vec<String>>>,
    sent: Arc<Mutex<Vec<serde_json::Value>>>,
    seen: Arc<Mutex<HashMap<String, usize>>>,
) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let text = String::from_utf8(head).unwrap();
        assert!(text.to_lowercase().contains("user-agent: kubectl-certs/"), "{text}");
        assert!(text.to_lowercase().contains("accept-encoding: identity"), "{text}");
        let mut words = text.split(' ');
        let path = match (words.next().unwrap(), words.next().unwrap()) {
            ("GET", path) => path.to_owned(),
            (method, path) => format!("{method} {path}"),
        };
        let length = text.to_lowercase();
        let length = length
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).await.unwrap();
        if !body.is_empty() {
            sent.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        }
        asked.lock().unwrap().push(path.clone());
        let before = {
            let mut seen = seen.lock().unwrap();
            let count = seen.entry(path.split('?').next().unwrap().to_owned()).or_default();
            *count += 1;
            *count - 1
        };
        for step in handler(&path, before) {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Reset => {
                    // Let the bytes that were sent arrive first.
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    let _ = stream.set_zero_linger();
                    return;
                }
                Step::Hang => std::future::pending().await,
            }
        }
    }
}

/// A change in words: `+a` set, `-a` gone, `listed Ingress`, `not served Gateway`, `forbidden ...`.
pub(crate) fn word(change: &Change) -> String {
    match change {
        Change::Set(object) => format!("+{}", object.meta().name),
        Change::Made(made) => format!("made {}", made.by.name),
        Change::Gone(_, Key { name, .. }) => format!("-{name}"),
        Change::Listed(kind) => format!("listed {}", kind.as_str()),
        Change::NotServed(kind) => format!("not served {}", kind.as_str()),
        Change::Forbidden(f) => format!("forbidden {} {}", f.verb, f.kind.plural()),
    }
}

/// All changes in words until the sender is dropped.
pub(crate) async fn words(mut changes: mpsc::Receiver<Change>) -> Vec<String> {
    let mut out = Vec::new();
    while let Some(change) = changes.recv().await {
        out.push(word(&change));
    }
    out
}

/// The kind that the tests read.
pub(crate) const KIND: Kind = Kind::Ingress;
