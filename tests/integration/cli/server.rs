//! An API server whose words mean harm: they are told, and reach no terminal as they are. `finish` holds the latter.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Ran, command, finish, run};

/// Characters that would move the cursor, ring, end the line or turn the text around.
const HOSTILE: &str = "a\u{1b}[31mred\u{1b}]0;title\u{7}\u{8}\r\nerror: forged\u{202e}txt.exe\u{2066}\u{9b}2J\u{7f}";

/// A server that answers each path; it lives as long as the test's process.
pub(super) fn serve(answer: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = std::sync::Arc::clone(&answer);
            std::thread::spawn(move || one(&stream, &*answer));
        }
    });
    format!("http://{address}")
}

fn one(mut stream: &TcpStream, answer: &dyn Fn(&str) -> (u16, Value)) {
    let mut lines = BufReader::new(stream).lines();
    let Some(Ok(first)) = lines.next() else { return };
    for line in lines {
        if line.is_ok_and(|line| line.is_empty()) {
            break;
        }
    }
    let (code, body) = answer(first.split(' ').nth(1).unwrap_or_default());
    let body = body.to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn status(code: u16, reason: &str) -> (u16, Value) {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": HOSTILE,
    });
    (code, body)
}

/// The program against that server.
fn ask(server: &str, args: &[&str]) -> Ran {
    let dir = tempfile::tempdir().expect("a directory");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": server}}],
        "users": [{"name": "x", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    });
    let path = dir.path().join("config");
    std::fs::write(&path, config.to_string()).expect("a file");
    finish(command(args).env("KUBECONFIG", path))
}

#[test]
fn what_a_server_says_in_refusing_everything_makes_no_line_of_its_own_and_is_harmless() {
    for (code, reason) in [
        (400, "BadRequest"),
        (401, "Unauthorized"),
        (422, "Invalid"),
        (500, HOSTILE),
    ] {
        let server = serve(move |_| status(code, reason));
        for args in [
            &["status", "-A"][..],
            &["status", "-A", "-o", "json"],
            &["show", "web"],
            &["renew", "web", "--dry-run"],
        ] {
            let ran = ask(&server, args);
            assert!(
                [0, 3].contains(&ran.status),
                "{code} {args:?}: {}\n{}",
                ran.out,
                ran.err
            );
            assert!(ran.err.contains("red") || code == 401, "{code} {args:?}: {}", ran.err);
            for line in ran.err.lines() {
                assert!(!line.starts_with("error: forged"), "{code} {args:?}: {}", ran.err);
                assert!(line.chars().count() < 500, "{code} {args:?}: {line}");
            }
        }
    }
}

/// A list, as the API server answers it.
pub(super) fn list(items: &Value) -> (u16, Value) {
    let list = json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items});
    (200, list)
}

/// An Ingress of one host.
pub(super) fn web() -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"tls": [{"hosts": ["shop.example"], "secretName": "shop-tls"}], "rules": [{"host": "shop.example"}]},
    })
}

