//! A scan of a cluster: lists, then what only some objects need.

use std::collections::BTreeSet;

use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn},
};

use crate::{
    check::{Reason, Select, names_services},
    inventory::{Inventory, Stored},
    object::{Change, Key, Kind, NotJudged, Seconds, Text, gateway::AllowedNamespaces},
    source::{
        Scope,
        cluster::{
            ClusterError, Connection, ListOptions, Listing, consumers, count_carriers, data_changed, get_secrets,
            holding_certificates, list, programs,
        },
        pairs,
        scope::Namespaces,
    },
    x509::Judge,
};

use super::secrets::Unresolved;

/// The kinds that every scan reads.
const KINDS: [Kind; 23] = [
    Kind::Secret,
    Kind::Ingress,
    Kind::IngressClass,
    Kind::Gateway,
    Kind::GatewayClass,
    Kind::ListenerSet,
    Kind::XListenerSet,
    Kind::HttpRoute,
    Kind::GrpcRoute,
    Kind::TlsRoute,
    Kind::ReferenceGrant,
    Kind::IngressRoute,
    Kind::OldIngressRoute,
    Kind::IngressRouteTcp,
    Kind::OldIngressRouteTcp,
    Kind::TlsStore,
    Kind::OldTlsStore,
    Kind::Certificate,
    Kind::CertificateRequest,
    Kind::Issuer,
    Kind::ClusterIssuer,
    Kind::Order,
    Kind::Challenge,
];

/// Above so many namespaces one list of each kind is cheaper than one a namespace.
const NAMESPACES_ASKED: usize = 10;
/// How many changes may wait: each Secret that waits is some 4 KB.
const WAITING: usize = 128;

/// What a scan leaves besides the inventory.
#[derive(Debug, Default)]
pub struct Read {
    /// Chains that are judged again when Secrets change.
    pub unresolved: Unresolved,
    /// Where watches start.
    pub listing: Listing,
    /// The Secrets that were fetched by name.
    pub fetched: Vec<Key>,
    /// What could not be read for another reason than rights: in words, one line each, not cleared.
    pub problems: Vec<String>,
    /// What carries certificates and is not read; `None` where the cluster does not tell what it serves.
    pub not_judged: Option<Vec<NotJudged>>,
}

/// Reads a cluster into `inventory`, and judges the trust of what it holds.
///
/// `wanted` are Secrets that were asked for by name. What can make no difference by `select` is not read for: who uses the
/// Secrets without route, and when Secrets changed. `look` is called every now and then while the lists arrive, with what has
/// arrived: nothing is derived from it yet.
// Each is one thing that a scan is made of.
#[allow(clippy::too_many_arguments)]
pub async fn read(
    connection: &Connection,
    scope: &Scope,
    options: &ListOptions,
    select: &Select,
    wanted: &[Key],
    now: Seconds,
    inventory: &mut Inventory,
    judge: &Judge,
    look: &mut (dyn FnMut(&mut Inventory) + Send),
) -> Result<Read, ClusterError> {
    let mut read = Read::default();
    inventory.set_loading(true);
    let (sink, changes) = mpsc::channel(WAITING);
    let (from, within, how) = (connection.clone(), scope.clone(), *options);
    let listing = spawn(async move { list(&from, &within, &KINDS, &how, sink).await });
    take(changes, &mut read.unresolved, inventory, judge, look).await;
    read.listing = finished(listing).await?;
    // Which program serves a class decides what its routes are.
    if inventory.wants_programs() {
        inventory.set_programs(programs(connection).await);
    }
    inventory.settle();
    // Beside what follows, which does not need it.
    let counting = spawn(count_carriers(connection.clone(), scope.clone(), &read.listing, &KINDS));
    grants(connection, scope, options, &mut read, inventory, judge).await?;
    routes_of_others(connection, scope, options, &mut read, inventory, judge).await?;
    read.problems.extend(problems(&read.listing));
    for (kind, skipped) in &read.listing.skipped {
        let name = skipped.key.as_ref().map(ToString::to_string).unwrap_or_default();
        let why = crate::error::chain(&skipped.error);
        read.problems
            .push(format!("cannot understand {} {name}: {why}", kind.as_str()));
    }
    namespaces(connection, options, &mut read, inventory, judge).await?;
    inventory.settle();
    named(connection, wanted, &mut read, inventory, judge).await;
    inventory.settle();
    stores_of_others(connection, scope, options, &mut read, inventory, judge).await?;
    read.unresolved.judge_again(inventory, judge);
    users(connection, scope, select, now, &mut read, inventory, judge).await?;
    mounted(connection, &mut read, inventory, judge).await;
    services(connection, options, select, &mut read, inventory, judge).await?;
    inventory.settle();
    inventory.set_loading(false);
    read.not_judged = finished(counting).await;
    Ok(read)
}

