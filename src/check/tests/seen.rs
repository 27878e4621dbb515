//! Hosts that are judged by what they serve alone, as no Secret was read by choice.

use super::*;
use crate::check::{row::RouteRef, words};

const AT: &str = "192.0.2.1:443";

/// The same cluster of which no Secret was read, although there may be some.
fn without_secrets() -> Inventory {
    let mut inventory = cluster();
    inventory.secrets_left_out = true;
    inventory
}

fn chain_of(leaf: x509::Certificate, change: impl FnOnce(&mut x509::Bundle)) -> ServedChain {
    let mut served = bundle(leaf);
    served.key = KeyState::NotAsked;
    change(&mut served);
    ServedChain::Certificates(Box::new(served))
}

fn served(leaf: x509::Certificate) -> ServedChain {
    chain_of(leaf, |_| ())
}

fn probed(served: Vec<ServedChain>) -> Probed {
    let at = served.into_iter().enumerate().map(|(n, served)| ProbedAt {
        address: compact_str::format_compact!("192.0.2.{}:443", n + 1),
        served,
    });
    Probed {
        at: at.collect(),
        ..Probed::default()
    }
}

/// The verdict on the only binding of what `set_up` puts into a cluster.
fn judged(set_up: impl FnOnce(&mut Inventory), probed: Option<&Probed>, rules: Rules) -> Verdict {
    let mut inventory = without_secrets();
    set_up(&mut inventory);
    inventory.derive();
    let (id, of) = inventory.bindings().iter().next().expect("a binding");
    let mut verdict = binding(&inventory, id, rules).expect("a verdict");
    judge_seen(of, probed, &rules, &mut verdict);
    verdict
}

/// The findings about x.example, which serves this at its only address.
fn seen(served: ServedChain) -> Vec<Finding> {
    let verdict = judged(web, Some(&probed(vec![served])), RULES);
    assert!(!verdict.unreadable);
    verdict.findings
}

/// The reasons, and how severe each is.
fn told(findings: &[Finding]) -> Vec<(Reason, Severity)> {
    let mut told: Vec<_> = findings.iter().map(|f| (f.reason(), f.severity)).collect();
    told.sort_by_key(|(reason, _)| *reason);
    told
}

#[test]
fn a_host_that_is_served_well_is_healthy_and_nothing_is_said_of_its_secret() {
    healthy(&seen(served(leaf(&["x.example"]))));
    healthy(&seen(served(leaf(&["*.example"]))));
    // Nor where a class, a resolver or a backend keeps the certificate.
    let elsewhere = |inventory: &mut Inventory| {
        let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
        web.meta = with_annotation(web.meta, annotation::NGINX_PASSTHROUGH, "true");
        add(inventory, web, "nginx");
    };
    let good = probed(vec![served(leaf(&["x.example"]))]);
    healthy(&judged(elsewhere, Some(&good), RULES).findings);
}

#[test]
fn what_clients_refuse_has_the_reasons_of_a_probe() {
    use Severity::{Critical, Warning};
    let of = |served: ServedChain| told(&seen(served));
    let expired = x509::Certificate {
        not_after: NOW - 1,
        ..leaf(&["x.example"])
    };
    assert_eq!(of(served(expired)), [(Reason::ServedExpired, Critical)]);
    // Whatever else is wrong with it: it is somebody else's.
    let foreign = x509::Certificate {
        key: KeyAlgorithm::Rsa(1024),
        ..leaf(&["y.example"])
    };
    assert_eq!(of(served(foreign)), [(Reason::ServedWrongHost, Critical)]);
    assert_eq!(
        of(ServedChain::Nothing("refused".into())),
        [(Reason::NotServed, Critical)]
    );
    assert_eq!(of(ServedChain::Unasked("late".into())), [(Reason::NotServed, Warning)]);
    let missing = Trust::MissingIntermediate {
        issuer: "CN=Test CA R1,O=Test".into(),
        found: IntermediateSource::Nowhere,
    };
    let later = x509::Certificate {
        not_before: NOW + 1,
        ..leaf(&["x.example"])
    };
    // `openssl req -x509` makes a CA of a server.
    let by_hand = x509::Certificate {
        is_ca: true,
        self_signed: true,
        ..leaf(&["x.example"])
    };
    for untrusted in [
        chain_of(leaf(&["x.example"]), |b| b.trust = missing),
        chain_of(leaf(&["x.example"]), |b| b.trust = Trust::SelfSigned),
        chain_of(by_hand, |b| {
            b.certificates.truncate(1);
            b.trust = Trust::SelfSigned;
        }),
        served(later),
    ] {
        assert_eq!(of(untrusted), [(Reason::ServedUntrusted, Critical)]);
    }
}

