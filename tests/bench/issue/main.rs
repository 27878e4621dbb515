//! Measures issuing: `tests/bench/run` starts it inside the testbed's network.
//!
//! `smoke` issues once each way and asks for no time; `full` measures it beside lego and certbot, and writes the tables of
//! `docs/performance.md`.

// Whoever uses the tests' support gets its panics; a bench that cannot go on ends so too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../../integration/support/mod.rs"]
#[allow(
    dead_code,
    unfulfilled_lint_expectations,
    unused_imports,
    reason = "the tests need more of it than this does"
)]
mod support;

mod clients;
mod events;
#[path = "../scan/machine.rs"]
mod machine;
mod many;
mod measure;
mod names;
mod page;
mod pebble_log;
mod route;
mod single;
mod webroot;

use std::{io::Write as _, path::PathBuf};

/// What to measure, from the command line.
struct Plan {
    /// The program that is measured.
    program: PathBuf,
    /// Another build of it, which is measured beside it in the row `names`.
    beside: Option<PathBuf>,
    /// Debian's lego and certbot; none in a smoke run.
    lego: Option<PathBuf>,
    certbot: Option<PathBuf>,
    /// How often each is measured.
    rounds: usize,
    /// How many Ingresses are renewed at once.
    routes: usize,
    smoke: bool,
    /// What is measured, where not all: `single`, `route`, `many`, `names`.
    only: Option<String>,
}

impl Plan {
    fn wants(&self, what: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == what)
    }
}

fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Some(plan) = plan() else {
        return;
    };
    let mut page = page::Page::default();
    if plan.wants("single") {
        page.single = single::all(&plan);
    }
    if plan.wants("route") {
        page.route = route::all(&plan);
    }
    if plan.wants("many") {
        page.many = Some(many::all(&plan));
    }
    if plan.wants("names") && !plan.smoke {
        page.names = names::all(&plan);
    }
    page.print();
    if !plan.smoke && plan.only.is_none() {
        page.write();
    }
}

/// Reads `[smoke|full] [--program FILE] [--beside FILE] [--lego FILE] [--certbot FILE] [--rounds N] [--routes N] [--only single|route|many|names]`.
/// `None` when there is nothing to do, as when `cargo test --benches` runs this.
fn plan() -> Option<Plan> {
    let mut plan = Plan {
        program: PathBuf::from(env!("CARGO_BIN_EXE_kubectl-certs")),
        beside: None,
        lego: None,
        certbot: None,
        rounds: 5,
        routes: 100,
        smoke: false,
        only: None,
    };
    let mut asked = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" | "--test" => {}
            "smoke" => (asked, plan.smoke, plan.rounds, plan.routes) = (true, true, 1, 10),
            "full" => asked = true,
            "--program" => plan.program = PathBuf::from(value()),
            "--beside" => plan.beside = Some(PathBuf::from(value())),
            "--lego" => plan.lego = Some(PathBuf::from(value())),
            "--certbot" => plan.certbot = Some(PathBuf::from(value())),
            "--rounds" => plan.rounds = value().parse().expect("a number"),
            "--routes" => plan.routes = value().parse().expect("a number"),
            "--only" => plan.only = Some(value()),
            other => panic!("{other:?} is not known"),
        }
    }
    asked.then_some(plan)
}

/// Says what goes on.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "bench: {text}");
}
