use super::*;

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
    route.meta = with_annotation(route.meta, annotation::IGNORE, "UnusedNames, ExtraRoot");
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
