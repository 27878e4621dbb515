use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    CertManagerError, allowed,
    follow::{Observed, ToldSoFar},
    permits,
    state::{self, Before, End},
};
use crate::error::Diagnose as _;
use crate::{
    acme::{Issuer, Stage},
    apply::Verb,
    event::{EventKind, Method},
    object::Key,
    object::resource::{CERTIFICATE, SECRET},
    settings::Chosen,
    text::parse_time,
};

fn certificate(status: &Value) -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": "web", "uid": "c", "resourceVersion": "7", "generation": 3},
        "spec": {"secretName": "shop-tls", "issuerRef": {"name": "corp"}},
        "status": status,
    })
}

fn issuing(status: &str, reason: &str, message: &str) -> Value {
    json!({"conditions": [{"type": "Issuing", "status": status, "reason": reason, "message": message}], "revision": 4})
}

fn before() -> Before {
    Before::of(&certificate(&json!({"revision": 4})), BTreeSet::new())
}

fn at(text: &str) -> i64 {
    parse_time(text).unwrap()
}

#[test]
fn the_condition_is_cmctls_and_leaves_the_others_as_they_are() {
    let ready = json!({"type": "Ready", "status": "True", "reason": "Ready"});
    let old = json!({"type": "Issuing", "status": "False", "reason": "Failed", "message": "no"});
    let patch = state::trigger(
        &certificate(&json!({"conditions": [ready, old], "revision": 4})),
        at("2026-12-01T00:00:00Z"),
    );
    assert_eq!(
        patch,
        json!({
            "metadata": {"uid": "c", "resourceVersion": "7"},
            "status": {"conditions": [ready, {
                "type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
                "message": "Certificate re-issuance manually triggered",
                "lastTransitionTime": "2026-12-01T00:00:00Z", "observedGeneration": 3,
            }]},
        })
    );
    assert!(state::is_issuing(&patch) && state::is_asked_by_hand(&patch));
}

#[test]
fn a_failure_of_this_very_second_is_not_taken_for_the_new_one() {
    let failed = certificate(&json!({"lastFailureTime": "2026-12-01T00:00:05Z"}));
    for (now, written) in [
        ("2026-12-01T00:00:05Z", "2026-12-01T00:00:06Z"),
        ("2026-12-01T00:00:01Z", "2026-12-01T00:00:06Z"),
        ("2026-12-01T01:00:00Z", "2026-12-01T01:00:00Z"),
    ] {
        let patch = state::trigger(&failed, at(now));
        assert_eq!(patch["status"]["conditions"][0]["lastTransitionTime"], written);
    }
}

#[test]
fn the_certificate_says_how_it_ended() {
    let retried = "The certificate request has failed to complete and will be retried: no such zone";
    let mut other = certificate(&json!({"revision": 5}));
    other["metadata"]["uid"] = "another".into();
    for (now, end) in [
        (certificate(&issuing("True", "ManuallyTriggered", "")), End::None),
        (certificate(&json!({"revision": 5})), End::Issued),
        // With server-side apply, cert-manager leaves the condition there.
        (
            certificate(
                &json!({"revision": 5, "conditions": [{"type": "Issuing", "status": "False", "reason": "Issued"}]}),
            ),
            End::Issued,
        ),
        (
            certificate(&issuing("False", "Failed", retried)),
            End::Failed("Failed: no such zone".to_owned()),
        ),
        (other, End::Gone),
        (Value::Null, End::Gone),
    ] {
        assert_eq!(state::end(&now, &before()), end, "{now}");
    }
    let End::Failed(why) = state::end(&certificate(&json!({"revision": 4})), &before()) else {
        panic!("it has ended")
    };
    assert!(why.contains("removed the Issuing"), "{why}");
}

fn request(conditions: &Value) -> Value {
    json!({
        "metadata": {"name": "web-5", "uid": "r"}, "spec": {"issuerRef": {"name": "corp", "kind": "ClusterIssuer"}},
        "status": {"conditions": conditions},
    })
}

fn challenge(state: &str, reason: &str) -> Value {
    json!({
        "metadata": {"name": "web-5-1", "uid": "h"},
        "spec": {"type": "DNS-01", "dnsName": "shop.example", "wildcard": true},
        "status": {"presented": true, "state": state, "reason": reason},
    })
}

fn order(state: &str, reason: &str) -> Value {
    json!({
        "metadata": {"name": "web-5-9", "uid": "o"}, "spec": {"dnsNames": ["*.shop.example"], "ipAddresses": ["192.0.2.7"]},
        "status": {"url": "https://ca.example/order/1", "state": state, "reason": reason},
    })
}

#[test]
fn what_is_waited_for_is_named_as_deep_as_it_can_be_seen() {
    let approved = json!({"type": "Approved", "status": "True"});
    let mut seen = Observed::of(certificate(&issuing("True", "ManuallyTriggered", "")));
    assert!(
        seen.waits(&before())
            .contains("no cert-manager controller has picked it up: is it running?")
    );
    seen.certificate["status"]["nextPrivateKeySecretName"] = "web-abc".into();
    assert!(seen.waits(&before()).contains("has made a key"));
    for (conditions, words) in [
        (
            json!([]),
            "CertificateRequest web-5 has not been approved: is an approver running?",
        ),
        (
            json!([approved]),
            "has not been picked up by the controller of ClusterIssuer corp",
        ),
        (
            json!([approved, {"type": "Ready", "status": "False", "reason": "Pending", "message": "issuer not found"}]),
            "CertificateRequest web-5: issuer not found",
        ),
    ] {
        seen.request = Some(request(&conditions));
        assert!(seen.waits(&before()).contains(words), "{}", seen.waits(&before()));
    }
    seen.order = Some(order("pending", ""));
    assert_eq!(seen.waits(&before()), "Order web-5-9 is pending");
    seen.challenges = vec![challenge("pending", "no such zone")];
    assert_eq!(
        seen.waits(&before()),
        "the dns-01 challenge for *.shop.example: no such zone"
    );
}

