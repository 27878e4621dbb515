//! What a restart takes over.

use super::*;

/// What a new process knows after it has read what the one before had stored.
fn restarted(before: &Keeper, hosts: &[&str], same_issuer: bool, now: Seconds) -> Scene {
    let stored: Vec<_> = before.doings(now, false).collect();
    let mut scene = Scene::new(hosts);
    scene.keeper.recall(&scene.inventory, &stored, same_issuer, now);
    scene
}

#[test]
fn a_failure_keeps_its_pause_its_count_and_its_beginning() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    for moment in [NOW, NOW + 60, NOW + 700] {
        assert_eq!(scene.take(moment).len(), 1, "{moment}");
        scene.fails(moment);
    }
    let state = scene.keeper.queue.state(&secret).cloned();
    let mut after = restarted(&scene.keeper, &["shop.example"], true, NOW + 710);
    assert_eq!(after.keeper.queue.state(&secret).cloned(), state);
    assert_eq!(after.take(NOW + 720), []);
    let told: Vec<_> = after.keeper.doings(NOW + 720, false).collect();
    assert_eq!((told[0].failures, told[0].since), (3, Some(NOW)));
    // The next failure is the fourth.
    assert_eq!(after.take(NOW + 700 + 6_000).len(), 1);
    after.fails(NOW + 6_700);
    let queued = after.keeper.queue.get(&secret).unwrap();
    assert_eq!((queued.failures, queued.failing_since), (4, Some(NOW)));
}

#[test]
fn other_hosts_another_ca_and_what_is_no_longer_wanted_begin_anew() {
    let mut scene = Scene::new(&["shop.example"]);
    assert_eq!(scene.take(NOW).len(), 1);
    scene.fails(NOW);
    assert_eq!(
        restarted(&scene.keeper, &["shop.example"], true, NOW + 1).take(NOW + 1),
        []
    );
    for (hosts, same_issuer) in [(&["other.example"][..], true), (&["shop.example"], false)] {
        let mut after = restarted(&scene.keeper, hosts, same_issuer, NOW + 1);
        assert_eq!(after.take(NOW + 1).len(), 1, "{hosts:?}");
    }
    let stored: Vec<_> = scene.keeper.doings(NOW + 1, false).collect();
    let mut after = keeper();
    assert_eq!(
        after.recall(&Inventory::new("", false), &stored, true, NOW + 1),
        0,
        "no route asks"
    );
    assert_eq!(after.doings(NOW + 1, true).count(), 0);
}

#[test]
fn a_wait_and_a_limit_go_on_and_nonsense_ends_within_days() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    assert_eq!(scene.take(NOW).len(), 1);
    let until = NOW + 5_000;
    let limit: Text = "orders per account".into();
    scene.keeper.ended(
        &secret,
        Fate::Limited {
            until,
            limit,
            elsewhere: true,
        },
        NOW,
    );
    let after = restarted(&scene.keeper, &["shop.example"], true, NOW + 10);
    assert_eq!(after.keeper.queue.state(&secret).unwrap().until(), Some(until));
    // How long it has been waited is known too, so that it is looked at as seldom as before.
    let asked = |scene: &Scene| scene.keeper.queue.get(&secret).unwrap().task.deadline;
    assert_eq!(asked(&after), asked(&scene));
    let mut stored: Vec<_> = scene.keeper.doings(NOW, false).collect();
    stored[0].until = Some(Seconds::MAX);
    let mut after = Scene::new(&["shop.example"]);
    after.keeper.recall(&after.inventory, &stored, true, NOW);
    assert!(after.keeper.queue.state(&secret).unwrap().until() <= Some(NOW + 8 * DAY));
}

#[test]
fn the_certificates_of_a_day_are_counted_over_a_restart() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    scene.loses_two();
    assert_eq!(scene.take(NOW + 20), []);
    let mut after = restarted(&scene.keeper, &["shop.example"], true, NOW + 30);
    assert_eq!(after.keeper.held()[&secret], Hold::TwoADay(NOW + DAY));
    assert_eq!(after.take(NOW + 40), []);
    // Other hosts are another set.
    after.asks_for(&["other.example"]);
    assert!(after.keeper.held().is_empty());
    assert_eq!(after.take(NOW + 41).len(), 1);
}

#[test]
fn what_is_healthy_is_not_stored_and_what_was_not_served_is() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    assert_eq!(scene.take(NOW).len(), 1);
    scene.holds(&["shop.example"]);
    let after = Fate::StoredBut {
        after: Some("it is not served".to_owned()),
        without: None,
    };
    scene.keeper.ended(&secret, after, NOW);
    scene.look(NOW);
    let again = {
        let stored: Vec<_> = scene.keeper.doings(NOW + 1, false).collect();
        assert_eq!(stored[0].after.as_ref().unwrap().message, "it is not served");
        let mut again = Scene::new(&["shop.example"]);
        again.holds(&["shop.example"]);
        again.keeper.recall(&again.inventory, &stored, true, NOW + 1);
        again
    };
    assert_eq!(again.keeper.trouble()[&secret].after.as_ref().unwrap().at, NOW);
    scene.keeper.ended(&secret, Fate::Stored, NOW + 2);
    assert_eq!(scene.keeper.doings(NOW + 3, false).count(), 0);
    assert_eq!(scene.keeper.doings(NOW + 3, true).count(), 1);
}
