//! The year of the forecast, held against the queue: the same certificates with the same limits are ordered by both, the one time planned
//! and the other time taken from the queue and asked for as the controller does.

use std::collections::BTreeMap;

use super::*;
use crate::{
    check::due_by_lifetime,
    name::Name,
    plan::{
        forecast::{Course, Kept, Year},
        limits::{Buckets, Limits, OrderKind, exceeded},
    },
    text::time::{HOUR, MINUTE},
};

const NOW: Seconds = 1_800_000_000;
const UNTIL: Seconds = NOW + 365 * DAY;
const LIMITS: &Limits = &Limits::PRODUCTION;

/// What a year comes to.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    orders: usize,
    waited: usize,
    longest: Seconds,
    late: usize,
    /// When the last certificate had its first order.
    last_first: Seconds,
}

fn moment((begins, ends): (Seconds, Seconds), _: u64) -> Seconds {
    due_by_lifetime(begins, ends)
}

fn kept(host: &str, at: Seconds, kind: OrderKind) -> Kept {
    let host: Name = host.parse().unwrap();
    Kept {
        names: vec![host],
        at,
        until: (kind != OrderKind::New).then_some(at + 80 * HOUR),
        kind,
        again: OrderKind::SameNames,
        seed: 0,
    }
}

fn planned(all: &[Kept], lifetime: Seconds) -> Came {
    let year = Year {
        limits: Some(LIMITS),
        known: &Buckets::default(),
        kept: all,
        new_names: all.len(),
        moment,
        backdated: 0,
        now: NOW,
        until: UNTIL,
    };
    let course: Course = year.with(lifetime);
    Came {
        orders: course.orders(),
        waited: course.waiting(),
        longest: course.longest(),
        late: course.late,
        last_first: course.new_names.unwrap().takes,
    }
}

/// A certificate on its way through the queue.
struct Now {
    wanted: Seconds,
    until: Option<Seconds>,
    kind: OrderKind,
    has_waited: bool,
    count: usize,
}

fn driven(all: &[Kept], lifetime: Seconds) -> Came {
    let mut queue = Queue::new();
    let mut known = Buckets::default();
    let mut each: BTreeMap<Key, (usize, Now)> = BTreeMap::new();
    let queued = |key: &Key, due_at: Seconds, until: Option<Seconds>| Task {
        due_at,
        deadline: until.unwrap_or(NOW + 10 * MINUTE),
        ..task("shop", &key.name, 0)
    };
    for (index, kept) in all.iter().enumerate() {
        let key = key("shop", &format!("s{index:05}"));
        queue.upsert(queued(&key, kept.at, kept.until));
        let now = Now {
            wanted: kept.at,
            until: kept.until,
            kind: kept.kind,
            has_waited: false,
            count: 0,
        };
        each.insert(key, (index, now));
    }
    let mut came = Came {
        orders: 0,
        waited: 0,
        longest: 0,
        late: 0,
        last_first: 0,
    };
    while let Some(at) = queue.next_wake() {
        let at = at.max(NOW);
        while let Some(key) = queue.next(at, 1_000_000) {
            let (index, now) = each.get_mut(&key).unwrap();
            let kept = &all[*index];
            if let Some(limit) = exceeded(LIMITS, &[&known], &kept.names, now.kind, at) {
                now.has_waited = true;
                queue.limited(&key, at, limit.possible_at, limit.limit.as_str().into());
                continue;
            }
            known.ordered(LIMITS, now.kind, at);
            known.issued(LIMITS, &kept.names, now.kind, at);
            queue.done(&key);
            came.orders += 1;
            came.waited += usize::from(now.has_waited);
            came.longest = came.longest.max(at - now.wanted);
            came.late += usize::from(now.until.is_some_and(|until| at >= until));
            if now.count == 0 {
                came.last_first = came.last_first.max(at - NOW);
            }
            let until = at + lifetime;
            *now = Now {
                wanted: moment((at, until), 0),
                until: Some(until),
                kind: kept.again,
                has_waited: false,
                count: now.count + 1,
            };
            if now.wanted < UNTIL {
                queue.upsert(queued(&key, now.wanted, now.until));
            }
        }
    }
    came
}

#[test]
fn a_year_of_the_queue_is_the_year_of_the_forecast() {
    let new_ones = |count: usize, host: fn(usize) -> String| -> Vec<Kept> {
        (0..count).map(|n| kept(&host(n), NOW, OrderKind::New)).collect()
    };
    let of_same_names = |count: i64| -> Vec<Kept> {
        (0..count)
            .map(|n| kept("a.example", NOW + n * HOUR, OrderKind::SameNames))
            .collect()
    };
    let renewed: Vec<Kept> = (0..200)
        .map(|n| {
            kept(
                &format!("h{n}.d{}.example", n % 20),
                NOW + n * 7 * HOUR,
                OrderKind::SameNames,
            )
        })
        .collect();
    for (what, all) in [
        ("the account binds", new_ones(400, |n| format!("n{n}.example"))),
        ("a domain binds", new_ones(60, |n| format!("h{n}.shop.example"))),
        ("nothing binds", renewed),
        ("the same names bind with short lives", of_same_names(3)),
        ("some end", of_same_names(10)),
    ] {
        for lifetime in [90 * DAY, 64 * DAY, 45 * DAY, 160 * HOUR] {
            let (planned, driven) = (planned(&all, lifetime), driven(&all, lifetime));
            assert_eq!(planned, driven, "{what}, {} h", lifetime / HOUR);
            assert!(planned.orders >= all.len());
        }
    }
}
