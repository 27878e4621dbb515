use crate::{
    check::{finding::prelude::*, words::say::secret},
    text::quote,
    x509::CaFault,
};

/// A `ca.crt` because of which ingress-nginx refuses the Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCaCertificate {
    pub secret: Key,
    pub why: CaFault,
}

impl Defect for InvalidCaCertificate {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { secret: key, why } = self;
        format!(
            "ca.crt of {} {}: ingress-nginx then refuses the whole Secret, and clients get its default certificate.",
            secret(key, row),
            match why {
                CaFault::NoBlock => "holds something that is not PEM",
                CaFault::Unreadable => "holds a PEM block that is not a certificate",
            }
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { secret, .. } = self;
        format!(
            "Store the CA certificates in ca.crt as PEM with nothing else in it, or remove that key if client certificates \
             are not requested: {}.",
            commands.kubectl_in(
                &secret.namespace,
                &format!(
                    r#"patch secret {} --type=json -p '[{{"op":"remove","path":"/data/ca.crt"}}]'"#,
                    quote(&secret.name)
                )
            )
        )
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}