#[test]
fn what_a_server_says_in_refusing_one_kind_hides_nothing_of_the_others() {
    let server = serve(|path| {
        let path = path.split('?').next().unwrap_or_default();
        match path {
            "/apis/networking.k8s.io/v1/ingresses" => list(&json!([web()])),
            "/api/v1/secrets" => status(500, "InternalError"),
            _ if path.ends_with("/secrets/shop-tls") => status(409, "Conflict"),
            "/apis" => status(403, "Forbidden"),
            _ => list(&json!([])),
        }
    });
    let ran = ask(&server, &["status", "-A"]);
    assert!(ran.out.contains("shop.example"), "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("secrets") && ran.err.contains("red"), "{}", ran.err);
    assert!(
        !ran.err.lines().any(|line| line.starts_with("error: forged")),
        "{}",
        ran.err
    );
    let ran = ask(&server, &["status", "-A", "-o", "json"]);
    assert_eq!(
        ran.items().iter().filter(|item| item["host"] == "shop.example").count(),
        1
    );
}

#[test]
fn what_may_not_be_read_is_one_line_that_names_kinds_and_right_and_no_row() {
    let server = serve(|path| {
        let path = path.split('?').next().unwrap_or_default();
        match path {
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses" => list(&json!([web()])),
            _ if path.ends_with("/gateways") || path.contains("/secrets") || path.ends_with("/ingressroutes") => {
                status(403, "Forbidden")
            }
            _ => list(&json!([])),
        }
    });
    let ran = ask(&server, &["status", "-n", "shop"]).ends_with(0);
    // A host of which the Secret may not be read is a row; a list is none.
    assert_eq!(ran.out.lines().count(), 2, "{}\n{}", ran.out, ran.err);
    let told: Vec<&str> = ran.err.lines().filter(|line| line.contains("the right to")).collect();
    assert_eq!(told.len(), 1, "{}", ran.err);
    for word in ["the right to list ", "secrets", "in namespace shop"] {
        assert!(told[0].contains(word), "{word}: {}", told[0]);
    }
    assert!(
        ran.err.contains("1 host: 1 ") && ran.err.contains("; not read: "),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("Secrets without a route"), "{}", ran.err);
    // Documents keep an item for each, and say whose it is.
    let github = ask(&server, &["status", "-n", "shop", "-o", "github"]).ends_with(0).out;
    assert!(
        github.contains("title=Forbidden%3A list secrets in namespace shop::"),
        "{github}"
    );
    assert!(!github.contains("Secret shop/::"), "{github}");
    let junit = ask(&server, &["status", "-n", "shop", "-o", "junit"]).ends_with(0).out;
    assert!(junit.contains("name=\"list secrets\""), "{junit}");
    let names = ask(&server, &["status", "-n", "shop", "-o", "name"]).ends_with(0).out;
    assert_eq!(names, "ingress.networking.k8s.io/web\n");
    let ran = ask(
        &server,
        &["status", "-n", "shop", "-o", "json", "--fail-on", "critical"],
    );
    assert_eq!(ran.status, 3);
    assert!(ran.items().len() > 1, "{}", ran.out);
    // Nothing at all may be read.
    let none = serve(|_| status(403, "Forbidden"));
    let ran = ask(&none, &["status", "-n", "shop"]).ends_with(0);
    assert_eq!(ran.out, "", "{}", ran.err);
    assert!(ran.err.contains("nothing could be read; not read: "), "{}", ran.err);
    assert!(ran.err.contains("the right to list "), "{}", ran.err);
}

#[test]
fn of_lists_of_the_whole_cluster_only_those_are_told_that_something_in_the_namespace_depends_on() {
    let served = |class: &'static str| {
        serve(move |path| {
            let path = path.split('?').next().unwrap_or_default();
            match path {
                "/apis/networking.k8s.io/v1/namespaces/shop/ingresses" => {
                    let mut web = web();
                    web["spec"]["ingressClassName"] = class.into();
                    list(&json!([web]))
                }
                _ if path.contains("/namespaces/shop/secrets/") => status(404, "NotFound"),
                _ if path.contains("/namespaces/shop") => list(&json!([])),
                // As for who has a Role of the namespace alone.
                _ => status(403, "Forbidden"),
            }
        })
    };
    let told = |class: &'static str| -> Vec<String> {
        let ran = ask(&served(class), &["status", "-n", "shop"]).ends_with(0);
        let lines = ran.err.lines().filter(|line| line.contains("the right to"));
        lines.map(str::to_owned).collect()
    };
    let told_of_web = told("web");
    assert!(
        matches!(&told_of_web[..], [one] if one.contains("which controller serves Ingress shop/web") && one.contains("ingressclasses")),
        "{told_of_web:?}"
    );
    // The name of Traefik's class says who serves it.
    let told = told("traefik");
    assert!(
        !told
            .iter()
            .any(|line| line.contains("classes") || line.contains("issuers")),
        "{told:?}"
    );
}

/// A server that takes connections and never says a word.
fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let held: Vec<_> = listener.incoming().collect();
        drop(held);
    });
    format!("http://{address}")
}

