use std::sync::Arc;

use serde_json::json;

use super::{
    scene::{Scene, made, only_asks},
    *,
};
use crate::acme::{
    AccountKey, AccountStatus,
    fake::{Reply, Request},
};

async fn ending(answers: impl Fn(&Request, usize, &str) -> Reply + Send + Sync + 'static) -> Scene {
    let scene = Scene::of(answers).await;
    let url = scene.fake.url("/account/1");
    scene.holding(&url).await
}

/// A CA that calls the account ended in words alone, and answers so when it is asked for the account of the key.
async fn ending_in_words(answer: fn(&str) -> Reply) -> Scene {
    ending(move |request, _, url| {
        if only_asks(request) {
            answer(url)
        } else {
            called_ended()
        }
    })
    .await
}

async fn end(scene: &Scene) -> Result<Deactivated, AccountError> {
    let ready = existing(&scene.acme, &scene.chosen, &scene.store).await?;
    deactivate(&scene.acme, &scene.store, &ready).await
}

fn ended() -> Reply {
    Reply::json(200, &json!({"status": "deactivated"}))
}

fn called_ended() -> Reply {
    Reply::problem(403, "unauthorized", "Account is not valid, has status \"deactivated\"")
}

#[tokio::test]
async fn a_deactivated_account_loses_its_key() {
    let scene = ending(|_, _, _| ended()).await;
    let done = end(&scene).await.unwrap();
    assert_eq!(done.account.status, AccountStatus::Deactivated);
    assert!(done.aside.is_empty() && !done.replaced);
    assert!(scene.kept().await.is_none() && scene.aside().is_empty());
}

#[tokio::test]
async fn a_key_that_another_run_stores_while_an_account_is_ended_stays() {
    for rollover in [false, true] {
        // The other run writes while the CA answers.
        let place = Arc::new(std::sync::Mutex::new(None));
        let writes = Arc::clone(&place);
        let scene = ending(move |_, _, _| {
            if let Some((path, text)) = writes.lock().unwrap().take() {
                let (path, text): (std::path::PathBuf, String) = (path, text);
                std::fs::write(path, text).unwrap();
            }
            ended()
        })
        .await;
        let new = AccountKey::generate().unwrap();
        let before = scene.kept().await.unwrap();
        scene.pending(&new).await;
        let mut theirs = scene.kept().await.unwrap();
        if !rollover {
            theirs.pending = None;
            theirs.account.key = new.pem().clone();
        }
        let back = |_: Option<Kept>| Change::Keep(Box::new(before.clone()));
        scene.store.change(scene.acme.directory_url(), &back).await.unwrap();
        let path = scene.store.place(scene.acme.directory_url()).into();
        *place.lock().unwrap() = Some((path, serde_json::to_string(&theirs).unwrap()));
        assert!(end(&scene).await.unwrap().replaced);
        let kept = scene.kept().await.unwrap();
        let key = kept.pending.map_or(kept.account.key, |pending| pending.key);
        assert_eq!(AccountKey::from_pem(&key).unwrap().thumbprint(), new.thumbprint());
    }
}

#[tokio::test]
async fn an_account_that_is_called_ended_and_is_not_known_or_shown_as_ended_loses_its_key() {
    let gone = |_: &str| Reply::problem(400, "accountDoesNotExist", "none");
    let shown = |url: &str| ended().header("location", format!("{url}/account/1"));
    for answer in [gone as fn(&str) -> Reply, shown] {
        let scene = ending_in_words(answer).await;
        let done = end(&scene).await.unwrap();
        assert_eq!(done.account.status, AccountStatus::Deactivated);
        assert!(scene.kept().await.is_none() && scene.aside().is_empty());
    }
}

#[tokio::test]
async fn an_account_that_is_called_ended_and_is_alive_or_not_told_of_keeps_its_key() {
    let alive = |url: &str| made(url, "/account/1");
    let busy = |_: &str| Reply::problem(429, "rateLimited", "too many requests");
    for answer in [alive as fn(&str) -> Reply, busy] {
        let scene = ending_in_words(answer).await;
        let before = scene.thumbprint().await;
        end(&scene).await.unwrap_err();
        assert_eq!(scene.thumbprint().await, before);
    }
}

#[tokio::test]
async fn an_account_that_is_called_ended_twice_has_its_key_put_aside() {
    let scene = ending(|_, _, _| called_ended()).await;
    let before = scene.thumbprint().await;
    let done = end(&scene).await.unwrap();
    let aside = scene.aside();
    assert_eq!((aside.len(), &aside[0].1), (1, &before));
    assert_eq!(done.aside, [aside[0].0.clone()]);
    assert!(scene.kept().await.is_none());
}
