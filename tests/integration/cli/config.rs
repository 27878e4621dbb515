//! Settings and accounts without a server: what is read, what is refused, and what is never printed.

use std::path::Path;

use serde_json::{Value, json};

use super::{Ran, command, file, finish, run};
use crate::support::pki::Pki;

/// The program with a home of its own that has these settings.
#[track_caller]
fn with_settings(settings: &str, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let home = tempfile::tempdir().expect("a directory");
    file(&home, "kubectl-certs/config.yaml", settings);
    in_home(home.path(), args, variables)
}

#[track_caller]
fn in_home(home: &Path, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = command(args);
    command.env("XDG_CONFIG_HOME", home);
    for (name, value) in variables {
        command.env(name, value);
    }
    finish(&mut command)
}

#[test]
fn a_hook_may_take_so_long_as_a_length_of_time_says() {
    let check = |timeout: &str| {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("config.yaml");
        let text = format!("dns01: {{providers: [{{provider: hook, command: /usr/bin/true, timeout: {timeout}}}]}}\n");
        std::fs::write(&file, text).expect("a file");
        let file = file.display().to_string();
        (
            run(&["config", "check", "--config", &file]),
            run(&["config", "view", "--config", &file]),
        )
    };
    for (timeout, shown) in [("5m", "5m"), ("300", "5m"), ("90s", "1m 30s")] {
        let (checked, view) = check(timeout);
        checked.ends_with(0);
        assert!(
            view.out.contains(&format!("\"timeout\":\"{shown}\"")),
            "{timeout}: {}",
            view.out
        );
    }
    check("soon").0.fails(2, &["a length of time"]);
}

#[test]
fn the_issuer_that_production_names_has_to_be_there() {
    let settings =
        |name: &str| format!("production: {name}\nissuers: {{corp: {{directory: https://ca.corp.example/dir}}}}\n");
    let wrong = with_settings(&settings("corq"), &["config", "check"], &[]);
    wrong.fails(2, &["no issuer is called \"corq\"; did you mean \"corp\"?"]);
    with_settings(&settings("corp"), &["config", "check"], &[]).ends_with(0);
    with_settings("staging: letsencrypt-stagin\n", &["config", "check"], &[]).fails(2, &["letsencrypt-stagin"]);
}

#[test]
fn the_example_is_a_file_that_can_be_used() {
    let example = run(&["config", "example"]).ends_with(0);
    assert_eq!(example.err, "");
    let home = tempfile::tempdir().expect("a directory");
    file(&home, "kubectl-certs/config.yaml", &example.out);
    let ran = in_home(home.path(), &["config", "check"], &[]).ends_with(0);
    assert!(ran.err.contains("nothing is wrong with"), "{}", ran.err);
    for warned in [
        "variable CORP_EAB_KEY cannot be found",
        "variable CLOUDFLARE_API_TOKEN cannot be found",
    ] {
        assert!(ran.err.contains(warned), "{}", ran.err);
    }
}

/// Ingresses of one host each, with certificates of one CA.
fn hosts(pki: &Pki, count: usize) -> String {
    let one = |number: usize| -> Vec<Value> {
        let (name, host) = (format!("web-{number}"), format!("h{number}.example"));
        let mut secret = pki.pair(&[&host]).secret(&name);
        secret["metadata"]["namespace"] = json!("shop");
        let ingress = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"tls": [{"hosts": [host], "secretName": name}], "rules": [{"host": host}]},
        });
        vec![secret, ingress]
    };
    json!({"apiVersion": "v1", "kind": "List", "items": (0..count).flat_map(one).collect::<Vec<_>>()}).to_string()
}

