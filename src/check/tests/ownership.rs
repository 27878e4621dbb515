use super::*;
use crate::{
    check::{finding, select::IgnoreOf},
    policy::{NamesPolicy, NamesRule, Pattern},
};

/// The tests of this family of reasons.
pub(super) const TESTS: &[fn()] = &[
    certmanagers_objects,
    a_renewal_that_fails_is_told_while_the_certificate_is_ready,
    certmanagers_own_date_says_when_a_renewal_is_due,
    a_temporary_certificate_is_called_that,
    conflicting_owners,
    names_that_the_policy_does_not_permit_a_namespace,
    names_that_another_namespace_has,
];

/// A Certificate with its issuer, request, order and challenge.
fn issuance(certificate_ready: &str, issuer_ready: &str, order: &str, challenge: &str, age: i64) -> Vec<Finding> {
    found(|i| {
        web(i);
        i.store(good("a", "tls", &["x.example"]));
        let set = |i: &mut Inventory, object| i.apply(Change::Set(object));
        let conditions = ready(certificate_ready, "because");
        set(
            i,
            Object::Certificate(Certificate {
                conditions,
                ..certificate("c", "tls")
            }),
        );
        let conditions = ready(issuer_ready, "no account");
        set(
            i,
            Object::Issuer(Issuer {
                meta: meta("a", "le"),
                conditions,
                ..Issuer::default()
            }),
        );
        let request = with_owners(meta("a", "c-1"), owner("Certificate", "c"));
        set(
            i,
            Object::CertificateRequest(CertificateRequest {
                meta: request,
                ..CertificateRequest::default()
            }),
        );
        let created = Some(NOW - age);
        let meta_of_order = Meta {
            created,
            ..with_owners(meta("a", "o"), owner("CertificateRequest", "c-1"))
        };
        set(
            i,
            Object::Order(Order {
                meta: meta_of_order,
                state: order.into(),
                ..Order::default()
            }),
        );
        let meta_of_challenge = Meta {
            created,
            ..with_owners(meta("a", "ch"), owner("Order", "o"))
        };
        set(
            i,
            Object::Challenge(Challenge {
                meta: meta_of_challenge,
                state: challenge.into(),
                ..Challenge::default()
            }),
        );
    })
}

#[test]
fn certmanagers_objects() {
    let ready = issuance("True", "True", "valid", "valid", 60);
    healthy(&ready);
    is_not(&ready, Reason::CertificateNotReady);
    // An issuer that is ready is not the reason why its Certificate is not.
    is_not(
        &issuance("False", "True", "pending", "pending", 60),
        Reason::IssuerNotReady,
    );
    is(
        &issuance("False", "True", "pending", "pending", 60),
        Reason::CertificateNotReady,
        Severity::Warning,
    );
    is(
        &issuance("False", "False", "pending", "pending", 60),
        Reason::IssuerNotReady,
        Severity::Warning,
    );
    is(
        &issuance("False", "True", "invalid", "invalid", 60),
        Reason::OrderFailed,
        Severity::Warning,
    );
    is_not(&issuance("True", "True", "invalid", "invalid", 60), Reason::OrderFailed);
    is(
        &issuance("False", "True", "pending", "pending", 3600),
        Reason::ChallengeStuck,
        Severity::Warning,
    );
    is_not(
        &issuance("False", "True", "pending", "pending", 60),
        Reason::ChallengeStuck,
    );
    let lost = found(|i| {
        web(i);
        i.store(good("a", "tls", &["x.example"]));
        i.apply(Change::Set(Object::Certificate(certificate("c", "tls"))));
    });
    is(&lost, Reason::IssuerNotReady, Severity::Warning);
}

#[test]
fn conflicting_owners() {
    let of = |names: &[&str], annotated: bool, made_by_shim: bool| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
            if annotated {
                web.meta = with_annotation(web.meta, annotation::CLUSTER_ISSUER, "le");
            }
            add(i, web, "nginx");
            i.store(good("a", "tls", &["x.example"]));
            i.apply(Change::Set(Object::Issuer(Issuer {
                meta: meta("a", "le"),
                ..Issuer::default()
            })));
            for name in names {
                let mut certificate = certificate(name, "tls");
                if made_by_shim {
                    certificate.meta = with_owners(certificate.meta, owner("Ingress", "web"));
                }
                i.apply(Change::Set(Object::Certificate(certificate)));
            }
        })
    };
    is(
        &of(&["one", "two"], false, false),
        Reason::ConflictingOwners,
        Severity::Warning,
    );
    is(&of(&["one"], true, false), Reason::ConflictingOwners, Severity::Warning);
    is_not(&of(&["tls"], true, true), Reason::ConflictingOwners);
    is_not(&of(&["one"], false, false), Reason::ConflictingOwners);
    is_not(&of(&[], true, false), Reason::ConflictingOwners);
}

