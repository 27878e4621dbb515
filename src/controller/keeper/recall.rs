//! What a restart would forget: told for storing, and taken over again.

use super::{
    super::queue::{Queued, TaskKind, TaskState},
    Hold, Issuers, Keeper, SOON, Trouble, Wanted, set_of, wanted,
};
use crate::{
    inventory::Inventory,
    object::{
        Key, Seconds,
        doing::{Doing, DoingState},
    },
    text::time::DAY,
};

/// So long at most something is left alone because of what was stored, in seconds: no limit of a CA lasts longer.
const LONGEST: Seconds = 8 * DAY;

impl Keeper {
    /// What is done with the Secrets for which routes ask: with all of them, or with those alone that are not `healthy`.
    pub fn doings(&self, now: Seconds, healthy: bool) -> impl Iterator<Item = Doing> {
        let is_worth = move |queued: &&Queued| {
            healthy
                || !matches!(queued.state, TaskState::Scheduled { .. })
                || self.trouble.contains_key(&*queued.task.secret)
                || self.bounded.denied(&queued.task.secret).is_some()
                || self.bound(&queued.task.secret).is_some()
        };
        let queued = self.queue.iter().filter(is_worth);
        // What is held for a time has a place in the queue, too.
        let held = self.held.iter().filter(|(secret, _)| self.queue.get(secret).is_none());
        let held = held.map(|(secret, hold)| self.with_trouble(of_hold(secret, hold)));
        let queued = queued.map(move |queued| self.doing(queued, now));
        queued.chain(held).chain(self.copies.doings())
    }

    /// What is done with one Secret; `None` if nothing is.
    pub fn doing_of(&self, secret: &Key, now: Seconds) -> Option<Doing> {
        if let Some(queued) = self.queue.get(secret) {
            Some(self.doing(queued, now))
        } else {
            let hold = self.held.get(secret)?;
            Some(self.with_trouble(of_hold(secret, hold)))
        }
    }

    fn doing(&self, queued: &Queued, now: Seconds) -> Doing {
        let secret = &*queued.task.secret;
        let names = self.tried.get(secret);
        let mut doing = match self.held.get(secret) {
            Some(hold) => of_hold(secret, hold),
            None => of_task(queued),
        };
        doing.failures = queued.failures;
        doing.asked = (queued.task.kind != TaskKind::Renewal).then(|| queued.task.deadline.saturating_sub(SOON));
        doing.issued = names.map_or_else(Vec::new, |names| self.twice.issued(secret, names, now));
        doing.names = names.cloned();
        doing.elsewhere = self.away(secret).cloned();
        doing.bound = self.bound(secret).cloned();
        self.with_trouble(doing)
    }

    fn with_trouble(&self, mut doing: Doing) -> Doing {
        if let Some(trouble) = self.trouble.get(&doing.secret) {
            doing.after.clone_from(&trouble.after);
            doing.without = trouble.without.as_deref().map(Into::into);
        }
        if doing.without.is_none() {
            doing.without = self.bounded.denied(&doing.secret).map(Into::into);
        }
        doing
    }

