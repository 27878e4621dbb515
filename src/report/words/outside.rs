//! Remedies for what is in no cluster: a file, or a server that was asked for its certificate. No command for a Secret helps there.

use super::commands::Commands;
use crate::{
    check::{Fact, Reason},
    report::row::Row,
    text::quote,
};

/// What to do about a finding of a file or a server.
pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let target = row.reach.outside.as_str();
    // A server is asked for one host, a file is not.
    let is_server = row.host.is_some();
    let show = |flags: &str| format!("kubectl certs show {}{flags}{}", quote(target), row.reach.certs);
    let place = if is_server {
        format!("let {target} load it")
    } else {
        format!("put it into {target}")
    };
    match fact.reason() {
        Reason::Expired | Reason::RenewalDue | Reason::RenewNow => {
            format!("Renew it the way it was issued, and {place}.")
        }
        Reason::NotYetValid => format!(
            "Compare its dates with the issuer's clock; wait for that moment, or {}.",
            place.replacen(" it", " one that is valid now", 1)
        ),
        Reason::ChainExpired | Reason::ChainExpiresFirst => {
            format!("Replace the intermediate with the CA's current one: a renewal includes it; {place}.")
        }
        Reason::LifetimeTooLong => format!("Issue it again for fewer days, and {place}."),
        Reason::HostMismatch | Reason::CommonNameOnly => format!(
            "If clients use that name, issue a certificate that has it as a subject alternative name, and {place}; if they use \
             another one, no action is needed{}.",
            if is_server {
                format!(": {} asks for that one", commands.run(show(" --servername <NAME>")))
            } else {
                String::new()
            }
        ),
        Reason::WildcardTooBroad => format!("Issue it again for a wildcard under a domain of your own, and {place}."),
        Reason::UntrustedIssuer | Reason::SelfSigned => format!(
            "If a private CA is intended, give its root to the clients, and to {}; otherwise issue the certificate with a publicly \
             trusted CA, and {place}.",
            commands.run(show(" --ca-file <CA-FILE>"))
        ),
        Reason::MissingIntermediate => {
            format!("Take the whole chain that the CA delivers (fullchain.pem, not cert.pem), and {place}.")
        }
        Reason::WrongOrder | Reason::LeafNotFirst => format!(
            "Begin with the server's certificate, and follow each with the one that signed it: {}; then {place}.",
            commands.run("cat <CERTIFICATE-FILE> <INTERMEDIATES-FILE> > fullchain.pem")
        ),
        Reason::ExtraRoot => format!("Leave the root out when you rebuild the chain, and {place}."),
        Reason::ExtraCertificate => {
            format!("Leave that certificate out when you rebuild the chain, and {place}.")
        }
        Reason::StagingIssuer => {
            format!("Issue it again from the production CA, whose certificates clients trust, and {place}.")
        }
        Reason::WeakKey => format!(
            "Make a new key (ECDSA P-256, or RSA of 2048 bits or more), issue the certificate again for it, and {place}."
        ),
        Reason::WeakSignature => format!("Issue it again from a CA that signs with SHA-256 or better, and {place}."),
        Reason::LeafIsCa => format!("Issue a server certificate from it, and {place}."),
        Reason::MissingServerAuth => format!("Issue it again with serverAuth among its usages, and {place}."),
        Reason::RefusedByClients => format!(
            "If such clients are expected, issue it again in a form that all of them accept (an ECDSA P-256 key, or RSA of 2048 to 4096 \
             bits, and a few names), and {place}."
        ),
        Reason::MustStaple => format!("Issue it again without must-staple, and {place}."),
        Reason::InvalidKeyPair => {
            format!("Use the two files of one issuance: the key belongs to another certificate; then {place}.")
        }
        Reason::InvalidKey | Reason::EncryptedKey => format!(
            "Inspect the key with {}.",
            commands.run("openssl pkey -in <KEY-FILE> -noout -check")
        ),
        Reason::InvalidCertificate => format!(
            "Rebuild the chain as PEM with nothing else in it, the server's certificate first: {}; then {place}.",
            commands.run("cat <CERTIFICATE-FILE> <INTERMEDIATES-FILE> > fullchain.pem")
        ),
        other => format!(
            "{} explains it and its remedy.",
            commands.run(format!("kubectl certs explain {other}"))
        ),
    }
}
