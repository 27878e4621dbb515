//! What the controller does while the cluster takes no writes, because its etcd is full.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Plan,
    away::never_twice,
    figure::{Figure, Of, seconds, thousands},
    say,
    second::Second,
    support::{cluster::Namespace, controller::call_by, eventually, run::Running},
    world::{World, until_leads_again},
};

/// What etcd takes, in bytes. The cluster itself needs some MiB of it, and a certificate some 100 KiB until etcd is compacted.
const ROOM: u64 = 32 << 20;
/// What an object of the ballast takes: an API server takes 1 MiB.
const PIECE: usize = 900 << 10;
/// How much is left until orders are under way.
const LEFT: u64 = 4 << 20;
/// How the API server says that etcd is full.
const FULL: &str = "database space exceeded";
/// How long the CA takes for a new order, so that many of them are made and not answered when etcd is full.
const LATE: Duration = Duration::from_secs(1);
/// How many lines about it the controller may log.
const LINES: f64 = 10.0;

/// A second cluster's etcd is full for a minute, in the middle of orders.
pub(crate) fn all(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(5, 50);
    let lasts = plan.lasts(1.0);
    let second = Second::with_room_for(ROOM);
    let ns = Namespace::elsewhere("bench-full", &second.kubeconfig);
    let world = World::limited_in(ns, |_| {}, |_| {});
    world.limits().late(LATE);
    let hosts = world.hosts("e", many);
    // Nothing is served in that cluster: the names are proven by their zones, and nobody waits for what is served.
    let zones: BTreeSet<&str> = hosts.iter().filter_map(|host| Some(host.split_once('.')?.1)).collect();
    let (_server, settings) = world.it.powerdns(&zones.into_iter().collect::<Vec<_>>());
    world.it.settings(&settings);
    let running = call_by(&world.it, &world.way, &["--wait", "0"])
        .env("KUBECTL_CERTS_LOG", "kubectl_certs=warn")
        .start();
    running.out.after(0, &["\"event\":\"leads\""]);
    world.prepare("e", &hosts);
    let mut ballast = (0..).map(|n| is_added(&world, n));
    while second.used() < ROOM - LEFT {
        assert!(ballast.next() == Some(true), "etcd has more room");
    }
    world.ask("e", many);
    eventually("orders under way", || {
        let counts = world.limits().all_counts();
        (counts.len() > many / 4)
            .then_some(())
            .ok_or_else(|| format!("{counts:?}"))
    });
    let marks = (running.out.mark(), running.err.mark());
    assert!(ballast.take(100).any(|is_added| !is_added), "etcd has no end");
    let (ordered, stored) = (world.limits().all_counts().len(), world.stored("e"));
    std::thread::sleep(lasts);
    let told = told(&running, marks);
    world.it.ns.kubectl(&["delete", "configmaps", "-l", "bench=ballast"]);
    second.make_room();
    let back = Instant::now();
    until_leads_again(&running, Duration::from_mins(3));
    let leads = back.elapsed();
    world.until_stored(&running, "e", many, Duration::from_mins(5));
    let all_stored = back.elapsed();
    let mut of = Of::size(format!("{}, full for {}", thousands(many), seconds(lasts)));
    of.exactly("stored without anybody's help", world.stored("e"), many);
    of.told("ordered before it was full, and stored", format!("{ordered}, {stored}"));
    of.told("until it leads again", seconds(leads));
    of.told("until everything was stored", seconds(all_stored));
    never_twice(&mut of, &world);
    for line in &told {
        say(line);
    }
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    of.most("lines about it while it was full", told.len() as f64, LINES);
    of.figures
}

/// Adds a piece of ballast. Returns whether etcd has taken it.
fn is_added(world: &World, n: usize) -> bool {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"ballast": "x".repeat(PIECE)},
        "metadata": {"name": format!("ballast{n}"), "labels": {"bench": "ballast"}},
    });
    match world.create("configmaps", &object) {
        Ok(()) => true,
        Err(error) if error.to_string().contains(FULL) => false,
        Err(error) => panic!("{error}"),
    }
}

/// What the controller says of trouble since the marks of its streams: not of the orders that go on.
fn told(running: &Running, (out, err): (usize, usize)) -> Vec<String> {
    let words = [
        "\"level\":\"error\"",
        "\"level\":\"warning\"",
        "\"event\":\"failed\"",
        "\"event\":\"follows\"",
    ];
    let is_trouble = |line: &String| words.iter().any(|word| line.contains(word));
    let mut told: Vec<String> = running
        .out
        .all()
        .split_off(out)
        .into_iter()
        .filter(is_trouble)
        .collect();
    told.extend(running.err.all().split_off(err));
    told
}
