mod year;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::text::time::DAY;

fn task(namespace: &str, name: &str, deadline: Seconds) -> Task {
    Task {
        secret: Key::new(namespace, name).into(),
        namespace: namespace.into(),
        issuer: "letsencrypt".into(),
        deadline,
        due_at: 0,
        kind: TaskKind::Renewal,
    }
}

fn key(namespace: &str, name: &str) -> Key {
    Key::new(namespace, name)
}

fn failure(ca_answered: bool) -> Failure {
    Failure {
        reason: "the name does not resolve".into(),
        ca_answered,
    }
}

/// Takes all that can be taken.
fn take(queue: &mut Queue, now: Seconds, mut slots: usize) -> Vec<String> {
    let mut taken = Vec::new();
    while let Some(key) = queue.next(now, slots) {
        slots -= 1;
        taken.push(key.name.to_string());
    }
    taken
}

#[test]
fn the_earliest_deadline_is_first_and_nothing_is_taken_before_it_is_due() {
    let mut queue = Queue::new();
    for (name, deadline, due_at) in [("b", 20, 0), ("a", 30, 0), ("c", 10, 100)] {
        let task = Task {
            due_at,
            ..task("shop", name, deadline)
        };
        queue.upsert(task);
    }
    assert_eq!(queue.next_wake(), Some(0));
    assert_eq!(take(&mut queue, 50, 8), ["b", "a"]);
    assert_eq!(queue.next_wake(), Some(100));
    assert_eq!(queue.state(&key("shop", "c")), Some(&TaskState::Scheduled { at: 100 }));
    // A renewal that the CA wants sooner.
    queue.upsert(task("shop", "c", 5));
    assert_eq!(take(&mut queue, 51, 6), ["c"]);
    assert_eq!(queue.next_wake(), None);
    assert_eq!((queue.running(), queue.len()), (3, 3));
}

#[test]
fn a_certificate_that_is_stored_runs_on_without_a_slot() {
    let mut queue = Queue::new();
    for (name, deadline) in [("a", 1), ("b", 2), ("c", 3)] {
        queue.upsert(task("shop", name, deadline));
    }
    assert_eq!(take(&mut queue, 50, 1), ["a"]);
    let a = key("shop", "a");
    queue.stored(&a);
    queue.stored(&a);
    assert_eq!((queue.slots(), queue.running()), (0, 1));
    assert!(matches!(queue.state(&a), Some(TaskState::Running { .. })));
    assert_eq!(take(&mut queue, 50, 1), ["b"]);
    queue.stored(&key("shop", "c"));
    assert_eq!(
        (queue.slots(), queue.running()),
        (1, 2),
        "what does not run has no slot"
    );
    // It is not served: the order is over all the same, and others have the slot.
    queue.failed(&a, 60, failure(true));
    queue.done(&key("shop", "b"));
    assert_eq!((queue.slots(), queue.running()), (0, 0));
    assert!(matches!(queue.state(&a), Some(TaskState::BackOff { .. })));
}

#[test]
fn what_a_ca_that_was_down_has_issued_lets_the_others_begin_at_once() {
    let mut queue = Queue::new();
    for name in ["a", "b", "c"] {
        queue.upsert(task("shop", name, 9));
    }
    let first = queue.next(50, 8).unwrap();
    queue.ca_down(&first, 50);
    let asks = queue.next(50 + DAY, 8).unwrap();
    assert_eq!(queue.next(50 + DAY, 7), None, "one at a time asks");
    queue.stored(&asks);
    assert_eq!(queue.incidents().count(), 0);
    assert_eq!(take(&mut queue, 50 + DAY, 8).len(), 2);
}

