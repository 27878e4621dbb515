//! The coming year of orders: when certificates of another lifetime would be renewed, and which limit of the CA would hold them
//! up. Moments are those of the controller, which the caller hands in, and the buckets of the limits are those by which it asks before
//! each order. What it does with time that passes (slots, turns of namespaces, pauses) is not here: a year of millions of orders is walked
//! through once, by a [`Scheduler`] that reserves from the buckets. A test of the controller's queue holds that both come to the same.

mod advice;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

pub use advice::{Advice, advice};

use super::limits::{Buckets, Concerns, HeldBy, LimitOf, Limits, OrderKind, Scheduler};
use crate::{
    name::Name,
    object::Seconds,
    text::time::{DAY, MINUTE},
};

/// A week, in seconds.
const WEEK: Seconds = 7 * DAY;
/// Renewals of one certificate are at least so far apart, in seconds, whatever its lifetime.
const APART: Seconds = MINUTE;

/// When a certificate with a validity is renewed that waits this share, of 2^64, of its window; both in seconds since 1970.
pub type Moment = fn((Seconds, Seconds), u64) -> Seconds;

/// A certificate that is ordered in the coming year.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its names.
    pub names: Vec<Name>,
    /// When it is ordered next, in seconds since 1970.
    pub at: Seconds,
    /// The end of the validity of the present one; `None` if there is none.
    pub until: Option<Seconds>,
    /// What the next order counts towards.
    pub kind: OrderKind,
    /// What those after it do.
    pub again: OrderKind,
    /// A number of its own, from which later shares of windows follow: what a CA will issue is not known beforehand.
    pub seed: u64,
}

/// One limit, and what it holds up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The limit.
    pub limit: LimitOf,
    /// How many orders it holds up.
    pub orders: usize,
    /// The longest time that one of them waits, in seconds.
    pub longest: Seconds,
}

/// One week.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Week {
    /// Its first second, in seconds since 1970.
    pub from: Seconds,
    /// Orders that are wanted in it and count towards every limit.
    pub new: usize,
    /// Those that count towards the certificates for the same names alone.
    pub same_names: usize,
    /// Those that count towards no limit.
    pub replacements: usize,
    /// The limits that hold some of them up, the one with the most first.
    pub held: Vec<Held>,
}

impl Week {
    /// All orders that are wanted in the week.
    pub fn orders(&self) -> usize {
        self.new + self.same_names + self.replacements
    }

    /// How many of them wait for a limit.
    pub fn waiting(&self) -> usize {
        self.held.iter().map(|held| held.orders).sum()
    }
}

/// The orders of new names, which come on the first day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNames {
    /// How many there are.
    pub count: usize,
    /// When the last of them is ordered, in seconds after the first day began.
    pub takes: Seconds,
    /// The limit that holds the last of them up; `None` if none does.
    pub held_by: Option<LimitOf>,
}

/// A year with one lifetime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The lifetime of new certificates, in seconds.
    pub lifetime: Seconds,
    /// The weeks.
    pub weeks: Vec<Week>,
    /// The day with the most orders: its first second, and how many.
    pub busiest: (Seconds, usize),
    /// How many certificates would end before their successor could be ordered.
    pub late: usize,
    /// The new names, if there are some.
    pub new_names: Option<NewNames>,
}

impl Course {
    /// All orders of the year.
    pub fn orders(&self) -> usize {
        self.weeks.iter().map(Week::orders).sum()
    }

    /// How many of them wait for a limit.
    pub fn waiting(&self) -> usize {
        self.weeks.iter().map(Week::waiting).sum()
    }

    /// The longest time that one of them waits, in seconds.
    pub fn longest(&self) -> Seconds {
        let held = self.weeks.iter().flat_map(|week| &week.held);
        held.map(|held| held.longest).max().unwrap_or_default()
    }
}

