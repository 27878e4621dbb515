use super::*;
use crate::object::Seconds;

/// The tests of this family of reasons.
pub(super) const TESTS: &[fn()] = &[
    what_is_stored_cannot_be_read,
    leaf_not_first,
    expired_and_not_yet_valid_at_the_second,
    a_root_is_held_to_its_validity,
    what_some_clients_refuse_is_a_warning,
    renewal_due,
    the_cas_window_goes_before_the_lifetime_and_a_window_in_the_past_means_now,
    the_lifetime_decides_where_the_cas_window_comes_too_late,
    chain_expired_and_chain_expires_first,
    lifetime_too_long,
    host_mismatch_and_common_name_only,
    a_mismatch_is_per_host,
    a_mismatch_is_a_warning_where_another_certificate_is_picked,
    wildcard_too_broad,
    unused_names,
];

#[test]
fn what_is_stored_cannot_be_read() {
    is(
        &of_bundle(|b| b.unreadable.push((1, "not DER".into()))),
        Reason::InvalidCertificate,
        Severity::Critical,
    );
    for (state, reason) in [
        (KeyState::Invalid("not PEM".into()), Reason::InvalidKey),
        (KeyState::Encrypted, Reason::EncryptedKey),
        (KeyState::Differs, Reason::InvalidKeyPair),
        (KeyState::OfPosition(1), Reason::InvalidKeyPair),
    ] {
        is(&of_bundle(|b| b.key = state), reason, Severity::Critical);
    }
    let first = of_bundle(|b| b.key = KeyState::OfPosition(0));
    healthy(&first);
    is_not(&first, Reason::InvalidKeyPair);
    // What is wrong with the key alone is neither of the others.
    let invalid = of_bundle(|b| b.key = KeyState::Invalid("not PEM".into()));
    is_not(&invalid, Reason::InvalidCertificate);
    is_not(&invalid, Reason::EncryptedKey);
    is_not(&of_bundle(|b| b.key = KeyState::Encrypted), Reason::InvalidKey);
}

#[test]
fn leaf_not_first() {
    let swapped = of_bundle(|b| {
        b.certificates.swap(0, 1);
        b.leaf = Some(1);
        b.trust = Trust::Trusted {
            root: "r".into(),
            public: true,
            path: vec![1, 0].into(),
            by_equality: false,
            bounds: None,
        };
    });
    is(&swapped, Reason::LeafNotFirst, Severity::Critical);
    let first_and_then_in_disorder = of_bundle(|b| {
        b.certificates.push(intermediate().into());
        b.trust = Trust::Trusted {
            root: "r".into(),
            public: true,
            path: vec![0, 2, 1].into(),
            by_equality: false,
            bounds: None,
        };
    });
    is_not(&first_and_then_in_disorder, Reason::LeafNotFirst);
}

/// A healthy bundle whose root has this validity, and which some clients refuse.
fn of_root(from: Seconds, to: Seconds, doubt: Option<Doubt>) -> Vec<Finding> {
    of_bundle(|b| {
        if let Trust::Trusted { bounds, .. } = &mut b.trust {
            *bounds = Some(
                Bounds {
                    not_before: from,
                    not_after: to,
                    doubt,
                }
                .into(),
            );
        }
    })
}

#[test]
fn a_root_is_held_to_its_validity() {
    let far = NOW + 9_000 * DAY;
    healthy(&of_root(0, far, None));
    is(&of_root(0, NOW, None), Reason::ChainExpired, Severity::Critical);
    is(&of_root(NOW + 1, far, None), Reason::ChainExpired, Severity::Critical);
    let first = of_root(0, NOW + 1, None);
    is_not(&first, Reason::ChainExpired);
    is(&first, Reason::ChainExpiresFirst, Severity::Warning);
}

#[test]
fn what_some_clients_refuse_is_a_warning() {
    let doubt = |by| {
        Some(Doubt {
            by,
            why: "\"CN=Sub\" has name constraints that name nothing".into(),
        })
    };
    let far = NOW + 9_000 * DAY;
    for by in [Clients::Go, Clients::OpenSsl] {
        is(
            &of_root(0, far, doubt(by)),
            Reason::ConstraintViolated,
            Severity::Warning,
        );
    }
    is_not(&of_root(0, far, None), Reason::ConstraintViolated);
}

