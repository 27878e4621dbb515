//! The operator writes the record by hand.

use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    sync::Arc,
};

use futures_util::future::BoxFuture;

use super::provider::{Provider, Record};
use crate::{solve::SolveError, text::Clear};

/// The person who writes records.
pub trait Operator: Send + Sync {
    /// Shows a text of several lines, whose parts are cleared for a terminal. Returns when the operator confirms, or at
    /// once if nobody can.
    fn ask<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), SolveError>>;

    /// Shows a text of several lines, whose parts are cleared for a terminal.
    fn tell(&self, text: &str);
}

/// An operator at the terminal: text on stderr, Enter on stdin. Without a terminal there is no waiting for a
/// confirmation, because the DNS queries that follow show whether the record exists.
#[derive(Debug, Default)]
pub struct Terminal;

impl Operator for Terminal {
    fn ask<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            if !std::io::stdin().is_terminal() {
                self.tell(text);
                return Ok(());
            }
            self.tell(&format!("{text}Press Enter when it exists."));
            let (done, pressed) = tokio::sync::oneshot::channel();
            // A separate thread, because waiting for a key must not keep the program from ending.
            std::thread::spawn(move || {
                let mut line = String::new();
                let read = std::io::stdin().lock().read_line(&mut line);
                let _ = done.send(matches!(read, Ok(1..)));
            });
            match pressed.await {
                Ok(true) => Ok(()),
                _ => Err(SolveError::new("the terminal was closed before the record existed")),
            }
        })
    }

    fn tell(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// Asks an operator for one record after the other.
pub(super) struct Manual {
    operator: Arc<dyn Operator>,
    asking: tokio::sync::Mutex<()>,
}

impl Manual {
    pub(super) fn new(operator: Arc<dyn Operator>) -> Self {
        Self {
            operator,
            asking: tokio::sync::Mutex::default(),
        }
    }
}

impl Provider for Manual {
    fn label(&self) -> &'static str {
        "the operator"
    }

    fn add<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            let _turn = self.asking.lock().await;
            self.operator
                .ask(&text("Add this record", record, ", beside the values that it has:"))
                .await
        })
    }

    fn remove<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<bool, SolveError>> {
        Box::pin(async move {
            let _turn = self.asking.lock().await;
            self.operator
                .tell(&text("Remove this value again", record, ", and no other:"));
            Ok(true)
        })
    }
}

fn text(what: &str, record: &Record, how: &str) -> String {
    format!(
        "{what} in zone {}{how}\n\n    {}. {} IN TXT \"{}\"\n\n",
        Clear(&record.zone),
        Clear(&record.name),
        record.ttl,
        Clear(&record.value)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(std::sync::Mutex<Vec<String>>);

    impl Operator for Heard {
        fn ask<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), SolveError>> {
            Box::pin(async move {
                self.tell(text);
                Ok(())
            })
        }

        fn tell(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    #[tokio::test]
    async fn the_operator_reads_a_line_of_a_zone_file() {
        let heard = Arc::new(Heard::default());
        let manual = Manual::new(Arc::clone(&heard) as _);
        let record = Record {
            zone: "shop.example".to_owned(),
            name: "_acme-challenge.shop.example".to_owned(),
            value: "value\x1b[31m".to_owned(),
            ttl: 60,
            domain: "shop.example".to_owned(),
            token: "token".to_owned(),
        };
        manual.add(&record).await.unwrap();
        manual.remove(&record).await.unwrap();
        let heard = heard.0.lock().unwrap();
        assert_eq!(
            heard[0],
            "Add this record in zone shop.example, beside the values that it has:\n\n    \
             _acme-challenge.shop.example. 60 IN TXT \"value\\x1b[31m\"\n\n"
        );
        assert!(heard[1].starts_with("Remove this value again in zone shop.example, and no other:"));
    }
}