/// What a list could not read, in words.
fn problems(listing: &Listing) -> Vec<String> {
    let in_words = |(kind, error): &(Kind, ClusterError)| {
        // Two groups have the same plural.
        let group = if kind.is_old_traefik() {
            format!(".{}", kind.group())
        } else {
            String::new()
        };
        format!("cannot read {}{group}: {}", kind.plural(), crate::error::chain(error))
    };
    listing.incomplete.iter().map(in_words).collect()
}

/// Looks at nothing.
fn nobody(_: &mut Inventory) {}

/// What a task of its own came to: [`take`] blocks its thread, so what it waits for must not share its task.
async fn finished<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // A task is cancelled when the runtime ends, and then nobody waits any more.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Takes changes while they arrive. Parsing blocks its thread, so the runtime is told.
async fn take(
    mut changes: mpsc::Receiver<Change>,
    unresolved: &mut Unresolved,
    inventory: &mut Inventory,
    judge: &Judge,
    look: &mut (dyn FnMut(&mut Inventory) + Send),
) {
    // The first change comes when the server has answered; until then no thread is blocked.
    let Some(first) = changes.recv().await else { return };
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        // All that wait at once: waking this thread costs more than what it does for one of them.
        let mut batch = Vec::with_capacity(WAITING);
        batch.push(first);
        let next = || {
            if batch.is_empty() {
                runtime.block_on(changes.recv_many(&mut batch, WAITING));
                batch.reverse();
            }
            batch.pop()
        };
        unresolved.take_all(next, inventory, judge, look);
    });
}

/// The `ReferenceGrants` of namespaces that are not in the scope, where listeners name Secrets of them.
async fn grants(
    connection: &Connection,
    scope: &Scope,
    options: &ListOptions,
    read: &mut Read,
    inventory: &mut Inventory,
    judge: &Judge,
) -> Result<(), ClusterError> {
    // Without -n, the list is of all namespaces.
    let Namespaces::Only(_) = &scope.namespaces else {
        return Ok(());
    };
    let others: Vec<Text> = inventory
        .namespaces_referred_to()
        .into_iter()
        .filter(|namespace| !scope.allows_namespace(namespace))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let within = Scope {
        namespaces: Namespaces::Only(others),
        ..Scope::everything()
    };
    let (sink, changes) = mpsc::channel(WAITING);
    let (from, how) = (connection.clone(), *options);
    let listing = spawn(async move { list(&from, &within, &[Kind::ReferenceGrant], &how, sink).await });
    take(changes, &mut read.unresolved, inventory, judge, &mut nobody).await;
    read.listing.absorb(finished(listing).await?);
    Ok(())
}

/// The routes of namespaces that are not in the scope, where a listener of a Gateway in it lets them attach: its hosts are theirs.
async fn routes_of_others(
    connection: &Connection,
    scope: &Scope,
    options: &ListOptions,
    read: &mut Read,
    inventory: &mut Inventory,
    judge: &Judge,
) -> Result<(), ClusterError> {
    let open = |allowed: &AllowedNamespaces| matches!(allowed, AllowedNamespaces::All | AllowedNamespaces::Selector(_));
    let restricted = matches!(scope.namespaces, Namespaces::Only(_));
    if !restricted || !inventory.allowed_namespaces().any(open) {
        return Ok(());
    }
    let (sink, changes) = mpsc::channel(WAITING);
    let (from, how) = (connection.clone(), *options);
    let listing = spawn(async move { list(&from, &Scope::everything(), &Kind::ATTACHED, &how, sink).await });
    take(changes, &mut read.unresolved, inventory, judge, &mut nobody).await;
    read.listing.absorb(finished(listing).await?);
    Ok(())
}

