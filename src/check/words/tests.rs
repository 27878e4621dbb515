mod certificates;
mod pages;
mod routes;
pub(crate) mod samples;

use crate::{
    check::{
        Beside, Fact, Finding, Reason, finding,
        row::{RouteRef, Row, Status},
    },
    inventory::Recipients,
    object::{Key, Kind, Seconds},
    text::{quote, time::DAY},
};
use samples::forbidden;

use super::{message, remedy};

/// 2026-12-01T00:00:00Z
const NOW: Seconds = 1_796_083_200;

pub(crate) fn row<'a>(secrets: &'a [Key], findings: &'a [Finding]) -> Row<'a> {
    Row {
        context: "prod",
        namespace: "shop",
        route: Some(RouteRef {
            kind: Kind::Ingress,
            name: "web",
            listener: None,
        }),
        host: Some("shop.example"),
        secrets,
        sole: secrets.len() == 1,
        served: None,
        class: Some("nginx"),
        created: None,
        labels: &[],
        certificate: None,
        evidence: Some(crate::check::row::Evidence::Stored),
        answer: None,
        doings: crate::object::doing::Doings::default(),
        data_keys: None,
        renewer: crate::check::Renewer::Unknown,
        reach: crate::object::Reach::HERE,
        findings,
        ignored: &[],
        status: Status::Critical,
    }
}

/// The row of a listener, for the reasons of the Gateway API.
pub(crate) fn listener(secrets: &[Key]) -> Row<'_> {
    Row {
        route: Some(RouteRef {
            kind: Kind::Gateway,
            name: "edge",
            listener: Some("https"),
        }),
        ..row(secrets, &[])
    }
}

/// The row for a fact of the samples.
pub(crate) fn row_of<'a>(fact: &Fact, secrets: &'a [Key]) -> Row<'a> {
    match fact {
        Fact::InvalidCertificateRef(_)
        | Fact::RefNotPermitted(_)
        | Fact::HostnameConflict(_)
        | Fact::NoMatchingListenerHostname(_)
        | Fact::OverlappingCertificates(_) => listener(secrets),
        Fact::OrphanSecret(_) => Row {
            route: None,
            host: None,
            ..row(secrets, &[])
        },
        _ => row(secrets, &[]),
    }
}

pub(crate) fn key() -> Key {
    Key::new("shop", "shop-tls")
}

/// Neither the text in backticks nor the rest contains a subcommand that does not exist.
fn asks_for_missing_subcommand(text: &str) -> bool {
    text.match_indices("kubectl certs ").any(|(i, found)| {
        let rest = &text[i + found.len()..];
        !["status", "show", "probe", "explain", "renew"]
            .iter()
            .any(|command| rest.split([' ', '`']).next() == Some(command))
    })
}

#[test]
fn every_reason_has_a_message_with_its_facts_and_a_remedy_that_can_be_run() {
    let secrets = [key()];
    let samples = samples::all();
    for (fact, facts) in &samples {
        let row = row_of(fact, &secrets);
        let finding = Finding::new(fact.clone());
        let reason = finding.reason();
        let (message, remedy) = (message(&finding, &row, NOW), remedy(&finding, &row).text);
        for said in [&message, &remedy] {
            assert!(said.len() > reason.as_str().len() + 20, "{reason}: {said}");
            assert!(
                !said.contains('\n') && said.ends_with('.'),
                "{reason}: one line: {said}"
            );
            assert!(!said.contains(".."), "{reason}: {said}");
            assert!(
                !said.contains('!') && !said.to_lowercase().contains("please"),
                "{reason}: {said}"
            );
            assert_eq!(said.matches('`').count() % 2, 0, "{reason}: {said}");
        }
        for expected in *facts {
            assert!(
                message.contains(expected),
                "{reason}: {expected:?} is not in {message:?}"
            );
        }
        assert!(!asks_for_missing_subcommand(&remedy), "{reason}: {remedy}");
        assert!(!remedy.contains("kubectl delete"), "{reason}: {remedy}");
    }
    for reason in Reason::ALL {
        assert!(
            samples.iter().any(|(fact, _)| fact.reason() == *reason),
            "{reason} has no sample"
        );
    }
}

#[test]
fn what_reviewers_read() {
    let secrets = [key()];
    let mut table = String::new();
    for (fact, _) in samples::all() {
        let row = row_of(&fact, &secrets);
        let finding = Finding::new(fact);
        table += &[
            &format!("{} ({})", finding.reason(), finding.severity.as_str()),
            &format!("  {}", message(&finding, &row, NOW)),
            &format!("  > {}", remedy(&finding, &row).text),
            "\n",
        ]
        .join("\n");
    }
    insta::assert_snapshot!("all", table);
}

#[test]
fn an_orphan_is_never_to_be_removed() {
    let secrets = [key()];
    let row = Row {
        route: None,
        host: None,
        ..row(&secrets, &[])
    };
    let said = remedy(&Finding::new(finding::OrphanSecret { secret: key() }), &row)
        .text
        .to_lowercase();
    for word in ["delete", "remove", "clean", "prune"] {
        assert!(!said.contains(word), "{said}");
    }
}

