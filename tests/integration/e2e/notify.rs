//! What a webhook and a real Alertmanager are told of runs that nobody watches.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::support::{
    controller::{asking, controller_with, resume},
    eventually,
    issuing::Issuing,
    server::{Server, curl, free_port},
};

/// Debian's Alertmanager.
struct Alertmanager {
    url: String,
    server: Server,
    _dir: tempfile::TempDir,
}

impl Alertmanager {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("config.yml"),
            "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n",
        )
        .unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new("prometheus-alertmanager");
        command.args([
            "--config.file=config.yml",
            "--storage.path=data",
            "--cluster.listen-address=",
        ]);
        command.arg(format!("--web.listen-address={address}"));
        let mut server = Server::start("alertmanager", dir.path(), &command);
        let url = format!("http://{address}");
        let ready = format!("{url}/-/ready");
        server.wait_until(|| curl(&[&ready]).is_ok());
        Self { url, server, _dir: dir }
    }

    /// The alerts that last, by name and Secret.
    fn alerts(&self) -> Vec<(String, String)> {
        let said = curl(&[&format!("{}/api/v2/alerts", self.url)]).expect("an answer");
        let all: Vec<Value> = serde_json::from_str(&said).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut all: Vec<_> = all
            .iter()
            .map(|alert| (text(&alert["labels"]["alertname"]), text(&alert["labels"]["secret"])))
            .collect();
        all.sort();
        all
    }

    #[track_caller]
    fn until(&self, alerts: &[(&str, &str)]) {
        let wanted: Vec<(String, String)> = alerts.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        eventually(&format!("{alerts:?}"), || {
            let found = self.alerts();
            if found == wanted {
                Ok(())
            } else {
                Err(format!("{found:?}\n{}", self.server.log()))
            }
        });
    }
}

/// A server in the place of Slack, and the messages that it got.
fn webhook() -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/services/hunter2", listener.local_addr().unwrap());
    let got: Arc<Mutex<Vec<Value>>> = Arc::default();
    let into = Arc::clone(&got);
    std::thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            let mut all = Vec::new();
            let mut part = [0; 8_192];
            loop {
                let read = tcp.read(&mut part).unwrap_or(0);
                all.extend_from_slice(&part[..read]);
                let text = String::from_utf8_lossy(&all).into_owned();
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
                if let Some(message) = body.and_then(|body| serde_json::from_str(body).ok()) {
                    assert!(text.starts_with("POST /services/hunter2 "), "{text}");
                    into.lock().unwrap().push(message);
                    break;
                }
                if read == 0 {
                    break;
                }
            }
            let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    (url, got)
}

/// What a webhook was told, line by line.
fn lines(got: &Mutex<Vec<Value>>) -> Vec<String> {
    let got = got.lock().unwrap();
    let texts = got.iter().filter_map(|message| message["text"].as_str());
    texts.flat_map(str::lines).map(str::to_owned).collect()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_run_that_fails_is_told_until_it_succeeds_and_who_does_not_listen_changes_nothing() {
    let it = Issuing::new("notify");
    let bad = it.ns.host("bad");
    // It leads to where nobody is.
    it.resolver.host(&bad, &["127.0.0.1"]);
    let alertmanager = Alertmanager::start();
    let (url, got) = webhook();
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("url");
    std::fs::write(&place, &url).unwrap();
    let to_alertmanager = format!("alertmanager={}", alertmanager.url);
    let to_slack = format!("slack=file:{}", place.display());
    let args = [
        "ensure",
        "--secret",
        "bad-tls",
        "-d",
        &bad,
        "--notify",
        &to_alertmanager,
        "--notify",
        &to_slack,
    ];
    let failed = it.certs(&args).ends_with(4);
    assert!(!failed.err.contains("was not told"), "{}", failed.err);
    alertmanager.until(&[("KubectlCertsRenewalFailed", "bad-tls")]);
    let told = lines(&got);
    let line = format!("not renewed: Secret {}/bad-tls: ", it.ns.name);
    assert!(told.iter().any(|it| it.starts_with(&line)), "{told:?}");

    // Nobody listens, and the renewal ends as it would have.
    let deaf = [
        "ensure",
        "--secret",
        "bad-tls",
        "-d",
        &bad,
        "--notify",
        "alertmanager=http://127.0.0.1:1",
    ];
    let deaf = it.certs(&deaf).ends_with(4);
    assert!(deaf.err.contains("the Alertmanager was not told: "), "{}", deaf.err);
    std::fs::write(&place, "http://127.0.0.1:1/services/hunter2").unwrap();
    let lost = it.certs(&args).ends_with(4);
    assert!(lost.err.contains("the webhook was not told: "), "{}", lost.err);
    for said in [&failed.err, &lost.err] {
        assert!(!said.contains("hunter2"), "{said}");
    }

    // It is over once it has been renewed, which is told too if that is wanted.
    std::fs::write(&place, &url).unwrap();
    it.host("bad");
    it.certs(&[&args[..], &["--notify-renewed"]].concat()).ends_with(0);
    alertmanager.until(&[("KubectlCertsCertificateRenewed", "bad-tls")]);
    let told = lines(&got);
    assert!(
        told.iter().any(|it| it.starts_with("over: not renewed: Secret ")),
        "{told:?}"
    );
    assert!(told.iter().any(|it| it.starts_with("renewed: Secret ")), "{told:?}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_controller_tells_once_what_fails_and_once_that_it_is_over() {
    let it = Issuing::new("tells");
    let (shop, bad) = (it.host("shop"), it.ns.host("bad"));
    it.resolver.host(&bad, &["127.0.0.1"]);
    it.ns.apply(vec![asking("shop", &[&shop]), asking("bad", &[&bad])]);
    let alertmanager = Alertmanager::start();
    let (url, got) = webhook();
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("url");
    std::fs::write(&place, &url).unwrap();
    resume(&it);
    let running = controller_with(
        &it,
        &[
            "--notify",
            &format!("alertmanager={}", alertmanager.url),
            "--notify",
            &format!("slack=file:{}", place.display()),
        ],
    );
    alertmanager.until(&[("KubectlCertsRenewalFailed", "bad-tls")]);
    it.ns.kubectl(&["delete", "ingress", "bad"]);
    alertmanager.until(&[]);
    running.interrupt();
    let log = running.out.all().join("\n");
    running.end();
    let told = lines(&got);
    let about = |start: &str| told.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(about("not renewed: Secret "), 1, "{told:?}");
    assert_eq!(about("over: not renewed: Secret "), 1, "{told:?}");
    assert!(!log.contains("hunter2") && log.contains("is told what fails"), "{log}");
    // What went well is told to nobody who has not asked for it.
    assert!(!told.iter().any(|line| line.contains("shop-tls")), "{told:?}");
}
