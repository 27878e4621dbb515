//! What is somebody else's: files that they may change, repositories that they wrote, passwords, names that are none.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::json;

use super::{command, file, finish, run};
use crate::support::pki::Pki;

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).expect("its mode");
}

#[test]
fn settings_that_others_may_write_are_not_used_and_a_line_says_so() {
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("kubectl-certs");
    fs::create_dir(&directory).expect("a directory");
    let path = directory.join("config.yaml");
    fs::write(&path, "certificate: {keyType: rsa-4096}\n").expect("a file");
    let view = |args: &[&str]| finish(command(args).env("XDG_CONFIG_HOME", home.path()));
    let used = view(&["config", "view"]).ends_with(0);
    assert!(used.out.contains("rsa-4096"), "{}", used.out);
    for (of, bits) in [(&path, 0o666), (&directory, 0o777)] {
        mode(of, bits);
        let ran = view(&["config", "view"]).ends_with(0);
        assert!(!ran.out.contains("rsa-4096"), "{}", ran.out);
        assert!(
            ran.err.contains("the settings are not used: others may write"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("chmod go-w"), "{}", ran.err);
        mode(of, 0o700);
    }
    // Named, they are meant: an error.
    mode(&path, 0o666);
    let named = path.display().to_string();
    view(&["config", "view", "--config", &named]).fails(2, &["others may write", "chmod go-w"]);
}

#[test]
fn remembered_signatures_that_others_may_write_are_not_used() {
    let pki = Pki::new();
    let pair = pki.pair(&["shop.example"]);
    let scratch = tempfile::tempdir().expect("a directory");
    let (root, chain) = (
        file(&scratch, "root.pem", pki.root_pem()),
        file(&scratch, "chain.pem", &pair.chain),
    );
    let cache = scratch.path().join("cache");
    let show = || finish(command(&["show", &chain, "--ca-file", &root]).env("XDG_CACHE_HOME", &cache)).ends_with(0);
    show();
    let kept = cache.join("kubectl-certs/signatures");
    assert!(kept.is_file());
    assert_eq!(show().err, "");
    mode(&kept, 0o606);
    let ran = show();
    assert!(
        ran.err.contains("the remembered signatures are not used"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("trusted:"), "{}", ran.out);
}

#[test]
fn a_name_that_no_secret_can_have_is_refused_before_anything_is_ordered() {
    let scratch = tempfile::tempdir().expect("a directory");
    let out = scratch.path().join("out");
    fs::create_dir(&out).expect("a directory");
    let nothing = file(
        &scratch,
        "list.json",
        json!({"apiVersion": "v1", "kind": "List", "items": []}).to_string(),
    );
    for name in ["../../etc/x", "a b", "UPPER", "-x", "a..b"] {
        let secret = format!("--secret={name}");
        let ran = run(&[
            "issue",
            "-f",
            &nothing,
            &secret,
            "-n",
            "shop",
            "-d",
            "shop.example",
            "--dns",
            "manual",
            "--staging",
            "--agree-tos",
            "-o",
            &out.display().to_string(),
            "--dry-run",
        ]);
        ran.fails(2, &["is not the name of a Secret", "RFC 1123"]);
    }
    assert_eq!(fs::read_dir(&out).expect("a directory").count(), 0);
}

#[test]
fn a_password_in_the_servers_url_is_in_no_message() {
    for server in [
        "https://me:s3cret@127.0.0.1:1",
        "https://me:s3cret@127.0.0.1:1/a b",
        "me:s3cret@127.0.0.1:1",
        "https://me:s3cret@",
    ] {
        let ran = run(&["status", "--server", server]);
        assert_ne!(ran.status, 0);
        assert!(!ran.err.contains("s3cret"), "{}", ran.err);
    }
    let account = [
        "account",
        "register",
        "--directory-url",
        "https://me:s3cret@127.0.0.1:1/dir",
    ];
    let ran = run(&account);
    assert_ne!(ran.status, 0);
    assert!(!ran.err.contains("s3cret"), "{}", ran.err);
}
