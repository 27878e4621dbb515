use super::*;
use crate::check::finding;

/// The tests of this family of reasons.
pub(super) const TESTS: &[fn()] = &[
    invalid_certificate_ref_and_ref_not_permitted,
    nobody_says_what_grants_that_may_not_be_read_allow,
    traefik_reads_a_listeners_certificates_up_to_one_that_is_missing,
    hostname_conflict,
    no_matching_listener_hostname,
    overlapping_certificates,
    a_host_that_another_parent_of_the_route_takes_is_no_finding,
    rsa_beside_ecdsa_is_judged_for_the_clients_that_get_it,
    of_two_alike_the_first_is_served_and_the_other_is_told_apart,
    of_several_hosts_each_is_judged_with_the_secret_that_covers_it,
    a_route_of_which_some_hosts_match_is_told_of_the_others_alone,
    what_a_cloud_keeps_is_said_to_be_kept_there,
    certmanager_makes_nothing_for_a_listener_without_hostname,
];

pub(super) fn listener(name: &str, hostname: &str, kind: &str, namespace: Option<&str>, secret: &str) -> Listener {
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
fn nobody_says_what_grants_that_may_not_be_read_allow() {
    let of = |forbidden_in: &str| {
        let listeners = vec![listener("l", "x.example", "Secret", Some("b"), "tls")];
        of_listeners(listeners, |i| {
            i.store(good("b", "tls", &["x.example"]));
            i.apply(Change::Forbidden(crate::object::Forbidden {
                kind: Kind::ReferenceGrant,
                namespace: Some(forbidden_in.into()),
                name: None,
                verb: "list",
            }));
        })
    };
    is_not(&of("b"), Reason::RefNotPermitted);
    is(&of("a"), Reason::RefNotPermitted, Severity::Critical);
}

#[test]
fn traefik_reads_a_listeners_certificates_up_to_one_that_is_missing() {
    let of = |names: [&str; 2]| {
        let mut both = listener("l", "x.example", "Secret", None, names[0]);
        both.certificate_refs
            .extend(listener("l", "", "Secret", None, names[1]).certificate_refs);
        of_listeners(vec![both], |i| i.store(good("a", "tls", &["x.example"])))
    };
    is(&of(["tls", "gone"]), Reason::SecretNotFound, Severity::Warning);
    is(&of(["gone", "tls"]), Reason::SecretNotFound, Severity::Critical);
    is_not(&of(["tls", "tls"]), Reason::SecretNotFound);
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
fn a_host_that_another_parent_of_the_route_takes_is_no_finding() {
    let findings = |second: &str| {
        of_listeners(vec![listener("l", "*.example", "Secret", None, "tls")], |i| {
            i.store(good("a", "tls", &["*.example"]));
            let other = Gateway {
                meta: meta("a", "other"),
                class: "edge".into(),
                listeners: vec![listener("l", "*.other", "Secret", None, "tls")],
                ..Gateway::default()
            };
            i.apply(Change::Set(Object::Gateway(other)));
            let parent = |name: &str| ParentRef {
                kind: "Gateway".into(),
                namespace: None,
                name: name.into(),
                section: None,
                port: None,
            };
            i.apply(Change::Set(Object::Route(Route {
                kind: Kind::HttpRoute,
                meta: meta("a", "r"),
                parents: vec![parent("gw"), parent(second)],
                hostnames: vec!["x.example".into(), "x.other".into()],
            })));
        })
    };
    is_not(&findings("other"), Reason::NoMatchingListenerHostname);
    is(&findings("gw"), Reason::NoMatchingListenerHostname, Severity::Warning);
}

/// A Gateway of an implementation other than Traefik, with one listener of several Secrets, and a route for each host.
fn of_secrets(secrets: Vec<Stored>, hosts: &[&str]) -> Vec<(Text, Verdict)> {
    let mut inventory = cluster();
    inventory.apply(Change::Set(Object::GatewayClass(GatewayClass {
        meta: meta("", "envoy"),
        controller: "gateway.envoyproxy.io/gatewayclass-controller".into(),
    })));
    let references = secrets.iter().map(|stored| CertificateRef {
        group: Text::default(),
        kind: "Secret".into(),
        namespace: None,
        name: stored.meta.name.clone(),
    });
    let several = Listener {
        hostname: None,
        certificate_refs: references.collect(),
        ..listener("l", "", "Secret", None, "")
    };
    inventory.apply(Change::Set(Object::Gateway(Gateway {
        meta: meta("a", "gw"),
        class: "envoy".into(),
        listeners: vec![several],
        ..Gateway::default()
    })));
    for host in hosts {
        inventory.apply(Change::Set(Object::Route(Route {
            kind: Kind::HttpRoute,
            meta: meta("a", host),
            parents: vec![ParentRef {
                kind: "Gateway".into(),
                namespace: None,
                name: "gw".into(),
                section: None,
                port: None,
            }],
            hostnames: vec![(*host).into()],
        })));
    }
    for stored in secrets {
        inventory.store(stored);
    }
    inventory.derive();
    let bindings: Vec<_> = inventory
        .bindings()
        .iter()
        .map(|(id, b)| (id, b.host.clone()))
        .collect();
    bindings
        .into_iter()
        .filter_map(|(id, host)| Some((host, binding(&inventory, id, RULES)?)))
        .collect()
}

/// A Secret with its own certificate, changed.
fn changed(name: &str, names: &[&str], change: impl FnOnce(&mut x509::Certificate)) -> Stored {
    let plain = own("a", name, names);
    let mut leaf = plain.leaf().cloned().expect("it has one");
    change(&mut leaf);
    stored("a", name, bundle(leaf))
}

fn rsa(leaf: &mut x509::Certificate) {
    leaf.key = KeyAlgorithm::Rsa(2048);
}

fn expired(leaf: &mut x509::Certificate) {
    leaf.not_after = NOW - DAY;
}

fn about(verdict: &Verdict, reason: Reason) -> Option<(Severity, &str, Recipients)> {
    let finding = verdict.findings.iter().find(|f| f.reason() == reason)?;
    let beside = finding.beside.as_ref()?;
    Some((finding.severity, &beside.secret.name, beside.clients))
}

#[test]
fn rsa_beside_ecdsa_is_judged_for_the_clients_that_get_it() {
    let of = |which: fn(&mut x509::Certificate), other: fn(&mut x509::Certificate)| {
        let old = changed("old", &["x.example"], |leaf| {
            rsa(leaf);
            which(leaf);
        });
        let new = changed("new", &["x.example"], other);
        of_secrets(vec![old, new], &["x.example"]).remove(0).1
    };
    let served = |verdict: &Verdict| verdict.served.as_ref().map(|key| key.name.clone());
    let old_expired = of(expired, |_| {});
    assert_eq!(
        served(&old_expired).as_deref(),
        Some("new"),
        "most clients prefer ECDSA"
    );
    assert_eq!(
        about(&old_expired, Reason::Expired),
        Some((Severity::Warning, "old", Recipients::WithoutEcdsa))
    );
    let new_expired = of(|_| {}, expired);
    is(&new_expired.findings, Reason::Expired, Severity::Critical);
    assert_eq!(
        about(&new_expired, Reason::Expired),
        None,
        "it is the one that the row is about"
    );
    healthy(&of(|_| {}, |_| {}).findings);
}

#[test]
fn of_two_alike_the_first_is_served_and_the_other_is_told_apart() {
    let of = |names: [&str; 2], bad: usize, change: fn(&mut x509::Certificate)| {
        let one = |at: usize| {
            changed(names[at], &["x.example"], |leaf| {
                if at == bad {
                    change(leaf);
                }
            })
        };
        of_secrets(vec![one(0), one(1)], &["x.example"]).remove(0).1
    };
    for names in [["a", "b"], ["b", "a"]] {
        let verdict = of(names, 1, expired);
        let served = verdict.served.as_ref().map(|key| key.name.as_str());
        assert_eq!(
            served,
            Some(names[0]),
            "the order is the listener's, not that of the names"
        );
        assert_eq!(
            about(&verdict, Reason::Expired),
            Some((Severity::Warning, names[1], Recipients::PerhapsAll))
        );
        is(&of(names, 0, expired).findings, Reason::Expired, Severity::Critical);
    }
    // A wildcard is not chosen if another certificate names the host itself, and an unusable one is reported.
    let wide = changed("wide", &["*.example"], expired);
    let exact = own("a", "exact", &["x.example"]);
    let verdict = of_secrets(vec![wide, exact], &["x.example"]).remove(0).1;
    is_not(&verdict.findings, Reason::Expired);
    let mut broken = own("a", "broken", &["x.example"]);
    broken.bundle.key = KeyState::Differs;
    let verdict = of_secrets(vec![broken, own("a", "good", &["x.example"])], &["x.example"])
        .remove(0)
        .1;
    assert_eq!(
        about(&verdict, Reason::InvalidKeyPair),
        Some((Severity::Warning, "broken", Recipients::Nobody))
    );
}

#[test]
fn of_several_hosts_each_is_judged_with_the_secret_that_covers_it() {
    let secrets = || {
        vec![
            own("a", "first", &["x.example"]),
            changed("second", &["y.example"], expired),
        ]
    };
    for (host, verdict) in of_secrets(secrets(), &["x.example", "y.example"]) {
        let name = if host == "x.example" { "first" } else { "second" };
        assert_eq!(
            verdict.served.as_ref().map(|key| key.name.as_str()),
            Some(name),
            "{host}"
        );
        if name == "first" {
            healthy(&verdict.findings);
        } else {
            is(&verdict.findings, Reason::Expired, Severity::Critical);
        }
    }
    // A listener for every host: each certificate is for clients that ask for its names.
    let every = of_secrets(secrets(), &[]).remove(0).1;
    assert_eq!(
        about(&every, Reason::Expired),
        Some((Severity::Warning, "second", Recipients::OfItsNames))
    );
}

#[test]
fn a_route_of_which_some_hosts_match_is_told_of_the_others_alone() {
    let of = |hostnames: &[&str]| {
        let findings = of_listeners(vec![listener("l", "x.example", "Secret", None, "tls")], |i| {
            i.store(good("a", "tls", &["x.example"]));
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
                hostnames: hostnames.iter().map(|h| Text::from(*h)).collect(),
            })));
        });
        let mut told: Vec<(String, bool)> = findings
            .iter()
            .filter_map(|f| match &f.fact {
                Fact::NoMatchingListenerHostname(finding::NoMatchingListenerHostname { hostname, others, .. }) => {
                    Some((hostname.to_string(), *others))
                }
                _ => None,
            })
            .collect();
        told.sort();
        told
    };
    let expected = |hosts: &[&str], others| hosts.iter().map(|h| ((*h).to_owned(), others)).collect::<Vec<_>>();
    assert_eq!(
        of(&["a.other", "*.wild.other", "x.example"]),
        expected(&["*.wild.other", "a.other"], true)
    );
    assert_eq!(of(&["a.other", "b.other"]), expected(&["a.other", "b.other"], false));
    assert!(of(&["x.example"]).is_empty());
}

