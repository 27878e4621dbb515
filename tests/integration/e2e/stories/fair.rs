//! One namespace's failing names do not keep another's from being served.

use std::time::{Duration, Instant};

use crate::support::{
    cluster::{Namespace, ingress},
    controller::{asking, asks, controller_with, resume},
    eventually,
    issuing::{Issuing, NODE},
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn thirty_names_that_fail_do_not_delay_the_good_one_of_another_namespace() {
    let it = Issuing::new("fair");
    let good = Namespace::new("fair-good");
    let host = good.host("shop");
    it.resolver.host(&host, &[NODE]);
    // They lead to where nobody answers, so that each takes its time to fail.
    let hosts: Vec<String> = (0..30).map(|n| it.ns.host(&format!("n{n}"))).collect();
    for host in &hosts {
        it.resolver.host(host, &["10.99.0.250"]);
    }
    let secrets: Vec<String> = (0..30).map(|n| format!("n{n}-tls")).collect();
    let each: Vec<[&str; 1]> = hosts.iter().map(|host| [host.as_str()]).collect();
    let entries: Vec<(&[&str], &str)> = each.iter().zip(&secrets).map(|(h, s)| (&h[..], s.as_str())).collect();
    it.ns.apply(vec![asks(ingress("failing", &entries))]);
    let running = controller_with(&it, &["-n", &good.name]);
    resume(&it);
    running.out.after(0, &["\"event\":\"ordered\"", "n2"]);
    // They have all that one namespace gets.
    std::thread::sleep(Duration::from_secs(2));
    let began = Instant::now();
    good.apply(vec![asking("shop", &[&host])]);
    eventually("the good one", || {
        let found = good.kubectl(&["get", "secret", "shop-tls", "--ignore-not-found", "-o", "name"]);
        if found.is_empty() {
            Err(format!("{:?}", running.out.all()))
        } else {
            Ok(())
        }
    });
    // Each of the others takes a minute to fail. On a machine that is busy with other tests, this takes five seconds.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}
