//! The loop's part in issuers besides the first: whether certificates could change to them, which do, and rehearsals of that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{Controller, Heard};
use crate::{
    apply::events::Reason,
    clock::now,
    controller::{
        audit::Audit,
        fate::{Fate, fate},
        keeper::change::{Moved, ToCheck},
    },
    engine::{cancel::Cancel, preflight::change::Change},
    error::with_hint,
    event::Level,
    name::Name,
    notify::Topic,
    object::{Key, Seconds, Text, doing::Rehearsal},
    ops::{
        OpError,
        pause::Told,
        unattended::{self, Checked},
    },
    text::{counted, first_few, time::DAY},
};

/// How often everything is looked at; how soon again where a CA has not answered; and how soon what is new.
const ALL: Duration = Duration::from_hours(6);
const UNKNOWN: Duration = Duration::from_mins(10);
const NEW: Duration = Duration::from_secs(2);
/// How long a rehearsal that passed is good for, and one that failed, in seconds.
const PASSED: Seconds = 30 * DAY;
const FAILED: Seconds = DAY;
/// How long after one that could not begin it is tried again.
const LATER: Duration = Duration::from_mins(10);
/// How long nothing else is to be done for a certificate that is taken for one, in seconds.
const QUIET: Seconds = 60;
/// How many different reasons are told one by one.
const MOST_TOLD: usize = 20;

/// What is known of the other issuers.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Whether it is being looked.
    is_checking: bool,
    /// When everything is looked at again; `None` before it was.
    all_at: Option<Instant>,
    /// When it was looked last.
    looked: Option<Instant>,
    /// What was told last of certificates that could be ordered at no other issuer.
    told: Option<BTreeMap<Text, usize>>,
    /// What came of the last rehearsals, by issuer.
    rehearsals: BTreeMap<Text, Rehearsal>,
    /// Whether one is under way.
    pub(super) is_rehearsing: bool,
    /// Before which none is begun.
    rehearses_at: Option<Instant>,
    /// The issuers that are being asked whether they are back.
    probed: BTreeSet<Text>,
}

/// What is told to the loop.
pub(super) enum News {
    /// Whether a CA that was down is back.
    Probed(Text, bool),
    /// Whether a CA at which something is to be ordered answers, or why not.
    Answered(Text, Result<(), Text>),
    /// What was found of changes.
    Checked(Vec<ToCheck>, Vec<Checked>),
    /// What came of a rehearsal of a change to an issuer, at a test environment, for these names; nothing if it was cut off.
    Rehearsed(Text, Vec<Name>, Option<Result<(), Text>>),
}

impl Others {
    /// Forgets what another process may have done meanwhile.
    pub(super) fn forget(&mut self) {
        self.all_at = None;
        self.rehearsals.clear();
    }

    /// Has everything looked at again at once.
    pub(super) fn look_again(&mut self) {
        self.all_at = None;
    }

    /// Takes over what the leader before has stored.
    pub(super) fn recall(&mut self, rehearsals: Vec<Rehearsal>) {
        let all = rehearsals.into_iter().map(|of| (of.issuer.clone(), of));
        self.rehearsals = all.collect();
    }

    /// Whether the last rehearsal of a change to any issuer failed.
    pub(super) fn has_failed(&self) -> bool {
        self.rehearsals().any(|of| of.failed.is_some())
    }

    /// What came of the last rehearsals.
    pub(super) fn rehearsals(&self) -> impl Iterator<Item = &Rehearsal> {
        self.rehearsals.values()
    }

    /// What came of the last rehearsal of a change to an issuer.
    pub(super) fn rehearsal(&self, issuer: &str) -> Option<&Rehearsal> {
        self.rehearsals.get(issuer)
    }

    /// How long it is until something is to be done, if anything is.
    fn is_in(&self, has_unchecked: bool) -> Option<Duration> {
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        let all = self.all_at.map_or(Duration::ZERO, left);
        let new = has_unchecked.then(|| self.looked.map_or(Duration::ZERO, |at| left(at + NEW)));
        (!self.is_checking).then(|| new.map_or(all, |new| new.min(all)))
    }

