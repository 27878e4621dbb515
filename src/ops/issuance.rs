//! What `renew` and `issue` have in common: from targets to outcomes.

mod drawn;
mod plan;
mod run;

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Checks, Context, Front, OpError, Source, consumers, directory::Directory, foreseen, left::Left};
use crate::{
    acme::Stage,
    apply::{Api, Folder, Permits, RunId, Target as Present, backup, events, kept::Keeping, rights, rollout, secret},
    engine::{
        authority::Authority,
        forced,
        foreseen::{Askable, Obstacle, obstacles as foreseen_by},
        prepare::{self, Prepared, Preparing, slots},
        run::{Outcome, Run},
        store::Destination,
        sweep,
    },
    error::{Blame, Diagnose},
    event::Teller,
    inventory::Inventory,
    k8s::Connection,
    net::HostPort,
    plan::{
        Refusal, Refused, Target,
        ca::Ca,
        limits::{Limits, Seen, certificates_of},
        summary::summary,
    },
    settings::{Settings, layer::Layer, source::ClusterSecrets, store::Store, value::DryRun},
    solve::{
        dns01::{NoSecrets, Secrets},
        http01::rights_hint,
    },
    source::Scope,
};
pub(super) use drawn::Drawn;
use plan::{ca_changes, steps, unrouted};

use run::Account;
pub use run::Terms;

/// What is asked of an issuance besides which certificates.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where routes and Secrets are read from.
    pub source: Source,
    /// How they are judged.
    pub checks: Checks,
    /// What the caller says himself of settings, before any source of them.
    pub flags: Layer,
    /// Where routes are reached from here, instead of their own addresses.
    pub connect: Option<HostPort>,
    /// Where the Secrets' manifests are written to, where the source is manifests.
    pub output_dir: Option<Folder>,
    /// Whether it is only shown, or judged by the server.
    pub dry_run: DryRun,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Whether it was a rehearsal: nothing that serves traffic was changed.
    pub is_rehearsal: bool,
    /// Whether nothing was ordered, but only shown or judged by the server.
    pub is_dry: bool,
    /// What became of each certificate; of a dry run, those alone that cert-manager would renew.
    pub outcomes: Vec<Outcome>,
    /// What an order in earnest would refuse, where that was looked for.
    pub obstacles: Vec<Obstacle>,
    /// What is to blame for what was left undone besides, which was told.
    pub trouble: Option<Blame>,
}

impl Report {
    /// The worst that is to blame for anything.
    pub fn blame(&self) -> Option<Blame> {
        self.failed().max(self.trouble)
    }

    /// The worst that is to blame for a certificate.
    fn failed(&self) -> Option<Blame> {
        let failed = self.outcomes.iter().filter_map(|outcome| outcome.result.as_ref().err());
        let failed = failed.filter(|error| !error.is_done_elsewhere());
        failed.map(Diagnose::blame).max()
    }

    /// Why an order in earnest would be refused although nothing failed here.
    pub fn refused(&self) -> Option<OpError> {
        let said = match (self.is_dry, self.is_rehearsal) {
            (true, _) => "an order would be refused",
            (false, true) if self.failed().is_none() => "the rehearsal passed, but production would be refused",
            _ => return None,
        };
        foreseen::failure(said, &self.obstacles)
    }

    /// What an order in earnest would refuse besides what [`Self::refused`] says first.
    pub fn refusals_besides(&self) -> Vec<Refusal> {
        foreseen::refusals(self.obstacles.get(1..).unwrap_or_default())
    }
}

/// Everything that has been read and set.
pub(super) struct Issuance<'a> {
    pub(super) context: &'a Context,
    pub(super) order: &'a Order,
    pub(super) inventory: &'a Inventory,
    /// The cluster; `None` for manifests.
    pub(super) connection: Option<&'a Connection>,
    /// What was looked at.
    pub(super) scope: &'a Scope,
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Store,
    pub(super) acme: &'a Directory,
    /// The installation for which Secrets are claimed and kept, if there is one.
    pub(super) keeping: Option<Keeping>,
    /// Who lets it order and write.
    pub(super) authority: Authority,
    /// The directories of the CAs whose certificates will do too, besides the chosen one's.
    pub(super) directories: Vec<String>,
    /// What denies orders of this kind, where anything does.
    pub(super) denied: Option<Obstacle>,
    /// Whether the number of orders was said (`--max`).
    pub(super) is_bounded: bool,
    /// What was named too, and is refused.
    pub(super) left: &'a [Left],
    /// What could be meant and is left out, each counted.
    pub(super) left_out: Vec<String>,
    /// The Secret as manifests have it, where it was read: what else is in it stays. The run takes it.
    pub(super) present: Mutex<Option<Present>>,
}

