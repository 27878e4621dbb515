//! `proof` of lines alone: a chain that is whole, and one that somebody has changed.

use std::fs;

use kubectl_certs::plan::audit::{hash, of_nothing};
use serde_json::json;

use super::{command, finish, run};

/// Lines as the controller writes them.
fn lines(count: usize) -> Vec<String> {
    let mut last = of_nothing();
    let write = |number| {
        let line = json!({
            "time": format!("2026-10-01T00:00:{number:02}Z"), "event": "leased", "namespace": "shop", "secret": "shop-tls",
            "previous": last.to_string(),
        });
        let text = line.to_string();
        last = hash(&text);
        text
    };
    (0..count).map(write).collect()
}

#[test]
fn lines_are_verified_without_a_cluster_and_one_that_was_changed_is_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("controller.log");
    let verify = |text: String| {
        fs::write(&path, text).expect("a file");
        run(&["proof", "--audit", path.to_str().expect("UTF-8"), "--audit-only"])
    };
    let whole = verify(lines(9).join("\n")).ends_with(0);
    assert!(
        whole
            .out
            .starts_with("9 lines of 1 process were read, from 2026-10-01T00:00:00Z until 2026-10-01T00:00:08Z."),
        "{}",
        whole.out
    );
    let mut changed = lines(9);
    changed[4] = changed[4].replace("shop-tls", "other-tls");
    let broken = verify(changed.join("\n")).ends_with(1);
    assert!(
        broken.out.contains("1 line DOES NOT FOLLOW the line before:"),
        "{}",
        broken.out
    );
    assert!(
        broken
            .out
            .contains("controller.log line 6: the line before it was changed"),
        "{}",
        broken.out
    );
    // A terminal gets none of what stands in a file's name or lines.
    let none = verify("nothing\n".to_owned()).ends_with(0);
    assert!(
        none.out.contains("There is no line of a controller among the 1 line"),
        "{}",
        none.out
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    let gone = run(&["proof", "--audit", "/nonexistent", "--audit-only"]).ends_with(2);
    assert!(gone.err.contains("cannot read /nonexistent"), "{}", gone.err);
    run(&["proof", "--audit-only"]).fails(2, &["--audit"]);
    run(&["proof", "--since", "soon"]).fails(2, &["or a date, such as 2026-10-01"]);
    let away = finish(command(&["proof"]).env("KUBECONFIG", "/nonexistent"));
    assert_eq!(away.status, 3, "{}", away.err);
}

#[test]
fn nothing_is_exported_without_somebody_to_encrypt_for() {
    run(&["export", "-A", "--to", "."]).fails(2, &["--age-recipient"]);
    let secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
    let ran =
        run(&["export", "-A", "--to", ".", "--recipient", secret]).fails(2, &["that is an identity, which is secret"]);
    assert!(!ran.err.contains(secret), "{}", ran.err);
}