/// Traefik's stores of namespaces that are not in the scope, where a host of the scope gets its default certificate: there is one
/// store for all, in whatever namespace. Without the right to list them everywhere it is not known which certificate is the default one.
async fn stores_of_others(
    connection: &Connection,
    scope: &Scope,
    options: &ListOptions,
    read: &mut Read,
    inventory: &mut Inventory,
    judge: &Judge,
) -> Result<(), ClusterError> {
    let restricted = matches!(scope.namespaces, Namespaces::Only(_));
    if !restricted || !inventory.needs_traefiks_default() {
        return Ok(());
    }
    let (sink, changes) = mpsc::channel(WAITING);
    let (from, how) = (connection.clone(), *options);
    let kinds = [Kind::TlsStore, Kind::OldTlsStore];
    let listing = spawn(async move { list(&from, &Scope::everything(), &kinds, &how, sink).await });
    take(changes, &mut read.unresolved, inventory, judge, &mut nobody).await;
    read.listing.absorb(finished(listing).await?);
    let of_stores: Vec<Key> = inventory.secrets_of_stores().collect();
    named(connection, &of_stores, read, inventory, judge).await;
    inventory.settle();
    Ok(())
}

/// The labels of namespaces, where a listener chooses by them. A watch follows them: a label decides whose hosts are served.
async fn namespaces(
    connection: &Connection,
    options: &ListOptions,
    read: &mut Read,
    inventory: &mut Inventory,
    judge: &Judge,
) -> Result<(), ClusterError> {
    if !inventory.some_listener_selects_namespaces() {
        return Ok(());
    }
    let (sink, changes) = mpsc::channel(WAITING);
    let (from, how) = (connection.clone(), *options);
    let listing = spawn(async move { list(&from, &Scope::everything(), &[Kind::Namespace], &how, sink).await });
    take(changes, &mut read.unresolved, inventory, judge, &mut nobody).await;
    let listing = finished(listing).await?;
    read.problems.extend(problems(&listing));
    read.listing.absorb(listing);
    Ok(())
}

/// The Secrets that are named and that no list brought: of another type, in another namespace, or not to be listed.
async fn named(connection: &Connection, wanted: &[Key], read: &mut Read, inventory: &mut Inventory, judge: &Judge) {
    let missing: BTreeSet<Key> = inventory
        .named_secrets()
        .chain(inventory.secrets_of_stores())
        .chain(wanted.iter().cloned())
        .chain(inventory.default_certificates().cloned())
        .filter(|key| inventory.secrets().get(key).is_none() && !read.fetched.contains(key))
        .collect();
    if missing.is_empty() {
        return;
    }
    read.fetched.extend(missing.iter().cloned());
    let (sink, changes) = mpsc::channel(WAITING);
    let (from, keys) = (connection.clone(), missing.into_iter().collect());
    let failed = spawn(async move { get_secrets(&from, keys, sink).await });
    take(changes, &mut read.unresolved, inventory, judge, &mut nobody).await;
    for (key, error) in finished(failed).await {
        read.problems
            .push(format!("cannot read Secret {key}: {}", crate::error::chain(&error)));
        inventory.mark_unreadable(key);
    }
}

/// So many mounted Secrets are looked at without having been asked for.
const MOUNTED_LOOKED_AT: usize = 256;

