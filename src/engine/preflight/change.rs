//! Whether certificates could be ordered at another CA, long before they have to be: its account, and what their domains'
//! CAA records say of it. Nothing is ordered.

use super::{
    LIMIT,
    caa::{Orderer, look_up},
};
use crate::{
    acme::{AccountKey, AccountStatus, Acme, AcmeError},
    error::{Diagnose, chain, with_hint},
    name::Name,
    net::{Lookup, dns::Authorities},
    plan::preflight::Grade,
    settings::{
        Settings,
        account::AccountError,
        store::{Kept, Store},
    },
};

/// What is known of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing speaks against it.
    Possible,
    /// It would be refused: why, and what to do.
    Refused(String),
    /// That could not be found out now.
    Unknown(String),
}

/// What was found for one CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The CA and the account, whatever the names.
    pub account: Change,
    /// Each set of names that was asked for, in this order.
    pub names: Vec<Change>,
}

/// Looks whether certificates for these sets of names could be ordered at the issuer of these settings.
pub async fn check(settings: &Settings, store: &Store, acme: &Acme, sets: &[Vec<Name>]) -> Found {
    let issuer = &settings.chosen.issuer;
    let kept = match store.load(&issuer.directory_url).await {
        Ok(kept) => kept,
        Err(error) => return Found::alike(Change::Unknown(chain(&error)), sets),
    };
    let account = account(settings, store, acme, kept.as_ref()).await;
    if account != Change::Possible {
        return Found::alike(account, sets);
    }
    let lookup = Lookup::of(&settings.dns01.resolvers);
    let resolver = lookup.resolver();
    let zones = settings.dns01.zones();
    let authorities = resolver.clone().ok().map(|resolver| Authorities::new(resolver, zones));
    let answers = look_up(sets.iter().flatten(), &resolver, authorities.as_ref()).await;
    let orderer = Orderer {
        identities: &acme.directory().meta.caa_identities,
        account: kept.as_ref().and_then(|kept| kept.account.url.as_deref()),
        dns01: &settings.dns01,
    };
    let judge = |names: &Vec<Name>| {
        let refused = names.iter().find_map(|name| {
            let (message, hint) = settings.chosen.ca.refuses(name, issuer.profile.as_deref())?;
            Some(format!("{name}: {message}; {hint}"))
        });
        if let Some(refused) = refused {
            return Change::Refused(refused);
        }
        let failed = names.iter().find_map(|name| {
            let check = orderer.judge(name, &answers)?;
            (check.grade == Grade::Fails).then_some(check)
        });
        failed.map_or(Change::Possible, |check| {
            Change::Refused(with_hint(&check.message, check.hint.as_deref()))
        })
    };
    Found {
        account,
        names: sets.iter().map(judge).collect(),
    }
}

impl Found {
    /// Where all that is known is of the CA.
    pub fn alike(of: Change, sets: &[Vec<Name>]) -> Self {
        Self {
            names: sets.iter().map(|_| of.clone()).collect(),
            account: of,
        }
    }
}

