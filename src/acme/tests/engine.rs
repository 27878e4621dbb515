//! What instant-acme makes and signs, and what it would lose.

use futures_util::{StreamExt as _, stream};

use super::*;
use crate::acme::{Authorization, Challenge, ChallengeKind, ChallengeStatus, Client, Eab, SigningKey};

fn rsa() -> AccountKey {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    AccountKey::from_pem(&pair.serialize_pem().into()).unwrap()
}

fn challenge(url: String) -> Challenge {
    Challenge {
        kind: ChallengeKind::Dns01,
        url,
        token: None,
        issuers: Vec::new(),
        status: ChallengeStatus::Pending,
        error: None,
    }
}

/// A CA that has whatever it is asked for.
async fn willing() -> Fake {
    Fake::start(|request, _, url| match request.path.as_str() {
        "/account/1" => Reply::json(200, &json!({"status": "valid", "contact": request.payload["contact"]})),
        path if path.starts_with("/authz/") => {
            let name = format!("n{}.example", &path["/authz/".len()..]);
            Reply::json(
                200,
                &json!({"status": "pending", "identifier": {"type": "dns", "value": name}, "challenges": []}),
            )
        }
        "/new-order" => Reply::json(201, &order(url, "pending")).header("location", format!("{url}/order/1")),
        _ => Reply::json(200, &order(url, "valid")),
    })
    .await
}

#[tokio::test]
async fn an_order_whose_answer_says_nothing_of_what_it_replaces_is_not_lost() {
    let fake = willing().await;
    let options = OrderOptions {
        replaces: Some(CertId::new(&[1, 2], &[3])),
        ..OrderOptions::default()
    };
    let client = fake.client().await;
    let ordered = client.new_order(&names(&["shop.example"]), &options).await.unwrap();
    assert_eq!(ordered.url, fake.url("/order/1"));
    assert_eq!(ordered.replaces, None);
    let seen = fake.seen("/new-order");
    assert_eq!((seen.len(), &seen[0].payload["replaces"]), (1, &json!("AQI.Aw")));
}

#[tokio::test]
async fn a_challenge_and_a_request_are_sent_without_asking_for_what_is_known() {
    let fake = willing().await;
    let client = fake.client().await;
    let read = client.order(&fake.url("/order/1")).await.unwrap();
    client.respond(&challenge(fake.url("/challenge/1"))).await.unwrap();
    client.finalize(&read, b"csr").await.unwrap();
    let seen = fake.seen("/challenge/1");
    assert_eq!((seen.len(), &seen[0].payload), (1, &json!({})));
    assert_eq!(seen[0].protected["url"], json!(fake.url("/challenge/1")));
    assert_eq!(fake.seen("/finalize/1")[0].payload, json!({"csr": "Y3Ny"}));
    assert_eq!((fake.seen("/order/1").len(), fake.seen("/authz/1").len()), (1, 0));
    // Nor is the directory read twice, or a nonce fetched that is at hand.
    assert_eq!((fake.seen("/dir").len(), fake.seen("/nonce").len()), (1, 1));
}

#[tokio::test]
async fn of_a_hundred_that_are_asked_side_by_side_each_gets_its_own_answer() {
    let fake = willing().await;
    let client = fake.client().await;
    let all: Vec<(usize, Authorization)> = stream::iter(0..100)
        .map(|n| {
            let (client, url) = (client.clone(), fake.url(&format!("/authz/{n}")));
            async move { (n, client.authorization(&url).await.unwrap()) }
        })
        .buffer_unordered(20)
        .collect()
        .await;
    for (n, authorization) in &all {
        assert_eq!(authorization.name.to_string(), format!("n{n}.example"));
        assert_eq!(authorization.url, fake.url(&format!("/authz/{n}")));
    }
    let seen = (0..100).flat_map(|n| fake.seen(&format!("/authz/{n}")));
    let nonces: std::collections::BTreeSet<String> = seen.map(|r| r.protected["nonce"].to_string()).collect();
    assert_eq!(nonces.len(), 100, "each is signed with a nonce of its own");
}

