use super::*;
use crate::{
    plan::limits::{Wanted, schedule},
    text::time::HOUR,
};

const NOW: Seconds = 1_800_000_000;
const YEAR: Seconds = 365 * DAY;
const LIMITS: &Limits = &Limits::PRODUCTION;

fn names(all: &[&str]) -> Vec<Name> {
    all.iter().map(|name| name.parse().unwrap()).collect()
}

/// Exactly two thirds of the lifetime, or half of a short one, whatever the share.
fn plain((begins, ends): (Seconds, Seconds), _: u64) -> Seconds {
    crate::check::due_by_lifetime(begins, ends)
}

fn renewed(host: &str, at: Seconds, again: OrderKind) -> Kept {
    Kept {
        names: names(&[host]),
        at,
        until: Some(at + 30 * DAY),
        kind: again,
        again,
        seed: 7,
    }
}

fn new(host: &str) -> Kept {
    Kept {
        until: None,
        kind: OrderKind::New,
        ..renewed(host, NOW, OrderKind::SameNames)
    }
}

fn year(kept: &[Kept], new_names: usize, lifetime: Seconds) -> Course {
    let known = Buckets::default();
    let year = Year {
        limits: Some(LIMITS),
        known: &known,
        kept,
        new_names,
        moment: plain,
        backdated: 0,
        now: NOW,
        until: NOW + YEAR,
    };
    year.with(lifetime)
}

#[test]
fn thirty_thousand_new_names_take_297_hours_with_one_account() {
    // 300 at once, then one each 36 s: (30,000 - 300) × 36 s = 1,069,200 s = 297 h.
    let all: Vec<Kept> = (0..30_000).map(|n| new(&format!("n{n}.example"))).collect();
    let course = year(&all, 30_000, 90 * DAY);
    let new_names = course.new_names.as_ref().unwrap();
    assert_eq!((new_names.count, new_names.takes), (30_000, 297 * HOUR));
    assert_eq!(new_names.held_by, Some(LimitOf::Orders));
    // All are wanted in the first week, and all but the burst wait.
    assert_eq!((course.weeks[0].new, course.weeks[0].waiting()), (30_000, 29_700));
    assert_eq!(course.weeks[0].held[0].longest, 297 * HOUR);
    assert_eq!(course.late, 0);
    // Their renewals count towards their own names alone: nothing else waits in the whole year.
    assert_eq!(course.waiting(), 29_700);
    assert_eq!(advice(&[course], Some(LIMITS)), [Advice::Spread { a_day: 2_400 }]);
}

#[test]
fn sixty_new_hosts_of_one_domain_wait_for_its_certificates() {
    // 50 at once, then one each 12,096 s (201.6 min): the 60th waits 10 × 12,096 s = 120,960 s = 33.6 h.
    let all: Vec<Kept> = (0..60).map(|n| new(&format!("h{n}.shop.example"))).collect();
    let course = year(&all, 60, 90 * DAY);
    let new_names = course.new_names.as_ref().unwrap();
    assert_eq!(new_names.takes, 120_960);
    let domain = "shop.example".to_owned();
    assert_eq!(new_names.held_by, Some(LimitOf::Domain(domain.clone())));
    assert_eq!(course.weeks[0].held[0].orders, 10);
    assert_eq!(advice(&[course], Some(LIMITS)), [Advice::Join { domain, a_week: 50 }]);
}

#[test]
fn a_year_of_each_lifetime_has_the_renewals_that_two_thirds_of_it_come_to() {
    // The first at day 0, and then each 2/3 of the lifetime, while that is before day 365:
    // 90 d: each 60 days, at 0, 60, ..., 360: 7. 45 d: each 30 days, 0 to 360: 13.
    // 64 d: each 42 d 16 h, 8 × 42.67 = 341.3, so 9. 160 h: half is 80 h = 3.33 d, 109 × 3.33 = 363.3, so 110.
    for (lifetime, orders) in [(90 * DAY, 7), (64 * DAY, 9), (45 * DAY, 13), (160 * HOUR, 110)] {
        let course = year(&[renewed("a.example", NOW, OrderKind::SameNames)], 0, lifetime);
        assert_eq!(
            (course.orders(), course.waiting(), course.late),
            (orders, 0, 0),
            "{lifetime}"
        );
        assert_eq!(course.weeks.len(), 53, "52 weeks and a day");
        assert_eq!(advice(&[course], Some(LIMITS)), [Advice::Nothing]);
    }
}