#[test]
fn what_else_can_be_said_of_a_certificate_has_the_reason_that_it_has_in_a_secret() {
    let change = |change: &dyn Fn(&mut x509::Certificate)| {
        let mut leaf = leaf(&["x.example"]);
        change(&mut leaf);
        leaf
    };
    let due = change(&|leaf| leaf.not_after = NOW + 10 * DAY);
    let weak = change(&|leaf| leaf.key = KeyAlgorithm::Rsa(1024));
    let signed = change(&|leaf| leaf.weak_signature = true);
    let no_server = change(&|leaf| leaf.usage.server_auth = false);
    let stapled = change(&|leaf| leaf.must_staple = true);
    let clients = change(&|leaf| leaf.usage.client_auth = true);
    let long = change(&|leaf| leaf.not_before = NOW - 400 * DAY);
    for leaf in [due, weak, signed, no_server, stapled, clients, long] {
        let mut stored = of_secret(secret_of(bundle(leaf.clone())));
        stored.retain(|finding| finding.reason() != Reason::UnusedNames);
        let seen = seen(served(leaf));
        assert_eq!(told(&seen), told(&stored));
        assert!(!seen.is_empty());
        for (one, other) in seen.iter().zip(&stored) {
            assert_eq!(one.fact, other.fact, "the same facts");
        }
    }
    let surplus = chain_of(leaf(&["x.example"]), |b| {
        let root = x509::Certificate {
            sha256: digest("root"),
            self_signed: true,
            ..intermediate()
        };
        b.certificates.push(root.into());
    });
    assert_eq!(told(&seen(surplus)), [(Reason::ExtraRoot, Severity::Info)]);
    // What was asked for decides when it is due, as ever.
    let rules = Rules {
        expiring_within: Some(70 * DAY),
        ..RULES
    };
    let good = probed(vec![served(leaf(&["x.example"]))]);
    let asked = judged(web, Some(&good), rules).findings;
    assert_eq!(told(&asked), [(Reason::RenewalDue, Severity::Warning)]);
}

#[test]
fn a_host_that_nobody_has_seen_is_not_healthy() {
    for nothing in [None, Some(Probed::default())] {
        let verdict = judged(web, nothing.as_ref(), RULES);
        assert!(verdict.unreadable);
        healthy(&verdict.findings);
    }
}

#[test]
fn what_one_address_serves_is_told_of_that_address_and_what_all_serve_once() {
    let due = x509::Certificate {
        not_after: NOW + 10 * DAY,
        sha256: digest("old"),
        ..leaf(&["x.example"])
    };
    let message = |probed: &Probed| {
        let findings = judged(web, Some(probed), RULES).findings;
        let [finding] = findings.as_slice() else {
            panic!("{findings:#?}")
        };
        assert_eq!(finding.reason(), Reason::RenewalDue);
        let secrets = [key("a", "tls")];
        let row = words::tests::row(&secrets, &[]);
        words::message(finding, &row, NOW)
    };
    let old = || served(due.clone());
    let some = probed(vec![served(leaf(&["x.example"])), old()]);
    let said = message(&some);
    assert!(said.ends_with(" 192.0.2.2:443 serves it."), "{said}");
    assert!(!said.contains("Secret"), "nobody has seen it there: {said}");
    let said = message(&probed(vec![old(), old(), served(leaf(&["x.example"]))]));
    assert!(said.ends_with(" 192.0.2.1:443, 192.0.2.2:443 serve it."), "{said}");
    let said = message(&probed(vec![old(), old()]));
    assert!(said.ends_with(" All 2 addresses of the route serve it."), "{said}");
    // The one that ends first stands for all.
    let shown = seen_leaf(&some).expect("one is served");
    assert_eq!(shown.sha256, digest("old"));
    assert!(seen_leaf(&probed(vec![ServedChain::Nothing("refused".into())])).is_none());
}

#[test]
fn what_routes_say_of_themselves_is_told_and_what_depends_on_secrets_is_not() {
    let good = || probed(vec![served(leaf(&["x.example"]))]);
    let refused = || probed(vec![ServedChain::Nothing("refused".into())]);
    let of = |set_up: &dyn Fn(&mut Inventory), probed: Probed| told(&judged(set_up, Some(&probed), RULES).findings);
    // A class that does not exist is one of either.
    let classless = |i: &mut Inventory| add(i, ingress("a", "web", &[(&["x.example"], "tls")]), "gone");
    let class = (Reason::IngressClassNotFound, Severity::Warning);
    assert_eq!(of(&classless, good()), [class]);
    assert!(of(&classless, refused()).contains(&class));
    // What a route says of the certificate that clients get explains a bad one, and a good one says more.
    let nameless = |i: &mut Inventory| add(i, ingress("a", "web", &[(&["x.example"], "")]), "own");
    assert!(of(&nameless, good()).is_empty());
    assert_eq!(
        of(&nameless, refused()),
        [
            (Reason::SecretNameEmpty, Severity::Info),
            (Reason::NotServed, Severity::Critical)
        ]
    );
    // Two routes of one host may name copies of one certificate.
    let twice = |i: &mut Inventory| {
        for name in ["web", "other"] {
            let mut route = ingress("a", name, &[(&["x.example"], name)]);
            route.meta.created = Some(NOW);
            add(i, route, "nginx");
        }
    };
    assert!(of(&twice, good()).is_empty());
    // A rule without a host may be meant for the default certificate.
    let hostless = |i: &mut Inventory| {
        let mut web = ingress("a", "web", &[(&[], "tls")]);
        web.rules = ["".into()].into_iter().collect();
        add(i, web, "nginx");
    };
    assert!(of(&hostless, good()).is_empty());
}

