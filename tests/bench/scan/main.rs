//! Measures a scan: `tests/bench/run` starts it inside the testbed's network.
//!
//! `smoke` loads a few hundred routes and checks that each is reported as it is; `full` loads up to 50,000, measures them
//! beside what people use otherwise, and writes the table of `docs/performance.md`; `micro` needs no server.

mod api;
mod load;
mod machine;
mod measure;
mod micro;
mod page;
mod pki;
mod rivals;
mod scans;
mod tab;

use std::{io::Write as _, path::PathBuf};

/// What goes wrong ends the bench.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What to measure, from the command line.
struct Plan {
    /// The program that is measured.
    program: PathBuf,
    /// The sizes, in routes; ascending.
    sizes: Vec<usize>,
    /// How often each is measured.
    rounds: usize,
    smoke: bool,
    micro: bool,
    /// Whether the objects are left in the cluster, for looking into a figure.
    keep: bool,
}

fn main() -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Some(plan) = plan()? else {
        return Ok(());
    };
    let mut page = page::Page::default();
    if plan.micro {
        page.micro = micro::all(&plan.program, plan.smoke)?;
        page.print_micro();
    }
    if !plan.sizes.is_empty() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let measured = runtime.block_on(scans::all(&plan, &mut page));
        page.print_scans();
        measured?;
    }
    if !plan.smoke && plan.micro && !plan.sizes.is_empty() {
        page.write()?;
    }
    Ok(())
}

/// Reads `[smoke|full|micro] [--program FILE] [--sizes N,...] [--rounds N] [--keep]`. `None` when there is nothing to do,
/// as when `cargo test --benches` runs this.
fn plan() -> Result<Option<Plan>> {
    let mut plan = Plan {
        program: PathBuf::from("target/release/kubectl-certs"),
        sizes: Vec::new(),
        rounds: 5,
        smoke: false,
        micro: true,
        keep: false,
    };
    let mut asked = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" | "--test" => {}
            "smoke" => (asked, plan.smoke, plan.rounds, plan.sizes) = (true, true, 1, vec![300]),
            "full" => (asked, plan.sizes) = (true, vec![1_000, 10_000, 50_000]),
            "micro" => asked = true,
            "scans" => (asked, plan.micro, plan.sizes) = (true, false, vec![1_000, 10_000, 50_000]),
            "--program" => plan.program = PathBuf::from(value()?),
            "--rounds" => plan.rounds = value()?.parse()?,
            "--sizes" => {
                plan.sizes = value()?
                    .split(',')
                    .map(str::parse)
                    .collect::<std::result::Result<_, _>>()?;
            }
            "--keep" => plan.keep = true,
            other => return Err(format!("{other:?} is not known").into()),
        }
    }
    Ok(asked.then_some(plan))
}

/// Says what goes on.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "bench: {text}");
}
