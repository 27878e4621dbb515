//! What the controller does while the API server or the CA is away.

use std::time::{Duration, Instant};

use crate::{
    Plan,
    figure::{Figure, Of, seconds, thousands},
    process::count,
    support::{
        controller::call_by,
        eventually_within, kubeconfig,
        limiter::Outage,
        pebble::DEFAULT,
        proxy::{API_SERVER, Proxy},
        watcher::{Fault, Watcher, in_words},
    },
    world::{World, until_leads_again},
};

/// The API server is away for a minute, in the middle of orders.
pub(crate) fn api(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(5, 100);
    let away = plan.lasts(1.0);
    let world = World::limited("bench-api", |_| {}, |_| {});
    let proxy = Proxy::to(API_SERVER);
    let config = kubeconfig::with_server(&format!("https://{}", proxy.address));
    let file = kubeconfig::write(world.it.ns.dir.path(), "cut", &config);
    let running = call_by(&world.it, &world.way, &[]).env("KUBECONFIG", file).start();
    running.out.after(0, &["\"event\":\"leads\""]);
    let hosts = world.hosts("a", many);
    world.prepare("a", &hosts);
    world.ask("a", many);
    running.out.after(0, &["\"event\":\"ordered\""]);
    proxy.break_all();
    std::thread::sleep(away);
    proxy.fix();
    let back = Instant::now();
    until_leads_again(&running, Duration::from_mins(3));
    let leads = back.elapsed();
    world.until_stored(&running, "a", many, Duration::from_mins(5));
    let mut of = Of::size(format!("{}, away for {}", thousands(many), seconds(away)));
    of.exactly("stored without anybody's help", world.stored("a"), many);
    of.told("until it leads again", seconds(leads));
    of.told("until everything was stored", seconds(back.elapsed()));
    never_twice(&mut of, &world);
    of.figures
}

/// The only replica is stopped for two minutes, in the middle of orders, as when its machine is suspended.
pub(crate) fn stopped(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(5, 100);
    let stopped = plan.lasts(2.0);
    let world = World::limited("bench-stopped", |_| {}, |_| {});
    let running = world.leader();
    let hosts = world.hosts("z", many);
    world.prepare("z", &hosts);
    world.ask("z", many);
    running.out.after(0, &["\"event\":\"ordered\""]);
    running.signal("-STOP");
    let (before, on_the_way) = (world.stored("z"), world.without_address());
    // The CA looks for the answers of these meanwhile, and nobody answers.
    let asked: Vec<String> = running
        .out
        .all()
        .into_iter()
        .filter(|line| line.contains("\"event\":\"asked\""))
        .collect();
    std::thread::sleep(stopped);
    running.signal("-CONT");
    let back = Instant::now();
    world.until_stored(&running, "z", many, Duration::from_mins(5));
    let mut of = Of::size(format!("{}, stopped for {}", thousands(many), seconds(stopped)));
    of.told("stored when it was stopped", before.to_string());
    of.exactly("stored without anybody's help", world.stored("z"), many);
    of.told("until everything was stored", seconds(back.elapsed()));
    // Nobody can know the address of an order whose answer was not read, nor ask the CA for it; and an order whose validation has
    // failed is over.
    let counts = world.limits().all_counts();
    let second = counts.iter().filter(|(_, counts)| counts.orders > 1);
    let (lost, others): (Vec<_>, Vec<_>) = second.partition(|(set, _)| on_the_way.contains(set));
    let (failed, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|(set, _)| asked.iter().any(|line| line.contains(set.as_str())));
    of.told(
        "second orders, the first one's answer being on its way when it was stopped",
        lost.len().to_string(),
    );
    of.told(
        "second orders, the CA being asked to validate when it was stopped",
        failed.len().to_string(),
    );
    let names: Vec<&str> = others.iter().map(|(set, _)| set.as_str()).collect();
    of.none("second orders of others", others.len(), &names.join(", "));
    of.none(
        "second certificates",
        world.beyond_one(|counts| counts.certificates),
        "",
    );
    of.figures
}

/// The CA is away, from shortly before certificates are due.
pub(crate) fn ca(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(5, 50);
    let away = plan.lasts(10.0);
    // They are due at half of it. It is asked after 15, 30, 60 s and so on whether it is back.
    let life = away.as_secs() * 3 + 120;
    let world = World::limited(
        "bench-ca",
        |options| options.profiles = vec![DEFAULT, ("away", life)],
        |_| {},
    );
    let running = call_by(&world.it, &world.way, &["--profile", "away"]).start();
    running.out.after(0, &["\"event\":\"leads\""]);
    let hosts = world.hosts("c", many);
    let watcher = Watcher::of(&hosts);
    let begin = Instant::now();
    world.new_ones("c", &hosts);
    world.until_stored(&running, "c", many, Duration::from_mins(2));
    eventually_within(Duration::from_mins(2), "everything being served", || {
        let served = watcher.served();
        if served == many {
            Ok(())
        } else {
            Err(format!("{served}"))
        }
    });
    std::thread::sleep(Duration::from_secs(life / 2 - 15).saturating_sub(begin.elapsed()));
    let before = world.limits().all_counts();
    assert!(
        before.iter().all(|(_, counts)| counts.orders == 1),
        "none is due yet: {before:?}"
    );
    world.limits().outage(Some(Outage::Unavailable));
    std::thread::sleep(away);
    world.limits().outage(None);
    let took = world.until_renewed(many, Duration::from_mins(6), &running);
    std::thread::sleep(Duration::from_secs(5));
    let (gaps, _) = watcher.end();
    let (expired, gaps): (Vec<_>, Vec<_>) = gaps.into_iter().partition(|gap| gap.fault == Fault::Expired);
    let mut of = Of::size(format!("{} of {life} s, away for {}", thousands(many), seconds(away)));
    of.none("expired ones served", expired.len(), &in_words(&expired));
    of.none("other gaps", gaps.len(), &in_words(&gaps));
    of.told("until all were renewed, after it was back", seconds(took));
    of.exactly("lines that tell that the CA is away", count(&running, "ca-down"), 1);
    of.exactly("lines that tell that it is back", count(&running, "ca-back"), 1);
    of.none("failures told", count(&running, "failed"), "");
    of.exactly("Events of the type Warning", world.warnings(), 1);
    of.exactly("orders of one certificate, at most", world.most_orders(), 2);
    of.figures
}

/// No set of names was ordered, or issued, more than once.
pub(crate) fn never_twice(of: &mut Of, world: &World) {
    of.none("second orders", world.beyond_one(|counts| counts.orders), "");
    of.none(
        "second certificates",
        world.beyond_one(|counts| counts.certificates),
        "",
    );
}
