//! A picture that is kept current: changes go in, the verdicts that they and time may have changed come out.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
};

use tokio::sync::mpsc;

use super::{
    evaluate::{self, About, Judged},
    secrets::Unresolved,
};
use crate::{
    check::{Probed, Rules, Select, SharedFindings},
    inventory::{BindingId, Dirty, Inventory},
    object::{Change, Key, Kind, Object, Seconds},
    text::time::HOUR,
    x509::{Interner, Judge},
};

/// From so many bindings on, what is the same for many of them is judged once before.
const MANY: usize = 64;

/// What may look different now.
#[derive(Debug, Default)]
pub struct News {
    /// Verdicts that were made again; some may be as they were.
    pub judged: Vec<Judged>,
    /// What there is nothing to say of any more.
    pub gone: Vec<About>,
}

impl News {
    /// Whether nothing may look different.
    pub fn is_empty(&self) -> bool {
        self.judged.is_empty() && self.gone.is_empty()
    }
}

/// A picture and everything that keeps it current.
#[derive(Debug)]
pub struct Live {
    /// The joined picture.
    pub inventory: Inventory,
    /// Judges the trust of what comes.
    pub judge: Judge,
    /// For when, and when due.
    pub rules: Rules,
    /// What counts.
    pub select: Select,
    /// The Secrets that were asked for by name.
    pub wanted: BTreeSet<Key>,
    /// Whether every TLS Secret without route is judged, the healthy ones too.
    pub every_secret: bool,
    /// What probes have found, until what they are about changes.
    pub probed: BTreeMap<BindingId, Probed>,
    unresolved: Unresolved,
    interner: Interner,
    followed: Followed,
    /// When time alone changes a verdict. One that changed since may be in it more than once.
    due: BinaryHeap<Reverse<(Seconds, About)>>,
    /// When the Secrets without route were last looked at.
    looked: Seconds,
    /// Whether a Secret came or went since the last round.
    secrets_changed: bool,
    /// What is not chosen.
    left_out: BTreeSet<About>,
}

impl Live {
    /// Of what a scan has read.
    pub fn new(
        inventory: Inventory,
        judge: Judge,
        rules: Rules,
        select: Select,
        wanted: BTreeSet<Key>,
        unresolved: Unresolved,
    ) -> Self {
        Self {
            inventory,
            judge,
            rules,
            select,
            wanted,
            every_secret: false,
            probed: BTreeMap::new(),
            unresolved,
            interner: Interner::new(),
            followed: Followed::default(),
            due: BinaryHeap::new(),
            looked: rules.now,
            secrets_changed: false,
            left_out: BTreeSet::new(),
        }
    }

    /// Judges everything.
    pub fn all(&mut self) -> Vec<Judged> {
        let alone;
        let wanted = if self.every_secret {
            alone = evaluate::alone(&self.inventory).collect();
            &alone
        } else {
            &self.wanted
        };
        let mut judged = evaluate::evaluate(&self.inventory, self.rules, &self.select, &self.probed, wanted);
        self.left_out = judged
            .iter()
            .filter(|one| !one.chosen)
            .map(|one| one.about.clone())
            .collect();
        self.due.clear();
        self.looked = self.rules.now;
        for one in &judged {
            self.schedule(one);
        }
        evaluate::choose(&mut judged);
        judged
    }

    /// How many rows are not chosen.
    pub fn left_out(&self) -> usize {
        self.left_out.len()
    }

    fn schedule(&mut self, judged: &Judged) {
        if let Some(at) = judged.changes_at {
            self.due.push(Reverse((at, judged.about.clone())));
        }
    }

    /// Takes one change. [`Self::judge_changes`] says what it made worth looking at.
    pub fn apply(&mut self, change: Change) {
        self.secrets_changed |= matches!(change, Change::Set(Object::Secret(_)) | Change::Gone(Kind::Secret, _));
        self.unresolved
            .apply(change, &mut self.inventory, &self.judge, &mut self.interner);
    }

    /// Judges again what the changes since the last time touched.
    pub fn judge_changes(&mut self) -> News {
        if std::mem::take(&mut self.secrets_changed) {
            // Another Secret may have brought, or taken away, the intermediate that a chain lacks.
            self.unresolved.judge_again(&mut self.inventory, &self.judge);
        }
        let dirty = self.inventory.derive();
        self.follow_missing(&dirty);
        let mut news = News {
            judged: Vec::new(),
            gone: dirty.gone.iter().map(|id| About::Binding(*id)).collect(),
        };
        for id in &dirty.gone {
            self.probed.remove(id);
            self.left_out.remove(&About::Binding(*id));
        }
        let shared = self.shared(dirty.bindings.len());
        for id in dirty.bindings {
            self.probed.remove(&id);
            self.binding_with(id, &shared, &mut news);
        }
        for key in dirty.secrets {
            self.secret(key, &mut news);
        }
        news
    }