#[tokio::test]
async fn an_account_of_another_kind_of_key_does_all_that_others_do() {
    let fake = willing().await;
    let (acme, key) = (fake.acme().await, rsa());
    let account = fake.url("/account/1");
    let client: Client = acme.client(key.clone(), account.as_str());
    let ordered = client
        .new_order(&names(&["shop.example"]), &OrderOptions::default())
        .await
        .unwrap();
    client.respond(&challenge(fake.url("/challenge/1"))).await.unwrap();
    client.finalize(&ordered, b"csr").await.unwrap();
    let contact = ["mailto:ops@shop.example".to_owned()];
    assert_eq!(client.update_contact(&contact).await.unwrap().contact, contact);
    client.revoke(b"der", RevocationReason::Unspecified).await.unwrap();
    for (path, payload) in [
        (
            "/new-order",
            json!({"identifiers": [{"type": "dns", "value": "shop.example"}]}),
        ),
        ("/challenge/1", json!({})),
        ("/finalize/1", json!({"csr": "Y3Ny"})),
        ("/account/1", json!({"contact": contact})),
        ("/revoke", json!({"certificate": "ZGVy", "reason": 0})),
    ] {
        let seen = fake.seen(path);
        assert_eq!((seen.len(), &seen[0].payload), (1, &payload), "{path}");
        let header = &seen[0].protected;
        assert_eq!((&header["alg"], &header["kid"]), (&json!("RS256"), &json!(account)));
        assert_eq!(header["url"], json!(fake.url(path)));
    }
}

#[tokio::test]
async fn an_order_that_is_refused_as_not_ready_twice_in_a_row_is_finalized_then() {
    let fake = Fake::start(|request, n, url| match (request.path.as_str(), n) {
        ("/finalize/1", 0..3) => Reply::problem(403, "orderNotReady", "not yet"),
        ("/finalize/1", _) => Reply::json(200, &order(url, "processing")),
        _ => Reply::json(200, &order(url, "ready")),
    })
    .await;
    let client = fake.client().await;
    let ready = client.order(&fake.url("/order/1")).await.unwrap();
    assert_eq!(
        client.finalize(&ready, b"csr").await.unwrap().status,
        OrderStatus::Processing
    );
    assert_eq!(fake.seen("/finalize/1").len(), 4);
}

