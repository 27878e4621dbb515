//! What monitoring sees of the controller: its metrics, as promtool reads them, and its health.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use regex::Regex;
use serde_json::{Value, json};

use crate::support::{
    controller::{asking, installed, resume, until_stored},
    eventually,
    issuing::Issuing,
    run::Running,
    server::{Server, curl, free_port},
};

/// Asks the controller. `None` if it does not listen yet.
fn ask(port: u16, path: &str, accept: &str) -> Option<(u16, String)> {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: {accept}\r\n\r\n");
    tcp.write_all(request.as_bytes()).ok()?;
    let mut said = String::new();
    tcp.read_to_string(&mut said).ok()?;
    let status = said.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = said.split_once("\r\n\r\n")?;
    Some((status, body.to_owned()))
}

/// Waits for a status and a body with some words.
#[track_caller]
fn until(port: u16, path: &str, status: u16, words: &[&str]) -> String {
    eventually(&format!("{status} of {path} with {words:?}"), || {
        match ask(port, path, "*/*") {
            Some((is, body)) if is == status && words.iter().all(|word| body.contains(word)) => Ok(body),
            other => Err(format!("{other:?}")),
        }
    })
}

/// Runs promtool with an input. It ends with 0, or the test fails with what it said.
#[track_caller]
pub(super) fn promtool(args: &[&str], input: &str) {
    let mut child = Command::new("promtool")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, which tests/testbed/build gets");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
    );
    assert!(ended.status.success(), "promtool {args:?}: {out}\n{err}\n{input}");
    assert_eq!(err.trim(), "", "promtool {args:?}");
}

pub(super) fn plugin(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin").join(path)
}

/// The words of an expression that name a metric.
fn named(expression: &str) -> BTreeSet<String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = expression.split(|c: char| !is_of_name(c));
    let own = ["certs_", "ca_", "process_"];
    words
        .filter(|word| own.iter().any(|lead| word.starts_with(lead)))
        .map(str::to_owned)
        .collect()
}

/// The metrics of the rules and of the dashboard.
fn used() -> BTreeSet<String> {
    let rules = std::fs::read_to_string(plugin("alerts/kubectl-certs.rules.yaml")).unwrap();
    // An expression is on the line of `expr` or indented below it; summaries name no metric.
    let mut all: BTreeSet<String> = rules
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', 's', 'd']))
        .flat_map(named)
        .collect();
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(plugin("dashboard.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 12, "{}", panels.len());
    for target in panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap()) {
        let of = named(target["expr"].as_str().unwrap());
        assert!(!of.is_empty(), "{target}");
        all.extend(of);
    }
    all
}

/// The names of the samples of a scrape.
fn samples(scrape: &str) -> BTreeSet<String> {
    let lines = scrape.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| Some(line.split(['{', ' ']).next()?.to_owned()))
        .collect()
}

/// A Prometheus that scrapes a controller each second and evaluates the shipped rules.
struct Prometheus {
    server: Server,
    url: String,
    _dir: tempfile::TempDir,
}

impl Prometheus {
    fn of(controller: u16) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let rules = plugin("alerts/kubectl-certs.rules.yaml");
        let config = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [rules.to_str().unwrap()],
            "scrape_configs": [{
                "job_name": "certs", "static_configs": [{"targets": [format!("127.0.0.1:{controller}")]}],
            }],
        });
        std::fs::write(dir.path().join("prometheus.yml"), config.to_string()).unwrap();
        let mut command = Command::new("prometheus");
        command.args([
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            &format!("--web.listen-address=127.0.0.1:{port}"),
        ]);
        let mut server = Server::start("prometheus", dir.path(), &command);
        let url = format!("http://127.0.0.1:{port}");
        server.wait_until(|| curl(&[&format!("{url}/-/ready")]).is_ok());
        Self { server, url, _dir: dir }
    }

    /// The series that an expression gives now. One that does not parse is an error.
    fn query(&self, expression: &str) -> Result<usize, String> {
        let asked = format!("query={expression}");
        let answer = curl(&["--data-urlencode", &asked, &format!("{}/api/v1/query", self.url)])?;
        let answer: Value = serde_json::from_str(&answer).map_err(|error| format!("{error}: {answer}"))?;
        let series = answer["data"]["result"].as_array();
        series.map(Vec::len).ok_or_else(|| answer.to_string())
    }

    /// The name and the expression of each rule, of which none has failed.
    #[track_caller]
    fn rules(&self) -> Vec<(String, String)> {
        eventually("each rule to be evaluated", || {
            let answer = curl(&[&format!("{}/api/v1/rules", self.url)])?;
            let answer: Value = serde_json::from_str(&answer).map_err(|error| format!("{error}: {answer}"))?;
            let rules = answer["data"]["groups"][0]["rules"]
                .as_array()
                .ok_or_else(|| answer.to_string())?;
            let text = |rule: &Value, field: &str| rule[field].as_str().unwrap_or_default().to_owned();
            if rules.is_empty() || rules.iter().any(|rule| rule["health"] != "ok") {
                return Err(answer.to_string());
            }
            Ok(rules
                .iter()
                .map(|rule| (text(rule, "name"), text(rule, "query")))
                .collect())
        })
    }

    /// Waits until an expression gives something, or holds that it gives nothing.
    #[track_caller]
    fn gives(&self, name: &str, expression: &str, is_something: bool) {
        eventually(&format!("{name}: {expression}"), || match self.query(expression) {
            Ok(count) if (count > 0) == is_something => Ok(()),
            other => Err(format!("{other:?}\n{}", self.server.log())),
        });
    }
}

