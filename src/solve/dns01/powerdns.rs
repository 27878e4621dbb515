//! PowerDNS's HTTP API, version 1.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    api::{self, ApiAnswer, ApiClient, ApiRequest},
    config::{PowerDnsConfig, Secrets},
    provider::{Delegation, Provider, Record, Writes},
    registry::within,
};
use crate::{plan::caa::ancestors, solve::SolveError};

/// The largest answer in bytes: a whole zone with some 500,000 records.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// One PowerDNS server.
#[derive(Debug)]
pub(super) struct PowerDns {
    label: String,
    /// The path of the zones.
    zones: String,
    client: ApiClient,
    /// Whether the server supports changes of single values (EXTEND and PRUNE, since 5.0.2). True until it has refused
    /// one.
    singly: AtomicBool,
}

#[derive(Debug, Deserialize)]
struct Zone {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    rrsets: Vec<Set>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Set {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    ttl: u32,
    #[serde(default)]
    records: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Value {
    content: String,
    #[serde(default)]
    disabled: bool,
}

/// The change of a name's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

impl PowerDns {
    pub(super) fn new(config: &PowerDnsConfig, key: &SecretString, secrets: &dyn Secrets) -> Result<Self, SolveError> {
        let url = config.url.trim().trim_end_matches('/');
        let url = url.strip_suffix("/api/v1").unwrap_or(url);
        let mut value = HeaderValue::from_str(key.expose_secret())
            .map_err(|_| SolveError::new("the API's key holds characters that a header cannot have"))?;
        // This keeps it out of Debug and of HTTP/2's tables.
        value.set_sensitive(true);
        let headers = HeaderMap::from_iter([(reqwest::header::HeaderName::from_static("x-api-key"), value)]);
        let client = ApiClient::open("PowerDNS", url, config.ca_file.as_deref(), headers, secrets)?;
        Ok(Self {
            label: format!("PowerDNS at {}", client.base()),
            zones: format!("/api/v1/servers/{}/zones", config.server),
            client,
            singly: AtomicBool::new(true),
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<ApiAnswer, SolveError> {
        let request = ApiRequest {
            method,
            path: format!("{}/{path}", self.zones),
            body: body.map(ToString::to_string),
        };
        self.client.send(&self.label, MOST_BYTES, &request).await
    }

    /// Reads the kind of the zone, and the TXT records of the name if it has any.
    async fn read(&self, record: &Record) -> Result<(String, Option<Set>), SolveError> {
        // Read the whole zone: for a request with one name, PowerDNS 4 omits values that are disabled.
        let answer = self.call(Method::GET, &format!("{}.", record.zone), None).await?;
        if !answer.status.is_success() {
            return Err(self.refused(record, &answer));
        }
        let zone: Zone = serde_json::from_slice(&answer.body).map_err(|_| {
            SolveError::new(format!(
                "{} does not answer like the API of PowerDNS: {}",
                self.label,
                answer.text()
            ))
            .hint("check the URL")
        })?;
        let name = format!("{}.", record.name);
        let found = zone
            .rrsets
            .into_iter()
            .find(|set| set.kind == "TXT" && set.name.eq_ignore_ascii_case(&name));
        Ok((zone.kind, found))
    }

    /// The deepest zone of the server that holds a name, with its name servers and those of their addresses that it has.
    async fn holding(&self, name: &str) -> Result<Option<Delegation>, SolveError> {
        for zone in ancestors(name) {
            let answer = self.call(Method::GET, &format!("{zone}."), None).await?;
            match answer.status {
                status if status.is_success() => {}
                // Servers before 4.9 answer 422 for a zone that they do not have.
                StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => continue,
                status => {
                    return Err(SolveError::new(format!("{} answers {}", self.label, status.as_u16())));
                }
            }
            let sets = serde_json::from_slice::<Zone>(&answer.body).map(|zone| zone.rrsets);
            return Ok(Some(delegation(zone, &sets.unwrap_or_default())));
        }
        Ok(None)
    }

    /// Changes a value. Returns whether anything had to change.
    async fn change(&self, record: &Record, change: Change) -> Result<bool, SolveError> {
        let (kind, present) = self.read(record).await?;
        let values = present.as_ref().map(|set| set.records.as_slice()).unwrap_or_default();
        let content = format!("\"{}\"", record.value);
        let there = values.iter().any(|value| value.content == content && !value.disabled);
        if there == (change == Change::Add) {
            return Ok(false);
        }
        // A record set has one TTL: that of the present values.
        let ttl = present
            .as_ref()
            .filter(|set| !set.records.is_empty())
            .map_or(record.ttl, |set| set.ttl);
        // PowerDNS forgets disabled values when it changes a single one.
        let singly = self.singly.load(Ordering::Relaxed) && !values.iter().any(|value| value.disabled);
        if !(singly && self.single(record, ttl, &content, change).await?) {
            self.replace(record, ttl, &after(values, &content, change)).await?;
        }
        if matches!(kind.as_str(), "Master" | "Primary" | "Producer") {
            // Secondaries would check by themselves, but a minute later. A failure of this request (no primary mode) is
            // ignored.
            let _ = self.call(Method::PUT, &format!("{}./notify", record.zone), None).await;
        }
        Ok(true)
    }

    /// Changes one value, and leaves the others to the server. Returns false if the server does not support that.
    async fn single(&self, record: &Record, ttl: u32, content: &str, change: Change) -> Result<bool, SolveError> {
        let word = match change {
            Change::Add => "EXTEND",
            Change::Remove => "PRUNE",
        };
        let values = [Value {
            content: content.to_owned(),
            disabled: false,
        }];
        let answer = self.patch(record, ttl, word, &values).await?;
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY
            && answer.text().to_ascii_lowercase().contains("changetype")
        {
            self.singly.store(false, Ordering::Relaxed);
            return Ok(false);
        }
        self.done(record, &answer).map(|()| true)
    }

    async fn replace(&self, record: &Record, ttl: u32, values: &[Value]) -> Result<(), SolveError> {
        let word = if values.is_empty() { "DELETE" } else { "REPLACE" };
        let answer = self.patch(record, ttl, word, values).await?;
        self.done(record, &answer)
    }

    async fn patch(&self, record: &Record, ttl: u32, word: &str, values: &[Value]) -> Result<ApiAnswer, SolveError> {
        let mut set = json!({"name": format!("{}.", record.name), "type": "TXT", "changetype": word});
        if word != "DELETE" {
            set["ttl"] = ttl.into();
            set["records"] = json!(values);
        }
        let body = json!({"rrsets": [set]});
        self.call(Method::PATCH, &format!("{}.", record.zone), Some(&body))
            .await
    }

    fn done(&self, record: &Record, answer: &ApiAnswer) -> Result<(), SolveError> {
        if answer.status.is_success() {
            return Ok(());
        }
        Err(self.refused(record, answer))
    }

    fn refused(&self, record: &Record, answer: &ApiAnswer) -> SolveError {
        #[derive(Deserialize)]
        struct Said {
            error: String,
        }
        let said =
            serde_json::from_slice::<Said>(&answer.body).map_or_else(|_| answer.text(), |said| api::cut(&said.error));
        let status = answer.status.as_u16();
        let refused = |hint: &str| SolveError::new(format!("{} answers {status}: {said}", self.label)).hint(hint);
        let error = match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                refused("check apiKey, and that webserver-allow-from allows this machine")
            }
            StatusCode::NOT_FOUND => refused(&format!(
                "the server must hold the zone {}, and its id in the API be the one in `server`",
                record.zone
            )),
            StatusCode::UNPROCESSABLE_ENTITY => {
                refused(&format!("the server must be the primary one of zone {}", record.zone))
            }
            _ => refused("the server's log says more"),
        };
        if answer.status.is_client_error() {
            error.refused()
        } else {
            error
        }
    }
}

/// What record sets say of a zone's name servers.
fn delegation(zone: &str, sets: &[Set]) -> Delegation {
    let bare = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    let values = |name: &str, kind: &str| -> Vec<String> {
        let of = sets.iter().filter(|set| set.kind == kind && bare(&set.name) == name);
        let values = of.flat_map(|set| &set.records).filter(|value| !value.disabled);
        values.map(|value| value.content.clone()).collect()
    };
    let servers: Vec<String> = values(zone, "NS").iter().map(|server| bare(server)).collect();
    let mut glue = Vec::new();
    for server in servers.iter().filter(|server| within(server, zone)) {
        let addresses = ["A", "AAAA"].into_iter().flat_map(|kind| values(server, kind));
        glue.extend(addresses.filter_map(|text| Some((server.clone(), text.parse().ok()?))));
    }
    Delegation {
        zone: zone.to_owned(),
        servers,
        glue,
    }
}

/// The values after a change. Those of others stay as they were, disabled or not.
fn after(values: &[Value], content: &str, change: Change) -> Vec<Value> {
    let others = values.iter().filter(|value| value.content != content).cloned();
    let mut all: Vec<Value> = others.collect();
    if change == Change::Add {
        all.push(Value {
            content: content.to_owned(),
            disabled: false,
        });
    }
    all
}

impl Provider for PowerDns {
    fn label(&self) -> &str {
        &self.label
    }

    /// `SQLite`, which many servers keep their zones in, refuses a write while another goes on, and the server answers 500 then.
    fn writes(&self) -> Writes {
        Writes::ByZone
    }

    fn delegation<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Delegation>, SolveError>> {
        Box::pin(self.holding(name))
    }

    fn add<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move { self.change(record, Change::Add).await.map(|_| ()) })
    }

    fn remove<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<bool, SolveError>> {
        Box::pin(self.change(record, Change::Remove))
    }
}
