use proptest::prelude::*;

use super::*;
use crate::domain::testing::*;

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn instructions() -> Instructions {
    Instructions {
        target: Some("edge.platform.example".into()),
        addresses: vec![ip("192.0.2.7"), ip("2001:db8::7")],
        challenge_zone: Some("proofs.platform.example".into()),
        standing: None,
        ownership: false,
        install: "7f3a".into(),
    }
}

fn lines(all: &[ToSet]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

#[test]
fn a_name_gets_a_cname_and_a_registered_domain_addresses() {
    let all = |name: &str| lines(&to_set(&host(name), &shop(), &instructions(), &[]));
    assert_eq!(
        all("www.example.com"),
        [
            "www.example.com. CNAME edge.platform.example.",
            "_acme-challenge.www.example.com. CNAME www.example.com.proofs.platform.example.",
        ]
    );
    assert_eq!(
        all("example.co.uk")[..2],
        ["example.co.uk. A 192.0.2.7", "example.co.uk. AAAA 2001:db8::7"]
    );
    let mut bare = instructions();
    bare.addresses.clear();
    let apex = |platform: &[IpAddr]| lines(&to_set(&host("example.com"), &shop(), &bare, platform))[0].clone();
    assert_eq!(apex(&[]), "example.com. ALIAS edge.platform.example.");
    assert_eq!(apex(&[ip("192.0.2.9")]), "example.com. A 192.0.2.9");
}

#[test]
fn a_record_that_stays_and_the_proof_of_ownership_are_told_where_they_are_wanted() {
    let instructions = Instructions {
        target: None,
        challenge_zone: None,
        standing: Some(StandingIssuer {
            issuers: vec!["ca.example".into()],
            account: "https://ca.example/acct/7".into(),
        }),
        ownership: true,
        ..instructions()
    };
    let all = to_set(&host("www.example.com"), &shop(), &instructions, &[]);
    let lines = lines(&all);
    assert_eq!(
        lines[2],
        "_validation-persist.www.example.com. TXT \"ca.example; accounturi=https://ca.example/acct/7\""
    );
    assert!(
        lines[3].starts_with("_kubectl-certs.www.example.com. TXT \"tenant="),
        "{lines:?}"
    );
    // Another tenant, host or installation has another proof.
    let proofs = [
        ownership(&host("www.example.com"), &shop(), "7f3a"),
        ownership(&host("www.example.com"), &blog(), "7f3a"),
        ownership(&host("example.com"), &shop(), "7f3a"),
        ownership(&host("www.example.com"), &shop(), "7f3b"),
    ];
    let mut values: Vec<&str> = proofs.iter().map(|proof| proof.value.as_str()).collect();
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), 4);
    let texts = ["v=spf1 -all".to_owned(), format!(" {} ", proofs[0].value)];
    assert!(is_proved(&host("www.example.com"), &shop(), "7f3a", &texts));
    assert!(!is_proved(&host("www.example.com"), &blog(), "7f3a", &texts));
}

#[test]
fn what_is_missing_is_told_with_what_is_there_and_where_it_was_seen() {
    let seen = |aliases: &[&str], addresses: &[&str], challenge: &[&str]| SeenRecords {
        server: "ns1.example.com (192.0.2.53)".into(),
        aliases: aliases.iter().map(|it| (*it).into()).collect(),
        addresses: addresses.iter().map(|it| ip(it)).collect(),
        challenge: challenge.iter().map(|it| (*it).into()).collect(),
        ..SeenRecords::default()
    };
    let judged = |seen: &SeenRecords| looked(&host("www.example.com"), &shop(), &instructions(), seen, NOW);
    let delegated = "WWW.example.com.proofs.platform.example.";
    for (seen, traffic, challenge, missing, told) in [
        (
            seen(&["Edge.Platform.Example."], &["192.0.2.200"], &[]),
            true,
            false,
            0,
            "",
        ),
        (seen(&[], &["192.0.2.7", "2001:db8::7"], &[]), true, false, 0, ""),
        (
            seen(&[], &["192.0.2.7", "203.0.113.9"], &[]),
            false,
            false,
            2,
            "www.example.com leads to 192.0.2.7, 203.0.113.9",
        ),
        (
            seen(&["shop.other.example"], &["203.0.113.9"], &[delegated]),
            false,
            true,
            1,
            "www.example.com is an alias of shop.other.example and leads to 203.0.113.9",
        ),
        (
            seen(&[], &[], &["else.example"]),
            false,
            false,
            2,
            "www.example.com has no address",
        ),
        (
            seen(&["edge.platform.example"], &[], &[]),
            false,
            false,
            2,
            "www.example.com is an alias of edge.platform.example, which has no address",
        ),
    ] {
        let looked = judged(&seen);
        let got = (
            looked.traffic,
            looked.challenge,
            looked.missing.len(),
            looked.seen.as_str(),
        );
        assert_eq!(got, (traffic, challenge, missing, told), "{seen:?}");
        assert_eq!(looked.is_enough(), traffic || challenge);
        assert_eq!(looked.server, "ns1.example.com (192.0.2.53)");
    }
}

