//! The names policy, and copies.

use std::sync::Arc;

use super::*;
use crate::{
    object::doing::{Doing, DoingState},
    plan::copy::CopyHold,
    policy::NamesRule,
};

fn rule(names: &[&str]) -> NamesRule {
    NamesRule {
        title: "rule 1".to_owned(),
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        ..NamesRule::default()
    }
}

impl Scene {
    fn under(rules: Vec<NamesRule>, hosts: &[&str]) -> Self {
        let mut scene = Self::new(hosts);
        scene.rules(rules);
        scene
    }

    fn rules(&mut self, rules: Vec<NamesRule>) {
        self.inventory.set_policy(Some(Arc::new(NamesPolicy { rules })));
        self.look(NOW);
    }

    fn doings(&self) -> Vec<Doing> {
        self.keeper.doings(NOW, false).collect()
    }
}

#[test]
fn what_no_rule_permits_is_held_and_other_names_are_ordered_without_it() {
    let mut scene = Scene::under(vec![rule(&["*.shop.example"])], &["shop.example"]);
    assert!(scene.take(NOW).is_empty());
    let said = scene.doings();
    assert_eq!(
        (said[0].state, said[0].reason.as_str()),
        (DoingState::Held, "NameNotPermitted")
    );
    assert!(
        said[0]
            .message
            .contains("namespace shop the name shop.example: no rule"),
        "{}",
        said[0].message
    );
    assert_eq!(scene.keeper.take_held_now().len(), 1);
    scene.asks_for(&["shop.example", "www.shop.example"]);
    assert_eq!(scene.keeper.take_denied_now().len(), 1);
    let taken = scene.take(NOW);
    let names: Vec<String> = taken[0].names.order.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["www.shop.example"]);
    // It is told as long as it is so, whatever became of the rest.
    scene.holds(&["www.shop.example"]);
    let secret = scene.secret.clone();
    scene.keeper.ended(&secret, Fate::Stored, NOW);
    let said = scene.doings();
    let without = said[0].without.as_deref().unwrap_or_default();
    assert!(
        said[0].state == DoingState::Scheduled && without.contains("shop.example"),
        "{said:?}"
    );
    assert!(scene.keeper.take_denied_now().is_empty(), "it is logged once");
    scene.rules(vec![rule(&["**"])]);
    assert_eq!(scene.take(NOW).len(), 1, "the name is permitted by now");
}

#[test]
fn a_wildcard_that_is_no_longer_permitted_is_left_out_of_the_renewal_and_the_hosts_below_it_are_not() {
    let mut scene = Scene::new(&["a.shop.example"]);
    scene.holds(&["*.shop.example"]);
    assert!(scene.keeper.queue.get(&scene.secret).is_some());
    scene.rules(vec![rule(&["*.shop.example"])]);
    let issuers = Issuers::of(&scene.inventory, scene.keeper.keeping.ca.clone());
    let wanted = wanted::wanted(&scene.inventory, &scene.secret, &scene.keeper.keeping.asked, &issuers);
    let Some(Wanted::Keep { target, bounds, .. }) = wanted else {
        panic!("{wanted:?}")
    };
    let names: Vec<String> = target.names.order.iter().map(ToString::to_string).collect();
    assert_eq!((names, bounds.denied), (vec!["a.shop.example".to_owned()], None));
}

#[test]
fn a_namespace_orders_as_many_new_certificates_a_day_as_its_rule_says_and_renewals_do_not_count() {
    let mut limited = rule(&["**"]);
    limited.orders_a_day = Some(1);
    let mut scene = Scene::under(vec![limited], &["shop.example"]);
    let taken = scene.take(NOW);
    let beyond = |scene: &mut Scene, target: &Target, is_renewal: bool, now: Seconds| {
        scene.keeper.is_beyond_day(&scene.inventory, target, is_renewal, now)
    };
    assert!(!beyond(&mut scene, &taken[0], false, NOW), "the first");
    assert!(!beyond(&mut scene, &taken[0], true, NOW), "a renewal");
    let secret = scene.secret.clone();
    scene.fails(NOW);
    assert!(beyond(&mut scene, &taken[0], false, NOW + 60), "the second");
    let hold = &scene.keeper.held()[&secret];
    assert_eq!((hold.reason(), hold.until()), ("OrdersADay", Some(NOW + DAY)));
    assert!(!beyond(&mut scene, &taken[0], false, NOW + DAY), "another day");
}

/// What the controller keeps of a Secret of `shop`, since a moment.
fn kept(scene: &mut Scene, name: &str, since: Seconds, change: impl FnOnce(&mut crate::inventory::Stored)) {
    let of = format!("shop/{name}");
    let mut kept = good(
        "certs-system",
        &crate::apply::Purpose::Kept.name(&of),
        &["old.shop.example"],
    );
    kept.secret_type = crate::object::secret::BACKUP_TYPE.into();
    kept.meta.created = Some(since);
    kept.meta = with_annotation(kept.meta, annotation::MADE_FOR, &of);
    change(&mut kept);
    scene.inventory.store(kept);
}

