//! The leader's part in customers' domains: what is due is asked about and looked for in DNS, and what became of it is put into
//! its record. What is permitted by then is ordered as for any route that asks.
//!
//! ```text
//! store: due, changes ─→ ask the application → look at DNS → record (permitted) ─→ the keeper orders
//!                                                     ↑ pair, order, served ←──────┘
//!                                                  chunks: who is served
//! ```
//!
//! It goes on beside the controller's loop, which neither waits for it nor is waited for: what the loop tells comes through a
//! channel, and what is written goes through the store.

mod leave;
mod orders;
mod serving;
mod stands;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

pub use stands::{Heard, Stands};

use super::{
    ask::Asker,
    look::Looker,
    routing::Routing,
    store::{Change, Cursor, Store, StoreError},
};
use crate::{
    clock::now,
    domain::{Access, Host, Looked, OrderState, Platform, Record, Said, Tenant, access, dns::next_look, next_question},
    error::chain,
    object::{Seconds, Text},
};
use leave::Leaving;
use orders::may_order;

/// How many hosts are worked on at once.
const AT_ONCE: usize = 32;
/// How often it is looked for what is due, and what was told is written.
const TICK: Duration = Duration::from_millis(500);
/// How many hosts are taken at once of what is due.
const DUE: usize = 256;
/// How long a host is left alone whose record could not be read or put.
const AFTER_TROUBLE: Duration = Duration::from_secs(10);
/// How often a record is put again that somebody else has changed meanwhile.
const TRIES: usize = 6;
/// How long it is waited before the changes of the store are followed again, or chunks written that were not.
const FOLLOW_AGAIN: Duration = Duration::from_secs(2);
/// What is told to people and to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Releases are frozen, and why; told once.
    Frozen(String),
    /// They no longer are.
    Thawed,
    /// A host was released.
    Released(Host),
    /// A host is another tenant's from now on.
    HandedOver(Host, Tenant),
    /// The application was asked.
    Answered(Host, Said),
    /// A certificate is wanted for a host whose pair is in its record, and nobody else orders it.
    Wanted(Box<Record>),
    /// None is wanted for one, or not yet.
    Settled(Host),
    /// Something could not be done, and is tried again.
    Trouble(String),
}

/// Whoever is told.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;
/// Whether this process still leads, asked before each write.
pub type May = Arc<dyn Fn() -> bool + Send + Sync>;

/// What it works with.
pub struct Parts {
    /// The records.
    pub store: Arc<dyn Store>,
    /// The question to the application.
    pub asker: Asker,
    /// The look at DNS.
    pub looker: Arc<Looker>,
    /// What the platform keeps for itself.
    pub platform: Platform,
    /// What serves the hosts, unless they are served by somebody who asks for each certificate.
    pub chunks: Option<Routing>,
    /// By which name hosts are claimed whose pairs are in their records, if that is where they are: then it is told which certificates
    /// are wanted.
    pub orders_as: Option<String>,
    /// Whether this process leads.
    pub may: May,
    /// Who is told.
    pub tell: Tell,
}

/// Keeps customers' domains until the channel is closed, or this process does not lead any more.
pub async fn run(parts: Parts, mut heard: mpsc::UnboundedReceiver<Heard>) {
    let Parts {
        store,
        asker,
        looker,
        platform,
        chunks,
        orders_as,
        may,
        tell,
    } = parts;
    // What is due is asked for. Every record is looked at only for the objects that serve them, or where all are in memory anyway.
    let follows = chunks.is_some() || orders_as.is_none();
    let work = Work {
        store: Arc::clone(&store),
        asker,
        looker,
        platform: Arc::new(platform),
        leaving: Arc::new(Leaving::new(Arc::clone(&store), Arc::clone(&tell))),
        orders_as: orders_as.map(Arc::from),
        may: Arc::clone(&may),
        tell: Arc::clone(&tell),
    };
    let mut keep = Keep {
        work,
        chunks,
        running: JoinSet::new(),
        busy: HashSet::new(),
        again: HashSet::new(),
        later: HashMap::new(),
        told: HashMap::new(),
        chunks_read: None,
        chunks_written: None,
        chunks_later: None,
        ends: BTreeSet::new(),
        ends_at: HashMap::new(),
    };
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cursor: Option<Cursor> = None;
    let mut follow = store.watch(None);
    let mut follow_again: Option<Instant> = None;
    loop {
        tokio::select! {
            change = follow.next(), if follows && follow_again.is_none() => match change {
                Some(Ok(Change::Host { host, cursor: at })) => {
                    cursor = Some(at);
                    keep.changed(host).await;
                }
                Some(Ok(Change::Listed { cursor: at })) => {
                    cursor = Some(at);
                    keep.listed();
                }
                Some(Err(StoreError::Expired)) => {
                    cursor = None;
                    follow_again = Some(Instant::now());
                }
                Some(Err(error)) => {
                    tell(News::Trouble(format!("the records of domains cannot be followed: {}", chain(&error))));
                    follow_again = Some(Instant::now() + FOLLOW_AGAIN);
                }
                None => follow_again = Some(Instant::now() + FOLLOW_AGAIN),
            },
            news = heard.recv() => match news {
                Some(news) => keep.heard(news),
                None => break,
            },
            Some(ended) = keep.running.join_next() => keep.ended(ended.ok().flatten()).await,
            _ = tick.tick() => {
                if !may() {
                    break;
                }
                if follow_again.is_some_and(|at| at <= Instant::now()) {
                    follow_again = None;
                    follow = store.watch(cursor.clone());
                }
                keep.tick().await;
            }
        }
    }
    // What is under way ends: it asks before it writes.
    keep.running.abort_all();
}

