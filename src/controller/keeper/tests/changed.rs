//! At which issuer certificates are ordered, where there are two.

use std::sync::Arc;

use super::*;
use crate::{
    controller::keeper::change::Moved,
    engine::preflight::change::Change,
    policy::{NamesPolicy, NamesRule, Terms},
    settings::preference::Class,
};

const SECOND: &str = "https://second.example/directory";

/// One Ingress that asks, of an installation with two issuers, of which the second would issue.
fn scene(change: Change) -> Scene {
    let mut scene = Scene::new(&[]);
    scene.keeper = Keeper::new(Keeping {
        others: vec![Ca {
            name: "second".to_owned(),
            directory: SECOND.to_owned(),
        }],
        classes: vec![Class {
            others: vec!["second".into()],
            ..Class::default()
        }],
        ..scene.keeper.keeping.clone()
    });
    scene.asks_for(&["shop.example"]);
    let checks = scene.keeper.to_check(&scene.inventory, false);
    assert_eq!(checks.len(), 1);
    scene.keeper.checked(&checks[0], vec![change]);
    assert!(!scene.keeper.has_unchecked());
    scene
}

impl Scene {
    fn choose(&mut self, now: Seconds) -> Vec<Moved> {
        self.keeper.choose(&self.inventory, now)
    }

    fn issuer(&self) -> String {
        self.keeper.issuer_of(&self.secret).to_string()
    }

    fn ends(&mut self, fate: Fate, now: Seconds) {
        self.keeper.ended(&self.secret.clone(), fate, now);
    }

    fn limited(&mut self, until: Seconds, elsewhere: bool, now: Seconds) {
        let limit = "new orders of this account".into();
        self.ends(
            Fate::Limited {
                until,
                limit,
                elsewhere,
            },
            now,
        );
    }
}

#[test]
fn an_outage_that_lasts_changes_the_issuer_for_one_certificate_and_the_next_is_the_first_ones_again() {
    let mut scene = scene(Change::Possible);
    assert_eq!(scene.take(NOW).len(), 1);
    scene.ends(Fate::CaDown, NOW);
    assert_eq!(scene.choose(NOW + 1), []);
    // It is wanted within ten minutes.
    let at = scene.keeper.next_choice().unwrap();
    assert_eq!(at, NOW + 300);
    assert_eq!((scene.choose(at - 1), scene.issuer()), (vec![], "own".to_owned()));
    let told = scene.choose(at);
    assert!(
        matches!(&told[..], [Moved::To(_, issuer, _)] if issuer == "second"),
        "{told:?}"
    );
    // A change of its route is looked at meanwhile: that changes nothing.
    scene.look(at);
    assert_eq!(scene.take(at).len(), 1, "the first one is down, and the second is not");
    assert_eq!(scene.issuer(), "second");
    let doing = scene.keeper.doings(at, false).next().unwrap();
    assert_eq!(doing.elsewhere.unwrap().0, "second");
    // It is kept as one of ours, and renewed in its time at the first one.
    scene
        .inventory
        .store(ordered("shop", "shop-tls", &["shop.example"], SECOND));
    scene.look(at + 5);
    scene.ends(Fate::Stored, at + 5);
    assert!(scene.keeper.held().is_empty());
    assert_eq!(scene.issuer(), "own");
    assert_eq!(scene.keeper.doings(at + 6, false).count(), 0);
}

#[test]
fn what_was_to_change_does_not_once_the_first_issuer_is_back() {
    let mut scene = scene(Change::Possible);
    scene.take(NOW);
    scene.ends(Fate::CaDown, NOW);
    assert_eq!(scene.choose(NOW + 400).len(), 1);
    assert_eq!(scene.issuer(), "second");
    // No certificate waits for the first one, so that it is asked by itself.
    let probed: Vec<Text> = scene.keeper.queue.to_probe(NOW + 401).cloned().collect();
    assert_eq!(probed, ["own"]);
    scene.keeper.queue.probed(&"own".into(), false, NOW + 401);
    assert_eq!(scene.keeper.queue.to_probe(NOW + 402).count(), 0);
    assert!(scene.keeper.queue.next_probe() > Some(NOW + 402));
    scene.keeper.queue.probed(&"own".into(), true, NOW + 440);
    assert!(matches!(&scene.choose(NOW + 441)[..], [Moved::To(_, issuer, _)] if issuer == "own"));
    assert_eq!((scene.take(NOW + 441).len(), scene.issuer()), (1, "own".to_owned()));
}

