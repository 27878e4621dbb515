//! Who uses a Secret: real Pods.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, ingress},
    eventually,
    run::message,
};

fn pod(name: &str, secret: &str, mount: &Value) -> Value {
    let mut mount = mount.clone();
    mount["name"] = json!("tls");
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "main", "image": "testbed.local/busybox:1", "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "3600"], "volumeMounts": [mount],
            }],
            "volumes": [{"name": "tls", "secret": {"secretName": secret}}],
        },
    })
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn pods_that_keep_the_old_certificate_are_named_and_those_that_follow_are_not() {
    let ns = Namespace::new("pods");
    let (fixed, follows) = (ns.host("fixed"), ns.host("follows"));
    eventually("the service account", || {
        let found = ns.kubectl(&["get", "serviceaccounts", "-o", "name"]);
        found.contains("default").then_some(()).ok_or(found)
    });
    ns.apply(vec![
        ns.pki.pair(&[&fixed]).secret("fixed"),
        ns.pki.pair(&[&follows]).secret("follows"),
        ns.pki.pair(&["mounted.example"]).secret("mounted"),
        ns.pki.pair(&["orphan.example"]).secret("orphan"),
        ingress("fixed", &[(&[&fixed], "fixed")]),
        ingress("follows", &[(&[&follows], "follows")]),
        pod(
            "subpath",
            "fixed",
            &json!({"mountPath": "/tls.crt", "subPath": "tls.crt"}),
        ),
        pod("volume", "follows", &json!({"mountPath": "/tls"})),
        pod(
            "user",
            "mounted",
            &json!({"mountPath": "/tls.crt", "subPath": "tls.crt"}),
        ),
    ]);
    ns.kubectl(&[
        "wait",
        "--for=condition=Ready",
        "--timeout=60s",
        "pod/subpath",
        "pod/volume",
        "pod/user",
    ]);
    let items = ns.status(&[]);
    assert_eq!(items.verdict(&fixed), "healthy", "nothing has changed yet");
    assert_eq!(items.verdict(&follows), "healthy");
    // A Secret that no route uses: one is a Pod's, the other nobody's.
    let orphan = items.secret("orphan").expect("a row");
    assert_eq!(
        (&orphan["status"], &orphan["findings"][0]["reason"]),
        (&json!("info"), &json!("OrphanSecret"))
    );
    assert!(items.secret("mounted").is_none(), "{items:#?}");

    // Times are whole seconds: the change has to fall into a later one than the Pods' start.
    std::thread::sleep(Duration::from_millis(1100));
    ns.apply(vec![
        ns.pki.pair(&[&fixed]).secret("fixed"),
        ns.pki.pair(&[&follows]).secret("follows"),
        ns.pki.pair(&["mounted.example"]).secret("mounted"),
    ]);
    let items = ns.status(&[]);
    assert_eq!(items.verdict(&fixed), "warning: StalePods");
    assert!(
        message(items.host(&fixed), "StalePods").contains("subpath"),
        "{items:#?}"
    );
    assert_eq!(items.verdict(&follows), "healthy");
    assert_eq!(
        items.secret("mounted").expect("a row")["findings"][0]["reason"],
        "StalePods"
    );

    // A label that changes is no change of the certificate, and a new Pod has the new one.
    ns.kubectl(&["delete", "pod", "subpath", "--wait=true"]);
    ns.apply(vec![pod(
        "subpath",
        "fixed",
        &json!({"mountPath": "/tls.crt", "subPath": "tls.crt"}),
    )]);
    ns.kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "pod/subpath"]);
    std::thread::sleep(Duration::from_millis(1100));
    ns.kubectl(&["label", "secret", "fixed", "touched=yes"]);
    assert_eq!(ns.status(&[]).verdict(&fixed), "healthy");

    let shown = ns.certs(&["show", "secret/mounted"]).ends_with(0);
    assert!(
        shown.out.contains("user") && shown.out.contains("StalePods"),
        "{}",
        shown.out
    );
}
