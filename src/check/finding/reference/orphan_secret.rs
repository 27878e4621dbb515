use crate::{
    check::{finding::prelude::*, words::say::secret},
    inventory::{Inventory, Stored},
    object::register::{Role, count, of_roles},
    text::date,
};

/// A TLS Secret that nothing uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanSecret {
    pub secret: Key,
}

impl Defect for OrphanSecret {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { secret: key } = self;
        format!(
            "No route, Pod, workload, ServiceAccount or Certificate that was read uses {}{}.",
            secret(key, row),
            row.certificate.map_or_else(String::new, |c| format!(
                ", whose certificate expires on {}",
                date(c.not_after)
            ))
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { secret: key } = self;
        format!(
            "Ask its owner whether anything that was not read uses it ({} shows labels, annotations and owner); if \
             so, no action is needed. {} shows what it holds.",
            commands.kubectl("describe", Kind::Secret, key),
            commands.show_secret(key)
        )
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}

impl OrphanSecret {
    /// Reports a TLS Secret that nothing uses, and only if every object that could use it has been read.
    pub(in crate::check) fn check(inventory: &Inventory, stored: &Stored, collector: &mut Collector) {
        const ROLES: [Role; 4] = [Role::Route, Role::Store, Role::Issuing, Role::Consumer];
        const USERS: [Kind; count(&ROLES)] = of_roles(&ROLES);
        let secret = stored.meta.key();
        let used = inventory.is_named(&secret)
            || inventory.consumers_of(&secret).next().is_some()
            || inventory.certificates_of(&secret).next().is_some()
            || inventory.is_issuers_key(&secret)
            || inventory.default_certificates().any(|key| *key == secret)
            || inventory.is_of_a_store(&secret)
            || !stored.meta.owners().is_empty()
            || inventory.may_be_used_elsewhere(&secret);
        if stored.is_tls() && !used && USERS.iter().all(|kind| inventory.knows_all(*kind)) {
            collector.add(Self { secret });
        }
    }
}