#[test]
fn an_issuer_that_the_names_policy_does_not_permit_stands_for_no_other() {
    let at = |issuer: &str| Terms {
        issuer: issuer.to_owned(),
        ..Terms::default()
    };
    let mut scene = scene(Change::Possible);
    let keeping = scene.keeper.keeping.clone();
    scene.keeper = Keeper::new(Keeping {
        asked: Asked {
            terms: at("own"),
            ..keeping.asked.clone()
        },
        other_terms: vec![at("second")],
        ..keeping
    });
    let permit = |scene: &mut Scene, issuers: &[&str]| {
        let rule = NamesRule {
            names: vec!["shop.example".parse().unwrap()],
            issuers: issuers.iter().map(|issuer| issuer.parse().unwrap()).collect(),
            ..NamesRule::default()
        };
        scene
            .inventory
            .set_policy(Some(Arc::new(NamesPolicy { rules: vec![rule] })));
        scene.look(NOW);
        scene.keeper.to_check(&scene.inventory, true)
    };
    assert_eq!(permit(&mut scene, &["own"]), []);
    let why = scene.keeper.bound(&scene.secret).expect("it is told").to_string();
    assert!(why.starts_with("second: policy.names"), "{why}");
    assert_eq!(scene.take(NOW).len(), 1);
    scene.ends(Fate::CaDown, NOW);
    assert!(matches!(&scene.choose(NOW + 400)[..], [Moved::Stuck(..)]));
    assert_eq!(scene.issuer(), "own");
    let checks = permit(&mut scene, &["own", "second"]);
    assert_eq!(checks.len(), 1);
    scene.keeper.checked(&checks[0], vec![Change::Possible]);
    assert!(matches!(&scene.choose(NOW + 401)[..], [Moved::To(_, issuer, _)] if issuer == "second"));
}

#[test]
fn a_limit_that_is_waited_for_too_long_changes_the_issuer_and_a_short_one_does_not() {
    let mut scene = scene(Change::Possible);
    scene.take(NOW);
    scene.limited(NOW + 36, true, NOW);
    assert_eq!(scene.choose(NOW + 1), []);
    assert_eq!(scene.take(NOW + 36).len(), 1);
    scene.limited(NOW + 5_000, true, NOW + 36);
    assert_eq!(scene.choose(NOW + 37).len(), 1);
    assert_eq!((scene.take(NOW + 37).len(), scene.issuer()), (1, "second".to_owned()));
    // The second has a limit too, and a longer one: it waits for the first.
    scene.limited(NOW + 9_000, true, NOW + 37);
    assert_eq!(scene.choose(NOW + 38).len(), 1);
    assert_eq!(scene.issuer(), "own");
    assert_eq!(
        scene.keeper.queue.state(&scene.secret).unwrap().until(),
        Some(NOW + 5_000)
    );
}

#[test]
fn a_validation_that_failed_changes_nothing_nor_does_its_limit() {
    let mut scene = scene(Change::Possible);
    scene.take(NOW);
    scene.fails(NOW);
    assert_eq!(scene.choose(NOW + 30 * DAY), []);
    assert_eq!(scene.issuer(), "own");
    assert_eq!(scene.take(NOW + 60).len(), 1);
    scene.limited(NOW + DAY, false, NOW + 60);
    assert_eq!(scene.choose(NOW + 61), []);
    assert_eq!(scene.issuer(), "own");
}

