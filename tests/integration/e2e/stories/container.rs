//! A team has a container that keeps one certificate: it is told EMAIL and DOMAINS, stores a Secret, and restarts the
//! `ReplicationController`s of a proxy that reads it. `kubectl certs ensure --from-env` does the same, and does nothing
//! while nothing is to be done.

use std::{path::PathBuf, process::Command};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use kubectl_certs::x509::{Interner, KeyState, bundle};
use serde_json::{Value, json};

use crate::support::{
    cluster::objects_of,
    eventually,
    front::Front,
    issuing::Issuing,
    run::{Call, Ran, program},
};

/// What only the team itself can make, and what has to outlast every renewal.
const DHPARAM: &str = "-----BEGIN DH PARAMETERS-----\nthe team's own\n-----END DH PARAMETERS-----\n";

/// What such a team has: a Secret in the form of its proxy, the proxy, and an Ingress that leads to it.
fn cluster(it: &Issuing, host: &str, replicas: u8) {
    // The proxy starts to serve once it has a certificate, which it reads once.
    let proxy = json!({
        "name": "proxy", "image": "testbed.local/busybox:1", "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", "cp /etc/secrets/* /run/ && exec sleep 3600"],
        "readinessProbe": {"exec": {"command": ["test", "-s", "/run/proxykey"]}, "periodSeconds": 1},
        "volumeMounts": [{"name": "secrets", "mountPath": "/etc/secrets"}, {"name": "run", "mountPath": "/run"}],
    });
    it.ns.apply(vec![
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": format!("certs-{host}"), "labels": {"team": "shop"}},
            "stringData": {"dhparam": DHPARAM},
        }),
        json!({
            "apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "proxy"},
            "spec": {
                "replicas": replicas, "selector": {"app": "proxy"},
                "template": {"metadata": {"labels": {"app": "proxy"}}, "spec": {
                    "terminationGracePeriodSeconds": 0, "containers": [proxy],
                    "volumes": [
                        {"name": "secrets", "secret": {"secretName": format!("certs-{host}")}},
                        {"name": "run", "emptyDir": {}},
                    ],
                }},
            },
        }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "proxy"},
            "spec": {"selector": {"app": "proxy"}, "ports": [{"port": 80}]},
        }),
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "proxy"},
            "spec": {"ingressClassName": "traefik", "rules": [{"host": host, "http": {"paths": [
                {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "proxy", "port": {"number": 80}}}}]}}]},
        }),
    ]);
}

/// Runs it as the container was run: with variables. The rest is about the testbed.
fn from_env(it: &Issuing, front: &Front, domains: &[&str]) -> Ran {
    let (ca, root) = (front.ca_file(), it.pebble.root_file());
    let (ip, advertise) = (it.resolver.ip().to_string(), it.advertise());
    let of_testbed = [
        "--directory-ca-file",
        ca.to_str().unwrap(),
        "--ca-file",
        root.to_str().unwrap(),
        "--resolver",
        &ip,
        "--advertise",
        &advertise,
    ];
    let args = [
        &[
            "ensure",
            "--from-env",
            "--secret-keys",
            "certificate=proxycert,key=proxykey",
        ][..],
        &["--agree-tos", "--yes", "--resolve-timeout", "0"],
        &of_testbed,
    ];
    it.plain(&args.concat())
        .env("EMAIL", "ops@example.com")
        .env("DOMAINS", domains.join(" "))
        .env("RC_NAMES", "proxy")
        .env("LETSENCRYPT_ENDPOINT", front.url.as_str())
        .run()
}

/// What the Secret holds: the names of the certificate, whose key it has.
#[track_caller]
fn names(secret: &Value) -> Vec<String> {
    let data = |key: &str| {
        BASE64_STANDARD
            .decode(secret["data"][key].as_str().expect(key))
            .unwrap()
    };
    assert_eq!(data("dhparam"), DHPARAM.as_bytes());
    assert_eq!(secret["type"], "Opaque");
    assert_eq!(secret["metadata"]["labels"]["team"], "shop");
    let (chain, key) = (data("proxycert"), data("proxykey"));
    let parsed = bundle::parse(Some(&chain), Some(&key.into()), &mut Interner::new()).bundle;
    assert_eq!(parsed.key, KeyState::Matches);
    let mut names: Vec<String> = parsed.leaf().unwrap().names.iter().map(ToString::to_string).collect();
    names.sort();
    names
}

