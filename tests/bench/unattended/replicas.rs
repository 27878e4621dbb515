//! Replicas of which one is killed, and one that sleeps.

use std::time::{Duration, Instant};

use crate::{
    Plan,
    figure::{Figure, Of, seconds, thousands},
    process::{count, requests},
    say,
    support::{eventually_within, run::Running},
    world::World,
};

/// How long what a killed process left may stay.
const LEFT: Duration = Duration::from_mins(2);

/// Three replicas, of which the leader is killed (-9) each half minute and replaced, while everything is ordered.
pub(crate) fn killed(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(10, 1_000);
    let each = Duration::from_secs(30);
    let kills = if plan.smoke { 1 } else { 5 };
    let world = World::limited("bench-killed", |_| {}, |_| {});
    let mut replicas = vec![world.leader(), world.replica(), world.replica()];
    for replica in &replicas {
        replica.out.after(0, &["Secrets are kept"]);
    }
    let hosts = world.hosts("k", many);
    world.prepare("k", &hosts);
    world.ask("k", many);
    let mut longest = Duration::ZERO;
    for kill in 0..kills {
        if kill > 0 {
            std::thread::sleep(each);
        }
        let at = leading(&replicas);
        // In the middle of orders, where there are any left.
        std::thread::sleep(Duration::from_secs(1));
        say(&format!("kill {kill}: {} stored", world.stored("k")));
        let killed = replicas.remove(at);
        killed.signal("-KILL");
        let begin = Instant::now();
        let before: Vec<usize> = replicas.iter().map(|replica| count(replica, "leads")).collect();
        eventually_within(Duration::from_mins(1), "another leader", || {
            let now = replicas
                .iter()
                .zip(&before)
                .any(|(replica, before)| count(replica, "leads") > *before);
            now.then_some(()).ok_or_else(String::new)
        });
        longest = longest.max(begin.elapsed());
        replicas.push(world.replica());
    }
    let begin = Instant::now();
    world.until_stored(&replicas[0], "k", many, Duration::from_mins(10));
    let stored = begin.elapsed();
    let mut of = Of::size(format!("{}, {kills} kills", thousands(many)));
    of.exactly("stored", world.stored("k"), many);
    of.told("the last was stored, after the last kill", seconds(stored));
    of.time("until another leads, at most", longest, Duration::from_secs(20));
    duplicates(&mut of, &world, kills);
    left(&mut of, &world);
    of.figures
}

/// The leader is stopped for 40 s while it orders, and goes on.
pub(crate) fn asleep(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(10, 300);
    let world = World::limited("bench-asleep", |_| {}, |_| {});
    let sleeper = world.leader();
    let other = world.replica();
    other.out.after(0, &["Secrets are kept"]);
    let hosts = world.hosts("s", many);
    world.prepare("s", &hosts);
    world.ask("s", many);
    sleeper.out.after(0, &["\"event\":\"ordered\""]);
    sleeper.signal("-STOP");
    let stopped = Instant::now();
    other.out.after(0, &["\"event\":\"leads\""]);
    let took_over = stopped.elapsed();
    std::thread::sleep(Duration::from_secs(40).saturating_sub(stopped.elapsed()));
    let mark = sleeper.err.mark();
    sleeper.signal("-CONT");
    // What it was about to write, it writes within this.
    std::thread::sleep(Duration::from_secs(20));
    world.until_stored(&other, "s", many, Duration::from_mins(5));
    let tried: Vec<_> = requests(&sleeper, mark)
        .into_iter()
        .filter(|request| request.is_write() && !request.is_of("selfsubjectaccessreviews"))
        .collect();
    let written = tried.iter().filter(|request| request.is_done());
    let written: Vec<String> = written
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    let mut of = Of::size(thousands(many));
    of.time("until another leads", took_over, Duration::from_secs(20));
    of.exactly("stored", world.stored("s"), many);
    let first: Vec<&str> = written.iter().take(2).map(String::as_str).collect();
    of.none("writes of the one that slept", written.len(), &first.join(", "));
    of.told(
        "writes that it tried, and that were refused",
        (tried.len() - written.len()).to_string(),
    );
    duplicates(&mut of, &world, 1);
    left(&mut of, &world);
    of.figures
}

/// Which of them leads.
fn leading(replicas: &[Running]) -> usize {
    eventually_within(Duration::from_mins(1), "a leader", || {
        let last = |replica: &Running| {
            let lines = replica.out.all();
            let turn = lines
                .iter()
                .rev()
                .find(|line| line.contains("\"event\":\"leads\"") || line.contains("\"event\":\"follows\""));
            turn.is_some_and(|line| line.contains("\"event\":\"leads\""))
        };
        replicas.iter().position(last).ok_or_else(|| "nobody leads".to_owned())
    })
}

/// At most one certificate more than needed for each time that the leader went.
fn duplicates(of: &mut Of, world: &World, times: usize) {
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    of.most(
        "certificates more than one for each set of names",
        world.beyond_one(|counts| counts.certificates) as f64,
        times as f64,
    );
    of.told(
        "orders more than one",
        world.beyond_one(|counts| counts.orders).to_string(),
    );
}

/// Nothing is left of what was under way.
fn left(of: &mut Of, world: &World) {
    let begin = Instant::now();
    let mut left = world.it.left();
    while !left.is_empty() && begin.elapsed() < LEFT {
        std::thread::sleep(Duration::from_secs(1));
        left = world.it.left();
    }
    let mut kinds = std::collections::BTreeMap::<&str, usize>::new();
    for name in &left {
        *kinds.entry(name.split('/').next().unwrap_or_default()).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    of.none("objects left two minutes later", left.len(), &kinds.join(", "));
    of.told("until nothing was left", seconds(begin.elapsed()));
}
