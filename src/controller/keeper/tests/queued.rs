//! What is queued, and what becomes of it.

use super::*;
use crate::{
    inventory::Stored,
    inventory::fixtures::{ingress, key, ordered, with_annotation},
    object::{Change, Kind, Object, annotation},
    text::time::DAY,
};

fn asking(name: &str, hosts: &[&str]) -> Change {
    let mut web = ingress("shop", name, &[(hosts, &format!("{name}-tls"))]);
    web.meta = with_annotation(web.meta, annotation::TLS_ACME, "true");
    Change::Set(Object::Ingress(web))
}

/// A certificate that this program ordered at the CA of these tests.
fn ours(name: &str, hosts: &[&str]) -> Stored {
    ordered("shop", name, hosts, DIRECTORY)
}

fn inventory(changes: Vec<Change>, held: Vec<Stored>) -> Inventory {
    let mut inventory = Inventory::new("", false);
    for name in ["a-tls", "b-tls", "c-tls"] {
        inventory.apply(Change::Gone(Kind::Secret, key("shop", name)));
    }
    for change in changes {
        inventory.apply(change);
    }
    for stored in held {
        inventory.store(stored);
    }
    inventory.derive();
    inventory
}

fn names(targets: &[Target]) -> Vec<String> {
    targets.iter().map(|target| target.secret.name.to_string()).collect()
}

#[test]
fn what_is_missing_is_taken_at_once_and_what_is_good_in_its_time() {
    let good = ours("b-tls", &["b.example"]);
    let not_after = good.leaf().unwrap().not_after;
    let inventory = inventory(
        vec![asking("a", &["a.example"]), asking("b", &["b.example"])],
        vec![good],
    );
    let mut keeper = keeper();
    keeper.all(&inventory, NOW);
    assert_eq!(names(&keeper.take(&inventory, NOW, 8)), ["a-tls"]);
    assert!(keeper.take(&inventory, NOW, 7).is_empty(), "it is under way");
    let renewal = keeper.queue.get(&key("shop", "b-tls")).unwrap();
    assert!(renewal.task.due_at > NOW && renewal.task.due_at < not_after);
    assert_eq!(renewal.task.deadline, not_after);
    keeper.ended(&key("shop", "a-tls"), Fate::Stored, NOW);
    assert!(keeper.queue.get(&key("shop", "a-tls")).is_none());
    assert_eq!(names(&keeper.take(&inventory, not_after - DAY, 8)), ["b-tls"]);
}

#[test]
fn what_is_no_longer_asked_for_or_was_claimed_meanwhile_is_not_ordered() {
    let all = |second: Vec<Change>, held: Vec<Stored>| {
        let first = inventory(vec![asking("a", &["a.example"])], Vec::new());
        let mut keeper = keeper();
        keeper.all(&first, NOW);
        // It has changed since it was queued, and nobody has told yet.
        let mut now = inventory(second, held);
        now.derive();
        (names(&keeper.take(&now, NOW, 8)), keeper)
    };
    let (taken, keeper) = all(Vec::new(), Vec::new());
    assert!(taken.is_empty() && keeper.queue.is_empty());
    let mut theirs = ours("a-tls", &["a.example"]);
    theirs.meta = with_annotation(theirs.meta, annotation::CLAIM, "staging-2");
    let (taken, keeper) = all(vec![asking("a", &["a.example"])], vec![theirs]);
    assert!(taken.is_empty() && keeper.queue.is_empty());
    assert_eq!(keeper.held()[&key("shop", "a-tls")].reason(), "OtherInstall");
}

#[test]
fn a_limit_a_wait_and_a_failure_put_it_back_and_what_fails_later_is_remembered() {
    let inventory = inventory(vec![asking("a", &["a.example"])], Vec::new());
    let secret = key("shop", "a-tls");
    let mut keeper = keeper();
    keeper.all(&inventory, NOW);
    let mut now = NOW;
    let until = |now: Seconds| now + 5_000;
    for fate in [
        Fate::Limited {
            until: until(now),
            limit: "orders".into(),
            elsewhere: true,
        },
        Fate::Waiting {
            until: until(now),
            reason: "it does not resolve".into(),
        },
    ] {
        assert_eq!(keeper.take(&inventory, now, 8).len(), 1);
        keeper.ended(&secret, fate, now);
        assert!(keeper.take(&inventory, now, 8).is_empty());
        assert_eq!(keeper.queue.get(&secret).map(|queued| queued.failures), Some(0));
        now = until(now) + 5_000;
    }
    assert_eq!(keeper.take(&inventory, now, 8).len(), 1);
    let reason = || "no".into();
    keeper.ended(
        &secret,
        Fate::Failed {
            reason: reason(),
            ca_answered: true,
        },
        now,
    );
    assert_eq!(keeper.queue.get(&secret).map(|queued| queued.failures), Some(1));
    now += 7_200;
    assert_eq!(keeper.take(&inventory, now, 8).len(), 1);
    let after = Fate::StoredBut {
        after: Some("it is not served".to_owned()),
        without: None,
    };
    keeper.ended(&secret, after, now);
    assert_eq!(
        keeper.trouble()[&secret].after.as_ref().unwrap().message,
        "it is not served"
    );
}

#[test]
fn a_window_of_the_ca_moves_a_renewal_and_is_forgotten_with_its_certificate() {
    let good = ours("a-tls", &["a.example"]);
    let leaf = good.leaf().unwrap().clone();
    let inventory = inventory(vec![asking("a", &["a.example"])], vec![good]);
    let secret = key("shop", "a-tls");
    let mut keeper = keeper();
    keeper.all(&inventory, NOW);
    assert!(keeper.take(&inventory, NOW, 8).is_empty());
    // The CA wants it back at once.
    let answer = WindowAnswer {
        certificate: leaf.sha256,
        window: Some((NOW - 20, NOW - 10)),
        retry_after: None,
    };
    let later = WindowAnswer {
        window: Some((NOW + 10, NOW + 20)),
        ..answer
    };
    let shared = std::sync::Arc::new(secret.clone());
    assert!(!keeper.window(&inventory, &shared, &later, NOW), "its time will come");
    assert!(keeper.window(&inventory, &shared, &answer, NOW));
    assert!(!keeper.window(&inventory, &shared, &answer, NOW), "that is known");
    assert_eq!(names(&keeper.take(&inventory, NOW, 8)), ["a-tls"]);
    assert!(keeper.windows.contains_key(&leaf.sha256));
    let without = self::inventory(vec![asking("a", &["a.example"])], Vec::new());
    keeper.look(&without, &BTreeSet::from([secret]), NOW);
    assert!(keeper.windows.is_empty());
}
