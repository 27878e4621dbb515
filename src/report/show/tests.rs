//! Pictures of what an operator meets, at the widths of real terminals.

mod make;
mod renewal;

use super::*;
use crate::{
    check::{Finding, Instead, finding},
    x509::trust::PathError,
};
use make::{EXPIRED, LEAF, MIDDLE, at, bundle, certificate, draw, ingress, key, now, pictures, row, trusted, user};

#[test]
fn a_healthy_ingress_with_what_is_served() {
    let (bundle, secret) = (bundle(&[&LEAF, &MIDDLE], trusted()), [key()]);
    let bindings: Vec<Binding<'_>> = [("shop.example", 0), ("*.shop.example", 1), ("a.shop.example", 1)]
        .into_iter()
        .map(|(host, name)| Binding {
            row: row(host, &secret, Some(&LEAF), &[]),
            cover: Cover::By(&LEAF.names[name]),
        })
        .collect();
    let users = [
        user(Kind::Ingress, "web", None),
        user(Kind::Deployment, "mail", Some(How::SubPath)),
        user(Kind::Pod, "mail-7d9c5b7f6-2xkqz", Some(How::Volume)),
    ];
    let held = [HeldCertificates {
        secret: Some(&secret[0]),
        secret_type: "kubernetes.io/tls",
        other_keys: &["ca.crt".into()],
        users: Some(&users),
        ..HeldCertificates::of(&bundle)
    }];
    let shown = |stored| ShownCertificate {
        leaf: Some(if stored { &**LEAF } else { &**EXPIRED }),
        length: 2,
        stored: Some(stored),
        tls_version: "TLS 1.3",
        alpn: Some("h2"),
        took: Duration::from_millis(23),
        client_certificate: !stored,
    };
    let probed = |address: &str, outcome| Probed {
        address: address.into(),
        host: "shop.example",
        outcome,
    };
    let served = [
        probed("192.0.2.1:443", Ok(shown(true))),
        probed("192.0.2.2:443", Ok(shown(false))),
        probed(
            "[2001:db8::1]:443",
            Err("connection refused: nothing listens on that port".into()),
        ),
    ];
    let (here, there): ([IpAddr; 2], [IpAddr; 1]) = (
        [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()],
        [[198, 51, 100, 7].into()],
    );
    let dns = [
        Dns {
            host: "shop.example",
            resolved: Ok(&here),
            expected: &here,
            elsewhere: false,
        },
        Dns {
            host: "a.shop.example",
            resolved: Ok(&there),
            expected: &here,
            elsewhere: true,
        },
        Dns {
            host: "b.shop.example",
            resolved: Err("DNS has no address for b.shop.example: Name or service not known".into()),
            expected: &here,
            elsewhere: false,
        },
    ];
    let show = Show {
        served: &served,
        dns: &dns,
        ..ingress(&bindings, &held)
    };
    pictures("healthy", &show);
}

#[test]
fn a_secret_that_is_not_there_beside_one_that_may_not_be_read() {
    let secrets = [key(), Key::new("vault", "api-tls")];
    let missing = [Finding::new(finding::SecretNotFound {
        secret: key(),
        instead: Instead::DefaultCertificate,
        among_manifests: false,
        maker: None,
    })];
    let bindings = [
        Binding {
            row: row("shop.example", &secrets[..1], None, &missing),
            cover: Cover::NotJudged,
        },
        Binding {
            row: row(
                "a-host-with-a-very-long-name.deep.below.another.name.of.shop.example",
                &secrets[..1],
                None,
                &missing,
            ),
            cover: Cover::NotJudged,
        },
        Binding {
            row: Row {
                status: Status::Unknown,
                ..row("", &secrets[1..], None, &[])
            },
            cover: Cover::NotJudged,
        },
    ];
    let held = [
        HeldCertificates::without(&secrets[0], Presence::NotFound),
        HeldCertificates::without(&secrets[1], Presence::Forbidden),
    ];
    pictures("missing", &ingress(&bindings, &held));
}

#[test]
fn text_from_outside_stays_on_its_line_and_writes_no_escape() {
    let evil = "\x1b[2J\x1b]0;owned\x07\nstatus: healthy\r\u{202e}moc.elpmaxe `x` \u{9b}31m";
    let bad = {
        let mut c = certificate(evil, evil, &["shop.example", evil], i64::MIN, i64::MAX);
        let many = (0..2_000).map(|i| San::Dns(format!("n{i}.example").into()));
        c.names = c.names.iter().cloned().chain(many).collect();
        c.signature = "sha1WithRSAEncryption";
        c.weak_signature = true;
        c.serial = [0xff; 200][..].into();
        Arc::new(c)
    };
    let backwards = Arc::new(certificate(
        "CN=日本語のとても長い名前の認証局、東京都千代田区、第二世代",
        "CN=x",
        &[],
        100,
        0,
    ));
    let mut certificates = vec![bad; 2];
    certificates.truncate(1);
    certificates.push(backwards);
    let bundle = Bundle {
        unreadable: vec![(2, evil.into())],
        leaf: Some(0),
        key: KeyState::Invalid(evil.into()),
        objections: Box::default(),
        trust: Trust::Refused(PathError::Constraint(evil.into())),
        certificates,
    };
    let secret = [Key::new(evil, evil)];
    let findings = [Finding::new(finding::InvalidKey {
        secret: key(),
        by: crate::x509::Readers::NONE,
        why: evil.into(),
    })];
    let bindings = [Binding {
        row: row(evil, &secret, None, &findings),
        cover: Cover::Nothing,
    }];
    let users = [User {
        object: ObjectRef {
            kind: Kind::Pod,
            key: Key::new("x", evil),
        },
        how: Some(How::Environment),
    }];
    let held = [HeldCertificates {
        secret: Some(&secret[0]),
        secret_type: evil,
        other_keys: &[evil.into()],
        users: Some(&users),
        ..HeldCertificates::of(&bundle)
    }];
    let served = [Probed {
        address: evil.into(),
        host: evil,
        outcome: Err(evil.into()),
    }];
    let show = Show {
        context: evil,
        subject: ShowSubject::Object {
            kind: Kind::Ingress,
            namespace: evil,
            name: evil,
        },
        served: &served,
        ..ingress(&bindings, &held)
    };
    pictures("hostile", &show);
    let text = draw(&show, 80, false, true);
    assert!(!text.contains("\x1b]") && !text.contains("\x1b[2J") && !text.contains('\u{202e}'));
}

