//! Every reason: facts that trigger it, and a near miss that does not.

use std::collections::BTreeSet;

use super::{served::ServedLeaf, *};
use crate::{
    inventory::{
        Inventory, Presence, Stored,
        fixtures::{bundle, *},
    },
    object::{
        Change, Condition, Consumer, Gateway, GatewayClass, Ingress, Issuer, Key, Kind, Meta, Object, Order, Owner,
        Route, Text, annotation,
        certmanager::{Certificate, CertificateRequest, Challenge, IssuerRef},
        consumer::{How, SecretUse},
        gateway::{CertificateRef, Listener, ParentRef},
    },
    x509::{
        self, KeyAlgorithm, KeyState, Trust,
        trust::{Found, PathError},
    },
};

const RULES: Rules = Rules {
    now: NOW,
    expiring_within: None,
};

/// An inventory of a cluster in which everything has been read.
fn cluster() -> Inventory {
    let mut inventory = Inventory::new("test", false);
    for kind in [
        Kind::Ingress,
        Kind::IngressClass,
        Kind::Gateway,
        Kind::GatewayClass,
        Kind::Secret,
        Kind::Pod,
        Kind::Deployment,
        Kind::StatefulSet,
        Kind::DaemonSet,
        Kind::Job,
        Kind::CronJob,
        Kind::ServiceAccount,
        Kind::Issuer,
        Kind::ClusterIssuer,
    ] {
        inventory.apply(Change::Listed(kind));
    }
    for (name, controller) in [
        ("nginx", "k8s.io/ingress-nginx"),
        ("traefik", "traefik.io/ingress-controller"),
        ("f5", "nginx.org/ingress-controller"),
        ("own", "example.com/own"),
    ] {
        inventory.apply(Change::Set(Object::IngressClass(class(name, controller))));
    }
    let mut edge = GatewayClass {
        meta: meta("", "edge"),
        controller: "traefik.io/gateway-controller".into(),
    };
    inventory.apply(Change::Set(Object::GatewayClass(edge.clone())));
    edge.meta.name = "plain".into();
    inventory
}

/// Everything that is found in what `set_up` puts into a cluster.
fn found(set_up: impl FnOnce(&mut Inventory)) -> Vec<Finding> {
    found_by(RULES, set_up)
}

fn found_by(rules: Rules, set_up: impl FnOnce(&mut Inventory)) -> Vec<Finding> {
    let mut inventory = cluster();
    set_up(&mut inventory);
    judge_all(&mut inventory, rules)
}

fn judge_all(inventory: &mut Inventory, rules: Rules) -> Vec<Finding> {
    inventory.settle();
    let ids: Vec<_> = inventory.bindings().iter().map(|(id, _)| id).collect();
    let mut findings: Vec<Finding> = ids
        .iter()
        .filter_map(|id| binding(inventory, *id, rules))
        .flat_map(|v| v.findings)
        .collect();
    let keys: Vec<Key> = inventory.secrets().iter().map(|s| s.meta.key()).collect();
    for key in keys.iter().filter(|key| inventory.bindings_of_secret(key).is_empty()) {
        findings.extend(secret(inventory, key, rules).into_iter().flat_map(|v| v.findings));
    }
    findings
}

fn reasons(findings: &[Finding]) -> BTreeSet<Reason> {
    findings.iter().map(Finding::reason).collect()
}

fn add(inventory: &mut Inventory, mut ingress: Ingress, class: &str) {
    ingress.class = Some(class.into());
    inventory.apply(Change::Set(Object::Ingress(ingress)));
}

/// One Ingress of class nginx for x.example with the Secret `tls`.
fn web(inventory: &mut Inventory) {
    add(inventory, ingress("a", "web", &[(&["x.example"], "tls")]), "nginx");
}

/// The findings on a route whose Secret is `stored`.
fn of_secret(stored: Stored) -> Vec<Finding> {
    found(|i| {
        web(i);
        i.store(stored);
    })
}

fn of_leaf(change: impl FnOnce(&mut x509::Certificate)) -> Vec<Finding> {
    let mut leaf = leaf(&["x.example"]);
    change(&mut leaf);
    of_secret(secret_of(bundle(leaf)))
}

fn of_bundle(change: impl FnOnce(&mut x509::Bundle)) -> Vec<Finding> {
    let mut bundle = bundle(leaf(&["x.example"]));
    change(&mut bundle);
    of_secret(secret_of(bundle))
}

fn secret_of(bundle: x509::Bundle) -> Stored {
    stored("a", "tls", bundle)
}

fn of_trust(trust: Trust) -> Vec<Finding> {
    of_bundle(|b| b.trust = trust)
}

#[track_caller]
fn is(findings: &[Finding], reason: Reason, severity: Severity) {
    let hit = findings.iter().find(|f| f.reason() == reason);
    assert_eq!(hit.map(|f| f.severity), Some(severity), "{reason} among {findings:#?}");
}

#[track_caller]
fn is_not(findings: &[Finding], reason: Reason) {
    assert!(
        !reasons(findings).contains(&reason),
        "{reason} is a false alarm: {findings:#?}"
    );
}

