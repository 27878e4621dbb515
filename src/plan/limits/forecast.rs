//! When the orders that will be wanted are possible: for a forecast, and for whoever makes them by and by.

use super::{Buckets, HeldBy, Limits, OrderKind, Scheduler, WEEK};
use crate::{name::Name, object::Seconds};

/// An order that will be wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// From when on, in seconds since 1970.
    pub at: Seconds,
    /// Its names.
    pub names: Vec<Name>,
    /// What it will count towards.
    pub kind: OrderKind,
}

/// When an order is possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// From when on, in seconds since 1970.
    pub at: Seconds,
    /// The limit that holds it up, as the beginning of a sentence; `None` if none does.
    pub held_by: Option<String>,
}

/// One week of a forecast, and what is due in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Week {
    /// Its first second, in seconds since 1970.
    pub from: Seconds,
    /// The first second after it.
    pub until: Seconds,
    /// Orders that count towards every limit.
    pub new: usize,
    /// Orders that count towards the certificates for the same names alone.
    pub same_names: usize,
    /// Orders that count towards no limit.
    pub replacements: usize,
}

impl Week {
    /// All orders of the week.
    pub fn orders(&self) -> usize {
        self.new + self.same_names + self.replacements
    }
}

/// The limit that holds up orders first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The limit, as the beginning of a sentence.
    pub limit: String,
    /// When it first holds up an order, in seconds since 1970.
    pub from: Seconds,
    /// How many orders are held up, by this limit or another.
    pub delayed: usize,
    /// When the last of them is possible.
    pub until: Seconds,
}

/// What is due week by week, and the limit that holds it up first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forecast {
    /// The weeks, beginning now.
    pub weeks: Vec<Week>,
    /// The limit that holds up orders first; `None` if all orders are possible when they are wanted.
    pub bound: Option<Bound>,
}

/// The moments at which the limits permit the orders that are `wanted`, in their order. Orders that are wanted earlier
/// are planned first, and each waits for all of its limits.
pub fn schedule(limits: &Limits, known: &Buckets, wanted: &[Wanted], now: Seconds) -> Vec<Scheduled> {
    let mut scheduler = Scheduler::new(limits, known, now);
    let mut all: Vec<Scheduled> = wanted
        .iter()
        .map(|wanted| Scheduled {
            at: wanted.at.max(now),
            held_by: None,
        })
        .collect();
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|index| wanted.get(*index).map(|wanted| wanted.at));
    for index in &order {
        if let (Some(wanted), Some(slot)) = (wanted.get(*index), all.get_mut(*index))
            && wanted.kind != OrderKind::Replacement
        {
            let of = scheduler.concerns(&wanted.names);
            let (at, held_by) = scheduler.by_names(&of, wanted.kind, slot.at);
            slot.at = at;
            slot.held_by = held_by.map(|held_by| scheduler.words(held_by));
        }
    }
    order.retain(|index| wanted.get(*index).is_some_and(|wanted| wanted.kind == OrderKind::New));
    order.sort_by_key(|index| all.get(*index).map(|slot| slot.at));
    for index in order {
        let Some(slot) = all.get_mut(index) else { continue };
        let at = scheduler.by_account(slot.at);
        if at > slot.at {
            slot.at = at;
            slot.held_by = Some(scheduler.words(HeldBy::Orders));
        }
    }
    all
}

/// What is due from `now` until a moment, week by week, and the limit that holds it up first. Without known limits, only
/// the weeks.
pub fn forecast(limits: Option<&Limits>, known: &Buckets, wanted: &[Wanted], now: Seconds, until: Seconds) -> Forecast {
    let mut weeks = Vec::new();
    let mut from = now;
    while from < until {
        let end = from.saturating_add(WEEK).min(until);
        weeks.push(Week {
            from,
            until: end,
            ..Week::default()
        });
        from = end;
    }
    for one in wanted {
        let place = usize::try_from((one.at - now).max(0) / WEEK).unwrap_or(usize::MAX);
        let Some(week) = weeks.get_mut(place).filter(|week| one.at < week.until) else {
            continue;
        };
        *match one.kind {
            OrderKind::New => &mut week.new,
            OrderKind::SameNames => &mut week.same_names,
            OrderKind::Replacement => &mut week.replacements,
        } += 1;
    }
    let Some(limits) = limits else {
        return Forecast { weeks, bound: None };
    };
    let scheduled = schedule(limits, known, wanted, now);
    let mut bound: Option<Bound> = None;
    for (one, slot) in wanted.iter().zip(scheduled) {
        let Some(limit) = slot.held_by else { continue };
        let from = one.at.max(now);
        match &mut bound {
            None => {
                bound = Some(Bound {
                    limit,
                    from,
                    delayed: 1,
                    until: slot.at,
                });
            }
            Some(bound) => {
                bound.delayed += 1;
                bound.until = bound.until.max(slot.at);
                if from < bound.from {
                    bound.from = from;
                    bound.limit = limit;
                }
            }
        }
    }
    Forecast { weeks, bound }
}