#[test]
fn while_a_ca_is_asked_nothing_of_it_is_taken_and_others_go_on_and_silence_is_an_incident() {
    let mut queue = Queue::new();
    let (mine, other) = (Text::from("letsencrypt"), Text::from("other"));
    for name in ["a", "b"] {
        queue.upsert(task("shop", name, 9));
    }
    queue.upsert(Task {
        issuer: other,
        ..task("shop", "c", 10)
    });
    let first = queue.next(50, 8).unwrap();
    queue.ask(&mine);
    queue.put_off(&first);
    assert_eq!(queue.state(&first), Some(&TaskState::Ready));
    assert_eq!(take(&mut queue, 50, 8), ["c"]);
    assert_eq!((queue.next_wake(), queue.running()), (None, 1));
    queue.answered(&mine, false, 70);
    let (_, incident) = queue.incidents().next().unwrap();
    assert_eq!((incident.since, incident.probes), (70, 0));
    let until = incident.until;
    assert!(until > 70 && queue.next_wake() == Some(until) && take(&mut queue, 71, 7).is_empty());
    // The one that comes to ask finds it asked already, again in vain, and then not.
    let probe = queue.next(until, 7).unwrap();
    queue.ask(&mine);
    queue.put_off(&probe);
    queue.answered(&mine, false, until);
    let (_, incident) = queue.incidents().next().unwrap();
    assert_eq!((incident.since, incident.probes), (70, 1));
    let until = incident.until;
    queue.ask(&mine);
    assert_eq!(queue.to_probe(until).count(), 0);
    queue.answered(&mine, true, until);
    let probe = queue.next(until, 7).unwrap();
    queue.stored(&probe);
    assert_eq!(take(&mut queue, until, 7).len(), 1, "it is back");
}

#[test]
fn what_is_blocked_is_taken_without_a_slot_and_what_comes_of_it_says_nothing_of_the_ca() {
    let mut queue = Queue::new();
    for (name, due_at) in [("a", 0), ("b", 0), ("late", 900)] {
        queue.upsert(Task {
            due_at,
            ..task("shop", name, 9)
        });
    }
    let (a, b) = (key("shop", "a"), key("shop", "b"));
    assert!(!queue.is_blocked(&a, 50, true) && queue.is_blocked(&a, 50, false));
    queue.answered(&"letsencrypt".into(), false, 50);
    assert!(queue.is_blocked(&a, 51, true) && !queue.is_blocked(&key("shop", "late"), 51, true));
    for key in [&a, &b] {
        queue.take_blocked(key, 51);
        assert!(!queue.is_blocked(key, 51, true));
    }
    assert_eq!((queue.slots(), queue.running()), (0, 2));
    queue.dropped(&a);
    queue.put_off(&b);
    assert_eq!((queue.get(&a), queue.state(&b)), (None, Some(&TaskState::Ready)));
    assert_eq!((queue.incidents().count(), queue.running()), (1, 0));
    let until = queue.incidents().next().unwrap().1.until;
    assert_eq!(take(&mut queue, until, 8), ["b"]);
}

#[test]
fn a_namespace_with_a_thousand_failing_names_does_not_delay_the_one_good_name_of_another() {
    let mut queue = Queue::new();
    let mut now = 0;
    for number in 0..1_000 {
        queue.upsert(task("bad", &format!("x{number}"), number));
    }
    // Each fails once; from then on they have a quarter of the slots.
    for _ in 0..1_000 {
        let key = queue.next(now, 8).unwrap();
        queue.failed(&key, now, failure(true));
    }
    now += 60;
    let taken = take(&mut queue, now, 8);
    assert_eq!(taken.len(), 2, "{taken:?}");
    queue.upsert(task("good", "shop-tls", 1_000_000));
    assert_eq!(take(&mut queue, now, 6), ["shop-tls"]);
}

#[test]
fn no_namespace_has_all_slots() {
    let mut queue = Queue::new();
    for number in 0..100 {
        queue.upsert(task("many", &format!("x{number:02}"), number));
    }
    assert_eq!(take(&mut queue, 0, 8).len(), 6);
    queue.upsert(task("one", "shop-tls", 1_000));
    assert_eq!(take(&mut queue, 0, 2), ["shop-tls"]);
    // One slot is everybody's.
    let mut queue = Queue::new();
    queue.upsert(task("many", "x", 0));
    assert_eq!(take(&mut queue, 0, 1), ["x"]);
}

#[test]
fn failing_names_come_to_a_turn_however_many_others_there_are() {
    let mut queue = Queue::new();
    queue.upsert(task("a", "bad", 0));
    let bad = queue.next(0, 8).unwrap();
    queue.failed(&bad, 0, failure(true));
    for number in 0..100 {
        queue.upsert(task(&format!("n{number}"), "x", 0));
    }
    let taken: Vec<String> = (0..8)
        .map(|_| {
            let key = queue.next(60, 8).unwrap();
            queue.done(&key);
            key.name.to_string()
        })
        .collect();
    assert!(taken.contains(&"bad".to_owned()), "{taken:?}");
}