/// What became of the work on a host.
struct Ended {
    host: Host,
    /// What was told of it, and is put into its record.
    told: Option<stands::Told>,
    result: Result<Option<Record>, StoreError>,
}

struct Keep {
    work: Work,
    chunks: Option<Routing>,
    running: JoinSet<Option<Ended>>,
    /// The hosts that are worked on.
    busy: HashSet<Host>,
    /// Those among them to look at again afterwards.
    again: HashSet<Host>,
    /// Those that are left alone until a moment, because something failed.
    later: HashMap<Host, Instant>,
    /// What was told of hosts and is not in their records yet.
    told: HashMap<Host, stands::Told>,
    chunks_read: Option<Instant>,
    chunks_written: Option<Instant>,
    /// Until when they are left alone, because they could not be read or written.
    chunks_later: Option<Instant>,
    /// When the certificates end of those who are served.
    ends: BTreeSet<(Seconds, Host)>,
    ends_at: HashMap<Host, Seconds>,
}

impl Keep {
    /// A record is new, has changed, or is gone.
    async fn changed(&mut self, host: Host) {
        match self.work.store.get(&host).await {
            Ok(Some((record, _))) => {
                let is_due = record.due <= now();
                self.serve(&record);
                if is_due {
                    self.begin(host);
                }
            }
            Ok(None) => self.gone(&host),
            Err(error) => self.trouble(host, &error),
        }
    }

    /// All records were told.
    fn listed(&mut self) {
        if let Some(chunks) = &mut self.chunks {
            chunks.complete();
            // Of those that are wanted it is known by now whether they are as they should be.
            self.chunks_read = None;
        }
    }

    fn gone(&mut self, host: &Host) {
        if self.work.orders_as.is_some() {
            (self.work.tell)(News::Settled(host.clone()));
        }
        self.told.remove(host);
        self.later.remove(host);
        if let Some(at) = self.ends_at.remove(host) {
            self.ends.remove(&(at, host.clone()));
        }
        if let Some(chunks) = &mut self.chunks {
            chunks.forget(&host.as_str().into());
        }
    }

    /// Works on a host, unless somebody does, or something has just failed.
    fn begin(&mut self, host: Host) {
        if self.later.get(&host).is_some_and(|until| *until > Instant::now()) {
            return;
        }
        if self.busy.contains(&host) {
            self.again.insert(host);
            return;
        }
        if self.running.len() >= AT_ONCE {
            // The next tick finds it due.
            return;
        }
        self.later.remove(&host);
        self.busy.insert(host.clone());
        let (work, told) = (self.work.clone(), self.told.remove(&host));
        self.running.spawn(async move {
            let result = work.on(&host, told.as_ref()).await;
            Some(Ended { host, told, result })
        });
    }

    async fn ended(&mut self, ended: Option<Ended>) {
        let Some(Ended { host, told, result }) = ended else {
            return;
        };
        self.busy.remove(&host);
        let is_again = self.again.remove(&host);
        match result {
            Ok(Some(record)) => {
                self.serve(&record);
                let is_ripe = self.told.get(&host).is_some_and(stands::Told::is_ripe);
                if is_ripe || (is_again && record.due <= now()) {
                    self.begin(host);
                }
            }
            Ok(None) => self.gone(&host),
            Err(error) => {
                // What was told later counts.
                if let Some(told) = told {
                    let told = told.before(self.told.remove(&host));
                    self.told.insert(host.clone(), told);
                }
                self.trouble(host, &error);
            }
        }
        self.write_chunks().await;
    }

    fn trouble(&mut self, host: Host, error: &StoreError) {
        (self.work.tell)(News::Trouble(format!("{host}: {}", chain(error))));
        self.later.insert(host, Instant::now() + AFTER_TROUBLE);
    }

    fn heard(&mut self, heard: Heard) {
        let told = self.told.entry(heard.host.clone()).or_insert_with(stands::Told::new);
        told.hear(heard.what);
        if told.is_ripe() {
            self.begin(heard.host);
        }
    }

    async fn tick(&mut self) {
        let due = if self.running.len() < AT_ONCE {
            self.work.store.due(now(), DUE).await
        } else {
            Ok(Vec::new())
        };
        match due {
            Ok(hosts) => hosts.into_iter().for_each(|host| self.begin(host)),
            Err(error) => (self.work.tell)(News::Trouble(format!("what is due is not known: {}", chain(&error)))),
        }
        let ripe = self
            .told
            .iter()
            .filter(|(_, told)| told.is_ripe())
            .map(|(host, _)| host.clone());
        for host in ripe.collect::<Vec<_>>() {
            self.begin(host);
        }
        // Once all hosts were told of, little is told for weeks.
        if self.told.capacity() > 1_024 + 4 * self.told.len() {
            self.told.shrink_to_fit();
        }
        self.serve_those_that_ended().await;
        self.write_chunks().await;
    }
}

