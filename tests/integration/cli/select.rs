//! What is looked at, and what counts.

use serde_json::{Value, json};

use super::{EXAMPLE, Ran, piped, run};
use crate::support::pki::Pki;

fn hosts(more: &[&str]) -> Vec<String> {
    let mut args = EXAMPLE.to_vec();
    args.extend(["--no-headers", "-o", "jsonpath={range .items[*]}{.host}{\"\\n\"}{end}"]);
    args.extend(more);
    run(&args).ends_with(0).out.lines().map(str::to_owned).collect()
}

fn namespaces(more: &[&str]) -> Vec<String> {
    let mut args = EXAMPLE.to_vec();
    args.extend(["-o", "json"]);
    args.extend(more);
    let mut found: Vec<String> = run(&args)
        .ends_with(0)
        .items()
        .iter()
        .map(|item| item["namespace"].as_str().expect("one").to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn namespaces_are_chosen_and_left_out() {
    assert_eq!(namespaces(&[]), ["blog", "edge", "intranet", "roastery", "shop"]);
    assert_eq!(namespaces(&["-n", "shop", "-n", "blog"]), ["blog", "shop"]);
    assert_eq!(namespaces(&["--exclude-namespace", "*o*"]), ["edge", "intranet"]);
    assert_eq!(
        namespaces(&["-A", "--exclude-namespace", "shop", "--exclude-namespace", "b?og"]),
        ["edge", "intranet", "roastery"]
    );
    // Nothing there is no error, and is said.
    let mut args = EXAMPLE.to_vec();
    args.extend(["-n", "nowhere"]);
    let ran = run(&args).ends_with(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("nothing here is served over TLS"), "{}", ran.err);
    let absent = "warning: no manifest has an object in namespace \"nowhere\"\n";
    assert!(ran.err.contains(absent), "{}", ran.err);
    // A misspelled one would pass for one without findings.
    let mut args = EXAMPLE.to_vec();
    args.extend(["-n", "shopp", "-n", "blog"]);
    let said = run(&args).err;
    assert!(said.contains("in namespace \"shopp\"; did you mean shop?\n"), "{said}");
    assert!(!said.contains("\"blog\""), "{said}");
}

#[test]
fn the_namespace_column_is_there_where_it_tells_something() {
    let head = |more: &[&str]| {
        let mut args = EXAMPLE.to_vec();
        args.extend(more);
        run(&args).out.lines().next().expect("a head").starts_with("NAMESPACE")
    };
    assert!(head(&[]));
    assert!(head(&["-A"]));
    assert!(head(&["-n", "shop", "-n", "blog"]));
    assert!(!head(&["-n", "shop"]));
}

#[test]
fn routes_are_chosen_by_name_label_and_secret() {
    assert_eq!(hosts(&["checkout"]), ["checkout.larkspur.example"]);
    assert_eq!(
        hosts(&["ingress/checkout", "ing/gift-cards"]),
        ["checkout.larkspur.example", "giftcards.larkspur.example"]
    );
    assert_eq!(hosts(&["secret/stock-tls"]).len(), 2);
    assert_eq!(hosts(&["gateway/public"]).len(), 4);
    assert_eq!(hosts(&["listenerset/quality"]).len(), 2);
    let chosen = hosts(&["-l", "app.kubernetes.io/name in (checkout, api)"]);
    assert!(!chosen.is_empty() && chosen.len() < 6, "{chosen:?}");
    assert!(hosts(&["-l", "no-such-label"]).is_empty());
    assert_eq!(hosts(&["-l", "!no-such-label"]).len(), 35);
    // Their Secrets are found although the labels are not theirs.
    let mut args = EXAMPLE.to_vec();
    args.extend(["-l", "app.kubernetes.io/name=checkout", "-o", "json"]);
    let ran = run(&args).ends_with(0);
    assert!(
        !ran.out.contains("SecretNotFound") && !ran.out.contains("OrphanSecret"),
        "{}",
        ran.out
    );
}

#[test]
fn findings_are_chosen_by_severity_and_reason() {
    let with = |more: &[&str]| -> Ran {
        let mut args = EXAMPLE.to_vec();
        args.extend(["-q", "-o", "json"]);
        args.extend(more);
        run(&args).ends_with(0)
    };
    let has = |ran: &Ran, host: &str| ran.items().iter().any(|item| item["host"] == host);
    let all = with(&[]);
    assert!(all.err.starts_with("35 hosts: "), "{}", all.err);
    assert!(!all.out.contains("notChosen") && !all.out.contains("ignored"));
    // What is not chosen is left out, and counted.
    let warnings = with(&["--min-severity", "warning"]);
    assert!(!has(&warnings, "chat.intra.larkspur.example"));
    assert_eq!(warnings.verdict("trade.larkspur.example"), "critical HostMismatch");
    assert_eq!(warnings.json()["notChosen"]["items"], 20);
    assert!(
        warnings.err.starts_with("15 hosts: ") && warnings.err.contains(" warning; not chosen: 20 rows"),
        "{}",
        warnings.err
    );
    let expired = with(&["--reason", "Expired"]);
    assert_eq!(expired.verdict("checkout.larkspur.example"), "critical Expired");
    assert!(!has(&expired, "trade.larkspur.example"));
    // A row that is chosen keeps its true status, whatever of it is left out.
    let order = with(&["--reason", "OrderFailed"]);
    assert_eq!(order.verdict("checkout.larkspur.example"), "critical OrderFailed");
    let nothing = with(&["--reason", "NotServed"]);
    assert!(
        nothing.err.starts_with("no row is chosen; not chosen: 35 rows"),
        "{}",
        nothing.err
    );
}

#[test]
fn a_choice_that_leaves_no_row_says_so_as_for_a_reason() {
    for (choice, says) in [
        (
            &["--reason", "NotServed"][..],
            "no row is chosen; not chosen: 35 rows (",
        ),
        (&["--filter", "nonesuch"], "no row is chosen; not chosen: 35 rows ("),
        (&["--filter=-l app=nonesuch"], "no row is chosen; not chosen: 35 rows ("),
        // Healthy Secrets that no route uses expire too.
        (
            &["--between", "1999-01-01..1999-12-31"],
            "no row is chosen; not chosen: 37 rows (",
        ),
        (&["-l", "app=nonesuch"], "no route that -l chooses is served over TLS ("),
    ] {
        let mut args = EXAMPLE.to_vec();
        args.extend(["--fail-on", "info", "--quiet"]);
        args.extend(choice);
        let ran = run(&args).ends_with(0);
        assert_eq!(ran.out, "", "{choice:?}");
        assert!(ran.err.starts_with(says), "{choice:?}: {}", ran.err);
        args.extend(["-o", "json"]);
        let json = run(&args).ends_with(0).json();
        let counted = says.contains("37").then_some(37).or(says.contains("35").then_some(35));
        assert_eq!(json["notChosen"]["items"].as_i64(), counted, "{choice:?}");
    }
    // Each word may say what a row does not have.
    let hosts = |filter: &str| {
        let mut args = EXAMPLE.to_vec();
        args.extend(["--filter", filter, "-o", "json"]);
        run(&args).ends_with(0).items().len()
    };
    let (larkspur, shop) = (hosts("larkspur"), hosts("larkspur shop"));
    assert!(shop > 0 && shop < larkspur);
    assert_eq!(hosts("larkspur !shop"), larkspur - shop);
    assert_eq!(
        hosts("!shop larkspur !blog"),
        larkspur - hosts("larkspur !xyz shop") - hosts("larkspur !shop blog")
    );
    let mut args = EXAMPLE.to_vec();
    args.extend(["--filter", "checkout"]);
    let ran = run(&args).ends_with(0);
    assert!(
        ran.err.contains("1 host: 1 critical; not chosen: 34 rows"),
        "{}",
        ran.err
    );
}

#[test]
fn what_is_excused_stays_and_is_told() {
    let with = |more: &[&str]| -> Ran {
        let mut args = EXAMPLE.to_vec();
        args.extend(more);
        run(&args).ends_with(0)
    };
    for name in ["HostMismatch", "hostmismatch"] {
        let ran = with(&["-o", "json", "--ignore", name]);
        assert_eq!(ran.verdict("trade.larkspur.example"), "healthy -");
        assert_eq!(ran.items().len(), 35, "no row is gone");
        let items = ran.items();
        let trade = items
            .iter()
            .find(|i| i["host"] == "trade.larkspur.example")
            .expect("the row");
        assert_eq!(trade["ignored"][0]["reason"], "HostMismatch");
        assert!(
            trade["ignored"][0]["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        assert!(ran.err.contains("; 1 finding is excused"), "{}", ran.err);
    }
    let table = with(&["--ignore", "HostMismatch"]);
    let row = table
        .out
        .lines()
        .find(|line| line.contains("trade.larkspur"))
        .expect("the row");
    assert!(row.ends_with("(HostMismatch)"), "{row}");
    let status = |more: &[&str]| {
        let mut args = EXAMPLE.to_vec();
        args.extend(["-n", "blog", "--fail-on", "critical"]);
        args.extend(more);
        run(&args).status
    };
    assert_eq!(status(&[]), 1);
    assert_eq!(status(&["--ignore", "MissingIntermediate,SecretNotFound"]), 0);
    // What is chosen and excused is no reason to fail, and does not vanish.
    let both = with(&["--reason", "HostMismatch", "--ignore", "HostMismatch"]);
    assert!(
        both.out.contains("trade.larkspur") && both.out.contains("(HostMismatch)"),
        "{}",
        both.out
    );
    // For test reports and code scanning it is no failure.
    let junit = with(&["-o", "junit", "--ignore", "HostMismatch", "-n", "shop"]);
    assert!(junit.out.contains("excused HostMismatch: "), "{}", junit.out);
    let sarif = with(&["-o", "sarif", "--ignore", "HostMismatch"]);
    assert!(!sarif.out.contains("\"ruleId\": \"HostMismatch\""), "{}", sarif.out);
}

#[test]
fn rows_can_be_folded() {
    let with = |more: &[&str]| -> Ran {
        let mut args = EXAMPLE.to_vec();
        args.extend(more);
        run(&args)
    };
    let table = with(&["--by", "namespace"]).ends_with(0).out;
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("NAMESPACE") && lines[0].contains("ROWS"),
        "{table}"
    );
    assert_eq!(lines.len(), 6, "{table}");
    assert!(
        lines[1].starts_with("shop ") && lines[1].contains("critical") && lines[1].contains("Expired(1)"),
        "{table}"
    );
    let json = with(&["--by", "issuer", "-o", "json"]).ends_with(0).json();
    assert_eq!(
        (json["kind"].as_str(), json["by"].as_str()),
        (Some("StatusGroupList"), Some("issuer"))
    );
    let schema = std::fs::read_to_string(super::root().join("docs/reference/groups.schema.json")).expect("it is there");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let groups = json["items"].as_array().expect("groups");
    let rows: u64 = groups.iter().filter_map(|group| group["rows"].as_u64()).sum();
    assert_eq!(rows, 35);
    assert!(
        groups.iter().any(|group| group["name"].is_null()),
        "those without a certificate: {json:#}"
    );
    let owners = with(&["--by", "owner"]).ends_with(0).out;
    assert!(owners.contains("cert-manager ("), "{owners}");
    let one = with(&["--by", "secret", "-o", "jsonpath={.items[0].status}"])
        .ends_with(0)
        .out;
    assert_eq!(one, "critical");
    with(&["--by", "secret", "-o", "sarif"]).fails(2, &["--by works with"]);
    with(&["--by", "colour"]).fails(2, &["colour"]);
}

#[test]
fn what_is_new_since_a_saved_report_is_told_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let with = |more: &[&str]| -> Ran {
        let mut args = EXAMPLE.to_vec();
        args.extend(more);
        run(&args)
    };
    let saved = super::file(&dir, "saved.json", with(&["-o", "json"]).ends_with(0).out);
    let same = with(&["-q", "--since", &saved, "--fail-on", "info"]).ends_with(0);
    assert_eq!(same.out, "");
    assert!(
        same.err
            .starts_with("nothing is new; since 2026-12-01T00:00:00Z: 35 rows as before, 0 findings gone"),
        "{}",
        same.err
    );
    // Two months later much has expired; what had a warning before has become worse.
    let later = |more: &[&str]| {
        let mut args = vec![
            "status",
            "-f",
            "docs/example",
            "--ca-file",
            "docs/example/root.pem",
            "--at",
            "2027-02-20",
        ];
        args.extend(["--since", saved.as_str()]);
        args.extend(more);
        run(&args)
    };
    let ran = later(&["-o", "json", "--fail-on", "critical"]).ends_with(1);
    let json = ran.json();
    assert!(json["since"]["asBefore"].as_u64().is_some_and(|n| n > 0), "{json:#}");
    assert!(
        ran.items()
            .iter()
            .all(|item| item["findings"].as_array().is_some_and(|found| !found.is_empty()))
    );
    let reasons = |host: &str| ran.verdict(host);
    assert!(
        reasons("api.larkspur.example").contains("Expired"),
        "{}",
        reasons("api.larkspur.example")
    );
    let gone = json["since"]["gone"].as_array().expect("what is gone");
    assert!(
        gone.iter()
            .any(|gone| gone["reason"] == "RenewalDue" && gone["subject"] == "shop: ingress/api: api.larkspur.example"),
        "{gone:#?}"
    );
    assert!(
        later(&[])
            .err
            .contains("gone: shop: ingress/api: api.larkspur.example: RenewalDue")
    );
    // What was expired before is not new.
    assert!(!ran.items().iter().any(|item| {
        item["host"] == "checkout.larkspur.example"
            && item["findings"]
                .as_array()
                .is_some_and(|found| found.iter().any(|f| f["reason"] == "Expired"))
    }));
    let chosen = later(&["--reason", "HostMismatch", "--fail-on", "info"]).ends_with(0);
    assert!(!chosen.err.contains("RenewalDue"), "{}", chosen.err);
    for (name, content, words) in [
        (
            "foreign.json",
            "{\"kind\": \"List\", \"items\": []}",
            "it is not a report",
        ),
        ("text", "hello", "it is not a report"),
        (
            "other.json",
            "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"evaluatedAt\": \"\", \"items\": []}",
            "another kind of document",
        ),
    ] {
        let path = super::file(&dir, name, content);
        with(&["--since", &path]).fails(2, &[words, name, "hint: save one first"]);
    }
    with(&["--since", "/nonexistent/x"]).fails(2, &["--since /nonexistent/x"]);
    // What a label leaves out was not looked at: it is not gone.
    let labelled = with(&["-q", "-l", "no=such", "--since", &saved]).ends_with(0);
    assert!(labelled.err.contains("0 findings gone"), "{}", labelled.err);
}

#[test]
fn what_could_not_be_read_cannot_be_ignored() {
    let mut args = EXAMPLE.to_vec();
    args.extend(["--ignore", "Forbidden"]);
    run(&args).fails(2, &["Forbidden cannot be ignored", "--exclude-namespace"]);
}

#[test]
fn what_is_not_read_is_counted_and_strict_fails_for_it() {
    let object = |api_version: &str, kind: &str, namespace: &str| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": namespace}, "spec": {}});
    let list = |items: Vec<Value>| json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let routes = list(vec![
        object("route.openshift.io/v1", "Route", "shop"),
        object("route.openshift.io/v1", "Route", "blog"),
        object("gateway.networking.k8s.io/v1", "BackendTLSPolicy", "shop"),
        object("v1", "Service", "shop"),
    ]);
    let ran = piped(&routes, &["-o", "json"]).ends_with(0);
    assert_eq!(
        ran.json()["notJudged"],
        json!([
            {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy", "count": 1, "servesHosts": false},
            {"apiVersion": "route.openshift.io/v1", "kind": "Route", "count": 2, "servesHosts": true},
        ])
    );
    for words in [
        "skipped 1 object of other kinds: 1 v1/Service",
        "nothing that was read here is served over TLS",
        "not checked, because these kinds are not read: ",
        "2 Route (route.openshift.io/v1)",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(piped(&routes, &["--fail-on", "info"]).status, 0);
    assert_eq!(piped(&routes, &["--strict"]).status, 3);
    assert_eq!(piped(&routes, &["--strict", "-n", "blog"]).status, 3);
    assert_eq!(piped(&routes, &["--strict", "-n", "other"]).status, 0);
    // The same as YAML, and without what was skipped.
    let yaml = "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: x, namespace: shop}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: x}\n";
    let ran = piped(yaml, &["-q"]).ends_with(0);
    assert!(
        ran.err.contains("1 Route") && !ran.err.contains("skipped"),
        "{}",
        ran.err
    );
    // What serves no host of its own, and what every cluster has, is no reason to fail.
    let quiet = list(vec![
        object("gateway.networking.k8s.io/v1", "BackendTLSPolicy", "shop"),
        object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", ""),
    ]);
    assert_eq!(piped(&quiet, &["--strict"]).status, 0);
}

fn ingress(annotations: &Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
        "spec": {"tls": [{"hosts": ["a.example"], "secretName": "web-tls"}], "rules": [{"host": "a.example"}]},
    })
}

#[test]
fn an_annotation_silences_a_reason_on_its_object_but_nothing_else() {
    let pki = Pki::new();
    let secret = |annotations: &Value| {
        let mut secret = pki.expired(&["a.example", "unused.example"]).secret("web-tls");
        secret["metadata"]["namespace"] = json!("shop");
        secret["metadata"]["annotations"] = annotations.clone();
        secret
    };
    let dir = tempfile::tempdir().expect("a directory");
    let root = super::file(&dir, "root.pem", pki.root_pem());
    let verdict = |route: &Value, held: &Value| {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [ingress(route), secret(held)]});
        piped(&list.to_string(), &["-o", "json", "--ca-file", &root])
            .ends_with(0)
            .verdict("a.example")
    };
    let none = json!({});
    assert_eq!(verdict(&none, &none), "critical Expired,UnusedNames");
    let ignore = json!({"kubectl-certs/ignore": "UnusedNames, ExtraRoot"});
    assert_eq!(verdict(&ignore, &none), "critical Expired");
    assert_eq!(verdict(&none, &ignore), "critical Expired");
    assert_eq!(
        verdict(&json!({"kubectl-certs/ignore": "Expired"}), &none),
        "info UnusedNames"
    );
    assert_eq!(
        verdict(&json!({"kubectl-certs/ignore": "NoSuchReason"}), &none),
        "critical Expired,UnusedNames"
    );
    // A word that excuses nothing is told, wherever it stands, beside those that do.
    let told = |route: &Value, held: &Value| {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [ingress(route), secret(held)]});
        piped(&list.to_string(), &["--ca-file", &root]).ends_with(0).err
    };
    let typo = told(&json!({"kubectl-certs/ignore": "UnusedNames, Expird"}), &none);
    let warning = "warning: the annotation kubectl-certs/ignore of Ingress shop/web excuses nothing: no reason is called \"Expird\"; \
                   the nearest is Expired";
    assert!(typo.contains(warning), "{typo}");
    let held = told(&none, &json!({"kubectl-certs/ignore": "Forbidden"}));
    assert!(
        held.contains("of Secret shop/web-tls excuses nothing: objects that could not be read cannot be excused"),
        "{held}"
    );
    assert!(!told(&ignore, &none).contains("excuses nothing"));
}

