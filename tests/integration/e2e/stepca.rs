//! With a CA of one's own, the real step-ca: by HTTP-01 through Traefik, again at its renewal, and after it has lost its accounts.

use crate::support::{cluster::ingress, issuing::Issuing, stepca::StepCa};

#[test]
#[ignore = "needs the testbed and step-ca: tests/run long"]
fn step_ca_issues_and_renews_and_its_lost_database_costs_no_key() {
    let it = Issuing::new("stepca");
    let ca = StepCa::start(&it.resolver);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let run = |ca: &StepCa, args: &[&str]| {
        let root = ca.root_file();
        let args = [args, &["--ca-file", root.to_str().unwrap()]].concat();
        it.call_to(&ca.directory_url(), &root, &args).run()
    };
    run(&ca, &["renew", "shop"]).ends_with(0);
    let first = it.leaf("shop-tls");
    assert_eq!((first.names(), first.chain, first.key_matches), (vec![host], 2, true));

    // It begins again, and knows the account.
    let ca = ca.restart(true);
    let ran = run(&ca, &["renew", "shop"]).ends_with(0);
    let second = it.leaf("shop-tls");
    assert_ne!(second.sha256(), first.sha256(), "{}", ran.err);

    // It has lost its database: the key registers again, or it is said how.
    let ca = ca.restart(false);
    let ran = run(&ca, &["renew", "shop"]);
    if ran.status != Some(0) {
        assert!(ran.err.contains("account register"), "{}", ran.err);
        assert_eq!(it.leaf("shop-tls").sha256(), second.sha256());
        let root = ca.root_file();
        let root = root.to_str().unwrap();
        let (url, own) = (ca.directory_url(), ["--agree-tos", "--directory-ca-file", root]);
        it.at_home(&[&["account", "register", "--directory-url", &url], &own[..]].concat())
            .run()
            .ends_with(0);
        run(&ca, &["renew", "shop"]).ends_with(0);
    }
    assert_ne!(it.leaf("shop-tls").sha256(), second.sha256());
    assert_eq!(it.left(), [] as [&str; 0]);
}
