//! New Ingresses: one at a time, and a thousand at once.

use std::time::{Duration, Instant};

use crate::{
    Plan,
    figure::{Figure, Of, percentile, thousands},
    process::{self, Request, count, memory, processor, requests},
    say,
    support::{
        eventually_within,
        run::Running,
        tls::{is_traefiks_own, served},
    },
    world::World,
};

/// How often it is looked while a time is measured.
const LOOK: Duration = Duration::from_millis(20);

/// Without limits.
pub(crate) fn all(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(10, 1_000);
    let world = World::free("bench-new");
    let running = world.leader();
    let mut figures = idle(plan, &world);
    let mut of = Of::size(thousands(many));
    let hosts = world.hosts("m", many);
    world.prepare("m", &hosts);
    // What the preparation has brought is seen by then.
    std::thread::sleep(Duration::from_secs(2));
    let (mark, done, orders) = (
        running.err.mark(),
        count(&running, "stored"),
        world.it.pebble.log().matches("POST /order-plz").count(),
    );
    let (worked, before) = (processor(&running), process::idle());
    let begin = Instant::now();
    world.ask("m", many);
    let asked = begin.elapsed();
    let longest = Duration::from_mins(1) + Duration::from_millis(500) * u32::try_from(many).unwrap();
    until(&running, "stored", done + many, longest);
    let took = begin.elapsed();
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    let each = |number: usize| number as f64 / many as f64;
    let rate = f64::from(u32::try_from(many).unwrap()) / took.as_secs_f64();
    of.rate("stored", rate, 10.0);
    let (worked, after) = (processor(&running) - worked, process::idle());
    let share = (after.1 - before.1) / (after.0 - before.0) * 100.0;
    of.told(
        "the machine, with its cluster and the proxy, was idle meanwhile",
        format!("{share:.0} %"),
    );
    #[allow(clippy::cast_precision_loss)]
    of.told(
        "processor time of the controller for a certificate",
        format!("{:.0} ms", worked / many as f64 * 1_000.0),
    );
    until(&running, "served", done + many, longest);
    of.told(
        "until all are served",
        format!("{:.0} s", begin.elapsed().as_secs_f64()),
    );
    of.told(
        "the Ingresses being annotated, of it",
        format!("{:.1} s", asked.as_secs_f64()),
    );
    // Events come last, and late.
    std::thread::sleep(Duration::from_secs(3));
    let writes: Vec<_> = requests(&running, mark).into_iter().filter(Request::is_write).collect();
    of.most("writes to the API server for a certificate", each(writes.len()), 15.0);
    of.told("which", kinds(&writes));
    let of_routes = |request: &&Request| {
        ["ingresses", "services", "endpointslices"]
            .iter()
            .any(|kind| request.is_of(kind))
    };
    #[allow(clippy::cast_precision_loss)]
    of.most(
        "writes of routes and Services, in all",
        writes.iter().filter(of_routes).count() as f64,
        5.0,
    );
    let ordered = world.it.pebble.log().matches("POST /order-plz").count() - orders;
    of.exactly("orders", ordered, many);
    of.told("most memory", format!("{:.0} MB", memory(&running, "VmHWM")));
    figures.extend(of.figures);
    figures
}

/// One at a time: from the annotation until it is served.
fn idle(plan: &Plan, world: &World) -> Vec<Figure> {
    let ones = if plan.smoke { 2 } else { 20 };
    let mut of = Of::size(format!("{ones}, one at a time"));
    let hosts = world.hosts("one", ones);
    world.prepare("one", &hosts);
    let mut times = Vec::new();
    for (n, host) in hosts.iter().enumerate() {
        let name = format!("one{n}");
        // Its class first: it is there, and Traefik knows it.
        let class = r#"{"spec": {"ingressClassName": "traefik"}}"#;
        world
            .it
            .ns
            .kubectl(&["patch", "ingress", &name, "--type=merge", "-p", class]);
        std::thread::sleep(Duration::from_secs(1));
        let begin = Instant::now();
        world
            .it
            .ns
            .kubectl(&["annotate", "ingress", &name, "kubernetes.io/tls-acme=true"]);
        while served(host).is_ok_and(|leaf| is_traefiks_own(&leaf)) {
            assert!(begin.elapsed() < Duration::from_mins(1), "{host} is not served");
            std::thread::sleep(LOOK);
        }
        times.push(begin.elapsed());
    }
    say(&format!("{times:?}"));
    of.told(
        "annotation to served, kubectl's own time included: median",
        crate::figure::seconds(percentile(times.clone(), 50)),
    );
    of.time(
        "annotation to served: 95th percentile",
        percentile(times, 95),
        Duration::from_secs(3),
    );
    of.figures
}

/// Waits until the controller has told of an event so often.
pub(crate) fn until(running: &Running, event: &str, often: usize, longest: Duration) {
    eventually_within(longest, event, || {
        let now = count(running, event);
        if now >= often {
            return Ok(());
        }
        let lines = running.out.all();
        let other = lines
            .iter()
            .rev()
            .filter(|line| line.contains("\"level\":\"error\"") || line.contains("\"event\":\"failed\""));
        Err(format!("{now} of {often}: {:?}", other.take(3).collect::<Vec<_>>()))
    });
}

/// How many writes of which kind, the most frequent first.
fn kinds(writes: &[Request]) -> String {
    let mut of = std::collections::BTreeMap::<String, usize>::new();
    for write in writes {
        let path = write.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        let at = parts
            .iter()
            .position(|part| *part == "namespaces")
            .map_or(0, |at| at + 2);
        let kind = parts.get(at).copied().unwrap_or(path);
        *of.entry(format!("{} {kind}", write.method)).or_default() += 1;
    }
    let mut of: Vec<_> = of.into_iter().collect();
    of.sort_unstable_by_key(|(_, count)| std::cmp::Reverse(*count));
    of.iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect::<Vec<_>>()
        .join(", ")
}
