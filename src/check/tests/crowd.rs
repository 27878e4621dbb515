//! A host with very many routes, or Secrets: whoever creates them changes no verdict of another tenant, and hides
//! nothing.

use super::{
    traefik::{expired, route},
    *,
};
use crate::{
    check::finding,
    inventory::{Binding, BindingId},
};

/// More than are examined one by one.
const DECOYS: usize = 450;

/// An Ingress of class nginx for x.example with this creation time.
fn made(inventory: &mut Inventory, namespace: &str, name: &str, secret: &str, at: i64) {
    let mut web = ingress(namespace, name, &[(&["x.example"], secret)]);
    web.meta.created = Some(at);
    add(inventory, web, "nginx");
}

/// Newer Ingresses for x.example, in a namespace that sorts first, each with its own valid Secret.
fn decoys(inventory: &mut Inventory) {
    for n in 0..DECOYS {
        let name = format!("decoy{n:03}");
        made(inventory, "aaa", &name, &name, NOW);
        inventory.store(own("aaa", &name, &["x.example"]));
    }
}

fn of_route(inventory: &Inventory, name: &str) -> (BindingId, Binding) {
    let mut all = inventory.bindings().iter();
    let found = all.find(|(_, binding)| binding.route.key.name == name);
    found.map(|(id, binding)| (id, binding.clone())).expect("the binding")
}

fn verdict(inventory: &Inventory, name: &str) -> Verdict {
    binding(inventory, of_route(inventory, name).0, RULES).expect("a verdict")
}

fn winners(verdict: &Verdict) -> Vec<Option<String>> {
    let duplicates = verdict.findings.iter().filter_map(|f| match &f.fact {
        Fact::DuplicateHost(finding::DuplicateHost { winner, .. }) => Some(winner.as_ref().map(|w| w.key.to_string())),
        _ => None,
    });
    duplicates.collect()
}

#[test]
fn the_oldest_ingress_decides_however_many_newer_ones_come_before_it() {
    let mut inventory = cluster();
    decoys(&mut inventory);
    made(&mut inventory, "zzz", "old", "tls", NOW - DAY);
    inventory.store(expired("zzz", "tls", &["x.example"]));
    inventory.derive();
    let oldest = [Some("zzz/old".to_owned())];
    for name in ["old", "decoy007", "decoy449"] {
        let verdict = verdict(&inventory, name);
        assert_eq!(winners(&verdict), oldest, "{name}");
        assert_eq!(verdict.served, Some(key("zzz", "tls")), "{name}");
        is(&verdict.findings, Reason::Expired, Severity::Critical);
    }
    // An even older one takes precedence over all of them, and all are judged again.
    made(&mut inventory, "mmm", "older", "own", NOW - 2 * DAY);
    inventory.store(own("mmm", "own", &["x.example"]));
    let dirty = inventory.derive();
    assert_eq!(dirty.bindings.len(), DECOYS + 2);
    for name in ["old", "decoy449"] {
        assert_eq!(verdict(&inventory, name).served, Some(key("mmm", "own")), "{name}");
    }
    inventory.apply(Change::Gone(Kind::Ingress, key("mmm", "older")));
    assert_eq!(inventory.derive().bindings.len(), DECOYS + 1);
    assert_eq!(verdict(&inventory, "decoy000").served, Some(key("zzz", "tls")));
}

#[test]
fn a_route_with_another_certificate_is_told_though_very_many_have_the_same() {
    let of = |other: &str| {
        let mut inventory = cluster();
        for n in 0..DECOYS {
            let name = format!("copy{n:03}");
            add(&mut inventory, ingress("aaa", &name, &[(&["x.example"], &name)]), "own");
            inventory.store(good("aaa", &name, &["x.example"]));
        }
        add(
            &mut inventory,
            ingress("zzz", "last", &[(&["x.example"], other)]),
            "own",
        );
        inventory.store(good("zzz", "copy", &["x.example"]));
        inventory.store(own("zzz", "differs", &["x.example"]));
        inventory.derive();
        ["copy000", "last"].map(|name| winners(&verdict(&inventory, name)).len())
    };
    assert_eq!(of("copy"), [0, 0], "copies of one certificate are served alike");
    assert_eq!(of("differs"), [1, 1]);
}