/// Refuses manifests without a place for what becomes of them, and such a place without manifests.
pub(super) fn check_place(order: &Order) -> Result<(), OpError> {
    match (&order.output_dir, order.source.filename.is_empty()) {
        (None, false) => Err(OpError::usage("manifests (-f) are not written back")
            .hint("name a directory for the Secrets' manifests: -o ./DIR")),
        (Some(_), true) => Err(OpError::usage("a directory (-o ./DIR) needs manifests (-f)")
            .hint("leave it out: the Secrets are in the cluster")),
        _ => Ok(()),
    }
}

impl Issuance<'_> {
    fn front(&self) -> &dyn Front {
        &**self.context.front()
    }

    /// What the run with this id is prepared from.
    fn preparing<'t>(&'t self, targets: &'t [Target], directory: Option<Folder>, run: &RunId) -> Preparing<'t> {
        Preparing {
            inventory: self.inventory(),
            targets,
            settings: self.settings,
            connection: self.connection(),
            directory,
            connect: self.order.connect.clone(),
            run: run.clone(),
        }
    }

    fn connection(&self) -> Option<&Connection> {
        self.connection
    }

    fn inventory(&self) -> &Inventory {
        self.inventory
    }

    /// Who reads Secrets for credentials.
    fn secrets(&self) -> Arc<dyn Secrets> {
        match self.connection() {
            Some(connection) => Arc::new(ClusterSecrets(Api::new(connection.clone(), Permits::none()))),
            None => Arc::new(NoSecrets),
        }
    }

    /// Carries the targets out, or shows what would be done.
    ///
    /// # Errors
    ///
    /// Nothing was ordered: it cannot be, or it was not wanted.
    pub(super) async fn carry_out(&self, targets: &[Target]) -> Result<Report, OpError> {
        let front = self.front();
        check_place(self.order)?;
        let run = RunId::random();
        let preparing = self.preparing(targets, self.order.output_dir.clone(), &run);
        let mut prepared = preparing
            .prepare()
            .map_err(|error| OpError::because(&error).blame(Blame::Usage))?;
        let obstacles = self.foresee(&preparing, &mut prepared).await?;
        let is_rehearsal = self.settings.chosen.rehearsal;
        let report = |outcomes, obstacles| Report {
            is_rehearsal,
            is_dry: self.order.dry_run != DryRun::None,
            outcomes,
            obstacles,
            trouble: None,
        };
        let mut said = ca_changes(targets);
        said.extend(unrouted(targets));
        let forced = forced::lines(&preparing).await;
        if self.order.dry_run != DryRun::None {
            // The steps say whose CA changes, and not who owns the Secret.
            for line in &forced {
                front.note(line);
            }
        }
        said.extend(forced);
        if self.order.dry_run == DryRun::Client {
            self.show_steps(&preparing, &prepared, targets)?;
            return Ok(report(Vec::new(), obstacles));
        }
        let destination = self.destination(&preparing, &prepared.permits);
        let solving = prepared.namespaces();
        if let Destination::Cluster(api) = &destination {
            let mut permits = prepared.permits.clone();
            permits.extend(self.store.permits().await);
            check_rights(api, &permits, front).await?;
            Self::can_answer(&preparing, &prepared).await?;
            self.check_restarts(api, &mut prepared).await?;
        }
        if self.order.dry_run == DryRun::Server {
            self.ask_server(&preparing, &prepared, targets, &destination).await?;
            return Ok(report(Vec::new(), obstacles));
        }
        if !is_rehearsal
            && foreseen::stop_all(&obstacles, targets)
            && let Some(failure) = foreseen::failure("nothing was ordered", &obstacles)
        {
            return Err(failure);
        }
        front
            .confirm(self.plan(&preparing, &prepared, &said, &obstacles))
            .await?;
        let tell = Teller::new(front.listener());
        self.left.iter().for_each(|left| left.tell(&tell));
        // Nothing of manifests is in a cluster.
        let there = self.connection().filter(|_| self.order.source.filename.is_empty());
        let drawn = Drawn::with(prepared, &preparing, self.scope);
        let (run, found) = tokio::join!(
            self.run(drawn, destination, tell, Account::Registered),
            sweep::look(there, targets, &solving)
        );
        let run = run?;
        run.sweep(found, targets).await;
        let outcomes = run.all(targets).await;
        front.finish();
        Ok(report(outcomes, obstacles))
    }

    /// Draws from the picture what orders for these targets need of it.
    pub(super) fn draw(&self, targets: &[Target]) -> Result<Drawn, OpError> {
        let drawn = Drawn::of(&self.preparing(targets, None, &RunId::random()), self.scope);
        drawn.map_err(|error| OpError::because(&error).blame(Blame::Usage))
    }

    /// Prepares a run for a caller that has decided, and asks nobody. No account is registered, and no right is asked
    /// for: what the server refuses fails the certificate that it refuses. Nothing is looked up in the inventory any more.
    pub(super) async fn begin(&self, mut drawn: Drawn, targets: &[Target]) -> Result<Run, OpError> {
        let prepared = &mut drawn.prepared;
        // A Secret may come or go while its certificate is ordered: which of the two is right is known when it is stored.
        for target in targets {
            prepared.permits.extend(secret::permits(&target.secret, true));
            prepared.permits.extend(secret::permits(&target.secret, false));
            prepared.permits.extend(backup::permits(&target.secret));
        }
        if let Some(connection) = self.connection() {
            let secrets = targets.iter().map(|target| target.secret.clone()).collect();
            let wanted = &self.settings.storing.restart;
            let (restarts, unread) = consumers::restarts(connection.clone(), secrets, wanted).await;
            if let Some(why) = unread {
                self.front()
                    .warn(&format!("not all workloads that may need a restart are known: {why}"));
            }
            for restarts in restarts.values() {
                prepared.permits.extend(rollout::permits(&restarts.restarted));
            }
            prepared.restarts.extend(restarts);
        }
        let preparing = self.preparing(targets, None, &drawn.run);
        let destination = self.destination(&preparing, &prepared.permits);
        if let Destination::Cluster(api) = &destination {
            self.check_restarts(api, prepared).await?;
        }
        let tell = Teller::new(self.front().listener());
        self.run(drawn, destination, tell, Account::Kept).await
    }

    /// What an order in earnest would refuse: for whoever is still to be asked. A run that asks nobody finds it out as it goes.
    async fn foresee(&self, preparing: &Preparing<'_>, prepared: &mut Prepared) -> Result<Vec<Obstacle>, OpError> {
        let front = self.front();
        let asks = front.can_ask() && !front.has_agreed();
        let (rehearsal, dry) = (self.settings.chosen.rehearsal, self.order.dry_run != DryRun::None);
        if !(asks || rehearsal || dry) {
            return Ok(Vec::new());
        }
        let chosen = &self.settings.chosen;
        let staging = !rehearsal && chosen.issuer.stage == Stage::Staging;
        let seen = seen_of(self.inventory(), (&chosen.ca, staging), chosen.ca_limits.as_ref());
        // A dry run waits for no CA, and a rehearsal's is another one.
        let acme = if rehearsal || dry {
            None
        } else {
            Some(self.acme.get(front).await?)
        };
        let dns01 = prepare::dns01(&self.settings.dns01, &Arc::default(), self.secrets(), front.operator())
            .map_err(|error| OpError::because(&error).blame(Blame::Usage))?;
        if let Some(dns01) = &dns01 {
            let located = prepared.locate(preparing, dns01).await;
            located.map_err(|error| OpError::because(&error).blame(Blame::Usage))?;
        }
        let asked = Askable {
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
                for (keeping, target) in self
                    .keeping
                    .iter()
                    .flat_map(|k| preparing.targets.iter().map(move |t| (k, t)))
                {
                    permits.extend(keeping.permits(&target.secret));
                }
                if !self.settings.chosen.rehearsal {
                    // Without the right to it no Event is left, and nothing else is the worse.
                    for target in preparing.targets {
                        permits.extend(events::permits(&target.secret.namespace));
                    }
                }
                Destination::Cluster(Api::new(connection.clone(), permits))
            }
            (_, folder) => {
                let present = self.present.lock().unwrap_or_else(PoisonError::into_inner).take();
                Destination::Directory {
                    folder: folder.clone().unwrap_or_default(),
                    force: self.settings.certificate.force,
                    present: Arc::new(Mutex::new(present)),
                }
            }
        }
    }

    /// Whether challenges can be answered is known before anything is ordered.
    async fn can_answer(preparing: &Preparing<'_>, prepared: &Prepared) -> Result<(), OpError> {
        let judged = prepared.can_answer(preparing).await;
        judged
            .map(drop)
            .map_err(|error| OpError::because(&error).after("nothing was ordered"))
    }

    /// What cannot be restarted is known before anything is ordered.
    async fn check_restarts(&self, api: &Api, prepared: &mut Prepared) -> Result<(), OpError> {
        let front = self.front();
        for restarts in prepared.restarts.values_mut() {
            let checked = restarts.check(api, &self.settings.storing.restart).await;
            let notes = checked.map_err(|error| OpError::because(&error).after("nothing was ordered"))?;
            for text in notes {
                front.note(&text);
            }
        }
        Ok(())
    }

    fn show_steps(&self, preparing: &Preparing<'_>, prepared: &Prepared, targets: &[Target]) -> Result<(), OpError> {
        let mut out = String::new();
        let all = steps(preparing, prepared, targets);
        let left_out = if self.front().is_one_screen() {
            &[][..]
        } else {
            &self.left_out
        };
        for line in summary(&all, Refused::default(), left_out) {
            let _ = writeln!(out, "{}", crate::text::Clear(&line));
        }
        for (secret, steps) in &all {
            let _ = writeln!(out, "Secret {secret}");
            for (number, step) in (1..).zip(steps) {
                let _ = writeln!(out, "{number:>3}. {}", crate::text::Clear(&step.to_string()));
            }
        }
        self.front().print(&out)
    }

    /// Has the API server judge the writes that can be known before there is a certificate.
    async fn ask_server(
        &self,
        preparing: &Preparing<'_>,
        prepared: &Prepared,
        targets: &[Target],
        destination: &Destination,
    ) -> Result<(), OpError> {
        let Destination::Cluster(api) = destination else {
            return Err(OpError::usage(
                "--dry-run=server asks a cluster, and there is none with -f",
            ));
        };
        crate::engine::trial::all(&api.clone().dry_run(), targets, &preparing.run, &slots(self.settings))
            .await
            .map_err(|error| OpError::because(&error))?;
        self.show_steps(preparing, prepared, targets)?;
        self.front()
            .note("the API server accepts the writes; nothing was stored");
        Ok(())
    }
}

