use std::sync::{
    Mutex,
    atomic::{AtomicU16, Ordering},
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use tokio::{net::TcpListener, sync::mpsc};

use super::*;
use crate::solve::dns01::config::NoSecrets;

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn changed(host: &str, state: &'static str) -> Changed {
    Changed {
        host: host.to_owned(),
        tenant: "acme".to_owned(),
        state,
        reason: "It is so.".to_owned(),
        next: String::new(),
        until: None,
        at: "2026-12-01T00:00:00Z".to_owned(),
    }
}

/// A request that a receiver got: its headers and its body.
type Got = (HeaderMap, String);

/// A receiver on this machine that answers with a status that can be changed. Its URL, and what it gets.
async fn receiver(status: u16) -> (String, Arc<AtomicU16>, mpsc::UnboundedReceiver<Got>) {
    let (give, got) = mpsc::unbounded_channel();
    let status = Arc::new(AtomicU16::new(status));
    let answers = Arc::clone(&status);
    let answer = move |headers: HeaderMap, body: String| async move {
        let _ = give.send((headers, body));
        let status = StatusCode::from_u16(answers.load(Ordering::Relaxed)).unwrap();
        (status, [("location", "/elsewhere")])
    };
    let app = Router::new().route("/hook/hunter2", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook/hunter2", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, status, got)
}

type Said = Arc<Mutex<Vec<String>>>;

/// The first pause after a failure.
const SOON: Duration = Duration::from_millis(20);

/// A webhook with a secret in a file, and what it complains of.
fn webhook(step: Duration, url: &str, secret: &str) -> (tempfile::TempDir, Webhook, Said) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, format!("{secret}\n")).unwrap();
    let receiver = Receiver {
        url: url.to_owned(),
        secret: Credential::File(path),
    };
    let said = Said::default();
    let into = Arc::clone(&said);
    let trouble: Trouble = Arc::new(move |text: &str| into.lock().unwrap().push(text.to_owned()));
    let webhook = Webhook::at(step, receiver, Arc::new(NoSecrets), trouble);
    (dir, webhook, said)
}

#[tokio::test]
async fn a_change_comes_as_json_that_the_secret_has_signed() {
    let (url, _, mut got) = receiver(204).await;
    let (_dir, webhook, said) = webhook(SOON, &url, SECRET);
    webhook.put(changed("shop.example", "active"));
    let (headers, body) = got.recv().await.unwrap();
    webhook.end().await;
    let shown: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        shown,
        serde_json::json!({
            "host": "shop.example", "tenant": "acme", "state": "active", "reason": "It is so.", "next": "",
            "until": null, "at": "2026-12-01T00:00:00Z",
        })
    );
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json");
    let signed = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
    let tag = STANDARD
        .decode(header("webhook-signature").strip_prefix("v1,").unwrap())
        .unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"01234567890123456789012345678901");
    hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
    assert!(said.lock().unwrap().is_empty(), "{said:?}");
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_with_the_same_id_and_a_later_change_takes_its_place() {
    // A redirect is no yes, and is not followed.
    let (url, status, mut got) = receiver(302).await;
    let (_dir, webhook, said) = webhook(SOON, &url, SECRET);
    webhook.put(changed("shop.example", "dns"));
    let first = got.recv().await.unwrap();
    let second = got.recv().await.unwrap();
    assert_eq!((&first.0["webhook-id"], &first.1), (&second.0["webhook-id"], &second.1));
    webhook.put(changed("shop.example", "validating"));
    webhook.put(changed("shop.example", "active"));
    status.store(200, Ordering::Relaxed);
    // The one that is on its way may still come.
    let mut last = got.recv().await.unwrap();
    while !last.1.contains("active") {
        assert!(
            !last.1.contains("validating"),
            "the one in between is not told: {}",
            last.1
        );
        last = got.recv().await.unwrap();
    }
    webhook.end().await;
    assert_ne!(first.0["webhook-id"], last.0["webhook-id"]);
    assert!(got.try_recv().is_err(), "it is told once");
    let said = said.lock().unwrap();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("it answered 302"), "{said:?}");
    assert!(!said[0].contains("hunter2"), "{said:?}");
}

#[tokio::test]
async fn what_is_refused_again_and_again_is_lost_and_holds_up_nobody_else() {
    let (url, _, mut got) = receiver(400).await;
    let (_dir, webhook, said) = webhook(Duration::ZERO, &url, SECRET);
    for host in ["a.example", "b.example"] {
        webhook.put(changed(host, "active"));
    }
    for _ in 0..16 {
        got.recv().await.unwrap();
    }
    webhook.end().await;
    let said = said.lock().unwrap().join("\n");
    assert_eq!(said.matches("1 change of a domain is lost").count(), 2, "{said}");
}

#[tokio::test]
async fn more_than_the_queue_holds_are_counted_and_the_latest_of_a_host_stays() {
    let queue = Queue::new(Duration::ZERO);
    for n in 0..10_000 {
        assert_eq!(queue.put(changed(&format!("h{n}.example"), "asked")), Put::Waits);
    }
    assert_eq!(queue.put(changed("one-more.example", "asked")), Put::Lost);
    assert_eq!(queue.put(changed("h7.example", "active")), Put::Waits);
    assert_eq!(queue.lost(), 1);
    let mut last = None;
    for _ in 0..8 {
        last = queue.next().await;
    }
    let last = last.unwrap();
    assert_eq!(
        (last.changed.host.as_str(), last.changed.state),
        ("h7.example", "active")
    );
}

#[tokio::test]
async fn a_secret_that_is_none_sends_nothing_and_is_said_without_being_quoted() {
    for (secret, words) in [
        ("hunter2", "shorter than 24 bytes"),
        ("whsec_hunter2-hunter2-hunter2-hunter2", "no Base64 behind whsec_"),
    ] {
        let (url, _, mut got) = receiver(200).await;
        let (_dir, webhook, said) = webhook(SOON, &url, secret);
        webhook.put(changed("shop.example", "active"));
        while said.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        webhook.end().await;
        let said = said.lock().unwrap().join("\n");
        assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
        assert!(got.try_recv().is_err());
    }
}
