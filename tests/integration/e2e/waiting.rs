//! Nobody has to guess whether it hangs: what the CA is waited for is told while it lasts.

use crate::support::{
    cluster::ingress,
    front::{Fault, Front},
    issuing::Issuing,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn that_the_ca_is_waited_for_is_told_at_every_step() {
    let it = Issuing::new("waits");
    it.ns.apply(vec![ingress("shop", &[(&[&it.host("shop")], "shop-tls")])]);
    it.certs(&["renew", "shop"]).ends_with(0);
    let front = Front::of(&it.pebble.directory_url());
    for (path, what) in [
        ("/order-plz", "the CA to accept the order"),
        ("/finalize-order/", "the CA to issue the certificate"),
    ] {
        let before = it.leaf("shop-tls").sha256();
        front.fault(path, 0, 1, Fault::Hold);
        let running = it.call_to(&front.url, &front.ca_file(), &["renew", "shop"]).start();
        front.wait_until_held();
        running.err.after(0, &[&format!("waits: {what}")]);
        front.fix();
        let err = running.err.clone();
        assert_eq!(running.end().0, Some(0), "{path}: {:?}", err.all());
        assert_ne!(it.leaf("shop-tls").sha256(), before, "{path}: {:?}", err.all());
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn that_the_ca_takes_its_time_to_validate_a_name_is_told() {
    // It looks three times at each name, each time after up to so many seconds: at least one look is a long one.
    let it = Issuing::with("waits-slow", |options| options.sleep = 12);
    let hosts = ["a", "b", "c"].map(|label| it.host(label));
    let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
    it.ns.apply(vec![ingress("shop", &[(&names, "shop-tls")])]);
    let ran = it.certs(&["renew", "shop"]).ends_with(0);
    let told = hosts
        .iter()
        .any(|host| ran.err.contains(&format!("waits: the CA to validate {host}")));
    assert!(told, "{}", ran.err);
}
