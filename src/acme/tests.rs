//! What is done when a server fails.

mod cas;
mod engine;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    AccountKey, Acme, AcmeError, AuthorizationStatus, CertId, Issuer, OrderOptions, OrderStatus, Registration,
    RevocationReason, Revoked, Wish,
    fake::{Fake, LIMITS, Reply},
};
use crate::error::Diagnose as _;
use crate::name::Name;

fn names(all: &[&str]) -> Vec<Name> {
    all.iter().map(|name| name.parse().unwrap()).collect()
}

fn order(url: &str, status: &str) -> Value {
    json!({
        "status": status, "identifiers": [{"type": "dns", "value": "shop.example"}],
        "authorizations": [format!("{url}/authz/1")], "finalize": format!("{url}/finalize/1"),
    })
}

fn authorization(status: &str) -> Value {
    json!({"status": status, "identifier": {"type": "dns", "value": "shop.example"}, "challenges": []})
}

#[tokio::test]
async fn a_server_that_fails_for_a_moment_is_asked_again() {
    let fake = Fake::start(|_, n, url| match n {
        0 => Reply::problem(500, "serverInternal", "out of order"),
        1 => Reply::Break,
        2 => Reply::text(503, "busy").header("retry-after", "0"),
        _ => Reply::json(200, &order(url, "ready")),
    })
    .await;
    let read = fake.client().await.order(&fake.url("/order/1")).await.unwrap();
    assert_eq!(read.status, OrderStatus::Ready);
    let nonces: Vec<_> = fake
        .seen("/order/1")
        .iter()
        .map(|r| r.protected["nonce"].clone())
        .collect();
    assert_eq!(nonces.len(), 4);
    assert!(
        nonces.windows(2).all(|pair| pair[0] != pair[1]),
        "a nonce is used once: {nonces:?}"
    );
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_given_up_with_what_it_said() {
    let html = "<html>\n<title>502 Bad Gateway</title>\x1b[2J";
    let fake = Fake::start(move |_, _, _| Reply::text(502, html)).await;
    let error = fake.client().await.order(&fake.url("/order/1")).await.unwrap_err();
    assert_eq!(fake.seen("/order/1").len(), 4);
    let text = error.to_string();
    assert!(text.contains("status 502"), "{text}");
    assert!(text.contains("<html> <title>502 Bad Gateway</title>"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_server_that_is_busy_for_long_is_not_waited_for() {
    let fake = Fake::start(|_, _, _| {
        Reply::problem(503, "rateLimited", "Service busy; retry later.").header("retry-after", "3600")
    })
    .await;
    let error = fake.client().await.order(&fake.url("/order/1")).await.unwrap_err();
    assert!(matches!(error, AcmeError::Busy { .. }), "{error:?}");
    assert!(error.hint().unwrap().starts_with("try again after 20"), "{error:?}");
    assert_eq!(fake.seen("/order/1").len(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_its_time() {
    let fake = Fake::start(|_, _, _| Reply::Hang).await;
    let client = fake.client().await;
    let start = Instant::now();
    let error = client.order(&fake.url("/order/1")).await.unwrap_err();
    assert!(matches!(error, AcmeError::TimedOut { .. }), "{error:?}");
    assert!(start.elapsed() >= LIMITS.request * LIMITS.tries);
    assert_eq!(fake.seen("/order/1").len(), 4);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_told_as_such() {
    let fake = Fake::start(|_, _, _| Reply::Break).await;
    let error = fake.client().await.order(&fake.url("/order/1")).await.unwrap_err();
    assert!(matches!(error, AcmeError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address() {
    let fake = Fake::start(|_, _, _| Reply::Hang).await;
    let issuer = fake.issuer();
    drop(fake);
    let error = Acme::open_with(&issuer, LIMITS).await.unwrap_err();
    assert!(
        matches!(error, AcmeError::Unreachable { .. } | AcmeError::Broken { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_refused_nonce_is_replaced_by_the_one_that_comes_with_the_refusal() {
    let fake = Fake::start(|_, n, url| match n {
        0..10 => Reply::problem(400, "badNonce", "stale").header("replay-nonce", format!("fresh{n}")),
        _ => Reply::json(200, &order(url, "ready")),
    })
    .await;
    fake.client().await.order(&fake.url("/order/1")).await.unwrap();
    let seen = fake.seen("/order/1");
    let nonces: Vec<_> = seen[1..]
        .iter()
        .map(|r| r.protected["nonce"].as_str().unwrap())
        .collect();
    assert_eq!(nonces, (0..10).map(|n| format!("fresh{n}")).collect::<Vec<_>>());
    assert_eq!(fake.seen("/nonce").len(), 1);
}

#[tokio::test]
async fn a_server_that_takes_no_nonce_at_all_is_given_up() {
    let fake = Fake::start(|_, _, _| Reply::problem(400, "badNonce", "stale")).await;
    let error = fake.client().await.order(&fake.url("/order/1")).await.unwrap_err();
    assert!(error.is("badNonce"), "{error:?}");
    assert_eq!(fake.seen("/order/1").len(), 11);
}

#[tokio::test]
async fn nonces_of_answers_are_used_so_that_none_is_fetched_twice() {
    let fake = Fake::start(|_, _, url| Reply::json(200, &order(url, "pending"))).await;
    let client = fake.client().await;
    for _ in 0..5 {
        client.order(&fake.url("/order/1")).await.unwrap();
    }
    assert_eq!((fake.seen("/nonce").len(), fake.seen("/dir").len()), (1, 1));
}

#[tokio::test]
async fn a_rate_limit_says_until_when_and_is_not_tried_again() {
    let fake = Fake::start(|_, n, _| match n {
        0 => Reply::problem(429, "rateLimited", "too many new orders")
            .header("retry-after", "7200")
            .header("link", r#"<https://ca.example/limits>;rel="help""#),
        1 => Reply::problem(
            429,
            "rateLimited",
            "too many, retry after 2094-11-06 08:49:37 UTC: see https://ca.example/x",
        ),
        _ => Reply::text(429, "<html>slow down"),
    })
    .await;
    let client = fake.client().await;
    let options = OrderOptions::default();
    let ask = || client.new_order(&[], &options);
    let soon = crate::clock::now() + 7200;
    for (help, date) in [
        (Some("https://ca.example/limits"), Some(soon)),
        (
            Some("https://ca.example/x"),
            crate::text::parse_time("2094-11-06T08:49:37Z"),
        ),
        (None, None),
    ] {
        let error = ask().await.unwrap_err();
        let AcmeError::RateLimited { until, help: said, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(said.as_deref(), help);
        assert_eq!(until.is_some(), date.is_some());
        if let Some((until, date)) = until.zip(date) {
            assert!((date..date + 10).contains(&until), "{until} for {date}");
            assert!(
                error.hint().unwrap().contains(&crate::text::date_time(until)),
                "{error:?}"
            );
        }
    }
    assert_eq!(fake.seen("/new-order").len(), 3);
}

#[tokio::test]
async fn a_paused_name_shows_where_to_end_the_pause() {
    let detail = "Your account is temporarily prevented from requesting certificates for shop.example and possibly \
                  others. Please visit: https://portal.ca.example/sfe/v1/unpause?jwt=abc.def-_.";
    let fake = Fake::start(move |_, _, _| Reply::problem(429, "rateLimited", detail)).await;
    let error = fake
        .client()
        .await
        .new_order(&[], &OrderOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::Paused { .. }), "{error:?}");
    let hint = error.hint().unwrap();
    assert!(
        hint.ends_with("https://portal.ca.example/sfe/v1/unpause?jwt=abc.def-_"),
        "{hint}"
    );
}

#[tokio::test]
async fn an_order_that_may_not_replace_is_made_once_more_without_saying_so() {
    let fake = Fake::start(|request, _, url| {
        if request.payload["replaces"].is_null() {
            Reply::json(201, &order(url, "pending")).header("location", format!("{url}/order/1"))
        } else {
            Reply::problem(409, "alreadyReplaced", "already has a replacement order")
        }
    })
    .await;
    let options = OrderOptions {
        profile: Some("classic".to_owned()),
        replaces: Some(CertId::new(&[1, 2], &[3])),
    };
    let client = fake.client().await;
    let all = names(&["shop.example", "192.0.2.1"]);
    let refused = client.new_order(&all, &options).await.unwrap_err();
    assert!(
        matches!(&refused, AcmeError::ReplacesRefused { problem } if problem.is("alreadyReplaced")),
        "{refused:?}"
    );
    let plain = OrderOptions {
        replaces: None,
        ..options
    };
    let order = client.new_order(&all, &plain).await.unwrap();
    assert_eq!(order.url, fake.url("/order/1"));
    let seen = fake.seen("/new-order");
    assert_eq!(seen.len(), 2);
    let identifiers = json!([{"type": "dns", "value": "shop.example"}, {"type": "ip", "value": "192.0.2.1"}]);
    assert_eq!(
        seen[0].payload,
        json!({"identifiers": identifiers, "profile": "classic", "replaces": "AQI.Aw"})
    );
    assert_eq!(
        seen[1].payload,
        json!({"identifiers": identifiers, "profile": "classic"})
    );
}

#[tokio::test]
async fn a_certificate_that_the_ca_does_not_know_is_told_by_an_error_of_its_own_and_not_asked_for_again() {
    let fake = Fake::start(|request, _, url| {
        if request.payload["replaces"].is_null() {
            Reply::json(201, &order(url, "pending")).header("location", format!("{url}/order/1"))
        } else {
            Reply::problem(
                500,
                "serverInternal",
                "could not find an order for the given certificate: no such order",
            )
        }
    })
    .await;
    let options = OrderOptions {
        replaces: Some(CertId::new(&[1, 2], &[3])),
        ..OrderOptions::default()
    };
    let client = fake.client().await;
    let refused = client.new_order(&names(&["shop.example"]), &options).await.unwrap_err();
    assert!(matches!(refused, AcmeError::ReplacesRefused { .. }), "{refused:?}");
    assert_eq!(fake.seen("/new-order").len(), 1);
}

#[tokio::test]
async fn a_limit_or_a_refused_name_is_not_taken_for_trouble_with_replaces() {
    let fake = Fake::start(|_, n, _| match n {
        0 => Reply::problem(429, "rateLimited", "too many"),
        _ => Reply::json(
            400,
            &json!({"type": "urn:ietf:params:acme:error:malformed", "detail": "no", "subproblems": [
                {"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "policy",
                 "identifier": {"type": "dns", "value": "bad.example"}}]}),
        ),
    })
    .await;
    let client = fake.client().await;
    let options = OrderOptions {
        replaces: Some(CertId::new(&[1, 2], &[3])),
        ..OrderOptions::default()
    };
    let limited = client.new_order(&names(&["bad.example"]), &options).await.unwrap_err();
    assert!(matches!(limited, AcmeError::RateLimited { .. }), "{limited:?}");
    let refused = client.new_order(&names(&["bad.example"]), &options).await.unwrap_err();
    assert_eq!(refused.refused_names(), names(&["bad.example"]));
    assert_eq!(fake.seen("/new-order").len(), 2);
}

#[tokio::test]
async fn a_profile_that_the_ca_has_not_is_refused_before_anything_is_ordered() {
    let fake = Fake::start(|_, _, _| Reply::Hang).await;
    let options = OrderOptions {
        profile: Some("tlsserver".to_owned()),
        ..OrderOptions::default()
    };
    let error = fake
        .client()
        .await
        .new_order(&names(&["shop.example"]), &options)
        .await
        .unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("it has: classic"));
    assert!(fake.seen("/new-order").is_empty());
}

#[tokio::test]
async fn finalizing_an_order_that_is_finalized_already_finds_it_as_it_is() {
    let fake = Fake::start(|request, _, url| match request.path.as_str() {
        "/finalize/1" => Reply::problem(403, "orderNotReady", "it is processing"),
        _ => Reply::json(200, &order(url, "processing")),
    })
    .await;
    let client = fake.client().await;
    let ready = client.order(&fake.url("/order/1")).await.unwrap();
    let finalized = client.finalize(&ready, b"csr").await.unwrap();
    assert_eq!(finalized.status, OrderStatus::Processing);
    assert_eq!(fake.seen("/finalize/1").len(), 1);
    assert_eq!(fake.seen("/finalize/1")[0].payload, json!({"csr": "Y3Ny"}));
}

#[tokio::test]
async fn an_order_that_becomes_ready_a_moment_later_is_finalized_then() {
    let fake = Fake::start(|request, n, url| match (request.path.as_str(), n) {
        ("/finalize/1", 0) => Reply::problem(403, "orderNotReady", "not yet"),
        ("/finalize/1", _) => Reply::json(200, &order(url, "valid")),
        (_, 0..3) => Reply::json(200, &order(url, "pending")),
        _ => Reply::json(200, &order(url, "ready")),
    })
    .await;
    let client = fake.client().await;
    let pending = client.order(&fake.url("/order/1")).await.unwrap();
    assert_eq!(
        client.finalize(&pending, b"csr").await.unwrap().status,
        OrderStatus::Valid
    );
}

#[tokio::test]
async fn an_authorization_is_asked_for_at_once_and_then_as_the_server_wishes() {
    let fake = Fake::start(|request, n, _| match (request.path.as_str(), n) {
        ("/authz/quick", 3..) => Reply::json(200, &authorization("invalid")),
        _ => Reply::json(200, &authorization("pending")).header("retry-after", "60"),
    })
    .await;
    let client = fake.client().await;
    let limit = Duration::from_secs(20);
    let quick = client
        .wait_authorization(&fake.url("/authz/quick"), limit, &Wish::default())
        .await
        .unwrap();
    assert_eq!(quick.status, AuthorizationStatus::Invalid);
    let limit = Duration::from_millis(900);
    let error = client
        .wait_authorization(&fake.url("/authz/slow"), limit, &Wish::default())
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::StillWaiting { .. }), "{error:?}");
    let asked = fake.seen("/authz/slow").len();
    assert!((3..=8).contains(&asked), "{asked} times");
}

#[tokio::test]
async fn only_a_get_follows_redirects_and_only_to_what_may_be_asked() {
    let fake = Fake::start(|request, _, url| match request.path.as_str() {
        "/ari/AQI.Aw" => Reply::text(302, "").header("location", "/moved"),
        "/moved" => Reply::json(
            200,
            &json!({"suggestedWindow": {"start": "2026-01-01T00:00:00.5Z", "end": "2026-01-03T00:00:00Z"}}),
        )
        .header("retry-after", "1"),
        "/ari/AQI.BA" => Reply::text(302, "").header("location", "http://192.0.2.1/"),
        _ => Reply::text(307, "").header("location", format!("{url}/order/2")),
    })
    .await;
    let client = fake.client().await;
    let info = client.acme().renewal_info(&CertId::new(&[1, 2], &[3])).await.unwrap();
    assert_eq!(
        (crate::text::date(info.start), info.retry_after),
        ("2026-01-01".to_owned(), 60)
    );
    let error = client
        .acme()
        .renewal_info(&CertId::new(&[1, 2], &[4]))
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::Insecure { .. }), "{error:?}");
    let error = client.order(&fake.url("/order/1")).await.unwrap_err();
    assert!(matches!(error, AcmeError::Status { status: 307, .. }), "{error:?}");
    assert!(fake.seen("/order/2").is_empty());
}

#[tokio::test]
async fn http_is_refused_but_on_this_machine_where_it_is_allowed() {
    let fake = Fake::start(|_, _, _| Reply::Hang).await;
    let mut issuer = fake.issuer();
    issuer.allow_http_loopback = false;
    assert!(matches!(Acme::open(&issuer).await, Err(AcmeError::Insecure { .. })));
    for url in [
        "http://ca.example/dir",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "directory",
        "http://127.0.0.1.ca.example/",
    ] {
        let mut issuer = Issuer::new("own", url);
        issuer.allow_http_loopback = true;
        let error = Acme::open(&issuer).await.unwrap_err();
        assert!(matches!(error, AcmeError::Insecure { .. }), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn an_answer_is_read_up_to_a_limit() {
    let fake = Fake::start(|_, _, _| Reply::text(200, vec![b'x'; 1024 * 1024 + 1])).await;
    let error = fake.client().await.order(&fake.url("/order/1")).await.unwrap_err();
    assert!(matches!(error, AcmeError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_page_in_place_of_json_is_quoted() {
    let fake = Fake::start(|_, _, _| Reply::text(200, "<html>Log in to the WLAN")).await;
    let error = fake.client().await.order(&fake.url("/order/1")).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("it is not JSON: \"<html>Log in to the WLAN\""),
        "{error}"
    );
}

#[tokio::test]
async fn an_account_is_made_only_with_the_terms_agreed_to() {
    let fake = Fake::start(|_, _, url| {
        Reply::json(201, &json!({"status": "valid", "contact": ["mailto:ops@shop.example"]}))
            .header("location", format!("{url}/account/7"))
    })
    .await;
    let (acme, key) = (fake.acme().await, AccountKey::generate().unwrap());
    let mut registration = Registration {
        contact: vec!["mailto:ops@shop.example".to_owned()],
        ..Registration::default()
    };
    let error = acme.register(&key, &registration).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the terms of service have not been agreed to: https://ca.example/terms"
    );
    registration.agree_to_terms = true;
    let (client, account) = acme.register(&key, &registration).await.unwrap();
    assert_eq!(client.account_url(), fake.url("/account/7"));
    assert_eq!(account.contact, registration.contact);
    let seen = fake.seen("/new-account");
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].payload,
        json!({"termsOfServiceAgreed": true, "contact": ["mailto:ops@shop.example"]})
    );
    assert_eq!(seen[0].protected["url"], json!(fake.url("/new-account")));
}

#[tokio::test]
async fn a_rollover_whose_answer_was_lost_is_found_to_have_happened() {
    let fake = Fake::start(|request, n, url| match (request.path.as_str(), n) {
        ("/key-change", 0) => Reply::Break,
        ("/key-change", _) => Reply::problem(401, "unauthorized", "the key is not that of the account"),
        _ => Reply::json(200, &json!({"status": "valid"})).header("location", format!("{url}/account/1")),
    })
    .await;
    let new = AccountKey::generate().unwrap();
    let client = fake.client().await.rollover(&new).await.unwrap();
    assert_eq!(client.thumbprint(), new.thumbprint());
    let seen = fake.seen("/new-account");
    assert_eq!(seen[0].payload["onlyReturnExisting"], json!(true));
}

#[tokio::test]
async fn a_rollover_that_did_not_happen_is_an_error() {
    let fake = Fake::start(|request, _, _| match request.path.as_str() {
        "/key-change" => Reply::problem(409, "conflict", "the key belongs to another account"),
        _ => Reply::problem(400, "accountDoesNotExist", "none"),
    })
    .await;
    let failed = fake
        .client()
        .await
        .rollover(&AccountKey::generate().unwrap())
        .await
        .unwrap_err();
    assert!(failed.error.is("conflict") && failed.unchanged, "{failed:?}");
}

#[tokio::test]
async fn a_refused_rollover_has_not_failed_for_certain_until_the_ca_denies_the_new_key() {
    for answer in [
        || Reply::problem(429, "rateLimited", "too many requests"),
        || Reply::problem(403, "externalAccountRequired", "a binding is required"),
        || Reply::text(503, "busy").header("retry-after", "7200"),
        || Reply::Hang,
    ] {
        let fake = Fake::start(move |request, n, _| match (request.path.as_str(), n) {
            ("/key-change", 0) => Reply::Break,
            ("/key-change", _) => Reply::problem(401, "unauthorized", "the key is not that of the account"),
            _ => answer(),
        })
        .await;
        let new = AccountKey::generate().unwrap();
        let failed = fake.client().await.rollover(&new).await.unwrap_err();
        // What is told is why it is not known.
        assert!(!failed.unchanged && !failed.error.is("unauthorized"), "{failed:?}");
    }
}

#[tokio::test]
async fn a_rollover_leads_to_where_the_ca_has_the_account_of_the_new_key() {
    let fake = Fake::start(|request, n, url| match (request.path.as_str(), n) {
        ("/key-change", 0) => Reply::Break,
        ("/key-change", _) => Reply::problem(401, "unauthorized", "the key is not that of the account"),
        _ => Reply::json(200, &json!({"status": "valid"})).header("location", format!("{url}/account/moved")),
    })
    .await;
    let new = AccountKey::generate().unwrap();
    let client = fake.client().await.rollover(&new).await.unwrap();
    assert_eq!(client.thumbprint(), new.thumbprint());
    assert_eq!(client.account_url(), fake.url("/account/moved"));
}

#[tokio::test]
async fn revoking_twice_is_no_error() {
    let fake = Fake::start(|_, n, _| match n {
        0 => Reply::text(200, ""),
        _ => Reply::problem(400, "alreadyRevoked", "it was"),
    })
    .await;
    let client = fake.client().await;
    let revoke = || client.revoke(b"der", RevocationReason::Superseded);
    assert_eq!(revoke().await, Ok(Revoked::Now));
    assert_eq!(revoke().await, Ok(Revoked::Already));
    assert_eq!(
        fake.seen("/revoke")[0].payload,
        json!({"certificate": "ZGVy", "reason": 4})
    );
}
