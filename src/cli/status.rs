//! `status` and `probe`: the table of bindings.

use std::{
    collections::BTreeMap,
    io::{BufWriter, Write as _},
    sync::Arc,
    time::Instant,
};

use crate::{
    check::{Probed, Severity, SharedFindings},
    cli::failure::Exit,
    error::Blame,
    inventory::{BindingId, Inventory},
    object::{Key, Kind, NotJudged},
    ops::{
        Cluster, OpError,
        named::{Named, for_reading, is_listener, not_found, read_all},
        session::{Open, Session},
    },
    report::{self, Apart, Context, Format, Rows, Sorting, Status, apart::Since, by, output, place::ManifestPosition},
    scan::{self, About, Judged, probe},
    source::scope::Namespaces,
    tui::{filter::Filter, item::Item, rows::Choice},
};

use super::{
    args::{StatusArgs, StatusCommand},
    colour,
    front::Terminal,
    labels,
    locale::{self, Legible},
    no_secrets, note,
    settings::acts_with,
    since::Saved,
    watch, written,
};

/// What is printed, and how.
// Each is a flag of the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) sort: Sorting,
    pub(super) colour: bool,
    pub(super) no_headers: bool,
    pub(super) show_labels: bool,
    pub(super) show_namespace: bool,
}

impl Output {
    fn of(args: &StatusArgs) -> Result<Self, OpError> {
        let output = &args.output;
        let format = output.output.as_deref().unwrap_or_default();
        let format = if format.is_empty() {
            Format::Table
        } else {
            format
                .parse()
                .map_err(|error: output::FormatError| OpError::of(Blame::Usage, &error))?
        };
        let sort = output.sort_by.as_deref().map(str::parse).transpose();
        let sort = sort.map_err(|error: report::order::SortByError| OpError::of(Blame::Usage, &error))?;
        let source = &args.source;
        Ok(Self {
            format,
            sort: Sorting {
                by: sort.unwrap_or_default(),
                reverse: output.reverse,
            },
            colour: colour::wanted(output.color),
            no_headers: output.no_headers,
            show_labels: output.show_labels,
            show_namespace: source.all_namespaces
                || source.namespace.len() > 1
                || (source.namespace.is_empty() && !source.filename.is_empty()),
        })
    }

    /// Whether its lines are hosts, routes and Secrets and nothing else: what could not be read is told beside.
    pub(super) fn is_of_rows(&self) -> bool {
        matches!(
            self.format,
            Format::Table | Format::Wide | Format::Name | Format::CustomColumns(_)
        )
    }

    pub(super) fn context(&self, now: crate::object::Seconds) -> Context<'static> {
        Context {
            now,
            show_namespace: self.show_namespace,
            no_headers: self.no_headers,
            show_labels: self.show_labels,
            colour: self.colour,
            width: colour::terminal_width(),
            ..Context::default()
        }
    }
}

/// What chooses the rows, as the screen has it.
fn choice(args: &StatusArgs) -> Result<Choice, OpError> {
    let typed = args.filter.as_deref().unwrap_or_default();
    match Filter::parse(typed) {
        Filter::Wrong(why) => Err(OpError::usage(format!("--filter {typed:?}: {why}"))),
        filter => Ok(Choice {
            filter,
            between: args.between,
            ..Choice::default()
        }),
    }
}

