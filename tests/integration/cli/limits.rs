//! `limits` of manifests: what is left, for which domain, and what is ahead.

use serde_json::Value;

use super::run;

#[test]
fn what_is_left_is_shown_without_an_account_and_without_a_cluster() {
    let ran = run(&["limits", "-f", "docs/example"]).ends_with(0);
    assert!(
        ran.out.starts_with("letsencrypt\n"),
        "production by default: {}",
        ran.out
    );
    assert!(ran.out.contains("there is no account yet"), "{}", ran.out);
    let orders = ran
        .out
        .lines()
        .find(|line| line.starts_with("new orders"))
        .expect("a line");
    assert!(orders.contains("300/300"), "{orders}");
    assert!(ran.out.contains("within the next 90 days"), "{}", ran.out);
    let ran = run(&["limits", "-f", "docs/example", "--staging", "-o", "wide"]).ends_with(0);
    assert!(
        ran.out.contains("1500/1500") && ran.out.contains("ONE EACH"),
        "{}",
        ran.out
    );
}

#[test]
fn one_domain_is_shown_by_one_of_its_hosts() {
    let ran = run(&["limits", "www.shop.co.uk", "-f", "docs/example", "-o", "json"]).ends_with(0);
    let shown: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(shown["domain"], "shop.co.uk");
    let domains = shown["items"].as_array().expect("items").iter();
    let domains: Vec<&Value> = domains
        .filter(|item| item["limit"] == "certificatesPerDomain")
        .collect();
    assert_eq!(domains.len(), 1, "{}", ran.out);
    assert_eq!(
        (&domains[0]["of"], &domains[0]["left"]),
        (&"shop.co.uk".into(), &50.into())
    );
    assert_eq!(domains[0]["intervalSeconds"], 12_096);
    assert!(
        ran.err
            .contains("no certificate of letsencrypt that was read has a name of shop.co.uk"),
        "{}",
        ran.err
    );
}

#[test]
fn what_is_no_domain_is_told_with_what_would_be_one() {
    for (wrong, words) in [
        ("https://shop.example", "is neither a DNS name nor an IP address"),
        ("co.uk", "co.uk is a public suffix"),
        ("*", "means every host"),
    ] {
        let ran = run(&["limits", wrong, "-f", "docs/example"]).ends_with(2);
        assert!(ran.err.contains(words), "{wrong}: {}", ran.err);
        assert!(ran.err.contains("such as shop.example"), "{}", ran.err);
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
}

#[test]
fn a_ca_whose_limits_are_not_known_is_said_to_be_one() {
    let nobody = "https://127.0.0.1:1/directory";
    let ran = run(&["limits", "-f", "docs/example", "--directory-url", nobody]).ends_with(0);
    assert!(
        ran.out.contains("the rate limits of this CA are not known"),
        "{}",
        ran.out
    );
    let ran = run(&["limits", "-f", "docs/example", "--directory-url", nobody, "-o", "json"]).ends_with(0);
    let shown: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(shown["known"], false);
}
