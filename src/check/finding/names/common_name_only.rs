use crate::check::{
    finding::prelude::*,
    words::say::{brief, certificate, host, reissue},
};

/// A certificate without subject alternative names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonNameOnly {
    pub common_name: Text,
}

impl Defect for CommonNameOnly {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { common_name } = self;
        format!(
            "{it} has no subject alternative name, only the common name {}: current clients ignore it and \
             refuse the certificate for {}.",
            brief(common_name),
            host(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let names = "x509 -noout -subject -ext subjectAltName";
        format!(
            "Issue it again with {} as a subject alternative name (dNSName, or iPAddress for an address); {} shows \
             its names. {}",
            host(row),
            commands.openssl_expected(row, names),
            reissue(row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "If clients use that name, issue a certificate that has it as a subject alternative name, and {place}; if they use \
             another one, no action is needed{}.",
            if outside.is_server() {
                format!(
                    ": {} asks for that one",
                    commands.run(outside.show(" --servername <NAME>"))
                )
            } else {
                String::new()
            }
        ))
    }
}