/// The Secrets that Pods mount, that no list brought because of their type, and that hold a certificate all the same. Their metadata tells
/// that: what else is mounted is mostly passwords, and is not read.
async fn mounted(connection: &Connection, read: &mut Read, inventory: &mut Inventory, judge: &Judge) {
    let mut unread: Vec<Key> = inventory.mounted_unread().cloned().collect();
    unread.sort();
    if !pairs::any_named() {
        unread.truncate(MOUNTED_LOOKED_AT);
    }
    let keys = holding_certificates(connection, unread).await;
    if keys.is_empty() {
        return;
    }
    read.fetched.extend(keys.iter().cloned());
    let (sink, changes) = mpsc::channel(WAITING);
    let from = connection.clone();
    let failed = spawn(async move { get_secrets(&from, keys, sink).await });
    take(changes, &mut read.unresolved, inventory, judge, &mut nobody).await;
    for (key, error) in finished(failed).await {
        read.problems
            .push(format!("cannot read Secret {key}: {}", crate::error::chain(&error)));
    }
}

/// The Services of the namespaces in which Pods mount a certificate that names some.
async fn services(
    connection: &Connection,
    options: &ListOptions,
    select: &Select,
    read: &mut Read,
    inventory: &mut Inventory,
    judge: &Judge,
) -> Result<(), ClusterError> {
    let namespaces: BTreeSet<Text> = inventory
        .secrets()
        .iter()
        .filter(|stored| names_services(stored))
        .map(|stored| stored.meta.key())
        .filter(|key| inventory.bindings_of_secret(key).is_empty() && inventory.is_mounted(key))
        .map(|key| key.namespace)
        .collect();
    if namespaces.is_empty() || !select.may_matter(Reason::HostMismatch) {
        return Ok(());
    }
    let within = Scope {
        namespaces: Namespaces::Only(namespaces.into_iter().collect()),
        ..Scope::everything()
    };
    let (sink, changes) = mpsc::channel(WAITING);
    let (from, how) = (connection.clone(), *options);
    let listing = spawn(async move { list(&from, &within, &[Kind::Service], &how, sink).await });
    take(changes, &mut read.unresolved, inventory, judge, &mut nobody).await;
    read.problems.extend(problems(&finished(listing).await?));
    Ok(())
}

/// Who uses the TLS Secrets that no route uses, and when the Secrets changed that Pods read only at their start.
async fn users(
    connection: &Connection,
    scope: &Scope,
    select: &Select,
    now: Seconds,
    read: &mut Read,
    inventory: &mut Inventory,
    judge: &Judge,
) -> Result<(), ClusterError> {
    let (orphans, stale, expired) = (
        select.may_matter(Reason::OrphanSecret),
        select.may_matter(Reason::StalePods),
        select.may_matter(Reason::Expired),
    );
    let is_expired = |stored: &Stored| stored.leaf().is_some_and(|leaf| now > leaf.not_after);
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
    let everywhere = pairs::any_named() && scope.namespaces == Namespaces::All;
    if let (true, Namespaces::Only(names)) = (pairs::any_named(), &scope.namespaces) {
        suspects.extend(names.iter().cloned());
    }
    if !suspects.is_empty() || everywhere {
        let namespaces: Vec<Text> = suspects.into_iter().collect();
        let few = !everywhere && namespaces.len() <= NAMESPACES_ASKED;
        let asked = few.then_some(namespaces.as_slice());
        let (sink, changes) = mpsc::channel(WAITING);
        let (from, asked) = (connection.clone(), asked.map(<[Text]>::to_vec));
        let listing = spawn(async move { consumers(&from, asked.as_deref(), sink).await });
        take(changes, &mut read.unresolved, inventory, judge, &mut nobody).await;
        read.problems.extend(problems(&finished(listing).await?));
    }
    if stale {
        let changed: Vec<Key> = inventory
            .secrets()
            .iter()
            .filter(|stored| crate::check::may_have_stale_pods(inventory, stored))
            .map(|stored| stored.meta.key())
            .collect();
        for (key, at) in data_changed(connection, &changed).await {
            inventory.set_data_changed(&key, at);
        }
    }
    Ok(())
}

impl Inventory {
    /// Whether some listener lets routes or `ListenerSets` in by the labels of their namespace.
    fn some_listener_selects_namespaces(&self) -> bool {
        self.allowed_namespaces()
            .any(|allowed| matches!(allowed, AllowedNamespaces::Selector(_)))
    }
}
