use super::{message, remedy, say};
use crate::{
    check::{DueBy, Fact, Finding, Instead, ObjectRef, Reason},
    object::{Forbidden, Key, Kind, Seconds, Text},
    report::row::{RouteRef, Row, Status},
    text::time::DAY,
    x509::trust::Found,
};

/// 2026-12-01T00:00:00Z
const NOW: Seconds = 1_796_083_200;

fn row<'a>(secrets: &'a [Key], findings: &'a [Finding]) -> Row<'a> {
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
        class: Some("nginx"),
        created: None,
        labels: &[],
        certificate: None,
        findings,
        status: Status::Critical,
    }
}

fn texts(items: &[&str]) -> Vec<Text> {
    items.iter().map(|i| (*i).into()).collect()
}

fn key() -> Key {
    Key::new("shop", "shop-tls")
}

fn at(kind: Kind, namespace: &str, name: &str) -> ObjectRef {
    ObjectRef {
        kind,
        key: Key::new(namespace, name),
    }
}

fn forbidden(kind: Kind, namespace: Option<&str>, name: Option<&str>, verb: &'static str) -> Fact {
    Fact::Forbidden(Forbidden {
        kind,
        namespace: namespace.map(Into::into),
        name: name.map(Into::into),
        verb,
    })
}

/// Facts of every reason, some in several forms, each with what its message must say.
fn samples() -> Vec<(Fact, &'static [&'static str])> {
    [
        references(),
        gateways(),
        contents(),
        times_and_names(),
        chains(),
        strengths(),
        owners(),
        served(),
    ]
    .concat()
}

fn references() -> Vec<(Fact, &'static [&'static str])> {
    let not_found = |secret, instead, among_manifests| Fact::SecretNotFound {
        secret,
        instead,
        among_manifests,
    };
    vec![
        (
            not_found(key(), Instead::DefaultCertificate, false),
            &["Secret shop-tls", "Ingress web", "default certificate"],
        ),
        (
            not_found(Key::new("edge", "shop-tls"), Instead::NoConnection, false),
            &["edge/shop-tls", "no TLS connection"],
        ),
        (
            not_found(key(), Instead::Unknown, true),
            &["shop-tls", "among the manifests"],
        ),
        (
            Fact::SecretNameEmpty {
                instead: Instead::DefaultCertificate,
            },
            &["Ingress web", "shop.example", "default certificate"],
        ),
        (
            Fact::SecretNameEmpty {
                instead: Instead::Unknown,
            },
            &["up to the controller"],
        ),
        (
            forbidden(Kind::Secret, Some("shop"), Some("shop-tls"), "get"),
            &["get", "Secret shop-tls", "namespace shop"],
        ),
        (
            forbidden(Kind::Certificate, None, None, "list"),
            &["list", "certificates", "all namespaces"],
        ),
        (
            forbidden(Kind::IngressClass, None, None, "list"),
            &["list", "ingressclasses", "cluster"],
        ),
        (
            Fact::WrongSecretType {
                secret: key(),
                found: "".into(),
                usable: true,
            },
            &["shop-tls", "Opaque", "kubernetes.io/tls"],
        ),
        (
            Fact::WrongSecretType {
                secret: key(),
                found: "helm.sh/release.v1".into(),
                usable: false,
            },
            &["shop-tls", "helm.sh/release.v1"],
        ),
        (
            Fact::MissingData {
                secret: key(),
                data_key: "tls.key",
                empty: false,
            },
            &["shop-tls", "no tls.key"],
        ),
        (
            Fact::MissingData {
                secret: key(),
                data_key: "tls.crt",
                empty: true,
            },
            &["shop-tls", "tls.crt", "empty"],
        ),
        (
            Fact::RuleHostWithoutTls {
                host: "api.shop.example".into(),
                asked_for_acme: false,
            },
            &["api.shop.example", "Ingress web"],
        ),
        (
            Fact::RuleHostWithoutTls {
                host: "api.shop.example".into(),
                asked_for_acme: true,
            },
            &["api.shop.example", "annotation asks"],
        ),
        (
            Fact::TlsHostWithoutRule {
                host: "old.shop.example".into(),
            },
            &["old.shop.example", "Ingress web"],
        ),
        (Fact::DefaultBackendOnly, &["Ingress web", "ignore"]),
        (
            Fact::IngressClassNotFound {
                class: "ngnix".into(),
                kind: Kind::IngressClass,
            },
            &["ngnix", "Ingress web"],
        ),
        (
            Fact::IngressClassNotFound {
                class: "".into(),
                kind: Kind::IngressClass,
            },
            &["no class", "default"],
        ),
        (
            Fact::IngressClassNotFound {
                class: "istio".into(),
                kind: Kind::GatewayClass,
            },
            &["istio", "GatewayClass"],
        ),
        (
            Fact::DuplicateHost {
                others: vec![at(Kind::Ingress, "shop", "web-2"), at(Kind::Ingress, "blog", "web")],
                winner: Some(at(Kind::Ingress, "blog", "web")),
            },
            &[
                "shop.example",
                "web-2",
                "blog/web",
                "clients get the certificate of Ingress blog/web",
            ],
        ),
        (
            Fact::DuplicateHost {
                others: vec![at(Kind::Ingress, "blog", "web")],
                winner: None,
            },
            &["controller's choice"],
        ),
        (Fact::OrphanSecret { secret: key() }, &["shop-tls"]),
    ]
}

