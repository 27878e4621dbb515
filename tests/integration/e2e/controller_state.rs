//! What the controller does with each certificate: stored, told, and taken over by the process that leads next.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    cluster::Namespace,
    controller::{asking, installed, lines, resume, start_logging, until_stored},
    eventually, eventually_within,
    issuing::Issuing,
    run::{Call, Running},
};

/// How long until what has happened is stored: the looks are ten seconds apart.
const STORED: Duration = Duration::from_secs(30);

/// What this test's controller says of a host.
fn said(it: &Issuing, host: &str) -> Option<Value> {
    let items = it.ns.status(&[]);
    let all = items.host(host)["controllers"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|one| one["namespace"] == it.ns.name.as_str())
}

/// Waits until it says that a host is in a state.
#[track_caller]
fn until_said(it: &Issuing, host: &str, state: &str, running: &Running) -> Value {
    eventually_within(STORED, &format!("{host}: {state}"), || match said(it, host) {
        Some(one) if one["state"] == state => Ok(one),
        other => Err(format!("{other:?} {:?}", running.out.all())),
    })
}

/// How often a process has written what it stores, by object.
fn writes(running: &Running) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let all = running.err.all();
    let written = |line: &&String| line.contains("PUT https://") || line.contains("POST https://");
    for line in all.iter().filter(written).filter(|line| line.contains("/configmaps")) {
        let name = line.split("/configmaps").nth(1).unwrap_or_default();
        let name: String = name.chars().take_while(|c| !c.is_whitespace() && *c != '?').collect();
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts
}

/// A `ConfigMap` of somebody who says something of others' Secrets.
fn intruder(of: &str) -> Value {
    let says = |secret: &str| {
        json!({
            "secret": format!("{of}/{secret}"), "state": "BackOff", "failures": 9, "message": "\u{1b}[31mred\n",
        })
        .to_string()
    };
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "kubectl-certs-state-00", "labels": {
            "app.kubernetes.io/managed-by": "kubectl-certs", "kubectl-certs.io/purpose": "state",
        }},
        "data": {
            "version": "1", "install": "another",
            "controller": json!({"issuer": "x", "orders": "allowed"}).to_string(),
            "certificates": format!("{}\n{}", says("shop-tls"), says("bad-tls")),
        },
    })
}

#[test]
#[ignore = "needs the testbed: tests/run"]
#[allow(clippy::too_many_lines)] // One controller, from its start to its end.
fn what_is_not_healthy_is_told_with_its_reason_and_a_restart_goes_on_where_it_was() {
    let it = Issuing::new("cstate");
    let (shop, held) = (it.host("shop"), it.host("held"));
    let (bad, gone) = (it.ns.host("bad"), it.ns.host("gone"));
    // It leads to where nobody is; the other has no record.
    it.resolver.host(&bad, &["127.0.0.1"]);
    let mut owned = it.ns.pki.pair(&[&held]).secret("held-tls");
    owned["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    owned["metadata"]["annotations"] = json!({
        "meta.helm.sh/release-name": "held", "meta.helm.sh/release-namespace": it.ns.name,
    });
    it.ns.apply(vec![
        owned,
        asking("shop", &[&shop]),
        asking("held", &[&held]),
        asking("bad", &[&bad]),
        asking("gone", &[&gone]),
    ]);
    installed(&it);
    resume(&it);
    let began = Instant::now();
    let first = start_logging(&it);
    let failed = until_said(&it, &bad, "BackOff", &first);
    let sentence = failed["message"].as_str().unwrap();
    assert!(
        sentence.starts_with(&format!("the controller ({}) failed at ", it.ns.name))
            && sentence.contains("; next try at "),
        "{failed:#}"
    );
    assert_eq!((&failed["failures"], &failed["running"]), (&json!(1), &json!(true)));
    let waits = until_said(&it, &gone, "Waiting", &first);
    assert!(
        waits["message"].as_str().unwrap().contains("does not resolve yet"),
        "{waits:#}"
    );
    let rule = until_said(&it, &held, "Held", &first);
    assert_eq!(rule["reason"], "OtherOwner");
    assert!(
        rule["message"]
            .as_str()
            .unwrap()
            .contains("the rule OtherOwner holds it"),
        "{rule:#}"
    );
    // What is fine is fine, and nothing is said of it; whoever has not claimed a Secret says nothing of it.
    until_stored(&it, "shop-tls", &[&shop], &first);
    let other = Namespace::new("cstate-other");
    other.apply(vec![intruder(&it.ns.name)]);
    eventually("nothing to be said of what is healthy", || {
        let items = it.ns.status(&[]);
        let item = items.host(&shop);
        if item["controllers"].is_null() {
            Ok(())
        } else {
            Err(format!("{item:#}"))
        }
    });
    let ran = it.ns.certs(&["show", "ingress/bad"]);
    assert!(
        ran.out.contains("failed at ") && !ran.out.contains('\u{1b}'),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains(&format!("the controller ({}) does not run now", other.name)),
        "{}",
        ran.out
    );
    let ran = it.ns.certs(&["status"]).ends_with(0);
    assert!(
        ran.out.contains("CONTROLLER") && ran.out.contains("held: OtherOwner"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains(&format!("{held}: the controller ({})", it.ns.name)),
        "{}",
        ran.err
    );
    // Who may not read it misses nothing else, and is told nothing of it.
    let rules = json!([
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
    ]);
    let config = it.ns.account("reader", &rules);
    let ran = Call::certs(["status", "-o", "json"])
        .env("KUBECONFIG", config)
        .run()
        .ends_with(0);
    assert!(ran.items().host(&bad)["controllers"].is_null(), "{}", ran.out);
    assert!(!ran.err.contains("configmaps"), "{}", ran.err);

    // It is killed, and another goes on.
    let tries = lines(&first, &["\"event\":\"failed\"", &bad]).len();
    assert_eq!(tries, 1, "{:?}", first.out.all());
    first.signal("-KILL");
    let written = writes(&first);
    let most = usize::try_from(began.elapsed().as_secs() / 10).unwrap() + 1;
    assert!(!written.is_empty(), "{:?}", first.err.all());
    for (name, count) in written.iter().filter(|(name, _)| !name.is_empty()) {
        assert!(
            *count <= most,
            "{name} was written {count} times in {:?}",
            began.elapsed()
        );
    }
    let second = start_logging(&it);
    second.out.after(0, &["\"event\":\"recalled\""]);
    std::thread::sleep(Duration::from_secs(2));
    let after = said(&it, &bad).unwrap();
    for what in ["state", "since", "until", "failures"] {
        assert_eq!(after[what], failed[what], "{what}: {after:#}");
    }
    assert!(
        lines(&second, &[&bad]).is_empty(),
        "it is left alone until then: {:?}",
        second.out.all()
    );
    let root = it.pebble.root_file().to_str().unwrap().to_owned();
    let args = ["why", &bad, "--controller-namespace", &it.ns.name, "--ca-file", &root];
    let ran = it.plain(&[&args[..], &["--probe-timeout", "2s"]].concat()).run();
    let since = failed["since"].as_str().unwrap();
    assert!(
        ran.out.contains(&format!("failed at {since}")),
        "{}\n{}",
        ran.out,
        ran.err
    );
    // It ends, and what it said is not told as if it were so now.
    second.interrupt();
    second.end();
    let last = said(&it, &bad).unwrap();
    assert_eq!(last["running"], false, "{last:#}");
    assert!(
        last["message"].as_str().unwrap().contains("does not run now"),
        "{last:#}"
    );
}