#[track_caller]
fn healthy(findings: &[Finding]) {
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_healthy_route_has_no_findings() {
    healthy(&of_secret(good("a", "tls", &["x.example"])));
}

#[test]
fn secret_not_found() {
    is(&found(web), Reason::SecretNotFound, Severity::Critical);
    is_not(&of_secret(good("a", "tls", &["x.example"])), Reason::SecretNotFound);
    let elsewhere = found(|i| {
        web(i);
        i.store(good("b", "tls", &["x.example"]));
    });
    is(&elsewhere, Reason::SecretNotFound, Severity::Critical);
}

#[test]
fn a_secret_that_manifests_lack_is_no_alarm_where_the_cluster_makes_it() {
    let judge = |set_up: &dyn Fn(&mut Inventory)| {
        let mut inventory = Inventory::new("", true);
        inventory.apply(Change::Listed(Kind::Secret));
        set_up(&mut inventory);
        judge_all(&mut inventory, RULES)
    };
    is(&judge(&|i| web(i)), Reason::SecretNotFound, Severity::Info);
    let others = |i: &mut Inventory| {
        web(i);
        i.store(good("b", "other", &["y.example"]));
    };
    is(&judge(&others), Reason::SecretNotFound, Severity::Critical);
    let made = |i: &mut Inventory| {
        others(i);
        i.apply(Change::Set(Object::Certificate(certificate("web-cert", "tls"))));
    };
    is(&judge(&made), Reason::SecretNotFound, Severity::Info);
}

#[test]
fn traefik_stops_at_a_missing_secret() {
    let set_up = |class: &'static str| {
        move |i: &mut Inventory| {
            let two: &[(&[&str], &str)] = &[(&["x.example"], "gone"), (&["y.example"], "tls")];
            add(i, ingress("a", "web", two), class);
            i.store(good("a", "tls", &["y.example"]));
        }
    };
    let count = |findings: Vec<Finding>| findings.iter().filter(|f| f.reason() == Reason::SecretNotFound).count();
    assert_eq!(
        count(found(set_up("traefik"))),
        2,
        "the second host loses its certificate too"
    );
    assert_eq!(count(found(set_up("nginx"))), 1);
}

#[test]
fn secret_name_empty() {
    let empty = |class| found(|i| add(i, ingress("a", "web", &[(&["x.example"], "")]), class));
    is(&empty("nginx"), Reason::SecretNameEmpty, Severity::Info);
    let picked = found(|i| {
        add(i, ingress("a", "web", &[(&["x.example"], "")]), "traefik");
        add(i, ingress("b", "wide", &[(&["y.example"], "wild")]), "traefik");
        i.store(good("b", "wild", &["*.example"]));
    });
    is_not(&picked, Reason::SecretNameEmpty);
}

#[test]
fn forbidden() {
    let cannot = |namespace: Option<&str>| {
        found(|i| {
            web(i);
            i.apply(Change::Forbidden(crate::object::Forbidden {
                kind: Kind::Secret,
                namespace: namespace.map(Text::from),
                name: None,
                verb: "list",
            }));
        })
    };
    for namespace in [None, Some("a")] {
        let findings = cannot(namespace);
        is(&findings, Reason::Forbidden, Severity::Warning);
        is_not(&findings, Reason::SecretNotFound);
    }
    is_not(&cannot(Some("b")), Reason::Forbidden);
}

#[test]
fn what_could_not_be_read_is_never_healthy() {
    let mut inventory = Inventory::new("test", false);
    web(&mut inventory);
    inventory.settle();
    let id = inventory.bindings().iter().next().map(|(id, _)| id).expect("a binding");
    assert!(
        binding(&inventory, id, RULES).expect("a verdict").unreadable,
        "the list of Secrets never ended"
    );
}

#[test]
fn wrong_secret_type() {
    let opaque = |stored: Stored| Stored {
        secret_type: "Opaque".into(),
        ..stored
    };
    let usable = of_secret(opaque(good("a", "tls", &["x.example"])));
    is(&usable, Reason::WrongSecretType, Severity::Warning);
    let empty = Stored {
        key: Presence::Absent,
        ..opaque(good("a", "tls", &["x.example"]))
    };
    is(&of_secret(empty), Reason::WrongSecretType, Severity::Critical);
}

#[test]
fn missing_data() {
    for presence in [Presence::Absent, Presence::Empty] {
        let stored = Stored {
            key: presence,
            ..good("a", "tls", &["x.example"])
        };
        is(&of_secret(stored), Reason::MissingData, Severity::Critical);
    }
}

#[test]
fn rule_host_without_tls() {
    let rules = |annotations: &[(&str, &str)], names: &[&str]| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
            web.rules.push("y.example".into());
            web.meta.annotations = annotations.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
            add(i, web, "nginx");
            i.store(good("a", "tls", names));
        })
    };
    is(&rules(&[], &["x.example"]), Reason::RuleHostWithoutTls, Severity::Info);
    is(
        &rules(&[(annotation::TLS_ACME, "true")], &["x.example"]),
        Reason::RuleHostWithoutTls,
        Severity::Critical,
    );
    is_not(&rules(&[], &["x.example", "y.example"]), Reason::RuleHostWithoutTls);
    is_not(
        &rules(&[(annotation::NGINX_PASSTHROUGH, "true")], &["x.example"]),
        Reason::RuleHostWithoutTls,
    );
    is_not(
        &rules(&[(annotation::GKE_MANAGED, "web")], &["x.example"]),
        Reason::RuleHostWithoutTls,
    );
}

#[test]
fn tls_host_without_rule() {
    let ruled = |rule: &str| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
            web.rules = vec![rule.into()];
            add(i, web, "own");
            i.store(good("a", "tls", &["x.example"]));
        })
    };
    is(&ruled("z.example"), Reason::TlsHostWithoutRule, Severity::Warning);
    for rule in ["x.example", "X.Example", "*.example", ""] {
        is_not(&ruled(rule), Reason::TlsHostWithoutRule);
    }
}

#[test]
fn default_backend_only() {
    let without_rules = |class| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
            web.rules.clear();
            web.default_backend = true;
            add(i, web, class);
            i.store(good("a", "tls", &["x.example"]));
        })
    };
    is(&without_rules("nginx"), Reason::DefaultBackendOnly, Severity::Warning);
    is_not(&without_rules("traefik"), Reason::DefaultBackendOnly);
}

