//! CAs as they are: what they leave out, refuse and wish for.

use super::*;
use crate::acme::{ChallengeKind, StoredAccount, Token, Trouble};

const ALL: [&str; 2] = ["shop.example", "www.shop.example"];

#[tokio::test]
async fn an_order_is_read_with_nulls_where_nothing_is_needed() {
    let fake = Fake::start(|request, _, url| match request.path.as_str() {
        "/new-order" => Reply::json(
            201,
            &json!({"status": "ready", "expires": null, "identifiers": null, "authorizations": null, "error": null,
                "finalize": format!("{url}/finalize/1"), "certificate": null, "notBefore": null}),
        )
        .header("location", format!("{url}/order/1")),
        "/order/2" => Reply::json(200, &json!({"status": "ready", "authorizations": []})),
        "/authz/1" => Reply::json(
            200,
            &json!({"status": "valid", "identifier": {"type": "dns", "value": "shop.example"}, "wildcard": null,
                "expires": null, "challenges": null}),
        ),
        "/authz/2" => Reply::json(
            200,
            &json!({"status": "pending", "identifier": {"type": "dns", "value": "shop.example"}, "challenges": [
                {"type": null}, {"type": "http-01", "token": "abc", "url": null, "status": null, "error": null}]}),
        ),
        _ => Reply::json(200, &json!({"status": "processing"})),
    })
    .await;
    let client = fake.client().await;
    let options = OrderOptions::default();
    let order = client.new_order(&names(&ALL), &options).await.unwrap();
    assert_eq!((order.status, order.authorizations.len()), (OrderStatus::Ready, 0));
    let finalized = client.finalize(&order, b"csr").await.unwrap();
    assert_eq!(finalized.status, OrderStatus::Processing);
    assert!(
        client
            .authorization(&fake.url("/authz/1"))
            .await
            .unwrap()
            .challenges
            .is_empty()
    );
    let open = client.authorization(&fake.url("/authz/2")).await.unwrap();
    let challenge = open.challenge(&ChallengeKind::Http01).unwrap();
    assert_eq!(challenge.token, Token::new("abc"));
    // What is missing is told when it is needed.
    let error = client.respond(challenge).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the CA does not offer an answer to this challenge: it has no URL"
    );
    let without = client.order(&fake.url("/order/2")).await.unwrap();
    let error = client.finalize(&without, b"csr").await.unwrap_err();
    assert!(error.to_string().contains("(finalize)"), "{error}");
}

#[tokio::test]
async fn a_directory_needs_only_what_is_used() {
    let fake =
        Fake::start(|_, _, url| Reply::json(201, &order(url, "pending")).header("location", format!("{url}/order/1")))
            .await;
    fake.set_directory(json!({"keyChange": null, "revokeCert": null, "renewalInfo": null, "meta": null}));
    let client = fake.client().await;
    client.new_order(&names(&ALL), &OrderOptions::default()).await.unwrap();
    let new = AccountKey::generate().unwrap();
    let error = client.rollover(&new).await.unwrap_err().error;
    assert_eq!(
        error.to_string(),
        "the CA does not offer another key for an account: its directory has no keyChange"
    );
    let revoked = client.revoke(b"der", RevocationReason::Superseded).await;
    assert_eq!(
        revoked.unwrap_err().to_string(),
        "the CA does not offer revocation over ACME: its directory has no revokeCert"
    );
    // Something else is no directory.
    fake.set_directory(json!({"newNonce": null, "newAccount": null, "newOrder": null}));
    let error = Acme::open_with(&fake.issuer(), LIMITS).await.unwrap_err();
    assert!(error.to_string().contains("it is not an ACME directory"), "{error}");
}

