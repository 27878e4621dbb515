//! `forecast` of manifests: the coming year under several lifetimes, and what to do now.

use serde_json::Value;

use super::run;

#[test]
fn thirty_thousand_new_names_take_297_hours_with_one_account_and_it_is_said_on_the_first_day() {
    let ran = run(&["forecast", "-f", "docs/example", "--new", "30000", "--lifetime", "90d"]).ends_with(0);
    // (30,000 - 300) × 36 s = 297 h; the one Secret of the example that lacks a certificate takes 36 s more.
    assert!(
        ran.out
            .contains("30,000 new names take 297 h with one account: 300 at once, then one each 36s."),
        "{}",
        ran.out
    );
    let year = run(&["forecast", "-f", "docs/example"]).ends_with(0);
    for lifetime in ["90d", "64d", "45d", "160h"] {
        let line = year.out.lines().find(|line| line.starts_with(lifetime));
        assert!(line.is_some(), "{lifetime}: {}", year.out);
    }
    assert!(
        ran.out.contains("one account gets 2,400 new certificates a day"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("an estimate"), "{}", ran.err);
}

#[test]
fn hosts_of_one_domain_wait_for_its_certificates_and_a_script_reads_for_how_long() {
    let args = [
        "forecast",
        "-f",
        "docs/example",
        "--new",
        "60",
        "--under",
        "new.example",
        "--lifetime",
        "45d",
    ];
    let ran = run(&[&args[..], &["-o", "json"]].concat()).ends_with(0);
    let shown: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(shown["items"].as_array().expect("items").len(), 1);
    // Ten wait beyond the 50, each 12,096 s longer.
    let new = &shown["items"][0]["newNames"];
    assert_eq!((&new["names"], &new["takesSeconds"]), (&60.into(), &120_960.into()));
    assert_eq!(new["heldBy"]["of"], "new.example");
    assert_eq!(shown["items"][0]["lifetimeSeconds"], 45 * 86_400);
}

#[test]
fn a_ca_whose_limits_are_not_known_is_said_to_be_one_and_what_is_no_lifetime_is_told() {
    let nobody = "https://127.0.0.1:1/directory";
    let ran = run(&[
        "forecast",
        "-f",
        "docs/example",
        "--directory-url",
        nobody,
        "--new",
        "5",
    ])
    .ends_with(0);
    assert!(
        ran.out.contains("The rate limits of this CA are not known"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("How long 5 new names take is not known"),
        "{}",
        ran.out
    );
    for (args, words) in [
        (&["--lifetime", "5m"][..], "between an hour and 400 days"),
        (&["--lifetime", "soon"], "soon"),
        (&["--under", "shop.example"], "--new"),
        (&["--new", "3", "--under", "co.uk"], "co.uk is a public suffix"),
    ] {
        let ran = run(&[&["forecast", "-f", "docs/example"], args].concat()).ends_with(2);
        assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
    }
}

#[test]
fn domains_that_wait_for_their_first_certificate_take_297_hours_where_they_are_30_000() {
    let dir = tempfile::tempdir().expect("a directory");
    let domain = |number: usize| {
        let host = format!("shop-{number}.example.com");
        format!(
            "---\napiVersion: kubectl-certs.io/v1\nkind: Domain\nmetadata: {{name: {host}, namespace: customers}}\n\
             spec: {{host: {host}, secretName: domain-{host}}}\nstatus: {{permitted: true}}\n"
        )
    };
    // Each of a domain of its own, as customers' are: the limit of a domain would come first.
    let all: String = (0..30_000)
        .map(|number| domain(number).replace("example.com", &format!("d{number}.com")))
        .collect();
    std::fs::write(dir.path().join("domains.yaml"), all).expect("a file");
    let path = dir.path().to_str().expect("UTF-8");
    let ran = run(&["forecast", "-f", path, "--lifetime", "90d"]).ends_with(0);
    for words in [
        "30,000 Secrets wait for their first one",
        "30,000 new names take 297 h with one account: 300 at once, then one each 36s.",
        "one account gets 2,400 new certificates a day",
    ] {
        assert!(ran.out.contains(words), "{words} is missing in {}", ran.out);
    }
}
