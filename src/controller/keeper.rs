//! What is kept renewed: from the picture of the cluster to the queue, and from what became of an order back to it.
//!
//! Values in, values out. A Secret is looked at again when a change touches it. What is queued for it follows from the
//! picture; where that stands (failures, waits, limits) is told for storing, and taken over after a restart (`recall`).

mod bounds;
pub mod change;
mod outcome;
mod recall;
mod windows;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use change::Changes;

use super::{
    ari::Ari,
    copies::Copies,
    moment,
    queue::{Queue, Task, TaskKind, TaskState},
    routes::{self, Classes},
    twice::{Twice, set_of},
};
use crate::{
    inventory::{BindingId, Inventory},
    object::{Key, Seconds, Text, doing::AfterStoring},
    plan::{
        Target,
        ca::{Ca, Issuers},
        copy::Copying,
        target::names_of,
        wanted::{self, Asked, Hold, Need, Wanted},
        wildcard,
    },
    policy::{NamesPolicy, Terms},
    scan::{About, live::News},
    settings::preference::Class,
    solve::http01::standing::class_of,
    x509::Fingerprint,
};

/// By when a certificate has to be there that a route waits for, in seconds after it was asked for. Such certificates
/// come before renewals, which have weeks.
const SOON: Seconds = 600;

/// What waits is looked at again after one in so many of the time that it has waited, and at least so often, in seconds.
const WAITED: Seconds = 10;
const SELDOM: Seconds = 300;

/// What an installation keeps, and where.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// What it was asked for, besides by routes.
    pub asked: Asked,
    /// The name of its issuer.
    pub issuer: Text,
    /// The CA of the issuer.
    pub ca: Ca,
    /// The CAs that stand for it where it does not answer in time.
    pub others: Vec<Ca>,
    /// What the names policy is asked with at each of their issuers.
    pub other_terms: Vec<Terms>,
    /// For which certificates they do.
    pub classes: Vec<Class>,
}

/// How many kept pairs are looked for at a time where nothing can be ordered.
const AT_ONCE: usize = 64;

/// What there is to say of a Secret that is wanted, besides its place in the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trouble {
    /// What failed after the certificate was stored: a restart, or that it is served.
    pub after: Option<AfterStoring>,
    /// New names without which it was issued, and why.
    pub without: Option<String>,
}

/// What a CA said of the window of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowAnswer {
    /// The certificate.
    pub certificate: Fingerprint,
    /// The window, in seconds since 1970; `None` if it did not answer.
    pub window: Option<(Seconds, Seconds)>,
    /// When it asks to come back, in seconds from now.
    pub retry_after: Option<Seconds>,
}

/// The Secrets that routes ask for.
#[derive(Debug)]
pub struct Keeper {
    keeping: Keeping,
    /// The certificates to order, now or later.
    pub queue: Queue,
    held: BTreeMap<Key, Hold>,
    /// The Secrets that are held since somebody asked for them.
    held_now: Vec<(Key, Hold)>,
    /// The Secrets that wait for a limit, or did when they were taken last. They were looked at before, so that the limit alone
    /// decides.
    limited: BTreeSet<Key>,
    /// The names that were ordered last for what is under way, has failed or is held, as [`set_of`] has them.
    tried: HashMap<Key, Text>,
    /// The Secrets without a pair of which it was not looked yet whether there is a kept one.
    lost: BTreeSet<Key>,
    /// The certificates of a day.
    twice: Twice,
    trouble: BTreeMap<Key, Trouble>,
    /// What the names policy says of Secrets.
    bounded: bounds::Bounded,
    /// The copies of other Secrets.
    pub copies: Copies,
    /// The Secrets of each binding when it was last looked at.
    of_binding: HashMap<BindingId, Vec<Key>>,
    /// The Secrets that were declared for each namespace when it was last looked at.
    declared: BTreeMap<Text, Vec<Key>>,
    /// The keys of the CA's issuers that were known when it was last looked.
    ca_keys: Vec<(Option<Text>, Box<[u8]>)>,
    /// The classes of Traefik whose routes ask.
    classes: Classes,
    /// When the CA is asked for windows.
    pub ari: Ari,
    /// At which issuer each certificate is ordered, where there is more than one.
    changes: Changes,
    /// The windows that the CA named since this process began, by certificate.
    windows: HashMap<Fingerprint, (Seconds, Seconds)>,
}