/// The findings about a Gateway of a controller, with one listener for x.example.
fn of_controller(controller: &str, annotations: &[(&str, &str)], change: impl FnOnce(&mut Listener)) -> Vec<Finding> {
    found(|i| {
        i.apply(Change::Set(Object::GatewayClass(GatewayClass {
            meta: meta("", "cloud"),
            controller: controller.into(),
        })));
        let mut own = listener("l", "x.example", "Secret", None, "tls");
        change(&mut own);
        let annotated = |meta, (key, value): &(&str, &str)| with_annotation(meta, key, value);
        i.apply(Change::Set(Object::Gateway(Gateway {
            meta: annotations.iter().fold(meta("a", "gw"), annotated),
            class: "cloud".into(),
            listeners: vec![own],
            ..Gateway::default()
        })));
    })
}

#[test]
fn what_a_cloud_keeps_is_said_to_be_kept_there() {
    let none = |l: &mut Listener| l.certificate_refs.clear();
    let keepers = |findings: &[Finding]| {
        let by = findings.iter().filter_map(|f| match f.fact {
            Fact::CertificateElsewhere(finding::CertificateElsewhere { by }) => Some(by),
            _ => None,
        });
        by.collect::<Vec<_>>()
    };
    let map = [(annotation::GKE_CERTMAP, "map")];
    let google = of_controller("networking.gke.io/gateway", &map, none);
    assert_eq!(keepers(&google), [Keeper::GoogleCertificateManager]);
    is(&google, Reason::CertificateElsewhere, Severity::Info);
    is_not(&google, Reason::InvalidCertificateRef);
    let shared = of_controller("networking.gke.io/gateway", &[], |l| {
        none(l);
        l.options = vec!["networking.gke.io/pre-shared-certs".into()];
    });
    assert_eq!(keepers(&shared), [Keeper::Google]);
    // The certificateRefs are placeholders there.
    let lattice = of_controller("example.com/lattice", &[], |l| {
        l.options = vec!["application-networking.k8s.aws/certificate-arn".into()];
    });
    assert_eq!(keepers(&lattice), [Keeper::Aws]);
    assert_eq!(keepers(&of_controller("gateway.k8s.aws/alb", &[], none)), [Keeper::Aws]);
    let plain = of_controller("networking.gke.io/gateway", &[], none);
    is(&plain, Reason::InvalidCertificateRef, Severity::Critical);
    is_not(&plain, Reason::CertificateElsewhere);
    // The annotation is Google's, and means nothing to another controller.
    let other = of_controller("istio.io/gateway-controller", &map, |_| {});
    is(&other, Reason::SecretNotFound, Severity::Critical);
}

