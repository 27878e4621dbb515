//! Samples of the reasons about routes.

use super::{
    key,
    samples::{Sample, at, forbidden},
};
use crate::{
    check::{Fact, Instead, Maker, finding},
    inventory::{Controller, Keeper, MadeBy, query::Rivalry},
    object::{Key, Kind},
};

// A list with one sample for each line of the words.
#[allow(clippy::too_many_lines)]
pub(super) fn references() -> Vec<Sample> {
    let not_found = |secret, instead, among_manifests| {
        Fact::SecretNotFound(finding::SecretNotFound {
            secret,
            instead,
            among_manifests,
            maker: None,
        })
    };
    let made = |maker, among_manifests| {
        Fact::SecretNotFound(finding::SecretNotFound {
            secret: key(),
            instead: Instead::Unknown,
            among_manifests,
            maker: Some(Box::new(maker)),
        })
    };
    let by = |kind: &str, name: &str| {
        Maker::Object(MadeBy {
            kind: kind.into(),
            name: name.into(),
        })
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
            not_found(key(), Instead::OwnUpTo36, false),
            &["TLSStore called default lists", "does not exist", "up to 3.6"],
        ),
        (
            not_found(key(), Instead::LeftOutUpTo36, false),
            &["passes TLS through", "up to 3.6 leave out the whole Ingress"],
        ),
        (
            not_found(key(), Instead::Unknown, true),
            &["shop-tls", "among the manifests"],
        ),
        (
            made(by("SealedSecret", "web-tls"), true),
            &["created in the cluster by SealedSecret web-tls"],
        ),
        (made(by("SOPS", ""), true), &["which SOPS has encrypted"]),
        (
            made(by("Reflector", ""), true),
            &["created in the cluster by Reflector, which copies it"],
        ),
        (
            made(Maker::Certificate("web".into()), true),
            &["created in the cluster by cert-manager for Certificate web"],
        ),
        (
            made(Maker::Certificate("web".into()), false),
            &["does not exist", "to be created by cert-manager for Certificate web"],
        ),
        (
            made(Maker::Annotation, false),
            &[
                "does not exist",
                "cert-manager, at the request of an annotation of Ingress web",
            ],
        ),
        (
            made(Maker::Refused("the listener has no hostname"), false),
            &[
                "asks cert-manager for it by annotation",
                "creates none: the listener has no hostname",
            ],
        ),
        (
            made(Maker::Assumed, true),
            &["--assume-secrets presumes that it exists"],
        ),
        (
            Fact::SecretNameEmpty(finding::SecretNameEmpty {
                instead: Instead::DefaultCertificate,
                unused: None,
            }),
            &["Ingress web", "shop.example", "default certificate"],
        ),
        (
            Fact::SecretNameEmpty(finding::SecretNameEmpty {
                instead: Instead::AnotherCertificate,
                unused: None,
            }),
            &["names no Secret: clients get another certificate"],
        ),
        (
            Fact::SecretNameEmpty(finding::SecretNameEmpty {
                instead: Instead::Unknown,
                unused: None,
            }),
            &["up to the controller"],
        ),
        (
            Fact::SecretNameEmpty(finding::SecretNameEmpty {
                instead: Instead::DefaultCertificate,
                unused: Some(key()),
            }),
            &[
                "The first tls entry of Ingress web that lists shop.example",
                "Secret shop-tls of another entry is not served",
            ],
        ),
        (
            not_found(Key::new("shop", "certs/shop-tls"), Instead::Unknown, true),
            &["spec.tls[].secretName", "certs/shop-tls", "not the name of a Secret"],
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
            Fact::WrongSecretType(finding::WrongSecretType {
                secret: key(),
                found: "".into(),
                usable: true,
            }),
            &["shop-tls", "Opaque", "kubernetes.io/tls"],
        ),
        (
            Fact::WrongSecretType(finding::WrongSecretType {
                secret: key(),
                found: "helm.sh/release.v1".into(),
                usable: false,
            }),
            &["shop-tls", "helm.sh/release.v1"],
        ),
        (
            Fact::MissingData(finding::MissingData {
                secret: key(),
                data_key: "tls.key",
                empty: false,
                by_version: false,
            }),
            &["shop-tls", "no tls.key"],
        ),
        (
            Fact::MissingData(finding::MissingData {
                secret: key(),
                data_key: "tls.crt",
                empty: true,
                by_version: false,
            }),
            &["shop-tls", "tls.crt", "empty"],
        ),
        (
            Fact::MissingData(finding::MissingData {
                secret: key(),
                data_key: "tls.key",
                empty: false,
                by_version: true,
            }),
            &["no tls.key", "TLSStore called default", "up to 3.6"],
        ),
    ]
}

