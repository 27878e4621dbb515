use super::*;
use crate::x509::{
    Objection, Readers,
    readers::{About, Part},
};

/// The tests of this family of reasons.
pub(super) const TESTS: &[fn()] = &[
    what_the_class_s_server_reads_decides,
    a_block_that_is_passed_over_counts_where_it_is_needed,
    refused_by_clients,
];

fn objection(part: Part, refuse: Readers, skip: Readers, about: About) -> Objection {
    Objection {
        part,
        refuse,
        skip,
        about,
        why: "it is odd".into(),
    }
}

/// The findings about a route of a class whose bundle has these objections.
fn by_class(class: &str, objections: &[Objection]) -> Vec<Finding> {
    found(|i| {
        add(i, ingress("a", "web", &[(&["x.example"], "tls")]), class);
        let mut bundle = bundle(leaf(&["x.example"]));
        bundle.objections = objections.into();
        i.store(secret_of(bundle));
    })
}

#[test]
fn what_the_class_s_server_reads_decides() {
    let first = Part::Block(0, Some(0));
    let of = |part, refuse| [objection(part, refuse, Readers::NONE, About::Form)];
    let (go, openssl) = (Readers::GO, Readers::OPENSSL);
    for (class, refuse, severity) in [
        ("traefik", go, Some(Severity::Critical)),
        ("traefik", openssl, None),
        ("nginx", go, Some(Severity::Critical)),
        ("nginx", openssl, Some(Severity::Critical)),
        ("nginx", Readers::INGRESS_NGINX, Some(Severity::Critical)),
        ("nginx", Readers::BORINGSSL.with(Readers::CONTOUR), None),
        ("f5", Readers::INGRESS_NGINX, None),
        // The program is not known, so all have to refuse.
        ("own", go, Some(Severity::Warning)),
        ("own", Readers::LIBRARIES, Some(Severity::Critical)),
    ] {
        for (part, reason) in [(first, Reason::InvalidCertificate), (Part::Key, Reason::InvalidKey)] {
            let findings = by_class(class, &of(part, refuse));
            match severity {
                Some(severity) => is(&findings, reason, severity),
                None => is_not(&findings, reason),
            }
        }
    }
}

#[test]
fn a_block_that_is_passed_over_counts_where_it_is_needed() {
    let skipped = |place, who| [objection(Part::Block(1, place), Readers::NONE, who, About::Form)];
    // The intermediate, without which clients do not trust the leaf.
    is(
        &by_class("traefik", &skipped(Some(1), Readers::GO)),
        Reason::InvalidCertificate,
        Severity::Critical,
    );
    is_not(
        &by_class("traefik", &skipped(Some(1), Readers::OPENSSL)),
        Reason::InvalidCertificate,
    );
    // A private key among the certificates.
    let key = found(|i| {
        web(i);
        let mut bundle = bundle(leaf(&["x.example"]));
        bundle.unreadable = vec![(2, "a private key".into())];
        bundle.objections = [objection(
            Part::Block(2, None),
            Readers::NONE,
            Readers::LIBRARIES,
            About::Form,
        )]
        .into();
        i.store(secret_of(bundle));
    });
    is(&key, Reason::InvalidCertificate, Severity::Warning);
}

#[test]
fn refused_by_clients() {
    let of = |who, about| [objection(Part::Block(0, Some(0)), who, Readers::NONE, about)];
    let browsers = Readers::BROWSERS;
    is(
        &by_class("nginx", &of(browsers, About::Form)),
        Reason::RefusedByClients,
        Severity::Warning,
    );
    let most = browsers.with(Readers::JAVA).with(Readers::OPENSSL_CLIENT);
    is(
        &by_class("nginx", &of(most, About::Form)),
        Reason::RefusedByClients,
        Severity::Critical,
    );
    is(
        &by_class("nginx", &of(most, About::Usage)),
        Reason::ConstraintViolated,
        Severity::Critical,
    );
    // What the server does not load is reported as that. What another finding says is not repeated.
    for near_miss in [of(most.with(Readers::GO), About::Form), of(most, About::Told)] {
        is_not(&by_class("nginx", &near_miss), Reason::RefusedByClients);
    }
    healthy(&by_class("nginx", &[]));
}
