//! Traefik's certificate store.

use super::*;
use crate::{
    check::finding,
    object::{IngressRoute, TlsStore, traefik::IngressRouteTls},
};

pub(super) const TESTS: &[fn()] = &[
    the_default_stores_certificate_is_judged_as_what_is_served,
    a_default_certificate_that_cannot_be_had_is_critical_where_it_is_relied_on,
    several_default_stores_have_no_default_certificate,
    certificates_of_the_default_store_serve_any_name,
    what_differs_by_version_or_chance_is_told,
    of_two_with_the_same_names_the_first_by_name_is_shown,
    a_broken_secret_is_told_while_another_covers_for_it,
    a_tcp_route_is_judged_unless_it_passes_tls_on,
];

fn ingress_route(namespace: &str, name: &str, host: &str, secret: Option<&str>) -> IngressRoute {
    IngressRoute {
        meta: meta(namespace, name),
        hosts: vec![host.into()],
        tls: Some(IngressRouteTls {
            secret: secret.map(Text::from),
            ..IngressRouteTls::default()
        }),
        ..IngressRoute::default()
    }
}

pub(super) fn route(inventory: &mut Inventory, namespace: &str, host: &str, secret: Option<&str>) {
    let route = ingress_route(namespace, &format!("ir-{host}"), host, secret);
    inventory.apply(Change::Set(Object::IngressRoute(route)));
}

pub(super) fn store(inventory: &mut Inventory, namespace: &str, default: Option<&str>, certificates: &[&str]) {
    let store = TlsStore {
        default: default.map(Text::from),
        ..store_called("default", namespace, certificates)
    };
    inventory.apply(Change::Set(Object::TlsStore(store)));
}

/// A store with any name, without a default certificate.
fn store_called(name: &str, namespace: &str, certificates: &[&str]) -> TlsStore {
    TlsStore {
        meta: meta(namespace, name),
        certificates: certificates.iter().map(|name| Text::from(*name)).collect(),
        ..TlsStore::default()
    }
}

pub(super) fn other_store(inventory: &mut Inventory, name: &str, namespace: &str, certificates: &[&str]) {
    let store = store_called(name, namespace, certificates);
    inventory.apply(Change::Set(Object::TlsStore(store)));
}

pub(super) fn expired(namespace: &str, name: &str, names: &[&str]) -> Stored {
    let mut stored = own(namespace, name, names);
    let mut leaf = stored.leaf().expect("a leaf").clone();
    leaf.not_after = NOW - 1;
    stored.bundle = bundle(leaf);
    stored
}

pub(super) fn broken(namespace: &str, name: &str, names: &[&str]) -> Stored {
    let mut stored = own(namespace, name, names);
    stored.bundle.key = KeyState::Differs;
    stored
}

#[test]
fn the_default_stores_certificate_is_judged_as_what_is_served() {
    let of = |default: Stored| {
        found(|i| {
            route(i, "a", "x.example", None);
            store(i, "edge", Some("wild"), &[]);
            i.store(default);
        })
    };
    let fine = of(good("edge", "wild", &["*.example"]));
    healthy(&fine);
    is_not(&fine, Reason::SecretNameEmpty);
    is(
        &of(expired("edge", "wild", &["*.example"])),
        Reason::Expired,
        Severity::Critical,
    );
    is(
        &of(broken("edge", "wild", &["*.example"])),
        Reason::InvalidKeyPair,
        Severity::Critical,
    );
    is(
        &of(good("edge", "wild", &["*.other"])),
        Reason::HostMismatch,
        Severity::Critical,
    );

    // If the default certificate covers the host, a missing Secret affects no client.
    let covered = found(|i| {
        route(i, "a", "x.example", Some("gone"));
        store(i, "edge", Some("wild"), &[]);
        i.store(good("edge", "wild", &["*.example"]));
    });
    is(&covered, Reason::SecretNotFound, Severity::Warning);
    // A host without a tls entry may be meant for plain HTTP.
    let plain = found(|i| {
        let mut web = ingress("a", "web", &[(&["y.other"], "tls")]);
        web.rules = ["y.other", "x.example"].map(Text::from).into_iter().collect();
        add(i, web, "traefik");
        store(i, "edge", Some("wild"), &[]);
        i.store(good("a", "tls", &["y.other"]));
        i.store(good("edge", "wild", &["*.third"]));
    });
    is(&plain, Reason::RuleHostWithoutTls, Severity::Info);
    is_not(&plain, Reason::HostMismatch);
}

