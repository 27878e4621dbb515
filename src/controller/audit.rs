//! What the controller did, as lines of JSON on standard output. Each line has the hash of the one before, so that a
//! line that was taken away or changed later can be told from where the hashes no longer follow each other
//! ([`plan::audit`](crate::plan::audit) reads and verifies them).

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Map, Value};

use crate::{
    clock::now,
    event::{Event, Level, Listen},
    object::Key,
    plan::audit,
    report::progress,
    text::date_time,
    x509::Fingerprint,
};

/// The lines of one process.
pub struct Audit {
    state: Mutex<State>,
    /// Where the certificates are ordered that are under way: each line about one says so.
    orders: Mutex<BTreeMap<Key, OrderedAt>>,
}

/// Where a certificate is ordered.
#[derive(Debug)]
struct OrderedAt {
    issuer: String,
    is_rehearsal: bool,
}

struct State {
    out: Box<dyn Write + Send>,
    /// The hash of the last line.
    last: Fingerprint,
}

impl Audit {
    /// Writes to `out`. The first line has the hash of nothing.
    pub fn new(out: impl Write + Send + 'static) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                out: Box::new(out),
                last: audit::of_nothing(),
            }),
            orders: Mutex::default(),
        })
    }

    /// From now on lines about a certificate say that it is ordered at this issuer.
    pub fn orders(&self, secret: &Key, issuer: &str) {
        self.place(secret, issuer, false);
    }

    /// From now on lines about a certificate say that a change to this issuer is rehearsed.
    pub fn rehearses(&self, secret: &Key, issuer: &str) {
        self.place(secret, issuer, true);
    }

    /// The order for a certificate, or the rehearsal, is over.
    pub fn over(&self, secret: &Key) {
        self.orders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(secret);
    }

    fn place(&self, secret: &Key, issuer: &str, is_rehearsal: bool) {
        let mut all = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let issuer = issuer.to_owned();
        all.insert(secret.clone(), OrderedAt { issuer, is_rehearsal });
    }

    /// Writes a line with these fields, the time and the hash of the line before. What cannot be written is lost: a
    /// certificate is not left to expire because a log is full.
    pub fn line(&self, fields: impl IntoIterator<Item = (&'static str, Value)>) {
        let mut line: Map<String, Value> = Map::new();
        line.insert("time".to_owned(), date_time(now()).into());
        line.extend(fields.into_iter().map(|(key, value)| (key.to_owned(), value)));
        self.write(line);
    }

    /// Writes something for a person.
    pub fn say(&self, level: Level, text: &str) {
        let level = match level {
            Level::Note => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        self.line([("level", level.into()), ("message", text.into())]);
    }

    fn write(&self, mut line: Map<String, Value>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        line.insert(audit::PREVIOUS.to_owned(), state.last.to_string().into());
        // One line: JSON escapes the line breaks of a text.
        let text = Value::Object(line).to_string();
        state.last = audit::hash(&text);
        let _ = writeln!(state.out, "{text}").and_then(|()| state.out.flush());
    }
}

impl Listen for Audit {
    fn hear(&self, event: &Event) {
        let text = progress::json(event, &date_time(now()));
        let Ok(Value::Object(mut line)) = serde_json::from_str(&text) else {
            return;
        };
        if let Some(secret) = &event.secret {
            let all = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = all.get(secret) {
                line.insert("ca".to_owned(), place.issuer.as_str().into());
                if place.is_rehearsal {
                    line.insert("rehearsal".to_owned(), true.into());
                }
            }
        }
        self.write(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;

    /// A place that a test can look into.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_line_has_the_hash_of_the_one_before() {
        let page = Page::default();
        let audit = Audit::new(page.clone());
        audit.say(Level::Note, "begun");
        let secret = Key::new("shop", "shop-tls");
        audit.orders(&secret, "second");
        let done = Event {
            secret: Some(secret.clone()),
            kind: EventKind::Done,
        };
        audit.hear(&done);
        audit.over(&secret);
        audit.hear(&done);
        audit.line([("event", "leader".into()), ("text", "two\nlines".into())]);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(
            lines[1].contains("\"ca\":\"second\"") && !lines[2].contains("\"ca\""),
            "{text}"
        );
        let mut before = Fingerprint::of(b"");
        for line in &lines {
            let read: Value = serde_json::from_str(line).unwrap();
            assert_eq!(read["previous"], before.to_string(), "{line}");
            assert!(read["time"].is_string(), "{line}");
            before = Fingerprint::of(line.as_bytes());
        }
        assert!(lines[1].contains("shop-tls") && lines[0].contains("begun"));
        let mut reader = audit::Reader::default();
        reader.file("stdout", &text);
        let read = reader.end();
        assert_eq!((read.lines, read.breaks.len(), read.chains.len()), (4, 0, 1));
    }
}
