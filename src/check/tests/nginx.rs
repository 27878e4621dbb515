//! ingress-nginx: which certificate a host gets, and which findings there are if it is not the named one.

use super::*;
use crate::{
    check::finding,
    inventory::programs::NamedPrograms,
    object::{
        ingress::IngressTls,
        program::{DefaultSecret, Program, Software},
    },
    x509::CaFault,
};

/// The tests of this family of reasons.
pub(super) const TESTS: &[fn()] = &[
    a_rule_without_host_gets_the_default_certificate,
    a_host_that_only_a_tls_entry_names_gets_the_default_certificate,
    the_first_entry_that_lists_a_host_counts,
    a_ca_crt_that_cannot_be_read_spoils_the_secret,
];

/// An Ingress of class nginx with tls entries (hosts, Secret) and the hosts of rules.
pub(super) fn nginx(inventory: &mut Inventory, tls: &[(&[&str], &str)], rules: &[&str], annotations: &[(&str, &str)]) {
    let mut web = ingress("a", "web", tls);
    web.rules = rules.iter().map(|host| Text::from(*host)).collect();
    for (annotation, value) in annotations {
        web.meta = with_annotation(web.meta, annotation, value);
    }
    add(inventory, web, "nginx");
}

fn severity(findings: &[Finding], reason: Reason) -> Option<Severity> {
    findings.iter().find(|f| f.reason() == reason).map(|f| f.severity)
}

#[test]
fn a_rule_without_host_gets_the_default_certificate() {
    let of = |class: &str, rules: &[&str]| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&[], "tls")]);
            web.rules = rules.iter().map(|host| Text::from(*host)).collect();
            add(i, web, class);
            i.store(good("a", "tls", &["x.example"]));
        })
    };
    is(&of("nginx", &[""]), Reason::RuleWithoutHost, Severity::Critical);
    is_not(&of("nginx", &["x.example"]), Reason::RuleWithoutHost);
    // Traefik serves it to clients that ask for one of its names.
    is(&of("traefik", &[""]), Reason::RuleWithoutHost, Severity::Warning);
    is_not(&of("traefik", &["x.example"]), Reason::RuleWithoutHost);
    is_not(&of("own", &[""]), Reason::RuleWithoutHost);
}

#[test]
fn a_host_that_only_a_tls_entry_names_gets_the_default_certificate() {
    let of = |host: &str, rules: &[&str]| {
        found(|i| {
            nginx(i, &[(&[host], "tls")], rules, &[]);
            i.store(good("a", "tls", &[host]));
        })
    };
    // A rule without a host or with a wildcard handles its requests, and the certificate is not the named one.
    is(&of("x.example", &[""]), Reason::TlsHostWithoutRule, Severity::Critical);
    is(
        &of("x.example", &["*.example"]),
        Reason::TlsHostWithoutRule,
        Severity::Critical,
    );
    is(&of("192.0.2.7", &[""]), Reason::TlsHostWithoutRule, Severity::Critical);
    // Its requests are not handled at all.
    is(
        &of("x.example", &["y.example"]),
        Reason::TlsHostWithoutRule,
        Severity::Warning,
    );
    is_not(&of("x.example", &["X.Example"]), Reason::TlsHostWithoutRule);
}

#[test]
fn the_certificate_of_a_wildcards_server_is_for_the_hosts_below_it() {
    let findings = found(|i| {
        nginx(
            i,
            &[(&["*.example"], "wild"), (&["x.example"], "narrow")],
            &["*.example"],
            &[],
        );
        i.store(own("a", "wild", &["*.example"]));
        i.store(own("a", "narrow", &["x.example"]));
    });
    is(&findings, Reason::TlsHostWithoutRule, Severity::Warning);
    assert_eq!(severity(&findings, Reason::RuleHostWithoutTls), None);
}

