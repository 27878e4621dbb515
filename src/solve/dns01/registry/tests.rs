use super::*;
use crate::solve::dns01::{config::NoSecrets, manual::Terminal};

fn registry(text: &str, chosen: Option<&str>) -> Result<Registry, SolveError> {
    let entries = serde_saphyr::from_str(text).unwrap();
    Registry::new(
        entries,
        chosen.map(str::to_owned),
        Arc::new(NoSecrets),
        Arc::new(Terminal),
    )
}

fn place(name: &str, zone: &str, aliases: &[&str]) -> TxtName {
    TxtName {
        name: name.to_owned(),
        zone: zone.to_owned(),
        aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
    }
}

const SETTINGS: &str = "
- {name: all, provider: manual}
- {name: shop, zones: [shop.example], provider: manual}
- {name: eu, zones: [other.test, eu.shop.example], provider: manual}
- {name: again, zones: [shop.example], provider: manual}
- {name: script, zones: [scripted.example], provider: hook, command: /hook}
- {name: direct, zones: [direct.example], provider: cloudflare, apiToken: {env: A}}
- {name: account, provider: acme-dns, url: https://auth.test, username: u, password: {env: A}, subdomain: d420}
";

#[test]
fn the_longest_suffix_serves() {
    let registry = registry(SETTINGS, None).unwrap();
    let serving = |name: &str, aliases: &[&str]| {
        registry
            .serving(&place(name, "zone.test", aliases))
            .unwrap()
            .settings
            .name
            .clone()
    };
    for (name, expected) in [
        ("_acme-challenge.shop.example", "shop"),
        ("_acme-challenge.a.eu.shop.example", "eu"),
        ("_acme-challenge.eu.shop.example", "eu"),
        ("_acme-challenge.neu.shop.example", "shop"),
        ("_acme-challenge.workshop.example", "all"),
        ("d420.auth.test", "account"),
        ("d421.auth.test", "all"),
    ] {
        assert_eq!(serving(name, &[]), expected, "{name}");
    }
    // A hook is selected by the name that is proved, an API by the place of the record.
    assert_eq!(serving("x.acme.test", &["_acme-challenge.scripted.example"]), "script");
    assert_eq!(serving("x.shop.example", &["_acme-challenge.scripted.example"]), "shop");
    assert_eq!(serving("x.acme.test", &["_acme-challenge.direct.example"]), "all");
}

#[test]
fn what_a_dry_run_foresees_is_what_the_run_takes() {
    let registry = registry(SETTINGS, None).unwrap();
    let entries: Vec<DnsEntry> = registry.entries.iter().map(|entry| entry.settings.clone()).collect();
    for (domain, expected) in [
        // Of two with the same zone the first, even if the longest zone is not the last one of its entry.
        ("shop.example", "shop"),
        ("www.shop.example", "shop"),
        ("a.eu.shop.example", "eu"),
        ("workshop.example", "all"),
    ] {
        let taken = registry
            .serving(&place(&format!("_acme-challenge.{domain}"), domain, &[]))
            .unwrap();
        assert_eq!(taken.settings.name, expected, "{domain}");
        assert_eq!(foreseen(&entries, domain).unwrap().name, expected, "{domain}");
    }
    // An account writes one name. Before DNS is asked, it is only selected if no other entry matches.
    let others: Vec<DnsEntry> = entries.into_iter().filter(|entry| entry.name != "all").collect();
    assert_eq!(foreseen(&others, "workshop.example").unwrap().name, "account");
    assert_eq!(foreseen(&others, "shop.example").unwrap().name, "shop");
    assert!(foreseen(&[], "shop.example").is_none());
}

#[test]
fn one_that_is_chosen_serves_everything_and_what_is_missing_is_named() {
    let chosen = registry(SETTINGS, Some("eu")).unwrap();
    let serving = chosen
        .serving(&place("_acme-challenge.shop.example", "shop.example", &[]))
        .unwrap();
    assert_eq!(serving.settings.name, "eu");
    let error = registry("[{provider: manual}, {name: hook2, provider: manual}]", Some("x"))
        .err()
        .unwrap();
    assert_eq!(error.message, "there is no DNS provider \"x\"");
    assert_eq!(
        error.hint.as_deref(),
        Some("the settings have manual, hook2: add one called x under dns01.providers")
    );
    assert!(registry("[]", Some("manual")).unwrap().named("manual").is_ok());
    let twice = registry("[{provider: manual}, {provider: manual}]", None)
        .err()
        .unwrap();
    assert_eq!(twice.message, "two DNS providers are called \"manual\"");
    let none = registry("[]", None).unwrap();
    let error = none
        .serving(&place("_acme-challenge.shop.example", "shop.example", &[]))
        .unwrap_err();
    assert!(error.hint.unwrap().contains("zones: [shop.example]"));
}

#[tokio::test]
async fn a_credential_that_is_not_there_is_told_with_the_providers_name_when_it_is_needed() {
    let registry = registry(
        "[{name: cf, provider: cloudflare, apiToken: {env: KUBECTL_CERTS_TEST_UNSET}}]",
        None,
    )
    .unwrap();
    let entry = registry.named("cf").unwrap();
    let error = registry.provider(entry).await.err().unwrap();
    assert!(
        error
            .message
            .starts_with("DNS provider \"cf\": variable KUBECTL_CERTS_TEST_UNSET is not set"),
        "{error}"
    );
}