#[test]
fn ingress_class_not_found() {
    let of_class = |class: Option<&str>| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
            web.class = class.map(Text::from);
            i.apply(Change::Set(Object::Ingress(web)));
            i.store(good("a", "tls", &["x.example"]));
        })
    };
    is(
        &of_class(Some("ngninx")),
        Reason::IngressClassNotFound,
        Severity::Warning,
    );
    is(&of_class(None), Reason::IngressClassNotFound, Severity::Warning);
    is_not(&of_class(Some("gce")), Reason::IngressClassNotFound);
    is_not(&of_class(Some("nginx")), Reason::IngressClassNotFound);
    let annotated = found(|i| {
        let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
        web.meta.annotations = vec![(annotation::INGRESS_CLASS.into(), "whatever".into())];
        i.apply(Change::Set(Object::Ingress(web)));
        i.store(good("a", "tls", &["x.example"]));
    });
    is_not(&annotated, Reason::IngressClassNotFound);
}

fn listener(name: &str, hostname: &str, kind: &str, namespace: Option<&str>, secret: &str) -> Listener {
    Listener {
        name: name.into(),
        hostname: Some(hostname.into()),
        port: 443,
        protocol: "HTTPS".into(),
        certificate_refs: vec![CertificateRef {
            group: Text::default(),
            kind: kind.into(),
            namespace: namespace.map(Text::from),
            name: secret.into(),
        }],
        ..Listener::default()
    }
}

fn of_listeners(listeners: Vec<Listener>, more: impl FnOnce(&mut Inventory)) -> Vec<Finding> {
    found(|i| {
        let gateway = Gateway {
            meta: meta("a", "gw"),
            class: "edge".into(),
            listeners,
            ..Gateway::default()
        };
        i.apply(Change::Set(Object::Gateway(gateway)));
        more(i);
    })
}

#[test]
fn invalid_certificate_ref_and_ref_not_permitted() {
    let good_secrets = |i: &mut Inventory| {
        i.store(good("a", "tls", &["x.example"]));
        i.store(good("b", "tls", &["x.example"]));
    };
    let of = |kind, namespace| of_listeners(vec![listener("l", "x.example", kind, namespace, "tls")], good_secrets);
    is(
        &of("Certificate", None),
        Reason::InvalidCertificateRef,
        Severity::Critical,
    );
    is(&of("Secret", Some("b")), Reason::RefNotPermitted, Severity::Critical);
    let plain = of("Secret", None);
    is_not(&plain, Reason::InvalidCertificateRef);
    is_not(&plain, Reason::RefNotPermitted);
    is_not(&of("Secret", Some("a")), Reason::RefNotPermitted);
    let mut none = listener("l", "x.example", "Secret", None, "tls");
    none.certificate_refs.clear();
    is(
        &of_listeners(vec![none], good_secrets),
        Reason::InvalidCertificateRef,
        Severity::Critical,
    );
}

#[test]
fn hostname_conflict() {
    let two = |hostname: &str, port| {
        let mut second = listener("two", hostname, "Secret", None, "tls");
        second.port = port;
        let listeners = vec![listener("one", "x.example", "Secret", None, "tls"), second];
        of_listeners(listeners, |i| i.store(good("a", "tls", &["x.example", "y.example"])))
    };
    is(&two("X.example", 443), Reason::HostnameConflict, Severity::Warning);
    is_not(&two("y.example", 443), Reason::HostnameConflict);
    is_not(&two("x.example", 8443), Reason::HostnameConflict);
}

#[test]
fn no_matching_listener_hostname() {
    let attached = |hostname: &str| {
        of_listeners(vec![listener("l", "*.example", "Secret", None, "tls")], |i| {
            i.store(good("a", "tls", &["*.example"]));
            i.apply(Change::Set(Object::Route(Route {
                kind: Kind::HttpRoute,
                meta: meta("a", "r"),
                parents: vec![ParentRef {
                    kind: "Gateway".into(),
                    namespace: None,
                    name: "gw".into(),
                    section: None,
                    port: None,
                }],
                hostnames: vec![hostname.into()],
            })));
        })
    };
    is(
        &attached("x.other"),
        Reason::NoMatchingListenerHostname,
        Severity::Warning,
    );
    is_not(&attached("x.example"), Reason::NoMatchingListenerHostname);
}

#[test]
fn overlapping_certificates() {
    let two = |second_names: &[&str]| {
        let listeners = vec![
            listener("narrow", "api.example", "Secret", None, "api"),
            listener("wide", "*.example", "Secret", None, "wild"),
        ];
        of_listeners(listeners, |i| {
            i.store(good("a", "api", &["api.example"]));
            i.store(good("a", "wild", second_names));
        })
    };
    is(&two(&["*.example"]), Reason::OverlappingCertificates, Severity::Info);
    is_not(&two(&["www.example"]), Reason::OverlappingCertificates);
}

#[test]
fn duplicate_host() {
    let two = |class: &str, other_class: &str, secret: &str, canary: bool| {
        found(|i| {
            add(i, ingress("a", "one", &[(&["x.example"], "tls")]), class);
            let mut other = ingress("a", "two", &[(&["x.example"], secret)]);
            if canary {
                other.meta.annotations = vec![(annotation::NGINX_CANARY.into(), "true".into())];
            }
            add(i, other, other_class);
            i.store(good("a", "tls", &["x.example"]));
            i.store(good("a", "tls2", &["x.example"]));
        })
    };
    is(
        &two("nginx", "nginx", "tls2", false),
        Reason::DuplicateHost,
        Severity::Warning,
    );
    is_not(&two("nginx", "nginx", "tls", false), Reason::DuplicateHost);
    is_not(&two("nginx", "f5", "tls2", false), Reason::DuplicateHost);
    is_not(&two("nginx", "nginx", "tls2", true), Reason::DuplicateHost);
}

