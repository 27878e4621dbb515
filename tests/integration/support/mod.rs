//! What the end-to-end tests stand on: a PKI of their own, a namespace each, and the program run as kubectl runs it.

pub(crate) mod cluster;
pub(crate) mod controller;
pub(crate) mod customers;
pub(crate) mod dns;
pub(crate) mod front;
pub(crate) mod gate;
pub(crate) mod issuing;
pub(crate) mod kubeconfig;
pub(crate) mod limiter;
pub(crate) mod pages;
pub(crate) mod pebble;
pub(crate) mod pki;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod run;
pub(crate) mod second_ca;
pub(crate) mod server;
pub(crate) mod short_lives;
pub(crate) mod standin;
pub(crate) mod stepca;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod watcher;

use std::time::{Duration, Instant};

/// How long anything that should come about soon may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Asks until there is an answer. Panics with `what` and what was `seen` last when there is none in time.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, ask: impl FnMut() -> Result<T, String>) -> T {
    eventually_within(PATIENCE, what, ask)
}

/// The same for what may take longer.
#[track_caller]
pub(crate) fn eventually_within<T>(longest: Duration, what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let until = Instant::now() + longest;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(seen) => assert!(Instant::now() < until, "{what} did not come about; last seen: {seen}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