    fn is_due(&self, issuer: &str, at: Seconds) -> bool {
        self.rehearsals.get(issuer).is_none_or(|last| {
            let pause = if last.failed.is_none() { PASSED } else { FAILED };
            at.saturating_sub(last.at) >= pause
        })
    }
}

impl Controller {
    /// How long it is until something is to be done for the other issuers.
    pub(super) fn others_in(&self) -> Option<Duration> {
        if !self.keeper.has_others() || self.term.is_none() {
            return None;
        }
        let checks = self.others.is_in(self.keeper.has_unchecked());
        let rehearses = self.others.rehearses_at.filter(|_| self.may_rehearse());
        let rehearses = rehearses.map(|at| at.saturating_duration_since(Instant::now()));
        checks.into_iter().chain(rehearses).min()
    }

    /// Decides anew at which issuer certificates are ordered, looks what could change, and rehearses it. Nothing of it is
    /// waited for.
    pub(super) fn look_at_others(&mut self) {
        if self.term.is_none() || !self.memory.is_recalled {
            return;
        }
        self.probe();
        if !self.keeper.has_others() {
            return;
        }
        for moved in self.keeper.choose(&self.live.inventory, now()) {
            self.say_moved(&moved);
        }
        self.check();
        self.rehearse();
    }

    fn say_moved(&self, moved: &Moved) {
        let (event, level, secret, issuer, message) = match moved {
            Moved::To(secret, issuer, why) => ("issuer-changed", "info", secret, issuer.as_str(), why),
            Moved::Stuck(secret, why) => ("issuer-not-changed", "error", secret, "", why),
        };
        self.audit.line([
            ("event", event.into()),
            ("level", level.into()),
            ("namespace", secret.namespace.as_str().into()),
            ("secret", secret.name.as_str().into()),
            ("ca", issuer.into()),
            ("message", message.as_str().into()),
        ]);
    }

    /// Asks CAs that are down whether they are back, where no certificate waits for that.
    fn probe(&mut self) {
        let due: Vec<Text> = self.keeper.queue.to_probe(now()).cloned().collect();
        for issuer in due {
            if !self.others.probed.insert(issuer.clone()) {
                continue;
            }
            let (probing, tells) = (self.unattended.probing(&self.context, &issuer), self.tells.clone());
            let runtime = tokio::runtime::Handle::current();
            tokio::task::spawn_blocking(move || {
                let is_back = runtime.block_on(probing);
                let _ = tells.send(Heard::Others(News::Probed(issuer, is_back)));
            });
        }
    }

    /// Begins to look whether certificates could change.
    fn check(&mut self) {
        if self.others.is_in(self.keeper.has_unchecked()) != Some(Duration::ZERO) {
            return;
        }
        let all = self.others.all_at.is_none_or(|at| at <= Instant::now());
        self.others.looked = Some(Instant::now());
        if all {
            self.others.all_at = Some(Instant::now() + ALL);
        }
        let checks = self.keeper.to_check(&self.live.inventory, all);
        let mut asked: BTreeMap<Text, Vec<Vec<Name>>> = BTreeMap::new();
        for check in &checks {
            for issuer in &check.others {
                asked.entry(issuer.clone()).or_default().push(check.names.clone());
            }
        }
        self.others.is_checking = true;
        let checking = self.unattended.checking(&self.context, asked.into_iter().collect());
        let (tells, runtime) = (self.tells.clone(), tokio::runtime::Handle::current());
        tokio::task::spawn_blocking(move || {
            let found = runtime.block_on(checking.run());
            let _ = tells.send(Heard::Others(News::Checked(checks, found)));
        });
    }

    /// Takes note of what is told.
    pub(super) fn of_others(&mut self, news: News) {
        match news {
            News::Probed(issuer, is_back) => {
                self.others.probed.remove(&issuer);
                if is_back {
                    self.ca_answered.insert(issuer.clone(), Instant::now());
                }
                self.note(|keeper| keeper.queue.probed(&issuer, is_back, now()));
            }
            News::Answered(issuer, result) => self.answered(&issuer, &result),
            News::Checked(checks, found) => self.checked(&checks, &found),
            News::Rehearsed(issuer, names, result) => self.rehearsed(issuer, &names, result),
        }
    }

