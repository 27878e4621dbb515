//! What a CA may ask for and offer, from end to end: account bindings, profiles, addresses, chains, renewal information.

use crate::support::{
    cluster::ingress,
    issuing::{Issuing, NODE},
    pebble::{DEFAULT, Pebble, SHORTLIVED},
};

const DAY: i64 = 24 * 60 * 60;

/// An Ingress with a host that leads to Traefik; returns the host.
fn shop(it: &Issuing) -> String {
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    host
}

fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("/order-plz").count()
}

/// How many orders said truthfully what they replace.
fn replacements(it: &Issuing) -> usize {
    it.pebble.log().matches("is a replacement of").count()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_ca_that_binds_accounts_gets_the_binding_once_and_says_so_without() {
    let key = Pebble::eab_key();
    let it = Issuing::with("eab", |options| options.eab = vec![("kid-1".to_owned(), key.clone())]);
    shop(&it);
    let ran = it.certs(&["renew", "shop"]).ends_with(4);
    assert!(ran.err.contains("external account binding"), "{}", ran.err);
    assert!(
        ran.err.contains("hint: ") && ran.err.contains("--eab-kid"),
        "{}",
        ran.err
    );
    assert_eq!(orders(&it), 0, "{}", ran.err);

    let file = it.ns.dir.path().join("eab.key");
    std::fs::write(&file, &key).unwrap();
    let ran = it
        .certs(&[
            "renew",
            "shop",
            "--eab-kid",
            "kid-1",
            "--eab-key-file",
            file.to_str().unwrap(),
        ])
        .ends_with(0);
    assert!(!ran.err.contains(&key), "{}", ran.err);
    let first = it.leaf("shop-tls").sha256();
    // The account is there now, and needs no binding again.
    let ran = it.certs(&["renew", "shop"]).ends_with(0);
    assert_ne!(it.leaf("shop-tls").sha256(), first, "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_profile_is_ordered_by_its_name_and_one_that_is_not_there_is_named_with_those_that_are() {
    let it = Issuing::with("profile", |options| options.profiles = vec![DEFAULT, SHORTLIVED]);
    let host = shop(&it);
    let ran = it.certs(&["renew", "shop", "--profile", "shortlived"]).ends_with(0);
    let leaf = it.leaf("shop-tls");
    let lives = leaf.certificate.not_after - leaf.certificate.not_before;
    assert!((6 * DAY..7 * DAY).contains(&lives), "{lives}: {}", ran.err);
    assert_eq!(leaf.names(), [host.as_str()]);

    let had = it.version("shop-tls");
    let ran = it.certs(&["renew", "shop", "--profile", "shortlivd"]).ends_with(4);
    assert!(ran.err.contains("shortlivd"), "{}", ran.err);
    assert!(
        ran.err.contains("shortlived") && ran.err.contains("default"),
        "{}",
        ran.err
    );
    assert_eq!(it.version("shop-tls"), had);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_address_is_proved_at_itself() {
    let it = Issuing::with("address", |options| options.profiles = vec![DEFAULT, SHORTLIVED]);
    let args = ["issue", "--secret", "node-tls", "-d", NODE, "--profile", "shortlived"];
    let ran = it.certs(&args).ends_with(0);
    assert_eq!(it.leaf("node-tls").names(), [NODE], "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_chain_is_chosen_by_its_root_and_has_to_reach_one_that_is_trusted() {
    let it = Issuing::with("chain", |options| options.alternate_roots = 1);
    shop(&it);
    let ran = it.certs(&["renew", "shop"]).ends_with(0);
    let usual = it.leaf("shop-tls").pem;
    let (preferred, root) = (it.pebble.root_name(1), it.pebble.root_files()[1].clone());
    assert_ne!(preferred, it.pebble.root_name(0), "{}", ran.err);

    // Only the usual chain's root is trusted here.
    let had = it.version("shop-tls");
    let args = ["renew", "shop", "--preferred-chain", &preferred];
    let ran = it.certs(&args);
    assert_ne!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("root") || ran.err.contains("trusted"), "{}", ran.err);
    assert_eq!(it.version("shop-tls"), had, "{}", ran.err);

    let more = ["--ca-file", root.to_str().unwrap()];
    let ran = it.certs(&[&args[..], &more[..]].concat()).ends_with(0);
    let other = it.leaf("shop-tls").pem;
    let intermediate = |pem: &str| pem.split("-----END CERTIFICATE-----").nth(1).unwrap().to_owned();
    assert_ne!(intermediate(&other), intermediate(&usual), "{}", ran.err);

    let ran = it
        .certs(&["renew", "shop", "--preferred-chain", "No Such Root"])
        .ends_with(0);
    assert!(ran.err.contains("offers no chain of the preferred name"), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_the_ca_says_is_due_is_renewed_and_the_order_says_what_it_replaces() {
    let it = Issuing::new("ari");
    let host = shop(&it);
    // Nothing is there: that is due.
    let ran = it.certs(&["renew", "--due"]).ends_with(0);
    assert!(ran.err.contains("it holds no certificate"), "{}", ran.err);
    let first = it.leaf("shop-tls");

    let (had, version) = (orders(&it), it.version("shop-tls"));
    let ran = it.certs(&["renew", "--due"]).ends_with(0);
    assert!(ran.err.contains("nothing is due"), "{}", ran.err);
    assert!(
        ran.err.contains("1 certificate not due yet; the next is on "),
        "{}",
        ran.err
    );
    assert_eq!((orders(&it), it.version("shop-tls")), (had, version), "{}", ran.err);

    it.pebble
        .set_renewal_window(&first.first_pem(), "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z");
    // It is not asked again before it wants to be: what it said then is kept.
    let ran = it.certs(&["renew", "--due"]).ends_with(0);
    assert!(ran.err.contains("nothing is due"), "{}", ran.err);
    std::fs::remove_file(it.kept("cache/kubectl-certs/renewals.json")).unwrap();
    let ran = it.certs(&["renew", "--due"]).ends_with(0);
    assert!(
        ran.err.contains("due, the CA's renewal window has opened"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains(&format!("{host} serves the stored certificate")),
        "{}",
        ran.err
    );
    let second = it.leaf("shop-tls");
    assert_ne!(second.sha256(), first.sha256(), "{}", ran.err);
    assert_eq!(replacements(&it), 1, "{}\n{}", ran.err, it.pebble.log());
    // The window of the new one is kept with it.
    let annotations = it.secret("shop-tls")["metadata"]["annotations"].to_string();
    assert!(annotations.contains("kubectl-certs.io/"), "{annotations}");
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_certificate_that_has_a_successor_is_ordered_without_and_that_is_told() {
    let it = Issuing::new("replaced");
    shop(&it);
    it.certs(&["renew", "shop"]).ends_with(0);
    let first = it.secret("shop-tls");
    it.certs(&["renew", "shop"]).ends_with(0);
    assert_eq!(replacements(&it), 1);
    let second = it.leaf("shop-tls").sha256();
    // Somebody puts the first one back, with the note about it: the CA has counted its renewal.
    let kept = serde_json::json!({
        "data": first["data"], "metadata": {"annotations": first["metadata"]["annotations"]},
    });
    it.ns
        .kubectl(&["patch", "secret", "shop-tls", "--type=merge", "-p", &kept.to_string()]);
    let ran = it.certs(&["renew", "shop"]).ends_with(0);
    assert!(
        ran.err
            .contains("does not count this order as the renewal of the current certificate"),
        "{}",
        ran.err
    );
    assert_ne!(it.leaf("shop-tls").sha256(), second, "{}", ran.err);
    assert_eq!(replacements(&it), 1, "{}", ran.err);

    // A certificate of another is never named to the CA.
    let host = it.ns.host("shop");
    it.ns.apply(vec![it.ns.pki.pair(&[&host]).secret("shop-tls")]);
    let ran = it.certs(&["renew", "shop", "--force"]).ends_with(0);
    assert!(!ran.err.contains("does not count this order"), "{}", ran.err);
    assert_eq!(replacements(&it), 1, "{}", ran.err);
}
