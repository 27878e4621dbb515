//! Keys, signatures and usages.

use super::{
    commands::Commands,
    say::{brief, certificate, host, list_and, name, reissue, the_certificate, with_cert_manager},
};
use crate::{check::Fact, object::Seconds, report::row::Row};

pub(super) fn message(fact: &Fact, row: &Row<'_>, _now: Seconds) -> String {
    let it = certificate(row);
    match fact {
        Fact::WeakKey { algorithm, bits } => format!(
            "{it} has a weak key, {}{}: clients refuse it.",
            brief(algorithm),
            if *bits == 0 {
                String::new()
            } else {
                format!(" of {bits} bits")
            }
        ),
        Fact::WeakSignature { algorithm } => format!(
            "{it}, or an intermediate of its chain, is signed with {}, which can be forged: clients refuse it.",
            brief(algorithm)
        ),
        Fact::RepeatedKey { others } => format!(
            "The private key of {} is in {} other Secret{} too: {}. Whoever gets one has them all.",
            the_certificate(row),
            others.count(),
            if others.count() == 1 { "" } else { "s" },
            list_and(others.iter().map(|key| name(key, row)), others.more())
        ),
        Fact::LeafIsCa => format!(
            "{it} is marked as a CA and serves {} itself: some clients refuse it, and whoever gets its key can issue \
             certificates.",
            host(row)
        ),
        Fact::RefusedByClients { by, why } => {
            format!("{it} is refused by {} for {}: {}.", by.names(), host(row), brief(why))
        }
        Fact::MissingServerAuth => format!(
            "{it} may not be used by a server (its extended key usage lacks serverAuth): clients refuse it for {}.",
            host(row)
        ),
        Fact::ClientAuthLost if row.certificate.is_some_and(|c| c.usage.client_auth) => format!(
            "{it} may also be used by a client (clientAuth), which public CAs no longer issue: its renewal will not have that \
             usage."
        ),
        Fact::ClientAuthLost => format!(
            "{it} may not be used by a client (its extended key usage lacks clientAuth): a peer that asks for a client \
             certificate refuses it."
        ),
        Fact::MustStaple => format!(
            "{it} demands a stapled OCSP response (must-staple), which most servers do not send: clients that enforce it \
             refuse {}.",
            host(row)
        ),
        _ => fact.reason().to_string(),
    }
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let text = "x509 -noout -text";
    match fact {
        Fact::WeakKey { .. } => format!(
            "Make a new key (ECDSA P-256, or RSA of 2048 bits or more) and issue the certificate again for it{}. {}",
            with_cert_manager(
                row,
                "set algorithm, size and rotationPolicy: Always in spec.privateKey of the Certificate"
            ),
            reissue(row, commands)
        ),
        Fact::WeakSignature { .. } => format!(
            "Issue it again from a CA that signs with SHA-256 or better; {} shows the signature. {}",
            commands.openssl_expected(row, text),
            reissue(row, commands)
        ),
        Fact::RepeatedKey { .. } => format!(
            "If the Secrets are deliberate copies of one, let only the tool that copies them write them; otherwise issue \
             each certificate for a key of its own{}. {}",
            with_cert_manager(row, "set spec.privateKey.rotationPolicy: Always in the Certificate"),
            reissue(row, commands)
        ),
        Fact::LeafIsCa => format!(
            "Issue a server certificate from it and serve that{}. {}",
            with_cert_manager(row, "leave isCA out of the Certificate"),
            reissue(row, commands)
        ),
        Fact::RefusedByClients { .. } => format!(
            "If such clients are expected, issue it again in a form that all of them accept: an ECDSA P-256 key, or RSA of 2048 to \
             4096 bits, digital signature among its key usage, and a few names; {} shows it. {}",
            commands.openssl_expected(row, text),
            reissue(row, commands)
        ),
        Fact::MissingServerAuth => format!(
            "Issue it again with serverAuth, with cert-manager by \"server auth\" in spec.usages of the Certificate; {} \
             shows the usages. {}",
            commands.openssl_expected(row, text),
            reissue(row, commands)
        ),
        Fact::ClientAuthLost => format!(
            "If it is also used as a client certificate, get a separate one from a private CA; {} shows the usages. \
             Otherwise no action is needed.",
            commands.openssl_expected(row, text)
        ),
        Fact::MustStaple => format!(
            "Issue it again without must-staple, which public CAs are giving up together with OCSP; {} shows it as TLS \
             Feature. {}",
            commands.openssl_expected(row, text),
            reissue(row, commands)
        ),
        _ => fact.reason().to_string(),
    }
}