    fn checked(&mut self, checks: &[ToCheck], found: &[Checked]) {
        self.others.is_checking = false;
        let mut at: BTreeMap<&Text, usize> = BTreeMap::new();
        for check in checks {
            let of_issuers = check.others.iter().map(|issuer| {
                let number = at.entry(issuer).or_default();
                let of = found.iter().find(|of| of.issuer == *issuer);
                let change = of.and_then(|of| of.found.names.get(*number));
                *number += 1;
                change.cloned().unwrap_or_else(|| Change::Unknown(String::new()))
            });
            self.keeper.checked(check, of_issuers.collect());
        }
        for of in found {
            if let Change::Unknown(why) = &of.found.account {
                log::debug!("{}: {why}", of.issuer);
                let soon = Instant::now() + UNKNOWN;
                self.others.all_at = self.others.all_at.map(|at| at.min(soon));
            }
        }
        self.say_bound();
    }

    /// Says which certificates could be ordered at no other issuer, and what is to be done, if that is news.
    fn say_bound(&mut self) {
        let mut bound: BTreeMap<Text, Vec<&Key>> = BTreeMap::new();
        for (secret, why) in self.keeper.bound_ones() {
            bound.entry(why.clone()).or_default().push(secret);
        }
        let counts: BTreeMap<Text, usize> = bound.iter().map(|(why, all)| (why.clone(), all.len())).collect();
        if self.others.told.as_ref() == Some(&counts) {
            return;
        }
        let count: usize = counts.values().sum();
        if count == 0 {
            self.audit.line([
                ("event", "other-ca-checked".into()),
                ("message", "every certificate could be ordered at another CA".into()),
            ]);
            if self.others.told.as_ref().is_some_and(|before| !before.is_empty()) {
                let message = "every certificate could be ordered at another CA".to_owned();
                self.record_on_account(Reason::OtherAuthorityReady, message);
            }
        }
        for (why, secrets) in bound.iter().take(MOST_TOLD) {
            let text = format!(
                "{} could be ordered at no other CA ({}): {why}",
                counted(secrets.len(), "certificate"),
                first_few(secrets)
            );
            self.audit.line([
                ("event", "no-other-ca".into()),
                ("level", "warning".into()),
                ("certificates", secrets.len().into()),
                ("message", text.as_str().into()),
            ]);
        }
        let worst = bound.iter().max_by_key(|(_, secrets)| secrets.len());
        let message = worst.map(|(why, _)| {
            format!(
                "{} could be ordered at no other CA, if {} does not answer: {why}",
                counted(count, "certificate"),
                self.unattended.settings.chosen.issuer.name
            )
        });
        self.tell_standing(Topic::NoOtherCa, message.as_deref());
        if let Some(message) = message {
            self.record_on_account(Reason::NoOtherAuthority, message);
        }
        self.others.told = Some(counts);
    }

    /// Whether it may order, and knows what could change.
    fn may_rehearse(&self) -> bool {
        let may_order = matches!(self.told, Some((Told::Order, _)));
        may_order && !self.others.is_rehearsing && self.others.told.is_some()
    }

    /// Begins a rehearsal that is due, if one is.
    fn rehearse(&mut self) {
        let is_early = self.others.rehearses_at.is_some_and(|at| at > Instant::now());
        if is_early || !self.may_rehearse() {
            return;
        }
        let due = self
            .unattended
            .rehearsed()
            .find(|(issuer, staging)| staging.is_some() && self.others.is_due(issuer, now()));
        let Some((issuer, _)) = due else {
            self.others.rehearses_at = Some(Instant::now() + ALL);
            return;
        };
        let issuer: Text = issuer.into();
        self.others.rehearses_at = Some(Instant::now() + NEW);
        // Each month another one.
        let turn = usize::try_from(now() / PASSED).unwrap_or_default();
        let inventory = &self.live.inventory;
        let quiet_until = now().saturating_add(QUIET);
        let Some(target) = self.keeper.for_rehearsal(inventory, &issuer, turn, quiet_until) else {
            return;
        };
        self.others.rehearses_at = Some(Instant::now() + LATER);
        let Some(term) = &self.term else { return };
        let rehearsal = self
            .unattended
            .rehearsal(&term.context, inventory, &issuer, &target, &term.authority);
        let rehearsal = match rehearsal {
            Ok(Some(rehearsal)) => rehearsal,
            Ok(None) => return,
            Err(error) => return self.rehearsed(issuer, &target.names.order, Some(Err(words(&error)))),
        };
        self.others.is_rehearsing = true;
        let (tells, runtime) = (self.tells.clone(), tokio::runtime::Handle::current());
        let (audit, cancel) = (Arc::clone(&self.audit), term.context.cancel.clone());
        // A thread of its own: a run cannot be moved between threads while it waits.
        tokio::task::spawn_blocking(move || {
            let names = rehearsal.target().names.order.clone();
            let result = runtime.block_on(carried_out(rehearsal, &issuer, &audit, &cancel));
            let _ = tells.send(Heard::Others(News::Rehearsed(issuer, names, result)));
        });
    }

