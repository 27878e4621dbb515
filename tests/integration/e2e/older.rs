//! What the first versions of the program wrote into clusters is still understood: each object is written here as they wrote it, without the
//! fields and annotations that are newer (`docs/trust/compatibility.md`).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use kubectl_certs::{apply::Purpose, x509::Fingerprint};
use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, ingress},
    pki::{Pair, now},
    run::Call,
};

/// The annotations with which the first version marked a certificate, of a run that is long over.
fn notes(pair: &Pair) -> Value {
    json!({
        "kubectl-certs.io/issued-by": "kubectl-certs 0.1.0",
        "kubectl-certs.io/issued-at": "2026-01-01T00:00:00Z",
        "kubectl-certs.io/issuer": "letsencrypt",
        "kubectl-certs.io/order": "https://acme.example/order/7/9",
        "kubectl-certs.io/sha256": sha256(pair),
        "kubectl-certs.io/run": "abcdefghij",
        "kubectl-certs/renewal-window": "2026-02-01T00:00:00Z/2026-02-03T00:00:00Z",
    })
}

fn sha256(pair: &Pair) -> String {
    Fingerprint::of(&pair.der).to_string()
}

/// An object of the program's own, as the first version marked it.
fn own(ns: &Namespace, purpose: Purpose, of: &str, expires: &str) -> Value {
    let about = format!("{}/{of}", ns.name);
    json!({
        "name": &*purpose.name(&about), "namespace": ns.name,
        "labels": {
            "app.kubernetes.io/managed-by": "kubectl-certs", "kubectl-certs.io/run": "abcdefghij",
            "kubectl-certs.io/purpose": purpose.as_str(),
        },
        "annotations": {"kubectl-certs.io/expires": expires, "kubectl-certs.io/for": about},
    })
}

/// Creates an object as the program does: others see who manages its fields.
#[track_caller]
fn create(object: &Value) {
    let args = ["create", "--field-manager=kubectl-certs", "-f", "-"];
    Call::kubectl(args).run_with(object.to_string().as_bytes()).ends_with(0);
}

/// A certificate, and the backup of the one before it.
fn renewed(ns: &Namespace, former: &Pair, present: &Pair) {
    let mut secret = present.secret("shop-tls");
    secret["metadata"]["namespace"] = ns.name.as_str().into();
    secret["metadata"]["annotations"] = notes(present);
    create(&secret);
    let mut backup = former.secret_of("kubectl-certs.io/backup", "x");
    backup["metadata"] = own(ns, Purpose::Backup, "shop-tls", "2100-01-01T00:00:00Z");
    let mut kept = notes(former);
    kept["kubectl-certs.io/stage"] = Value::Null;
    let annotations = &mut backup["metadata"]["annotations"];
    annotations["kubectl-certs.io/backup-of"] = sha256(former).into();
    annotations["kubectl-certs.io/replaced-by"] = sha256(present).into();
    annotations["kubectl-certs.io/secret-keys"] = r#"["tls.crt","tls.key"]"#.into();
    annotations["kubectl-certs.io/notes"] = kept.to_string().into();
    create(&backup);
}

