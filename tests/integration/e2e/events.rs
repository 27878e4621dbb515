//! Each write leaves an Event that says who made it: a renewal, one by force, a rollback, and what was asked of cert-manager.

use serde_json::json;

use crate::support::{
    cluster::{ingress, user},
    issuing::Issuing,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_renewal_and_its_rollback_are_signed_by_who_made_them() {
    let it = Issuing::new("events");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.certs(&["renew", "shop"]).ends_with(0);
    let by = format!("; by {}, with kubectl certs", user());
    for (kind, name) in [("Secret", "shop-tls"), ("Ingress", "shop")] {
        let told = it.ns.events(kind, name, "CertificateIssued");
        assert!(
            told.len() == 1 && told[0].contains(&host) && told[0].ends_with(&by),
            "{kind}: {told:?}"
        );
    }
    it.certs(&["renew", "shop"]).ends_with(0);
    it.plain(&["rollback", "shop-tls", "--yes"]).run().ends_with(0);
    let told = it.ns.events("Secret", "shop-tls", "RolledBack");
    assert!(told.len() == 1 && told[0].ends_with(&by), "{told:?}");

    // Against an owner, whose it is.
    let owner = r#"{"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "shop"}}}"#;
    it.ns
        .kubectl(&["patch", "secret", "shop-tls", "--type=merge", "-p", owner]);
    it.certs(&["renew", "shop", "--force"]).ends_with(0);
    let told = it.ns.events("Secret", "shop-tls", "CertificateIssued");
    let forced = format!("{by}, by --force although it is owned by Helm");
    assert!(told.iter().any(|line| line.contains(&forced)), "{told:?}");
    it.plain(&["rollback", "shop-tls", "--yes", "--force"])
        .run()
        .ends_with(0);
    let told = it.ns.events("Secret", "shop-tls", "RolledBack");
    assert!(
        told.iter()
            .any(|line| line.contains(&by) && line.contains("by --force")),
        "{told:?}"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_is_asked_of_cert_manager_is_signed_by_who_asked() {
    let it = Issuing::new("events-cm");
    it.ns.apply(vec![
        json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web"},
            "spec": {"secretName": "web-tls", "dnsNames": ["web.example"], "issuerRef": {"name": "none"}},
        }),
        it.ns.pki.pair(&["web.example"]).secret("web-tls"),
    ]);
    let told = || it.ns.events("Certificate", "web", "RenewalRequested");
    let renew = ["renew", "certificate/web", "--production", "--yes"];
    it.plain(&[&renew[..], &["--dry-run=server"]].concat())
        .run()
        .ends_with(0);
    assert_eq!(told(), [""; 0]);
    // No controller is there to do it: that it was asked for stands.
    let running = it.plain(&renew).start();
    running.err.after(0, &["asked cert-manager to renew"]);
    let by = format!("; by {}, with kubectl certs", user());
    let told = crate::support::eventually("the Event", || {
        Some(told()).filter(|told| !told.is_empty()).ok_or_else(String::new)
    });
    assert!(
        told.len() == 1 && told[0].starts_with("asked cert-manager to renew") && told[0].ends_with(&by),
        "{told:?}"
    );
}
