//! What cannot be read in a Secret, or does not fit together.

use super::say::{brief, openssl, renew, secret, show_secret, store};
use crate::{
    check::Fact,
    object::{Key, Seconds},
    report::row::Row,
};

pub(super) fn message(fact: &Fact, row: &Row<'_>, _now: Seconds) -> String {
    match fact {
        Fact::InvalidCertificate { position, why, .. } if is_alone(fact) => {
            format!(
                "Certificate {} cannot be read: {}.",
                position.saturating_add(1),
                trimmed(why)
            )
        }
        Fact::InvalidCertificate {
            secret: key,
            position,
            why,
        } => format!(
            "Certificate {} in tls.crt of {} cannot be read: {}.",
            position.saturating_add(1),
            secret(key, row),
            trimmed(why)
        ),
        Fact::InvalidKey { secret: key, why } => {
            format!("tls.key of {} cannot be read: {}.", secret(key, row), trimmed(why))
        }
        Fact::EncryptedKey { secret: key } => format!(
            "tls.key of {} is encrypted with a passphrase, which no controller has: its certificate cannot be served.",
            secret(key, row)
        ),
        Fact::InvalidKeyPair { secret: key } => format!(
            "tls.key of {} is not the key of the certificate in tls.crt: the pair cannot be served.",
            secret(key, row)
        ),
        Fact::LeafNotFirst { secret: key, position } => format!(
            "The server's certificate stands at place {} of tls.crt in {}, not at the first: servers take the first one, \
             whose key is another.",
            position.saturating_add(1),
            secret(key, row)
        ),
        _ => fact.reason().to_string(),
    }
}

/// Whether the fact is about a file's or a server's certificates, which no Secret holds.
fn is_alone(fact: &Fact) -> bool {
    matches!(fact, Fact::InvalidCertificate { secret, .. } if secret.name.is_empty())
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>) -> String {
    match fact {
        Fact::InvalidCertificate { .. } if is_alone(fact) => {
            "Make the chain anew as PEM with nothing else in it, the server's certificate first, then its intermediates: \
             `cat cert.pem chain.pem > fullchain.pem`."
                .to_owned()
        }
        Fact::InvalidCertificate { secret, .. } => format!(
            "See what is there with `{}`, then store the chain as PEM with nothing else in it, the server's certificate \
             first, then its intermediates: `{}`.",
            openssl(
                secret,
                "crl2pkcs7 -nocrl -certfile /dev/stdin | openssl pkcs7 -print_certs -noout"
            ),
            store(secret)
        ),
        Fact::InvalidKey { secret, .. } => format!(
            "Check the key file with `openssl pkey -in privkey.pem -noout -check` and store it again, as PEM: `{}`.",
            store(secret)
        ),
        Fact::EncryptedKey { secret } => format!(
            "Decrypt the key with `openssl pkey -in encrypted.pem -out privkey.pem`, store it, and remove the file: `{}`.",
            store(secret)
        ),
        Fact::InvalidKeyPair { secret } => format!(
            "Compare the public keys: `{}` and `openssl pkey -in privkey.pem -pubout` must print the same. {}",
            openssl(secret, "x509 -noout -pubkey"),
            pair(secret, row)
        ),
        Fact::LeafNotFirst { secret, .. } => format!(
            "Put the server's certificate first and its intermediates after it (`cat cert.pem chain.pem > \
             fullchain.pem`), and store it: `{}`. `{}` shows the present order.",
            store(secret),
            show_secret(secret)
        ),
        _ => fact.reason().to_string(),
    }
}

/// How a pair is stored again: from the files of one issuance, or by a new one.
fn pair(key: &Key, row: &Row<'_>) -> String {
    let one = Row {
        secrets: std::slice::from_ref(key),
        ..*row
    };
    format!("Store the two files of one issuance together. {}", renew(&one))
}

fn trimmed(why: &str) -> String {
    brief(why.trim().trim_end_matches('.')).into_owned()
}
