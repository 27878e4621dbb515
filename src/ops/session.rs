//! What every command that reads begins with: settings from the command line, a connection or manifests, an inventory.

mod manifests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    check::{Reason, Rules, Select, select::ineffective},
    clock::{now, seconds},
    error::Blame,
    inventory::{Inventory, programs::NamedPrograms},
    k8s::{Connection, ListOptions, namespace_exists, namespace_names},
    object::{Key, Kind, NotJudged, Reach, Text, annotation},
    policy::NamesPolicy,
    scan::{self, follow::FollowStart, live::Live},
    settings::store::Store,
    source::{Scope, manifests::Places, pairs, scope::Namespaces},
    text::{in_namespaces, width::cut},
    x509::Judge,
};

use super::{
    Checks, Cluster, Front, OpError, Source, controllers,
    named::{Named, of_their_namespaces},
    reach,
    trust::{given, judge_with, names_policy, own_settings, secret_keys},
    unread,
};

/// What was read, and how it is judged.
#[derive(Debug)]
pub struct Session {
    /// The joined picture.
    pub inventory: Inventory,
    /// Judges the trust of what comes later.
    pub judge: Judge,
    /// For when, and when due.
    pub rules: Rules,
    /// Whether the moment is fixed by `--at`.
    pub fixed_time: bool,
    /// What counts.
    pub select: Select,
    /// What is looked at.
    pub scope: Scope,
    /// The cluster; `None` for manifests.
    pub connection: Option<Connection>,
    /// What the scan of a cluster left.
    pub read: scan::cluster::ClusterScan,
    /// The Secrets that were asked for by name.
    pub wanted: BTreeSet<Key>,
    /// What carries certificates and is not read.
    pub not_judged: Vec<NotJudged>,
    /// Whether that could be counted.
    pub counted: bool,
    /// Where the objects of manifests stand.
    pub places: Places,
    /// What the settings say of controllers, until the inventory is told.
    controllers: BTreeMap<Text, NamedPrograms>,
    /// The names policy that is asked, until the inventory is told.
    names: Option<Arc<NamesPolicy>>,
    /// What is to blame for the worst that happened while reading, and left something to go on with.
    pub trouble: Option<Blame>,
}

/// How a session is opened.
// Each is a choice of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Open {
    /// Whether a watch will follow.
    pub for_watch: bool,
    /// Whether who uses the Secrets is wanted whatever is found.
    pub all_users: bool,
    /// Whether what was skipped is not told.
    pub quiet: bool,
    /// Whether Namespaces are followed, where all of them are.
    pub with_namespaces: bool,
    /// Whether it is read what controllers do with certificates.
    pub with_doings: bool,
    /// Whether there may be no manifest at all.
    pub may_be_empty: bool,
    /// Whether no Secret is read, and nothing else that is not about routes.
    pub without_secrets: bool,
}

impl Session {
    /// Has what stands beside the account that orders be believed ([`Inventory::set_home`]).
    pub(super) fn set_home(&mut self, account: &Store) {
        if let Store::Secret(_, key) = account {
            self.inventory.set_home(key.0.namespace.clone());
        }
    }

    /// Reads what is asked for, and judges the certificates. Trouble that leaves something to report is told, and remembered in
    /// `trouble`.
    ///
    /// # Errors
    ///
    /// What was asked for cannot be; or nothing at all could be read.
    pub async fn open(
        cluster: &Cluster,
        source: &Source,
        check: &Checks,
        targets: &[Named],
        open: Open,
    ) -> Result<Self, OpError> {
        Self::open_looking(cluster, source, check, targets, open, &mut |_| {}).await
    }