fn refused(error: &(impl Diagnose + 'static)) -> Change {
    Change::Refused(with_hint(&chain(error), error.hint().as_deref()))
}

/// Whether there is an account that the CA knows, and whether it has the profile.
async fn account(settings: &Settings, store: &Store, acme: &Acme, kept: Option<&Kept>) -> Change {
    let issuer = &settings.chosen.issuer;
    let meta = &acme.directory().meta;
    if let Some(profile) = &issuer.profile
        && !meta.profiles.contains_key(profile)
    {
        return refused(&AcmeError::UnknownProfile {
            profile: profile.clone(),
            known: meta.profiles.keys().cloned().collect(),
        });
    }
    let place = store.place(&issuer.directory_url);
    let Some((kept, url)) = kept.and_then(|kept| Some((kept, kept.account.url.clone()?))) else {
        let secret = settings.chosen.account_secret.as_ref();
        let secret = secret.map(|key| format!(" --account-secret {key}")).unwrap_or_default();
        let binding = if meta.external_account_required && settings.chosen.eab.is_none() {
            " --eab-kid KEY-ID --eab-key-file FILE"
        } else {
            ""
        };
        let name = &issuer.name;
        return Change::Refused(format!(
            "there is no account with {name} in {place}; `kubectl certs account register --issuer {name}{secret}{binding}` makes one"
        ));
    };
    let key = match AccountKey::from_pem(&kept.account.key) {
        Ok(key) => key,
        Err(error) => return Change::Refused(chain(&error)),
    };
    let client = acme.client(key, url.clone());
    match tokio::time::timeout(LIMIT, client.account()).await {
        Err(_) => Change::Unknown(format!("{} does not answer within {} s", issuer.name, LIMIT.as_secs())),
        Ok(Ok(account)) if account.status == AccountStatus::Valid => Change::Possible,
        Ok(Ok(_)) => refused(&AccountError::Ended { url }),
        Ok(Err(error)) if error.is("accountDoesNotExist") || matches!(error, AcmeError::NoAccount { .. }) => {
            refused(&AccountError::Lost {
                issuer: issuer.name.clone(),
                place,
            })
        }
        Ok(Err(error)) => Change::Unknown(chain(&error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        acme::{
            StoredAccount,
            fake::{Fake, Reply},
        },
        net::dns::{
            ResponseCode,
            testing::{NameServer, Says},
        },
        settings::{
            file::File,
            layer::{Choice, Layer, Origin},
            store::Change as Stores,
        },
    };

    fn names(host: &str) -> Vec<Name> {
        vec![host.parse().unwrap()]
    }

    /// Settings that choose this CA as the issuer `second`.
    fn settings(fake: &Fake, server: &NameServer, more: &str) -> Settings {
        let text = format!(
            "issuers: {{second: {{directory: \"{}\", allowLoopbackHttp: true{more}}}}}\naccountSecret: certs/account\ndns01: \
             {{resolvers: [\"{}\"]}}\n",
            fake.url("/dir"),
            server.address
        );
        let mut flags = Layer::empty(Origin::Flags);
        flags.choice = Some(Choice::Issuer("second".to_owned()));
        let file = File::parse(&text, "f", None).unwrap();
        Settings::of(&[flags, Layer::of(Origin::File("f".to_owned()), file)]).unwrap()
    }

    async fn keep(store: &Store, acme: &Acme, url: &str) {
        let key = AccountKey::generate().unwrap();
        let kept = Kept {
            account: StoredAccount {
                directory: acme.directory_url().to_owned(),
                url: Some(url.to_owned()),
                key: key.pem().clone(),
                contact: Vec::new(),
                created: 1,
            },
            pending: None,
            terms: None,
        };
        let keep = |_: Option<Kept>| Stores::Keep(Box::new(kept.clone()));
        store.change(acme.directory_url(), &keep).await.unwrap();
    }

    fn refused(change: &Change) -> &str {
        match change {
            Change::Refused(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_account_that_is_missing_or_has_ended_is_told_with_what_to_do() {
        let fake = Fake::start(|_, _, _| Reply::json(200, &json!({"status": "deactivated"}))).await;
        fake.set_meta(json!({"externalAccountRequired": true, "profiles": {"classic": "the usual one"}}));
        let server = NameServer::start(&[]).await;
        let (acme, home) = (fake.acme().await, tempfile::tempdir().unwrap());
        let store = Store::Local(home.path().join("accounts"));
        let sets = [names("shop.example")];
        let usual = settings(&fake, &server, "");
        let found = check(&usual, &store, &acme, &sets).await;
        let why = refused(&found.account);
        assert!(why.starts_with("there is no account with second in "), "{why}");
        let command = "`kubectl certs account register --issuer second --account-secret certs/account --eab-kid KEY-ID --eab-key-file FILE`";
        assert!(why.contains(command), "{why}");
        assert_eq!(found.names, std::slice::from_ref(&found.account));
        keep(&store, &acme, &fake.url("/account/1")).await;
        let found = check(&usual, &store, &acme, &sets).await;
        let why = refused(&found.account);
        assert!(
            why.contains("/account/1 has ended; `kubectl certs account register`"),
            "{why}"
        );
        let other = settings(&fake, &server, ", profile: shortlived");
        let found = check(&other, &store, &acme, &sets).await;
        assert!(refused(&found.account).contains("shortlived"), "{found:?}");
    }

    #[tokio::test]
    async fn each_set_of_names_is_judged_by_itself_and_a_ca_that_fails_says_nothing() {
        let works = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let is_up = std::sync::Arc::clone(&works);
        let fake = Fake::start(move |_, _, _| {
            if is_up.load(std::sync::atomic::Ordering::Relaxed) {
                Reply::json(200, &json!({"status": "valid"}))
            } else {
                Reply::json(503, &json!({}))
            }
        })
        .await;
        let server = NameServer::start(&[("broken.example", Says::Code(ResponseCode::ServFail))]).await;
        let (acme, home) = (fake.acme().await, tempfile::tempdir().unwrap());
        let store = Store::Local(home.path().join("accounts"));
        keep(&store, &acme, &fake.url("/account/1")).await;
        let sets = [names("shop.example"), names("www.broken.example")];
        let settings = settings(&fake, &server, "");
        let found = check(&settings, &store, &acme, &sets).await;
        assert_eq!(
            (&found.account, &found.names[0]),
            (&Change::Possible, &Change::Possible)
        );
        let why = refused(&found.names[1]);
        assert!(
            why.contains("broken.example cannot be read, which forbids issuing"),
            "{why}"
        );
        works.store(false, std::sync::atomic::Ordering::Relaxed);
        let found = check(&settings, &store, &acme, &sets).await;
        assert!(matches!(found.account, Change::Unknown(_)), "{found:?}");
    }
}
