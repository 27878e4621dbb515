//! What `install` writes, on a real API server: it is admitted, it is enough to renew with, and it is no more.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, ingress, kubectl},
    controller::{asking, exists},
    dns::PowerDns,
    eventually,
    issuing::Issuing,
    run::{Call, Ran, program},
};

/// An image that no node has: what is looked at is not whether it runs.
pub(super) const NO_IMAGE: &str = "testbed.local/none:1";

/// Removes what is cluster-wide when a test ends, however it ends.
pub(super) struct Wide(pub(super) String);

impl Drop for Wide {
    fn drop(&mut self) {
        let kinds = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings";
        let label = format!("app.kubernetes.io/instance={}", self.0);
        // Its namespace goes later, and until then it would follow what others follow.
        drop(
            Call::kubectl([
                "delete",
                "deployment",
                "-n",
                &self.0,
                "-l",
                &label,
                "--ignore-not-found",
            ])
            .run(),
        );
        drop(Call::kubectl(["delete", kinds, "-l", &label, "--ignore-not-found"]).run());
    }
}

fn install(namespace: &str, more: &[&str]) -> Ran {
    let args = ["install", "--yes", "-n", namespace, "--image", NO_IMAGE];
    Call::certs([&args[..], more].concat()).run()
}

fn user(namespace: &str) -> String {
    format!("system:serviceaccount:{namespace}:kubectl-certs")
}

/// A question about a right: the verb, the kind as `PLURAL.GROUP/NAME`, the namespace (empty: all).
type Question<'a> = (&'a str, &'a str, &'a str);

/// Which of these things a user may do, by its roles: what `kubectl auth can-i` asks, all at once.
#[track_caller]
fn may(user: &str, questions: &[Question<'_>]) -> Vec<String> {
    let reviews: Vec<Value> = questions
        .iter()
        .map(|(verb, what, namespace)| {
            let (kind, name) = what.split_once('/').unwrap_or((what, ""));
            let (plural, group) = kind.split_once('.').unwrap_or((kind, ""));
            json!({
                "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                "spec": {"user": user, "resourceAttributes": {
                    "verb": verb, "group": group, "resource": plural, "name": name, "namespace": namespace,
                }},
            })
        })
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": reviews});
    let ran =
        Call::kubectl(["create", "-f", "-", "-o", "jsonpath={.status.allowed} "]).run_with(list.to_string().as_bytes());
    let answers: Vec<&str> = ran.out.split_whitespace().collect();
    assert_eq!(answers.len(), questions.len(), "{}{}", ran.out, ran.err);
    let allowed = questions.iter().zip(answers).filter(|(_, answer)| *answer == "true");
    allowed
        .map(|((verb, what, namespace), _)| format!("{verb} {what} {namespace}"))
        .collect()
}

#[track_caller]
fn assert_rights(user: &str, has: &[Question<'_>], lacks: &[Question<'_>]) {
    let all: Vec<Question<'_>> = has.iter().chain(lacks).copied().collect();
    let expected: Vec<String> = has
        .iter()
        .map(|(verb, what, namespace)| format!("{verb} {what} {namespace}"))
        .collect();
    assert_eq!(may(user, &all), expected);
}

/// Sends objects as the account of an installation; the server judges and stores them.
fn send(installation: &str, verb: &str, object: &Value) -> Ran {
    let user = format!("--as={}", user(installation));
    Call::kubectl([verb, &user, "-f", "-"]).run_with(object.to_string().as_bytes())
}

