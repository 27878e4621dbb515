//! What a leader may do, and until when: a value that newOrder, finalize and writes take.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    engine::{
        authority::{Leads, NotNow},
        lease::Leading,
    },
    error::{Blame, Diagnose},
    object::Text,
    text::Clear,
};

/// One term of one leader: no other term, of this process or another, has the same. Epochs have no order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// The uid of the Lease.
    pub lease: Text,
    /// How many times the Lease has been acquired.
    pub transitions: i64,
    /// The identity of the process.
    pub identity: Text,
}

impl fmt::Display for Epoch {
    /// Writes `UID/TRANSITIONS/IDENTITY`, the form of annotations.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            Clear(&self.lease),
            self.transitions,
            Clear(&self.identity)
        )
    }
}

/// A text is not an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has not the form UID/TRANSITIONS/IDENTITY")]
pub struct NoEpoch;

impl FromStr for Epoch {
    type Err = NoEpoch;

    /// Reads the form that [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, NoEpoch> {
        let mut parts = text.splitn(3, '/');
        let (lease, transitions, identity) = (parts.next(), parts.next(), parts.next());
        let transitions = transitions.and_then(|number| number.parse().ok()).ok_or(NoEpoch)?;
        let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(Text::from).ok_or(NoEpoch);
        Ok(Self {
            lease: some(lease)?,
            transitions,
            identity: some(identity)?,
        })
    }
}

/// Whether this process leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does not.
    Follower {
        /// The identity of who does, cleared for a terminal; `None` if that is not known.
        holder: Option<Text>,
    },
    /// It does, as far as its own clock tells: [`Leadership::permit`] says whether it may act.
    Leader {
        /// Its term.
        epoch: Epoch,
    },
}

/// Why this process may not act as the leader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLeader {
    /// It does not lead.
    #[error("this process does not lead{}", .holder.as_ref().map(|who| format!(": {who} does")).unwrap_or_default())]
    Follower {
        /// Who does, if that is known.
        holder: Option<Text>,
    },
    /// It led, and the Lease was not renewed in time.
    #[error("this process has not renewed the leader's Lease in time")]
    Late,
    /// The term of a permission has ended.
    #[error("the term in which this was begun has ended")]
    Ended,
}

impl Diagnose for NotLeader {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Follower { .. } => "nothing has to be done: the leader issues",
            Self::Late => "see whether the API server answers: kubectl get --raw /readyz",
            Self::Ended => "nothing has to be done: the next leader goes on from the journal",
        };
        Some(hint.to_owned())
    }

    fn blame(&self) -> Blame {
        Blame::Cluster
    }
}

/// A clock that goes on while the machine sleeps.
pub(super) type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A term while it lasts.
pub(super) struct Term {
    epoch: Epoch,
    leading: Leading,
    clock: Clock,
    /// Until when the leader may act, by the clock, in milliseconds.
    until: AtomicU64,
    ended: AtomicBool,
}

impl Term {
    pub(super) fn new(epoch: Epoch, leading: Leading, clock: Clock, until: Duration) -> Self {
        Self {
            epoch,
            leading,
            clock,
            until: AtomicU64::new(millis(until)),
            ended: AtomicBool::new(false),
        }
    }

    pub(super) fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    pub(super) fn until(&self) -> Duration {
        Duration::from_millis(self.until.load(Ordering::Acquire))
    }

    pub(super) fn extend(&self, until: Duration) {
        self.until.store(millis(until), Ordering::Release);
    }

    /// Ends the term for good, and every permission of it.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn check(&self, until: Duration) -> Result<(), NotLeader> {
        if self.ended.load(Ordering::Acquire) {
            return Err(NotLeader::Ended);
        }
        if (self.clock)() >= until {
            return Err(NotLeader::Late);
        }
        Ok(())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What both sides of the watch share: the term that is permitted now.
pub(super) type Current = Arc<Mutex<Option<Arc<Term>>>>;

/// Says whether this process leads, to whoever has to know. Cheap to clone.
#[derive(Clone)]
pub struct Leadership {
    states: watch::Receiver<State>,
    current: Current,
}

impl fmt::Debug for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leadership")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Leadership {
    pub(super) fn new(states: watch::Receiver<State>, current: Current) -> Self {
        Self { states, current }
    }

    /// Whether this process leads.
    pub fn state(&self) -> State {
        self.states.borrow().clone()
    }

    /// A receiver of each change.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.states.clone()
    }

    /// What lets orders and writes of a term begin.
    pub fn in_term(&self, epoch: Epoch) -> InTerm {
        InTerm {
            leadership: self.clone(),
            epoch,
        }
    }

    /// The permission to begin one newOrder, finalize or write now. Ask for each anew.
    ///
    /// # Errors
    ///
    /// This process does not lead, or has not renewed the Lease in time.
    pub fn permit(&self) -> Result<Permission, NotLeader> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(term) = current else {
            let holder = match self.state() {
                State::Follower { holder } => holder,
                State::Leader { .. } => None,
            };
            return Err(NotLeader::Follower { holder });
        };
        let until = term.until();
        term.check(until)?;
        Ok(Permission { term, until })
    }
}

/// Lets what was begun in one term go on while that lasts. In the next term of the same process it may not: it was cancelled
/// meanwhile, and leaves its orders to what is begun then.
#[derive(Debug, Clone)]
pub struct InTerm {
    leadership: Leadership,
    epoch: Epoch,
}