#[test]
fn a_new_one_whose_validation_failed_does_not_change_in_an_outage_and_a_renewal_does() {
    // Its validation fails, and when it is its turn again the first issuer is away, for months.
    let months_away = |scene: &mut Scene| {
        let at = scene.keeper.queue.get(&scene.secret).unwrap().task.due_at;
        assert_eq!(scene.take(at).len(), 1);
        scene.fails(at);
        assert_eq!(scene.take(at + 60).len(), 1);
        scene.ends(Fate::CaDown, at + 60);
        scene.choose(at + 90 * DAY)
    };
    let mut new = scene(Change::Possible);
    assert_eq!(months_away(&mut new), []);
    assert_eq!(new.issuer(), "own");
    let mut renewal = scene(Change::Possible);
    renewal.holds(&["shop.example"]);
    assert!(matches!(&months_away(&mut renewal)[..], [Moved::To(_, issuer, _)] if issuer == "second"));
}

#[test]
fn a_failure_at_the_second_issuer_is_followed_by_a_try_at_the_first() {
    let mut scene = scene(Change::Possible);
    scene.take(NOW);
    scene.limited(NOW + 5_000, true, NOW);
    scene.choose(NOW + 1);
    assert_eq!((scene.take(NOW + 1).len(), scene.issuer()), (1, "second".to_owned()));
    scene.fails(NOW + 2);
    assert_eq!(scene.issuer(), "own");
    assert_eq!(scene.choose(NOW + 3), []);
}

#[test]
fn what_could_not_change_is_told_beforehand_and_when_it_would_have_to() {
    let why = "the CAA records of shop.example: it names other CAs: own.example; add the CAA record `x`";
    let mut scene = scene(Change::Refused(why.to_owned()));
    let said = format!("second: {why}");
    assert_eq!(scene.keeper.bound(&scene.secret).unwrap().as_str(), said);
    scene.take(NOW);
    scene.limited(NOW + 5_000, true, NOW);
    let told = scene.choose(NOW + 1);
    assert_eq!(told, [Moved::Stuck(scene.secret.clone(), said.as_str().into())]);
    assert_eq!((scene.choose(NOW + 2), scene.issuer()), (vec![], "own".to_owned()));
    // It is told of a healthy one too.
    scene.holds(&["shop.example"]);
    scene.ends(Fate::Stored, NOW + 3);
    scene.look(NOW + 3);
    let doing = scene.keeper.doings(NOW + 4, false).next().unwrap();
    assert_eq!(doing.bound.unwrap().as_str(), said);
    // The record was set. While the CA does not answer, what was found stays.
    let checks = scene.keeper.to_check(&scene.inventory, true);
    scene
        .keeper
        .checked(&checks[0], vec![Change::Unknown("no answer".to_owned())]);
    assert!(scene.keeper.bound(&scene.secret).is_some());
    scene.keeper.checked(&checks[0], vec![Change::Possible]);
    assert_eq!(scene.keeper.doings(NOW + 5, false).count(), 0);
}

#[test]
fn other_names_are_looked_at_again() {
    let mut scene = scene(Change::Possible);
    scene.asks_for(&["shop.example", "www.shop.example"]);
    assert!(scene.keeper.has_unchecked());
    let checks = scene.keeper.to_check(&scene.inventory, false);
    assert_eq!(checks[0].names.len(), 2);
    assert_eq!(checks[0].others, ["second"]);
}

#[test]
fn two_a_day_are_counted_over_both_issuers() {
    let mut scene = scene(Change::Possible);
    let secret = scene.secret.clone();
    scene.take(NOW);
    scene.holds(&["shop.example"]);
    scene.keeper.ended(&secret, Fate::Stored, NOW);
    scene.missing();
    scene.take(NOW + 10);
    scene.limited(NOW + 5_000, true, NOW + 10);
    scene.choose(NOW + 11);
    assert_eq!((scene.take(NOW + 11).len(), scene.issuer()), (1, "second".to_owned()));
    scene
        .inventory
        .store(ordered("shop", "shop-tls", &["shop.example"], SECOND));
    scene.look(NOW + 12);
    scene.keeper.ended(&secret, Fate::Stored, NOW + 12);
    scene.missing();
    assert_eq!(scene.take(NOW + 20), []);
    assert_eq!(scene.keeper.held()[&secret], Hold::TwoADay(NOW + DAY));
}
