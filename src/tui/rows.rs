//! All items, in an order, and those of them that are looked at.
//!
//! A change moves only what changed: the order is merged, never made anew, so that thousands of changes a second cost little
//! with a hundred thousand rows.

use std::cmp::Ordering;

use hashbrown::{HashMap, HashSet};

use super::{
    filter::{Filter, text_of},
    item::Item,
};
use crate::{
    check::{Period, Reason},
    object::{Key, Text},
    report::{Status, order::Field, present::order::compare},
    scan::About,
};

/// How the rows are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// By which field; worst first without one.
    pub by: Option<Field>,
    /// The other way round.
    pub reverse: bool,
}

/// What chooses the rows that are looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice {
    /// What was typed.
    pub filter: Filter,
    /// Only what has a finding.
    pub problems_only: bool,
    /// Only what is in this namespace.
    pub namespace: Option<Text>,
    /// Only what has a finding of this reason.
    pub reason: Option<Reason>,
    /// Only what expires or falls due for renewal in it.
    pub between: Option<Period>,
}

impl Choice {
    /// Whether the table has an item, were everything else chosen: all that has a row of `status`, and while a period is chosen
    /// the healthy Secrets without route too, as they expire like all others.
    pub fn has_row(&self, item: &Item) -> bool {
        item.is_shown() || self.between.is_some()
    }

    /// Whether an item is chosen.
    pub fn has(&self, item: &Item) -> bool {
        self.chooses(item, &text_of(item))
    }

    fn chooses(&self, item: &Item, text: &str) -> bool {
        (!self.problems_only || item.status != Status::Healthy)
            && self
                .namespace
                .as_ref()
                .is_none_or(|namespace| item.namespace == *namespace)
            && self
                .reason
                .is_none_or(|reason| item.findings.iter().any(|finding| finding.reason() == reason))
            && self.between.is_none_or(|period| {
                item.certificate
                    .as_ref()
                    .is_some_and(|certificate| period.has(certificate))
            })
            && self.filter.matches(item, text)
    }
}

/// How many lines there are, of what, and how bad they are: as the last line of `status` counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// By status; of what could not be read nothing is known, and it is counted as that alone.
    pub status: [usize; 5],
    /// Hosts.
    pub hosts: usize,
    /// Routes without a host.
    pub routes: usize,
    /// Secrets without a route.
    pub secrets: usize,
    /// Kinds that could not be read.
    pub unread: usize,
}

impl Tally {
    fn of(&mut self, item: &Item) -> &mut usize {
        match (&item.about, &item.host, &item.route) {
            (About::Forbidden(_), ..) => &mut self.unread,
            (_, Some(_), _) => &mut self.hosts,
            (_, None, Some(_)) => &mut self.routes,
            (_, None, None) => &mut self.secrets,
        }
    }

    fn add(&mut self, item: &Item) {
        if !matches!(item.about, About::Forbidden(_)) {
            self.status[item.status as usize] += 1;
        }
        *self.of(item) += 1;
    }

    fn take(&mut self, item: &Item) {
        if !matches!(item.about, About::Forbidden(_)) {
            let status = &mut self.status[item.status as usize];
            *status = status.saturating_sub(1);
        }
        let of = self.of(item);
        *of = of.saturating_sub(1);
    }
}

/// All items.
#[derive(Debug, Default)]
pub struct Rows {
    slots: Vec<Option<Item>>,
    /// What a filter looks at, of each slot; `None` until somebody filters, as who only looks needs none of it.
    texts: Option<Vec<Box<str>>>,
    free: Vec<u32>,
    places: HashMap<About, u32>,
    /// All slots that the table has, sorted.
    order: Vec<u32>,
    /// Those of them that are chosen, sorted.
    visible: Vec<u32>,
    sort: Sort,
    choice: Choice,
    /// Counts of what the table has, chosen or not.
    all: Tally,
    /// Counts of what is looked at.
    here: Tally,
    /// Goes up with every change.
    version: u64,
}

impl Rows {
    /// The item at a position of what is looked at.
    pub fn get(&self, position: usize) -> Option<&Item> {
        self.item(*self.visible.get(position)?)
    }

    /// The item of a slot.
    pub fn item(&self, slot: u32) -> Option<&Item> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The item about something.
    pub fn about(&self, about: &About) -> Option<&Item> {
        self.item(*self.places.get(about)?)
    }

    /// How many are looked at.
    pub fn len(&self) -> usize {
        self.visible.len()
    }

    /// Whether none is looked at.
    pub fn is_empty(&self) -> bool {
        self.visible.is_empty()
    }

    /// How many the table has, chosen or not.
    pub fn total(&self) -> usize {
        self.order.len()
    }

