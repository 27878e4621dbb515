//! `forecast`: how long a year of many certificates takes to plan, under the four lifetimes that it has by itself.
//!
//! They are new names of the first day, so that the limits of the CA bind too; what reading a cluster takes is not in it.

use std::{fs::File, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    Plan,
    figure::{Figure, Of},
    support::run::program,
};

/// What reads no Secret: an Ingress without TLS.
const NOTHING: &str =
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: none, namespace: none}\nspec: {}\n";

pub(crate) fn all(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(1_000, 100_000);
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("none.yaml"), NOTHING).unwrap();
    let status = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%e %M", "-o"])
        .arg(at("time"))
        .arg(program())
        .args(["forecast", "-o", "json", "--new", &many.to_string(), "-f"])
        .arg(at("none.yaml"))
        .env("HOME", dir.path())
        .stdout(File::create(at("out")).unwrap())
        .stderr(File::create(at("err")).unwrap())
        .status()
        .unwrap();
    let text = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    assert!(status.success(), "{status}: {}", text("err"));
    let told = text("time");
    let told: Vec<f64> = told
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    let [wall, kilobytes] = told[..] else {
        panic!("GNU time said {told:?}")
    };
    let shown: Value = serde_json::from_str(&text("out")).unwrap();
    let items = shown["items"].as_array().expect("items");
    let sum = |field: &str| -> u64 { items.iter().filter_map(|item| item[field].as_u64()).sum() };
    let mut of = Of::size(format!(
        "{} new names, {} lifetimes",
        crate::figure::thousands(many),
        items.len()
    ));
    of.time("a year", Duration::from_secs_f64(wall), Duration::from_secs(30));
    of.memory("memory at most", kilobytes * 1024.0 / 1e6, 200.0);
    of.told("orders that were planned", sum("orders").to_string());
    of.none("expired", usize::try_from(sum("tooLate")).unwrap_or(usize::MAX), "");
    of.figures
}
