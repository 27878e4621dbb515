//! What the API server keeps the controller's token and tenants from, by the policies of an installation with a names policy.

use serde_json::{Value, json};

use super::install::{NO_IMAGE, Wide};
use crate::support::{
    cluster::{Namespace, gateway, http_route, ingress, kubectl},
    eventually, kubeconfig,
    run::{Call, Ran},
};

/// A pair in a Secret, which nobody looks into here.
fn pair(name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": name, "annotations": annotations}, "stringData": {"tls.crt": "a", "tls.key": "b"},
    })
}

fn claimed(by: &str) -> Value {
    json!({"kubectl-certs.io/claim": by})
}

#[track_caller]
fn denied(ran: &Ran, why: &str) {
    assert!(
        ran.status != Some(0) && ran.err.contains("ValidatingAdmissionPolicy") && ran.err.contains(why),
        "not denied because {why:?}: {}{}",
        ran.out,
        ran.err
    );
}

/// What the controller's token may write is a pair that its installation claims, and nothing of anybody else's.
fn fences_the_token(a: &Namespace, b: &Namespace, install: &str) {
    let token = kubectl(&["create", "token", "kubectl-certs", "-n", &a.name]);
    let config = kubeconfig::with_user(&json!({"token": token.trim()}));
    let config = kubeconfig::write(a.dir.path(), "token.conf", &config);
    let with_token = |args: &[&str]| Call::kubectl([args, &["-n", &b.name]].concat()).env("KUBECONFIG", &config);
    let create = |object: &Value| with_token(&["create", "-f", "-"]).run_with(object.to_string().as_bytes());
    let patch = |name: &str, change: &Value| {
        with_token(&["patch", "secret", name, "--type=merge", "-p", &change.to_string()]).run()
    };
    let password = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password"}, "stringData": {"password": "x"},
    });
    b.apply(vec![
        pair("foreign", &claimed("somebodyel")),
        pair("sealed", &json!({"sealedsecrets.bitnami.com/managed": "true"})),
        password,
    ]);
    // Of somebody who writes them again, as one sees from the managers of their fields or from their owners alone.
    let references = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt",
        "uid": b.kubectl(&["get", "configmap", "kube-root-ca.crt", "-o", "jsonpath={.metadata.uid}"]),
    }]);
    let mut owned = pair("owned", &json!({}));
    owned["metadata"]["ownerReferences"] = references;
    b.apply(vec![owned]);
    for (name, args) in [
        ("plain", &["create"][..]),
        ("operators", &["create", "--field-manager=some-operator"]),
        ("applied", &["apply", "--server-side", "--field-manager=a-pipeline"]),
        ("by-hand", &["create", "--field-manager=k9s"]),
        (
            "formerly",
            &["create", "--field-manager=cert-manager-certificates-issuing"],
        ),
    ] {
        let args = [args, &["-n", &b.name, "-f", "-"]].concat();
        let ran = Call::kubectl(args).run_with(pair(name, &json!({})).to_string().as_bytes());
        assert_eq!(ran.status, Some(0), "{name}: {}", ran.err);
    }
    // A policy that has just been written is not in force at once.
    eventually("the policy", || {
        let ran = create(&pair("unclaimed", &json!({})));
        if ran.status == Some(0) {
            b.kubectl(&["delete", "secret", "unclaimed"]);
            return Err(ran.out);
        }
        Ok(())
    });
    let claim = "the annotation kubectl-certs.io/claim with the id of its installation";
    denied(&create(&pair("unclaimed", &json!({}))), claim);
    denied(&create(&pair("other", &claimed("somebodyel"))), claim);
    let written =
        |by: &str| json!({"metadata": {"annotations": claimed(by)}, "stringData": {"tls.crt": "c", "tls.key": "d"}});
    denied(&patch("foreign", &written(install)), "another installation has claimed");
    denied(&patch("foreign", &written("somebodyel")), claim);
    for name in ["sealed", "owned", "operators", "applied"] {
        denied(&patch(name, &written(install)), "another program writes");
    }
    denied(&patch("password", &written(install)), "holds something else");
    denied(&patch("plain", &json!({"stringData": {"tls.crt": "c"}})), claim);
    let ran = create(&pair("own", &claimed(install)));
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    for name in ["own", "plain", "by-hand", "formerly"] {
        let ran = patch(name, &written(install));
        assert_eq!(ran.status, Some(0), "{name}: {}", ran.err);
    }
    // Who may have a copy is not for it to say.
    let grant = json!({"metadata": {"annotations": {"kubectl-certs.io/copy-to": "**"}}});
    denied(&patch("own", &grant), "only its own annotations");
}

