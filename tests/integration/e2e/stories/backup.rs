//! A cluster burns down, or is left for another one: the controller's namespace was backed up by the commands of the guide, and
//! brings every certificate back without an order.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::super::{
    age::keygen,
    install::{NO_IMAGE, Wide},
    second::Second,
};
use crate::support::{
    cluster::Namespace,
    controller::{asking, call_anywhere, installed, orders, resume},
    eventually, eventually_within,
    issuing::{Issuing, x509::Leaf},
    pages::{commands, page},
    run::{Call, Running},
    tls,
};

const PAGE: &str = "docs/guide/backup.md";
/// How long a host may be without its certificate once the controller is there again.
const BACK: Duration = Duration::from_secs(10);

/// The command of the guide that begins so, for the namespace of this test.
#[track_caller]
fn command(it: &Issuing, begin: &str) -> String {
    let all = commands(&page(PAGE));
    let found = all.into_iter().find(|shown| shown.script.starts_with(begin));
    let script = found.unwrap_or_else(|| panic!("{PAGE} has no {begin}")).script;
    let in_namespace = script.replace("-n kubectl-certs", &format!("-n {}", it.ns.name));
    in_namespace.replace("namespace kubectl-certs", &format!("namespace {}", it.ns.name))
}

/// A controller in the namespace of the test, for that of a team.
fn controller(it: &Issuing, team: &str) -> Call {
    call_anywhere(it, &["-n", team])
}

/// The command of the guide that installs the controller over what was restored, with the CA of the test and for a team. Its Pod never
/// runs: what is looked at runs beside the cluster.
fn install(it: &Issuing, team: &str) -> Call {
    let said = command(it, "kubectl certs install --production");
    assert!(!said.contains("--settings"), "{said}");
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    it.plain(&[
        "install",
        "--yes",
        "--agree-tos",
        "--image",
        NO_IMAGE,
        "--replicas",
        "1",
        "--namespaced",
        team,
        "--directory-url",
        &url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
    ])
}

/// What the Secrets and `ConfigMap`s of the installation hold, and the id that is noted on its account.
fn state(kubectl: &dyn Fn(&[&str]) -> String) -> BTreeMap<String, (Value, Value)> {
    let found: Value = serde_json::from_str(&kubectl(&["get", "secrets,configmaps", "-o", "json"])).unwrap();
    let all = found["items"].as_array().unwrap().iter();
    let all = all.filter(|one| one["metadata"]["name"] != "kube-root-ca.crt");
    all.map(|one| {
        let name = format!("{} {}", one["kind"], one["metadata"]["name"]);
        let id = one["metadata"]["annotations"]["kubectl-certs.io/install"].clone();
        (name, (one["data"].clone(), id))
    })
    .collect()
}

/// Installs it, and sees that everything that was restored is as it was: no other account, no other id, still told to order.
#[track_caller]
fn installed_over(call: Call, kubectl: &dyn Fn(&[&str]) -> String) {
    let before = state(kubectl);
    assert!(
        before.keys().any(|name| name.contains("kubectl-certs-kept-")),
        "{before:?}"
    );
    let ran = call.run().ends_with(0);
    assert!(!ran.out.contains("register an account"), "{}", ran.out);
    let after = state(kubectl);
    for (name, held) in &before {
        assert_eq!(after.get(name), Some(held), "{name}: {}", ran.out);
    }
}

/// The certificate of a team's Secret, if it has one with its key.
fn held(kubectl: &dyn Fn(&[&str]) -> String, secret: &str) -> Option<String> {
    let found = kubectl(&["get", "secret", secret, "--ignore-not-found", "-o", "json"]);
    let secret: Value = serde_json::from_str(&found).ok()?;
    let leaf = Leaf::of(&secret);
    leaf.key_matches.then(|| leaf.sha256())
}

fn stop(running: Running) {
    running.interrupt();
    running.end();
}