#[test]
fn the_oldest_ingress_of_a_host_is_named_as_the_winner_where_that_is_the_rule() {
    for (class, winner) in [("nginx", Some("old")), ("f5", Some("old")), ("own", None)] {
        let findings = found(|i| {
            for (name, created, tls) in [("new", NOW, "t1"), ("old", NOW - DAY, "t2")] {
                let mut ingress = ingress("a", name, &[(&["x.example"], tls)]);
                ingress.meta.created = Some(created);
                add(i, ingress, class);
                i.store(good("a", tls, &["x.example"]));
            }
        });
        for finding in findings.iter().filter(|f| f.reason() == Reason::DuplicateHost) {
            let Fact::DuplicateHost { winner: named, .. } = &finding.fact else {
                unreachable!()
            };
            assert_eq!(named.as_ref().map(|w| w.key.name.as_str()), winner, "{class}");
        }
        is(&findings, Reason::DuplicateHost, Severity::Warning);
    }
}

fn pod(how: How, started: i64) -> Consumer {
    Consumer {
        kind: Kind::Pod,
        meta: meta("a", "web-1"),
        uses: vec![SecretUse {
            name: "tls".into(),
            how,
        }],
        started: Some(started),
        ended: false,
    }
}

#[test]
fn orphan_secret() {
    let alone = |set_up: &dyn Fn(&mut Inventory)| {
        found(|i| {
            i.store(good("a", "tls", &["x.example"]));
            set_up(i);
        })
    };
    is(&alone(&|_| {}), Reason::OrphanSecret, Severity::Info);
    is_not(&alone(&|i| web(i)), Reason::OrphanSecret);
    is_not(
        &alone(&|i| i.apply(Change::Set(Object::Consumer(pod(How::Volume, NOW))))),
        Reason::OrphanSecret,
    );
    is_not(
        &alone(&|i| i.apply(Change::Set(Object::Certificate(certificate("c", "tls"))))),
        Reason::OrphanSecret,
    );
    let issuer = Issuer {
        meta: meta("a", "ca"),
        ca_secret: Some("tls".into()),
        ..Issuer::default()
    };
    is_not(
        &alone(&|i| i.apply(Change::Set(Object::Issuer(issuer.clone())))),
        Reason::OrphanSecret,
    );
    let pods_unread = crate::object::Forbidden {
        kind: Kind::Pod,
        namespace: None,
        name: None,
        verb: "list",
    };
    is_not(
        &alone(&|i| i.apply(Change::Forbidden(pods_unread.clone()))),
        Reason::OrphanSecret,
    );
    let opaque = Stored {
        secret_type: "Opaque".into(),
        ..good("a", "tls", &["x.example"])
    };
    is_not(&found(|i| i.store(opaque)), Reason::OrphanSecret);
}

#[test]
fn what_is_stored_cannot_be_read() {
    is(
        &of_bundle(|b| b.unreadable.push((1, "not DER".into()))),
        Reason::InvalidCertificate,
        Severity::Critical,
    );
    for (state, reason) in [
        (KeyState::Invalid("not PEM".into()), Reason::InvalidKey),
        (KeyState::Encrypted, Reason::EncryptedKey),
        (KeyState::Differs, Reason::InvalidKeyPair),
        (KeyState::OfPosition(1), Reason::InvalidKeyPair),
    ] {
        is(&of_bundle(|b| b.key = state), reason, Severity::Critical);
    }
    healthy(&of_bundle(|b| b.key = KeyState::OfPosition(0)));
}

#[test]
fn leaf_not_first() {
    let swapped = of_bundle(|b| {
        b.certificates.swap(0, 1);
        b.leaf = Some(1);
        b.trust = Trust::Trusted {
            root: "r".into(),
            public: true,
            path: vec![1, 0],
            by_equality: false,
        };
    });
    is(&swapped, Reason::LeafNotFirst, Severity::Critical);
}

#[test]
fn expired_and_not_yet_valid_at_the_second() {
    is(&of_leaf(|l| l.not_after = NOW - 1), Reason::Expired, Severity::Critical);
    is_not(&of_leaf(|l| l.not_after = NOW), Reason::Expired);
    is(
        &of_leaf(|l| l.not_before = NOW + 1),
        Reason::NotYetValid,
        Severity::Critical,
    );
    is_not(&of_leaf(|l| l.not_before = NOW), Reason::NotYetValid);
}

#[test]
fn renewal_due() {
    let of = |before: i64, after: i64| {
        of_leaf(|l| {
            l.not_before = NOW - before;
            l.not_after = NOW + after;
        })
    };
    is(&of(61 * DAY, 29 * DAY), Reason::RenewalDue, Severity::Warning);
    is_not(&of(59 * DAY, 31 * DAY), Reason::RenewalDue);
    is(&of(81 * 3600, 79 * 3600), Reason::RenewalDue, Severity::Warning);
    is_not(&of(79 * 3600, 81 * 3600), Reason::RenewalDue);
    let within = |seconds| {
        found_by(
            Rules {
                expiring_within: Some(seconds),
                ..RULES
            },
            |i| {
                web(i);
                i.store(good("a", "tls", &["x.example"]));
            },
        )
    };
    is(&within(61 * DAY), Reason::RenewalDue, Severity::Warning);
    is_not(&within(59 * DAY), Reason::RenewalDue);
}