#[allow(clippy::needless_pass_by_value)] // They are made at the place of use.
fn secret(namespace: &str, name: &str, kind: &str, metadata: Value, data: Value) -> Value {
    let mut object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "stringData": data,
    });
    object["metadata"]["namespace"] = namespace.into();
    object["metadata"]["name"] = name.into();
    object
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_is_printed_is_what_is_installed_and_a_second_time_nothing_changes() {
    let ns = Namespace::alone("install");
    let name = ns.name.as_str();
    let _wide = Wide(name.to_owned());
    let print = ["install", "--print", "-n", name, "--image", NO_IMAGE];
    let printed = Call::certs(print).run().ends_with(0);
    let again = Call::certs(print).run().ends_with(0);
    assert_eq!(printed.out, again.out);
    assert!(!printed.out.contains("kind: Secret\n"), "{}", printed.out);
    let applied = Call::kubectl(["apply", "-f", "-"]).run_with(printed.out.as_bytes());
    assert_eq!(applied.status, Some(0), "{}", applied.err);
    // Only the place for an account is missing, which is nobody's to print.
    let ran = install(name, &[]).ends_with(0);
    assert!(
        ran.out.contains(&format!("create Secret {name}/account")),
        "{}",
        ran.out
    );
    // The policy gets the id of the installation.
    assert!(ran.err.contains("0 created, 1 changed"), "{}\n{}", ran.out, ran.err);
    let ran = install(name, &[]).ends_with(0);
    assert!(ran.err.contains("nothing to change"), "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("orders nothing until it is told"), "{}", ran.err);

    // Another one would order for the same routes.
    let other = Namespace::new("install-other");
    let ran = install(&other.name, &[]).ends_with(2);
    assert!(ran.err.contains("follows all namespaces too"), "{}", ran.err);
    let ran = install(&other.name, &["--namespaced", "shop"]).ends_with(2);
    assert!(ran.err.contains("follows namespace shop too"), "{}", ran.err);

    // What it may do, and what it may not.
    assert_rights(
        &user(name),
        &[
            ("list", "secrets", ""),
            ("watch", "ingresses.networking.k8s.io", ""),
            ("patch", "secrets", ""),
            ("create", "ingresses.networking.k8s.io", "default"),
            ("update", "secrets/account", name),
            ("update", "leases.coordination.k8s.io/kubectl-certs-controller", name),
            ("get", "configmaps/config", name),
            ("create", "configmaps", name),
            ("update", "configmaps/kubectl-certs-state-07", name),
        ],
        &[
            ("create", "pods", "default"),
            ("patch", "deployments.apps", "default"),
            ("create", "clusterroles.rbac.authorization.k8s.io", ""),
            ("update", "configmaps/config", name),
            ("delete", "configmaps/kubectl-certs-state-07", name),
            ("list", "configmaps", name),
            ("create", "configmaps", "default"),
            ("get", "configmaps/other", name),
            ("create", "serviceaccounts", name),
            ("list", "nodes", ""),
            ("impersonate", "users", ""),
        ],
    );
    fenced(name, &other.name);

    // Uninstalled, nothing of it is left but the account.
    let ran = Call::certs(["uninstall", "--yes", "-n", name]).run().ends_with(0);
    assert!(ran.err.contains(&format!("Secret {name}/account stays")), "{}", ran.err);
    let label = format!("app.kubernetes.io/instance={name}");
    let kinds = "deployments,services,roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts,configmaps,networkpolicies,pdb,leases,\
                 validatingadmissionpolicies,validatingadmissionpolicybindings";
    eventually("everything to be gone", || {
        let left = kubectl(&["get", kinds, "-A", "-l", &label, "-o", "name"]);
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
    kubectl(&["get", "secret", "account", "-n", name]);
    let stored = "kubectl-certs.io/purpose=state";
    assert_eq!(
        kubectl(&["get", "configmaps", "-n", name, "-l", stored, "-o", "name"]),
        ""
    );
    let ran = Call::certs(["uninstall", "--yes", "-n", name]).run().ends_with(0);
    assert!(ran.err.contains("nothing is installed"), "{}", ran.err);
}

/// The API server keeps the account from writing what its roles permit.
#[track_caller]
#[allow(clippy::too_many_lines)] // It is a list of requests.
fn fenced(name: &str, shop: &str) {
    let pair = || json!({"tls.crt": "a", "tls.key": "b"});
    let noted = "jsonpath={.metadata.annotations.kubectl-certs\\.io/install}";
    let id = kubectl(&["get", "secret", "account", "-n", name, "-o", noted]);
    let claim = || json!({"annotations": {"kubectl-certs.io/claim": id}});
    let purpose =
        || json!({"labels": {"kubectl-certs.io/purpose": "journal", "app.kubernetes.io/managed-by": "kubectl-certs"}});
    kubectl(&[
        "create",
        "secret",
        "generic",
        "database",
        "-n",
        shop,
        "--from-literal=password=x",
    ]);
    kubectl(&[
        "create",
        "secret",
        "generic",
        "pair",
        "-n",
        shop,
        "--from-literal=tls.crt=x",
        "--from-literal=other=y",
    ]);
    // A policy that has just been written is not in force at once.
    eventually("the policy", || {
        let others = json!({"annotations": {"kubectl-certs.io/claim": "another"}});
        let foreign = secret(shop, "foreign", "kubernetes.io/tls", others, pair());
        let ran = send(name, "create", &foreign);
        if ran.status == Some(0) {
            kubectl(&["delete", "secret", "foreign", "-n", shop]);
            return Err(ran.out);
        }
        if ran.err.contains("kubectl-certs.io/claim") {
            Ok(())
        } else {
            Err(ran.err)
        }
    });
    let create = |object: &Value| send(name, "create", object);
    let patch = |secret: &str, patch: Value| {
        let user = format!("--as={}", user(name));
        Call::kubectl([
            "patch",
            "secret",
            secret,
            "-n",
            shop,
            &user,
            "--type=merge",
            "-p",
            &patch.to_string(),
        ])
        .run()
    };
    let objects = [
        (secret(shop, "one", "kubernetes.io/tls", claim(), pair()), true),
        (secret(shop, "two", "Opaque", claim(), pair()), true),
        (
            secret(shop, "three", "Opaque", purpose(), json!({"journal": "x"})),
            true,
        ),
        (secret(shop, "four", "kubernetes.io/tls", json!({}), pair()), false),
        (secret(shop, "five", "Opaque", claim(), json!({"password": "x"})), false),
        (
            secret(
                shop,
                "six",
                "kubernetes.io/basic-auth",
                purpose(),
                json!({"username": "x"}),
            ),
            false,
        ),
        (secret(name, "account", "Opaque", purpose(), json!({"x": "y"})), false),
    ];
    let items: Vec<&Value> = objects.iter().map(|(object, _)| object).collect();
    let ran = create(&json!({"apiVersion": "v1", "kind": "List", "items": items}));
    for (object, allowed) in &objects {
        let name = object["metadata"]["name"].as_str().unwrap();
        let refused = ran
            .err
            .contains(&format!("\"{name}\" is forbidden: ValidatingAdmissionPolicy"));
        assert_eq!(
            (refused, ran.out.contains(&format!("secret/{name} created"))),
            (!allowed, *allowed),
            "{name}: {}",
            ran.err
        );
    }
    // Another's Secret is not made a pair, nor one of its own; of a pair no more than the pair is written.
    let claimed = json!({"kubectl-certs.io/claim": id});
    for (name, change, allowed) in [
        (
            "database",
            json!({"metadata": {"annotations": claimed}, "stringData": {"tls.crt": "x"}}),
            false,
        ),
        ("database", json!({"metadata": purpose()}), false),
        ("database", json!({"stringData": {"password": "y"}}), false),
        (
            "pair",
            json!({"metadata": {"annotations": claimed}, "stringData": {"other": "z"}}),
            false,
        ),
        (
            "pair",
            json!({"metadata": {"annotations": claimed, "labels": {"a": "b"}}}),
            false,
        ),
        (
            "pair",
            json!({"metadata": {"annotations": {"kubectl-certs.io/claim": id, "other": "y"}}}),
            false,
        ),
        ("pair", json!({"stringData": {"tls.crt": "y"}}), false),
        (
            "pair",
            json!({"metadata": {"annotations": claimed}, "stringData": {"tls.crt": "y", "tls.key": "z"}}),
            true,
        ),
        ("one", json!({"stringData": {"tls.crt": "y"}}), true),
        // What the CA says of the next renewal is written with the pair.
        (
            "one",
            json!({"metadata": {"annotations": {"kubectl-certs/renewal-window": "y"}}, "stringData": {"tls.crt": "z"}}),
            true,
        ),
        (
            "one",
            json!({"metadata": {"annotations": {"kubectl-certs/ignore": "Expired"}}}),
            false,
        ),
    ] {
        let ran = patch(name, change.clone());
        assert_eq!(ran.status == Some(0), allowed, "{name} {change}: {}", ran.err);
    }
    // It deletes only its own, and makes only what is marked as its own.
    let delete = |kind: &str, of: &str, at: &str| {
        let user = format!("--as={}", user(name));
        Call::kubectl(["delete", kind, of, "-n", at, &user]).run().status == Some(0)
    };
    let ran = Call::kubectl([
        "delete",
        "secret",
        "three",
        "one",
        "database",
        "-n",
        shop,
        &format!("--as={}", user(name)),
    ])
    .run();
    assert!(
        ran.out.contains("\"three\" deleted") && !ran.out.contains("\"one\""),
        "{}",
        ran.out
    );
    for of in ["one", "database"] {
        assert!(ran.err.contains(&format!("\"{of}\" is forbidden")), "{}", ran.err);
    }
    assert!(!delete("lease", "kubectl-certs-controller", name));
    let route = ingress("web", &[(&["web.example"], "web-tls")]);
    let with = |metadata: Value| {
        let mut route = route.clone();
        route["metadata"] = metadata;
        route["metadata"]["namespace"] = shop.into();
        route["metadata"]["name"] = "web".into();
        route
    };
    let ran = create(&with(json!({})));
    assert!(ran.err.contains("makes only objects with the label"), "{}", ran.err);
    let map = |metadata: Value| {
        let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}});
        map["metadata"]["namespace"] = name.into();
        map["metadata"]["name"] = "kubectl-certs-state-07".into();
        map
    };
    let ran = create(&map(json!({})));
    assert!(ran.err.contains("makes only objects with the label"), "{}", ran.err);
    let state =
        json!({"labels": {"kubectl-certs.io/purpose": "state", "app.kubernetes.io/managed-by": "kubectl-certs"}});
    assert_eq!(create(&map(state)).status, Some(0));
    assert_eq!(create(&with(purpose())).status, Some(0));
    assert!(delete("ingress", "web", shop));
    // Others are not kept from anything.
    kubectl(&["delete", "secret", "one", "-n", shop]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn two_installations_live_side_by_side_and_one_goes_without_the_other() {
    let (one, two) = (Namespace::new("install-one"), Namespace::new("install-two"));
    let _wide = (Wide(one.name.clone()), Wide(two.name.clone()));
    let (shop, blog) = (Namespace::new("install-shop"), Namespace::new("install-blog"));
    install(&one.name, &["--namespaced", &shop.name]).ends_with(0);
    let both = format!("{},{}", shop.name, blog.name);
    let ran = install(&two.name, &["--namespaced", &both]).ends_with(2);
    assert!(
        ran.err.contains(&format!("follows namespace {} too", shop.name)),
        "{}",
        ran.err
    );
    install(&two.name, &["--namespaced", &blog.name]).ends_with(0);
    // Each has rights where it follows, and nowhere else.
    for (who, here, there) in [(&one, &shop, &blog), (&two, &blog, &shop)] {
        let rights = |namespace| {
            [
                ("list", "secrets"),
                ("patch", "secrets"),
                ("create", "ingresses.networking.k8s.io"),
            ]
            .map(|(verb, what)| (verb, what, namespace))
        };
        let mut has = rights(here.name.as_str()).to_vec();
        has.push(("list", "ingressclasses.networking.k8s.io", ""));
        let mut lacks = rights(there.name.as_str()).to_vec();
        lacks.push(("list", "secrets", ""));
        assert_rights(&user(&who.name), &has, &lacks);
    }
    // What somebody else has made is not written.
    let foreign = Namespace::new("install-foreign");
    foreign.kubectl(&["create", "serviceaccount", "kubectl-certs"]);
    let ran = install(&foreign.name, &["--namespaced", &foreign.name]).ends_with(2);
    assert!(
        ran.err.contains("ServiceAccount") && ran.err.contains("nothing was written"),
        "{}",
        ran.err
    );

    let state = |of: &Namespace| {
        let label = format!("app.kubernetes.io/instance={}", of.name);
        let kinds = "deployments,leases,roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts,configmaps,\
                     networkpolicies,services,pdb,validatingadmissionpolicies,validatingadmissionpolicybindings";
        let path =
            "jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name} {.metadata.uid}{\"\\n\"}{end}";
        kubectl(&["get", kinds, "-A", "-l", &label, "-o", path])
    };
    // What its controller has made and keeps, which no label of the installation tells.
    let kept = |of: &Namespace| {
        let path = "jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{\"\\n\"}{end}";
        of.kubectl(&["get", "secrets,configmaps,leases,ingresses,services", "-o", path])
    };
    for of in [&one, &two] {
        of.apply(made_meanwhile());
    }
    let secrets = one.kubectl(&["get", "secrets", "-o", "name"]);
    assert_eq!(secrets.lines().count(), 3, "{secrets}");
    let before = (state(&two), kept(&two));
    assert!(before.0.lines().count() > 14, "{before:?}");
    let dry = Call::certs(["uninstall", "--dry-run", "-n", &one.name])
        .run()
        .ends_with(0);
    assert!(
        dry.out.contains(&format!(
            "would remove Role {}/kubectl-certs-{}-write",
            shop.name, one.name
        )),
        "{}",
        dry.out
    );
    let ran = Call::certs(["uninstall", "--yes", "-n", &one.name]).run().ends_with(0);
    assert!(!ran.out.contains(&two.name), "{}", ran.out);
    assert_eq!(state(&one), "", "{}", ran.out);
    assert_eq!((state(&two), kept(&two)), before);
    // Of its own, what certificates are put back from stays, and so does the account.
    assert_eq!(one.kubectl(&["get", "secrets", "-o", "name"]), secrets);
    let left = kept(&one);
    assert!(!left.contains("state-07") && !left.contains("standing"), "{left}");
}

/// What the controller of an installation makes in its own namespace: an order under way, a kept pair, what it says, and a route
/// that stays. The account is there.
fn made_meanwhile() -> Vec<Value> {
    let marked = |kind: &str, version: &str, purpose: &str, rest: Value| {
        let mut object = rest;
        object["apiVersion"] = version.into();
        object["kind"] = kind.into();
        object["metadata"] = json!({
            "name": format!("kubectl-certs-{purpose}-07"),
            "labels": {"app.kubernetes.io/managed-by": "kubectl-certs", "kubectl-certs.io/purpose": purpose},
        });
        object
    };
    vec![
        marked("Secret", "v1", "kept", json!({})),
        marked("Secret", "v1", "journal", json!({})),
        marked("ConfigMap", "v1", "state", json!({})),
        marked("Service", "v1", "standing", json!({"spec": {"ports": [{"port": 80}]}})),
    ]
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn cert_managers_default_issuer_is_told_before_anything_is_written() {
    // While its Deployment is there, nobody can install anything in this cluster.
    let ns = Namespace::alone("install-shim");
    let _wide = Wide(ns.name.clone());
    let cert_manager = |args: Value| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cert-manager"},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "cert-manager"}}, "template": {
                "metadata": {"labels": {"app": "cert-manager"}},
                "spec": {
                    "containers": [{
                        "name": "controller", "image": "quay.io/jetstack/cert-manager-controller:v1.21.2", "args": args,
                        "volumeMounts": [{"name": "config", "mountPath": "/var/cert-manager/config"}],
                    }],
                    "volumes": [{"name": "config", "configMap": {"name": "cert-manager"}}],
                },
            }},
        })
    };
    let own = ["--namespaced", ns.name.as_str()];
    for args in [
        json!(["--default-issuer-name=letsencrypt"]),
        json!(["--config=/var/cert-manager/config/config.yaml"]),
    ] {
        ns.apply(vec![
            cert_manager(args),
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cert-manager"},
                "data": {"config.yaml": "ingressShimConfig: {defaultIssuerName: letsencrypt}\n"},
            }),
        ]);
        let ran = install(&ns.name, &own).ends_with(2);
        assert!(ran.err.contains("default issuer letsencrypt"), "{}", ran.err);
        assert_eq!(
            ns.kubectl(&["get", "serviceaccounts", "kubectl-certs", "--ignore-not-found"]),
            ""
        );
    }
    ns.apply(vec![cert_manager(json!(["--v=2"]))]);
    install(&ns.name, &own).ends_with(0);
}