#[test]
#[ignore = "needs the testbed: tests/run long"]
fn a_backup_of_the_controllers_namespace_brings_every_certificate_back_here_and_in_another_cluster() {
    let it = Issuing::new("backup");
    let team = Namespace::new("team");
    let host = it.host("shop");
    installed(&it);
    resume(&it);
    let kubectl = |args: &[&str]| team.kubectl(args);
    team.apply(vec![asking("shop", &[&host])]);
    let running = controller(&it, &team.name).start();
    let sha256 = eventually_within(Duration::from_secs(90), "a certificate", || {
        held(&kubectl, "shop-tls").ok_or_else(|| format!("{:?}", running.out.all()))
    });
    running.out.after(0, &["\"event\":\"done\"", "shop-tls"]);
    let leaf = eventually("the host to be served", || match tls::served(&host) {
        Ok(leaf) if kubectl_certs::x509::Fingerprint::of(&leaf).to_string() == sha256 => Ok(leaf),
        Ok(_) => Err("another".to_owned()),
        Err(error) => Err(error),
    });
    let (identity, recipient) = keygen();
    for (name, text) in [("identity.txt", &identity), ("recipients.txt", &recipient)] {
        fs::write(it.kept(name), text).unwrap();
    }
    let here = it.kept("").display().to_string();
    let run = |script: &str| it.shell(&format!("set -e\ncd {here}\n{script}")).run().ends_with(0);
    run(&command(&it, "kubectl get secrets,configmaps"));
    let sealed = fs::read(it.kept("kubectl-certs.age")).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1"));

    // Everything is gone: the controller, its namespace and that of the team.
    stop(running);
    for namespace in [&it.ns.name, &team.name] {
        Call::kubectl(["delete", "namespace", namespace]).run().ends_with(0);
    }
    let restore = command(&it, "kubectl create namespace");
    run(&restore);
    Call::kubectl(["create", "namespace", &team.name]).run().ends_with(0);
    let _wide = Wide(it.ns.name.clone());
    installed_over(install(&it, &team.name), &|args: &[&str]| it.ns.kubectl(args));
    // The team has its routes in git.
    team.apply(vec![asking("shop", &[&host])]);
    let began = Instant::now();
    let running = controller(&it, &team.name).start();
    eventually("the certificate to be served again", || match tls::served(&host) {
        Ok(again) if again == leaf => Ok(()),
        other => Err(format!("{} {:?}", other.is_ok(), running.out.all())),
    });
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    assert_eq!(orders(&it), 1, "{:?}", running.out.all());
    let proof = it.plain(&["proof", "-o", "json"]).run().ends_with(0);
    let proof: Value = serde_json::from_str(&proof.out).unwrap();
    assert_eq!(
        (&proof["expired"], &proof["items"][0]["holds"]),
        (&0.into(), &"kept".into()),
        "{proof}"
    );
    assert!(
        proof["items"][0]["firstSeenServedAt"].is_string(),
        "what was seen before the fire: {proof}"
    );
    stop(running);

    // And in another cluster, which has nothing but an API server.
    let second = Second::with_room_for(1 << 30);
    let there = |args: &[&str]| {
        let call = Call::kubectl(args.iter().copied()).env("KUBECONFIG", &second.kubeconfig);
        call.run().ends_with(0).out
    };
    let script = format!("set -e\ncd {here}\n{restore}");
    it.shell(&script)
        .env("KUBECONFIG", &second.kubeconfig)
        .run()
        .ends_with(0);
    there(&["create", "namespace", &team.name]);
    let mut route = asking("shop", &[&host]);
    route["metadata"]["namespace"] = team.name.as_str().into();
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"},
        "spec": {"controller": "traefik.io/ingress-controller"},
    });
    let home = |args: &[&str]| there(&[args, &["-n", &it.ns.name]].concat());
    let over = install(&it, &team.name).env("KUBECONFIG", &second.kubeconfig);
    installed_over(over, &home);
    for object in [&class, &route] {
        let apply = Call::kubectl(["create", "-f", "-"]).env("KUBECONFIG", &second.kubeconfig);
        apply.run_with(object.to_string().as_bytes()).ends_with(0);
    }
    let began = Instant::now();
    let running = controller(&it, &team.name)
        .env("KUBECONFIG", &second.kubeconfig)
        .start();
    let in_team = |args: &[&str]| there(&[args, &["-n", &team.name]].concat());
    eventually("the certificate in the other cluster", || {
        match held(&in_team, "shop-tls") {
            Some(again) if again == sha256 => Ok(()),
            other => Err(format!("{other:?} {:?}", running.out.all())),
        }
    });
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    stop(running);
    assert_eq!(orders(&it), 1);
}
