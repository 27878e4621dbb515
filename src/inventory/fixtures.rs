//! Builders for tests, each of which makes an object in one line.

use std::sync::Arc;

use crate::{
    object::{Ingress, IngressClass, Key, Meta, More, Owner, Seconds, Text, annotation, ingress::IngressTls},
    x509::{
        Bundle, Certificate, Fingerprint, KeyAlgorithm, KeyState, Name, San, Subject, Trust,
        certificate::ExtendedKeyUsage, readers::GoReads,
    },
};

use super::{Presence, Stored};

/// 2026-12-01T00:00:00Z, the moment for which tests judge.
pub const NOW: Seconds = 1_796_083_200;

/// One day in seconds.
pub const DAY: Seconds = 86_400;

/// Metadata with a namespace and a name.
pub fn meta(namespace: &str, name: &str) -> Meta {
    Meta {
        namespace: namespace.into(),
        name: name.into(),
        ..Meta::default()
    }
}

/// The same metadata with one more annotation.
pub fn with_annotation(mut meta: Meta, annotation: &str, value: &str) -> Meta {
    let mut more = meta.more.take().map_or_else(More::default, |more| *more);
    let added = [(annotation.into(), value.into())];
    more.annotations = more.annotations.into_iter().chain(added).collect();
    meta.more = more.boxed();
    meta
}

/// The same metadata with other owners.
pub fn with_owners(mut meta: Meta, owners: Vec<Owner>) -> Meta {
    let mut more = meta.more.take().map_or_else(More::default, |more| *more);
    more.owners = owners.into();
    meta.more = more.boxed();
    meta
}

/// An Ingress with a tls entry for each pair of hosts and Secret (an empty name: no Secret), and a rule for each host.
pub fn ingress(namespace: &str, name: &str, tls: &[(&[&str], &str)]) -> Ingress {
    let entry = |(hosts, secret): &(&[&str], &str)| IngressTls {
        hosts: hosts.iter().map(|h| Text::from(*h)).collect(),
        secret: (!secret.is_empty()).then(|| Text::from(*secret)),
    };
    Ingress {
        meta: meta(namespace, name),
        tls: tls.iter().map(entry).collect(),
        rules: tls
            .iter()
            .flat_map(|(hosts, _)| hosts.iter().map(|h| Text::from(*h)))
            .collect(),
        ..Ingress::default()
    }
}

/// An `IngressClass` of a controller.
pub fn class(name: &str, controller: &str) -> IngressClass {
    IngressClass {
        meta: meta("", name),
        controller: controller.into(),
        default: false,
    }
}

/// A digest that depends on `seed`.
pub fn digest(seed: &str) -> Fingerprint {
    let mut bytes = [7u8; 32];
    for (i, b) in seed.bytes().enumerate() {
        bytes[i % 32] = bytes[i % 32].wrapping_mul(31).wrapping_add(b);
    }
    Fingerprint(bytes)
}

/// A healthy leaf for `names` with a lifetime of 90 days, a third of which is over at [`NOW`].
pub fn leaf(names: &[&str]) -> Certificate {
    let san = |n: &&str| n.parse().map_or_else(|_| San::Dns(Text::from(*n)), San::Ip);
    Certificate {
        subject: Subject::FirstName,
        issuer: Name::new("CN=Test CA R1,O=Test", "Test CA R1", Some("Test CA R1")).into(),
        serial: [0x0a, 0x1b, 0x2c][..].into(),
        sha256: digest(&format!("sha {names:?}")),
        key_sha256: digest(&format!("key {names:?}")),
        not_before: NOW - 30 * DAY,
        not_after: NOW + 60 * DAY,
        names: names.iter().map(san).collect(),
        has_san: true,
        key: KeyAlgorithm::Ec("p256".into(), 256),
        signature: "ecdsa-with-SHA384",
        weak_signature: false,
        is_ca: false,
        usage: ExtendedKeyUsage {
            present: true,
            server_auth: true,
            client_auth: false,
        },
        key_usage: None,
        rsa_pss_key: false,
        go: GoReads::default(),
        must_staple: false,
        self_signed: false,
        authority_key_id: None,
    }
}

/// The intermediate that signed [`leaf`], valid for ten years.
pub fn intermediate() -> Certificate {
    Certificate {
        subject: Name::new("CN=Test CA R1,O=Test", "Test CA R1", Some("Test CA R1")).into(),
        issuer: Name::new("CN=Test Root,O=Test", "Test Root", Some("Test Root")).into(),
        not_before: NOW - 1000 * DAY,
        not_after: NOW + 2650 * DAY,
        names: Vec::new().into(),
        has_san: false,
        is_ca: true,
        usage: ExtendedKeyUsage::default(),
        key_usage: None,
        rsa_pss_key: false,
        go: GoReads::default(),
        ..leaf(&["intermediate"])
    }
}

/// The trust of a chain of this many certificates, in order, that ends at a public root.
pub fn trusted(certificates: usize) -> Trust {
    let path = (0..certificates).filter_map(|i| u8::try_from(i).ok()).collect();
    Trust::Trusted {
        root: "Test Root".into(),
        public: true,
        path,
        by_equality: false,
        bounds: None,
    }
}

/// A trusted bundle of a leaf and the intermediate, with the matching key.
pub fn bundle(leaf: Certificate) -> Bundle {
    Bundle {
        certificates: vec![Arc::new(leaf), Arc::new(intermediate())],
        unreadable: Vec::new(),
        leaf: Some(0),
        key: KeyState::Matches,
        objections: Box::default(),
        trust: trusted(2),
    }
}

/// A TLS Secret that holds a bundle.
pub fn stored(namespace: &str, name: &str, bundle: Bundle) -> Stored {
    Stored {
        meta: meta(namespace, name),
        secret_type: crate::object::secret::TLS_TYPE.into(),
        data_keys: None,
        certificate: Presence::Present,
        key: Presence::Present,
        other_keys: Vec::new(),
        data_changed: None,
        ca_fault: None,
        bundle,
    }
}

/// A healthy TLS Secret for `names`.
pub fn good(namespace: &str, name: &str, names: &[&str]) -> Stored {
    stored(namespace, name, bundle(leaf(names)))
}

/// A healthy TLS Secret for `names`, with the marks of an order of this program at the CA with this directory.
pub fn ordered(namespace: &str, name: &str, names: &[&str], directory: &str) -> Stored {
    let leaf = leaf(names);
    let sha256 = leaf.sha256.to_string();
    let mut stored = stored(namespace, name, bundle(leaf));
    for (key, value) in [
        (annotation::ISSUED_BY, "kubectl-certs 0.1.0"),
        (annotation::ISSUED_SHA256, sha256.as_str()),
        (annotation::ISSUED_AT_DIRECTORY, directory),
    ] {
        stored.meta = with_annotation(stored.meta, key, value);
    }
    stored
}

/// The key of an object.
pub fn key(namespace: &str, name: &str) -> Key {
    Key::new(namespace, name)
}

/// A healthy TLS Secret for `names` with its own certificate and key, different from those of other Secrets with the
/// same names.
pub fn own(namespace: &str, name: &str, names: &[&str]) -> Stored {
    let seed = format!("{namespace}/{name}");
    let leaf = Certificate {
        sha256: digest(&format!("sha {seed}")),
        key_sha256: digest(&format!("key {seed}")),
        ..leaf(names)
    };
    stored(namespace, name, bundle(leaf))
}
