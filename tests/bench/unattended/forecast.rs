//! The coming year of 100,000 certificates, with four lifetimes. No cluster is read: the names are said to come on the first day, and are
//! planned from then on like those that are there.

use std::{path::Path, time::Duration};

use serde_json::Value;

use crate::{
    Plan,
    figure::{Figure, Of, thousands},
    measure,
    support::run::program,
};

pub(crate) fn year(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(1_000, 100_000);
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("out");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/example");
    let (program, example, new) = (
        program().display().to_string(),
        example.display().to_string(),
        many.to_string(),
    );
    let command: [&str; 8] = [&program, "forecast", "-f", &example, "--new", &new, "-o", "json"];
    // Neither settings nor an account of whoever measures.
    let home = scratch.path();
    let envs = [("HOME", home), ("XDG_CONFIG_HOME", home), ("XDG_STATE_HOME", home)];
    let run = measure::run(scratch.path(), &out, &envs, &command).unwrap();
    let told: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    let items = told["items"].as_array().unwrap();
    let sum = |field: &str| -> u64 { items.iter().filter_map(|item| item[field].as_u64()).sum() };
    let mut of = Of::size(format!("{}, four lifetimes", thousands(many)));
    of.exactly("years", items.len(), 4);
    of.time(
        "until it is told",
        Duration::from_secs_f64(run.wall),
        Duration::from_secs(30),
    );
    of.memory("the most memory", run.memory, 200.0);
    let late = usize::try_from(sum("tooLate")).unwrap();
    of.none("certificates that would end before the next is ordered", late, "");
    #[allow(clippy::cast_precision_loss)] // For people.
    of.told(
        "orders that were planned",
        format!("{:.1} million", sum("orders") as f64 / 1e6),
    );
    of.figures
}
