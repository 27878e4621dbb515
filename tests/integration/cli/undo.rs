//! `revoke` and `rollback` on wrong command lines, and where nothing can be asked.

use super::{file, run};

const NO_CLUSTER: [&str; 2] = ["--kubeconfig", "/nonexistent/config"];

#[test]
fn a_wrong_command_line_says_what_was_meant() {
    let dir = tempfile::tempdir().unwrap();
    let nothing = file(&dir, "empty.pem", "");
    let key = file(&dir, "no.key", "not a key");
    let leaf = "./docs/example/root.pem";
    for (args, words) in [
        (&["revoke"][..], &["SECRET|FILE"][..]),
        (&["revoke", "a", "--reason", "because"], &["because", "key-compromise"]),
        (
            &["revoke", "ingress/web"],
            &["ingress/web is not a Secret", "name the Secret"],
        ),
        (&["revoke", "pod/web"], &["\"pod\"", "secret/NAME"]),
        (&["revoke", "a", "-f", "docs/example"], &["manifests (-f)", "./FILE"]),
        (&["revoke", "a", "-A"], &["one namespace", "-n NAMESPACE"]),
        (&["revoke", "a", "-n", "b", "-n", "c"], &["one namespace"]),
        (&["revoke", "./none.pem"], &["cannot read ./none.pem"]),
        (&["revoke", &nothing], &["there is no certificate in"]),
        (&["revoke", leaf, "--key-file", &key], &["--key-file", "no.key"]),
        (
            &["revoke", leaf, "--force"],
            &["the CA's directory is not known", "--issuer NAME"],
        ),
        (
            &["revoke", leaf, "--force", "--issuer", "letsencrpt"],
            &["letsencrpt", "letsencrypt"],
        ),
        (&["revoke", leaf, "--force", "--production"], &["--yes"]),
        (&["rollback"], &["SECRET"]),
        (&["rollback", "gateway/edge"], &["gateway/edge is not a Secret"]),
        (&["rollback", "a", "--dry-run=maybe"], &["maybe"]),
    ] {
        let ran = run(args).ends_with(2);
        assert_eq!(ran.out, "", "{args:?}");
        for word in words {
            assert!(ran.err.contains(word), "{args:?}: {word:?} is not in: {}", ran.err);
        }
    }
}

#[test]
fn a_dry_run_of_a_revocation_prints_the_step_and_asks_nobody() {
    // Nothing listens there: whoever asked the CA would fail.
    let directory = ["--directory-url", "https://127.0.0.1:9/directory"];
    for dry in ["--dry-run", "--dry-run=client"] {
        let file = ["revoke", "./docs/example/root.pem", "--force", dry];
        let ran = run(&[&file[..], &directory, &NO_CLUSTER].concat()).ends_with(0);
        let line = ran.out.strip_prefix("would revoke certificate ").expect("the step");
        assert!(line.ends_with("for good, reason unspecified (dry run)\n"), "{line}");
        assert!(
            ran.err.contains("valid until") && ran.err.contains("SHA-256"),
            "{}",
            ran.err
        );
        assert!(!ran.err.contains("--yes"), "{}", ran.err);
    }
    let server = ["revoke", "./docs/example/root.pem", "--dry-run=server"];
    run(&[&server[..], &NO_CLUSTER].concat()).fails(2, &["--dry-run", "client"]);
}

#[test]
fn without_a_cluster_nothing_is_known_to_be_unused() {
    let file = ["revoke", "./docs/example/root.pem", "--production", "--yes"];
    let refused = run(&[&file[..], &NO_CLUSTER].concat()).ends_with(3);
    assert!(
        refused
            .err
            .contains("--force revokes even where the cluster cannot be read"),
        "{}",
        refused.err
    );
    // By force it is said before the question, which nobody can answer here.
    let forced = ["revoke", "./docs/example/root.pem", "--production", "--force"];
    run(&[&forced[..], &NO_CLUSTER].concat()).fails(
        2,
        &[
            "by --force: whether the certificate is in use is not known",
            "/nonexistent/config",
            "--yes",
        ],
    );
    run(&[&["revoke", "a", "--production"][..], &NO_CLUSTER].concat()).fails(3, &["/nonexistent/config"]);
    run(&[&["rollback", "a"][..], &NO_CLUSTER].concat()).fails(3, &["/nonexistent/config"]);
}
