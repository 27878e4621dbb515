//! Tells the application when the state of a host has changed: one JSON object a request, signed, until it is taken.
//!
//! ```text
//! POST URL
//! webhook-id: HOST's change      the same when it is tried again
//! webhook-timestamp: 1796083200  when it was signed
//! webhook-signature: v1,BASE64   HMAC-SHA256 of "ID.TIMESTAMP.BODY"
//!
//! {"host": "shop.example", "tenant": "acme", "state": "active", "reason": "...", "next": "...", "until": null, "at": "2026-12-01T00:00:00Z"}
//! ```
//!
//! The headers are those of Standard Webhooks 1.0 (<https://www.standardwebhooks.com>), for which most languages have a library.
//!
//! What waits is bounded: one change a host, the latest, for 10,000 hosts. A receiver that is away is asked again after 1 s, 2 s, ...
//! 5 min; an answer other than 2xx counts as away. A change that is refused eight times is lost and said so. Who wants to know where
//! a host stands, whatever was lost, asks the API.

mod follow;
mod queue;

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Client, header::CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tokio::{task::JoinHandle, time::timeout};

use crate::{
    clock::now,
    domain::{Record, Told},
    net::https,
    object::Seconds,
    solve::dns01::config::{Credential, Secrets},
    text::{self, date_time},
};
pub use follow::Following;
use queue::{Put, Queue};

/// How long a receiver has for a change.
const TIMEOUT: Duration = Duration::from_secs(5);
/// So much of an answer is read, in bytes.
const MOST: usize = 1_024;
/// How long the last changes may take when the program ends.
const LAST: Duration = Duration::from_secs(5);
/// What a secret begins with that is written as Standard Webhooks have it, before its Base64.
const PREFIX: &str = "whsec_";
/// The fewest bytes of a secret, by Standard Webhooks.
const SHORTEST: usize = 24;

/// Who is told what was not delivered.
pub type Trouble = Arc<dyn Fn(&str) + Send + Sync>;

/// A change of the state of a host, as the application gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Changed {
    /// The host.
    host: String,
    /// Whose it is.
    tenant: String,
    /// Where it stands, in a word.
    state: &'static str,
    /// Why.
    reason: String,
    /// What has to be done.
    next: String,
    /// When it goes on by itself (RFC 3339); null if time alone changes nothing.
    until: Option<String>,
    /// When it changed (RFC 3339).
    at: String,
}

impl Changed {
    /// That a host stands so at a moment.
    fn of(record: &Record, told: &Told, now: Seconds) -> Self {
        Self {
            host: record.host.to_string(),
            tenant: record.tenant.to_string(),
            state: told.state.as_str(),
            reason: told.reason.clone(),
            next: told.next.clone(),
            until: told.until.map(date_time),
            at: date_time(now),
        }
    }
}

/// Whoever is told.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// The URL, which may be one of the cluster: whoever wrote the settings has chosen it.
    pub url: String,
    /// The place of the secret by which requests are signed.
    pub secret: Credential,
}

/// Takes changes, and never waits.
struct Webhook {
    queue: Arc<Queue>,
    task: JoinHandle<()>,
}

impl Webhook {
    /// Begins to tell a receiver. What cannot be delivered is told to `trouble`, without a word of the URL or the secret.
    fn begin(receiver: Receiver, secrets: Arc<dyn Secrets>, trouble: Trouble) -> Self {
        Self::at(Duration::from_secs(1), receiver, secrets, trouble)
    }

    /// `step` is the first pause after a failure. Tests are in a hurry.
    fn at(step: Duration, receiver: Receiver, secrets: Arc<dyn Secrets>, trouble: Trouble) -> Self {
        let queue = Arc::new(Queue::new(step));
        let task = tokio::spawn(deliver(Arc::clone(&queue), receiver, secrets, trouble));
        Self { queue, task }
    }

    /// Tells of a change, in place of one of the same host that waits. Where 10,000 hosts wait, it is lost, and counted.
    fn put(&self, changed: Changed) {
        if self.queue.put(changed) == Put::Lost {
            log::debug!("a change of a domain is not told, because too many wait already");
        }
    }

    /// Ends it: what waits is delivered within five seconds, or lost.
    async fn end(self) {
        self.queue.end();
        let stop = self.task.abort_handle();
        if timeout(LAST, self.task).await.is_err() {
            stop.abort();
        }
    }
}

async fn deliver(queue: Arc<Queue>, receiver: Receiver, secrets: Arc<dyn Secrets>, trouble: Trouble) {
    let client = match https::client(None) {
        Ok(client) => client,
        Err(error) => return trouble(&format!("the webhook of domains is told nothing: {error}")),
    };
    while let Some(waiting) = queue.next().await {
        let result = post(&client, &receiver, &*secrets, &waiting.changed, &waiting.id).await;
        let (lost, first) = match &result {
            Ok(()) => {
                queue.taken();
                (queue.lost(), false)
            }
            Err(_) => queue.refused(waiting),
        };
        if let Err(why) = &result
            && (first || lost > 0)
        {
            trouble(&text::clear(&format!("the webhook of domains was not told: {why}")));
        }
        if lost > 0 {
            let what = if lost == 1 {
                "change of a domain is"
            } else {
                "changes of domains are"
            };
            trouble(&format!(
                "{lost} {what} lost for the webhook: `kubectl certs domains list` says where each stands"
            ));
        }
    }
}

async fn post(
    client: &Client,
    receiver: &Receiver,
    secrets: &dyn Secrets,
    changed: &Changed,
    id: &str,
) -> Result<(), String> {
    let secret = receiver.secret.resolve(secrets).await;
    let secret = secret.map_err(|error| format!("its secret cannot be read: {error}"))?;
    let key = key(&secret).map_err(|why| format!("{} {why}", receiver.secret))?;
    let body = serde_json::to_string(changed).map_err(|error| error.to_string())?;
    let at = now();
    let request = client
        .post(&receiver.url)
        .timeout(TIMEOUT)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature(&key, id, at, &body))
        .body(body);
    let answer = request.send().await.map_err(|error| {
        if error.is_timeout() {
            format!("it has not answered within {} seconds", TIMEOUT.as_secs())
        } else {
            https::words(&error)
        }
    })?;
    let status = answer.status();
    // The connection is used again once the answer has been read.
    let _ = https::body(answer, MOST).await;
    if status.is_success() {
        return Ok(());
    }
    Err(format!("it answered {status}"))
}

/// The bytes of a secret. The errors are predicates, and say nothing of it.
fn key(secret: &SecretString) -> Result<hmac::Key, &'static str> {
    let text = secret.expose_secret().trim();
    let made = |bytes: &[u8]| {
        if bytes.len() < SHORTEST {
            return Err("is shorter than 24 bytes: `echo whsec_$(openssl rand -base64 32)` makes a secret");
        }
        Ok(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    };
    match text.strip_prefix(PREFIX) {
        Some(base64) => {
            let bytes = STANDARD.decode(base64).map_err(|_| "has no Base64 behind whsec_")?;
            made(&zeroize::Zeroizing::new(bytes))
        }
        None => made(text.as_bytes()),
    }
}

fn signature(key: &hmac::Key, id: &str, at: Seconds, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests;
