//! The roles and the policy of `plugin/rbac`, applied as they are: what each promises works, and what it does not give is refused and told.

use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, TRAEFIK, ingress, kubectl},
    eventually,
    issuing::Issuing,
    kubeconfig,
    proxy::{Plain, Proxy},
    run::{Call, Ran},
    tls::wait_until_served,
};

/// A file of `plugin/rbac`.
fn file(name: &str) -> String {
    format!("{}/plugin/rbac/{name}.yaml", env!("CARGO_MANIFEST_DIR"))
}

/// Binds a `ClusterRole` to a user of this test alone, whom it returns for `--as`.
fn bound(ns: &mut Namespace, role: &str) -> String {
    let user = format!("jane-{}", ns.name);
    let name = format!("{role}-{}", ns.name);
    ns.apply_wide(&[json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    })]);
    format!("--as={user}")
}

/// Whether the API server says that the user may.
fn may(user: &str, verb: &str, kind: &str, namespace: &str) -> bool {
    let ran = Call::kubectl(["auth", "can-i", verb, kind, "-n", namespace, user]).run();
    ran.out.trim() == "yes"
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_prober_sees_what_is_served_and_no_secret() {
    let mut ns = Namespace::new("prober");
    let (good, old) = (ns.host("good"), ns.host("old"));
    let (good_pair, old_pair) = (ns.pki.pair(&[&good]), ns.pki.expired(&[&old]));
    ns.apply(vec![
        good_pair.secret("good"),
        old_pair.secret("old"),
        ingress("good", &[(&[&good], "good")]),
        ingress("old", &[(&[&old], "old")]),
    ]);
    ns.apply_file(&file("prober"), &[]);
    let user = bound(&mut ns, "kubectl-certs-prober");
    wait_until_served(&good, &good_pair);
    wait_until_served(&old, &old_pair);

    let probe = ["--probe", "--connect", TRAEFIK, user.as_str()];
    let items = ns.status(&probe);
    assert_eq!(items.verdict(&old), "critical: ServedExpired, Forbidden");
    assert_eq!(items.verdict(&good), "unknown: Forbidden");
    // What the guide gives to a script.
    let critical = r#"jsonpath={range .items[?(@.status=="critical")]}{.host}{"\n"}{end}"#;
    let ran = ns
        .certs(&[&["status", "-o", critical], &probe[..]].concat())
        .ends_with(0);
    assert_eq!(ran.out, format!("{old}\n"));
    // Of the rights that are missing, only those on Secrets are the row's; the routes are all read.
    assert!(!ran.err.contains("cannot list ingress"), "{}", ran.err);
    ns.certs(&[&["status", "--fail-on", "critical"], &probe[..]].concat())
        .ends_with(3);
    without_secrets(&ns, &user, &good, &old);

    // The role gives nothing of any Secret, and who asks for one is told so.
    for verb in ["get", "list", "watch", "create"] {
        assert!(!may(&user, verb, "secrets", &ns.name), "{verb}");
    }
    let ran = ns.certs(&["show", "secret/good", &user]);
    let said = format!("{}{}", ran.out, ran.err);
    let words: Vec<&str> = said.split_whitespace().collect();
    assert!(words.join(" ").contains("The right to get Secret good"), "{said}");
}

/// With `--no-secrets`, this role is all that is needed: a good host is healthy and ends with 0, a bad one with 1; and an administrator
/// sends no more requests than the role allows.
#[track_caller]
fn without_secrets(ns: &Namespace, user: &str, good: &str, old: &str) {
    let flags = ["--no-secrets", "--connect", TRAEFIK];
    let look = |args: &[&str], who: &str| ns.certs(&[args, &flags[..], &[who]].concat());
    let ran = look(&["status", "good", "-o", "json", "--fail-on", "info"], user).ends_with(0);
    let item = ran.items().host(good).clone();
    assert_eq!(
        (&item["status"], &item["evidence"]),
        (&json!("healthy"), &json!("served")),
        "{item:#}"
    );
    assert!(item["notAfter"].is_string() && item["issuer"].is_string(), "{item:#}");
    let ran = look(&["status", "old", "-o", "json", "--fail-on", "critical"], user).ends_with(1);
    assert_eq!(ran.items().verdict(old), "critical: ServedExpired");
    let ran = look(&["status", "--fail-on", "critical"], user).ends_with(1);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(!said.contains("Forbidden") && !said.contains("right to"), "{said}");
    assert_eq!(ran.err.matches("no Secret was read").count(), 1, "{}", ran.err);
    let ran = look(&["show", "good"], user).ends_with(0);
    assert!(
        ran.out.contains("Served chain") && ran.out.contains("healthy"),
        "{}",
        ran.out
    );

    let (plain, root) = (Plain::start(), ns.ca_file().display().to_string());
    let proxy = Proxy::to(&plain.address);
    let config = kubeconfig::with_server(&format!("http://{}", proxy.address));
    let file = kubeconfig::write(ns.dir.path(), "prober", &config);
    for args in [
        &["status", "-A"][..],
        &["status", "-n", &ns.name],
        &["show", "good", "-n", &ns.name],
    ] {
        let ran = Call::certs([args, &flags, &["--ca-file", &root]].concat());
        let ran = ran.env("KUBECONFIG", &file).run().ends_with(0);
        assert!(ran.out.contains(good), "{args:?}: {}{}", ran.out, ran.err);
    }
    let asked = proxy.requests();
    assert!(asked.iter().any(|request| request.contains("/ingresses")), "{asked:?}");
    for request in asked {
        let path = request
            .strip_prefix("GET ")
            .unwrap_or_else(|| panic!("no question: {request}"));
        let path = path.split('?').next().unwrap();
        let resource = match path.split('/').collect::<Vec<_>>().as_slice() {
            ["", "apis"] => continue,
            ["", "api", "v1", "namespaces"] | ["", "api", "v1", "namespaces", _] => "namespaces",
            [.., resource] => *resource,
            [] => "",
        };
        let group = path.strip_prefix("/apis/").and_then(|rest| rest.split('/').next());
        let kind = group.map_or_else(|| resource.to_owned(), |group| format!("{resource}.{group}"));
        assert!(may_list(user, &kind), "{request}");
    }
}

/// Whether the API server says that the user may list a kind in all namespaces.
fn may_list(user: &str, kind: &str) -> bool {
    let ran = Call::kubectl(["auth", "can-i", "list", kind, "-A", user]).run();
    ran.out.trim() == "yes"
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_reader_sees_everything_and_renews_nothing() {
    let mut it = Issuing::new("readerfile");
    let host = it.host("good");
    let pair = it.ns.pki.pair(&[&host]);
    it.ns.create(vec![pair.secret("good")]);
    it.ns.apply(vec![ingress("good", &[(&[&host], "good")])]);
    it.ns.apply_file(&file("reader"), &[]);
    let user = bound(&mut it.ns, "kubectl-certs-reader");
    let ran = it
        .ns
        .certs(&["status", "-o", "json", "--fail-on", "critical", &user])
        .ends_with(0);
    assert_eq!(ran.items().verdict(&host), "healthy");
    for word in ["right", "could not be read", "cannot list"] {
        assert!(!ran.err.contains(word), "{}", ran.err);
    }
    refused_to_renew(&it, &user);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_reader_of_a_namespace_sees_that_one() {
    let mut it = Issuing::new("readerone");
    let host = it.host("good");
    let pair = it.ns.pki.pair(&[&host]);
    it.ns.create(vec![pair.secret("good")]);
    it.ns.apply(vec![ingress("good", &[(&[&host], "good")])]);
    let name = it.ns.name.clone();
    it.ns.apply_file(&file("reader-namespaced"), &["-n", &name]);
    let jane = format!("jane-{name}");
    let of_user = format!("--user={jane}");
    let role = "kubectl-certs-reader";
    it.ns
        .kubectl(&["create", "rolebinding", role, "--role=kubectl-certs-reader", &of_user]);
    let user = format!("--as={jane}");
    let ran = it
        .ns
        .certs(&["status", "-o", "json", "--fail-on", "critical", &user])
        .ends_with(0);
    assert_eq!(ran.items().verdict(&host), "healthy");
    // Another namespace is not read, and that is no good news of it.
    let ran = Call::certs(["status", "-n", "default", "--fail-on", "critical", &user]).run();
    assert_eq!(ran.status, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("the right to list"), "{}", ran.err);
    refused_to_renew(&it, &user);
}

/// A renewal names the rights that are missing, and orders nothing.
#[track_caller]
fn refused_to_renew(it: &Issuing, user: &str) {
    for verb in ["create", "patch", "update", "delete"] {
        assert!(!may(user, verb, "secrets", &it.ns.name), "{verb}");
    }
    let ran = it.certs(&["renew", "good", user]);
    assert_eq!(ran.status, Some(3), "{}{}", ran.out, ran.err);
    assert!(
        ran.err.contains("right") && ran.err.contains("secrets") && ran.err.contains("create"),
        "{}",
        ran.err
    );
    assert!(!it.pebble.log().contains("/order-plz"), "{}", it.pebble.log());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_renewer_renews_where_the_role_is_bound_and_nowhere_else() {
    let mut it = Issuing::new("renewerfile");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.until_addressed("ingress/shop");
    it.ns.apply_file(&file("renewer"), &[]);
    let jane = format!("jane-{}", it.ns.name);
    let (name, of_user) = ("kubectl-certs-renewer", format!("--user={jane}"));
    let of_role = format!("--clusterrole={name}");
    it.ns.kubectl(&["create", "rolebinding", name, &of_role, &of_user]);
    let user = format!("--as={jane}");
    let ran = it.certs(&["preflight", "shop", &user]).ends_with(0);
    assert!(ran.out.contains("has all that is needed"), "{}{}", ran.out, ran.err);
    it.certs(&["renew", "shop", &user]).ends_with(0);
    let first = it.leaf("shop-tls").sha256();
    it.certs(&["renew", "shop", &user]).ends_with(0);
    assert_ne!(it.leaf("shop-tls").sha256(), first);
    it.plain(&["rollback", "shop-tls", "--yes", &user]).run().ends_with(0);
    assert_eq!(it.leaf("shop-tls").sha256(), first);

    let other = Namespace::new("renewernot");
    other.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let ran = it.everywhere(&["renew", "shop", "-n", &other.name, &user]).run();
    assert_eq!(ran.status, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("right"), "{}", ran.err);
}

/// The group that the policy limits.
const GROUP: &str = "--as-group=kubectl-certs-renewers";

/// A write of a Secret by a member of the group.
struct Member<'a> {
    ns: &'a Namespace,
    user: String,
}

impl Member<'_> {
    fn create(&self, secret: &Value) -> Ran {
        let args = ["create", "-n", &self.ns.name, &self.user, GROUP, "-f", "-"];
        Call::kubectl(args).run_with(secret.to_string().as_bytes())
    }

    fn run(&self, args: &[&str]) -> Ran {
        Call::kubectl([args, &["-n", &self.ns.name, &self.user, GROUP]].concat()).run()
    }

    fn patch(&self, secret: &str, patch: &Value) -> Ran {
        self.run(&["patch", "secret", secret, "--type=merge", "-p", &patch.to_string()])
    }
}

#[track_caller]
fn denied(ran: &Ran, why: &str, what: &str) {
    assert!(
        ran.status == Some(1) && ran.err.contains("ValidatingAdmissionPolicy") && ran.err.contains(why),
        "{what}: {}{}",
        ran.out,
        ran.err
    );
}

#[allow(clippy::needless_pass_by_value)] // Both are written where it is called.
fn secret(name: &str, kind: &str, metadata: Value, data: Value) -> Value {
    let mut object =
        json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "stringData": data});
    object["metadata"]["name"] = name.into();
    object
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn who_renews_from_a_laptop_writes_pairs_and_nothing_else() {
    let mut it = Issuing::new("laptop");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.until_addressed("ingress/shop");
    it.ns.create(vec![
        secret("database", "Opaque", json!({}), json!({"password": "x"})),
        secret(
            "somebodys",
            "kubernetes.io/tls",
            json!({}),
            json!({"tls.crt": "a", "tls.key": "b", "note": "c"}),
        ),
    ]);
    it.ns.apply_file(&file("renewals-policy"), &[]);
    // The role is of this namespace alone, so that no other test's file goes with this one.
    let role = Call::certs(["rights", "-n", &it.ns.name]).run().ends_with(0).out;
    Call::kubectl(["apply", "-f", "-"])
        .run_with(role.as_bytes())
        .ends_with(0);
    let name = "kubectl-certs-renewer";
    let group = "--group=kubectl-certs-renewers";
    it.ns
        .kubectl(&["create", "rolebinding", name, &format!("--role={name}"), group]);
    let member = Member {
        ns: &it.ns,
        user: format!("--as=jane-{}", it.ns.name),
    };
    // A policy that has just been written is not in force at once.
    let mut number = 0;
    eventually("the policy", || {
        number += 1;
        let ran = member.create(&secret(
            &format!("foreign-{number}"),
            "Opaque",
            json!({}),
            json!({"a": "b"}),
        ));
        if ran.err.contains("only Secrets of the type kubernetes.io/tls") {
            Ok(())
        } else {
            Err(ran.err)
        }
    });

    // A certificate is issued, renewed and put back, and what a killed run left is removed.
    let renew = |more: &[&str]| it.certs(&[&["renew", "shop", &member.user, GROUP], more].concat());
    renew(&[]).ends_with(0);
    let first = it.leaf("shop-tls").sha256();
    let ca = "kubectl-certs/renewal-window=2026-01-01T00:00:00Z/2026-01-02T00:00:00Z";
    it.ns.kubectl(&["annotate", "secret", "shop-tls", ca, "--overwrite"]);
    renew(&[]).ends_with(0);
    assert_ne!(it.leaf("shop-tls").sha256(), first);
    it.plain(&["rollback", "shop-tls", "--yes", &member.user, GROUP])
        .run()
        .ends_with(0);
    assert_eq!(it.leaf("shop-tls").sha256(), first);
    let call = it.call(&["renew", "shop", "-o", "json", &member.user, GROUP]);
    let (lines, err) = call.killed_or_ended("\"event\":\"presented\"");
    assert!(lines.iter().any(|line| line.contains("presented")), "{lines:?} {err}");
    it.plain(&["cleanup", "--yes", &member.user, GROUP]).run().ends_with(0);
    assert_eq!(it.left(), [""; 0]);
    nothing_else(&member);
    // Who is not in the group is not limited.
    kubectl(&["delete", "secret", "database", "-n", &it.ns.name]);
}

/// Anything but the pairs of certificates is denied, with the reason.
fn nothing_else(member: &Member<'_>) {
    let pair = || json!({"tls.crt": "a", "tls.key": "b"});
    let tls = "kubernetes.io/tls";
    let marked = |purpose: &str| json!({"labels": {"kubectl-certs.io/purpose": purpose, "app.kubernetes.io/managed-by": "kubectl-certs"}});
    for (object, why) in [
        (secret("a", "Opaque", json!({}), pair()), "only Secrets of the type"),
        (
            secret(
                "a",
                "kubernetes.io/basic-auth",
                json!({}),
                json!({"username": "a", "password": "b"}),
            ),
            "only Secrets of the type",
        ),
        (
            secret(
                "a",
                tls,
                json!({}),
                json!({"tls.crt": "a", "tls.key": "b", "password": "c"}),
            ),
            "only tls.crt and tls.key",
        ),
        (
            secret("a", tls, json!({"annotations": {"a": "b"}}), pair()),
            "only the annotations of kubectl-certs",
        ),
        (secret("a", tls, json!({"labels": {"a": "b"}}), pair()), "no labels"),
        (
            secret("a", "Opaque", marked("journal"), pair()),
            "no Secret kubectl-certs' own",
        ),
        (
            secret(
                "kubectl-certs-journal-x",
                "Opaque",
                marked("journal"),
                json!({"password": "x"}),
            ),
            "no Secret kubectl-certs' own",
        ),
        (
            secret("kubectl-certs-backup-x", "Opaque", marked("backup"), pair()),
            "no Secret kubectl-certs' own",
        ),
    ] {
        denied(&member.create(&object), why, &object.to_string());
    }
    for (name, change, why) in [
        (
            "database",
            json!({"stringData": {"password": "y"}}),
            "only Secrets of the type",
        ),
        (
            "database",
            json!({"metadata": marked("journal")}),
            "no Secret kubectl-certs' own",
        ),
        (
            "somebodys",
            json!({"stringData": {"note": "d"}}),
            "only tls.crt and tls.key",
        ),
        (
            "somebodys",
            json!({"stringData": {"other.pem": "d"}}),
            "only tls.crt and tls.key",
        ),
        ("somebodys", json!({"data": {"note": null}}), "only tls.crt and tls.key"),
        (
            "somebodys",
            json!({"metadata": {"annotations": {"a": "b"}}}),
            "only the annotations",
        ),
        ("somebodys", json!({"metadata": {"labels": {"a": "b"}}}), "no labels"),
        (
            "somebodys",
            json!({"metadata": {"finalizers": ["a.example/b"]}}),
            "no labels",
        ),
        ("somebodys", json!({"immutable": true}), "makes no Secret immutable"),
    ] {
        denied(&member.patch(name, &change), why, &format!("{name} {change}"));
    }
    for name in ["database", "somebodys", "shop-tls"] {
        denied(&member.run(&["delete", "secret", name]), "deletes only", name);
    }
    // The pair of somebody's Secret may be written, with what the CA says of its renewal.
    let change = json!({
        "stringData": {"tls.crt": "c", "tls.key": "d"},
        "metadata": {"annotations": {"kubectl-certs.io/issuer": "x", "kubectl-certs/renewal-window": "y"}},
    });
    assert_eq!(member.patch("somebodys", &change).status, Some(0));
}