#[test]
fn expired_and_not_yet_valid_at_the_second() {
    // Nearly all of the second that notAfter names is over.
    is(&of_leaf(|l| l.not_after = NOW), Reason::Expired, Severity::Critical);
    is_not(&of_leaf(|l| l.not_after = NOW + 1), Reason::Expired);
    is(
        &of_leaf(|l| l.not_before = NOW + 1),
        Reason::NotYetValid,
        Severity::Critical,
    );
    is_not(&of_leaf(|l| l.not_before = NOW), Reason::NotYetValid);
}

#[test]
fn renewal_due() {
    let of = |before: i64, after: i64| {
        of_leaf(|l| {
            l.not_before = NOW - before;
            l.not_after = NOW + after;
        })
    };
    is(&of(61 * DAY, 29 * DAY), Reason::RenewalDue, Severity::Warning);
    is_not(&of(59 * DAY, 31 * DAY), Reason::RenewalDue);
    is(&of(81 * 3600, 79 * 3600), Reason::RenewalDue, Severity::Warning);
    is_not(&of(79 * 3600, 81 * 3600), Reason::RenewalDue);
    let within = |seconds| {
        found_by(
            Rules {
                expiring_within: Some(seconds),
                ..RULES
            },
            |i| {
                web(i);
                i.store(good("a", "tls", &["x.example"]));
            },
        )
    };
    is(&within(61 * DAY), Reason::RenewalDue, Severity::Warning);
    is_not(&within(59 * DAY), Reason::RenewalDue);
}

#[test]
fn the_cas_window_goes_before_the_lifetime_and_a_window_in_the_past_means_now() {
    let with_window = |window: &str| {
        let mut stored = good("a", "tls", &["x.example"]);
        stored.meta = with_annotation(stored.meta, annotation::RENEWAL_WINDOW, window);
        of_secret(stored)
    };
    is(
        &with_window("2026-11-30T00:00:00Z/2026-12-02T00:00:00Z"),
        Reason::RenewalDue,
        Severity::Warning,
    );
    is_not(
        &with_window("2026-12-02T00:00:00Z/2026-12-04T00:00:00Z"),
        Reason::RenewalDue,
    );
    is(
        &with_window("2026-11-20T00:00:00Z/2026-11-22T00:00:00Z"),
        Reason::RenewNow,
        Severity::Warning,
    );
    is_not(
        &with_window("2026-11-30T00:00:00Z/2026-12-02T00:00:00Z"),
        Reason::RenewNow,
    );
    healthy(&with_window("soon"));
}

#[test]
fn the_lifetime_decides_where_the_cas_window_comes_too_late() {
    for window in [
        "2099-01-01T00:00:00Z/2099-01-02T00:00:00Z",
        "2099-01-02T00:00:00Z/2099-01-01T00:00:00Z",
    ] {
        let of = |before: i64, after: i64| {
            let mut leaf = leaf(&["x.example"]);
            (leaf.not_before, leaf.not_after) = (NOW - before, NOW + after);
            let mut stored = secret_of(bundle(leaf));
            stored.meta = with_annotation(stored.meta, annotation::RENEWAL_WINDOW, window);
            of_secret(stored)
        };
        is(&of(61 * DAY, 29 * DAY), Reason::RenewalDue, Severity::Warning);
        is_not(&of(59 * DAY, 31 * DAY), Reason::RenewalDue);
    }
}

#[test]
fn chain_expired_and_chain_expires_first() {
    let of = |after: i64| {
        of_bundle(|b| {
            let mut ca = intermediate();
            ca.not_after = NOW + after;
            b.certificates[1] = ca.into();
        })
    };
    is(&of(-1), Reason::ChainExpired, Severity::Critical);
    let soon = of(30 * DAY);
    is(&soon, Reason::ChainExpiresFirst, Severity::Warning);
    is_not(&soon, Reason::ChainExpired);
    is_not(&of(61 * DAY), Reason::ChainExpiresFirst);
}