#[track_caller]
fn run(command: &mut Command) {
    let ran = command.output().expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Puts an image into the node: there is no registry to pull one from.
#[track_caller]
fn import(archive: &Path) {
    let config = std::env::var_os("KUBECONFIG").expect("the testbed's");
    // run/pki/admin.conf of the testbed.
    let run_directory = Path::new(&config).ancestors().nth(2).expect("run").to_owned();
    let socket = run_directory.join("containerd/containerd.sock");
    run(Command::new("ctr")
        .arg("-a")
        .arg(socket)
        .args(["-n", "k8s.io", "images", "import"])
        .arg(archive));
}

/// A DNS provider, and the Secrets `dns` and `powerdns` with the settings for its zone.
fn powerdns(it: &Issuing, zone: &str) -> PowerDns {
    let (server, settings) = it.powerdns(&[zone]);
    let settings = json!({"config.yaml": settings});
    it.ns
        .apply(vec![secret(&it.ns.name, "dns", "Opaque", json!({}), settings)]);
    server
}

/// Packs the program as an image of the cluster, as the released one is packed.
fn image(ns: &Namespace) -> String {
    let name = "testbed.local/kubectl-certs:e2e";
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin/image");
    let archive = ns.dir.path().join("image.tar");
    let args = ["--with-libraries", "--name", name, "--output"];
    run(Command::new(script)
        .args(args)
        .arg(&archive)
        .arg("--program")
        .arg(program()));
    import(&archive);
    name.to_owned()
}

/// What an installed controller says, and its Pods.
fn logs(it: &Issuing) -> String {
    let pods = it.ns.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].status}"]);
    let ran = Call::kubectl(["logs", "-n", &it.ns.name, "deployment/kubectl-certs", "--tail=30"]).run();
    format!("{}{}{pods}", ran.out, ran.err)
}