#[test]
fn a_failure_is_told_with_the_words_of_those_beneath_and_nothing_twice() {
    let mut seen = Observed::of(Value::Null);
    seen.order = Some(order("invalid", "authorization is invalid"));
    seen.challenges = vec![challenge("invalid", "NXDOMAIN")];
    assert_eq!(
        seen.why("Failed: the order is invalid"),
        "Failed: the order is invalid; Order web-5-9: authorization is invalid; the dns-01 challenge for *.shop.example: \
         NXDOMAIN"
    );
    assert_eq!(
        seen.why("Failed: authorization is invalid, NXDOMAIN"),
        "Failed: authorization is invalid, NXDOMAIN"
    );
}

#[test]
fn each_thing_is_told_once_and_in_its_order() {
    let (mut told, mut seen) = (ToldSoFar::default(), Observed::of(certificate(&json!({}))));
    assert!(told.news(&seen).is_empty());
    seen.request = Some(request(&json!([])));
    seen.order = Some(order("pending", ""));
    seen.challenges = vec![challenge("pending", "waiting for the record")];
    let name: crate::name::Name = "*.shop.example".parse().unwrap();
    let news = told.news(&seen);
    assert_eq!(news.len(), 4, "{news:?}");
    assert!(matches!(&news[0], EventKind::Note { text } if text.contains("CertificateRequest web-5")));
    assert!(
        matches!(&news[1], EventKind::Ordered { url, names, .. } if url.ends_with("/order/1") && names.len() == 2),
        "{news:?}"
    );
    assert_eq!(
        news[2],
        EventKind::Presented {
            name: name.clone(),
            method: Method::Dns01,
            place: "cert-manager's Challenge web-5-1".into()
        }
    );
    assert!(told.news(&seen).is_empty(), "nothing twice");
    seen.challenges = vec![challenge("invalid", "NXDOMAIN")];
    assert_eq!(
        told.news(&seen),
        [EventKind::ChallengeFailed {
            name,
            detail: "NXDOMAIN".into()
        }]
    );
    assert!(told.news(&seen).is_empty());
}

#[test]
fn what_differs_in_numbers_alone_is_told_once() {
    let (mut told, mut seen) = (ToldSoFar::default(), Observed::of(certificate(&json!({}))));
    let refused = |port: u16| format!("dial tcp 10.0.0.7:{port}: connection refused");
    seen.request = Some(request(&json!([])));
    seen.challenges = vec![challenge("pending", &refused(40_001))];
    let first = told.news(&seen);
    let said = |news: &[EventKind], words: &str| {
        let notes = news
            .iter()
            .filter(|kind| matches!(kind, EventKind::Note { text } if text.contains(words)));
        notes.count()
    };
    assert_eq!(said(&first, "connection refused"), 1, "{first:?}");
    // cert-manager tries again from another port.
    seen.challenges = vec![challenge("pending", &refused(40_002))];
    assert!(told.news(&seen).is_empty());
    seen.challenges = vec![challenge("pending", "no such host")];
    assert_eq!(said(&told.news(&seen), "no such host"), 1);
}

#[test]
fn nothing_but_the_status_of_the_one_certificate_is_written() {
    let permits = permits(&Key::new("shop", "web"));
    for (verb, resource, part, name, allowed) in [
        (Verb::Patch, CERTIFICATE, Some("status"), "web", true),
        (Verb::Patch, CERTIFICATE, None, "web", false),
        (Verb::Patch, CERTIFICATE, Some("status"), "other", false),
        (Verb::Patch, SECRET, None, "shop-tls", false),
    ] {
        assert_eq!(
            permits.allow(verb, resource, part, "shop", name),
            allowed,
            "{verb} {resource} {name}"
        );
    }
}

#[test]
fn a_rehearsal_is_refused_with_the_command_that_renews() {
    let chosen = |stage, rehearsal| {
        let mut issuer = Issuer::letsencrypt();
        issuer.stage = stage;
        Chosen {
            ca: crate::plan::ca::Ca {
                name: issuer.name.clone(),
                directory: issuer.directory_url.clone(),
            },
            issuer,
            rehearsal,
            eab: None,
            account_secret: None,
            challenge: None,
            agree_tos: false,
            limits: None,
            ca_limits: None,
        }
    };
    let (certificate, secret) = (Key::new("shop", "web"), Key::new("shop", "shop-tls"));
    let ask = |stage, rehearsal| allowed(&chosen(stage, rehearsal), &certificate, &secret, false);
    ask(Stage::Production, false).unwrap();
    ask(Stage::Own, false).unwrap();
    ask(Stage::Staging, false).unwrap_err();
    let error: CertManagerError = ask(Stage::Staging, true).unwrap_err();
    assert!(error.to_string().contains("there is nothing to rehearse"), "{error}");
    assert_eq!(
        error.hint().unwrap(),
        "`kubectl certs renew secret/shop-tls -n shop --production` asks cert-manager to renew it now"
    );
}
