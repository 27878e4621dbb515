use crate::{
    check::{
        Renewer,
        finding::prelude::*,
        words::{
            commands::UNKNOWN_CERTIFICATE,
            say::{certificate_of, name, said},
        },
    },
    object::Told,
};

/// A failed ACME order of cert-manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFailed {
    pub order: Key,
    pub state: Text,
    pub message: Told,
}

impl Defect for OrderFailed {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { order, state, message } = self;

        format!("The ACME order {} failed{}", name(order, row), said(state, message))
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { order, .. } = self;

        let certificate = certificate_name(row).unwrap_or(UNKNOWN_CERTIFICATE);
        format!(
            "See which name failed and why with {} and {}; fix that first, because Let's Encrypt allows five failures \
                 per name and hour, then run {}.",
            commands.kubectl("describe", Kind::Order, order),
            commands.kubectl_in(&order.namespace, "get challenge"),
            commands.cmctl_renew(&order.namespace, certificate)
        )
    }
}

/// The Certificate that writes the row's Secret, taken from another finding or from the Secret.
fn certificate_name<'a>(row: &Row<'a>) -> Option<&'a str> {
    certificate_of(row)
        .map(|certificate| certificate.name.as_str())
        .or(match row.renewer {
            Renewer::CertManager(name) => Some(name.as_str()),
            _ => None,
        })
}
