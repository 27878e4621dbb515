use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;
use crate::{
    acme::fake::{Fake, Reply, opened},
    error::{Blame, Diagnose as _},
    settings::account::scene::{chosen, made_long_ago},
};

/// What the CA does with a change of the key.
#[derive(Clone, Copy)]
enum Does {
    Done,
    /// It is done, and the answer is lost.
    DoneUnheard,
    /// The same, and the CA is then too busy to say which key it knows.
    DoneUnheardAndBusy,
    /// Nobody knows, and nothing is done.
    Unheard,
    Refused,
}

/// A CA with one account, which has one key.
struct Scene {
    fake: Fake,
    acme: Acme,
    chosen: Chosen,
    store: Store,
    _home: tempfile::TempDir,
    change: Arc<Mutex<Does>>,
}

/// The public half of whoever signed, or of a new key.
fn of(jwk: &Value) -> String {
    jwk["n"]
        .as_str()
        .or_else(|| jwk["x"].as_str())
        .unwrap_or_default()
        .to_owned()
}

impl Scene {
    /// `held` has the account, if anybody has.
    async fn of(held: Option<&AccountKey>, status: &'static str) -> Self {
        let held = Arc::new(Mutex::new(held.map(|key| of(&key.jwk()))));
        let change = Arc::new(Mutex::new(Does::Done));
        let does = Arc::clone(&change);
        let changed = Mutex::new(false);
        let fake = Fake::start(move |request, n, url| {
            let known = || Reply::json(200, &json!({"status": status})).header("location", format!("{url}/account/1"));
            let mut held = held.lock().unwrap();
            let change = *does.lock().unwrap();
            if request.path == "/new-account" {
                // Whoever asks before the change is told.
                if matches!(change, Does::DoneUnheardAndBusy) && *changed.lock().unwrap() {
                    return Reply::problem(429, "rateLimited", "too many requests");
                }
                let asked = of(&request.protected["jwk"]);
                return if held.as_ref() == Some(&asked) {
                    known()
                } else {
                    Reply::problem(400, "accountDoesNotExist", "no account has this key")
                };
            }
            // The old key is not the account's any more.
            if n > 0 && matches!(change, Does::DoneUnheardAndBusy) {
                return Reply::problem(401, "unauthorized", "the key is not that of the account");
            }
            if matches!(change, Does::Done | Does::DoneUnheard | Does::DoneUnheardAndBusy) {
                *held = Some(of(&opened(&request.payload).0["jwk"]));
                *changed.lock().unwrap() = true;
            }
            match change {
                Does::Done => known(),
                Does::Refused => Reply::problem(409, "conflict", "the key belongs to another account"),
                Does::DoneUnheard | Does::DoneUnheardAndBusy | Does::Unheard => Reply::Break,
            }
        })
        .await;
        let acme = fake.acme().await;
        let issuer = fake.issuer();
        let home = tempfile::tempdir().unwrap();
        Self {
            chosen: chosen(issuer, false),
            store: Store::Local(home.path().join("accounts")),
            _home: home,
            acme,
            fake,
            change,
        }
    }

    async fn import(&self, key: &AccountKey) -> Result<Ready, AccountError> {
        let foreign = find(&self.acme, &self.chosen, &self.store, key).await?;
        take_over(&self.acme, &self.chosen, &self.store, &foreign).await
    }

    async fn kept(&self) -> Option<Kept> {
        self.store.load(self.acme.directory_url()).await.unwrap()
    }

    fn does(&self, change: Does) {
        *self.change.lock().unwrap() = change;
    }
}

fn key(algorithm: &'static rcgen::SignatureAlgorithm) -> AccountKey {
    let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
    AccountKey::of_other_client(pair.serialize_pem().as_bytes()).unwrap()
}

fn rsa() -> AccountKey {
    key(&rcgen::PKCS_RSA_SHA256)
}

#[tokio::test]
async fn a_key_of_any_kind_signs_one_change_to_a_new_key_that_is_kept() {
    for other in [
        rsa(),
        key(&rcgen::PKCS_ECDSA_P384_SHA384),
        AccountKey::generate().unwrap(),
    ] {
        let scene = Scene::of(Some(&other), "valid").await;
        let ready = scene.import(&other).await.unwrap();
        let kept = scene.kept().await.unwrap();
        assert_eq!(kept.account.url, Some(scene.fake.url("/account/1")));
        assert!(kept.pending.is_none());
        let new = AccountKey::from_pem(&kept.account.key).unwrap();
        assert_eq!(ready.client.thumbprint(), new.thumbprint());
        assert_ne!(other.thumbprint(), new.thumbprint());
        assert_eq!(format!("{new:?}"), "AccountKey(ES256)");
        let seen = scene.fake.seen("/key-change");
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].protected["alg"], json!(other.algorithm()));
        // The other client has lost it.
        let error = scene.import(&other).await.unwrap_err();
        assert!(matches!(error, AccountError::Unknown { .. }), "{error:?}");
        assert_eq!(
            scene.kept().await.unwrap().account.key.expose_secret(),
            kept.account.key.expose_secret()
        );
    }
}

