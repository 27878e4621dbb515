//! The Helm chart, as far as it can be looked at without helm: `tests/run long` renders it and compares
//! each object.

use serde_json::Value;

use super::{command, finish, root};

fn templates() -> String {
    let directory = root().join("plugin/chart/templates");
    let files = std::fs::read_dir(directory).expect("templates");
    let texts = files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("UTF-8"));
    texts.collect()
}

#[test]
fn the_chart_has_a_template_for_every_kind_and_a_use_for_every_value() {
    let values = std::fs::read_to_string(root().join("plugin/chart/values.yaml")).expect("UTF-8");
    let parsed: Value = serde_saphyr::from_str(&values).expect("YAML");
    let templates = templates();
    for name in parsed.as_object().expect("values").keys() {
        assert!(templates.contains(&format!(".Values.{name}")), "{name} is used nowhere");
    }
    let home = tempfile::tempdir().expect("a directory");
    let args = [
        "install",
        "--print",
        "--service-monitor",
        "--namespaced",
        "shop",
        "--image",
        "x/kubectl-certs:1",
    ];
    let ran = finish(command(&args).env("XDG_CONFIG_HOME", home.path()));
    assert_eq!(ran.status, 0, "{}", ran.err);
    let kinds = ran.out.lines().filter_map(|line| line.strip_prefix("kind: "));
    let mut count = 0;
    // The namespace is made by `helm install --create-namespace`.
    for kind in kinds.filter(|kind| *kind != "Namespace") {
        let named = templates.contains(&format!("kind: {kind}\n"))
            || templates.contains(&format!("\"{}\"", kind.trim_end_matches("Binding")));
        assert!(named, "no template makes a {kind}");
        count += 1;
    }
    assert!(count > 15, "{}", ran.out);
    assert!(ran.err.contains("account register"), "{}", ran.err);
}

#[test]
fn an_alertmanager_is_in_the_settings_and_its_port_is_open_and_a_webhook_is_for_a_secret() {
    let home = tempfile::tempdir().expect("a directory");
    let print = |more: &[&str]| {
        let args = ["install", "--print", "--image", "x/kubectl-certs:1"];
        let args = [&args[..], more].concat();
        finish(command(&args).env("XDG_CONFIG_HOME", home.path()))
    };
    let ports = |text: &str| -> Vec<u64> {
        let policy = text
            .split("\n---\n")
            .find(|it| it.contains("kind: NetworkPolicy"))
            .expect("a policy");
        let policy: Value = serde_saphyr::from_str(policy).expect("YAML");
        let ports = policy["spec"]["egress"][1]["ports"].as_array().expect("ports");
        ports.iter().filter_map(|port| port["port"].as_u64()).collect()
    };
    assert_eq!(ports(&print(&[]).ends_with(0).out), [80, 443, 6443]);
    let told = print(&[
        "--notify",
        "alertmanager=http://alertmanager.monitoring:9093",
        "--notify-renewed",
    ])
    .ends_with(0);
    assert_eq!(ports(&told.out), [80, 443, 6443, 9093]);
    assert!(
        told.out
            .contains("alertmanager: \\\"http://alertmanager.monitoring:9093\\\"")
            && told.out.contains("renewed: true"),
        "{}",
        told.out
    );
    let refused = print(&["--notify", "slack=env:SLACK_URL"]).ends_with(2);
    assert!(
        refused.err.contains("notify.slack") && refused.out.is_empty(),
        "{}",
        refused.err
    );
    // A webhook's URL is no argument, and is not shown.
    let typed = print(&["--notify", "slack=https://hooks.example/services/hunter2"]).ends_with(2);
    assert!(
        typed.err.contains("slack=env:NAME") && !typed.err.contains("hunter2"),
        "{}",
        typed.err
    );
}

#[test]
fn what_domains_connect_to_is_open_and_their_credentials_are_for_the_secret_of_the_settings() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("domains.yaml");
    let print = |settings: &str, more: &[&str]| {
        std::fs::write(&file, settings).expect("a file");
        let args = ["install", "--print", "--image", "x/kubectl-certs:1", "--settings"];
        let args = [&args[..], &[file.to_str().expect("UTF-8")], more].concat();
        finish(command(&args).env("XDG_CONFIG_HOME", home.path()))
    };
    let settings = "domains:\n  ask: \"https://app.shop.svc:8443/allowed?domain={host}\"\n  backend: app:80\n  \
                    webhook: https://app.shop.svc:8444/hooks\n";
    let alone = print(settings, &[]).ends_with(2);
    assert!(alone.err.contains("domains.webhookSecret"), "{}", alone.err);
    let told = print(settings, &["--settings-secret", "credentials"]).ends_with(0);
    for wanted in ["port: 8443", "port: 8444", "secretName: credentials", "domains/status"] {
        assert!(told.out.contains(wanted), "{wanted}: {}", told.out);
    }
    assert!(!told.out.contains("webhookSecret"), "{}", told.out);
    let named =
        format!("{settings}  webhookSecret: {{secretRef: {{namespace: kubectl-certs, name: hooks, key: key}}}}\n");
    let refused = print(&named, &["--settings-secret", "credentials"]).ends_with(2);
    assert!(
        refused.err.contains("domains.webhookSecret") && refused.err.contains("config.yaml of a Secret"),
        "{}",
        refused.err
    );
}

#[test]
fn without_an_image_it_is_said_how_to_build_one() {
    let home = tempfile::tempdir().expect("a directory");
    let ran = finish(command(&["install", "--print"]).env("XDG_CONFIG_HOME", home.path()));
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(
        ran.err.contains("plugin/image") && ran.err.contains("--image"),
        "{}",
        ran.err
    );
    // Settings that hold credentials are not for a ConfigMap.
    let settings = home.path().join("config.yaml");
    std::fs::write(
        &settings,
        "dns01: {providers: [{name: a, provider: hook, command: /bin/true}]}\n",
    )
    .expect("a file");
    let args = [
        "install",
        "--print",
        "--image",
        "x/kubectl-certs:1",
        "--settings",
        settings.to_str().expect("UTF-8"),
    ];
    let ran = finish(command(&args).env("XDG_CONFIG_HOME", home.path()));
    assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
    assert!(ran.err.contains("dns01.providers"), "{}", ran.err);
}