#[test]
fn names_from_outside_are_quoted_in_commands() {
    let hostile = Key::new("shop", "a'; rm -rf / #");
    let secrets = [hostile.clone()];
    let row = row(&secrets, &[]);
    let said = remedy(&Finding::new(finding::Expired { not_after: 0 }), &row).text;
    assert!(said.contains(r"'a'\''; rm -rf / #'"), "{said}");
    assert_eq!(quote("shop-tls"), "shop-tls");
    assert_eq!(quote("*.shop.example"), "'*.shop.example'");
    assert_eq!(quote(""), "''");
}

#[test]
fn a_long_text_from_outside_does_not_fill_the_message() {
    let secrets = [key()];
    let row = row(&secrets, &[]);
    let finding = Finding::new(finding::CertificateNotReady {
        certificate: key(),
        reason: "x".repeat(100_000).into(),
        message: "y".repeat(100_000).into(),
    });
    assert!(message(&finding, &row, NOW).len() < 1000);
}

#[test]
fn a_certificate_that_cert_manager_is_known_to_own_is_renewed_through_it() {
    let secrets = [key()];
    let expired = Finding::new(finding::Expired { not_after: NOW - DAY });
    let findings = [
        expired.clone(),
        Finding::new(finding::CertificateNotReady {
            certificate: Key::new("shop", "web-cert"),
            reason: "Failed".into(),
            message: "".into(),
        }),
    ];
    let said = remedy(&expired, &row(&secrets, &findings)).text;
    assert!(said.contains("cmctl renew web-cert -n shop"), "{said}");
    assert!(!said.contains("kubectl create secret"), "{said}");
}

#[test]
fn the_secret_that_is_meant_is_the_one_that_is_named() {
    let secrets = [key(), Key::new("shop", "rsa-tls"), Key::new("shop", "new-tls")];
    let row = Row {
        served: Some(&secrets[2]),
        ..row(&secrets, &[])
    };
    let mut expired = Finding::new(finding::Expired { not_after: NOW - DAY });
    for (beside, name) in [(None, "new-tls"), (Some(Recipients::WithoutEcdsa), "rsa-tls")] {
        expired.beside = beside.map(|clients| {
            Box::new(Beside {
                secret: secrets[1].clone(),
                writer: None,
                clients,
            })
        });
        let (message, remedy) = (message(&expired, &row, NOW), remedy(&expired, &row).text);
        assert!(message.contains(&format!("Secret {name} expired")), "{message}");
        assert_eq!(message.contains("do not support ECDSA"), beside.is_some(), "{message}");
        assert!(remedy.contains(&format!("secret generic {name} ")), "{remedy}");
        assert!(!remedy.contains("shop-tls"), "{remedy}");
    }
}

#[test]
fn a_missing_right_is_granted_by_the_rule_that_the_remedy_prints() {
    let row = row(&[], &[]);
    for (fact, rule, check) in [
        (
            forbidden(Kind::Secret, Some("shop"), None, "list"),
            r#"{apiGroups: [""], resources: ["secrets"], verbs: ["list"]}"#,
            "kubectl auth can-i list secrets -n shop",
        ),
        (
            forbidden(Kind::Secret, Some("shop"), Some("shop-tls"), "get"),
            r#"resources: ["secrets"], resourceNames: ["shop-tls"], verbs: ["get"]}"#,
            "kubectl auth can-i get secrets/shop-tls -n shop",
        ),
        (
            forbidden(Kind::Challenge, None, None, "watch"),
            r#"{apiGroups: ["acme.cert-manager.io"], resources: ["challenges"], verbs: ["watch"]}"#,
            "kubectl auth can-i watch challenges.acme.cert-manager.io -A",
        ),
        (
            forbidden(Kind::GatewayClass, None, None, "list"),
            r#"resources: ["gatewayclasses"]"#,
            "kubectl auth can-i list gatewayclasses.gateway.networking.k8s.io`",
        ),
    ] {
        let said = remedy(&Finding::new(fact), &row).text;
        assert!(said.contains(rule) && said.contains(check), "{said}");
    }
}

#[test]
fn a_probe_of_an_address_is_repeated_with_the_form_that_openssl_takes() {
    let secrets = [key()];
    let row = row(&secrets, &[]);
    for (address, expected) in [
        ("203.0.113.7", "-connect 203.0.113.7:443 -servername shop.example"),
        ("203.0.113.7:8443", "-connect 203.0.113.7:8443 "),
        ("2001:db8::7", "-connect '[2001:db8::7]:443' "),
        ("[2001:db8::7]:8443", "-connect '[2001:db8::7]:8443' "),
        ("lb.example", "-connect lb.example:443 "),
    ] {
        let said = remedy(
            &Finding::new(finding::ServedExpired {
                address: address.into(),
                not_after: 0,
            }),
            &row,
        )
        .text;
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_row_without_route_host_or_secret_has_words_too() {
    let empty = Row {
        namespace: "",
        route: None,
        host: None,
        class: None,
        ..row(&[], &[])
    };
    for (fact, _) in samples::all() {
        let finding = Finding::new(fact);
        for said in [message(&finding, &empty, NOW), remedy(&finding, &empty).text] {
            assert!(
                said.ends_with('.') && !said.contains(" -n  ") && !said.contains("  "),
                "{said}"
            );
        }
    }
}