fn gateways() -> Vec<(Fact, &'static [&'static str])> {
    vec![
        (
            Fact::InvalidCertificateRef {
                group: "example.com".into(),
                kind: "Vault".into(),
                name: "edge".into(),
                why: "only Secrets are supported",
            },
            &["Vault.example.com/edge", "only Secrets are supported"],
        ),
        (
            Fact::RefNotPermitted {
                secret: Key::new("certs", "edge-tls"),
                from: Kind::Gateway,
                from_namespace: "shop".into(),
            },
            &["namespace certs", "Gateway of namespace shop", "edge-tls"],
        ),
        (
            Fact::HostnameConflict {
                listener: "https".into(),
                other: at(Kind::ListenerSet, "team", "extra"),
                other_listener: "tls".into(),
            },
            &["https", "tls", "ListenerSet team/extra"],
        ),
        (
            Fact::NoMatchingListenerHostname {
                route: at(Kind::HttpRoute, "shop", "cart"),
                hostnames: texts(&["cart.example"]),
            },
            &["HTTPRoute cart", "cart.example"],
        ),
        (
            Fact::OverlappingCertificates {
                other: at(Kind::Gateway, "shop", "edge"),
                other_listener: "admin".into(),
            },
            &["admin", "Gateway edge", "421"],
        ),
    ]
}

fn contents() -> Vec<(Fact, &'static [&'static str])> {
    vec![
        (
            Fact::InvalidCertificate {
                secret: key(),
                position: 1,
                why: "it is a private key".into(),
            },
            &["Certificate 2", "shop-tls", "it is a private key"],
        ),
        (
            Fact::InvalidKey {
                secret: key(),
                why: "no PEM block".into(),
            },
            &["tls.key", "shop-tls", "no PEM block"],
        ),
        (Fact::EncryptedKey { secret: key() }, &["shop-tls", "encrypted"]),
        (
            Fact::InvalidKeyPair { secret: key() },
            &["shop-tls", "tls.key", "not the key"],
        ),
        (
            Fact::LeafNotFirst {
                secret: key(),
                position: 2,
            },
            &["shop-tls", "place 3"],
        ),
    ]
}