#[test]
fn the_first_entry_that_lists_a_host_counts() {
    let of = |tls: &[(&[&str], &str)]| {
        found(|i| {
            nginx(i, tls, &["x.example"], &[]);
            i.store(own("a", "good", &["x.example"]));
            i.store(own("a", "bad", &["y.example"]));
        })
    };
    // An entry that lists the host takes precedence over one that lists none.
    let split = of(&[(&[], "good"), (&["x.example"], "")]);
    is(&split, Reason::SecretNameEmpty, Severity::Critical);
    is(
        &of(&[(&["x.example"], ""), (&["x.example"], "good")]),
        Reason::SecretNameEmpty,
        Severity::Critical,
    );
    is_not(
        &of(&[(&["x.example"], "good"), (&["x.example"], "")]),
        Reason::SecretNameEmpty,
    );
    is(&of(&[(&["x.example"], "")]), Reason::SecretNameEmpty, Severity::Info);
    let bad_first = of(&[(&["x.example"], "bad"), (&["x.example"], "good")]);
    is(&bad_first, Reason::HostMismatch, Severity::Critical);
    let good_first = of(&[(&["x.example"], "good"), (&["x.example"], "bad")]);
    assert_eq!(severity(&good_first, Reason::HostMismatch), None);
    let missing_later = of(&[(&["x.example"], "good"), (&["x.example"], "nowhere")]);
    is(&missing_later, Reason::SecretNotFound, Severity::Warning);
}

#[test]
fn a_host_that_no_entry_lists_gets_any_secret_that_covers_it() {
    let of = |tls: &[(&[&str], &str)]| {
        found(|i| {
            nginx(i, tls, &["x.example"], &[]);
            i.store(own("a", "one", &["y.example"]));
            i.store(own("a", "two", &["*.example"]));
        })
    };
    assert_eq!(
        severity(
            &of(&[(&["y.example"], "one"), (&["z.example"], "two")]),
            Reason::RuleHostWithoutTls
        ),
        None
    );
    is(
        &of(&[(&["y.example"], "one")]),
        Reason::RuleHostWithoutTls,
        Severity::Info,
    );
    // An entry without hosts lists none either.
    let none = of(&[(&[], "one"), (&[], "two")]);
    assert!(none.iter().all(|f| f.severity < Severity::Critical), "{none:?}");
    is(&of(&[(&[], "one")]), Reason::HostMismatch, Severity::Critical);
}

#[test]
fn a_ca_crt_that_cannot_be_read_spoils_the_secret() {
    let of = |class: &str, ca_fault| {
        found(|i| {
            add(i, ingress("a", "web", &[(&["x.example"], "tls")]), class);
            let stored = good("a", "tls", &["x.example"]);
            i.store(Stored { ca_fault, ..stored });
        })
    };
    is(
        &of("nginx", Some(CaFault::NoBlock)),
        Reason::InvalidCaCertificate,
        Severity::Critical,
    );
    is_not(&of("nginx", None), Reason::InvalidCaCertificate);
    is_not(&of("traefik", Some(CaFault::Unreadable)), Reason::InvalidCaCertificate);
}

#[test]
fn aliases_and_redirected_hosts_are_hosts() {
    let of = |annotations: &[(&str, &str)], names: &[&str]| {
        found(|i| {
            nginx(i, &[(&["shop.example"], "tls")], &["shop.example"], annotations);
            i.store(good("a", "tls", names));
        })
    };
    let alias = [(annotation::NGINX_ALIAS, "www.shop.example, old.shop.example,~^x.*$")];
    let findings = of(&alias, &["shop.example", "www.shop.example"]);
    assert_eq!(severity(&findings, Reason::UnusedNames), None);
    is(&findings, Reason::HostMismatch, Severity::Critical);
    healthy(&of(&alias, &["shop.example", "www.shop.example", "old.shop.example"]));
    let www = [(annotation::NGINX_WWW, "true")];
    healthy(&of(&www, &["shop.example", "www.shop.example"]));
    is(&of(&www, &["shop.example"]), Reason::HostMismatch, Severity::Warning);
    is(
        &of(&[], &["shop.example", "www.shop.example"]),
        Reason::UnusedNames,
        Severity::Info,
    );
}

