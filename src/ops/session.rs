//! What every command that reads begins with: settings from the command line, a connection or manifests, an inventory.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    check::{Reason, Rules, Select, select::ineffective},
    clock::{now, seconds},
    error::{Blame, chain},
    file,
    inventory::{Inventory, programs::Told},
    object::{Key, Kind, NotJudged, Text, annotation, carrier::carrier},
    scan::{self, live::Live, secrets::Unresolved},
    settings::{env, layer::Layer, source, trust, value::SecretKeys},
    source::{
        Scope,
        cluster::{Connection, ListOptions, namespace_exists, namespace_names},
        manifests, pairs,
        scope::Namespaces,
    },
    text::{in_namespaces, width::cut},
    x509::{Anchors, Judge},
};

use super::{
    Checks, Cluster, Front, OpError, Source, controllers,
    named::{Named, of_their_namespaces},
    reach,
};

/// A `--ca-file` is read whole; a bundle of all public roots is 300 KB.
const LARGEST_CA_FILE: u64 = 16 << 20;

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
    pub read: scan::cluster::Read,
    /// The Secrets that were asked for by name.
    pub wanted: BTreeSet<Key>,
    /// What carries certificates and is not read.
    pub not_judged: Vec<NotJudged>,
    /// Whether that could be counted.
    pub counted: bool,
    /// Where the objects of manifests stand.
    pub places: manifests::Places,
    /// What the settings say of controllers, until the inventory is told.
    controllers: BTreeMap<Text, Told>,
    /// What is to blame for the worst that happened while reading, and left something to go on with.
    pub trouble: Option<Blame>,
}

/// How a session is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Open {
    /// Whether a watch will follow.
    pub for_watch: bool,
    /// Whether who uses the Secrets is wanted whatever is found.
    pub all_users: bool,
    /// Whether what was skipped is not told.
    pub quiet: bool,
}

