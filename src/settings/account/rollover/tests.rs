use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::{
    acme::fake::Reply,
    settings::account::scene::{Scene, made, only_asks},
};

/// A CA that takes the new key, whose answer is lost, and which then does not take the old key any more. `looked_up` is
/// what it says of the new key.
async fn taken_unheard(looked_up: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Scene {
    let scene = Scene::of(move |request, n, url| match (request.path.as_str(), n) {
        ("/key-change", 0) => Reply::Break,
        ("/key-change", _) => Reply::problem(401, "unauthorized", "the key is not that of the account"),
        ("/new-account", _) => looked_up(url),
        _ => Reply::json(200, &json!({"status": "valid"})),
    })
    .await;
    let url = scene.fake.url("/account/1");
    scene.holding(&url).await
}

async fn roll(scene: &Scene) -> Result<Ready, AccountError> {
    rollover(&scene.acme, &scene.chosen, &scene.store).await
}

fn print(key: &SecretString) -> String {
    AccountKey::from_pem(key).unwrap().thumbprint()
}

/// The thumbprints of the account's key and of the new one.
async fn keys(scene: &Scene) -> (String, Option<String>) {
    let kept = scene.kept().await.unwrap();
    (
        print(&kept.account.key),
        kept.pending.map(|pending| print(&pending.key)),
    )
}

/// Has another run keep these keys: of nothing the one that is kept.
async fn keep(scene: &Scene, key: Option<&AccountKey>, pending: Option<&AccountKey>) {
    let change = |present: Option<Kept>| {
        let mut kept = present.unwrap();
        if let Some(key) = key {
            kept.account.key = key.pem().clone();
        }
        kept.pending = pending.map(|key| PendingKey {
            key: key.pem().clone(),
            since: now(),
        });
        Change::Keep(Box::new(kept))
    };
    let directory = scene.acme.directory_url();
    scene.store.change(directory, &change).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_and_a_failed_look_up_leave_both_keys() {
    for answer in [
        || Reply::problem(429, "rateLimited", "too many requests"),
        || Reply::problem(403, "externalAccountRequired", "a binding is required"),
        || Reply::text(503, "busy").header("retry-after", "7200"),
        || Reply::Hang,
    ] {
        let able = Arc::new(Mutex::new(false));
        let answers = Arc::clone(&able);
        let scene = taken_unheard(move |url| {
            if *answers.lock().unwrap() {
                made(url, "/account/1")
            } else {
                answer()
            }
        })
        .await;
        let before = scene.thumbprint().await;
        roll(&scene).await.unwrap_err();
        let (key, pending) = keys(&scene).await;
        let pending = pending.expect("the new key, which may be the only one that the CA takes");
        assert_eq!(key, before);
        // The next run finds out that the new key is the account's.
        *able.lock().unwrap() = true;
        let ready = existing(&scene.acme, &scene.chosen, &scene.store).await.unwrap();
        assert_eq!(ready.client.thumbprint(), pending);
        assert_eq!(keys(&scene).await, (pending, None));
    }
}

#[tokio::test]
async fn an_account_that_is_elsewhere_with_its_new_key_is_kept_with_its_new_url() {
    let scene = taken_unheard(|url| made(url, "/account/moved")).await;
    let before = scene.thumbprint().await;
    let ready = roll(&scene).await.unwrap();
    let moved = scene.fake.url("/account/moved");
    assert_eq!(ready.client.account_url(), moved);
    assert_eq!(scene.kept().await.unwrap().account.url, Some(moved));
    assert_eq!(keys(&scene).await, (ready.client.thumbprint().to_owned(), None));
    assert_ne!(ready.client.thumbprint(), before);
    // It may be an account that the CA made just now, although it was asked only for those that there are.
    let aside: Vec<String> = scene.aside().into_iter().map(|(_, thumbprint)| thumbprint).collect();
    assert!(aside.contains(&before), "{aside:?}");
}

#[tokio::test]
async fn a_refused_rollover_whose_key_the_ca_denies_leaves_the_old_key_alone() {
    let scene = taken_unheard(|_| Reply::problem(400, "accountDoesNotExist", "none")).await;
    let before = scene.thumbprint().await;
    roll(&scene).await.unwrap_err();
    assert_eq!(keys(&scene).await, (before, None));
}

#[tokio::test]
async fn a_run_that_fails_touches_no_key_that_another_run_has_stored_meanwhile() {
    let scene = Scene::of(|request, _, url| match request.path.as_str() {
        "/new-account" if only_asks(request) => made(url, "/account/1"),
        _ => Reply::json(200, &json!({"status": "valid"})),
    })
    .await;
    let url = scene.fake.url("/account/1");
    let scene = scene.holding(&url).await;
    let new = || AccountKey::generate().unwrap();
    let (sent, other, next) = (new(), new(), new());
    // It has ended this rollover.
    keep(&scene, Some(&sent), None).await;
    not_rolled_over(&scene.store, &scene.acme, sent.pem()).await.unwrap();
    assert_eq!(keys(&scene).await, (sent.thumbprint(), None));
    // It has ended this one and begun another.
    keep(&scene, Some(&other), Some(&next)).await;
    not_rolled_over(&scene.store, &scene.acme, sent.pem()).await.unwrap();
    assert_eq!(keys(&scene).await, (other.thumbprint(), Some(next.thumbprint())));
    // Nor does one that succeeds, but with the key that it has replaced.
    let before = Kept {
        pending: None,
        ..scene.kept().await.unwrap()
    };
    let client = scene.acme.client(sent.clone(), url);
    rolled_over(&scene.store, &scene.acme, &client, &before).await.unwrap();
    assert_eq!(keys(&scene).await, (sent.thumbprint(), Some(next.thumbprint())));
    keep(&scene, Some(&next), None).await;
    rolled_over(&scene.store, &scene.acme, &client, &before).await.unwrap();
    assert_eq!(keys(&scene).await, (next.thumbprint(), None));
}
