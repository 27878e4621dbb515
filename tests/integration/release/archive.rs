//! Archives, their sums, and krew's manifest of them.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::Value;

use super::{REPOSITORY, VERSION, read, release, run, said};
use crate::support::run::program;

/// The targets of a release, and what a release calls them.
const TARGETS: [(&str, &str); 5] = [
    ("x86_64-unknown-linux-gnu", "linux_amd64.tar.gz"),
    ("aarch64-unknown-linux-gnu", "linux_arm64.tar.gz"),
    ("x86_64-apple-darwin", "darwin_amd64.tar.gz"),
    ("aarch64-apple-darwin", "darwin_arm64.tar.gz"),
    ("x86_64-pc-windows-msvc", "windows_amd64.zip"),
];

/// Something small in place of the program, which a release asks for its manual.
fn stand_in(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("stand-in");
    std::fs::write(
        &path,
        "#!/bin/sh\n# man --output-dir DIRECTORY\necho \".TH kubectl-certs 1\" >\"$3/kubectl-certs.1\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn notices(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("notices");
    std::fs::write(&path, "the licence of a library\n").unwrap();
    path
}

/// Makes the archive of a target with the stand-in.
fn archive(folder: &Path, output: &Path, target: &str) -> Command {
    let mut command = release(output, &["archive", "--target", target]);
    command
        .arg("--program")
        .arg(stand_in(folder))
        .arg("--notices")
        .arg(notices(folder));
    command
}

#[test]
fn an_archive_has_the_program_its_manual_completions_and_licences() {
    let scratch = tempfile::tempdir().unwrap();
    let output = scratch.path().join("release");
    let target = TARGETS[0].0;
    let mut command = release(&output, &["archive", "sums", "--target", target]);
    let made = said(
        command
            .arg("--program")
            .arg(program())
            .arg("--notices")
            .arg(notices(scratch.path())),
    );
    let name = format!("kubectl-certs_{VERSION}_linux_amd64");
    let path = output.join(format!("{name}.tar.gz"));
    assert_eq!(made.lines().next(), path.to_str());
    let list = said(Command::new("tar").arg("-tzf").arg(&path));
    let files: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix(&name)?.strip_prefix('/'))
        .filter(|line| !line.is_empty() && !line.ends_with('/'))
        .collect();
    assert_eq!(
        files.len(),
        list.lines().filter(|line| !line.ends_with('/')).count(),
        "all in one directory: {list}"
    );
    for wanted in [
        "LICENSE",
        "README.md",
        "THIRD-PARTY-NOTICES.md",
        "kubectl-certs",
        "man/man1/kubectl-certs.1",
    ] {
        assert!(files.contains(&wanted), "{wanted}: {files:?}");
    }
    for entry in std::fs::read_dir(super::root().join("completions")).unwrap() {
        let wanted = format!("completions/{}", entry.unwrap().file_name().into_string().unwrap());
        assert!(files.contains(&wanted.as_str()), "{wanted}: {files:?}");
    }
    said(Command::new("tar").arg("-xzf").arg(&path).arg("-C").arg(scratch.path()));
    let unpacked = scratch.path().join(&name);
    assert!(said(Command::new(unpacked.join("kubectl-certs")).arg("--version")).contains(VERSION));
    // Whoever reads it has no files of the project beside it.
    let readme = std::fs::read_to_string(unpacked.join("README.md")).unwrap();
    assert!(readme.contains(&format!("]({REPOSITORY}/blob/v{VERSION}/docs/guide/tui.md)")));
    assert!(!readme.contains("](docs/"), "a link that leads nowhere");
    said(
        Command::new("sha256sum")
            .args(["-c", "SHA256SUMS"])
            .current_dir(&output),
    );
}

#[test]
fn the_same_commit_gives_the_same_archives_and_another_time_gives_others() {
    let scratch = tempfile::tempdir().unwrap();
    for (target, name) in [TARGETS[0], TARGETS[4]] {
        let make = |directory: &str, epoch: &str| {
            let output = scratch.path().join(directory);
            said(archive(scratch.path(), &output, target).env("SOURCE_DATE_EPOCH", epoch));
            std::fs::read(output.join(format!("kubectl-certs_{VERSION}_{name}"))).unwrap()
        };
        let first = make("first", "1790000000");
        assert!(first == make("second", "1790000000"), "{target}");
        assert!(first != make("third", "1790009998"), "{target}");
    }
}