#[test]
fn a_ca_of_ones_own_is_trusted_by_the_settings_wherever_certificates_are_judged() {
    let pki = Pki::new();
    let home = tempfile::tempdir().expect("a directory");
    let manifests = file(&home, "hosts.json", hosts(&pki, 10));
    let chain = file(&home, "chain.pem", &pki.pair(&["a.example"]).chain);
    file(&home, "kubectl-certs/corp-root.pem", pki.root_pem());
    let with = |settings: &str, args: &[&str]| {
        file(&home, "kubectl-certs/config.yaml", settings);
        in_home(home.path(), args, &[])
    };
    let status = ["status", "-f", manifests.as_str(), "--fail-on", "warning"];
    let without = with("", &status).ends_with(1);
    assert!(
        without
            .err
            .contains("all 10 rows that are warning or critical have the same cause: ")
            && without
                .err
                .contains(" is not trusted here; if it is yours: --ca-file FILE, or `trust:` in the settings"),
        "{}",
        without.err
    );
    let own = "trust: [{caFile: corp-root.pem}]";
    let trusted = with(own, &status).ends_with(0);
    assert!(trusted.err.contains("10 hosts: all healthy"), "{}", trusted.err);
    let shown = with(own, &["show", &chain, "--fail-on", "critical"]).ends_with(0);
    assert!(shown.out.contains("a root of your own"), "{}", shown.out);
    // What certificates are stored by is trusted here too.
    let stored = with("storing: {caFiles: [corp-root.pem]}", &status).ends_with(0);
    assert!(stored.err.contains("10 hosts: all healthy"), "{}", stored.err);
    // A file that is named counts in place of the usual one, for every command that judges.
    file(&home, "kubectl-certs/other.yaml", own);
    let other = home.path().join("kubectl-certs/other.yaml");
    let named = ["--config", other.to_str().expect("UTF-8")];
    with("", &[&status[..], &named].concat()).ends_with(0);
    with(
        "",
        &[&["show", chain.as_str(), "--fail-on", "critical"][..], &named].concat(),
    )
    .ends_with(0);
    with("", &["status", "-f", manifests.as_str(), "--config", "nope.yaml"]).fails(2, &["nope.yaml cannot be read"]);
    // Of one context it says nothing of others, nor of manifests.
    let elsewhere = "trust: [{caFile: corp-root.pem, contexts: [prod]}]";
    with(elsewhere, &status).ends_with(1);
    with(
        elsewhere,
        &["show", &chain, "--fail-on", "critical", "--context", "prod"],
    )
    .ends_with(0);
    with(elsewhere, &["show", &chain, "--fail-on", "critical"]).ends_with(1);
    for (settings, words) in [
        ("trust: [{caFile: nope.pem}]", "nope.pem cannot be read"),
        ("storing: {caFiles: [nope.pem]}", "storing.caFiles: "),
        ("trust: [{ca: hello}]", "trust, entry 1 cannot be used"),
        ("trust: [{contexts: [prod]}]", "neither caFile nor ca"),
    ] {
        with(settings, &status).fails(2, &[words]);
        with(settings, &["config", "check"]).fails(2, &[words]);
    }
}

#[test]
fn a_view_says_where_each_setting_comes_from() {
    let settings = "email: file@x.example\ncertificate: {concurrency: 3}\nissuers: {corp: {directory: 'https://ca.corp.example/dir'}}\n";
    let variables = [("KUBECTL_CERTS_EMAIL", "env@x.example")];
    let ran = with_settings(settings, &["config", "view", "-o", "json"], &variables).ends_with(0);
    let found = |name: &str| {
        let json = ran.json();
        let items = json["items"].as_array().expect("items");
        let item = items
            .iter()
            .find(|item| item["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {json:#}"));
        format!("{} {}", item["value"], item["from"].as_str().expect("text"))
    };
    assert_eq!(found("email"), "[\"env@x.example\"] the environment");
    assert!(
        found("certificate.concurrency").starts_with("3 /"),
        "{}",
        found("certificate.concurrency")
    );
    assert!(found("certificate.concurrency").ends_with("kubectl-certs/config.yaml"));
    assert_eq!(found("storing.wait"), "\"1m\" built in");
    assert_eq!(
        found("issuers.letsencrypt.directory"),
        "\"https://acme-v02.api.letsencrypt.org/directory\" built in"
    );
    let text = with_settings(settings, &["config", "view"], &variables).ends_with(0);
    let line = text
        .out
        .lines()
        .find(|line| line.starts_with("issuers.corp.directory: "));
    assert!(
        line.expect("a line").contains("https://ca.corp.example/dir"),
        "{}",
        text.out
    );
}

#[test]
fn what_is_wrong_is_named_with_its_file_its_line_and_what_was_meant() {
    for (settings, words) in [
        (
            "emial: a@b.example\n",
            &[
                "config.yaml, line 1: unknown field emial; the nearest is email",
                "config example",
            ][..],
        ),
        (
            "issuers:\n  corp:\n    dirctory: https://a.example\n",
            &["line 3: unknown field dirctory; the nearest is directory"],
        ),
        (
            "dns01:\n  providers:\n  - provider: cloudflar\n",
            &["unknown provider cloudflar; the nearest is cloudflare"],
        ),
        // Who writes against an owner says so each time, for a Secret that is named.
        ("certificate: {force: true}\n", &["line 1: unknown field force"]),
        ("storing: {force: true}\n", &["line 1: unknown field force"]),
        ("agreeTos: perhaps\n", &["line 1: invalid boolean"]),
        ("email: [\n", &["config.yaml, line "]),
        ("staging: letsencrypt\n", &["staging names letsencrypt", "hint: "]),
        (
            "issuers: {corp: {}}\n",
            &["issuer corp has no directory", "issuers.corp.directory: https://"],
        ),
        (
            "tui: {theme: drak}\n",
            &["tui.theme", "no theme is called \"drak\"; did you mean \"dark\"?"],
        ),
        (
            "tui: {colours: {critical: rde}}\n",
            &["tui.colours", "\"rde\" is not a colour: write red"],
        ),
        (
            "tui: {keys: {renw: [R]}}\n",
            &["tui.keys", "no action is called \"renw\"; did you mean \"renew\"?"],
        ),
        (
            "tui: {keys: {renew: [q]}}\n",
            &["tui.keys", "q is the key of both renew and quit"],
        ),
        (
            "tui: {columns: [hots]}\n",
            &["tui.columns", "no column is called \"hots\""],
        ),
        (
            "tui: {colors: {}}\n",
            &["line 1: unknown field colors; the nearest is colours"],
        ),
    ] {
        let ran = with_settings(settings, &["config", "check"], &[]).ends_with(2);
        assert_eq!(ran.out, "");
        for word in words {
            assert!(ran.err.contains(word), "{word:?} is not in: {}", ran.err);
        }
    }
    let ran = with_settings("", &["config", "check"], &[("KUBECTL_CERTS_EMIAL", "a@b.example")]).ends_with(0);
    assert!(
        ran.err
            .contains("KUBECTL_CERTS_EMIAL; the nearest is KUBECTL_CERTS_EMAIL"),
        "{}",
        ran.err
    );
    run(&["config", "view", "--config", "nope.yaml"]).fails(2, &["nope.yaml cannot be read", "No such file"]);
}