impl Keeper {
    /// Keeps nothing yet.
    pub fn new(keeping: Keeping) -> Self {
        Self {
            keeping,
            queue: Queue::new(),
            held: BTreeMap::new(),
            held_now: Vec::new(),
            limited: BTreeSet::new(),
            tried: HashMap::new(),
            lost: BTreeSet::new(),
            twice: Twice::default(),
            trouble: BTreeMap::new(),
            bounded: bounds::Bounded::default(),
            copies: Copies::default(),
            of_binding: HashMap::new(),
            declared: BTreeMap::new(),
            ca_keys: Vec::new(),
            classes: Classes::new(),
            ari: Ari::default(),
            changes: Changes::default(),
            windows: HashMap::new(),
        }
    }

    /// Looks at everything.
    pub fn all(&mut self, inventory: &Inventory, now: Seconds) {
        for (id, binding) in inventory.bindings().iter() {
            self.of_binding.insert(id, binding.secrets.iter().cloned().collect());
        }
        let secrets = wanted::all(inventory, &self.keeping.asked).into_iter().collect();
        self.look(inventory, &secrets, now);
    }

    /// Looks at what a change touched.
    pub fn changed(&mut self, inventory: &Inventory, news: &News, now: Seconds) {
        let mut touched: BTreeSet<Key> = BTreeSet::new();
        let abouts = news.judged.iter().map(|judged| &judged.about).chain(&news.gone);
        for about in abouts {
            match about {
                About::Binding(id) => {
                    let now: Vec<Key> = inventory
                        .bindings()
                        .get(*id)
                        .map(|binding| binding.secrets.iter().cloned().collect())
                        .unwrap_or_default();
                    touched.extend(now.iter().cloned());
                    let before = if now.is_empty() {
                        self.of_binding.remove(id)
                    } else {
                        self.of_binding.insert(*id, now)
                    };
                    touched.extend(before.into_iter().flatten());
                }
                About::Secret(key) => drop(touched.insert((**key).clone())),
                About::Forbidden(_) => {}
            }
        }
        touched.extend(self.copies.of_sources(&touched));
        self.look(inventory, &touched, now);
    }

    /// Looks at what is declared for namespaces that have changed, or was before.
    pub fn namespaces_changed(&mut self, inventory: &Inventory, namespaces: &BTreeSet<Text>, now: Seconds) {
        let mut touched: BTreeSet<Key> = BTreeSet::new();
        for namespace in namespaces {
            let declared = wildcard::secrets_of(inventory, &self.keeping.asked.wildcards, namespace);
            let before = self.declared.remove(namespace).unwrap_or_default();
            touched.extend(before.into_iter().chain(declared.iter().cloned()));
            if !declared.is_empty() {
                self.declared.insert(namespace.clone(), declared);
            }
            if inventory.policy().is_some_and(NamesPolicy::asks_for_labels) {
                touched.extend(self.of_namespace(namespace));
            }
        }
        self.look(inventory, &touched, now);
    }

    fn look(&mut self, inventory: &Inventory, secrets: &BTreeSet<Key>, now: Seconds) {
        if secrets.is_empty() {
            return;
        }
        let issuers = Issuers::of(inventory, self.keeping.ca.clone()).beside(&self.keeping.others);
        for secret in &self.with_those_of_others(secrets, &issuers) {
            self.lost.remove(secret);
            match wanted::wanted(inventory, secret, &self.keeping.asked, &issuers) {
                None => {
                    self.queue.remove(secret);
                    self.held.remove(secret);
                    self.trouble.remove(secret);
                    self.tried.remove(secret);
                    self.limited.remove(secret);
                    self.bounded.forget(secret);
                    self.copies.forget(secret);
                    self.forget_change(secret);
                    self.forget_window(secret);
                }
                Some(Wanted::Held(hold)) => {
                    self.queue.remove(secret);
                    self.forget_change(secret);
                    self.hold(secret, hold);
                    self.bounded.forget(secret);
                    self.copies.forget(secret);
                    self.forget_window(secret);
                }
                Some(Wanted::Copy { source, copying }) => {
                    self.queue.remove(secret);
                    self.bounded.forget(secret);
                    self.forget_window(secret);
                    // One that is held is looked at again with its source.
                    self.copies.set(secret, &source, &copying);
                    match copying {
                        Copying::Held(hold) => self.hold(secret, Hold::Copy(hold)),
                        Copying::Write | Copying::Current => drop(self.held.remove(secret)),
                    }
                }
                Some(Wanted::Keep { target, need, bounds }) => {
                    self.copies.forget(secret);
                    self.bounded.set(secret, bounds);
                    self.keep(inventory, &target, &need, now);
                }
            }
        }
    }

