//! The loop: waits for changes, for time and for what became of orders, and begins the next.

mod after;
mod begin;
mod ca;
mod copy;
mod domains;
mod look;
mod others;
mod remember;
mod rows;
mod start;
mod sweep;
mod tell;
mod told;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use sweep::Sweeps;

use super::{
    aftercare::Aftercare,
    audit::Audit,
    fate::Fate,
    front::{LogFront, Reached},
    keeper::{Keeper, Keeping, WindowAnswer},
    leader::{self, Identity, Leadership, State, Timing},
    memory::Memory,
    news::News,
    restores::Restores,
    state::{self, Ask, Inbox},
    tally::Tally,
};
use crate::{
    acme::Stage,
    apply::{Api, Permits},
    clock::now,
    engine::{
        authority::Authority,
        cancel::{self, Cancel, Canceller},
        ledger::Expected,
        run::UNDER_WAY,
    },
    error::Blame,
    event::Level,
    k8s::ConnectOptions,
    notify::outbox::Outbox,
    object::{Key, Text},
    ops::{
        Cluster, Config, Context, OpError,
        issuance::Order,
        pause::Told,
        unattended::{Unattended, terms},
    },
    plan::wanted::{Asked, Hold},
    scan::{
        follow::{FollowOptions, Follower, LinkState},
        live::Live,
    },
    solve::http01::standing::Standing,
};

/// After the last change, so long is waited for more.
const SETTLE: Duration = Duration::from_millis(100);
/// How often it is looked whether somebody has said something, while there is something to order.
const TOLD: Duration = Duration::from_secs(6);
/// How often it is looked at the account, its limits and what somebody has said, while there is nothing to order.
const LOOKED: Duration = Duration::from_mins(1);
/// How many certificates are taken for each that may be ordered at the same time: the next are ready when a turn is free.
const SLOTS: usize = 3;
/// How long notes on kept pairs are waited for in the end.
const NOTES: Duration = Duration::from_secs(2);
/// The shortest pause between two looks.
const SHORTEST: Duration = Duration::from_millis(200);

/// What is asked of the controller.
#[derive(Debug, Clone)]
pub struct Request {
    /// How certificates are ordered, and what is followed.
    pub order: Order,
}

