//! A release for this machine, with every tool that it takes, and an installation from source.

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::Value;

use super::{REPOSITORY, VERSION, release, root, run, said};

#[test]
#[ignore = "builds the released program and tools: tests/run long"]
fn a_release_for_this_machine_has_all_its_files() {
    let scratch = tempfile::tempdir().unwrap();
    let output = scratch.path().join("release");
    said(&mut release(&output, &["all", "--partial"]));
    let name = format!("kubectl-certs_{VERSION}_linux_amd64");
    let deb = format!("kubectl-certs_{VERSION}-1_amd64.deb");
    let wanted = [
        "SHA256SUMS",
        "THIRD-PARTY-NOTICES.md",
        "certs.yaml",
        &deb,
        &format!("kubectl-certs_{VERSION}_image.tar"),
        &format!("{name}.cdx.json"),
        &format!("{name}.tar.gz"),
    ];
    let made: BTreeSet<String> = std::fs::read_dir(&output)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(made, wanted.map(str::to_owned).into());
    said(
        Command::new("sha256sum")
            .args(["-c", "SHA256SUMS"])
            .current_dir(&output),
    );

    let text = |path: &str| std::fs::read_to_string(output.join(path)).unwrap();
    program(&output, &name, scratch.path());
    components(&text(&format!("{name}.cdx.json")), &text("THIRD-PARTY-NOTICES.md"));
    package(&output.join(deb));
}

/// The program needs no library, and names no place of the machine that built it.
fn program(output: &Path, name: &str, scratch: &Path) {
    let archive = output.join(format!("{name}.tar.gz"));
    said(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(scratch));
    let program = scratch.join(name).join("kubectl-certs");
    // Of a static program that may be anywhere in memory, it says so, and does not fail.
    let libraries = run(Command::new("ldd").arg(&program));
    assert!(
        !libraries.ok || libraries.out.trim() == "statically linked",
        "{}",
        libraries.out
    );
    let table = said(Command::new(&program).args(crate::cli::EXAMPLE).current_dir(root()));
    assert!(table.contains("checkout.larkspur.example"), "{table}");
    // The image that the workflow pushes.
    let objects = said(
        Command::new(&program)
            .args(["install", "--print", "--stage", "staging"])
            .env("KUBECONFIG", "/dev/null"),
    );
    let repository = REPOSITORY.trim_start_matches("https://github.com/").to_lowercase();
    let image = format!("ghcr.io/{repository}:{VERSION}");
    assert!(objects.contains(&image), "{image}: {objects}");
    let bytes = std::fs::read(&program).unwrap();
    let contains = |word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    let home = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{}/.cargo", std::env::var("HOME").unwrap()));
    assert!(!contains(&format!("{home}/registry/src")), "it names {home}");
}

/// Every crate in the program is listed with its licence, and none that only tests have.
fn components(sbom: &str, notices: &str) {
    let sbom: Value = serde_json::from_str(sbom).expect("JSON");
    assert_eq!(sbom["bomFormat"], "CycloneDX");
    assert_eq!(
        sbom["metadata"]["component"]["externalReferences"][0]["url"],
        REPOSITORY
    );
    let all = sbom["components"].as_array().expect("components");
    let names: BTreeSet<&str> = all.iter().map(|one| one["name"].as_str().unwrap()).collect();
    for (name, there) in [
        ("aws-lc-rs", true),
        ("rustls", true),
        ("ratatui", true),
        ("insta", false),
        ("jsonschema", false),
    ] {
        assert_eq!(names.contains(name), there, "{name}");
    }
    for one in all {
        let line = format!(
            "\n- {} {}\n",
            one["name"].as_str().unwrap(),
            one["version"].as_str().unwrap()
        );
        assert!(notices.contains(&line), "its licence is missing:{line}");
    }
    assert!(!notices.contains("\n- insta "), "only tests have it");
}

/// Debian's tools take the package.
fn package(deb: &Path) {
    let about = said(Command::new("dpkg-deb").arg("--info").arg(deb));
    assert!(
        about.contains("Package: kubectl-certs") && about.contains(&format!("Homepage: {REPOSITORY}")),
        "{about}"
    );
    let files = said(Command::new("dpkg-deb").arg("--contents").arg(deb));
    for path in [
        "./usr/bin/kubectl-certs",
        "./usr/bin/kubectl_complete-certs",
        "./usr/share/man/man1/kubectl-certs.1.gz",
        "./usr/share/bash-completion/completions/kubectl-certs",
        "./usr/share/zsh/vendor-completions/_kubectl-certs",
        "./usr/share/fish/vendor_completions.d/kubectl-certs.fish",
        "./usr/share/doc/kubectl-certs/copyright",
        "./usr/share/doc/kubectl-certs/THIRD-PARTY-NOTICES.md",
    ] {
        assert!(files.lines().any(|line| line.ends_with(path)), "{path}: {files}");
    }
    let judged = run(Command::new("lintian")
        .args(["--allow-root", "--fail-on", "error"])
        .arg(deb));
    assert!(judged.ok, "{}\n{}", judged.out, judged.err);
}

#[test]
#[ignore = "builds the program anew: tests/run long"]
fn cargo_installs_it_from_the_source() {
    let scratch = tempfile::tempdir().unwrap();
    // Not optimized: what is tested is that the package is whole.
    said(
        Command::new("cargo")
            .args(["install", "--locked", "--debug", "--path", ".", "--root"])
            .arg(scratch.path())
            .current_dir(root()),
    );
    let path = format!("{}/bin:{}", scratch.path().display(), std::env::var("PATH").unwrap());
    let version = said(Command::new("kubectl-certs").arg("--version").env("PATH", path));
    assert!(version.contains(VERSION), "{version}");
}