    /// Adds the Secrets that are held because of their CA, once more is known of which certificates are the CA's own.
    fn with_those_of_others(&mut self, secrets: &BTreeSet<Key>, issuers: &Issuers<'_>) -> BTreeSet<Key> {
        let mut all = secrets.clone();
        let keys = issuers.keys();
        if keys != self.ca_keys {
            self.ca_keys = keys;
            let of_others = self
                .held
                .iter()
                .filter(|(_, hold)| matches!(hold, Hold::OtherCa { .. }));
            all.extend(of_others.map(|(secret, _)| secret.clone()));
        }
        all
    }

    fn keep(&mut self, inventory: &Inventory, target: &Target, need: &Need, now: Seconds) {
        let shared = Arc::new(target.secret.clone());
        let secret = &*shared;
        self.follow_window(&shared, target, now);
        self.note_names(secret, &target.names.order);
        self.note_classes(inventory, target);
        if lacks_pair(need) {
            self.lost.insert(secret.clone());
        }
        if let Some(leaf) = inventory.secrets().get(secret).and_then(|stored| stored.leaf()) {
            self.twice.seen(&shared, &names_of(leaf), leaf.not_before, now);
        } else {
            self.twice.look(&shared);
        }
        let mut task = self.task(Arc::clone(&shared), inventory, target, need, now);
        let is_later = task.due_at > now;
        let set = set_of(&target.names.order);
        let is_other = self.tried.get(secret).is_some_and(|tried| *tried != set);
        // Somebody has removed the note.
        let is_free =
            matches!(self.held.get(secret), Some(Hold::RolledBack(_))) && rolled_back(inventory, target, now).is_none();
        // What it waits for was about a renewal: its kept pair may be put back.
        let before = self.queue.get(secret).map(|queued| queued.task.kind);
        let is_lost = before == Some(TaskKind::Renewal) && task.kind == TaskKind::New;
        if is_later || is_other {
            task.issuer.clone_from(&self.keeping.issuer);
        }
        self.queue.upsert(task);
        if is_later || is_other {
            self.forget_way(secret);
        }
        if is_later || is_other || is_free || is_lost {
            // What it failed of is no longer asked for.
            self.begin_anew(secret);
        }
        if is_later && let Some(trouble) = self.trouble.get_mut(secret) {
            trouble.without = None;
        }
        if is_later || is_other || is_free || self.held.get(secret).is_none_or(|hold| hold.until().is_none()) {
            self.held.remove(secret);
        }
    }

    /// Takes a Secret from what it waits for, if it does.
    fn begin_anew(&mut self, secret: &Key) {
        let waits = self.queue.state(secret).is_some_and(|state| {
            matches!(
                state,
                TaskState::BackOff { .. } | TaskState::Waiting { .. } | TaskState::Limited { .. }
            )
        });
        if waits {
            self.tried.remove(secret);
            self.queue.again(secret);
        }
    }

    fn hold(&mut self, secret: &Key, hold: Hold) {
        if self.held.get(secret).map(Hold::reason) != Some(hold.reason()) {
            self.held_now.push((secret.clone(), hold.clone()));
        }
        self.limited.remove(secret);
        self.held.insert(secret.clone(), hold);
    }

    fn note_classes(&mut self, inventory: &Inventory, target: &Target) {
        for used in &target.uses {
            let Some((host, _)) = used.hosts.first() else { continue };
            if let Some(class) = routes::class_of_route(inventory, &used.route, host) {
                self.classes.insert(class_of(&class), class);
            }
        }
    }

    fn task(&self, secret: Arc<Key>, inventory: &Inventory, target: &Target, need: &Need, now: Seconds) -> Task {
        let leaf = inventory
            .secrets()
            .get(&target.secret)
            .and_then(|stored| Some((stored, stored.leaf()?)));
        let (kind, due_at, deadline) = match (need, leaf) {
            (Need::Renewal, Some((stored, leaf))) => {
                let window = self.windows.get(&leaf.sha256).copied();
                let window = window.or_else(|| crate::check::renewal_window(stored));
                let due_at = moment::renewal(&self.keeping.asked.install, leaf, window);
                (TaskKind::Renewal, due_at, leaf.not_after)
            }
            (Need::Names(_) | Need::Trusted, _) => (TaskKind::Changed, 0, self.deadline(&target.secret, now)),
            _ => (TaskKind::New, 0, self.deadline(&target.secret, now)),
        };
        Task {
            secret,
            namespace: target.secret.namespace.clone(),
            issuer: self.next_issuer(&target.secret),
            deadline,
            due_at,
            kind,
        }
    }

    /// By when something that is not served has to be there. It stays as it was said first.
    fn deadline(&self, secret: &Key, now: Seconds) -> Seconds {
        let before = self
            .queue
            .get(secret)
            .filter(|queued| queued.task.kind != TaskKind::Renewal);
        before.map_or(now.saturating_add(SOON), |queued| queued.task.deadline)
    }

