//! What completion asks of the kubeconfig, of the settings and of the cluster: names.
//!
//! Somebody waits for it with a finger on a key. It has [`PATIENCE`] in all, asks nobody to log in and says nothing. Where it does
//! not come to an end, it offers what a moment ago was there ([`kept`]), or nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc},
    time::Duration,
};

use clap::Parser as _;
use serde::{Deserialize, Serialize};

use crate::{
    apply::{Api, Permits, backup},
    cli::{
        args::{CheckArgs, Cli, Command, SourceArgs},
        typed,
    },
    clock::now,
    k8s::{cluster_key, connect_unattended, contexts, namespace_names},
    object::{Key, Kind, Seconds},
    ops::{
        Cluster,
        front::Nobody,
        session::{Open, Session},
    },
    report::{Status, output::FORMATS},
    scan::{self, About},
    settings::{BUILT_IN, env, source},
    text::date,
};

use super::kept::{self, Kept};

/// All that may be waited for, the program's start left out. A build for debugging is many times slower.
const PATIENCE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3_000 } else { 170 });

/// A name that is offered, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Candidate {
    /// Of what kind it is, in small letters.
    kind: String,
    name: String,
    about: String,
    /// Of a Secret, whether it holds a certificate; of a route, whether it names a Secret.
    holds: bool,
}

impl Candidate {
    pub(super) fn new(kind: &str, name: &str, about: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            about: about.to_owned(),
            holds: true,
        }
    }
}

/// What the words before the one that is typed say of the source.
#[derive(Debug, Clone)]
pub(super) struct TypedSource {
    source: Option<(SourceArgs, CheckArgs)>,
    /// All words of the command line.
    words: Vec<String>,
    /// Whether this is the process that reads on after a key press, for the next one.
    reads_on: bool,
}

impl TypedSource {
    /// Of a command line whose last word is not complete. Nothing is asked where that cannot be read, or where standard input is meant.
    pub(super) fn of(words: &[String], reads_on: bool) -> Self {
        let before = words.split_last().map_or(&[][..], |(_, before)| before);
        let flags = [
            "-n",
            "--namespace",
            "--context",
            "--kubeconfig",
            "--cluster",
            "--user",
            "--as",
            "--server",
            "-s",
            "-f",
            "--filename",
            "--ca-file",
            "--config",
            "--at",
        ];
        let mut line = vec!["certs".to_owned(), "status".to_owned()];
        let mut rest = before.iter();
        while let Some(word) = rest.next() {
            let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
            let alone = ["-A", "--all-namespaces", "-R"].contains(&name);
            if alone || (flags.contains(&name) && name != word.as_str()) {
                line.push(word.clone());
            } else if flags.contains(&name) {
                // One without a value is the one that is being typed.
                line.extend(rest.next().into_iter().flat_map(|value| [word.clone(), value.clone()]));
            } else if word.starts_with("-n") && word.len() > 2 {
                line.push(word.clone());
            }
        }
        let line = line.into_iter().map(Into::into).collect();
        let line = std::iter::once("kubectl-certs".into()).chain(typed::in_order(line).into_iter().skip(1));
        let parsed = Cli::try_parse_from(line).ok();
        let source = parsed.and_then(|cli| match cli.command {
            Some(Command::Status(command)) => Some((command.args.source, command.args.check)),
            _ => None,
        });
        Self {
            source: source.filter(|(source, _)| source.filename.iter().all(|file| file.as_os_str() != "-")),
            words: words.to_vec(),
            reads_on,
        }
    }

    /// The contexts of the kubeconfig.
    pub(super) fn contexts(&self) -> Vec<(String, String)> {
        let options = self.source.as_ref().map(|(source, _)| source.connection.options());
        contexts(&options.unwrap_or_default())
            .into_iter()
            .map(|name| (name, "context".to_owned()))
            .collect()
    }

    /// The namespaces of the cluster.
    pub(super) fn namespaces(&self) -> Vec<(String, String)> {
        let Some((source, _)) = &self.source else {
            return Vec::new();
        };
        let options = source.connection.options();
        let what = cluster_key(&options).map(|cluster| format!("namespaces\n{cluster}"));
        let found = self.in_time(what, move || async move {
            let connection = connect_unattended(&options).await.ok()?;
            let names = namespace_names(&connection).await.into_iter();
            Some(
                names
                    .map(|name| Candidate::new("namespace", &name, "namespace"))
                    .collect(),
            )
        });
        found.into_iter().map(|found| (found.name, found.about)).collect()
    }

