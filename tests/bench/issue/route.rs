//! `renew` of one Ingress through the real Traefik, from the start of the process until it serves the new certificate.

use std::time::Duration;

use crate::{
    Plan, clients,
    events::Events,
    measure::{self, median},
    pebble_log::PebbleLog,
    say,
    support::{cluster::ingress, issuing::Issuing},
};

/// One solver's figures: medians.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) solver: &'static str,
    /// From the start of the process until the new certificate was served.
    pub(crate) served: Duration,
    /// Of it: until Traefik led the challenge to the answer, and until it served the new certificate; with `pod`, until
    /// the Pod ran, too, with what is written for it.
    pub(crate) traefik: Duration,
    /// Of it: how long Pebble held the order back.
    pub(crate) pebble: Duration,
    /// The rest.
    pub(crate) own: Duration,
}

/// `endpoint`, and `pod` where the testbed has the solver's image.
pub(crate) fn all(plan: &Plan) -> Vec<Row> {
    let mut rows = vec![row(plan, "endpoint", None)];
    if let Ok(image) = std::env::var("KUBECTL_CERTS_BENCH_IMAGE") {
        rows.push(row(plan, "pod", Some(&image)));
    }
    rows
}

fn row(plan: &Plan, solver: &'static str, image: Option<&str>) -> Row {
    let it = Issuing::new("bench-route");
    let log = PebbleLog::follow(&it.pebble);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let scratch = tempfile::tempdir().unwrap();
    let mut runs = Vec::new();
    let mut round = 0;
    while round <= plan.rounds {
        let mut command = clients::ours(&plan.program, &it);
        command.args(["renew", "shop", "-n", &it.ns.name, "-o", "json", "--solver", solver]);
        match image {
            Some(image) => command.args(["--solver-image", image]),
            None => command.args(["--advertise", &it.advertise()]),
        };
        let command = clients::with_roots(command, &it);
        let mark = log.mark();
        let ran = measure::run(scratch.path(), &it.resolver.resolv_conf(), &command);
        let pebble = log.held(mark);
        let events = Events::of(&ran.out, ran.began);
        say(&format!(
            "{solver}, ms: {}, end {}",
            events.line(),
            ran.wall.as_millis()
        ));
        // Told never to, Pebble v2.10 uses an authorization again all the same in one order of a hundred.
        if events.count("presented") == 0 {
            say("Pebble used an authorization again: this run does not count");
            continue;
        }
        round += 1;
        // The first makes the account, and has nothing to replace.
        if round == 1 && plan.rounds > 1 {
            continue;
        }
        let served = events.first("served");
        let mut traefik = events.first("selfChecked").saturating_sub(events.first("presented"))
            + served.saturating_sub(events.first("stored"));
        if solver == "pod" {
            traefik += events.first("presented").saturating_sub(events.first("ordered"));
        }
        runs.push([served, traefik, pebble, served.saturating_sub(traefik + pebble)]);
    }
    let of = |n: usize| median(runs.iter().map(|run| run[n]).collect());
    Row {
        solver,
        served: of(0),
        traefik: of(1),
        pebble: of(2),
        own: of(3),
    }
}
