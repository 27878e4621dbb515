//! `-w`: follows changes, and prints the rows whose verdict changed, because of the cluster or because of time.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::Write as _,
    time::Duration,
};

use tokio::sync::mpsc;

use crate::{
    error::{Exit, Failure},
    inventory::{Dirty, Inventory},
    object::{Change, Forbidden, Key, Kind, Object, Seconds},
    report::{self, Format, Row, table::Layout},
    scan::{self, About, Judged, evaluate, probe},
    source::cluster::{WatchState, watch},
    text::time::HOUR,
    x509::Interner,
};

use super::{
    note,
    session::{Session, now},
    status::{Output, about_targets},
    target::Target,
    written,
};

/// How many changes may wait for the inventory.
const WAITING: usize = 256;
/// Changes that come together are told together.
const TOGETHER: usize = 1024;
/// Time alone changes verdicts by the second at most, and nobody watches that closely.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(1);

/// What is on the screen.
struct Watching<'a> {
    session: Session,
    output: &'a Output,
    targets: &'a [Target],
    shown: BTreeMap<About, Shown>,
    layout: Option<Layout>,
    /// When the Secrets without route were last looked at.
    looked: Seconds,
}

/// What is shown of one thing.
struct Shown {
    judged: Judged,
    served: Option<Key>,
    /// The words that say what it was, for when it is gone.
    name: String,
}

impl Shown {
    /// Whether a new verdict looks the same to somebody who watches.
    fn looks_like(&self, judged: &Judged, inventory: &Inventory) -> bool {
        self.judged.status == judged.status
            && self.judged.findings == judged.findings
            && self.served.as_ref() == judged.served(inventory)
    }
}

pub(super) async fn run(
    mut session: Session,
    output: &Output,
    targets: &[Target],
    probe: Option<probe::Options>,
) -> Result<Exit, Failure> {
    if !matches!(
        output.format,
        Format::Table | Format::Wide | Format::Json | Format::Yaml | Format::Name
    ) {
        return Err(Failure::usage("-w works with the table, wide, json, yaml and name"));
    }
    if probe.is_some() {
        return Err(Failure::usage("-w does not probe: it follows what the cluster says")
            .hint("run `kubectl certs probe` without -w"));
    }
    let Some(connection) = session.connection.clone() else {
        return Err(Failure::usage("manifests cannot be watched"));
    };
    let (sink, mut changes) = mpsc::channel(WAITING);
    let (name, named) = mpsc::channel(WAITING);
    let starts = std::mem::take(&mut session.read.listing);
    let scope = session.scope.clone();
    let fetched = std::mem::take(&mut session.read.fetched);
    let following = tokio::spawn(async move {
        watch(&connection, &scope, starts, named, sink, tell).await;
    });
    let mut followed = Followed::default();
    let mut watching = Watching {
        session,
        output,
        targets,
        shown: BTreeMap::new(),
        layout: None,
        looked: now(),
    };
    let first = evaluate(
        &watching.session.inventory,
        watching.session.rules,
        &watching.session.select,
        &BTreeMap::new(),
        &watching.session.wanted,
    );
    let mut going = watching.show(first)?;
    for key in fetched {
        followed.ask(key);
    }
    followed.send(&name);
    let mut interner = Interner::new();
    while going {
        let wait = watching.until_time_changes_something();
        let mut batch = Vec::new();
        tokio::select! {
            received = changes.recv_many(&mut batch, TOGETHER) => if received == 0 { break },
            () = tokio::time::sleep(wait) => {}
        }
        if !watching.session.fixed_time {
            watching.session.rules.now = now();
        }
        let secrets = batch
            .iter()
            .any(|c| matches!(c, Change::Set(Object::Secret(_)) | Change::Gone(Kind::Secret, _)));
        for change in batch {
            match change {
                Change::Forbidden(forbidden) if forbidden.verb == "watch" => unwatched(&forbidden)?,
                change => watching.apply(change, &mut interner),
            }
        }
        if secrets {
            // Another Secret may have brought, or taken away, the intermediate that a chain lacks.
            let session = &mut watching.session;
            session
                .read
                .unresolved
                .judge_again(&mut session.inventory, &session.judge);
        }
        let dirty = watching.session.inventory.settle();
        for key in watching.missing(&dirty) {
            followed.ask(key);
        }
        followed.send(&name);
        // Time goes on while changes come: what is due is looked at in every round.
        going = watching.after(dirty)? && watching.after_time()?;
    }
    following.abort();
    Ok(Exit::Ok)
}