    /// Judges again what time has changed by `now`.
    pub fn time(&mut self, now: Seconds) -> News {
        self.rules.now = now;
        let mut due = BTreeSet::new();
        while let Some(Reverse((at, _))) = self.due.peek() {
            if *at > now {
                break;
            }
            due.extend(self.due.pop().map(|Reverse((_, about))| about));
        }
        // Secrets without route that are healthy are not shown, so nothing says when they will be worth a row.
        if !self.every_secret && now.saturating_sub(self.looked) >= HOUR {
            self.looked = now;
            due.extend(evaluate::alone(&self.inventory).map(|key| About::Secret(Box::new(key))));
        }
        let mut news = News::default();
        let shared = self.shared(due.len());
        for about in due {
            match about {
                About::Binding(id) => self.binding_with(id, &shared, &mut news),
                About::Secret(key) => self.secret(*key, &mut news),
                About::Forbidden(_) => {}
            }
        }
        news
    }

    /// The next moment at which time alone changes something.
    pub fn next_change(&self) -> Option<Seconds> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// Judges a binding again.
    pub fn binding(&mut self, id: BindingId, news: &mut News) {
        self.binding_with(id, &SharedFindings::default(), news);
    }

    /// What is said of the Secrets that many bindings name, where so many bindings are judged that it pays.
    fn shared(&self, judged: usize) -> SharedFindings {
        if judged < MANY {
            return SharedFindings::default();
        }
        SharedFindings::new(&self.inventory, &self.rules)
    }

    fn binding_with(&mut self, id: BindingId, shared: &SharedFindings, news: &mut News) {
        let probed = self.probed.get(&id);
        let judged = evaluate::binding(&self.inventory, id, self.rules, &self.select, probed, shared);
        self.tell(About::Binding(id), judged, news);
    }

    /// Tells a new verdict, or that there is none to tell.
    fn tell(&mut self, about: About, judged: Option<Judged>, news: &mut News) {
        if let Some(one) = &judged {
            self.schedule(one);
        }
        if judged.as_ref().is_some_and(|one| !one.chosen) {
            self.left_out.insert(about.clone());
        } else {
            self.left_out.remove(&about);
        }
        match judged.filter(|one| one.chosen) {
            Some(one) => news.judged.push(one),
            None => news.gone.push(about),
        }
    }

    fn secret(&mut self, key: Key, news: &mut News) {
        let alone = evaluate::is_alone(&self.inventory, &key, &self.wanted);
        let about = About::Secret(Box::new(key.clone()));
        let (inventory, rules, select) = (&self.inventory, self.rules, &self.select);
        let judged = alone.then(|| {
            if self.every_secret {
                evaluate::secret(inventory, key.clone(), rules, select, &BTreeSet::from([key]))
            } else {
                evaluate::secret(inventory, key, rules, select, &self.wanted)
            }
        });
        self.tell(about, judged.flatten(), news);
    }

    /// The Secrets that changed bindings name and that are not here.
    fn follow_missing(&mut self, dirty: &Dirty) {
        let inventory = &self.inventory;
        let bindings = dirty.bindings.iter().filter_map(|id| inventory.bindings().get(*id));
        for key in bindings.flat_map(|binding| binding.secrets.iter()) {
            if inventory.secrets().get(key).is_none() {
                self.followed.ask(key.clone());
            }
        }
        for key in inventory.secrets_of_stores() {
            if inventory.secrets().get(&key).is_none() {
                self.followed.ask(key);
            }
        }
    }

    /// Follows a Secret that no list brings.
    pub fn follow(&mut self, key: Key) {
        self.followed.ask(key);
    }

    /// Hands the Secrets that are to be followed on to a watch, as far as there is room. It never waits: the watch may be
    /// waiting for its changes to be taken.
    pub fn hand_on(&mut self, name: &mpsc::Sender<Key>) {
        self.followed.send(name);
    }
}

/// The Secrets that are named and that no list brings: each is asked for once.
#[derive(Debug, Default)]
struct Followed {
    asked: BTreeSet<Key>,
    waiting: VecDeque<Key>,
}

impl Followed {
    fn ask(&mut self, key: Key) {
        if self.asked.insert(key.clone()) {
            self.waiting.push_back(key);
        }
    }

    fn send(&mut self, name: &mpsc::Sender<Key>) {
        while let Some(key) = self.waiting.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(key)) = name.try_send(key) {
                self.waiting.push_front(key);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::{NOW, good, key},
        x509::trust::{Anchors, Memo},
    };

    #[test]
    fn who_chooses_routes_by_label_sees_no_secrets_of_others() {
        let secrets = |routes_chosen: bool| {
            let mut inventory = Inventory::new("", false);
            inventory.routes_chosen = routes_chosen;
            inventory.store(good("shop", "spare-tls", &["spare.example"]));
            inventory.derive();
            let rules = Rules {
                now: NOW,
                expiring_within: None,
            };
            let judge = Judge::new(Anchors::default(), Memo::default());
            let (select, wanted) = (Select::default(), BTreeSet::new());
            let mut live = Live::new(inventory, judge, rules, select, wanted, Unresolved::default());
            live.every_secret = true;
            let mut news = News::default();
            live.secret(key("shop", "spare-tls"), &mut news);
            (live.all().len(), news.judged.len())
        };
        assert_eq!(secrets(false), (1, 1));
        assert_eq!(secrets(true), (0, 0));
    }
}
