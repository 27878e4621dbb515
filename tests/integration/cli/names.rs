//! What the command line takes for a name: as kubectl's users type it, and as tables print it.

use super::{EXAMPLE, run};

/// The hosts of the example that `words` mean.
#[track_caller]
fn hosts(words: &[&str]) -> Vec<String> {
    let mut args = EXAMPLE.to_vec();
    args.extend(["-q", "-o", "jsonpath={range .items[*]}{.host}{\"\\n\"}{end}"]);
    args.extend(words);
    let mut found: Vec<String> = run(&args).ends_with(0).out.lines().map(str::to_owned).collect();
    found.sort();
    found
}

#[test]
fn a_name_is_taken_in_every_way_in_which_kubectl_and_the_table_have_it() {
    let wholesale = ["trade.larkspur.example", "wholesale.larkspur.example"];
    for words in [
        &["wholesale"][..],
        &["ingress", "wholesale"],
        &["ing/wholesale"],
        &["ingress.networking.k8s.io", "wholesale"],
        &["-n", "shop", "ing", "wholesale"],
    ] {
        assert_eq!(hosts(words), wholesale, "{words:?}");
    }
    for words in [
        &["status.larkspur.example"][..],
        &["gateway/public:status"],
        &["https://status.larkspur.example/health?x=1"],
        &["status.larkspur.example:443"],
    ] {
        assert_eq!(hosts(words), ["status.larkspur.example"], "{words:?}");
    }
    // A cell of the column SECRET, with the namespace where it stands there.
    for words in [
        &["checkout-tls"][..],
        &["secret", "checkout-tls"],
        &["shop/checkout-tls"],
    ] {
        assert_eq!(hosts(words), ["checkout.larkspur.example"], "{words:?}");
    }
    let mut args = EXAMPLE.to_vec();
    args.push("checkout-tls");
    assert!(run(&args).err.contains("secret/checkout-tls is used"));
    // The flags come first, and switches have values.
    let ran = run(&[
        "-f",
        "docs/example",
        "--at",
        "2026-12-01",
        "-n",
        "shop",
        "status",
        "--no-headers=true",
        "--strict=false",
        "api",
    ])
    .ends_with(0);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
}

#[test]
fn an_ingress_named_like_a_host_comes_first() {
    let manifests = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop.example, namespace: shop}
spec: {tls: [{hosts: [other.example], secretName: a}], rules: [{host: other.example}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {tls: [{hosts: [shop.example], secretName: b}], rules: [{host: shop.example}]}
";
    let ran = super::piped(manifests, &["shop.example", "-o", "json"]).ends_with(0);
    assert_eq!(ran.items().len(), 1);
    assert_eq!(ran.items()[0]["host"], "other.example");
}

#[test]
fn what_is_not_there_names_what_may_be_meant() {
    let fails = |words: &[&str], told: &[&str]| {
        let mut args = EXAMPLE.to_vec();
        args.extend(words);
        run(&args).fails(2, told);
    };
    fails(
        &["wholesal"],
        &["there is no ingress/wholesal", "did you mean ingress/wholesale?"],
    );
    fails(&["secret/checkout-tsl"], &["did you mean secret/checkout-tls?"]);
    fails(
        &["ingress/checkout-tls"],
        &["there is a Secret of that name: secret/checkout-tls"],
    );
    fails(
        &["secret/wholesale"],
        &["there is one of another kind: ingress/wholesale"],
    );
    fails(
        &["https://statu.larkspur.example"],
        &[
            "there is no host statu.larkspur.example",
            "did you mean status.larkspur.example?",
        ],
    );
    fails(&["gateway/public:nothing"], &["there is no gateway/public:nothing"]);
    let mut args = EXAMPLE.to_vec();
    args.extend(["nope", "--ignore-not-found"]);
    let ran = run(&args).ends_with(0);
    assert_eq!(ran.out, "");
    assert!(!ran.err.contains("error"), "{}", ran.err);
}

#[test]
fn a_host_is_pictured_where_one_route_serves_it() {
    let show = |target: &str| {
        run(&[
            "show",
            target,
            "-f",
            "docs/example",
            "--ca-file",
            "docs/example/root.pem",
            "--at",
            "2026-12-01",
        ])
    };
    let ran = show("status.larkspur.example").ends_with(0);
    assert!(
        ran.out.contains("public") && ran.out.contains("status.larkspur.example"),
        "{}",
        ran.out
    );
    show("careers.larkspur.example").fails(
        2,
        &["several routes: ingress/careers -n blog, ingress/applicants -n intranet"],
    );
}

#[test]
fn for_a_write_a_host_means_exactly_one_secret() {
    let secret = |namespace: &str, name: &str, host: &str| {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
             spec: {{tls: [{{hosts: [{host}], secretName: {name}-tls}}], rules: [{{host: {host}}}]}}\n"
        )
    };
    let dir = tempfile::tempdir().expect("a directory");
    let manifests =
        secret("shop", "a", "a.example") + &secret("shop", "b", "a.example") + &secret("blog", "c", "c.example");
    let path = super::file(&dir, "all.yaml", manifests);
    let out = dir.path().join("out");
    let renew = |target: &str| {
        run(&[
            "renew",
            target,
            "-f",
            &path,
            "--dry-run",
            "-o",
            out.to_str().expect("UTF-8"),
        ])
    };
    renew("a.example").fails(
        2,
        &["host a.example has several Secrets: secret/a-tls -n shop, secret/b-tls -n shop"],
    );
    renew("https://nothing.example").fails(2, &["there is no host nothing.example"]);
    // A bare word is never a Secret where something is written.
    renew("a-tls").fails(
        2,
        &[
            "there is no ingress/a-tls",
            "there is a Secret of that name: secret/a-tls",
        ],
    );
}