/// The Pods of the proxy that are not going.
fn pods(it: &Issuing) -> Vec<String> {
    let list = it.ns.kubectl(&["get", "pods", "-l", "app=proxy", "-o", "json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let stay = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    let name = |pod: &Value| pod["metadata"]["name"].as_str().unwrap().to_owned();
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(stay)
        .map(name)
        .collect()
}

/// The number of Pods of the proxy that serve.
fn ready(it: &Issuing) -> String {
    it.ns
        .kubectl(&["get", "rc", "proxy", "-o", "jsonpath={.status.readyReplicas}"])
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_team_that_had_a_container_with_email_and_domains_goes_on_with_ensure() {
    let it = Issuing::new("container");
    let front = Front::of(&it.pebble.directory_url());
    let (a, b, c) = (it.host("a"), it.host("b"), it.host("c"));
    let secret = format!("certs-{a}");
    cluster(&it, &a, 2);
    let first = eventually("two Pods", || match pods(&it) {
        found if found.len() == 2 => Ok(found),
        found => Err(format!("{found:?}")),
    });

    // The first run orders, stores in the form of the proxy, and replaces its Pods, which have no certificate yet.
    let ran = from_env(&it, &front, &[&a, &b]).ends_with(0);
    let ns = &it.ns.name;
    assert!(
        ran.err.contains(&format!("{ns}/{secret}: it holds no certificate")),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("restarted replicationcontroller/proxy"), "{}", ran.err);
    assert_eq!(names(&it.secret(&secret)), [a.as_str(), b.as_str()]);
    assert_eq!(ready(&it), "2", "{}", ran.err);
    let second = pods(&it);
    assert!(first.iter().all(|pod| !second.contains(pod)), "{first:?} {second:?}");

    // The next day nothing is to be done: not one request to the CA, no write, no restart, and one line.
    let (asked, version) = (front.asked("/").len(), it.version(&secret));
    let ran = from_env(&it, &front, &[&a, &b]).ends_with(0);
    assert_eq!(front.asked("/").len(), asked, "{:?}", front.asked("/"));
    assert_eq!((it.version(&secret), pods(&it)), (version, second.clone()));
    assert_eq!(ran.out, "");
    let [line] = ran.err.lines().collect::<Vec<_>>()[..] else {
        panic!("{}", ran.err)
    };
    assert!(
        line.starts_with(&format!("nothing to do for Secret {ns}/{secret}: it is valid until ")),
        "{line}"
    );

    // The list of domains is the whole truth: one comes, one goes.
    let args = [a.as_str(), &c];
    let ran = from_env(&it, &front, &args).ends_with(0);
    let told = format!("{ns}/{secret}: its names change: {c} added, {b} removed");
    assert!(ran.err.contains(&told), "{}", ran.err);
    assert_eq!(names(&it.secret(&secret)), [a.as_str(), c.as_str()]);
    let third = pods(&it);
    assert_eq!(ready(&it), "2", "{}", ran.err);
    assert!(second.iter().all(|pod| !third.contains(pod)), "{second:?} {third:?}");

    // A domain that cannot be validated changes nothing that is served, and is told again every day.
    let asked = from_env(&it, &front, &[&a, &c, "absent.example"]).ends_with(4);
    assert!(asked.err.contains("absent.example"), "{}", asked.err);
    assert_eq!(names(&it.secret(&secret)), [a.as_str(), c.as_str()]);
    assert_eq!(pods(&it), third);
    assert_eq!(it.left(), [""; 0]);
}

/// The program with what it is linked to, as an image: there is no registry to pull one from.
fn image(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let into = dir.path().join("kubectl-certs");
    let ran = Command::new("strip")
        .arg("-o")
        .arg(&into)
        .arg(program())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let linked = Command::new("ldd").arg(program()).output().unwrap();
    let linked = String::from_utf8_lossy(&linked.stdout).into_owned();
    for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
        let place = dir.path().join(library.trim_start_matches('/'));
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(library, place).unwrap();
    }
    let mut pack = Command::new(root().join("tests/testbed/image"));
    let ran = pack.args([name, "/kubectl-certs"]).arg(dir.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn root() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()))
}

/// The manifests of the guide, in the namespace of the test.
fn guide(it: &Issuing) -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("docs/guide/from-a-container.md")).unwrap();
    let begin = text.find("```yaml\n# certs.yaml").expect("the manifests") + "```yaml\n".len();
    let yaml = &text[begin..begin + text[begin..].find("```").unwrap()];
    let yaml = yaml.replace("namespace: shop", &format!("namespace: {}", it.ns.name));
    objects_of(&yaml)
}