#[test]
fn certmanager_makes_nothing_for_a_listener_without_hostname() {
    let asked = [(annotation::CLUSTER_ISSUER, "le")];
    let maker = |findings: &[Finding]| {
        findings.iter().find_map(|f| match &f.fact {
            Fact::SecretNotFound(finding::SecretNotFound { maker, .. }) => maker.as_deref().cloned(),
            _ => None,
        })
    };
    let named = of_controller("example.com/own", &asked, |_| {});
    assert_eq!(maker(&named), Some(Maker::Annotation));
    for change in [(|l: &mut Listener| l.hostname = None) as fn(&mut Listener), |l| {
        l.certificate_refs[0].namespace = Some("b".into());
    }] {
        let refused = of_controller("example.com/own", &asked, change);
        let crossing = refused.iter().any(|f| f.reason() == Reason::RefNotPermitted);
        assert!(
            crossing || matches!(maker(&refused), Some(Maker::Refused(_))),
            "{refused:#?}"
        );
    }
    let ignored = [asked[0], (annotation::IGNORED_LISTENERS, "other, l")];
    assert_eq!(maker(&of_controller("example.com/own", &ignored, |_| {})), None);
    let both = [asked[0], (annotation::ISSUER, "ca")];
    assert!(matches!(
        maker(&of_controller("example.com/own", &both, |_| {})),
        Some(Maker::Refused(_))
    ));
    assert_eq!(
        maker(&of_controller(
            "example.com/own",
            &[(annotation::TLS_ACME, "true")],
            |_| {}
        )),
        None,
        "that annotation is for Ingresses"
    );
}

