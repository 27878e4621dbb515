//! What became of orders: from there back to the queue.

use super::{
    super::{
        fate::Fate,
        queue::{Failure, TaskKind},
        restores::Undone,
        twice::set_of,
    },
    Hold, Keeper, SELDOM, SOON, Trouble, WAITED,
};
use crate::{
    object::{Key, Seconds, Text, doing::AfterStoring},
    plan::Target,
};

impl Keeper {
    /// Whether there are enough certificates for the names of a target that was taken, which is held then.
    pub fn is_too_often(&mut self, target: &Target, now: Seconds) -> bool {
        let (secret, set) = (&target.secret, set_of(&target.names.order));
        let Some(until) = self.twice.until(secret, &set, target.enough_within(), now) else {
            self.held.remove(secret);
            return false;
        };
        self.hold_for_a_time(secret, Hold::TwoADay(until), until, now);
        true
    }

    /// Holds a target that was taken, because somebody undoes it again and again that its pair is put back.
    pub fn hold_undone(&mut self, secret: &Key, Undone { times, until }: Undone, now: Seconds) {
        self.hold_for_a_time(secret, Hold::Undone { times, until }, until, now);
    }

    pub(super) fn hold_for_a_time(&mut self, secret: &Key, hold: Hold, until: Seconds, now: Seconds) {
        self.queue.waiting(secret, now, until, hold.to_string().into());
        self.hold(secret, hold);
    }

    /// Whether a Secret waited for a limit before it was taken.
    pub fn was_limited(&self, secret: &Key) -> bool {
        self.limited.contains(secret)
    }

    /// Takes note of what became of an order.
    pub fn ended(&mut self, secret: &Key, fate: Fate, now: Seconds) {
        if matches!(fate, Fate::Limited { .. }) {
            self.limited.insert(secret.clone());
        } else {
            self.limited.remove(secret);
        }
        match &fate {
            Fate::Limited {
                until,
                limit,
                elsewhere: true,
            } => self.note_limit(secret, self.issuer_of(secret), *until, limit.clone()),
            // The next one is ordered where it is usual, or where that is decided anew.
            Fate::Stored | Fate::StoredBut { .. } | Fate::NotWanted | Fate::Failed { .. } => self.comes_back(secret),
            Fate::Limited { .. } | Fate::Waiting { .. } | Fate::CaDown => {}
        }
        if matches!(fate, Fate::Stored | Fate::StoredBut { .. })
            && let Some(set) = self.tried.get(secret)
        {
            self.twice.stored(secret, set.clone(), now);
        }
        let trouble = self.trouble.entry(secret.clone()).or_default();
        match fate {
            Fate::Stored => {
                *trouble = Trouble::default();
                self.done(secret);
            }
            Fate::StoredBut { after, without } => {
                let reason = without.as_deref().map(Text::from);
                *trouble = Trouble {
                    after: after.map(|message| AfterStoring {
                        at: now,
                        message: message.into(),
                        is_unrestarted: false,
                    }),
                    without,
                };
                match reason {
                    None => self.done(secret),
                    // The names that failed are tried again after a pause, and not at once and for ever.
                    Some(reason) => {
                        let ca_answered = true;
                        self.queue.failed(secret, now, Failure { reason, ca_answered });
                    }
                }
            }
            Fate::NotWanted => {
                self.tried.remove(secret);
                self.queue.dropped(secret);
            }
            Fate::Waiting { until, reason } => {
                let until = until.max(now.saturating_add(self.pause_of_waiting(secret, now)));
                self.queue.waiting(secret, now, until, reason);
            }
            Fate::Limited { until, limit, .. } => self.queue.limited(secret, now, until, limit),
            Fate::CaDown => self.queue.ca_down(secret, now),
            Fate::Failed { reason, ca_answered } => {
                self.queue.failed(secret, now, Failure { reason, ca_answered });
            }
        }
        if self.trouble.get(secret) == Some(&Trouble::default()) {
            self.trouble.remove(secret);
        }
    }

    /// How long it is not looked at something that waits, in seconds: longer the longer it has waited since it was asked for.
    fn pause_of_waiting(&self, secret: &Key, now: Seconds) -> Seconds {
        let queued = self
            .queue
            .get(secret)
            .filter(|queued| queued.task.kind != TaskKind::Renewal);
        let waited = queued.map_or(0, |queued| {
            now.saturating_sub(queued.task.deadline.saturating_sub(SOON))
        });
        (waited / WAITED).clamp(0, SELDOM)
    }

    fn done(&mut self, secret: &Key) {
        self.tried.remove(secret);
        self.queue.done(secret);
    }

    /// Takes note of what there is to say of a stored certificate by now, if anything.
    pub fn after(&mut self, secret: &Key, message: Option<&str>, now: Seconds) {
        let trouble = self.trouble.entry(secret.clone()).or_default();
        trouble.after = message.map(|message| AfterStoring {
            at: trouble.after.as_ref().map_or(now, |before| before.at),
            message: message.into(),
            is_unrestarted: false,
        });
        if *trouble == Trouble::default() {
            self.trouble.remove(secret);
        }
    }
}
