//! The loop: waits for changes, for time and for what became of orders, and begins the next.

mod after;
mod ca;
mod remember;
mod sweep;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

use sweep::Sweeps;

use super::{
    aftercare::Aftercare,
    audit::Audit,
    fate::{Fate, fate},
    front::LogFront,
    keeper::{Keeper, Keeping, WindowAnswer},
    leader::{self, Identity, Leadership, State, Timing},
    memory::Memory,
    restores::Restores,
    routes,
    state::{self, Ask, Inbox, Snapshot},
    tally::Tally,
};
use crate::{
    acme::{CertId, Stage},
    apply::{Api, Permits},
    clock::now,
    engine::{
        authority::Authority,
        cancel::{self, Cancel, Canceller},
        prepare::advertised,
    },
    error::Blame,
    event::Level,
    inventory::query::usable,
    k8s::ConnectOptions,
    object::{Key, Seconds, Text},
    ops::{
        Cluster, Config, Context, OpError,
        issuance::Order,
        pause::{self, Told},
        unattended::{AccountState, BeforeOrder, Unattended},
    },
    plan::{
        Target,
        wanted::{Asked, Hold},
    },
    scan::{
        follow::{FollowOptions, Follower, LinkState},
        live::Live,
    },
    solve::http01::{responder::listening_hint, standing::Standing},
};

/// After the last change, so long is waited for more.
const SETTLE: Duration = Duration::from_millis(100);
/// How often it is looked whether somebody has said something, while there is something to order.
const TOLD: Duration = Duration::from_secs(6);
/// How often it is looked at the account, its limits and what somebody has said, while there is nothing to order.
const LOOKED: Duration = Duration::from_mins(1);
/// How many certificates are under way for each that is ordered at the same time: those that are stored wait until they
/// are served.
const UNDER_WAY: usize = 4;
/// The shortest pause between two looks.
const SHORTEST: Duration = Duration::from_millis(200);
/// How long a cluster that does not answer is waited for, in seconds.
const CLUSTER: Seconds = 5;
/// How long an account that is missing is waited for, in seconds.
const ACCOUNT: Seconds = 60;
/// How long after the CA has answered it is not asked whether it does before orders are begun.
const ANSWERED: Duration = Duration::from_secs(30);
/// How long it has to answer that.
const CA_PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked whether there is an account, before anything else.
const UNTIL_ACCOUNT: Duration = Duration::from_secs(2);

/// What is asked of the controller.
#[derive(Debug, Clone)]
pub struct Request {
    /// How certificates are ordered, and what is followed.
    pub order: Order,
}

/// What is told to the loop.
enum Heard {
    /// An order has ended.
    Ended(Key, Fate),
    /// The CA was asked for the window of a certificate.
    Window(Key, WindowAnswer),
    /// Something became of a certificate after it was stored.
    After(after::Told),
}

