//! Whom the program trusts when it asks a CA: what the system trusts as well, and what is said where that cannot be read.

use super::{command, finish};
use crate::support::{pki::Pki, tls::serve};

/// What `account register` says of a CA at this address, with these variables.
fn registering(address: &str, environment: &[(&str, &str)]) -> String {
    let url = format!("https://{}/dir", address.replace("127.0.0.1", "localhost"));
    let dir = tempfile::tempdir().expect("a directory");
    let ran = finish(
        command(&["account", "register", "--agree-tos", "--yes", "--directory-url", &url])
            .env("XDG_CONFIG_HOME", dir.path())
            .envs(environment.iter().copied()),
    );
    ran.err
}

#[test]
fn the_systems_roots_are_trusted_and_what_cannot_be_read_of_them_is_said() {
    let pki = Pki::new();
    let address = serve(&pki.pair(&["localhost"]));
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("root.pem");
    std::fs::write(&root, pki.root_pem()).expect("it can be written");
    let root = root.to_str().expect("a path");
    let here = dir.path().to_str().expect("a path");
    // The server says nothing, which only a client hears that trusts it.
    let said = registering(&address, &[("SSL_CERT_FILE", root)]);
    assert!(
        !said.contains("certificate") && !said.contains("UnknownIssuer"),
        "{said}"
    );
    assert!(!said.contains("Mozilla"), "{said}");
    let said = registering(&address, &[("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", here)]);
    assert!(!said.contains("UnknownIssuer"), "{said}");
    assert!(
        said.contains("not all that SSL_CERT_FILE names can be read") && said.contains("/nonexistent"),
        "{said}"
    );
    assert!(said.contains("Mozilla's roots are trusted all the same"), "{said}");
    // Without its root, and without a store at all.
    let said = registering(&address, &[("SSL_CERT_DIR", "/nonexistent")]);
    assert!(said.contains("UnknownIssuer"), "{said}");
}

/// A program that may ask a provider of the library's begins anew: with its arguments and its input.
#[cfg(target_os = "linux")] // /proc
#[test]
fn a_provider_of_the_settings_changes_nothing_of_how_the_program_is_called() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("config.yaml");
    let manifests = std::fs::read_to_string(super::root().join("docs/example/shop.yaml")).expect("it is there");
    let ran = |text: &str| {
        std::fs::write(&config, text).expect("it can be written");
        let path = config.to_str().expect("a path");
        let args = [
            "renew",
            "-f",
            "-",
            "--config",
            path,
            "--dns",
            "mine",
            "--dry-run",
            "--all",
        ];
        let ran = finish(command(&args).env("TOKEN", "x").write_stdin(manifests.clone()));
        (ran.status, ran.out, ran.err)
    };
    let by_hand = ran("dns01: {providers: [{name: mine, provider: manual}]}");
    let by_library = ran("dns01: {providers: [{name: mine, provider: cloudflare, apiToken: {env: TOKEN}}]}");
    assert_eq!(by_hand.0, by_library.0, "{by_hand:?} {by_library:?}");
    assert!(!by_library.1.is_empty() || !by_library.2.is_empty());
    let lines = |ran: &(i32, String, String)| ran.1.lines().count() + ran.2.lines().count();
    assert_eq!(lines(&by_hand), lines(&by_library), "{by_hand:?} {by_library:?}");
}
