//! Many rows, as values: hosts of two hundred namespaces, one in twenty with a defect.

use kubectl_certs::check::finding;
use std::sync::Arc;

use kubectl_certs::{
    check::{Finding, Urgency},
    object::{Key, Kind},
    report::Status,
    scan::About,
    tui::item::Item,
    x509::{Certificate, Fingerprint, Interner, San, bundle},
};
use time::OffsetDateTime;

use super::{
    Result,
    pki::{Leaf, Pki},
};

/// Makes items that differ.
pub(crate) struct Maker {
    model: Certificate,
    pub(crate) now: i64,
}

impl Maker {
    pub(crate) fn new() -> Result<Self> {
        let issued = Pki::new()?.issue(&Leaf {
            host: "model.example",
            rsa: None,
            expired: false,
            issuer: 1,
        })?;
        let parsed = bundle::parse(Some(issued.leaf.as_bytes()), None, &mut Interner::new());
        let model = parsed.bundle.leaf().ok_or("the model has no leaf")?.as_ref().clone();
        Ok(Self {
            model,
            now: OffsetDateTime::now_utc().unix_timestamp(),
        })
    }

    /// The item of a number; another `round` makes it look different.
    pub(crate) fn item(&self, number: usize, round: usize) -> Item {
        let (namespace, name) = (format!("team-{:03}", number % 200), format!("web-{number}"));
        let host = format!("{name}.team-{:03}.example", number % 200);
        let secret = Key::new(namespace.as_str(), format!("{name}-tls").as_str());
        let days = i64::try_from((number * 7 + round) % 89).unwrap_or_default() + 1;
        let expired = number.is_multiple_of(20) && round.is_multiple_of(2);
        let not_after = if expired {
            self.now - days * 3_600
        } else {
            self.now + days * 86_400
        };
        let certificate = Certificate {
            names: vec![San::Dns(host.as_str().into())].into(),
            sha256: Fingerprint::of(host.as_bytes()),
            not_after,
            ..self.model.clone()
        };
        let findings = if expired {
            vec![Finding::new(finding::Expired { not_after })]
        } else {
            Vec::new()
        };
        Item {
            about: About::Secret(Box::new(secret.clone())),
            namespace: namespace.as_str().into(),
            route: Some((Kind::Ingress, name.as_str().into(), None)),
            host: Some(host.as_str().into()),
            served: None,
            secrets: vec![secret].into(),
            sole: true,
            class: Some("nginx".into()),
            created: Some(self.now - 86_400),
            labels: Box::default(),
            certificate: Some(Arc::new(certificate)),
            evidence: None,
            answer: None,
            doings: Box::default(),
            data_keys: None,
            renewer: None,
            reach: Arc::default(),
            status: if expired { Status::Critical } else { Status::Healthy },
            urgency: Urgency::of(&findings),
            findings: findings.into(),
            ignored: Box::new([]),
        }
    }
}
