//! Where the project lives.

use std::process::Command;

use super::{read, root, said};

/// The placeholder of Cargo.toml.
const PLACEHOLDER: &str = "https://github.com/OWNER/kubectl-certs";

#[test]
fn where_the_project_lives_is_said_in_one_place() {
    let manifest = read("Cargo.toml");
    for key in ["repository", "homepage"] {
        assert!(manifest.contains(&format!("\n{key} = \"{PLACEHOLDER}\"\n")), "{key}");
    }
    // Files that git knows and has text in: whoever moves the project changes one file.
    let found = Command::new("git")
        .arg("-C")
        .arg(root())
        .args([
            "grep",
            "-I",
            "-l",
            "-E",
            r"(github\.com|gitlab\.com|ghcr\.io)/[A-Za-z0-9_-]+/kubectl-certs",
        ])
        .output()
        .expect("git");
    let found = String::from_utf8(found.stdout).expect("UTF-8");
    // The tests of a release have a name to fill in.
    let others: Vec<&str> = found
        .lines()
        .filter(|path| !path.starts_with("tests/integration/release/"))
        .collect();
    assert_eq!(others, ["Cargo.toml"]);
}

#[test]
fn every_version_is_this_packages() {
    let version = super::VERSION;
    let chart = read("plugin/chart/Chart.yaml");
    assert!(
        chart.contains(&format!("\nversion: {version}\nappVersion: {version}\n")),
        "{chart}"
    );
    // What the guide pins: the Action, the image and the archive.
    for (page, many) in [("docs/guide/ci.md", 4), ("docs/guide/from-a-container.md", 1)] {
        let text = read(page).replace("SARIF 2.1.0", "SARIF");
        let named = text
            .split(|c: char| !(c.is_ascii_digit() || c == '.'))
            .filter(|word| word.trim_matches('.').split('.').count() == 3);
        let named: Vec<&str> = named.map(|word| word.trim_matches('.')).collect();
        assert_eq!(named, vec![version; many], "{page}");
    }
    let lock = read("Cargo.lock");
    assert!(lock.contains(&format!("name = \"kubectl-certs\"\nversion = \"{version}\"\n")));
    assert!(said(Command::new(crate::support::run::program()).arg("--version")).contains(version));
}
