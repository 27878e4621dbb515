//! What a release consists of, made and looked at. What builds tools or the released program runs only for `tests/run long`.

mod archive;
mod image;
mod long;
mod place;
mod workflows;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Where a release would say that the project lives.
const REPOSITORY: &str = "https://github.com/larkspur/kubectl-certs";

/// Where the package is.
fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// How a command ended, and what it said.
struct Said {
    ok: bool,
    out: String,
    err: String,
}

fn run(command: &mut Command) -> Said {
    let ran = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said {
        ok: ran.status.success(),
        out: text(ran.stdout),
        err: text(ran.stderr),
    }
}

/// What a command that succeeds says.
#[track_caller]
fn said(command: &mut Command) -> String {
    let said = run(command);
    assert!(said.ok, "{command:?}:\n{}\n{}", said.out, said.err);
    said.out
}

/// Makes something of a release, below `output`.
fn release(output: &Path, steps: &[&str]) -> Command {
    let mut command = Command::new(root().join("plugin/release/run"));
    command.args(steps).arg("--output").arg(output);
    command.env("REPOSITORY", REPOSITORY).env_remove("GITHUB_REF_NAME");
    command
}

/// The version of this package.
const VERSION: &str = env!("CARGO_PKG_VERSION");
