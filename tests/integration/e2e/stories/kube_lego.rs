//! From kube-lego: its annotation and its Secrets are taken as they are, and what it did wrong is not done again.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{
    cluster::Namespace,
    controller::{
        NEXT_TRY, asking, call_with, controller, controller_with, exists, finalized, installed, lines, orders, resume,
        until_stored,
    },
    eventually, eventually_within,
    issuing::Issuing,
    kubeconfig,
    run::Call,
};

/// An Ingress as it was written for kube-lego: the class in the annotation.
fn of_kube_lego(name: &str, host: &str) -> Value {
    let mut ingress = asking(name, &[host]);
    ingress["spec"].as_object_mut().unwrap().remove("ingressClassName");
    ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "traefik".into();
    ingress
}

/// A Secret as kube-lego left it: the pair, and nothing of ours.
fn as_kube_lego_left_it(it: &Issuing, secret: &str) {
    let data = it.secret(secret)["data"].clone();
    it.ns.kubectl(&["delete", "secret", secret]);
    it.ns.create(vec![json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": secret},
        "data": {"tls.crt": data["tls.crt"], "tls.key": data["tls.key"]},
    })]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_kube_lego_has_made_is_taken_as_it_is() {
    let it = Issuing::new("lego");
    let (shop, other, new) = (it.host("shop"), it.host("other"), it.host("new"));
    it.ns
        .apply(vec![of_kube_lego("shop", &shop), asking("other", &[&other])]);
    it.until_addressed("ingress/shop");
    it.certs(&["renew", "shop", "other"]).ends_with(0);
    as_kube_lego_left_it(&it, "shop-tls");
    it.ns.create(vec![json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kube-lego-account"},
        "stringData": {"acme-reg-url": "https://ca.example/acct/1", "private-key": "theirs"},
    })]);
    let before = [it.version("shop-tls"), it.version("kube-lego-account")];
    let ordered = orders(&it);
    let running = controller(&it);
    running.out.after(0, &["2 Secrets are kept", "0 are held"]);
    resume(&it);
    // It orders what is new, and so has looked at the rest.
    it.ns.apply(vec![of_kube_lego("new", &new)]);
    until_stored(&it, "new-tls", &[&new], &running);
    assert_eq!(orders(&it), ordered + 1, "{:?}", running.out.all());
    assert_eq!([it.version("shop-tls"), it.version("kube-lego-account")], before);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_that_may_not_be_written_costs_no_order_and_is_stored_once_it_may() {
    let it = Issuing::new("unwritable");
    let shop = Namespace::new("unwritable-shop");
    let (host, more) = (shop.host("shop"), shop.host("more"));
    for host in [&host, &more] {
        it.resolver.host(host, &[crate::support::issuing::NODE]);
    }
    // Everything in its own namespace, and in the other all but writing Secrets.
    let all = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
    let token = it.ns.token("keeper", &all);
    let role = |secrets: &[&str]| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "keeper"},
            "rules": [
                {"apiGroups": ["networking.k8s.io", "discovery.k8s.io", "coordination.k8s.io", "events.k8s.io", "apps", "batch",
                    "gateway.networking.k8s.io", "traefik.io", "cert-manager.io"], "resources": ["*"], "verbs": ["*"]},
                {"apiGroups": [""], "resources": ["services", "configmaps", "events", "pods", "endpoints"], "verbs": ["*"]},
                {"apiGroups": [""], "resources": ["secrets"], "verbs": secrets},
            ],
        })
    };
    shop.apply(vec![
        role(&["get", "list", "watch"]),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "keeper"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "keeper"},
            "subjects": [{"kind": "ServiceAccount", "name": "keeper", "namespace": it.ns.name}],
        }),
        asking("shop", &[&host]),
    ]);
    let config = kubeconfig::write(
        it.ns.dir.path(),
        "keeper",
        &kubeconfig::with_user(&json!({"token": token})),
    );
    let running = controller_with(&it, &["-n", &shop.name, "--kubeconfig", config.to_str().unwrap()]);
    resume(&it);
    let refused = ["\"event\":\"failed\"", "shop-tls", "the right to create secrets"];
    running.out.after(0, &refused);
    // The next try meets the same refusal, which is told, and before anything is ordered.
    eventually_within(NEXT_TRY, "a second try", || match lines(&running, &refused).len() {
        0 | 1 => Err(running.out.all().join("\n")),
        _ => Ok(()),
    });
    assert_eq!(orders(&it), 0, "{:?}", running.out.all());
    // The right comes back. The third try is ten minutes later; another host is not waited for.
    shop.apply(vec![role(&["*"]), asking("shop", &[&host, &more])]);
    eventually("the certificate", || {
        let found = shop.kubectl(&["get", "secret", "shop-tls", "--ignore-not-found", "-o", "name"]);
        if found.is_empty() {
            Err(format!("{:?}", running.out.all()))
        } else {
            Ok(())
        }
    });
    assert_eq!(orders(&it), 1, "{:?}", running.out.all());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn without_the_annotation_nothing_is_ordered_any_more_and_nothing_is_deleted() {
    let it = Issuing::new("unasked");
    let (shop, more, other) = (it.host("shop"), it.host("more"), it.host("other"));
    it.ns.apply(vec![asking("shop", &[&shop])]);
    let running = controller(&it);
    resume(&it);
    until_stored(&it, "shop-tls", &[&shop], &running);
    it.ns
        .kubectl(&["annotate", "ingress", "shop", "kubernetes.io/tls-acme-"]);
    let (before, ordered) = (it.version("shop-tls"), orders(&it));
    // A host more, which would be ordered if it still asked.
    let mut ingress = asking("shop", &[&shop, &more]);
    ingress["metadata"].as_object_mut().unwrap().remove("annotations");
    it.ns.apply(vec![ingress]);
    it.ns.apply(vec![asking("other", &[&other])]);
    until_stored(&it, "other-tls", &[&other], &running);
    assert_eq!(orders(&it), ordered + 1, "{:?}", running.out.all());
    assert_eq!(it.version("shop-tls"), before);
    // Nor is what is gone made again.
    it.ns.kubectl(&["delete", "secret", "shop-tls"]);
    std::thread::sleep(Duration::from_secs(2));
    assert!(!exists(&it, "shop-tls"));
    assert_eq!(orders(&it), ordered + 1);
}

