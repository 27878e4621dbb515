use super::*;

/// What every reason of the family is held to.
pub(super) const TESTS: &[fn()] = &[certmanagers_objects, conflicting_owners];

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
    // An issuer that is ready is not why its Certificate is not.
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
