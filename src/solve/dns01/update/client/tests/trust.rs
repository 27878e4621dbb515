//! The roots that clients trust: those of a CA, our own of a provider, and the library's. Each is tested in a separate
//! process, because a process must not change its environment.

use std::{path::Path, process::Command};

use super::*;
use crate::{
    acme::{Acme, Issuer, Limits},
    net::https::{self, testing::server},
};

const URL: &str = "TRUST_TEST_URL";
const TOKEN: &str = "TRUST_TEST_TOKEN";

/// What the three clients say about the server, one line each, in a process with these variables.
async fn asked(url: &str, environment: &[(&str, &Path)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "--ignored", "--nocapture"])
        .arg("solve::dns01::update::client::tests::trust::child")
        .env_clear()
        .envs(environment.iter().copied())
        .env(URL, url)
        .env(TOKEN, "x");
    let ran = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    text
}

#[tokio::test]
#[ignore = "the tests below run it, each with an environment of its own"]
async fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let once = Limits {
        tries: 1,
        ..Limits::default()
    };
    let ca = Acme::open_with(&Issuer::new("own", &url), once).await.map(drop);
    println!("ca: {:?}", ca.map_err(|error| crate::error::chain(&error)));
    let own = https::client(None).unwrap().get(&url).send().await.map(drop);
    println!("own: {:?}", own.map_err(|error| https::words(&error)));
    let text = format!("provider: cpanel\nurl: {url}\nusername: ann\napiToken: {{env: {TOKEN}}}\n");
    let record = Record {
        zone: "shop.example".to_owned(),
        name: "_acme-challenge.shop.example".to_owned(),
        value: "abc".to_owned(),
        ttl: 60,
        domain: "shop.example".to_owned(),
        token: String::new(),
    };
    let library = match Update::new(&config(&text), &NoSecrets).await {
        Ok(update) => update.once(&record, false).await.map_err(|error| words(&error)),
        Err(error) => Err(format!("{}; {}", error.message, error.hint.unwrap_or_default())),
    };
    println!("library: {library:?}");
}

/// Whether each of them accepted the certificate.
#[track_caller]
fn trusted(said: &str) -> Vec<bool> {
    let one = |who: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(who)).expect(said);
        // The library's words are "Failed to send request".
        !["UnknownIssuer", "certificate", "send request"]
            .iter()
            .any(|word| line.contains(word))
    };
    ["ca: ", "own: ", "library: "].map(one).to_vec()
}

#[tokio::test]
async fn a_root_that_the_system_alone_has_is_trusted_by_every_client() {
    let (url, ca) = server("{}").await;
    let dir = tempfile::tempdir().unwrap();
    let (file, broken) = (dir.path().join("ca.pem"), dir.path().join("broken"));
    std::fs::write(&file, &ca).unwrap();
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    let said = asked(&url, &[("SSL_CERT_FILE", &file)]).await;
    assert_eq!(trusted(&said), [true; 3], "{said}");
    // An invalid file does not affect the clients that are made here.
    let said = asked(&url, &[("SSL_CERT_FILE", &broken), ("SSL_CERT_DIR", dir.path())]).await;
    assert_eq!(trusted(&said)[..2], [true; 2], "{said}");
}

#[tokio::test]
async fn without_a_store_clients_are_made_all_the_same() {
    let (url, _) = server("{}").await;
    let none = Path::new("/nonexistent");
    let said = asked(&url, &[("SSL_CERT_FILE", none), ("SSL_CERT_DIR", none)]).await;
    // The server's root is nowhere. The library cannot work without a store, and says what to do.
    assert_eq!(trusted(&said), [false; 3], "{said}");
    assert!(
        said.contains("UnknownIssuer") && said.contains("install the system's CA certificates"),
        "{said}"
    );
}