#[test]
fn the_cas_window_goes_before_the_lifetime_and_a_window_in_the_past_means_now() {
    let with_window = |window: &str| {
        let mut stored = good("a", "tls", &["x.example"]);
        stored.meta.annotations = vec![(annotation::RENEWAL_WINDOW.into(), window.into())];
        of_secret(stored)
    };
    is(
        &with_window("2026-11-30T00:00:00Z/2026-12-02T00:00:00Z"),
        Reason::RenewalDue,
        Severity::Warning,
    );
    is_not(
        &with_window("2026-12-02T00:00:00Z/2026-12-04T00:00:00Z"),
        Reason::RenewalDue,
    );
    is(
        &with_window("2026-11-20T00:00:00Z/2026-11-22T00:00:00Z"),
        Reason::RenewNow,
        Severity::Warning,
    );
    is_not(
        &with_window("2026-11-30T00:00:00Z/2026-12-02T00:00:00Z"),
        Reason::RenewNow,
    );
    healthy(&with_window("soon"));
}

#[test]
fn chain_expired_and_chain_expires_first() {
    let of = |after: i64| {
        of_bundle(|b| {
            let mut ca = intermediate();
            ca.not_after = NOW + after;
            b.certificates[1] = ca.into();
        })
    };
    is(&of(-1), Reason::ChainExpired, Severity::Critical);
    let soon = of(30 * DAY);
    is(&soon, Reason::ChainExpiresFirst, Severity::Warning);
    is_not(&soon, Reason::ChainExpired);
    is_not(&of(61 * DAY), Reason::ChainExpiresFirst);
}

#[test]
fn lifetime_too_long() {
    let of = |issued: &str, days: i64, public: bool| {
        let issued = crate::text::parse_time(issued).expect("a date");
        of_bundle(|b| {
            let mut leaf = leaf(&["x.example"]);
            leaf.not_before = issued;
            leaf.not_after = issued + days * DAY - 1;
            b.certificates[0] = leaf.into();
            b.trust = Trust::Trusted {
                root: "r".into(),
                public,
                path: vec![0, 1],
                by_equality: false,
            };
        })
    };
    for (issued, allowed) in [
        ("2021-01-01", 398),
        ("2026-03-15", 200),
        ("2026-11-01", 200),
        ("2027-03-15", 100),
        ("2029-03-15", 47),
    ] {
        is(
            &of(issued, allowed + 1, true),
            Reason::LifetimeTooLong,
            Severity::Warning,
        );
        is_not(&of(issued, allowed, true), Reason::LifetimeTooLong);
    }
    is_not(&of("2026-11-01", 825, false), Reason::LifetimeTooLong);
    is_not(&of("2020-08-31", 825, true), Reason::LifetimeTooLong);
}

#[test]
fn host_mismatch_and_common_name_only() {
    is(
        &of_secret(good("a", "tls", &["y.example"])),
        Reason::HostMismatch,
        Severity::Critical,
    );
    for names in [&["x.example"][..], &["*.example"], &["y.example", "x.example"]] {
        is_not(&of_secret(good("a", "tls", names)), Reason::HostMismatch);
    }
    is(
        &of_secret(good("a", "tls", &["*.x.example"])),
        Reason::HostMismatch,
        Severity::Critical,
    );
    let by_name = of_leaf(|l| {
        l.names.clear();
        l.has_san = false;
    });
    is(&by_name, Reason::CommonNameOnly, Severity::Critical);
    is_not(&by_name, Reason::HostMismatch);
}

#[test]
fn a_mismatch_is_per_host() {
    let findings = found(|i| {
        add(
            i,
            ingress(
                "a",
                "web",
                &[(&["a.example", "b.example", "c.example", "d.example"], "tls")],
            ),
            "nginx",
        );
        i.store(good("a", "tls", &["a.example", "b.example", "c.example"]));
    });
    assert_eq!(findings.len(), 1, "three good bindings and one mismatch: {findings:#?}");
    is(&findings, Reason::HostMismatch, Severity::Critical);
}

#[test]
fn a_mismatch_is_a_warning_where_another_certificate_is_picked() {
    let findings = found(|i| {
        add(i, ingress("a", "web", &[(&["x.example"], "tls")]), "traefik");
        add(i, ingress("b", "wide", &[(&["y.example"], "wild")]), "traefik");
        i.store(good("a", "tls", &["z.example"]));
        i.store(good("b", "wild", &["*.example"]));
    });
    is(&findings, Reason::HostMismatch, Severity::Warning);
}

#[test]
fn wildcard_too_broad() {
    is(
        &of_leaf(|l| l.names.push(x509::San::Dns("*.co.uk".into()))),
        Reason::WildcardTooBroad,
        Severity::Warning,
    );
    is_not(
        &of_leaf(|l| l.names.push(x509::San::Dns("*.shop.co.uk".into()))),
        Reason::WildcardTooBroad,
    );
}

#[test]
fn unused_names() {
    let of = |names: &[&str]| of_secret(good("a", "tls", names));
    is(&of(&["x.example", "old.example"]), Reason::UnusedNames, Severity::Info);
    is_not(&of(&["x.example", "*.example"]), Reason::UnusedNames);
    let every_host = found(|i| {
        add(i, ingress("a", "web", &[(&[], "tls")]), "nginx");
        i.store(good("a", "tls", &["x.example", "old.example"]));
    });
    is_not(&every_host, Reason::UnusedNames);
}

#[test]
fn trust_becomes_one_reason_each() {
    let missing = Trust::MissingIntermediate {
        issuer: "CN=R10".into(),
        found: Found::PublicCas,
    };
    is(&of_trust(missing), Reason::MissingIntermediate, Severity::Critical);
    let untrusted = Trust::Untrusted {
        issuer: "CN=Own".into(),
        root_presented: false,
    };
    is(&of_trust(untrusted), Reason::UntrustedIssuer, Severity::Critical);
    is(&of_trust(Trust::SelfSigned), Reason::SelfSigned, Severity::Critical);
    let constraint = Trust::Refused(PathError::Constraint("path length".into()));
    is(&of_trust(constraint), Reason::ConstraintViolated, Severity::Critical);
    is(
        &of_trust(Trust::Refused(PathError::WeakSignature("SHA-1".into()))),
        Reason::WeakSignature,
        Severity::Critical,
    );
    healthy(&of_trust(trusted(2)));
    healthy(&of_trust(Trust::NotJudged));
}