#[test]
fn a_certificate_that_clients_accept_is_no_failure_whatever_the_route_lets_expect() {
    let listener = |i: &mut Inventory| {
        i.apply(Change::Set(Object::Gateway(Gateway {
            meta: meta("a", "edge"),
            class: "edge".into(),
            listeners: vec![gateway::listener("https", "x.example", "Secret", Some("b"), "tls")],
            ..Gateway::default()
        })));
    };
    let good = probed(vec![served(leaf(&["x.example"]))]);
    let findings = judged(listener, Some(&good), RULES).findings;
    is(&findings, Reason::RefNotPermitted, Severity::Warning);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let nothing = probed(vec![ServedChain::Nothing("refused".into())]);
    let findings = judged(listener, Some(&nothing), RULES).findings;
    is(&findings, Reason::RefNotPermitted, Severity::Critical);
    // Clients that follow DNS reach something else.
    let elsewhere = Probed {
        resolved: Some(vec!["198.51.100.9".into()]),
        expected: vec!["192.0.2.1".into()],
        ..good
    };
    let findings = judged(listener, Some(&elsewhere), RULES).findings;
    is(&findings, Reason::RefNotPermitted, Severity::Critical);
    is(&findings, Reason::DnsElsewhere, Severity::Warning);
}

#[test]
fn a_reason_that_is_made_is_one_that_may_be_chosen() {
    let made = [
        Reason::ServedExpired,
        Reason::ServedUntrusted,
        Reason::RenewalDue,
        Reason::WeakKey,
        Reason::ExtraRoot,
        Reason::IngressClassNotFound,
        Reason::RefNotPermitted,
        Reason::Forbidden,
    ];
    assert!(made.into_iter().all(is_made_of_what_is_seen));
    let never = [
        Reason::SecretNotFound,
        Reason::Expired,
        Reason::HostMismatch,
        Reason::InvalidKey,
        Reason::CertificateNotReady,
        Reason::OrphanSecret,
        Reason::ServedDiffers,
    ];
    assert!(!never.into_iter().any(is_made_of_what_is_seen));
}

/// No remedy reads a Secret, but where it says that somebody who may read it has to.
#[test]
fn the_remedies_ask_the_server_and_no_secret() {
    let reach = crate::object::Reach {
        without_secrets: true,
        ..crate::object::Reach::default()
    };
    let secrets = [key("shop", "shop-tls")];
    let route = Some(RouteRef {
        kind: Kind::Ingress,
        name: "web",
        listener: None,
    });
    for (fact, _) in words::tests::samples::all() {
        // A right that is missing is one to routes, and its remedy names the right alone.
        if !is_made_of_what_is_seen(fact.reason()) || fact.reason() == Reason::Forbidden {
            continue;
        }
        // Of a certificate that a server sends, no Secret is known.
        let fact = match fact {
            Fact::InvalidCertificate(it) => Fact::InvalidCertificate(finding::InvalidCertificate {
                secret: key("", ""),
                ..it
            }),
            other => other,
        };
        let plain = words::tests::row_of(&fact, &secrets);
        let row = row::Row {
            route: plain.route.or(route),
            reach: &reach,
            ..plain
        };
        let is_of_served = ["parse", "time", "chain", "strength"].contains(&fact.reason().group());
        let finding = Finding {
            seen: is_of_served.then(|| {
                Box::new(Seen {
                    leaf: leaf(&["shop.example"]).into(),
                    addresses: vec![AT.into()].into(),
                    everywhere: true,
                })
            }),
            ..Finding::new(fact)
        };
        let said = words::remedy(&finding, &row);
        let reason = finding.reason();
        for command in &said.commands {
            let reads = command.contains("get secret") || command.contains("describe secret");
            assert!(!reads, "{reason}: {command}");
            let writes = command.contains("patch secret") || command.contains("kubectl certs renew");
            assert!(!writes, "{reason}: nobody has seen who owns it: {command}");
            let of_ours = command.starts_with("kubectl certs ");
            let for_others = said.text.contains("somebody who may read");
            assert!(
                !of_ours || command.contains(" --no-secrets") || for_others,
                "{reason}: {command}"
            );
        }
    }
}
