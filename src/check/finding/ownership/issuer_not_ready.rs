use crate::{
    check::{
        finding::prelude::*,
        ownership::condition,
        words::say::{name, said},
    },
    inventory::Inventory,
    object::{Certificate, Told},
};

/// A cert-manager issuer that is missing or not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerNotReady {
    pub kind: Kind,
    pub issuer: Key,
    pub missing: bool,
    pub message: Told,
}

impl Defect for IssuerNotReady {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        match self {
            Self {
                kind,
                issuer,
                missing: true,
                ..
            } => format!(
                "{} {}, which the Certificate names, does not exist: nothing is issued.",
                kind.as_str(),
                name(issuer, row)
            ),
            Self {
                kind, issuer, message, ..
            } => format!(
                "{} {} is not ready{}",
                kind.as_str(),
                name(issuer, row),
                said("", message)
            ),
        }
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        match self {
            Self {
                kind,
                issuer,
                missing: true,
                ..
            } => format!(
                "Create it, or correct kind and name in spec.issuerRef of the Certificate; {} lists the existing ones.",
                commands.kubectl_in(
                    &issuer.namespace,
                    if *kind == Kind::ClusterIssuer {
                        "get clusterissuer.cert-manager.io"
                    } else {
                        "get issuer.cert-manager.io"
                    }
                )
            ),
            Self { kind, issuer, .. } => format!(
                "See why with {}: usually the account could not be registered (spec.acme.server, the network, \
             privateKeySecretRef) or a Secret of the issuer is missing.",
                commands.kubectl("describe", *kind, issuer)
            ),
        }
    }
}

impl IssuerNotReady {
    pub(in crate::check) fn check(inventory: &Inventory, certificate: &Certificate, collector: &mut Collector) {
        let Some((kind, key, issuer)) = inventory.issuer_of(certificate) else {
            return;
        };
        match issuer {
            None if inventory.knows_all(kind) => {
                collector.add(Self {
                    kind,
                    issuer: key,
                    missing: true,
                    message: "".into(),
                });
            }
            None => {}
            Some(issuer) => {
                if let Some(ready) = condition(&issuer.conditions, "Ready").filter(|c| c.status == "False") {
                    let message = ready.message.clone();
                    collector.add(Self {
                        kind,
                        issuer: key,
                        missing: false,
                        message,
                    });
                }
            }
        }
    }
}
