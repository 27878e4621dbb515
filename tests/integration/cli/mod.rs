//! The program without a server: manifests in, tables, documents and exit statuses out.

mod ascii;
mod chart;
mod compatible;
mod config;
mod ensure;
mod example;
mod exit;
mod fetch;
mod forecast;
mod formats;
#[cfg(target_os = "linux")] // GNU time
mod growth;
mod guides;
mod help;
mod hints;
mod hostile;
mod imports;
mod limits;
#[cfg(target_os = "linux")] // groff and mandoc
mod manual;
mod names;
mod no_secrets;
#[cfg(target_os = "linux")] // tmux
mod once;
mod others;
mod pipelines;
mod printed;
#[cfg(target_os = "linux")] // /proc, and the shells of Debian
mod prompts;
mod proof;
#[cfg(unix)] // xmllint
mod schemas;
mod select;
mod server;
mod shells;
mod show;
#[cfg(target_os = "linux")] // /proc
mod tab;
mod trust;
mod undo;
mod versions;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use assert_cmd::Command;
use serde_json::Value;

use crate::support::run::program;

/// No run of the program takes longer than this: what takes longer hangs.
const LONGEST: Duration = Duration::from_secs(30);

/// What the example cluster's status is asked for with.
pub(crate) const EXAMPLE: [&str; 7] = [
    "status",
    "-f",
    "docs/example",
    "--ca-file",
    "docs/example/root.pem",
    "--at",
    "2026-12-01",
];

/// How a run ended, and what it said.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

/// The program with nothing of the environment but what tests decide.
fn command<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env(
            "XDG_CACHE_HOME",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache"),
        )
        .env("COLUMNS", "100")
        .current_dir(root())
        .timeout(LONGEST)
        .args(args);
    command
}

fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

#[track_caller]
fn finish(command: &mut Command) -> Ran {
    let output = command.output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (out, err) = (text(output.stdout), text(output.stderr));
    let Some(status) = output.status.code() else {
        panic!("killed, after {LONGEST:?} at the latest: {out}\n{err}");
    };
    assert!(!err.contains("panicked"), "{err}");
    harmless(&out);
    harmless(&err);
    Ran { status, out, err }
}

#[track_caller]
fn run<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Ran {
    finish(&mut command(args))
}

/// `status` of manifests on standard input.
#[track_caller]
fn piped(manifests: &str, args: &[&str]) -> Ran {
    let mut all = vec!["status", "-f", "-"];
    all.extend(args);
    finish(command(&all).write_stdin(manifests))
}

impl Ran {
    #[track_caller]
    fn ends_with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "exit status; it said:\n{}\n{}", self.out, self.err);
        self
    }

    /// One line `error: ...`, with its words, and nothing on stdout.
    #[track_caller]
    fn fails(self, status: i32, words: &[&str]) -> Self {
        let ran = self.ends_with(status);
        assert_eq!(ran.out, "", "data on stdout");
        for word in words {
            assert!(ran.err.contains(word), "{word:?} is not in: {}", ran.err);
        }
        let errors = ran.err.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{}", ran.err);
        ran
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    /// The items of `-o json`.
    #[track_caller]
    fn items(&self) -> Vec<Value> {
        self.json()["items"].as_array().expect("items").clone()
    }

    /// `STATUS REASON,...` of the one item of a host.
    #[track_caller]
    fn verdict(&self, host: &str) -> String {
        let items = self.items();
        let found: Vec<&Value> = items.iter().filter(|item| item["host"] == host).collect();
        assert_eq!(found.len(), 1, "items of {host:?}: {items:#?}");
        verdict(found[0])
    }
}

/// `STATUS REASON,...`
fn verdict(item: &Value) -> String {
    let findings = item["findings"].as_array().map_or(&[][..], Vec::as_slice);
    let reasons: Vec<&str> = findings.iter().filter_map(|f| f["reason"].as_str()).collect();
    let reasons = if reasons.is_empty() {
        "-".to_owned()
    } else {
        reasons.join(",")
    };
    format!("{} {reasons}", item["status"].as_str().expect("a status"))
}

/// Nothing that moves a cursor, rings, or turns the direction of writing around; colours are asked for elsewhere.
#[track_caller]
fn harmless(text: &str) {
    let bad = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let found = text.chars().find(bad);
    assert_eq!(found, None, "in {text:?}");
}

/// Two Ingresses, of which an annotation asks cert-manager for the Secret of one.
const ASKED_AND_OWN: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop, annotations: {cert-manager.io/cluster-issuer: le}}
spec: {tls: [{hosts: [shop.example], secretName: shop-tls}], rules: [{host: shop.example}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: own, namespace: shop}
spec: {tls: [{hosts: [own.example], secretName: own-tls}], rules: [{host: own.example}]}
";

/// A file of a directory of the test's own.
fn file(dir: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = dir.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    std::fs::write(&path, content).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}
