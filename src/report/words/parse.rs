//! What cannot be read in a Secret, or does not fit together.

use super::{
    commands::Commands,
    say::{brief, data_keys, reissue, secret},
};
use crate::{
    check::Fact,
    object::{Key, Seconds},
    report::row::Row,
    text::quote,
    x509::{CaFault, Readers},
};

pub(super) fn message(fact: &Fact, row: &Row<'_>, _now: Seconds) -> String {
    match fact {
        Fact::InvalidCertificate {
            secret: key,
            position,
            by,
            skipped,
            why,
        } => {
            let place = if is_alone(fact) {
                String::new()
            } else {
                format!(" in {} of {}", brief(data_keys(row)[0]), secret(key, row))
            };
            let number = position.saturating_add(1);
            let why = trimmed(why);
            if *skipped {
                format!("Block {number}{place} is skipped by {}: {why}.", by.names())
            } else {
                format!("Certificate {number}{place} cannot be read{}: {why}.", by_whom(*by))
            }
        }
        Fact::InvalidKey { secret: key, by, why } => {
            format!(
                "{} of {} cannot be read{}: {}.",
                brief(data_keys(row)[1]),
                secret(key, row),
                by_whom(*by),
                trimmed(why)
            )
        }
        Fact::EncryptedKey { secret: key } => format!(
            "{} of {} is encrypted with a passphrase, which no controller has: its certificate cannot be served.",
            brief(data_keys(row)[1]),
            secret(key, row)
        ),
        Fact::InvalidKeyPair { secret: key } => format!(
            "{} of {} is not the key of the certificate in {}: the pair cannot be served.",
            brief(data_keys(row)[1]),
            secret(key, row),
            brief(data_keys(row)[0])
        ),
        Fact::LeafNotFirst { secret: key, position } => format!(
            "The server's certificate is number {} of {} in {}, not the first: servers use the first one, which has \
             another key.",
            position.saturating_add(1),
            brief(data_keys(row)[0]),
            secret(key, row)
        ),
        Fact::InvalidCaCertificate { secret: key, why } => format!(
            "ca.crt of {} {}: ingress-nginx then refuses the whole Secret, and clients get its default certificate.",
            secret(key, row),
            match why {
                CaFault::NoBlock => "holds something that is not PEM",
                CaFault::Unreadable => "holds a PEM block that is not a certificate",
            }
        ),
        _ => fact.reason().to_string(),
    }
}

/// Whether the fact is about a file's or a server's certificates, which no Secret holds.
fn is_alone(fact: &Fact) -> bool {
    matches!(fact, Fact::InvalidCertificate { secret, .. } if secret.name.is_empty())
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let whole = "cat <CERTIFICATE-FILE> <INTERMEDIATES-FILE> > fullchain.pem";
    match fact {
        Fact::InvalidCertificate { .. } if is_alone(fact) => format!(
            "Rebuild the chain as PEM with nothing else in it, the server's certificate first, then its intermediates: {}.",
            commands.run(whole)
        ),
        Fact::InvalidCertificate { secret, .. } => format!(
            "Inspect it with {}, then store the chain as PEM with nothing else in it, the server's certificate \
             first, then its intermediates: {}.",
            commands.openssl(
                secret,
                "crl2pkcs7 -nocrl -certfile /dev/stdin | openssl pkcs7 -print_certs -noout"
            ),
            commands.store(secret)
        ),
        Fact::InvalidKey { secret, .. } => format!(
            "Check the key file with {} and store it again, as PEM: {}.",
            commands.run("openssl pkey -in <KEY-FILE> -noout -check"),
            commands.store(secret)
        ),
        Fact::EncryptedKey { secret } => format!(
            "Decrypt the key with {}, store it, and remove the file: {}.",
            commands.run("openssl pkey -in <ENCRYPTED-FILE> -out <KEY-FILE>"),
            commands.store(secret)
        ),
        Fact::InvalidKeyPair { secret } => format!(
            "Compare the public keys: {} and {} must print the same. {}",
            commands.openssl(secret, "x509 -noout -pubkey"),
            commands.run("openssl pkey -in <KEY-FILE> -pubout"),
            pair(secret, row, commands)
        ),
        Fact::LeafNotFirst { secret, .. } => format!(
            "Put the server's certificate first and its intermediates after it ({}), and store it: {}. {} shows the current \
             order.",
            commands.run(whole),
            commands.store(secret),
            commands.show_secret(secret)
        ),
        Fact::InvalidCaCertificate { secret, .. } => format!(
            "Store the CA certificates in ca.crt as PEM with nothing else in it, or remove that key if client certificates \
             are not requested: {}.",
            commands.kubectl_in(
                &secret.namespace,
                &format!(
                    r#"patch secret {} --type=json -p '[{{"op":"remove","path":"/data/ca.crt"}}]'"#,
                    quote(&secret.name)
                )
            )
        ),
        _ => fact.reason().to_string(),
    }
}

/// How a pair is stored again: from the files of one issuance, or by a new one.
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

/// Who cannot, where others can.
fn by_whom(by: Readers) -> String {
    if by.is_empty() {
        String::new()
    } else {
        format!(" by {}", by.names())
    }
}

fn trimmed(why: &str) -> String {
    brief(why.trim().trim_end_matches('.')).into_owned()
}