/// What is told to the loop.
enum Heard {
    /// The certificate of an order is stored.
    Stored(Key),
    /// The CA has validated a name of a certificate that is being ordered.
    Proved(Key),
    /// An order has ended.
    Ended(Key, Fate),
    /// The CA was asked for the window of a certificate.
    Window(Arc<Key>, WindowAnswer),
    /// Something became of a certificate after it was stored.
    After(after::Told),
    /// Something became of a copy of another Secret.
    Copied(Key, Key, copy::CopyResult),
    /// Something is known of the issuers besides the first.
    Others(others::News),
    /// Something became of customers' domains.
    Domains(crate::domains::keep::News),
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
    let (tells, heard) = mpsc::unbounded_channel();
    let told = tells.clone();
    let front = LogFront::telling(Arc::clone(&audit), move |secret, reached| {
        let _ = told.send(match reached {
            Reached::Proved => Heard::Proved(secret.clone()),
            Reached::Stored => Heard::Stored(secret.clone()),
        });
    });
    let mut context = Context::new(Cluster::new(options, front), config, cancel.clone());
    let (mut unattended, mut session) = Box::pin(Unattended::open(request.order, &context)).await?;
    // A name that does not resolve yet comes back later: it does not keep others from their turn meanwhile.
    unattended.settings.http01.resolve_timeout = Duration::ZERO;
    let answering = start::answering(&unattended).await?;
    context.answering = Some(Arc::clone(&answering));
    let Some(install) = start::installed(&unattended, &context, &cancel, &asks).await? else {
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
    let domains = domains::Domains::open(&unattended, &install, &audit).await?;
    context.rows = domains.as_ref().and_then(domains::Domains::rows);
    let keeping = Keeping {
        asked: Asked {
            install,
            staging: unattended.settings.chosen.issuer.stage == Stage::Staging,
            wildcards: unattended.wildcards.clone(),
            terms: terms(&unattended.settings),
        },
        issuer: unattended.settings.chosen.issuer.name.as_str().into(),
        ca: unattended.settings.chosen.ca.clone(),
        others: unattended.others(),
        other_terms: unattended.other_terms(),
        classes: unattended.classes.clone(),
    };
    let mut keeper = Keeper::new(keeping);
    keeper.all(&live.inventory, now());
    let namespaces = live.inventory.take_changed_namespaces();
    keeper.namespaces_changed(&live.inventory, &namespaces, now());
    // They are said in short at first.
    keeper.take_held_now();
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
    let api = Api::new(unattended.connection().clone(), Permits::none());
    let controller = Controller {
        outbox: tell::outbox(&unattended, &context, &api),
        news: News::default(),
        api,
        slots: unattended.settings.certificate.concurrency.saturating_mul(SLOTS),
        unattended: Arc::new(unattended),
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
        ca_answered: HashMap::new(),
        ca_down_told: HashMap::new(),
        others: others::Others::default(),
        at_once_told: None,
        aftercare: Aftercare::default(),
        notes: JoinSet::new(),
        expected: HashMap::new(),
        domains,
    };
    asks.stage.send_replace(state::Stage::Going);
    let ended = Box::pin(controller.go_on(heard, asks)).await;
    // Whatever needed a permission has ended: another replica may lead.
    resign.cancel();
    drop(elector.await);
    ended
}

/// What orders work with while this process leads: nothing of it is there for the next term.
struct Term {
    context: Arc<Context>,
    /// Lets orders and writes begin.
    authority: Authority,
    end: Canceller,
}

/// How long nothing is done although nothing changes. Never longer than [`LOOKED`]: the moments are those of a clock that may be
/// set, and a machine that sleeps has its timers stopped.
fn pause(moments: [Option<Duration>; 5]) -> Duration {
    let wanted = moments.into_iter().flatten().min().unwrap_or(LOOKED);
    wanted.clamp(SHORTEST, LOOKED)
}

/// The loop and everything that it holds.
struct Controller {
    unattended: Arc<Unattended>,
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
    /// How many certificates may be under way at once that are not stored yet.
    slots: usize,
    /// What it was told, and when that was looked at.
    told: Option<(Told, Instant)>,
    /// When pairs were put back.
    restores: Restores,
    /// What is stored of what is not healthy.
    memory: Memory,
    /// What was told of and is not over yet.
    news: News,
    /// What is told to people.
    outbox: Outbox,
    /// The classes whose routes that stay were written by this leader.
    led: BTreeSet<String>,
    /// When it is tried again to have them lead here, if they do not: another installation may have gone.
    lead_again: Option<Instant>,
    /// When it is looked for what was left.
    sweeps: Sweeps,
    /// What is remembered for those who ask.
    tally: Tally,
    /// When the CA of each issuer has answered last.
    ca_answered: HashMap<Text, Instant>,
    /// When it was told last of each issuer that its CA is down, while it is.
    ca_down_told: HashMap<Text, Instant>,
    /// What is known of the issuers besides the first.
    others: others::Others,
    /// When it was told last that the CA wants certificates replaced at once.
    at_once_told: Option<Instant>,
    /// The certificates that are stored and not served yet.
    aftercare: Aftercare,
    /// What is being noted on kept pairs.
    notes: JoinSet<()>,
    /// What counts the orders that were let through a limit, until they end.
    expected: HashMap<Key, Expected>,
    /// Customers' domains, if there are any.
    domains: Option<domains::Domains>,
}

impl Controller {
    async fn go_on(mut self, mut heard: mpsc::UnboundedReceiver<Heard>, mut asks: Inbox) -> Result<(), OpError> {
        self.say_what_is_kept();
        self.say_who_is_told();
        self.say_what_is_rehearsed();
        let mut latest = self.snapshot();
        loop {
            // Whoever asks meanwhile gets what was last: a CA or a server may take its time.
            let busy = async {
                self.look_around().await;
                self.recall().await;
                self.look_at_others();
                self.begin().await;
                self.copy().await;
                self.remember().await;
                self.ask_for_windows();
                self.look_after();
                self.sweep();
                self.tell_of_domains();
            };
            look::answering_meanwhile(Box::pin(busy), &mut asks, &latest).await;
            for (secret, hold) in self.keeper.take_held_now() {
                self.say_held(&secret, &hold);
                self.touch(&secret);
            }
            for (secret, names) in self.keeper.take_denied_now() {
                self.say_denied(&secret, &names);
            }
            let wake = self.wakes_at();
            tokio::select! {
                more = self.follower.wait(&self.live) => {
                    let news = self.follower.round(&mut self.live).await;
                    self.keeper.changed(&self.live.inventory, &news.changed, now());
                    self.keeper.changed(&self.live.inventory, &news.due, now());
                    self.touch_judged(&news.changed);
                    let namespaces = self.live.inventory.take_changed_namespaces();
                    self.keeper.namespaces_changed(&self.live.inventory, &namespaces, now());
                    if !more {
                        return Err(OpError::new(Blame::Cluster, "the cluster can be followed no longer"));
                    }
                }
                Some(heard) = heard.recv() => match heard {
                    Heard::Proved(secret) => self.touch_reached(&secret, Reached::Proved),
                    Heard::Stored(secret) => {
                        self.stored(&secret);
                        self.touch_reached(&secret, Reached::Stored);
                    }
                    Heard::Ended(secret, fate) => self.ended(&secret, fate),
                    Heard::Window(secret, answer) => {
                        if self.keeper.window(&self.live.inventory, &secret, &answer, now()) {
                            self.is_wanted_at_once();
                        }
                    }
                    Heard::After(told) => self.after(told),
                    Heard::Copied(secret, source, result) => self.copied(&secret, &source, result),
                    Heard::Others(news) => self.of_others(news),
                    Heard::Domains(news) => self.of_domains(news),
                },
                Some(ask) = asks.asks.recv() => {
                    if matches!(ask, Ask::Snapshot(_)) {
                        latest = self.snapshot();
                    }
                    look::answer(ask, &latest);
                }
                () = sleep_until(wake) => {}
                Ok(()) = self.states.changed() => self.turn(),
                () = self.cancel.cancelled() => break,
            }
            self.memory.note();
        }
        // What is under way cleans up after itself.
        self.term.as_ref().inspect(|term| term.end.cancel());
        while self.keeper.queue.running() > 0
            || self.keeper.copies.running() > 0
            || self.aftercare.is_undoing()
            || self.others.is_rehearsing
        {
            match heard.recv().await {
                Some(Heard::Ended(secret, fate)) => self.ended(&secret, fate),
                Some(Heard::After(told)) => self.after(told),
                Some(Heard::Copied(secret, source, result)) => self.copied(&secret, &source, result),
                Some(Heard::Others(news)) => self.of_others(news),
                Some(Heard::Domains(news)) => self.of_domains(news),
                Some(Heard::Proved(_) | Heard::Stored(_) | Heard::Window(..)) => {}
                None => break,
            }
        }
        // It leads until this returns. Nothing waits for a note that the cluster does not take.
        let noted = async { while self.notes.join_next().await.is_some() {} };
        let _ = timeout(NOTES, noted).await;
        self.memory.note();
        self.remember().await;
        self.outbox.end().await;
        if let Some(domains) = self.domains {
            domains.end().await;
        }
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
                    context: Arc::new(self.context.again(ended)),
                    authority: Authority::Leader(Arc::new(self.leadership.in_term(epoch))),
                    end,
                });
                self.led.clear();
                self.sweeps = Sweeps::default();
                self.told = None;
                self.memory.forget();
                self.others.forget();
                self.news.forget();
            }
            State::Follower { holder } => {
                let holder = holder.unwrap_or_default();
                self.audit
                    .line([("event", "follows".into()), ("holder", holder.as_str().into())]);
            }
        }
        self.unload_rows();
        self.turn_domains();
    }

    /// Whether it orders and knows what was before, as far as it has looked.
    fn may_begin(&self) -> bool {
        let is_told = self.told.as_ref().is_some_and(|(told, _)| told.orders());
        is_told && self.memory.is_recalled && self.term.is_some()
    }

    /// How many certificates may be taken now.
    fn free_slots(&self) -> usize {
        let queue = &self.keeper.queue;
        let of_all = UNDER_WAY.saturating_sub(queue.running());
        self.slots.saturating_sub(queue.slots()).min(of_all)
    }

    fn ended(&mut self, secret: &Key, fate: Fate) {
        if let Fate::Failed { reason, .. } = &fate {
            log::debug!("Secret {secret} failed: {reason}");
        }
        self.tally.order(&fate);
        self.expected.remove(secret);
        self.tell_renewed(secret, &fate);
        let issuer = self.keeper.issuer_of(secret);
        self.audit.over(secret);
        match &fate {
            Fate::Stored => drop(self.ca_answered.insert(issuer, Instant::now())),
            Fate::CaDown => self.ca_is_down(&issuer, "it does not answer, or only with errors"),
            _ => {}
        }
        let is_stored = matches!(fate, Fate::Stored);
        self.end(secret, fate);
        self.touch_ended(secret);
        if is_stored {
            self.row_stored(secret);
        }
    }

    /// When there may be something to do although nothing changes.
    fn wakes_at(&self) -> Instant {
        let free = self.free_slots() > 0;
        let queued = self.keeper.queue.next_wake().filter(|_| free);
        let chosen = self.keeper.next_choice();
        let probed = self.keeper.queue.next_probe();
        let moments = [
            queued,
            chosen,
            probed,
            self.keeper.ari.next_wake(),
            self.aftercare.next_wake(),
            self.keeper.copies.next_wake(),
            (self.may_begin() && self.keeper.has_lost(now(), free)).then(now),
        ];
        let moments = moments.into_iter().flatten();
        let soonest = moments.min().filter(|_| self.term.is_some());
        let soonest = soonest.map(|at| Duration::from_secs(at.saturating_sub(now()).max(0).unsigned_abs()));
        // What was not begun because nobody said so is looked at again.
        let told = self.told.as_ref().filter(|(told, _)| !told.orders()).map(|_| TOLD);
        let sweeps = self.term.as_ref().map(|_| self.sweeps.is_in());
        Instant::now() + pause([soonest, told, self.remembers_in(), sweeps, self.others_in()])
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

    /// Says which names a Secret does not get.
    fn say_denied(&self, secret: &Key, names: &str) {
        self.audit.line([
            ("event", "names-denied".into()),
            ("level", "warning".into()),
            ("namespace", secret.namespace.as_str().into()),
            ("secret", secret.name.as_str().into()),
            ("message", names.into()),
        ]);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_is_hours_away_is_looked_at_again_within_a_minute_because_clocks_are_set() {
        let hours = Some(Duration::from_hours(3));
        assert_eq!(pause([hours, None, None, None, None]), LOOKED);
        assert_eq!(pause([None; 5]), LOOKED);
        assert_eq!(pause([hours, None, Some(TOLD), None, None]), TOLD);
        assert_eq!(pause([Some(Duration::ZERO), Some(TOLD), None, None, None]), SHORTEST);
    }
}