#[test]
fn staging_and_default_certificates() {
    let staged = |issuer: &str| {
        of_bundle(|b| {
            let mut leaf = leaf(&["x.example"]);
            leaf.issuer = format!("CN={issuer},O=Let's Encrypt").into();
            leaf.issuer_short = issuer.into();
            b.certificates[0] = leaf.into();
            b.trust = Trust::Untrusted {
                issuer: "CN=root".into(),
                root_presented: false,
            };
        })
    };
    let staging = staged("(STAGING) Wannabe Watercress R11");
    is(&staging, Reason::StagingIssuer, Severity::Critical);
    is_not(&staging, Reason::UntrustedIssuer);
    is_not(&staged("Watercress R11"), Reason::StagingIssuer);

    let default = |name: &str| {
        of_bundle(|b| {
            let mut leaf = leaf(&["x.example"]);
            leaf.common_name = Some(name.into());
            leaf.subject = format!("CN={name}").into();
            leaf.self_signed = true;
            b.certificates[0] = leaf.into();
            b.trust = Trust::SelfSigned;
        })
    };
    is(
        &default("TRAEFIK DEFAULT CERT"),
        Reason::ControllerDefaultCertificate,
        Severity::Critical,
    );
    is_not(&default("traefik.example"), Reason::ControllerDefaultCertificate);
}

#[test]
fn what_is_sent_beyond_the_path() {
    let with = |extra: x509::Certificate, trust: Trust| {
        of_bundle(|b| {
            b.certificates.push(extra.into());
            b.trust = trust;
        })
    };
    let root = x509::Certificate {
        subject: "CN=Test Root,O=Test".into(),
        issuer: "CN=Test Root,O=Test".into(),
        self_signed: true,
        sha256: digest("root"),
        ..intermediate()
    };
    is(&with(root, trusted(2)), Reason::ExtraRoot, Severity::Info);
    let foreign = x509::Certificate {
        subject: "CN=Other".into(),
        issuer: "CN=Other Root".into(),
        sha256: digest("other"),
        ..intermediate()
    };
    is(
        &with(foreign.clone(), trusted(2)),
        Reason::ExtraCertificate,
        Severity::Info,
    );
    is_not(&with(foreign, trusted(3)), Reason::ExtraCertificate);
    let cross = x509::Certificate {
        subject: "CN=Test Root,O=Test".into(),
        issuer: "CN=Older Root".into(),
        sha256: digest("cross"),
        ..intermediate()
    };
    is_not(&with(cross, trusted(2)), Reason::ExtraCertificate);
    let order = |path: Vec<u8>| {
        let second = x509::Certificate {
            subject: "CN=Second".into(),
            sha256: digest("second"),
            ..intermediate()
        };
        with(
            second,
            Trust::Trusted {
                root: "r".into(),
                public: true,
                path,
                by_equality: false,
            },
        )
    };
    is(&order(vec![0, 2, 1]), Reason::WrongOrder, Severity::Info);
    is_not(&order(vec![0, 1, 2]), Reason::WrongOrder);
}

#[test]
fn weak_keys_and_signatures() {
    for (key, weak) in [
        (KeyAlgorithm::Rsa(1024), true),
        (KeyAlgorithm::Rsa(2048), false),
        (KeyAlgorithm::Ec("p192".into(), 192), true),
        (KeyAlgorithm::Ec("p256".into(), 256), false),
        (KeyAlgorithm::Dsa(2048), true),
        (KeyAlgorithm::Ed25519, false),
    ] {
        let findings = of_leaf(|l| l.key = key.clone());
        assert_eq!(reasons(&findings).contains(&Reason::WeakKey), weak, "{key}");
    }
    let sha1 = of_leaf(|l| {
        l.weak_signature = true;
        l.signature = "sha1WithRSAEncryption";
    });
    is(&sha1, Reason::WeakSignature, Severity::Critical);
    let root = of_bundle(|b| {
        let root = x509::Certificate {
            weak_signature: true,
            self_signed: true,
            ..intermediate()
        };
        b.certificates.push(root.into());
    });
    is_not(&root, Reason::WeakSignature);
}

#[test]
fn repeated_key() {
    let two = |change: &dyn Fn(&mut x509::Certificate)| {
        found(|i| {
            web(i);
            i.store(good("a", "tls", &["x.example"]));
            let mut copy = leaf(&["x.example"]);
            change(&mut copy);
            add(i, ingress("b", "web", &[(&["y.example"], "copy")]), "own");
            i.store(stored("b", "copy", bundle(copy)));
        })
    };
    is(&two(&|_| {}), Reason::RepeatedKey, Severity::Info);
    is(
        &two(&|l| l.sha256 = digest("another")),
        Reason::RepeatedKey,
        Severity::Warning,
    );
    let own_key = two(&|l| {
        l.sha256 = digest("another");
        l.key_sha256 = digest("own");
    });
    is_not(&own_key, Reason::RepeatedKey);
}