/// Waits for a Secret of an installed controller.
fn until_kept(it: &Issuing, secret: &str) {
    eventually(secret, || if exists(it, secret) { Ok(()) } else { Err(logs(it)) });
}

/// The policy passes a renewal, which writes another window than the one that is there.
fn renews_in_its_window(it: &Issuing) {
    let first = it.leaf("shop-tls").sha256();
    let past = "kubectl-certs/renewal-window=2026-01-01T00:00:00Z/2026-01-02T00:00:00Z";
    it.ns.kubectl(&["annotate", "secret", "shop-tls", past, "--overwrite"]);
    eventually("the renewal", || {
        if it.leaf("shop-tls").sha256() == first {
            Err(logs(it))
        } else {
            Ok(())
        }
    });
}

/// Installs a controller from this image, and has it renew, by HTTP-01 and with a DNS provider of its settings.
fn runs_and_renews(it: &Issuing, image: &str) {
    let name = it.ns.name.clone();
    let _wide = Wide(name.clone());
    it.ns.kubectl(&[
        "label",
        "namespace",
        &name,
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    let zone = format!("svc.{name}.internal");
    let dns = powerdns(it, &zone);
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    let resolver = it.resolver.ip().to_string();
    let args = [
        "install",
        "--yes",
        "--namespaced",
        &name,
        "--image",
        image,
        "--settings-secret",
        "dns",
        "--replicas",
        "1",
        "--directory-url",
        &url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
        "--agree-tos",
        "--resolver",
        &resolver,
        "--wait",
        "0",
        "--self-check",
        "direct",
    ];
    let ran = it.plain(&args).run().ends_with(0);
    assert!(ran.out.contains("register an account"), "{}", ran.out);
    let host = it.host("shop");
    it.ns.apply(vec![asking("shop", &[&host])]);
    eventually("the Pod", || {
        let ready = it.ns.kubectl(&[
            "get",
            "deployment",
            "kubectl-certs",
            "-o",
            "jsonpath={.status.readyReplicas}",
        ]);
        if ready == "1" { Ok(()) } else { Err(logs(it)) }
    });
    eventually("what it would order", || {
        let said = logs(it);
        if said.contains("nobody has told it to order yet") {
            Ok(())
        } else {
            Err(said)
        }
    });
    it.plain(&["resume"]).run().ends_with(0);
    until_kept(it, "shop-tls");
    assert_eq!(it.leaf("shop-tls").names(), [host.as_str()]);
    renews_in_its_window(it);
    let wildcard = format!("*.{zone}");
    it.ns.apply(vec![asking("wildcard", &[&wildcard])]);
    until_kept(it, "wildcard-tls");
    assert_eq!(it.leaf("wildcard-tls").names(), [wildcard.as_str()]);
    let said = Call::kubectl(["logs", "-n", &name, "deployment/kubectl-certs"]).run();
    assert!(!format!("{}{}", said.out, said.err).contains(dns.api_key()));
    let claim = it.secret("shop-tls")["metadata"]["annotations"]["kubectl-certs.io/claim"].clone();
    assert_eq!(
        claim,
        it.secret("account")["metadata"]["annotations"]["kubectl-certs.io/install"]
    );
    // It stores what it does, for everybody to see.
    eventually("what it stores", || {
        let what = "jsonpath={.items[0].data.install}";
        let found = it
            .ns
            .kubectl(&["get", "configmaps", "-l", "kubectl-certs.io/purpose=state", "-o", what]);
        if claim == found.as_str() { Ok(()) } else { Err(logs(it)) }
    });
    // A second time, the account is the same, and nothing changes.
    let account = it.secret("account")["data"].clone();
    let ran = it.plain(&args).run().ends_with(0);
    assert!(ran.err.contains("nothing to change"), "{}{}", ran.out, ran.err);
    assert_eq!(it.secret("account")["data"], account);
    // Who goes leaves the certificate, and says so.
    let ran = it.plain(&["uninstall", "--yes"]).run().ends_with(0);
    assert!(ran.err.contains(&format!("{name}/shop-tls (until ")), "{}", ran.err);
    assert!(ran.err.contains("stay, and nobody renews them"), "{}", ran.err);
    assert_eq!(it.leaf("wildcard-tls").names(), [wildcard.as_str()]);
    let standing = it.ns.kubectl(&[
        "get",
        "ingresses,services,configmaps",
        "-l",
        "kubectl-certs.io/purpose in (standing,state)",
        "-o",
        "name",
    ]);
    assert_eq!(standing, "", "{}", ran.out);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_installed_controller_runs_under_the_restricted_standard_and_renews_with_its_rights_alone() {
    let it = Issuing::new("install-runs");
    let image = image(&it.ns);
    runs_and_renews(&it, &image);
}

/// Builds the static program, which takes minutes: `tests/run long`.
#[test]
#[ignore = "needs the testbed: tests/run long"]
fn the_released_image_runs_without_any_library() {
    let it = Issuing::new("install-static");
    let archive = it.ns.dir.path().join("image.tar");
    let name = "testbed.local/kubectl-certs:static";
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin/image");
    run(Command::new(script).args(["--name", name, "--output"]).arg(&archive));
    import(&archive);
    runs_and_renews(&it, name);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_cron_job_is_admitted_and_its_account_reads_and_writes_its_secret_alone() {
    let it = Issuing::new("install-clock");
    let image = image(&it.ns);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let name = it.ns.name.clone();
    it.ns.kubectl(&[
        "label",
        "namespace",
        &name,
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    let resolver = it.resolver.ip().to_string();
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    let args = [
        "install",
        "--yes",
        "--cronjob",
        "--secret",
        "shop-tls",
        "-d",
        &host,
        "--image",
        &image,
        "--directory-url",
        &url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
        "--agree-tos",
        "--lifetime",
        "6d",
        "--resolver",
        &resolver,
        "--wait",
        "0",
        "--self-check",
        "direct",
    ];
    it.plain(&args).run().ends_with(0);
    let jobs: Value = serde_json::from_str(&it.ns.kubectl(&["get", "cronjobs", "-o", "json"])).unwrap();
    let job = &jobs["items"][0];
    let hours = job["spec"]["schedule"].as_str().unwrap().split(' ').nth(1).unwrap();
    assert_eq!(hours.split(',').count(), 4, "{hours}");
    let account = job["metadata"]["name"].as_str().unwrap();
    let here = name.as_str();
    assert_rights(
        &format!("system:serviceaccount:{name}:{account}"),
        &[
            ("patch", "secrets/shop-tls", here),
            ("get", "secrets/account", here),
            ("create", "secrets", here),
            ("create", "ingresses.networking.k8s.io", here),
        ],
        &[
            ("patch", "secrets/other", here),
            ("get", "secrets/other", here),
            ("list", "secrets", here),
            ("delete", "secrets/shop-tls", here),
            ("create", "pods", here),
        ],
    );
    let ran = it.plain(&args).run().ends_with(0);
    assert!(ran.err.contains("nothing to change"), "{}{}", ran.out, ran.err);
    // Its Pod runs under the restricted standard, with these rights.
    for (run, told) in [("first", "stored in Secret"), ("second", "nothing to do for Secret")] {
        it.ns
            .kubectl(&["create", "job", run, &format!("--from=cronjob/{account}")]);
        let path = "jsonpath={.status.conditions[?(@.status=='True')].type}";
        let ended = eventually("the end of the job", || {
            let found = it.ns.kubectl(&["get", "job", run, "-o", path]);
            let has_ended = found.contains("Complete") || found.contains("Failed");
            if has_ended {
                Ok(found)
            } else {
                Err(it.ns.kubectl(&["get", "events"]))
            }
        });
        let log = it.ns.kubectl(&["logs", &format!("job/{run}")]);
        assert!(ended.contains("Complete") && log.contains(told), "{ended}: {log}");
        assert_eq!(it.leaf("shop-tls").names(), [host.as_str()]);
    }
    assert_eq!(it.left(), [""; 0]);
    it.plain(&["uninstall", "--yes", "--cronjob", "--secret", "shop-tls"])
        .run()
        .ends_with(0);
    assert_eq!(it.ns.kubectl(&["get", "cronjobs,roles,rolebindings", "-o", "name"]), "");
}
