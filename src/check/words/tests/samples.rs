//! Facts of every reason, some in several forms, each with what its message has to say.

use super::{NOW, certificates, key, routes};
use crate::{
    check::{Fact, ObjectRef, finding},
    object::{Forbidden, Key, Kind, Text},
    policy::Denial,
    text::time::DAY,
};

pub(crate) fn texts(items: &[&str]) -> Vec<Text> {
    items.iter().map(|i| (*i).into()).collect()
}

pub(crate) fn at(kind: Kind, namespace: &str, name: &str) -> ObjectRef {
    ObjectRef {
        kind,
        key: Key::new(namespace, name),
    }
}

pub(crate) fn forbidden(kind: Kind, namespace: Option<&str>, name: Option<&str>, verb: &'static str) -> Fact {
    Fact::Forbidden(finding::Forbidden(Forbidden {
        kind,
        namespace: namespace.map(Into::into),
        name: name.map(Into::into),
        verb,
    }))
}

/// A fact, and parts of its message.
pub(super) type Sample = (Fact, &'static [&'static str]);

/// All samples in the order of the catalogue.
pub(crate) fn all() -> Vec<Sample> {
    [
        routes::references(),
        routes::hosts(),
        routes::gateways(),
        certificates::contents(),
        certificates::times_and_names(),
        certificates::chains(),
        certificates::strengths(),
        owners(),
        tenants(),
        served(),
    ]
    .concat()
}

fn owners() -> Vec<Sample> {
    let issuer = |kind, issuer, missing, message: &str| {
        Fact::IssuerNotReady(finding::IssuerNotReady {
            kind,
            issuer,
            missing,
            message: message.into(),
        })
    };
    let challenge = |challenge_type: &str, name: &str| {
        Fact::ChallengeStuck(finding::ChallengeStuck {
            challenge: Key::new("shop", "shop-1-2-3"),
            dns_name: name.into(),
            challenge_type: challenge_type.into(),
            message: "Waiting for propagation".into(),
        })
    };
    vec![
        (
            Fact::CertificateNotReady(finding::CertificateNotReady {
                certificate: Key::new("shop", "shop"),
                reason: "Failed".into(),
                message: "The certificate request has failed to complete and will be retried.".into(),
            }),
            &["Certificate shop", "(Failed)", "will be retried."],
        ),
        (
            Fact::RenewalFailing(finding::RenewalFailing {
                certificate: Key::new("shop", "shop"),
                attempts: 4,
                last: Some(NOW - 3 * DAY),
                message: "order is in \"errored\" state: rate limited".into(),
            }),
            &[
                "Certificate shop",
                "(4 attempts, the last on 2026-11-28, 3d ago)",
                "rate limited",
            ],
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
            Fact::OrderFailed(finding::OrderFailed {
                order: Key::new("shop", "shop-1-2"),
                state: "invalid".into(),
                message: "".into(),
            }),
            &["shop-1-2", "(invalid)"],
        ),
        (
            challenge("HTTP-01", "shop.example"),
            &["HTTP-01", "shop-1-2-3", "shop.example", "Waiting for propagation"],
        ),
        (challenge("DNS-01", "*.shop.example"), &["DNS-01", "*.shop.example"]),
        (
            Fact::ConflictingOwners(finding::ConflictingOwners {
                secret: key(),
                owners: vec![at(Kind::Certificate, "shop", "a"), at(Kind::Ingress, "shop", "web")].into(),
            }),
            &["shop-tls", "2 owners", "Certificate a, Ingress web"],
        ),
    ]
}

fn tenants() -> Vec<Sample> {
    vec![
        (
            Fact::NameNotPermitted(finding::NameNotPermitted {
                asker: at(Kind::Ingress, "shop", "web"),
                denial: Denial::NoRule,
            }),
            &["namespace shop", "shop.example", "Ingress web", "no rule is for"],
        ),
        (
            Fact::NameNotPermitted(finding::NameNotPermitted {
                asker: at(Kind::HttpRoute, "blog", "web"),
                denial: Denial::Wildcard {
                    rule: "rule 2".to_owned(),
                },
            }),
            &["namespace blog", "HTTPRoute blog/web", "rule 2 permits no wildcards"],
        ),
        (
            Fact::NameTaken(finding::NameTaken {
                asker: at(Kind::Ingress, "shop", "web"),
                by: at(Kind::Ingress, "blog", "old"),
                is_first: true,
            }),
            &[
                "Namespace blog had shop.example first",
                "Ingress blog/old",
                "namespace shop gets no certificate",
            ],
        ),
        (
            Fact::NameTaken(finding::NameTaken {
                asker: at(Kind::Ingress, "shop", "web"),
                by: at(Kind::Ingress, "blog", "old"),
                is_first: false,
            }),
            &["Namespace blog asks for shop.example too", "manifests do not say"],
        ),
    ]
}

fn served() -> Vec<Sample> {
    vec![
        (
            Fact::ServedDiffers(finding::ServedDiffers {
                address: "203.0.113.7:443".into(),
                served_sha256: "aa".repeat(32),
                stored_sha256: "bb".repeat(32),
                missing: Vec::new(),
            }),
            &[
                "203.0.113.7:443",
                "shop.example",
                "aaaaaaaaaaaaaaaa served",
                "bbbbbbbbbbbbbbbb stored",
            ],
        ),
        (
            Fact::ServedDiffers(finding::ServedDiffers {
                address: "203.0.113.7:443".into(),
                served_sha256: "aa".repeat(32),
                stored_sha256: "aa".repeat(32),
                missing: texts(&["CN=E7,O=Let's Encrypt,C=US"]),
            }),
            &["203.0.113.7:443", "shop-tls", "without CN=E7,O=Let's Encrypt"],
        ),
        (
            Fact::ServedExpired(finding::ServedExpired {
                address: "203.0.113.7:443".into(),
                not_after: NOW - 3 * DAY,
            }),
            &["203.0.113.7:443", "2026-11-28", "3d ago"],
        ),
        (
            Fact::ServedWrongHost(finding::ServedWrongHost {
                address: "2001:db8::7".into(),
                names: texts(&["ingress.local"]).into(),
            }),
            &["2001:db8::7", "shop.example", "ingress.local"],
        ),
        (
            Fact::ServedUntrusted(finding::ServedUntrusted {
                address: "203.0.113.7:443".into(),
                why: Box::new(Fact::SelfSigned(finding::SelfSigned)),
            }),
            &["203.0.113.7:443", "The certificate is self-signed"],
        ),
        (
            Fact::NotServed(finding::NotServed {
                address: "lb.example".into(),
                why: "connection refused".into(),
                asked: true,
            }),
            &["lb.example", "connection refused"],
        ),
        (
            Fact::NotServed(finding::NotServed {
                address: "shop.example".into(),
                why: "this machine's DNS (192.0.2.53) gave no answer about shop.example within 5 s".into(),
                asked: false,
            }),
            &["is served is not known", "gave no answer"],
        ),
        (
            Fact::StalePods(finding::StalePods {
                secret: key(),
                pods: texts(&["mail-0"]).into(),
                changed: NOW - 2 * DAY,
            }),
            &["shop-tls", "2026-11-29", "2d ago", "mail-0"],
        ),
        (
            Fact::DnsElsewhere(finding::DnsElsewhere {
                resolved: texts(&["198.51.100.1"]),
                expected: texts(&["203.0.113.7"]),
            }),
            &["shop.example", "198.51.100.1", "203.0.113.7"],
        ),
    ]
}
