//! Somebody follows `docs/guide/first-steps.md`, from the first finding to a renewal and back.

use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::support::{
    cluster::ingress,
    issuing::{Issuing, NODE},
};

/// The settings of the page's reader, who has none of this: the CAs, DNS and roots of the test in the place of the world's.
pub(super) fn world(it: &Issuing) -> String {
    let roots = [it.pebble.root_file().to_owned(), it.ns.ca_file()];
    let roots: Vec<String> = roots
        .iter()
        .map(|root| format!("  - caFile: {}\n", root.display()))
        .collect();
    format!(
        "{}http01:\n  solver: endpoint\n  advertise: {}\ndns01:\n  resolvers: [{}]\ntrust:\n{}",
        it.issuers(),
        it.advertise(),
        it.resolver.ip(),
        roots.concat(),
    )
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_first_steps_lead_from_a_finding_to_a_renewal_and_back() {
    let it = Issuing::new("first-steps");
    it.settings(&world(&it));
    it.resolver.host("shop.example", &[NODE]);
    it.ns.apply(vec![ingress("web", &[(&["shop.example"], "web-tls")])]);
    // Two thirds of its life are over.
    let due = it.ns.pki.pair_with(&["shop.example"], |params| {
        params.not_before = OffsetDateTime::now_utc() - Duration::days(61);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(28) + Duration::hours(12);
    });
    it.ns.create(vec![due.secret("web-tls")]);
    it.until_addressed("ingress/web");
    let before = it.leaf("web-tls").sha256();
    let mut renewed = None;
    it.follow(
        "docs/guide/first-steps.md",
        &[(
            "cargo install --locked --path .",
            "release::long::cargo_installs_it_from_the_source runs it, which takes minutes",
        )],
        |script, out| match script {
            // Nothing changes before the command with --production.
            "kubectl certs renew web" | "kubectl certs renew web --dry-run" => {
                assert_eq!(it.leaf("web-tls").sha256(), before, "{out}");
            }
            "kubectl certs renew web --production --yes" => {
                let leaf = it.leaf("web-tls");
                assert_ne!(leaf.sha256(), before, "{out}");
                renewed = Some(leaf.sha256());
            }
            script if script.starts_with("kubectl certs status web\nkubectl certs probe web") => {
                let lines: Vec<&str> = out.lines().filter(|line| line.starts_with("ingress/web")).collect();
                assert_eq!(lines.len(), 2, "{out}");
                assert!(lines.iter().all(|line| line.contains("healthy")), "{out}");
                assert!(lines[1].contains("stored"), "{out}");
            }
            script if script.starts_with("kubectl certs rollback") => {
                assert!(renewed.is_some(), "it was renewed before");
                assert_eq!(it.leaf("web-tls").sha256(), before, "{out}");
            }
            _ => {}
        },
    );
    assert_eq!(it.left(), [""; 0]);
    assert_eq!(it.secret("web-tls")["type"], json!("kubernetes.io/tls"));
}
