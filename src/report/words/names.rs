//! Names of certificates against hosts.

use super::say::{brief, certificate, expected, host, instead, list, openssl, renew, route, show};
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
            list(names),
            instead(*gets, "; ")
        ),
        Fact::CommonNameOnly { common_name } => format!(
            "{it} has no subject alternative name, only the common name {}: today's clients do not look at it and \
             refuse the certificate for {}.",
            brief(common_name),
            host(row)
        ),
        Fact::WildcardTooBroad { name } => format!(
            "{it} names the wildcard {}, which stands right under a public suffix: public CAs do not issue it, and some browsers refuse it.",
            brief(name)
        ),
        Fact::UnusedNames { names } => format!(
            "{it} names {} host{} that no route uses: {}.",
            names.len(),
            if names.len() == 1 { "" } else { "s" },
            list(names)
        ),
        _ => fact.reason().to_string(),
    }
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>) -> String {
    let see = expected(row).map_or_else(
        || show(row),
        |key| openssl(key, "x509 -noout -subject -ext subjectAltName"),
    );
    match fact {
        Fact::HostMismatch { host, .. } => format!(
            "Issue a certificate that names {} too, with cert-manager by adding it to spec.dnsNames of the Certificate, \
             or correct the host or the Secret's name in {}; `{see}` shows the names. {}",
            if host.is_empty() {
                "every host of the route".into()
            } else {
                brief(host)
            },
            route(row),
            renew(row)
        ),
        Fact::CommonNameOnly { .. } => format!(
            "Issue it again with {} as a subject alternative name (dNSName, or iPAddress for an address); `{see}` shows \
             what it has. {}",
            host(row),
            renew(row)
        ),
        Fact::WildcardTooBroad { .. } => format!(
            "Issue it again for {} or for a wildcard under a domain of your own. {}",
            host(row),
            renew(row)
        ),
        Fact::UnusedNames { .. } => format!(
            "Leave out the names that nobody needs when the certificate is next issued: one whose DNS has moved away \
             makes the whole renewal fail. `{see}` shows them all, `{}` what the routes use.",
            super::say::certs("status", &Row { route: None, ..*row })
        ),
        _ => fact.reason().to_string(),
    }
}
