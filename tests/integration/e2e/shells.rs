//! Completion of `kubectl certs`, through kubectl itself, as somebody at bash's prompt sees it.

use std::path::Path;

use crate::support::{
    cluster::{Namespace, ingress},
    run::program,
    terminal::Terminal,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn kubectl_offers_the_names_of_the_cluster() {
    let ns = Namespace::new("shells");
    let (shop, other) = (ns.host("shop"), ns.host("other"));
    ns.apply(vec![
        ingress("shop-of-the-day", &[(&[&shop], "shop-tls")]),
        ingress("other", &[(&[&other], "other-tls")]),
        ns.pki.pair(&[&other]).secret("other-tls"),
    ]);
    let dir = ns.dir.path();
    std::os::unix::fs::symlink(program(), dir.join("kubectl-certs")).unwrap();
    let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions/kubectl_complete-certs");
    std::os::unix::fs::symlink(shim, dir.join("kubectl_complete-certs")).unwrap();
    let text = "source /usr/share/bash-completion/bash_completion\nsource <(kubectl completion bash)\nPS1='ready> '\n";
    std::fs::write(dir.join("bashrc"), text).unwrap();
    let here = dir.display();
    let line = format!(
        "(exec env PATH={here}:\"$PATH\" HOME={here} XDG_CACHE_HOME={here}/cache bash --noprofile --rcfile {here}/bashrc -i 2>/dev/tty)"
    );
    let terminal = Terminal::run(120, 20, &line);
    terminal.shows(&["ready>"]);
    let completes = |line: &str, tabs: usize, words: &[&str]| {
        terminal.type_text(line);
        terminal.shows(&[line.trim_end()]);
        terminal.press(&vec!["Tab"; tabs]);
        terminal.shows(words);
        terminal.press(&["C-u", "C-l"]);
        terminal.until("an empty prompt", |screen| screen.trim_end() == "ready>");
    };
    let namespace = &ns.name;
    completes("kubectl certs rene", 1, &["kubectl certs renew"]);
    completes(
        &format!("kubectl certs renew -n {namespace} "),
        2,
        &["shop-of-the-day", "other", "secret/shop-tls"],
    );
    completes(
        &format!("kubectl certs renew -n {namespace} sho"),
        1,
        &["shop-of-the-day"],
    );
    completes(
        &format!("kubectl certs status -n {}", &namespace[..namespace.len() - 2]),
        1,
        &[namespace],
    );
    // Only what has a pair before it can be rolled back.
    let kept = kubectl_certs::apply::backup::key(&kubectl_certs::object::Key::new(namespace.as_str(), "other-tls"));
    let mut backup = ns.pki.pair(&[&other]).secret_of("kubectl-certs.io/backup", &kept.name);
    backup["metadata"]["labels"] = serde_json::json!({
        "app.kubernetes.io/managed-by": "kubectl-certs", "kubectl-certs.io/purpose": "backup",
    });
    backup["metadata"]["annotations"] = serde_json::json!({
        "kubectl-certs.io/for": format!("{namespace}/other-tls"), "kubectl-certs.io/expires": "2099-01-01T00:00:00Z",
        "kubectl-certs.io/secret-keys": "[\"tls.crt\",\"tls.key\"]",
    });
    ns.apply(vec![backup, ns.pki.pair(&[&shop]).secret("shop-tls")]);
    completes(
        &format!("kubectl certs rollback -n {namespace} "),
        1,
        &[&format!("rollback -n {namespace} other-tls")],
    );
}