#[test]
fn without_the_proof_that_is_wanted_nothing_is_ordered() {
    let instructions = Instructions {
        ownership: true,
        ..instructions()
    };
    let mut seen = SeenRecords {
        addresses: vec![ip("192.0.2.7")],
        ..SeenRecords::default()
    };
    let judged = |seen: &SeenRecords| looked(&host("www.example.com"), &shop(), &instructions, seen, NOW);
    let lacks = judged(&seen);
    assert!(!lacks.is_enough());
    assert_eq!(lacks.missing[0].purpose, Purpose::Ownership);
    seen.ownership.push(lacks.missing[0].value.to_string());
    assert!(judged(&seen).is_enough() && judged(&seen).missing.is_empty());
}

#[test]
fn how_long_it_is_remembered_that_a_host_is_missing_counts_only_while_it_is() {
    let mut seen = SeenRecords {
        kept: Some(900),
        ..SeenRecords::default()
    };
    let judged = |seen: &SeenRecords| looked(&host("www.example.com"), &shop(), &instructions(), seen, NOW).kept;
    assert_eq!(judged(&seen), Some(900));
    seen.addresses.push(ip("192.0.2.7"));
    assert_eq!(judged(&seen), None);
}

#[test]
fn text_of_a_name_server_reaches_nobody_uncleared() {
    let seen = SeenRecords {
        server: "ns\u{1b}[31m".into(),
        aliases: vec!["a\u{7}b.example".into()],
        ..SeenRecords::default()
    };
    let looked = looked(&host("www.example.com"), &shop(), &instructions(), &seen, NOW);
    assert!(
        !format!("{}{}", looked.server, looked.seen)
            .chars()
            .any(char::is_control),
        "{looked:?}"
    );
}

#[test]
fn missing_records_are_looked_for_with_growing_pauses_and_good_ones_daily() {
    let mut record = record();
    assert_eq!(next_look(&record), None, "the application was not asked");
    record.answered(Said::Yes, false, NOW);
    assert_eq!(next_look(&record), Some(NOW));
    for (after, pause) in [(1, 15), (60, 30), (600, 300), (20_000, HOUR)] {
        let missing = Looked {
            at: NOW + after,
            traffic: false,
            ..led_here()
        };
        record.seen_in_dns(missing, NOW + after);
        assert_eq!(next_look(&record), Some(NOW + after + pause));
    }
    // Nobody remembers for longer than the zone says that there is no record, and nobody is asked all the time.
    for (after, kept, pause) in [
        (60, 600, 30),
        (20_000, 600, 600),
        (20_000, 5, 300),
        (20_000, DAY, HOUR),
        (2 * DAY, 600, HOUR),
    ] {
        let missing = Looked {
            at: NOW + after,
            traffic: false,
            kept: Some(kept),
            ..led_here()
        };
        record.seen_in_dns(missing, NOW + after);
        assert_eq!(look_after(&record), Some(NOW + after + pause), "{after} {kept}");
    }
    let mut served = served(90 * DAY);
    served.plan(NOW);
    assert_eq!(next_look(&served), Some(NOW + DAY));
    let released = Record {
        released: Some(NOW),
        ..served
    };
    assert_eq!(next_look(&released), None);
}

proptest! {
    #[test]
    fn every_name_that_is_told_fits_into_dns(
        labels in prop::collection::vec("[a-z]{1,60}", 1..5),
        zone in "[a-z]{1,40}\\.platform\\.example",
    ) {
        let Ok(host) = format!("{}.example.com", labels.join(".")).parse::<Host>() else { return Ok(()); };
        prop_assert!(delegated(&host, &zone).len() <= 253);
    }
}