#[test]
fn a_secret_without_its_key_is_a_warning_where_the_default_certificate_is_for_the_host() {
    let keyless = |covering: &str| {
        found(|i| {
            route(i, "a", "x.example", Some("tls"));
            store(i, "edge", Some("wild"), &[]);
            let mut tls = good("a", "tls", &["x.example"]);
            tls.key = Presence::Empty;
            tls.bundle.key = KeyState::Missing;
            i.store(tls);
            i.store(good("edge", "wild", &[covering]));
        })
    };
    is(&keyless("*.example"), Reason::MissingData, Severity::Warning);
    is(&keyless("*.elsewhere"), Reason::MissingData, Severity::Critical);
}

#[test]
fn a_default_certificate_that_cannot_be_had_is_critical_where_it_is_relied_on() {
    let gone = found(|i| {
        route(i, "a", "x.example", None);
        store(i, "edge", Some("gone"), &[]);
    });
    is(&gone, Reason::SecretNotFound, Severity::Critical);
    let without_key = found(|i| {
        route(i, "a", "x.example", None);
        store(i, "edge", Some("wild"), &[]);
        let mut wild = good("edge", "wild", &["*.example"]);
        wild.key = Presence::Absent;
        wild.bundle.key = KeyState::Missing;
        i.store(wild);
    });
    is(&without_key, Reason::MissingData, Severity::Critical);
    let not_relied_on = found(|i| {
        route(i, "a", "x.example", Some("tls"));
        store(i, "edge", Some("gone"), &[]);
        i.store(good("a", "tls", &["x.example"]));
    });
    is_not(&not_relied_on, Reason::SecretNotFound);
    let none = found(|i| route(i, "a", "x.example", None));
    is(&none, Reason::SecretNameEmpty, Severity::Info);
}

#[test]
fn several_default_stores_have_no_default_certificate() {
    let two = |second: &'static str| {
        found(|i| {
            route(i, "a", "x.example", None);
            store(i, "edge", Some("wild"), &[]);
            i.store(good("edge", "wild", &["*.example"]));
            other_store(i, second, "other", &[]);
        })
    };
    is(&two("default"), Reason::DefaultStoreConflict, Severity::Critical);
    is_not(&two("mine"), Reason::DefaultStoreConflict);
    healthy(&two("mine"));
}

#[test]
fn secrets_that_traefik_has_not_loaded_do_not_crowd_out_those_that_it_has() {
    let of = |decoys: &dyn Fn(&mut Inventory)| {
        found(|i| {
            for n in 0..450 {
                i.store(own("aaa", &format!("decoy{n:03}"), &["*.shop.example"]));
            }
            decoys(i);
            i.store(expired("edge", "wild", &["*.shop.example"]));
            route(i, "edge", "www.shop.example", Some("wild"));
            route(i, "shop", "x.shop.example", None);
        })
    };
    let named_by = |class: &'static str| {
        move |i: &mut Inventory| {
            for n in 0..450 {
                let (name, secret) = (format!("i{n}"), format!("decoy{n:03}"));
                let host = format!("{name}.aaa.example");
                add(i, ingress("aaa", &name, &[(&[&host], &secret)]), class);
            }
        }
    };
    // Nothing names it, or only Ingresses of another controller.
    for findings in [of(&|_| {}), of(&named_by("nginx"))] {
        let expired = |f: &&Finding| f.reason() == Reason::Expired && f.severity == Severity::Critical;
        assert_eq!(findings.iter().filter(expired).count(), 2, "both hosts get it");
        is_not(&findings, Reason::SecretNameEmpty);
    }
}

