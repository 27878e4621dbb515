use serde_json::{Value, json};

use super::*;

fn answer(body: &Value) -> HttpAnswer {
    HttpAnswer {
        url: "https://ca.example/x".to_owned(),
        status: 200,
        retry_after: None,
        location: None,
        nonce: None,
        links: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

fn authorization(challenges: &Value) -> Result<Authorization, AcmeError> {
    let identifier = json!({"type": "dns", "value": "Shop.example"});
    Authorization::of(&answer(&json!({
        "status": "pending", "expires": "2026-12-01T00:00:00Z", "identifier": identifier, "wildcard": true,
        "challenges": challenges,
    })))
}

#[test]
fn an_authorization_of_a_wildcard_names_the_bare_domain() {
    let token = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
    let read = authorization(&json!([
        {"type": "dns-01", "url": "https://ca.example/c/1", "token": token, "status": "pending"},
        {"type": "dns-persist-01", "url": "https://ca.example/c/2", "status": "pending",
         "issuer-domain-names": ["ca.example"]},
    ]))
    .unwrap();
    assert_eq!(
        (read.name.to_string(), read.wildcard),
        ("shop.example".to_owned(), true)
    );
    assert_eq!(read.ordered().to_string(), "*.shop.example");
    let challenge = read.challenge(&ChallengeKind::Dns01).unwrap();
    assert_eq!(challenge.token.as_ref().unwrap().as_str(), token);
    assert_eq!(read.challenges[1].kind, ChallengeKind::DnsPersist01);
    assert_eq!(read.challenges[1].token, None);
    assert_eq!(read.challenges[1].issuers, ["ca.example"]);
    assert_eq!(challenge.issuers, [""; 0]);
    assert!(read.challenge(&ChallengeKind::Http01).is_none());
}

#[test]
fn a_standing_record_names_the_ca_by_few_domains_and_by_nothing_else() {
    let issuers = |said: Value| {
        let challenge = json!([{"type": "dns-persist-01", "url": "https://ca.example/c", "issuer-domain-names": said}]);
        authorization(&challenge).unwrap().challenges[0].issuers.clone()
    };
    assert_eq!(issuers(json!(["a.example", "b.example"])), ["a.example", "b.example"]);
    for malformed in [
        Value::Null,
        json!([]),
        json!(vec!["a.example"; 11]),
        json!(["a.example; accounturi=x"]),
        json!([""]),
    ] {
        assert_eq!(issuers(malformed.clone()), [""; 0], "{malformed}");
    }
}

#[test]
fn a_token_that_is_a_path_is_not_taken() {
    for token in ["../../etc/passwd", "a/b", "a.b", "", "a b", "tokén", &"a".repeat(201)] {
        assert_eq!(Token::new(token), None, "{token}");
        let challenge =
            json!([{"type": "http-01", "url": "https://ca.example/c", "token": token, "status": "pending"}]);
        let error = authorization(&challenge).unwrap_err();
        assert!(
            error.to_string().contains("a challenge's token is not base64url"),
            "{error}"
        );
    }
}

#[test]
fn the_failure_of_an_authorization_is_its_challenges() {
    let error = json!({"type": "urn:ietf:params:acme:error:dns", "detail": "NXDOMAIN"});
    let read = authorization(&json!([
        {"type": "dns-01", "url": "https://ca.example/c/1", "token": "a", "status": "pending"},
        {"type": "http-01", "url": "https://ca.example/c/2", "token": "a", "status": "invalid", "error": error},
    ]))
    .unwrap();
    assert_eq!(read.failure().unwrap().to_string(), "dns: NXDOMAIN");
}

#[test]
fn an_order_is_read_with_what_it_is_for_and_statuses_that_are_not_known() {
    let body = json!({
        "status": "on-hold", "expires": "2026-12-01T00:00:00Z",
        "identifiers": [{"type": "dns", "value": "*.shop.example"}, {"type": "ip", "value": "2001:db8::1"}],
        "authorizations": [], "finalize": "https://ca.example/f", "profile": "shortlived", "replaces": "AQ.Ag",
        "error": {"type": "urn:ietf:params:acme:error:caa"},
    });
    let order = Order::of(&answer(&body), "https://ca.example/o/1").unwrap();
    assert_eq!(order.status, OrderStatus::Unknown);
    assert_eq!(
        order.names,
        ["*.shop.example".parse().unwrap(), "2001:db8::1".parse().unwrap()]
    );
    assert_eq!(
        (order.profile.as_deref(), order.replaces.as_deref()),
        (Some("shortlived"), Some("AQ.Ag"))
    );
    assert!(order.error.unwrap().is("caa"));
    assert_eq!(order.expires, parse_time("2026-12-01"));
    let mut wrong = body;
    wrong["identifiers"][0]["value"] = json!("192.0.2.1");
    assert!(Order::of(&answer(&wrong), "https://ca.example/o/1").is_err());
}