    /// Takes over what was stored before a restart, as far as the same is still wanted. `same_issuer` says whether it was
    /// ordered at the same CA: otherwise only what was issued counts. Returns of how many Secrets something was taken over.
    pub fn recall(&mut self, inventory: &Inventory, doings: &[Doing], same_issuer: bool, now: Seconds) -> usize {
        let issuers = Issuers::of(inventory, self.keeping.ca.clone()).beside(&self.keeping.others);
        let mut count = 0;
        for doing in doings {
            let secret = &doing.secret;
            let Some(Wanted::Keep { target, .. }) = wanted::wanted(inventory, secret, &self.keeping.asked, &issuers)
            else {
                continue;
            };
            let set = set_of(&target.names.order);
            if let Some(names) = doing.names.as_ref().filter(|_| !doing.issued.is_empty()) {
                self.twice.restore(secret, names, &doing.issued, now);
            }
            if doing.after.is_some() || doing.without.is_some() {
                // What the policy leaves out follows from the picture.
                let denied = self.bounded.denied(secret);
                let without = doing.without.as_deref().filter(|without| denied != Some(without));
                let trouble = Trouble {
                    after: doing.after.clone(),
                    without: without.map(str::to_owned),
                };
                if trouble != Trouble::default() {
                    self.trouble.insert(secret.clone(), trouble);
                }
            }
            // What it failed of is no longer asked for, or is asked of another.
            let is_same = same_issuer && doing.names.as_ref().is_none_or(|names| *names == set);
            let due = self.queue.get(secret).filter(|queued| queued.task.due_at <= now);
            if let Some(queued) = due.filter(|_| is_same).cloned() {
                self.take_over(doing, queued, now);
                count += 1;
            }
        }
        count
    }

    fn take_over(&mut self, doing: &Doing, queued: Queued, now: Seconds) {
        let secret = &doing.secret;
        let mut task = queued.task;
        if let Some(asked) = doing
            .asked
            .filter(|asked| *asked <= now && task.kind != TaskKind::Renewal)
        {
            task.deadline = asked.saturating_add(SOON);
        }
        let due_at = task.due_at;
        self.queue.upsert(task);
        if let Some(names) = &doing.names {
            self.tried.insert(secret.clone(), names.clone());
        }
        let until = doing.until.unwrap_or(now).min(now.saturating_add(LONGEST));
        let reason = doing.message.clone();
        let state = match doing.state {
            DoingState::BackOff => TaskState::BackOff { until, reason },
            DoingState::Waiting => TaskState::Waiting { until, reason },
            DoingState::Limited => TaskState::Limited { until, limit: reason },
            DoingState::Held if doing.reason == Hold::TwoADay(until).reason() && until > now => {
                let hold = Hold::TwoADay(until);
                let reason = hold.to_string().into();
                self.held.insert(secret.clone(), hold);
                TaskState::Waiting { until, reason }
            }
            DoingState::Held | DoingState::Scheduled | DoingState::Ready | DoingState::Running => {
                TaskState::Scheduled { at: due_at }
            }
        };
        if matches!(state, TaskState::Limited { .. }) {
            self.limited.insert(secret.clone());
        }
        let since = doing.since.filter(|since| *since <= now);
        self.queue.restore(secret, doing.failures, since, state);
    }
}

fn of_hold(secret: &Key, hold: &Hold) -> Doing {
    Doing {
        state: DoingState::Held,
        reason: hold.reason().into(),
        message: hold.to_string().into(),
        until: hold.until(),
        ..Doing::of(secret.clone())
    }
}

fn of_task(queued: &Queued) -> Doing {
    let doing = Doing {
        reason: queued.task.kind.as_str().into(),
        until: queued.state.until(),
        since: queued.failing_since,
        ..Doing::of(Key::clone(&queued.task.secret))
    };
    let said = |state, message: &crate::object::Text| (state, message.clone());
    let (state, message) = match &queued.state {
        TaskState::Scheduled { .. } => (DoingState::Scheduled, "".into()),
        TaskState::Ready => (DoingState::Ready, "".into()),
        TaskState::Running { since } => {
            return Doing {
                state: DoingState::Running,
                // The failures before it keep their beginning.
                since: queued.failing_since.or(Some(*since)),
                ..doing
            };
        }
        TaskState::BackOff { reason, .. } => said(DoingState::BackOff, reason),
        TaskState::Waiting { reason, .. } => said(DoingState::Waiting, reason),
        TaskState::Limited { limit, .. } => said(DoingState::Limited, limit),
        TaskState::Held { rule } => said(DoingState::Held, rule),
    };
    Doing {
        state,
        message,
        ..doing
    }
}