#[test]
fn a_route_finds_its_own_server_among_very_many_whose_age_is_not_known() {
    let mut inventory = cluster();
    for n in 0..DECOYS {
        let name = format!("decoy{n:03}");
        add(
            &mut inventory,
            ingress("aaa", &name, &[(&["x.example"], &name)]),
            "nginx",
        );
        inventory.store(own("aaa", &name, &["x.example"]));
    }
    add(
        &mut inventory,
        ingress("zzz", "web", &[(&["x.example"], "tls")]),
        "nginx",
    );
    inventory.store(expired("zzz", "tls", &["x.example"]));
    inventory.derive();
    assert_eq!(verdict(&inventory, "web").served, Some(key("zzz", "tls")));
    assert_eq!(verdict(&inventory, "decoy300").served, Some(key("aaa", "decoy300")));
}

#[test]
fn a_name_is_used_where_the_last_of_very_many_routes_of_its_host_gets_it() {
    let unused = |last: &[&str]| {
        found(|i| {
            decoys(i);
            for host in last {
                let mut web = ingress("zzz", host, &[(&[host], "tls")]);
                web.meta.created = Some(NOW - DAY);
                add(i, web, "nginx");
            }
            i.store(own("zzz", "tls", &["x.example", "y.example"]));
        })
    };
    is(&unused(&["y.example"]), Reason::UnusedNames, Severity::Info);
    is_not(&unused(&["y.example", "x.example"]), Reason::UnusedNames);
}

#[test]
fn of_very_many_certificates_that_traefik_has_the_greatest_names_are_shown() {
    // By the host itself, and by a wildcard above it.
    for (name, host) in [("x.example", "x.example"), ("*.x.example", "w.x.example")] {
        let mut inventory = cluster();
        for n in 0..DECOYS {
            let secret = format!("decoy{n:03}");
            let beside = format!("a{n:03}.example");
            inventory.store(own("aaa", &secret, &[name, &beside]));
            route(&mut inventory, "aaa", &beside, Some(&secret));
        }
        inventory.store(expired("zzz", "tls", &["zz.example", name]));
        route(&mut inventory, "zzz", "zz.example", Some("tls"));
        route(&mut inventory, "yyy", host, None);
        inventory.derive();
        let (id, binding) = of_route(&inventory, &format!("ir-{host}"));
        let shown = inventory.serving(&binding).stored().map(|stored| stored.meta.key());
        assert_eq!(shown, Some(key("zzz", "tls")), "{name}");
        let verdict = super::binding(&inventory, id, RULES).expect("a verdict");
        is(&verdict.findings, Reason::Expired, Severity::Critical);
    }
}

#[test]
fn hosts_below_a_wildcard_are_judged_again_when_its_server_changes() {
    let mut inventory = cluster();
    let mut web = ingress("a", "web", &[(&["x.shop.example"], "gone")]);
    // Only a tls entry lists it: the server of the wildcard answers.
    web.rules = vec!["www.example".into()].into();
    add(&mut inventory, web, "nginx");
    inventory.derive();
    let (id, binding) = of_route(&inventory, "web");
    assert!(inventory.serving(&binding).stored().is_none());
    add(
        &mut inventory,
        ingress("b", "wide", &[(&["*.shop.example"], "wild")]),
        "nginx",
    );
    inventory.store(own("b", "wild", &["*.shop.example"]));
    assert!(inventory.derive().bindings.contains(&id));
    let served = inventory.serving(&binding).stored().map(|stored| stored.meta.key());
    assert_eq!(served, Some(key("b", "wild")));
    inventory.apply(Change::Gone(Kind::Ingress, key("b", "wide")));
    assert!(inventory.derive().bindings.contains(&id));
}