#[test]
fn a_namespace_gets_no_more_new_certificates_after_a_restart_even_if_it_has_deleted_its_secrets() {
    let beyond = |change: &dyn Fn(&mut Scene)| {
        let mut limited = rule(&["**"]);
        limited.orders_a_day = Some(2);
        let mut scene = Scene::under(vec![limited], &["shop.example"]);
        scene.inventory.set_home("certs-system".into());
        kept(&mut scene, "one", NOW - 3_600, |_| {});
        change(&mut scene);
        let taken = scene.take(NOW);
        let is_beyond = scene.keeper.is_beyond_day(&scene.inventory, &taken[0], false, NOW);
        is_beyond.then(|| scene.keeper.held()[&scene.secret].until().unwrap())
    };
    let renewed = |stored: &mut crate::inventory::Stored| stored.other_keys = vec!["former.crt".into()];
    assert_eq!(beyond(&|_| {}), None, "one of two");
    let second = |scene: &mut Scene| kept(scene, "two", NOW - 60, |_| {});
    assert_eq!(beyond(&second), Some(NOW - 3_600 + DAY));
    // What is there is the same as what is kept of it.
    let same = |scene: &mut Scene| {
        let mut there = ordered("shop", "one", &["old.shop.example"], DIRECTORY);
        there.meta = with_annotation(there.meta, annotation::CLAIM, "prod-1");
        there.meta.created = Some(NOW - 3_590);
        scene.inventory.store(there);
    };
    assert_eq!(beyond(&same), None);
    assert_eq!(
        beyond(&|scene| kept(scene, "two", NOW - DAY, |_| {})),
        None,
        "of yesterday"
    );
    assert_eq!(
        beyond(&|scene| kept(scene, "two", NOW - 60, renewed)),
        None,
        "a renewal"
    );
    let names = |stored: &mut crate::inventory::Stored| {
        renewed(stored);
        let mut leaf = stored.leaf().unwrap().clone();
        leaf.not_before = NOW - 600;
        stored.bundle = crate::inventory::fixtures::bundle(leaf);
        let meta = std::mem::take(&mut stored.meta);
        stored.meta = with_annotation(meta, annotation::ISSUED_KIND, "new");
    };
    assert!(
        beyond(&|scene| kept(scene, "two", NOW - 9 * DAY, names)).is_some(),
        "more names"
    );
    // Nobody else's, and no tenant's own.
    let forged = |stored: &mut crate::inventory::Stored| stored.meta.namespace = "blog".into();
    assert_eq!(beyond(&|scene| kept(scene, "two", NOW - 60, forged)), None);
}

/// A scene in which the Secret is to be a copy of `infra/apps-tls`.
fn copying() -> Scene {
    let mut scene = Scene::new(&[]);
    let mut web = ingress("shop", "web", &[(&["shop.example"], "shop-tls")]);
    web.meta = with_annotation(web.meta, annotation::COPY_OF, "infra/apps-tls");
    web.meta = with_annotation(web.meta, annotation::TLS_ACME, "true");
    scene.inventory.apply(Change::Set(Object::Ingress(web)));
    scene.look(NOW);
    scene
}

#[test]
fn a_copy_is_never_ordered_and_waits_for_its_source_and_the_grant() {
    let mut scene = copying();
    let secret = scene.secret.clone();
    assert_eq!(
        scene.keeper.held()[&secret],
        Hold::Copy(CopyHold::NoSource(key("infra", "apps-tls")))
    );
    let source = |grant: &str| {
        let mut source = good("infra", "apps-tls", &["shop.example"]);
        source.meta = with_annotation(source.meta, annotation::COPY_TO, grant);
        source
    };
    scene.inventory.store(source("blog"));
    scene.look(NOW);
    assert_eq!(scene.keeper.held()[&secret].reason(), "CopyNotGranted");
    assert_eq!(scene.keeper.copies.next_wake(), None);
    // What changes is the source, and the copy is looked at with it.
    scene.inventory.store(source("blog, shop"));
    let dirty = scene.inventory.derive();
    assert!(dirty.secrets.contains(&key("infra", "apps-tls")));
    let news = News {
        gone: dirty
            .secrets
            .into_iter()
            .map(|key| About::Secret(Box::new(key)))
            .collect(),
        ..News::default()
    };
    scene.keeper.changed(&scene.inventory, &news, NOW);
    assert!(scene.keeper.held().is_empty());
    assert_eq!(scene.keeper.copies.take(NOW), [(secret, key("infra", "apps-tls"))]);
    assert!(scene.take(NOW).is_empty(), "nothing is ordered for it");
}
