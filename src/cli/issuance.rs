//! What `renew` and `issue` have in common: from targets to outcomes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
    sync::Arc,
};

use futures_util::future::BoxFuture;

use crate::{
    acme::Stage,
    apply::{Api, Permits, RunId, events, pair::Roots, rights},
    cli::failure::{Exit, Failure},
    engine::{
        brake::{Brake, GoOn},
        cancel::Cancel,
        failure::CourseError,
        forced,
        foreseen::{Asked, Obstacle, obstacles as foreseen_by},
        hosts::Hosts,
        journal,
        journals::Journals,
        ledger::{self, Ledger},
        prepare::{self, Prepared, Preparing, slots},
        run::{Options, Outcome, Run},
        store::Destination,
        turns::Turns,
    },
    error::{Diagnose, chain},
    event::Teller,
    inventory::Inventory,
    net::HostPort,
    object::{Key, Seconds},
    plan::{
        MANY_ORDERS, Target,
        limits::{Past, What},
        steps::Step,
        summary::summary,
        target::names_of,
    },
    report::progress::{self, Summary},
    settings::{
        Settings,
        account::{self, Ready},
        source::ClusterSecrets,
        store::Store,
        trust,
        value::DryRun,
    },
    solve::{
        dns01::{NoSecrets, Operator as DnsOperator, Secrets, Terminal},
        http01::rights_hint,
    },
    source::cluster::Connection,
    text::time,
    tui::order::{self, Plan},
};

use super::{
    again, agree,
    args::issue::{IssueArgs, Output},
    ask::{Terms, confirm},
    counted::{counted, first_of},
    directory::Directory,
    foreseen,
    left::Left,
    note,
    progress::Progress,
    session::Session,
    sweep, told,
    waiting::Waiting,
};

/// Let's Encrypt dates certificates back by an hour.
const BACKDATED: Seconds = 3_600;

/// Everything that has been read and set.
pub(super) struct Issuance<'a> {
    pub(super) args: &'a IssueArgs,
    pub(super) session: &'a Session,
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Store,
    pub(super) acme: &'a Directory,
    pub(super) connect: Option<HostPort>,
    pub(super) cancel: Cancel,
    /// What denies orders of this kind, where anything does.
    pub(super) denied: Option<Obstacle>,
    /// Whether the number of orders was said (`--max`).
    pub(super) is_bounded: bool,
    /// What was named too, and is refused.
    pub(super) left: &'a [Left],
    /// What could be meant and is left out, each counted.
    pub(super) left_out: Vec<String>,
}

/// Where manifests go; `None` for a cluster.
fn directory(args: &IssueArgs) -> Result<Option<PathBuf>, Failure> {
    let named = match (&args.store.output_dir, &args.run.output) {
        (Some(directory), _) | (None, Some(Output::Directory(directory))) => Some(directory.clone()),
        _ => None,
    };
    match (named, args.source.filename.is_empty()) {
        (None, false) => Err(Failure::usage("manifests (-f) are not written back")
            .hint("name a directory for the Secrets' manifests: -o ./DIR")),
        (Some(_), true) => Err(Failure::usage("a directory (-o ./DIR) needs manifests (-f)")
            .hint("leave it out: the Secrets are in the cluster")),
        (named, _) => Ok(named),
    }
}