#[test]
fn usage() {
    is(&of_leaf(|l| l.is_ca = true), Reason::LeafIsCa, Severity::Warning);
    let no_server = of_leaf(|l| l.usage.server_auth = false);
    is(&no_server, Reason::MissingServerAuth, Severity::Critical);
    is_not(
        &of_leaf(|l| l.usage = x509::certificate::ExtendedKeyUsage::default()),
        Reason::MissingServerAuth,
    );
    is(
        &of_leaf(|l| l.usage.client_auth = true),
        Reason::ClientAuthLost,
        Severity::Info,
    );
    let private = of_bundle(|b| {
        let mut leaf = leaf(&["x.example"]);
        leaf.usage.client_auth = true;
        b.certificates[0] = leaf.into();
        b.trust = Trust::Trusted {
            root: "own".into(),
            public: false,
            path: vec![0, 1],
            by_equality: false,
        };
    });
    is_not(&private, Reason::ClientAuthLost);
    is(
        &of_leaf(|l| l.must_staple = true),
        Reason::MustStaple,
        Severity::Warning,
    );
    let by_hand = of_bundle(|b| {
        let leaf = x509::Certificate {
            is_ca: true,
            self_signed: true,
            ..leaf(&["x.example"])
        };
        b.certificates = vec![leaf.into()];
        b.trust = Trust::SelfSigned;
    });
    is_not(&by_hand, Reason::LeafIsCa);
}

fn ready(status: &str, message: &str) -> Vec<Condition> {
    let (kind, reason) = ("Ready".into(), "Reason".into());
    vec![Condition {
        kind,
        status: status.into(),
        reason,
        message: message.into(),
        since: None,
    }]
}

fn certificate(name: &str, secret: &str) -> Certificate {
    Certificate {
        meta: meta("a", name),
        secret: secret.into(),
        issuer: IssuerRef {
            kind: "Issuer".into(),
            group: Text::default(),
            name: "le".into(),
        },
        conditions: ready("True", ""),
        ..Certificate::default()
    }
}

fn owner(kind: &str, name: &str) -> Vec<Owner> {
    vec![Owner {
        kind: kind.into(),
        name: name.into(),
        controller: true,
    }]
}

/// A Certificate with its issuer, request, order and challenge.
fn issuance(certificate_ready: &str, issuer_ready: &str, order: &str, challenge: &str, age: i64) -> Vec<Finding> {
    found(|i| {
        web(i);
        i.store(good("a", "tls", &["x.example"]));
        let set = |i: &mut Inventory, object| i.apply(Change::Set(object));
        let conditions = ready(certificate_ready, "because");
        set(
            i,
            Object::Certificate(Certificate {
                conditions,
                ..certificate("c", "tls")
            }),
        );
        let conditions = ready(issuer_ready, "no account");
        set(
            i,
            Object::Issuer(Issuer {
                meta: meta("a", "le"),
                conditions,
                ..Issuer::default()
            }),
        );
        let request = Meta {
            owners: owner("Certificate", "c"),
            ..meta("a", "c-1")
        };
        set(
            i,
            Object::CertificateRequest(CertificateRequest {
                meta: request,
                ..CertificateRequest::default()
            }),
        );
        let created = Some(NOW - age);
        let meta_of_order = Meta {
            owners: owner("CertificateRequest", "c-1"),
            created,
            ..meta("a", "o")
        };
        set(
            i,
            Object::Order(Order {
                meta: meta_of_order,
                state: order.into(),
                ..Order::default()
            }),
        );
        let meta_of_challenge = Meta {
            owners: owner("Order", "o"),
            created,
            ..meta("a", "ch")
        };
        set(
            i,
            Object::Challenge(Challenge {
                meta: meta_of_challenge,
                state: challenge.into(),
                ..Challenge::default()
            }),
        );
    })
}

#[test]
fn certmanagers_objects() {
    healthy(&issuance("True", "True", "valid", "valid", 60));
    is(
        &issuance("False", "True", "pending", "pending", 60),
        Reason::CertificateNotReady,
        Severity::Warning,
    );
    is(
        &issuance("False", "False", "pending", "pending", 60),
        Reason::IssuerNotReady,
        Severity::Warning,
    );
    is(
        &issuance("False", "True", "invalid", "invalid", 60),
        Reason::OrderFailed,
        Severity::Warning,
    );
    is_not(&issuance("True", "True", "invalid", "invalid", 60), Reason::OrderFailed);
    is(
        &issuance("False", "True", "pending", "pending", 3600),
        Reason::ChallengeStuck,
        Severity::Warning,
    );
    is_not(
        &issuance("False", "True", "pending", "pending", 60),
        Reason::ChallengeStuck,
    );
    let lost = found(|i| {
        web(i);
        i.store(good("a", "tls", &["x.example"]));
        i.apply(Change::Set(Object::Certificate(certificate("c", "tls"))));
    });
    is(&lost, Reason::IssuerNotReady, Severity::Warning);
}

#[test]
fn conflicting_owners() {
    let of = |names: &[&str], annotated: bool, made_by_shim: bool| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
            if annotated {
                web.meta.annotations = vec![(annotation::CLUSTER_ISSUER.into(), "le".into())];
            }
            add(i, web, "nginx");
            i.store(good("a", "tls", &["x.example"]));
            i.apply(Change::Set(Object::Issuer(Issuer {
                meta: meta("a", "le"),
                ..Issuer::default()
            })));
            for name in names {
                let mut certificate = certificate(name, "tls");
                if made_by_shim {
                    certificate.meta.owners = owner("Ingress", "web");
                }
                i.apply(Change::Set(Object::Certificate(certificate)));
            }
        })
    };
    is(
        &of(&["one", "two"], false, false),
        Reason::ConflictingOwners,
        Severity::Warning,
    );
    is(&of(&["one"], true, false), Reason::ConflictingOwners, Severity::Warning);
    is_not(&of(&["tls"], true, true), Reason::ConflictingOwners);
    is_not(&of(&["one"], false, false), Reason::ConflictingOwners);
    is_not(&of(&[], true, false), Reason::ConflictingOwners);
}

#[test]
fn stale_pods() {
    let of = |how, started: i64| {
        found(|i| {
            web(i);
            i.store(Stored {
                data_changed: Some(NOW - 100),
                ..good("a", "tls", &["x.example"])
            });
            i.apply(Change::Set(Object::Consumer(pod(how, started))));
        })
    };
    is(&of(How::SubPath, NOW - 200), Reason::StalePods, Severity::Warning);
    is(&of(How::Environment, NOW - 200), Reason::StalePods, Severity::Warning);
    is_not(&of(How::SubPath, NOW - 50), Reason::StalePods);
    is_not(&of(How::Volume, NOW - 200), Reason::StalePods);
}

