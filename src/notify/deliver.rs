//! Delivers messages, within seconds, and without a word of the URL that may be a secret.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{Notice, Scene, alertmanager, slack};
use crate::{
    net::https,
    settings::notify::NotifyEntry,
    solve::dns01::config::{Credential, Secrets},
    text,
};

/// How long a receiver has for a message.
const TIMEOUT: Duration = Duration::from_secs(5);
/// So much of an answer is read, in bytes.
const MOST: usize = 4_096;

/// Why a message was not delivered. It names no URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{receiver} was not told: {why}")]
pub struct NotifyError {
    /// Who was to be told.
    pub receiver: &'static str,
    /// Why it was not.
    pub why: String,
}

/// Whoever is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// A webhook of Slack, or of a program that takes the same messages, with the place of its URL.
    Slack(Credential),
    /// An Alertmanager, with its URL.
    Alertmanager(String),
}

impl Receiver {
    /// The receivers of the settings.
    pub fn of(entry: &NotifyEntry) -> Vec<Self> {
        let slack = entry.slack.clone().map(Self::Slack);
        let alertmanager = entry.alertmanager.clone().map(Self::Alertmanager);
        slack.into_iter().chain(alertmanager).collect()
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Slack(_) => "the webhook",
            Self::Alertmanager(_) => "the Alertmanager",
        }
    }

    /// Delivers all notices in one message. Redirects are not followed.
    ///
    /// # Errors
    ///
    /// The place of the URL cannot be read, or the receiver does not take the message within five seconds.
    pub async fn tell(&self, notices: &[Notice], scene: &Scene, secrets: &dyn Secrets) -> Result<(), NotifyError> {
        let failed = |why: String| NotifyError {
            receiver: self.name(),
            why,
        };
        let (url, body) = match self {
            Self::Slack(place) => {
                let url = place.resolve(secrets).await;
                let url = url.map_err(|error| failed(format!("its URL cannot be read: {error}")))?;
                if !is_safe(url.expose_secret()) {
                    return Err(failed(format!("{place} holds no https URL")));
                }
                (url, slack::message(notices, scene))
            }
            Self::Alertmanager(url) => (alertmanager::url(url).into(), alertmanager::alerts(notices, scene)),
        };
        let secret = url.expose_secret();
        post(secret, &body)
            .await
            .map_err(|why| failed(text::clear(&without(&why, secret)).into_owned()))
    }
}

impl std::fmt::Display for Receiver {
    /// `the webhook of variable SLACK_URL`, `the Alertmanager http://alertmanager:9093`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Slack(place) => write!(f, "{} of {place}", self.name()),
            Self::Alertmanager(url) => write!(f, "{} {url}", self.name()),
        }
    }
}

/// Whether a URL that is a secret may be used: over http it would be seen on the way, except on this machine.
fn is_safe(url: &str) -> bool {
    let local = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];
    url.starts_with("https://") || local.iter().any(|start| url.starts_with(start))
}

/// A text without the URL and its path, whoever has quoted them.
fn without(text: &str, url: &str) -> String {
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let text = text.replace(url, "(URL)");
    match path.filter(|path| path.len() > 1) {
        Some(path) => text.replace(path, "/..."),
        None => text,
    }
}