#[test]
fn what_is_loaded_follows_routes_and_stores_as_they_come_and_go() {
    let mut inventory = cluster();
    let mine = || store_called("mine", "edge", &["wild", "wild"]);
    let serves = |inventory: &mut Inventory| {
        inventory.derive();
        let x = inventory.bindings_of_host("x.shop.example")[0];
        let binding = inventory.bindings().get(x).expect("the binding").clone();
        inventory.serving(&binding).stored().is_some()
    };
    inventory.store(own("edge", "wild", &["*.shop.example"]));
    route(&mut inventory, "shop", "x.shop.example", None);
    assert!(!serves(&mut inventory), "nobody brings it");
    route(&mut inventory, "edge", "www.shop.example", Some("wild"));
    assert!(serves(&mut inventory));
    inventory.apply(Change::Set(Object::TlsStore(mine())));
    assert!(!serves(&mut inventory), "a store of another name keeps it");
    inventory.apply(Change::Set(Object::TlsStore(mine())));
    let mut none = mine();
    none.certificates.clear();
    inventory.apply(Change::Set(Object::TlsStore(none)));
    assert!(serves(&mut inventory), "it does no more");
    inventory.apply(Change::Set(Object::TlsStore(mine())));
    store(&mut inventory, "edge", None, &["wild"]);
    assert!(serves(&mut inventory), "the default store brings it all the same");
    inventory.apply(Change::Gone(Kind::TlsStore, key("edge", "default")));
    assert!(!serves(&mut inventory));
    assert!(inventory.is_of_a_store(&key("edge", "wild")));
    inventory.apply(Change::Gone(Kind::TlsStore, key("edge", "mine")));
    assert!(!inventory.is_of_a_store(&key("edge", "wild")));
    assert!(serves(&mut inventory));
    inventory.apply(Change::Gone(Kind::IngressRoute, key("edge", "ir-www.shop.example")));
    assert!(!serves(&mut inventory));
}

#[test]
fn certificates_of_the_default_store_serve_any_name() {
    let with = |listed: &'static [&'static str]| {
        found(|i| {
            route(i, "a", "x.example", None);
            store(i, "edge", None, listed);
            i.store(good("edge", "wild", &["*.example"]));
        })
    };
    healthy(&with(&["wild"]));
    is(&with(&[]), Reason::OrphanSecret, Severity::Info);
    is_not(&with(&["wild"]), Reason::OrphanSecret);
    // A store with another name serves nothing, and keeps the Secret from the routes that name it.
    let kept_apart = found(|i| {
        route(i, "a", "x.example", Some("tls"));
        i.store(good("a", "tls", &["x.example"]));
        other_store(i, "mine", "a", &["tls"]);
        route(i, "b", "y.example", Some("wild"));
        i.store(own("b", "wild", &["y.example", "x.example"]));
    });
    let served = kept_apart.iter().filter(|f| f.severity == Severity::Critical).count();
    assert_eq!(served, 0, "another one serves both: {kept_apart:#?}");
}