#[test]
fn what_failed_comes_back_ever_later_and_begins_anew_once_something_has_changed() {
    let mut queue = Queue::new();
    queue.upsert(task("shop", "tls", 0));
    let (mut now, mut pauses) = (0, Vec::new());
    for _ in 0..6 {
        let key = queue.next(now, 1).unwrap();
        queue.failed(&key, now, failure(true));
        assert_eq!(queue.next(now, 1), None);
        let until = queue.next_wake().unwrap();
        assert_eq!(queue.next(until - 1, 1), None);
        pauses.push(until - now);
        now = until;
    }
    assert!(pauses[..4].is_sorted() && pauses[5] <= DAY, "{pauses:?}");
    assert_eq!(queue.get(&key("shop", "tls")).map(|it| it.failures), Some(6));
    // A change of the task alone does not shorten the pause: the run that fails may cause it.
    queue.upsert(task("shop", "tls", 7));
    now -= 10;
    assert_eq!(queue.next(now, 1), None);
    queue.again(&key("shop", "tls"));
    assert_eq!(queue.next(now, 1), Some(key("shop", "tls")));
    queue.done(&key("shop", "tls"));
    assert!(queue.is_empty());
}

#[test]
fn what_is_not_there_yet_a_limit_and_a_rule_are_no_failures() {
    let mut queue = Queue::new();
    let it = key("shop", "tls");
    queue.upsert(task("shop", "tls", 0));
    queue.next(0, 1).unwrap();
    queue.waiting(&it, 0, 300, "the record of shop.example".into());
    assert_eq!((queue.next(299, 1), queue.next(300, 1)), (None, Some(it.clone())));
    queue.limited(&it, 300, 5_000, "new orders of this account".into());
    assert_eq!((queue.next(4_999, 1), queue.next(5_000, 1)), (None, Some(it.clone())));
    // A moment that has passed is no reason to look again at once.
    queue.waiting(&it, 5_000, 100, "another run".into());
    assert_eq!((queue.next(5_000, 1), queue.next(5_001, 1)), (None, Some(it.clone())));
    queue.held(&it, "TwoADay".into());
    assert_eq!((queue.next(9_000_000, 1), queue.next_wake()), (None, None));
    assert_eq!(queue.state(&it), Some(&TaskState::Held { rule: "TwoADay".into() }));
    assert_eq!(queue.get(&it).unwrap().failures, 0);
    queue.again(&it);
    assert_eq!(queue.next(0, 1), Some(it));
}

#[test]
fn a_ca_that_is_down_is_one_incident_and_one_order_at_a_time_asks_whether_it_is_back() {
    let mut queue = Queue::new();
    for number in 0..20 {
        queue.upsert(task(&format!("n{number}"), "x", 0));
    }
    let other = Task {
        issuer: "corp".into(),
        ..task("other", "y", 0)
    };
    let down: Vec<Key> = (0..4).filter_map(|_| queue.next(0, 8)).collect();
    for key in &down {
        queue.ca_down(key, 10);
    }
    assert_eq!(queue.incidents().count(), 1);
    queue.upsert(other);
    assert_eq!(take(&mut queue, 10, 8), ["y"], "another CA is not concerned");
    let mut now = queue.next_wake().unwrap();
    for probes in 1..12 {
        let taken = queue.next(now, 7).unwrap();
        assert_eq!(queue.next(now, 6), None, "one at a time");
        assert_eq!(queue.next_wake(), None, "the answer is awaited");
        queue.ca_down(&taken, now);
        let (_, incident) = queue.incidents().next().unwrap();
        assert_eq!((incident.since, incident.probes), (10, probes));
        let wake = queue.next_wake().unwrap();
        assert!(wake > now && wake - now <= 300, "{wake} {now}");
        now = wake;
    }
    assert!(queue.iter().all(|it| it.failures == 0));
    // Who waits for something else has not asked the CA.
    let taken = queue.next(now, 7).unwrap();
    queue.waiting(&taken, now, now + 1_000, "a record".into());
    let taken = queue.next(now, 7).unwrap();
    // A name that the CA refuses is an answer of the CA.
    queue.failed(&taken, now, failure(true));
    assert_eq!(queue.incidents().count(), 0);
    assert_eq!(take(&mut queue, now, 7).len(), 7);
}

