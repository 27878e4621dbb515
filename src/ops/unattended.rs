//! What a program that goes on works with: settings, the account and the CA, over an inventory that it follows itself.
//!
//! Unlike [`renew`](super::renew), which reads a cluster once and asks before it orders, this orders what the caller has
//! decided from its own picture. It never registers an account: an account that is missing or unreadable stops orders.

mod at;
mod second;
mod stored;

pub use second::{Checked, Checking, Rehearsal};

use at::At;

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use super::{
    Context, OpError,
    directory::Directory,
    install_id,
    issuance::{Drawn, Issuance, Order, seen},
    opened::Opened,
    session::{Open, Session},
};
use crate::{
    acme::Acme,
    apply::{
        Api, Permit, Permits, RunId, Verb,
        kept::{Keeping, Kept},
    },
    engine::{
        allowance::allowed,
        authority::Authority,
        choose::led,
        ledger::{Expected, Ledger},
        prepare::store_options,
        restore::{self, RestoreError, Restored, restore},
        run::Run,
    },
    error::chain,
    inventory::{Inventory, Stored},
    k8s::Connection,
    net::HostPort,
    object::{Key, Seconds, Text, resource::SECRET},
    plan::{
        Target,
        ca::Ca,
        limits::{Exceeded, Left, overview},
        target::ENOUGH,
        wildcard::{self, WildcardRule, Wildcards},
    },
    policy::Terms,
    settings::{Chosen, Settings, preference::Class, store::Store, unattended::WildcardEntry},
    source::{
        Scope,
        scope::{Namespaces, parse_selector},
    },
};

/// What the names policy is asked with: the chosen issuer, its profile, and the kind of key that the settings ask for.
pub fn terms(settings: &Settings) -> Terms {
    terms_at(settings, &settings.chosen)
}

/// The same for an issuer besides the chosen one.
fn terms_at(settings: &Settings, chosen: &Chosen) -> Terms {
    let key_type = settings.certificate.said.key_type;
    Terms {
        issuer: chosen.issuer.name.clone(),
        profile: chosen.issuer.profile.clone().unwrap_or_default(),
        key_type: key_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
    }
}

/// Everything that orders have in common, for as long as the program goes on.
pub struct Unattended {
    order: Order,
    install: OnceLock<String>,
    /// The settings, as they were when the program began.
    pub settings: Settings,
    /// The wildcards that are declared for namespaces.
    pub wildcards: Wildcards,
    /// Where the accounts are kept.
    store: Store,
    /// The issuers, the first one first.
    issuers: Vec<Arc<At>>,
    /// The issuers at which changes to the others are rehearsed, by the names of those.
    stagings: Vec<(Text, At)>,
    /// For which certificates which of the others are.
    pub classes: Vec<Class>,
    connection: Connection,
    scope: Scope,
}

