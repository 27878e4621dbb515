use crate::{
    check::{
        Sample,
        finding::{ObjectRef, prelude::*},
        words::say::{brief, host, objects, secret},
    },
    inventory::Binding,
};

/// Several of Traefik's stores exclude the default certificate, or a Secret of the route. `keeps` is the Secret of the
/// route that a store of another name keeps to itself; it is `None` where several stores are named default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultStoreConflict {
    pub stores: Sample<ObjectRef>,
    pub keeps: Option<Key>,
}

impl Defect for DefaultStoreConflict {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        match self {
            Self {
                stores,
                keeps: Some(key),
            } => format!(
                "{} is listed by {}, which is not called default: Traefik keeps its certificate for that store, which nothing \
             uses, and does not serve it for {}.",
                secret(key, row),
                objects(stores, row),
                host(row)
            ),
            Self { stores, keeps: None } => format!(
                "{} relies on Traefik's default certificate, and several TLSStores are called default ({}): Traefik uses the \
             default certificate of none of them, and clients get one that it generated itself.",
                host(row),
                objects(stores, row)
            ),
        }
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        match self {
            Self { keeps: Some(key), .. } => format!(
                "Remove {} from spec.certificates of that TLSStore, or list it in the one that is called default; {} lists \
             them.",
                brief(&key.name),
                commands.kubectl_in("", "get tlsstores.traefik.io -A")
            ),
            Self { .. } => format!(
                "Keep one TLSStore that is called default, with the intended default certificate, and give the others \
             another name or remove them; {} lists them.",
                commands.kubectl_in("", "get tlsstores.traefik.io -A")
            ),
        }
    }
}

impl DefaultStoreConflict {
    /// Reports a Secret of the route that a store of another name has taken. Traefik's default store does not get the
    /// Secret from the route, and possibly from no other source.
    pub(in crate::check) fn check(subject: &Subject<'_>, binding: &Binding, secret: &Key, collector: &mut Collector) {
        let inventory = subject.inventory;
        let Some(stored) = inventory.secrets().get(secret) else {
            return;
        };
        if let Some((kind, key)) = inventory.kept_apart(binding, secret)
            && !inventory.is_in_traefiks_store(stored)
        {
            let keepers = std::iter::once(ObjectRef { kind, key }).collect();
            let keeps = Some(secret.clone());
            collector.add_at(subject.unless_served(), Self { stores: keepers, keeps });
        }
    }
}