/// The Secrets that are named and that no list brings: each is asked for once.
#[derive(Default)]
struct Followed {
    asked: BTreeSet<Key>,
    waiting: VecDeque<Key>,
}

impl Followed {
    fn ask(&mut self, key: Key) {
        if self.asked.insert(key.clone()) {
            self.waiting.push_back(key);
        }
    }

    /// Hands on what there is room for. It never waits: the watch may be waiting for this loop to take changes.
    fn send(&mut self, name: &mpsc::Sender<Key>) {
        while let Some(key) = self.waiting.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(key)) = name.try_send(key) {
                self.waiting.push_front(key);
                return;
            }
        }
    }
}

/// A kind whose changes may not be seen. Without routes and Secrets, watching would show what is no longer true.
fn unwatched(forbidden: &Forbidden) -> Result<(), Failure> {
    let kind = forbidden.kind;
    let place = forbidden
        .namespace
        .as_ref()
        .map(|n| format!(" in namespace {n}"))
        .unwrap_or_default();
    let told = format!("you have no right to watch {}{place}", kind.plural());
    if matches!(
        kind,
        Kind::Secret | Kind::Ingress | Kind::IngressRoute | Kind::Gateway | Kind::ListenerSet
    ) {
        let of = forbidden
            .namespace
            .as_ref()
            .map_or_else(|| "-A".to_owned(), |n| format!("-n {n}"));
        let hint = format!(
            "ask for the verb watch (`kubectl auth can-i watch {} {of}` shows when it is there), or run it without -w again and again",
            kind.plural()
        );
        return Err(Failure::new(Exit::Cluster, told).hint(hint));
    }
    note(&format!("{told}: changes of them are not seen"));
    Ok(())
}

fn tell(state: WatchState) {
    match state {
        WatchState::Connected => note("connected again: what is shown is current"),
        WatchState::Lost { why, .. } => note(&format!("connection lost, trying again: {why}")),
        WatchState::Relisted(kind) => tracing::debug!(kind = kind.plural(), "listed again"),
    }
}