// As above.
#[allow(clippy::too_many_lines)]
pub(super) fn hosts() -> Vec<Sample> {
    vec![
        (
            Fact::RuleHostWithoutTls(finding::RuleHostWithoutTls {
                host: "api.shop.example".into(),
                asked_for_acme: false,
            }),
            &["api.shop.example", "Ingress web"],
        ),
        (
            Fact::RuleHostWithoutTls(finding::RuleHostWithoutTls {
                host: "api.shop.example".into(),
                asked_for_acme: true,
            }),
            &["api.shop.example", "annotation asks"],
        ),
        (
            Fact::TlsHostWithoutRule(finding::TlsHostWithoutRule {
                host: "old.shop.example".into(),
                taken_by: None,
                instead: Instead::Unknown,
                assumed: None,
            }),
            &["old.shop.example", "Ingress web", "no request for the host is routed."],
        ),
        (
            Fact::TlsHostWithoutRule(finding::TlsHostWithoutRule {
                host: "old.shop.example".into(),
                taken_by: Some("*".into()),
                instead: Instead::DefaultCertificate,
                assumed: Some(Controller::IngressNginx),
            }),
            &[
                "a rule without a host takes its requests",
                "default certificate, as ingress-nginx serves it.",
            ],
        ),
        (
            Fact::TlsHostWithoutRule(finding::TlsHostWithoutRule {
                host: "old.shop.example".into(),
                taken_by: Some("*.shop.example".into()),
                instead: Instead::AnotherCertificate,
                assumed: None,
            }),
            &[
                "the rule for *.shop.example takes",
                "another certificate, which covers the host.",
            ],
        ),
        (
            Fact::RuleWithoutHost(finding::RuleWithoutHost {
                secret: key(),
                instead: Instead::Unknown,
                assumed: None,
            }),
            &[
                "a name which Secret shop-tls covers",
                "all others the controller's default one.",
            ],
        ),
        (
            Fact::RuleWithoutHost(finding::RuleWithoutHost {
                secret: key(),
                instead: Instead::DefaultCertificate,
                assumed: None,
            }),
            &[
                "A rule of Ingress web has no host",
                "default certificate there, and never Secret shop-tls.",
            ],
        ),
        (
            Fact::DefaultBackendOnly(finding::DefaultBackendOnly),
            &["Ingress web", "ignore"],
        ),
        (
            Fact::IngressClassNotFound(finding::IngressClassNotFound {
                class: "ngnix".into(),
                kind: Kind::IngressClass,
            }),
            &["ngnix", "Ingress web"],
        ),
        (
            Fact::IngressClassNotFound(finding::IngressClassNotFound {
                class: "".into(),
                kind: Kind::IngressClass,
            }),
            &["no class", "default"],
        ),
        (
            Fact::IngressClassNotFound(finding::IngressClassNotFound {
                class: "istio".into(),
                kind: Kind::GatewayClass,
            }),
            &["istio", "GatewayClass"],
        ),
        (
            Fact::DuplicateHost(finding::DuplicateHost {
                others: vec![at(Kind::Ingress, "shop", "web-2"), at(Kind::Ingress, "blog", "web")].into(),
                winner: Some(at(Kind::Ingress, "blog", "web")),
            }),
            &[
                "shop.example",
                "web-2",
                "blog/web",
                "clients get the certificate of Ingress blog/web",
            ],
        ),
        (
            Fact::DuplicateHost(finding::DuplicateHost {
                others: vec![at(Kind::Ingress, "blog", "web")].into(),
                winner: None,
            }),
            &["controller's choice"],
        ),
        (
            Fact::AmbiguousCertificate(finding::AmbiguousCertificate {
                latest: key(),
                other: Key::new("blog", "wild"),
                why: Rivalry::Earlier,
                expired: false,
            }),
            &["shop-tls", "blog/wild", "3.6.22", "earlier versions"],
        ),
        (
            Fact::AmbiguousCertificate(finding::AmbiguousCertificate {
                latest: key(),
                other: Key::new("blog", "wild"),
                why: Rivalry::EarlierByChance,
                expired: true,
            }),
            &["blog/wild, which has expired", "chance"],
        ),
        (
            Fact::AmbiguousCertificate(finding::AmbiguousCertificate {
                latest: key(),
                other: Key::new("blog", "wild"),
                why: Rivalry::Chance,
                expired: false,
            }),
            &["same names", "by chance"],
        ),
        (
            Fact::DefaultStoreConflict(finding::DefaultStoreConflict {
                stores: vec![
                    at(Kind::TlsStore, "edge", "default"),
                    at(Kind::TlsStore, "shop", "default"),
                ]
                .into(),
                keeps: None,
            }),
            &["edge/default", "TLSStore"],
        ),
        (
            Fact::DefaultStoreConflict(finding::DefaultStoreConflict {
                stores: vec![at(Kind::TlsStore, "shop", "mine")].into(),
                keeps: Some(key()),
            }),
            &["shop-tls", "TLSStore mine", "which nothing uses"],
        ),
        (
            Fact::OrphanSecret(finding::OrphanSecret { secret: key() }),
            &["shop-tls"],
        ),
        (
            Fact::CertificateElsewhere(finding::CertificateElsewhere {
                by: Keeper::GoogleCertificateManager,
            }),
            &["Ingress web", "shop.example", "Google's Certificate Manager"],
        ),
    ]
}