#[tokio::test]
async fn what_a_ca_refuses_with_nulls_is_told_in_its_words() {
    let fake = Fake::start(|_, _, _| {
        Reply::json(
            400,
            &json!({"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "role forbids it", "status": 400,
                "subproblems": null, "instance": null}),
        )
    })
    .await;
    let client = fake.client().await;
    let error = client
        .new_order(&names(&ALL), &OrderOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "rejectedIdentifier: role forbids it");
}

/// A CA that has moved: it has the account elsewhere, and says of the old URL what `refusal` says.
async fn moved(refusal: fn() -> Reply) -> Fake {
    Fake::start(move |request, _, url| match request.path.as_str() {
        "/new-account" => {
            Reply::json(200, &json!({"status": "valid"})).header("location", format!("{url}/account/new"))
        }
        _ if request.protected["kid"] != json!(format!("{url}/account/new")) => refusal(),
        "/new-order" => Reply::json(201, &order(url, "pending")).header("location", format!("{url}/order/1")),
        _ => Reply::json(200, &json!({"status": "valid"})),
    })
    .await
}

#[tokio::test]
async fn an_account_whose_url_the_ca_does_not_know_is_found_by_its_key() {
    for refusal in [
        || Reply::problem(401, "unauthorized", "kid does not match"),
        || Reply::problem(400, "accountDoesNotExist", "no such account"),
        || Reply::problem(400, "malformed", "kid does not have required prefix"),
        || Reply::problem(500, "serverInternal", "The server experienced an internal error"),
    ] {
        let fake = moved(refusal).await;
        let client = fake.client().await;
        let (all, options) = (names(&ALL), OrderOptions::default());
        // Side by side: the account is looked for once.
        let (one, two) = tokio::join!(client.new_order(&all, &options), client.new_order(&all, &options));
        assert_eq!(one.unwrap().url, two.unwrap().url);
        assert_eq!(client.account_url(), fake.url("/account/new"));
        assert_eq!(client.take_moved(), Some(fake.url("/account/new").as_str()));
        assert_eq!(client.take_moved(), None);
        assert_eq!(client.account().await.unwrap().url, fake.url("/account/new"));
        let seen = fake.seen("/new-account");
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].payload["onlyReturnExisting"], json!(true));
    }
}

