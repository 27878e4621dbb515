//! What stands in front of Pebble and limits as Let's Encrypt does: token buckets with their exemptions, refusals with
//! Retry-After, windows for renewals, outages. It counts everything: what it has counted is what a test believes.
//!
//! It counts in its own way, and shares nothing with the program. Bodies are signed, not encrypted, so that it reads them
//! without a key.

mod book;
mod buckets;
mod http;

use std::{
    io::Write as _,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustls::{ServerConfig, ServerConnection};
use serde_json::json;

pub(crate) use self::{book::Counts, buckets::Rate};
use self::{
    book::{Book, Refusal},
    http::{Answer, Request, path_of, text},
};
use super::{
    front,
    pebble::Pebble,
    pki::{Pki, now},
    server::{curl, free_port},
    tls::{ask, server_config},
};

/// The limits, and how much faster than ours the time of the CA passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// New orders of an account.
    pub(crate) orders: Rate,
    /// Certificates of a registered domain.
    pub(crate) domain: Rate,
    /// Certificates for exactly the same names.
    pub(crate) same_names: Rate,
    /// Failed authorizations of a name and an account.
    pub(crate) failures: Rate,
    pub(crate) speed: u32,
}

impl Rates {
    /// Those of Let's Encrypt, in a thousandth of the time (<https://letsencrypt.org/docs/rate-limits/>).
    pub(crate) const LETS_ENCRYPT: Self = Self {
        orders: Rate::new(300, Duration::from_hours(3)),
        domain: Rate::new(50, Duration::from_hours(168)),
        same_names: Rate::new(5, Duration::from_hours(168)),
        failures: Rate::new(5, Duration::from_hours(1)),
        speed: 1_000,
    };
}

/// What the CA does in place of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// 503 with Retry-After.
    Unavailable,
    /// Requests are read and not answered.
    Hang,
    /// Nobody listens.
    Refuse,
}

struct State {
    book: Book,
    outage: Option<Outage>,
    /// How much later than usual it answers new orders.
    late: Duration,
    /// The method and path of each request, and when it came.
    requests: Vec<(Instant, String, String)>,
    /// Whether the test is over.
    over: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    config: Arc<ServerConfig>,
    server: SocketAddr,
    /// The path of newOrder.
    new_order: String,
    /// The path of renewal information, to which the id of a certificate is added.
    renewal_info: String,
    /// Retry-After of renewal information, in seconds.
    look_again: u64,
}

/// A CA with limits.
pub(crate) struct Limiter {
    pub(crate) url: String,
    dir: tempfile::TempDir,
    shared: Arc<Shared>,
}

impl Limiter {
    /// In front of a Pebble, with the limits of Let's Encrypt.
    pub(crate) fn of(pebble: &Pebble) -> Self {
        Self::with(pebble, |_| {})
    }

