//! What the requests and answers of ACME say, read without any key.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

/// A request: its first line and its body, if that is JSON.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// The protected header of the JWS.
    pub(super) protected: Value,
    /// What is signed.
    pub(super) payload: Value,
}

impl Request {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let (head, body) = halves(bytes);
        let mut words = head.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, path) = (word(), word());
        let jws: Value = serde_json::from_slice(body).unwrap_or_default();
        let part = |name: &str| {
            let text = jws[name].as_str().unwrap_or_default();
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
            serde_json::from_slice(&bytes).unwrap_or_default()
        };
        Self {
            method,
            path,
            protected: part("protected"),
            payload: part("payload"),
        }
    }

    /// The URL of the account.
    pub(super) fn account(&self) -> String {
        text(&self.protected["kid"])
    }
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let (head, body) = halves(bytes);
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(':'));
            let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let is_chunked = header("transfer-encoding").eq_ignore_ascii_case("chunked");
        Self {
            status,
            location: header("location"),
            body: if is_chunked { joined(body) } else { body.to_vec() },
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The path of a URL.
pub(super) fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or(String::new(), |at| rest[at..].to_owned())
}

fn halves(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or(bytes.len());
    let body = bytes.get(end + 4..).unwrap_or_default();
    (String::from_utf8_lossy(&bytes[..end]).into_owned(), body)
}

/// A body without the marks of its chunks.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let size = String::from_utf8_lossy(&chunks[..end]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = chunks.get(end + 2..end + 2 + size).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        whole.extend_from_slice(chunk);
        chunks = chunks.get(end + 4 + size..).unwrap_or_default();
    }
    whole
}

#[test]
fn a_body_in_chunks_is_read_whole() {
    let answer = Answer::read(
        b"HTTP/1.1 201 Created\r\nLocation: https://a/b/c\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
    );
    assert_eq!((answer.status, answer.json()["a"].as_i64()), (201, Some(1)));
    assert_eq!(path_of(&answer.location), "/b/c");
}
