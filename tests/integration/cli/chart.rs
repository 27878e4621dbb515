//! The Helm chart and the image's script, as far as they can be looked at without helm: `tests/run long` renders the chart and compares
//! each object.

use std::process::Command;

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
        told.out.contains("alertmanager: http://alertmanager.monitoring:9093") && told.out.contains("renewed: true"),
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

#[test]
fn the_image_has_the_program_alone_and_is_always_the_same() {
    let home = tempfile::tempdir().expect("a directory");
    // Its own program would be dynamic, as cargo builds it for tests: this one is static, and as small as it can be.
    let program = home.path().join("program");
    std::fs::write(&program, static_program()).expect("a file");
    let image = |name: &str, with: &std::path::Path| {
        let out = home.path().join(name);
        let ran = Command::new(root().join("plugin/image"))
            .arg("--program")
            .arg(with)
            .arg("--output")
            .arg(&out)
            .output()
            .expect("it runs");
        (ran, out)
    };
    let (ran, first) = image("a.tar", &program);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let (_, second) = image("b.tar", &program);
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(second).unwrap());
    let list = Command::new("tar").arg("-tf").arg(&first).output().expect("tar");
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(
        list.contains("oci-layout") && list.contains("index.json") && list.lines().count() == 5,
        "{list}"
    );
    let read = |member: &str| {
        let out = Command::new("tar")
            .arg("-xOf")
            .arg(&first)
            .arg(member)
            .output()
            .expect("tar");
        out.stdout
    };
    let blobs: Vec<Vec<u8>> = list
        .lines()
        .filter(|name| name.starts_with("blobs/"))
        .map(read)
        .collect();
    let config: Value = serde_json::from_slice(&blobs[0]).expect("the configuration");
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"][0], "/kubectl-certs");
    assert_eq!(
        config["config"]["Labels"]["org.opencontainers.image.version"],
        env!("CARGO_PKG_VERSION")
    );
    // One that needs libraries would not start in it.
    let (ran, _) = image("c.tar", std::path::Path::new(env!("CARGO_BIN_EXE_kubectl-certs")));
    assert!(!ran.status.success() && String::from_utf8_lossy(&ran.stderr).contains("not static"));
}

/// The header of a 64-bit program without segments.
fn static_program() -> Vec<u8> {
    let mut head = vec![0; 64];
    head[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    // ET_EXEC, EM_X86_64, version 1; no program headers, each of 56 bytes.
    (head[16], head[18], head[20]) = (2, 62, 1);
    (head[52], head[54]) = (64, 56);
    head
}