    /// With other limits.
    pub(crate) fn with(pebble: &Pebble, change: impl FnOnce(&mut Rates)) -> Self {
        let mut rates = Rates::LETS_ENCRYPT;
        change(&mut rates);
        let directory = pebble.directory_url();
        let ca = pebble.ca_file();
        let listed = curl(&["--cacert", ca.to_str().unwrap(), &directory]).unwrap();
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let (pki, dir) = (Pki::new(), tempfile::tempdir().unwrap());
        std::fs::write(dir.path().join("ca.pem"), pki.root_pem()).unwrap();
        let rest = directory.strip_prefix("https://").unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                book: Book::new(&rates),
                outage: None,
                late: Duration::ZERO,
                requests: Vec::new(),
                over: false,
            }),
            changed: Condvar::new(),
            config: server_config(&pki.pair(&["127.0.0.1"])),
            server: rest.split_once('/').unwrap().0.parse().unwrap(),
            new_order: path_of(&text(&listed["newOrder"])),
            renewal_info: path_of(&text(&listed["renewalInfo"])),
            look_again: (21_600 / u64::from(rates.speed)).max(1),
        });
        // No connection gets this port by chance while nobody listens.
        let port = free_port();
        let of = Arc::clone(&shared);
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        std::thread::spawn(move || listen(listener, port, &of));
        Self {
            url: format!("https://127.0.0.1:{port}{}", path_of(&directory)),
            dir,
            shared,
        }
    }

    /// What its HTTPS is to be trusted by.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// From now on the CA is out of order, or well again. What hangs is closed then.
    pub(crate) fn outage(&self, outage: Option<Outage>) {
        self.state().outage = outage;
        self.shared.changed.notify_all();
        // The listener follows within a moment.
        let address = self
            .url
            .strip_prefix("https://")
            .and_then(|rest| rest.split('/').next());
        let address: SocketAddr = address.unwrap().parse().unwrap();
        let wanted = outage != Some(Outage::Refuse);
        super::eventually("the CA's listener", || {
            let listens = TcpStream::connect(address).is_ok();
            (listens == wanted)
                .then_some(())
                .ok_or_else(|| format!("it listens: {listens}"))
        });
    }

    /// From now on the CA answers new orders so much later: it has made them by then.
    #[expect(dead_code, reason = "a bench needs it")]
    pub(crate) fn late(&self, late: Duration) {
        self.state().late = late;
    }

    /// What there was for exactly these names.
    pub(crate) fn counts(&self, names: &[&str]) -> Counts {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.state()
            .book
            .counts
            .get(&book::set(&names))
            .copied()
            .unwrap_or_default()
    }

    /// What there was for each set of names: `a.example,b.example`.
    pub(crate) fn all_counts(&self) -> Vec<(String, Counts)> {
        let state = self.state();
        state
            .book
            .counts
            .iter()
            .map(|(set, counts)| (set.clone(), *counts))
            .collect()
    }

    /// How many orders each account has, by its URL.
    pub(crate) fn orders_by_account(&self) -> Vec<(String, usize)> {
        self.state().book.orders_by_account().into_iter().collect()
    }

    /// How many orders were refused because of a limit.
    pub(crate) fn refused(&self) -> usize {
        self.state().book.refused
    }

    /// The requests since a moment whose path begins so: `POST /order-plz`.
    pub(crate) fn requests(&self, since: Instant, path: &str) -> Vec<String> {
        let state = self.state();
        let of = state
            .requests
            .iter()
            .filter(|(at, _, found)| *at >= since && found.starts_with(path));
        of.map(|(_, method, path)| format!("{method} {path}")).collect()
    }

    /// The path of newOrder.
    pub(crate) fn new_order_path(&self) -> &str {
        &self.shared.new_order
    }

    /// Suggests this window for the renewal of every certificate, in seconds since 1970, in place of the usual one.
    pub(crate) fn suggest(&self, window: Option<(i64, i64)>) {
        self.state().book.window = window;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.state().over = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens except while the CA refuses connections.
fn listen(listener: TcpListener, port: u16, shared: &Arc<Shared>) {
    let mut listener = Some(listener);
    loop {
        let (outage, over) = {
            let state = shared.state();
            (state.outage, state.over)
        };
        if over {
            return;
        }
        if outage == Some(Outage::Refuse) {
            listener = None;
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        let listening = listener.get_or_insert_with(|| TcpListener::bind(("127.0.0.1", port)).unwrap());
        listening.set_nonblocking(true).unwrap();
        match listening.accept() {
            Ok((client, _)) => {
                client.set_nonblocking(false).unwrap();
                let shared = Arc::clone(shared);
                std::thread::spawn(move || serve(client, &shared));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// One request of a connection, which is closed after it.
fn serve(mut tcp: TcpStream, shared: &Shared) {
    let mut tls = ServerConnection::new(Arc::clone(&shared.config)).unwrap();
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    let Some(bytes) = front::request(&mut stream) else {
        return;
    };
    let Some(answer) = answer(&bytes, shared) else { return };
    let _ = stream.write_all(&answer);
    let _ = stream.flush();
    stream.conn.send_close_notify();
    let _ = stream.conn.complete_io(stream.sock);
}

/// The answer to a request; `None` if there is none.
fn answer(bytes: &[u8], shared: &Shared) -> Option<Vec<u8>> {
    let request = Request::read(bytes);
    let mut state = shared.state();
    let seen = (Instant::now(), request.method.clone(), request.path.clone());
    state.requests.push(seen);
    match state.outage {
        Some(Outage::Unavailable) => return Some(unavailable()),
        Some(Outage::Hang) => {
            let hangs = |state: &mut State| state.outage == Some(Outage::Hang) && !state.over;
            drop(shared.changed.wait_while(state, hangs));
            return None;
        }
        Some(Outage::Refuse) => return None,
        None => {}
    }
    let of_certificate = request.path.strip_prefix(shared.renewal_info.as_str());
    if let Some(window) = of_certificate.and_then(|id| state.book.window_of(id.trim_matches('/'))) {
        return Some(renewal_info(window, shared.look_again));
    }
    let is_order = request.method == "POST" && request.path == shared.new_order;
    let admitted = match is_order.then(|| state.book.admit(&request)).transpose() {
        Ok(admitted) => admitted,
        Err(refusal) => return Some(too_many(&refusal, &request)),
    };
    drop(state);
    let passed = ask(shared.server, bytes);
    // An answer that did not come is none that the client sees either.
    let read = Answer::read(passed.as_deref().unwrap_or_default());
    let mut state = shared.state();
    let mut late = Duration::ZERO;
    match admitted {
        Some(exempt) => {
            state.book.ordered(&request, exempt, &read);
            late = state.late;
        }
        None => state.book.saw(&request, &read),
    }
    drop(state);
    std::thread::sleep(late);
    passed.ok()
}

fn response(status: &str, kind: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// As Let's Encrypt refuses: the moment is in the words too.
fn too_many(refusal: &Refusal, request: &Request) -> Vec<u8> {
    let seconds = refusal.wait.as_secs() + u64::from(refusal.wait.subsec_nanos() > 0);
    let until = now() + time::Duration::seconds(i64::try_from(seconds).unwrap());
    let (date, time) = (until.date(), until.time());
    let (hour, minute, second) = time.as_hms();
    let detail = format!(
        "{}, retry after {date} {hour:02}:{minute:02}:{second:02} UTC: see https://letsencrypt.org/docs/rate-limits/#{}",
        refusal.words, refusal.anchor
    );
    let body = json!({"type": "urn:ietf:params:acme:error:rateLimited", "detail": detail, "status": 429});
    // The nonce of the request was not used.
    let nonce = text(&request.protected["nonce"]);
    let headers = format!("Retry-After: {seconds}\r\nReplay-Nonce: {nonce}\r\n");
    response(
        "429 Too Many Requests",
        "application/problem+json",
        &headers,
        &body.to_string(),
    )
}

/// As what stands before Let's Encrypt answers then.
fn unavailable() -> Vec<u8> {
    let detail = "The service is down for maintenance or had an internal error.";
    let body = json!({"type": "urn:acme:error:serverInternal", "detail": detail});
    response(
        "503 Service Unavailable",
        "application/problem+json",
        "Retry-After: 1\r\n",
        &body.to_string(),
    )
}

fn renewal_info((start, end): (i64, i64), look_again: u64) -> Vec<u8> {
    let time = |seconds: i64| {
        let at = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let (hour, minute, second) = at.time().as_hms();
        format!("{}T{hour:02}:{minute:02}:{second:02}Z", at.date())
    };
    let body = json!({"suggestedWindow": {"start": time(start), "end": time(end)}});
    response(
        "200 OK",
        "application/json",
        &format!("Retry-After: {look_again}\r\n"),
        &body.to_string(),
    )
}