#[test]
fn an_alias_that_is_a_host_of_its_own_gets_its_own_certificate() {
    let findings = found(|i| {
        nginx(
            i,
            &[(&["shop.example"], "tls")],
            &["shop.example"],
            &[(annotation::NGINX_ALIAS, "b.example")],
        );
        i.store(own("a", "tls", &["shop.example"]));
        let other = ingress("b", "other", &[(&["b.example"], "b")]);
        add(i, other, "nginx");
        i.store(own("b", "b", &["b.example"]));
    });
    assert_eq!(
        severity(&findings, Reason::HostMismatch),
        Some(Severity::Warning),
        "the alias has no effect"
    );
}

pub(super) fn program(software: Software, default: Option<Key>) -> Program {
    Program {
        software,
        controller_name: crate::object::program::INGRESS_NGINX.into(),
        default_certificate: default.map_or(DefaultSecret::NotNamed, DefaultSecret::Named),
        may_pass_through: software == Software::Traefik,
    }
}

#[test]
fn the_default_certificate_is_judged_where_it_is_served() {
    let of = |default: Option<&str>, names: &[&str]| {
        found(|i| {
            let default = default.map(|name| key("edge", name));
            i.set_programs(vec![program(Software::IngressNginx, default)]);
            nginx(i, &[(&["x.example"], "nowhere")], &["x.example"], &[]);
            i.store(own("edge", "wild", names));
        })
    };
    is(&of(None, &["*.example"]), Reason::SecretNotFound, Severity::Critical);
    let covered = of(Some("wild"), &["*.example"]);
    is(&covered, Reason::SecretNotFound, Severity::Warning);
    assert!(covered.iter().all(|f| f.severity < Severity::Critical), "{covered:?}");
    let other = of(Some("wild"), &["*.other.example"]);
    is(&other, Reason::SecretNotFound, Severity::Critical);
    is(&other, Reason::HostMismatch, Severity::Critical);
    is(
        &of(Some("gone"), &["*.example"]),
        Reason::SecretNotFound,
        Severity::Critical,
    );
}

#[test]
fn hosts_without_a_secret_are_critical_where_the_controllers_pods_name_no_default_certificate() {
    let of = |programs: Vec<Program>| {
        found(|i| {
            i.set_programs(programs);
            nginx(
                i,
                &[(&["x.example"], ""), (&["y.example"], "tls")],
                &["x.example", "y.example", "z.example"],
                &[],
            );
            i.store(good("a", "tls", &["y.example"]));
        })
    };
    let known = of(vec![program(Software::IngressNginx, None)]);
    is(&known, Reason::SecretNameEmpty, Severity::Critical);
    is(&known, Reason::RuleHostWithoutTls, Severity::Critical);
    let unknown = of(Vec::new());
    is(&unknown, Reason::SecretNameEmpty, Severity::Info);
    is(&unknown, Reason::RuleHostWithoutTls, Severity::Info);
}

#[test]
fn traefik_behind_the_name_of_ingress_nginx_has_its_own_rules() {
    let of = |set_up: &dyn Fn(&mut Inventory)| {
        found(|i| {
            set_up(i);
            nginx(i, &[(&["x.example"], "tls")], &[""], &[]);
            i.store(good("a", "tls", &["x.example"]));
        })
    };
    let assumed = of(&|_| {});
    is(&assumed, Reason::TlsHostWithoutRule, Severity::Critical);
    let said = assumed.iter().find_map(|f| match &f.fact {
        Fact::TlsHostWithoutRule(finding::TlsHostWithoutRule { assumed, .. }) => *assumed,
        _ => None,
    });
    assert_eq!(said, Some(crate::inventory::Controller::IngressNginx));
    is_not(
        &of(&|i| i.set_programs(vec![program(Software::Traefik, None)])),
        Reason::TlsHostWithoutRule,
    );
    let told = |controller| {
        move |i: &mut Inventory| {
            let told = NamedPrograms {
                controller: Some(controller),
                default_certificate: None,
            };
            i.tell_controllers([("k8s.io/ingress-nginx".into(), told)].into());
        }
    };
    is_not(
        &of(&told(crate::inventory::Controller::Traefik)),
        Reason::TlsHostWithoutRule,
    );
    // The settings take precedence over the Pods.
    let both = of(&|i| {
        i.set_programs(vec![program(Software::Traefik, None)]);
        told(crate::inventory::Controller::IngressNginx)(i);
    });
    is(&both, Reason::TlsHostWithoutRule, Severity::Critical);
}

