use super::*;
use crate::object::Kind;

fn key(name: &str) -> Key {
    Key::new("shop", name)
}

fn ingress(name: &str) -> RouteKey {
    RouteKey::new(Kind::Ingress, key(name))
}

/// A Secret that these routes name, with cert-manager's marks.
fn marked(routes: &[&str]) -> SecretFacts {
    SecretFacts {
        names: vec!["shop.example".to_owned()],
        routes: routes.iter().map(|name| ingress(name)).collect(),
        marks: vec!["the annotation cert-manager.io/certificate-name".to_owned()],
        is_cert_managers: true,
        ..SecretFacts::default()
    }
}

fn asking_cert_manager() -> RouteFacts {
    RouteFacts {
        asks_cert_manager: BTreeMap::from([("cert-manager.io/cluster-issuer".to_owned(), "le".to_owned())]),
        ..RouteFacts::default()
    }
}

fn certificate(secret: &str) -> CertificateFacts {
    CertificateFacts {
        secret: Some(key(secret)),
        issuer: "ClusterIssuer le".to_owned(),
        ..CertificateFacts::default()
    }
}

/// One Ingress with one Secret, which cert-manager keeps.
fn shop() -> Facts {
    Facts {
        secrets: BTreeMap::from([(key("web-tls"), marked(&["web"]))]),
        routes: BTreeMap::from([(ingress("web"), asking_cert_manager())]),
        certificates: BTreeMap::from([(key("web-tls"), certificate("web-tls"))]),
        ..Facts::default()
    }
}

fn all(facts: &Facts) -> Vec<Group> {
    groups(facts, &[], false)
}

fn changes_of(facts: &Facts) -> Vec<String> {
    let all = all(facts);
    let changes = all.iter().flat_map(|group| &group.changes);
    changes.map(ToString::to_string).collect()
}

fn decisions_of(facts: &Facts) -> Vec<Decision> {
    let all = all(facts);
    for group in &all {
        assert!(group.decisions.is_empty() || group.changes.is_empty());
    }
    let decisions = all.into_iter().flat_map(|group| group.decisions);
    decisions.map(|(_, decision)| decision).collect()
}

#[test]
fn the_former_keeper_lets_go_before_this_program_takes_it() {
    assert_eq!(
        changes_of(&shop()),
        [
            "take the annotation cert-manager.io/cluster-issuer=le from Ingress shop/web",
            "delete Certificate shop/web-tls (ClusterIssuer le); its Secret stays",
            "take from Secret shop/web-tls: the annotation cert-manager.io/certificate-name",
            "claim Secret shop/web-tls by the annotation kubectl-certs.io/claim",
            "give Ingress shop/web the annotation kubernetes.io/tls-acme=true",
        ]
    );
    assert_eq!(all(&shop())[0].kept_by(), "cert-manager");
}

#[test]
fn what_is_adopted_is_not_adopted_again() {
    let mut facts = shop();
    facts.certificates.clear();
    facts.secrets.insert(
        key("web-tls"),
        SecretFacts {
            marks: Vec::new(),
            is_cert_managers: false,
            is_claimed: true,
            ..marked(&["web"])
        },
    );
    let ours = RouteFacts {
        asks: true,
        ..RouteFacts::default()
    };
    facts.routes.insert(ingress("web"), ours);
    assert_eq!(all(&facts), []);
}

#[test]
fn secrets_that_share_a_route_go_over_together_or_stay() {
    let mut facts = shop();
    facts.secrets.insert(key("api-tls"), marked(&["web"]));
    facts.certificates.insert(key("api-tls"), certificate("api-tls"));
    facts.secrets.insert(key("blog-tls"), marked(&["blog"]));
    facts.routes.insert(ingress("blog"), asking_cert_manager());
    facts.certificates.insert(key("blog-tls"), certificate("blog-tls"));
    let found = all(&facts);
    let secrets: Vec<Vec<Key>> = found.iter().map(|group| group.secrets.clone()).collect();
    assert_eq!(secrets, [vec![key("api-tls"), key("web-tls")], vec![key("blog-tls")]]);
    // The annotation of the route is taken once.
    let unasked = found[0]
        .changes
        .iter()
        .filter(|change| matches!(change, Change::Unask { .. }));
    assert_eq!(unasked.count(), 1);
    // One of them cannot, and so the other stays too.
    let api = facts.secrets.get_mut(&key("api-tls")).unwrap();
    api.against
        .push(Decision::Ordered("it holds no certificate".to_owned()));
    let found = all(&facts);
    assert_eq!(found[0].changes, []);
    let about = About::Secret(key("api-tls"));
    let decision = Decision::Ordered("it holds no certificate".to_owned());
    assert_eq!(found[0].decisions, [(about, decision)]);
    assert!(!found[1].changes.is_empty());
}