impl Issuance<'_> {
    fn connection(&self) -> Option<&Connection> {
        self.session.connection.as_ref()
    }

    fn inventory(&self) -> &Inventory {
        &self.session.inventory
    }

    /// Who reads Secrets for credentials.
    fn secrets(&self) -> Arc<dyn Secrets> {
        match self.connection() {
            Some(connection) => Arc::new(ClusterSecrets(Api::new(connection.clone(), Permits::none()))),
            None => Arc::new(NoSecrets),
        }
    }

    /// Carries the targets out, or shows what would be done. Returns the exit status.
    pub(super) async fn carry_out(&self, targets: &[Target], done: &[Outcome]) -> Result<Exit, Failure> {
        let run = RunId::random();
        let preparing = Preparing {
            inventory: self.inventory(),
            targets,
            settings: self.settings,
            connection: self.connection(),
            directory: directory(self.args)?,
            connect: self.connect.clone(),
            run: run.clone(),
        };
        let mut prepared = preparing
            .prepare()
            .map_err(|error| Failure::because(&error).exit(Exit::Usage))?;
        let obstacles = self.foresee(&preparing, &prepared).await?;
        let mut said = ca_changes(targets);
        said.extend(unrouted(targets));
        let forced = forced::lines(&preparing).await;
        if self.args.run.dry_run != DryRun::None {
            // The steps say whose CA changes, and not who owns the Secret.
            for line in &forced {
                note(line);
            }
        }
        said.extend(forced);
        if self.args.run.dry_run == DryRun::Client {
            return self
                .show_steps(&preparing, &prepared, targets)
                .and_then(|exit| judged(exit, &obstacles));
        }
        let destination = self.destination(&preparing, &prepared.permits);
        let solving = prepared.namespaces();
        if let Destination::Cluster(api) = &destination {
            let mut permits = prepared.permits.clone();
            permits.extend(self.store.permits().await);
            check_rights(api, &permits).await?;
            Self::can_answer(&preparing, &prepared).await?;
            self.check_restarts(api, &mut prepared).await?;
        }
        if self.args.run.dry_run == DryRun::Server {
            let asked = self.ask_server(&preparing, &prepared, targets, &destination).await;
            return asked.and_then(|exit| judged(exit, &obstacles));
        }
        let rehearsal = self.settings.chosen.rehearsal;
        if !rehearsal
            && foreseen::stop_all(&obstacles, targets)
            && let Some(failure) = foreseen::failure("nothing was ordered", &obstacles)
        {
            return Err(failure);
        }
        if !told::confirmed(|| self.plan(&preparing, &prepared, &said, &obstacles)).await? {
            foreseen::tell(&obstacles);
            self.confirm(&preparing, &prepared, &said)?;
        }
        let progress = Progress::new(self.args.run.output == Some(Output::Json));
        let tell = Teller::new(progress.listener());
        self.left.iter().for_each(|left| left.tell(&tell));
        let (run, found) = tokio::join!(
            self.run(run, prepared, destination, tell),
            sweep::look(self.connection(), self.args, targets, &solving)
        );
        let run = run?;
        sweep::sweep(&run, found, targets).await;
        let outcomes = run.all(targets).await;
        progress.end();
        let exit = self.summary(outcomes.iter().chain(done), &obstacles);
        if rehearsal
            && exit == Exit::Ok
            && let Some(failure) =
                foreseen::failure("the rehearsal passed, but production would be refused", &obstacles)
        {
            return Err(failure);
        }
        Ok(exit)
    }

    /// What an order in earnest would refuse: for whoever is still to be asked. A run that asks nobody finds it out as it goes.
    async fn foresee(&self, preparing: &Preparing<'_>, prepared: &Prepared) -> Result<Vec<Obstacle>, Failure> {
        let run = &self.args.run;
        let asks = told::run().is_some() || (!run.yes && super::ask::possible());
        let (rehearsal, dry) = (self.settings.chosen.rehearsal, run.dry_run != DryRun::None);
        if !(asks || rehearsal || dry) {
            return Ok(Vec::new());
        }
        let staging = !rehearsal && self.settings.chosen.issuer.stage == Stage::Staging;
        let seen = match self.settings.chosen.ca_limits {
            Some(_) => issued_by_lets_encrypt(self.inventory(), staging),
            None => Vec::new(),
        };
        // A dry run waits for no CA, and a rehearsal's is another one.
        let acme = if rehearsal || dry {
            None
        } else {
            Some(self.acme.get().await?)
        };
        let dns01 = prepare::dns01(&self.settings.dns01, &Arc::default(), self.secrets(), operator())
            .map_err(|error| Failure::because(&error).exit(Exit::Usage))?;
        let asked = Asked {
            store: self.store,
            seen,
            acme,
            dns01: dns01.as_ref(),
        };
        let mut found = foreseen_by(preparing, prepared, asked).await;
        found.extend(self.denied.clone());
        Ok(found)
    }

    fn destination(&self, preparing: &Preparing<'_>, permits: &Permits) -> Destination {
        match (self.connection(), &preparing.directory) {
            (Some(connection), None) => {
                let mut permits = permits.clone();
                if !self.settings.chosen.rehearsal {
                    // Without the right to it no Event is left, and nothing else is the worse.
                    for target in preparing.targets {
                        permits.extend(events::permits(&target.secret.namespace));
                    }
                }
                Destination::Cluster(Api::new(connection.clone(), permits))
            }
            (_, directory) => Destination::Directory {
                directory: directory.clone().unwrap_or_default(),
                force: self.settings.certificate.force,
            },
        }
    }

    /// Whether challenges can be answered is known before anything is ordered.
    async fn can_answer(preparing: &Preparing<'_>, prepared: &Prepared) -> Result<(), Failure> {
        let judged = prepared.can_answer(preparing).await;
        judged
            .map(drop)
            .map_err(|error| Failure::because(&error).after("nothing was ordered"))
    }

    /// What cannot be restarted is known before anything is ordered.
    async fn check_restarts(&self, api: &Api, prepared: &mut Prepared) -> Result<(), Failure> {
        for restarts in prepared.restarts.values_mut() {
            let checked = restarts.check(api, &self.settings.storing.restart).await;
            let notes = checked.map_err(|error| Failure::because(&error).after("nothing was ordered"))?;
            for text in notes {
                note(&text);
            }
        }
        Ok(())
    }

    fn show_steps(&self, preparing: &Preparing<'_>, prepared: &Prepared, targets: &[Target]) -> Result<Exit, Failure> {
        let mut out = String::new();
        let all = steps(preparing, prepared, targets);
        for line in summary(&all, &self.left_out) {
            let _ = writeln!(out, "{}", crate::text::Clear(&line));
        }
        for (secret, steps) in &all {
            let _ = writeln!(out, "Secret {secret}");
            for (number, step) in (1..).zip(steps) {
                let _ = writeln!(out, "{number:>3}. {}", crate::text::Clear(&step.to_string()));
            }
        }
        super::print_text(&out)
    }

    /// Has the API server judge the writes that can be known before there is a certificate.
    async fn ask_server(
        &self,
        preparing: &Preparing<'_>,
        prepared: &Prepared,
        targets: &[Target],
        destination: &Destination,
    ) -> Result<Exit, Failure> {
        let Destination::Cluster(api) = destination else {
            return Err(Failure::usage(
                "--dry-run=server asks a cluster, and there is none with -f",
            ));
        };
        crate::engine::trial::all(&api.clone().dry_run(), targets, &preparing.run, &slots(self.settings))
            .await
            .map_err(|error| Failure::because(&error))?;
        self.show_steps(preparing, prepared, targets)?;
        note("the API server accepts the writes; nothing was stored");
        Ok(Exit::Ok)
    }

    /// Everything that would be done, for whoever holds the screen.
    fn plan(&self, preparing: &Preparing<'_>, prepared: &Prepared, said: &[String], obstacles: &[Obstacle]) -> Plan {
        let targets = preparing.targets;
        let chosen = &self.settings.chosen;
        let stage = match (chosen.rehearsal, chosen.issuer.stage) {
            (true, _) => order::Stage::Rehearsal,
            (false, Stage::Staging) => order::Stage::Staging,
            (false, Stage::Production | Stage::Own) => order::Stage::Production,
        };
        let past = seen(self.inventory(), self.settings);
        let now = crate::clock::now();
        let limits = targets.iter().flat_map(|target| match &chosen.limits {
            Some(limits) => crate::plan::limits::counted(limits, &past, &target.names.order, now),
            None => Vec::new(),
        });
        let mut limits: Vec<String> = limits.collect();
        limits.sort();
        limits.dedup();
        if limits.is_empty() && chosen.limits.is_none() {
            limits.push(format!("{}'s are not known", chosen.issuer.name));
        }
        Plan {
            issuer: chosen.issuer.name.clone(),
            stage: Some(stage),
            targets: steps(preparing, prepared, targets),
            left_out: self.left_out.clone(),
            limits,
            notes: said
                .iter()
                .cloned()
                .chain(self.left.iter().map(ToString::to_string))
                .chain(edits(preparing, prepared))
                .chain(foreseen::lines(obstacles))
                .collect(),
            command: None,
        }
    }

    /// Asks before anything that serves traffic is changed.
    fn confirm(&self, preparing: &Preparing<'_>, prepared: &Prepared, said: &[String]) -> Result<(), Failure> {
        let targets = preparing.targets;
        let (yes, rehearsal) = (self.args.run.yes, self.settings.chosen.rehearsal);
        for line in said {
            note(line);
        }
        let edits = edits(preparing, prepared);
        if let Some(line) = &edits {
            note(line);
        }
        // What serves is touched, if only for a moment: a rehearsal asks too.
        if rehearsal && edits.is_some() {
            agree::asked("Continue?", yes)?;
        }
        if rehearsal || targets.is_empty() {
            return Ok(());
        }
        if !yes {
            agree::show(&steps(preparing, prepared, targets), &self.left_out);
        }
        if let Some(sure) = self.confirm_number(targets.len()) {
            return sure;
        }
        if yes {
            return Ok(());
        }
        let many = match targets {
            [one] => format!("Renew Secret {} with {}?", one.secret, self.settings.chosen.issuer.name),
            more => format!(
                "Renew {} Secrets with {}?",
                more.len(),
                self.settings.chosen.issuer.name
            ),
        };
        agree::asked(&many, yes)
    }

    /// Of very many orders in production, the number is typed: `--yes` says yes to a question, and does not know how much that is.
    fn confirm_number(&self, count: usize) -> Option<Result<(), Failure>> {
        let counts = self.settings.chosen.issuer.stage != Stage::Staging && !self.is_bounded;
        if !counts || count <= MANY_ORDERS {
            return None;
        }
        let said = format!(
            "{count} certificates would be ordered at {}",
            self.settings.chosen.issuer.name
        );
        if !super::ask::possible() {
            return Some(Err(Failure::usage(format!(
                "{said}: more than {MANY_ORDERS} need a confirmation by their number"
            ))
            .hint(format!(
                "--max {count} orders all of them; --max {MANY_ORDERS} orders those that expire first, and the next run continues"
            ))));
        }
        Some(if super::ask::typed(&said, &count.to_string()) {
            Ok(())
        } else {
            Err(Failure::usage("nothing was done"))
        })
    }

    async fn run(
        &self,
        id: RunId,
        mut prepared: Prepared,
        destination: Destination,
        tell: Teller,
    ) -> Result<Run, Failure> {
        let settings = self.settings;
        let secrets = self.secrets();
        let acme = self.acme.get().await?;
        let waiting = Waiting::for_ca(&settings.chosen.issuer.name);
        let Ready { client, .. } = account::ensure(acme, &settings.chosen, self.store, secrets.as_ref(), &Terms)
            .await
            .map_err(|error| Failure::because(&error))?;
        drop(waiting);
        let ledger = Ledger::open(
            ledger::Place::beside(self.store),
            client.account_url(),
            crate::clock::now(),
        )
        .await;
        let journals = Arc::new(Journals::default());
        let restarts = std::mem::take(&mut prepared.restarts);
        let solvers = prepared
            .solvers(
                settings,
                &id,
                self.connect.clone(),
                &destination,
                client.thumbprint(),
                &journals,
                secrets,
                operator(),
            )
            .map_err(|error| Failure::because(&error).exit(Exit::Usage))?;
        let journal = match (&destination, journal::local_directory()) {
            (Destination::Cluster(api), _) => journal::Place::Cluster(api.clone()),
            (Destination::Directory { .. }, Some(directory)) => journal::Place::Directory(directory),
            (Destination::Directory { .. }, None) => {
                return Err(Failure::usage("orders in progress have no place").hint("set HOME or XDG_STATE_HOME"));
            }
        };
        Ok(Run {
            id,
            client,
            issuer: settings.chosen.issuer.clone(),
            solvers,
            destination,
            journal,
            journals,
            ledger,
            seen: seen(self.inventory(), settings),
            restarts,
            hosts: Hosts::default(),
            turns: Turns::new(settings.certificate.concurrency),
            brake: Brake::new(Arc::new(Operator)),
            last: tokio::sync::Mutex::default(),
            kept: tokio::sync::Mutex::default(),
            cancel: self.cancel.clone(),
            tell,
            options: self.options()?,
        })
    }

    fn options(&self) -> Result<Options, Failure> {
        let (certificate, storing) = (&self.settings.certificate, &self.settings.storing);
        let mut added = Vec::new();
        for file in &storing.ca_files {
            added.push(
                super::session::read_file(file, 16 << 20)
                    .map_err(|error| Failure::usage(format!("cannot read --ca-file {}: {error}", file.display())))?,
            );
        }
        let own = trust::roots(&self.settings.trust, &self.inventory().context);
        added.extend(
            own.map_err(|error| Failure::because(&error))?
                .into_iter()
                .map(|root| root.pem),
        );
        // What is trusted too makes nothing fail that passes without it: no client trusts a staging certificate anyway.
        let judged = match self.settings.chosen.issuer.stage {
            Stage::Production => true,
            Stage::Staging => false,
            Stage::Own => !added.is_empty() && !self.settings.chosen.rehearsal,
        };
        let roots = if judged { Roots::Trusted { added } } else { Roots::Any };
        Ok(Options {
            rehearsal: self.settings.chosen.rehearsal,
            key_kind: certificate.key_type,
            reuse_key: certificate.reuse_key,
            concurrency: certificate.concurrency,
            limits: self.settings.chosen.limits.filter(|_| !certificate.ignore_rate_limits),
            force: certificate.force,
            overwrite_with_staging: certificate.overwrite_with_staging,
            slots: slots(self.settings),
            roots,
            wait: storing.wait,
            connect: self.connect.clone(),
        })
    }

    /// The table at the end, and the worst exit status.
    pub(super) fn summary<'o>(&self, outcomes: impl Iterator<Item = &'o Outcome>, obstacles: &[Obstacle]) -> Exit {
        let rehearsal = self.settings.chosen.rehearsal;
        let mut exits = BTreeSet::new();
        let mut lines = Vec::new();
        for outcome in outcomes {
            let took = progress::duration(u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX));
            lines.push(match &outcome.result {
                Ok(issued) => Summary {
                    secret: outcome.secret.clone(),
                    names: issued.names.clone(),
                    result: progress::result(rehearsal, outcome.first, 0),
                    detail: format!(
                        "valid until {}, {took}{}",
                        time::date(issued.not_after),
                        changed_ca(outcome, rehearsal)
                    ),
                },
                Err(error) => {
                    exits.insert(Exit::from(error.blame()));
                    Summary {
                        secret: outcome.secret.clone(),
                        names: outcome.names.clone(),
                        result: result_of(error, rehearsal, outcome.first),
                        detail: chain(error),
                    }
                }
            });
        }
        // A line that is cut has been told whole before.
        let room = super::colour::stderr_width().unwrap_or(usize::MAX);
        let table = if told::run().is_some() {
            String::new()
        } else {
            progress::table(&lines)
        };
        table
            .lines()
            .for_each(|line| note(&crate::text::width::cut(line, room)));
        let exit = exits.iter().next_back().copied().unwrap_or(Exit::Ok);
        if rehearsal && exit == Exit::Ok && !lines.is_empty() && obstacles.is_empty() && told::run().is_none() {
            let (command, forced) = again::for_production();
            let force = if forced {
                " (--force is left out: give it again if you mean it)"
            } else {
                ""
            };
            note(&format!(
                "the rehearsal passed, and nothing that serves traffic was changed. For production{force}:"
            ));
            note(&format!("  {command}"));
        }
        exit
    }
}

