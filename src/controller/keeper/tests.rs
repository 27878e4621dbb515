mod changed;
mod policy;
mod queued;
mod recalled;

use super::{super::fate::Fate, *};
use crate::{
    inventory::fixtures::{good, ingress, key, ordered, with_annotation},
    name::Name,
    object::{Change, Kind, Object, annotation},
    text::time::DAY,
};

const NOW: Seconds = crate::inventory::fixtures::NOW;
const DIRECTORY: &str = "https://ca.example/directory";

fn keeper() -> Keeper {
    Keeper::new(Keeping {
        asked: Asked {
            install: "prod-1".to_owned(),
            ..Asked::default()
        },
        issuer: "own".into(),
        ca: Ca {
            name: "own".to_owned(),
            directory: DIRECTORY.to_owned(),
        },
        others: Vec::new(),
        other_terms: Vec::new(),
        classes: Vec::new(),
    })
}

/// A keeper of a namespace in which one Ingress asks for these hosts, and what it sees.
struct Scene {
    keeper: Keeper,
    inventory: Inventory,
    secret: Key,
}

impl Scene {
    fn new(hosts: &[&str]) -> Self {
        let mut scene = Self {
            keeper: keeper(),
            inventory: Inventory::new("", false),
            secret: key("shop", "shop-tls"),
        };
        scene.missing();
        scene.asks_for(hosts);
        scene
    }

    fn look(&mut self, now: Seconds) {
        self.inventory.derive();
        let secrets = BTreeSet::from([self.secret.clone()]);
        self.keeper.look(&self.inventory, &secrets, now);
    }

    fn asks_for(&mut self, hosts: &[&str]) {
        let mut web = ingress("shop", "web", &[(hosts, "shop-tls")]);
        web.meta = with_annotation(web.meta, annotation::TLS_ACME, "true");
        self.inventory.apply(Change::Set(Object::Ingress(web)));
        self.look(NOW);
    }

    fn missing(&mut self) {
        self.inventory.apply(Change::Gone(Kind::Secret, self.secret.clone()));
        self.look(NOW);
    }

    /// A certificate that this installation ordered.
    fn holds(&mut self, names: &[&str]) {
        self.inventory.store(ordered("shop", "shop-tls", names, DIRECTORY));
        self.look(NOW);
    }

    fn take(&mut self, now: Seconds) -> Vec<Target> {
        let mut taken = self.keeper.take(&self.inventory, now, 8);
        // There is no kept pair to put back.
        taken.retain(|target| !self.keeper.is_too_often(target, now));
        taken
    }

    /// Two certificates are stored, and each is lost again.
    fn loses_two(&mut self) {
        let secret = self.secret.clone();
        for moment in [NOW, NOW + 10] {
            assert_eq!(self.take(moment).len(), 1);
            self.holds(&["shop.example"]);
            self.keeper.ended(&secret, Fate::Stored, moment);
            self.missing();
        }
    }

    fn fails(&mut self, now: Seconds) {
        let fate = Fate::Failed {
            reason: "refused".into(),
            ca_answered: true,
        };
        self.keeper.ended(&self.secret.clone(), fate, now);
    }
}

#[test]
fn a_secret_that_somebody_resets_gets_two_certificates_and_is_held_for_the_rest_of_the_day() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    scene.loses_two();
    assert_eq!(scene.take(NOW + 20), []);
    assert_eq!(scene.keeper.held()[&secret], Hold::TwoADay(NOW + DAY));
    assert_eq!(scene.keeper.take_held_now().len(), 1);
    // It is looked at again and again, and told once.
    scene.missing();
    assert_eq!((scene.take(NOW + 30), scene.keeper.take_held_now().len()), (vec![], 0));
    assert!(scene.keeper.held().contains_key(&secret));
    assert_eq!(scene.take(NOW + DAY).len(), 1);
    assert!(scene.keeper.held().is_empty());
}