/// Rules and panels of which a healthy installation with one CA has no samples.
const EMPTY: [&str; 5] = [
    "KubectlCertsControllerAbsent",
    "KubectlCertsRolledBack",
    "KubectlCertsNoOtherCertificateAuthority",
    "KubectlCertsChangeRehearsalFailed",
    "KubectlCertsControllerPaused",
];

/// Prometheus reads what rules and panels ask for, and nothing is alerted.
fn prometheus_reads_what_rules_and_panels_are_about(port: u16) {
    let prometheus = Prometheus::of(port);
    prometheus.gives("the scrape", "certs_leader == 1", true);
    let comparison = Regex::new(r"\s(<|>|==)\s*[0-9.* ]+$").unwrap();
    for (name, expression) in prometheus.rules() {
        let is_something = !EMPTY.contains(&name.as_str());
        // Without its bound, it is about something; with it, nothing is wrong.
        let compared = comparison.replace(&expression, "");
        assert!(
            compared != expression || name == "KubectlCertsControllerAbsent",
            "{name}: {expression}"
        );
        prometheus.gives(&name, &compared, is_something);
        prometheus.gives(&name, &expression, false);
    }
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(plugin("dashboard.json")).unwrap()).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        let name = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().unwrap() {
            // As Grafana fills in the choice of all jobs.
            let expression = target["expr"].as_str().unwrap().replace("$job", ".+");
            prometheus.gives(name, &expression, !EMPTY.contains(&name));
        }
    }
}

/// A controller that listens, for an issuer whose limits are known.
fn start(it: &Issuing, listen: &str) -> Running {
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    let ca = ca.display();
    let limits = "rateLimits: {orders: 300, certificatesPerDomain: 50}";
    it.settings(&format!(
        "issuers:\n  own:\n    directory: {url}\n    caFile: {ca}\n    agreeTos: true\n    {limits}\n"
    ));
    let account = format!("{}/account", it.ns.name);
    let (resolver, advertise) = (it.resolver.ip().to_string(), it.advertise());
    let root = it.pebble.root_file().to_str().unwrap();
    let args = [
        "controller",
        "--issuer",
        "own",
        "--account-secret",
        &account,
        "--ca-file",
        root,
        "--resolver",
        &resolver,
        "--advertise",
        &advertise,
        "--listen",
        listen,
    ];
    it.plain(&args).start()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn monitoring_sees_an_account_that_is_missing_a_pause_and_an_order() {
    let it = Issuing::new("metrics");
    let host = it.host("shop");
    it.ns.apply(vec![asking("shop", &[&host])]);
    it.plain(&["pause", "--reason", "not yet"]).run().ends_with(0);
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let running = start(&it, &listen);
    // Without an account it is healthy and not ready: a new process would have none either.
    until(port, "/readyz", 503, &["AccountMissing"]);
    until(port, "/healthz", 200, &["waits for an account"]);
    let before = until(port, "/metrics", 200, &["certs_account_missing 1"]);
    assert!(!before.contains("certs_leader"), "{before}");
    // A port that is taken is told at once.
    let second = start(&it, &listen);
    second
        .err
        .after(0, &[&format!("cannot listen on {listen} for /metrics")]);
    assert_eq!(second.end().0, Some(2));
    installed(&it);
    until(port, "/readyz", 200, &["ok"]);
    let paused = until(port, "/metrics", 200, &["certs_account_missing 0", "certs_paused 1"]);
    promtool(&["check", "metrics"], &paused);
    resume(&it);
    until_stored(&it, "shop-tls", &[&host], &running);
    let issued = "certs_orders_total{result=\"issued\"} 1";
    let ordered = until(port, "/metrics", 200, &[issued, "certs_paused 0", "certs_leader 1"]);
    promtool(&["check", "metrics"], &ordered);
    let named = format!(
        "certs_expiry_timestamp_seconds{{namespace=\"{}\",secret=\"shop-tls\"}}",
        it.ns.name
    );
    assert!(
        ordered.contains(&named) && ordered.contains("certs_life_left_ratio_count 1"),
        "{ordered}"
    );
    let (_, open) = ask(port, "/metrics", "application/openmetrics-text; version=1.0.0").unwrap();
    assert!(open.ends_with("# EOF\n"), "{open}");
    // Rules and dashboard are about what there is.
    let rules = plugin("alerts/kubectl-certs.rules.yaml");
    promtool(&["check", "rules", rules.to_str().unwrap()], "");
    promtool(&["test", "rules", plugin("alerts/tests.yaml").to_str().unwrap()], "");
    let there: BTreeSet<String> = samples(&paused).into_iter().chain(samples(&ordered)).collect();
    // Of these, only an installation with a second CA has samples; unit tests hold them.
    let of_others = ["certs_change_rehearsal_passed", "certs_no_other_ca"];
    let missing: Vec<String> = used()
        .difference(&there)
        .filter(|name| !of_others.contains(&name.as_str()))
        .cloned()
        .collect();
    assert!(missing.is_empty(), "{missing:?} not in {there:?}");
    prometheus_reads_what_rules_and_panels_are_about(port);
    until(port, "/healthz", 200, &["ok"]);
    running.interrupt();
    running.end();
    assert_eq!(ask(port, "/healthz", "*/*"), None);
}
