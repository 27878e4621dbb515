use super::*;
use crate::x509::Name;

/// The tests of this family of reasons.
pub(super) const TESTS: &[fn()] = &[
    trust_becomes_one_reason_each,
    staging_and_default_certificates,
    what_is_sent_beyond_the_path,
    weak_keys_and_signatures,
    repeated_key,
    usage,
];

pub(super) fn named(full: &str) -> Name {
    Name::new(full, full, None)
}

#[test]
fn trust_becomes_one_reason_each() {
    let missing = Trust::MissingIntermediate {
        issuer: "CN=R10".into(),
        found: IntermediateSource::Nowhere,
    };
    is(&of_trust(missing), Reason::MissingIntermediate, Severity::Critical);
    let untrusted = Trust::Untrusted {
        issuer: "CN=Own".into(),
        root_presented: false,
        namesake: false,
    };
    is(&of_trust(untrusted), Reason::UntrustedIssuer, Severity::Critical);
    is(&of_trust(Trust::SelfSigned), Reason::SelfSigned, Severity::Critical);
    let constraint = Trust::Refused(PathError::Constraint("path length".into()));
    is(&of_trust(constraint), Reason::ConstraintViolated, Severity::Critical);
    is(
        &of_trust(Trust::Refused(PathError::WeakSignature("SHA-1".into()))),
        Reason::WeakSignature,
        Severity::Critical,
    );
    healthy(&of_trust(trusted(2)));
    healthy(&of_trust(Trust::NotJudged));
    // Each of them is reported alone.
    let private = of_trust(Trust::Untrusted {
        issuer: "CN=Own".into(),
        root_presented: true,
        namesake: false,
    });
    is_not(&private, Reason::MissingIntermediate);
    let weak = of_trust(Trust::Refused(PathError::WeakSignature("SHA-1".into())));
    is_not(&weak, Reason::ConstraintViolated);
    // Self-signed, and trusted because it was given.
    let pinned = of_bundle(|b| {
        let leaf = x509::Certificate {
            self_signed: true,
            ..leaf(&["x.example"])
        };
        b.certificates = vec![leaf.into()];
        b.trust = Trust::Trusted {
            root: "x.example".into(),
            public: false,
            path: vec![0].into(),
            by_equality: true,
            bounds: None,
        };
    });
    is_not(&pinned, Reason::SelfSigned);
}

#[test]
fn staging_and_default_certificates() {
    let staged = |issuer: &str| {
        of_bundle(|b| {
            let mut leaf = leaf(&["x.example"]);
            leaf.issuer = Name::new(&format!("CN={issuer},O=Let's Encrypt"), issuer, Some(issuer)).into();
            b.certificates[0] = leaf.into();
            b.trust = Trust::Untrusted {
                issuer: "CN=root".into(),
                root_presented: false,
                namesake: false,
            };
        })
    };
    let staging = staged("(STAGING) Wannabe Watercress R11");
    is(&staging, Reason::StagingIssuer, Severity::Critical);
    is_not(&staging, Reason::UntrustedIssuer);
    is_not(&staged("Watercress R11"), Reason::StagingIssuer);

    let default = |name: &str| {
        of_bundle(|b| {
            let mut leaf = leaf(&["x.example"]);
            leaf.subject = Name::new(&format!("CN={name}"), name, Some(name)).into();
            leaf.self_signed = true;
            b.certificates[0] = leaf.into();
            b.trust = Trust::SelfSigned;
        })
    };
    is(
        &default("TRAEFIK DEFAULT CERT"),
        Reason::ControllerDefaultCertificate,
        Severity::Critical,
    );
    is_not(&default("traefik.example"), Reason::ControllerDefaultCertificate);
}

#[test]
fn what_is_sent_beyond_the_path() {
    let with = |extra: x509::Certificate, trust: Trust| {
        of_bundle(|b| {
            b.certificates.push(extra.into());
            b.trust = trust;
        })
    };
    let root = x509::Certificate {
        subject: named("CN=Test Root,O=Test").into(),
        issuer: named("CN=Test Root,O=Test").into(),
        self_signed: true,
        sha256: digest("root"),
        ..intermediate()
    };
    is(&with(root, trusted(2)), Reason::ExtraRoot, Severity::Info);
    let foreign = x509::Certificate {
        subject: named("CN=Other").into(),
        issuer: named("CN=Other Root").into(),
        sha256: digest("other"),
        ..intermediate()
    };
    is(
        &with(foreign.clone(), trusted(2)),
        Reason::ExtraCertificate,
        Severity::Info,
    );
    is_not(&with(foreign.clone(), trusted(2)), Reason::ExtraRoot);
    is_not(&with(foreign, trusted(3)), Reason::ExtraCertificate);
    let cross = x509::Certificate {
        subject: named("CN=Test Root,O=Test").into(),
        issuer: named("CN=Older Root").into(),
        sha256: digest("cross"),
        ..intermediate()
    };
    is_not(&with(cross, trusted(2)), Reason::ExtraCertificate);
    let order = |path: Vec<u8>| {
        let second = x509::Certificate {
            subject: named("CN=Second").into(),
            sha256: digest("second"),
            ..intermediate()
        };
        with(
            second,
            Trust::Trusted {
                root: "r".into(),
                public: true,
                path: path.into(),
                by_equality: false,
                bounds: None,
            },
        )
    };
    is(&order(vec![0, 2, 1]), Reason::WrongOrder, Severity::Info);
    is_not(&order(vec![0, 1, 2]), Reason::WrongOrder);
}

