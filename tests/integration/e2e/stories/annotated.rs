//! Ingresses of all kinds of teams, who ask by an annotation.

use std::time::{Duration, Instant};

use crate::support::{
    cluster::ingress,
    controller::{asking, controller, exists, orders, resume, until_stored},
    eventually,
    issuing::Issuing,
};

/// For how long it is looked whether a controller orders that was not told to.
const PLANS: Duration = Duration::from_secs(3);

#[test]
#[ignore = "needs the testbed: tests/run"]
fn annotated_ingresses_get_and_keep_certificates_once_somebody_has_said_so() {
    let it = Issuing::new("tls-acme");
    let (shop, www, blog) = (it.host("shop"), it.host("www"), it.host("blog"));
    it.ns.apply(vec![
        asking("shop", &[&shop, &www]),
        // This one does not ask.
        ingress("quiet", &[(&[&it.host("quiet")], "quiet-tls")]),
    ]);
    let running = controller(&it);
    // The first start plans, and orders nothing.
    running.out.after(
        0,
        &["nobody has told it to order yet: 1 certificates would be ordered now"],
    );
    // Nor later: an order would be made within a second.
    std::thread::sleep(PLANS);
    assert_eq!(orders(&it), 0, "{:?}", running.out.all());
    assert!(!exists(&it, "shop-tls"));
    resume(&it);
    until_stored(&it, "shop-tls", &[&shop, &www], &running);
    let claim = it.secret("shop-tls")["metadata"]["annotations"]["kubectl-certs.io/claim"].clone();
    let install = it.secret("account")["metadata"]["annotations"]["kubectl-certs.io/install"].clone();
    assert!(claim.is_string() && claim == install, "{claim} {install}");
    // A new one is served within seconds, and writes no route of its own.
    let began = Instant::now();
    assert!(!exists(&it, "quiet-tls"));
    it.ns.apply(vec![asking("blog", &[&blog])]);
    until_stored(&it, "blog-tls", &[&blog], &running);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    // Who asks later is heard too.
    it.ns
        .kubectl(&["annotate", "ingress", "quiet", "kubernetes.io/tls-acme=true"]);
    until_stored(&it, "quiet-tls", &[&it.host("quiet")], &running);
    // A host more is another certificate; the one that asks for nothing has none.
    let more = it.host("more");
    it.ns.apply(vec![asking("blog", &[&blog, &more])]);
    until_stored(&it, "blog-tls", &[&blog, &more], &running);
    // Nothing is left but the routes that stay.
    let standing = it.ns.kubectl(&[
        "get",
        "ingresses,services,endpointslices",
        "-l",
        "kubectl-certs.io/purpose=standing",
        "-o",
        "name",
    ]);
    // None where the controller of another test has some, for which challenges get objects of their own: `unattended_many` is
    // alone, and has them.
    assert!([0, 4].contains(&standing.lines().count()), "{standing}");
    eventually("what was temporary to be gone", || {
        let left: Vec<String> = it
            .left()
            .into_iter()
            .filter(|name| !standing.contains(name.as_str()))
            .collect();
        if left.is_empty() { Ok(()) } else { Err(left.join(" ")) }
    });
    running.interrupt();
    let (status, took) = running.end();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(status.is_some());
}