/// Tenants keep to their names, and say nothing that would lead anything elsewhere.
fn fences_tenants(b: &Namespace, of_a: &str) {
    let own = |label: &str| b.host(label);
    let one = |host: &str| ingress("web", &[(&[host], "web-tls")]);
    eventually("the policy of tenants", || {
        let ran = b.try_apply(vec![one(of_a)]);
        if ran.status == Some(0) {
            b.kubectl(&["delete", "ingress", "web"]);
            return Err(ran.out);
        }
        Ok(())
    });
    let of_name = format!("does not permit namespace {} the name {of_a}", b.name);
    denied(&b.try_apply(vec![one(of_a)]), &of_name);
    b.apply(vec![one(&own("web"))]);
    // What is there can still be changed, and gets no other name.
    b.kubectl(&["annotate", "ingress", "web", "kubernetes.io/tls-acme=true"]);
    denied(
        &b.try_apply(vec![ingress("web", &[(&[&own("web"), of_a], "web-tls")])]),
        &of_name,
    );
    denied(
        &b.try_apply(vec![one(&format!("*.{}.example", b.name))]),
        "does not permit namespace",
    );
    let mut sending = one(&own("web"));
    sending["metadata"]["annotations"] = json!({"kubectl-certs.io/solver-url": "https://tenant.example"});
    denied(
        &b.try_apply(vec![sending]),
        "come from the namespace of the controller alone",
    );
    let edge = gateway("edge", &[("https", of_a, json!([{"name": "edge-tls"}]))]);
    denied(&b.try_apply(vec![edge]), &of_name);
    denied(
        &b.try_apply(vec![http_route("web", &json!({"name": "edge"}), &[of_a])]),
        &of_name,
    );
    let wildcard = format!("kubectl-certs.io/wildcard={of_a}");
    denied(
        &Call::kubectl(["annotate", "namespace", &b.name, &wildcard]).run(),
        &of_name,
    );
    b.apply(vec![
        gateway("edge", &[("https", &own("edge"), json!([{"name": "edge-tls"}]))]),
        http_route("web", &json!({"name": "edge"}), &[&own("edge")]),
    ]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_controllers_token_writes_nothing_of_others_and_tenants_keep_to_their_names() {
    let (a, b) = (Namespace::new("fence"), Namespace::new("fenced"));
    let _wide = Wide(a.name.clone());
    let settings = a.dir.path().join("settings.yaml");
    let policy = format!(
        "policy:\n  names:\n  - namespaces: [{0}]\n    names: [\"*.{0}.example\"]\n  - names: [\"**.{{namespace}}.example\"]\n",
        a.name
    );
    std::fs::write(&settings, policy).unwrap();
    let follows = format!("{},{}", a.name, b.name);
    let args = [
        "install",
        "--yes",
        "-n",
        &a.name,
        "--namespaced",
        &follows,
        "--image",
        NO_IMAGE,
        "--fence-tenants",
        "--settings",
        settings.to_str().unwrap(),
    ];
    Call::certs(args).run().ends_with(0);
    let path = "jsonpath={.metadata.annotations.kubectl-certs\\.io/install}";
    let install = a.kubectl(&["get", "secret", "account", "-o", path]);
    assert_eq!(install.len(), 10, "{install}");
    fences_the_token(&a, &b, &install);
    fences_tenants(&b, &a.host("shop"));
    // The id stays, so that a second time nothing changes.
    let ran = Call::certs(args).run().ends_with(0);
    assert!(ran.err.contains("nothing to change"), "{}{}", ran.out, ran.err);
}