// One course from arguments to exit status.
#[allow(clippy::too_many_lines)]
pub(super) async fn run(command: StatusCommand, probing: bool) -> Result<Exit, OpError> {
    let started = Instant::now();
    let StatusCommand { targets, args } = command;
    let output = Output::of(&args)?;
    if args.by.is_some()
        && matches!(
            output.format,
            Format::Name
                | Format::CustomColumns(_)
                | Format::Junit
                | Format::Sarif
                | Format::Github
                | Format::Prometheus
        )
    {
        return Err(OpError::usage("--by works with the table, json, yaml and jsonpath"));
    }
    no_secrets::goes_with_status(&args)?;
    let choice = choice(&args)?;
    let saved = args.since.as_deref().map(Saved::read).transpose()?;
    if saved.as_ref().is_some_and(Saved::is_partial) {
        super::warn(
            "the report of --since was saved with --reason or --min-severity: rows that they left out look new",
        );
    }
    // --confirm connects where it is told to as well, and to less.
    let is_probing = probing || args.probe.probe || (args.probe.connects() && !args.confirm);
    let is_idle = args.probe.probe_timeout.is_some() && !is_probing && !args.confirm;
    acts_with("--probe-timeout", is_idle, "--probe")?;
    let targets = read_all(&targets)?;
    let open = Open {
        with_namespaces: false,
        // It is not followed, and would be told long after it was so.
        with_doings: !args.watch,
        for_watch: args.watch,
        all_users: false,
        quiet: args.output.quiet,
        without_secrets: args.probe.no_secrets,
        ..Open::default()
    };
    let front = Terminal::telling();
    let cluster = Cluster::new(args.source.connection.options(), Arc::clone(&front));
    let session = Session::open(&cluster, &args.source.source(), &args.check.checks(), &targets, open).await?;
    let targets = for_reading(&session, targets, &*front);
    if let Err(failure) = not_found(&session, &targets) {
        return if args.ignore_not_found {
            Ok(Exit::Ok)
        } else {
            Err(failure)
        };
    }
    let probe = is_probing.then(|| args.probe.options());
    if args.watch {
        return Box::pin(watch::run(session, &output, &targets, probe)).await;
    }
    let probed = match probe {
        Some(options) => probe_targets(&session, &targets, &options, &args).await,
        None => BTreeMap::new(),
    };
    let mut wanted = session.wanted.clone();
    if choice.between.is_some() || output.format == Format::Prometheus {
        // A period is asked what ends in it, and metrics are of all that ends: Secrets that no route uses are among them.
        wanted.extend(scan::alone(&session.inventory));
    }
    let mut judged = scan::evaluate(&session.inventory, session.rules, &session.select, &probed, &wanted);
    judged.retain(|judged| about_targets(&session.inventory, &judged.about, &targets));
    if args.confirm && !is_probing {
        confirm(&session, &args, &mut judged).await;
    }
    let mut left_out = scan::choose(&mut judged);
    if choice != Choice::default() {
        let before = judged.len();
        // What could not be read may be what was asked for.
        judged.retain(|one| {
            matches!(one.about, About::Forbidden(_))
                || Item::new(&session.inventory, one).is_some_and(|item| choice.has(&item))
        });
        left_out.items += before - judged.len();
    }
    let unread = judged.iter().any(|one| one.status == Status::Unknown || forbidden(one));
    let compared = match saved {
        Some(saved) => Some(saved.compare(
            &mut judged,
            &session.inventory,
            &session.select,
            &session.scope,
            is_whole(&session, &targets),
        )?),
        None => None,
    };
    let mut rows = scan::rows(&session.inventory, &judged);
    report::sort(&mut rows, &output.sort);
    // Who names what is wanted asks for nothing else.
    let not_judged = if targets.is_empty() {
        session.not_judged.as_slice()
    } else {
        &[]
    };
    let apart = Apart {
        left_out,
        routes_chosen_by: routes_chosen_by(&args),
        not_judged,
        since: compared.as_ref(),
        secrets_left_out: session.inventory.secrets_left_out,
    };
    let mut context: Context<'_> = output.context(session.rules.now);
    context.label_columns = &args.output.label_columns;
    for line in labels::absent(&args.output.label_columns, &rows) {
        super::warn(&line);
    }
    // Without Secrets, every row is about what is served, compared with nothing.
    context.show_served = is_probing && !session.inventory.secrets_left_out;
    let doings = report::doings::lines(&rows, session.inventory.installations(), session.rules.now);
    context.show_doings = !doings.is_empty();
    context.elapsed = Some(started.elapsed());
    let places = |kind: Kind, key: &Key| {
        let (file, line) = session.places.get(kind, key)?;
        let file = file.to_owned();
        Some(ManifestPosition { file, line })
    };
    context.place = Some(&places);
    context.apart = apart;
    let nothing = rows.is_empty();
    let told = [report::summary(&rows, &apart, started.elapsed())].into_iter();
    let told: Vec<String> = told.filter(|_| !nothing || session.trouble.is_none()).collect();
    if output.is_of_rows() {
        rows.drop_unread();
    }
    let out = BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    let mut out = Legible::of(
        out,
        locale::is_ascii() && matches!(output.format, Format::Table | Format::Wide),
    );
    let result = match args.by {
        None => report::output::write(&output.format, &rows, &context, &mut out),
        Some(by) => {
            let groups = by::fold(&rows, by.into(), &|row| {
                crate::check::owner(&session.inventory, row.secret()?)
            });
            by::write(&output.format, &groups, by.into(), &context, &mut out).map(drop)
        }
    };
    let result = result.and_then(|()| out.flush());
    drop(out);
    written(result)?;
    // Of what could not be read, nothing can be said.
    for line in &told {
        note(line);
    }
    if args.by.is_none() && matches!(output.format, Format::Table | Format::Wide) {
        for line in &doings {
            note(line);
        }
    }
    tell_apart(&rows, &apart);
    if nothing && left_out.is_nothing() && compared.is_none() {
        nothing_found(&session, &args);
    }
    drop(rows);
    let exit = exit(&session, &judged, not_judged, unread, &args);
    // The process ends: the system takes a large inventory back at once, which freeing piece by piece does not.
    std::mem::forget((session, judged));
    Ok(exit)
}

