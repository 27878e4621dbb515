//! `-w`: follows changes, and prints the rows whose verdict changed, because of the cluster or because of time.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    time::Duration,
};

use tokio::sync::mpsc;

use crate::{
    error::{Exit, Failure},
    inventory::Dirty,
    object::{Change, Key, Seconds},
    report::{self, Format, Row, table::Layout},
    scan::{self, About, Judged, evaluate, probe},
    source::cluster::{WatchState, watch},
    x509::Interner,
};

use super::{
    note,
    session::{Session, now},
    status::{Output, about_targets, same},
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
    shown: BTreeMap<About, Judged>,
    layout: Option<Layout>,
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
    let mut followed: BTreeSet<Key> = BTreeSet::new();
    let mut watching = Watching {
        session,
        output,
        targets,
        shown: BTreeMap::new(),
        layout: None,
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
        follow(&name, &mut followed, key).await;
    }
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
        let by_time = batch.is_empty();
        for change in batch {
            watching.apply(change, &mut interner);
        }
        let dirty = watching.session.inventory.settle();
        for key in watching.missing(&dirty) {
            follow(&name, &mut followed, key).await;
        }
        going = if by_time {
            watching.after_time()?
        } else {
            watching.after(dirty)?
        };
    }
    following.abort();
    Ok(Exit::Ok)
}

/// Asks for a Secret that is named and that no list brings to be followed.
async fn follow(name: &mpsc::Sender<Key>, followed: &mut BTreeSet<Key>, key: Key) {
    if followed.insert(key.clone()) {
        // An error means that the watch has ended, which the loop sees.
        let _ = name.send(key).await;
    }
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
        let next: Option<Seconds> = self
            .shown
            .values()
            .filter_map(|j| j.verdict.changes_at)
            .filter(|at| *at > now)
            .min();
        let seconds = next
            .map(|at| at.saturating_sub(now))
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
            let about = About::Secret(key.clone());
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
            if self.shown.remove(&about).is_some() {
                tracing::debug!(?about, "gone");
                note(&self.farewell(&about));
            }
        }
        self.show(judged)
    }

    fn farewell(&self, about: &About) -> String {
        match about {
            About::Secret(key) => match self.session.inventory.secrets().get(key) {
                Some(_) => format!("secret {key}: nothing is wrong any more"),
                None => format!("secret {key} is gone"),
            },
            _ => "a host is no longer served over TLS".to_owned(),
        }
    }

    /// Judges again what time has changed.
    fn after_time(&mut self) -> Result<bool, Failure> {
        let now = self.session.rules.now;
        let due: Vec<About> = self
            .shown
            .iter()
            .filter(|(_, judged)| judged.verdict.changes_at.is_some_and(|at| at <= now))
            .map(|(about, _)| about.clone())
            .collect();
        let session = &self.session;
        let judged = due.into_iter().filter_map(|about| match about {
            About::Binding(id) => evaluate::binding(&session.inventory, id, session.rules, &session.select, None),
            About::Secret(key) => {
                evaluate::secret(&session.inventory, key, session.rules, &session.select, &session.wanted)
            }
            About::Forbidden(_) => None,
        });
        let judged = judged.collect();
        self.show(judged)
    }

    /// Prints what looks different from before. `false` when nobody reads any more.
    fn show(&mut self, judged: Vec<Judged>) -> Result<bool, Failure> {
        let inventory = &self.session.inventory;
        let mut news: Vec<Judged> = judged
            .into_iter()
            .filter(|judged| about_targets(inventory, &judged.about, self.targets))
            .collect();
        news.retain(|judged| !self.shown.get(&judged.about).is_some_and(|before| same(before, judged)));
        let mut rows: Vec<Row<'_>> = news.iter().filter_map(|judged| scan::row(inventory, judged)).collect();
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
        for judged in news {
            self.shown.insert(judged.about.clone(), judged);
        }
        Ok(alive)
    }
}