#[test]
fn lifetime_too_long() {
    let of = |issued: &str, days: i64, public: bool| {
        let issued = crate::text::parse_time(issued).expect("a date");
        of_bundle(|b| {
            let mut leaf = leaf(&["x.example"]);
            leaf.not_before = issued;
            leaf.not_after = issued + days * DAY - 1;
            b.certificates[0] = leaf.into();
            b.trust = Trust::Trusted {
                root: "r".into(),
                public,
                path: vec![0, 1].into(),
                by_equality: false,
                bounds: None,
            };
        })
    };
    for (issued, allowed) in [
        ("2021-01-01", 398),
        ("2026-03-15", 200),
        ("2026-11-01", 200),
        ("2027-03-15", 100),
        ("2029-03-15", 47),
    ] {
        is(
            &of(issued, allowed + 1, true),
            Reason::LifetimeTooLong,
            Severity::Warning,
        );
        is_not(&of(issued, allowed, true), Reason::LifetimeTooLong);
    }
    is_not(&of("2026-11-01", 825, false), Reason::LifetimeTooLong);
    is_not(&of("2020-08-31", 825, true), Reason::LifetimeTooLong);
}

#[test]
fn host_mismatch_and_common_name_only() {
    is(
        &of_secret(good("a", "tls", &["y.example"])),
        Reason::HostMismatch,
        Severity::Critical,
    );
    for names in [&["x.example"][..], &["*.example"], &["y.example", "x.example"]] {
        is_not(&of_secret(good("a", "tls", names)), Reason::HostMismatch);
    }
    is(
        &of_secret(good("a", "tls", &["*.x.example"])),
        Reason::HostMismatch,
        Severity::Critical,
    );
    let by_name = of_leaf(|l| {
        l.names = Vec::new().into();
        l.has_san = false;
    });
    is(&by_name, Reason::CommonNameOnly, Severity::Critical);
    is_not(&by_name, Reason::HostMismatch);
    // It has names of another host: the common name is not the reason why it does not cover this one.
    is_not(&of_secret(good("a", "tls", &["y.example"])), Reason::CommonNameOnly);
}

#[test]
fn a_mismatch_is_per_host() {
    let findings = found(|i| {
        add(
            i,
            ingress(
                "a",
                "web",
                &[(&["a.example", "b.example", "c.example", "d.example"], "tls")],
            ),
            "nginx",
        );
        i.store(good("a", "tls", &["a.example", "b.example", "c.example"]));
    });
    assert_eq!(findings.len(), 1, "three good bindings and one mismatch: {findings:#?}");
    is(&findings, Reason::HostMismatch, Severity::Critical);
}

#[test]
fn a_mismatch_is_a_warning_where_another_certificate_is_picked() {
    let findings = found(|i| {
        add(i, ingress("a", "web", &[(&["x.example"], "tls")]), "traefik");
        add(i, ingress("b", "wide", &[(&["y.example"], "wild")]), "traefik");
        i.store(good("a", "tls", &["z.example"]));
        i.store(good("b", "wild", &["*.example"]));
    });
    is(&findings, Reason::HostMismatch, Severity::Warning);
}

#[test]
fn wildcard_too_broad() {
    is(
        &of_leaf(|l| l.names = vec![x509::San::Dns("*.co.uk".into())].into()),
        Reason::WildcardTooBroad,
        Severity::Warning,
    );
    is_not(
        &of_leaf(|l| l.names = vec![x509::San::Dns("*.shop.co.uk".into())].into()),
        Reason::WildcardTooBroad,
    );
}

#[test]
fn unused_names() {
    let of = |names: &[&str]| of_secret(good("a", "tls", names));
    is(&of(&["x.example", "old.example"]), Reason::UnusedNames, Severity::Info);
    is_not(&of(&["x.example", "*.example"]), Reason::UnusedNames);
    let every_host = found(|i| {
        add(i, ingress("a", "web", &[(&[], "tls")]), "nginx");
        i.store(good("a", "tls", &["x.example", "old.example"]));
    });
    is_not(&every_host, Reason::UnusedNames);
}