fn times_and_names() -> Vec<(Fact, &'static [&'static str])> {
    let due = |by| Fact::RenewalDue {
        not_after: NOW + 19 * DAY,
        since: NOW - 11 * DAY,
        by,
    };
    let chain = |not_before, not_after| Fact::ChainExpired {
        subject: "CN=R11,O=Let's Encrypt,C=US".into(),
        not_after,
        not_before,
    };
    let mismatch = |names: &[&str], instead| Fact::HostMismatch {
        host: "pay.shop.example".into(),
        names: texts(names),
        instead,
    };
    vec![
        (
            Fact::Expired {
                not_after: NOW - 10 * DAY,
            },
            &["shop-tls", "2026-11-21", "10d ago"],
        ),
        (
            Fact::NotYetValid {
                not_before: NOW + 2 * DAY,
            },
            &["shop-tls", "2026-12-03", "in 2d"],
        ),
        (
            due(DueBy::Window),
            &["2026-12-20", "in 19d", "2026-11-20", "11d ago", "window"],
        ),
        (
            due(DueBy::Lifetime),
            &["2026-12-20", "in 19d", "2026-11-20", "lifetime"],
        ),
        (due(DueBy::Asked), &["2026-12-20", "in 19d", "--expiring-within"]),
        (
            Fact::RenewNow { window_end: NOW - DAY },
            &["shop-tls", "2026-11-30", "24h ago", "revoked"],
        ),
        (chain(NOW - 900 * DAY, NOW - DAY), &["CN=R11", "expired on 2026-11-30"]),
        (
            chain(NOW + DAY, NOW + 900 * DAY),
            &["CN=R11", "valid only from 2026-12-02"],
        ),
        (
            Fact::ChainExpiresFirst {
                subject: "CN=R11".into(),
                not_after: NOW + 5 * DAY,
            },
            &["CN=R11", "2026-12-06", "in 5d"],
        ),
        (
            Fact::LifetimeTooLong {
                days: 397,
                allowed: 200,
            },
            &["397", "200"],
        ),
        (
            mismatch(&["shop.example", "www.shop.example"], Instead::DefaultCertificate),
            &["pay.shop.example", "www.shop.example", "default certificate"],
        ),
        (
            mismatch(&["a", "b", "c", "d", "e", "f", "g"], Instead::Unknown),
            &["a, b, c, d, e and 2 more"],
        ),
        (
            Fact::CommonNameOnly {
                common_name: "shop.example".into(),
            },
            &["shop.example", "subject alternative name"],
        ),
        (Fact::WildcardTooBroad { name: "*.co.uk".into() }, &["*.co.uk"]),
        (
            Fact::UnusedNames {
                names: texts(&["old.shop.example"]),
            },
            &["1 host ", "old.shop.example"],
        ),
    ]
}

fn chains() -> Vec<(Fact, &'static [&'static str])> {
    let missing = |found| Fact::MissingIntermediate {
        issuer: "CN=E7,O=Let's Encrypt,C=US".into(),
        found,
    };
    vec![
        (
            missing(Found::Secret(Key::new("blog", "blog-tls"))),
            &["CN=E7", "Secret blog/blog-tls"],
        ),
        (missing(Found::PublicCas), &["CN=E7", "public CA"]),
        (missing(Found::CaFile), &["CN=E7", "--ca-file"]),
        (
            missing(Found::Url("http://e7.i.lencr.org/".into())),
            &["CN=E7", "http://e7.i.lencr.org/"],
        ),
        (missing(Found::Nowhere), &["CN=E7", "not found"]),
        (
            Fact::UntrustedIssuer {
                issuer: "CN=Corp Root".into(),
                root_presented: false,
            },
            &["CN=Corp Root"],
        ),
        (
            Fact::UntrustedIssuer {
                issuer: "CN=Corp Root".into(),
                root_presented: true,
            },
            &["CN=Corp Root", "sent along"],
        ),
        (Fact::WrongOrder, &["shop-tls", "order"]),
        (
            Fact::ExtraRoot {
                subject: "CN=ISRG Root X1".into(),
            },
            &["CN=ISRG Root X1"],
        ),
        (
            Fact::ExtraCertificate {
                subject: "CN=R3".into(),
            },
            &["CN=R3"],
        ),
        (Fact::SelfSigned, &["shop-tls", "its own key"]),
        (
            Fact::StagingIssuer {
                issuer: "(STAGING) Baloney Bulgur YE2".into(),
            },
            &["shop-tls", "(STAGING) Baloney Bulgur YE2"],
        ),
        (
            Fact::ControllerDefaultCertificate { controller: "Traefik" },
            &["Traefik", "shop.example"],
        ),
        (
            Fact::ConstraintViolated {
                why: "shop.example is outside the names that CN=Corp Sub CA may certify".into(),
            },
            &["CN=Corp Sub CA"],
        ),
    ]
}