/// A rule that permits namespaces their names.
fn permits(namespaces: &[&str], names: &[&str]) -> NamesRule {
    let patterns = |all: &[&str]| -> Vec<Pattern> { all.iter().map(|text| text.parse().unwrap()).collect() };
    NamesRule {
        title: "rule 1".to_owned(),
        namespaces: patterns(namespaces),
        names: patterns(names),
        ..NamesRule::default()
    }
}

/// The findings about `x.example` of namespace `a`, which an older route of `b` may have too.
fn named(rules: Option<Vec<NamesRule>>, beside: bool) -> Vec<Finding> {
    found(|i| {
        let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
        web.meta.created = Some(NOW);
        add(i, web, "nginx");
        if beside {
            let mut old = ingress("b", "old", &[(&["x.example"], "tls")]);
            old.meta.created = Some(NOW - DAY);
            add(i, old, "nginx");
        }
        i.set_policy(rules.map(|rules| NamesPolicy { rules }.into()));
    })
}

#[test]
fn names_that_the_policy_does_not_permit_a_namespace() {
    let mine = || permits(&["a"], &["*.example"]);
    is(
        &named(Some(vec![permits(&["b"], &["*.example"])]), false),
        Reason::NameNotPermitted,
        Severity::Warning,
    );
    is(
        &named(Some(Vec::new()), false),
        Reason::NameNotPermitted,
        Severity::Warning,
    );
    is_not(&named(Some(vec![mine()]), false), Reason::NameNotPermitted);
    is_not(&named(None, false), Reason::NameNotPermitted);
    // Who asks for a name cannot excuse that it is not his.
    let select = Select::default();
    let mut inventory = cluster();
    let mut web = ingress("a", "web", &[(&["x.example"], "tls")]);
    web.meta = with_annotation(web.meta, annotation::IGNORE, "NameNotPermitted, SecretNotFound");
    add(&mut inventory, web, "nginx");
    inventory.set_policy(Some(NamesPolicy::default().into()));
    inventory.derive();
    let id = inventory.bindings_of_host("x.example")[0];
    let verdict = binding(&inventory, id, RULES).unwrap();
    let route = inventory.bindings().get(id).unwrap().route.clone();
    let of = IgnoreOf {
        route: Some(&route),
        secrets: &[],
    };
    let sorted = select.sort(&inventory, &of, verdict.findings);
    let told: Vec<Reason> = sorted.told.iter().map(Finding::reason).collect();
    assert_eq!(told, [Reason::NameNotPermitted]);
}

#[test]
fn names_that_another_namespace_has() {
    let both = || permits(&["a", "b"], &["*.example"]);
    is(&named(Some(vec![both()]), true), Reason::NameTaken, Severity::Warning);
    is_not(&named(Some(vec![both()]), false), Reason::NameTaken);
    is_not(&named(None, true), Reason::NameTaken);
    let mut shared = both();
    shared.shared = true;
    is_not(&named(Some(vec![shared]), true), Reason::NameTaken);
    // What the other may not have is not in the way.
    is_not(
        &named(Some(vec![permits(&["a"], &["*.example"])]), true),
        Reason::NameTaken,
    );
}

/// The findings about a Secret that cert-manager writes.
fn of_certificate(stored: Stored, change: impl FnOnce(&mut Certificate)) -> Vec<Finding> {
    found(|i| {
        web(i);
        i.store(stored);
        i.apply(Change::Set(Object::Issuer(Issuer {
            meta: meta("a", "le"),
            ..Issuer::default()
        })));
        let mut certificate = certificate("c", "tls");
        change(&mut certificate);
        i.apply(Change::Set(Object::Certificate(certificate)));
    })
}

fn issuing(status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        kind: "Issuing".into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        since: None,
    }
}