/// Each Secret with its steps.
fn steps(preparing: &Preparing<'_>, prepared: &Prepared, targets: &[Target]) -> Vec<(Key, Vec<Step>)> {
    let steps = |target: &Target| (target.secret.clone(), preparing.steps(target, prepared));
    targets.iter().map(steps).collect()
}

/// Who writes DNS records where the provider is `manual`.
fn operator() -> Arc<dyn DnsOperator> {
    match told::front() {
        Some(front) => Arc::new(told::AtScreen(front)),
        None => Arc::new(Terminal),
    }
}

/// The end of a dry run.
fn judged(exit: Exit, obstacles: &[Obstacle]) -> Result<Exit, Failure> {
    foreseen::tell(obstacles.get(1..).unwrap_or_default());
    foreseen::failure("an order would be refused", obstacles).map_or(Ok(exit), Err)
}

/// What became of a certificate whose course did not end as it was meant.
fn result_of(error: &CourseError, rehearsal: bool, first: bool) -> String {
    match error {
        CourseError::LeftOut { left_out, .. } => progress::result(rehearsal, first, left_out.len()),
        CourseError::Stopped => "not started".to_owned(),
        CourseError::NotOurs { .. } => "left out".to_owned(),
        _ => "failed".to_owned(),
    }
}

