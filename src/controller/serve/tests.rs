use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;
use crate::{
    controller::{
        overview::Overview,
        state::{CertificateState, Inbox, OtherIssuer, asking},
    },
    engine::cancel,
    object::{Key, doing::Rehearsal},
    plan::limits::{Left, Limit, LimitOf},
};

const DAY: Seconds = 86_400;
const NOW: Seconds = 1_800_000_000;

fn certificate(n: i64) -> CertificateState {
    let states = ["Scheduled", "Ready", "Running", "BackOff", "Waiting", "Limited", "Held"];
    let at = usize::try_from(n).unwrap() % states.len();
    CertificateState {
        secret: Key::new(format!("team-{}", n % 700), format!("host-{n}-tls")),
        state: states[at],
        reason: ["new", "changed", "renewal", "OtherOwner", "CertManager"][at % 5].into(),
        message: format!("{n}.example does not resolve").into(),
        until: None,
        not_after: Some(NOW + n * 60),
        not_before: Some(NOW + n * 60 - 90 * DAY),
        failures: u32::try_from(n % 9).unwrap(),
        after: (n % 11 == 0).then(|| "not served".into()),
        without: None,
        elsewhere: None,
    }
}

fn snapshot(count: i64) -> Snapshot {
    Snapshot {
        at: NOW,
        leads: true,
        orders: true,
        has_account: true,
        issuer: "letsencrypt".to_owned(),
        judged_at: NOW,
        certificates: Overview::of((0..count).map(certificate), NOW),
        results: vec![("issued", 3), ("failed", 1)],
        limits: (0..16)
            .map(|n| Left {
                of: LimitOf::Domain(format!("{n}.example")),
                limit: Limit::new(50, 7 * DAY).unwrap(),
                left: n,
                possible_at: NOW,
                full_at: NOW,
            })
            .collect(),
        ..Snapshot::default()
    }
}

/// An issuer besides the first.
fn other() -> OtherIssuer {
    OtherIssuer {
        name: "second".to_owned(),
        rehearsal: Some(Rehearsal {
            issuer: "second".into(),
            at: NOW - DAY,
            failed: None,
        }),
        limits: vec![Left {
            of: LimitOf::Orders,
            limit: Limit::new(300, DAY).unwrap(),
            left: 17,
            possible_at: NOW,
            full_at: NOW,
        }],
        ..OtherIssuer::default()
    }
}

fn text(of: &Snapshot) -> String {
    let metrics = metrics::Metrics {
        stage: Stage::Going,
        snapshot: Some(of),
        began: NOW,
    };
    metrics.text().unwrap()
}

