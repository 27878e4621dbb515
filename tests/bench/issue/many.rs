//! `renew --all` of many Ingresses through the real Traefik.

use std::time::Duration;

use crate::{
    Plan, clients,
    events::Events,
    measure, say,
    support::{cluster::ingress, issuing::Issuing},
};

/// How many at once: Pebble stands still with more.
const CONCURRENCY: &str = "8";

/// What it took.
pub(crate) struct Many {
    pub(crate) routes: usize,
    /// The whole process, until every certificate was served.
    pub(crate) wall: Duration,
    /// From the first order to the last end.
    pub(crate) ordering: Duration,
}

/// Each Ingress has a host and a Secret of its own. The first run finds no Secrets, and makes the account.
pub(crate) fn all(plan: &Plan) -> Many {
    let it = Issuing::new("bench-many");
    let mut objects = Vec::new();
    for number in 0..plan.routes {
        let host = it.host(&format!("web-{number}"));
        objects.push(ingress(
            &format!("web-{number}"),
            &[(&[&host], &format!("web-{number}-tls"))],
        ));
    }
    it.ns.apply(objects);
    // Traefik writes their status at the pace of its client, five a second, and serves nothing new meanwhile.
    it.ns.kubectl(&[
        "wait",
        "ingress",
        "--all",
        "--for=jsonpath={.status.loadBalancer.ingress}",
        "--timeout=2m",
    ]);
    let scratch = tempfile::tempdir().unwrap();
    let mut runs = Vec::new();
    for round in 0..=plan.rounds.min(3) {
        let mut command = clients::ours(&plan.program, &it);
        command.args([
            "renew",
            "--all",
            "--max",
            "1000",
            "-n",
            &it.ns.name,
            "-o",
            "json",
            "--solver",
            "endpoint",
        ]);
        command.args(["--advertise", &it.advertise(), "--concurrency", CONCURRENCY]);
        let command = clients::with_roots(command, &it);
        let ran = measure::run(scratch.path(), &it.resolver.resolv_conf(), &command);
        let events = Events::of(&ran.out, ran.began);
        assert_eq!(events.count("done"), plan.routes, "certificates");
        assert_eq!(events.count("served"), plan.routes, "hosts that serve them");
        let ordering = ran.wall.saturating_sub(events.first("ordered"));
        say(&format!(
            "{} Ingresses, round {round}: {:.2} s",
            plan.routes,
            ran.wall.as_secs_f64()
        ));
        say(&format!("mean, ms: {}", events.stages()));
        if round > 0 {
            runs.push((ran.wall, ordering));
        }
    }
    runs.sort_unstable();
    let (wall, ordering) = runs[runs.len() / 2];
    Many {
        routes: plan.routes,
        wall,
        ordering,
    }
}