    /// What is looked at, in its order.
    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        self.visible.iter().filter_map(|slot| self.item(*slot))
    }

    /// Everything that is known, in no order: Secrets without route that are healthy too.
    pub fn everything(&self) -> impl Iterator<Item = &Item> {
        self.slots.iter().flatten()
    }

    /// What is chosen of everything: what the table has, in its order, then the healthy Secrets without route.
    pub fn chosen_in_order(&self) -> impl Iterator<Item = &Item> {
        self.iter()
            .chain(self.chosen().filter(|item| !self.choice.has_row(item)))
    }

    /// What is chosen of everything, in no order.
    pub fn chosen(&self) -> impl Iterator<Item = &Item> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(slot, item)| item.as_ref().filter(|item| self.choice.chooses(item, self.text(slot))))
    }

    /// Makes ready what a filter looks at: once, and kept current from then on.
    pub fn make_texts(&mut self) {
        let slots = &self.slots;
        self.texts.get_or_insert_with(|| {
            slots
                .iter()
                .map(|item| item.as_ref().map(text_of).unwrap_or_default())
                .collect()
        });
    }

    /// What a filter looks at; empty where nothing is filtered.
    fn text(&self, slot: usize) -> &str {
        let text = self.texts.as_ref().and_then(|texts| texts.get(slot));
        text.map_or("", |text| text)
    }

    /// How many Secrets there are, chosen or not.
    pub fn count_secrets(&self) -> usize {
        let named: HashSet<&Key> = self.everything().filter_map(Item::secret).collect();
        named.len()
    }

    /// How many hosts name a Secret, of all that was read.
    pub fn hosts_of(&self, secret: &Key) -> usize {
        let names = |item: &&Item| item.host.is_some() && item.secrets.contains(secret);
        self.everything().filter(names).count()
    }

    /// The position of something in what is looked at.
    pub fn position(&self, about: &About) -> Option<usize> {
        let slot = *self.places.get(about)?;
        let item = self.item(slot)?;
        let found = self.visible.binary_search_by(|other| {
            self.item(*other)
                .map_or(Ordering::Less, |other| self.compare(other, item))
        });
        found.ok()
    }

    /// Counts of what the table has, chosen or not.
    pub fn all(&self) -> &Tally {
        &self.all
    }

    /// Counts of what is looked at.
    pub fn here(&self) -> &Tally {
        &self.here
    }

    /// Goes up with every change of what is held or chosen.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How they are sorted.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// What chooses.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Sorts otherwise.
    pub fn set_sort(&mut self, sort: Sort) {
        if self.sort == sort {
            return;
        }
        self.sort = sort;
        self.version += 1;
        let mut order = std::mem::take(&mut self.order);
        self.sort_slots(&mut order);
        self.order = order;
        self.choose_all();
    }

    /// Chooses otherwise.
    pub fn set_choice(&mut self, choice: Choice) {
        if self.choice == choice {
            return;
        }
        self.version += 1;
        if choice.filter != Filter::Everything {
            self.make_texts();
        }
        // Who types on narrows what is there already.
        let narrows = choice.filter.narrows(&self.choice.filter)
            && (choice.problems_only || !self.choice.problems_only)
            && (self.choice.namespace.is_none() || choice.namespace == self.choice.namespace)
            && (self.choice.reason.is_none() || choice.reason == self.choice.reason)
            && choice.between == self.choice.between;
        let other_rows = choice.between.is_some() != self.choice.between.is_some();
        self.choice = choice;
        if other_rows {
            self.take_rows();
        }
        if narrows {
            let mut visible = std::mem::take(&mut self.visible);
            let mut here = Tally::default();
            visible.retain(|slot| self.is_chosen(*slot) && self.item(*slot).map(|item| here.add(item)).is_some());
            (self.visible, self.here) = (visible, here);
        } else {
            self.choose_all();
        }
    }

    /// Takes into the table what it has by what is chosen.
    fn take_rows(&mut self) {
        let mut order = Vec::with_capacity(self.places.len());
        let mut all = Tally::default();
        for (slot, item) in (0..).zip(&self.slots) {
            if let Some(item) = item.as_ref().filter(|item| self.choice.has_row(item)) {
                all.add(item);
                order.push(slot);
            }
        }
        self.sort_slots(&mut order);
        (self.order, self.all) = (order, all);
    }

    fn choose_all(&mut self) {
        let mut visible = std::mem::take(&mut self.visible);
        visible.clear();
        let mut here = Tally::default();
        let counted = |slot: &u32| self.is_chosen(*slot) && self.item(*slot).map(|item| here.add(item)).is_some();
        visible.extend(self.order.iter().copied().filter(counted));
        (self.visible, self.here) = (visible, here);
    }

    fn is_chosen(&self, slot: u32) -> bool {
        self.item(slot)
            .is_some_and(|item| self.choice.chooses(item, self.text(slot as usize)))
    }

    fn sort_slots(&self, slots: &mut [u32]) {
        // Most rows differ in their status or their expiry, which are cheap to compare.
        slots.sort_unstable_by(|a, b| match (self.item(*a), self.item(*b)) {
            (Some(a), Some(b)) => self.compare(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        });
    }

    /// As `status` has it; what is alike in all of that has its own place all the same.
    fn compare(&self, a: &Item, b: &Item) -> Ordering {
        compare(&a, &b, self.sort.by, self.sort.reverse).then_with(|| a.about.cmp(&b.about))
    }

    /// Replaces everything.
    pub fn set_all(&mut self, items: Vec<Item>) {
        self.slots.clear();
        if let Some(texts) = &mut self.texts {
            texts.clear();
        }
        self.free.clear();
        self.places.clear();
        self.order.clear();
        self.visible.clear();
        (self.all, self.here) = (Tally::default(), Tally::default());
        self.change(items, &[]);
    }

    /// Takes items that are new or different, and lets go of others. Returns how many looked different.
    pub fn change(&mut self, items: Vec<Item>, gone: &[About]) -> usize {
        let mut fresh: Vec<u32> = Vec::with_capacity(items.len());
        let mut out: Vec<u32> = Vec::new();
        let mut changed = 0;
        for about in gone {
            let Some(slot) = self.places.remove(about) else {
                continue;
            };
            self.count_out(slot);
            out.push(slot);
            changed += 1;
        }
        // A slot that is used again must not stay in the order under its former item.
        for item in items {
            if let Some(slot) = self.places.get(&item.about).copied() {
                if self.item(slot) == Some(&item) {
                    continue;
                }
                self.count_out(slot);
                out.push(slot);
                fresh.push(slot);
                self.put(slot, item);
                self.count_in(slot);
            } else {
                let slot = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(None);
                    if let Some(texts) = &mut self.texts {
                        texts.push(Box::default());
                    }
                    u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
                });
                self.places.insert(item.about.clone(), slot);
                self.put(slot, item);
                self.count_in(slot);
                fresh.push(slot);
            }
            changed += 1;
        }
        if changed == 0 {
            return 0;
        }
        self.version += 1;
        self.take_out(&out);
        for about in &out {
            let held = self
                .item(*about)
                .is_some_and(|item| self.places.get(&item.about) == Some(about));
            if !held {
                self.slots[*about as usize] = None;
                if let Some(texts) = &mut self.texts {
                    texts[*about as usize] = Box::default();
                }
                self.free.push(*about);
            }
        }
        fresh.sort_unstable();
        fresh.dedup();
        fresh.retain(|slot| self.item(*slot).is_some_and(|item| self.choice.has_row(item)));
        self.sort_slots(&mut fresh);
        let order = std::mem::take(&mut self.order);
        self.order = self.merged(order, &fresh);
        fresh.retain(|slot| self.is_chosen(*slot));
        let visible = std::mem::take(&mut self.visible);
        self.visible = self.merged(visible, &fresh);
        changed
    }

    fn put(&mut self, slot: u32, item: Item) {
        if let Some(texts) = &mut self.texts {
            texts[slot as usize] = text_of(&item);
        }
        self.slots[slot as usize] = Some(item);
    }

    fn take_out(&mut self, out: &[u32]) {
        if out.is_empty() {
            return;
        }
        let mut marked = vec![false; self.slots.len()];
        for slot in out {
            marked[*slot as usize] = true;
        }
        self.order.retain(|slot| !marked[*slot as usize]);
        self.visible.retain(|slot| !marked[*slot as usize]);
    }

    /// Both, in order. Most of what is there stays where it is, so runs of it are copied whole.
    fn merged(&self, old: Vec<u32>, fresh: &[u32]) -> Vec<u32> {
        if fresh.is_empty() {
            return old;
        }
        if old.is_empty() {
            return fresh.to_vec();
        }
        let mut merged = Vec::with_capacity(old.len() + fresh.len());
        let mut rest = old.as_slice();
        for slot in fresh {
            let Some(item) = self.item(*slot) else { continue };
            let before = rest.partition_point(|other| {
                self.item(*other)
                    .is_some_and(|other| self.compare(other, item) == Ordering::Less)
            });
            let (head, tail) = rest.split_at(before);
            merged.extend_from_slice(head);
            merged.push(*slot);
            rest = tail;
        }
        merged.extend_from_slice(rest);
        merged
    }

    fn count_in(&mut self, slot: u32) {
        let chosen = self.is_chosen(slot);
        let item = self.slots.get(slot as usize).and_then(Option::as_ref);
        if let Some(item) = item.filter(|item| self.choice.has_row(item)) {
            self.all.add(item);
            if chosen {
                self.here.add(item);
            }
        }
    }

    fn count_out(&mut self, slot: u32) {
        let chosen = self.is_chosen(slot);
        let item = self.slots.get(slot as usize).and_then(Option::as_ref);
        if let Some(item) = item.filter(|item| self.choice.has_row(item)) {
            self.all.take(item);
            if chosen {
                self.here.take(item);
            }
        }
    }
}