#[test]
fn a_listener_set_behind_many_listeners_finds_the_sibling_for_which_certmanager_makes_the_secret() {
    let findings = found(|i| {
        let gateway = Gateway {
            meta: meta("a", "gw"),
            class: "plain".into(),
            listeners: (0..300)
                .map(|n| listener(&format!("l{n}"), &format!("h{n}.example"), "Secret", None, "own"))
                .collect(),
            ..Gateway::default()
        };
        i.apply(Change::Set(Object::Gateway(gateway)));
        let mut without = listener("any", "", "Secret", None, "tls");
        without.hostname = None;
        i.apply(Change::Set(Object::ListenerSet(crate::object::ListenerSet {
            meta: with_annotation(meta("a", "set"), annotation::ISSUER, "le"),
            experimental: false,
            parent: Some(key("a", "gw")),
            listeners: vec![without, listener("x", "x.example", "Secret", None, "tls")],
        })));
    });
    let makers: Vec<&Maker> = findings
        .iter()
        .filter_map(|f| match &f.fact {
            Fact::SecretNotFound(finding::SecretNotFound { secret, maker, .. }) if secret.name == "tls" => {
                maker.as_deref()
            }
            _ => None,
        })
        .collect();
    assert_eq!(makers, [&Maker::Annotation, &Maker::Annotation]);
}

#[test]
fn secrets_of_others_do_not_hide_the_listener_whose_certificate_overlaps() {
    let mut listeners: Vec<Listener> = (0..30)
        .map(|n| listener(&format!("l{n}"), &format!("h{n}.other"), "Secret", None, "own"))
        .collect();
    listeners.push(listener("narrow", "api.example", "Secret", None, "api"));
    listeners.push(listener("wide", "*.example", "Secret", None, "wild"));
    let findings = of_listeners(listeners, |i| {
        // More than are examined for any one name.
        for n in 0..2500 {
            i.store(own("aaa", &format!("decoy{n}"), &["*.example"]));
        }
        i.store(good("a", "own", &["*.other"]));
        i.store(good("a", "api", &["api.example"]));
        i.store(good("a", "wild", &["*.example"]));
    });
    is(&findings, Reason::OverlappingCertificates, Severity::Info);
}