/// Whether all of the scope was read, so that what is not there is gone: no target, label or field chose, every list came to its end and
/// was allowed.
fn is_whole(session: &Session, targets: &[Named]) -> bool {
    let inventory = &session.inventory;
    let all_lists = inventory.forbidden().iter().all(|forbidden| forbidden.name.is_some());
    targets.is_empty() && !inventory.routes_chosen && session.trouble.is_none() && all_lists
}

/// Asks what is served for everything that is about the targets.
async fn probe_targets(
    session: &Session,
    targets: &[Named],
    options: &probe::ProbeOptions,
    args: &StatusArgs,
) -> BTreeMap<BindingId, Probed> {
    let ids: Vec<BindingId> = session
        .inventory
        .bindings()
        .iter()
        .map(|(id, _)| id)
        .filter(|id| about_targets(&session.inventory, &About::Binding(*id), targets))
        .collect();
    let waiting = Terminal::telling().wait_for_hosts();
    let results = probe::ask(probe::places(&session.inventory, &ids), options).await;
    drop(waiting);
    if session.inventory.secrets_left_out {
        no_secrets::complete(&results, &session.judge, &args.check).await;
    }
    results.judged(&session.judge).0
}

/// What there is to say besides the counts: what is not judged, the one cause of most, what is gone.
fn tell_apart(rows: &Rows<'_>, apart: &Apart<'_>) {
    let lines = [
        report::apart::not_judged(apart.not_judged, !apart.secrets_left_out),
        report::cause::cause(rows),
    ];
    for line in lines.iter().flatten() {
        note(line);
    }
    if let Some(since) = apart.since {
        tell_gone(since);
    }
}

/// How many findings that are gone are told one by one.
const GONE: usize = 20;

/// What is gone since the report that was saved.
fn tell_gone(since: &Since) {
    for gone in since.gone.iter().take(GONE) {
        note(&format!("gone: {}: {}", gone.subject, gone.reason));
    }
    if since.gone.len() > GONE {
        note(&format!("gone: {} more; -o json has all", since.gone.len() - GONE));
    }
}

/// So many critical rows are asked for: at 32 at once, that many silent addresses take a minute and a half.
const CONFIRMED: usize = 500;