    /// Takes the next certificates to order, at most as many as there are free slots: as they are wanted now, and not as
    /// they were queued.
    pub fn take(&mut self, inventory: &Inventory, now: Seconds, mut free: usize) -> Vec<Target> {
        let issuers = Issuers::of(inventory, self.keeping.ca.clone()).beside(&self.keeping.others);
        let mut taken = Vec::new();
        while let Some(secret) = self.queue.next(now, free) {
            if let Some(target) = self.as_wanted_now(inventory, &secret, &issuers, now) {
                taken.push(target);
                free -= 1;
            }
        }
        taken
    }

    /// What is to be ordered for a Secret whose task was taken, if anything is.
    fn as_wanted_now(
        &mut self,
        inventory: &Inventory,
        secret: &Key,
        issuers: &Issuers<'_>,
        now: Seconds,
    ) -> Option<Target> {
        self.lost.remove(secret);
        match wanted::wanted(inventory, secret, &self.keeping.asked, issuers) {
            Some(Wanted::Keep { target, need, bounds }) => {
                self.bounded.set(secret, bounds);
                self.tried.insert(secret.clone(), set_of(&target.names.order));
                if let Some((hold, until)) = rolled_back(inventory, &target, now) {
                    self.hold_for_a_time(secret, hold, until, now);
                    return None;
                }
                // Its kept pair may be put back, which is no order.
                let is_ordered = lacks_pair(&need) || !self.is_too_often(&target, now);
                is_ordered.then_some(*target)
            }
            Some(Wanted::Held(hold)) => {
                self.queue.held(secret, hold.reason().into());
                self.queue.remove(secret);
                self.hold(secret, hold);
                None
            }
            None | Some(Wanted::Copy { .. }) => {
                self.limited.remove(secret);
                self.queue.dropped(secret);
                self.queue.remove(secret);
                None
            }
        }
    }

    /// Whether there are Secrets without a pair that cannot be ordered for now, because of their CA or the slots, and may have a
    /// kept pair.
    pub fn has_lost(&self, now: Seconds, has_slot: bool) -> bool {
        self.lost
            .iter()
            .any(|secret| self.queue.is_blocked(secret, now, has_slot))
    }

    /// Takes some of them, to put their kept pairs back. Those that have none are put off.
    pub fn take_lost(&mut self, inventory: &Inventory, now: Seconds, has_slot: bool) -> Vec<Target> {
        let is_blocked = |secret: &&Key| self.queue.is_blocked(secret, now, has_slot);
        let blocked: Vec<Key> = self.lost.iter().filter(is_blocked).take(AT_ONCE).cloned().collect();
        if blocked.is_empty() {
            return Vec::new();
        }
        let issuers = Issuers::of(inventory, self.keeping.ca.clone()).beside(&self.keeping.others);
        let mut taken = Vec::new();
        for secret in blocked {
            self.queue.take_blocked(&secret, now);
            taken.extend(self.as_wanted_now(inventory, &secret, &issuers, now));
        }
        taken
    }

    /// It could not be looked whether a Secret without a pair has a kept one.
    pub fn still_lost(&mut self, secret: &Key) {
        self.lost.insert(secret.clone());
    }

    /// The id of the installation.
    pub fn install(&self) -> &str {
        &self.keeping.asked.install
    }

    /// The Secrets that are left alone, and why.
    pub fn held(&self) -> &BTreeMap<Key, Hold> {
        &self.held
    }

    /// The Secrets that are left alone since this was asked last, and why.
    pub fn take_held_now(&mut self) -> Vec<(Key, Hold)> {
        std::mem::take(&mut self.held_now)
    }

    /// What failed after a certificate was stored, by Secret.
    pub fn trouble(&self) -> &BTreeMap<Key, Trouble> {
        &self.trouble
    }

    /// The classes of Traefik whose routes ask.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }
}

/// Whether there is no pair that serves, so that a kept one may be put back.
fn lacks_pair(need: &Need) -> bool {
    matches!(need, Need::Missing | Need::Unusable)
}

/// The hold of names of which a certificate was taken out again, and its end.
fn rolled_back(inventory: &Inventory, target: &Target, now: Seconds) -> Option<(Hold, Seconds)> {
    let stored = inventory.secrets().get(&target.secret)?;
    let until = wanted::rolled_back(stored, Some(&target.names.order)).filter(|until| *until > now)?;
    Some((Hold::RolledBack(until), until))
}

#[cfg(test)]
mod tests;
