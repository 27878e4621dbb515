//! What is written to a real API server: one conditional write, others' property, rights, restarts, and the proof.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use kubectl_certs::{
    apply::{
        Api, ApiError, Pair, Patch, Permit, Permits, Roots, RunId, SecretChange, Target, Verb, backup,
        events::{self, About, Reason},
        rights,
        rollout::{self, Needs, RolloutError, Workload, WorkloadKind},
        secret::{self, Note, Options, Refusal},
        verify::{self, ServedHost},
    },
    error::Diagnose as _,
    event::Teller,
    k8s::{ConnectOptions, connect, consumers},
    object::resource::{INGRESS, SECRET},
    object::{Change, Consumer, Key, Object},
};
use serde_json::{Value, json};

use crate::support::{
    PATIENCE,
    cluster::{Namespace, TRAEFIK, ingress},
    eventually,
    pki::{self, now},
};

const NAME: &str = "web-tls";

fn key(ns: &Namespace) -> Key {
    Key::new(ns.name.as_str(), NAME)
}

/// Writes the Secret as the admin, whether or not it is there, and its backup.
async fn admin(ns: &Namespace) -> Api {
    let mut permits: Permits = secret::permits(&key(ns), true);
    permits.extend(secret::permits(&key(ns), false));
    permits.extend(backup::permits(&key(ns)));
    Api::new(connect(&ConnectOptions::default()).await.unwrap(), permits)
}

fn checked(pair: &pki::Pair) -> Pair {
    let at = now().unix_timestamp();
    Pair::check(pair.key.clone().into(), pair.chain.as_bytes(), &[], at, &Roots::Any).unwrap()
}

fn note() -> Note {
    Note {
        claim: None,
        run: RunId::random(),
        issuer: "own".into(),
        directory: "https://ca.example/directory".into(),
        order: Some("https://ca.example/order/1".into()),
        account: None,
        kind: None,
        at: now().unix_timestamp(),
        window: None,
    }
}

async fn plan(ns: &Namespace, api: &Api, pair: &pki::Pair, options: &Options) -> Result<SecretChange, Refusal> {
    let target = Target::read(api, &key(ns)).await.unwrap();
    SecretChange::plan(&target, &checked(pair), options, &note())
}

fn held(ns: &Namespace) -> Value {
    serde_json::from_str(&ns.kubectl(&["get", "secret", NAME, "-o", "json", "--show-managed-fields"])).unwrap()
}

#[track_caller]
fn holds(object: &Value, pair: &pki::Pair) {
    assert_eq!(
        object["data"]["tls.crt"],
        BASE64_STANDARD.encode(&pair.chain),
        "the chain"
    );
    assert_eq!(object["data"]["tls.key"], BASE64_STANDARD.encode(&pair.key), "the key");
}

fn plain() -> Options {
    Options::default()
}

