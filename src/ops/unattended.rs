//! What a program that goes on works with: settings, the account and the CA, over an inventory that it follows itself.
//!
//! Unlike [`renew`](super::renew), which reads a cluster once and asks before it orders, this orders what the caller has
//! decided from its own picture. It never registers an account: an account that is missing or unreadable stops orders.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use serde_json::{Value, json};

use super::{
    Context, OpError, consumers,
    directory::Directory,
    issuance::{Issuance, Order, seen},
    opened::Opened,
    session::{Open, Session},
};
use crate::{
    acme::Acme,
    apply::{
        Api, ApiError, Patch, Permit, Permits, RunId, Verb,
        kept::{Keeping, Kept},
        rollout::Workload,
    },
    engine::{
        allowance::allowed,
        authority::Authority,
        ledger::{Expected, Ledger},
        prepare::store_options,
        restore::{self, RestoreError, Restored, restore},
        run::Run,
        undo::{self, Both, UndoError},
    },
    inventory::Inventory,
    k8s::{Believed, Connection, Edit},
    net::HostPort,
    object::{Key, Seconds, resource::SECRET},
    plan::{
        Target,
        limits::{Exceeded, Left, overview},
        target::ENOUGH,
        wildcard::{self, WildcardRule, Wildcards},
    },
    settings::{Settings, store::Store, unattended::WildcardEntry},
    source::{
        Scope,
        scope::{Namespaces, parse_selector},
    },
};

/// The annotation of the account's Secret with the id of the installation. It lives with the account, and not with the
/// cluster: who is restored elsewhere keeps what it has claimed.
pub use crate::object::annotation::INSTALL;

/// Everything that orders have in common, for as long as the program goes on.
pub struct Unattended {
    order: Order,
    install: OnceLock<String>,
    /// The settings, as they were when the program began.
    pub settings: Settings,
    /// The wildcards that are declared for namespaces.
    pub wildcards: Wildcards,
    store: Store,
    connection: Connection,
    scope: Scope,
    acme: tokio::sync::Mutex<Arc<Directory>>,
}

/// The rules of the settings.
fn wildcards(settings: &Settings) -> Result<Vec<WildcardRule>, OpError> {
    let rule = |entry: &WildcardEntry| {
        let selector = entry.namespace_selector.as_deref().unwrap_or_default();
        Ok(WildcardRule {
            selector: parse_selector(selector).map_err(|error| {
                OpError::usage(crate::error::chain(&error)).after("unattended.wildcards: namespaceSelector")
            })?,
            name: entry.name.clone(),
            secret: entry.secret.as_deref().unwrap_or(wildcard::SECRET).into(),
        })
    };
    settings.unattended.wildcards.iter().flatten().map(rule).collect()
}

/// The id of the installation with this account, which is made if it has none. `None` without an account. It takes the permit to get
/// and patch the account's Secret.
///
/// # Errors
///
/// The account's Secret cannot be read or written.
pub(super) async fn install_of(api: &Api, account: &Key) -> Result<Option<String>, OpError> {
    let fresh = RunId::random().to_string();
    let mut found = None;
    let write = |present: Option<&Value>| {
        let noted = |secret: &Value| Some(secret["metadata"]["annotations"][INSTALL].as_str()?.to_owned());
        let Some(secret) = present else {
            return Ok::<_, ApiError>(Edit::Nothing);
        };
        found = noted(secret);
        if found.is_some() {
            return Ok(Edit::Nothing);
        }
        found = Some(fresh.clone());
        let version = &secret["metadata"]["resourceVersion"];
        let annotations = json!({INSTALL: fresh});
        Ok(Edit::Patch(Patch::Merge(
            json!({"metadata": {"resourceVersion": version, "annotations": annotations}}),
        )))
    };
    api.update(SECRET, account, Believed::Unknown, write)
        .await
        .map_err(|error| OpError::because(&error))?;
    Ok(found)
}

/// What is to be done for a Secret before anything is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeforeOrder {
    /// Nothing: order.
    Order,
    /// Its kept pair was put back.
    Restored(Restored),
    /// It has changed meanwhile: it is looked at again.
    Changed,
    /// Another run works on it, or one of this process that has just ended.
    Busy,
    /// The same names were ordered twice within a day.
    TwoADay {
        /// When they may be ordered again, in seconds since 1970.
        until: Seconds,
    },
}

/// Whether there is an account that may order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountState {
    /// There is, with this URL; empty if the CA has not said it.
    Ready(String),
    /// There is none. Nothing is ordered, and none is registered.
    Missing,
}

