use crate::{
    check::{
        Sample,
        finding::prelude::*,
        words::say::{list_and, name, reissue, the_certificate, with_cert_manager},
    },
    inventory::derive::MANY,
    x509::KeyState,
};

/// One private key that several Secrets hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedKey {
    pub others: Sample<Key>,
}

impl Defect for RepeatedKey {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { others } = self;
        format!(
            "The private key of {} is in {} other Secret{} too: {}. Whoever gets one has them all.",
            the_certificate(row),
            others.count(),
            if others.count() == 1 { "" } else { "s" },
            list_and(others.iter().map(|key| name(key, row)), others.more())
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "If the Secrets are deliberate copies of one, let only the tool that copies them write them; otherwise issue \
             each certificate for a key of its own{}. {}",
            with_cert_manager(row, "set spec.privateKey.rotationPolicy: Always in the Certificate"),
            reissue(row, commands)
        )
    }
}

impl RepeatedKey {
    /// Reports one key in several Secrets. Copies of one certificate are an info, because that is how a wildcard gets
    /// into several namespaces. One key under several certificates is a warning.
    pub(in crate::check) fn check(on: &CertificateSubject<'_>, collector: &mut Collector) {
        let CertificateSubject {
            inventory,
            stored,
            leaf,
            ..
        } = *on;
        // Anybody can store a certificate without having its key. Neither their Secret nor the owner's is reported.
        if stored.bundle.key != KeyState::Matches {
            return;
        }
        let own = stored.meta.key();
        let mut others: Vec<(Key, bool)> = inventory
            .secrets()
            .with_public_key(leaf.key_sha256)
            .filter(|other| other.bundle.key == KeyState::Matches)
            .take(MANY)
            .map(|other| (other.meta.key(), other.leaf().is_some_and(|l| l.sha256 != leaf.sha256)))
            .filter(|(key, _)| *key != own)
            .collect();
        if others.is_empty() {
            return;
        }
        others.sort();
        let other_certificate = others.iter().any(|(_, differs)| *differs);
        let severity = if other_certificate {
            Severity::Warning
        } else {
            Severity::Info
        };
        let others = others.into_iter().map(|(key, _)| key).collect();
        collector.add_at(severity, Self { others });
    }
}
