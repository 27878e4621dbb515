//! The account of an installation: registered once, from here, and never replaced.
//!
//! The controller cannot do this itself. An account that is missing may be one that was lost or is not readable for a
//! while; whoever registers another then has two, and the CA's limits and the right to revoke are with the first.

use serde_json::{Value, json};

use super::{Context, OpError};
use crate::{
    acme::Acme,
    apply::{Api, ApiError, Permit, Permits, RunId, Verb},
    error::Blame,
    install::ACCOUNT,
    k8s::{Believed, Edit},
    object::{Key, resource::SECRET},
    ops::{install_id, issuance::Terms},
    settings::{Chosen, account, store::Store, store::permit},
};

/// The id of the installation, which the policy has to know before the controller first claims something. It lives with the
/// account, so that whoever restores the account keeps it.
pub(super) struct InstallId {
    id: String,
    is_noted: bool,
}

impl InstallId {
    /// The one that is noted on the account's Secret, or a new one.
    pub(super) async fn of(api: &Api, namespace: &str) -> Result<Self, OpError> {
        let found = api.get(SECRET, &Key::new(namespace, ACCOUNT)).await;
        let found = found.map_err(|error| OpError::because(&error))?;
        let noted = found.as_ref().and_then(install_id::noted);
        Ok(Self {
            is_noted: noted.is_some(),
            id: noted.unwrap_or_else(|| RunId::random().to_string()),
        })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.id
    }

    /// Whether it is noted.
    pub(super) fn is_noted(&self) -> bool {
        self.is_noted
    }

    /// Notes it on the account's Secret, which is there.
    pub(super) async fn note(&self, api: &Api, namespace: &str) -> Result<(), OpError> {
        if self.is_noted {
            return Ok(());
        }
        let permit = Permit::one(&[Verb::Get, Verb::Patch], SECRET, namespace, ACCOUNT);
        let api = api.with_permits(Permits::none().with(permit));
        match install_id::note(&api, &Key::new(namespace, ACCOUNT), &self.id).await? {
            Some(other) if other != self.id => Err(OpError::new(
                Blame::Write,
                "somebody else has given the installation its id meanwhile",
            )
            .hint("the same command again reads it")),
            _ => Ok(()),
        }
    }
}

/// What becomes of the account.
pub(super) enum AccountPlan {
    /// There is one.
    There,
    /// One is registered, with this CA.
    Register(Box<Store>, String, Box<Chosen>),
    /// No CA is chosen, so that there is only a place for one.
    Place(Box<Api>, crate::object::Key),
}

impl AccountPlan {
    /// Looks whether there is an account.
    pub(super) async fn of(context: &Context, chosen: &Chosen) -> Result<Self, OpError> {
        let store = context.store(chosen).await?;
        let Some(key) = &chosen.account_secret else {
            return Err(OpError::usage("the account has no place"));
        };
        if chosen.rehearsal {
            let api = context
                .cluster
                .api(crate::apply::Permits::none().with(permit(key)))
                .await?;
            let found = api
                .get(SECRET, &key.0)
                .await
                .map_err(|error| OpError::because(&error))?;
            return Ok(match found {
                Some(_) => Self::There,
                None => Self::Place(Box::new(api), key.0.clone()),
            });
        }
        let kept = store.load(&chosen.issuer.directory_url).await;
        let kept = kept.map_err(|error| OpError::because(&error))?;
        Ok(match kept {
            Some(kept) if kept.account.url.is_some() => Self::There,
            _ => Self::Register(Box::new(store), format!("Secret {key}"), Box::new(chosen.clone())),
        })
    }

    /// Whether nothing is to be done.
    pub(super) fn is_there(&self) -> bool {
        matches!(self, Self::There)
    }

    /// The CA with which an account is registered; empty if none is.
    pub(super) fn issuer(&self) -> &str {
        match self {
            Self::Register(_, _, chosen) => &chosen.issuer.name,
            Self::There | Self::Place(..) => "",
        }
    }

    /// What is done, in words.
    pub(super) fn step(&self) -> Option<String> {
        match self {
            Self::There => None,
            Self::Register(_, place, chosen) => Some(format!(
                "register an account with {}, kept in {place}",
                chosen.issuer.name
            )),
            Self::Place(_, key) => Some(format!("create Secret {key}, without an account")),
        }
    }

    /// Does it.
    pub(super) async fn make(&self, context: &Context) -> Result<(), OpError> {
        match self {
            Self::There => Ok(()),
            Self::Register(store, _, chosen) => register(context, chosen, store).await,
            Self::Place(api, key) => {
                let empty = json!({
                    "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                    "metadata": {
                        "namespace": key.namespace, "name": ACCOUNT,
                        "labels": {"app.kubernetes.io/managed-by": "kubectl-certs"},
                    },
                });
                let decide = |present: Option<&Value>| {
                    Ok::<_, ApiError>(match present {
                        Some(_) => Edit::Nothing,
                        None => Edit::Whole(empty.clone()),
                    })
                };
                let made = api.update(SECRET, key, Believed::Absent, decide).await;
                made.map(drop).map_err(|error| OpError::because(&error))
            }
        }
    }
}

async fn register(context: &Context, chosen: &Chosen, store: &Store) -> Result<(), OpError> {
    let front = context.front();
    let _waiting = front.wait_for_ca(&chosen.issuer.name);
    let acme = Acme::open(&chosen.issuer).await;
    let acme = acme.map_err(|error| OpError::because(&error))?;
    let terms = Terms(front);
    let ready = account::ensure(&acme, chosen, store, &context.cluster, &terms).await;
    let ready = ready.map_err(|error| OpError::because(&error))?;
    front.note(&format!(
        "{} has the account {}",
        chosen.issuer.name,
        ready.client.account_url()
    ));
    Ok(())
}
