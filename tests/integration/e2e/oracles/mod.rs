//! Our verdicts, held against those who decide: Go, OpenSSL, nginx and `HAProxy` read two hundred bundles that a seed has spoiled in
//! one way or another, and so do we.

mod make;

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use make::Made;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{
    pki::{Pki, now},
    run::program,
};

/// How many bundles there are, and how long all of it may take: some 10 s on two idle cores, and other tests run beside it.
const COUNT: usize = 200;
const LONGEST: Duration = Duration::from_mins(1);

/// The classes, and the controllers behind them.
const CLASSES: [(&str, &str); 3] = [
    ("traefik", "traefik.io/ingress-controller"),
    ("nginx", "k8s.io/ingress-nginx"),
    ("haproxy", "haproxy.org/ingress-controller/haproxy"),
];

/// What `tests/testbed/go/oracle` says of one bundle; an empty text is consent.
#[derive(Debug, Deserialize)]
struct Go {
    load: String,
    first: bool,
    handshake: String,
    verify: String,
}

/// What all said of one bundle.
#[derive(Debug)]
struct Said {
    go: Go,
    nginx: String,
    haproxy: String,
    /// `openssl verify` of what Go sends, and of the file.
    openssl: String,
    openssl_file: String,
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn verdicts_are_those_of_go_openssl_nginx_and_haproxy() {
    let started = Instant::now();
    let pki = Pki::new();
    let made = make::bundles(&pki, COUNT, 20_261_201);
    let scratch = tempfile::tempdir().unwrap();
    let dirs: Vec<PathBuf> = made
        .iter()
        .enumerate()
        .map(|(at, one)| write(&scratch.path().join(at.to_string()), one, &pki))
        .collect();
    let go = ask_go(&dirs);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = dirs.len().div_ceil(workers);
    let others: Vec<[String; 4]> = std::thread::scope(|scope| {
        let threads: Vec<_> = dirs
            .chunks(share)
            .enumerate()
            .map(|(at, dirs)| {
                scope.spawn(move || {
                    dirs.iter()
                        .enumerate()
                        .map(|(i, d)| ask(d, at * share + i))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let ours = ask_us(scratch.path(), &made, &pki);

    let mut differ = Vec::new();
    for ((at, one), (go, [nginx, haproxy, openssl, openssl_file])) in
        made.iter().enumerate().zip(go.into_iter().zip(others))
    {
        let said = Said {
            go,
            nginx,
            haproxy,
            openssl,
            openssl_file,
        };
        for (class, _) in CLASSES {
            let (status, reasons) = &ours[&make::host(at, class)];
            if let Some(wrong) = difference(class, &said, status) {
                differ.push(format!(
                    "{at} {class}, {}: {status} ({reasons}), {wrong}: {said:?}",
                    one.how
                ));
            }
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
    assert!(started.elapsed() < LONGEST, "it took {:?}", started.elapsed());
}

/// What is wrong with our verdict on a bundle behind a class.
fn difference(class: &str, said: &Said, status: &str) -> Option<&'static str> {
    let go = &said.go;
    let go_serves = go.load.is_empty() && go.handshake.is_empty();
    let serves = match class {
        "traefik" => go_serves,
        "nginx" => go_serves && go.first && said.nginx.is_empty(),
        _ => said.haproxy.is_empty(),
    };
    let critical = status == "critical";
    if !serves {
        return (!critical).then_some("the server does not load it");
    }
    let by_openssl = if class == "haproxy" {
        said.openssl_file.is_empty()
    } else {
        said.openssl.is_empty()
    };
    // A client in Go was asked about what Go loads: of other files nothing is known.
    let by_go = go.load.is_empty().then_some(go.verify.is_empty());
    match (by_go, by_openssl) {
        (Some(true), true) => critical.then_some("everybody takes it"),
        (Some(false), false) => (!critical).then_some("nobody takes it"),
        (None, true) => None,
        _ => matches!(status, "healthy" | "info").then_some("some refuse it"),
    }
}

fn write(dir: &Path, one: &Made, pki: &Pki) -> PathBuf {
    std::fs::create_dir(dir).unwrap();
    std::fs::write(dir.join("tls.crt"), &one.chain).unwrap();
    std::fs::write(dir.join("tls.key"), &one.key).unwrap();
    std::fs::write(dir.join("both.pem"), [&one.key[..], b"\n", &one.chain].concat()).unwrap();
    std::fs::write(dir.join("root.pem"), pki.root_pem()).unwrap();
    dir.to_owned()
}

/// All bundles, in one run of the program that the testbed builds of Go's own packages.
fn ask_go(dirs: &[PathBuf]) -> Vec<Go> {
    let mut child = Command::new("oracle")
        .arg(now().unix_timestamp().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tests/testbed/build makes it");
    let lines: Vec<String> = dirs
        .iter()
        .enumerate()
        .map(|(at, dir)| format!("{} {}\n", make::host(at, "traefik"), dir.display()))
        .collect();
    let lines = lines.concat();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// nginx, `HAProxy` and OpenSSL, one after the other.
fn ask(dir: &Path, at: usize) -> [String; 4] {
    let place = dir.display();
    let nginx = format!(
        "pid {place}/pid; error_log stderr; events {{}} http {{ access_log off; client_body_temp_path {place}/a; \
         proxy_temp_path {place}/b; fastcgi_temp_path {place}/c; uwsgi_temp_path {place}/d; scgi_temp_path {place}/e; \
         server {{ listen unix:{place}/s ssl; ssl_certificate {place}/tls.crt; ssl_certificate_key {place}/tls.key; }} }}"
    );
    let haproxy = format!(
        "global\n tune.ssl.default-dh-param 2048\ndefaults\n timeout client 1s\n timeout server 1s\n timeout connect \
         1s\nfrontend f\n mode http\n bind {place}/h ssl crt {place}/both.pem\n"
    );
    let (conf, cfg) = (dir.join("nginx.conf"), dir.join("haproxy.cfg"));
    std::fs::write(&conf, nginx).unwrap();
    std::fs::write(&cfg, haproxy).unwrap();
    let verify = |file: &str| {
        let mut command = Command::new("openssl");
        command.args(["verify", "-purpose", "sslserver", "-verify_hostname"]);
        command
            .args([&make::host(at, "traefik"), "-CAfile"])
            .arg(dir.join("root.pem"));
        command.arg("-untrusted").arg(dir.join(file)).arg(dir.join(file));
        said(&mut command)
    };
    [
        said(Command::new("nginx").arg("-t").arg("-p").arg(dir).arg("-c").arg(&conf)),
        said(Command::new("haproxy").arg("-c").arg("-f").arg(&cfg)),
        verify("sent.pem"),
        verify("tls.crt"),
    ]
}

/// The last line of what a program says when it refuses; empty when it does not.
fn said(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("tests/testbed/build gets it");
    if output.status.success() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text
        .lines()
        .find(|line| ["emerg", "ALERT", "error"].iter().any(|word| line.contains(word)));
    line.or(text.lines().last()).unwrap_or("no").to_owned()
}

/// Status and reasons by host, of one run over all bundles behind all classes.
fn ask_us(scratch: &Path, made: &[Made], pki: &Pki) -> BTreeMap<String, (String, String)> {
    let mut items: Vec<Value> = CLASSES
        .iter()
        .map(|(name, controller)| {
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
                   "spec": {"controller": controller}})
        })
        .collect();
    for (at, one) in made.iter().enumerate() {
        let namespace = format!("n{at}");
        items.push(
            json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": "tls", "namespace": namespace},
            "data": {"tls.crt": STANDARD.encode(&one.chain), "tls.key": STANDARD.encode(&one.key)}}),
        );
        for (class, _) in CLASSES {
            let host = make::host(at, class);
            items.push(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                "metadata": {"name": class, "namespace": namespace},
                "spec": {"ingressClassName": class, "tls": [{"hosts": [host], "secretName": "tls"}], "rules": [{"host": host}]}}));
        }
    }
    let (list, root) = (scratch.join("list.json"), scratch.join("root.pem"));
    std::fs::write(
        &list,
        json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string(),
    )
    .unwrap();
    std::fs::write(&root, pki.root_pem()).unwrap();
    let output = Command::new(program())
        .env("XDG_CACHE_HOME", scratch.join("cache"))
        .args(["status", "-o", "json", "--ca-file"])
        .arg(&root)
        .arg("-f")
        .arg(&list)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let all: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let reasons = |item: &Value| {
        let all = item["findings"].as_array().into_iter().flatten();
        all.map(|f| text(&f["reason"])).collect::<Vec<_>>().join(",")
    };
    all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (text(&item["host"]), (text(&item["status"]), reasons(item))))
        .collect()
}