fn strengths() -> Vec<(Fact, &'static [&'static str])> {
    vec![
        (
            Fact::WeakKey {
                algorithm: "RSA".into(),
                bits: 1024,
            },
            &["RSA of 1024 bits"],
        ),
        (
            Fact::WeakSignature {
                algorithm: "sha1WithRSAEncryption".into(),
            },
            &["sha1WithRSAEncryption"],
        ),
        (
            Fact::RepeatedKey {
                others: vec![Key::new("shop", "old-tls"), Key::new("blog", "blog-tls")],
            },
            &["2 other Secrets", "old-tls, blog/blog-tls"],
        ),
        (Fact::LeafIsCa, &["shop-tls", "CA"]),
        (Fact::MissingServerAuth, &["shop-tls", "serverAuth"]),
        (Fact::ClientAuthLost, &["shop-tls", "clientAuth"]),
        (Fact::MustStaple, &["shop-tls", "OCSP"]),
    ]
}

fn owners() -> Vec<(Fact, &'static [&'static str])> {
    let issuer = |kind, issuer, missing, message: &str| Fact::IssuerNotReady {
        kind,
        issuer,
        missing,
        message: message.into(),
    };
    let challenge = |challenge_type: &str, name: &str| Fact::ChallengeStuck {
        challenge: Key::new("shop", "shop-1-2-3"),
        dns_name: name.into(),
        challenge_type: challenge_type.into(),
        message: "Waiting for propagation".into(),
    };
    vec![
        (
            Fact::CertificateNotReady {
                certificate: Key::new("shop", "shop"),
                reason: "Failed".into(),
                message: "The certificate request has failed to complete and will be retried.".into(),
            },
            &["Certificate shop", "(Failed)", "will be retried."],
        ),
        (
            issuer(Kind::ClusterIssuer, Key::new("", "letsencrypt"), true, ""),
            &["ClusterIssuer letsencrypt", "does not exist"],
        ),
        (
            issuer(Kind::Issuer, Key::new("shop", "ca"), false, "secret \"ca\" not found"),
            &["Issuer ca", "secret \"ca\" not found"],
        ),
        (
            Fact::OrderFailed {
                order: Key::new("shop", "shop-1-2"),
                state: "invalid".into(),
                message: "".into(),
            },
            &["shop-1-2", "(invalid)"],
        ),
        (
            challenge("HTTP-01", "shop.example"),
            &["HTTP-01", "shop-1-2-3", "shop.example", "Waiting for propagation"],
        ),
        (challenge("DNS-01", "*.shop.example"), &["DNS-01", "*.shop.example"]),
        (
            Fact::ConflictingOwners {
                secret: key(),
                owners: vec![at(Kind::Certificate, "shop", "a"), at(Kind::Ingress, "shop", "web")],
            },
            &["shop-tls", "2 owners", "Certificate a, Ingress web"],
        ),
    ]
}

fn served() -> Vec<(Fact, &'static [&'static str])> {
    vec![
        (
            Fact::ServedDiffers {
                address: "203.0.113.7:443".into(),
                served_sha256: "aa".repeat(32),
                stored_sha256: "bb".repeat(32),
            },
            &[
                "203.0.113.7:443",
                "shop.example",
                "aaaaaaaaaaaaaaaa served",
                "bbbbbbbbbbbbbbbb stored",
            ],
        ),
        (
            Fact::ServedExpired {
                address: "203.0.113.7:443".into(),
                not_after: NOW - 3 * DAY,
            },
            &["203.0.113.7:443", "2026-11-28", "3d ago"],
        ),
        (
            Fact::ServedWrongHost {
                address: "2001:db8::7".into(),
                names: texts(&["ingress.local"]),
            },
            &["2001:db8::7", "shop.example", "ingress.local"],
        ),
        (
            Fact::NotServed {
                address: "lb.example".into(),
                why: "connection refused".into(),
            },
            &["lb.example", "connection refused"],
        ),
        (
            Fact::StalePods {
                secret: key(),
                pods: texts(&["mail-0"]),
                changed: NOW - 2 * DAY,
            },
            &["shop-tls", "2026-11-29", "2d ago", "mail-0"],
        ),
        (
            Fact::DnsElsewhere {
                resolved: texts(&["198.51.100.1"]),
                expected: texts(&["203.0.113.7"]),
            },
            &["shop.example", "198.51.100.1", "203.0.113.7"],
        ),
    ]
}

