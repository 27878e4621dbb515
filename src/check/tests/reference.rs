use super::*;
use crate::{
    check::finding,
    object::doing::{Doing, StoredDoings},
};

/// The tests of this family of reasons.
pub(super) const TESTS: &[fn()] = &[
    a_healthy_route_has_no_findings,
    secret_not_found,
    a_missing_secret_that_a_controller_of_ours_works_on_is_not_cert_managers,
    a_secret_that_manifests_lack_is_no_alarm_where_the_cluster_makes_it,
    what_makes_a_secret_in_the_cluster_is_named,
    an_ingress_that_certmanager_takes_nothing_of_is_told_why,
    traefik_stops_at_a_missing_secret,
    secret_name_empty,
    forbidden,
    what_could_not_be_read_is_never_healthy,
    wrong_secret_type,
    missing_data,
    rule_host_without_tls,
    tls_host_without_rule,
    default_backend_only,
    ingress_class_not_found,
    duplicate_host,
    awss_load_balancers_read_no_secret,
    the_oldest_ingress_of_a_host_is_named_as_the_winner_where_that_is_the_rule,
    orphan_secret,
    a_secret_without_route_is_judged_without_its_names_and_chain,
    where_the_oldest_route_of_a_host_brings_nothing_the_others_get_nothing,
    a_canarys_certificate_does_not_count_at_ingress_nginx,
    an_annotation_of_another_controller_means_nothing,
    traefik_takes_the_host_itself_before_a_wildcard_whoever_brought_it,
    a_secret_that_the_server_says_is_not_there_is_missing_even_where_secrets_cannot_be_listed,
];

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
fn a_missing_secret_that_a_controller_of_ours_works_on_is_not_cert_managers() {
    let of = |says: bool| {
        let all = found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
            web.meta = with_annotation(web.meta, annotation::TLS_ACME, "true");
            add(i, web, "nginx");
            if says {
                i.set_doings(vec![StoredDoings {
                    doings: vec![Doing::of(key("a", "tls"))],
                    ..StoredDoings::default()
                }]);
            }
        });
        let facts = all.iter().map(|finding| &finding.fact);
        let mut makers = facts.filter_map(|fact| match fact {
            Fact::SecretNotFound(missing) => Some(missing.maker.is_some()),
            _ => None,
        });
        makers.next()
    };
    assert_eq!((of(false), of(true)), (Some(true), Some(false)));
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
    inventory.derive();
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
    // Of the right type, with more contents than a TLS Secret needs.
    let more = Stored {
        other_keys: vec!["ca.crt".into()],
        ..good("a", "tls", &["x.example"])
    };
    is_not(&of_secret(more), Reason::WrongSecretType);
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
    // It exists, but cannot be read: that is another finding.
    is_not(
        &of_bundle(|b| b.key = KeyState::Invalid("not PEM".into())),
        Reason::MissingData,
    );
}

#[test]
fn rule_host_without_tls() {
    let rules = |annotations: &[(&str, &str)], names: &[&str]| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
            web.rules = web.rules.into_iter().chain(["y.example".into()]).collect();
            for (annotation, value) in annotations {
                web.meta = with_annotation(web.meta, annotation, value);
            }
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
    is(
        &rules(&[(annotation::GKE_MANAGED, "web")], &["x.example"]),
        Reason::RuleHostWithoutTls,
        Severity::Info,
    );
}

#[test]
fn tls_host_without_rule() {
    let ruled = |rule: &str| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
            web.rules = vec![rule.into()].into();
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
            web.rules = Vec::new().into();
            web.default_backend = true;
            add(i, web, class);
            i.store(good("a", "tls", &["x.example"]));
        })
    };
    is(&without_rules("nginx"), Reason::DefaultBackendOnly, Severity::Critical);
    is(&without_rules("own"), Reason::DefaultBackendOnly, Severity::Warning);
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
        web.meta = with_annotation(web.meta, annotation::INGRESS_CLASS, "whatever");
        i.apply(Change::Set(Object::Ingress(web)));
        i.store(good("a", "tls", &["x.example"]));
    });
    is_not(&annotated, Reason::IngressClassNotFound);
}

#[test]
fn duplicate_host() {
    let two = |class: &str, other_class: &str, secret: &str, canary: bool| {
        found(|i| {
            add(i, ingress("a", "one", &[(&["x.example"], "tls")]), class);
            let mut other = ingress("a", "two", &[(&["x.example"], secret)]);
            if canary {
                other.meta = with_annotation(other.meta, annotation::NGINX_CANARY, "true");
            }
            add(i, other, other_class);
            i.store(good("a", "tls", &["x.example"]));
            i.store(own("a", "tls2", &["x.example"]));
            i.store(good("a", "copy", &["x.example"]));
        })
    };
    is_not(&two("nginx", "nginx", "copy", false), Reason::DuplicateHost);
    is(
        &two("nginx", "nginx", "tls2", false),
        Reason::DuplicateHost,
        Severity::Warning,
    );
    is_not(&two("nginx", "nginx", "tls", false), Reason::DuplicateHost);
    is_not(&two("nginx", "f5", "tls2", false), Reason::DuplicateHost);
    is_not(&two("nginx", "nginx", "tls2", true), Reason::DuplicateHost);
    // Each Ingress of a cloud provider's class has its own address, so the host is served at both.
    is_not(&two("gce", "gce", "tls2", false), Reason::DuplicateHost);
    is_not(&two("alb", "alb", "tls2", false), Reason::DuplicateHost);
    is(
        &two("own", "own", "tls2", false),
        Reason::DuplicateHost,
        Severity::Warning,
    );
}