#[test]
fn a_secret_that_is_lost_while_its_ca_is_down_or_others_have_the_slots_is_looked_at_once_for_its_kept_pair() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    assert!(!scene.keeper.has_lost(NOW, true), "it is its turn");
    assert!(scene.keeper.has_lost(NOW, false));
    scene.keeper.queue.answered(&"own".into(), false, NOW);
    assert!(scene.keeper.has_lost(NOW, true) && scene.take(NOW).is_empty());
    let taken = scene.keeper.take_lost(&scene.inventory, NOW, true);
    assert_eq!(taken.len(), 1);
    scene.keeper.queue.put_off(&secret);
    assert!(!scene.keeper.has_lost(NOW, true), "there is none");
    // It gets a pair, and loses it.
    scene.holds(&["shop.example"]);
    assert!(!scene.keeper.has_lost(NOW, true));
    scene.missing();
    assert_eq!(scene.keeper.take_lost(&scene.inventory, NOW, true).len(), 1);
    // Another run works on it: it is looked at again.
    let busy = Fate::Waiting {
        until: NOW + 1,
        reason: "another run works on the Secret".into(),
    };
    scene.keeper.ended(&secret, busy, NOW);
    scene.keeper.still_lost(&secret);
    assert!(!scene.keeper.has_lost(NOW, true) && scene.keeper.has_lost(NOW + 2, true));
    assert_eq!(scene.keeper.take_lost(&scene.inventory, NOW + 2, true).len(), 1);
    // It was put back, which says nothing of the CA.
    scene.keeper.ended(&secret, Fate::NotWanted, NOW + 2);
    assert_eq!(scene.keeper.queue.incidents().count(), 1);
}

#[test]
fn what_was_put_back_is_not_renewed_before_its_last_tenth_but_other_names_are_ordered() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    let mut stored = ordered("shop", "shop-tls", &["shop.example"], DIRECTORY);
    let leaf = stored.leaf().unwrap().clone();
    let names: Vec<Name> = vec!["shop.example".parse().unwrap()];
    let note = wanted::rollback_note(leaf.sha256, crate::inventory::fixtures::digest("new"), &names, NOW);
    stored.meta = with_annotation(stored.meta, annotation::ROLLED_BACK, &note);
    scene.inventory.store(stored);
    // Its renewal is due, which has led there.
    let until = wanted::last_tenth(leaf.not_before, leaf.not_after);
    let due = until - 100;
    scene.look(due);
    assert_eq!(scene.take(due), []);
    assert_eq!(scene.keeper.held()[&secret], Hold::RolledBack(until));
    assert_eq!(scene.keeper.take_held_now().len(), 1);
    scene.look(due + 1);
    assert_eq!((scene.take(due + 1), scene.keeper.take_held_now().len()), (vec![], 0));
    // A host more is another certificate.
    scene.asks_for(&["shop.example", "www.shop.example"]);
    assert_eq!(scene.take(due + 2).len(), 1);
    scene.keeper.ended(&secret, Fate::NotWanted, due + 2);
    scene.asks_for(&["shop.example"]);
    scene.look(due + 3);
    assert_eq!(scene.take(due + 3), []);
    // Somebody has removed the note, which ends the hold at once.
    scene
        .inventory
        .store(ordered("shop", "shop-tls", &["shop.example"], DIRECTORY));
    scene.look(due + 4);
    assert!(scene.keeper.held().is_empty());
    assert_eq!(scene.take(due + 4).len(), 1);
}

#[test]
fn a_pair_that_is_lost_may_be_put_back_although_no_more_is_ordered_that_day() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    scene.loses_two();
    // Put back, and lost again: each time it is looked whether there is a kept pair.
    for moment in [NOW + 20, NOW + 30] {
        assert_eq!(scene.keeper.take(&scene.inventory, moment, 8).len(), 1, "{moment}");
        scene.keeper.ended(&secret, Fate::NotWanted, moment);
        scene.holds(&["shop.example"]);
        scene.missing();
    }
    assert_eq!(scene.take(NOW + 40), [], "without one nothing is ordered");
    assert_eq!(scene.keeper.held()[&secret], Hold::TwoADay(NOW + DAY));
}

#[test]
fn what_was_put_back_is_ordered_once_its_last_tenth_begins() {
    let mut scene = Scene::new(&["shop.example"]);
    let mut stored = ordered("shop", "shop-tls", &["shop.example"], DIRECTORY);
    let leaf = stored.leaf().unwrap().clone();
    let names: Vec<Name> = vec!["shop.example".parse().unwrap()];
    let note = wanted::rollback_note(leaf.sha256, crate::inventory::fixtures::digest("new"), &names, NOW);
    stored.meta = with_annotation(stored.meta, annotation::ROLLED_BACK, &note);
    scene.inventory.store(stored);
    let until = wanted::last_tenth(leaf.not_before, leaf.not_after);
    scene.look(until - 100);
    assert_eq!(scene.take(until - 100), []);
    assert_eq!(scene.take(until).len(), 1);
}

