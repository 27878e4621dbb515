//! A Secret of cert-manager in trouble.

use super::{
    super::*,
    make::{EXPIRED, bundle, draw, ingress, key, now, pictures, row},
};
use crate::{
    check::{DueBy, Finding, Instead, finding},
    object::{
        Meta,
        certmanager::{self, Condition, IssuerRef},
    },
    text::time::{DAY, HOUR},
    x509::trust::IntermediateSource,
};

#[test]
#[allow(clippy::too_many_lines)] // One story, told whole.
fn an_expired_secret_that_cert_manager_fails_to_renew() {
    let (bundle, secret) = (
        bundle(
            &[&EXPIRED],
            Trust::MissingIntermediate {
                issuer: "CN=E7,O=Let's Encrypt,C=US".into(),
                found: IntermediateSource::CaFile,
            },
        ),
        [key()],
    );
    let bundle = Bundle {
        key: KeyState::Differs,
        ..bundle
    };
    let expired = Finding::new(finding::Expired {
        not_after: EXPIRED.not_after,
    });
    let both = [
        Finding::new(finding::HostMismatch {
            host: "www.other.example".into(),
            names: vec!["shop.example".into()].into(),
            instead: Instead::DefaultCertificate,
        }),
        expired.clone(),
    ];
    let one = [
        expired,
        Finding::new(finding::RenewalDue {
            not_after: EXPIRED.not_after,
            since: now() - 10 * DAY,
            by: DueBy::Lifetime,
        }),
    ];
    let bindings = [
        Binding {
            row: row("shop.example", &secret, Some(&EXPIRED), &one),
            cover: Cover::By(&EXPIRED.names[0]),
        },
        Binding {
            row: row("www.other.example", &secret, Some(&EXPIRED), &both),
            cover: Cover::Nothing,
        },
    ];
    let meta = |name: &str| Meta {
        namespace: "shop".into(),
        name: name.into(),
        ..Meta::default()
    };
    let condition = |kind: &str, status: &str, reason: &str, message: &str| Condition {
        kind: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        since: Some(now() - 4 * DAY),
    };
    let certificate = certmanager::Certificate {
        meta: meta("shop-tls"),
        issuer: IssuerRef {
            kind: "ClusterIssuer".into(),
            group: "".into(),
            name: "letsencrypt".into(),
        },
        conditions: vec![
            condition(
                "Ready",
                "False",
                "Expired",
                "Certificate expired on Fri, 30 Oct 2026 00:00:00 UTC",
            ),
            condition(
                "Issuing",
                "True",
                "Renewing",
                "Renewing certificate as renewal was scheduled at 2026-09-30 00:00:00 +0000 UTC",
            ),
        ],
        renewal_time: Some(now() - 34 * DAY),
        failed_attempts: 3,
        ..certmanager::Certificate::default()
    };
    let issuer = certmanager::Issuer {
        meta: meta("letsencrypt"),
        cluster: true,
        acme_server: Some("https://acme-v02.api.letsencrypt.org/directory".into()),
        ca_secret: None,
        conditions: vec![condition("Ready", "True", "ACMEAccountRegistered", "registered")],
    };
    let request = certmanager::CertificateRequest {
        meta: meta("shop-tls-4"),
        conditions: vec![condition(
            "Ready",
            "False",
            "Pending",
            "Waiting on certificate issuance from order shop/shop-tls-4-123: \"pending\"",
        )],
        ..certmanager::CertificateRequest::default()
    };
    let order = certmanager::Order {
        meta: meta("shop-tls-4-123"),
        state: "pending".into(),
        ..certmanager::Order::default()
    };
    let challenge = certmanager::Challenge {
        meta: meta("shop-tls-4-123-9"),
        dns_name: "shop.example".into(),
        challenge_type: "HTTP-01".into(),
        state: "pending".into(),
        reason: "Waiting for HTTP-01 challenge propagation: wrong status code '404', expected '200'".into(),
        presented: true,
    };
    let challenges = [&challenge];
    let events = [
        Event {
            when: Some(now() - 2 * HOUR),
            warning: true,
            reason: "Failed".into(),
            message: "The certificate request has failed to complete and will be retried".into(),
        },
        Event {
            when: None,
            warning: false,
            reason: "Issuing".into(),
            message: "Renewing certificate".into(),
        },
    ];
    let held = [HeldCertificates {
        secret: Some(&secret[0]),
        secret_type: "Opaque",
        users: Some(&[]),
        owner: Some(CertManagerSide {
            certificate: &certificate,
            issuer: Some(&issuer),
            request: Some(&request),
            order: Some(&order),
            challenges: &challenges,
            events: &events,
        }),
        ..HeldCertificates::of(&bundle)
    }];
    let show = Show {
        subject: ShowSubject::Object {
            kind: Kind::Secret,
            namespace: "shop",
            name: "shop-tls",
        },
        ..ingress(&bindings, &held)
    };
    pictures("expired", &show);
    let text = draw(&show, 80, false, false);
    let told = text.lines().filter(|l| l.starts_with("  ✗ critical  Expired"));
    assert_eq!(told.count(), 1, "once for both hosts: {text}");
}
