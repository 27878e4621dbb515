//! Reads the objects that cert-manager creates during an issuance again and again, and finds what is new.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::state::{self, Before, condition, is_owned, name, text, uid};
use crate::{
    apply::{Api, ApiError},
    event::{EventKind, Method},
    name::Name,
    object::Key,
    object::resource::{CERTIFICATE, CERTIFICATEREQUEST, CHALLENGE, ORDER, Resource},
    x509::{Certificate, Interner, bundle},
};

/// Reads a Certificate and the objects that belong to it.
pub(super) struct Look {
    api: Api,
    certificate: Key,
    /// Kinds that may not be read because a right is missing, or that the cluster does not serve.
    unseen: BTreeSet<Resource>,
}

/// The objects that were read.
#[derive(Default)]
pub(super) struct Observed {
    pub(super) certificate: Value,
    pub(super) request: Option<Value>,
    pub(super) order: Option<Value>,
    pub(super) challenges: Vec<Value>,
}

/// Whether a later read may succeed, so that watching continues.
pub(super) fn may_pass(error: &ApiError) -> bool {
    error.is_uncertain() || matches!(error, ApiError::Cluster(_) | ApiError::Refused { .. })
}

impl Look {
    pub(super) fn new(api: &Api, certificate: &Key) -> Self {
        Self {
            api: api.clone(),
            certificate: certificate.clone(),
            unseen: BTreeSet::new(),
        }
    }

    pub(super) fn certificate(&self) -> &Key {
        &self.certificate
    }

    /// The uids of the finished requests of a Certificate. If they cannot be read, that becomes apparent later.
    pub(super) async fn ended_requests(&self, certificate: &Value) -> BTreeSet<String> {
        let all = self
            .api
            .list(CERTIFICATEREQUEST, Some(&self.certificate.namespace), None)
            .await;
        let ended = |request: &&Value| is_owned(request, certificate) && has_ended(request);
        all.unwrap_or_default()
            .iter()
            .filter(ended)
            .map(|request| uid(request).to_owned())
            .collect()
    }

    /// Reads all objects again.
    pub(super) async fn again(&mut self, seen: &mut Observed, before: &Before) -> Result<(), ApiError> {
        let certificate = self.api.get(CERTIFICATE, &self.certificate).await?;
        // A Certificate that is gone is not the one that was asked.
        seen.certificate = certificate.unwrap_or_default();
        let present = seen.request.take();
        let own = |request: &Value, certificate: &Value| {
            is_owned(request, certificate) && !before.ended.contains(uid(request))
        };
        seen.request = self
            .one(CERTIFICATEREQUEST, present, |request| own(request, &seen.certificate))
            .await?;
        let Some(request) = &seen.request else {
            (seen.order, seen.challenges) = (None, Vec::new());
            return Ok(());
        };
        let present = seen.order.take();
        seen.order = self.one(ORDER, present, |order| is_owned(order, request)).await?;
        let Some(order) = &seen.order else {
            seen.challenges.clear();
            return Ok(());
        };
        let challenges = self.all(CHALLENGE).await?;
        seen.challenges = challenges
            .into_iter()
            .filter(|challenge| is_owned(challenge, order))
            .collect();
        Ok(())
    }