#[test]
fn a_task_that_is_changed_or_removed_while_it_runs_is_not_taken_twice() {
    let mut queue = Queue::new();
    let it = key("shop", "tls");
    queue.upsert(task("shop", "tls", 0));
    queue.next(0, 8).unwrap();
    queue.upsert(task("shop", "tls", 0));
    queue.done(&it);
    assert!(queue.is_empty(), "nothing has changed");
    queue.upsert(task("shop", "tls", 0));
    queue.next(0, 8).unwrap();
    queue.upsert(task("shop", "tls", 9));
    assert_eq!(queue.next(0, 7), None);
    queue.done(&it);
    assert_eq!(queue.next(0, 8), Some(it.clone()), "it is wanted otherwise");
    queue.remove(&it);
    assert_eq!((queue.state(&it), queue.running()), (None, 1));
    queue.upsert(task("shop", "tls", 9));
    assert_eq!(queue.next(0, 7), None, "the first still runs");
    queue.done(&it);
    assert_eq!(queue.next(0, 8), Some(it.clone()), "it was asked for again");
    queue.remove(&it);
    queue.failed(&it, 0, failure(false));
    assert!(queue.is_empty() && queue.later.is_empty());
}

#[test]
fn what_is_paused_is_not_taken_and_what_stood_before_a_restart_stands_again() {
    let mut queue = Queue::new();
    queue.upsert(task("shop", "tls", 0));
    queue.pause(true);
    assert_eq!((queue.next(0, 8), queue.next_wake()), (None, None));
    queue.pause(false);
    let it = key("shop", "tls");
    let state = TaskState::BackOff {
        until: 500,
        reason: "no answer".into(),
    };
    queue.restore(&it, 2, Some(3), state.clone());
    assert_eq!(queue.next(499, 8), None);
    assert_eq!(queue.state(&it), Some(&state));
    // It goes on failing since then.
    assert_eq!(queue.next(500, 8), Some(it.clone()));
    queue.failed(&it, 500, failure(true));
    let queued = queue.get(&it).unwrap();
    assert_eq!((queued.failures, queued.failing_since), (3, Some(3)));
    queue.restore(&it, 0, None, TaskState::Running { since: 3 });
    assert_eq!(queue.next(499, 8), Some(it));
}

#[test]
fn a_hundred_thousand_tasks_cost_a_few_steps_each() {
    let mut queue = Queue::new();
    for number in 0..100_000_i64 {
        let due_at = number % 1_000;
        let namespace = format!("n{}", number % 500);
        queue.upsert(Task {
            due_at,
            ..task(&namespace, &format!("x{number}"), number)
        });
    }
    assert_eq!(queue.work, 100_000);
    for number in 0..10_000 {
        let key = queue.next(number / 10, 16).unwrap();
        queue.done(&key);
    }
    // Each is put into the calendar, into a lane, and one turn is looked at when it is taken.
    assert!(queue.work < 100_000 * 2 + 10_000 * 3, "{}", queue.work);
    assert_eq!(queue.len(), 90_000);
}