#[tokio::test]
async fn an_account_that_is_gone_is_told_with_the_way_out_whatever_the_status() {
    for status in [400, 401, 500] {
        let kind = if status == 500 {
            "serverInternal"
        } else {
            "unauthorized"
        };
        let fake = Fake::start(move |request, _, _| match request.path.as_str() {
            "/new-account" => Reply::problem(400, "accountDoesNotExist", "no account has this key"),
            _ => Reply::problem(status, kind, "not found"),
        })
        .await;
        let client = fake.client().await;
        let error = client
            .new_order(&names(&ALL), &OrderOptions::default())
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("the CA knows no account of this key any more"),
            "{text}"
        );
        assert!(text.contains("not found"), "{text}");
        assert!(
            error.hint().unwrap().contains("`kubectl certs account register`"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_that_is_not_about_the_account_stands_and_its_key_is_looked_for_once() {
    let fake = Fake::start(|request, _, url| match request.path.as_str() {
        "/new-account" => Reply::json(200, &json!({"status": "valid"})).header("location", format!("{url}/account/1")),
        _ => Reply::problem(403, "unauthorized", "not yours"),
    })
    .await;
    let client = fake.client().await;
    for _ in 0..3 {
        let error = client.order(&fake.url("/order/1")).await.unwrap_err();
        assert_eq!(error.to_string(), "unauthorized: not yours");
    }
    assert_eq!((fake.seen("/order/1").len(), fake.seen("/new-account").len()), (3, 1));
}

#[tokio::test]
async fn changed_terms_are_told_with_the_page_and_what_to_do_there() {
    let fake = Fake::start(|_, n, _| {
        let instance = if n == 0 {
            "https://ca.example/agree?a=1"
        } else {
            "/agree"
        };
        Reply::json(
            403,
            &json!({"type": "urn:ietf:params:acme:error:userActionRequired",
                "detail": "Terms of service have changed", "instance": instance}),
        )
        .header("link", r#"<https://ca.example/terms-2>;rel="terms-of-service""#)
    })
    .await;
    let client = fake.client().await;
    for page in ["https://ca.example/agree?a=1".to_owned(), fake.url("/agree")] {
        let error = client
            .new_order(&names(&ALL), &OrderOptions::default())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the CA asks for something to be done first: userActionRequired: Terms of service have changed"
        );
        assert_eq!(
            error.hint().unwrap(),
            format!(
                "open {page} in a browser, and do there what the CA asks for (its terms of service: \
                 https://ca.example/terms-2); then run the command again"
            )
        );
    }
}

#[tokio::test]
async fn a_limit_that_soon_passes_is_waited_for_as_a_busy_server_is() {
    let fake = Fake::start(|_, n, url| match n {
        0 => Reply::text(429, "<html>Too Many Requests").header("retry-after", "1"),
        1 => Reply::problem(429, "rateLimited", "too many requests").header("retry-after", "0"),
        _ => Reply::json(201, &order(url, "pending")).header("location", format!("{url}/order/1")),
    })
    .await;
    let (client, began) = (fake.client().await, Instant::now());
    client.new_order(&names(&ALL), &OrderOptions::default()).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(fake.seen("/new-order").len(), 3);
}

#[tokio::test]
async fn a_limit_that_never_passes_is_told_as_one_in_the_end() {
    let fake = Fake::start(|_, _, _| {
        Reply::problem(429, "rateLimited", "too many, see https://ca.example/limits").header("retry-after", "0")
    })
    .await;
    let client = fake.client().await;
    let error = client
        .new_order(&names(&ALL), &OrderOptions::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, AcmeError::RateLimited { until: Some(_), .. }),
        "{error:?}"
    );
    assert!(
        error.hint().unwrap().ends_with("https://ca.example/limits"),
        "{error:?}"
    );
    assert_eq!(fake.seen("/new-order").len(), 4);
}

#[tokio::test]
async fn whatever_retry_after_an_order_has_it_is_asked_again_within_seconds() {
    for wish in [Some("86400"), Some("0"), None] {
        let fake = Fake::start(move |_, n, url| {
            let status = if n < 6 { "processing" } else { "valid" };
            let reply = Reply::json(200, &order(url, status));
            match wish {
                Some(wish) => reply.header("retry-after", wish),
                None => reply,
            }
        })
        .await;
        let (client, limit, waits) = (fake.client().await, Duration::from_secs(30), Wish::default());
        let began = Instant::now();
        let order = client.wait_order(&fake.url("/order/1"), limit, &waits).await.unwrap();
        assert_eq!(order.status, OrderStatus::Valid);
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{wish:?}: {:?}",
            began.elapsed()
        );
        assert_eq!(
            waits.words().contains("asks to come back after 20"),
            wish == Some("86400")
        );
    }
}

#[tokio::test]
async fn an_order_that_is_not_done_in_time_says_when_the_ca_asks_to_come_back() {
    let fake =
        Fake::start(|_, _, url| Reply::json(200, &order(url, "processing")).header("retry-after", "86400")).await;
    let (limit, wish) = (Duration::from_millis(500), Wish::default());
    let (client, url) = (fake.client().await, fake.url("/order/1"));
    let error = client.wait_order(&url, limit, &wish).await.unwrap_err();
    let tomorrow = &crate::text::date_time(crate::clock::now() + 86_400)[..10];
    assert!(
        error
            .to_string()
            .contains(&format!("asks to come back after {tomorrow}")),
        "{error}"
    );
    assert!(
        error
            .hint()
            .unwrap()
            .starts_with(&format!("run the command again after {tomorrow}"))
    );
}

#[tokio::test]
async fn a_nonce_is_had_by_get_where_head_is_not_known() {
    for status in [404, 405, 501] {
        let fake = Fake::start(|_, _, url| Reply::json(200, &order(url, "ready")).header("replay-nonce", "")).await;
        fake.refuse_head(status);
        fake.set_nonce_status(204);
        let client = fake.client().await;
        for _ in 0..2 {
            client.order(&fake.url("/order/1")).await.unwrap();
        }
        let methods: Vec<String> = fake.seen("/nonce").into_iter().map(|r| r.method).collect();
        // HEAD is not tried again.
        assert_eq!(methods, ["HEAD", "GET", "GET"], "{status}");
    }
}

#[tokio::test]
async fn a_contact_or_a_common_name_that_is_wanted_is_told_by_its_flag_or_setting() {
    for (kind, detail, hint) in [
        ("invalidContact", "contact is required", "--email ADDRESS"),
        ("unsupportedContact", "no", "--email ADDRESS"),
        ("malformed", "At least one contact must be given", "--email ADDRESS"),
        ("malformed", "an e-mail address is missing", "--email ADDRESS"),
        ("badCSR", "CSR does not have a Common Name", "commonName: true"),
    ] {
        let fake = Fake::start(move |_, _, _| Reply::problem(400, kind, detail)).await;
        let registration = Registration {
            agree_to_terms: true,
            ..Registration::default()
        };
        let key = AccountKey::generate().unwrap();
        let error = fake.acme().await.register(&key, &registration).await.unwrap_err();
        assert!(error.hint().unwrap().contains(hint), "{kind} {detail}: {error:?}");
    }
}

#[tokio::test]
async fn an_account_is_there_with_an_answer_that_says_only_where() {
    let fake = Fake::start(|request, _, url| {
        let body = if request.payload["onlyReturnExisting"].is_null() {
            ""
        } else {
            r#"{"contact": null, "orders": 7}"#
        };
        Reply::text(200, body).header("location", format!("{url}/account/7"))
    })
    .await;
    let (acme, key) = (fake.acme().await, AccountKey::generate().unwrap());
    let registration = Registration {
        agree_to_terms: true,
        ..Registration::default()
    };
    let (client, account) = acme.register(&key, &registration).await.unwrap();
    assert_eq!(
        (client.account_url(), account.contact.len()),
        (fake.url("/account/7").as_str(), 0)
    );
    assert!(acme.find_account(&key).await.unwrap().is_some());
}

/// An authorization with one challenge as the CA has it.
fn challenge(url: &str, authorization: &str, challenge: &str, error: Option<&str>) -> Reply {
    let error = error.map(|detail| json!({"type": "urn:ietf:params:acme:error:connection", "detail": detail}));
    Reply::json(
        200,
        &json!({"status": authorization, "identifier": {"type": "dns", "value": "shop.example"}, "challenges": [
            {"type": "http-01", "url": format!("{url}/challenge/1"), "token": "abc", "status": challenge, "error": error}]}),
    )
}

/// Answers the challenge, and returns what the authorization is then, and what was told meanwhile.
async fn validated(fake: &Fake) -> (Result<crate::acme::Authorization, AcmeError>, Vec<(String, Trouble)>) {
    let client = fake.client().await;
    let url = fake.url("/authz/1");
    let before = client.authorization(&url).await.unwrap();
    let challenge = before.challenge(&ChallengeKind::Http01).unwrap();
    client.respond(challenge).await.unwrap();
    let told = std::sync::Mutex::new(Vec::new());
    let trouble =
        |problem: &crate::acme::Problem, then: Trouble| told.lock().unwrap().push((problem.to_string(), then));
    let (limit, wish) = (Duration::from_secs(20), Wish::default());
    let ended = client.wait_validation(&url, challenge, limit, &wish, &trouble).await;
    (ended, told.into_inner().unwrap())
}

#[tokio::test]
async fn a_challenge_that_failed_and_stays_pending_is_told_at_once_and_offered_again() {
    let offers = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = offers.clone();
    let fake = Fake::start(move |request, _, url| {
        use std::sync::atomic::Ordering::Relaxed;
        if request.path == "/challenge/1" {
            count.fetch_add(1, Relaxed);
            return Reply::json(200, &json!({"type": "http-01", "status": "pending"}));
        }
        match count.load(Relaxed) {
            0 => challenge(url, "pending", "pending", None),
            1 | 2 => challenge(url, "pending", "pending", Some("connection refused")),
            _ => challenge(url, "valid", "valid", None),
        }
    })
    .await;
    let (ended, told) = validated(&fake).await;
    assert_eq!(ended.unwrap().status, AuthorizationStatus::Valid);
    let seconds = |n| Trouble::OfferedAgain(Duration::from_secs(n));
    let said = || "connection: connection refused".to_owned();
    assert_eq!(told, [(said(), seconds(1)), (said(), seconds(2))]);
    assert_eq!(fake.seen("/challenge/1").len(), 3);
}

#[tokio::test]
async fn a_challenge_that_the_ca_tries_again_by_itself_is_told_once_and_not_offered_again() {
    let fake = Fake::start(|request, n, url| match (request.path.as_str(), n) {
        ("/challenge/1", _) => Reply::json(200, &json!({"type": "http-01", "status": "processing"})),
        (_, 0) => challenge(url, "pending", "pending", None),
        (_, 1..5) => challenge(url, "pending", "processing", Some("timeout")),
        _ => challenge(url, "valid", "valid", None),
    })
    .await;
    let (ended, told) = validated(&fake).await;
    assert_eq!(ended.unwrap().status, AuthorizationStatus::Valid);
    assert_eq!(told, [("connection: timeout".to_owned(), Trouble::CaRetries)]);
    assert_eq!(fake.seen("/challenge/1").len(), 1);
}

#[tokio::test]
async fn a_challenge_that_is_invalid_ends_the_wait_although_its_authorization_is_pending() {
    let fake = Fake::start(|request, n, url| match (request.path.as_str(), n) {
        ("/challenge/1", _) => Reply::json(200, &json!({"type": "http-01", "status": "processing"})),
        (_, 0) => challenge(url, "pending", "pending", None),
        _ => challenge(url, "pending", "invalid", Some("wrong answer")),
    })
    .await;
    let began = Instant::now();
    let (ended, told) = validated(&fake).await;
    let ended = ended.unwrap();
    assert_eq!(ended.status, AuthorizationStatus::Pending);
    assert_eq!(ended.failure().unwrap().to_string(), "connection: wrong answer");
    assert!(told.is_empty() && began.elapsed() < Duration::from_secs(2));
    assert_eq!(fake.seen("/challenge/1").len(), 1);
}

#[tokio::test]
async fn a_challenge_that_the_ca_does_not_take_twice_has_failed() {
    let fake = Fake::start(|request, n, url| match (request.path.as_str(), n) {
        ("/challenge/1", 0) => Reply::json(200, &json!({"type": "http-01", "status": "pending"})),
        ("/challenge/1", _) => Reply::problem(400, "malformed", "the challenge is not pending"),
        (_, 0) => challenge(url, "pending", "pending", None),
        _ => challenge(url, "pending", "pending", Some("connection refused")),
    })
    .await;
    let (ended, told) = validated(&fake).await;
    assert_eq!(
        ended.unwrap().failure().unwrap().to_string(),
        "connection: connection refused"
    );
    assert_eq!(told.len(), 1);
}

#[test]
fn a_stored_account_may_lack_what_is_not_needed() {
    let text = r#"{"directory": "https://ca.example/dir", "key": "PEM", "created": 1, "later": {}}"#;
    assert!(serde_json::from_str::<StoredAccount>(text).unwrap().url.is_none());
}
