//! Names of certificates against hosts.

use super::{
    commands::Commands,
    say::{brief, certificate, host, instead, list_of, reissue, route, with_cert_manager},
};
use crate::{check::Fact, object::Seconds, report::row::Row};

pub(super) fn message(fact: &Fact, row: &Row<'_>, _now: Seconds) -> String {
    let it = certificate(row);
    match fact {
        Fact::HostMismatch {
            host,
            names,
            instead: gets,
        } => format!(
            "{it} does not cover {}: it names {}{}.",
            if host.is_empty() {
                "every host".into()
            } else {
                brief(host)
            },
            list_of(names),
            instead(*gets, "; ")
        ),
        Fact::CommonNameOnly { common_name } => format!(
            "{it} has no subject alternative name, only the common name {}: current clients ignore it and \
             refuse the certificate for {}.",
            brief(common_name),
            host(row)
        ),
        Fact::WildcardTooBroad { name } => format!(
            "{it} names the wildcard {}, directly below a public suffix: public CAs do not issue it, and some browsers refuse it.",
            brief(name)
        ),
        Fact::UnusedNames { names } => format!(
            "{it} names {} host{} that no route uses: {}.",
            names.count(),
            if names.count() == 1 { "" } else { "s" },
            list_of(names)
        ),
        _ => fact.reason().to_string(),
    }
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let names = "x509 -noout -subject -ext subjectAltName";
    match fact {
        Fact::HostMismatch { host, .. } if row.route.is_none() => format!(
            "If clients use that name, issue a certificate that has {} too{}; if they use another one, no action is needed. \
             {} shows the names. {}",
            brief(host),
            with_cert_manager(row, "add it to spec.dnsNames of the Certificate"),
            commands.openssl_expected(row, names),
            reissue(row, commands)
        ),
        Fact::HostMismatch { host, .. } => format!(
            "Correct the host or the Secret's name in {}, or issue a certificate that names {} too{}; {} shows the names. {}",
            route(row),
            if host.is_empty() {
                "every host of the route".into()
            } else {
                brief(host)
            },
            with_cert_manager(row, "add it to spec.dnsNames of the Certificate"),
            commands.openssl_expected(row, names),
            reissue(row, commands)
        ),
        Fact::CommonNameOnly { .. } => format!(
            "Issue it again with {} as a subject alternative name (dNSName, or iPAddress for an address); {} shows \
             its names. {}",
            host(row),
            commands.openssl_expected(row, names),
            reissue(row, commands)
        ),
        Fact::WildcardTooBroad { .. } => format!(
            "Issue it again for {} or for a wildcard under a domain of your own. {}",
            host(row),
            reissue(row, commands)
        ),
        Fact::UnusedNames { .. } => format!(
            "Drop the names that nobody needs from the next certificate: one whose DNS has moved away makes the whole \
             renewal fail. {} shows them all, {} what the routes use.",
            commands.openssl_expected(row, names),
            commands.certs("status", &Row { route: None, ..*row })
        ),
        _ => fact.reason().to_string(),
    }
}
