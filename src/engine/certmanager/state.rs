//! Reads the status of a Certificate, and makes the one condition that is written into it. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    object::{Key, Seconds},
    text::{date_time, parse_time},
};

/// The reason and the message of the condition that `cmctl renew` writes.
const REASON: &str = "ManuallyTriggered";
const MESSAGE: &str = "Certificate re-issuance manually triggered";

/// One condition of a status.
pub(super) struct Condition<'a> {
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

/// The condition of a status with a type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    let all = object["status"]["conditions"].as_array()?;
    let found = all.iter().find(|one| one["type"] == kind)?;
    Some(Condition {
        status: text(&found["status"]),
        reason: text(&found["reason"]),
        message: text(&found["message"]),
    })
}

/// A text; empty if the value is not one.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The uid of an object.
pub(super) fn uid(object: &Value) -> &str {
    text(&object["metadata"]["uid"])
}

/// The name of an object.
pub(super) fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

/// Whether `owner` owns the object.
pub(super) fn is_owned(object: &Value, owner: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|all| {
        all.iter()
            .any(|one| !uid(owner).is_empty() && text(&one["uid"]) == uid(owner))
    })
}

/// The state before cert-manager was asked.
pub(super) struct Before {
    uid: String,
    pub(super) revision: u64,
    next_key: String,
    /// The uids of requests that had finished. They do not explain what happens from then on.
    pub(super) ended: BTreeSet<String>,
}

impl Before {
    pub(super) fn of(certificate: &Value, ended: BTreeSet<String>) -> Self {
        Self {
            uid: uid(certificate).to_owned(),
            revision: revision(certificate),
            next_key: next_key(certificate).to_owned(),
            ended,
        }
    }

    /// Whether a controller has started since then.
    pub(super) fn has_begun(&self, certificate: &Value) -> bool {
        let next = next_key(certificate);
        !next.is_empty() && next != self.next_key
    }
}

fn next_key(certificate: &Value) -> &str {
    text(&certificate["status"]["nextPrivateKeySecretName"])
}

/// How often the Certificate has been issued.
pub(super) fn revision(certificate: &Value) -> u64 {
    certificate["status"]["revision"].as_u64().unwrap_or(0)
}

/// Whether an issuance is in progress.
pub(super) fn is_issuing(certificate: &Value) -> bool {
    condition(certificate, "Issuing").is_some_and(|issuing| issuing.status == "True")
}

/// Whether that issuance was requested manually, by this program or `cmctl`.
pub(super) fn is_asked_by_hand(certificate: &Value) -> bool {
    condition(certificate, "Issuing").is_some_and(|issuing| issuing.reason == REASON)
}

/// The Secret that the Certificate writes.
pub(super) fn secret(certificate: &Value, key: &Key) -> Key {
    Key::new(key.namespace.clone(), text(&certificate["spec"]["secretName"]))
}

/// Names the issuer: `Issuer letsencrypt`.
pub(super) fn issuer(object: &Value) -> String {
    let issuer = &object["spec"]["issuerRef"];
    let kind = issuer["kind"]
        .as_str()
        .filter(|kind| !kind.is_empty())
        .unwrap_or("Issuer");
    format!("{kind} {}", text(&issuer["name"]))
}

/// The merge patch of the status that `cmctl renew` writes: its conditions including Issuing, for exactly the version
/// that was read, because a merge patch replaces the whole list.
pub(super) fn trigger(certificate: &Value, now: Seconds) -> Value {
    // cert-manager assigns a failed request to the previous issuance if it failed before the condition was set, in
    // whole seconds. A request that failed within the present second, or by a clock that is ahead, would be taken for
    // the new one.
    let failed = certificate["status"]["lastFailureTime"].as_str().and_then(parse_time);
    let at = failed.map_or(now, |failed| now.max(failed.saturating_add(1)));
    let issuing = json!({
        "type": "Issuing", "status": "True", "reason": REASON, "message": MESSAGE,
        "lastTransitionTime": date_time(at),
        "observedGeneration": certificate["metadata"]["generation"].as_u64().unwrap_or(0),
    });
    let all = certificate["status"]["conditions"].as_array();
    let mut conditions: Vec<Value> = all.cloned().unwrap_or_default();
    match conditions.iter_mut().find(|one| one["type"] == "Issuing") {
        Some(present) => *present = issuing,
        None => conditions.push(issuing),
    }
    json!({
        "metadata": {
            "uid": certificate["metadata"]["uid"],
            "resourceVersion": certificate["metadata"]["resourceVersion"],
        },
        "status": {"conditions": conditions},
    })
}

/// Whether and how an issuance has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It has not ended.
    None,
    /// It succeeded with a new revision, which is stored.
    Issued,
    /// It failed, with cert-manager's message.
    Failed(String),
    /// The Certificate was replaced by another one of the same name.
    Gone,
}

pub(super) fn end(certificate: &Value, before: &Before) -> End {
    if uid(certificate) != before.uid {
        return End::Gone;
    }
    if revision(certificate) > before.revision {
        return End::Issued;
    }
    match condition(certificate, "Issuing") {
        Some(issuing) if issuing.status == "True" => End::None,
        Some(issuing) => {
            let said = issuing.message;
            let said = said.split_once("will be retried: ").map_or(said, |(_, rest)| rest);
            End::Failed(format!("{}: {said}", issuing.reason))
        }
        None => End::Failed("someone else has removed the Issuing condition".to_owned()),
    }
}
