//! Measures the screen: `tests/bench/run tui` starts it inside the testbed's network.
//!
//! `smoke` draws a few hundred rows and shows a small cluster once; `full` measures 100,000 rows, the start, 10,000 hosts of a
//! real API server and an idle minute, and writes its table of `docs/performance.md`.

#[allow(dead_code)]
#[path = "../scan/api.rs"]
mod api;
mod frames;
#[allow(dead_code)] // Of the scans' objects only some are needed.
#[path = "../scan/load.rs"]
mod load;
#[path = "../scan/machine.rs"]
mod machine;
#[allow(dead_code)]
#[path = "../scan/measure.rs"]
mod measure;
mod page;
#[allow(dead_code)]
#[path = "../scan/pki.rs"]
mod pki;
mod process;
mod rows;

use std::{io::Write as _, path::PathBuf};

/// What goes wrong ends the bench.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What to measure, from the command line.
struct Plan {
    program: PathBuf,
    /// Rows that are drawn without a cluster.
    rows: usize,
    /// Hosts of the cluster.
    hosts: usize,
    /// How often what is a whole process is measured.
    rounds: usize,
    /// Seconds without a key.
    idle: u64,
    smoke: bool,
}

fn main() -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Some(plan) = plan()? else { return Ok(()) };
    let mut page = page::Page::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    page.frames = runtime.block_on(frames::all(plan.rows, plan.smoke))?;
    page.process = runtime.block_on(process::all(&plan))?;
    page.print();
    if !plan.smoke {
        page.write()?;
    }
    Ok(())
}

/// Reads `[smoke|full] [--program FILE] [--rounds N]`. `None` when there is nothing to do, as when `cargo test --benches` runs
/// this.
fn plan() -> Result<Option<Plan>> {
    let mut plan = None;
    let (mut program, mut rounds) = (PathBuf::from("target/release/kubectl-certs"), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" | "--test" => {}
            "smoke" => plan = Some((2_000, 60, 1, 2, true)),
            "full" => plan = Some((100_000, 10_000, 5, 60, false)),
            "--program" => program = PathBuf::from(value()?),
            "--rounds" => rounds = Some(value()?.parse()?),
            other => return Err(format!("{other:?} is not known").into()),
        }
    }
    Ok(plan.map(|(rows, hosts, usual, idle, smoke)| Plan {
        program,
        rows,
        hosts,
        rounds: rounds.unwrap_or(usual),
        idle,
        smoke,
    }))
}

/// Says what goes on.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "bench: {text}");
}
