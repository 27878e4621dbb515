//! A scan of a cluster: lists, then what only some objects need.

mod further;
mod taking;

use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn},
};

use crate::{
    check::Select,
    inventory::Inventory,
    k8s::{
        ClusterError, Connection, ListOptions, Listing, carriers_served, count_carriers, doings, get_secrets, list,
        programs,
    },
    object::register::{Role, count, of_roles},
    object::{Change, Key, Kind, NotJudged, Seconds, Text, doing::StoredDoings},
    source::{Scope, scope::Namespaces},
    x509::Judge,
};

use super::secrets::Unresolved;

pub use taking::finished;
use taking::take;

/// The kinds that every scan reads; Secrets, which take longest, are asked for first. What else is read depends on what these hold.
const KINDS: [Kind; count(&ROLES)] = of_roles(&ROLES);
/// The kinds that are read where Secrets are left out: what the role `prober` may read.
const ROUTING: [Kind; count(&ROUTING_ROLES)] = of_roles(&ROUTING_ROLES);
const ROLES: [Role; 8] = [
    Role::Secret,
    Role::Route,
    Role::Class,
    Role::Attached,
    Role::Grant,
    Role::Store,
    Role::Issuing,
    Role::Request,
];
const ROUTING_ROLES: [Role; 5] = [Role::Route, Role::Class, Role::Attached, Role::Grant, Role::Store];

/// How many changes may wait: each Secret that waits is some 4 KB.
const WAITING: usize = 128;

/// What a scan leaves besides the inventory.
#[derive(Debug, Default)]
pub struct ClusterScan {
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
/// Secrets without route, and when Secrets changed. Where the scope leaves Secrets out, only what decides about routes is read;
/// what else carries certificates is not counted, because some of it holds keys. `look` is called every now and then while the
/// lists arrive, with what has arrived: nothing is derived from it yet.
///
/// It blocks its task while lists arrive: what is to go on meanwhile has to be a task of its own.
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
) -> Result<ClusterScan, ClusterError> {
    let mut reading = ClusterReading {
        connection,
        scope,
        options,
        select,
        now,
        inventory,
        judge,
        read: ClusterScan::default(),
    };
    if scope.without_secrets {
        reading.routes(look).await?;
        return Ok(reading.read);
    }
    // Beside the lists: it is little, and nobody waits for it.
    let saying = scope.with_doings.then(|| saying(connection, scope));
    reading.inventory.set_loading(true);
    reading.read.listing = reading.list(scope.clone(), &KINDS, look).await?;
    // Which program serves a class decides what its routes are.
    if reading.inventory.wants_programs() {
        let programs = programs(connection).await;
        reading.inventory.set_programs(programs);
    }
    reading.inventory.derive();
    // Beside what follows, which does not need it.
    let counting = spawn(count_carriers(
        connection.clone(),
        scope.clone(),
        &reading.read.listing,
        &KINDS,
    ));
    reading.further(wanted).await?;
    reading.inventory.derive();
    reading.inventory.set_loading(false);
    reading.read.not_judged = finished(counting).await;
    if let Some(saying) = saying {
        reading.inventory.set_doings(finished(saying).await);
    }
    Ok(reading.read)
}

/// Begins to read what controllers have stored of what they do.
fn saying(connection: &Connection, scope: &Scope) -> JoinHandle<Vec<StoredDoings>> {
    let (connection, scope) = (connection.clone(), scope.clone());
    spawn(async move { said(&connection, &scope).await })
}

/// What controllers have stored of what they do. Where not all namespaces may be looked at, the only one of the scope is.
pub async fn said(connection: &Connection, scope: &Scope) -> Vec<StoredDoings> {
    let only = match &scope.namespaces {
        Namespaces::Only(names) => names.first().filter(|_| names.len() == 1),
        Namespaces::All => None,
    };
    doings(connection, only.map(Text::as_str)).await
}

/// A scan under way.
struct ClusterReading<'a> {
    connection: &'a Connection,
    scope: &'a Scope,
    options: &'a ListOptions,
    select: &'a Select,
    now: Seconds,
    inventory: &'a mut Inventory,
    judge: &'a Judge,
    /// What has been read so far, besides the inventory.
    read: ClusterScan,
}

impl ClusterReading<'_> {
    /// Reads what routes are about, and nothing else.
    async fn routes(&mut self, look: &mut (dyn FnMut(&mut Inventory) + Send)) -> Result<(), ClusterError> {
        self.inventory.set_loading(true);
        self.read.listing = self.list(self.scope.clone(), &ROUTING, look).await?;
        self.inventory.derive();
        self.of_other_namespaces().await?;
        self.inventory.derive();
        self.inventory.set_loading(false);
        self.read.not_judged = carriers_served(&self.read.listing, &ROUTING);
        Ok(())
    }

    /// Takes what lists of these kinds bring.
    async fn list(
        &mut self,
        within: Scope,
        kinds: &'static [Kind],
        look: &mut (dyn FnMut(&mut Inventory) + Send),
    ) -> Result<Listing, ClusterError> {
        let (from, how) = (self.connection.clone(), *self.options);
        let listing = |sink| async move { list(&from, &within, kinds, &how, sink).await };
        self.taken(listing, look).await
    }

    /// Takes what a task of its own sends, and gives back what the task came to.
    async fn taken<T, F>(
        &mut self,
        sending: impl FnOnce(mpsc::Sender<Change>) -> F,
        look: &mut (dyn FnMut(&mut Inventory) + Send),
    ) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (sink, changes) = mpsc::channel(WAITING);
        let task = spawn(sending(sink));
        take(changes, &mut self.read.unresolved, self.inventory, self.judge, look).await;
        finished(task).await
    }

    /// Takes Secrets by their names; what comes back could not be read, and is told.
    async fn fetch(&mut self, keys: Vec<Key>) -> Vec<Key> {
        self.read.fetched.extend(keys.iter().cloned());
        let (from, data_keys) = (self.connection.clone(), self.scope.data_keys.clone());
        let getting = |sink| async move { get_secrets(&from, &data_keys, keys, sink).await };
        let failed = self.taken(getting, &mut nobody).await;
        let told = |(key, error): (Key, ClusterError)| {
            let problem = format!("cannot read Secret {key}: {}", crate::error::chain(&error));
            self.read.problems.push(problem);
            key
        };
        failed.into_iter().map(told).collect()
    }
}

/// What a list could not read, in words.
fn problems(listing: &Listing) -> Vec<String> {
    let in_words = |(kind, error): &(Kind, ClusterError)| {
        // Two groups have the same plural.
        let group = if kind.is_of_old_group() {
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