/// What a forecast is made of.
pub struct Year<'a> {
    /// The limits; `None` if they are not known.
    pub limits: Option<&'a Limits>,
    /// What is known of them now.
    pub known: &'a Buckets,
    /// The certificates. The last [`Self::new_names`] of them are the new names.
    pub kept: &'a [Kept],
    /// How many of them are new names.
    pub new_names: usize,
    /// When certificates are renewed.
    pub moment: Moment,
    /// How long before its issuance a certificate begins by its CA, in seconds.
    pub backdated: Seconds,
    /// From when, in seconds since 1970.
    pub now: Seconds,
    /// Until when.
    pub until: Seconds,
}

/// A certificate as the year goes on.
#[derive(Clone, Copy)]
struct Now {
    /// When it is wanted.
    wanted: Seconds,
    /// The end of the present one.
    until: Option<Seconds>,
    kind: OrderKind,
    /// How many there were.
    count: u64,
    held_by: Option<HeldBy>,
}

/// What happens next, and to which certificate. Of what happens at once, the names' limits come before the account's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Wanted(usize),
    Account(usize),
}

impl Year<'_> {
    /// The year with certificates of a lifetime, in seconds.
    pub fn with(&self, lifetime: Seconds) -> Course {
        let mut walk = Walk::new(self, lifetime);
        while let Some(Reverse((at, next))) = walk.queue.pop() {
            match next {
                Next::Wanted(index) => walk.wanted(index, at),
                Next::Account(index) => walk.account(index, at),
            }
        }
        walk.end()
    }
}

/// The year as it goes on.
struct Walk<'a> {
    year: &'a Year<'a>,
    lifetime: Seconds,
    scheduler: Option<Scheduler>,
    concerns: Vec<Concerns>,
    now: Vec<Now>,
    queue: BinaryHeap<Reverse<(Seconds, Next)>>,
    weeks: Vec<Week>,
    /// What each limit holds up in each week: how many, and how long.
    held: BTreeMap<(usize, HeldBy), (usize, Seconds)>,
    days: Vec<usize>,
    late: usize,
    last_new: Option<(Seconds, Option<HeldBy>)>,
}

impl<'a> Walk<'a> {
    fn new(year: &'a Year<'a>, lifetime: Seconds) -> Self {
        let mut scheduler = year.limits.map(|limits| Scheduler::new(limits, year.known, year.now));
        let concerns = year.kept.iter().map(|kept| {
            let concerns = scheduler.as_mut().map(|scheduler| scheduler.concerns(&kept.names));
            concerns.unwrap_or_default()
        });
        let concerns = concerns.collect();
        let now = year.kept.iter().map(|kept| Now {
            wanted: kept.at.max(year.now),
            until: kept.until,
            kind: kept.kind,
            count: 0,
            held_by: None,
        });
        let now: Vec<Now> = now.collect();
        let begin = now.iter().enumerate().filter(|(_, one)| one.wanted < year.until);
        let queue = begin
            .map(|(index, one)| Reverse((one.wanted, Next::Wanted(index))))
            .collect();
        let length = year.until.saturating_sub(year.now).max(0);
        let count = |of: Seconds| usize::try_from((length + of - 1) / of).unwrap_or_default();
        let weeks = (0..).zip(0..count(WEEK)).map(|(number, _)| Week {
            from: year.now + number * WEEK,
            ..Week::default()
        });
        Self {
            year,
            lifetime,
            scheduler,
            concerns,
            now,
            queue,
            weeks: weeks.collect(),
            held: BTreeMap::new(),
            days: vec![0; count(DAY)],
            late: 0,
            last_new: None,
        }
    }

    /// The number of the week or day of a moment.
    fn place(&self, at: Seconds, of: Seconds) -> usize {
        usize::try_from((at - self.year.now).max(0) / of).unwrap_or(usize::MAX)
    }