#[tokio::test]
async fn a_busy_server_is_waited_for_as_long_as_it_wishes() {
    let fake = Fake::start(|_, n, url| match n {
        0 => Reply::problem(503, "rateLimited", "Service busy").header("retry-after", "1"),
        _ => Reply::json(200, &order(url, "ready")),
    })
    .await;
    let (client, began) = (fake.client().await, Instant::now());
    client.order(&fake.url("/order/1")).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_nonce_may_come_with_another_success() {
    let fake = willing().await;
    fake.set_nonce_status(204);
    fake.client().await.order(&fake.url("/order/1")).await.unwrap();
}

#[tokio::test]
async fn registering_a_stored_key_twice_finds_one_account_however_it_is_signed() {
    let fake = Fake::start(|request, _, url| {
        let key = &request.protected["jwk"];
        let of_key = key["x"].as_str().or_else(|| key["n"].as_str()).unwrap();
        let account = format!("{url}/account/{}", &of_key[..8]);
        let body = json!({"status": "valid", "contact": request.payload["contact"]});
        Reply::json(201, &body).header("location", account)
    })
    .await;
    let acme = fake.acme().await;
    for key in [AccountKey::generate().unwrap(), rsa()] {
        let plain = Registration {
            agree_to_terms: true,
            ..Registration::default()
        };
        let with_contact = Registration {
            contact: vec!["mailto:ops@shop.example".to_owned()],
            ..plain.clone()
        };
        let (first, _) = acme.register(&key, &plain).await.unwrap();
        let (second, account) = acme.register(&key, &with_contact).await.unwrap();
        let (found, _) = acme.find_account(&key).await.unwrap().unwrap();
        assert_eq!(first.account_url(), second.account_url());
        assert_eq!(first.account_url(), found.account_url());
        assert_eq!(account.contact, with_contact.contact);
    }
    let agreed = |payload: &Value| payload["termsOfServiceAgreed"] == json!(true);
    let existing = |payload: &Value| payload["onlyReturnExisting"] == json!(true);
    let seen = fake.seen("/new-account");
    assert!(seen.iter().all(|r| agreed(&r.payload) || existing(&r.payload)));
    assert_eq!(seen.iter().filter(|r| existing(&r.payload)).count(), 2);
}

#[tokio::test]
async fn a_binding_that_is_wanted_is_told_before_anything_is_sent_and_binds_the_stored_key() {
    let fake = Fake::start(|_, _, url| {
        Reply::json(201, &json!({"status": "valid"})).header("location", format!("{url}/account/7"))
    })
    .await;
    fake.set_meta(json!({"externalAccountRequired": true, "website": "https://ca.example"}));
    let (acme, key) = (fake.acme().await, AccountKey::generate().unwrap());
    let mut registration = Registration::default();
    let error = acme.register(&key, &registration).await.unwrap_err();
    assert!(matches!(error, AcmeError::BindingRequired { .. }), "{error:?}");
    assert!(fake.seen("/new-account").is_empty());
    registration.eab = Some(Eab {
        kid: "kid-1".to_owned(),
        key: "c2VjcmV0".into(),
    });
    acme.register(&key, &registration).await.unwrap();
    let seen = fake.seen("/new-account");
    assert!(seen[0].payload["externalAccountBinding"]["signature"].is_string());
    assert_eq!(seen[0].protected["jwk"]["kty"], json!("EC"));
}

#[tokio::test]
async fn a_certificates_own_key_revokes_it_without_an_account() {
    let fake = Fake::start(|_, _, _| Reply::text(200, "")).await;
    let pair = rcgen::KeyPair::generate().unwrap();
    let key = SigningKey::from_pem(pair.serialize_pem().as_bytes()).unwrap();
    let acme = fake.acme().await;
    let reason = RevocationReason::KeyCompromise;
    assert_eq!(acme.revoke_with_key(&key, b"der", reason).await, Ok(Revoked::Now));
    let seen = fake.seen("/revoke");
    assert_eq!(seen[0].payload, json!({"certificate": "ZGVy", "reason": 1}));
    assert!(seen[0].protected["kid"].is_null() && seen[0].protected["jwk"]["x"].is_string());
}

#[tokio::test]
async fn a_url_of_the_server_that_is_none_is_told_before_anything_is_signed() {
    let fake = Fake::start(|_, _, _| Reply::Hang).await;
    let client = fake.client().await;
    for url in ["", "finalize", "ftp://ca.example/x", "http://ca.example/x"] {
        let error = client.order(url).await.unwrap_err();
        assert!(matches!(error, AcmeError::Insecure { .. }), "{url}: {error:?}");
    }
    assert!(fake.seen("/nonce").is_empty());
}

#[tokio::test]
async fn what_a_ca_dates_is_read_by_the_clock_that_dated_it() {
    // The CA's clock is two hours ahead of this machine's, and it asks for a minute of patience.
    let http = |at: i64| {
        let at = jiff::Timestamp::from_second(at).unwrap();
        at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    let ahead = 7_200;
    let fake = Fake::start(move |_, _, url| {
        let theirs = crate::clock::now() + ahead;
        let reply = Reply::json(200, &order(url, "processing")).header("date", http(theirs));
        reply.header("retry-after", http(theirs + 60))
    })
    .await;
    let client = fake.client().await;
    let before = crate::clock::now();
    client.order(&fake.url("/order/1")).await.unwrap();
    let theirs = client.acme().server_time();
    assert!(
        (before + ahead..=crate::clock::now() + ahead).contains(&theirs),
        "{theirs}"
    );
    let http = crate::acme::http::Http::new(&fake.issuer(), LIMITS).unwrap();
    let read = http.get(&fake.url("/order/1")).await.unwrap();
    assert_eq!(read.retry_after, Some(std::time::Duration::from_mins(1)));
}