fn annotations(ns: &Namespace) -> Value {
    let text = ns.kubectl(&["get", "secret", "shop-tls", "-o", "json"]);
    serde_json::from_str::<Value>(&text).unwrap()["metadata"]["annotations"].clone()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_certificate_of_the_first_version_is_its_own_and_the_pair_before_it_is_put_back() {
    let ns = Namespace::new("older");
    let host = ns.host("shop");
    let (former, present) = (ns.pki.pair(&[&host]), ns.pki.pair(&[&host]));
    renewed(&ns, &former, &present);
    ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    // The window that the CA named then has passed.
    assert_eq!(ns.status(&[]).verdict(&host), "warning: RenewNow");
    Call::certs(["rollback", "shop-tls", "--yes", "--wait", "0", "-n", &ns.name])
        .run()
        .ends_with(0);
    let data = ns.kubectl(&["get", "secret", "shop-tls", "-o", r"jsonpath={.data.tls\.key}"]);
    assert_eq!(data, BASE64_STANDARD.encode(&former.key));
    let noted = annotations(&ns);
    assert_eq!(noted["kubectl-certs.io/sha256"], sha256(&former).as_str(), "{noted:#}");
    assert_eq!(noted["kubectl-certs.io/issuer"], "letsencrypt", "{noted:#}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_a_killed_run_of_the_first_version_left_is_removed_and_a_living_one_is_left_alone() {
    let ns = Namespace::new("olderleft");
    // The order is over, and so is the run: its Lease has ended.
    let journal = |of: &str, entry: &Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": own(&ns, Purpose::Journal, of, "2026-01-08T00:00:00Z"),
            "data": {"order.json": BASE64_STANDARD.encode(entry.to_string()), "tls.key": ""},
        })
    };
    let entry = json!({
        "directory": "https://acme.example/dir", "account": "https://acme.example/acct/7", "order": null,
        "names": ["gone.example"], "profile": null, "keyType": "ecdsa-p256", "started": 1_767_225_600, "left": [],
    });
    create(&journal("gone-tls", &entry));
    let lease = |of: &str, run: &str, renewed: &str| {
        let mut meta = own(&ns, Purpose::Lease, of, "2026-01-01T00:01:00Z");
        meta["labels"]["kubectl-certs.io/run"] = run.into();
        meta["annotations"]["kubectl-certs.io/process"] = "another-boot/pid:[1] 7 9".into();
        json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta,
            "spec": {
                "holderIdentity": "operator@laptop (process 7)", "leaseDurationSeconds": 60,
                "acquireTime": renewed, "renewTime": renewed,
            },
        })
    };
    create(&lease("gone-tls", "abcdefghij", "2026-01-01T00:00:00.000000Z"));
    // Another run of that version is at work right now.
    let moment = kubectl_certs::text::date_time(now().unix_timestamp());
    let moment = format!("{}.000000Z", moment.trim_end_matches('Z'));
    create(&lease("busy-tls", "bcdefghijk", &moment));

    let ran = Call::certs(["cleanup", "--yes", "-n", &ns.name]).run().ends_with(0);
    let left = ns.kubectl(&["get", "secrets,leases", "-l", "kubectl-certs.io/purpose", "-o", "name"]);
    let busy = format!(
        "lease.coordination.k8s.io/{}",
        Purpose::Lease.name(&format!("{}/busy-tls", ns.name))
    );
    assert_eq!(left.trim(), busy, "{}{}", ran.out, ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_a_controller_of_the_first_version_stored_is_told() {
    let ns = Namespace::new("olderstate");
    let host = ns.host("shop");
    let pair = ns.pki.pair(&[&host]);
    let mut secret = pair.secret("shop-tls");
    secret["metadata"]["annotations"] = json!({"kubectl-certs.io/claim": "install-1"});
    // Neither says whether workloads are still to be restarted, which was added later.
    let line = json!({
        "secret": format!("{}/shop-tls", ns.name), "state": "BackOff", "message": "the order failed", "failures": 2,
        "since": "2026-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z",
        "after": {"at": "2026-01-01T00:00:00Z", "message": "deployment/web did not come back"},
    });
    ns.apply(vec![
        secret,
        ingress("shop", &[(&[&host], "shop-tls")]),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "kubectl-certs-state-00", "labels": {
                "app.kubernetes.io/managed-by": "kubectl-certs", "kubectl-certs.io/purpose": "state",
            }},
            "data": {
                "version": "1", "install": "install-1",
                "controller": json!({"issuer": "letsencrypt", "orders": "allowed"}).to_string(),
                "certificates": line.to_string(),
            },
        }),
    ]);
    let items = ns.status(&[]);
    let said = &items.host(&host)["controllers"][0];
    assert_eq!(
        (&said["state"], &said["failures"]),
        (&json!("BackOff"), &json!(2)),
        "{items:#?}"
    );
    assert!(
        said["message"].as_str().unwrap().contains("the order failed"),
        "{said:#}"
    );
    assert_eq!(said["running"], false);
}