/// Keeps certificates renewed until it is cancelled.
///
/// # Errors
///
/// The settings are wrong, the cluster cannot be read, or challenges cannot be answered at the address.
pub async fn run(
    request: Request,
    options: ConnectOptions,
    config: Config,
    cancel: Cancel,
    audit: Arc<Audit>,
    asks: Inbox,
) -> Result<(), OpError> {
    let front = LogFront::telling(Arc::clone(&audit));
    let mut context = Context::new(Cluster::new(options, front), config, cancel.clone());
    let (mut unattended, mut session) = Box::pin(Unattended::open(request.order, &context)).await?;
    // A name that does not resolve yet comes back later: it does not keep others from their turn meanwhile.
    unattended.settings.http01.resolve_timeout = Duration::ZERO;
    let answering = answering(&unattended).await?;
    context.answering = Some(Arc::clone(&answering));
    let Some(install) = installed(&unattended, &context, &cancel, &asks).await? else {
        return Ok(());
    };
    let start = session.follow_start();
    let mut live = session.into_live();
    let link = Arc::clone(&audit);
    let follow = FollowOptions {
        settle: SETTLE,
        fixed_time: false,
    };
    let follower = Follower::begin(start, &mut live, follow, move |state| match state {
        LinkState::Current => link.say(Level::Note, "connected again: the picture of the cluster is current"),
        LinkState::Lost(why) => link.say(Level::Warning, &format!("connection lost, retrying: {why}")),
    });
    live.all();
    let keeping = Keeping {
        asked: Asked {
            install,
            staging: unattended.settings.chosen.issuer.stage == Stage::Staging,
            wildcards: unattended.wildcards.clone(),
        },
        issuer: unattended.settings.chosen.issuer.name.as_str().into(),
        ca: unattended.settings.chosen.ca.clone(),
    };
    let mut keeper = Keeper::new(keeping);
    keeper.all(&live.inventory, now());
    let namespaces = live.inventory.take_changed_namespaces();
    keeper.namespaces_changed(&live.inventory, &namespaces, now());
    // They are said in short at first.
    keeper.take_held_now();
    let (tells, heard) = mpsc::unbounded_channel();
    let lease = Key::new(unattended.namespace(), leader::NAME);
    let (elector, leadership) = leader::elector(
        unattended.connection(),
        lease,
        keeper.install().into(),
        Identity::random(),
        Timing::default(),
    );
    let (resign, resigned) = cancel::pair();
    let elector = tokio::spawn(elector.run(resigned));
    let controller = Controller {
        api: Api::new(unattended.connection().clone(), Permits::none()),
        slots: unattended.settings.certificate.concurrency.saturating_mul(UNDER_WAY),
        unattended,
        context,
        answering,
        live,
        follower,
        keeper,
        tells,
        states: leadership.watch(),
        leadership,
        term: None,
        cancel,
        audit,
        told: None,
        restores: Restores::default(),
        memory: Memory::default(),
        led: BTreeSet::new(),
        lead_again: None,
        sweeps: Sweeps::default(),
        tally: Tally::new(now()),
        ca_answered: None,
        ca_down_told: None,
        at_once_told: None,
        aftercare: Aftercare::default(),
    };
    asks.stage.send_replace(state::Stage::Going);
    let ended = Box::pin(controller.go_on(heard, asks)).await;
    // Whatever needed a permission has ended: another replica may lead.
    resign.cancel();
    drop(elector.await);
    ended
}

/// What answers challenges for as long as this process goes on.
async fn answering(unattended: &Unattended) -> Result<Arc<Standing>, OpError> {
    let Some(address) = advertised(&unattended.settings.http01) else {
        return Err(
            OpError::usage("the controller answers challenges itself, and does not know its address")
                .hint("outside of a cluster, give one that the cluster reaches: --advertise ADDRESS:PORT"),
        );
    };
    let started = Standing::start(address)
        .await
        .map_err(|error| OpError::usage(format!("cannot listen on {address}: {error}")).hint(listening_hint(&error)));
    Ok(Arc::new(started?))
}

/// The id of the installation, once there is an account; `None` if nobody waits for it any more.
async fn installed(
    unattended: &Unattended,
    context: &Context,
    cancel: &Cancel,
    asks: &Inbox,
) -> Result<Option<String>, OpError> {
    let mut is_told = false;
    loop {
        let error = match unattended.install().await {
            Ok(Some(install)) => return Ok(Some(install.to_owned())),
            Ok(None) => OpError::new(
                Blame::Usage,
                "AccountMissing: there is no Secret with the account, so nothing is ordered",
            )
            .hint("`kubectl certs account register --account-secret NAMESPACE/NAME` makes one"),
            Err(error) => error.after("AccountMissing: nothing is ordered"),
        };
        asks.stage.send_replace(state::Stage::WithoutAccount);
        if !std::mem::replace(&mut is_told, true) {
            context.front().failed(&error);
        }
        tokio::select! {
            () = tokio::time::sleep(UNTIL_ACCOUNT) => {}
            () = cancel.cancelled() => return Ok(None),
        }
    }
}

/// What orders work with while this process leads: nothing of it is there for the next term.
struct Term {
    context: Context,
    /// Lets orders and writes begin.
    authority: Authority,
    end: Canceller,
}