#[test]
fn what_differs_by_version_or_chance_is_told() {
    let why = |findings: &[Finding]| {
        findings.iter().find_map(|f| match &f.fact {
            Fact::AmbiguousCertificate(finding::AmbiguousCertificate { why, latest, .. }) => {
                Some((*why, latest.name.to_string()))
            }
            _ => None,
        })
    };
    // By name the exact one, in alphabetical order the wildcard.
    let earlier = |wild: Stored| {
        found(|i| {
            route(i, "a", "www.shop.example", Some("exact"));
            route(i, "b", "x.shop.example", Some("wild"));
            i.store(own("a", "exact", &["*.other.example", "www.shop.example"]));
            i.store(wild);
        })
    };
    let findings = earlier(own("b", "wild", &["*.shop.example"]));
    is(&findings, Reason::AmbiguousCertificate, Severity::Warning);
    assert_eq!(why(&findings), Some((Rivalry::Earlier, "wild".to_owned())));
    // Two certificates that name the host in the same way.
    let alike = found(|i| {
        route(i, "a", "x.example", Some("one"));
        route(i, "b", "y.example", Some("two"));
        i.store(own("a", "one", &["x.example", "a.example"]));
        i.store(expired("b", "two", &["x.example", "y.example"]));
    });
    assert_eq!(why(&alike), Some((Rivalry::EarlierByChance, "two".to_owned())));
    // Two certificates with the same names, from two kinds of routes.
    let kinds = found(|i| {
        route(i, "a", "x.example", Some("one"));
        add(i, ingress("b", "web", &[(&["y.example"], "two")]), "traefik");
        i.store(own("a", "one", &["x.example", "y.example"]));
        i.store(expired("b", "two", &["x.example", "y.example"]));
    });
    assert_eq!(why(&kinds).map(|(why, _)| why), Some(Rivalry::Chance));
    let told = |reason| {
        kinds
            .iter()
            .any(|f| f.reason() == reason && f.severity == Severity::Critical)
    };
    assert!(
        told(Reason::AmbiguousCertificate) || told(Reason::Expired),
        "one of them has expired"
    );
    // The host itself takes precedence over a wildcard, by both rules.
    let plain = found(|i| {
        route(i, "a", "www.shop.example", Some("exact"));
        route(i, "b", "x.shop.example", Some("wild"));
        i.store(own("a", "exact", &["www.shop.example"]));
        i.store(own("b", "wild", &["*.shop.example"]));
    });
    is_not(&plain, Reason::AmbiguousCertificate);
    // One certificate in two namespaces.
    let copied = found(|i| {
        route(i, "a", "x.example", Some("tls"));
        add(i, ingress("b", "web", &[(&["x.example"], "tls")]), "traefik");
        i.store(good("a", "tls", &["x.example"]));
        i.store(good("b", "tls", &["x.example"]));
    });
    is_not(&copied, Reason::AmbiguousCertificate);
}

#[test]
fn of_two_with_the_same_names_the_first_by_name_is_shown() {
    let two = |first: Stored, second: Stored| {
        found(|i| {
            add(i, ingress("a", "one", &[(&["x.example"], "tls")]), "traefik");
            add(i, ingress("b", "two", &[(&["x.example"], "tls")]), "traefik");
            i.store(first);
            i.store(second);
        })
    };
    let (fresh, stale) = (own("a", "tls", &["x.example"]), expired("b", "tls", &["x.example"]));
    is_not(&two(fresh, stale), Reason::Expired);
    let (stale, fresh) = (expired("a", "tls", &["x.example"]), own("b", "tls", &["x.example"]));
    let findings = two(stale, fresh);
    assert_eq!(
        findings.iter().filter(|f| f.reason() == Reason::Expired).count(),
        2,
        "both routes show it: {findings:#?}"
    );
}

#[test]
fn a_broken_secret_is_told_while_another_covers_for_it() {
    let with = |own_secret: Stored| {
        found(|i| {
            route(i, "a", "x.example", Some("tls"));
            route(i, "b", "y.example", Some("wild"));
            i.store(own_secret);
            i.store(good("b", "wild", &["*.example"]));
        })
    };
    is(
        &with(broken("a", "tls", &["x.example"])),
        Reason::InvalidKeyPair,
        Severity::Warning,
    );
    is_not(&with(own("a", "tls", &["x.example"])), Reason::InvalidKeyPair);
}

#[test]
fn a_tcp_route_is_judged_unless_it_passes_tls_on() {
    let tcp = |passthrough| {
        found(|i| {
            let mut route = ingress_route("a", "db", "db.example", Some("gone"));
            route.tcp = true;
            route.tls.as_mut().expect("tls").passthrough = passthrough;
            i.apply(Change::Set(Object::IngressRoute(route)));
        })
    };
    is(&tcp(false), Reason::SecretNotFound, Severity::Critical);
    healthy(&tcp(true));
}