/// The text between backticks, and the whole text, never holds a subcommand that does not exist.
fn asks_for_missing_subcommand(text: &str) -> bool {
    text.match_indices("kubectl certs ").any(|(i, found)| {
        let rest = &text[i + found.len()..];
        !["status", "show", "probe", "explain"]
            .iter()
            .any(|command| rest.split([' ', '`']).next() == Some(command))
    })
}

#[test]
fn every_reason_has_a_message_with_its_facts_and_a_remedy_that_can_be_run() {
    let secrets = [key()];
    let row = row(&secrets, &[]);
    let samples = samples();
    for (fact, facts) in &samples {
        let finding = Finding::new(fact.clone());
        let reason = finding.reason();
        let (message, remedy) = (message(&finding, &row, NOW), remedy(&finding, &row));
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
            let first = said.chars().next().unwrap_or(' ');
            assert!(
                !first.is_lowercase() || message.starts_with(|c: char| c.is_alphanumeric()),
                "{said}"
            );
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
    let row = row(&secrets, &[]);
    let mut table = String::new();
    for (fact, _) in samples() {
        let finding = Finding::new(fact);
        table += &format!(
            "{} ({})\n  {}\n  > {}\n\n",
            finding.reason(),
            finding.severity.as_str(),
            message(&finding, &row, NOW),
            remedy(&finding, &row)
        );
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
    let said = remedy(&Finding::new(Fact::OrphanSecret { secret: key() }), &row).to_lowercase();
    for word in ["delete", "remove", "clean", "prune"] {
        assert!(!said.contains(word), "{said}");
    }
}

#[test]
fn names_from_outside_are_quoted_in_commands() {
    let hostile = Key::new("shop", "a'; rm -rf / #");
    let secrets = [hostile.clone()];
    let row = row(&secrets, &[]);
    let said = remedy(&Finding::new(Fact::Expired { not_after: 0 }), &row);
    assert!(said.contains(r"'a'\''; rm -rf / #'"), "{said}");
    assert_eq!(say::quote("shop-tls"), "shop-tls");
    assert_eq!(say::quote("*.shop.example"), "'*.shop.example'");
    assert_eq!(say::quote(""), "''");
}

#[test]
fn a_long_text_from_outside_does_not_fill_the_message() {
    let secrets = [key()];
    let row = row(&secrets, &[]);
    let finding = Finding::new(Fact::CertificateNotReady {
        certificate: key(),
        reason: "x".repeat(100_000).into(),
        message: "y".repeat(100_000).into(),
    });
    assert!(message(&finding, &row, NOW).len() < 1000);
}

#[test]
fn a_certificate_that_cert_manager_is_known_to_own_is_renewed_through_it() {
    let secrets = [key()];
    let expired = Finding::new(Fact::Expired { not_after: NOW - DAY });
    let findings = [
        expired.clone(),
        Finding::new(Fact::CertificateNotReady {
            certificate: Key::new("shop", "web-cert"),
            reason: "Failed".into(),
            message: "".into(),
        }),
    ];
    let said = remedy(&expired, &row(&secrets, &findings));
    assert!(said.contains("cmctl renew web-cert -n shop"), "{said}");
    assert!(!said.contains("kubectl create secret"), "{said}");
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
        let said = remedy(&Finding::new(fact), &row);
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
            &Finding::new(Fact::ServedExpired {
                address: address.into(),
                not_after: 0,
            }),
            &row,
        );
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
    for (fact, _) in samples() {
        let finding = Finding::new(fact);
        for said in [message(&finding, &empty, NOW), remedy(&finding, &empty)] {
            assert!(
                said.ends_with('.') && !said.contains(" -n  ") && !said.contains("  "),
                "{said}"
            );
        }
    }
}
