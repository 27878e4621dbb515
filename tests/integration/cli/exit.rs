//! The exit statuses of docs/reference/exit-status.md that need no server, one by one.

use super::{EXAMPLE, command, file, finish, piped, run};

const INGRESS: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  tls: [{hosts: [shop.example], secretName: shop-tls}]
  rules: [{host: shop.example}]
";

#[test]
fn findings_alone_are_0_and_1_where_that_is_asked_for() {
    let with = |more: &[&str]| {
        let mut args = EXAMPLE.to_vec();
        args.extend(more);
        let ran = run(&args);
        assert!(
            ran.out.contains("HOST"),
            "the report is printed whatever the exit status: {}",
            ran.err
        );
        ran.status
    };
    assert_eq!(with(&[]), 0);
    assert_eq!(with(&["--fail-on", "critical"]), 1);
    assert_eq!(with(&["--fail-on", "info"]), 1);
    assert_eq!(with(&["--fail-on", "critical", "-n", "roastery"]), 0);
    assert_eq!(with(&["--fail-on", "info", "--reason", "ExtraRoot"]), 1);
    assert_eq!(with(&["--fail-on", "warning", "--reason", "ExtraRoot"]), 0);
    assert_eq!(
        with(&["--fail-on", "critical", "--reason", "UnusedNames"]),
        0,
        "only what is shown counts"
    );
    let all =
        "Expired,CertificateNotReady,OrderFailed,RenewalDue,HostMismatch,WrongSecretType,InvalidKeyPair,StagingIssuer";
    assert_eq!(with(&["--fail-on", "warning", "-n", "shop", "--ignore", all]), 0);
}

#[test]
fn a_wrong_command_line_is_2_and_names_what_was_meant() {
    for (args, words) in [
        (
            &["status", "--bogus"][..],
            &["--bogus", "Usage: kubectl certs status"][..],
        ),
        (&["statsu"], &["statsu", "status"]),
        (&["respnd"], &["unrecognized subcommand 'respnd'"]),
        (&["list"], &["`kubectl certs status` lists every host"]),
        (&["ls", "-n", "shop"], &["`kubectl certs status` lists every host"]),
        (&["account", "shwo"], &["similar subcommand exists: 'show'"]),
        (
            &["status", "-f", "docs/example", "--at", "tomorrow"],
            &["tomorrow", "--at", "2027-01-31"],
        ),
        (&["status", "-f", "docs/example", "-l", "a=b=c"], &["a=b=c", "selector"]),
        (&["status", "-f", "docs/example", "-l", "a in (b"], &["a in (b"]),
        (
            &["status", "-f", "docs/example", "-o", "jsn"],
            &["jsn", "nearest is json"],
        ),
        (
            &["status", "-f", "docs/example", "-o", "jsonpath"],
            &["jsonpath", "needs a value"],
        ),
        (
            &["status", "-f", "docs/example", "-o", "jsonpath={.items[}"],
            &["JSONPath", "character 9"],
        ),
        (&["status", "-f", "docs/example", "-o", "json=x"], &["takes no value"]),
        (
            &["status", "-f", "docs/example", "--sort-by", "hots"],
            &["hots", "the nearest is host"],
        ),
        (
            &["status", "-f", "docs/example", "--sort-by", "expiry"],
            &["expiry", "the nearest is expires"],
        ),
        (
            &["status", "-f", "docs/example", "-o", "custom-columns=A:.hots"],
            &["hots", "the nearest is host "],
        ),
        (
            &["status", "-f", "docs/example", "--reason", "Exp"],
            &["Exp", "nearest is Expired"],
        ),
        (
            &["status", "-f", "docs/example", "--ignore", "HostMissmatch"],
            &["HostMissmatch", "nearest is HostMismatch"],
        ),
        (
            &["status", "-f", "docs/example", "--min-severity", "bad"],
            &["bad", "warning"],
        ),
        (
            &["status", "-f", "docs/example", "--fail-on", "bad"],
            &["bad", "critical"],
        ),
        (
            &["status", "-f", "docs/example", "--expiring-within", "soon"],
            &["soon", "30d"],
        ),
        (&["status", "-f", "docs/example", "--exclude-namespace", "a["], &["a["]),
        (
            &["status", "-f", "docs/example", "--connect", "x:y", "--probe"],
            &["x:y"],
        ),
        (
            &["status", "-f", "docs/example", "-A", "-n", "shop"],
            &["--all-namespaces", "--namespace"],
        ),
        (&["status", "-f", "docs/example", "-w"], &["--watch", "--filename"]),
        (&["status", "-R"], &["--filename"]),
        (&["status", "-f", "docs/example", "pod/x"], &["pod", "ingress/NAME"]),
        (&["status", "-f", "docs/example", "secret/"], &["secret/", "KIND/NAME"]),
        (
            &["status", "-f", "docs/example", "secret/nope"],
            &["there is no secret/nope"],
        ),
        (
            &["status", "-f", "docs/example", "nope"],
            &["there is no ingress/nope", "hint: "],
        ),
        (
            &["status", "-f", "docs/example", "storefront", "-n", "blog"],
            &["ingress/storefront in namespace blog", "-n"],
        ),
        (&["show", "-f", "docs/example"], &["ROUTE|SECRET|FILE|HOST:PORT"]),
        (&["explain", "Wrong"], &["Wrong", "hint: ", "explain"]),
        (&["completion", "tcsh"], &["tcsh", "bash"]),
    ] {
        let ran = run(args).fails(2, words);
        assert!(!ran.err.contains("nothing here"), "{args:?}: {}", ran.err);
        assert!(
            !ran.err.contains("respond"),
            "hidden commands are not suggested: {}",
            ran.err
        );
    }
}

