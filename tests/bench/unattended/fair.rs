//! A namespace with a thousand names that fail, and another with a good one.

use std::time::{Duration, Instant};

use crate::{
    Plan,
    figure::{Figure, Of, percentile, thousands},
    process::count,
    say,
    support::{
        cluster::Namespace,
        controller::{asking, call_by},
        issuing::NODE,
        tls::{is_traefiks_own, served},
    },
    world::World,
};

/// Where nobody answers.
const NOBODY: &str = "10.99.0.250";

pub(crate) fn all(plan: &Plan) -> Vec<Figure> {
    let failing = plan.size(10, 1_000);
    let world = World::free("bench-fair");
    let good = Namespace::new("bench-good");
    let running = call_by(&world.it, &world.way, &["-n", &good.name]).start();
    running.out.after(0, &["\"event\":\"leads\""]);
    let hosts = world.hosts("f", failing);
    for host in &hosts {
        world.it.resolver.host(host, &[NOBODY]);
    }
    world.new_ones("f", &hosts);
    // They have all that one namespace gets.
    running.out.after(0, &["\"event\":\"ordered\""]);
    std::thread::sleep(Duration::from_secs(if plan.smoke { 1 } else { 10 }));
    let rounds = if plan.smoke { 1 } else { 5 };
    let mut times = Vec::new();
    for n in 0..rounds {
        let host = good.host(&format!("shop{n}"));
        world.it.resolver.host(&host, &[NODE]);
        let begin = Instant::now();
        good.apply(vec![asking(&format!("shop{n}"), &[&host])]);
        while !served(&host).is_ok_and(|leaf| !is_traefiks_own(&leaf)) {
            assert!(begin.elapsed() < Duration::from_mins(2), "{host} is not served");
            std::thread::sleep(Duration::from_millis(20));
        }
        times.push(begin.elapsed());
    }
    say(&format!("{times:?}"));
    let mut of = Of::size(format!("{} that fail, {rounds} good ones", thousands(failing)));
    let longest = percentile(times.clone(), 100);
    of.told(
        "from the good Ingress to served: median",
        crate::figure::seconds(percentile(times, 50)),
    );
    of.time("the longest", longest, Duration::from_secs(5));
    of.told(
        "orders that had failed by then",
        count(&running, "challengeFailed").to_string(),
    );
    of.figures
}