#[test]
fn what_is_endless_is_counted() {
    let bundle = Bundle {
        certificates: vec![Arc::clone(&MIDDLE); 5_000],
        unreadable: vec![(0, "no".into()); 5_000],
        ..bundle(&[&LEAF], trusted())
    };
    let hosts: Vec<String> = (0..300).map(|i| format!("h{i}.example")).collect();
    let finding = [Finding::new(finding::SelfSigned)];
    let bindings: Vec<Binding<'_>> = hosts
        .iter()
        .map(|host| Binding {
            row: row(host, &[], None, &finding),
            cover: Cover::NotJudged,
        })
        .collect();
    let held = [HeldCertificates::of(&bundle)];
    let text = draw(&ingress(&bindings, &held), 80, false, false);
    assert!(text.contains("and 4984 more"), "{text}");
    assert_eq!(text.matches("SelfSigned").count(), 1);
    assert!(text.contains("and 295 more"), "{text}");
    assert!(text.lines().count() < 500, "{} lines", text.lines().count());
}

#[test]
fn the_words_of_a_finding_are_those_of_every_report() {
    let finding = [Finding::new(finding::SelfSigned)];
    let bindings = [Binding {
        row: row("shop.example", &[], None, &finding),
        cover: Cover::NotJudged,
    }];
    let context = Context {
        now: now(),
        colour: false,
        width: 500,
        ascii: false,
    };
    let mut out = Vec::new();
    write(&ingress(&bindings, &[]), &context, &mut out).expect("a Vec takes every write");
    let text = String::from_utf8(out).expect("UTF-8");
    let row = &bindings[0].row;
    assert!(text.contains(&words::message(&finding[0], row, now())), "{text}");
    assert!(text.contains(&words::remedy(&finding[0], row).text), "{text}");
}

#[test]
fn what_is_excused_is_named_below_a_healthy_heading() {
    let finding = [Finding::new(finding::Expired { not_after: 0 })];
    let bindings = [Binding {
        row: Row {
            ignored: &finding,
            ..row("shop.example", &[], None, &[])
        },
        cover: Cover::NotJudged,
    }];
    let text = draw(&ingress(&bindings, &[]), 100, false, false);
    assert!(text.contains("Findings: 1 excused"), "{text}");
    assert!(
        text.contains("(Expired) is excused by --ignore or an annotation"),
        "{text}"
    );
}

#[test]
fn a_file_with_a_certificate_of_ones_own() {
    let own = Arc::new(certificate(
        "CN=dev.example",
        "CN=dev.example",
        &["dev.example"],
        at("2026-11-10"),
        at("2036-11-07"),
    ));
    let bundle = Bundle {
        certificates: vec![Arc::clone(&own)],
        unreadable: vec![(1, "base64 is broken at byte 17".into())],
        leaf: Some(0),
        key: KeyState::NotAsked,
        objections: Box::default(),
        trust: Trust::SelfSigned,
    };
    let findings = [
        Finding::new(finding::SelfSigned),
        Finding::new(finding::NotYetValid {
            not_before: own.not_before,
        }),
    ];
    let bindings = [Binding {
        row: Row {
            route: None,
            host: None,
            context: "",
            namespace: "",
            ..row("", &[], Some(&own), &findings)
        },
        cover: Cover::NotJudged,
    }];
    let held = [HeldCertificates::of(&bundle)];
    let show = Show {
        context: "",
        subject: ShowSubject::File {
            path: "./certs/dev.pem",
        },
        ..ingress(&bindings, &held)
    };
    pictures("file", &show);
}

#[test]
fn a_server_and_the_chain_that_it_serves() {
    let bundle = Bundle {
        key: KeyState::NotAsked,
        ..bundle(&[&LEAF, &MIDDLE], trusted())
    };
    let bindings = [Binding {
        row: Row {
            route: None,
            context: "",
            ..row("shop.example", &[], Some(&LEAF), &[])
        },
        cover: Cover::By(&LEAF.names[0]),
    }];
    let held = [HeldCertificates::of(&bundle)];
    let served = [Probed {
        address: "192.0.2.1:443".into(),
        host: "shop.example",
        outcome: Ok(ShownCertificate {
            leaf: Some(&LEAF),
            length: 2,
            stored: None,
            tls_version: "TLS 1.2",
            alpn: None,
            took: Duration::from_millis(112),
            client_certificate: false,
        }),
    }];
    let show = Show {
        context: "",
        subject: ShowSubject::Server { at: "shop.example:443" },
        served: &served,
        ..ingress(&bindings, &held)
    };
    pictures("server", &show);
}

#[test]
fn a_closed_pipe_is_an_error_and_no_panic() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let context = Context {
        now: 0,
        colour: false,
        width: 80,
        ascii: false,
    };
    let error = write(&ingress(&[], &[]), &context, &mut Closed).expect_err("closed");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
