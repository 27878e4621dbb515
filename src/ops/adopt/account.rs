//! The account of the former keeper, where its owner has named it: it goes over if nothing else uses it any more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Context, OpError, installation::Installation};
use crate::{
    acme::Acme,
    apply::{Api, ApiError, Permits, adopted::Record},
    error::Blame,
    object::{
        Key, Kind,
        resource::{CERTIFICATE, GATEWAY, INGRESS, Resource},
    },
    ops::foreign::key_of_secret,
    plan::adopt::{MayUse, users_of},
    settings::{
        Chosen,
        account::import::{self, Foreign},
        store::Store,
        value::Namespaced,
    },
    text::first_few,
};

/// An account that may be taken over.
pub(super) struct Taking {
    acme: Acme,
    chosen: Chosen,
    store: Store,
    foreign: Foreign,
    place: String,
}

impl Taking {
    /// Finds the account of the key in a Secret. Nothing is changed.
    ///
    /// # Errors
    ///
    /// Something else uses it, or may; it cannot be used here; or the installation has one already.
    pub(super) async fn find(
        account: &Key,
        work: &[Record],
        api: &Api,
        installation: &Installation,
        context: &Context,
    ) -> Result<Self, OpError> {
        free(account, work, api)
            .await
            .map_err(|error| error.after("nothing was changed"))?;
        let found = key_of_secret(api, account).await?;
        let mut chosen = installation.settings.chosen.clone();
        chosen.account_secret = Some(Namespaced(installation.account.clone()));
        let store = context.store(&chosen).await?;
        let _waiting = context.front().wait_for_ca(&chosen.issuer.name);
        let acme = Acme::open(&chosen.issuer).await;
        let acme = acme.map_err(|error| OpError::because(&error))?;
        let foreign = import::find(&acme, &chosen, &store, &found.key).await;
        Ok(Self {
            foreign: foreign.map_err(|error| OpError::because(&error).after("nothing was changed"))?,
            acme,
            chosen,
            store,
            place: found.place,
        })
    }

    /// What is done, in words.
    pub(super) fn step(&self) -> String {
        format!(
            "take over the account {} by the key in {}, and replace its key: its former client loses it",
            self.foreign.url(),
            self.place
        )
    }

    /// The rights for it.
    pub(super) async fn permits(&self) -> Permits {
        self.store.permits().await
    }

    /// Takes it over.
    pub(super) async fn take(&self, context: &Context) -> Result<(), OpError> {
        let _waiting = context.front().wait_for_ca(&self.chosen.issuer.name);
        let taken = import::take_over(&self.acme, &self.chosen, &self.store, &self.foreign).await;
        taken.map_err(|error| OpError::because(&error))?;
        context.front().note(&format!(
            "the account {} is the installation's, with a new key; `--undo` does not give it back",
            self.foreign.url()
        ));
        Ok(())
    }
}

/// Refuses if anything in the cluster uses the account of a Secret that does not go over too.
async fn free(account: &Key, work: &[Record], api: &Api) -> Result<(), OpError> {
    let (issuers, cluster_issuers) = (
        all(api, Kind::Issuer.resource()).await?,
        all(api, Kind::ClusterIssuer.resource()).await?,
    );
    let certificates = all(api, CERTIFICATE).await?;
    let mut routes = all(api, INGRESS).await?;
    routes.extend(all(api, GATEWAY).await?);
    let going: BTreeSet<String> = work
        .iter()
        .flat_map(|record| {
            let certificates = record.certificates.iter().map(|one| one.certificate.uid.clone());
            certificates.chain(record.routes.iter().map(|one| one.route.uid.clone()))
        })
        .collect();
    let users = MayUse {
        issuers: &issuers,
        cluster_issuers: &cluster_issuers,
        certificates: &certificates,
        routes: &routes,
    };
    let (by, left) = users_of(account, &users, &going);
    if left.is_empty() {
        return Ok(());
    }
    Err(OpError::usage(format!(
        "the account in Secret {account} ({}) is still used by what is not adopted: {}",
        first_few(&by),
        first_few(&left)
    ))
    .hint("adopt these too (-A), or leave --import-account out: the installation needs an account of its own then"))
}

/// All objects of a kind in the cluster; none where it is not served.
async fn all(api: &Api, resource: Resource) -> Result<Vec<Value>, OpError> {
    match api.list(resource, None, None).await {
        Ok(all) => Ok(all),
        Err(error) if error.is_absent() => Ok(Vec::new()),
        Err(error @ ApiError::Forbidden { .. }) => Err(OpError::because(&error)
            .after("nobody knows who else uses the account")
            .blame(Blame::Cluster)),
        Err(error) => Err(OpError::because(&error)),
    }
}
