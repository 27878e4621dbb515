//! A tiny web server on port 80 of an address of its own: it serves a directory, as a web server that is there already does
//! for lego and certbot, and answers for an account without a file where it is told the account's thumbprint.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::server::Address;

const PREFIX: &str = "/.well-known/acme-challenge/";

/// The server; it ends with the process.
pub(crate) struct Webroot {
    address: Address,
    dir: tempfile::TempDir,
    thumbprint: Arc<Mutex<Option<String>>>,
}

impl Webroot {
    pub(crate) fn start() -> Self {
        let (address, dir) = (Address::take(), tempfile::tempdir().unwrap());
        let listener = TcpListener::bind((address.ip(), 80)).unwrap();
        let (root, thumbprint) = (dir.path().to_owned(), Arc::new(Mutex::new(None)));
        let known = Arc::clone(&thumbprint);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, thumbprint) = (root.clone(), known.lock().unwrap().clone());
                std::thread::spawn(move || answer(stream, &root, thumbprint.as_deref()));
            }
        });
        Self {
            address,
            dir,
            thumbprint,
        }
    }

    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.address.ip()
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn answer_for(&self, thumbprint: String) {
        *self.thumbprint.lock().unwrap() = Some(thumbprint);
    }
}

fn answer(mut stream: TcpStream, root: &Path, thumbprint: Option<&str>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let (mut request, mut part) = (Vec::new(), [0; 2048]);
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(n) if n > 0 => request.extend_from_slice(&part[..n]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let token = path.strip_prefix(PREFIX).unwrap_or_default();
    let good = !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let file: PathBuf = root.join(&PREFIX[1..]).join(token);
    let body = good
        .then(|| {
            std::fs::read_to_string(file)
                .ok()
                .or_else(|| Some(format!("{token}.{}", thumbprint?)))
        })
        .flatten();
    let (status, body) = body.map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}