#[test]
fn a_literal_credential_is_refused_and_repeated_nowhere() {
    for settings in [
        "issuers: {corp: {directory: 'https://a.example', eab: {kid: k, key: hunter2}}}",
        "dns01: {providers: [{provider: powerdns, url: 'https://a.example', apiKey: hunter2}]}",
        "dns01: {providers: [{provider: cloudflare, apiToken: [hunter2]}]}",
        "issuers: {letsencrypt: {proxy: 'http://me:hunter2@proxy.example'}}",
        "issuers: {corp: {directory: 'https://me:hunter2@a.example'}}",
    ] {
        for args in [&["config", "check"][..], &["config", "view"], &["account", "show"]] {
            let ran = with_settings(settings, args, &[("KUBECTL_CERTS_LOG", "trace")]);
            assert_eq!(ran.status, 2, "{settings}: {}", ran.err);
            let all = format!("{}{}", ran.out, ran.err);
            assert!(!all.contains("hunter2"), "{args:?} {settings}: {all}");
        }
    }
    let ran = with_settings(
        "dns01: {providers: [{provider: powerdns, url: 'https://a.example', apiKey: x}]}",
        &["config", "check"],
        &[],
    );
    assert!(
        ran.err.contains("{env: NAME}, {file: PATH} or {secretRef:"),
        "{}",
        ran.err
    );
}

#[test]
fn without_settings_nothing_is_wrong() {
    let ran = run(&["config", "check"]).ends_with(0);
    assert!(
        ran.err.contains("/nonexistent/.config/kubectl-certs/config.yaml"),
        "{}",
        ran.err
    );
    let ran = run(&["account", "show"]).ends_with(0);
    assert!(ran.err.contains("there are no accounts"), "{}", ran.err);
    let ran = run(&["account", "show", "-o", "json"]).ends_with(0);
    assert_eq!(ran.json()["items"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_is_no_accounts_key_is_refused_before_a_ca_is_asked() {
    let dir = tempfile::tempdir().expect("a directory");
    let import = |name: &str, text: &str| {
        file(&dir, name, text);
        let path = dir.path().join(name).display().to_string();
        run(&["account", "import", &path, "--directory-url", "https://127.0.0.1:1/dir"])
    };
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAEAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (name, text, words) in [
        ("empty.pem", "", "there is none"),
        ("word.pem", "hunter2", "holds no key that can be used"),
        ("encrypted.pem", encrypted, "it is encrypted"),
        (
            "public.json",
            r#"{"kty": "RSA", "n": "AQAB", "e": "AQAB"}"#,
            "the private half is not in it",
        ),
        ("other.json", r#"{"password": "hunter2"}"#, "it is JSON, and not a JWK"),
    ] {
        let ran = import(name, text);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
        ran.fails(2, &[name, words]);
    }
    let missing = dir.path().join("missing.pem").display().to_string();
    run(&["account", "import", &missing, "--staging"]).fails(2, &["cannot read", "missing.pem"]);
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    import("key.pem", &key).fails(4, &["127.0.0.1"]);
    run(&["account", "import", &dir.path().join("key.pem").display().to_string()]).fails(2, &["no CA is chosen"]);
}

#[test]
fn an_account_is_a_matter_of_a_ca_that_is_named() {
    for action in ["register", "update", "rollover", "deactivate"] {
        let mut args = vec!["account", action];
        if action == "update" {
            args.extend(["--email", "a@b.example"]);
        }
        run(&args).fails(2, &["no CA is chosen", "--staging"]);
    }
    run(&["account", "update", "--staging"]).fails(2, &["no address is set", "--no-email"]);
    run(&["account", "register", "--issuer", "letsencrip"]).fails(2, &["did you mean \"letsencrypt\"?"]);
    run(&["account", "register", "--staging", "--eab-kid", "x"]).fails(2, &["--eab-kid", "KUBECTL_CERTS_EAB_KEY"]);
    run(&["account", "register", "--directory-url", "http://127.0.0.1:1/dir"]).fails(2, &["not an https URL"]);
    run(&["account", "register", "--directory-url", "https://127.0.0.1:1/dir"])
        .fails(4, &["https://127.0.0.1:1/dir", "cannot be reached"]);
}