/// What a caller does.
#[derive(Debug, Clone)]
enum Act {
    Upsert(usize, usize, Seconds, Seconds),
    Remove(usize),
    Again(usize),
    Next(usize),
    Stored(usize),
    Report(usize, usize),
    Pass(Seconds),
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..30_usize, 0..4_usize, 0..500_i64, 0..500_i64).prop_map(|(n, ns, d, at)| Act::Upsert(n, ns, d, at)),
        1 => (0..30_usize).prop_map(Act::Remove),
        1 => (0..30_usize).prop_map(Act::Again),
        6 => (0..6_usize).prop_map(Act::Next),
        3 => (0..30_usize).prop_map(Act::Stored),
        5 => (0..30_usize, 0..6_usize).prop_map(|(n, how)| Act::Report(n, how)),
        2 => (0..4_000_i64).prop_map(Act::Pass),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_taken_twice_at_once(acts in prop::collection::vec(acts(), 0..400)) {
        let mut queue = Queue::new();
        let (mut now, mut running, mut stored) = (0, BTreeSet::new(), BTreeSet::new());
        // What is wanted, by what its result does not take away.
        let mut wanted = BTreeSet::new();
        let name = |n: usize| key("any", &format!("x{n}"));
        for act in acts {
            match act {
                Act::Upsert(n, namespace, deadline, due_in) => {
                    let issuer = if n.is_multiple_of(5) { "corp" } else { "letsencrypt" };
                    queue.upsert(Task {
                        secret: name(n).into(),
                        namespace: format!("n{namespace}").into(),
                        issuer: issuer.into(),
                        // Each differs from the last, so that what is running is wanted again.
                        deadline: deadline + now * 1_000,
                        due_at: now + due_in,
                        kind: TaskKind::New,
                    });
                    wanted.insert(name(n));
                }
                Act::Remove(n) => {
                    queue.remove(&name(n));
                    wanted.remove(&name(n));
                }
                Act::Again(n) => queue.again(&name(n)),
                Act::Next(slots) => {
                    if let Some(key) = queue.next(now, slots) {
                        prop_assert!(wanted.contains(&key), "{key} is not wanted");
                        prop_assert!(running.insert(key), "taken twice");
                    }
                }
                Act::Stored(n) => {
                    queue.stored(&name(n));
                    stored.extend(running.get(&name(n)).cloned());
                }
                Act::Report(n, how) => {
                    let key = name(n);
                    stored.remove(&key);
                    if !running.remove(&key) {
                        continue;
                    }
                    match how {
                        0 => {
                            queue.done(&key);
                            if queue.get(&key).is_none() {
                                wanted.remove(&key);
                            }
                        }
                        1 => queue.failed(&key, now, failure(true)),
                        2 => queue.waiting(&key, now, now + 50, "x".into()),
                        3 => queue.limited(&key, now, now + 90, "x".into()),
                        4 => queue.held(&key, "x".into()),
                        _ => queue.ca_down(&key, now),
                    }
                }
                Act::Pass(time) => now += time,
            }
            prop_assert_eq!(queue.running(), running.len());
            prop_assert_eq!(queue.slots(), running.len() - stored.len());
            let there: BTreeSet<Key> = queue.iter().map(|it| Key::clone(&it.task.secret)).collect();
            prop_assert_eq!(&there, &wanted);
        }
        // In the end everything comes to its turn.
        for key in running {
            queue.failed(&key, now, failure(true));
        }
        for key in &wanted {
            queue.again(key);
        }
        now += DAY;
        while let Some(key) = queue.next(now, 3) {
            prop_assert!(wanted.remove(&key));
            queue.done(&key);
        }
        prop_assert!(wanted.is_empty(), "{wanted:?} are lost");
        prop_assert!(queue.is_empty() && queue.later.is_empty() && queue.slots.is_empty() && queue.stored == 0);
    }

    #[test]
    fn a_namespace_waits_for_at_most_two_turns_of_each_other(
        sizes in prop::collection::vec(1..40_usize, 1..8), taken_before in 0..60_usize,
    ) {
        let mut queue = Queue::new();
        for (namespace, size) in sizes.iter().enumerate() {
            for number in 0..*size {
                queue.upsert(task(&format!("n{namespace}"), &format!("x{number}"), 0));
            }
        }
        for _ in 0..taken_before {
            if let Some(key) = queue.next(0, 8) {
                queue.done(&key);
            }
        }
        queue.upsert(task("one", "tls", Seconds::MAX));
        let mut turns: BTreeMap<Text, usize> = BTreeMap::new();
        loop {
            let key = queue.next(0, 8).unwrap();
            queue.done(&key);
            if key.namespace == "one" {
                break;
            }
            *turns.entry(key.namespace).or_default() += 1;
        }
        prop_assert!(turns.values().all(|turns| *turns <= 2), "{turns:?}");
    }

    #[test]
    fn the_pauses_after_failures_never_shrink_and_end_at_a_day(name in "[a-z]{1,12}") {
        let of = key("shop", &name);
        let pauses: Vec<Seconds> = (1..5).map(|n| pauses::after_failures(n, &of)).collect();
        prop_assert!(pauses.is_sorted() && pauses.iter().all(|pause| (54..=DAY).contains(pause)));
    }
}