impl Session {
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
        pairs::read_also(&secret_keys(check, settings.as_ref()));
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
            scope: Scope::everything(),
            connection: None,
            read: scan::cluster::Read::default(),
            wanted: BTreeSet::new(),
            not_judged: Vec::new(),
            counted: true,
            places: manifests::Places::default(),
            controllers: controllers::told(settings.as_ref()),
            trouble: None,
        };
        if let Some(connection) = connection {
            session
                .read_cluster(cluster, source, targets, open, connection, look)
                .await?;
        } else {
            session.read_manifests(source, targets, open, front)?;
            session.inventory.secrets_assumed = check.assume_secrets;
        }
        if let Some(reach) = check.fetch_intermediates {
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
        } else if let Some(unread) = unread(&self.inventory) {
            OpError::new(Blame::Cluster, format!("{what} that may be read: {unread}"))
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
        self.scope = scope(source, Some(&connection.namespace))?;
        self.inventory = Inventory::new(connection.context.as_str(), false);
        self.inventory.reach = reach::of_cluster(cluster.options(), &connection).into();
        self.inventory.tell_controllers(std::mem::take(&mut self.controllers));
        self.note_choice(source);
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
            front.warn(
                "the cluster does not list the kinds that it serves: other kinds that carry certificates are not counted",
            );
        }
        for problem in &self.read.problems {
            front.warn(problem);
            self.trouble = self.trouble.max(Some(Blame::Cluster));
        }
        if let Some(line) = unread(&self.inventory) {
            front.warn(&line);
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

    fn read_manifests(
        &mut self,
        source: &Source,
        targets: &[Named],
        open: Open,
        front: &dyn Front,
    ) -> Result<(), OpError> {
        // Manifests are all read unless namespaces are named: there is no context to take one from.
        self.scope = scope(source, None)?;
        self.inventory = Inventory::new("", true);
        self.inventory.reach = reach::of_manifests(source).into();
        self.inventory.tell_controllers(std::mem::take(&mut self.controllers));
        self.note_choice(source);
        let default_namespace = source.namespace.first().map_or("default", String::as_str).into();
        let options = manifests::Options {
            recursive: source.recursive,
            default_namespace,
            scope: &self.scope,
        };
        let mut changes = Vec::new();
        let mut outcome = manifests::read(
            &source.filename,
            &options,
            &mut std::io::stdin().lock(),
            &mut |change| changes.push(change),
        );
        let mut unresolved = Unresolved::default();
        let mut changes = changes.into_iter();
        unresolved.take_all(|| changes.next(), &mut self.inventory, &self.judge, &mut |_| {});
        self.inventory.settle();
        unresolved.judge_again(&mut self.inventory, &self.judge);
        self.inventory.settle();
        self.read.unresolved = unresolved;
        self.want(targets);
        self.places = std::mem::take(&mut outcome.places);
        if let Ok(here) = std::env::current_dir() {
            self.places.relative_to(&here);
        }
        for error in &outcome.errors {
            front.error(&error.to_string());
            self.trouble = self.trouble.max(Some(Blame::Usage));
        }
        if outcome.documents == 0 && outcome.errors.is_empty() {
            return Err(no_manifests(source));
        }
        tell_absent(source, &outcome.namespaces, front);
        let found = outcome.carriers.iter().filter_map(|((api_version, kind), count)| {
            Some(NotJudged {
                carrier: carrier(api_version, kind)?,
                api_version: api_version.as_str().into(),
                count: Some(*count),
            })
        });
        self.not_judged = found.collect();
        if !outcome.skipped.is_empty() && !open.quiet {
            let mut kinds: Vec<(&String, &usize)> = outcome.skipped.iter().collect();
            kinds.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
            let total: usize = kinds.iter().map(|(_, n)| **n).sum();
            let named: Vec<String> = kinds.iter().take(4).map(|(kind, n)| format!("{n} {kind}")).collect();
            let more = if kinds.len() > 4 { ", ..." } else { "" };
            let objects = if total == 1 { "object" } else { "objects" };
            front.note(&format!(
                "skipped {total} {objects} of other kinds: {}{more}",
                named.join(", ")
            ));
        }
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

/// The lists that could not be read, on one line: the verb, the kinds, and where.
fn unread(inventory: &Inventory) -> Option<String> {
    let mut of_kind: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for list in inventory.forbidden().iter().filter(|list| list.name.is_none()) {
        let places = of_kind.entry((list.verb, list.kind.plural())).or_default();
        places.extend(list.namespace.as_deref());
    }
    // Kinds that could not be read in the same namespaces stand together.
    let mut of_place: BTreeMap<(&str, BTreeSet<&str>), Vec<&str>> = BTreeMap::new();
    for ((verb, kind), places) in of_kind {
        of_place.entry((verb, places)).or_default().push(kind);
    }
    let parts: Vec<String> = of_place
        .into_iter()
        .map(|((verb, places), kinds)| {
            let places: Vec<&str> = places.into_iter().collect();
            let place = match places.as_slice() {
                [] => String::new(),
                [one] => format!(" in namespace {one}"),
                [first, second, third, rest @ ..] if !rest.is_empty() => {
                    format!(" in namespaces {first}, {second}, {third} and {} more", rest.len())
                }
                several => format!(" in namespaces {}", several.join(", ")),
            };
            format!("{verb} {}{place}", kinds.join(", "))
        })
        .collect();
    (!parts.is_empty()).then(|| {
        format!(
            "the right to {} is missing: their content is left out, and -o json has the rules to ask for",
            parts.join("; ")
        )
    })
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

/// The failure of input that holds nothing: of a pipe whose writer failed, or a directory that was not meant.
fn no_manifests(source: &Source) -> OpError {
    let stdin = |file: &PathBuf| file.as_os_str() == "-";
    let names: Vec<String> = source
        .filename
        .iter()
        .map(|file| {
            if stdin(file) {
                "standard input".to_owned()
            } else {
                file.display().to_string()
            }
        })
        .collect();
    let failure = OpError::usage(format!("there is no manifest in {}", names.join(", ")));
    if source.filename.iter().any(|file| file.is_dir()) && !source.recursive {
        failure.hint("files that end in .yaml, .yml or .json are read; -R reads the directories below too")
    } else if source.filename.iter().any(stdin) {
        failure.hint("check whether the command that writes it fails")
    } else {
        failure
    }
}

/// Tells which of the namespaces that were named no object is in: a misspelled one would pass for one without findings. An object
/// whose manifest names none is in the first of them.
fn tell_absent(source: &Source, held: &BTreeSet<Text>, front: &dyn Front) {
    let all = || held.iter().map(|namespace| &**namespace);
    for absent in source
        .namespace
        .iter()
        .filter(|name| !all().any(|held| held == name.as_str()))
    {
        let meant =
            crate::text::nearest(absent, all()).map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        front.warn(&format!("no manifest has an object in namespace {absent:?}{meant}"));
    }
}

/// The roots, those of `--ca-file` and of `trust:` in the settings too, and the signatures that earlier runs have verified.
/// `context` is the kubeconfig's; manifests, files and servers have none (an empty one).
pub fn judge(check: &Checks, context: &str) -> Result<Judge, OpError> {
    judge_with(given(check)?, own_settings(check)?.as_ref(), context)
}

/// What the settings file says, where there is one.
fn own_settings(check: &Checks) -> Result<Option<Layer>, OpError> {
    source::local_file(check.config.as_deref(), &env::process).map_err(|error| OpError::because(&error))
}

fn judge_with(mut anchors: Anchors, settings: Option<&Layer>, context: &str) -> Result<Judge, OpError> {
    let file = settings.map_or(&[][..], std::slice::from_ref);
    let entries = trust::entries(file);
    let roots = trust::roots(entries, context).map_err(|error| OpError::because(&error))?;
    for root in roots {
        trusted(&mut anchors, &root)?;
    }
    // What a renewal trusts too, status does.
    for root in trust::of_storing(file) {
        trusted(&mut anchors, &root.map_err(|error| OpError::because(&error))?)?;
    }
    Ok(Judge::new(anchors, scan::memo::load()))
}

/// The data keys of certificates besides the known ones: those of `--secret-keys`, and those under which the settings have this program
/// store.
fn secret_keys(check: &Checks, settings: Option<&Layer>) -> Vec<pairs::Pattern> {
    let stored = settings
        .and_then(|layer| layer.file.storing.secret_keys.as_ref())
        .filter(|keys| **keys != SecretKeys::default())
        .and_then(|keys| keys.to_string().parse().ok());
    check.secret_keys.iter().cloned().chain(stored).collect()
}

/// The public roots, and those of `--ca-file`.
fn given(check: &Checks) -> Result<Anchors, OpError> {
    let mut anchors = Anchors::public();
    for file in &check.ca_file {
        let text = read_ca_file(file)?;
        anchors.add_pem(&text).map_err(|error| {
            OpError::usage(format!("cannot use --ca-file {}: {}", file.display(), chain(&error)))
                .hint("it holds the roots to trust as PEM: -----BEGIN CERTIFICATE-----")
        })?;
    }
    Ok(anchors)
}

/// Adds what the settings trust.
pub fn trusted(anchors: &mut Anchors, root: &trust::Root) -> Result<(), OpError> {
    anchors.add_pem(&root.pem).map(drop).map_err(|error| {
        OpError::usage(format!("the setting {} cannot be used: {}", root.name, chain(&error)))
            .hint("it holds the roots to trust as PEM: -----BEGIN CERTIFICATE-----")
    })
}

/// Reads a file of `--ca-file`.
pub(super) fn read_ca_file(file: &Path) -> Result<Vec<u8>, OpError> {
    read_file(file, LARGEST_CA_FILE)
        .map_err(|error| OpError::usage(format!("cannot read --ca-file {}: {error}", file.display())))
}

/// Reads a file of at most `largest` bytes.
pub fn read_file(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let read = file::read(path, largest, file::PATIENCE);
    read.map(|mut bytes| std::mem::take(&mut *bytes))
        .map_err(|error| error.to_string())
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