#[test]
fn awss_load_balancers_read_no_secret() {
    let missing = |class: &str| found(|i| add(i, ingress("a", "web", &[(&["x.example"], "nowhere")]), class));
    elsewhere(&missing("alb"));
    is(&missing("gce"), Reason::SecretNotFound, Severity::Critical);
}

#[test]
fn the_oldest_ingress_of_a_host_is_named_as_the_winner_where_that_is_the_rule() {
    for (class, winner) in [("nginx", Some("old")), ("f5", Some("old")), ("own", None)] {
        let findings = found(|i| {
            for (name, created, tls) in [("new", NOW, "t1"), ("old", NOW - DAY, "t2")] {
                let mut ingress = ingress("a", name, &[(&["x.example"], tls)]);
                ingress.meta.created = Some(created);
                add(i, ingress, class);
                i.store(own("a", tls, &["x.example"]));
            }
        });
        for finding in findings.iter().filter(|f| f.reason() == Reason::DuplicateHost) {
            let Fact::DuplicateHost(finding::DuplicateHost { winner: named, .. }) = &finding.fact else {
                unreachable!()
            };
            assert_eq!(named.as_ref().map(|w| w.key.name.as_str()), winner, "{class}");
        }
        is(&findings, Reason::DuplicateHost, Severity::Warning);
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
    // The last of very many for one host.
    let before: Vec<String> = (0..300).map(|n| format!("s{n}")).collect();
    let entries = before.iter().map(String::as_str).chain(["tls"]);
    let entries: Vec<(&[&str], &str)> = entries.map(|secret| (&["x.example"][..], secret)).collect();
    is_not(
        &alone(&|i| add(i, ingress("a", "web", &entries), "traefik")),
        Reason::OrphanSecret,
    );
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
fn where_the_oldest_route_of_a_host_brings_nothing_the_others_get_nothing() {
    let two = |class: &str, old_secret: &str| {
        let mut inventory = cluster();
        for (name, created, tls) in [("new", NOW, "tls"), ("old", NOW - DAY, old_secret)] {
            let mut ingress = ingress("a", name, &[(&["x.example"], tls)]);
            ingress.meta.created = Some(created);
            add(&mut inventory, ingress, class);
        }
        inventory.store(own("a", "tls", &["x.example"]));
        inventory.store(own("a", "old", &["x.example"]));
        inventory.derive();
        let of_new = |b: &crate::inventory::Binding| b.route.key.name == "new";
        let id = inventory
            .bindings()
            .iter()
            .find(|(_, b)| of_new(b))
            .map(|(id, _)| id)
            .expect("a binding");
        binding(&inventory, id, RULES).expect("a verdict")
    };
    let lost = two("nginx", "gone");
    is(&lost.findings, Reason::DuplicateHost, Severity::Critical);
    assert_eq!(lost.served, None);
    let other = two("nginx", "old");
    is(&other.findings, Reason::DuplicateHost, Severity::Warning);
    assert_eq!(other.served, Some(key("a", "old")));
    assert_eq!(
        two("own", "gone").served,
        Some(key("a", "tls")),
        "another controller has no such rule"
    );
}

#[test]
fn a_canarys_certificate_does_not_count_at_ingress_nginx() {
    let canary = |class| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "gone")]);
            web.meta = with_annotation(web.meta, annotation::NGINX_CANARY, "true");
            add(i, web, class);
        })
    };
    healthy(&canary("nginx"));
    is(&canary("own"), Reason::SecretNotFound, Severity::Critical);
}

#[test]
fn an_annotation_of_another_controller_means_nothing() {
    for (annotation, secret) in [
        (annotation::ALB_CERTIFICATE, "gone"),
        (annotation::TRAEFIK_RESOLVER, ""),
        (annotation::GCP_PRE_SHARED, "gone"),
    ] {
        let of = |class: &str, secret: &str| {
            found(|i| {
                let mut web = ingress("a", "web", &[(&["x.example"], secret)]);
                web.meta = with_annotation(web.meta, annotation, "left over");
                add(i, web, class);
            })
        };
        is(&of("nginx", "gone"), Reason::SecretNotFound, Severity::Critical);
        elsewhere(&of("own", secret));
    }
}

