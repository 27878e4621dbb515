//! Healthy certificates cost the CA nothing.

use std::time::Duration;

use crate::support::{
    controller::{asking, controller, resume, start, until_stored},
    issuing::Issuing,
    run::Running,
};

/// How long nobody is asked.
const IDLE: Duration = Duration::from_mins(1);

/// An installation whose certificate is there, with a replica that waits.
fn healthy(label: &str) -> (Issuing, [Running; 2]) {
    let it = Issuing::new(label);
    let host = it.host("shop");
    it.ns.apply(vec![asking("shop", &[&host])]);
    let leader = controller(&it);
    resume(&it);
    until_stored(&it, "shop-tls", &[&host], &leader);
    leader.out.after(0, &["\"event\":\"done\"", "shop-tls"]);
    let replica = start(&it);
    replica.out.after(0, &["1 Secrets are kept"]);
    (it, [leader, replica])
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn controllers_of_healthy_certificates_ask_their_ca_nothing() {
    let installs = [healthy("idle-a"), healthy("idle-b")];
    let asked = |it: &Issuing| -> Vec<String> {
        let log = it.pebble.log();
        let requests = log
            .lines()
            .filter(|line| line.contains(" GET /") || line.contains(" POST /") || line.contains(" HEAD /"));
        requests.map(str::to_owned).collect()
    };
    let before: Vec<usize> = installs.iter().map(|(it, _)| asked(it).len()).collect();
    assert!(before.iter().all(|count| *count > 5), "requests are seen: {before:?}");
    std::thread::sleep(IDLE);
    for ((it, running), before) in installs.iter().zip(before) {
        let said: Vec<Vec<String>> = running.iter().map(|running| running.out.all()).collect();
        assert_eq!(asked(it)[before..], [""; 0], "{said:?}");
    }
}
