//! What is read after the lists, because something in them needs it.

use std::collections::BTreeSet;

use super::{ClusterReading, nobody, problems};
use crate::{
    check::{Reason, has_ended, names_services},
    inventory::{Inventory, Stored},
    k8s::{ClusterError, consumers, data_changed, holding_certificates},
    object::{Key, Kind, Text, gateway::AllowedNamespaces},
    source::{Scope, scope::Namespaces},
};

/// Above so many namespaces one list of each kind is cheaper than one a namespace.
const NAMESPACES_ASKED: usize = 10;
/// So many mounted Secrets are looked at without having been asked for.
const MOUNTED_LOOKED_AT: usize = 256;

impl ClusterReading<'_> {
    /// All of it, and what could not be read or understood.
    pub(super) async fn further(&mut self, wanted: &[Key]) -> Result<(), ClusterError> {
        self.of_other_namespaces().await?;
        self.inventory.derive();
        self.named(wanted).await;
        self.inventory.derive();
        self.stores_of_others().await?;
        self.read.unresolved.judge_again(self.inventory, self.judge);
        self.users().await?;
        self.mounted().await;
        self.services().await
    }

    /// What decides about routes and is not in the namespaces of the scope, or of no namespace.
    pub(super) async fn of_other_namespaces(&mut self) -> Result<(), ClusterError> {
        self.grants().await?;
        self.routes_of_others().await?;
        self.tell_what_was_not_understood();
        self.namespaces().await
    }

    fn tell_what_was_not_understood(&mut self) {
        let read = &mut self.read;
        read.problems.extend(problems(&read.listing));
        for (kind, skipped) in &read.listing.skipped {
            let name = skipped.key.as_ref().map(ToString::to_string).unwrap_or_default();
            let why = crate::error::chain(&skipped.error);
            read.problems
                .push(format!("cannot parse {} {name}: {why}", kind.as_str()));
        }
    }

    /// A list outside of the scope, or of a part of it. Its own troubles are told with those of the first list.
    async fn also(&mut self, within: Scope, kinds: &'static [Kind]) -> Result<(), ClusterError> {
        let listing = self.list(within, kinds, &mut nobody).await?;
        self.read.listing.absorb(listing);
        Ok(())
    }

    fn is_restricted(&self) -> bool {
        matches!(self.scope.namespaces, Namespaces::Only(_))
    }

    /// The `ReferenceGrants` of namespaces that are not in the scope, where listeners name Secrets of them.
    async fn grants(&mut self) -> Result<(), ClusterError> {
        // Without -n, the list is of all namespaces.
        if !self.is_restricted() {
            return Ok(());
        }
        let others: Vec<Text> = self
            .inventory
            .namespaces_referred_to()
            .into_iter()
            .filter(|namespace| !self.scope.allows_namespace(namespace))
            .collect();
        if others.is_empty() {
            return Ok(());
        }
        self.also(within(others), &[Kind::ReferenceGrant]).await
    }

    /// The routes of namespaces that are not in the scope, where a listener of a Gateway in it lets them attach: its hosts are theirs.
    async fn routes_of_others(&mut self) -> Result<(), ClusterError> {
        let open =
            |allowed: &AllowedNamespaces| matches!(allowed, AllowedNamespaces::All | AllowedNamespaces::Selector(_));
        if !self.is_restricted() || !self.inventory.allowed_namespaces().any(open) {
            return Ok(());
        }
        self.also(Scope::everything(), &Kind::ATTACHED).await
    }

    /// Traefik's stores of namespaces that are not in the scope, where a host of the scope gets its default certificate: there is one
    /// store for all, in whatever namespace. Without the right to list them everywhere it is not known which certificate is the default one.
    async fn stores_of_others(&mut self) -> Result<(), ClusterError> {
        if !self.is_restricted() || !self.inventory.needs_traefiks_default() {
            return Ok(());
        }
        self.also(Scope::everything(), &[Kind::TlsStore, Kind::OldTlsStore])
            .await?;
        let of_stores: Vec<Key> = self.inventory.secrets_of_stores().collect();
        self.named(&of_stores).await;
        self.inventory.derive();
        Ok(())
    }

    /// The labels of namespaces, where a listener chooses by them. A watch follows them: a label decides whose hosts are served.
    async fn namespaces(&mut self) -> Result<(), ClusterError> {
        if !self.scope.with_namespaces && !self.inventory.some_listener_selects_namespaces() {
            return Ok(());
        }
        let listing = self.list(Scope::everything(), &[Kind::Namespace], &mut nobody).await?;
        self.read.problems.extend(problems(&listing));
        self.read.listing.absorb(listing);
        Ok(())
    }

    /// The Secrets that are named and that no list brought: of another type, in another namespace, or not to be listed.
    async fn named(&mut self, wanted: &[Key]) {
        let inventory = &*self.inventory;
        let missing: BTreeSet<Key> = inventory
            .named_secrets()
            .chain(inventory.secrets_of_stores())
            .chain(wanted.iter().cloned())
            .chain(inventory.default_certificates().cloned())
            .filter(|key| inventory.secrets().get(key).is_none() && !self.read.fetched.contains(key))
            .collect();
        if missing.is_empty() {
            return;
        }
        for key in self.fetch(missing.into_iter().collect()).await {
            self.inventory.mark_unreadable(key);
        }
    }

    /// The Secrets that Pods mount, that no list brought because of their type, and that hold a certificate all the same. Their metadata
    /// tells that: what else is mounted is mostly passwords, and is not read.
    async fn mounted(&mut self) {
        let mut unread: Vec<Key> = self.inventory.mounted_unread().cloned().collect();
        unread.sort();
        if !self.scope.data_keys.any_named() {
            unread.truncate(MOUNTED_LOOKED_AT);
        }
        let keys = holding_certificates(self.connection, &self.scope.data_keys, unread).await;
        if !keys.is_empty() {
            self.fetch(keys).await;
        }
    }

    /// The Services of the namespaces in which Pods mount a certificate that names some.
    async fn services(&mut self) -> Result<(), ClusterError> {
        let inventory = &*self.inventory;
        let namespaces: BTreeSet<Text> = inventory
            .secrets()
            .iter()
            .filter(|stored| names_services(stored))
            .map(|stored| stored.meta.key())
            .filter(|key| inventory.bindings_of_secret(key).is_empty() && inventory.is_mounted(key))
            .map(|key| key.namespace)
            .collect();
        if namespaces.is_empty() || !self.select.may_matter(Reason::HostMismatch) {
            return Ok(());
        }
        let within = within(namespaces.into_iter().collect());
        let listing = self.list(within, &[Kind::Service], &mut nobody).await?;
        self.read.problems.extend(problems(&listing));
        Ok(())
    }

    /// Who uses the TLS Secrets that no route uses, and when the Secrets changed that Pods read only at their start.
    async fn users(&mut self) -> Result<(), ClusterError> {
        let (orphans, stale, expired) = (
            self.select.may_matter(Reason::OrphanSecret),
            self.select.may_matter(Reason::StalePods),
            self.select.may_matter(Reason::Expired),
        );
        let (now, inventory) = (self.now, &*self.inventory);
        let is_expired = |stored: &Stored| stored.leaf().is_some_and(|leaf| has_ended(leaf.not_after, now));
        let mut suspects: BTreeSet<Text> = inventory
            .secrets()
            .iter()
            .filter(|stored| stored.is_tls())
            .map(|stored| (stored, stored.meta.key()))
            .filter(|(stored, key)| {
                stale || ((orphans || (expired && is_expired(stored))) && inventory.bindings_of_secret(key).is_empty())
            })
            .map(|(_, key)| key.namespace)
            .collect();
        // Keys that the user names stand in Secrets that only their Pods lead to.
        let named = self.scope.data_keys.any_named();
        let everywhere = named && self.scope.namespaces == Namespaces::All;
        if let (true, Namespaces::Only(names)) = (named, &self.scope.namespaces) {
            suspects.extend(names.iter().cloned());
        }
        if !suspects.is_empty() || everywhere {
            let few = !everywhere && suspects.len() <= NAMESPACES_ASKED;
            self.consumers(few.then(|| suspects.into_iter().collect())).await?;
        }
        if stale {
            let inventory = &*self.inventory;
            let changed: Vec<Key> = inventory
                .secrets()
                .iter()
                .filter(|stored| crate::check::may_have_stale_pods(inventory, stored))
                .map(|stored| stored.meta.key())
                .collect();
            for (key, at) in data_changed(self.connection, &self.scope.data_keys, &changed).await {
                self.inventory.set_data_changed(&key, at);
            }
        }
        Ok(())
    }

    /// What uses Secrets, in these namespaces or in all.
    async fn consumers(&mut self, namespaces: Option<Vec<Text>>) -> Result<(), ClusterError> {
        let from = self.connection.clone();
        let listing = |sink| async move { consumers(&from, namespaces.as_deref(), sink).await };
        let listing = self.taken(listing, &mut nobody).await?;
        self.read.problems.extend(problems(&listing));
        Ok(())
    }
}

/// All of some namespaces.
fn within(namespaces: Vec<Text>) -> Scope {
    Scope {
        namespaces: Namespaces::Only(namespaces),
        ..Scope::everything()
    }
}

impl Inventory {
    /// Whether some listener lets routes or `ListenerSets` in by the labels of their namespace.
    fn some_listener_selects_namespaces(&self) -> bool {
        self.allowed_namespaces()
            .any(|allowed| matches!(allowed, AllowedNamespaces::Selector(_)))
    }
}