impl Watching<'_> {
    fn apply(&mut self, change: Change, interner: &mut Interner) {
        let session = &mut self.session;
        session
            .read
            .unresolved
            .apply(change, &mut session.inventory, &session.judge, interner);
    }

    /// The Secrets that changed bindings name and that are not here.
    fn missing(&self, dirty: &Dirty) -> Vec<Key> {
        let inventory = &self.session.inventory;
        let bindings = dirty.bindings.iter().filter_map(|id| inventory.bindings().get(*id));
        let named = bindings.flat_map(|binding| &binding.secrets);
        named
            .filter(|key| inventory.secrets().get(key).is_none())
            .cloned()
            .collect()
    }

    /// How long nothing changes by time alone.
    fn until_time_changes_something(&self) -> Duration {
        let now = self.session.rules.now;
        let next: Option<Seconds> = self.shown.values().filter_map(|shown| shown.judged.changes_at).min();
        let seconds = next
            .map(|at| at.saturating_sub(now).max(0))
            .and_then(|s| u64::try_from(s).ok());
        seconds.map_or(LONGEST, Duration::from_secs).clamp(SHORTEST, LONGEST)
    }

    /// Judges again what changes touched.
    fn after(&mut self, dirty: Dirty) -> Result<bool, Failure> {
        let session = &self.session;
        let (inventory, rules, select) = (&session.inventory, session.rules, &session.select);
        let mut judged: Vec<Judged> = Vec::new();
        let mut gone: Vec<About> = dirty.gone.iter().map(|id| About::Binding(*id)).collect();
        for id in dirty.bindings {
            match evaluate::binding(inventory, id, rules, select, None) {
                Some(one) => judged.push(one),
                None => gone.push(About::Binding(id)),
            }
        }
        for key in dirty.secrets {
            let about = About::Secret(Box::new(key.clone()));
            let alone = inventory.bindings_of_secret(&key).is_empty();
            match alone
                .then(|| evaluate::secret(inventory, key, rules, select, &session.wanted))
                .flatten()
            {
                Some(one) => judged.push(one),
                None => gone.push(about),
            }
        }
        for about in gone {
            if let Some(shown) = self.shown.remove(&about) {
                note(&self.farewell(&about, &shown.name));
            }
        }
        self.show(judged)
    }

    fn farewell(&self, about: &About, name: &str) -> String {
        match about {
            About::Secret(key) => match self.session.inventory.secrets().get(key) {
                Some(_) => format!("secret {key}: nothing is wrong any more"),
                None => format!("secret {key} is gone"),
            },
            _ => format!("{name} is no longer served over TLS"),
        }
    }

    /// Judges again what time has changed.
    fn after_time(&mut self) -> Result<bool, Failure> {
        let now = self.session.rules.now;
        let due: Vec<About> = self
            .shown
            .iter()
            .filter(|(_, shown)| shown.judged.changes_at.is_some_and(|at| at <= now))
            .map(|(about, _)| about.clone())
            .collect();
        let session = &self.session;
        let mut due = due;
        // Secrets without route that are healthy are not shown, so nothing says when they will be worth a row.
        if now.saturating_sub(self.looked) >= HOUR {
            self.looked = now;
            let keys = session.inventory.secrets().iter().map(|stored| stored.meta.key());
            let alone = keys.filter(|key| session.inventory.bindings_of_secret(key).is_empty());
            due.extend(alone.map(|key| About::Secret(Box::new(key))));
            due.sort();
            due.dedup();
        }
        let judged = due.into_iter().filter_map(|about| match about {
            About::Binding(id) => evaluate::binding(&session.inventory, id, session.rules, &session.select, None),
            About::Secret(key) => evaluate::secret(
                &session.inventory,
                *key,
                session.rules,
                &session.select,
                &session.wanted,
            ),
            About::Forbidden(_) => None,
        });
        let judged = judged.collect();
        self.show(judged)
    }

    /// Prints what looks different from before. `false` when nobody reads any more.
    fn show(&mut self, judged: Vec<Judged>) -> Result<bool, Failure> {
        let inventory = &self.session.inventory;
        let mut news: Vec<Judged> = Vec::new();
        for judged in judged {
            if !about_targets(inventory, &judged.about, self.targets) {
                continue;
            }
            match self.shown.get_mut(&judged.about) {
                // It looks the same, but time may change it at another moment now.
                Some(shown) if shown.looks_like(&judged, inventory) => shown.judged = judged,
                _ => news.push(judged),
            }
        }
        let mut rows = scan::rows(inventory, &news);
        report::sort(&mut rows, &self.output.sort);
        let mut out = std::io::stdout().lock();
        let context = self.output.context(self.session.rules.now);
        let result = match &self.output.format {
            _ if rows.is_empty() => Ok(()),
            format @ (Format::Table | Format::Wide) => {
                let fresh = self.layout.is_none();
                let layout = self
                    .layout
                    .get_or_insert_with(|| Layout::measure(&rows, &context, matches!(format, Format::Wide)));
                let head = if fresh && !context.no_headers {
                    layout.write_header(&mut out)
                } else {
                    Ok(())
                };
                layout.at(context.now);
                head.and_then(|()| layout.write_rows(&rows, &mut out))
            }
            format => report::output::write(format, &rows, &context, &mut out),
        };
        let alive = match result.and_then(|()| out.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => false,
            other => written(other).map(|_| true)?,
        };
        drop(rows);
        for judged in news {
            let name = scan::row(inventory, &judged).map(|row| what(&row)).unwrap_or_default();
            let served = judged.served(inventory).cloned();
            self.shown.insert(judged.about.clone(), Shown { judged, served, name });
        }
        Ok(alive)
    }
}

/// What a row is about, for a reader.
fn what(row: &Row<'_>) -> String {
    let (kind, name) = row.subject();
    let kind = kind.as_str().to_lowercase();
    match row.host {
        Some(host) => format!(
            "{}: {kind}/{name}: {}",
            row.namespace,
            if host.is_empty() { "*" } else { host }
        ),
        None => format!("{}: {kind}/{name}", row.namespace),
    }
}
