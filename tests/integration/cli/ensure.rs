//! `ensure` without a server: what it takes, and manifests that are as they are wanted, for which no CA is asked.

use serde_json::json;

use super::{Ran, command, file, finish};
use crate::support::pki::{Pair, Pki};

/// Nothing answers here.
const NO_CA: &str = "https://127.0.0.1:1/directory";

/// `ensure` of manifests in a directory.
fn ensure(dir: &tempfile::TempDir, names: &[&str], more: &[&str]) -> Ran {
    let here = dir.path().to_str().expect("UTF-8");
    let mut args = vec![
        "ensure", "-f", here, "-o", here, "--secret", "web-tls", "-n", "shop", "--yes",
    ];
    args.extend(names.iter().flat_map(|name| ["-d", name]));
    args.extend(["--directory-url", NO_CA, "--agree-tos"]);
    args.extend(more);
    finish(
        command(&args)
            .env("XDG_STATE_HOME", dir.path().join("state"))
            .env("HOME", dir.path()),
    )
}

fn stored(pair: &Pair) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let mut secret = pair.secret("web-tls");
    secret["metadata"]["namespace"] = json!("shop");
    file(&dir, "web.json", secret.to_string());
    dir
}

#[test]
fn a_manifest_that_is_as_it_is_wanted_is_told_in_one_line_and_no_ca_is_asked() {
    let dir = stored(&Pki::new().pair(&["shop.example", "www.shop.example"]));
    let ran = ensure(&dir, &["www.shop.example", "SHOP.example."], &[]).ends_with(0);
    assert_eq!((ran.out.as_str(), ran.err.lines().count()), ("", 1), "{}", ran.err);
    assert!(
        ran.err
            .starts_with("nothing to do for Secret shop/web-tls: it is valid until "),
        "{}",
        ran.err
    );
}

#[test]
fn each_reason_to_order_is_told_before_the_ca_is_missed() {
    let pki = Pki::new();
    let pair = || pki.pair(&["shop.example"]);
    let mut other = pair();
    other.key = pair().key;
    let mut cut = pair();
    cut.chain.truncate(200);
    for (dir, names, told) in [
        (
            tempfile::tempdir().expect("a directory"),
            &["shop.example"][..],
            "it does not exist yet",
        ),
        (
            stored(&pair()),
            &["shop.example", "new.example"],
            "its names change: new.example added",
        ),
        (
            stored(&pair()),
            &["*.shop.example"],
            "its names change: *.shop.example added, shop.example removed",
        ),
        (
            stored(&pki.expired(&["shop.example"])),
            &["shop.example"],
            "due, it has expired",
        ),
        (
            stored(&other),
            &["shop.example"],
            "its private key belongs to another certificate",
        ),
        (stored(&cut), &["shop.example"], "its certificate cannot be read"),
    ] {
        let ran = ensure(&dir, names, &[]).ends_with(4);
        assert!(
            ran.err.contains(&format!("shop/web-tls: {told}")),
            "{told}: {}",
            ran.err
        );
        // It stands in a file of another name than the one that would be written.
        let twice = ran.err.contains("web.json, and is written to ");
        assert_eq!(twice, told != "it does not exist yet", "{}", ran.err);
    }
}

#[test]
fn what_does_not_go_together_is_a_mistake_of_usage() {
    let dir = stored(&Pki::new().pair(&["shop.example"]));
    let here = dir.path().to_str().expect("UTF-8");
    let nowhere = ["ensure", "-f", here, "--secret", "web-tls", "-d", "shop.example"];
    finish(&mut command(&nowhere)).fails(2, &["manifests (-f) are not written back", "-o ./DIR"]);
    for (more, words) in [
        (
            &["--age-recipient", "age1no"][..],
            "\"age1no\" is not a recipient of age",
        ),
        (
            &["--age-recipient", "ssh-ed25519 AAAA"],
            "recipients of SSH and of plugins are not taken",
        ),
        (
            &["--age-recipients-file", "/nonexistent"],
            "cannot read the recipients in /nonexistent",
        ),
        (
            &["--age-identity", "/dev/null"],
            "cannot read the identities in /dev/null: it holds none",
        ),
        (&["-d", "a..b"], "\"a..b\" is neither a DNS name nor an IP address"),
    ] {
        ensure(&dir, &["shop.example"], more).fails(2, &[words]);
    }
    let secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
    let ran = ensure(&dir, &["shop.example"], &["--age-recipient", secret])
        .fails(2, &["that is an identity, which is secret"]);
    assert!(!ran.err.contains(secret), "{}", ran.err);
}

#[test]
fn variables_of_a_container_that_are_missing_or_wrong_are_told_with_their_names() {
    let from_env = |variables: &[(&str, &str)]| {
        let mut command = command(&["ensure", "--from-env", "--yes"]);
        finish(command.envs(variables.iter().copied()))
    };
    let email = ("EMAIL", "ops@example.com");
    from_env(&[]).fails(2, &["the variable EMAIL is not set", "--email ADDRESS"]);
    from_env(&[email]).fails(2, &["the variable DOMAINS is not set", "-d HOST"]);
    from_env(&[email, ("DOMAINS", "example.com -x")]).fails(2, &["the variable DOMAINS is \"-x\""]);
    let all = [email, ("DOMAINS", "example.com"), ("RC_NAMES", "Proxy")];
    from_env(&all).fails(2, &["the variable RC_NAMES is \"Proxy\""]);
    // What ended long ago is told with what stands in its place; there is no cluster here.
    let ended = "https://acme-v01.api.letsencrypt.org/directory";
    let ran = from_env(&[email, ("DOMAINS", "example.com"), ("LETSENCRYPT_ENDPOINT", ended)]).ends_with(3);
    let successor = "https://acme-v02.api.letsencrypt.org/directory stands in its place";
    assert!(
        ran.err.contains("ACME v1, which has ended") && ran.err.contains(successor),
        "{}",
        ran.err
    );
}
