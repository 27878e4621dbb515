//! Following a cluster: what its watch tells and what time alone changes goes into a [`Live`], round by round, and what may
//! look different comes out.
//!
//! Who follows waits in a loop of its own, where it may wait for other things too, and decides what to do with the news.

use std::time::Duration;

use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
};

use super::live::{Live, News};
use crate::{
    clock::now,
    k8s::{Connection, Listing, WatchState, watch},
    object::{Change, Forbidden, Key, Seconds},
    source::Scope,
};

/// How many changes may wait for the inventory.
const WAITING: usize = 256;
/// Changes that come together are told together.
const TOGETHER: usize = 1024;
/// So many at most, while more is waited for.
const MOST: usize = 4 * TOGETHER;
/// Time alone changes verdicts by the second at most, and nobody watches that closely.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(1);

/// Where following begins: what a scan that a watch is to follow has left.
#[derive(Debug)]
pub struct FollowStart {
    /// The cluster.
    pub connection: Connection,
    /// What is looked at.
    pub scope: Scope,
    /// Where each watch starts.
    pub listing: Listing,
    /// The Secrets that were fetched by name.
    pub fetched: Vec<Key>,
}

/// How it is followed.
#[derive(Debug, Clone, Copy)]
pub struct FollowOptions {
    /// After the last change, so long is waited for more: a deployment changes many objects at once.
    pub settle: Duration,
    /// Whether the moment of judging is fixed, so that time alone changes nothing.
    pub fixed_time: bool,
}

/// How it stands with the watch's connection. Told when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// What is known is current again.
    Current,
    /// What is known may be old; why, for people, not cleared.
    Lost(String),
}

/// What one round brought.
#[derive(Debug, Default)]
pub struct FollowNews {
    /// Kinds whose changes may not be seen.
    pub unwatched: Vec<Forbidden>,
    /// What the changes touched.
    pub changed: News,
    /// What time has changed.
    pub due: News,
}

impl FollowNews {
    /// Whether no row may look different.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.due.is_empty()
    }
}

/// Follows a cluster until it is dropped.
#[derive(Debug)]
pub struct Follower {
    changes: Receiver<Change>,
    /// Takes the Secrets that are to be followed by name.
    name: Sender<Key>,
    options: FollowOptions,
    /// What has come and is not applied yet.
    batch: Vec<Change>,
    /// Whether no changes will come any more.
    ended: bool,
    watch: Option<JoinHandle<()>>,
}

impl Follower {
    /// Follows from what was read on. Without a start, as with manifests, only time changes anything. `tell` hears how it stands
    /// with the connection.
    pub fn begin(
        start: Option<FollowStart>,
        live: &mut Live,
        options: FollowOptions,
        tell: impl Fn(LinkState) + Send + Sync + 'static,
    ) -> Self {
        let (sink, changes) = mpsc::channel(WAITING);
        let (name, named) = mpsc::channel(WAITING);
        let mut follower = Self::over(changes, name, options);
        follower.ended = start.is_none();
        follower.watch = start.map(|start| {
            for key in start.fetched {
                live.follow(key);
            }
            live.hand_on(&follower.name);
            let (connection, scope, listing) = (start.connection, start.scope, start.listing);
            let report = move |state| match state {
                WatchState::Connected => tell(LinkState::Current),
                WatchState::Lost { why, .. } => tell(LinkState::Lost(why)),
                WatchState::Relisted(kind) => log::debug!("{} were listed again", kind.plural()),
            };
            tokio::spawn(async move { watch(&connection, &scope, listing, named, sink, report).await })
        });
        follower
    }

    fn over(changes: Receiver<Change>, name: Sender<Key>, options: FollowOptions) -> Self {
        Self {
            changes,
            name,
            options,
            batch: Vec::new(),
            ended: false,
            watch: None,
        }
    }

    /// Fixes the moment of judging, or lets it go on.
    pub fn fix_time(&mut self, fixed: bool) {
        self.options.fixed_time = fixed;
    }

    /// Waits until there may be something to do: changes have come, or a moment at which time changes something. `false` when no
    /// changes will come any more. Whoever gives it up loses nothing.
    pub async fn wait(&mut self, live: &Live) -> bool {
        let asleep = tokio::time::sleep(until_time_changes_something(
            live.next_change().filter(|_| !self.options.fixed_time),
            live.rules.now,
        ));
        tokio::select! {
            biased;
            received = self.changes.recv_many(&mut self.batch, TOGETHER), if !self.ended => self.ended = received == 0,
            () = asleep => {}
        }
        !self.ended
    }