impl Unattended {
    /// Reads settings and the cluster. The session is where following begins.
    ///
    /// # Errors
    ///
    /// The settings are wrong, the account is not kept in a Secret, or not everything could be read.
    pub async fn open(order: Order, context: &Context) -> Result<(Self, Session), OpError> {
        let open = Open {
            for_watch: true,
            all_users: true,
            with_namespaces: true,
            ..Open::default()
        };
        let opened = Box::pin(Opened::read_as(&order, &[], context, Directory::begin, open)).await?;
        let Opened {
            session,
            settings,
            acme,
            store,
            ..
        } = opened;
        let Some(connection) = session.connection.clone() else {
            return Err(OpError::usage("only a cluster can be kept renewed"));
        };
        if matches!(store, Store::Local(_)) {
            return Err(
                OpError::usage("the account has to be in a Secret, where every replica finds it").hint(
                    "name it with --account-secret NAMESPACE/NAME; `kubectl certs account register` makes one there",
                ),
            );
        }
        let wildcards = Wildcards {
            rules: wildcards(&settings)?,
            only: match &session.scope.namespaces {
                Namespaces::All => None,
                Namespaces::Only(names) => Some(names.clone()),
            },
        };
        let unattended = Self {
            order,
            install: OnceLock::new(),
            settings,
            wildcards,
            store,
            connection,
            scope: session.scope.clone(),
            acme: tokio::sync::Mutex::new(Arc::new(acme)),
        };
        Ok((unattended, session))
    }

    /// The id of the installation, which is made by the first that asks for it. `None` without an account.
    ///
    /// # Errors
    ///
    /// The account's Secret cannot be read or written.
    pub async fn install(&self) -> Result<Option<&str>, OpError> {
        if let Some(install) = self.install.get() {
            return Ok(Some(install));
        }
        let Store::Secret(api, key) = &self.store else {
            return Ok(None);
        };
        let permit = Permit::one(
            &[Verb::Get, Verb::Patch],
            SECRET,
            key.0.namespace.clone(),
            key.0.name.clone(),
        );
        let api = api.with_permits(Permits::none().with(permit));
        let found = install_of(&api, &key.0).await?;
        Ok(found.map(|found| self.install.get_or_init(|| found).as_str()))
    }

    /// Whether there is an account that may order.
    ///
    /// # Errors
    ///
    /// The account's Secret cannot be read.
    pub async fn account(&self) -> Result<AccountState, OpError> {
        let directory = &self.settings.chosen.issuer.directory_url;
        let kept = self.store.load(directory).await;
        let kept = kept.map_err(|error| OpError::because(&error))?;
        Ok(match kept {
            Some(kept) => AccountState::Ready(kept.account.url.unwrap_or_default()),
            None => AccountState::Missing,
        })
    }

    /// What is left of the limits of the CA, by what the account has counted and by the certificates of the cluster. `None`
    /// if there is no account.
    ///
    /// # Errors
    ///
    /// The account's Secret cannot be read.
    pub async fn limits(&self, context: &Context, inventory: &Inventory) -> Result<Option<Vec<Left>>, OpError> {
        let directory = &self.settings.chosen.issuer.directory_url;
        let kept = self.store.load(directory).await;
        let Some(kept) = kept.map_err(|error| OpError::because(&error))? else {
            return Ok(None);
        };
        let Some(limits) = self.settings.chosen.limits else {
            return Ok(Some(Vec::new()));
        };
        let account = kept.account.url.as_deref().unwrap_or_default();
        let standing = context.standing.lock().await.get(account).cloned();
        let now = crate::clock::now();
        let mut known = if let Some(standing) = standing {
            standing.ledger().look(Clone::clone)
        } else {
            let ledger = Ledger::of_account(&self.store, Some(account), Some(limits), now).await;
            ledger.look(Clone::clone)
        };
        known.join(seen(inventory, &self.settings).buckets());
        Ok(Some(overview(&limits, &known, &BTreeSet::new(), None, now)))
    }

    /// For each of these targets, in this order: what counts its order until it is made, or the limit that it would exceed
    /// ([`allowed`]). Nothing is known before the account has ordered once in this term.
    pub async fn allowed(
        &self,
        context: &Context,
        inventory: &Inventory,
        account: &str,
        targets: &[&Target],
    ) -> Vec<Result<Option<Expected>, Exceeded>> {
        let Some(standing) = context.standing.lock().await.get(account).cloned() else {
            return targets.iter().map(|_| Ok(None)).collect();
        };
        let orders = targets.iter().map(|target| &target.names.order[..]);
        let seen = || seen(inventory, &self.settings);
        allowed(standing.ledger(), orders, seen, crate::clock::now())
    }

    /// The cluster.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The namespace of the account, and of everything else that the program keeps.
    pub fn namespace(&self) -> &str {
        match &self.store {
            Store::Secret(_, key) => &key.0.namespace,
            Store::Local(_) => "",
        }
    }

    /// The Secret with the account.
    pub fn account_secret(&self) -> Option<&Key> {
        match &self.store {
            Store::Secret(_, key) => Some(&key.0),
            Store::Local(_) => None,
        }
    }

    /// Where routes are reached from here, if not at their own addresses.
    pub fn connect(&self) -> Option<&HostPort> {
        self.order.connect.as_ref()
    }

    /// The workloads that are restarted for a Secret, by who uses it now.
    pub fn restarted(&self, secret: &Key) -> impl Future<Output = Vec<Workload>> + Send + use<> {
        let (secret, connection) = (secret.clone(), self.connection.clone());
        let wanted = self.settings.storing.restart.clone();
        async move {
            let (mut all, _) = consumers::restarts(connection, vec![secret.clone()], &wanted).await;
            all.remove(&secret).unwrap_or_default().restarted
        }
    }

