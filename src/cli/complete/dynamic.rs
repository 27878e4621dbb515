//! What completion asks of the kubeconfig, of the settings and of the cluster: names.
//!
//! Somebody waits for it with a finger on a key. It has [`PATIENCE`] in all, asks nobody to log in, says nothing, and offers nothing where
//! it does not come to an end.

use std::{collections::BTreeMap, sync::mpsc, time::Duration};

use clap::Parser as _;

use crate::{
    cli::{
        args::{CheckArgs, Cli, Command, SourceArgs},
        session::{Open, Session, connect_options},
        told, typed,
    },
    object::{Key, Kind},
    report::{Status, output::FORMATS},
    scan::{self, About},
    settings::{BUILT_IN, env, source},
    source::cluster::{connect_unattended, contexts, namespace_names},
};

/// All that may be waited for, the program's start left out. A build for debugging is many times slower.
const PATIENCE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3_000 } else { 170 });

/// What the words before the one that is typed say of the source.
#[derive(Debug, Clone)]
pub(super) struct Asked(Option<(SourceArgs, CheckArgs)>);

impl Asked {
    /// Of a command line whose last word is not complete. Nothing is asked where that cannot be read, or where standard input is meant.
    pub(super) fn of(before: &[String]) -> Self {
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
            "--at",
        ];
        let mut line = vec!["certs".to_owned(), "status".to_owned()];
        let mut words = before.iter();
        while let Some(word) = words.next() {
            let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
            if ["-A", "--all-namespaces", "-R"].contains(&name) {
                line.push(word.clone());
            } else if flags.contains(&name) {
                line.push(word.clone());
                if name == word.as_str() {
                    line.extend(words.next().cloned());
                }
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
        Self(source.filter(|(source, _)| source.filename.iter().all(|file| file.as_os_str() != "-")))
    }

    /// The contexts of the kubeconfig.
    pub(super) fn contexts(&self) -> Vec<(String, String)> {
        let options = self.0.as_ref().map(|(source, _)| connect_options(&source.connection));
        contexts(&options.unwrap_or_default())
            .into_iter()
            .map(|name| (name, "context".to_owned()))
            .collect()
    }

    /// The namespaces of the cluster.
    pub(super) fn namespaces(&self) -> Vec<(String, String)> {
        let Some((source, _)) = &self.0 else { return Vec::new() };
        let options = connect_options(&source.connection);
        let names = in_time(move || async move {
            let connection = connect_unattended(&options).await.ok()?;
            Some(namespace_names(&connection).await)
        });
        let candidate = |name: String| (name, "namespace".to_owned());
        names.into_iter().flatten().map(candidate).collect()
    }

    /// What is there, the worst first: each kind and name, and its state. A Secret has the worst state of all that use it.
    fn objects(&self) -> Vec<(Kind, String, Status)> {
        let Some((source, check)) = self.0.clone() else {
            return Vec::new();
        };
        let found = in_time(move || async move {
            let options = connect_options(&source.connection);
            let connection = if source.filename.is_empty() {
                Some(connect_unattended(&options).await.ok()?)
            } else {
                None
            };
            let open = Open {
                quiet: true,
                ..Open::default()
            };
            let session = Session::open_on(&source, &check, &[], open, connection, &mut |_| {})
                .await
                .ok()?;
            Some(states(&session))
        });
        let mut found: Vec<(Kind, String, Status)> = found
            .unwrap_or_default()
            .into_iter()
            .map(|((kind, name), status)| (kind, name, status))
            .collect();
        found.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| (a.0, &a.1).cmp(&(b.0, &b.1))));
        found
    }

    /// ROUTE and SECRET: an Ingress by its name, all else as KIND/NAME.
    pub(super) fn targets(&self, typed: &str) -> Vec<(String, String)> {
        self.objects()
            .into_iter()
            .map(|(kind, name, status)| {
                let word = match kind {
                    Kind::Ingress if !typed.contains('/') => name,
                    kind => format!("{}/{name}", kind.as_str().to_ascii_lowercase()),
                };
                (word, status.as_str().to_owned())
            })
            .collect()
    }

    /// SECRET: by its name.
    pub(super) fn secrets(&self) -> Vec<(String, String)> {
        let all = self.objects().into_iter();
        all.filter(|(kind, ..)| *kind == Kind::Secret)
            .map(|(_, name, status)| (name, status.as_str().to_owned()))
            .collect()
    }
}

/// The CAs that are known, and those of the settings.
pub(super) fn issuers() -> Vec<(String, String)> {
    let own = source::local_file(&env::process).ok().flatten();
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

/// The worst state of each route and Secret.
fn states(session: &Session) -> BTreeMap<(Kind, String), Status> {
    let inventory = &session.inventory;
    let judged = scan::evaluate(
        inventory,
        session.rules,
        &session.select,
        &BTreeMap::new(),
        &session.wanted,
    );
    let mut worst: BTreeMap<(Kind, String), Status> = BTreeMap::new();
    let mut note = |kind: Kind, name: &str, status: Status| {
        let entry = worst.entry((kind, name.to_owned())).or_insert(status);
        *entry = status.max(*entry);
    };
    for one in &judged {
        match &one.about {
            About::Binding(id) => {
                let Some(binding) = inventory.bindings().get(*id) else {
                    continue;
                };
                note(binding.route.kind, &binding.route.key.name, one.status);
                let secrets: &[Key] = &binding.secrets;
                for key in secrets {
                    note(Kind::Secret, &key.name, one.status);
                }
            }
            About::Secret(key) => note(Kind::Secret, &key.name, one.status),
            About::Forbidden(_) => {}
        }
    }
    for stored in inventory.secrets().iter() {
        note(Kind::Secret, &stored.meta.name, Status::Healthy);
    }
    worst
}

/// Carries it out beside, and gives up after [`PATIENCE`]: what is not done then ends with the process.
fn in_time<T: Send + 'static, F: Future<Output = Option<T>>>(work: impl FnOnce() -> F + Send + 'static) -> Option<T> {
    told::silence();
    let (done, found) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().ok()?;
        done.send(runtime.block_on(work())).ok()
    });
    found.recv_timeout(PATIENCE).ok()?
}