    /// The hosts that routes have.
    pub(super) fn hosts(&self) -> Vec<(String, String)> {
        let found = self.read("hosts", |session| {
            let bindings = session.inventory.bindings().iter();
            let hosts: BTreeSet<&str> = bindings.map(|(_, binding)| binding.host.as_str()).collect();
            let named = hosts.into_iter().filter(|host| *host != "*");
            named.map(|host| Candidate::new("host", host, "host")).collect()
        });
        found.into_iter().map(|found| (found.name, found.about)).collect()
    }

    /// What is there, the worst first. A Secret has the worst state of all that use it.
    fn objects(&self) -> Vec<Candidate> {
        self.read("objects", |session| {
            let mut found: Vec<_> = states(session).into_iter().collect();
            found.sort_by(|(one, (a, _)), (other, (b, _))| b.cmp(a).then_with(|| one.cmp(other)));
            let named = |((kind, name), (status, holds)): ((Kind, String), (Status, bool))| Candidate {
                holds,
                ..Candidate::new(&kind.as_str().to_ascii_lowercase(), &name, status.as_str())
            };
            found.into_iter().map(named).collect()
        })
    }

    /// What `choose` takes from what is read; `named` is what it is kept as.
    fn read(&self, named: &str, choose: fn(&Session) -> Vec<Candidate>) -> Vec<Candidate> {
        let Some((source, check)) = self.source.clone() else {
            return Vec::new();
        };
        let options = source.connection.options();
        let of_cluster = source.filename.is_empty();
        let what = cluster_key(&options).filter(|_| of_cluster).map(|cluster| {
            let scope = (&source.namespace, source.all_namespaces, &check.at, &check.ca_file);
            format!("{named}\n{cluster}\n{scope:?}")
        });
        self.in_time(what, move || async move {
            let connection = if of_cluster {
                Some(connect_unattended(&options).await.ok()?)
            } else {
                None
            };
            let open = Open {
                quiet: true,
                ..Open::default()
            };
            // What would be said would stand in the middle of the line that is being typed.
            let cluster = Cluster::over(options, connection, Arc::new(Nobody));
            let session = Session::open(&cluster, &source.source(), &check.checks(), &[], open)
                .await
                .ok()?;
            Some(choose(&session))
        })
    }

    /// ROUTE and SECRET: an Ingress by its name, all else as KIND/NAME.
    pub(super) fn targets(&self, typed: &str) -> Vec<(String, String)> {
        words(self.objects().into_iter(), typed)
    }

    /// What is renewed: as [`Self::targets`], without routes that name no Secret.
    pub(super) fn renewed(&self, typed: &str) -> Vec<(String, String)> {
        let all = self.objects().into_iter();
        words(all.filter(|found| found.kind == "secret" || found.holds), typed)
    }

    /// What is revoked, a Secret that holds a certificate: by its name, or as `secret/NAME`.
    pub(super) fn revoked(&self, typed: &str) -> Vec<(String, String)> {
        let all = self.objects().into_iter();
        secrets(all.filter(|found| found.kind == "secret" && found.holds), typed)
    }

    /// What is rolled back, a Secret whose earlier pair is kept: by its name, or as `secret/NAME`.
    pub(super) fn rolled_back(&self, typed: &str) -> Vec<(String, String)> {
        let Some((source, _)) = self.source.clone().filter(|(source, _)| source.filename.is_empty()) else {
            return Vec::new();
        };
        let options = source.connection.options();
        let what = cluster_key(&options).map(|cluster| format!("kept\n{cluster}\n{:?}", source.namespace));
        let found = self.in_time(what, move || async move {
            let connection = connect_unattended(&options).await.ok()?;
            let namespace = source.namespace.first().unwrap_or(&connection.namespace).clone();
            let api = Api::new(connection, Permits::none());
            let mut kept = backup::rolled_back(&api, &namespace, now()).await.ok()?;
            kept.sort();
            let named = |(of, until): (Key, Option<Seconds>)| {
                let until = until.map_or_else(String::new, |until| format!(" until {}", date(until)));
                Candidate::new("secret", &of.name, &format!("earlier pair kept{until}"))
            };
            Some(kept.into_iter().map(named).collect())
        });
        secrets(found.into_iter(), typed)
    }