    fn rehearsed(&mut self, issuer: Text, names: &[Name], result: Option<Result<(), Text>>) {
        self.others.is_rehearsing = false;
        let Some(result) = result else { return };
        let names = first_few(names);
        let (level, reason, message) = match &result {
            Ok(()) => {
                self.others.rehearses_at = Some(Instant::now());
                let message = format!("a change to {issuer} was rehearsed for {names}: a test certificate was issued");
                (Level::Note, Reason::ChangeRehearsed, message)
            }
            Err(why) => {
                let message = format!("the rehearsal of a change to {issuer} for {names} failed: {why}");
                (Level::Error, Reason::RehearsalFailed, message)
            }
        };
        let word = if level == Level::Note { "info" } else { "error" };
        self.audit.line([
            ("event", "rehearsed".into()),
            ("level", word.into()),
            ("ca", issuer.as_str().into()),
            ("passed", result.is_ok().into()),
            ("message", message.as_str().into()),
        ]);
        let of = Rehearsal {
            issuer: issuer.clone(),
            at: now(),
            failed: result.err(),
        };
        let has_failed = of.failed.is_some();
        self.others.rehearsals.insert(issuer, of);
        if has_failed {
            self.tell_standing(Topic::RehearsalFailed, Some(&message));
        } else if !self.others.has_failed() {
            self.tell_standing(Topic::RehearsalFailed, None);
        }
        self.record_on_account(reason, message);
        self.memory.note();
    }

    /// Says of which issuers no change is rehearsed.
    pub(super) fn say_what_is_rehearsed(&self) {
        for (issuer, staging) in self.unattended.rehearsed() {
            let text = match staging {
                Some(staging) => {
                    format!("{issuer} is the next CA; a change to it is rehearsed each month at {staging}")
                }
                None => format!(
                    "{issuer} is the next CA; a change to it is not rehearsed, because no test environment is named for it \
                     (issuers.{issuer}.staging)"
                ),
            };
            self.audit.say(Level::Note, &text);
        }
    }
}

/// What came of a rehearsal; nothing if it was cut off.
async fn carried_out(
    rehearsal: unattended::Rehearsal,
    issuer: &Text,
    audit: &Audit,
    cancel: &Cancel,
) -> Option<Result<(), Text>> {
    let begun = tokio::select! {
        begun = rehearsal.begin() => begun,
        // There is nothing to clean up yet.
        () = cancel.cancelled() => return None,
    };
    let (run, target) = match begun {
        Ok(begun) => begun,
        Err(error) => return Some(Err(words(&error))),
    };
    audit.rehearses(&target.secret, issuer);
    let outcomes = run.all(std::slice::from_ref(&target)).await;
    audit.over(&target.secret);
    match &outcomes.first()?.result {
        Ok(_) => Some(Ok(())),
        Err(error) => match fate(error, now()) {
            Fate::Failed { reason, .. } => Some(Err(reason)),
            Fate::Limited { limit, .. } => Some(Err(limit)),
            Fate::CaDown => Some(Err(crate::error::chain(error).into())),
            Fate::Stored | Fate::StoredBut { .. } | Fate::NotWanted | Fate::Waiting { .. } => None,
        },
    }
}

fn words(error: &OpError) -> Text {
    with_hint(&error.message, error.hint.as_deref()).into()
}
