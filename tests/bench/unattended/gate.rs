//! New Ingresses behind a limit of new orders, and a renewal close to its end among them.

use std::time::{Duration, Instant};

use crate::{
    Plan,
    figure::{Figure, Of, seconds, thousands},
    process::count,
    support::{
        controller::asking,
        eventually_within,
        limiter::Rate,
        pebble::{DEFAULT, SHORT_LIVES},
    },
    world::World,
};

/// How long it takes until there is one more order.
const EACH: Duration = Duration::from_millis(360);

pub(crate) fn all(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(20, 1_000);
    // Three of ten at once, as 300 of 1,000 at Let's Encrypt.
    let burst = u32::try_from(many * 3 / 10).unwrap();
    let world = World::limited(
        "bench-gate",
        |options| options.profiles = vec![DEFAULT, SHORT_LIVES[1]],
        |rates| rates.orders = Rate::new(burst, EACH * burst * rates.speed),
    );
    // The controller is told the limits of its CA, as its users tell it those of theirs.
    // Where no profile is asked for, Pebble takes any.
    world.it.settings(&format!(
        "issuers: {{gate: {{directory: \"{}\", profile: {}, rateLimits: {{orders: {burst}/{}s}}}}}}\n",
        world.way.url,
        DEFAULT.0,
        (EACH * burst).as_secs_f64().ceil()
    ));
    let urgent = &world.hosts("u", 1)[0];
    let running = world.leader();
    let args = [
        "issue",
        "--secret",
        "u0-tls",
        "-d",
        urgent,
        "--profile",
        SHORT_LIVES[1].0,
    ];
    world
        .it
        .call_to(&world.way.url, &world.way.ca, &args)
        .run()
        .ends_with(0);
    let issued = Instant::now();
    world.it.ns.apply(vec![asking("u0", &[urgent])]);
    let hosts = world.hosts("g", many);
    world.prepare("g", &hosts);
    // It is due in the middle of it.
    if !plan.smoke {
        std::thread::sleep(Duration::from_secs(SHORT_LIVES[1].1 / 2 - 10).saturating_sub(issued.elapsed()));
    }
    let before = count(&running, "stored");
    let begin = Instant::now();
    world.ask("g", many);
    let forecast = EACH * (u32::try_from(many).unwrap() - burst);
    let mut renewed = None;
    eventually_within(forecast * 3 + Duration::from_mins(1), "everything being stored", || {
        if renewed.is_none() && world.limits().counts(&[urgent]).certificates > 1 {
            renewed = Some(issued.elapsed());
        }
        // The controller is believed until the end: to list a thousand Secrets again and again takes the processors from it.
        let stored = count(&running, "stored") - before;
        if stored >= many {
            Ok(())
        } else {
            Err(format!("{stored}: {:?}", running.out.all().last()))
        }
    });
    world.until_stored(&running, "g", many, Duration::from_mins(1));
    let took = begin.elapsed();
    let mut of = Of::size(format!(
        "{}, {burst} at once and then one each {} ms",
        thousands(many),
        EACH.as_millis()
    ));
    of.none("orders that the CA refused", world.limits().refused(), "");
    of.told("forecast", seconds(forecast));
    of.time("until all are stored", took, forecast.mul_f64(1.05));
    if !plan.smoke {
        let life = Duration::from_secs(SHORT_LIVES[1].1);
        of.time(
            "age at which a certificate of 200 s was renewed meanwhile",
            renewed.unwrap_or(life),
            life.mul_f64(0.6),
        );
    }
    of.figures
}