#[test]
fn a_file_that_cannot_be_used_is_2() {
    for (args, words) in [
        (
            &["status", "-f", "docs/nope.yaml"][..],
            &["docs/nope.yaml", "no such file"][..],
        ),
        (
            &["status", "-f", "docs/example", "--ca-file", "nope.pem"],
            &["--ca-file nope.pem", "No such file"],
        ),
        (
            &["status", "-f", "docs/example", "--ca-file", "README.md"],
            &["README.md", "PEM", "hint: "],
        ),
        (
            &["status", "-f", "docs/example", "--ca-file", "docs"],
            &["--ca-file docs"],
        ),
        (&["status", "-f", "docs/example", "-o", "jsonpath-file=nope"], &["nope"]),
        (&["show", "./nope.pem"], &["./nope.pem"]),
    ] {
        let ran = run(args).fails(2, words);
        assert!(
            !ran.err.contains("nothing here"),
            "what was not read is not said to be empty: {}",
            ran.err
        );
    }
    let ran = run(&["status", "-f", "docs/nope.yaml", "-o", "json"]);
    assert_eq!(ran.status, 2);
    assert_eq!(ran.items().len(), 0, "JSON stays JSON");
}

#[test]
fn a_broken_manifest_is_2_and_hides_no_other() {
    let broken = format!(
        "{INGRESS}---\nkind: [\n---\n{}",
        INGRESS.replace("shop.example", "two.example").replace("web", "two")
    );
    let ran = piped(&broken, &["-o", "json"]).ends_with(2);
    assert_eq!(ran.items().len(), 2);
    assert!(
        ran.err.starts_with("error: standard input: document 2, line "),
        "{}",
        ran.err
    );
    // It is worse than findings.
    assert_eq!(piped(&broken, &["--fail-on", "info"]).status, 2);

    let dir = tempfile::tempdir().expect("a directory");
    file(&dir, "a.yaml", INGRESS);
    file(&dir, "b.yaml", "{{ .Values.host }}: }");
    let ran = run(&["status", "-f", dir.path().to_str().expect("UTF-8")]).ends_with(2);
    assert!(
        ran.out.contains("shop.example") && ran.err.contains("b.yaml: "),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn no_cluster_is_3_and_says_how_to_get_one() {
    let ran = run::<&str>(&[]).fails(3, &["no kubeconfig", "hint: ", "KUBECONFIG", "-f"]);
    assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
    run(&["status", "-A"]).fails(3, &["no kubeconfig"]);
    run(&["show", "web"]).fails(3, &["no kubeconfig"]);
    run(&["probe"]).fails(3, &["no kubeconfig"]);
}

#[test]
fn a_kubeconfig_that_leads_nowhere_is_3() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = file(
        &dir,
        "config",
        "apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: here, context: {cluster: here, user: me}}
- {name: broken, context: {cluster: gone, user: me}}
clusters: [{name: here, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: me, user: {token: s3cr3t}}]
",
    );
    let rubbish = file(&dir, "rubbish", "\u{1b}[31m{{{ no: yaml");
    let binary = file(&dir, "binary", [0u8, 159, 146, 150, 255]);
    let empty = file(&dir, "empty", "");
    for (args, words) in [
        (
            &["status", "--kubeconfig", config.as_str()][..],
            &["127.0.0.1:1", "refused", "hint: "][..],
        ),
        (
            &["status", "--kubeconfig", &config, "--context", "there"],
            &["there", "hint: "],
        ),
        (&["status", "--kubeconfig", &config, "--context", "broken"], &["gone"]),
        (&["status", "--kubeconfig", &config, "--user", "nobody"], &["nobody"]),
        (
            &["status", "--kubeconfig", &config, "--cluster", "nowhere"],
            &["nowhere"],
        ),
        (&["status", "--kubeconfig", &rubbish], &["rubbish"]),
        (&["status", "--kubeconfig", &binary], &["binary"]),
        (&["status", "--kubeconfig", &empty], &["empty", "hint: "]),
        (
            &["status", "--kubeconfig", "/nonexistent/config"],
            &["/nonexistent/config"],
        ),
        (
            &["show", "secret/x", "--kubeconfig", &config],
            &["127.0.0.1:1", "refused"],
        ),
        (&["show", "127.0.0.1:1"], &["127.0.0.1:1", "refused"]),
    ] {
        let ran = run(args).fails(3, words);
        assert!(!ran.err.contains("s3cr3t"), "{}", ran.err);
        assert!(ran.err.lines().count() <= 2, "{args:?}: {}", ran.err);
    }
    let ran = finish(command(&["status"]).env("KUBECONFIG", &config));
    ran.fails(3, &["127.0.0.1:1"]);
}

#[test]
fn a_wrong_word_is_not_taken_for_another_that_is_far_from_it() {
    for (args, meant, never) in [
        (&["statsu"][..], "'status'", &["issue"][..]),
        (&["scan"], "`kubectl certs status`", &["'man'", "cleanup"]),
        (&["revoke", "web", "--dry"], "--dry", &["-- --dry"]),
        (&["account", "list"], "unrecognized subcommand 'list'", &["every host"]),
    ] {
        let ran = run(args).ends_with(2);
        assert!(ran.err.contains(meant), "{args:?}: {}", ran.err);
        for word in never {
            assert!(!ran.err.contains(word), "{args:?}: {word}: {}", ran.err);
        }
    }
}