#[test]
fn the_version_is_a_command_too() {
    let ran = run(&["version"]).ends_with(0);
    assert!(ran.out.contains(env!("CARGO_PKG_VERSION")), "{}", ran.out);
    assert_eq!(
        run(&["version", "-o", "json"]).ends_with(0).json()["clientVersion"]["version"],
        env!("CARGO_PKG_VERSION")
    );
}

#[test]
fn what_an_annotation_asks_cert_manager_for_is_not_ordered_here() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = super::file(&dir, "web.yaml", super::ASKED_AND_OWN);
    let out = dir.path().join("out");
    std::fs::create_dir(&out).expect("a directory");
    let renew = |words: &[&str]| {
        let mut args = vec!["renew", "-f", &path, "--dry-run", "-o", out.to_str().expect("UTF-8")];
        args.extend(words);
        run(&args)
    };
    renew(&["web"]).fails(2, &["Secret shop/shop-tls is cert-manager's", "Ingress web", "--force"]);
    let all = renew(&["--all"]);
    assert!(all.err.contains("left to cert-manager"), "{}", all.err);
    // One of several that were named stops none of the others, and is told before them.
    let both = renew(&["web", "own"]).ends_with(4);
    for words in [
        "1 Secret left out of this run",
        "left out: Secret shop/shop-tls is cert-manager's",
        "hint: cert-manager creates the Certificate",
    ] {
        assert!(both.err.contains(words), "{words}: {}", both.err);
    }
    assert!(
        both.out.contains("own-tls") && !both.out.contains("shop-tls"),
        "{}",
        both.out
    );
    let nobody = "https://127.0.0.1:9/dir";
    let looked = run(&["preflight", "-f", &path, "web", "--directory-url", nobody]);
    assert!(
        looked
            .out
            .contains("Secret shop/shop-tls is cert-manager's: an annotation of Ingress web asks for it"),
        "{}",
        looked.out
    );
    let issue = [
        "issue",
        "-f",
        &path,
        "--secret",
        "shop-tls",
        "-d",
        "shop.example",
        "--dry-run",
        "-o",
    ];
    run(&[&issue[..], &[out.to_str().expect("UTF-8"), "-n", "shop"]].concat())
        .fails(2, &["Secret shop/shop-tls is cert-manager's"]);
}

#[test]
fn outputs_and_columns_of_kubectl_work() {
    let with = |words: &[&str]| {
        let mut args = EXAMPLE.to_vec();
        args.extend(["-q", "-n", "shop"]);
        args.extend(words);
        run(&args)
    };
    let ran = with(&["-o", "custom-columns=HOST:.host,STATUS:{.status}", "wholesale"]).ends_with(0);
    assert!(ran.out.starts_with("HOST "), "{}", ran.out);
    assert_eq!(ran.out.lines().count(), 3);
    with(&["-o", "go-template={{range .items}}{{.host}} {{end}}"]).fails(
        2,
        &[
            "go-template is not supported",
            "-o jsonpath='{range .items[*]}{.host} {end}'",
        ],
    );
    with(&["-o", "custom-columns=A:.spec"]).fails(2, &["no field \"spec\""]);
    let ran = with(&["-L", "app.kubernetes.io/name", "wholesale"]).ends_with(0);
    assert!(ran.out.lines().next().expect("headers").contains("NAME"), "{}", ran.out);
}
