use super::*;
use crate::solve::dns01::config::{Credential, NoSecrets};

fn value(content: &str, disabled: bool) -> Value {
    Value {
        content: content.to_owned(),
        disabled,
    }
}

fn config(url: &str) -> PowerDnsConfig {
    PowerDnsConfig {
        url: url.to_owned(),
        api_key: Credential::Env("KEY".to_owned()),
        server: "localhost".to_owned(),
        ca_file: None,
    }
}

#[test]
fn others_values_stay_as_they_were() {
    let present = [value("\"other\"", false), value("\"off\"", true)];
    let added = after(&present, "\"mine\"", Change::Add);
    assert_eq!(
        added,
        [
            value("\"other\"", false),
            value("\"off\"", true),
            value("\"mine\"", false)
        ]
    );
    assert_eq!(after(&added, "\"mine\"", Change::Remove), present);
    assert_eq!(after(&[value("\"mine\"", false)], "\"mine\"", Change::Remove), []);
}

#[test]
fn neither_the_key_nor_a_credential_in_the_url_is_shown() {
    let made = |url: &str, key: &str| PowerDns::new(&config(url), &SecretString::from(key), &NoSecrets);
    let provider = made("https://pdns.test:8081/api/v1/", "s3cret").unwrap();
    assert_eq!(provider.label, "PowerDNS at https://pdns.test:8081");
    assert_eq!(provider.zones, "/api/v1/servers/localhost/zones");
    assert!(!format!("{provider:?}").contains("s3cret"), "{provider:?}");
    for wrong in ["pdns.test:8081", "ftp://pdns.test", "https://a:s3cret@pdns.test", ""] {
        let error = made(wrong, "key").unwrap_err();
        assert!(!error.message.contains("s3cret"), "{error}");
    }
    assert!(made("https://pdns.test", "a\nb").is_err());
    let error = made("service://dns/powerdns-api:8081/api/v1", "s3cret").unwrap_err();
    assert_eq!(
        error.message,
        "PowerDNS at service://dns/powerdns-api:8081 is reached through a cluster, and there is none here"
    );
}

#[test]
fn a_zone_is_delegated_by_its_name_servers_and_the_addresses_that_only_it_has() {
    let set = |name: &str, kind: &str, contents: &[&str]| Set {
        name: name.to_owned(),
        kind: kind.to_owned(),
        ttl: 60,
        records: contents.iter().map(|content| value(content, false)).collect(),
    };
    let mut sets = vec![
        set(
            "corp.internal.",
            "NS",
            &["NS1.corp.internal.", "ns2.corp.internal.", "ns.other.example."],
        ),
        set("ns1.corp.internal.", "A", &["192.0.2.53"]),
        set("ns1.corp.internal.", "AAAA", &["2001:db8::53"]),
        set("ns.other.example.", "A", &["192.0.2.1"]),
        set("eu.corp.internal.", "NS", &["ns1.eu.corp.internal."]),
    ];
    let found = delegation("corp.internal", &sets);
    assert_eq!(
        found.records(),
        [
            "corp.internal. IN NS ns1.corp.internal.",
            "corp.internal. IN NS ns2.corp.internal.",
            "corp.internal. IN NS ns.other.example.",
            "ns1.corp.internal. IN A 192.0.2.53",
            "ns1.corp.internal. IN AAAA 2001:db8::53",
        ]
    );
    assert_eq!(found.without_address().collect::<Vec<_>>(), ["ns2.corp.internal"]);
    sets[1].records[0].disabled = true;
    assert_eq!(delegation("corp.internal", &sets).glue.len(), 1);
}
