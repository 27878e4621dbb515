//! What the pictures are made of.

use std::sync::LazyLock;

use crate::{
    check::{Fact, finding, row::RouteRef},
    text::{clear::is_unsafe, parse_time, time::DAY, width::width},
    x509::{Fingerprint, KeyAlgorithm, Name, certificate::ExtendedKeyUsage, readers::GoReads},
};

use super::super::*;

pub(super) fn at(date: &str) -> Seconds {
    parse_time(date).expect(date)
}

pub(super) fn now() -> Seconds {
    at("2026-11-03T12:00:00Z")
}

pub(super) fn certificate(subject: &str, issuer: &str, names: &[&str], from: Seconds, to: Seconds) -> Certificate {
    let digit = u8::try_from(subject.len() % 256).expect("small");
    let short = issuer.trim_start_matches("CN=").split(',').next();
    Certificate {
        subject: Name::new(subject, subject, None).into(),
        issuer: Name::new(issuer, short.unwrap_or(issuer), None).into(),
        serial: [0x3a, 0x1f, 0x00, 0xc2, 0xd9, 0x77, 0xbe, 0x44, 0x10, 0xaa, 0x52][..].into(),
        sha256: Fingerprint([digit; 32]),
        key_sha256: Fingerprint([digit ^ 0xff; 32]),
        not_before: from,
        not_after: to,
        names: names.iter().map(|n| San::Dns((*n).into())).collect(),
        has_san: !names.is_empty(),
        key: KeyAlgorithm::Ec("p256".into(), 256),
        signature: "ecdsa-with-SHA384",
        weak_signature: false,
        is_ca: names.is_empty(),
        usage: ExtendedKeyUsage::default(),
        key_usage: None,
        rsa_pss_key: false,
        go: GoReads::default(),
        must_staple: false,
        self_signed: subject == issuer,
        authority_key_id: None,
    }
}

pub(super) static LEAF: LazyLock<Arc<Certificate>> = LazyLock::new(|| {
    let names = ["shop.example", "*.shop.example"];
    Arc::new(certificate(
        "CN=shop.example",
        "CN=E7,O=Let's Encrypt,C=US",
        &names,
        at("2026-09-02"),
        at("2026-12-01"),
    ))
});
pub(super) static EXPIRED: LazyLock<Arc<Certificate>> = LazyLock::new(|| {
    let names = ["shop.example", "*.shop.example"];
    Arc::new(certificate(
        "CN=shop.example",
        "CN=E7,O=Let's Encrypt,C=US",
        &names,
        at("2026-08-01"),
        at("2026-10-30"),
    ))
});
pub(super) static MIDDLE: LazyLock<Arc<Certificate>> = LazyLock::new(|| {
    let root = "CN=ISRG Root X1,O=Internet Security Research Group,C=US";
    Arc::new(certificate(
        "CN=E7,O=Let's Encrypt,C=US",
        root,
        &[],
        at("2024-03-13"),
        at("2027-03-12"),
    ))
});

pub(super) fn trusted() -> Trust {
    Trust::Trusted {
        root: "ISRG Root X1".into(),
        public: true,
        path: vec![0, 1].into(),
        by_equality: false,
        bounds: None,
    }
}

pub(super) fn bundle(certificates: &[&LazyLock<Arc<Certificate>>], trust: Trust) -> Bundle {
    Bundle {
        certificates: certificates.iter().map(|c| Arc::clone(c)).collect(),
        unreadable: Vec::new(),
        leaf: (!certificates.is_empty()).then_some(0),
        key: KeyState::Matches,
        objections: Box::default(),
        trust,
    }
}

pub(super) fn row<'a>(
    host: &'a str,
    secrets: &'a [Key],
    certificate: Option<&'a Certificate>,
    findings: &'a [Finding],
) -> Row<'a> {
    let worst = findings.iter().map(|f| Status::from(f.severity)).max();
    Row {
        context: "prod",
        namespace: "shop",
        route: Some(RouteRef {
            kind: Kind::Ingress,
            name: "web",
            listener: None,
        }),
        host: Some(host),
        secrets,
        sole: secrets.len() == 1,
        served: None,
        class: Some("nginx"),
        created: Some(now() - 400 * DAY),
        labels: &[],
        certificate,
        evidence: Some(crate::check::row::Evidence::Stored),
        answer: None,
        doings: crate::object::doing::Doings::default(),
        data_keys: None,
        renewer: crate::check::Renewer::Unknown,
        reach: crate::object::Reach::HERE,
        findings,
        ignored: &[],
        status: worst.unwrap_or(Status::Healthy),
    }
}

pub(super) fn ingress<'a>(bindings: &'a [Binding<'a>], held: &'a [HeldCertificates<'a>]) -> Show<'a> {
    Show {
        context: "prod",
        subject: ShowSubject::Object {
            kind: Kind::Ingress,
            namespace: "shop",
            name: "web",
        },
        bindings,
        held,
        served: &[],
        dns: &[],
    }
}

/// Words of the shape of the real ones, which may change without these pictures.
const WORDS: Words = Words {
    message: |finding, row, _| match (&finding.fact, row.host) {
        (Fact::HostMismatch(finding::HostMismatch { host, .. }), _) => {
            format!("The certificate does not cover {host}: it names shop.example.")
        }
        (Fact::InvalidKey(finding::InvalidKey { why, .. }), _) => format!("The key cannot be read: {why}."),
        _ => "What is wrong with it, in one sentence that is long enough to be wrapped on most terminals.".to_owned(),
    },
    remedy: |_, _| {
        "What to do about it, with `kubectl -n shop get secret shop-tls -o yaml`, which stays in one piece.".to_owned()
    },
};

pub(super) fn draw(show: &Show<'_>, width: usize, ascii: bool, colour: bool) -> String {
    let context = Context {
        now: now(),
        colour,
        width,
        ascii,
    };
    let mut out = Vec::new();
    write_in(&WORDS, show, &context, &mut out).expect("a Vec takes every write");
    String::from_utf8(out).expect("UTF-8")
}

/// One snapshot a width, with what must hold of every picture.
pub(super) fn pictures(name: &str, show: &Show<'_>) {
    for columns in [60, 80, 120] {
        let text = draw(show, columns, false, false);
        check(&text, columns);
        insta::assert_snapshot!(format!("{name}_{columns}"), text);
    }
    let text = draw(show, 80, true, false);
    check(&text, 80);
    assert!(text.is_ascii(), "{text}");
    for columns in [0, 1, 40, 41, 500] {
        check(&draw(show, columns, false, false), columns.max(40));
    }
    let coloured = draw(show, 80, false, true);
    assert!(coloured.contains("\x1b["));
}

pub(super) fn check(text: &str, columns: usize) {
    for line in text.lines() {
        assert!(width(line) <= columns || line.contains('`'), "{columns}: {line:?}");
        assert!(!line.chars().any(is_unsafe), "{line:?}");
        assert_eq!(line.trim_end(), line, "spaces at the end");
    }
}

pub(super) fn key() -> Key {
    Key::new("shop", "shop-tls")
}

pub(super) fn user(kind: Kind, name: &str, how: Option<How>) -> User {
    User {
        object: ObjectRef {
            kind,
            key: Key::new("shop", name),
        },
        how,
    }
}