/// Answers with what was last while something else is done.
async fn answering_meanwhile(mut busy: impl Future<Output = ()> + Unpin, asks: &mut Inbox, latest: &Snapshot) {
    loop {
        tokio::select! {
            () = &mut busy => return,
            Some(ask) = asks.asks.recv() => answer(ask, latest),
        }
    }
}

fn secrets_of(targets: &[Target]) -> Vec<Key> {
    targets.iter().map(|target| target.secret.clone()).collect()
}

/// Whoever has asked may have gone.
fn answer(ask: Ask, latest: &Snapshot) {
    match ask {
        Ask::Alive(answer) => drop(answer.send(())),
        Ask::Snapshot(answer) => drop(answer.send(latest.clone())),
    }
}

/// How long nothing is done although nothing changes. Never longer than [`LOOKED`]: the moments are those of a clock that may be
/// set, and a machine that sleeps has its timers stopped.
fn pause(moments: [Option<Duration>; 4]) -> Duration {
    let wanted = moments.into_iter().flatten().min().unwrap_or(LOOKED);
    wanted.clamp(SHORTEST, LOOKED)
}

/// The loop and everything that it holds.
struct Controller {
    unattended: Unattended,
    context: Context,
    api: Api,
    answering: Arc<Standing>,
    live: Live,
    follower: Follower,
    keeper: Keeper,
    tells: mpsc::UnboundedSender<Heard>,
    /// Lets this process act while it leads.
    leadership: Leadership,
    /// Whether this process leads.
    states: watch::Receiver<State>,
    /// What orders work with while this process leads.
    term: Option<Term>,
    cancel: Cancel,
    audit: Arc<Audit>,
    /// How many certificates may be under way at once.
    slots: usize,
    /// What it was told, and when that was looked at.
    told: Option<(Told, Instant)>,
    /// When pairs were put back.
    restores: Restores,
    /// What is stored of what is not healthy.
    memory: Memory,
    /// The classes whose routes that stay were written by this leader.
    led: BTreeSet<String>,
    /// When it is tried again to have them lead here, if they do not: another installation may have gone.
    lead_again: Option<Instant>,
    /// When it is looked for what was left.
    sweeps: Sweeps,
    /// What is remembered for those who ask.
    tally: Tally,
    /// When the CA has answered last.
    ca_answered: Option<Instant>,
    /// When it was told last that the CA is down; `None` if it is not.
    ca_down_told: Option<Instant>,
    /// When it was told last that the CA wants certificates replaced at once.
    at_once_told: Option<Instant>,
    /// The certificates that are stored and not served yet.
    aftercare: Aftercare,
}

impl Controller {
    async fn go_on(mut self, mut heard: mpsc::UnboundedReceiver<Heard>, mut asks: Inbox) -> Result<(), OpError> {
        self.say_what_is_kept();
        let mut latest = self.snapshot();
        loop {
            // Whoever asks meanwhile gets what was last: a CA or a server may take its time.
            let busy = async {
                self.look_around().await;
                self.recall().await;
                self.begin().await;
                self.remember().await;
                self.ask_for_windows().await;
                self.look_after();
                self.sweep();
            };
            answering_meanwhile(Box::pin(busy), &mut asks, &latest).await;
            for (secret, hold) in self.keeper.take_held_now() {
                self.say_held(&secret, &hold);
            }
            let wake = self.wakes_at();
            tokio::select! {
                more = self.follower.wait(&self.live) => {
                    let news = self.follower.round(&mut self.live).await;
                    self.keeper.changed(&self.live.inventory, &news.changed, now());
                    self.keeper.changed(&self.live.inventory, &news.due, now());
                    let namespaces = self.live.inventory.take_changed_namespaces();
                    self.keeper.namespaces_changed(&self.live.inventory, &namespaces, now());
                    if !more {
                        return Err(OpError::new(Blame::Cluster, "the cluster can be followed no longer"));
                    }
                }
                Some(heard) = heard.recv() => match heard {
                    Heard::Ended(secret, fate) => self.ended(&secret, fate),
                    Heard::Window(secret, answer) => {
                        if self.keeper.window(&self.live.inventory, &secret, &answer, now()) {
                            self.is_wanted_at_once();
                        }
                    }
                    Heard::After(told) => self.after(told),
                },
                Some(ask) = asks.asks.recv() => {
                    if matches!(ask, Ask::Snapshot(_)) {
                        latest = self.snapshot();
                    }
                    answer(ask, &latest);
                }
                () = sleep_until(wake) => {}
                Ok(()) = self.states.changed() => self.turn(),
                () = self.cancel.cancelled() => break,
            }
            self.memory.note();
        }
        // What is under way cleans up after itself.
        self.term.as_ref().inspect(|term| term.end.cancel());
        while self.keeper.queue.running() > 0 || self.aftercare.is_undoing() {
            match heard.recv().await {
                Some(Heard::Ended(secret, fate)) => self.ended(&secret, fate),
                Some(Heard::After(told)) => self.after(told),
                Some(Heard::Window(..)) => {}
                None => break,
            }
        }
        // It leads until this returns.
        self.memory.note();
        self.remember().await;
        Ok(())
    }