#[test]
fn a_renewal_that_fails_is_told_while_the_certificate_is_ready() {
    let good = || good("a", "tls", &["x.example"]);
    let failed = of_certificate(good(), |c| {
        c.conditions
            .push(issuing("False", "Failed", "order is in errored state"));
        c.failed_attempts = 4;
    });
    is(&failed, Reason::RenewalFailing, Severity::Warning);
    is_not(&failed, Reason::CertificateNotReady);
    let tries_again = of_certificate(good(), |c| {
        c.conditions.push(issuing("True", "Renewing", ""));
        c.failed_attempts = 1;
    });
    is(&tries_again, Reason::RenewalFailing, Severity::Warning);
    let first = of_certificate(good(), |c| c.conditions.push(issuing("True", "Renewing", "")));
    healthy(&first);
    is_not(&first, Reason::RenewalFailing);
    let not_ready = of_certificate(good(), |c| {
        c.conditions = ready("False", "it does not exist");
        c.conditions.push(issuing("False", "Failed", "rate limited"));
    });
    is_not(&not_ready, Reason::RenewalFailing);
    let message = not_ready.iter().find_map(|f| match &f.fact {
        Fact::CertificateNotReady(finding::CertificateNotReady { message, .. }) => Some(&**message),
        _ => None,
    });
    assert_eq!(message, Some("rate limited"), "why it failed says more");
}

#[test]
fn certmanagers_own_date_says_when_a_renewal_is_due() {
    // Old or young by its lifetime: its age does not matter.
    let of = |not_after: i64, renewal: i64| {
        let mut leaf = leaf(&["x.example"]);
        (leaf.not_before, leaf.not_after) = (NOW - 80 * DAY, not_after);
        of_certificate(secret_of(bundle(leaf)), |c| c.renewal_time = Some(renewal))
    };
    is_not(&of(NOW + 10 * DAY, NOW + 5 * DAY), Reason::RenewalDue);
    is_not(&of(NOW + 10 * DAY, NOW - 3600), Reason::RenewalDue);
    is(&of(NOW + 10 * DAY, NOW - 3601), Reason::RenewalDue, Severity::Warning);
    is(
        &of(NOW + 300 * DAY, NOW - 2 * DAY),
        Reason::RenewalDue,
        Severity::Warning,
    );
    is(
        &of(NOW + 10 * DAY, NOW + 10 * DAY - 3600),
        Reason::RenewsTooLate,
        Severity::Warning,
    );
    is_not(&of(NOW + 10 * DAY, NOW + 9 * DAY), Reason::RenewsTooLate);
    // For a lifetime of a day, eight hours are enough.
    let mut short = leaf(&["x.example"]);
    (short.not_before, short.not_after) = (NOW - 3600, NOW + DAY - 3600);
    let planned = short.not_after - 8 * 3600;
    healthy(&of_certificate(secret_of(bundle(short)), |c| {
        c.renewal_time = Some(planned);
    }));
    let asked = Rules {
        expiring_within: Some(30 * DAY),
        ..RULES
    };
    let soon = found_by(asked, |i| {
        web(i);
        i.store(good("a", "tls", &["x.example"]));
        i.apply(Change::Set(Object::Certificate(Certificate {
            renewal_time: Some(NOW + 30 * DAY),
            ..certificate("c", "tls")
        })));
    });
    is_not(&soon, Reason::RenewalDue);
}

#[test]
fn a_temporary_certificate_is_called_that() {
    let of = |issuer: &str, trust: Trust| {
        let mut leaf = leaf(&["x.example"]);
        leaf.issuer = x509::Name::new(issuer, "cert-manager.local", Some("cert-manager.local")).into();
        let mut bundle = bundle(leaf);
        bundle.trust = trust;
        of_secret(secret_of(bundle))
    };
    let untrusted = || Trust::Untrusted {
        issuer: "CN=cert-manager.local".into(),
        root_presented: false,
        namesake: false,
    };
    let temporary = of("CN=cert-manager.local", untrusted());
    is(&temporary, Reason::TemporaryCertificate, Severity::Critical);
    is_not(&temporary, Reason::UntrustedIssuer);
    let other = of("CN=cert-manager.local,O=Example", untrusted());
    is_not(&other, Reason::TemporaryCertificate);
    is(&other, Reason::UntrustedIssuer, Severity::Critical);
}

#[test]
fn a_copied_annotation_names_no_writer_where_all_certificates_are_known() {
    let copied = || {
        let mut stored = secret_of(bundle(leaf(&["x.example"])));
        stored.meta = with_annotation(stored.meta, annotation::CERTIFICATE_NAME, "wildcard");
        stored
    };
    let (key, mut known, mut unknown) = (key("a", "tls"), cluster(), Inventory::new("test", false));
    known.store(copied());
    unknown.store(copied());
    assert_eq!(renewer(&known, &key, None, None), Renewer::Unknown);
    assert_eq!(crate::check::owner(&known, &key), None);
    assert_eq!(
        renewer(&unknown, &key, None, None),
        Renewer::CertManager(&Text::from("wildcard"))
    );
    assert_eq!(crate::check::owner(&unknown, &key).as_deref(), Some("cert-manager"));
}