/// Whoever is asked, after several failures alike, whether the rest is to be tried. `--yes` is no answer: it was given before.
struct Operator;

impl GoOn for Operator {
    fn go_on<'a>(&'a self, failures: usize, error: &'a str, left: usize) -> BoxFuture<'a, bool> {
        let said = format!(
            "{failures} failed in a row with the same error: {error}\n{} not started. Continue with the rest?",
            counted(left, "certificate")
        );
        Box::pin(async move {
            if let Some(front) = told::run() {
                return front.ask(said).await;
            }
            if !super::ask::possible() {
                note(&format!(
                    "stopped: {failures} failed in a row with the same error, and {} not started",
                    counted(left, "certificate")
                ));
                return false;
            }
            let asked = tokio::task::spawn_blocking(move || confirm(&said, false));
            matches!(asked.await, Ok(Ok(true)))
        })
    }
}

/// The CA that was changed, or would be, for the end of a line.
fn changed_ca(outcome: &Outcome, rehearsal: bool) -> String {
    outcome.changes_ca.as_ref().map_or_else(String::new, |(from, to)| {
        let verb = if rehearsal { "would change" } else { "changed" };
        format!("; CA {verb}: {from} → {to}")
    })
}

/// That live Ingresses are edited for a moment, where they are.
fn edits(preparing: &Preparing<'_>, prepared: &Prepared) -> Option<String> {
    let edited: Vec<Key> = prepared.edited(preparing).into_iter().collect();
    let which = if edited.len() == 1 { "Ingress" } else { "Ingresses" };
    (!edited.is_empty()).then(|| {
        format!(
            "live {which} {} edited for a moment: a path for each challenge is added, then removed",
            match edited.as_slice() {
                [one] => format!("{one} is"),
                several => format!("{} are", first_of(several)),
            }
        )
    })
}