    /// Takes note of who leads now. What a former leader has begun ends, and cleans up after itself.
    fn turn(&mut self) {
        let state = self.states.borrow_and_update().clone();
        if let Some(term) = self.term.take() {
            term.end.cancel();
        }
        match state {
            State::Leader { epoch } => {
                self.audit
                    .line([("event", "leads".into()), ("epoch", epoch.to_string().into())]);
                let (end, ended) = cancel::pair();
                self.term = Some(Term {
                    context: self.context.again(ended),
                    authority: Authority::Leader(Arc::new(self.leadership.in_term(epoch))),
                    end,
                });
                self.led.clear();
                self.sweeps = Sweeps::default();
                self.told = None;
                self.memory.forget();
            }
            State::Follower { holder } => {
                let holder = holder.unwrap_or_default();
                self.audit
                    .line([("event", "follows".into()), ("holder", holder.as_str().into())]);
            }
        }
    }

    fn ended(&mut self, secret: &Key, fate: Fate) {
        if let Fate::Failed { reason, .. } = &fate {
            log::debug!("Secret {secret} failed: {reason}");
        }
        self.tally.order(&fate);
        match &fate {
            Fate::Stored => self.ca_answered = Some(Instant::now()),
            Fate::CaDown => self.ca_is_down("it does not answer, or only with errors"),
            _ => {}
        }
        self.end(secret, fate);
    }

    /// Whether the CA answers, as far as that is known. It is asked for its directory, so that one that is down fails no
    /// order, and what it has changed in the directory is seen.
    async fn does_ca_answer(&mut self) -> Result<(), OpError> {
        if self.ca_answered.is_some_and(|at| at.elapsed() < ANSWERED) {
            return Ok(());
        }
        let asking = self.unattended.look_at_ca(&self.context);
        let late = |_| {
            OpError::new(
                Blame::Acme,
                format!("the CA has not answered within {} s", CA_PATIENCE.as_secs()),
            )
        };
        timeout(CA_PATIENCE, asking).await.map_err(late)??;
        self.ca_answered = Some(Instant::now());
        Ok(())
    }

    fn snapshot(&mut self) -> Snapshot {
        let mut certificates = state::certificates(&self.keeper, &self.live.inventory, now());
        self.aftercare.mark(&mut certificates);
        self.tally.look(&certificates, now());
        let told = self.told.as_ref().map(|(told, _)| told);
        let paused_since = told.and_then(|told| match told {
            Told::Pause(pause) => Some(pause.at),
            Told::Nothing | Told::Order => None,
        });
        Snapshot {
            at: now(),
            paused_since,
            leads: self.term.is_some(),
            orders: told.is_some_and(Told::orders),
            has_account: self.tally.has_account,
            issuer: self.unattended.settings.chosen.issuer.name.clone(),
            ca_down_since: self.keeper.queue.incidents().map(|(_, incident)| incident.since).next(),
            judged_at: self.live.rules.now,
            certificates,
            missed: self.tally.missed(),
            results: self.tally.results(),
            limits: self.tally.limits.clone(),
        }
    }