#[tokio::test]
async fn a_key_that_the_ca_does_not_know_or_whose_account_has_ended_changes_nothing() {
    let scene = Scene::of(None, "valid").await;
    let error = scene.import(&rsa()).await.unwrap_err();
    assert_eq!(error.to_string(), "fake knows no account of this key");
    assert_eq!(error.blame(), Blame::Acme);
    assert!(error.hint().unwrap().contains("name the CA"), "{error:?}");
    let key = rsa();
    for status in ["deactivated", "revoked"] {
        let scene = Scene::of(Some(&key), status).await;
        let error = scene.import(&key).await.unwrap_err();
        assert!(matches!(error, AccountError::Ended { .. }), "{error:?}");
        assert!(scene.kept().await.is_none() && scene.fake.seen("/key-change").is_empty());
    }
}

#[tokio::test]
async fn an_account_that_is_kept_already_is_not_replaced() {
    let other = rsa();
    let scene = Scene::of(Some(&other), "valid").await;
    let own = AccountKey::generate().unwrap();
    for url in [
        None,
        Some(scene.fake.url("/account/2")),
        Some(scene.fake.url("/account/1")),
    ] {
        let present = made_long_ago(&scene.acme, url, &own);
        let keep = |_: Option<Kept>| Change::Keep(Box::new(present.clone()));
        scene.store.change(scene.acme.directory_url(), &keep).await.unwrap();
        let error = scene.import(&other).await.unwrap_err();
        assert!(matches!(error, AccountError::Present { .. }), "{error:?}");
        assert_eq!(error.blame(), Blame::Usage);
        let kept = scene.kept().await.unwrap();
        assert_eq!(kept.account.key.expose_secret(), own.pem().expose_secret());
    }
    assert!(scene.fake.seen("/key-change").is_empty());
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_found_to_have_happened() {
    let other = rsa();
    let scene = Scene::of(Some(&other), "valid").await;
    scene.does(Does::DoneUnheard);
    let ready = scene.import(&other).await.unwrap();
    let kept = scene.kept().await.unwrap();
    let new = AccountKey::from_pem(&kept.account.key).unwrap();
    assert_eq!(ready.client.thumbprint(), new.thumbprint());
    assert!(kept.pending.is_none());
}

#[tokio::test]
async fn after_a_change_that_nobody_answered_both_keys_are_kept_and_the_next_run_ends_it() {
    let other = rsa();
    let scene = Scene::of(Some(&other), "valid").await;
    scene.does(Does::Unheard);
    scene.import(&other).await.unwrap_err();
    let begun = scene.kept().await.unwrap();
    let pending = begun.pending.unwrap();
    assert_eq!(begun.account.key.expose_secret(), other.pem().expose_secret());
    scene.does(Does::Done);
    scene.import(&other).await.unwrap();
    let kept = scene.kept().await.unwrap();
    // The key that may have reached the CA, and not another one.
    assert_eq!(kept.account.key.expose_secret(), pending.key.expose_secret());
    assert!(kept.pending.is_none());
}

#[tokio::test]
async fn after_a_change_whose_fate_the_ca_does_not_tell_both_keys_are_kept() {
    let other = rsa();
    let scene = Scene::of(Some(&other), "valid").await;
    scene.does(Does::DoneUnheardAndBusy);
    scene.import(&other).await.unwrap_err();
    let begun = scene.kept().await.unwrap();
    assert_eq!(begun.account.key.expose_secret(), other.pem().expose_secret());
    let new = AccountKey::from_pem(&begun.pending.unwrap().key).unwrap();
    scene.does(Does::Done);
    let ready = crate::settings::account::existing(&scene.acme, &scene.chosen, &scene.store)
        .await
        .unwrap();
    assert_eq!(ready.client.thumbprint(), new.thumbprint());
}

#[tokio::test]
async fn a_change_that_the_ca_refuses_leaves_nothing_behind() {
    let other = rsa();
    let scene = Scene::of(Some(&other), "valid").await;
    scene.does(Does::Refused);
    let error = scene.import(&other).await.unwrap_err();
    assert!(matches!(error, AccountError::Acme(_)), "{error:?}");
    assert!(scene.kept().await.is_none());
}
