//! A fake CA with an account, for the tests.

use std::sync::Mutex;

use serde_json::json;

use super::{AccountError, Agree, Ready, register_again};
use crate::{
    acme::{
        AccountKey, Acme, Issuer, StoredAccount,
        fake::{Fake, Reply, Request},
    },
    clock::now,
    plan::ca::Ca,
    settings::{
        Chosen,
        store::{Change, Kept, PendingKey, Store},
    },
    solve::dns01::config::NoSecrets,
};

/// Keeps what is told.
#[derive(Default)]
pub(super) struct Heard(pub(super) Mutex<Vec<String>>);

impl Agree for Heard {
    fn agree(&self, _: &Issuer, _: &str) -> bool {
        true
    }

    fn told(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// One account, a fake CA, and where the account is kept.
pub(super) struct Scene {
    pub(super) fake: Fake,
    pub(super) acme: Acme,
    pub(super) chosen: Chosen,
    pub(super) store: Store,
    pub(super) heard: Heard,
    pub(super) home: tempfile::TempDir,
}

/// The settings for an issuer and nothing else.
pub(super) fn chosen(issuer: Issuer, agree_tos: bool) -> Chosen {
    Chosen {
        ca: Ca {
            name: issuer.name.clone(),
            directory: issuer.directory_url.clone(),
        },
        issuer,
        challenge: None,
        rehearsal: false,
        eab: None,
        account_secret: None,
        agree_tos,
        limits: None,
        ca_limits: None,
    }
}

/// An account that was made some time ago, as it is kept.
pub(super) fn made_long_ago(acme: &Acme, url: Option<String>, key: &AccountKey) -> Kept {
    Kept {
        account: StoredAccount {
            directory: acme.directory_url().to_owned(),
            url,
            key: key.pem().clone(),
            contact: Vec::new(),
            created: 1,
        },
        pending: None,
        terms: None,
    }
}

impl Scene {
    pub(super) async fn of(answers: impl Fn(&Request, usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let fake = Fake::start(answers).await;
        let (acme, issuer, home) = (fake.acme().await, fake.issuer(), tempfile::tempdir().unwrap());
        Self {
            chosen: chosen(issuer, true),
            store: Store::Local(home.path().join("accounts")),
            heard: Heard::default(),
            home,
            acme,
            fake,
        }
    }

    pub(super) async fn again(&self) -> Result<Ready, AccountError> {
        register_again(&self.acme, &self.chosen, &self.store, &NoSecrets, &self.heard).await
    }

    /// Keeps an account that was made some time ago.
    pub(super) async fn holding(self, url: &str) -> Self {
        let key = AccountKey::generate().unwrap();
        let kept = made_long_ago(&self.acme, Some(url.to_owned()), &key);
        let keep = |_: Option<Kept>| Change::Keep(Box::new(kept.clone()));
        self.store.change(self.acme.directory_url(), &keep).await.unwrap();
        self
    }

    /// Keeps the same account by another URL.
    pub(super) async fn holding_url(self, url: &str) -> Self {
        let keep = |present: Option<Kept>| {
            let mut kept = present.unwrap();
            kept.account.url = Some(url.to_owned());
            Change::Keep(Box::new(kept))
        };
        self.store.change(self.acme.directory_url(), &keep).await.unwrap();
        self
    }

    /// Keeps a new key beside that of the account.
    pub(super) async fn pending(&self, key: &AccountKey) {
        let add = |present: Option<Kept>| {
            let mut kept = present.unwrap();
            kept.pending = Some(PendingKey {
                key: key.pem().clone(),
                since: now(),
            });
            Change::Keep(Box::new(kept))
        };
        self.store.change(self.acme.directory_url(), &add).await.unwrap();
    }

    pub(super) async fn kept(&self) -> Option<Kept> {
        self.store.load(self.acme.directory_url()).await.unwrap()
    }

    pub(super) async fn thumbprint(&self) -> String {
        let kept = self.kept().await.unwrap();
        AccountKey::from_pem(&kept.account.key).unwrap().thumbprint()
    }

    /// The keys that are put aside.
    pub(super) fn aside(&self) -> Vec<(String, String)> {
        let all = std::fs::read_dir(self.home.path().join("accounts")).unwrap();
        let paths = all.map(|entry| entry.unwrap().path());
        let keys = paths.filter(|path| path.extension().is_some_and(|end| end == "pem"));
        keys.map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let key = AccountKey::from_pem(&text.into()).unwrap();
            (path.display().to_string(), key.thumbprint())
        })
        .collect()
    }
}

pub(super) fn made(url: &str, path: &str) -> Reply {
    Reply::json(201, &json!({"status": "valid"})).header("location", format!("{url}{path}"))
}

pub(super) fn only_asks(request: &Request) -> bool {
    request.payload["onlyReturnExisting"] == json!(true)
}
