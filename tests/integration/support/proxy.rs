//! What stands between the program and the API server and breaks: a TCP proxy, and `kubectl proxy` behind it where the
//! requests have to be seen.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use super::run::{Call, Running};

/// The API server of the testbed.
pub(crate) const API_SERVER: &str = "127.0.0.1:6443";

/// Passes bytes on until it is told not to.
pub(crate) struct Proxy {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// New connections are closed at once.
    broken: bool,
    /// Answers of a connection end after so many bytes.
    cut_after: Option<usize>,
    open: Vec<TcpStream>,
    /// Everything that clients have sent.
    asked: Vec<u8>,
    /// How many connections were cut short.
    cuts: usize,
    /// What is passed on in place of what.
    texts: Vec<(String, String)>,
}

impl Proxy {
    pub(crate) fn to(target: &str) -> Self {
        Self::replacing(target, None)
    }

    /// Passes one text on in place of another in what clients send, where the bytes are plain HTTP.
    pub(crate) fn replacing(target: &str, texts: Option<(String, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State {
            texts: texts.into_iter().collect(),
            ..State::default()
        }));
        let (shared, target) = (Arc::clone(&state), target.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut state = shared.lock().unwrap();
                if state.broken {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&target) else {
                    continue;
                };
                let both = [&client, &server].map(|s| s.try_clone().unwrap());
                let [client_again, server_again] = both.each_ref().map(|s| s.try_clone().unwrap());
                state.open.extend(both);
                let cut = state.cut_after;
                drop(state);
                let (up, down) = (Arc::clone(&shared), Arc::clone(&shared));
                std::thread::spawn(move || {
                    pass(client, server_again, None, |bytes| {
                        let mut state = up.lock().unwrap();
                        state.asked.extend_from_slice(bytes);
                        let text = std::str::from_utf8(bytes).ok()?;
                        let each = |text: String, (old, new): &(String, String)| text.replace(old.as_str(), new);
                        let replaced = state.texts.iter().fold(text.to_owned(), each);
                        (replaced != text).then(|| replaced.into_bytes())
                    })
                });
                std::thread::spawn(move || {
                    if pass(server, client_again, cut, |_| None) {
                        down.lock().unwrap().cuts += 1;
                    }
                });
            }
        });
        Self { address, state }
    }

    /// Breaks every connection, and lets no new one come about.
    pub(crate) fn break_all(&self) {
        let mut state = self.state.lock().unwrap();
        state.broken = true;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn fix(&self) {
        self.state.lock().unwrap().broken = false;
    }

    /// From now on passes these texts on in place of others in what clients send.
    #[expect(dead_code, reason = "a bench needs it")]
    pub(crate) fn replace(&self, texts: &[(&str, &str)]) {
        let owned = |(old, new): &(&str, &str)| ((*old).to_owned(), (*new).to_owned());
        self.state.lock().unwrap().texts = texts.iter().map(owned).collect();
    }

    /// From now on each connection breaks after so many bytes of answers.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.state.lock().unwrap().cut_after = Some(bytes);
    }

    /// How many connections were cut short.
    pub(crate) fn cuts(&self) -> usize {
        self.state.lock().unwrap().cuts
    }

    /// The method and path of each request, where the bytes are plain HTTP: `GET /api/v1/secrets?limit=500`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let asked = String::from_utf8_lossy(&self.state.lock().unwrap().asked).into_owned();
        let ends = asked.match_indices(" HTTP/1.1\r\n").map(|(at, _)| &asked[..at]);
        // A body without newline may stand before the method.
        let request = |before: &str| {
            let (before, path) = before.rsplit_once(' ')?;
            let method = before.rsplit(|c: char| !c.is_ascii_uppercase()).next()?;
            Some(format!("{method} {path}"))
        };
        ends.filter_map(request).collect()
    }

    /// The paths that were asked for, where the bytes are plain HTTP.
    pub(crate) fn paths(&self) -> Vec<String> {
        let asked = String::from_utf8_lossy(&self.state.lock().unwrap().asked).into_owned();
        let path = |line: &str| {
            line.strip_prefix("GET ")
                .and_then(|rest| rest.split(' ').next())
                .map(str::to_owned)
        };
        asked.lines().filter_map(path).collect()
    }
}

/// Tells whether it ended because enough had passed. What `seen` returns is passed on instead.
fn pass(
    mut from: TcpStream,
    mut to: TcpStream,
    most: Option<usize>,
    mut seen: impl FnMut(&[u8]) -> Option<Vec<u8>>,
) -> bool {
    let mut passed = 0;
    let mut buffer = [0; 16 << 10];
    let mut cut = false;
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if let Some(instead) = seen(&buffer[..n]) {
            if to.write_all(&instead).is_err() {
                break;
            }
            continue;
        }
        let n = most.map_or(n, |most| n.min(most - passed));
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
        passed += n;
        if most == Some(passed) {
            cut = true;
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
    cut
}

/// `kubectl proxy`: the API server in plain HTTP, as the admin.
pub(crate) struct Plain {
    pub(crate) address: String,
    _running: Running,
}

impl Plain {
    pub(crate) fn start() -> Self {
        let running = Call::kubectl(["proxy", "--port=0"]).start();
        let (line, _) = running.out.after(0, &["Starting to serve on"]);
        let address = line.rsplit(' ').next().unwrap().to_owned();
        Self {
            address,
            _running: running,
        }
    }
}