#[test]
fn a_certificate_is_due_when_asked() {
    let pki = Pki::new();
    let mut secret = pki.pair(&["a.example"]).secret("web-tls");
    secret["metadata"]["namespace"] = json!("shop");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [ingress(&json!({})), secret]}).to_string();
    let dir = tempfile::tempdir().expect("a directory");
    let root = super::file(&dir, "root.pem", pki.root_pem());
    let with = |more: &[&str]| {
        let mut args = vec!["-o", "json", "--ca-file", root.as_str()];
        args.extend(more);
        piped(&list, &args).ends_with(0).verdict("a.example")
    };
    // It has 80 days of 90 left.
    assert_eq!(with(&[]), "healthy -");
    assert_eq!(with(&["--expiring-within", "30d"]), "healthy -");
    assert_eq!(with(&["--expiring-within", "100d"]), "warning RenewalDue");
    assert_eq!(with(&["--expiring-within", "2400h"]), "warning RenewalDue");
    for (flag, value, words) in [
        ("--expiring-within", "30", "30 what? 30d"),
        ("--probe-timeout", "5", "5 what? 5s"),
    ] {
        let ran = piped(&list, &[flag, value]).ends_with(2);
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}

#[test]
fn a_flag_that_acts_only_with_another_is_not_ignored() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = crate::support::pki::Pki::new();
    let chain = super::file(&dir, "chain.pem", &pki.pair(&["a.example"]).chain);
    let list = lacking("");
    piped(&list, &["--probe-timeout", "1s"])
        .fails(2, &["--probe-timeout has no effect without --probe", "add --probe"]);
    // Who says where to connect means it.
    let connected = piped(
        &list,
        &["--connect", "127.0.0.1:9", "--probe-timeout", "1s", "-o", "wide"],
    )
    .ends_with(0);
    assert!(connected.out.contains("SERVED"), "{}", connected.out);
    for (words, said) in [
        (
            &["show", chain.as_str(), "--servername", "a.example"][..],
            "--servername has no effect",
        ),
        (&["show", &chain, "--probe"], "--probe has no effect"),
        (
            &["show", "secret/web", "--servername", "a.example"],
            "--servername has no effect without HOST:PORT",
        ),
        (
            &["renew", "web", "-f", &chain, "--overwrite-with-staging"],
            "--overwrite-with-staging has no effect without --staging",
        ),
        (
            &["renew", "web", "-f", &chain, "--production", "--overwrite-with-staging"],
            "--overwrite-with-staging has no effect without --staging",
        ),
    ] {
        super::run(words).fails(2, &[said]);
    }
}