#[test]
fn weak_keys_and_signatures() {
    for (key, weak) in [
        (KeyAlgorithm::Rsa(1024), true),
        (KeyAlgorithm::Rsa(2048), false),
        (KeyAlgorithm::Ec("p192".into(), 192), true),
        (KeyAlgorithm::Ec("p256".into(), 256), false),
        (KeyAlgorithm::Dsa(2048), true),
        (KeyAlgorithm::Ed25519, false),
    ] {
        let findings = of_leaf(|l| l.key = key.clone());
        if weak {
            is(&findings, Reason::WeakKey, Severity::Critical);
        } else {
            is_not(&findings, Reason::WeakKey);
        }
    }
    let sha1 = of_leaf(|l| {
        l.weak_signature = true;
        l.signature = "sha1WithRSAEncryption";
    });
    is(&sha1, Reason::WeakSignature, Severity::Critical);
    let root = of_bundle(|b| {
        let root = x509::Certificate {
            weak_signature: true,
            self_signed: true,
            ..intermediate()
        };
        b.certificates.push(root.into());
    });
    is_not(&root, Reason::WeakSignature);
}

#[test]
fn repeated_key() {
    let two = |change: &dyn Fn(&mut x509::Certificate)| {
        found(|i| {
            web(i);
            i.store(good("a", "tls", &["x.example"]));
            let mut copy = leaf(&["x.example"]);
            change(&mut copy);
            add(i, ingress("b", "web", &[(&["y.example"], "copy")]), "own");
            i.store(stored("b", "copy", bundle(copy)));
        })
    };
    is(&two(&|_| {}), Reason::RepeatedKey, Severity::Info);
    is(
        &two(&|l| l.sha256 = digest("another")),
        Reason::RepeatedKey,
        Severity::Warning,
    );
    let own_key = two(&|l| {
        l.sha256 = digest("another");
        l.key_sha256 = digest("own");
    });
    is_not(&own_key, Reason::RepeatedKey);
    // Anybody can make a certificate for the key; the key itself is not there.
    let without_key = found(|i| {
        web(i);
        i.store(good("a", "tls", &["x.example"]));
        let mut another = leaf(&["x.example"]);
        another.sha256 = digest("another");
        let mut bundle = bundle(another);
        bundle.key = KeyState::Differs;
        add(i, ingress("b", "web", &[(&["y.example"], "copy")]), "own");
        i.store(stored("b", "copy", bundle));
    });
    is_not(&without_key, Reason::RepeatedKey);
}

#[test]
fn usage() {
    is(&of_leaf(|l| l.is_ca = true), Reason::LeafIsCa, Severity::Warning);
    let no_server = of_leaf(|l| l.usage.server_auth = false);
    is(&no_server, Reason::MissingServerAuth, Severity::Critical);
    is_not(
        &of_leaf(|l| l.usage = x509::certificate::ExtendedKeyUsage::default()),
        Reason::MissingServerAuth,
    );
    is(
        &of_leaf(|l| l.usage.client_auth = true),
        Reason::ClientAuthLost,
        Severity::Info,
    );
    let private = of_bundle(|b| {
        let mut leaf = leaf(&["x.example"]);
        leaf.usage.client_auth = true;
        b.certificates[0] = leaf.into();
        b.trust = Trust::Trusted {
            root: "own".into(),
            public: false,
            path: vec![0, 1].into(),
            by_equality: false,
            bounds: None,
        };
    });
    is_not(&private, Reason::ClientAuthLost);
    is(
        &of_leaf(|l| l.must_staple = true),
        Reason::MustStaple,
        Severity::Warning,
    );
    is_not(&of_leaf(|l| l.must_staple = false), Reason::MustStaple);
    let by_hand = of_bundle(|b| {
        let leaf = x509::Certificate {
            is_ca: true,
            self_signed: true,
            ..leaf(&["x.example"])
        };
        b.certificates = vec![leaf.into()];
        b.trust = Trust::SelfSigned;
    });
    is_not(&by_hand, Reason::LeafIsCa);
}