impl InTerm {
    fn permit(&self) -> Result<Permission, NotLeader> {
        let permission = self.leadership.permit()?;
        if *permission.epoch() != self.epoch {
            return Err(NotLeader::Ended);
        }
        permission.check()?;
        Ok(permission)
    }
}

impl Leads for InTerm {
    fn now(&self) -> Result<Leading, NotNow> {
        match self.permit() {
            Ok(permission) => Ok(permission.leading().clone()),
            Err(error) => Err(NotNow(error.to_string())),
        }
    }
}

/// The permission to act as the leader until a moment that does not move.
#[derive(Clone)]
pub struct Permission {
    term: Arc<Term>,
    until: Duration,
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permission")
            .field("epoch", &self.term.epoch)
            .field("left", &self.left())
            .finish_non_exhaustive()
    }
}

impl Permission {
    /// The term in which it was given.
    pub fn epoch(&self) -> &Epoch {
        &self.term.epoch
    }

    /// Whether it still holds: to be asked right before what it is for begins.
    ///
    /// # Errors
    ///
    /// Its moment has passed, or the term has ended.
    pub fn check(&self) -> Result<(), NotLeader> {
        self.term.check(self.until)
    }

    /// For how long it still holds, by the clock that goes on while the machine sleeps.
    pub fn left(&self) -> Duration {
        match self.check() {
            Ok(()) => self.until.saturating_sub((self.term.clock)()),
            Err(_) => Duration::ZERO,
        }
    }

    /// The controller for the Leases on Secrets: it notes itself on them, and takes those of former leaders at once.
    pub fn leading(&self) -> &Leading {
        &self.term.leading
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(identity: &str) -> Epoch {
        Epoch {
            lease: "5f0c".into(),
            transitions: 3,
            identity: identity.into(),
        }
    }

    fn led(now: &Arc<AtomicU64>) -> (Arc<Term>, Leadership, watch::Sender<State>) {
        let (clock, epoch) = (Arc::clone(now), epoch("pod_1"));
        let leading = Leading {
            install: "prod".into(),
            identity: "pod_1".into(),
            is_alone: true,
        };
        let clock: Clock = Arc::new(move || Duration::from_millis(clock.load(Ordering::SeqCst)));
        let term = Arc::new(Term::new(epoch.clone(), leading, clock, Duration::from_secs(10)));
        let (states, watch) = watch::channel(State::Leader { epoch });
        let leadership = Leadership::new(watch, Arc::new(Mutex::new(Some(Arc::clone(&term)))));
        (term, leadership, states)
    }

    #[test]
    fn a_permission_ends_with_its_moment_also_while_the_machine_sleeps() {
        let now = Arc::new(AtomicU64::new(1_000));
        let (term, leadership, _states) = led(&now);
        let permission = leadership.permit().unwrap();
        assert_eq!(
            (permission.check(), permission.left()),
            (Ok(()), Duration::from_secs(9))
        );
        assert_eq!(permission.epoch(), &epoch("pod_1"));
        // A renewal is for the next permission.
        term.extend(Duration::from_secs(20));
        now.store(10_000, Ordering::SeqCst);
        assert_eq!(
            (permission.check(), permission.left()),
            (Err(NotLeader::Late), Duration::ZERO)
        );
        let next = leadership.permit().unwrap();
        assert_eq!(next.left(), Duration::from_secs(10));
        // The lid was closed for an hour.
        now.fetch_add(3_600_000, Ordering::SeqCst);
        assert_eq!(next.check(), Err(NotLeader::Late));
        assert_eq!(leadership.permit().map(drop), Err(NotLeader::Late));
    }

    #[test]
    fn a_permission_ends_with_its_term() {
        let now = Arc::new(AtomicU64::new(0));
        let (term, leadership, _states) = led(&now);
        let permission = leadership.permit().unwrap();
        term.end();
        term.extend(Duration::from_secs(99));
        assert_eq!(permission.check(), Err(NotLeader::Ended));
        assert_eq!(leadership.permit().map(drop), Err(NotLeader::Ended));
        assert!(NotLeader::Late.hint().unwrap().contains("readyz"));
    }

    #[test]
    fn what_was_begun_in_a_term_does_not_go_on_in_the_next_of_the_same_process() {
        let now = Arc::new(AtomicU64::new(0));
        let (term, leadership, _states) = led(&now);
        let first = leadership.in_term(epoch("pod_1"));
        assert_eq!(first.now().map(|leading| leading.identity), Ok("pod_1".into()));
        let next = Epoch {
            transitions: 4,
            ..epoch("pod_1")
        };
        let (leading, until) = (term.leading.clone(), Duration::from_secs(10));
        let again = Term::new(next.clone(), leading, Arc::clone(&term.clock), until);
        term.end();
        *leadership.current.lock().unwrap() = Some(Arc::new(again));
        assert_eq!(first.now(), Err(NotNow(NotLeader::Ended.to_string())));
        assert!(leadership.in_term(next).now().is_ok());
    }

    #[test]
    fn an_epoch_is_read_back_as_it_was_written() {
        for text in ["5f0c/3/pod_1", "a/0/b/c d"] {
            assert_eq!(text.parse::<Epoch>().unwrap().to_string(), text);
        }
        assert_ne!(epoch("pod_1"), epoch("pod_2"));
        for text in ["", "a", "a/b/c", "a/1", "a/1/", "/1/c"] {
            assert_eq!(text.parse::<Epoch>(), Err(NoEpoch), "{text}");
        }
    }
}