#[test]
fn the_settings_that_are_named_count_for_controllers_too_and_may_come_from_a_pipe() {
    let dir = tempfile::tempdir().expect("a directory");
    let class = "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: own}, spec: {controller: example.com/own}}";
    let manifests = super::file(&dir, "all.yaml", lacking(class));
    let settings = super::file(
        &dir,
        "settings.yaml",
        "controllers: {example.com/own: {is: traefik, defaultCertificate: edge/wildcard-tls}}\n",
    );
    let program = super::program().display().to_string();
    let ask = |config: &str| {
        let script = format!("{program} status -f {manifests} -o json {config}");
        let ran = std::process::Command::new("bash")
            .args(["-c", &script])
            .env("HOME", dir.path())
            .output()
            .expect("bash");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let all: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        all["items"].to_string()
    };
    let named = ask(&format!("--config {settings}"));
    assert_ne!(named, ask(""));
    assert_eq!(named, ask(&format!("--config <(cat {settings})")));
}

/// An Ingress whose Secret is not among the manifests, beside another TLS Secret that is.
fn lacking(more: &str) -> String {
    let ingress = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, namespace: shop}, spec: {ingressClassName: own, \
                   tls: [{hosts: [shop.example], secretName: web-tls}], rules: [{host: shop.example}]}}";
    let other =
        "{apiVersion: v1, kind: Secret, metadata: {name: other, namespace: shop}, type: kubernetes.io/tls, data: {}}";
    format!("{ingress}\n---\n{other}\n---\n{more}\n")
}