pub(super) fn gateways() -> Vec<Sample> {
    vec![
        (
            Fact::InvalidCertificateRef(finding::InvalidCertificateRef {
                group: "example.com".into(),
                kind: "Vault".into(),
                name: "edge".into(),
                why: "only Secrets are supported",
            }),
            &["Vault.example.com/edge", "only Secrets are supported"],
        ),
        (
            Fact::RefNotPermitted(finding::RefNotPermitted {
                secret: Key::new("certs", "edge-tls"),
                from: Kind::Gateway,
                from_namespace: "shop".into(),
            }),
            &["namespace certs", "Gateway of namespace shop", "edge-tls"],
        ),
        (
            Fact::HostnameConflict(finding::HostnameConflict {
                listener: "https".into(),
                other: at(Kind::ListenerSet, "team", "extra"),
                other_listener: "tls".into(),
            }),
            &["https", "tls", "ListenerSet team/extra"],
        ),
        (
            Fact::NoMatchingListenerHostname(finding::NoMatchingListenerHostname {
                route: at(Kind::HttpRoute, "shop", "cart"),
                hostname: "cart.example".into(),
                others: false,
            }),
            &["HTTPRoute cart", "cart.example", "is not accepted"],
        ),
        (
            Fact::NoMatchingListenerHostname(finding::NoMatchingListenerHostname {
                route: at(Kind::HttpRoute, "shop", "cart"),
                hostname: "cart.example".into(),
                others: true,
            }),
            &["HTTPRoute cart", "cart.example", "unlike the other hosts of that route"],
        ),
        (
            Fact::OverlappingCertificates(finding::OverlappingCertificates {
                other: at(Kind::Gateway, "shop", "edge"),
                other_listener: "admin".into(),
            }),
            &["admin", "Gateway edge", "421"],
        ),
    ]
}