/// What a probe of x.example finds when the given leaf is stored and that answer is given.
fn probe(stored: &x509::Certificate, served: ServedLeaf) -> Vec<Finding> {
    let mut inventory = cluster();
    web(&mut inventory);
    inventory.store(secret_of(bundle(stored.clone())));
    inventory.settle();
    let (_, binding) = inventory.bindings().iter().next().expect("a binding");
    let probed = Probed {
        at: vec![ProbedAt {
            address: "192.0.2.1:443".into(),
            served,
        }],
        ..Probed::default()
    };
    judge_probe(binding, inventory.secrets().get(&key("a", "tls")), &probed, &RULES)
}

#[test]
fn what_is_served() {
    let good = leaf(&["x.example"]);
    let serve = |leaf: x509::Certificate| probe(&good, ServedLeaf::Certificate(Box::new(leaf)));
    healthy(&serve(good.clone()));
    is(
        &serve(x509::Certificate {
            sha256: digest("another"),
            ..good.clone()
        }),
        Reason::ServedDiffers,
        Severity::Warning,
    );
    is(
        &serve(x509::Certificate {
            not_after: NOW - 1,
            ..good.clone()
        }),
        Reason::ServedExpired,
        Severity::Critical,
    );
    is(
        &serve(leaf(&["y.example"])),
        Reason::ServedWrongHost,
        Severity::Critical,
    );
    is(
        &probe(&good, ServedLeaf::Nothing("refused".into())),
        Reason::NotServed,
        Severity::Critical,
    );
}

#[test]
fn dns_elsewhere() {
    let mut inventory = cluster();
    web(&mut inventory);
    inventory.settle();
    let (_, binding) = inventory.bindings().iter().next().expect("a binding");
    let of = |expected: &[&str]| {
        let expected = expected.iter().map(|e| Text::from(*e)).collect();
        let probed = Probed {
            resolved: Some(vec!["192.0.2.9".into()]),
            expected,
            ..Probed::default()
        };
        judge_probe(binding, None, &probed, &RULES)
    };
    is(&of(&["192.0.2.1"]), Reason::DnsElsewhere, Severity::Warning);
    is_not(&of(&[]), Reason::DnsElsewhere);
}

#[test]
fn a_secret_without_route_is_judged_without_its_names_and_chain() {
    let findings = found(|i| {
        let mut bundle = bundle(leaf(&["webhook.svc"]));
        bundle.trust = Trust::SelfSigned;
        i.store(stored("a", "webhook", bundle));
        i.apply(Change::Set(Object::Certificate(certificate("c", "webhook"))));
        i.apply(Change::Set(Object::Issuer(Issuer {
            meta: meta("a", "le"),
            ..Issuer::default()
        })));
    });
    healthy(&findings);
    let expired = found(|i| {
        let leaf = x509::Certificate {
            not_after: NOW - 1,
            ..leaf(&["webhook.svc"])
        };
        i.store(stored("a", "webhook", bundle(leaf)));
    });
    is(&expired, Reason::Expired, Severity::Warning);
}

#[test]
fn a_verdict_says_when_time_alone_changes_it() {
    let mut inventory = cluster();
    web(&mut inventory);
    inventory.store(good("a", "tls", &["x.example"]));
    inventory.settle();
    let (id, _) = inventory.bindings().iter().next().expect("a binding");
    let mut rules = RULES;
    let mut seen = Vec::new();
    while let Some(verdict) = binding(&inventory, id, rules) {
        seen.push(reasons(&verdict.findings));
        let Some(next) = verdict.changes_at else { break };
        assert!(next > rules.now, "a moment ahead");
        rules.now = next;
    }
    assert!(seen.contains(&BTreeSet::from([Reason::RenewalDue])), "{seen:?}");
    assert!(seen.iter().any(|r| r.contains(&Reason::Expired)), "{seen:?}");
}

#[test]
fn annotations_and_flags_choose_what_counts() {
    let mut inventory = cluster();
    let mut route = ingress("a", "web", &[(&["x.example"], "tls")]);
    route.meta.annotations = vec![(annotation::IGNORE.into(), "UnusedNames, ExtraRoot".into())];
    add(&mut inventory, route, "nginx");
    inventory.store(good("a", "tls", &["x.example", "old.example"]));
    inventory.settle();
    let (id, of) = inventory.bindings().iter().next().expect("a binding");
    let keep = |select: &Select, fact: Fact| {
        let mut findings = vec![Finding::new(fact)];
        let ignore = select::IgnoreOf {
            route: Some(&of.route),
            secrets: &of.secrets,
        };
        select.retain(&inventory, &ignore, &mut findings);
        !findings.is_empty()
    };
    let found = binding(&inventory, id, RULES).expect("a verdict").findings;
    is(&found, Reason::UnusedNames, Severity::Info);
    let unused = || Fact::UnusedNames { names: Vec::new() };
    assert!(!keep(&Select::default(), unused()), "the annotation ignores it");
    assert!(keep(&Select::default(), Fact::MustStaple));
    assert!(!keep(
        &Select {
            min_severity: Some(Severity::Critical),
            ..Select::default()
        },
        Fact::MustStaple
    ));
    assert!(!keep(
        &Select {
            ignored: [Reason::MustStaple].into(),
            ..Select::default()
        },
        Fact::MustStaple
    ));
    assert!(!keep(
        &Select {
            only: [Reason::Expired].into(),
            ..Select::default()
        },
        Fact::MustStaple
    ));
}
