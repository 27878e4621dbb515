//! Many new Ingresses at once: how fast the controller gets through them, and what that costs the API server.

use std::time::{Duration, Instant};

use crate::support::{
    cluster::{Namespace, kubectl},
    controller::{asking, installed, resume, start_logging},
    eventually,
    issuing::Issuing,
    run::Running,
};

const MANY: usize = 50;
/// Writes to the API server for each certificate, Events and Leases included.
const WRITES: usize = 15;

/// What was said of what failed or waits.
fn not_done(running: &Running) -> Vec<String> {
    let lines = running.out.all().into_iter();
    let events = ["failed", "notStarted", "leftOut", "waiting", "ca-down", "held"];
    lines
        .filter(|line| {
            events
                .iter()
                .any(|event| line.contains(&format!("\"event\":\"{event}\"")))
        })
        .collect()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn fifty_new_ingresses_are_served_at_a_rate_and_with_few_writes() {
    // Alone: the routes that stay are those of the first installation on a Traefik.
    let it = Issuing::within(Namespace::alone("unattended-many"), |_| {});
    eventually("that the routes of tests before are gone", || {
        let label = "-l=kubectl-certs.io/purpose=standing";
        let found = kubectl(&["get", "ingresses", "-A", label, "-o", "name"]);
        if found.is_empty() { Ok(()) } else { Err(found) }
    });
    installed(&it);
    resume(&it);
    let running = start_logging(&it);
    running.out.after(0, &["\"event\":\"leads\""]);
    let hosts: Vec<String> = (0..MANY).map(|number| it.host(&format!("h{number}"))).collect();
    let routes = (0..)
        .zip(&hosts)
        .map(|(number, host): (usize, _)| asking(&format!("r{number}"), &[host]));
    let before = running.err.all().len();
    it.ns.apply(routes.collect());
    let began = Instant::now();
    let done = |event: &str| {
        let lines = running.out.all();
        lines
            .iter()
            .filter(|line| line.contains(&format!("\"event\":\"{event}\"")))
            .count()
    };
    while done("done") < MANY {
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{} of {MANY}: {:?}",
            done("done"),
            not_done(&running)
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = began.elapsed();
    let requests: Vec<String> = running.err.all()[before..].to_vec();
    let writes: Vec<&String> = requests
        .iter()
        .filter(|line| {
            ["POST", "PUT", "PATCH", "DELETE"]
                .iter()
                .any(|method| line.contains(&format!("{method} https://")))
        })
        .filter(|line| line.contains("/api/v1/") || line.contains("/apis/"))
        .collect();
    assert!(
        writes.len() <= MANY * WRITES,
        "{} writes in {took:?}: {writes:#?}",
        writes.len()
    );
    let routes = writes.iter().filter(|line| {
        ["/ingresses", "/services", "/endpointslices"]
            .iter()
            .any(|kind| line.contains(kind))
    });
    let routes: Vec<_> = routes.collect();
    assert!(routes.len() <= 5, "{routes:#?}");
    assert!(!writes.is_empty() && done("served") >= MANY, "{requests:#?}");
    // An unoptimized build on a busy machine; the bench has the figure.
    assert!(took < Duration::from_secs(30), "{took:?}");
    println!("{MANY} certificates in {took:?}, {} writes", writes.len());
}
