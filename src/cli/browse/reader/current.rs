//! The reading that is current: kept so by what the watch and time bring, it answers until another is asked for.

use std::time::Duration;

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::{
    ReadingParts,
    ask::{Ask, latest, not_there},
};
use crate::{
    cli::show::{CertificateEvents, Found},
    inventory::Inventory,
    k8s::Connection,
    object::doing::StoredDoings,
    scan::{
        Judged, cluster,
        follow::{FollowOptions, FollowStart, Follower, LinkState},
        live::{Live, News},
        probe::ProbeResults,
    },
    source::Scope,
    tui::{
        Message,
        item::{Item, ItemSubject},
        message::Link,
    },
};

/// How many rows travel in one message.
const ROWS: usize = 2_000;
/// After the last change, so long is waited for more: a deployment changes many objects at once.
const SETTLE: Duration = Duration::from_millis(20);
/// How often it is asked what controllers do: they store it every ten seconds at most.
const DOINGS: Duration = Duration::from_secs(15);

/// What was asked of others beside the reading, when it is there.
pub(super) enum LateAnswer {
    /// Probes.
    Probed(ProbeResults),
    /// What controllers have stored of what they do.
    Doings(Vec<StoredDoings>),
    /// The events of cert-manager's Certificates, for a picture.
    CertificateEvents {
        of: ItemSubject,
        width: u16,
        said: CertificateEvents,
    },
}

/// One reading, and what others have answered about it so far.
pub(super) struct CurrentReading {
    pub(super) live: Live,
    pub(super) follower: Follower,
    /// The cluster; `None` for manifests.
    pub(super) connection: Option<Connection>,
    /// What is looked at.
    scope: Scope,
    pub(super) probed: Found,
    pub(super) said: CertificateEvents,
    /// Takes what was asked of others.
    pub(super) late: UnboundedSender<LateAnswer>,
    answers: UnboundedReceiver<LateAnswer>,
}

impl CurrentReading {
    /// Asks what controllers do, beside the reading.
    fn ask_for_doings(&self) {
        let Some(connection) = self.connection.clone() else {
            return;
        };
        let (late, scope) = (self.late.clone(), self.scope.clone());
        tokio::spawn(async move {
            let _ = late.send(LateAnswer::Doings(cluster::said(&connection, &scope).await));
        });
    }
}

impl ReadingParts {
    /// Begins to keep a reading current.
    pub(super) fn begin(
        &self,
        mut live: Live,
        start: Option<FollowStart>,
        connection: Option<Connection>,
    ) -> CurrentReading {
        let scope = start
            .as_ref()
            .map_or_else(Scope::everything, |start| start.scope.clone());
        let told = self.sink.clone();
        let tell = move |state| {
            let link = match state {
                LinkState::Current => Link::Up,
                LinkState::Lost(why) => Link::Lost(why),
            };
            let _ = told.send(Message::Link(link));
        };
        let options = FollowOptions {
            settle: SETTLE,
            fixed_time: self.at.is_some(),
        };
        let follower = Follower::begin(start, &mut live, options, tell);
        let (late, answers) = unbounded_channel();
        CurrentReading {
            live,
            follower,
            connection,
            scope,
            probed: Found::default(),
            said: CertificateEvents::new(),
            late,
            answers,
        }
    }

    /// Keeps the picture current and answers, until it is to be read anew.
    pub(super) async fn keep_current(&mut self, current: &mut CurrentReading) -> Option<Option<Connection>> {
        let mut again = interval_at(Instant::now() + DOINGS, DOINGS);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut early = std::mem::take(&mut self.early);
            tokio::select! {
                biased;
                ask = async { if early.is_empty() { self.asks.recv().await } else { early.pop() } } => {
                    // Whoever holds an arrow key down wants the last day, and the last picture.
                    let mut asks = early;
                    asks.push(ask?);
                    while let Ok(more) = self.asks.try_recv() {
                        asks.push(more);
                    }
                    for ask in latest(asks) {
                        if let Some(again) = self.asked(ask, current).await {
                            return Some(again);
                        }
                    }
                }
                Some(answer) = current.answers.recv() => self.late(answer, current),
                _ = again.tick() => current.ask_for_doings(),
                _ = current.follower.wait(&current.live) => {}
            }
            let live = &mut current.live;
            let news = current.follower.round(live).await;
            for forbidden in &news.unwatched {
                self.send(Message::Unwatched(forbidden.kind.plural()));
            }
            self.news(&live.inventory, &news.changed);
            self.news(&live.inventory, &news.due);
            if !news.is_empty() {
                self.apart(live);
            }
        }
    }

    /// Answers, or returns what another reading begins with.
    async fn asked(&mut self, ask: Ask, current: &mut CurrentReading) -> Option<Option<Connection>> {
        if let (Ask::Namespaces(names), Some(connection)) = (&ask, &current.connection)
            && let Some(told) = not_there(connection, names).await
        {
            self.send(told);
            return None;
        }
        match ask {
            ask @ (Ask::Read | Ask::Namespaces(_) | Ask::Context(_)) => self.again(ask).await,
            ask => {
                self.answer(ask, current);
                None
            }
        }
    }

    /// Tells rows in messages of moderate size, so that the screen is drawn between them.
    pub(super) fn rows(&self, inventory: &Inventory, judged: &[Judged], whole: bool) {
        let items =
            |judged: &[Judged]| -> Vec<Item> { judged.iter().filter_map(|one| Item::new(inventory, one)).collect() };
        if whole {
            self.send(Message::Rows {
                whole: true,
                set: items(judged),
                gone: Vec::new(),
            });
            return;
        }
        for part in judged.chunks(ROWS) {
            self.send(Message::Rows {
                whole: false,
                set: items(part),
                gone: Vec::new(),
            });
        }
    }

    /// How much is not chosen.
    pub(super) fn apart(&self, live: &Live) {
        if live.select.chooses() {
            self.send(Message::LeftOut(live.left_out()));
        }
    }

    pub(super) fn news(&self, inventory: &Inventory, news: &News) {
        if !news.gone.is_empty() {
            self.send(Message::Rows {
                whole: false,
                set: Vec::new(),
                gone: news.gone.clone(),
            });
        }
        self.rows(inventory, &news.judged, false);
    }
}
