use crate::{
    check::{
        finding::prelude::*,
        words::say::{follow, name, said},
    },
    object::Told,
};

/// A cert-manager Certificate that is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateNotReady {
    pub certificate: Key,
    pub reason: Text,
    pub message: Told,
}

impl Defect for CertificateNotReady {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self {
            certificate,
            reason,
            message,
        } = self;
        format!(
            "cert-manager's Certificate {} is not ready{}",
            name(certificate, row),
            said(reason, message)
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        follow(&self.certificate, commands)
    }
}
