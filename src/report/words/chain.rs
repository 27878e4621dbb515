//! The path from the leaf to a trusted root.

use super::{
    commands::Commands,
    say::{brief, certificate, expected, host, reissue, route, secret, the_certificate, with_cert_manager},
};
use crate::{
    check::{Fact, Renewer},
    object::{Key, Kind, Seconds},
    report::row::Row,
    text::quote,
    x509::trust::{Clients, Found},
};

pub(super) fn message(fact: &Fact, row: &Row<'_>, _now: Seconds) -> String {
    let it = certificate(row);
    match fact {
        Fact::MissingIntermediate { issuer, found } => format!(
            "{it} comes without the intermediate {}: clients that do not have it refuse the connection. {}",
            brief(issuer),
            match found {
                Found::Secret(key) => format!("It is in {}.", secret(key, row)),
                Found::PublicCas => "It is a known intermediate of a public CA.".to_owned(),
                Found::CaFile => "It is in the file given by --ca-file.".to_owned(),
                Found::Fetched(url) => format!(
                    "It was fetched from {}, the address that the certificate gives.",
                    brief(url)
                ),
                Found::Url(url) => format!("The certificate gives its address as {}.", brief(url)),
                Found::Nowhere => "It was not found.".to_owned(),
            }
        ),
        Fact::UntrustedIssuer {
            issuer, namesake: true, ..
        } => format!(
            "{it} leads to {}, which has the name of a trusted root, but another key. Clients that do not have that root refuse \
             the connection.",
            brief(issuer)
        ),
        Fact::UntrustedIssuer {
            issuer, root_presented, ..
        } => format!(
            "{it} leads to {}, which is not a trusted root{}: clients that do not have that root refuse it.",
            brief(issuer),
            if *root_presented {
                ", although the server sends it"
            } else {
                ""
            }
        ),
        Fact::WrongOrder => format!(
            "The intermediates after {} are out of order (each must be signed by the next): most clients sort them, strict \
             ones refuse the connection.",
            the_certificate(row)
        ),
        Fact::ExtraRoot { subject } => format!(
            "{it} is followed by the root {}, which clients already have or do not trust: it only makes each handshake longer.",
            brief(subject)
        ),
        Fact::ExtraCertificate { subject } => format!(
            "{it} is followed by {}, which is not part of its chain: it makes each handshake longer.",
            brief(subject)
        ),
        Fact::SelfSigned => format!(
            "{it} is self-signed, not issued by a CA: clients refuse it for {}.",
            host(row)
        ),
        Fact::StagingIssuer { issuer } => format!(
            "{it} was issued by {}, a CA for rehearsals that no client trusts.",
            brief(issuer)
        ),
        Fact::TemporaryCertificate => format!(
            "{it} is a temporary one that cert-manager uses until the real one is issued: no client trusts it for {}.",
            host(row)
        ),
        Fact::ControllerDefaultCertificate { controller } => format!(
            "{it} is the default one that {controller} generates for itself: no client trusts it for {}.",
            host(row)
        ),
        Fact::ConstraintViolated { by, why } => format!(
            "The chain of {} breaks a rule of {}: {}. {}",
            the_certificate(row),
            match by {
                Clients::All => "its CAs",
                Clients::Go | Clients::OpenSsl => "some clients",
            },
            brief(why.trim().trim_end_matches('.')),
            match by {
                Clients::All => "Clients refuse it.",
                Clients::Go => "Programs written in Go refuse it, while OpenSSL accepts it.",
                Clients::OpenSsl =>
                    "OpenSSL and programs built on it (curl, Python, Ruby) refuse it, while Go accepts it.",
            }
        ),
        _ => fact.reason().to_string(),
    }
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    match fact {
        Fact::MissingIntermediate { found, .. } => missing(found, row, commands),
        Fact::UntrustedIssuer { namesake: true, .. } => format!(
            "If the CA was recreated under its old name, give the new root to the clients, and to {}; otherwise issue the \
             certificate with the trusted CA. {}",
            commands.status_with("--ca-file <CA-FILE>", row),
            reissue(row, commands)
        ),
        Fact::UntrustedIssuer { .. } => format!(
            "If a private CA is intended, give its root to the clients, and to {}; otherwise issue the certificate with a \
             publicly trusted CA. {}",
            commands.status_with("--ca-file <CA-FILE>", row),
            reissue(row, commands)
        ),
        Fact::WrongOrder => rearrange(
            "Put the server's certificate first and after each certificate the one that signed it",
            row,
            commands,
        ),
        Fact::ExtraRoot { .. } => rearrange("Leave the root out of tls.crt (it belongs in ca.crt)", row, commands),
        Fact::ExtraCertificate { .. } => rearrange("Leave that certificate out of tls.crt", row, commands),
        Fact::SelfSigned => format!(
            "Issue it with a CA that the clients trust; if clients pin this exact certificate, give it to {}. {}",
            commands.status_with("--ca-file <CERTIFICATE-FILE>", row),
            reissue(row, commands)
        ),
        Fact::StagingIssuer { .. } => format!(
            "Issue it again from the production CA{}. {}",
            with_cert_manager(
                row,
                "point issuerRef of the Certificate at an issuer whose spec.acme.server is \
                 https://acme-v02.api.letsencrypt.org/directory"
            ),
            reissue(row, commands)
        ),
        Fact::TemporaryCertificate => format!(
            "cert-manager replaces it when the real one is issued, usually within minutes; if it stays, see what holds up the issuance \
             with {}.",
            match (row.renewer, expected(row)) {
                (Renewer::CertManager(certificate), Some(key)) => {
                    let certificate = Key::new(key.namespace.clone(), certificate.clone());
                    commands.kubectl("describe", Kind::Certificate, &certificate)
                }
                (_, key) => commands.kubectl_in(
                    key.map_or(row.namespace, |key| &key.namespace),
                    "get certificate,order,challenge"
                ),
            }
        ),
        Fact::ControllerDefaultCertificate { .. } => format!(
            "Store a certificate for {} in the Secret that {} names. {}",
            host(row),
            route(row),
            reissue(row, commands)
        ),
        Fact::ConstraintViolated { .. } => format!(
            "Issue it again from a CA that may certify {}; {} shows the chain with its constraints. {}",
            host(row),
            commands.show(row),
            reissue(row, commands)
        ),
        _ => fact.reason().to_string(),
    }
}

