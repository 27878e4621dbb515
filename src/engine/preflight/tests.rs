use std::{io, net::SocketAddr};

use super::host::{AddressAnswer, leads, port_80};
use crate::{
    net::{Lookup, ResolveError},
    plan::preflight::{Check, Grade},
    solve::http01::fetch::{FetchError, Page},
};

fn page(address: &str, status: u16, body: &str, redirects: &[&str]) -> AddressAnswer {
    let at: SocketAddr = (address.parse::<std::net::IpAddr>().unwrap(), 80).into();
    AddressAnswer {
        address: at.ip(),
        what: Ok(Page {
            status,
            body: body.into(),
            redirects: redirects.iter().map(|r| (*r).to_owned()).collect(),
            address: at,
        }),
    }
}

fn nothing(address: &str, error: impl FnOnce(SocketAddr) -> FetchError) -> AddressAnswer {
    let at: SocketAddr = (address.parse::<std::net::IpAddr>().unwrap(), 80).into();
    AddressAnswer {
        address: at.ip(),
        what: Err(error(at)),
    }
}

fn silent(address: &str) -> AddressAnswer {
    nothing(address, |address| FetchError::NoAnswer { address })
}

fn seen(found: &[AddressAnswer], own: &[AddressAnswer]) -> (Grade, String) {
    let check: Check = port_80(&found.iter().collect::<Vec<_>>(), &own.iter().collect::<Vec<_>>());
    (check.grade, check.message)
}

fn dns(found: &[AddressAnswer], own: &[AddressAnswer], public: bool) -> (Grade, String) {
    let check = leads(
        &found.iter().collect::<Vec<_>>(),
        &own.iter().collect::<Vec<_>>(),
        None,
        public,
        "Ingress shop/shop",
        &Lookup::System,
    );
    (check.grade, check.message)
}

#[test]
fn dns_that_leads_elsewhere_fails_unless_the_same_answers_there() {
    let own = || [page("198.51.100.7", 404, "not here", &[])];
    let (grade, message) = dns(&[page("203.0.113.9", 404, "nginx", &[])], &own(), true);
    assert_eq!(
        (grade, message.as_str()),
        (
            Grade::Fails,
            "resolves to 203.0.113.9 (says this machine's DNS), but Ingress shop/shop is at 198.51.100.7"
        )
    );
    let (grade, message) = dns(&[page("203.0.113.9", 404, "not here", &[])], &own(), true);
    assert_eq!(grade, Grade::Warning, "{message}");
    assert_eq!(dns(&[silent("203.0.113.9")], &own(), true).0, Grade::Fails);
    assert_eq!(
        dns(&own(), &own(), true),
        (
            Grade::Ok,
            "resolves to 198.51.100.7 (says this machine's DNS), where Ingress shop/shop is".into()
        )
    );
    assert_eq!(dns(&[page("10.0.0.7", 404, "", &[])], &[], true).0, Grade::Warning);
    assert_eq!(dns(&[page("10.0.0.7", 404, "", &[])], &[], false).0, Grade::Ok);
}

#[test]
fn a_route_whose_name_is_not_resolved_is_not_said_to_have_no_address() {
    let found = [page("198.51.100.7", 404, "", &[])];
    let error = ResolveError::Timeout {
        who: "this machine's DNS (192.0.2.53)".into(),
        name: "lb.example".into(),
        after: std::time::Duration::from_secs(5),
    };
    let found: Vec<&AddressAnswer> = found.iter().collect();
    let check = leads(&found, &[], Some(&error), false, "Ingress shop/shop", &Lookup::System);
    assert!(
        check.message.ends_with(
            "; where Ingress shop/shop is, is not known: this machine's DNS (192.0.2.53) gave no answer about lb.example within 5 s"
        ),
        "{}",
        check.message
    );
}

#[test]
fn port_80_may_answer_anything_but_nothing() {
    for (shown, grade, words) in [
        (page("192.0.2.1", 404, "", &[]), Grade::Ok, "192.0.2.1 answers 404"),
        (page("192.0.2.1", 503, "", &[]), Grade::Ok, "answers 503"),
        (
            page("192.0.2.1", 404, "", &["https://shop.example/x"]),
            Grade::Ok,
            "answers 404 after a redirect to https://shop.example/x, which a CA follows",
        ),
        (
            page("192.0.2.1", 401, "", &["https://shop.example/x"]),
            Grade::Warning,
            "answers 401",
        ),
        (
            page("192.0.2.1", 200, "<html>", &[]),
            Grade::Warning,
            "with \"<html>\" for a token that does not exist",
        ),
        (silent("192.0.2.1"), Grade::Fails, "does not answer"),
        (
            nothing("192.0.2.1", |address| FetchError::NoRoute {
                address,
                cause: io::Error::other("unreachable"),
            }),
            Grade::Warning,
            "cannot reach 192.0.2.1",
        ),
        (
            nothing("192.0.2.1", |_| FetchError::TooManyRedirects {
                to: "http://a.example/".into(),
            }),
            Grade::Fails,
            "more than 10 redirects",
        ),
    ] {
        let (found, message) = seen(&[shown], &[]);
        assert!(found == grade && message.contains(words), "{found:?} {message}");
    }
}

#[test]
fn an_address_that_only_this_network_cannot_reach_is_no_failure_where_the_route_answers() {
    let (grade, message) = seen(&[silent("203.0.113.9")], &[page("10.0.0.7", 404, "", &[])]);
    assert_eq!(grade, Grade::Warning, "{message}");
    let (grade, message) = seen(
        &[silent("203.0.113.9"), page("203.0.113.10", 404, "", &[])],
        &[page("203.0.113.10", 404, "", &[])],
    );
    assert_eq!(grade, Grade::Fails, "{message}");
    assert!(message.contains("203.0.113.10 answers 404"), "{message}");
}
