//! Kubernetes Events on a route, by which `kubectl describe` shows an issuance. Best effort: nothing depends on them.

use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::{Value, json};

use super::{
    Api, ApiError, Patch,
    mark::{self, MANAGER},
};
use crate::{
    k8s::{Believed, Edit, Own as _, time},
    object::resource::{EVENT, Resource},
    object::{Key, Seconds},
    plan::permits::{Permit, Permits, Verb},
    text::date_time,
};

/// The longest message that the server accepts, in bytes.
const LONGEST: usize = 1024;

/// The reason of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The certificate is stored.
    CertificateIssued,
    /// The order or the write failed.
    CertificateFailed,
    /// A challenge failed.
    ChallengeFailed,
    /// The new certificate is served.
    CertificateServed,
    /// The new certificate is stored, and not served.
    CertificateNotServed,
    /// The CA does not answer, so that no order is begun.
    CertificateAuthorityDown,
    /// The CA answers again.
    CertificateAuthorityBack,
    /// The CA wants certificates replaced at once.
    RenewalWindowsMoved,
    /// Certificates could be ordered at no other CA.
    NoOtherAuthority,
    /// Every certificate could be ordered at another CA.
    OtherAuthorityReady,
    /// A change to another CA was rehearsed.
    ChangeRehearsed,
    /// The rehearsal of a change to another CA failed.
    RehearsalFailed,
    /// The earlier certificate was restored.
    RolledBack,
    /// Workloads were restarted.
    Restarted,
    /// So many customers' domains were disowned at once that none is released.
    ReleasesFrozen,
    /// cert-manager was asked for a renewal.
    RenewalRequested,
    /// The certificate was revoked.
    CertificateRevoked,
}

impl Reason {
    /// The reason in the form of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CertificateIssued => "CertificateIssued",
            Self::CertificateFailed => "CertificateFailed",
            Self::ChallengeFailed => "ChallengeFailed",
            Self::CertificateServed => "CertificateServed",
            Self::CertificateNotServed => "CertificateNotServed",
            Self::CertificateAuthorityDown => "CertificateAuthorityDown",
            Self::CertificateAuthorityBack => "CertificateAuthorityBack",
            Self::RenewalWindowsMoved => "RenewalWindowsMoved",
            Self::NoOtherAuthority => "NoOtherAuthority",
            Self::OtherAuthorityReady => "OtherAuthorityReady",
            Self::ChangeRehearsed => "ChangeRehearsed",
            Self::RehearsalFailed => "RehearsalFailed",
            Self::RolledBack => "RolledBack",
            Self::Restarted => "Restarted",
            Self::ReleasesFrozen => "ReleasesFrozen",
            Self::RenewalRequested => "RenewalRequested",
            Self::CertificateRevoked => "CertificateRevoked",
        }
    }

    fn is_warning(self) -> bool {
        matches!(
            self,
            Self::CertificateFailed
                | Self::ChallengeFailed
                | Self::CertificateNotServed
                | Self::CertificateAuthorityDown
                | Self::RenewalWindowsMoved
                | Self::NoOtherAuthority
                | Self::RehearsalFailed
                | Self::ReleasesFrozen
        )
    }
}

/// The object that an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its kind.
    pub resource: Resource,
    /// Namespace and name.
    pub key: Key,
    /// Its uid, without which `kubectl describe` does not show the event. If it is not known, it is read.
    pub uid: Option<String>,
}

impl About {
    /// The name of the event, which is the same for the same event about the same object.
    fn name(&self, reason: Reason, message: &str) -> String {
        let identity = format!("{}|{}|{}|{message}", self.resource, self.key, reason.as_str());
        format!("{}{}", mark::PREFIX, mark::short_hash(&identity))
    }
}

/// The rights for events about routes in a namespace, for the plan.
pub fn permits(namespace: &str) -> Permits {
    let verbs = [Verb::Create, Verb::Get, Verb::Patch];
    Permits::none().with(Permit::prefix(&verbs, EVENT, namespace, mark::PREFIX))
}

