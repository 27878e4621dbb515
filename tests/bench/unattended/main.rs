//! Measures the controller: `tests/bench/run unattended` starts it inside the testbed's network.
//!
//! `smoke` runs small forms of a few rows and asks for no time; `full` runs rows at their size and writes them into the table of
//! `docs/performance.md`, each for itself, so that a row can be measured anew without the others.

// Whoever uses the tests' support gets its panics; a bench that cannot go on ends so too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[allow(dead_code)]
#[path = "../scan/api.rs"]
mod api;
#[allow(dead_code)] // Of the scans' objects only some are needed.
#[path = "../scan/load.rs"]
mod load;
#[allow(dead_code)]
#[path = "../scan/pki.rs"]
mod pki;
#[path = "../../integration/support/mod.rs"]
#[allow(
    dead_code,
    unfulfilled_lint_expectations,
    unused_imports,
    reason = "the tests need more of it than this does"
)]
mod support;

mod away;
mod clock;
mod customers;
mod fair;
mod figure;
mod forecast;
mod full;
mod gate;
#[path = "../scan/machine.rs"]
mod machine;
#[allow(dead_code)] // One run is enough.
#[path = "../scan/measure.rs"]
mod measure;
mod new;
mod page;
mod process;
mod registered;
mod replicas;
mod scale;
mod second;
mod second_ca;
mod short;
mod source;
mod stores;
mod world;

use std::io::Write as _;

use figure::Figure;

/// What goes wrong ends the bench.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A row: how it is called, whether a smoke run has it, and what measures it.
struct Row {
    name: &'static str,
    is_smoke: bool,
    measure: fn(&Plan) -> Vec<Figure>,
}

/// All rows, in the order of the table.
const ROWS: &[Row] = &[
    row("scale", true, scale::usual),
    row("scale-large", false, scale::large),
    row("new", true, new::all),
    row("short-small", false, short::small),
    row("short", false, short::large),
    row("fair", false, fair::all),
    row("killed", false, replicas::killed),
    row("asleep", false, replicas::asleep),
    row("stopped", false, away::stopped),
    row("api-away", false, away::api),
    row("ca-away", false, away::ca),
    row("second-ca", false, second_ca::all),
    row("etcd-full", false, full::all),
    row("windows", false, clock::windows),
    row("gate", false, gate::all),
    row("clock", false, clock::shifted),
    row("forecast", true, forecast::year),
    row("customers", true, customers::all),
    row("domains", true, stores::objects),
    row("domains-rows", true, stores::rows),
    row("domains-kept", true, registered::all),
    row("source", true, source::hits),
    row("source-flood", true, source::flood),
];

const fn row(name: &'static str, is_smoke: bool, measure: fn(&Plan) -> Vec<Figure>) -> Row {
    Row {
        name,
        is_smoke,
        measure,
    }
}

/// What to measure, from the command line. The program is the one that the tests use: `CARGO_BIN_EXE_kubectl-certs`.
struct Plan {
    rows: Vec<&'static Row>,
    smoke: bool,
    /// How many, in place of the row's own number.
    size: Option<usize>,
    /// How long, in place of the row's own time.
    minutes: Option<f64>,
    /// How the program was built, for the table.
    built: String,
    /// Whether the table of the page is written.
    write: bool,
    /// Whether what was loaded stays, because the cluster is taken down anyway.
    keep: bool,
}

impl Plan {
    /// How many: as asked, or the row's number of a smoke run or of a full one.
    fn size(&self, smoke: usize, full: usize) -> usize {
        self.size.unwrap_or(if self.smoke { smoke } else { full })
    }

    /// How long: as asked, or so many minutes.
    fn lasts(&self, minutes: f64) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.minutes.unwrap_or(minutes) * 60.0)
    }
}

fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Some(plan) = plan() else {
        return;
    };
    for row in &plan.rows {
        say(row.name);
        let figures = (row.measure)(&plan);
        for figure in &figures {
            let _ = writeln!(std::io::stdout().lock(), "{}: {figure}", row.name);
        }
        if plan.smoke {
            // No time limit applies.
            let missed: Vec<String> = figures
                .iter()
                .filter(|it| it.is_wrong())
                .map(ToString::to_string)
                .collect();
            assert!(missed.is_empty(), "{}: {missed:#?}", row.name);
        } else if plan.write {
            page::write(row.name, &figures, &plan.built);
        }
    }
}

/// Reads `[smoke|full] [ROW...] [--size N] [--minutes N] [--built WORD] [--no-write] [--keep]`. `None` when there is nothing to do, as when `cargo test
/// --benches` runs this.
fn plan() -> Option<Plan> {
    let mut plan = Plan {
        rows: Vec::new(),
        smoke: false,
        size: None,
        minutes: None,
        built: "dist".to_owned(),
        write: true,
        keep: false,
    };
    let mut asked = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" | "--test" => {}
            "smoke" => (asked, plan.smoke) = (true, true),
            "full" => asked = true,
            "--size" => plan.size = Some(value().parse().expect("a number")),
            "--minutes" => plan.minutes = Some(value().parse().expect("a number")),
            "--built" => plan.built = value(),
            "--no-write" => plan.write = false,
            "--keep" => plan.keep = true,
            name => {
                let found = ROWS.iter().find(|row| row.name == name);
                let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
                plan.rows
                    .push(found.unwrap_or_else(|| panic!("{name:?} is not known; the rows are {}", names.join(", "))));
            }
        }
    }
    if plan.rows.is_empty() {
        plan.rows = ROWS.iter().filter(|row| row.is_smoke || !plan.smoke).collect();
    }
    asked.then_some(plan)
}

/// Says what goes on.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "bench: {text}");
}
