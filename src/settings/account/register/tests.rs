use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::{
    acme::{Eab, fake::Reply},
    error::Diagnose as _,
    settings::account::{
        ensure, existing,
        scene::{Scene, made, only_asks},
    },
    solve::dns01::config::NoSecrets,
};

#[tokio::test]
async fn after_a_wrong_binding_the_right_one_registers_the_same_key() {
    // Wants a binding even to say whether it knows a key.
    let scene = Scene::of(|request, _, url| {
        let binding = &request.payload["externalAccountBinding"]["protected"];
        let kid = binding.as_str().map(|text| {
            use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
            serde_json::from_slice::<serde_json::Value>(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()["kid"]
                .clone()
        });
        match kid {
            None => Reply::problem(400, "externalAccountRequired", "a binding is required"),
            Some(kid) if kid == json!("right") => made(url, "/account/1"),
            Some(_) => Reply::problem(401, "unauthorized", "no such binding"),
        }
    })
    .await;
    scene.fake.set_meta(json!({"externalAccountRequired": true}));
    let mut scene = Scene {
        acme: scene.fake.acme().await,
        ..scene
    };
    let eab = |kid: &str| {
        Some(Eab {
            kid: kid.to_owned(),
            key: "c2VjcmV0".into(),
        })
    };
    scene.chosen.issuer.eab = eab("wrong");
    for _ in 0..2 {
        let error = scene.again().await.unwrap_err();
        assert_eq!(error.to_string(), "unauthorized: no such binding");
    }
    let half = scene.thumbprint().await;
    scene.chosen.issuer.eab = eab("right");
    scene.chosen.issuer.contact = vec!["mailto:ops@shop.example".to_owned()];
    let ready = scene.again().await.unwrap();
    assert_eq!(ready.client.thumbprint(), half);
    let kept = scene.kept().await.unwrap();
    assert_eq!(kept.account.url, Some(scene.fake.url("/account/1")));
    assert_eq!(kept.account.contact, scene.chosen.issuer.contact);
    assert!(scene.aside().is_empty() && scene.heard.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_run_goes_on_with_a_key_that_is_registered_by_half() {
    let refuse = Arc::new(Mutex::new(true));
    let refuses = refuse.clone();
    let scene = Scene::of(move |request, _, url| {
        if only_asks(request) {
            Reply::problem(400, "externalAccountRequired", "a binding is required")
        } else if *refuses.lock().unwrap() {
            Reply::problem(400, "malformed", "the binding is wrong")
        } else {
            made(url, "/account/1")
        }
    })
    .await;
    let run = async || ensure(&scene.acme, &scene.chosen, &scene.store, &NoSecrets, &scene.heard).await;
    run().await.unwrap_err();
    *refuse.lock().unwrap() = false;
    assert_eq!(run().await.unwrap().client.account_url(), scene.fake.url("/account/1"));
}

#[tokio::test]
async fn an_account_of_a_ca_that_has_moved_is_found_and_its_new_url_kept() {
    // Elsewhere at the same server, and where no server is any more.
    for old in ["/account/1", "http://127.0.0.1:1/account/1"] {
        let scene = Scene::of(|request, _, url| match request.path.as_str() {
            "/new-account" if only_asks(request) => made(url, "/account/new"),
            "/account/new" => Reply::json(200, &json!({"status": "valid"})),
            _ => Reply::problem(401, "unauthorized", "kid does not match"),
        })
        .await;
        let old = if old.starts_with('/') {
            scene.fake.url(old)
        } else {
            old.to_owned()
        };
        let scene = scene.holding(&old).await;
        let before = scene.thumbprint().await;
        let ready = existing(&scene.acme, &scene.chosen, &scene.store).await.unwrap();
        assert_eq!(ready.client.account_url(), old);
        let new = scene.fake.url("/account/new");
        assert_eq!(ready.client.account().await.unwrap().url, new);
        assert_eq!(scene.kept().await.unwrap().account.url.as_deref(), Some(new.as_str()));
        // Nor is that a reason to make another one.
        let scene = scene.holding_url(&old).await;
        assert_eq!(scene.again().await.unwrap().client.account_url(), new);
        assert_eq!(scene.kept().await.unwrap().account.url, Some(new));
        assert_eq!(scene.thumbprint().await, before);
        assert!(scene.fake.seen("/new-account").iter().all(only_asks));
    }
}

#[tokio::test]
async fn a_key_that_the_ca_has_forgotten_is_registered_again() {
    let scene = Scene::of(|request, _, url| match request.path.as_str() {
        "/new-account" if !only_asks(request) => made(url, "/account/2"),
        _ => Reply::problem(400, "accountDoesNotExist", "no such account"),
    })
    .await;
    let url = scene.fake.url("/account/1");
    let scene = scene.holding(&url).await;
    let before = scene.thumbprint().await;
    let ready = scene.again().await.unwrap();
    assert_eq!((ready.client.thumbprint(), ready.registered), (before.as_str(), true));
    assert_eq!(
        scene.kept().await.unwrap().account.url,
        Some(scene.fake.url("/account/2"))
    );
}

#[tokio::test]
async fn a_key_that_the_ca_does_not_take_is_put_aside_and_not_dropped() {
    let first = Arc::new(Mutex::new(None));
    let known = first.clone();
    let scene = Scene::of(move |request, _, url| {
        let key = request.protected["jwk"]["x"].clone();
        let is_first = *known.lock().unwrap() == Some(key);
        match request.path.as_str() {
            "/new-account" if !is_first && !only_asks(request) => made(url, "/account/2"),
            "/account/2" => Reply::json(200, &json!({"status": "valid"})),
            _ => Reply::problem(403, "unauthorized", "not allowed"),
        }
    })
    .await;
    let url = scene.fake.url("/account/1");
    let scene = scene.holding(&url).await;
    let kept = scene.kept().await.unwrap();
    let old = AccountKey::from_pem(&kept.account.key).unwrap();
    *first.lock().unwrap() = Some(old.jwk()["x"].clone());
    let ready = scene.again().await.unwrap();
    assert_eq!(ready.client.account_url(), scene.fake.url("/account/2"));
    assert_ne!(scene.thumbprint().await, old.thumbprint());
    let aside = scene.aside();
    assert_eq!((aside.len(), &aside[0].1), (1, &old.thumbprint()));
    let heard = scene.heard.0.lock().unwrap().clone();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains(&aside[0].0) && heard[0].contains(&url), "{heard:?}");
    // The accounts are those that are in use.
    assert_eq!(scene.store.list().await.unwrap().len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&aside[0].0).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn only_an_account_that_the_ca_calls_ended_loses_its_key() {
    for answer in [
        || Reply::json(200, &json!({"status": "deactivated"})),
        || Reply::json(200, &json!({"status": "revoked"})),
    ] {
        let scene = Scene::of(move |request, _, url| match request.path.as_str() {
            "/new-account" if !only_asks(request) => made(url, "/account/2"),
            "/account/2" => Reply::json(200, &json!({"status": "valid"})),
            _ => answer(),
        })
        .await;
        let url = scene.fake.url("/account/1");
        let scene = scene.holding(&url).await;
        let before = scene.thumbprint().await;
        scene.again().await.unwrap();
        assert_ne!(scene.thumbprint().await, before);
        assert!(scene.aside().is_empty());
    }
    // An account in a state of its own is a living one.
    let scene = Scene::of(|_, _, _| Reply::json(200, &json!({"status": "on-hold"}))).await;
    let url = scene.fake.url("/account/1");
    let scene = scene.holding(&url).await;
    let before = scene.thumbprint().await;
    scene.again().await.unwrap();
    assert_eq!(scene.thumbprint().await, before);
}

#[tokio::test]
async fn a_key_whose_account_the_ca_calls_ended_in_words_alone_is_put_aside_with_the_new_key() {
    let said = || Reply::problem(403, "unauthorized", "Account is not valid, has status \"deactivated\"");
    for pending in [false, true] {
        let scene = Scene::of(move |request, _, url| match request.path.as_str() {
            "/new-account" if !only_asks(request) => made(url, "/account/2"),
            "/account/2" => Reply::json(200, &json!({"status": "valid"})),
            _ => said(),
        })
        .await;
        let url = scene.fake.url("/account/1");
        let scene = scene.holding(&url).await;
        let mut keys = vec![scene.thumbprint().await];
        if pending {
            let new = AccountKey::generate().unwrap();
            scene.pending(&new).await;
            keys.push(new.thumbprint());
        }
        keys.sort();
        let ready = scene.again().await.unwrap();
        assert_eq!(ready.client.account_url(), scene.fake.url("/account/2"));
        assert!(!keys.contains(&scene.thumbprint().await));
        let mut aside: Vec<_> = scene.aside().into_iter().map(|(_, key)| key).collect();
        aside.sort();
        assert_eq!(aside, keys);
        let heard = scene.heard.0.lock().unwrap().clone();
        assert_eq!(heard.len(), keys.len(), "{heard:?}");
        assert!(
            heard[0].contains(&url) && heard[0].contains("shows no status"),
            "{heard:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_was_never_registered_is_put_aside_when_words_alone_call_it_ended() {
    let scene = Scene::of(|request, _, url| {
        if only_asks(request) {
            Reply::problem(
                403,
                "unauthorized",
                "an account with this key exists but is deactivated",
            )
        } else {
            made(url, "/account/2")
        }
    })
    .await;
    let url = scene.fake.url("/account/1");
    let scene = scene.holding(&url).await;
    let half = |present: Option<Kept>| {
        let mut kept = present.unwrap();
        kept.account.url = None;
        Change::Keep(Box::new(kept))
    };
    scene.store.change(scene.acme.directory_url(), &half).await.unwrap();
    let before = scene.thumbprint().await;
    ensure(&scene.acme, &scene.chosen, &scene.store, &NoSecrets, &scene.heard)
        .await
        .unwrap();
    assert_ne!(scene.thumbprint().await, before);
    assert_eq!(scene.aside()[0].1, before);
    let heard = scene.heard.0.lock().unwrap().clone();
    assert!(heard[0].contains("an account that was begun"), "{heard:?}");
}

#[tokio::test]
async fn an_external_account_that_has_ended_costs_no_key() {
    let mut scene =
        Scene::of(|_, _, _| Reply::problem(403, "unauthorized", "the external account key has been deactivated")).await;
    scene.chosen.issuer.eab = Some(Eab {
        kid: "ended".to_owned(),
        key: "c2VjcmV0".into(),
    });
    let url = scene.fake.url("/account/1");
    let scene = scene.holding(&url).await;
    let before = scene.thumbprint().await;
    scene.again().await.unwrap_err();
    assert_eq!(scene.thumbprint().await, before);
    assert_eq!(scene.kept().await.unwrap().account.url, Some(url));
    assert!(scene.aside().is_empty());
}

#[tokio::test]
async fn a_new_key_that_another_run_has_stored_is_not_forgotten_with_the_old_one() {
    let scene = Scene::of(|_, _, _| Reply::text(502, "")).await;
    let url = scene.fake.url("/account/1");
    let scene = scene.holding(&url).await;
    let gone = scene.kept().await.unwrap();
    let new = AccountKey::generate().unwrap();
    scene.pending(&new).await;
    assert!(forget(&scene.acme, &scene.store, &gone).await.unwrap().is_some());
    let kept = scene.kept().await.unwrap();
    assert!(forget(&scene.acme, &scene.store, &kept).await.unwrap().is_none());
    assert!(scene.kept().await.is_none());
}

#[tokio::test]
async fn a_ca_that_does_not_answer_changes_nothing() {
    let scene = Scene::of(|_, _, _| Reply::text(502, "<html>Bad Gateway")).await;
    let url = scene.fake.url("/account/1");
    let scene = scene.holding(&url).await;
    let before = scene.thumbprint().await;
    let error = scene.again().await.unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    assert_eq!(scene.thumbprint().await, before);
}