fn of_shop(ran: &Ran) -> (String, String) {
    let items = ran.items();
    let item = items.iter().find(|item| item["host"] == "shop.example").expect("it");
    let message = item["findings"][0]["message"].as_str().expect("one").to_owned();
    (ran.verdict("shop.example"), message)
}

#[test]
fn what_makes_a_secret_in_the_cluster_is_said_and_fails_no_build() {
    let judged = |more: &str, args: &[&str]| {
        let mut all = vec!["-o", "json"];
        all.extend(args);
        of_shop(&piped(&lacking(more), &all))
    };
    let (verdict, _) = judged("", &[]);
    assert_eq!(verdict, "critical SecretNotFound");
    let sealed = "{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: sealed, namespace: shop}, \
                  spec: {encryptedData: {tls.key: x}, template: {type: kubernetes.io/tls, metadata: {name: web-tls}}}}";
    let encrypted = "{apiVersion: v1, kind: Secret, metadata: {name: web-tls, namespace: shop}, data: {tls.key: 'ENC[x]'}, sops: {version: 3.8.1}}";
    let json = r#"{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "web-tls", "namespace": "shop"}, "spec": {}}"#;
    for (more, says) in [
        (sealed, "created in the cluster by SealedSecret sealed"),
        (encrypted, "which SOPS has encrypted"),
        (json, "created in the cluster by ExternalSecret web-tls"),
    ] {
        let (verdict, message) = judged(more, &[]);
        assert_eq!(verdict, "info SecretNotFound", "{more}");
        assert!(message.contains(says), "{message}");
    }
    let (verdict, message) = judged("", &["--assume-secrets"]);
    assert_eq!(verdict, "info SecretNotFound");
    assert!(
        message.contains("--assume-secrets presumes that it exists"),
        "{message}"
    );
    run(&["status", "--assume-secrets"]).fails(2, &["--filename"]);
}

#[test]
fn a_names_policy_is_that_of_a_settings_file_and_a_rule_that_cannot_be_read_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("settings.yaml");
    for (text, says) in [
        ("email: ops@shop.example\n", "has no policy.names"),
        ("policy: {names: [{names: [\"a b\"]}]}\n", "rule 1 of policy.names"),
    ] {
        std::fs::write(&path, text).expect("a file");
        let policy = ["--policy", path.to_str().expect("UTF-8")];
        run(&[&EXAMPLE[..], &policy].concat()).fails(2, &[says]);
    }
}