    /// Carries it out beside, and gives up after [`PATIENCE`]: what is not done then ends with the process. Where `what` says of what
    /// names are kept, those of a moment ago are offered then, and a process of its own reads on.
    fn in_time<F>(&self, what: Option<String>, work: impl FnOnce() -> F + Send + 'static) -> Vec<Candidate>
    where
        F: Future<Output = Option<Vec<Candidate>>>,
    {
        let kept = what.and_then(|what| Kept::of(&what));
        let (done, found) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().ok()?;
            done.send(runtime.block_on(work())).ok()
        });
        let patience = if self.reads_on { kept::PATIENCE } else { PATIENCE };
        let found = found.recv_timeout(patience);
        // An answer without a name may be that of a server that is in trouble.
        if let (Some(kept), Ok(Some(names))) = (&kept, &found)
            && !names.is_empty()
        {
            kept.write(names);
        }
        match (found, kept) {
            (Ok(found), kept) => {
                kept.filter(|_| self.reads_on).iter().for_each(Kept::done);
                found.unwrap_or_default()
            }
            (Err(_), Some(kept)) if self.reads_on => {
                kept.done();
                Vec::new()
            }
            (Err(_), Some(kept)) => {
                kept.read_on(&self.words);
                kept.read().unwrap_or_default()
            }
            (Err(_), None) => Vec::new(),
        }
    }
}

/// An Ingress by its name, all else as KIND/NAME.
fn words(all: impl Iterator<Item = Candidate>, typed: &str) -> Vec<(String, String)> {
    all.map(|found| {
        let word = if found.kind == "ingress" && !typed.contains('/') {
            found.name
        } else {
            format!("{}/{}", found.kind, found.name)
        };
        (word, found.about)
    })
    .collect()
}

/// A Secret by its name, or as `secret/NAME` where that is typed.
fn secrets(all: impl Iterator<Item = Candidate>, typed: &str) -> Vec<(String, String)> {
    let lead = if typed.contains('/') { "secret/" } else { "" };
    all.map(|found| (format!("{lead}{}", found.name), found.about))
        .collect()
}

/// The CAs that are known, and those of the settings.
pub(super) fn issuers(asked: &TypedSource) -> Vec<(String, String)> {
    let named = asked.source.as_ref().and_then(|(_, check)| check.config.as_deref());
    let own = source::local_file(named, &env::process).ok().flatten();
    let own = own.into_iter().flat_map(|layer| layer.file.issuers.into_keys());
    let mut all: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).chain(own).collect();
    all.sort();
    all.dedup();
    all.into_iter().map(|name| (name, "issuer".to_owned())).collect()
}

/// The formats of `-o` of `status` and `probe`.
pub(super) fn formats() -> Vec<(String, String)> {
    let word = |format: &str| format.split_inclusive('=').next().unwrap_or_default().to_owned();
    FORMATS.iter().map(|format| (word(format), String::new())).collect()
}

/// The worst state of each route and Secret, and whether the Secret holds a certificate, or the route names a Secret.
fn states(session: &Session) -> BTreeMap<(Kind, String), (Status, bool)> {
    let inventory = &session.inventory;
    let judged = scan::evaluate(
        inventory,
        session.rules,
        &session.select,
        &BTreeMap::new(),
        &session.wanted,
    );
    let mut worst: BTreeMap<(Kind, String), (Status, bool)> = BTreeMap::new();
    let mut note = |kind: Kind, name: &str, status: Status, holds: bool| {
        let (worst, held) = worst.entry((kind, name.to_owned())).or_insert((status, holds));
        *worst = status.max(*worst);
        *held |= holds;
    };
    for one in &judged {
        match &one.about {
            About::Binding(id) => {
                let Some(binding) = inventory.bindings().get(*id) else {
                    continue;
                };
                let secrets: &[Key] = &binding.secrets;
                note(
                    binding.route.kind,
                    &binding.route.key.name,
                    one.status,
                    !secrets.is_empty(),
                );
                for key in secrets {
                    note(Kind::Secret, &key.name, one.status, false);
                }
            }
            About::Secret(key) => note(Kind::Secret, &key.name, one.status, false),
            About::Forbidden(_) => {}
        }
    }
    for stored in inventory.secrets().iter() {
        note(
            Kind::Secret,
            &stored.meta.name,
            Status::Healthy,
            stored.leaf().is_some(),
        );
    }
    worst
}
