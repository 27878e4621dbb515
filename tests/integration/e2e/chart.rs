//! The Helm chart has the objects that `install --print` prints, each with the same content. helm takes minutes to build: `tests/run long`.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use crate::support::run::Call;

type Objects = BTreeMap<String, Value>;

/// The documents of a text, by kind, namespace and name.
fn documents(text: &str) -> Objects {
    let args = [
        "create",
        "--dry-run=client",
        "--validate=false",
        "-f",
        "-",
        "-o",
        "json",
    ];
    // kubectl knows no kind without a cluster that serves it.
    let (known, unknown): (Vec<&str>, Vec<&str>) = text
        .split("\n---\n")
        .filter(|document| document.contains("kind:"))
        .partition(|document| !document.contains("kind: ServiceMonitor"));
    assert!(unknown.len() <= 1);
    let ran = Call::kubectl(args)
        .run_with(known.join("\n---\n").as_bytes())
        .ends_with(0);
    let list: Value = serde_json::Deserializer::from_str(&ran.out)
        .into_iter::<Value>()
        .map(|object| object.expect("JSON"))
        .collect::<Vec<_>>()
        .into();
    let mut all = Objects::new();
    for object in list.as_array().unwrap().iter().flat_map(flat) {
        let metadata = &object["metadata"];
        let key = format!("{} {} {}", object["kind"], metadata["namespace"], metadata["name"]);
        assert!(
            all.insert(key.clone(), comparable(object)).is_none(),
            "{key} is there twice"
        );
    }
    all
}

fn flat(object: &Value) -> Vec<Value> {
    match object["kind"].as_str() {
        Some("List") => object["items"].as_array().cloned().unwrap_or_default(),
        _ => vec![object.clone()],
    }
}

/// What both write in their own way: the text of settings, and its hash.
fn comparable(mut object: Value) -> Value {
    if let Some(text) = object["data"]["config.yaml"].as_str() {
        object["data"] = json!(text.trim());
    }
    let annotations = &mut object["spec"]["template"]["metadata"]["annotations"];
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.remove("kubectl-certs.io/settings");
    }
    object
}

fn printed(more: &[&str]) -> Objects {
    let args = [
        "install",
        "--print",
        "-n",
        "certs",
        "--image",
        "registry.example/kubectl-certs:1",
    ];
    let ran = Call::certs([&args[..], more].concat()).run().ends_with(0);
    let mut all = documents(&ran.out);
    // `helm install --create-namespace` makes it.
    all.retain(|key, _| !key.starts_with("\"Namespace\""));
    all
}

fn rendered(more: &[&str]) -> Objects {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin/chart");
    let chart = chart.to_str().unwrap().to_owned();
    let args = [
        "template",
        "certs",
        &chart,
        "--namespace",
        "certs",
        "--kube-version",
        "1.33.0",
        "--set",
        "image=registry.example/kubectl-certs:1",
    ];
    let ran = std::process::Command::new("helm").args(args).args(more).output();
    let ran = ran.expect("helm is in PATH");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    documents(&String::from_utf8(ran.stdout).unwrap())
}

#[test]
#[ignore = "needs the testbed and helm: tests/run long"]
fn the_chart_has_what_install_prints_object_by_object() {
    for (flags, values) in [
        (&["--service-monitor=false"][..], &[][..]),
        (
            &[
                "--production",
                "--namespaced",
                "shop,blog",
                "--egress",
                "8081",
                "--pull-secret",
                "registry",
                "--replicas",
                "3",
            ][..],
            &[
                "--set",
                "choice={--production},namespaces={shop,blog},egress={8081},pullSecrets={registry},replicas=3",
            ][..],
        ),
        (
            &[
                "--staging",
                "--restart",
                "auto",
                "--solver",
                "pod",
                "--settings-secret",
                "dns",
            ],
            &[
                "--set",
                "choice={--staging},needs.restarts=true,needs.pods=true,settingsSecret=dns,settings.http01.solver=pod,settings.storing.restart={auto}",
            ],
        ),
        (&["--namespaced", "certs"], &["--set", "namespaces={certs}"]),
        (
            &["--notify", "alertmanager=http://alertmanager.monitoring:9093"],
            &[
                "--set",
                "settings.notify.alertmanager=http://alertmanager.monitoring:9093",
            ],
        ),
        (
            &[
                "--solver",
                "in-place",
                "--secret-keys",
                "certificate=a,key=b",
                "--no-admission-policy",
            ],
            &[
                "--set",
                "settings.http01.solver=in-place,settings.storing.secretKeys=certificate=a\\,key=b,pairKeys={a,b},needs.inPlace=true,admissionPolicy=false",
            ],
        ),
        (
            &["--solver", "in-place", "--secret-keys", "certificate=a,key=b"],
            &[
                "--set",
                "settings.http01.solver=in-place,settings.storing.secretKeys=certificate=a\\,key=b,pairKeys={a,b},needs.inPlace=true",
            ],
        ),
    ] {
        same(flags, values);
    }
    // The rules of a names policy become a literal of CEL in both.
    let dir = tempfile::tempdir().unwrap();
    let policy = "policy:\n  names:\n  - {namespaces: [shop, \"shop-*\"], names: [\"*.Shop.example\"], wildcards: true, ordersADay: 3}\n  \
                  - {namespaceLabels: {b: c, a: \"1\"}, names: [\"**.{namespace}.example\"]}\n";
    let (settings, values) = (dir.path().join("settings.yaml"), dir.path().join("values.yaml"));
    std::fs::write(&settings, policy).unwrap();
    std::fs::write(&values, format!("settings:\n  {}", policy.replace('\n', "\n  "))).unwrap();
    for (scope, namespaces) in [
        (&[][..], ""),
        (&["--namespaced", "shop,blog"][..], ",namespaces={shop,blog}"),
    ] {
        let own = [
            "--settings",
            settings.to_str().unwrap(),
            "--fence-tenants",
            "--install-id",
            "abcdefghij",
        ];
        let set = format!("fenceTenants=true,installId=abcdefghij{namespaces}");
        same(
            &[scope, &own].concat(),
            &["--values", values.to_str().unwrap(), "--set", &set],
        );
    }
}

#[test]
#[ignore = "needs the testbed and helm: tests/run long"]
fn the_chart_has_what_install_prints_for_customers_domains_in_each_way_in_which_they_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, values) = (dir.path().join("settings.yaml"), dir.path().join("values.yaml"));
    for served in [
        "serve: ingress",
        "serve: template\n  template: customers-route",
        "serve: listenerset\n  gateway: edge/gateway",
        "serve: source\n  store: postgres",
    ] {
        let domains = format!(
            "domains:\n  ask: \"https://app.shop:8443/allowed?domain={{host}}\"\n  backend: app:80\n  {served}\n"
        );
        std::fs::write(&settings, &domains).unwrap();
        std::fs::write(&values, format!("settings:\n  {}", domains.replace('\n', "\n  "))).unwrap();
        same(
            &[
                "--settings",
                settings.to_str().unwrap(),
                "--settings-secret",
                "credentials",
            ],
            &[
                "--values",
                values.to_str().unwrap(),
                "--set",
                "settingsSecret=credentials",
            ],
        );
    }
}

/// Both have the same objects.
fn same(flags: &[&str], values: &[&str]) {
    let (printed, rendered) = (printed(flags), rendered(values));
    let names = |all: &Objects| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&printed), names(&rendered), "{flags:?}");
    for (key, object) in &printed {
        let settings = object["data"].is_string();
        if !settings {
            assert_eq!(*object, rendered[key], "{flags:?}: {key}");
        }
    }
}