    /// When there may be something to do although nothing changes.
    fn wakes_at(&self) -> Instant {
        let free = self.keeper.queue.running() < self.slots;
        let queued = self.keeper.queue.next_wake().filter(|_| free);
        let moments = [queued, self.keeper.ari.next_wake(), self.aftercare.next_wake()];
        let moments = moments.into_iter().flatten();
        let soonest = moments.min().filter(|_| self.term.is_some());
        let soonest = soonest.map(|at| Duration::from_secs(at.saturating_sub(now()).max(0).unsigned_abs()));
        // What was not begun because nobody said so is looked at again.
        let told = self.told.as_ref().filter(|(told, _)| !told.orders()).map(|_| TOLD);
        let sweeps = self.term.as_ref().map(|_| self.sweeps.is_in());
        Instant::now() + pause([soonest, told, self.remembers_in(), sweeps])
    }

    fn say_what_is_kept(&self) {
        let (kept, held) = (self.keeper.queue.len(), self.keeper.held().len());
        self.audit.say(
            Level::Note,
            &format!(
                "{kept} Secrets are kept for routes that ask, {held} are held, because somebody else provides them"
            ),
        );
        for (secret, hold) in self.keeper.held().iter().take(20) {
            self.say_held(secret, hold);
        }
    }

    /// Looks at what nobody tells it, for those who ask: the account, its limits, and whether it may order.
    async fn look_around(&mut self) {
        if self.tally.looked.is_some_and(|at| at.elapsed() < LOOKED) {
            return;
        }
        let looks = async {
            match self.unattended.limits(&self.context, &self.live.inventory).await {
                Ok(limits) => {
                    self.tally.has_account = limits.is_some();
                    self.tally.limits(limits.unwrap_or_default());
                }
                Err(error) => log::debug!("the account cannot be looked at: {}", error.message),
            }
            self.is_told().await;
        };
        // Nothing that is due waits for it.
        let _ = timeout(TOLD, looks).await;
        self.tally.looked = Some(Instant::now());
    }

    fn say_held(&self, secret: &Key, hold: &Hold) {
        self.audit.line([
            ("event", "held".into()),
            ("namespace", secret.namespace.as_str().into()),
            ("secret", secret.name.as_str().into()),
            ("rule", hold.reason().into()),
            ("message", hold.to_string().into()),
        ]);
    }

    /// Begins what is next, if this process orders and was told to.
    async fn begin(&mut self) {
        let free = self.slots.saturating_sub(self.keeper.queue.running());
        let is_due = self.keeper.queue.next_wake().is_some_and(|at| at <= now()) || self.keeper.queue.has_ready();
        if free == 0 || !is_due || self.term.is_none() || !self.memory.is_recalled || !self.is_told().await {
            return;
        }
        let targets = self.keeper.take(&self.live.inventory, now(), free);
        if targets.is_empty() {
            return;
        }
        let secrets = secrets_of(&targets);
        match self.unattended.account().await {
            Ok(AccountState::Ready) => {}
            Ok(AccountState::Missing) => {
                self.tally.has_account = false;
                return self.all_wait(&secrets, "AccountMissing: there is no account");
            }
            Err(error) => {
                self.tally.has_account = true;
                return self.all_wait(&secrets, &error.message);
            }
        }
        if let Err(error) = self.does_ca_answer().await {
            return self.none_begun(&secrets, &error);
        }
        self.lead().await;
        let targets = self.without_those_put_back(targets).await;
        if targets.is_empty() {
            return;
        }
        let secrets = secrets_of(&targets);
        let Some(term) = &self.term else { return };
        let begun = self
            .unattended
            .begin(&term.context, &self.live.inventory, &targets, &term.authority);
        match begun.await {
            Ok(run) => {
                let tells = self.tells.clone();
                let runtime = tokio::runtime::Handle::current();
                // A thread of its own: a run cannot be moved between threads while it waits.
                tokio::task::spawn_blocking(move || {
                    let outcomes = run.all_telling(&targets, |outcome| {
                        let fate = outcome
                            .result
                            .as_ref()
                            .map_or_else(|error| fate(error, now()), |_| Fate::Stored);
                        let _ = tells.send(Heard::Ended(outcome.secret.clone(), fate));
                        if let Some(aftermath) = outcome.aftermath.clone() {
                            let stored = after::Told::Stored(outcome.secret.clone(), aftermath);
                            let _ = tells.send(Heard::After(stored));
                        }
                    });
                    drop(runtime.block_on(outcomes));
                });
            }
            Err(error) => self.none_begun(&secrets, &error),
        }
    }