#[test]
fn three_secrets_with_the_same_names_meet_their_limit_only_with_certificates_of_six_days() {
    let three: Vec<Kept> = (0..3)
        .map(|n| renewed("a.example", NOW + n * HOUR, OrderKind::SameNames))
        .collect();
    // Each 30 days three: the bucket of five is full again after 168 h.
    let of_45 = year(&three, 0, 45 * DAY);
    assert_eq!(of_45.waiting(), 0);
    // Three each 80 h are 6.3 a week, and the limit is 5 a week.
    let of_six = year(&three, 0, 160 * HOUR);
    let first = of_six.weeks.iter().find(|week| week.waiting() > 0).unwrap();
    assert!(first.from <= NOW + WEEK, "{}", (first.from - NOW) / DAY);
    assert_eq!(first.held[0].limit, LimitOf::SameNames("a.example".to_owned()));
    let share = Advice::Share {
        set: "a.example".to_owned(),
        lifetime: 160 * HOUR,
    };
    assert!(advice(&[of_45, of_six.clone()], Some(LIMITS)).contains(&share));
    // A CA that counts replacements in their window towards nothing has no such limit.
    let exempt: Vec<Kept> = (0..3)
        .map(|n| renewed("a.example", NOW + n * HOUR, OrderKind::Replacement))
        .collect();
    assert_eq!(year(&exempt, 0, 160 * HOUR).waiting(), 0);
    // What waits too long ends: with ten such Secrets, all of which share five a week, most do.
    let ten: Vec<Kept> = (0..10)
        .map(|n| renewed("a.example", NOW + n * HOUR, OrderKind::SameNames))
        .collect();
    let late = year(&ten, 0, 160 * HOUR);
    assert!(late.late > 0);
    let early = advice(std::slice::from_ref(&late), Some(LIMITS));
    assert_eq!(
        early[0],
        Advice::Early {
            late: late.late,
            lifetime: 160 * HOUR
        }
    );
}

#[test]
fn what_the_account_has_ordered_already_counts_on_the_first_day() {
    let mut known = Buckets::default();
    for _ in 0..300 {
        known.ordered(LIMITS, OrderKind::New, NOW);
    }
    let kept = [new("a.example")];
    let year = Year {
        limits: Some(LIMITS),
        known: &known,
        kept: &kept,
        new_names: 1,
        moment: plain,
        backdated: 0,
        now: NOW,
        until: NOW + YEAR,
    };
    assert_eq!(year.with(90 * DAY).new_names.unwrap().takes, 36);
    // Without known limits there is nothing to wait for, and that is said.
    let unknown = Year { limits: None, ..year };
    let course = unknown.with(90 * DAY);
    assert_eq!((course.new_names.as_ref().unwrap().takes, course.orders()), (0, 7));
    assert_eq!(advice(&[course], None), [Advice::TellLimits]);
}

#[test]
fn the_first_orders_are_planned_as_a_plan_of_orders_has_them() {
    let kept: Vec<Kept> = (0..400)
        .map(|n| Kept {
            at: NOW + (n % 7) * 1_000,
            kind: if n % 3 == 0 {
                OrderKind::SameNames
            } else {
                OrderKind::New
            },
            ..new(&format!("h{n}.d{}.example", n % 5))
        })
        .collect();
    let known = Buckets::default();
    let planned = |kept: &Kept| Wanted {
        at: kept.at,
        names: kept.names.clone(),
        kind: kept.kind,
    };
    let wanted: Vec<Wanted> = kept.iter().map(planned).collect();
    let scheduled = schedule(LIMITS, &known, &wanted, NOW);
    let last = scheduled.iter().map(|slot| slot.at).max().unwrap();
    let waiting = scheduled.iter().filter(|slot| slot.held_by.is_some()).count();
    let year = Year {
        limits: Some(LIMITS),
        known: &known,
        kept: &kept,
        new_names: 400,
        moment: |_, _| Seconds::MAX,
        backdated: 0,
        now: NOW,
        until: NOW + YEAR,
    };
    let course = year.with(90 * DAY);
    assert!(waiting > 0);
    assert_eq!(
        (course.new_names.as_ref().unwrap().takes, course.waiting()),
        (last - NOW, waiting)
    );
}

#[test]
fn ten_thousand_certificates_of_six_days_are_planned_for_a_year_in_a_moment() {
    let kept: Vec<Kept> = (0..10_000)
        .map(|n| renewed(&format!("h{n}.d{}.example", n % 100), NOW + n, OrderKind::SameNames))
        .collect();
    let began = std::time::Instant::now();
    let course = year(&kept, 0, 160 * HOUR);
    assert!((1_080_000..1_110_000).contains(&course.orders()), "{}", course.orders());
    // A build for tests is some ten times slower than one that is shipped, and the machine may be busy.
    assert!(
        began.elapsed() < std::time::Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}
