//! What becomes of a certificate that the controller has stored and that is not served: silence changes nothing, and is looked
//! at until it ends; only a new pair that is proved not to be served is taken out again.

use std::time::Duration;

use super::proof;
use crate::support::{
    controller::{asking, call_with, installed, lines, orders, resume, until_stored},
    eventually,
    issuing::Issuing,
    pki::Pki,
    run::Running,
    standin::StandIn,
};

/// How long neither pair is seen until that is a proof, in seconds.
const PROOF: u64 = 4;
/// After so long the former pair is back, if what is seen proves anything.
const PROVED: Duration = Duration::from_secs(PROOF + 4);

/// A controller whose routes are reached at the stand-in, with a first certificate that this serves.
fn served(label: &str) -> (Issuing, StandIn, Running, String) {
    let it = Issuing::new(label);
    let host = it.host("shop");
    let standin = StandIn::start();
    installed(&it);
    resume(&it);
    let running = call_with(&it, &["--connect", standin.address(), "--wait", "2s"])
        .env("KUBECTL_CERTS_TEST_PROOF", PROOF.to_string())
        .start();
    it.ns.apply(vec![asking("shop", &[&host])]);
    until_stored(&it, "shop-tls", &[&host], &running);
    (it, standin, running, host)
}

/// Makes the certificate due, and waits until another one is in its place.
fn renewed(it: &Issuing, running: &Running) -> String {
    let before = it.leaf("shop-tls").sha256();
    let past = "kubectl-certs/renewal-window=2026-01-01T00:00:00Z/2026-01-02T00:00:00Z";
    it.ns.kubectl(&["annotate", "secret", "shop-tls", past, "--overwrite"]);
    eventually("another certificate", || match it.leaf("shop-tls").sha256() {
        new if new != before => Ok(new),
        _ => Err(format!("{:?}", running.out.all())),
    })
}

fn event(name: &str) -> String {
    format!("\"event\":\"{name}\"")
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn silence_is_told_and_ends_by_itself_and_the_new_pair_stays() {
    let (it, standin, running, host) = served("silent");
    // Nobody answers for the first certificate, nor for the second one.
    running.out.after(0, &[&event("not-served"), "shop-tls"]);
    standin.shows_secret(&it.secret("shop-tls"));
    running.out.after(0, &[&event("served-later"), "shop-tls"]);
    let mark = running.out.mark();
    let new = renewed(&it, &running);
    standin.says_nothing();
    running.out.after(mark, &[&event("not-served"), "shop-tls"]);
    // If silence proved something, it would have by now.
    std::thread::sleep(PROVED);
    assert_eq!(it.leaf("shop-tls").sha256(), new);
    standin.shows_secret(&it.secret("shop-tls"));
    running.out.after(mark, &[&event("served-later"), "shop-tls"]);
    assert_eq!(it.leaf("shop-tls").sha256(), new);
    assert_eq!(orders(&it), 2, "{:?}", running.out.all());
    assert_eq!(lines(&running, &[&event("rolled-back")]), [""; 0]);
    let told = it.ns.events("Secret", "shop-tls", "CertificateNotServed");
    assert!(
        !told.is_empty() && told.iter().all(|told| told.contains("stored, but not served")),
        "{told:?}"
    );
    // Nobody asks any more.
    let asked = standin.asked();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(standin.asked(), asked);
    // What the auditor sees of it, and what a pipeline takes along.
    proof::one_renewal_is_proved(&it, &running);
    running.interrupt();
    running.end();
    proof::what_is_exported_is_whole(&it, &host);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_server_that_still_shows_the_former_pair_proves_nothing_and_the_new_one_stays() {
    let (it, standin, running, _) = served("still");
    standin.shows_secret(&it.secret("shop-tls"));
    running.out.after(0, &[&event("done"), "shop-tls"]);
    let mark = running.out.mark();
    let new = renewed(&it, &running);
    running.out.after(mark, &[&event("not-served"), "shop-tls"]);
    std::thread::sleep(PROVED);
    assert_eq!(it.leaf("shop-tls").sha256(), new);
    assert_eq!(lines(&running, &[&event("rolled-back")]), [""; 0]);
    assert_eq!(orders(&it), 2, "{:?}", running.out.all());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_new_pair_that_is_proved_not_to_be_served_is_taken_out_again_and_held() {
    let (it, standin, running, host) = served("undo");
    standin.shows_secret(&it.secret("shop-tls"));
    running.out.after(0, &[&event("done"), "shop-tls"]);
    let old = it.leaf("shop-tls").sha256();
    let mark = running.out.mark();
    let new = renewed(&it, &running);
    // The default certificate of an ingress controller that cannot use the new pair.
    standin.shows(&Pki::new().pair(&["default.invalid"]));
    let (line, _) = running.out.after(mark, &[&event("rolled-back"), "shop-tls"]);
    let next = format!("kubectl certs rollback shop-tls -n {}", it.ns.name);
    assert!(line.contains(&next), "{line}");
    running.out.after(mark, &[&event("held"), "RolledBack"]);
    let leaf = it.leaf("shop-tls");
    assert_eq!((leaf.sha256(), leaf.key_matches), (old.clone(), true));
    let told = eventually("the Event", || match it.ns.events("Secret", "shop-tls", "RolledBack") {
        told if told.len() == 1 => Ok(told),
        told => Err(format!("{told:?}")),
    });
    assert!(told[0].contains(&next), "{told:?}");
    // Now it is the former one that is looked at.
    standin.shows_secret(&it.secret("shop-tls"));
    running.out.after(mark, &[&event("served-later"), "shop-tls"]);
    let why = it.plain(&["why", &host, "--controller-namespace", &it.ns.name]).run();
    assert!(
        why.out.contains("the former one was put back"),
        "{}{}",
        why.out,
        why.err
    );
    // What is put back after a deletion is what was served, and it is held all the same.
    it.ns.kubectl(&["delete", "secret", "shop-tls"]);
    eventually("the pair", || {
        let found = it
            .ns
            .kubectl(&["get", "secret", "shop-tls", "--ignore-not-found", "-o", "name"]);
        if found.is_empty() { Err(found) } else { Ok(()) }
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(it.leaf("shop-tls").sha256(), old);
    assert_eq!(orders(&it), 2, "{:?}", running.out.all());
    // Who has mended the server has the new one without another order.
    it.plain(&["rollback", "shop-tls", "--yes", "--wait", "0"])
        .run()
        .ends_with(0);
    assert_eq!(it.leaf("shop-tls").sha256(), new);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(it.leaf("shop-tls").sha256(), new);
    assert_eq!(orders(&it), 2, "{:?}", running.out.all());
}