    /// Applies what has come, and judges again what it touched and what is due. To be called after each wait, and whenever
    /// something else took time.
    pub async fn round(&mut self, live: &mut Live) -> FollowNews {
        self.gather().await;
        if !self.options.fixed_time {
            live.rules.now = now();
        }
        let mut news = FollowNews::default();
        for change in self.batch.drain(..) {
            match change {
                Change::Forbidden(forbidden) if forbidden.verb == "watch" => news.unwatched.push(forbidden),
                change => live.apply(change),
            }
        }
        news.changed = live.judge_changes();
        live.hand_on(&self.name);
        // Time goes on while changes come: what is due is looked at in every round.
        news.due = live.time(live.rules.now);
        news
    }

    /// Takes what comes soon after what has come.
    async fn gather(&mut self) {
        if self.batch.is_empty() || self.options.settle.is_zero() {
            return;
        }
        tokio::time::sleep(self.options.settle).await;
        while self.batch.len() < MOST {
            let Ok(change) = self.changes.try_recv() else { break };
            self.batch.push(change);
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}

/// How long nothing changes by time alone, when it is `now` and something changes at `next`.
fn until_time_changes_something(next: Option<Seconds>, now: Seconds) -> Duration {
    let left = next.and_then(|at| u64::try_from(at.saturating_sub(now).max(0)).ok());
    left.map_or(LONGEST, Duration::from_secs).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        check::{Rules, Select},
        inventory::{
            Inventory,
            fixtures::{NOW, ingress, key},
        },
        object::{Kind, Object},
        scan::{About, secrets::Unresolved},
        x509::{
            Judge,
            trust::{Anchors, Memo},
        },
    };

    fn live() -> Live {
        let rules = Rules {
            now: NOW,
            expiring_within: None,
        };
        let judge = Judge::new(Anchors::default(), Memo::default());
        let (select, wanted) = (Select::default(), BTreeSet::new());
        Live::new(
            Inventory::new("", false),
            judge,
            rules,
            select,
            wanted,
            Unresolved::default(),
        )
    }

    fn route(name: &str) -> Change {
        let host = format!("{name}.example");
        Change::Set(Object::Ingress(ingress(
            "shop",
            name,
            &[(&[host.as_str()], "shop-tls")],
        )))
    }

    fn options(settle: u64) -> FollowOptions {
        FollowOptions {
            settle: Duration::from_millis(settle),
            fixed_time: true,
        }
    }

    #[test]
    fn time_wakes_once_a_second_at_most_and_once_an_hour_at_least() {
        let wakes = |next| until_time_changes_something(next, NOW).as_secs();
        assert_eq!(wakes(None), 3600);
        assert_eq!(wakes(Some(NOW - 5)), 1);
        assert_eq!(wakes(Some(NOW + 90)), 90);
        assert_eq!(wakes(Some(NOW + 90_000)), 3600);
        assert_eq!(wakes(Some(Seconds::MAX)), 3600);
    }

    #[tokio::test]
    async fn what_changes_together_is_one_round_and_what_is_named_is_handed_on() {
        let (sink, changes) = mpsc::channel(WAITING);
        let (name, mut named) = mpsc::channel(WAITING);
        let mut follower = Follower::over(changes, name, options(50));
        let mut live = live();
        sink.send(route("a")).await.unwrap();
        let forbidden = Forbidden {
            kind: Kind::IngressClass,
            namespace: None,
            name: None,
            verb: "watch",
        };
        assert!(follower.wait(&live).await);
        // These come while it settles.
        sink.send(route("b")).await.unwrap();
        sink.send(Change::Forbidden(forbidden)).await.unwrap();
        let news = follower.round(&mut live).await;
        assert_eq!(news.unwatched.len(), 1);
        let about: Vec<&About> = news.changed.judged.iter().map(|judged| &judged.about).collect();
        assert_eq!(about.len(), 2, "{about:?}");
        assert!(news.due.is_empty());
        assert_eq!(live.rules.now, NOW, "the moment is fixed");
        assert_eq!(named.try_recv().unwrap(), key("shop", "shop-tls"));
        // Whoever looks without having waited finds nothing new.
        assert!(follower.round(&mut live).await.is_empty());
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_loses_nothing_and_the_end_is_told() {
        let (sink, changes) = mpsc::channel(WAITING);
        let (name, _named) = mpsc::channel(WAITING);
        let mut follower = Follower::over(changes, name, options(0));
        let mut live = live();
        let soon = Duration::from_millis(10);
        assert!(tokio::time::timeout(soon, follower.wait(&live)).await.is_err());
        sink.send(route("a")).await.unwrap();
        drop(sink);
        follower.fix_time(false);
        assert!(follower.wait(&live).await);
        assert_eq!(follower.round(&mut live).await.changed.judged.len(), 1);
        assert!(live.rules.now != NOW, "time goes on");
        assert!(!follower.wait(&live).await, "no changes come any more");
    }
}