/// Records an event. If it was recorded before, its count is increased instead.
///
/// It is a core/v1 Event, which every server and `kubectl describe` support; the server also returns it as
/// events.k8s.io/v1.
pub async fn record(api: &Api, about: &About, reason: Reason, message: &str, now: Seconds) -> Result<(), ApiError> {
    let message = shortened(message);
    let mut about = about.clone();
    if about.uid.is_none() {
        let found = api.get(about.resource, &about.key).await.ok().flatten();
        about.uid = found.and_then(|object| object["metadata"]["uid"].as_str().map(str::to_owned));
    }
    let about = &about;
    let name = about.name(reason, &message);
    let at = Key::new(about.key.namespace.clone(), name.clone());
    // The event may have expired before its count is increased, because events only last an hour.
    let tell = |found: Option<&Value>| {
        let Some(found) = found else {
            return Ok::<_, ApiError>(Edit::Whole(event(about, reason, &name, &message, now).json()));
        };
        let count = found["count"].as_u64().unwrap_or(1).saturating_add(1);
        let patch = json!({"count": count, "lastTimestamp": date_time(now)});
        Ok(Edit::Patch(Patch::Merge(patch)))
    };
    api.update(EVENT, &at, Believed::Absent, tell).await.map(drop)
}

/// Adds to the message of a write who made it: `...; by alice, with kubectl certs`. If an owner was overridden, it is
/// named too.
pub fn signed(what: &str, api: &Api, forced: Option<&str>) -> String {
    let user = &api.connection().user;
    let forced = forced.map_or_else(String::new, |owner| format!(", by --force although it is {owner}"));
    format!("{what}; by {user}, with kubectl certs{forced}")
}

fn event(about: &About, reason: Reason, name: &str, message: &str, now: Seconds) -> Event {
    let kind = if reason.is_warning() { "Warning" } else { "Normal" };
    let text = |text: &str| Some(text.to_owned());
    Event {
        metadata: ObjectMeta {
            namespace: text(&about.key.namespace),
            name: text(name),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some(about.resource.api_version()),
            kind: text(about.resource.kind),
            namespace: text(&about.key.namespace),
            name: text(&about.key.name),
            uid: about.uid.clone(),
            ..ObjectReference::default()
        },
        reason: text(reason.as_str()),
        message: text(message),
        type_: text(kind),
        source: Some(EventSource {
            component: text(MANAGER),
            ..EventSource::default()
        }),
        reporting_component: text(MANAGER),
        reporting_instance: text(MANAGER),
        first_timestamp: time(now),
        last_timestamp: time(now),
        count: Some(1),
        ..Event::default()
    }
}

/// Cuts a message to the length that the server accepts, between characters.
fn shortened(message: &str) -> String {
    if message.len() <= LONGEST {
        return message.to_owned();
    }
    let end = (0..=LONGEST - 3)
        .rev()
        .find(|at| message.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}...", &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::resource::INGRESS;

    #[test]
    fn the_same_event_has_the_same_name_and_a_message_fits() {
        let about = |name: &str| About {
            resource: INGRESS,
            key: Key::new("shop", name),
            uid: None,
        };
        let name = about("web").name(Reason::CertificateIssued, "m");
        assert_eq!(name, about("web").name(Reason::CertificateIssued, "m"));
        for other in [
            about("web").name(Reason::CertificateIssued, "n"),
            about("web").name(Reason::ChallengeFailed, "m"),
            about("web2").name(Reason::CertificateIssued, "m"),
        ] {
            assert_ne!(name, other);
        }
        let long = shortened(&"ä".repeat(1000));
        assert!(long.len() <= LONGEST && long.ends_with("ä..."), "{}", long.len());
        assert_eq!(shortened("short"), "short");
    }
}
