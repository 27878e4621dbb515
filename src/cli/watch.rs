//! `-w`: follows changes, and prints the rows whose verdict changed, because of the cluster or because of time.

use std::{collections::BTreeMap, io::Write as _, time::Duration};

use crate::{
    cli::failure::Exit,
    error::Blame,
    inventory::Inventory,
    object::{Forbidden, Key, Kind},
    ops::{OpError, named::Named, session::Session},
    report::{self, Format, Row, table::Layout},
    scan::{
        self, About, Judged,
        follow::{FollowOptions, Follower, LinkState},
        live::{Live, News},
        probe,
    },
};

use super::{
    locale::{self, Legible},
    note,
    status::{Output, about_targets},
    written,
};

/// What is on the screen.
struct WatchSession<'a> {
    live: Live,
    output: &'a Output,
    targets: &'a [Named],
    shown: BTreeMap<About, ShownRow>,
    layout: Option<Layout>,
}

/// What is shown of one thing.
struct ShownRow {
    judged: Judged,
    served: Option<Key>,
    /// The words that say what it was, for when it no longer exists.
    name: String,
}

impl ShownRow {
    /// Whether a new verdict looks the same to somebody who watches.
    fn looks_like(&self, judged: &Judged, inventory: &Inventory) -> bool {
        self.judged.status == judged.status
            && self.judged.findings == judged.findings
            && self.judged.ignored == judged.ignored
            && self.served.as_ref() == judged.served(inventory)
    }
}

pub(super) async fn run(
    mut session: Session,
    output: &Output,
    targets: &[Named],
    probe: Option<probe::ProbeOptions>,
) -> Result<Exit, OpError> {
    if !matches!(
        output.format,
        Format::Table | Format::Wide | Format::Json | Format::Yaml | Format::Name
    ) {
        return Err(OpError::usage("-w works with the table, wide, json, yaml and name"));
    }
    if probe.is_some() {
        return Err(
            OpError::usage("-w does not probe: it follows the objects of the cluster")
                .hint("run `kubectl certs probe` without -w"),
        );
    }
    let Some(start) = session.follow_start() else {
        return Err(OpError::usage("manifests cannot be watched"));
    };
    let not_judged = std::mem::take(&mut session.not_judged);
    let options = FollowOptions {
        settle: Duration::ZERO,
        fixed_time: session.fixed_time,
    };
    let mut live = session.into_live();
    let mut follower = Follower::begin(Some(start), &mut live, options, tell);
    let mut watching = WatchSession {
        live,
        output,
        targets,
        shown: BTreeMap::new(),
        layout: None,
    };
    let first = watching.live.all();
    let mut going = watching.show(first)?;
    let left_out = watching.live.left_out();
    if left_out > 0 {
        let rows = if left_out == 1 { "row is" } else { "rows are" };
        note(&format!(
            "{left_out} {rows} not chosen: --reason and --min-severity leave them out"
        ));
    }
    if let Some(line) = report::apart::not_judged(&not_judged, true) {
        note(&line);
    }
    if watching.shown.is_empty() {
        note("there is nothing to show yet: rows are printed as they appear; Ctrl-C ends it");
    }
    while going && follower.wait(&watching.live).await {
        let news = follower.round(&mut watching.live).await;
        news.unwatched.iter().try_for_each(unwatched)?;
        going = watching.tell(news.changed)? && watching.tell(news.due)?;
    }
    Ok(Exit::Ok)
}

/// A kind whose changes may not be seen. Without routes and Secrets, watching would show what is no longer true.
fn unwatched(forbidden: &Forbidden) -> Result<(), OpError> {
    let kind = forbidden.kind;
    let place = forbidden
        .namespace
        .as_ref()
        .map(|n| format!(" in namespace {n}"))
        .unwrap_or_default();
    let told = format!("the right to watch {}{place} is missing", kind.plural());
    if kind.is_route() || kind == Kind::Secret {
        let of = forbidden
            .namespace
            .as_ref()
            .map_or_else(|| "-A".to_owned(), |n| format!("-n {n}"));
        let hint = format!(
            "ask for the verb watch (`kubectl auth can-i watch {} {of}` shows when you have it), or repeat it without -w",
            kind.plural()
        );
        return Err(OpError::new(Blame::Cluster, told).hint(hint));
    }
    note(&format!("{told}: their changes are not seen"));
    Ok(())
}

fn tell(state: LinkState) {
    match state {
        LinkState::Current => note("connected again: the view is current"),
        LinkState::Lost(why) => note(&format!("connection lost, retrying: {why}")),
    }
}

impl WatchSession<'_> {
    /// Tells what may look different. `false` when nobody reads any more.
    fn tell(&mut self, news: News) -> Result<bool, OpError> {
        for about in news.gone {
            if let Some(shown) = self.shown.remove(&about) {
                note(&self.farewell(&about, &shown.name));
            }
        }
        self.show(news.judged)
    }

    fn farewell(&self, about: &About, name: &str) -> String {
        match about {
            About::Secret(key) => match self.live.inventory.secrets().get(key) {
                Some(_) => format!("secret {key}: nothing is wrong any more"),
                None => format!("secret {key} is gone"),
            },
            About::Binding(id) if self.live.inventory.bindings().get(*id).is_some() && self.live.select.chooses() => {
                format!("{name}: the chosen findings are gone")
            }
            _ => format!("{name} is no longer served over TLS"),
        }
    }

    /// Prints what looks different from before. `false` when nobody reads any more.
    fn show(&mut self, judged: Vec<Judged>) -> Result<bool, OpError> {
        let inventory = &self.live.inventory;
        let mut news: Vec<Judged> = Vec::new();
        for judged in judged {
            if !about_targets(inventory, &judged.about, self.targets) {
                continue;
            }
            let Some(shown) = self.shown.get_mut(&judged.about) else {
                news.push(judged);
                continue;
            };
            // The number of a binding that is gone may be another's by now.
            let name = scan::row(inventory, &judged).map(|row| what(&row)).unwrap_or_default();
            if shown.name != name {
                note(&format!("{} is no longer served over TLS", shown.name));
                news.push(judged);
            } else if shown.looks_like(&judged, inventory) {
                // It looks the same, but time may change it at another moment now.
                shown.judged = judged;
            } else {
                news.push(judged);
            }
        }
        let mut rows = scan::rows(inventory, &news);
        report::sort(&mut rows, &self.output.sort);
        if self.output.is_of_rows() {
            rows.drop_unread();
        }
        let is_text = matches!(self.output.format, Format::Table | Format::Wide);
        let mut out = Legible::of(std::io::stdout().lock(), locale::is_ascii() && is_text);
        let context = self.output.context(self.live.rules.now);
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
            self.shown
                .insert(judged.about.clone(), ShownRow { judged, served, name });
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