/// Puts a Secret back to what it was whenever it is another, at most so often, until it is told to end.
fn reset(namespace: String, secret: Value, most: usize, ended: Arc<AtomicBool>) -> std::thread::JoinHandle<usize> {
    let name = secret["metadata"]["name"].as_str().unwrap().to_owned();
    std::thread::spawn(move || {
        let mut resets = 0;
        while resets < most && !ended.load(Ordering::Relaxed) {
            let chain = Command::new("kubectl")
                .args([
                    "-n",
                    &namespace,
                    "get",
                    "secret",
                    &name,
                    "-o",
                    "jsonpath={.data.tls\\.crt}",
                ])
                .output()
                .unwrap();
            if !chain.stdout.is_empty() {
                let args = ["replace", "-n", &namespace, "-f", "-"];
                resets += usize::from(Call::kubectl(args).run_with(secret.to_string().as_bytes()).status == Some(0));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        resets
    })
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_that_another_owner_resets_gets_one_certificate_which_is_put_back_until_that_is_held() {
    let it = Issuing::new("reset");
    let (shop, other) = (it.host("shop"), it.host("other"));
    // A chart that brings the Secret with nothing in it, and that is applied again and again.
    let chart = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "shop-tls"},
        "data": {"tls.crt": "", "tls.key": ""},
    });
    it.ns.create(vec![chart.clone()]);
    it.ns.apply(vec![asking("shop", &[&shop])]);
    let ended = Arc::new(AtomicBool::new(false));
    let resets = |most| reset(it.ns.name.clone(), chart.clone(), most, Arc::clone(&ended));
    installed(&it);
    // It is held after 30 in earnest.
    let running = call_with(&it, &["--wait", "2s"])
        .env("KUBECTL_CERTS_TEST_RESTORES", "6")
        .start();
    resume(&it);
    let restored = || lines(&running, &["\"event\":\"restored\"", "shop-tls"]).len();
    let until_restored = |times: usize| {
        eventually(&format!("the pair to be put back {times} times"), || {
            if restored() >= times {
                Ok(())
            } else {
                Err(format!("{:?}", running.out.all()))
            }
        });
    };
    assert_eq!(resets(3).join().unwrap(), 3);
    until_restored(3);
    assert_eq!(finalized(&it), 1, "{:?}", running.out.all());
    // Once nobody undoes it, it stays.
    until_stored(&it, "shop-tls", &[&shop], &running);
    // Somebody undoes it for ever: it is left alone for a while, and told.
    let for_ever = resets(usize::MAX);
    until_restored(6);
    running.out.after(
        0,
        &[
            "\"event\":\"held\"",
            "shop-tls",
            "OtherOwner",
            "its pair was put back 6 times",
        ],
    );
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(restored(), 6, "{:?}", running.out.all());
    // The others go on.
    it.ns.apply(vec![asking("other", &[&other])]);
    until_stored(&it, "other-tls", &[&other], &running);
    assert_eq!((finalized(&it), restored()), (2, 6), "{:?}", running.out.all());
    ended.store(true, Ordering::Relaxed);
    assert!(for_ever.join().unwrap() >= 3);
    assert!(exists(&it, "shop-tls"), "nothing is deleted");
}
