//! What only looks sends nothing but questions: seen by what stands between the program and the real API server.

use crate::support::{
    cluster::ingress,
    issuing::Issuing,
    kubeconfig,
    proxy::{Plain, Proxy},
};

/// A question about the caller's own rights: POST, and nothing is stored.
const REVIEW: &str = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_dry_run_of_the_client_sends_reads_and_questions_about_rights_alone() {
    let it = Issuing::new("reads");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.certs(&["renew", "shop"]).ends_with(0);
    it.certs(&["renew", "shop"]).ends_with(0);
    // What a killed run left: there is something to clean up.
    let call = it.call(&["renew", "shop", "-o", "json"]);
    call.killed_or_ended("\"event\":\"presented\"");
    let left = it.left();
    let version = it.version("shop-tls");

    let plain = Plain::start();
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file().display().to_string());
    let of_ca = ["--directory-url", &url, "--directory-ca-file", &ca];
    let new = ["issue", "--secret", "new-tls", "-d", &host, "--dry-run"];
    let commands: [(&[&str], bool); 5] = [
        (&["renew", "shop", "--dry-run"], true),
        (
            &[
                "renew",
                "shop",
                "--dry-run=client",
                "--solver",
                "pod",
                "--restart",
                "auto",
            ],
            true,
        ),
        (&new, true),
        (&["rollback", "shop-tls", "--dry-run"], false),
        (&["cleanup", "--dry-run"], false),
    ];
    let mut reviews = 0;
    for (command, orders) in commands {
        let proxy = Proxy::to(&plain.address);
        let config = kubeconfig::with_server(&format!("http://{}", proxy.address));
        let file = kubeconfig::write(it.ns.dir.path(), "reads", &config);
        let mut args = command.to_vec();
        if orders {
            args.extend(of_ca);
        }
        let ran = it.plain(&args).env("KUBECONFIG", file).run();
        let requests = proxy.requests();
        assert!(requests.len() > 1, "{command:?}: {requests:?}\n{}", ran.err);
        for request in &requests {
            let asks = request == REVIEW || request.starts_with(&format!("{REVIEW}?"));
            reviews += usize::from(asks);
            assert!(
                asks || request.starts_with("GET /"),
                "{command:?}: {request}\n{}",
                ran.err
            );
        }
        assert_eq!(ran.status, Some(0), "{command:?}: {}", ran.err);
    }
    assert!(reviews > 0, "rights are asked about");
    assert_eq!(it.left(), left);
    assert_eq!(it.version("shop-tls"), version);
}
