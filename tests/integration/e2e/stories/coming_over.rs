//! From another tool: a Secret that it wrote is taken as it is, after the commands of the guide and not before.

use serde_json::json;

use super::first_steps::world;
use crate::support::{
    cluster::{Namespace, ingress},
    eventually,
    issuing::{Issuing, NODE},
    kubeconfig,
    pages::{commands, page},
    server::Server,
};

/// The command of a page that begins so.
#[track_caller]
fn command(name: &str, begin: &str) -> String {
    let all = commands(&page(&format!("docs/guide/{name}.md")));
    let found = all.into_iter().find(|shown| shown.script.starts_with(begin));
    found.unwrap_or_else(|| panic!("{name} has no {begin}")).script
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_of_certbots_hook_is_kept_until_it_is_due_once_its_annotation_is_gone() {
    let it = Issuing::new("certbot");
    it.settings(&world(&it));
    it.resolver.host("shop.example", &[NODE]);
    // What certbot would have got from the same CA, and the hook that stores it.
    let names = ["issue", "--secret", "web-tls", "-d", "shop.example"];
    it.certs(&names).ends_with(0);
    let hook = "kubectl get secret web-tls -o jsonpath='{.data.tls\\.crt}' | base64 -d >crt
        kubectl get secret web-tls -o jsonpath='{.data.tls\\.key}' | base64 -d >key
        kubectl delete secret web-tls
        kubectl create secret tls web-tls --cert=crt --key=key --dry-run=client -o yaml | kubectl apply -f -";
    let here = it.ns.dir.path().display();
    it.shell(&format!("cd {here}\n{hook}")).run().ends_with(0);
    let before = it.leaf("web-tls").sha256();

    let owned = ["renew", "secret/web-tls", "--production", "--dry-run"];
    let refused = it.plain(&owned).run().ends_with(5);
    assert!(
        refused.err.contains("a manifest that holds the pair"),
        "{}",
        refused.err
    );
    let ensure = command("coming-from-certbot", "kubectl certs ensure --secret web-tls");
    it.follow("docs/guide/coming-from-certbot.md", &ELSEWHERE, |script, out| {
        let is_ensure = script == ensure.trim();
        assert_eq!(is_ensure, out.contains("nothing to do"), "{out}");
    });
    assert_eq!(it.leaf("web-tls").sha256(), before);
    it.plain(&owned).run().ends_with(0);
}

/// What the page has besides: it takes an image, or certbot's files.
pub(super) const ELSEWHERE: [(&str, &str); 3] = [
    (
        "kubectl certs install -n shop --cronjob --secret web-tls -d shop.example --production --image registry.example/kubectl-certs:1",
        "e2e::install has it with an image",
    ),
    (
        "kubectl certs adopt -n shop --from certbot --dry-run
kubectl certs adopt -n shop --from certbot
kubectl certs adopt -n shop --undo",
        "e2e::adopt has them with an installation",
    ),
    (
        "kubectl certs account import /etc/letsencrypt/accounts/acme-v02.api.letsencrypt.org/directory/ACCOUNT/private_key.json --production --dry-run",
        "it takes the key of an account that certbot has",
    ),
];

/// cert-manager's controller, for the namespace alone.
fn cert_manager(ns: &Namespace) -> Server {
    let config = kubeconfig::write(ns.dir.path(), "controller.conf", &kubeconfig::admin());
    let mut command = std::process::Command::new("cert-manager");
    command.arg(config).args([&ns.name, "127.0.0.1:9"]);
    Server::start("cert-manager", ns.dir.path(), &command)
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_of_cert_managers_is_nobodys_after_the_commands_of_the_guide() {
    let it = Issuing::new("from-cm");
    it.settings(&world(&it));
    let host = it.host("web");
    let mut web = ingress("web", &[(&[&host], "web-tls")]);
    web["metadata"]["annotations"] = json!({"cert-manager.io/issuer": "own"});
    it.ns.apply(vec![
        json!({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "own"}, "spec": {"selfSigned": {}}}),
        json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web-tls"},
            "spec": {"secretName": "web-tls", "dnsNames": [host], "issuerRef": {"name": "own"}},
        }),
        web,
    ]);
    let controller = cert_manager(&it.ns);
    eventually("cert-manager's Secret", || {
        let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        let now = it.ns.kubectl(&["get", "certificate", "web-tls", "-o", path]);
        if now == "True" { Ok(()) } else { Err(now) }
    });
    let before = it.leaf("web-tls").sha256();
    let plan = command("coming-from-cert-manager", "kubectl certs renew secret/web-tls");
    let step = |begin: &str| {
        let script = command("coming-from-cert-manager", begin);
        it.shell(&script).run().ends_with(0)
    };
    // The annotation goes, and the reference is looked for, of which there is none.
    let said = step("kubectl annotate ingress web cert-manager.io/cluster-issuer-").out;
    assert!(!said.contains("ownerReferences") && !said.contains("uid"), "{said}");
    step("kubectl delete certificate web-tls");
    drop(controller);
    let still = it.shell(&plan).run();
    assert!(
        still.status != Some(0) && still.out.contains("is owned by cert-manager"),
        "{}",
        still.out
    );
    step("kubectl annotate secret web-tls cert-manager.io/certificate-name-");
    let taken = it.shell(&plan).run().ends_with(0);
    assert!(!taken.out.contains("owned by"), "{}", taken.out);
    assert_eq!(it.leaf("web-tls").sha256(), before);

    // And back: the claim and the request go, and nothing else.
    let annotate = ["annotate", "ingress", "web", "kubernetes.io/tls-acme=true"];
    it.ns.kubectl(&annotate);
    step("kubectl annotate ingress web kubernetes.io/tls-acme-");
    assert_eq!(it.leaf("web-tls").sha256(), before);
}
