//! A host whose DNS record is still to be made, and a host that fails beside good ones.

use crate::support::{
    controller::{
        NEXT_TRY, asking, controller, exists, finalized, lines, orders, resume, until_stored, until_stored_within,
    },
    issuing::{Issuing, NODE},
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_name_that_does_not_resolve_yet_waits_without_an_order_and_is_served_soon_after_its_record_is_there() {
    let it = Issuing::new("norecord");
    let host = it.ns.host("shop");
    it.ns.apply(vec![asking("shop", &[&host])]);
    let running = controller(&it);
    resume(&it);
    running.out.after(0, &["does not resolve yet", &host]);
    assert_eq!(orders(&it), 0);
    // external-dns makes it.
    it.resolver.host(&host, &[NODE]);
    until_stored_within(NEXT_TRY, &it, "shop-tls", &[&host], &running);
    assert_eq!(orders(&it), 1);
    assert_eq!(lines(&running, &["\"event\":\"failed\""]), [""; 0], "it was no failure");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_host_that_fails_beside_good_ones_costs_one_certificate_and_not_one_a_second() {
    let it = Issuing::new("beside");
    let (shop, gone, mended) = (it.host("shop"), it.ns.host("gone"), it.host("mended"));
    // It leads to where nobody is.
    it.resolver.host(&gone, &["127.0.0.1"]);
    it.ns.apply(vec![asking("shop", &[&shop])]);
    let running = controller(&it);
    resume(&it);
    until_stored(&it, "shop-tls", &[&shop], &running);
    let (version, made) = (it.version("shop-tls"), finalized(&it));
    it.ns.apply(vec![asking("shop", &[&shop, &gone])]);
    running.out.after(0, &["\"event\":\"failed\"", &gone]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(finalized(&it), made, "the same again: {:?}", running.out.all());
    assert_eq!(it.version("shop-tls"), version, "what it has is served on");
    // Its hosts are mended, and that is not waited for.
    it.ns.apply(vec![asking("shop", &[&shop, &mended])]);
    until_stored(&it, "shop-tls", &[&shop, &mended], &running);
    assert_eq!(finalized(&it), made + 1);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_host_whose_requests_go_elsewhere_is_not_ordered() {
    let it = Issuing::new("elsewhere");
    let host = it.ns.host("shop");
    // The record of an old server, which has nothing to say at port 80.
    let directory = it.pebble.directory_url();
    let old = directory.trim_start_matches("https://").split(':').next().unwrap();
    it.resolver.host(&host, &[old]);
    it.ns.apply(vec![asking("shop", &[&host])]);
    let running = controller(&it);
    resume(&it);
    running.out.after(0, &["\"event\":\"waiting\"", "Connection refused"]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(orders(&it), 0);
    assert!(!exists(&it, "shop-tls"));
    // Another route's host does not wait for it.
    let blog = it.host("blog");
    it.ns.apply(vec![asking("blog", &[&blog])]);
    until_stored(&it, "blog-tls", &[&blog], &running);
    assert_eq!(orders(&it), 1);
}
