//! DNS-PERSIST-01 with a CA that validates it: the record is printed, looked for and left alone.

use crate::support::{cluster::ingress, dns::Bind, issuing::Issuing};

/// The only domain by which a record names the CA.
const CA: &str = "ca.example";

fn issuing(label: &str) -> (Issuing, Bind, String) {
    let it = Issuing::with(label, |options| options.caa_identities = vec![CA.to_owned()]);
    let zone = it.ns.host("zone");
    let server = Bind::start(&[&zone]);
    it.resolver.delegate(&zone, server.ip());
    (it, server, zone)
}

/// Makes the account, and returns its URL.
fn account(it: &Issuing) -> String {
    it.certs(&["issue", "--secret", "first-tls", "-d", &it.host("first")])
        .ends_with(0);
    let dir = it.kept("config/kubectl-certs/accounts");
    let text: String = std::fs::read_dir(dir)
        .unwrap()
        .flatten()
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .collect();
    let at = text.find("/my-account/").expect("the account's URL");
    let start = text[..at].rfind("https://").unwrap();
    let end = text[at..].find(['"', '\n', ' ', '\'']).unwrap() + at;
    text[start..end].to_owned()
}

fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("/order-plz").count()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn preflight_prints_the_record_that_is_needed_and_an_order_goes_by_it_and_makes_nothing() {
    let (it, server, zone) = issuing("persist");
    let persist = ["--challenge", "dns-persist-01"];
    let wild = format!("*.{zone}");
    it.ns.apply(vec![ingress("shop", &[(&[&zone, &wild], "shop-tls")])]);
    let preflight = || it.certs(&[&["preflight", "shop"][..], &persist].concat());
    let renew = || it.certs(&[&["renew", "shop"][..], &persist].concat());

    // Without an account nobody can say what the record is.
    let ran = preflight().ends_with(4);
    for words in ["there is none yet", "kubectl certs account register"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }

    let account = account(&it);
    let had = orders(&it);
    let value = format!("{CA}; accounturi={account}; policy=wildcard");
    let record = format!("_validation-persist.{zone}. IN TXT \"{value}\"");
    let ran = preflight().ends_with(4);
    for words in ["has no TXT record", record.as_str()] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let ran = renew().ends_with(4);
    let first = record.replace("; policy=wildcard", "");
    assert!(ran.err.contains(&first), "{first}: {}", ran.err);
    assert!(ran.err.contains("`; policy=wildcard` at its end"), "{}", ran.err);
    assert_eq!(orders(&it), had, "the CA was asked: {}", ran.err);

    // Good for the domain, and not for its wildcard.
    let name = format!("_validation-persist.{zone}");
    let plain = value.replace("; policy=wildcard", "");
    server.add(&name, "TXT", &format!("\"{plain}\""));
    let ran = renew().ends_with(4);
    assert!(ran.err.contains("policy=wildcard is missing"), "{}", ran.err);
    let ran = preflight().ends_with(4);
    assert!(
        ran.out.contains("policy=wildcard is missing") && ran.out.contains(&record),
        "{}",
        ran.out
    );
    server.update(&[&format!("update delete {name}. TXT")]);

    server.add(&name, "TXT", "\"other.example; accounturi=https://other.example/1\"");
    server.add(&name, "TXT", &format!("\"{value}; persistUntil=4102444800\""));
    let before = server.records(&zone);
    let ran = preflight().ends_with(0);
    assert!(
        ran.out.contains("lets this account order until 2100-01-01T00:00:00Z"),
        "{}",
        ran.out
    );
    let ran = renew().ends_with(0);
    assert_eq!(it.leaf("shop-tls").names(), [wild.clone(), zone.clone()], "{}", ran.err);
    assert_eq!(server.records(&zone), before, "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_settings_choose_the_domains_with_a_record_that_stays() {
    let (it, server, zone) = issuing("persist-set");
    let account = account(&it);
    let host = it.host("by-http");
    it.settings(&format!("dns01:\n  standing: [{zone}]\n"));
    let issue = ["issue", "--secret", "both-tls", "-d", &zone, "-d", &host];
    let dry = it.certs(&[&issue[..], &["--dry-run"]].concat()).ends_with(4);
    let step = format!("validate {zone} by dns-persist-01: the record at _validation-persist.{zone}");
    assert!(dry.out.contains(&step), "{step}: {}", dry.out);
    assert!(dry.err.contains("has no TXT record"), "{}", dry.err);

    // Another account's record is none.
    let name = format!("_validation-persist.{zone}");
    server.add(&name, "TXT", &format!("\"{CA}; accounturi={account}0\""));
    let ran = it.certs(&issue).ends_with(4);
    assert!(ran.err.contains("lets another account order"), "{}", ran.err);
    server.add(&name, "TXT", &format!("\"{CA}; accounturi={account}\""));
    let before = server.records(&zone);
    let ran = it.certs(&issue).ends_with(0);
    let mut names = vec![zone.clone(), host];
    names.sort();
    assert_eq!(it.leaf("both-tls").names(), names, "{}", ran.err);
    assert_eq!(server.records(&zone), before, "{}", ran.err);

    // A record that has ended, as the CA would see it.
    server.update(&[&format!("update delete {name}. TXT")]);
    server.add(
        &name,
        "TXT",
        &format!("\"{CA}; accounturi={account}; persistUntil=1700000000\""),
    );
    let ran = it.certs(&["renew", "secret/both-tls"]).ends_with(4);
    assert!(ran.err.contains("until 2023-11-14T22:13:20Z"), "{}", ran.err);
}