#[test]
fn the_manifest_for_krew_names_every_archive_with_its_sum() {
    let scratch = tempfile::tempdir().unwrap();
    let output = scratch.path().join("release");
    for (target, _) in &TARGETS[..4] {
        said(&mut archive(scratch.path(), &output, target));
    }
    let refused = run(&mut release(&output, &["krew"]));
    assert!(
        !refused.ok && refused.err.contains("windows_amd64.zip"),
        "{}",
        refused.err
    );
    said(&mut archive(scratch.path(), &output, TARGETS[4].0));
    said(&mut release(&output, &["krew", "sums"]));

    let text = std::fs::read_to_string(output.join("certs.yaml")).unwrap();
    assert!(!text.contains('{'), "everything is filled in: {text}");
    let manifest: Value = serde_saphyr::from_str(&text).expect("YAML");
    assert_eq!(manifest["metadata"]["name"], "certs");
    assert_eq!(manifest["spec"]["version"], format!("v{VERSION}"));
    assert_eq!(manifest["spec"]["homepage"], REPOSITORY);
    let sums = std::fs::read_to_string(output.join("SHA256SUMS")).unwrap();
    let sums: BTreeMap<&str, &str> = sums
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(a, b)| (b, a))
        .collect();
    let platforms = manifest["spec"]["platforms"].as_array().expect("platforms");
    assert_eq!(platforms.len(), TARGETS.len());
    for (platform, (_, name)) in platforms.iter().zip(TARGETS) {
        let archive = format!("kubectl-certs_{VERSION}_{name}");
        assert_eq!(
            platform["uri"],
            format!("{REPOSITORY}/releases/download/v{VERSION}/{archive}")
        );
        assert_eq!(platform["sha256"].as_str(), sums.get(archive.as_str()).copied());
        let labels = &platform["selector"]["matchLabels"];
        let (os, arch) = (labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
        assert!(name.starts_with(&format!("{os}_{arch}.")), "{name}: {os} {arch}");
        let program = if os == "windows" {
            "kubectl-certs.exe"
        } else {
            "kubectl-certs"
        };
        assert_eq!(platform["bin"], program);
    }
}

#[test]
fn a_tag_that_is_not_the_version_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let refused = run(&mut release(scratch.path(), &["check", "--tag", "v999.0.0"]));
    assert!(
        !refused.ok && refused.err.contains("v999.0.0") && refused.err.contains(&format!("v{VERSION}")),
        "{}",
        refused.err
    );
    let refused = run(&mut release(
        scratch.path(),
        &["archive", "--target", "sparc-sun-solaris"],
    ));
    assert!(
        !refused.ok && refused.err.contains("sparc-sun-solaris"),
        "{}",
        refused.err
    );
}

#[test]
fn the_licences_that_are_gathered_are_those_that_are_allowed() {
    let list = |text: &str, key: &str| -> Vec<String> {
        let (_, rest) = text.split_once(&format!("\n{key} = [")).expect(key);
        let (inside, _) = rest.split_once("\n]").expect("its end");
        let quoted = inside.lines().map(|line| line.split('#').next().unwrap_or_default());
        let mut all: Vec<String> = quoted
            .flat_map(|line| {
                line.split('"')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect();
        all.sort();
        all
    };
    let (deny, about) = (read("deny.toml"), read("plugin/release/about.toml"));
    assert_eq!(list(&about, "accepted"), list(&deny, "allow"));
    let mut targets: Vec<String> = TARGETS.iter().map(|(target, _)| (*target).to_owned()).collect();
    targets.sort();
    assert_eq!(list(&about, "targets"), targets);
    let judged = list(&deny, "targets");
    for target in targets {
        assert!(
            judged.contains(&target),
            "deny.toml judges no crate that only {target} needs"
        );
    }
}

#[test]
fn the_notes_of_a_release_are_its_section_of_the_changelog_and_the_tag_is_its_version() {
    let scratch = tempfile::tempdir().unwrap();
    let project = scratch.path().join("project");
    let put = |path: &str, text: &str| {
        let path = project.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("Cargo.toml", &read("Cargo.toml"));
    put("plugin/release/run", &read("plugin/release/run"));
    let changelog = |heading: &str| {
        let changes = "### Added\n\n- `status` reads ([guide](guide/status.md)).\n";
        put(
            "docs/CHANGELOG.md",
            &format!("# Changelog\n\n## {heading}\n\n{changes}\n## [0.0.1] - 2026-01-31\n\n- Old.\n"),
        );
    };
    let (output, tag) = (scratch.path().join("release"), format!("v{VERSION}"));
    let checked = |tag: &str, repository: &str| {
        let script = project.join("plugin/release/run");
        let mut command = Command::new("python3");
        command
            .arg(script)
            .args(["check", "notes", "--tag", tag, "--repository", repository, "--output"]);
        run(command
            .arg(&output)
            .env_remove("REPOSITORY")
            .env_remove("GITHUB_REF_NAME"))
    };
    changelog("[Unreleased]");
    let refused = checked(&tag, REPOSITORY);
    assert!(!refused.ok && refused.err.contains("no section"), "{}", refused.err);
    changelog(&format!("[{VERSION}] - 2026-12-31"));
    let made = checked(&tag, REPOSITORY);
    assert!(made.ok, "{}", made.err);
    let notes = std::fs::read_to_string(output.join("NOTES.md")).unwrap();
    let link = format!("{REPOSITORY}/blob/{tag}/docs/guide/status.md");
    assert!(notes.contains(&link) && !notes.contains("Old."), "{notes}");
    let refused = checked("v9.9.9", REPOSITORY);
    assert!(!refused.ok && refused.err.contains("tag the commit"), "{}", refused.err);
    let placeholder = ["https://github.com", "OWNER", "kubectl-certs"].join("/");
    let refused = checked(&tag, &placeholder);
    assert!(
        !refused.ok && refused.err.contains("where the project lives"),
        "{}",
        refused.err
    );
}
