use crate::{
    check::{
        Sample,
        finding::{ObjectRef, prelude::*},
        words::say::{objects, secret},
    },
    inventory::{Inventory, derive::MANY},
    object::{Certificate, annotation},
};

/// A Secret that several owners write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictingOwners {
    pub secret: Key,
    pub owners: Sample<ObjectRef>,
}

impl Defect for ConflictingOwners {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { secret: key, owners } = self;
        format!(
            "{} is written by {} owners, each of which overwrites the others: {}.",
            secret(key, row),
            owners.count(),
            objects(owners, row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { owners, .. } = self;
        conflicting(owners, row, commands)
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}

fn conflicting(owners: &[ObjectRef], row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let see: Vec<String> = owners
        .iter()
        .take(2)
        .map(|o| commands.kubectl("get", o.kind, &o.key))
        .collect();
    format!(
        "Let one of them write it and give the others their own secretName, or remove the cert-manager annotation from the \
         Ingress; see them with {}.",
        if see.is_empty() {
            commands.kubectl_in(row.namespace, "get certificate.cert-manager.io")
        } else {
            see.join(" and ")
        }
    )
}

impl ConflictingOwners {
    /// Finds a route that asks cert-manager by annotation for a Secret that a separate Certificate already writes.
    /// ingress-shim refuses to touch a Certificate that the Ingress does not own, and where the names differ, two
    /// Certificates fight over the Secret.
    pub(in crate::check) fn asked_by_annotation(inventory: &Inventory, secret: &Key, owners: &mut Vec<ObjectRef>) {
        let by_shim = |c: &Certificate| {
            c.meta
                .owners()
                .iter()
                .any(|o| matches!(o.kind.as_str(), "Ingress" | "Gateway"))
        };
        if owners.is_empty() || inventory.certificates_of(secret).any(by_shim) {
            return;
        }
        let asks = [annotation::CLUSTER_ISSUER, annotation::ISSUER, annotation::TLS_ACME];
        let bindings = inventory
            .bindings_of_secret(secret)
            .iter()
            .take(MANY)
            .filter_map(|id| inventory.bindings().get(*id));
        let route = bindings.map(|b| &b.route).find(|route| {
            inventory
                .route_meta(route)
                .is_some_and(|meta| asks.iter().any(|key| meta.annotation(key).is_some()))
        });
        owners.extend(route.map(|route| ObjectRef {
            kind: route.kind,
            key: route.key.clone(),
        }));
    }
}