async fn check_rights(api: &Api, permits: &Permits, front: &dyn Front) -> Result<(), OpError> {
    let _waiting = front.wait_for_server(api.connection());
    let missing = rights::missing(api, permits)
        .await
        .map_err(|error| OpError::because(&error).after("cannot ask for the rights"))?;
    if missing.is_none() {
        return Ok(());
    }
    let failure = OpError::new(Blame::Cluster, format!("nothing was ordered: {missing}"));
    Err(failure.hint_if(rights_hint(&missing)))
}

/// What the cluster's certificates show of the limits of the chosen CA.
pub(super) fn seen(inventory: &Inventory, settings: &Settings) -> Seen {
    let issuer = &settings.chosen.issuer;
    let ca = Ca {
        name: issuer.name.clone(),
        directory: issuer.directory_url.clone(),
    };
    let is_staging = issuer.stage == Stage::Staging;
    seen_of(inventory, (&ca, is_staging), settings.chosen.limits.as_ref())
}

/// The same of a CA with these limits; nothing where they are not known.
pub(super) fn seen_of(inventory: &Inventory, (ca, staging): (&Ca, bool), limits: Option<&Limits>) -> Seen {
    limits.map_or_else(Seen::default, |limits| {
        Seen::of(limits, certificates_of(inventory, ca, staging), crate::clock::now())
    })
}