    /// An order is wanted, and waits for the limits of its names.
    fn wanted(&mut self, index: usize, at: Seconds) {
        let Some(kind) = self.now.get(index).map(|now| now.kind) else {
            return;
        };
        let (week, day) = (self.place(at, WEEK), self.place(at, DAY));
        if let Some(week) = self.weeks.get_mut(week) {
            *match kind {
                OrderKind::New => &mut week.new,
                OrderKind::SameNames => &mut week.same_names,
                OrderKind::Replacement => &mut week.replacements,
            } += 1;
        }
        if let Some(day) = self.days.get_mut(day) {
            *day += 1;
        }
        let (Some(scheduler), Some(concerns)) = (&mut self.scheduler, self.concerns.get(index)) else {
            return self.ordered(index, at);
        };
        let (possible, held_by) = scheduler.by_names(concerns, kind, at);
        if let Some(now) = self.now.get_mut(index) {
            now.held_by = held_by;
        }
        if kind == OrderKind::New {
            self.queue.push(Reverse((possible, Next::Account(index))));
        } else {
            self.ordered(index, possible);
        }
    }

    /// The limits of its names permit an order, and it waits for that of the account.
    fn account(&mut self, index: usize, at: Seconds) {
        let Some(scheduler) = &mut self.scheduler else { return };
        let possible = scheduler.by_account(at);
        if possible > at
            && let Some(now) = self.now.get_mut(index)
        {
            now.held_by = Some(HeldBy::Orders);
        }
        self.ordered(index, possible);
    }

    /// A certificate is ordered, and the next one follows.
    fn ordered(&mut self, index: usize, at: Seconds) {
        let year = self.year;
        let (Some(now), Some(kept)) = (self.now.get(index).copied(), year.kept.get(index)) else {
            return;
        };
        if let Some(held_by) = now.held_by {
            let week = self.place(now.wanted, WEEK);
            let (orders, longest) = self.held.entry((week, held_by)).or_default();
            *orders += 1;
            *longest = (*longest).max(at.saturating_sub(now.wanted));
        }
        if now.until.is_some_and(|until| at >= until) {
            self.late += 1;
        }
        if now.count == 0
            && index + year.new_names >= year.kept.len()
            && self.last_new.is_none_or(|(last, _)| last <= at)
        {
            self.last_new = Some((at, now.held_by));
        }
        let begins = at.saturating_sub(year.backdated);
        let ends = begins.saturating_add(self.lifetime);
        let count = now.count + 1;
        let next = (year.moment)((begins, ends), mixed(kept.seed.wrapping_add(count)));
        let wanted = next.max(at.saturating_add(APART));
        if let Some(now) = self.now.get_mut(index) {
            *now = Now {
                wanted,
                until: Some(ends),
                kind: kept.again,
                count,
                held_by: None,
            };
        }
        if wanted < year.until {
            self.queue.push(Reverse((wanted, Next::Wanted(index))));
        }
    }

    fn end(mut self) -> Course {
        let limit = |held_by: HeldBy| self.scheduler.as_ref().map(|scheduler| scheduler.limit(held_by));
        for ((week, held_by), (orders, longest)) in &self.held {
            if let (Some(week), Some(limit)) = (self.weeks.get_mut(*week), limit(*held_by)) {
                week.held.push(Held {
                    limit,
                    orders: *orders,
                    longest: *longest,
                });
            }
        }
        for week in &mut self.weeks {
            week.held.sort_by_key(|held| Reverse(held.orders));
        }
        let busiest = (0..)
            .zip(&self.days)
            .max_by_key(|(day, count)| (**count, Reverse(*day)));
        let (day, most) = busiest.map_or((0, 0), |(day, count)| (day, *count));
        Course {
            lifetime: self.lifetime,
            busiest: (self.year.now + day * DAY, most),
            late: self.late,
            new_names: self.last_new.map(|(last, held_by)| NewNames {
                count: self.year.new_names,
                takes: last - self.year.now,
                held_by: held_by.and_then(limit),
            }),
            weeks: self.weeks,
        }
    }
}

/// A number whose bits follow from those of another one like those of a hash (the finalizer of SplitMix64): each is as good a
/// stand-in for the first bytes of a keyed hash as any other.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