fn missing(found: &Found, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let whole = "cat <CERTIFICATE-FILE> <INTERMEDIATE-FILE> > fullchain.pem";
    let get = match found {
        Found::Secret(key) => format!(
            "Append it to the server's certificate: {} shows the Secret that has it",
            commands.show_secret(key)
        ),
        Found::Fetched(url) | Found::Url(url) if url.starts_with("http://") => format!(
            "Fetch it with {} and append it: {}",
            commands.run(format!(
                "curl -sS {} | openssl x509 -inform DER -out chain.pem",
                quote(url)
            )),
            commands.run("cat <CERTIFICATE-FILE> chain.pem > fullchain.pem")
        ),
        Found::CaFile => format!("Append it from the file given by --ca-file: {}", commands.run(whole)),
        Found::PublicCas | Found::Fetched(_) | Found::Url(_) | Found::Nowhere => {
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

/// Changes the order or the contents of `tls.crt`.
fn rearrange(what: &str, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let Some(key) = expected(row) else {
        return format!("{what}.");
    };
    format!(
        "{what} when it is next stored ({}); {} shows the current order.",
        commands.store(key),
        commands.openssl(
            key,
            "crl2pkcs7 -nocrl -certfile /dev/stdin | openssl pkcs7 -print_certs -noout"
        )
    )
}
