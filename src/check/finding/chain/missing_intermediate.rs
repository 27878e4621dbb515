use crate::{
    check::{
        finding::prelude::*,
        words::say::{brief, certificate, expected, secret},
    },
    text::quote,
    x509::trust::IntermediateSource,
};

/// A chain that lacks an intermediate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingIntermediate {
    pub issuer: Text,
    pub found: IntermediateSource,
}

impl Defect for MissingIntermediate {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let it = certificate(row);
        let Self { issuer, found } = self;
        format!(
            "{it} comes without the intermediate {}: clients that do not have it refuse the connection. {}",
            brief(issuer),
            match found {
                IntermediateSource::Secret(key) => format!("It is in {}.", secret(key, row)),
                IntermediateSource::CaFile => "It is in the file given by --ca-file.".to_owned(),
                IntermediateSource::Fetched(url) => format!(
                    "It was fetched from {}, the address that the certificate gives.",
                    brief(url)
                ),
                IntermediateSource::Url(url) => format!("The certificate gives its address as {}.", brief(url)),
                IntermediateSource::Nowhere => "It was not found.".to_owned(),
            }
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { found, .. } = self;
        missing(found, row, commands)
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Take the whole chain that the CA delivers (fullchain.pem, not cert.pem), and {place}."
        ))
    }
}

fn missing(found: &IntermediateSource, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let whole = "cat <CERTIFICATE-FILE> <INTERMEDIATE-FILE> > fullchain.pem";
    let get = match found {
        IntermediateSource::Secret(key) => format!(
            "Append it to the server's certificate: {} shows the Secret that has it",
            commands.show_secret(key)
        ),
        IntermediateSource::Fetched(url) | IntermediateSource::Url(url) if url.starts_with("http://") => format!(
            "Fetch it with {} and append it: {}",
            commands.run(format!(
                "curl -sS {} | openssl x509 -inform DER -out chain.pem",
                quote(url)
            )),
            commands.run("cat <CERTIFICATE-FILE> chain.pem > fullchain.pem")
        ),
        IntermediateSource::CaFile => format!("Append it from the file given by --ca-file: {}", commands.run(whole)),
        IntermediateSource::Fetched(_) | IntermediateSource::Url(_) | IntermediateSource::Nowhere => {
            "Use the whole chain that the CA delivers (fullchain.pem, not cert.pem)".to_owned()
        }
    };
    let Some(key) = expected(row) else {
        return format!("{get}.");
    };
    format!(
        "{get}; then store it: {}. A renewal includes it too.",
        commands.store(key)
    )
}