    /// The present state of the object that was followed; otherwise the newest of those that belong to the owner.
    async fn one(
        &mut self,
        resource: Resource,
        present: Option<Value>,
        belongs: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, ApiError> {
        if let Some(present) = &present {
            let key = Key::new(self.certificate.namespace.clone(), name(present));
            let now = self.api.get(resource, &key).await;
            if let Some(now) = self.readable(resource, now)?.flatten().filter(|now| belongs(now)) {
                return Ok(Some(now));
            }
        }
        let mut all = self.all(resource).await?;
        all.retain(belongs);
        all.sort_by_cached_key(|object| {
            let meta = &object["metadata"];
            (text(&meta["creationTimestamp"]).to_owned(), name(object).to_owned())
        });
        Ok(all.pop())
    }

    async fn all(&mut self, resource: Resource) -> Result<Vec<Value>, ApiError> {
        if self.unseen.contains(&resource) {
            return Ok(Vec::new());
        }
        let all = self.api.list(resource, Some(&self.certificate.namespace), None).await;
        Ok(self.readable(resource, all)?.unwrap_or_default())
    }

    /// Ignores a missing right: what cannot be seen explains nothing and prevents nothing, because the Certificate
    /// shows the result.
    fn readable<T>(&mut self, resource: Resource, result: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(ApiError::Forbidden { .. } | ApiError::NotFound { .. } | ApiError::Refused { code: 404, .. }) => {
                self.unseen.insert(resource);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a request has finished.
fn has_ended(request: &Value) -> bool {
    let is = |kind: &str| condition(request, kind).is_some_and(|one| one.status == "True");
    let ready = condition(request, "Ready");
    is("Denied")
        || is("InvalidRequest")
        || ready.is_some_and(|ready| matches!(ready.reason, "Failed" | "Issued" | "Denied"))
}

impl Observed {
    pub(super) fn of(certificate: Value) -> Self {
        Self {
            certificate,
            ..Self::default()
        }
    }

    /// Whether a controller has started.
    pub(super) fn is_taken_up(&self, before: &Before) -> bool {
        self.request.is_some() || before.has_begun(&self.certificate)
    }

    /// The leaf that was issued for the request.
    pub(super) fn leaf(&self) -> Option<Arc<Certificate>> {
        let encoded = text(&self.request.as_ref()?["status"]["certificate"]);
        let pem = BASE64_STANDARD.decode(encoded).ok()?;
        let parsed = bundle::parse(Some(&pem), None, &mut Interner::new());
        parsed.bundle.leaf().cloned()
    }

    /// Why the issuance failed: cert-manager's message on the Certificate, then those of the order and its challenges.
    pub(super) fn why(&self, said: &str) -> String {
        let mut words = vec![said.to_owned()];
        let mut add = |who: String, reason: &str| {
            if !reason.is_empty() && !words.iter().any(|word| word.contains(reason)) {
                words.push(format!("{who}: {reason}"));
            }
        };
        if let Some(order) = &self.order
            && is_failure(text(&order["status"]["state"]))
        {
            add(format!("Order {}", name(order)), text(&order["status"]["reason"]));
        }
        for challenge in &self.challenges {
            if text(&challenge["status"]["state"]) != "valid" {
                add(subject(challenge), text(&challenge["status"]["reason"]));
            }
        }
        words.join("; ")
    }

    /// What the issuance is waiting for, as far as can be seen, as a clause.
    pub(super) fn waits(&self, before: &Before) -> String {
        if !self.is_taken_up(before) {
            return "no cert-manager controller has picked it up: is it running?".to_owned();
        }
        let Some(request) = &self.request else {
            return "cert-manager has made a key, but no CertificateRequest can be seen".to_owned();
        };
        let waiting: Vec<String> = self
            .challenges
            .iter()
            .filter(|challenge| text(&challenge["status"]["state"]) != "valid")
            .map(|challenge| match text(&challenge["status"]["reason"]) {
                "" => format!("{} is pending", subject(challenge)),
                reason => format!("{}: {reason}", subject(challenge)),
            })
            .collect();
        if !waiting.is_empty() {
            return waiting.join("; ");
        }
        if let Some(order) = &self.order {
            let status = &order["status"];
            return match (text(&status["state"]), text(&status["reason"])) {
                ("", _) => format!("Order {} has not been picked up", name(order)),
                (state, "") => format!("Order {} is {state}", name(order)),
                (state, reason) => format!("Order {} is {state}: {reason}", name(order)),
            };
        }
        let approved = condition(request, "Approved").is_some_and(|one| one.status == "True");
        match condition(request, "Ready") {
            Some(ready) if !ready.message.is_empty() => {
                format!("CertificateRequest {}: {}", name(request), ready.message)
            }
            _ if !approved => {
                format!(
                    "CertificateRequest {} has not been approved: is an approver running?",
                    name(request)
                )
            }
            _ => format!(
                "CertificateRequest {} has not been picked up by the controller of {}: is it running?",
                name(request),
                state::issuer(request)
            ),
        }
    }
}

fn is_failure(state: &str) -> bool {
    matches!(state, "invalid" | "errored" | "expired")
}

/// Names a challenge: `the http-01 challenge for shop.example`.
fn subject(challenge: &Value) -> String {
    let spec = &challenge["spec"];
    let star = if spec["wildcard"] == true { "*." } else { "" };
    format!(
        "the {} challenge for {star}{}",
        text(&spec["type"]).to_ascii_lowercase(),
        text(&spec["dnsName"])
    )
}

/// The name that a challenge proves, and its method; `None` if its type is unknown.
fn proves(challenge: &Value) -> Option<(Name, Method)> {
    let spec = &challenge["spec"];
    let star = if spec["wildcard"] == true { "*." } else { "" };
    let name = format!("{star}{}", text(&spec["dnsName"])).parse().ok()?;
    let method = match text(&spec["type"]) {
        "HTTP-01" => Method::Http01,
        "DNS-01" => Method::Dns01,
        _ => return None,
    };
    Some((name, method))
}

/// What has been reported already, so that nothing is reported twice.
#[derive(Default)]
pub(super) struct ToldSoFar {
    request: BTreeMap<String, BTreeSet<String>>,
    orders: BTreeSet<String>,
    challenges: BTreeMap<String, ToldOf>,
}

/// A message without its numbers, because ports and times differ each time that cert-manager tries.
fn kind_of(words: &str) -> String {
    words.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[derive(Default)]
struct ToldOf {
    presented: bool,
    reasons: BTreeSet<String>,
    ended: bool,
}

impl ToldSoFar {
    /// The new events in the order in which they happen.
    pub(super) fn news(&mut self, seen: &Observed) -> Vec<EventKind> {
        let mut news = Vec::new();
        if let Some(request) = &seen.request {
            self.of_request(request, seen.order.is_some(), &mut news);
        }
        if let Some(order) = &seen.order {
            let url = text(&order["status"]["url"]);
            if !url.is_empty() && self.orders.insert(uid(order).to_owned()) {
                let spec = &order["spec"];
                let all = [&spec["dnsNames"], &spec["ipAddresses"]]
                    .into_iter()
                    .filter_map(Value::as_array)
                    .flatten();
                news.push(EventKind::Ordered {
                    url: url.to_owned(),
                    names: all.filter_map(|name| text(name).parse().ok()).collect(),
                    resumed: false,
                });
            }
        }
        for challenge in &seen.challenges {
            self.of_challenge(challenge, &mut news);
        }
        news
    }

    fn of_request(&mut self, request: &Value, has_order: bool, news: &mut Vec<EventKind>) {
        let told = self.request.entry(uid(request).to_owned()).or_insert_with(|| {
            news.push(EventKind::Note {
                text: format!("cert-manager has made CertificateRequest {}", name(request)),
            });
            BTreeSet::new()
        });
        let words = condition(request, "Ready").map_or("", |ready| ready.message);
        // If there is an order, the request only repeats its state.
        if !has_order && !words.is_empty() && told.insert(kind_of(words)) {
            news.push(EventKind::Note {
                text: format!("CertificateRequest {}: {words}", name(request)),
            });
        }
    }

    fn of_challenge(&mut self, challenge: &Value, news: &mut Vec<EventKind>) {
        let Some((subject, method)) = proves(challenge) else {
            return;
        };
        let told = self.challenges.entry(uid(challenge).to_owned()).or_default();
        let status = &challenge["status"];
        if status["presented"] == true && !told.presented {
            told.presented = true;
            news.push(EventKind::Presented {
                name: subject.clone(),
                method,
                place: format!("cert-manager's Challenge {}", name(challenge)),
            });
        }
        let (state, reason) = (text(&status["state"]), text(&status["reason"]));
        if told.ended {
            return;
        }
        if state == "valid" || is_failure(state) {
            told.ended = true;
            news.push(if state == "valid" {
                EventKind::Validated {
                    name: subject,
                    already: false,
                }
            } else {
                EventKind::ChallengeFailed {
                    name: subject,
                    detail: if reason.is_empty() { state } else { reason }.to_owned(),
                }
            });
        } else if !reason.is_empty() && told.reasons.insert(kind_of(reason)) {
            news.push(EventKind::Note {
                text: format!("{subject}: {reason}"),
            });
        }
    }
}
