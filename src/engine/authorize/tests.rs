use serde_json::json;

use super::*;
use crate::{
    acme::fake::{Fake, Reply},
    solve::dns_persist01::DnsPersist01,
};

/// Chooses one solver for every name.
struct Always(Arc<dyn Solve>);

impl Choose for Always {
    fn solver(&self, _: &Name) -> Result<Arc<dyn Solve>, SolveError> {
        Ok(Arc::clone(&self.0))
    }
}

/// A CA whose authorization offers these challenges.
async fn ca(challenges: serde_json::Value) -> Fake {
    Fake::start(move |_, _, _| {
        Reply::json(
            200,
            &json!({
                "status": "pending", "identifier": {"type": "dns", "value": "shop.example"},
                "challenges": challenges,
            }),
        )
    })
    .await
}

async fn proved(ca: &Fake) -> Refused {
    let client = ca.client().await;
    // Nobody answers there, and nobody is asked.
    let resolver = crate::net::dns::Resolver::of(vec![([127, 0, 0, 1], 9).into()]);
    let solver = DnsPersist01::new(resolver, [], client.account_url(), &["ca.example".to_owned()]);
    let (choose, hosts) = (Always(Arc::new(solver)), Hosts::default());
    let (cancel, tell) = (Cancel::never(), Teller::silent());
    let proving = AuthorizationRequest {
        client: &client,
        choose: &choose,
        hosts: &hosts,
        cancel: &cancel,
        tell: &tell,
    };
    let authorization = client.authorization(&ca.url("/authz")).await.unwrap();
    let (_, answered, result) = proving.one(authorization).await;
    assert_eq!(ca.seen("/chall").len(), 0, "the CA is asked to look at nothing");
    let refused = result.unwrap_err();
    assert!(answered.len() <= 1);
    refused
}

#[tokio::test]
async fn a_ca_that_does_not_offer_the_chosen_challenge_is_told_by_what_it_offers() {
    let ca = ca(json!([{"type": "http-01", "url": "https://ca.example/c", "token": "a", "status": "pending"}])).await;
    let refused = proved(&ca).await;
    assert_eq!(
        refused.to_string(),
        "the CA does not accept dns-persist-01 for this name (it accepts http-01)"
    );
    assert!(refused.hint().unwrap().contains("--challenge"), "{:?}", refused.hint());
}

#[tokio::test]
async fn a_challenge_that_names_no_ca_is_not_answered() {
    let ca = ca(json!([{"type": "dns-persist-01", "url": "https://ca.example/c", "status": "pending"}])).await;
    let refused = proved(&ca).await;
    assert_eq!(
        refused.to_string(),
        "the CA's challenge dns-persist-01 does not say by which domains a record names it"
    );
}

#[tokio::test]
async fn a_wildcard_is_told_from_its_base_by_what_can_prove_it() {
    let fake = Fake::start(|request, _, url| {
        let kinds: &[&str] = if request.path == "/authz/0" {
            &["dns-01"]
        } else {
            &["http-01", "dns-01"]
        };
        let offer = |kind: &&str| json!({"type": kind, "url": format!("{url}/c"), "token": "a", "status": "pending"});
        let all: Vec<_> = kinds.iter().map(offer).collect();
        let identifier = json!({"type": "dns", "value": "shop.example"});
        Reply::json(
            200,
            &json!({"status": "pending", "identifier": identifier, "challenges": all}),
        )
    })
    .await;
    let client = fake.client().await;
    let mut read = Vec::new();
    for path in ["/authz/0", "/authz/1"] {
        read.push(client.authorization(&fake.url(path)).await.unwrap());
    }
    let ordered = ["shop.example", "*.shop.example"].map(|name| name.parse().unwrap());
    tell_wildcards(&ordered, &mut read);
    assert_eq!([read[0].wildcard, read[1].wildcard], [true, false]);
}
