use proptest::prelude::*;

use super::*;

fn platform() -> Platform {
    Platform {
        own: ["platform.example.com", "*.apps.example.com", "**.intern.example.org"]
            .map(|own| own.parse().unwrap())
            .to_vec(),
        cluster: Some("k8s.corp.example.net".into()),
        reserved: vec!["edge.example.com".into()],
    }
}

fn parse(text: &str) -> Result<String, HostError> {
    Host::parse(text, &platform()).map(|host| host.to_string())
}

#[test]
fn hosts_of_customers_are_read_in_every_form_in_which_they_are_written() {
    for (text, host) in [
        ("www.example.com", "www.example.com"),
        ("WWW.Example.COM", "www.example.com"),
        ("www.example.com.", "www.example.com"),
        ("example.com", "example.com"),
        ("shop.co.uk", "shop.co.uk"),
        ("shop.web.app", "shop.web.app"),
        ("müller.de", "xn--mller-kva.de"),
        ("MÜLLER。de", "xn--mller-kva.de"),
        ("xn--mller-kva.de", "xn--mller-kva.de"),
        ("1.example.com", "1.example.com"),
        ("0x7f.example.com", "0x7f.example.com"),
        ("a.b.apps.example.com", "a.b.apps.example.com"),
        ("platform.example.com.evil.net", "platform.example.com.evil.net"),
        ("ssvc.net", "ssvc.net"),
        ("shop.svc.net", "shop.svc.net"),
        ("notedge.example.com", "notedge.example.com"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(host), "{text}");
    }
}

#[test]
fn hosts_made_to_deceive_are_no_hosts() {
    let long_label = format!("{}.example.com", "a".repeat(64));
    let long = format!("{}.example.com", "a.".repeat(144).trim_end_matches('.'));
    assert_eq!(long.len(), 299);
    let longer = "ü".repeat(2_000);
    for (text, why) in [
        ("", HostError::Empty),
        ("a@b", HostError::NotAName),
        ("a@b.example.com", HostError::NotAName),
        ("%2f", HostError::NotAName),
        ("a%2fb.example.com", HostError::NotAName),
        ("a%00.example.com", HostError::NotAName),
        ("www.example.com/x", HostError::NotAName),
        ("www.example.com?x", HostError::NotAName),
        ("www.example.com#x", HostError::NotAName),
        ("www.example.com:443", HostError::NotAName),
        ("https://www.example.com", HostError::NotAName),
        ("www.example.com&renewal=true", HostError::NotAName),
        ("www example.com", HostError::NotAName),
        (" www.example.com", HostError::NotAName),
        ("\u{a0}www.example.com", HostError::NotAName),
        ("www.example.com\u{3000}", HostError::NotAName),
        ("www.example.com\r\nHost: x", HostError::NotAName),
        ("www.example.com\0", HostError::NotAName),
        ("www.example.com..", HostError::NotAName),
        ("www..example.com", HostError::NotAName),
        (".www.example.com", HostError::NotAName),
        (".", HostError::NotAName),
        ("-a.example.com", HostError::NotAName),
        ("a-.example.com", HostError::NotAName),
        ("_acme-challenge.example.com", HostError::NotAName),
        ("ab--cd.example.com", HostError::NotAName),
        ("xn--a.example.com", HostError::NotAName),
        ("www\u{ff0f}x.example.com", HostError::NotAName),
        ("../../etc/passwd", HostError::NotAName),
        (long_label.as_str(), HostError::NotAName),
        (long.as_str(), HostError::TooLong),
        (longer.as_str(), HostError::TooLong),
        ("*.com", HostError::Wildcard),
        ("*", HostError::Wildcard),
        ("*.example.com", HostError::Wildcard),
        ("a*.example.com", HostError::Wildcard),
        ("localhost", HostError::OneLabel),
        ("com", HostError::OneLabel),
        ("svc", HostError::OneLabel),
        ("foo.svc.cluster.local", HostError::Inside),
        ("foo.bar.svc", HostError::Inside),
        ("FOO.SVC.Cluster.Local.", HostError::Inside),
        ("foo.default.svc.k8s.corp.example.net", HostError::Inside),
        ("k8s.corp.example.net", HostError::Inside),
        ("printer.local", HostError::Inside),
        ("a.localhost", HostError::Inside),
        ("metadata.google.internal", HostError::Inside),
        ("1.0.0.127.in-addr.arpa", HostError::Inside),
        ("x.onion", HostError::Inside),
        ("shop.example", HostError::NotPublic),
        ("shop.corp", HostError::NotPublic),
        ("co.uk", HostError::Suffix),
        ("web.app", HostError::Suffix),
        ("platform.example.com", HostError::Own),
        ("Platform.Example.com.", HostError::Own),
        ("shop.apps.example.com", HostError::Own),
        ("a.b.intern.example.org", HostError::Own),
        ("edge.example.com", HostError::Own),
        ("a.b.edge.example.com", HostError::Own),
    ] {
        assert_eq!(parse(text), Err(why), "{text:?}");
    }
}

#[test]
fn an_address_is_no_host_in_any_spelling() {
    for text in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "0X7F.1",
        "1.2.3.0x",
        "::1",
        "[::1]",
        "2001:db8::1",
        "[2001:DB8::1]",
        "::ffff:127.0.0.1",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "a.b.1",
    ] {
        assert_eq!(parse(text), Err(HostError::Address), "{text}");
    }
}

#[test]
fn why_a_host_is_refused_is_told_without_a_word_of_it() {
    for error in [
        HostError::Empty,
        HostError::TooLong,
        HostError::NotAName,
        HostError::Address,
        HostError::Wildcard,
        HostError::OneLabel,
        HostError::Inside,
        HostError::NotPublic,
        HostError::Suffix,
        HostError::Own,
    ] {
        assert!(error.to_string().starts_with("it"), "{error}");
    }
}

#[test]
fn the_registered_domain_is_what_cas_count() {
    let host = |text: &str| text.parse::<Host>().unwrap();
    for (text, registered, is_apex) in [
        ("www.shop.co.uk", "shop.co.uk", false),
        ("shop.co.uk", "shop.co.uk", true),
        ("a.shop.web.app", "shop.web.app", false),
    ] {
        assert_eq!((host(text).registered(), host(text).is_apex()), (registered, is_apex));
    }
}

proptest! {
    #[test]
    fn whatever_is_written_what_is_accepted_is_a_name_that_goes_into_a_url_as_it_is(text in ".{0,300}") {
        if let Ok(host) = Host::parse(&text, &Platform::default()) {
            let name = host.as_str();
            prop_assert!(name.len() <= 253 && name.contains('.'));
            prop_assert!(name.split('.').all(|label| (1..=63).contains(&label.len())));
            prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.'));
            prop_assert_eq!(Host::parse(name, &Platform::default()), Ok(host.clone()));
            prop_assert_eq!(name.parse::<Host>(), Ok(host));
        }
    }

    #[test]
    fn what_looks_like_a_host_is_read_without_a_panic(text in "[a-zA-Z0-9%@*:/\\[\\]._ ü。-]{0,40}(\\.com|\\.local|\\.1|)\\.{0,2}") {
        let _ = Host::parse(&text, &platform());
    }
}
