//! The file for the textfile collector, as promtool reads it, and the alerts on it.

use std::collections::BTreeSet;

use super::metrics::{plugin, promtool};
use crate::support::{cluster::Namespace, cluster::ingress, run::Call};

/// The names of the samples of a file.
fn samples(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split(['{', ' ']).next()).collect()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn promtool_reads_the_file_of_manifests_and_of_a_cluster() {
    let example = Call::certs([
        "status",
        "-f",
        concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example"),
        "--at",
        "2026-12-01",
        "-o",
        "prometheus",
    ]);
    let example = example.run().ends_with(0).out;
    promtool(&["check", "metrics"], &example);
    let ns = Namespace::new("textfile");
    let host = ns.host("web");
    ns.apply(vec![
        ns.pki.pair(&[&host]).secret("web-tls"),
        ns.pki.pair(&["alone.example"]).secret("alone-tls"),
        ingress("web", &[(&[&host], "web-tls")]),
        ingress("gone", &[(&["gone.example"], "gone-tls")]),
    ]);
    let ca = ns.ca_file();
    let args = [
        "status",
        "-n",
        &ns.name,
        "--ca-file",
        ca.to_str().unwrap(),
        "-o",
        "prometheus",
    ];
    let out = ns.at(Call::certs(args)).run().ends_with(0).out;
    promtool(&["check", "metrics"], &out);
    for secret in ["web-tls", "alone-tls"] {
        let named = format!(
            "secret_namespace=\"{}\",secret_name=\"{secret}\",secret_key=\"tls.crt\"",
            ns.name
        );
        let ends = out
            .lines()
            .filter(|line| line.starts_with("x509_cert_not_after{") && line.contains(&named));
        assert_eq!(ends.count(), 1, "{out}");
    }
    assert!(
        out.contains("reason=\"SecretNotFound\",severity=\"critical\"} 1\n"),
        "{out}"
    );
    // The alerts are about what there is.
    let rules = plugin("alerts/textfile.rules.yaml");
    promtool(&["check", "rules", rules.to_str().unwrap()], "");
    promtool(
        &["test", "rules", plugin("alerts/textfile-tests.yaml").to_str().unwrap()],
        "",
    );
    let text = std::fs::read_to_string(rules).unwrap();
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let used: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', 's', 'd']))
        .flat_map(|line| line.split(|c: char| !is_of_name(c)))
        .filter(|word| word.starts_with("x509_") || word.starts_with("certs_"))
        .collect();
    assert!(used.len() >= 5, "{used:?}");
    let there: BTreeSet<&str> = samples(&example).into_iter().chain(samples(&out)).collect();
    let missing: Vec<_> = used.difference(&there).collect();
    assert!(missing.is_empty(), "{missing:?} not in {there:?}");
}