#[test]
fn fifty_thousand_certificates_make_no_more_than_five_hundred_series() {
    let of = snapshot(50_000);
    let began = Instant::now();
    let text = text(&of);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!((100..=500).contains(&series), "{series}");
    let named = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!(named("certs_expiry_timestamp_seconds{"), 50);
    assert_eq!(named("certs_life_left_worst_ratio{"), 50);
    // Those that are held by somebody else are not ours to renew, and the first of the others is the first to end.
    assert!(
        text.contains("{namespace=\"team-0\",secret=\"host-0-tls\"} 1800000000\n"),
        "{text}"
    );
    assert!(!text.contains("secret=\"host-6-tls\""), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn what_stands_is_told_and_text_of_a_cluster_is_quoted() {
    let mut of = snapshot(3);
    of.ca_down_since = Some(NOW);
    of.paused_since = Some(NOW - DAY);
    of.issuer = "a\"b\nc".to_owned();
    of.others = vec![other()];
    let moved = CertificateState {
        elsewhere: Some("second".into()),
        ..certificate(3)
    };
    of.certificates = Overview::of((0..3).map(certificate).chain([moved]), NOW);
    of.bound = 2;
    let text = text(&of);
    for line in [
        "ca_up{issuer=\"second\"} 1",
        "certs_certificates{state=\"BackOff\",reason=\"OtherOwner\",issuer=\"second\"} 1",
        "certs_certificates{state=\"Ready\",reason=\"changed\",issuer=\"a\\\"b\\nc\"} 1",
        "certs_no_other_ca 2",
        "certs_change_rehearsed_timestamp_seconds{issuer=\"second\"} 1799913600",
        "certs_change_rehearsal_passed{issuer=\"second\"} 1",
        "certs_limit_remaining{limit=\"orders\",of=\"\",issuer=\"second\"} 17",
        "ca_up{issuer=\"a\\\"b\\nc\"} 0",
        "certs_leader 1",
        "certs_paused 1",
        "certs_paused_since_timestamp_seconds 1799913600",
        "certs_account_missing 0",
        "certs_orders_total{result=\"issued\"} 3",
        "certs_deadline_missed_total 0",
        "certs_life_left_ratio_count 4",
        "certs_life_left_ratio_bucket{le=\"0.01\"} 4",
        "certs_failures{times=\"1\"} 1",
        "certs_not_served 1",
        "certs_limit_remaining{limit=\"domain\",of=\"7.example\",issuer=\"a\\\"b\\nc\"} 7",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
}

/// A scrape in which every metric has a series.
fn whole() -> String {
    let mut of = snapshot(20);
    of.paused_since = Some(NOW);
    of.others = vec![other()];
    text(&of)
}

#[test]
fn every_metric_is_described_with_its_type_and_labels() {
    let text = whole();
    let mut told: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let mut described: Vec<String> = described::ALL
        .iter()
        .map(|it| format!("{} {}", it.name, it.kind))
        .collect();
    told.sort_unstable();
    described.sort_unstable();
    assert_eq!(told, described);
    for metric in described::ALL {
        let ending = match metric.kind {
            "counter" => "_total",
            "histogram" => "_count",
            _ => "",
        };
        let name = format!("{}{ending}", metric.name);
        let series = text.lines().find(|line| {
            line.strip_prefix(&name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        let series = series.unwrap_or_else(|| panic!("{name} has no series"));
        let labels = series
            .split_once('{')
            .and_then(|(_, rest)| rest.split_once('}'))
            .map_or("", |(labels, _)| labels);
        let labels: Vec<&str> = labels
            .split(',')
            .filter_map(|label| Some(label.split_once('=')?.0))
            .collect();
        assert_eq!(labels, metric.labels, "{name}");
    }
}

#[test]
fn renewed_reference_of_the_metrics() {
    use std::fmt::Write as _;

    let mut page = "# Metrics\n\n\
        <!-- Made of src/controller/serve/described.rs: `UPDATE_PICTURES=1 cargo test --lib renewed`. -->\n\n\
        What `/metrics` of [the controller](../guide/controller.md) says. [Metrics and alerts](../guide/alerts.md) has rules for alerts and a dashboard. \
        There are never more than 500 series: by name there are only the 50 certificates that are the worst. Before the cluster has been read there are only \
        those of the process, and `certs_account_missing` while there is no account. Times are in seconds since 1970, and whether something is so is 1 or 0.\n\n\
        | metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for metric in described::ALL {
        let total = if metric.kind == "counter" { "_total" } else { "" };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let meaning = format!("{}. {}", metric.help, metric.more);
        let _ = writeln!(
            page,
            "| `{}{total}` | {} | {} | {} |",
            metric.name,
            metric.kind,
            labels.join(", "),
            meaning.trim()
        );
    }
    crate::renewed::same("docs/reference/metrics.md", &page);
}

/// A server, and what its loop is asked.
async fn server() -> (Serving, Inbox, cancel::Canceller) {
    let (asking, asked) = asking();
    let (canceller, cancel) = cancel::pair();
    let listening = Listening::on(Some("127.0.0.1:0".parse().unwrap())).await.unwrap();
    (listening.answer(asking, cancel).unwrap(), asked, canceller)
}

async fn ask(address: SocketAddr, path: &str, more: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    tcp.read_to_string(&mut said).await.unwrap();
    said
}

/// A loop that only answers.
fn goes(mut asked: Inbox, of: Snapshot) -> JoinHandle<()> {
    asked.stage.send_replace(Stage::Going);
    tokio::spawn(async move {
        while let Some(ask) = asked.asks.recv().await {
            match ask {
                Ask::Alive(answer) => drop(answer.send(())),
                Ask::Snapshot(answer) => drop(answer.send(of.clone())),
            }
        }
    })
}

#[tokio::test]
async fn it_is_healthy_while_it_reads_and_waits_and_ready_once_it_goes() {
    let (serving, asked, canceller) = server().await;
    let at = serving.address();
    assert!(ask(at, "/healthz", "").await.starts_with("HTTP/1.1 200"));
    let said = ask(at, "/readyz", "").await;
    assert!(
        said.starts_with("HTTP/1.1 503") && said.ends_with("the cluster is being read\n"),
        "{said}"
    );
    let said = ask(at, "/metrics", "").await;
    assert!(
        said.contains("process_start_time_seconds") && !said.contains("certs_account_missing"),
        "{said}"
    );
    asked.stage.send_replace(Stage::WithoutAccount);
    assert!(ask(at, "/healthz", "").await.starts_with("HTTP/1.1 200"));
    assert!(ask(at, "/readyz", "").await.contains("503 Service Unavailable"));
    assert!(ask(at, "/metrics", "").await.contains("\ncerts_account_missing 1\n"));
    let mut waits = snapshot(3);
    waits.leads = false;
    let going = goes(asked, waits);
    let said = ask(at, "/readyz", "").await;
    assert!(
        said.starts_with("HTTP/1.1 200") && said.contains("another replica"),
        "{said}"
    );
    let said = ask(at, "/metrics", "").await;
    assert!(said.contains("content-type: text/plain; version=0.0.4"), "{said}");
    assert!(
        said.contains("# TYPE certs_orders_total counter\n") && !said.contains("# EOF"),
        "{said}"
    );
    let said = ask(
        at,
        "/metrics",
        "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n",
    )
    .await;
    assert!(
        said.contains("application/openmetrics-text") && said.contains("# TYPE certs_orders counter\n"),
        "{said}"
    );
    assert!(ask(at, "/secrets", "").await.starts_with("HTTP/1.1 404"));
    canceller.cancel();
    assert!(ask(at, "/readyz", "").await.contains("it ends"));
    going.abort();
    assert!(going.await.is_err());
    let said = ask(at, "/healthz", "").await;
    assert!(
        said.starts_with("HTTP/1.1 503") && said.ends_with("the controller has ended\n"),
        "{said}"
    );
    serving.end().await;
    assert!(TcpStream::connect(at).await.is_err());
}

#[tokio::test]
async fn one_that_only_plans_is_ready_so_that_a_rollout_comes_to_its_end() {
    let (serving, asked, _canceller) = server().await;
    let mut plans = snapshot(3);
    plans.has_account = false;
    let going = goes(asked, plans);
    let said = ask(serving.address(), "/readyz", "").await;
    assert!(
        said.starts_with("HTTP/1.1 200") && said.contains("it only plans"),
        "{said}"
    );
    going.abort();
}

#[tokio::test]
async fn a_loop_that_stands_still_is_not_healthy() {
    let (serving, asked, _canceller) = server().await;
    asked.stage.send_replace(Stage::Going);
    let began = Instant::now();
    let said = ask(serving.address(), "/healthz", "").await;
    assert!(
        said.starts_with("HTTP/1.1 503") && said.contains("has not answered for 5 seconds"),
        "{said}"
    );
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_port_in_use_is_told_with_what_to_do() {
    let (serving, _asked, _canceller) = server().await;
    let error = Listening::on(Some(serving.address())).await.unwrap_err();
    assert!(
        error
            .message
            .contains(&format!("cannot listen on {} for /metrics", serving.address()))
    );
    assert!(error.hint.unwrap().contains("--listen ADDRESS:PORT"));
    // Clients that say nothing keep nobody out.
    let mut silent = Vec::new();
    for _ in 0..BOUNDS.connections + 5 {
        silent.push(TcpStream::connect(serving.address()).await.unwrap());
    }
    assert!(ask(serving.address(), "/healthz", "").await.starts_with("HTTP/1.1 200"));
    let began = Instant::now();
    serving.end().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