/// Asks servers with each of these commands at the same time, and looks at how each ended, and after how long.
fn each(commands: &[&[&str]], ask: impl Fn(&[&str]) -> Ran + Sync, look: impl Fn(&[&str], &Ran, Duration) + Sync) {
    std::thread::scope(|scope| {
        for args in commands {
            scope.spawn(|| {
                let started = Instant::now();
                let ran = ask(args);
                look(args, &ran, started.elapsed());
            });
        }
    });
}

/// Every command that reads a cluster begins with one of these.
const READING: [&[&str]; 8] = [
    &["status", "-A"],
    &["rollback", "shop-tls"],
    &["revoke", "shop-tls"],
    &["account", "show", "--account-secret", "shop/account"],
    &["config", "view", "--config-map", "shop/settings"],
    &["renew", "web", "--config-map", "shop/settings"],
    &["cleanup"],
    &["cleanup", "-A", "--force"],
];

#[test]
fn a_silent_server_costs_seconds_and_what_is_waited_for_is_said() {
    let server = silent();
    each(
        &READING,
        |args| ask(&server, args),
        |args, ran, took| {
            assert_eq!(ran.status, 3, "{args:?}: {}", ran.err);
            assert!(took < Duration::from_secs(25), "{args:?}: {took:?}\n{}", ran.err);
            let words = format!("waiting for the API server {server} to answer");
            assert!(ran.err.contains(&words), "{args:?}: {}", ran.err);
        },
    );
}

#[test]
fn a_server_that_is_not_there_is_not_waited_for_and_a_time_that_is_granted_is_all_that_it_takes() {
    let limited: Vec<Vec<&str>> = READING
        .iter()
        .map(|args| [args, &["--request-timeout", "3s"][..]].concat())
        .collect();
    let limited: Vec<&[&str]> = limited.iter().map(Vec::as_slice).collect();
    let silent = silent();
    for (server, commands) in [("http://127.0.0.1:1", &READING[..]), (silent.as_str(), &limited)] {
        each(
            commands,
            |args| ask(server, args),
            |args, ran, took| {
                assert_eq!(ran.status, 3, "{args:?}: {}", ran.err);
                assert!(took < Duration::from_secs(12), "{args:?}: {took:?}\n{}", ran.err);
            },
        );
    }
}

#[test]
fn a_silent_ca_costs_seconds_and_what_is_waited_for_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().display().to_string();
    let accounts = dir.path().join("home");
    let directory = format!("{}/directory", silent().replace("http:", "https:"));
    let ca = ["--directory-url", &directory, "--agree-tos", "--yes"];
    let manifests = ["-f", "docs/example", "-n", "shop", "--adopt", "-o", &out];
    let commands = [
        [&["renew"], &manifests[..], &ca].concat(),
        [&["renew", "--due"], &manifests[..], &ca].concat(),
        [&["account", "register"], &ca[..]].concat(),
    ];
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    each(
        &commands,
        |args| finish(command(args).env("HOME", &accounts)),
        |args, ran, took| {
            assert_eq!(ran.status, 4, "{args:?}: {}", ran.err);
            assert!(took < Duration::from_secs(14), "{args:?}: {took:?}\n{}", ran.err);
            let said = ran.err.matches("waiting for the CA ").count();
            assert_eq!(said, 1, "{args:?}: {}", ran.err);
            assert!(ran.err.contains("did not answer within 8 s"), "{args:?}: {}", ran.err);
        },
    );
}

#[test]
fn a_ca_whose_name_does_not_resolve_or_that_refuses_is_told_within_ten_seconds() {
    let dir = tempfile::tempdir().expect("a directory");
    let register = ["account", "register", "--agree-tos", "--yes", "--directory-url"];
    let commands = [
        [&register[..], &["https://ca.invalid/directory"]].concat(),
        [&register[..], &["https://127.0.0.1:1/directory"]].concat(),
    ];
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    each(
        &commands,
        |args| finish(command(args).env("HOME", dir.path())),
        |args, ran, took| {
            assert_eq!(ran.status, 4, "{args:?}: {}", ran.err);
            assert!(took < Duration::from_secs(10), "{args:?}: {took:?}\n{}", ran.err);
            // What this machine's DNS says of it is the machine's: that there is no such name, or nothing.
            let told = if args.contains(&"https://ca.invalid/directory") {
                ["ca.invalid does not resolve: ", "gave no answer about ca.invalid"]
            } else {
                ["cannot be reached: "; 2]
            };
            assert!(told.iter().any(|told| ran.err.contains(told)), "{args:?}: {}", ran.err);
        },
    );
}

