//! How the loop begins orders: what has to be there first, and what becomes of what cannot be begun.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::{Controller, Heard, LOOKED, after};
use crate::{
    clock::now,
    controller::{
        fate::{Fate, fate, limited as fate_of},
        routes,
    },
    error::{Blame, chain},
    event::Level,
    inventory::query::usable,
    notify::Topic,
    object::{Key, Seconds, Text},
    ops::{
        OpError,
        unattended::{AccountState, BeforeOrder},
    },
    plan::Target,
};

/// How long a cluster that does not answer is waited for, in seconds.
const CLUSTER: Seconds = 5;
/// How long an account that is missing is waited for, in seconds.
const ACCOUNT: Seconds = 60;
/// What is said while there is none.
const NO_ACCOUNT: &str = "AccountMissing: there is no account";

impl Controller {
    /// Begins what is next, if this process orders and was told to.
    pub(super) async fn begin(&mut self) {
        let free = self.free_slots();
        let is_due = self.keeper.queue.next_wake().is_some_and(|at| at <= now()) || self.keeper.queue.has_ready();
        let is_any = (free > 0 && is_due) || self.keeper.has_lost(now(), free > 0);
        if !is_any || self.term.is_none() || !self.memory.is_recalled || !self.is_told().await {
            return;
        }
        let inventory = &self.live.inventory;
        let blocked = self.keeper.take_lost(inventory, now(), free > 0);
        let (lost, whole): (Vec<Target>, Vec<Target>) = self
            .keeper
            .take(inventory, now(), free)
            .into_iter()
            .partition(|target| self.lacks_pair(target));
        // That needs neither an account nor the CA.
        for target in self.without_those_put_back(blocked).await {
            self.keeper.queue.put_off(&target.secret);
        }
        let lost = self.without_those_put_back(lost).await;
        let mut by_issuer: BTreeMap<Text, Vec<Target>> = BTreeMap::new();
        for target in lost.into_iter().chain(whole) {
            let issuer = self.keeper.issuer_of(&target.secret);
            by_issuer.entry(issuer).or_default().push(target);
        }
        for (issuer, targets) in by_issuer {
            self.begin_at(&issuer, targets).await;
        }
    }

    fn lacks_pair(&self, target: &Target) -> bool {
        let stored = self.live.inventory.secrets().get(&target.secret);
        stored.is_none_or(|stored| !usable(stored))
    }