#[test]
fn traefik_takes_the_host_itself_before_a_wildcard_whoever_brought_it() {
    let two = |class| {
        found(|i| {
            add(i, ingress("a", "one", &[(&["x.example"], "wild")]), class);
            add(i, ingress("b", "two", &[(&["y.example"], "old")]), class);
            i.store(good("a", "wild", &["*.example"]));
            let expired = x509::Certificate {
                not_after: NOW - 1,
                ..leaf(&["y.example", "x.example"])
            };
            i.store(stored("b", "old", bundle(expired)));
        })
    };
    let count = |findings: Vec<Finding>| findings.iter().filter(|f| f.reason() == Reason::Expired).count();
    assert_eq!(count(two("traefik")), 2, "x.example is served with the expired one");
    assert_eq!(count(two("nginx")), 1);
}

#[test]
fn a_secret_that_the_server_says_is_not_there_is_missing_even_where_secrets_cannot_be_listed() {
    let findings = found(|i| {
        web(i);
        let kind = Kind::Secret;
        i.apply(Change::Forbidden(crate::object::Forbidden {
            kind,
            namespace: None,
            name: None,
            verb: "list",
        }));
        i.apply(Change::Gone(kind, key("a", "tls")));
    });
    is(&findings, Reason::SecretNotFound, Severity::Critical);
    is_not(&findings, Reason::Forbidden);
}

/// The finding about the Secret that the manifests lack: its severity, and what creates the Secret.
fn lacking(set_up: impl FnOnce(&mut Inventory)) -> (Severity, Option<Maker>) {
    let mut inventory = Inventory::new("", true);
    inventory.apply(Change::Listed(Kind::Secret));
    web(&mut inventory);
    // A TLS Secret among the manifests: they are meant to contain TLS Secrets.
    inventory.store(good("b", "other", &["y.example"]));
    set_up(&mut inventory);
    let findings = judge_all(&mut inventory, RULES);
    let missing = findings.into_iter().find_map(|f| match f.fact {
        Fact::SecretNotFound(finding::SecretNotFound { maker, .. }) => Some((f.severity, maker.map(|maker| *maker))),
        _ => None,
    });
    missing.expect("it is missing")
}

#[test]
fn what_makes_a_secret_in_the_cluster_is_named() {
    let made = |namespace: Option<&str>, name: &str| {
        let made = crate::object::Made {
            kind: "SealedSecret".into(),
            by: key("a", "sealed"),
            secrets: vec![crate::object::MadeSecret {
                namespace: namespace.map(Into::into),
                name: name.into(),
            }],
        };
        lacking(|i| i.apply(Change::Made(made)))
    };
    for namespace in [Some("a"), None] {
        let (severity, maker) = made(namespace, "tls");
        assert_eq!(severity, Severity::Info);
        assert!(matches!(maker, Some(Maker::Object(by)) if by.kind == "SealedSecret" && by.name == "sealed"));
    }
    assert_eq!(made(Some("b"), "tls"), (Severity::Critical, None), "another namespace");
    assert_eq!(made(Some("a"), "other"), (Severity::Critical, None), "another name");
    let (severity, maker) = lacking(|i| {
        let mut copied = good("c", "tls", &["x.example"]);
        copied.meta = with_annotation(copied.meta, annotation::REFLECTOR_COPIES, "true");
        i.store(copied);
    });
    assert_eq!(severity, Severity::Info);
    assert!(matches!(maker, Some(Maker::Object(by)) if by.kind == "Reflector"));
    assert_eq!(
        lacking(|i| i.secrets_assumed = true),
        (Severity::Info, Some(Maker::Assumed))
    );
    // The password of a database says nothing about TLS Secrets.
    let mut inventory = Inventory::new("", true);
    inventory.apply(Change::Listed(Kind::Secret));
    web(&mut inventory);
    let mut password = good("a", "database", &[]);
    password.secret_type = "Opaque".into();
    password.certificate = Presence::Absent;
    inventory.store(password);
    is(
        &judge_all(&mut inventory, RULES),
        Reason::SecretNotFound,
        Severity::Info,
    );
}

#[test]
fn an_ingress_that_certmanager_takes_nothing_of_is_told_why() {
    let of = |tls: &[(&[&str], &str)], issuers: &[&str]| {
        let findings = found(|i| {
            let mut web = ingress("a", "web", tls);
            for issuer in issuers {
                web.meta = with_annotation(web.meta, issuer, "le");
            }
            add(i, web, "nginx");
        });
        findings.into_iter().find_map(|f| match f.fact {
            Fact::SecretNotFound(finding::SecretNotFound { maker, .. }) => maker.map(|maker| *maker),
            _ => None,
        })
    };
    let asked = [annotation::ISSUER];
    assert_eq!(of(&[(&["x.example"], "tls")], &asked), Some(Maker::Annotation));
    let twice: &[(&[&str], &str)] = &[(&["x.example"], "tls"), (&["y.example"], "tls")];
    assert!(matches!(of(twice, &asked), Some(Maker::Refused(_))));
    let two = [annotation::ISSUER, annotation::CLUSTER_ISSUER];
    assert!(matches!(of(&[(&["x.example"], "tls")], &two), Some(Maker::Refused(_))));
    assert_eq!(of(&[(&["x.example"], "tls")], &[]), None);
}