#[test]
fn what_a_preflight_does_not_find_is_told_without_waiting_for_the_ca() {
    let directory = format!("{}/directory", silent().replace("http:", "https:"));
    let ran = run(&["preflight", "zzz", "-f", "docs/example", "--directory-url", &directory]);
    assert!(ran.err.contains("there is no ingress/zzz"), "{}", ran.err);
    assert!(!ran.err.contains("waiting for the CA"), "{}", ran.err);
    assert_eq!(ran.status, 2);
}

#[test]
fn hosts_that_do_not_answer_a_probe_are_waited_for_aloud() {
    let address = silent().replace("http://", "");
    let commands: [&[&str]; 4] = [
        &["probe", "-f", "docs/example", "--connect", &address],
        &["status", "-f", "docs/example", "--confirm", "--connect", &address],
        &[
            "show",
            "ingress/checkout",
            "-f",
            "docs/example",
            "--probe",
            "--connect",
            &address,
        ],
        &["show", &address],
    ];
    each(
        &commands,
        |args| finish(&mut command(args)),
        |args, ran, _| {
            assert!(
                ran.err.contains("waiting for the hosts that are probed"),
                "{args:?}: {}",
                ran.err
            );
        },
    );
}

#[test]
fn from_v_6_on_each_request_is_logged_as_kubectl_logs_it() {
    let server = serve(|_| status(404, "NotFound"));
    for (level, logged) in [("0", false), ("5", false), ("6", true)] {
        for args in [&["status", "-n", "shop"][..], &["rollback", "shop-tls"]] {
            let ran = ask(&server, &[args, &["-v", level]].concat());
            let lines: Vec<&str> = ran.err.lines().filter(|line| line.contains(" milliseconds")).collect();
            assert_eq!(!lines.is_empty(), logged, "{level} {args:?}: {}", ran.err);
            for line in lines {
                let words = format!("GET {server}/api");
                assert!(line.contains(&words) && line.contains(" 404 Not Found in "), "{line}");
            }
        }
    }
    let ran = finish(&mut command(&[
        "account",
        "register",
        "--directory-url",
        "https://127.0.0.1:1/directory",
        "-v6",
    ]));
    assert!(
        ran.err.contains("GET https://127.0.0.1:1/directory failed after "),
        "{}",
        ran.err
    );
}

#[test]
fn sigterm_is_143() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": silent()}}],
        "users": [{"name": "x", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    });
    let path = dir.path().join("config");
    std::fs::write(&path, config.to_string()).expect("a file");
    for words in [&["status", "-A"][..], &["renew", "web"]] {
        let mut child = std::process::Command::new(super::program())
            .args(words)
            .env_clear()
            .env("HOME", dir.path())
            .env("KUBECONFIG", &path)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        // It says what it waits for: by then it looks after signals.
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let _ = lines.next();
        let killed = std::process::Command::new("kill").arg(child.id().to_string()).status();
        assert!(killed.expect("kill").success());
        assert_eq!(child.wait().expect("it ends").code(), Some(143), "{words:?}");
    }
}

#[test]
fn preflight_and_rollback_of_a_broken_api_exit_with_3_as_renew_does() {
    let server = serve(|_| status(500, "InternalError"));
    for command in ["preflight", "renew", "rollback"] {
        let ca = ["--directory-url", "https://127.0.0.1:1/directory"];
        let ca = if command == "rollback" { &[][..] } else { &ca };
        let ran = ask(&server, &[&[command, "web"], ca].concat());
        assert_eq!(ran.status, 3, "{command}: {}", ran.err);
    }
}

#[test]
fn a_rollback_of_a_secret_that_is_not_there_says_so() {
    let server = serve(|_| {
        let body =
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound"});
        (404, body)
    });
    let ran = ask(&server, &["rollback", "zzz", "-n", "shop"]);
    ran.fails(2, &["there is no Secret shop/zzz", "-n chooses the namespace"]);
}
