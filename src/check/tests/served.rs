use super::*;

/// The tests of this family of reasons.
pub(super) const TESTS: &[fn()] = &[
    stale_pods,
    what_is_served,
    the_stored_leaf_without_what_it_needs_is_something_else_than_is_stored,
    a_served_chain_that_clients_refuse_is_told_where_it_is_not_the_stored_one,
    dns_elsewhere,
    a_verdict_says_when_time_alone_changes_it,
    flags_choose_and_annotations_excuse,
];

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

/// The result of a probe of x.example with this answer, where `stored` is what can be read of the Secret.
fn probe(stored: Option<Stored>, served: ServedChain) -> Vec<Finding> {
    let mut inventory = cluster();
    web(&mut inventory);
    if let Some(stored) = stored {
        inventory.store(stored);
    }
    inventory.derive();
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

fn good_secret() -> Stored {
    good("a", "tls", &["x.example"])
}

/// A change to a served chain.
type Alter<'a> = &'a dyn Fn(&mut x509::Bundle);

/// A served chain: the bundle of a leaf and its intermediate, changed.
fn chain_of(leaf: x509::Certificate, change: impl FnOnce(&mut x509::Bundle)) -> ServedChain {
    let mut served = bundle(leaf);
    served.key = KeyState::NotAsked;
    change(&mut served);
    ServedChain::Certificates(Box::new(served))
}

#[test]
fn what_is_served() {
    let good = leaf(&["x.example"]);
    let serve = |leaf: x509::Certificate| probe(Some(good_secret()), chain_of(leaf, |_| ()));
    healthy(&serve(good.clone()));
    for reason in [
        Reason::ServedDiffers,
        Reason::ServedExpired,
        Reason::ServedWrongHost,
        Reason::NotServed,
    ] {
        is_not(&serve(good.clone()), reason);
    }
    is(
        &serve(x509::Certificate {
            sha256: digest("another"),
            ..good.clone()
        }),
        Reason::ServedDiffers,
        Severity::Warning,
    );
    let ends = |not_after| {
        serve(x509::Certificate {
            not_after,
            ..good.clone()
        })
    };
    is(&ends(NOW), Reason::ServedExpired, Severity::Critical);
    is_not(&ends(NOW + 1), Reason::ServedExpired);
    is(
        &serve(leaf(&["y.example"])),
        Reason::ServedWrongHost,
        Severity::Critical,
    );
    is_not(&serve(leaf(&["*.example"])), Reason::ServedWrongHost);
    let refused = ServedChain::Nothing("refused".into());
    is(
        &probe(Some(good_secret()), refused),
        Reason::NotServed,
        Severity::Critical,
    );
    let unasked = ServedChain::Unasked("this machine's DNS gave no answer about x.example".into());
    is(
        &probe(Some(good_secret()), unasked),
        Reason::NotServed,
        Severity::Warning,
    );
}

#[test]
fn the_stored_leaf_without_what_it_needs_is_something_else_than_is_stored() {
    let untrusted = || Trust::MissingIntermediate {
        issuer: "CN=Test CA R1,O=Test".into(),
        found: IntermediateSource::Nowhere,
    };
    let alone = |trust| {
        chain_of(leaf(&["x.example"]), |served| {
            served.certificates.truncate(1);
            served.trust = trust;
        })
    };
    let missing = |findings: &[Finding]| -> Vec<Text> {
        let facts = findings.iter().map(|f| &f.fact);
        facts
            .filter_map(|fact| match fact {
                Fact::ServedDiffers(finding::ServedDiffers { missing, .. }) => Some(missing.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    };
    let found = probe(Some(good_secret()), alone(untrusted()));
    is(&found, Reason::ServedDiffers, Severity::Critical);
    assert_eq!(missing(&found), ["CN=Test CA R1,O=Test"]);
    is_not(&found, Reason::ServedUntrusted);
    // The chain of a private CA whose root was not given.
    let mut private = bundle(leaf(&["x.example"]));
    private.trust = Trust::Untrusted {
        issuer: "CN=Test Root,O=Test".into(),
        root_presented: false,
        namesake: false,
    };
    let trust = private.trust.clone();
    let found = probe(Some(secret_of(private)), alone(trust));
    assert_eq!(missing(&found), ["CN=Test CA R1,O=Test"]);

    // It reaches a root all the same: a newer root with the intermediate's key.
    is_not(&probe(Some(good_secret()), alone(trusted(1))), Reason::ServedDiffers);
    // A root and a surplus certificate are stored, and nobody misses them.
    let mut stored = bundle(leaf(&["x.example"]));
    let root = x509::Certificate {
        sha256: digest("root"),
        self_signed: true,
        ..intermediate()
    };
    let surplus = x509::Certificate {
        sha256: digest("surplus"),
        subject: chain::named("CN=Other,O=Test").into(),
        ..intermediate()
    };
    stored.certificates.extend([root.into(), surplus.into()]);
    let served = chain_of(leaf(&["x.example"]), |served| served.trust = untrusted());
    is_not(&probe(Some(secret_of(stored)), served), Reason::ServedDiffers);
}

#[test]
fn a_served_chain_that_clients_refuse_is_told_where_it_is_not_the_stored_one() {
    let self_signed = |served: &mut x509::Bundle| served.trust = Trust::SelfSigned;
    let serve = |change: Alter<'_>| probe(None, chain_of(leaf(&["x.example"]), change));
    let why = |findings: &[Finding]| -> Vec<Reason> {
        let facts = findings.iter().map(|f| &f.fact);
        facts
            .filter_map(|fact| match fact {
                Fact::ServedUntrusted(finding::ServedUntrusted { why, .. }) => Some(why.reason()),
                _ => None,
            })
            .collect()
    };
    is(&serve(&self_signed), Reason::ServedUntrusted, Severity::Critical);
    let refused: [(Reason, Alter<'_>); 4] = [
        (Reason::SelfSigned, &self_signed),
        (Reason::UntrustedIssuer, &|served| {
            served.trust = Trust::Untrusted {
                issuer: "CN=Own".into(),
                root_presented: true,
                namesake: false,
            };
        }),
        (Reason::MissingIntermediate, &|served| {
            served.trust = Trust::MissingIntermediate {
                issuer: "CN=Test CA R1,O=Test".into(),
                found: IntermediateSource::Nowhere,
            };
        }),
        (Reason::NotYetValid, &|served| {
            let later = x509::Certificate {
                not_before: NOW + 1,
                ..leaf(&["x.example"])
            };
            served.certificates[0] = later.into();
        }),
    ];
    for (reason, change) in refused {
        assert_eq!(why(&serve(change)), [reason]);
    }
    healthy(&serve(&|_| ()));
    is_not(&serve(&|_| ()), Reason::ServedUntrusted);
    // The stored certificate is served: its defects are reported for the Secret.
    let mut stored = bundle(leaf(&["x.example"]));
    stored.trust = Trust::SelfSigned;
    let same = chain_of(leaf(&["x.example"]), self_signed);
    healthy(&probe(Some(secret_of(stored)), same));
    // Another certificate is served, and clients refuse that one.
    let another = x509::Certificate {
        sha256: digest("another"),
        ..leaf(&["x.example"])
    };
    let found = probe(Some(good_secret()), chain_of(another, self_signed));
    is(&found, Reason::ServedDiffers, Severity::Warning);
    is(&found, Reason::ServedUntrusted, Severity::Critical);
    // A certificate for other hosts belongs to somebody else, and one that has expired is reported as such.
    is_not(
        &probe(None, chain_of(leaf(&["y.example"]), self_signed)),
        Reason::ServedUntrusted,
    );
    let expired = x509::Certificate {
        not_after: NOW - 1,
        ..leaf(&["x.example"])
    };
    is_not(&probe(None, chain_of(expired, |_| ())), Reason::ServedUntrusted);
}

#[test]
fn dns_elsewhere() {
    let mut inventory = cluster();
    web(&mut inventory);
    inventory.derive();
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
fn a_verdict_says_when_time_alone_changes_it() {
    let mut inventory = cluster();
    web(&mut inventory);
    inventory.store(good("a", "tls", &["x.example"]));
    inventory.derive();
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
fn flags_choose_and_annotations_excuse() {
    let mut inventory = cluster();
    let mut route = ingress("a", "web", &[(&["x.example"], "tls")]);
    route.meta = with_annotation(route.meta, annotation::IGNORE, "UnusedNames, ExtraRoot");
    add(&mut inventory, route, "nginx");
    inventory.store(good("a", "tls", &["x.example", "old.example"]));
    inventory.derive();
    let (id, of) = inventory.bindings().iter().next().expect("a binding");
    let sorted = |select: &Select, facts: Vec<Fact>| {
        let ignore = select::IgnoreOf {
            route: Some(&of.route),
            secrets: &of.secrets,
        };
        let sorted = select.sort(&inventory, &ignore, facts.into_iter().map(Finding::new).collect());
        let names = |findings: &[Finding]| {
            findings
                .iter()
                .map(|f| f.reason().as_str())
                .collect::<Vec<_>>()
                .join(",")
        };
        let worst = sorted.worst.map_or("-", Severity::as_str);
        format!(
            "{} ({}) {} {worst}",
            names(&sorted.told),
            names(&sorted.excused),
            sorted.left_out
        )
    };
    let found = binding(&inventory, id, RULES).expect("a verdict").findings;
    is(&found, Reason::UnusedNames, Severity::Info);
    let unused = || {
        Fact::UnusedNames(finding::UnusedNames {
            names: Vec::new().into(),
        })
    };
    let facts = || {
        vec![
            Fact::SelfSigned(finding::SelfSigned),
            Fact::MustStaple(finding::MustStaple),
            unused(),
            Fact::WrongOrder(finding::WrongOrder),
        ]
    };
    assert_eq!(
        sorted(&Select::default(), facts()),
        "SelfSigned,MustStaple,WrongOrder (UnusedNames) 0 critical"
    );
    // A selection leaves findings out, but not their effect on the status.
    let least = Select {
        min_severity: Some(Severity::Critical),
        ..Select::default()
    };
    assert_eq!(sorted(&least, facts()), "SelfSigned () 3 critical");
    let only = Select {
        only: [Reason::WrongOrder, Reason::UnusedNames].into(),
        ..Select::default()
    };
    assert_eq!(sorted(&only, facts()), "WrongOrder (UnusedNames) 2 critical");
    // An excuse removes the effect on the status; the finding is reported.
    let ignored = Select {
        ignored: [Reason::SelfSigned].into(),
        ..Select::default()
    };
    assert_eq!(
        sorted(&ignored, facts()),
        "MustStaple,WrongOrder (SelfSigned,UnusedNames) 0 warning"
    );
    let unread = Select {
        unread: [Reason::SelfSigned].into(),
        ..Select::default()
    };
    assert_eq!(sorted(&unread, vec![Fact::SelfSigned(finding::SelfSigned)]), " () 0 -");
}

/// The findings about a Secret that no route uses and that `set_up` may let something else use.
fn alone(stored: Stored, user: Option<Consumer>) -> Vec<Finding> {
    found(|i| {
        i.store(stored);
        if let Some(user) = user {
            i.apply(Change::Set(Object::Consumer(user)));
        }
    })
}

#[test]
fn what_a_pod_mounts_is_critical_when_it_is_expired_and_a_warning_otherwise() {
    let expired = || {
        let mut leaf = leaf(&["x.example"]);
        leaf.not_after = NOW - 1;
        stored("a", "tls", bundle(leaf))
    };
    for how in [How::Volume, How::SubPath, How::Environment] {
        is(
            &alone(expired(), Some(pod(how, 0))),
            Reason::Expired,
            Severity::Critical,
        );
    }
    let controller = Consumer {
        kind: Kind::ReplicationController,
        ..pod(How::Volume, 0)
    };
    is(&alone(expired(), Some(controller)), Reason::Expired, Severity::Critical);
    let ended = Consumer {
        ended: true,
        ..pod(How::Volume, 0)
    };
    for user in [None, Some(pod(How::Other, 0)), Some(ended)] {
        is(&alone(expired(), user), Reason::Expired, Severity::Warning);
    }
    healthy(&alone(good("a", "tls", &["x.example"]), Some(pod(How::Volume, 0))));
    // What clients of a route would refuse may be meant for others: a key that does not match is no more than a
    // warning.
    let mut pair = bundle(leaf(&["x.example"]));
    pair.key = KeyState::Differs;
    let found = alone(stored("a", "tls", pair), Some(pod(How::Volume, 0)));
    is(&found, Reason::InvalidKeyPair, Severity::Warning);
}

#[test]
fn a_proxys_own_keys_are_as_good_as_those_of_a_tls_secret_where_no_route_reads_them() {
    let own = || Stored {
        secret_type: Text::default(),
        data_keys: Some(Box::new(["proxycert".into(), "proxykey".into()])),
        ..good("a", "tls", &["x.example"])
    };
    healthy(&alone(own(), Some(pod(How::Volume, 0))));
    healthy(&alone(own(), None));
    let opaque = Stored {
        secret_type: Text::default(),
        ..good("a", "tls", &["x.example"])
    };
    healthy(&alone(opaque, Some(pod(How::Volume, 0))));
    let by_route = of_secret(own());
    is(&by_route, Reason::WrongSecretType, Severity::Critical);
    is(&by_route, Reason::MissingData, Severity::Critical);
}

#[test]
fn what_clients_were_seen_to_get_counts_more_than_what_was_expected() {
    let missing = || {
        Finding::new(finding::SecretNotFound {
            secret: key("a", "tls"),
            instead: Instead::DefaultCertificate,
            among_manifests: false,
            maker: None,
        })
    };
    let believed = |served: ServedChain, expected: Vec<Text>| {
        let probed = Probed {
            at: vec![ProbedAt {
                address: "192.0.2.1:443".into(),
                served,
            }],
            resolved: None,
            expected,
        };
        let mut inventory = cluster();
        web(&mut inventory);
        inventory.derive();
        let (_, binding) = inventory.bindings().iter().next().expect("a binding");
        let mut findings = judge_probe(binding, None, &probed, &RULES);
        findings.push(missing());
        believe_probe(&probed, &RULES, &mut findings);
        findings
    };
    let good = || chain_of(leaf(&["x.example"]), |_| ());
    let fine = believed(good(), Vec::new());
    is(&fine, Reason::SecretNotFound, Severity::Warning);
    is(&fine, Reason::ServedDiffers, Severity::Warning);
    for (served, expected) in [
        (chain_of(leaf(&["y.example"]), |_| ()), Vec::new()),
        (ServedChain::Nothing("refused".into()), Vec::new()),
        (
            chain_of(leaf(&["x.example"]), |b| {
                b.trust = Trust::Untrusted {
                    issuer: "CN=x".into(),
                    root_presented: false,
                    namesake: false,
                }
            }),
            Vec::new(),
        ),
        // The route's address was asked, to which the name does not lead.
        (good(), vec!["192.0.2.1".into()]),
    ] {
        is(&believed(served, expected), Reason::SecretNotFound, Severity::Critical);
    }
}

#[test]
fn what_clients_refuse_stays_critical_where_it_is_served_as_it_is_stored() {
    let untrusted = || Trust::Untrusted {
        issuer: "CN=x".into(),
        root_presented: false,
        namesake: false,
    };
    let mut held = bundle(leaf(&["x.example"]));
    held.trust = untrusted();
    let mut inventory = cluster();
    web(&mut inventory);
    inventory.store(stored("a", "tls", held));
    inventory.derive();
    let (id, binding) = inventory.bindings().iter().next().expect("a binding");
    let probed = Probed {
        at: vec![ProbedAt {
            address: "192.0.2.1:443".into(),
            served: chain_of(leaf(&["x.example"]), |b| b.trust = untrusted()),
        }],
        ..Probed::default()
    };
    let mut findings = crate::check::binding(&inventory, id, RULES)
        .expect("a verdict")
        .findings;
    findings.extend(judge_probe(
        binding,
        inventory.secrets().get(&key("a", "tls")),
        &probed,
        &RULES,
    ));
    believe_probe(&probed, &RULES, &mut findings);
    is(&findings, Reason::UntrustedIssuer, Severity::Critical);
    is_not(&findings, Reason::ServedDiffers);
}

#[test]
fn what_pods_mount_is_held_against_the_names_of_their_services() {
    let service = |name: &str, selector: &[(&str, &str)]| Service {
        meta: meta("a", name),
        selector: selector.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
    };
    let labelled = || {
        let mut pod = pod(How::Volume, 0);
        pod.meta.more = crate::object::More {
            labels: [("app".into(), "web".into())].into(),
            ..Default::default()
        }
        .boxed();
        pod
    };
    let of = |names: &[&str], services: &[Service]| {
        found(|i| {
            i.store(good("a", "tls", names));
            i.apply(Change::Set(Object::Consumer(labelled())));
            for service in services {
                i.apply(Change::Set(Object::Service(service.clone())));
            }
        })
    };
    let web = service("web", &[("app", "web")]);
    is(
        &of(&["old.a.svc"], std::slice::from_ref(&web)),
        Reason::HostMismatch,
        Severity::Warning,
    );
    for (names, services) in [
        (&["web.a.svc"][..], vec![web.clone()]),
        (&["web.a.svc.cluster.local"], vec![web.clone()]),
        (&["*.a.svc"], vec![web.clone()]),
        (&["*.web.a.svc"], vec![web.clone()]),
        // One of several Services that select the Pods is enough.
        (&["web.a.svc"], vec![service("metrics", &[("app", "web")]), web.clone()]),
        // A certificate for clients outside, another Pod's Service, one without a selector, none at all.
        (&["x.example"], vec![web.clone()]),
        (&["old.a.svc"], vec![service("web", &[("app", "other")])]),
        (&["old.a.svc"], vec![service("web", &[])]),
        (&["old.a.svc"], vec![]),
    ] {
        is_not(&of(names, &services), Reason::HostMismatch);
    }
}