/// Asks the routes of critical rows what they serve, with one handshake each, and judges those again.
async fn confirm(session: &Session, args: &StatusArgs, judged: &mut [Judged]) {
    let critical = judged.iter().filter(|one| one.status == Status::Critical);
    let mut ids: Vec<BindingId> = critical
        .filter_map(|one| match &one.about {
            About::Binding(id) => Some(*id),
            About::Secret(_) | About::Forbidden(_) => None,
        })
        .collect();
    if ids.len() > CONFIRMED {
        note(&format!(
            "--confirm asks for {CONFIRMED} of {} critical rows; name routes to connect to others",
            ids.len()
        ));
        ids.truncate(CONFIRMED);
    }
    let options = scan::probe::ProbeOptions {
        one_each: true,
        ..args.probe.options()
    };
    let waiting = Terminal::telling().wait_for_hosts();
    let (probed, _) = scan::probe::probe(&session.inventory, &ids, &options, &session.judge).await;
    drop(waiting);
    let (inventory, rules) = (&session.inventory, session.rules);
    let shared = SharedFindings::new(inventory, &rules);
    for one in judged {
        let About::Binding(id) = &one.about else { continue };
        let Some(found) = probed.get(id) else { continue };
        let again = scan::evaluate::binding(inventory, *id, rules, &session.select, Some(found), &shared);
        if let Some(again) = again {
            *one = again;
        }
    }
}

/// The flag that chose among the routes.
fn routes_chosen_by(args: &StatusArgs) -> Option<&'static str> {
    match (&args.source.selector, &args.source.field_selector) {
        (Some(_), _) => Some("-l"),
        (None, Some(_)) => Some("--field-selector"),
        (None, None) => None,
    }
}

/// Where to look when nothing was found.
fn nothing_found(session: &Session, args: &StatusArgs) {
    if let Namespaces::Only(names) = &session.scope.namespaces
        && args.source.namespace.is_empty()
        && let [name] = names.as_slice()
    {
        super::hint(&format!("only namespace {name} was read; -A reads all"));
    }
}

/// Whether a row is about one of the targets; everything is, where none is named.
pub(super) fn about_targets(inventory: &Inventory, about: &About, targets: &[Named]) -> bool {
    if targets.is_empty() {
        return true;
    }
    match about {
        About::Binding(id) => inventory.bindings().get(*id).is_some_and(|binding| {
            targets.iter().any(|t| match t.kind {
                _ if t.host => binding.host == t.name,
                Kind::Secret => binding.secrets.iter().any(|key| t.is_secret(key)),
                _ => is_listener(binding, t),
            })
        }),
        About::Secret(key) => targets.iter().any(|t| t.is_secret(key)),
        About::Forbidden(position) => inventory
            .forbidden()
            .get(*position)
            .is_some_and(|forbidden| targets.iter().any(|t| t.kind == forbidden.kind)),
    }
}

/// Severity decides: manifests that cannot be read, then the cluster, then findings.
fn exit(session: &Session, judged: &[Judged], not_judged: &[NotJudged], unread: bool, args: &StatusArgs) -> Exit {
    let fail_on: Option<Severity> = args.check.fail_on.map(Into::into);
    if session.trouble == Some(Blame::Usage) {
        return Exit::Usage;
    }
    let unseen = not_judged.iter().any(|found| found.carrier.serves) || !session.counted;
    if args.check.strict && unseen {
        return Exit::Cluster;
    }
    let unreadable = fail_on.is_some() && unread;
    if session.trouble == Some(Blame::Cluster) || unreadable {
        return Exit::Cluster;
    }
    let fails = |one: &Judged| one.findings.iter().any(|f| Some(f.severity) >= fail_on);
    if fail_on.is_some() && judged.iter().any(fails) {
        Exit::Findings
    } else {
        Exit::Ok
    }
}

fn forbidden(judged: &Judged) -> bool {
    judged
        .findings
        .iter()
        .any(|f| f.reason() == crate::check::Reason::Forbidden)
}
