use super::*;

/// What every reason of the family is held to.
pub(super) const TESTS: &[fn()] = &[
    invalid_certificate_ref_and_ref_not_permitted,
    nobody_says_what_grants_that_may_not_be_read_allow,
    traefik_reads_a_listeners_certificates_up_to_one_that_is_missing,
    hostname_conflict,
    no_matching_listener_hostname,
    overlapping_certificates,
    a_host_that_another_parent_of_the_route_takes_is_no_finding,
];

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