async fn post(url: &str, body: &Value) -> Result<(), String> {
    let client = https::client(None).map_err(|error| error.to_string())?;
    let request = client
        .post(url)
        .timeout(TIMEOUT)
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string());
    let answer = request.send().await.map_err(|error| {
        if error.is_timeout() {
            format!("it has not answered within {} seconds", TIMEOUT.as_secs())
        } else {
            https::words(&error)
        }
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let said = https::body(answer, MOST).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let said = text::shorten(said.trim(), 200);
    Err(if said.is_empty() {
        format!("it answered {status}")
    } else {
        format!("it answered {status}: {said}")
    })
}

#[cfg(test)]
pub(super) mod testing {
    use std::sync::Arc;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        sync::Mutex,
    };

    /// What a server was sent, one text a request.
    pub(in crate::notify) type Got = Arc<Mutex<Vec<String>>>;

    /// Starts a server that answers the requests with these lines, and then with the last one. Returns its URL.
    pub(in crate::notify) async fn server(answers: &'static [&'static str]) -> (String, Got) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let got = Got::default();
        let into = Arc::clone(&got);
        tokio::spawn(async move {
            let mut count = 0;
            while let Ok((mut tcp, _)) = listener.accept().await {
                let mut all = Vec::new();
                let mut part = [0; 8_192];
                loop {
                    let read = tcp.read(&mut part).await.unwrap_or_default();
                    all.extend_from_slice(&part[..read]);
                    let text = String::from_utf8_lossy(&all).into_owned();
                    let length = text
                        .to_ascii_lowercase()
                        .split_once("content-length: ")
                        .and_then(|(_, rest)| rest.split("\r\n").next()?.parse::<usize>().ok());
                    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
                    if read == 0 || body.is_some_and(|body| Some(body) >= length) {
                        into.lock().await.push(text);
                        break;
                    }
                }
                let answer = answers[count.min(answers.len() - 1)];
                count += 1;
                let said = format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
                let _ = tcp.write_all(said.as_bytes()).await;
            }
        });
        (url, got)
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::server, *};
    use crate::{notify::example, solve::dns01::config::NoSecrets};

    /// A webhook whose URL is in a file.
    fn webhook(url: &str) -> (tempfile::TempDir, Receiver) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        std::fs::write(&path, format!("{url}\n")).unwrap();
        (dir, Receiver::Slack(Credential::File(path)))
    }

    async fn tell(receiver: &Receiver) -> Result<(), NotifyError> {
        receiver.tell(&example(), &Scene::default(), &NoSecrets).await
    }

    #[tokio::test]
    async fn a_webhook_gets_one_message_and_an_alertmanager_all_alerts() {
        let (url, got) = server(&["200 OK"]).await;
        let (_dir, slack) = webhook(&format!("{url}/services/T0/B0/hunter2"));
        tell(&slack).await.unwrap();
        tell(&Receiver::Alertmanager(format!("{url}/am"))).await.unwrap();
        let got = got.lock().await;
        assert_eq!(got.len(), 2, "{got:?}");
        assert!(
            got[0].starts_with("POST /services/T0/B0/hunter2 HTTP/1.1\r\n"),
            "{got:?}"
        );
        assert!(
            got[0].contains("content-type: application/json") && got[0].contains("\"blocks\""),
            "{got:?}"
        );
        assert!(got[1].starts_with("POST /am/api/v2/alerts HTTP/1.1\r\n"), "{got:?}");
        assert!(
            got[1].contains("\"alertname\":\"KubectlCertsRenewalFailed\""),
            "{got:?}"
        );
    }

    #[tokio::test]
    async fn what_fails_is_told_without_the_url_and_redirects_are_not_followed() {
        let (url, got) = server(&["302 Found\r\nlocation: /elsewhere", "404 Not Found"]).await;
        let (_dir, slack) = webhook(&format!("{url}/services/hunter2"));
        let redirected = tell(&slack).await.unwrap_err();
        assert!(redirected.to_string().contains("302"), "{redirected}");
        assert_eq!(got.lock().await.len(), 1);
        let refused = tell(&slack).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the webhook was not told: it answered 404 Not Found: ok"
        );
        let (_dir, nobody) = webhook("http://127.0.0.1:1/services/hunter2");
        let unreachable = tell(&nobody).await.unwrap_err();
        for error in [&redirected, &refused, &unreachable] {
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        let (_dir, plain) = webhook("http://hooks.example/services/hunter2");
        let unsafe_ = tell(&plain).await.unwrap_err().to_string();
        assert!(
            unsafe_.contains("holds no https URL") && !unsafe_.contains("hunter2"),
            "{unsafe_}"
        );
        assert!(!format!("{slack:?}").contains("hunter2"));
    }

    #[test]
    fn a_url_is_left_out_whoever_has_quoted_it() {
        let url = "https://hooks.example/services/hunter2";
        assert_eq!(without("no https://hooks.example/services/hunter2", url), "no (URL)");
        assert_eq!(without("no route for /services/hunter2", url), "no route for /...");
    }
}