/// Puts the names of the test, and the way to its servers, in the place of those of the guide.
fn adapt(it: &Issuing, job: &mut Value, host: &str, image: &str) {
    let spec = &mut job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    spec["volumes"] = json!([{"name": "cas", "configMap": {"name": "cas"}}]);
    let container = &mut spec["containers"][0];
    container["image"] = image.into();
    container["volumeMounts"] = json!([{"name": "cas", "mountPath": "/cas"}]);
    for variable in container["env"].as_array_mut().unwrap() {
        match variable["name"].as_str().unwrap() {
            "DOMAINS" => variable["value"] = host.into(),
            "LETSENCRYPT_ENDPOINT" => variable["value"] = it.pebble.directory_url().into(),
            _ => {}
        }
    }
    let args = container["args"].as_array_mut().unwrap();
    args.extend(
        [
            "--directory-ca-file=/cas/directory.pem",
            "--ca-file=/cas/root.pem",
            &format!("--resolver={}", it.resolver.ip()),
        ]
        .map(Value::from),
    );
}

/// Grants what the guide's commands grant.
fn classes(it: &mut Issuing) {
    let (name, api) = (it.ns.name.clone(), "rbac.authorization.k8s.io");
    it.ns.apply_wide(&[
        json!({
            "apiVersion": format!("{api}/v1"), "kind": "ClusterRole", "metadata": {"name": name},
            "rules": [{"apiGroups": ["networking.k8s.io"], "resources": ["ingressclasses"], "verbs": ["get", "list"]}],
        }),
        json!({
            "apiVersion": format!("{api}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": "certs", "namespace": name}],
        }),
    ]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_cronjob_of_the_guide_does_it_in_the_cluster_with_the_rights_beside_it() {
    let mut it = Issuing::new("cronjob");
    let host = it.host("a");
    let secret = format!("certs-{host}");
    image("testbed.local/certs:1");
    cluster(&it, &host, 1);
    let pem = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    it.ns.apply(vec![json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cas"},
        "data": {"directory.pem": pem(&it.pebble.ca_file()), "root.pem": pem(it.pebble.root_file())},
    })]);
    let mut objects = guide(&it);
    for object in &mut objects {
        if object["kind"] == "CronJob" {
            adapt(&it, object, &host, "testbed.local/certs:1");
        }
    }
    let rights = Call::certs(["rights", "-n", &it.ns.name]).run().ends_with(0).out;
    Call::kubectl(["apply", "-f", "-"])
        .run_with(rights.as_bytes())
        .ends_with(0);
    it.ns.apply(objects);
    classes(&mut it);

    for (job, told) in [
        ("first", "it holds no certificate"),
        ("second", "nothing to do for Secret"),
    ] {
        let version = it.version(&secret);
        it.ns.kubectl(&["create", "job", job, "--from=cronjob/certs"]);
        let done = format!("job/{job}");
        let path = "jsonpath={.status.conditions[?(@.status=='True')].type}";
        let ended = eventually("the end of the job", || {
            let found = it.ns.kubectl(&["get", &done, "-o", path]);
            let has_ended = found.contains("Complete") || found.contains("Failed");
            if has_ended { Ok(found) } else { Err(found) }
        });
        let log = it.ns.kubectl(&["logs", &done]);
        assert!(ended.contains("Complete"), "{log}");
        assert!(log.contains(told), "{log}");
        assert_eq!(it.version(&secret) == version, job == "second", "{log}");
        assert_eq!(names(&it.secret(&secret)), [host.as_str()]);
    }
    assert_eq!(ready(&it), "1");
    it.ns.kubectl(&["delete", "job", "first", "second"]);
    // Nothing is left but the account, which outlasts every run.
    assert_eq!(it.left(), [""; 0]);
    it.ns.kubectl(&["get", "secret", "certs-account"]);
}