#[test]
fn what_a_person_has_to_decide_changes_nothing() {
    type Spoil = fn(&mut Facts);
    let cases: [(Spoil, Decision); 6] = [
        (
            |facts| facts.secrets.get_mut(&key("web-tls")).unwrap().routes.clear(),
            Decision::NoRoute,
        ),
        (
            |facts| {
                facts.certificates.insert(key("other"), certificate("web-tls"));
            },
            Decision::Several(vec![key("other"), key("web-tls")]),
        ),
        (
            |facts| facts.certificates.get_mut(&key("web-tls")).unwrap().is_issuing = true,
            Decision::Issuing(key("web-tls")),
        ),
        (
            |facts| facts.routes.get_mut(&ingress("web")).unwrap().owner = Some("Flux".to_owned()),
            Decision::Rewritten("Ingress shop/web".to_owned(), "Flux".to_owned()),
        ),
        (
            |facts| {
                let issuer = Decision::OtherCa {
                    from: "corp".to_owned(),
                    to: "Let's Encrypt".to_owned(),
                };
                facts.secrets.get_mut(&key("web-tls")).unwrap().against.push(issuer);
            },
            Decision::OtherCa {
                from: "corp".to_owned(),
                to: "Let's Encrypt".to_owned(),
            },
        ),
        (
            |facts| facts.certificates.get_mut(&key("web-tls")).unwrap().owner = Some("Helm".to_owned()),
            Decision::Rewritten("Certificate shop/web-tls".to_owned(), "Helm".to_owned()),
        ),
    ];
    for (spoil, expected) in cases {
        let mut facts = shop();
        spoil(&mut facts);
        assert_eq!(decisions_of(&facts), std::slice::from_ref(&expected));
        let forced = groups(&facts, &[], true);
        assert_eq!(forced[0].changes.is_empty(), !expected.yields_to_force(), "{expected}");
        // It says what to do.
        let next = expected.next(&About::Secret(key("web-tls")), &["shop.example".to_owned()]);
        assert!(!next.is_empty());
    }
}

#[test]
fn a_secret_that_no_route_names_has_the_command_that_keeps_it() {
    let next = Decision::NoRoute.next(&About::Secret(key("web-tls")), &["shop.example".to_owned()]);
    assert!(
        next.contains("kubectl certs install -n shop --cronjob --secret web-tls -d shop.example"),
        "{next}"
    );
}

/// A `CronJob` of certbot that writes these Secrets.
fn clock(secrets: &[&str]) -> ClockFacts {
    ClockFacts {
        former: Former::Certbot,
        secrets: secrets.iter().map(|name| key(name)).collect(),
        proves_by_dns: false,
        is_running: false,
        is_suspended: false,
        owner: None,
    }
}

/// A Secret that certbot's hook has applied, for a route that asks nobody.
fn by_certbot() -> Facts {
    let secret = SecretFacts {
        marks: vec!["the annotation kubectl.kubernetes.io/last-applied-configuration, which holds the pair".to_owned()],
        is_cert_managers: false,
        ..marked(&["web"])
    };
    Facts {
        secrets: BTreeMap::from([(key("web-tls"), secret)]),
        routes: BTreeMap::from([(ingress("web"), RouteFacts::default())]),
        clocks: BTreeMap::from([(key("certbot"), clock(&["web-tls"]))]),
        ..Facts::default()
    }
}

