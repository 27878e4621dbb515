//! Samples of the reasons about routes.

use super::{
    key,
    samples::{Sample, at, forbidden, texts},
};
use crate::{
    check::{Fact, Instead},
    object::{Key, Kind},
};

pub(super) fn references() -> Vec<Sample> {
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
            not_found(key(), Instead::AnotherCertificate, false),
            &["does not exist; clients get another certificate", "covers the host"],
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
                instead: Instead::AnotherCertificate,
            },
            &["names no Secret: clients get another certificate"],
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
    ]
}

pub(super) fn hosts() -> Vec<Sample> {
    vec![
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

pub(super) fn gateways() -> Vec<Sample> {
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
