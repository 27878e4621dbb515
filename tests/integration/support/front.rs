//! What stands in front of an ACME server and does what a well one never does: errors, pages of HTML, silence, broken
//! connections. All else goes to the server behind it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
};

use kubectl_certs::x509::{Interner, bundle};
use rcgen::CertificateParams;
use rustls::{ServerConfig, ServerConnection};

use super::{
    pki::Pki,
    tls::{ask, server_config},
};

/// What is done instead of passing a request on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// This answer: a status line, headers and a body.
    Answer(&'static str),
    /// Nothing until [`Front::fix`], and then the request is passed on.
    Hold,
    /// The connection is closed.
    Close,
    /// The certificate of the answer, issued again by [`Front::ca_file`]'s CA with other contents.
    Reissue(Reissue),
}

/// How a certificate is issued again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reissue {
    /// What is changed in it.
    pub(crate) change: fn(&mut CertificateParams),
    /// Whether its issuer is sent along.
    pub(crate) chain: bool,
}

/// The server is out of order for a while.
pub(crate) const UNAVAILABLE: Fault = Fault::Answer(
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/problem+json\r\nContent-Length: 2\r\n\
     Connection: close\r\n\r\n{}",
);
/// The server has failed.
pub(crate) const INTERNAL: Fault = Fault::Answer(
    "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/problem+json\r\nContent-Length: 80\r\nConnection: \
     close\r\n\r\n{\"type\":\"urn:ietf:params:acme:error:serverInternal\",\"detail\":\"the cat is on it\"}",
);
/// A page of what stands before the server.
pub(crate) const PAGE: Fault = Fault::Answer(
    "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 55\r\nConnection: close\r\n\r\n\
     <html><body><h1>The gateway is tired</h1></body></html>",
);

struct Rule {
    path: String,
    after: usize,
    times: usize,
    fault: Fault,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    /// Requests that are held now.
    held: usize,
    done: usize,
    /// The paths of all requests.
    paths: Vec<String>,
}

/// A way to an ACME server.
pub(crate) struct Front {
    pub(crate) url: String,
    dir: tempfile::TempDir,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Front {
    /// In front of the server of a directory: `https://IP:PORT/dir`.
    pub(crate) fn of(directory: &str) -> Self {
        let rest = directory.strip_prefix("https://").unwrap();
        let (server, path) = rest.split_once('/').unwrap();
        let server: SocketAddr = server.parse().unwrap();
        let (pki, dir) = (Arc::new(Pki::new()), tempfile::tempdir().unwrap());
        std::fs::write(dir.path().join("ca.pem"), pki.root_pem()).unwrap();
        let config = server_config(&pki.pair(&["127.0.0.1"]));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/{path}", listener.local_addr().unwrap());
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (config, state, pki) = (Arc::clone(&config), Arc::clone(&shared), Arc::clone(&pki));
                std::thread::spawn(move || pass(client, config, server, &state, &pki));
            }
        });
        Self { url, dir, state }
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Of the requests whose path begins so, the first `after` are passed on, and the next `times` are not.
    pub(crate) fn fault(&self, path: &str, after: usize, times: usize, fault: Fault) {
        self.state.0.lock().unwrap().rules.push(Rule {
            path: path.to_owned(),
            after,
            times,
            fault,
        });
    }

    /// From now on all are passed on, and those that are held.
    pub(crate) fn fix(&self) {
        self.state.0.lock().unwrap().rules.clear();
        self.state.1.notify_all();
    }

    /// Waits until a request is held.
    #[track_caller]
    pub(crate) fn wait_until_held(&self) {
        let state = self.state.0.lock().unwrap();
        let (state, _) = self
            .state
            .1
            .wait_timeout_while(state, super::PATIENCE, |state| state.held == 0)
            .unwrap();
        assert!(state.held > 0, "no request came that is held");
    }

    /// The paths of the requests so far whose path begins so.
    pub(crate) fn asked(&self, path: &str) -> Vec<String> {
        let state = self.state.0.lock().unwrap();
        state
            .paths
            .iter()
            .filter(|asked| asked.starts_with(path))
            .cloned()
            .collect()
    }

    /// How many faults there were.
    pub(crate) fn faults(&self) -> usize {
        self.state.0.lock().unwrap().done
    }
}

/// One request of a connection, which is closed after it.
fn pass(mut tcp: TcpStream, config: Arc<ServerConfig>, server: SocketAddr, state: &(Mutex<State>, Condvar), pki: &Pki) {
    let mut tls = ServerConnection::new(config).unwrap();
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    let Some(request) = request(&mut stream) else { return };
    let path = String::from_utf8_lossy(&request)
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let found = {
        let mut state = state.0.lock().unwrap();
        state.paths.push(path.clone());
        fault(&path, &mut state)
    };
    let answer = match found {
        None => ask(server, &request),
        Some(Fault::Answer(answer)) => Ok(answer.as_bytes().to_vec()),
        Some(Fault::Close) => return,
        Some(Fault::Reissue(how)) => ask(server, &request).map(|answer| reissued(&answer, how, pki)),
        Some(Fault::Hold) => {
            let mut held = state.0.lock().unwrap();
            held.held += 1;
            state.1.notify_all();
            // Until the rules are gone.
            let mut held = state.1.wait_while(held, |state| !state.rules.is_empty()).unwrap();
            held.held -= 1;
            drop(held);
            ask(server, &request)
        }
    };
    if let Ok(answer) = answer {
        let _ = stream.write_all(&answer);
        let _ = stream.flush();
        stream.conn.send_close_notify();
        let _ = stream.conn.complete_io(stream.sock);
    }
}

/// An answer with another certificate for the same names and key in it.
fn reissued(answer: &[u8], how: Reissue, pki: &Pki) -> Vec<u8> {
    let parsed = bundle::parse(Some(answer), None, &mut Interner::new());
    let names: Vec<String> = parsed.bundle.certificates[0]
        .names
        .iter()
        .map(ToString::to_string)
        .collect();
    let chain = pki.certify(&names, &parsed.der[0], how.change);
    let body = chain[..if how.chain { 2 } else { 1 }].concat();
    let length = body.len();
    let kind = "application/pem-certificate-chain";
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}

fn fault(path: &str, state: &mut State) -> Option<Fault> {
    let rule = state
        .rules
        .iter_mut()
        .find(|rule| path.starts_with(&rule.path) && (rule.after > 0 || rule.times > 0))?;
    if rule.after > 0 {
        rule.after -= 1;
        return None;
    }
    rule.times -= 1;
    let fault = rule.fault;
    state.done += 1;
    Some(fault)
}

/// A request, which asks the server to close after it.
pub(super) fn request(stream: &mut impl Read) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let length = name
                    .eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse());
                length?.ok()
            });
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                let mut request = format!("{head}\r\nConnection: close").into_bytes();
                request.extend_from_slice(&bytes[end..]);
                return Some(request);
            }
        }
        match stream.read(&mut buffer) {
            Ok(n @ 1..) => bytes.extend_from_slice(&buffer[..n]),
            _ => return None,
        }
    }
}