fn force() -> Options {
    Options {
        force: true,
        ..Options::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn what_a_person_made_is_renewed_without_force_and_keeps_what_is_others() {
    let ns = Namespace::new("apply");
    let pairs = [0; 3].map(|_| ns.pki.pair(&["web.example"]));
    let mut made = pairs[0].secret(NAME);
    made["metadata"]["labels"] = json!({"team": "shop"});
    made["metadata"]["annotations"] = json!({"note": "keep"});
    made["stringData"]["other"] = json!("stays");
    ns.create(vec![made]);
    let api = admin(&ns).await;
    // The second renewal meets its own traces.
    for pair in &pairs[1..] {
        let change = plan(&ns, &api, pair, &plain()).await.unwrap();
        change.write(&api).await.unwrap();
        holds(&held(&ns), pair);
    }
    let after = held(&ns);
    assert_eq!(after["type"], "kubernetes.io/tls");
    assert_eq!(after["metadata"]["labels"], json!({"team": "shop"}));
    assert_eq!(after["metadata"]["annotations"]["note"], "keep");
    assert_eq!(after["metadata"]["annotations"]["kubectl-certs.io/issuer"], "own");
    assert_eq!(after["data"]["other"], BASE64_STANDARD.encode("stays"));
    let writers: Vec<&str> = after["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| !entry["fieldsV1"]["f:data"]["f:tls.crt"].is_null())
        .map(|entry| entry["manager"].as_str().unwrap())
        .collect();
    assert_eq!(writers, ["kubectl-certs"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_write_loses_against_whoever_changed_deleted_or_replaced_the_secret_in_between() {
    let ns = Namespace::new("apply");
    let (first, second) = (ns.pki.pair(&["web.example"]), ns.pki.pair(&["web.example"]));
    ns.create(vec![first.secret(NAME)]);
    let api = admin(&ns).await;

    let change = plan(&ns, &api, &second, &plain()).await.unwrap();
    ns.kubectl(&["label", "secret", NAME, "by=another"]);
    let error = change.write(&api).await.unwrap_err();
    assert!(matches!(error, ApiError::Conflict { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "Secret {}/{NAME} has been changed by someone else since it was read",
            ns.name
        )
    );
    holds(&held(&ns), &first);

    let change = plan(&ns, &api, &second, &plain()).await.unwrap();
    ns.kubectl(&["delete", "secret", NAME]);
    let error = change.write(&api).await.unwrap_err();
    assert!(matches!(error, ApiError::NotFound { .. }), "{error}");
    assert!(
        !Target::read(&api, &key(&ns)).await.unwrap().exists(),
        "nothing is made"
    );

    ns.create(vec![first.secret(NAME)]);
    let error = change.write(&api).await.unwrap_err();
    assert!(
        matches!(error, ApiError::Conflict { .. }),
        "another of that name: {error}"
    );
    holds(&held(&ns), &first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_new_secret_is_made_by_post_and_never_over_another() {
    let ns = Namespace::new("apply");
    let (first, second) = (ns.pki.pair(&["web.example"]), ns.pki.pair(&["web.example"]));
    let api = admin(&ns).await;
    let change = plan(&ns, &api, &first, &plain()).await.unwrap();
    let late = plan(&ns, &api, &second, &plain()).await.unwrap();
    assert!(change.creates() && late.creates());
    change.write(&api).await.unwrap();
    let made = held(&ns);
    assert_eq!(made["type"], "kubernetes.io/tls");
    holds(&made, &first);
    // The same creation once more, as after an answer that was lost, is taken for done; another run's is not.
    change.write(&api).await.unwrap();
    let error = late.write(&api).await.unwrap_err();
    assert!(matches!(error, ApiError::AlreadyExists { .. }), "{error}");
    assert_eq!(
        held(&ns)["metadata"]["resourceVersion"],
        made["metadata"]["resourceVersion"]
    );

    let lost = Key::new("no-such-namespace", NAME);
    let target = Target::of(lost.clone(), None);
    let change = SecretChange::plan(&target, &checked(&first), &plain(), &note()).unwrap();
    let error = change
        .write(&api.with_permits(secret::permits(&lost, false)))
        .await
        .unwrap_err();
    assert!(error.hint().unwrap().contains("create the namespace"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn what_must_not_be_written_is_told_before_the_server_is_asked() {
    let ns = Namespace::new("apply");
    let (first, second) = (ns.pki.pair(&["web.example"]), ns.pki.pair(&["web.example"]));
    let api = admin(&ns).await;
    for (mut object, words) in [
        (
            {
                let mut object = first.secret(NAME);
                object["immutable"] = json!(true);
                object
            },
            "is immutable",
        ),
        (
            json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": NAME},
                "stringData": {"password": "x"}}),
            "is of the type \"Opaque\"",
        ),
        (
            {
                let mut object = first.secret(NAME);
                object["stringData"]["keystore.p12"] = json!("x");
                object
            },
            "keystore.p12 (a keystore",
        ),
        (
            {
                let mut object = first.secret(NAME);
                object["metadata"]["annotations"] = json!({"cert-manager.io/certificate-name": "web"});
                object
            },
            "owned by cert-manager (Certificate web)",
        ),
    ] {
        object["metadata"]["name"] = json!(NAME);
        ns.create(vec![object]);
        let version = held(&ns)["metadata"]["resourceVersion"].clone();
        let refusal = plan(&ns, &api, &second, &plain()).await.unwrap_err();
        assert!(refusal.to_string().contains(words), "{refusal}");
        assert_eq!(held(&ns)["metadata"]["resourceVersion"], version);
        ns.kubectl(&["delete", "secret", NAME]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn applied_manifests_own_the_secret_and_force_leaves_no_key_in_an_annotation() {
    let ns = Namespace::new("apply");
    let (first, second) = (ns.pki.pair(&["web.example"]), ns.pki.pair(&["web.example"]));
    let api = admin(&ns).await;
    ns.apply(vec![first.secret(NAME)]);
    let refusal = plan(&ns, &api, &second, &plain()).await.unwrap_err();
    assert!(refusal.to_string().contains("\"kubectl\", which manages"), "{refusal}");
    ns.kubectl(&["delete", "secret", NAME]);

    let path = ns.dir.path().join("secret.json");
    let mut object = first.secret(NAME);
    object["metadata"]["namespace"] = json!(ns.name);
    std::fs::write(&path, object.to_string()).unwrap();
    ns.kubectl(&["apply", "-f", path.to_str().unwrap()]);
    let refusal = plan(&ns, &api, &second, &plain()).await.unwrap_err();
    assert!(
        refusal.to_string().contains("a manifest that holds the pair"),
        "{refusal}"
    );
    assert!(refusal.hint().unwrap().contains("--force"));
    let change = plan(&ns, &api, &second, &force()).await.unwrap();
    assert!(change.forced().is_some());
    change.write(&api).await.unwrap();
    let after = held(&ns);
    holds(&after, &second);
    let annotations = after["metadata"]["annotations"].as_object().unwrap();
    assert!(
        annotations.keys().all(|name| !name.contains("last-applied")),
        "{annotations:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn copies_of_the_certificate_in_the_secret_are_made_anew_and_the_old_ones_kept_beside() {
    let ns = Namespace::new("apply");
    let (first, second) = (ns.pki.pair(&["web.example"]), ns.pki.pair(&["web.example"]));
    let mut object = first.secret(NAME);
    object["stringData"]["tls-combined.pem"] = json!(first.key.clone() + &first.chain);
    object["stringData"]["ca.crt"] = json!(ns.pki.root_pem());
    ns.create(vec![object]);
    let api = admin(&ns).await;
    let target = Target::read(&api, &key(&ns)).await.unwrap();
    let note = note();
    let change = SecretChange::plan(&target, &checked(&second), &plain(), &note).unwrap();
    assert_eq!(change.remade(), ["tls-combined.pem"]);
    // Twice: an earlier backup is replaced.
    for _ in 0..2 {
        assert!(backup::keep(&api, &target, &change, &note.run, note.at).await.unwrap());
    }
    change.write(&api).await.unwrap();
    let after = held(&ns);
    holds(&after, &second);
    assert_eq!(
        after["data"]["tls-combined.pem"],
        BASE64_STANDARD.encode(second.key.clone() + &second.chain)
    );
    assert_eq!(
        after["data"]["ca.crt"],
        BASE64_STANDARD.encode(ns.pki.root_pem()),
        "the same root"
    );
    let kept = api.get(SECRET, &backup::key(&key(&ns))).await.unwrap().unwrap();
    assert_eq!(kept["data"]["tls.key"], BASE64_STANDARD.encode(&first.key));
    assert_eq!(kept["type"], backup::TYPE);
}

/// What is missing, once that is so many rights: the server takes a moment to know a new role.
async fn missing_rights(api: &Api, permits: &Permits, count: usize) -> rights::Missing {
    let until = Instant::now() + PATIENCE;
    loop {
        let missing = rights::missing(api, permits).await.unwrap();
        if missing.rights.len() == count {
            return missing;
        }
        assert!(Instant::now() < until, "{missing}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_role_that_may_only_read_is_told_the_missing_verbs_and_writes_nothing() {
    let ns = Namespace::new("apply");
    let (first, second) = (ns.pki.pair(&["web.example"]), ns.pki.pair(&["web.example"]));
    ns.create(vec![first.secret(NAME)]);
    let config = ns.account(
        "reader",
        &json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]),
    );
    let options = ConnectOptions {
        kubeconfig: Some(config),
        ..ConnectOptions::default()
    };
    let connection = connect(&options).await.unwrap();
    let permits = secret::permits(&key(&ns), true);
    let api = Api::new(connection, permits.clone());
    let missing = missing_rights(&api, &permits, 1).await;
    assert_eq!(
        missing.to_string(),
        format!(
            "the right to patch secrets \"{NAME}\" in namespace {} is missing",
            ns.name
        )
    );
    assert!(
        missing
            .hint()
            .unwrap()
            .contains(&format!("kubectl auth can-i patch secrets/{NAME} -n {}", ns.name))
    );
    let change = plan(&ns, &api, &second, &plain()).await.unwrap();
    let error = change.write(&api).await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    assert!(
        error.to_string().contains("the right to patch secrets in namespace"),
        "{error}"
    );
    holds(&held(&ns), &first);

    // One name is enough of a right.
    ns.apply(vec![json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [NAME], "verbs": ["get", "patch"]}],
    })]);
    missing_rights(&api, &permits, 0).await;
    plan(&ns, &api, &second, &plain())
        .await
        .unwrap()
        .write(&api)
        .await
        .unwrap();
    holds(&held(&ns), &second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_dry_run_is_judged_by_the_server_and_changes_nothing_and_what_is_not_planned_is_not_sent() {
    let ns = Namespace::new("apply");
    let (first, second) = (ns.pki.pair(&["web.example"]), ns.pki.pair(&["web.example"]));
    ns.create(vec![first.secret(NAME)]);
    let before = held(&ns);
    let api = admin(&ns).await;
    let dry = api.clone().dry_run();
    let change = plan(&ns, &api, &second, &plain()).await.unwrap();
    change.write(&dry).await.unwrap();
    assert_eq!(held(&ns), before);
    let broken = Patch::Merge(json!({"data": {"tls.key": null}}));
    let error = dry.patch(SECRET, &key(&ns), &broken).await.unwrap_err();
    assert!(matches!(error, ApiError::Invalid { .. }), "{error}");
    let absent = backup::key(&key(&ns));
    let delete = Permit::one(&[Verb::Delete], SECRET, absent.namespace.clone(), absent.name.clone());
    let dry = dry.with_permits(Permits::none().with(delete));
    assert!(!dry.delete(SECRET, &absent, None).await.unwrap());

    let other =
        api.with_permits(Permits::none().with(Permit::one(&[Verb::Patch], SECRET, ns.name.as_str(), "another")));
    let sent = other.connection().requests();
    let error = change.write(&other).await.unwrap_err();
    assert!(matches!(error, ApiError::NotPlanned { .. }), "{error}");
    assert_eq!(other.connection().requests(), sent);
    assert_eq!(held(&ns), before);
}

/// A Deployment of one Pod that has the Secret by subPath.
pub(super) fn deployment(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"],
                    "volumeMounts": [{"name": "tls", "mountPath": "/tls.crt", "subPath": "tls.crt"}],
                }],
                "volumes": [{"name": "tls", "secret": {"secretName": NAME}}],
            }},
        },
    })
}

async fn needs(ns: &Namespace, api: &Api) -> Needs {
    let (sink, mut changes) = tokio::sync::mpsc::channel(1000);
    let namespaces = [ns.name.as_str().into()];
    consumers(api.connection(), Some(&namespaces), sink).await.unwrap();
    let mut all: Vec<Consumer> = Vec::new();
    while let Some(change) = changes.recv().await {
        if let Change::Set(Object::Consumer(consumer)) = change {
            all.push(consumer);
        }
    }
    rollout::needs(&all, &key(ns))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn what_has_the_secret_by_subpath_is_restarted_one_by_one_until_one_does_not_come_back() {
    const IMAGE: &str = "testbed.local/busybox:1";
    let ns = Namespace::new("apply");
    ns.create(vec![ns.pki.pair(&["web.example"]).secret(NAME)]);
    eventually("the service account", || {
        let found = ns.kubectl(&["get", "serviceaccounts", "-o", "name"]);
        found.contains("default").then_some(()).ok_or(found)
    });
    let mut down = deployment("d-recreate", IMAGE);
    down["spec"]["strategy"] = json!({"type": "Recreate"});
    ns.apply(vec![
        deployment("a", IMAGE),
        deployment("b", IMAGE),
        deployment("c", IMAGE),
        down,
    ]);
    for name in ["a", "b", "c", "d-recreate"] {
        ns.kubectl(&["rollout", "status", &format!("deployment/{name}"), "--timeout=60s"]);
    }
    let api = admin(&ns).await;
    let found = needs(&ns, &api).await;
    let workloads: Vec<Workload> = found.workloads.into_iter().map(|(workload, _)| workload).collect();
    let names: Vec<String> = workloads.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        ["deployment/a", "deployment/b", "deployment/c", "deployment/d-recreate"]
    );
    assert!(found.others.is_empty(), "{:?}", found.others);

    let api = api.with_permits(rollout::permits(&workloads));
    let error = rollout::check(&api, &workloads).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("deployment/d-recreate is not restarted: its strategy is Recreate"),
        "{error}"
    );

    // b's next Pod cannot start; the one that runs does not need what is changed.
    let pods = || ns.kubectl(&["get", "pods", "-l", "app in (a,c)", "-o", "name"]);
    let before = pods();
    ns.kubectl(&["rollout", "pause", "deployment/b"]);
    let broken = r#"[{"op": "replace", "path": "/spec/template/spec/containers/0/command", "value": ["/absent"]}]"#;
    ns.kubectl(&["patch", "deployment/b", "--type=json", "-p", broken]);
    let paused = rollout::restart(&api, &workloads[1..2], 0, Duration::from_secs(5), &Teller::silent()).await;
    assert!(paused.stopped.unwrap().to_string().contains("its rollout is paused"));
    ns.kubectl(&["rollout", "resume", "deployment/b"]);
    let limit = Duration::from_secs(10);
    let ended = rollout::restart(&api, &workloads[..3], now().unix_timestamp(), limit, &Teller::silent()).await;
    assert_eq!(ended.done, workloads[..1]);
    let error = ended.stopped.unwrap();
    assert!(matches!(error, RolloutError::Late { .. }), "{error}");
    assert!(
        error.to_string().contains("deployment/b has not come back within 10s"),
        "{error}"
    );
    assert!(error.to_string().contains("/absent"), "the Pod's own words: {error}");
    let after = pods();
    let of = |text: &str, app: &str| {
        text.lines()
            .find(|l| l.starts_with(&format!("pod/{app}-")))
            .map(str::to_owned)
    };
    assert_ne!(of(&before, "a"), of(&after, "a"), "a was restarted");
    assert_eq!(of(&before, "c"), of(&after, "c"), "c was not");
    let absent = Workload {
        kind: WorkloadKind::DaemonSet,
        key: Key::new(ns.name.as_str(), "absent"),
    };
    let ended = rollout::restart(&api, &[absent], 0, limit, &Teller::silent()).await;
    assert_eq!(ended.stopped.unwrap().to_string(), "daemonset/absent does not exist");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn the_new_certificate_is_seen_to_be_served_and_the_route_tells_of_it() {
    let ns = Namespace::new("apply");
    let host = ns.host("web");
    let (first, second) = (ns.pki.pair(&[&host]), ns.pki.pair(&[&host]));
    ns.create(vec![first.secret(NAME), ingress("web", &[(&[&host], NAME)])]);
    let places = [ServedHost {
        host: host.clone(),
        addresses: vec![TRAEFIK.parse::<SocketAddr>().unwrap()],
    }];
    let wait = Duration::from_secs(30);
    let outcome = verify::served(
        &places,
        checked(&first).sha256(),
        tokio::time::Instant::now(),
        wait,
        &Teller::silent(),
    )
    .await;
    assert!(outcome[0].is_served(), "{:?}", outcome[0].complaint());
    let before = verify::served(
        &places,
        checked(&second).sha256(),
        tokio::time::Instant::now(),
        Duration::ZERO,
        &Teller::silent(),
    )
    .await;
    assert!(!before[0].is_served());
    let complaint = before[0].complaint().unwrap();
    assert!(
        complaint.starts_with("10.99.0.1:443 still serves another certificate (SHA-256 "),
        "{complaint}"
    );

    let mut api = admin(&ns).await;
    plan(&ns, &api, &second, &plain())
        .await
        .unwrap()
        .write(&api)
        .await
        .unwrap();
    let outcome = verify::served(
        &places,
        checked(&second).sha256(),
        tokio::time::Instant::now(),
        wait,
        &Teller::silent(),
    )
    .await;
    assert!(outcome[0].is_served(), "{:?}", outcome[0].complaint());

    api = api.with_permits(events::permits(&ns.name));
    let about = About {
        resource: INGRESS,
        key: Key::new(ns.name.as_str(), "web"),
        uid: None,
    };
    let at = now().unix_timestamp();
    for reason in [
        Reason::CertificateIssued,
        Reason::CertificateIssued,
        Reason::ChallengeFailed,
    ] {
        events::record(&api, &about, reason, "a message of this test", at)
            .await
            .unwrap();
    }
    let shown = ns.kubectl(&["describe", "ingress", "web"]);
    assert!(
        shown.contains("CertificateIssued") && shown.contains("a message of this test"),
        "{shown}"
    );
    assert!(shown.contains("x2 over"), "{shown}");
    assert!(shown.contains("Warning") && shown.contains("kubectl-certs"), "{shown}");
}