#[test]
fn of_two_of_one_second_the_later_by_name_decides() {
    let winner = |created: [i64; 2]| {
        let findings = found(|i| {
            for (name, created) in ["one", "two"].into_iter().zip(created) {
                let mut ingress = ingress("a", name, &[(&["x.example"], name)]);
                ingress.meta.created = Some(created);
                add(i, ingress, "nginx");
                i.store(own("a", name, &["x.example"]));
            }
        });
        findings.into_iter().find_map(|f| match f.fact {
            Fact::DuplicateHost(finding::DuplicateHost { winner, .. }) => winner.map(|w| w.key.name),
            _ => None,
        })
    };
    assert_eq!(winner([NOW, NOW]).as_deref(), Some("two"));
    assert_eq!(winner([NOW - DAY, NOW]).as_deref(), Some("one"));
}

#[test]
fn other_controllers_take_names_with_a_namespace_or_issue_themselves() {
    let of = |class_name: &str, controller: &str, secret: &str, annotations: &[(&str, &str)]| {
        found(|i| {
            i.apply(Change::Set(Object::IngressClass(class(class_name, controller))));
            let mut web = ingress("a", "web", &[(&["x.example"], secret)]);
            for (annotation, value) in annotations {
                web.meta = with_annotation(web.meta, annotation, value);
            }
            add(i, web, class_name);
            i.store(good("certs", "tls", &["x.example"]));
        })
    };
    let contour = "projectcontour.io/ingress-controller";
    healthy(&of(
        "contour",
        contour,
        "tls",
        &[(annotation::CONTOUR_NAMESPACE, "certs")],
    ));
    is(
        &of("contour", contour, "tls", &[]),
        Reason::SecretNotFound,
        Severity::Critical,
    );
    let haproxy = "haproxy-ingress.github.io/controller";
    for name in ["certs/tls", "secret://certs/tls"] {
        healthy(&of("haproxy", haproxy, name, &[]));
    }
    elsewhere(&only_routes(of("haproxy", haproxy, "file:///etc/tls.pem", &[])));
    is(
        &of("haproxy", haproxy, "tls", &[]),
        Reason::SecretNotFound,
        Severity::Critical,
    );
    let agic = [(annotation::AGIC_CERTIFICATE, "installed")];
    elsewhere(&only_routes(of("agic", "azure/application-gateway", "", &agic)));
    elsewhere(&only_routes(of("ts", "tailscale.com/ts-ingress", "", &[])));
}

/// Without the finding about the Secret that no route uses here.
fn only_routes(findings: Vec<Finding>) -> Vec<Finding> {
    findings
        .into_iter()
        .filter(|f| f.reason() != Reason::OrphanSecret)
        .collect()
}

#[test]
fn an_entry_without_hosts_and_one_with_a_name_of_many_are_derived_alike_for_many() {
    let names: Vec<String> = (0..5_000).map(|n| format!("h{n}.shop.example")).collect();
    let findings = found(|i| {
        let mut web = ingress("a", "web", &[]);
        web.rules = names.iter().map(Text::from).collect();
        web.tls = [IngressTls {
            hosts: web.rules.clone(),
            secret: Some("tls".into()),
        }]
        .into_iter()
        .collect();
        add(i, web, "nginx");
        i.store(good("a", "tls", &["*.shop.example"]));
    });
    healthy(&findings);
}