#[test]
fn other_hosts_end_a_hold_and_a_pause() {
    let mut scene = Scene::new(&["shop.exampel"]);
    assert_eq!(scene.take(NOW).len(), 1);
    scene.fails(NOW);
    assert_eq!(scene.take(NOW + 1), []);
    // The same again changes nothing; the mended host is ordered at once.
    scene.asks_for(&["shop.exampel"]);
    assert_eq!(scene.take(NOW + 1), []);
    scene.asks_for(&["shop.example"]);
    assert_eq!(scene.take(NOW + 1).len(), 1);
}

#[test]
fn what_somebody_else_has_stored_meanwhile_is_not_ordered_when_the_pause_ends() {
    let mut scene = Scene::new(&["shop.example"]);
    assert_eq!(scene.take(NOW).len(), 1);
    scene.fails(NOW);
    scene.holds(&["shop.example"]);
    let due = scene.keeper.queue.get(&scene.secret).unwrap().task.due_at;
    let state = scene.keeper.queue.state(&scene.secret).cloned();
    assert_eq!(state, Some(TaskState::Scheduled { at: due }));
}

#[test]
fn a_new_host_that_fails_is_tried_again_after_a_pause_and_never_for_the_old_ones_alone() {
    let mut scene = Scene::new(&["new.example", "shop.example"]);
    let secret = scene.secret.clone();
    let first = scene.take(NOW);
    assert!(!first[0].names.for_new, "without a certificate any host is of use");
    scene.holds(&["shop.example"]);
    let without = Fate::StoredBut {
        after: None,
        without: Some("new.example: refused".to_owned()),
    };
    scene.keeper.ended(&secret, without, NOW);
    scene.look(NOW);
    assert_eq!(scene.take(NOW + 1), []);
    let again = scene.take(NOW + 60);
    assert!(again[0].names.for_new);
}

#[test]
fn what_waits_long_is_looked_at_less_often() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    for (moment, pause) in [(NOW, 15), (NOW + 100, 15), (NOW + 600, 60), (NOW + 30 * DAY, SELDOM)] {
        assert_eq!(scene.take(moment).len(), 1, "{moment}");
        let fate = Fate::Waiting {
            until: moment + 15,
            reason: "it does not resolve yet".into(),
        };
        scene.keeper.ended(&secret, fate, moment);
        assert_eq!(scene.keeper.queue.state(&secret).unwrap().until(), Some(moment + pause));
    }
}

/// A certificate of some issuer's key.
fn by_key(mut stored: crate::inventory::Stored, key: &[u8]) -> crate::inventory::Stored {
    let mut certificate = stored.leaf().unwrap().clone();
    certificate.authority_key_id = Some(key.into());
    stored.bundle.certificates = vec![std::sync::Arc::new(certificate)];
    stored
}

#[test]
fn what_is_held_as_another_cas_is_released_once_its_issuer_or_its_routes_say_otherwise() {
    let mut scene = Scene::new(&["shop.example"]);
    let secret = scene.secret.clone();
    // Somebody's own, of an intermediate that nobody knows.
    let own = || by_key(good("shop", "shop-tls", &["shop.example"]), b"intermediate");
    scene.inventory.store(own());
    scene.look(NOW);
    assert_eq!(scene.keeper.held()[&secret].reason(), "OtherCa");
    // The CA issues another certificate with it: now it is known to be its own.
    scene.inventory.store(by_key(
        ordered("shop", "other-tls", &["other.example"], DIRECTORY),
        b"intermediate",
    ));
    scene.inventory.derive();
    scene
        .keeper
        .look(&scene.inventory, &BTreeSet::from([key("shop", "other-tls")]), NOW);
    assert!(scene.keeper.held().is_empty(), "{:?}", scene.keeper.held());
    assert!(matches!(
        scene.keeper.queue.state(&secret),
        Some(TaskState::Scheduled { .. })
    ));
    // What is held and no longer asked for is not held.
    let mut scene = Scene::new(&["shop.example"]);
    scene.inventory.store(own());
    scene.look(NOW);
    assert_eq!(scene.keeper.held().len(), 1);
    let quiet = ingress("shop", "web", &[(&["shop.example"], "shop-tls")]);
    scene.inventory.apply(Change::Set(Object::Ingress(quiet)));
    scene.look(NOW);
    assert!(scene.keeper.held().is_empty() && scene.keeper.queue.is_empty());
}