/// What works on a host.
#[derive(Clone)]
struct Work {
    store: Arc<dyn Store>,
    asker: Asker,
    looker: Arc<Looker>,
    platform: Arc<Platform>,
    leaving: Arc<Leaving>,
    orders_as: Option<Arc<str>>,
    may: May,
    tell: Tell,
}

/// What was found out about a host; it is found out once, however often its record is put.
#[derive(Default)]
struct FoundOut {
    said: Option<(Said, bool)>,
    looked: Option<Result<Looked, String>>,
    /// Whether the tenant that asks for it has proved that it controls the name.
    is_proved: Option<bool>,
}

impl Work {
    /// Does what is due about a host, and puts what was found out and told into its record. Returns the record; `None` if there
    /// is none.
    async fn on(&self, host: &Host, told: Option<&stands::Told>) -> Result<Option<Record>, StoreError> {
        let mut found = FoundOut::default();
        let mut tries = 0;
        loop {
            let Some((before, version)) = self.store.get(host).await? else {
                return Ok(None);
            };
            let is_due = before.due <= now();
            let mut record = before.clone();
            if let Some(told) = told {
                told.put(&mut record, now());
            }
            if let Err(error) = Host::parse(host.as_str(), &self.platform) {
                // Somebody has written the object by hand: nobody is asked about such a name.
                refuse(&mut record, &format!("{host} is not accepted: {error}"));
            } else if record.due <= now() {
                self.hand_over(&mut record, &mut found).await;
                self.find_out(&mut record, &mut found).await;
                if self.leaving.may_leave(&record, now()).await {
                    record.release(now());
                    (self.tell)(News::Released(host.clone()));
                }
                if self.orders_as.is_some() {
                    may_order(&mut record, now());
                }
            }
            if record == before {
                self.offer(&record, is_due || told.is_some()).await?;
                return Ok(Some(record));
            }
            if !(self.may)() {
                return Ok(Some(before));
            }
            tries += 1;
            match self.store.put(&record, Some(&version)).await {
                Ok(_) => {
                    self.offer(&record, is_due || told.is_some()).await?;
                    return Ok(Some(record));
                }
                Err(StoreError::Conflict(_)) if tries < TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Hands a host over to the tenant that asks for it, once it is free, or the tenant has proved that it controls the name.
    async fn hand_over(&self, record: &mut Record, found: &mut FoundOut) {
        let Some(to) = record.moved.as_ref().map(|moved| moved.to.clone()) else {
            return;
        };
        if access(record, &to, now()) != Access::Free {
            if found.is_proved.is_none() {
                found.is_proved = Some(self.looker.is_proved(&record.host, &to).await);
            }
            if found.is_proved != Some(true) {
                return;
            }
        }
        (self.tell)(News::HandedOver(record.host.clone(), to.clone()));
        *record = Record::handed_over(&record.host, &to, now());
    }

    /// Asks the application and looks at DNS, where that is due.
    async fn find_out(&self, record: &mut Record, found: &mut FoundOut) {
        if found.said.is_none()
            && let Some(question) = next_question(record).filter(|question| question.from <= now())
        {
            let said = self.asker.ask(&record.host, question.renewal).await;
            (self.tell)(News::Answered(record.host.clone(), said.clone()));
            found.said = Some((said, question.renewal));
        }
        if let Some((said, renewal)) = &found.said {
            record.answered(said.clone(), *renewal, now());
        }
        if found.looked.is_none() && next_look(record).is_some_and(|at| at <= now()) {
            found.looked = Some(self.looker.look(&record.host, &record.tenant, now()).await);
        }
        if let Some(looked) = &found.looked {
            note_looked(record, looked, now());
        }
        record.plan(now());
    }
}

/// Notes that nothing is done for a host. A certificate that is there stays.
fn refuse(record: &mut Record, why: &str) {
    record.due = Seconds::MAX;
    record.order = Some(OrderState::Blocked { reason: why.to_owned() });
    record.asked = None;
}

/// Notes what was seen in DNS. Where nobody could be asked, what was seen before counts: a name server that does not answer
/// takes no certificate away.
fn note_looked(record: &mut Record, looked: &Result<Looked, String>, now: Seconds) {
    let looked = match (looked, &record.dns) {
        (Ok(looked), _) => looked.clone(),
        (Err(_), Some(before)) => Looked {
            at: now,
            ..before.clone()
        },
        (Err(why), None) => Looked {
            at: now,
            server: Text::default(),
            traffic: false,
            challenge: false,
            standing: false,
            kept: None,
            ownership: None,
            missing: Vec::new(),
            seen: crate::text::clear(why).into_owned(),
        },
    };
    record.seen_in_dns(looked, now);
}