    /// Puts the kept pairs of targets back that have lost theirs, and holds those whose names were ordered too often.
    /// Returns the others, which are ordered.
    async fn without_those_put_back(&mut self, targets: Vec<Target>) -> Vec<Target> {
        let inventory = &self.live.inventory;
        let unattended = &self.unattended;
        let asked = targets.into_iter().map(|target| async move {
            let stored = inventory.secrets().get(&target.secret);
            let lacks_pair = stored.is_none_or(|stored| !usable(stored));
            let before = unattended.before_order(&target, lacks_pair).await;
            (target, before)
        });
        let mut left = Vec::new();
        for (target, before) in join_all(asked).await {
            let secret = &target.secret;
            let fate = match before {
                Ok(BeforeOrder::Order) => {
                    if !self.keeper.is_too_often(&target, now()) {
                        left.push(target);
                    }
                    continue;
                }
                Ok(BeforeOrder::Restored(restored)) => {
                    self.audit.line([
                        ("event", "restored".into()),
                        ("namespace", secret.namespace.as_str().into()),
                        ("secret", secret.name.as_str().into()),
                        ("sha256", restored.sha256.to_string().into()),
                        ("notAfter", restored.not_after.into()),
                    ]);
                    match self.restores.restored(secret, now()) {
                        // It was not issued now.
                        None => Fate::NotWanted,
                        Some(until) => Fate::Waiting {
                            until,
                            reason:
                                "OtherOwner: its pair was put back 30 times within an hour, and somebody else undoes it"
                                    .into(),
                        },
                    }
                }
                Ok(BeforeOrder::Changed) => Fate::Waiting {
                    until: now().saturating_add(1),
                    reason: "the Secret has changed".into(),
                },
                Ok(BeforeOrder::Busy) => Fate::Waiting {
                    until: now().saturating_add(1),
                    reason: "another run works on the Secret".into(),
                },
                Ok(BeforeOrder::TwoADay { until }) => Fate::Limited {
                    until,
                    limit:
                        "TwoADay: the same names were ordered twice within a day, and somebody else changes the Secret"
                            .into(),
                },
                // The cluster does not answer: that is no failure of the certificate.
                Err(error) => Fate::Waiting {
                    until: now().saturating_add(CLUSTER),
                    reason: error.message.as_str().into(),
                },
            };
            self.keeper.ended(secret, fate, now());
        }
        left
    }

    /// Asks the CA for the windows of a few certificates, if it names any.
    async fn ask_for_windows(&mut self) {
        let Some(term) = &self.term else { return };
        if self.keeper.ari.next_wake().is_none_or(|at| at > now()) {
            return;
        }
        let acme = self.unattended.acme(&term.context).await.ok();
        while let Some((secret, certificate)) = self.keeper.ari.next(now()) {
            let leaf = self
                .live
                .inventory
                .secrets()
                .get(&secret)
                .and_then(|stored| stored.leaf());
            let id = leaf.and_then(|leaf| Some(CertId::new(leaf.authority_key_id.as_deref()?, leaf.serial.bytes())));
            let (acme, tells) = (acme.clone(), self.tells.clone());
            tokio::spawn(async move {
                let info = match (acme, id) {
                    (Some(acme), Some(id)) if acme.directory().renewal_info.is_some() => {
                        acme.renewal_info(&id).await.ok()
                    }
                    _ => None,
                };
                let answer = WindowAnswer {
                    certificate,
                    window: info.as_ref().map(|info| (info.start, info.end)),
                    retry_after: info.as_ref().map(|info| info.retry_after),
                };
                let _ = tells.send(Heard::Window(secret, answer));
            });
        }
    }

