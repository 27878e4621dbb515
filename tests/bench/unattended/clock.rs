//! A controller whose clock is another one: by libfaketime, which has no part in the monotonic clocks.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    Plan,
    figure::{Figure, Of, seconds, thousands},
    process::count,
    say,
    support::{controller::call_by, pki::now, run::Running},
    world::World,
};

/// A controller and its clock.
struct Shifted {
    running: Running,
    file: PathBuf,
}

impl Shifted {
    fn leader(world: &World) -> Self {
        let library = std::env::var("LIBFAKETIME").unwrap_or_default();
        assert!(
            !library.is_empty(),
            "this row is for tests/bench/run, which gets libfaketime"
        );
        let file = world.it.ns.dir.path().join("time");
        std::fs::write(&file, "+0").unwrap();
        let call = call_by(&world.it, &world.way, &[]).env("LD_PRELOAD", library);
        let call = call
            .env("FAKETIME_TIMESTAMP_FILE", &file)
            .env("FAKETIME_CACHE_DURATION", "1");
        let running = call
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .start();
        running.out.after(0, &["\"event\":\"leads\""]);
        Self { running, file }
    }

    fn set(&self, shift: &str) {
        std::fs::write(&self.file, shift).unwrap();
    }

    /// The hour and minute that it last said.
    fn says(&self) -> String {
        let lines = self.running.out.all();
        let line = lines.last().cloned().unwrap_or_default();
        line.split_once("\"time\":\"")
            .map_or_else(String::new, |(_, rest)| rest.chars().take(16).collect())
    }
}

/// The clock goes two hours forward, and four back.
pub(crate) fn shifted(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(5, 20);
    let world = World::limited("bench-clock", |_| {}, |_| {});
    let shifted = Shifted::leader(&world);
    let mut of = Of::size(format!("{}, of 90 days", thousands(many)));
    world.new_ones("c", &world.hosts("c", many));
    world.until_stored(&shifted.running, "c", many, Duration::from_mins(2));
    for (n, (shift, words)) in [("+2h", "two hours ahead"), ("-2h", "two hours behind")]
        .into_iter()
        .enumerate()
    {
        shifted.set(shift);
        std::thread::sleep(Duration::from_secs(20));
        let label = format!("n{n}x");
        let begin = Instant::now();
        world.new_ones(&label, &world.hosts(&label, 1));
        world.until_stored(&shifted.running, &label, 1, Duration::from_mins(1));
        say(&format!("{shift}: it says {}", shifted.says()));
        of.told(&format!("until a new one is stored, {words}"), seconds(begin.elapsed()));
    }
    let counts = world.limits().all_counts();
    of.exactly("sets of names that were ordered", counts.len(), many + 2);
    of.none("second orders", world.beyond_one(|counts| counts.orders), "");
    of.exactly("terms of its leadership", count(&shifted.running, "leads"), 1);
    of.figures
}

/// The CA moves all windows to the past, which the controller sees when it asks next: hours later by its clock.
pub(crate) fn windows(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(5, 1_000);
    let world = World::limited("bench-ari", |_| {}, |_| {});
    let shifted = Shifted::leader(&world);
    world.new_ones("w", &world.hosts("w", many));
    world.until_stored(&shifted.running, "w", many, Duration::from_mins(5));
    let longest = Duration::from_mins(1) + Duration::from_millis(500) * u32::try_from(many).unwrap();
    let at = now().unix_timestamp();
    world.limits().suggest(Some((at - 100_000, at - 50_000)));
    let mark = shifted.running.out.mark();
    shifted.set("+7h");
    let took = world.until_renewed(many, longest, &shifted.running);
    std::thread::sleep(Duration::from_secs(5));
    let mut of = Of::size(thousands(many));
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    of.told("replaced", format!("{:.1}/s", many as f64 / took.as_secs_f64()));
    of.exactly("orders of one certificate, at most", world.most_orders(), 2);
    let lines = shifted.running.out.all().split_off(mark);
    let notices = lines.iter().filter(|line| line.contains("window")).count();
    of.exactly("lines that tell that the CA wants them replaced", notices, 1);
    of.exactly("Events of the type Warning", world.warnings(), 1);
    of.figures
}