    /// Begins these at an issuer.
    async fn begin_at(&mut self, issuer: &Text, targets: Vec<Target>) {
        let secrets = secrets_of(&targets);
        let is_first = issuer.as_str() == self.unattended.settings.chosen.issuer.name;
        let account = match self.unattended.account(issuer).await {
            Ok(AccountState::Ready(url)) => {
                if is_first {
                    self.tell_standing(Topic::AccountMissing, None);
                }
                url
            }
            Ok(AccountState::Missing) if is_first => {
                self.tally.has_account = false;
                self.tell_standing(Topic::AccountMissing, Some(NO_ACCOUNT));
                return self.all_wait(&secrets, NO_ACCOUNT);
            }
            Ok(AccountState::Missing) => {
                self.others.look_again();
                return self.all_wait(&secrets, &format!("there is no account at {issuer} any more"));
            }
            Err(error) => {
                self.tally.has_account = true;
                return self.all_wait(&secrets, &error.message);
            }
        };
        let targets = self
            .without_those_beyond_limits(targets, (issuer.as_str(), account.as_str()))
            .await;
        if targets.is_empty() {
            return;
        }
        if !self.has_answered(issuer) {
            // They are taken again once it has.
            for target in &targets {
                self.expected.remove(&target.secret);
                self.keeper.queue.put_off(&target.secret);
            }
            return self.ask_ca(issuer);
        }
        self.lead().await;
        let (mut targets, whole): (Vec<Target>, Vec<Target>) =
            targets.into_iter().partition(|target| self.lacks_pair(target));
        targets.extend(self.without_those_put_back(whole).await);
        if targets.is_empty() {
            return;
        }
        let secrets = secrets_of(&targets);
        for secret in &secrets {
            self.audit.orders(secret, issuer);
            self.touch(secret);
        }
        let Some(term) = &self.term else { return };
        let (inventory, orders) = (&self.live.inventory, (issuer.as_str(), targets.as_slice()));
        let begun = self.unattended.begin(&term.context, inventory, orders, &term.authority);
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
            Err(error) => self.none_begun(issuer, &secrets, &error),
        }
    }

    /// Has those wait on for which a limit of the CA still leaves no room, without a request. Returns the others.
    async fn without_those_beyond_limits(&mut self, targets: Vec<Target>, at: (&str, &str)) -> Vec<Target> {
        let Some(term) = &self.term else { return targets };
        let (limited, mut left): (Vec<Target>, Vec<Target>) = targets
            .into_iter()
            .partition(|target| self.keeper.was_limited(&target.secret));
        let (inventory, asked) = (&self.live.inventory, limited.iter().collect::<Vec<_>>());
        let answers = self.unattended.allowed(&term.context, inventory, at, &asked).await;
        for (target, answer) in limited.into_iter().zip(answers) {
            match answer {
                Ok(expected) => {
                    self.expected
                        .extend(expected.map(|expected| (target.secret.clone(), expected)));
                    left.push(target);
                }
                Err(exceeded) => self.keeper.ended(&target.secret, fate_of(&exceeded), now()),
            }
        }
        left
    }

    /// Puts the kept pairs of targets back that have lost theirs, and holds those whose names were ordered too often.
    /// Returns the others, which are ordered.
    pub(super) async fn without_those_put_back(&mut self, mut targets: Vec<Target>) -> Vec<Target> {
        targets.retain(|target| {
            let stored = self.live.inventory.secrets().get(&target.secret);
            let lacks_pair = stored.is_none_or(|stored| !usable(stored));
            let undone = self.restores.undone(&target.secret, now()).filter(|_| lacks_pair);
            if let Some(undone) = undone {
                self.keeper.hold_undone(&target.secret, undone, now());
            }
            undone.is_none()
        });
        let inventory = &self.live.inventory;
        let unattended = &self.unattended;
        let rows = self.domains.as_ref().and_then(super::domains::Domains::pairs);
        let is_row = |target: &Target| rows.as_ref().is_some_and(|rows| rows.host(&target.secret).is_some());
        // They have no kept pair, and whoever wanted them has looked how often they were ordered.
        let (of_rows, targets): (Vec<Target>, Vec<Target>) = targets.into_iter().partition(is_row);
        let asked = targets.into_iter().map(|target| async move {
            let stored = inventory.secrets().get(&target.secret);
            let lacks_pair = stored.is_none_or(|stored| !usable(stored));
            let before = unattended.before_order(&target, lacks_pair).await;
            (target, before)
        });
        let mut left = of_rows;
        for (target, before) in join_all(asked).await {
            let secret = &target.secret;
            let fate = match before {
                Ok(BeforeOrder::Order) => {
                    let stored = inventory.secrets().get(secret);
                    let is_renewal = stored.is_some_and(usable) && target.names.new_names().next().is_none();
                    if !self.keeper.is_too_often(&target, now())
                        && !self.keeper.is_beyond_day(inventory, &target, is_renewal, now())
                    {
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
                    self.restores.restored(secret, now());
                    // It was not issued now.
                    Fate::NotWanted
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
                    elsewhere: false,
                },
                // The cluster does not answer, or refuses: that is no failure of the certificate.
                Err(error) => {
                    self.audit.line([
                        ("event", "not-restored".into()),
                        ("level", "warning".into()),
                        ("namespace", secret.namespace.as_str().into()),
                        ("secret", secret.name.as_str().into()),
                        ("message", error.message.as_str().into()),
                    ]);
                    Fate::Waiting {
                        until: now().saturating_add(CLUSTER),
                        reason: error.message.as_str().into(),
                    }
                }
            };
            let is_to_come = matches!(fate, Fate::Waiting { .. });
            self.keeper.ended(secret, fate, now());
            if is_to_come {
                self.keeper.still_lost(secret);
            }
        }
        left
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
    fn none_begun(&mut self, issuer: &Text, secrets: &[Key], error: &OpError) {
        for secret in secrets {
            self.audit.over(secret);
        }
        match error.blame {
            Blame::Acme => self.ca_is_down(issuer, &error.message),
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

    /// Has the routes that stay lead to this process, and the Service for proxies of the platform's own.
    async fn lead(&mut self) {
        self.lead_proxies().await;
        let classes = self.keeper.classes();
        let are_led = classes.keys().all(|class| self.led.contains(class));
        // What failed is not tried again for each certificate.
        if are_led && self.lead_again.is_none_or(|at| at > Instant::now()) {
            return;
        }
        let leads = routes::write(&self.api, self.unattended.namespace(), classes, &self.answering).await;
        self.lead_again = (!matches!(leads, Ok(true))).then(|| Instant::now() + LOOKED);
        if let Err(error) = leads {
            let words = chain(&error);
            let text = format!("no route that stays leads here, so that each challenge gets one: {words}");
            self.audit.say(Level::Warning, &text);
        }
        self.led = classes.keys().cloned().collect();
    }
}

fn secrets_of(targets: &[Target]) -> Vec<Key> {
    targets.iter().map(|target| target.secret.clone()).collect()
}