    fn all_wait(&mut self, secrets: &[Key], reason: &str) {
        self.audit.say(Level::Error, reason);
        let until = now().saturating_add(ACCOUNT);
        for secret in secrets {
            let reason: Text = reason.into();
            self.keeper.ended(secret, Fate::Waiting { until, reason }, now());
        }
    }

    /// What could not be begun is the CA's, or of all certificates alike.
    fn none_begun(&mut self, secrets: &[Key], error: &OpError) {
        match error.blame {
            Blame::Acme => self.ca_is_down(&error.message),
            _ => self.context.front().failed(error),
        }
        for secret in secrets {
            let fate = match error.blame {
                Blame::Acme => Fate::CaDown,
                _ => Fate::Failed {
                    reason: error.message.as_str().into(),
                    ca_answered: false,
                },
            };
            self.keeper.ended(secret, fate, now());
        }
    }

    /// Whether somebody has said that it may order. Looked at again before anything is begun, so that a pause holds at
    /// once.
    async fn is_told(&mut self) -> bool {
        if let Some((told, at)) = &self.told
            && !told.orders()
            && at.elapsed() < TOLD
        {
            return false;
        }
        let told = match pause::told(&self.api, self.unattended.namespace()).await {
            Ok(told) => told,
            Err(error) => {
                self.audit.say(
                    Level::Error,
                    &format!("nothing is ordered: {}", crate::error::chain(&error)),
                );
                Told::Nothing
            }
        };
        let is_news = self.told.as_ref().is_none_or(|(before, _)| *before != told);
        if is_news {
            self.say_what_was_told(&told);
        }
        let orders = told.orders();
        self.told = Some((told, Instant::now()));
        orders
    }

    fn say_what_was_told(&self, told: &Told) {
        let words = match told {
            Told::Order => "it may order".to_owned(),
            Told::Pause(pause) => format!("paused by {}: {}", pause.by, pause.reason),
            Told::Nothing => {
                let due = self
                    .keeper
                    .queue
                    .iter()
                    .filter(|queued| queued.task.due_at <= now())
                    .count();
                format!(
                    "nobody has told it to order yet: {due} certificates would be ordered now; `kubectl certs resume -n {}` \
                     tells it to",
                    self.unattended.namespace()
                )
            }
        };
        self.audit.say(Level::Note, &words);
    }

    /// Has the routes that stay lead to this process.
    async fn lead(&mut self) {
        let classes = self.keeper.classes();
        let are_led = classes.keys().all(|class| self.led.contains(class));
        // What failed is not tried again for each certificate.
        if are_led && self.lead_again.is_none_or(|at| at > Instant::now()) {
            return;
        }
        let leads = routes::write(&self.api, self.unattended.namespace(), classes, &self.answering).await;
        self.lead_again = (!matches!(leads, Ok(true))).then(|| Instant::now() + LOOKED);
        if let Err(error) = leads {
            let words = crate::error::chain(&error);
            let text = format!("no route that stays leads here, so that each challenge gets one: {words}");
            self.audit.say(Level::Warning, &text);
        }
        self.led = classes.keys().cloned().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_is_hours_away_is_looked_at_again_within_a_minute_because_clocks_are_set() {
        let hours = Some(Duration::from_hours(3));
        assert_eq!(pause([hours, None, None, None]), LOOKED);
        assert_eq!(pause([None; 4]), LOOKED);
        assert_eq!(pause([hours, None, Some(TOLD), None]), TOLD);
        assert_eq!(pause([Some(Duration::ZERO), Some(TOLD), None, None]), SHORTEST);
    }
}
