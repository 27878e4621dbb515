//! Kubeconfigs as kubectl reads them: contexts, login plugins, tokens, other users.

use serde_json::json;

use crate::support::{
    cluster::{Namespace, ingress, kubectl},
    kubeconfig,
    proxy::{API_SERVER, Proxy},
    run::Call,
};

/// A script that kubectl would run to log in. It notes each run in `FILE.log`.
fn plugin(ns: &Namespace, name: &str, answer: &str) -> serde_json::Value {
    use std::os::unix::fs::PermissionsExt;
    let path = ns.dir.path().join(name);
    std::fs::write(
        &path,
        format!(
            "#!/bin/sh\necho run >> '{}.log'\ncat <<'END'\n{answer}\nEND\n",
            path.display()
        ),
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": path, "interactiveMode": "Never", "provideClusterInfo": true,
    }})
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn every_way_to_log_in_that_kubectl_has_works() {
    let ns = Namespace::new("login");
    let host = ns.host("a");
    ns.apply(vec![
        ns.pki.pair(&[&host]).secret("a"),
        ingress("a", &[(&[&host], "a")]),
    ]);
    let everything = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
    let token = ns.token("all", &everything);
    let healthy = |call: Call| assert_eq!(call.run().ends_with(0).items().verdict(&host), "healthy");
    let status = ["status", "-o", "json"];

    // A login plugin that answers with a token, run once.
    let answer = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
    });
    let config = kubeconfig::with_user(&plugin(&ns, "login", &answer.to_string()));
    let exec = kubeconfig::write(ns.dir.path(), "exec.conf", &config);
    healthy(ns.call(&status).env("KUBECONFIG", &exec));
    assert_eq!(
        std::fs::read_to_string(ns.dir.path().join("login.log")).unwrap(),
        "run\n"
    );

    // One that answers with the admin's client certificate.
    let admin = kubeconfig::admin();
    let user = &admin["users"][0]["user"];
    let decode = |field: &str| {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(user[field].as_str().unwrap())
            .unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let answer = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"clientCertificateData": decode("client-certificate-data"), "clientKeyData": decode("client-key-data")},
    });
    let config = kubeconfig::with_user(&plugin(&ns, "pair", &answer.to_string()));
    healthy(
        ns.call(&status)
            .env("KUBECONFIG", kubeconfig::write(ns.dir.path(), "pair.conf", &config)),
    );

    // A token in a file, with a line break at its end.
    let file = ns.dir.path().join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let config = kubeconfig::with_user(&json!({"tokenFile": file}));
    healthy(
        ns.call(&status)
            .env("KUBECONFIG", kubeconfig::write(ns.dir.path(), "file.conf", &config)),
    );

    let nobody = kubeconfig::write(ns.dir.path(), "nobody.conf", &kubeconfig::with_user(&json!({})));
    healthy(
        ns.call(&[&status[..], &["--token", &token]].concat())
            .env("KUBECONFIG", nobody),
    );
    healthy(ns.call(&[&status[..], &["--as", &ns.user("all")]].concat()));
    healthy(ns.call(&[&status[..], &["--as", "anybody", "--as-group", "system:masters"]].concat()));

    // Another context of several files, and another server with another name.
    let proxy = Proxy::to(API_SERVER);
    let mut config = kubeconfig::with_server(&format!("https://{}", proxy.address));
    config["contexts"][0]["name"] = json!("through");
    config["clusters"][0]["name"] = json!("through");
    config["contexts"][0]["context"]["cluster"] = json!("through");
    config["current-context"] = json!("through");
    let through = kubeconfig::write(ns.dir.path(), "through.conf", &config);
    let own = std::env::var("KUBECONFIG").unwrap();
    let both = format!("{own}:{}", through.display());
    let ran = ns
        .call(&[&status[..], &["--context", "through"]].concat())
        .env("KUBECONFIG", &both)
        .run()
        .ends_with(0);
    assert_eq!(ran.items().host(&host)["context"], "through");
    let ran = ns.call(&status).env("KUBECONFIG", &both).run().ends_with(0);
    assert_eq!(
        ran.items().host(&host)["context"],
        kubectl(&["config", "current-context"]).trim()
    );
    healthy(ns.call(&[&status[..], &["--kubeconfig", through.to_str().unwrap()]].concat()));
    let server = format!("https://{}", proxy.address);
    healthy(ns.call(&[&status[..], &["--server", &server, "--tls-server-name", "localhost"]].concat()));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_keeps_it_from_logging_in_is_one_line_with_a_hint() {
    let ns = Namespace::new("refused");
    let run = |config: &serde_json::Value, args: &[&str]| {
        let file = kubeconfig::write(ns.dir.path(), "bad.conf", config);
        let ran = ns
            .call(&[&["status"], args].concat())
            .env("KUBECONFIG", file)
            .run()
            .ends_with(3);
        let lines: Vec<&str> = ran.err.lines().collect();
        assert_eq!(lines.len(), 2, "one line and its hint: {}", ran.err);
        assert!(
            lines[0].starts_with("error: ") && lines[1].starts_with("hint: "),
            "{}",
            ran.err
        );
        assert_eq!(ran.out, "");
        ran.err
    };
    let admin = kubeconfig::admin();
    let said = run(&kubeconfig::with_user(&json!({"token": "long.gone.token"})), &[]);
    assert!(said.contains("does not accept the credentials of"), "{said}");
    assert!(!said.contains("long.gone"), "the token is nobody's to see: {said}");
    run(&kubeconfig::with_user(&json!({})), &["--token", "wrong"]);
    // A token that has expired: the shortest that the server gives lasts ten minutes, so one for somebody else.
    ns.apply(vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "gone"}}),
    ]);
    let token = ns.kubectl(&["create", "token", "gone"]);
    ns.kubectl(&["delete", "serviceaccount", "gone"]);
    run(&kubeconfig::with_user(&json!({"token": token.trim()})), &[]);

    let mut other = admin.clone();
    let ca = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, ns.pki.root_pem());
    other["clusters"][0]["cluster"]["certificate-authority-data"] = json!(ca);
    let said = run(&other, &[]);
    assert!(said.contains("unknown authority"), "{said}");
    let said = run(&admin, &["--tls-server-name", "elsewhere.example"]);
    assert!(said.contains("another name"), "{said}");
    let said = run(&admin, &["--context", "testbad"]);
    assert!(said.contains("testbad"), "{said}");
    let said = run(
        &kubeconfig::with_user(&json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login", "interactiveMode": "Never",
            "installHint": "it is in the cupboard",
        }})),
        &[],
    );
    assert!(
        said.contains("no-such-login") && said.contains("it is in the cupboard"),
        "{said}"
    );
    let mut broken = plugin(&ns, "broken", "no JSON");
    broken["exec"]["env"] = json!([{"name": "A", "value": "b"}]);
    let said = run(&kubeconfig::with_user(&broken), &[]);
    assert!(said.contains("broken"), "{said}");
}