    /// Puts the former pair of a Secret back. Returns the end of its validity, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// Why it was not put back.
    pub fn undo(
        &self,
        secret: &Key,
        both: Both,
        authority: Authority,
    ) -> impl Future<Output = Result<Seconds, UndoError>> + Send + use<> {
        let (secret, options, keeping) = (secret.clone(), store_options(&self.settings), self.keeping());
        let connection = self.connection.clone();
        async move {
            let keeping = keeping.ok_or(UndoError::NotKept)?;
            let api = Api::new(connection, undo::permits(&secret, &keeping));
            undo::undo(&api, &secret, &keeping, &options, both, &authority).await
        }
    }

    /// Where the pairs of this installation are kept; `None` before its id is known.
    fn keeping(&self) -> Option<Keeping> {
        Some(Keeping {
            namespace: self.namespace().into(),
            claim: self.install.get()?.clone(),
        })
    }

    /// What is to be done for a Secret before anything is ordered: its kept pair is put back if it has lost its own, and
    /// nothing is ordered for the same names a third time within a day.
    ///
    /// # Errors
    ///
    /// The cluster does not answer, or another run works on the Secret.
    pub async fn before_order(&self, target: &Target, lacks_pair: bool) -> Result<BeforeOrder, OpError> {
        let Some(keeping) = self.keeping() else {
            return Ok(BeforeOrder::Order);
        };
        let api = Api::new(self.connection.clone(), restore::permits(&target.secret, &keeping));
        let kept = Kept::read(&api, &keeping, &target.secret).await;
        let Some(kept) = kept.map_err(|error| OpError::because(&error))? else {
            return Ok(BeforeOrder::Order);
        };
        if lacks_pair {
            let (run, options) = (RunId::random(), store_options(&self.settings));
            match restore(&api, &target.secret, &keeping, &options, &run).await {
                Ok(restored) => return Ok(BeforeOrder::Restored(restored)),
                Err(RestoreError::Others { .. } | RestoreError::Whole | RestoreError::Ending) => {
                    return Ok(BeforeOrder::Changed);
                }
                Err(RestoreError::Lease(_) | RestoreError::LeaseLost) => return Ok(BeforeOrder::Busy),
                Err(error @ RestoreError::Api(_)) => return Err(OpError::because(&error)),
                // It has no pair to put back.
                Err(error) => log::debug!("Secret {}: nothing is put back: {error}", target.secret),
            }
        }
        let names: Vec<String> = target.names.order.iter().map(ToString::to_string).collect();
        let now = crate::clock::now();
        let within = target.enough_within();
        if kept.issued_since(&names, now.saturating_sub(within)) >= ENOUGH {
            let last = kept.issuances.iter().map(|issuance| issuance.at).rev().nth(ENOUGH - 1);
            return Ok(BeforeOrder::TwoADay {
                until: last.unwrap_or(now).saturating_add(within),
            });
        }
        Ok(BeforeOrder::Order)
    }

    /// The CA. It is asked for its directory again if it could not be read the last time.
    ///
    /// # Errors
    ///
    /// The CA does not answer, or not with a directory.
    pub async fn acme(&self, context: &Context) -> Result<Acme, OpError> {
        let directory = Arc::clone(&*self.acme.lock().await);
        match directory.get(&**context.front()).await {
            Ok(acme) => Ok(acme.clone()),
            Err(error) => {
                *self.acme.lock().await = Arc::new(Directory::begin(&self.settings.chosen.issuer));
                Err(error)
            }
        }
    }

    /// Asks the CA for its directory anew.
    ///
    /// # Errors
    ///
    /// The CA does not answer, or not with a directory.
    pub async fn look_at_ca(&self, context: &Context) -> Result<(), OpError> {
        let directory = Arc::new(Directory::begin(&self.settings.chosen.issuer));
        directory.get(&**context.front()).await?;
        *self.acme.lock().await = directory;
        Ok(())
    }

    /// Prepares orders for these targets from what is known of the cluster. The run that comes back needs the inventory
    /// no longer, and is carried out with [`Run::all_telling`].
    ///
    /// # Errors
    ///
    /// Nothing was ordered: the CA does not answer, there is no account, or nothing can answer challenges.
    pub async fn begin(
        &self,
        context: &Context,
        inventory: &Inventory,
        targets: &[Target],
        authority: &Authority,
    ) -> Result<Run, OpError> {
        // What could not be read the last time is read again.
        self.acme(context).await?;
        let directory = Arc::clone(&*self.acme.lock().await);
        let issuance = Issuance {
            context,
            order: &self.order,
            inventory,
            connection: Some(&self.connection),
            scope: &self.scope,
            settings: &self.settings,
            store: &self.store,
            acme: &directory,
            keeping: self.keeping(),
            authority: authority.clone(),
            denied: None,
            present: std::sync::Mutex::default(),
            is_bounded: true,
            left: &[],
            left_out: Vec::new(),
        };
        issuance.begin(targets).await
    }
}