#[test]
fn a_cron_job_is_suspended_before_its_secret_is_claimed() {
    let changes = changes_of(&by_certbot());
    assert_eq!(changes[0], "suspend CronJob shop/certbot");
    assert_eq!(
        changes[2],
        "claim Secret shop/web-tls by the annotation kubectl-certs.io/claim"
    );
    let mut facts = by_certbot();
    facts.clocks.get_mut(&key("certbot")).unwrap().is_running = true;
    assert_eq!(decisions_of(&facts), [Decision::Runs(key("certbot"))]);
    let mut facts = by_certbot();
    facts.clocks.insert(key("other"), clock(&["web-tls"]));
    let both = vec![key("certbot"), key("other")];
    assert_eq!(decisions_of(&facts), [Decision::SeveralClocks(both)]);
    // Nobody knows what it writes.
    let mut facts = by_certbot();
    facts.clocks.insert(key("certbot"), clock(&[]));
    assert_eq!(decisions_of(&facts), [Decision::UnknownSecret]);
}

#[test]
fn only_what_was_asked_for_is_taken_over() {
    assert_eq!(groups(&by_certbot(), &[Former::CertManager], false), []);
    assert_eq!(groups(&shop(), &[Former::KubeLego, Former::Certbot], false), []);
    assert_eq!(groups(&by_certbot(), &[Former::Certbot], false).len(), 1);
    // A CronJob writes what cert-manager keeps too.
    let mut facts = shop();
    facts.clocks.insert(key("certbot"), clock(&["web-tls"]));
    let found = groups(&facts, &[Former::CertManager], false);
    let decisions: Vec<&Decision> = found[0].decisions.iter().map(|(_, decision)| decision).collect();
    assert_eq!(decisions, [&Decision::OtherFormer(Former::Certbot)]);
}

#[test]
fn kube_lego_is_stopped_only_where_all_that_it_follows_goes_over() {
    let secret = SecretFacts {
        marks: Vec::new(),
        is_cert_managers: false,
        ..marked(&["web"])
    };
    let asks = RouteFacts {
        asks: true,
        ..RouteFacts::default()
    };
    let lego = |watches: Option<&str>| LegoFacts {
        key: Key::new("kube-lego", "kube-lego"),
        replicas: 1,
        watches: watches.map(str::to_owned),
        owner: None,
    };
    let mut facts = Facts {
        secrets: BTreeMap::from([(key("web-tls"), secret)]),
        routes: BTreeMap::from([(ingress("web"), asks)]),
        legos: vec![lego(None)],
        ..Facts::default()
    };
    let stopped = [
        "scale Deployment kube-lego/kube-lego from 1 to 0",
        "claim Secret shop/web-tls by the annotation kubectl-certs.io/claim",
    ];
    assert_eq!(changes_of(&facts), stopped);
    facts.namespaces = vec!["shop".to_owned()];
    let elsewhere = Decision::LegoElsewhere(Key::new("kube-lego", "kube-lego"));
    assert_eq!(decisions_of(&facts), [elsewhere]);
    facts.legos = vec![lego(Some("shop"))];
    assert_eq!(changes_of(&facts), stopped);
    // One that watches another namespace has nothing to do with it.
    facts.legos = vec![lego(Some("blog"))];
    assert_eq!(changes_of(&facts), stopped[1..]);
}

#[test]
fn what_is_only_left_of_cert_manager_is_taken_over_too() {
    let mut facts = shop();
    facts.certificates.clear();
    facts.routes.insert(ingress("web"), RouteFacts::default());
    assert_eq!(
        changes_of(&facts),
        [
            "take from Secret shop/web-tls: the annotation cert-manager.io/certificate-name",
            "claim Secret shop/web-tls by the annotation kubectl-certs.io/claim",
            "give Ingress shop/web the annotation kubernetes.io/tls-acme=true",
        ]
    );
}

#[test]
fn a_keeper_is_known_by_its_word() {
    for former in Former::ALL {
        assert_eq!(Former::named(former.as_str()), Some(former));
    }
    assert_eq!(Former::named("certbot2"), None);
}
