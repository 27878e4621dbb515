//! Every reason: facts that trigger it, and a near miss that does not.

mod certificate;
mod chain;
mod crowd;
mod gateway;
mod nginx;
mod ownership;
mod readers;
mod reference;
mod seen;
mod served;
mod store;
mod traefik;
mod unread;

use std::{cell::RefCell, collections::BTreeSet};

use super::{served::ServedChain, *};
use crate::{
    inventory::{
        Inventory, Keeper, Presence, Recipients, Stored,
        fixtures::{bundle, *},
        query::Rivalry,
    },
    object::{
        Change, Condition, Consumer, Gateway, GatewayClass, Ingress, Issuer, Key, Kind, Meta, Object, Order, Owner,
        Route, Service, Text, annotation,
        certmanager::{Certificate, CertificateRequest, Challenge, IssuerRef},
        consumer::{How, SecretUse},
        gateway::{CertificateRef, Listener, ParentRef},
        register::{Role, count, of_roles},
    },
    x509::{
        self, KeyAlgorithm, KeyState, Trust,
        trust::{Bounds, Clients, Doubt, IntermediateSource, PathError},
    },
};

const RULES: Rules = Rules {
    now: NOW,
    expiring_within: None,
};

/// The inventory of a cluster in which everything has been read.
fn cluster() -> Inventory {
    const ROLES: [Role; 7] = [
        Role::Route,
        Role::Class,
        Role::Grant,
        Role::Store,
        Role::Secret,
        Role::Issuing,
        Role::Consumer,
    ];
    const READ: [Kind; count(&ROLES)] = of_roles(&ROLES);
    let mut inventory = Inventory::new("test", false);
    for kind in READ {
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

/// All findings about what `set_up` puts into a cluster.
fn found(set_up: impl FnOnce(&mut Inventory)) -> Vec<Finding> {
    found_by(RULES, set_up)
}

fn found_by(rules: Rules, set_up: impl FnOnce(&mut Inventory)) -> Vec<Finding> {
    let mut inventory = cluster();
    set_up(&mut inventory);
    judge_all(&mut inventory, rules)
}

fn judge_all(inventory: &mut Inventory, rules: Rules) -> Vec<Finding> {
    inventory.derive();
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

/// An Ingress of class nginx for x.example with the Secret `tls`.
fn web(inventory: &mut Inventory) {
    add(inventory, ingress("a", "web", &[(&["x.example"], "tls")]), "nginx");
}

/// The findings about a route whose Secret is `stored`.
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

thread_local! {
    /// The reasons that tests have found, and those that they have not found on purpose.
    static SEEN: RefCell<[BTreeSet<Reason>; 2]> = RefCell::default();
}

/// The tests of each family, for the test that no reason was forgotten.
const FAMILIES: [&[fn()]; 9] = [
    certificate::TESTS,
    chain::TESTS,
    gateway::TESTS,
    nginx::TESTS,
    ownership::TESTS,
    readers::TESTS,
    reference::TESTS,
    served::TESTS,
    traefik::TESTS,
];

#[test]
fn every_reason_has_a_trigger_and_a_near_miss() {
    for test in FAMILIES.into_iter().flatten() {
        test();
    }
    let lacking = |seen: &BTreeSet<Reason>| -> Vec<Reason> {
        let all = Reason::ALL.iter().copied();
        all.filter(|reason| !seen.contains(reason)).collect()
    };
    SEEN.with_borrow(|[found, not_found]| {
        assert_eq!(
            (lacking(found), lacking(not_found)),
            (Vec::new(), Vec::new()),
            "untriggered, and without near miss"
        );
    });
}

#[track_caller]
fn is(findings: &[Finding], reason: Reason, severity: Severity) {
    SEEN.with_borrow_mut(|seen| seen[0].insert(reason));
    let hit = findings.iter().find(|f| f.reason() == reason);
    assert_eq!(hit.map(|f| f.severity), Some(severity), "{reason} among {findings:#?}");
}

#[track_caller]
fn is_not(findings: &[Finding], reason: Reason) {
    SEEN.with_borrow_mut(|seen| seen[1].insert(reason));
    assert!(
        !reasons(findings).contains(&reason),
        "{reason} is a false alarm: {findings:#?}"
    );
}

#[track_caller]
fn healthy(findings: &[Finding]) {
    assert!(findings.is_empty(), "{findings:#?}");
}

/// The only finding is that the certificate is in no Secret.
#[track_caller]
fn elsewhere(findings: &[Finding]) {
    assert_eq!(
        reasons(findings),
        BTreeSet::from([Reason::CertificateElsewhere]),
        "{findings:#?}"
    );
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
        program: None,
    }
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