/// The rules of the settings.
fn wildcards(settings: &Settings) -> Result<Vec<WildcardRule>, OpError> {
    let rule = |entry: &WildcardEntry| {
        let selector = entry.namespace_selector.as_deref().unwrap_or_default();
        Ok(WildcardRule {
            selector: parse_selector(selector)
                .map_err(|error| OpError::usage(chain(&error)).after("unattended.wildcards: namespaceSelector"))?,
            name: entry.name.clone(),
            secret: entry.secret.as_deref().unwrap_or(wildcard::SECRET).into(),
        })
    };
    settings.unattended.wildcards.iter().flatten().map(rule).collect()
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
            mut session,
            settings,
            acme,
            store,
            ..
        } = opened;
        let Some(connection) = session.connection.clone() else {
            return Err(OpError::usage("only a cluster can be kept renewed"));
        };
        let preference = context.preference(order.flags.clone(), &settings.chosen).await?;
        for first in &preference.idle {
            context.front().warn(&format!(
                "an order of unattended.issuers begins with {first}, and not with {}: it is not followed",
                settings.chosen.issuer.name
            ));
        }
        if matches!(store, Store::Local(_)) {
            return Err(
                OpError::usage("the account has to be in a Secret, where every replica finds it").hint(
                    "name it with --account-secret NAMESPACE/NAME; `kubectl certs account register` makes one there",
                ),
            );
        }
        // Of nobody else's settings, and of no annotation: who may have which names is for the controller's namespace to say.
        session.inventory.set_policy(settings.names.clone());
        let wildcards = Wildcards {
            rules: wildcards(&settings)?,
            only: match &session.scope.namespaces {
                Namespaces::All => None,
                Namespaces::Only(names) => Some(names.clone()),
            },
        };
        let mut issuers = vec![Arc::new(At::first(settings.chosen.clone(), store.clone(), acme))];
        let mut stagings = Vec::new();
        for other in preference.others {
            if let Some(mut staging) = other.staging {
                let of = other.chosen.issuer.name.as_str().into();
                // What it issues is stored nowhere.
                staging.rehearsal = true;
                stagings.push((of, At::beside(context, staging).await?));
            }
            issuers.push(Arc::new(At::beside(context, other.chosen).await?));
        }
        let unattended = Self {
            order,
            install: OnceLock::new(),
            settings,
            wildcards,
            store,
            issuers,
            stagings,
            classes: preference.classes,
            connection,
            scope: session.scope.clone(),
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
        let found = install_id::note(&api, &key.0, RunId::random().as_str()).await?;
        Ok(found.map(|found| self.install.get_or_init(|| found).as_str()))
    }

    /// The issuer with this name; the first if there is none.
    fn at(&self, issuer: &str) -> Result<&At, OpError> {
        let named = self.issuers.iter().find(|at| at.name() == issuer);
        let found = named.or_else(|| self.issuers.first());
        found
            .map(Arc::as_ref)
            .ok_or_else(|| OpError::usage("there is no issuer"))
    }

    /// What the names policy is asked with at each of the issuers besides the first.
    pub fn other_terms(&self) -> Vec<Terms> {
        let others = self.issuers.iter().skip(1);
        others.map(|at| terms_at(&self.settings, &at.chosen)).collect()
    }

    /// The CAs of the issuers besides the first.
    pub fn others(&self) -> Vec<Ca> {
        let others = self.issuers.iter().skip(1);
        others.map(|at| at.chosen.ca.clone()).collect()
    }

    /// The name of the issuer that the certificate of a Secret came from, by the note on it; that of the first if there is
    /// none.
    pub fn issuer_of(&self, stored: &Stored) -> Text {
        let others = self.issuers.iter().skip(1);
        let mut noted = others.filter(|at| at.chosen.ca.is_noted(stored));
        noted.next().map_or_else(
            || self.settings.chosen.issuer.name.as_str().into(),
            |at| at.name().into(),
        )
    }

    /// Whether there is an account at an issuer that may order.
    ///
    /// # Errors
    ///
    /// The account's Secret cannot be read.
    pub async fn account(&self, issuer: &str) -> Result<AccountState, OpError> {
        let at = self.at(issuer)?;
        let kept = at.store.load(&at.chosen.issuer.directory_url).await;
        let kept = kept.map_err(|error| OpError::because(&error))?;
        Ok(match kept {
            Some(kept) => AccountState::Ready(kept.account.url.unwrap_or_default()),
            None => AccountState::Missing,
        })
    }

    /// What is left of the limits of each issuer, by what its account has counted and by the certificates of the cluster. `None`
    /// for one without an account.
    ///
    /// # Errors
    ///
    /// The account's Secret cannot be read.
    pub async fn limits(&self, context: &Context, inventory: &Inventory) -> Result<Vec<Option<Vec<Left>>>, OpError> {
        let mut all = Vec::new();
        for at in &self.issuers {
            all.push(self.limits_at(at, context, inventory).await?);
        }
        Ok(all)
    }

    /// The names of the issuers, the first one first.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().map(|at| at.name())
    }

    async fn limits_at(&self, at: &At, context: &Context, inventory: &Inventory) -> Result<Option<Vec<Left>>, OpError> {
        let kept = at.store.load(&at.chosen.issuer.directory_url).await;
        let Some(kept) = kept.map_err(|error| OpError::because(&error))? else {
            return Ok(None);
        };
        let Some(limits) = at.chosen.limits else {
            return Ok(Some(Vec::new()));
        };
        let account = kept.account.url.as_deref().unwrap_or_default();
        let standing = context.standing.lock().await.get(account).cloned();
        let now = crate::clock::now();
        let mut known = if let Some(standing) = standing {
            standing.ledger().look(Clone::clone)
        } else {
            let ledger = Ledger::of_account(&at.store, Some(account), Some(limits), now).await;
            ledger.look(Clone::clone)
        };
        known.join(seen(inventory, &at.settings(&self.settings)).buckets());
        Ok(Some(overview(&limits, &known, &BTreeSet::new(), None, now)))
    }

    /// For each of these targets, in this order: what counts its order until it is made, or the limit of the issuer that it would
    /// exceed ([`allowed`]). Nothing is known before the account there has ordered once in this term.
    pub async fn allowed(
        &self,
        context: &Context,
        inventory: &Inventory,
        (issuer, account): (&str, &str),
        targets: &[&Target],
    ) -> Vec<Result<Option<Expected>, Exceeded>> {
        let standing = context.standing.lock().await.get(account).cloned();
        let (Some(standing), Ok(at)) = (standing, self.at(issuer)) else {
            return targets.iter().map(|_| Ok(None)).collect();
        };
        let orders = targets.iter().map(|target| &target.names.order[..]);
        let seen = || seen(inventory, &at.settings(&self.settings));
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

    /// The CA of an issuer. It is asked for its directory again if it could not be read the last time.
    ///
    /// # Errors
    ///
    /// The CA does not answer, or not with a directory.
    pub async fn acme(&self, context: &Context, issuer: &str) -> Result<Acme, OpError> {
        self.at(issuer)?.acme(&**context.front()).await
    }

    /// Prepares orders for these targets at an issuer, from what is known of the cluster. The run that comes back needs the
    /// inventory no longer, and is carried out with [`Run::all_telling`].
    ///
    /// # Errors
    ///
    /// Nothing was ordered: the CA does not answer, there is no account, or nothing can answer challenges.
    pub async fn begin(
        &self,
        context: &Context,
        inventory: &Inventory,
        (issuer, targets): (&str, &[Target]),
        authority: &Authority,
    ) -> Result<Run, OpError> {
        let at = self.at(issuer)?;
        self.begin_at(at, context, (inventory, None), targets, authority, self.keeping())
            .await
    }

    /// What was drawn from the picture already, it is not asked for.
    async fn begin_at(
        &self,
        at: &At,
        context: &Context,
        (inventory, drawn): (&Inventory, Option<Drawn>),
        targets: &[Target],
        authority: &Authority,
        keeping: Option<Keeping>,
    ) -> Result<Run, OpError> {
        // What could not be read the last time is read again.
        at.acme(&**context.front()).await?;
        let directory = at.directory().await;
        // In boxes, because they are large and there are many orders.
        let at_issuer = Box::new(at.settings(&self.settings));
        let settings = Box::new(led(&at_issuer, targets));
        let issuance = Issuance {
            context,
            order: &self.order,
            inventory,
            connection: Some(&self.connection),
            scope: &self.scope,
            settings: &settings,
            store: &at.store,
            acme: &directory,
            keeping,
            authority: authority.clone(),
            directories: self
                .issuers
                .iter()
                .map(|at| at.chosen.issuer.directory_url.clone())
                .collect(),
            denied: None,
            present: std::sync::Mutex::default(),
            is_bounded: true,
            left: &[],
            left_out: Vec::new(),
        };
        let drawn = drawn.map_or_else(|| issuance.draw(targets), Ok)?;
        issuance.begin(drawn, targets).await
    }
}