/// The names that are ordered although no route has them any more, where there are any.
fn unrouted(targets: &[Target]) -> Option<String> {
    let names: BTreeSet<String> = targets
        .iter()
        .flat_map(|target| target.names.unrouted.iter().map(ToString::to_string))
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    let (have, it) = if names.len() == 1 {
        ("is", "it")
    } else {
        ("are", "them")
    };
    (!names.is_empty()).then(|| {
        format!(
            "{} {have} ordered that no route has any more: {}; --only-route-hosts leaves {it} out",
            counted(names.len(), "name"),
            first_of(&names)
        )
    })
}

/// The changes of CA among targets, a line for each pair of CAs.
fn ca_changes(targets: &[Target]) -> Vec<String> {
    let mut changes: BTreeMap<&(String, String), Vec<&Key>> = BTreeMap::new();
    for target in targets {
        if let Some(change) = &target.changes_ca {
            changes.entry(change).or_default().push(&target.secret);
        }
    }
    let line = |((from, to), secrets): (&(String, String), Vec<&Key>)| {
        format!("CA changes: {from} → {to} ({})", first_of(&secrets))
    };
    changes.into_iter().map(line).collect()
}

async fn check_rights(api: &Api, permits: &Permits) -> Result<(), Failure> {
    let _waiting = Waiting::for_server(api.connection());
    let missing = rights::missing(api, permits)
        .await
        .map_err(|error| Failure::because(&error).after("cannot ask for the rights"))?;
    if missing.is_none() {
        return Ok(());
    }
    let failure = Failure::new(Exit::Cluster, format!("nothing was ordered: {missing}"));
    Err(failure.hint_if(rights_hint(&missing)))
}

/// What the cluster's certificates show of a public CA's limits: those that it issued lately.
pub(super) fn seen(inventory: &Inventory, settings: &Settings) -> Vec<Past> {
    if settings.chosen.limits.is_none() {
        return Vec::new();
    }
    issued_by_lets_encrypt(inventory, settings.chosen.issuer.stage == Stage::Staging)
}

fn issued_by_lets_encrypt(inventory: &Inventory, staging: bool) -> Vec<Past> {
    inventory
        .secrets()
        .iter()
        .filter_map(|stored| stored.leaf())
        .filter(|leaf| leaf.issuer.full.contains("Let's Encrypt") && crate::x509::is_staging_issuer(leaf) == staging)
        .map(|leaf| Past {
            at: leaf.not_before.saturating_add(BACKDATED),
            names: names_of(leaf),
            what: What::Issued,
            sha256: Some(leaf.sha256.to_string()),
        })
        .collect()
}
