//! What others install, and what runs for others to see: by the programs that they use.

use std::{path::Path, process::Command};

use crate::support::{
    cluster::{Namespace, ingress},
    run::program,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn said(command: &mut Command) -> String {
    let ran = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(ran.status.success(), "{command:?}:\n{out}\n{err}");
    format!("{out}{err}")
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn krew_installs_the_archive_and_kubectl_runs_it() {
    let ns = Namespace::new("krew");
    let output = ns.dir.path().join("release");
    let notices = ns.dir.path().join("notices");
    std::fs::write(&notices, "the licence of a library\n").unwrap();
    let mut make = Command::new(root().join("plugin/release/run"));
    make.args(["archive", "krew", "--partial", "--program"]).arg(program());
    make.arg("--notices").arg(&notices).arg("--output").arg(&output);
    said(make.env("REPOSITORY", "https://code.example/larkspur/kubectl-certs"));
    let manifest = output.join("certs.yaml");
    said(
        Command::new("validate-krew-manifest")
            .arg("-skip-install")
            .arg("-manifest")
            .arg(&manifest),
    );

    let krew = ns.dir.path().join("krew");
    let archive = std::fs::read_dir(&output)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".tar.gz"))
        .expect("the archive");
    said(
        Command::new("kubectl")
            .args(["krew", "install"])
            .arg(format!("--manifest={}", manifest.display()))
            .arg(format!("--archive={}", archive.display()))
            .env("KREW_ROOT", &krew)
            .env("KREW_NO_UPGRADE_CHECK", "1"),
    );
    assert!(krew.join("store/certs").is_dir());
    ns.apply(vec![ingress("shop", &[(&["krew.shop.example"], "shop-tls")])]);
    // Nothing but krew's directory has it on this PATH.
    let kubectl = said(Command::new("sh").args(["-c", "command -v kubectl"]));
    let path = format!("{}:/usr/bin:/bin", krew.join("bin").display());
    let table = said(
        Command::new(kubectl.trim())
            .args(["certs", "status", "-n", &ns.name])
            .env("PATH", &path)
            .env("HOME", ns.dir.path()),
    );
    assert!(
        table.contains("krew.shop.example") && table.contains("SecretNotFound"),
        "{table}"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn github_takes_the_workflows() {
    let mut files: Vec<_> = std::fs::read_dir(root().join(".github/workflows"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    // Without shellcheck, which not every machine has.
    said(
        Command::new("actionlint")
            .args(["-no-color", "-shellcheck=", "-pyflakes="])
            .args(files),
    );
}
