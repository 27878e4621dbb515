use crate::check::{
    finding::prelude::*,
    words::say::{brief, data_keys, reissue, secret},
};

/// A key that belongs to another certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidKeyPair {
    pub secret: Key,
}

impl Defect for InvalidKeyPair {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { secret: key } = self;
        format!(
            "{} of {} is not the key of the certificate in {}: the pair cannot be served.",
            brief(data_keys(row)[1]),
            secret(key, row),
            brief(data_keys(row)[0])
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { secret } = self;
        format!(
            "Compare the public keys: {} and {} must print the same. {}",
            commands.openssl(secret, "x509 -noout -pubkey"),
            commands.run("openssl pkey -in <KEY-FILE> -pubout"),
            pair(secret, row, commands)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, _commands: &mut Commands<'_>) -> Option<String> {
        let place = outside.place();
        Some(format!(
            "Use the two files of one issuance: the key belongs to another certificate; then {place}."
        ))
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}

/// The remedy: store the files of one issuance together, or issue a new pair.
fn pair(key: &Key, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let one = Row {
        served: Some(key),
        ..*row
    };
    format!(
        "Store the two files of one issuance together. {}",
        reissue(&one, commands)
    )
}