    /// The same; `look` is called every now and then while a cluster's lists arrive.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub async fn open_looking(
        cluster: &Cluster,
        source: &Source,
        check: &Checks,
        targets: &[Named],
        open: Open,
        look: &mut (dyn FnMut(&mut Inventory) + Send),
    ) -> Result<Self, OpError> {
        let front = &**cluster.front();
        let source = &*of_their_namespaces(source, targets);
        // What was typed is looked at before anything is asked of a cluster.
        let anchors = given(check)?;
        if check.ignore.contains(&Reason::Forbidden) {
            return Err(OpError::usage("Forbidden cannot be ignored: objects that could not be read were not checked")
                .hint("ask for the right (`kubectl certs rights --for reader` prints the role), or leave the namespace out: -n NAMESPACE, --exclude-namespace GLOB"));
        }
        let connection = if source.filename.is_empty() {
            Some(cluster.connection().await?.clone())
        } else {
            None
        };
        // Once: it may come from a pipe.
        let settings = own_settings(check)?;
        let judge = judge_with(
            anchors,
            settings.as_ref(),
            connection.as_ref().map_or("", |there| there.context.as_str()),
        )?;
        let data_keys = pairs::DataKeys::also(secret_keys(check, settings.as_ref()));
        let rules = Rules {
            now: check.at.unwrap_or_else(now),
            expiring_within: check.expiring_within.map(seconds),
        };
        let mut select = Select {
            min_severity: check.min_severity,
            only: check.reason.iter().copied().collect(),
            ignored: check.ignore.iter().copied().collect(),
            unread: BTreeSet::new(),
        };
        if open.for_watch {
            // Pods come and go by the thousand: they are not followed, so nothing is said that they would change.
            select.unread.extend([Reason::OrphanSecret, Reason::StalePods]);
        }
        let mut session = Self {
            inventory: Inventory::default(),
            judge,
            rules,
            fixed_time: check.at.is_some(),
            select,
            scope: Scope {
                data_keys,
                ..Scope::everything()
            },
            connection: None,
            read: scan::cluster::ClusterScan::default(),
            wanted: BTreeSet::new(),
            not_judged: Vec::new(),
            counted: true,
            places: Places::default(),
            controllers: controllers::told(settings.as_ref()),
            names: names_policy(check)?,
            trouble: None,
        };
        // Which rule applies may depend on the labels of namespaces.
        let open = Open {
            with_namespaces: open.with_namespaces
                || session.names.as_ref().is_some_and(|names| names.asks_for_labels()),
            ..open
        };
        if let Some(connection) = connection {
            session
                .read_cluster(cluster, source, targets, open, connection, look)
                .await?;
        } else {
            session.read_manifests(source, targets, open, front)?;
            session.inventory.secrets_assumed = check.assume_secrets;
        }
        if let Some(reach) = check.fetch_intermediates.filter(|_| !open.without_secrets) {
            let (inventory, unresolved) = (&mut session.inventory, &session.read.unresolved);
            let _waiting = front.wait(|| "waiting for the servers of intermediate certificates".to_owned());
            let problems = scan::intermediates::complete(inventory, &session.judge, unresolved, reach).await;
            for problem in &problems {
                front.warn(problem);
            }
        }
        tell_ineffective(&session.inventory, front);
        scan::memo::save(session.judge.memo());
        Ok(session)
    }

    /// The failure of a command that finds nothing to do: where the cluster could not be read, nobody knows whether there is something.
    pub fn nothing(&self, what: &str) -> OpError {
        if self.trouble == Some(Blame::Cluster) {
            OpError::new(Blame::Cluster, format!("{what}: the cluster could not be read"))
        } else if let [first, ..] = unread::lines(&self.inventory).as_slice() {
            OpError::new(Blame::Cluster, format!("{what} that may be read: {first}"))
                .hint("ask for the right: `kubectl certs rights --for reader` prints the role")
        } else if self.inventory.routes_chosen {
            OpError::usage(format!("{what} among what -l or --field-selector chooses"))
        } else {
            OpError::usage(what).hint("-n chooses the namespace, -A reads all")
        }
    }

    /// That there is nothing to do, with where it was looked unless that was everywhere.
    pub fn said_of_place(&self, what: &str) -> String {
        match &self.scope.namespaces {
            Namespaces::Only(names) => format!("{what} {}; -A reads all", in_namespaces(names)),
            Namespaces::All => what.to_owned(),
        }
    }

    /// Where following a cluster begins, which is taken from what was read; `None` for manifests.
    pub fn follow_start(&mut self) -> Option<FollowStart> {
        let connection = self.connection.clone()?;
        Some(FollowStart {
            connection,
            scope: self.scope.clone(),
            listing: std::mem::take(&mut self.read.listing),
            fetched: std::mem::take(&mut self.read.fetched),
        })
    }

    /// What keeps the picture current.
    pub fn into_live(self) -> Live {
        Live::new(
            self.inventory,
            self.judge,
            self.rules,
            self.select,
            self.wanted,
            self.read.unresolved,
        )
    }

    /// The scope that a source names, with the data keys of this session.
    fn scoped(&self, source: &Source, open: Open, context_namespace: Option<&str>) -> Result<Scope, OpError> {
        let mut scope = scope(source, context_namespace)?;
        scope.data_keys.clone_from(&self.scope.data_keys);
        scope.without_secrets = open.without_secrets;
        Ok(scope)
    }

    /// Takes an empty inventory, of which commands reach what will be in it as `reach` says.
    fn begin(&mut self, inventory: Inventory, reach: Reach, source: &Source, open: Open) {
        self.inventory = inventory;
        self.inventory.secrets_left_out = open.without_secrets;
        let reach = Reach {
            without_secrets: open.without_secrets,
            ..reach
        };
        self.inventory.reach = reach.into();
        self.inventory.tell_controllers(std::mem::take(&mut self.controllers));
        self.inventory.set_policy(self.names.take());
        self.note_choice(source);
    }

    async fn read_cluster(
        &mut self,
        cluster: &Cluster,
        source: &Source,
        targets: &[Named],
        open: Open,
        connection: Connection,
        look: &mut (dyn FnMut(&mut Inventory) + Send),
    ) -> Result<(), OpError> {
        let front = &**cluster.front();
        self.scope = self.scoped(source, open, Some(&connection.namespace))?;
        self.scope.with_namespaces = open.with_namespaces;
        self.scope.with_doings = open.with_doings;
        let empty = Inventory::new(connection.context.as_str(), false);
        self.begin(empty, reach::of_cluster(cluster.options(), &connection), source, open);
        self.want(targets);
        let options = ListOptions {
            chunk_size: Some(source.chunk_size).filter(|n| *n > 0),
            for_watch: open.for_watch,
        };
        let select = if open.all_users {
            Select::default()
        } else {
            self.select.clone()
        };
        let wanted: Vec<Key> = self.wanted.iter().cloned().collect();
        let asked = connection.clone();
        let waiting = front.wait(move || {
            if asked.has_answered() {
                format!("reading {}: {} requests so far", asked.server, asked.requests())
            } else {
                format!("waiting for the API server {} to answer", asked.server)
            }
        });
        let read = scan::cluster::read(
            &connection,
            &self.scope,
            &options,
            &select,
            &wanted,
            self.rules.now,
            &mut self.inventory,
            &self.judge,
            look,
        );
        let read = read.await;
        drop(waiting);
        self.read = read.map_err(|error| OpError::because(&error))?;
        // With -A, only what was read tells in which namespaces a name is.
        self.want(targets);
        if let Some(found) = self.read.not_judged.take() {
            self.not_judged = found;
        } else {
            self.counted = false;
            cluster.warn_once(
                "the cluster does not list the kinds that it serves: other kinds that carry certificates are not counted",
            );
        }
        for problem in &self.read.problems {
            cluster.warn_once(problem);
            self.trouble = self.trouble.max(Some(Blame::Cluster));
        }
        for line in unread::lines(&self.inventory) {
            cluster.warn_once(&line);
        }
        if let Namespaces::Only(names) = &self.scope.namespaces
            && !source.namespace.is_empty()
        {
            for name in names.iter().filter(|name| !self.inventory.holds_namespace(name)) {
                let waiting = front.wait_for_server(&connection);
                let exists = namespace_exists(&connection, name).await;
                drop(waiting);
                if exists == Some(false) {
                    return Err(no_namespace(&connection, name).await);
                }
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Notes in the inventory that it will not hold everything.
    fn note_choice(&mut self, source: &Source) {
        self.inventory.routes_chosen = source.selector.is_some() || source.field_selector.is_some();
        self.inventory.namespaces_chosen =
            self.scope.namespaces != Namespaces::All || !source.exclude_namespace.is_empty();
    }

    /// Notes the Secrets among the targets, in each namespace that is named.
    fn want(&mut self, targets: &[Named]) {
        if self.scope.without_secrets {
            return;
        }
        // A Certificate means the Secret that it writes, once it has been read.
        for target in targets.iter().filter(|t| t.kind == Kind::Certificate) {
            let written = self.inventory.certificates_named(&target.name);
            let keys = written.map(|(namespace, secret)| Key::new(namespace, secret));
            self.wanted.extend(keys);
        }
        let names: Vec<&Named> = targets.iter().filter(|t| t.kind == Kind::Secret).collect();
        match &self.scope.namespaces {
            Namespaces::Only(namespaces) => {
                for target in names {
                    let own = target.namespace.iter().map(|namespace| Text::from(namespace.as_str()));
                    let given = namespaces.iter().filter(|_| target.namespace.is_none()).cloned();
                    let keys = own
                        .chain(given)
                        .map(|namespace| Key::new(namespace, target.name.as_str()));
                    self.wanted.extend(keys);
                }
            }
            Namespaces::All => {
                let asked = |key: &Key| names.iter().any(|t| t.is_secret(key));
                let keys = self.inventory.secrets().iter().map(|stored| stored.meta.key());
                self.wanted.extend(keys.filter(asked).collect::<Vec<_>>());
            }
        }
    }
}

/// So many words of annotations that excuse nothing are told one by one.
const INEFFECTIVE: usize = 5;

/// Tells what stands in annotations to excuse findings, and excuses none.
fn tell_ineffective(inventory: &Inventory, front: &dyn Front) {
    let found = ineffective(inventory);
    for one in found.iter().take(INEFFECTIVE) {
        let why = one.nearest.map_or_else(
            || "objects that could not be read cannot be excused".to_owned(),
            |nearest| format!("no reason is called {:?}; the nearest is {nearest}", cut(&one.word, 60)),
        );
        front.warn(&format!(
            "the annotation {} of {} {} excuses nothing: {why}",
            annotation::IGNORE,
            one.kind.as_str(),
            one.key
        ));
    }
    if found.len() > INEFFECTIVE {
        front.warn(&format!(
            "{} more words in such annotations excuse nothing",
            found.len() - INEFFECTIVE
        ));
    }
}

/// The failure of a namespace that is not there, with the nearest that is.
pub(super) async fn no_namespace(connection: &Connection, name: &str) -> OpError {
    let known = namespace_names(connection).await;
    let meant = crate::text::nearest(name, known.iter().map(String::as_str));
    let hint = meant.map(|meant| format!("did you mean {meant}? ")).unwrap_or_default();
    OpError::new(Blame::Cluster, format!("there is no namespace {name:?} in the cluster"))
        .hint(format!("{hint}`kubectl get namespaces` lists them"))
}

fn scope(source: &Source, context_namespace: Option<&str>) -> Result<Scope, OpError> {
    let namespaces = match (source.all_namespaces, source.namespace.as_slice(), context_namespace) {
        (true, ..) | (false, [], None) => Namespaces::All,
        (false, [], Some(namespace)) => Namespaces::Only(vec![namespace.into()]),
        (false, given, _) => {
            let mut names: Vec<Text> = given.iter().map(Into::into).collect();
            names.sort();
            names.dedup();
            Namespaces::Only(names)
        }
    };
    let mut scope = Scope::new(namespaces, &source.exclude_namespace, source.selector.as_deref())
        .map_err(|error| OpError::of(Blame::Usage, &error))?;
    scope.field_selector.clone_from(&source.field_selector);
    Ok(scope)
}
