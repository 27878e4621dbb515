//! Stops a run in which one certificate after another fails in the same way. What failed three times is likely to fail
//! the hundredth time too, and the CA counts each failure.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::BoxFuture;

use super::failure::TargetError;
use crate::{
    error::{Blame, Diagnose as _},
    object::Key,
    plan::Target,
};

/// How many consecutive failures of the same kind stop a run.
const ALIKE: usize = 3;

/// Decides whether a run continues.
pub trait GoOn: Send + Sync {
    /// Whether to continue, after `failures` in a row with the same message as `error`, and `left` certificates not yet
    /// started.
    fn go_on<'a>(&'a self, failures: usize, error: &'a str, left: usize) -> BoxFuture<'a, bool>;
}

/// The brake of one run.
pub struct Brake {
    asks: Arc<dyn GoOn>,
    all: AtomicUsize,
    begun: AtomicUsize,
    /// Locked while a decision is pending, so that no certificate is started meanwhile.
    row: tokio::sync::Mutex<Row>,
}

#[derive(Debug, Default)]
struct Row {
    said: String,
    length: usize,
    stopped: bool,
}

impl Brake {
    /// Makes a brake that consults `asks` before it continues.
    pub fn new(asks: Arc<dyn GoOn>) -> Self {
        Self {
            asks,
            all: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            row: tokio::sync::Mutex::default(),
        }
    }

    /// Announces this many more certificates.
    pub(super) fn expect(&self, count: usize) {
        self.all.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether one more certificate may be started.
    pub(super) async fn may_begin(&self) -> bool {
        let row = self.row.lock().await;
        if !row.stopped {
            self.begun.fetch_add(1, Ordering::Relaxed);
        }
        !row.stopped
    }

    /// Records how a certificate ended, and asks for a decision after one failure too many.
    pub(super) async fn ended(&self, target: &Target, error: Option<&TargetError>) {
        let mut row = self.row.lock().await;
        let Some(error) = error else {
            // A success shows that not everything fails.
            *row = Row {
                stopped: row.stopped,
                ..Row::default()
            };
            return;
        };
        let is_no_failure =
            error.blame() == Blame::Interrupted || matches!(error, TargetError::Stopped | TargetError::LeftOut { .. });
        if is_no_failure || error.is_taken() || error.is_waiting() || error.is_done_elsewhere() {
            return;
        }
        let said = crate::error::chain(error);
        let kind = kind_of(&said, target);
        if row.said == kind {
            row.length += 1;
        } else {
            (row.said, row.length) = (kind, 1);
        }
        let left = self
            .all
            .load(Ordering::Relaxed)
            .saturating_sub(self.begun.load(Ordering::Relaxed));
        if row.length < ALIKE || left == 0 || row.stopped {
            return;
        }
        row.stopped = !self.asks.go_on(row.length, &said, left).await;
        row.length = 0;
    }
}

/// The message of a failure without what differs between certificates: names, Secrets, numbers and URLs.
fn kind_of(said: &str, target: &Target) -> String {
    let Key { namespace, name } = &target.secret;
    let mut own: Vec<String> = target.names.order.iter().map(ToString::to_string).collect();
    own.extend([target.secret.to_string(), name.to_string(), namespace.to_string()]);
    // The longest first, because one host may be the end of another.
    own.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut kind = said.to_owned();
    for text in own.iter().filter(|text| !text.is_empty()) {
        kind = kind.replace(text, "_");
    }
    let words = kind.split_whitespace().map(|word| {
        if word.contains("://") {
            "_".to_owned()
        } else {
            word.replace(|c: char| c.is_ascii_digit(), "")
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{
        engine::{authority::NotNow, authorize::Refused, obtain::ObtainError},
        plan::Names,
        solve::SolveError,
    };

    struct Answers {
        yes: bool,
        asked: Mutex<Vec<(usize, String, usize)>>,
    }

    impl GoOn for Answers {
        fn go_on<'a>(&'a self, failures: usize, error: &'a str, left: usize) -> BoxFuture<'a, bool> {
            self.asked.lock().unwrap().push((failures, error.to_owned(), left));
            Box::pin(async move { self.yes })
        }
    }

    fn target(n: usize) -> Target {
        let host = format!("h{n}.example");
        Target {
            secret: Key::new("shop", format!("tls-{n}").as_str()),
            uses: Vec::new(),
            names: Names::join([host.as_str()], [], false),
            held: None,
            changes_ca: None,
        }
    }

    fn failure(n: usize, why: &str) -> TargetError {
        TargetError::CertManager {
            message: format!("h{n}.example: {why} after {n}00 ms, see https://ca.example/{n}"),
            hint: None,
        }
    }

    async fn run(yes: bool, whys: &[Option<&str>]) -> (usize, Vec<(usize, String, usize)>) {
        let ends = whys.iter().enumerate().map(|(n, why)| why.map(|why| failure(n, why)));
        run_of(yes, ends.collect()).await
    }

    /// How many certificates of a run are begun that end so, and what is asked meanwhile.
    async fn run_of(yes: bool, ends: Vec<Option<TargetError>>) -> (usize, Vec<(usize, String, usize)>) {
        let asks = Arc::new(Answers {
            yes,
            asked: Mutex::default(),
        });
        let brake = Brake::new(Arc::clone(&asks) as Arc<dyn GoOn>);
        brake.expect(ends.len());
        let mut begun = 0;
        for (n, end) in ends.iter().enumerate() {
            if !brake.may_begin().await {
                continue;
            }
            begun += 1;
            brake.ended(&target(n), end.as_ref()).await;
        }
        let asked = asks.asked.lock().unwrap().clone();
        (begun, asked)
    }

    #[tokio::test]
    async fn three_failures_alike_in_a_row_stop_what_has_not_begun() {
        let no = Some("no answer");
        let (begun, asked) = run(false, &[no; 10]).await;
        assert_eq!((begun, asked.len()), (3, 1));
        assert_eq!((asked[0].0, asked[0].2), (3, 7), "{asked:?}");
        let (begun, asked) = run(true, &[no; 10]).await;
        assert_eq!((begun, asked.len()), (10, 3), "who goes on is asked after three more");
    }

    #[tokio::test]
    async fn names_that_do_not_resolve_yet_stop_nothing() {
        let unresolved = |n| {
            let missing = SolveError::new("waiting for DNS").waiting();
            let name = format!("h{n}.example").parse().unwrap();
            Some(ObtainError::Names([(name, Refused::Solve(missing))].into()).into())
        };
        assert_eq!(run_of(false, (0..10).map(unresolved).collect()).await, (10, Vec::new()));
    }

    #[tokio::test]
    async fn an_interruption_and_a_leader_that_leads_no_longer_stop_nothing() {
        let ended = |n| {
            let not_now = NotNow("this process does not lead".to_owned());
            Some(if n < 5 {
                ObtainError::Interrupted.into()
            } else {
                not_now.into()
            })
        };
        assert_eq!(run_of(false, (0..10).map(ended).collect()).await, (10, Vec::new()));
    }

    #[tokio::test]
    async fn failures_that_differ_and_what_is_renewed_between_them_stop_nothing() {
        let (no, other) = (Some("no answer"), Some("CAA forbids it"));
        for whys in [
            [no, no, other, no, no, other],
            [no, no, None, no, no, None],
            [None, None, None, no, no, no],
        ] {
            let (begun, asked) = run(false, &whys).await;
            assert_eq!((begun, asked), (6, Vec::new()), "{whys:?}");
        }
    }
}
