//! What is kept renewed: from the picture of the cluster to the queue, and from what became of an order back to it.
//!
//! Values in, values out. A Secret is looked at again when a change touches it; what is queued for it follows from the
//! picture alone, so that a restart forgets nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    ari::Ari,
    fate::Fate,
    moment,
    queue::{Failure, Queue, Task, TaskKind},
    routes::{self, Classes},
};
use crate::{
    inventory::{BindingId, Inventory},
    object::{Key, Seconds, Text},
    plan::{
        Target,
        ca::{Ca, Issuers},
        wanted::{self, Asked, Hold, Need, Wanted},
        wildcard,
    },
    scan::{About, live::News},
    solve::http01::standing::class_of,
    x509::Fingerprint,
};

/// By when a certificate has to be there that a route waits for, in seconds after it was asked for. Such certificates
/// come before renewals, which have weeks.
const SOON: Seconds = 600;

/// What an installation keeps, and where.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// What it was asked for, besides by routes.
    pub asked: Asked,
    /// The name of its issuer.
    pub issuer: Text,
    /// The CA of the issuer.
    pub ca: Ca,
}

/// What there is to say of a Secret that is wanted, besides its place in the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trouble {
    /// What failed after the certificate was stored: a restart, or that it is served.
    pub after: Option<String>,
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
    trouble: BTreeMap<Key, Trouble>,
    /// The Secrets of each binding when it was last looked at.
    of_binding: HashMap<BindingId, Vec<Key>>,
    /// The Secrets that were declared for each namespace when it was last looked at.
    declared: BTreeMap<Text, Vec<Key>>,
    /// The classes of Traefik whose routes ask.
    classes: Classes,
    /// When the CA is asked for windows.
    pub ari: Ari,
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
            trouble: BTreeMap::new(),
            of_binding: HashMap::new(),
            declared: BTreeMap::new(),
            classes: Classes::new(),
            ari: Ari::default(),
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
        }
        self.look(inventory, &touched, now);
    }

    fn look(&mut self, inventory: &Inventory, secrets: &BTreeSet<Key>, now: Seconds) {
        if secrets.is_empty() {
            return;
        }
        let issuers = Issuers::of(inventory, self.keeping.ca.clone());
        for secret in secrets {
            match wanted::wanted(inventory, secret, &self.keeping.asked, &issuers) {
                None => {
                    self.queue.remove(secret);
                    self.held.remove(secret);
                    self.trouble.remove(secret);
                    self.forget_window(secret);
                }
                Some(Wanted::Held(hold)) => {
                    self.queue.remove(secret);
                    self.held.insert(secret.clone(), hold);
                    self.forget_window(secret);
                }
                Some(Wanted::Keep { target, need }) => {
                    self.held.remove(secret);
                    self.follow_window(&target, now);
                    self.note_classes(inventory, &target);
                    let task = self.task(inventory, &target, &need, now);
                    self.queue.upsert(task);
                }
            }
        }
    }

    fn note_classes(&mut self, inventory: &Inventory, target: &Target) {
        for used in &target.uses {
            let Some((host, _)) = used.hosts.first() else { continue };
            if let Some(class) = routes::class_of_route(inventory, &used.route, host) {
                self.classes.insert(class_of(&class), class);
            }
        }
    }

    fn task(&self, inventory: &Inventory, target: &Target, need: &Need, now: Seconds) -> Task {
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
            secret: target.secret.clone(),
            namespace: target.secret.namespace.clone(),
            issuer: self.keeping.issuer.clone(),
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
        let issuers = Issuers::of(inventory, self.keeping.ca.clone());
        let mut taken = Vec::new();
        while let Some(secret) = self.queue.next(now, free) {
            match wanted::wanted(inventory, &secret, &self.keeping.asked, &issuers) {
                Some(Wanted::Keep { target, .. }) => {
                    taken.push(*target);
                    free -= 1;
                }
                Some(Wanted::Held(hold)) => {
                    self.queue.held(&secret, hold.reason().into());
                    self.queue.remove(&secret);
                    self.held.insert(secret, hold);
                }
                None => {
                    self.queue.done(&secret);
                    self.queue.remove(&secret);
                }
            }
        }
        taken
    }

    /// Takes note of what became of an order.
    pub fn ended(&mut self, secret: &Key, fate: Fate, now: Seconds) {
        let trouble = self.trouble.entry(secret.clone()).or_default();
        match fate {
            Fate::Stored => {
                *trouble = Trouble::default();
                self.queue.done(secret);
            }
            Fate::StoredBut { after, without } => {
                *trouble = Trouble { after, without };
                self.queue.done(secret);
            }
            Fate::NotWanted => self.queue.done(secret),
            Fate::Waiting { until, reason } => self.queue.waiting(secret, now, until, reason),
            Fate::Limited { until, limit } => self.queue.limited(secret, now, until, limit),
            Fate::CaDown => self.queue.ca_down(secret, now),
            Fate::Failed { reason, ca_answered } => {
                self.queue.failed(secret, now, Failure { reason, ca_answered });
            }
        }
        if self.trouble.get(secret) == Some(&Trouble::default()) {
            self.trouble.remove(secret);
        }
    }

    /// Has the CA asked for the window of a certificate that it issued itself.
    fn follow_window(&mut self, target: &Target, now: Seconds) {
        match &target.held {
            Some(held) if target.changes_ca.is_none() => {
                let before = self.ari.certificate_of(&target.secret);
                if let Some(before) = before.filter(|before| *before != held.sha256) {
                    self.windows.remove(&before);
                }
                self.ari.keep(&target.secret, held.sha256, now);
            }
            _ => self.forget_window(&target.secret),
        }
    }

    fn forget_window(&mut self, secret: &Key) {
        if let Some(certificate) = self.ari.forget(secret) {
            self.windows.remove(&certificate);
        }
    }

    /// Takes note of what the CA has said of the window of a certificate, and looks at its Secret again.
    pub fn window(&mut self, inventory: &Inventory, secret: &Key, answer: &WindowAnswer, now: Seconds) {
        self.ari.answered(secret, answer.certificate, answer.retry_after, now);
        if let Some(window) = answer.window {
            self.windows.insert(answer.certificate, window);
            self.look(inventory, &BTreeSet::from([secret.clone()]), now);
        }
    }

    /// The id of the installation.
    pub fn install(&self) -> &str {
        &self.keeping.asked.install
    }

    /// The Secrets that are left alone, and why.
    pub fn held(&self) -> &BTreeMap<Key, Hold> {
        &self.held
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

#[cfg(test)]
mod tests;
