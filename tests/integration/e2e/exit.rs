//! Exit statuses, as docs/reference/exit-status.md has them.

use std::time::Duration;

use crate::support::{
    cluster::{Namespace, ingress},
    kubeconfig,
    proxy::{API_SERVER, Proxy},
    run::Call,
    tls,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn findings_change_it_only_where_that_is_asked_for() {
    let ns = Namespace::new("exit");
    let (good, opaque) = (ns.host("good"), ns.host("opaque"));
    ns.apply(vec![
        ns.pki.pair(&[&good]).secret("good"),
        ns.pki.pair(&[&opaque]).secret_of("Opaque", "opaque"),
        ingress("good", &[(&[&good], "good")]),
        ingress("opaque", &[(&[&opaque], "opaque")]),
    ]);
    ns.certs(&["status"]).ends_with(0);
    ns.certs(&["status", "--fail-on", "critical"]).ends_with(0);
    ns.certs(&["status", "--fail-on", "warning"]).ends_with(1);
    ns.certs(&["status", "--fail-on", "info"]).ends_with(1);
    ns.certs(&["status", "--fail-on", "info", "good"]).ends_with(0);
    ns.certs(&["status", "--fail-on", "info", "--ignore", "WrongSecretType"])
        .ends_with(0);
    // Eighty days from now it has expired.
    ns.certs(&["status", "--fail-on", "critical", "--at", "2199-01-01", "good"])
        .ends_with(1);
    ns.kubectl(&["annotate", "ingress", "opaque", "kubectl-certs/ignore=WrongSecretType"]);
    ns.certs(&["status", "--fail-on", "info"]).ends_with(0);
    ns.certs(&["status", "--nonsense"]).ends_with(2);
    ns.certs(&["status", "-l", "a in ("]).ends_with(2);
    ns.certs(&["status", "none"]).ends_with(2);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_cluster_or_namespace_that_is_not_there_is_3() {
    let ns = Namespace::new("absent");
    let run = |call: Call| {
        let ran = call.run().ends_with(3);
        assert_eq!(ran.out, "");
        // What takes longer than a moment is told besides.
        let mut lines = ran.err.lines().filter(|line| !line.starts_with("waiting for "));
        let said = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        assert!(
            said.0.starts_with("error: ") && said.1.starts_with("hint: "),
            "{}",
            ran.err
        );
        assert_eq!(lines.next(), None, "{}", ran.err);
        ran
    };
    let none = run(Call::certs(["status", "-n", "e2e-no-such-namespace"]));
    assert!(none.err.contains("e2e-no-such-namespace"), "{}", none.err);
    run(Call::certs(["status", "--context", "no-such-context"]));
    let refused = run(Call::certs(["status", "--server", "https://127.0.0.1:9"]));
    assert!(
        refused.err.contains("https://127.0.0.1:9") && refused.err.contains("connection refused"),
        "{}",
        refused.err
    );
    assert!(refused.took < Duration::from_secs(5), "{:?}", refused.took);
    let config = kubeconfig::write(
        ns.dir.path(),
        "dns",
        &kubeconfig::with_server("https://nowhere.invalid:6443"),
    );
    let unknown = run(Call::certs(["status"]).env("KUBECONFIG", config));
    // The cluster's network has no DNS.
    assert!(
        unknown.err.contains("DNS gave no answer about its name"),
        "{}",
        unknown.err
    );
    let missing = run(Call::certs(["status"]).env("KUBECONFIG", "/nonexistent/config"));
    assert!(missing.err.contains("/nonexistent/config"), "{}", missing.err);
    // One that accepts and never answers, and one that breaks every connection.
    let server = format!("https://{}", tls::silence());
    let late = run(Call::certs(["status", "--server", &server, "--request-timeout", "1s"]));
    assert!(late.took < Duration::from_secs(6), "{:?}", late.took);
    let proxy = Proxy::to(API_SERVER);
    proxy.break_all();
    run(Call::certs([
        "status",
        "--server",
        &format!("https://{}", proxy.address),
    ]));
    // Something that answers, but not as an API server does.
    let other = run(Call::certs(["status", "--server", "http://127.0.0.1:8080"]));
    assert!(
        other.err.contains("not as a Kubernetes API server does"),
        "{}",
        other.err
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn ctrl_c_is_130_whatever_it_waits_for() {
    let server = format!("https://{}", tls::silence());
    let waiting = Call::certs(["status", "-A", "--server", &server]).start();
    // It says nothing while it waits; give it the time to begin.
    std::thread::sleep(Duration::from_millis(700));
    waiting.interrupt();
    let (status, took) = waiting.end();
    assert_eq!(status, Some(130));
    assert!(took < Duration::from_secs(2), "{took:?}");
}
