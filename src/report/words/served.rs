//! What is served against what is stored.

use super::{
    commands::Commands,
    say::{brief, expected, host, list, list_of, moment, one_host, renew, route, secret},
};
use crate::{
    check::Fact,
    object::{Key, Seconds, Text},
    report::row::Row,
    text::quote,
};

/// How many hexadecimal digits of a fingerprint tell two certificates apart for a reader.
const DIGITS: usize = 16;

pub(super) fn message(fact: &Fact, row: &Row<'_>, now: Seconds) -> String {
    match fact {
        Fact::ServedDiffers { address, missing, .. } if !missing.is_empty() => format!(
            "{} serves the certificate for {} that {} holds without {}, which it needs and which is stored with it: clients \
             that do not have that refuse the connection.",
            brief(address),
            host(row),
            stored(row),
            list(missing)
        ),
        Fact::ServedUntrusted { address, why } => format!(
            "{} serves certificates for {} that clients refuse. {}",
            brief(address),
            host(row),
            (super::family(why).message)(why, &of_server(row), now)
        ),
        Fact::ServedDiffers {
            address,
            served_sha256,
            stored_sha256,
            ..
        } if stored_sha256.is_empty() => format!(
            "{} serves a certificate for {} that clients accept (SHA-256 {}), but not the one expected of {}: something that was \
             not read provides it.",
            brief(address),
            host(row),
            short(served_sha256),
            route(row)
        ),
        Fact::ServedDiffers {
            address,
            served_sha256,
            stored_sha256,
            ..
        } => format!(
            "{} serves another certificate for {} than {} holds (SHA-256 {} served, {} stored).",
            brief(address),
            host(row),
            stored(row),
            short(served_sha256),
            short(stored_sha256)
        ),
        Fact::ServedExpired { address, not_after } => format!(
            "{} serves a certificate for {} that expired on {}: clients refuse it.",
            brief(address),
            host(row),
            moment(*not_after, now)
        ),
        Fact::ServedWrongHost { address, names } => format!(
            "{} serves a certificate that does not cover {} (it names {}): clients refuse it.",
            brief(address),
            host(row),
            list_of(names)
        ),
        Fact::NotServed { address, why } => format!(
            "{} does not complete a TLS handshake for {}: {}.",
            brief(address),
            host(row),
            brief(why.trim().trim_end_matches('.'))
        ),
        Fact::StalePods {
            secret: key,
            pods,
            changed,
        } => format!(
            "{} changed on {}, and {} Pod{} that started earlier mount{} it by subPath or environment and still \
             use{} the old certificate: {}.",
            secret(key, row),
            moment(*changed, now),
            pods.count(),
            if pods.count() == 1 { "" } else { "s" },
            if pods.count() == 1 { "s" } else { "" },
            if pods.count() == 1 { "s" } else { "" },
            list_of(pods)
        ),
        Fact::DnsElsewhere { resolved, expected } => format!(
            "{} resolves to {}, and {} is at {}: clients reach something else.",
            host(row),
            list(resolved),
            route(row),
            list(expected)
        ),
        _ => fact.reason().to_string(),
    }
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    match fact {
        Fact::ServedDiffers { address, missing, .. } if !missing.is_empty() => format!(
            "See what is sent with {}, and what is stored with {}: if something in front terminates TLS, give it the \
             whole of tls.crt, not only the first certificate; otherwise the controller has not loaded the Secret as it is now.",
            commands.run(handshake(address, row, " -showcerts")),
            commands.show(row)
        ),
        Fact::ServedDiffers { address, .. } => format!(
            "Compare with {} and {}: the controller has not loaded the Secret (its log shows why; a reload or restart \
             helps), another route takes the host, or a proxy in front terminates TLS.",
            commands.run(s_client(
                address,
                row,
                "-noout -subject -issuer -dates -fingerprint -sha256"
            )),
            commands.show(row)
        ),
        Fact::ServedUntrusted { address, .. } => format!(
            "See it with {}. Put a certificate that the clients trust, followed by its intermediates, where {} takes \
             it from ({}); if a private CA is intended, give its root to {}.",
            commands.run(handshake(address, row, " -showcerts")),
            route(row),
            commands.show(row),
            commands.status_with("--ca-file <CA-FILE>", row)
        ),
        Fact::ServedExpired { address, .. } => format!(
            "See it with {}. If the Secret holds a newer one ({}), the controller or a proxy in front has not loaded \
             it: restart it; otherwise renew the Secret's certificate. {}",
            commands.run(s_client(address, row, "-noout -dates")),
            commands.show(row),
            renew(row, commands)
        ),
        Fact::ServedWrongHost { address, .. } => format!(
            "See it with {}: if it is the controller's default one, the route's Secret is missing, unreadable or does \
             not cover the host ({}); if it belongs to something else, find out what serves that address.",
            commands.run(s_client(address, row, "-noout -subject -ext subjectAltName")),
            commands.certs("status", row)
        ),
        Fact::NotServed { address, .. } => format!(
            "Try it with {}; check that the address is reachable from here, that the port is open and that the controller \
             accepts the route ({}).",
            commands.run(handshake(address, row, "")),
            commands.kubectl_route("describe", row)
        ),
        Fact::StalePods { secret: key, pods, .. } => stale(key, pods.first().map(Text::as_str), commands),
        Fact::DnsElsewhere { .. } => format!(
            "Point the host's record at the route's address, unless its target (a CDN, a NAT) is meant to be in front of \
             it: {} shows the record, {} the route's address.",
            commands.dig(row),
            commands.kubectl_route("get", row)
        ),
        _ => fact.reason().to_string(),
    }
}

fn stale(key: &Key, pod: Option<&str>, commands: &mut Commands<'_>) -> String {
    let see = match pod {
        None => commands.kubectl_in(&key.namespace, "get pods"),
        Some(pod) => {
            let owner = "-o jsonpath='{.metadata.ownerReferences[*].name}'";
            commands.kubectl_in(&key.namespace, &format!("get {} {owner}", quote(&format!("pod/{pod}"))))
        }
    };
    format!(
        "Restart their workload with {} (or statefulset/<NAME>, daemonset/<NAME>: {see} leads to it), and mount the Secret as \
         a whole volume so that the next change takes effect by itself.",
        commands.kubectl_in(&key.namespace, "rollout restart deployment/<NAME>")
    )
}

/// The row as it is for what a server sent: no Secret is known to hold it.
fn of_server<'a>(row: &Row<'a>) -> Row<'a> {
    Row {
        secrets: &[],
        served: None,
        certificate: None,
        ..*row
    }
}

/// The command that prints what an address serves for the row's host.
fn s_client(address: &str, row: &Row<'_>, arguments: &str) -> String {
    format!("{} 2>/dev/null | openssl x509 {arguments}", handshake(address, row, ""))
}

/// The command that makes one handshake. An address is not a name for SNI (RFC 6066, section 3).
fn handshake(address: &str, row: &Row<'_>, more: &str) -> String {
    let name = one_host(row)
        .filter(|host| host.parse::<std::net::IpAddr>().is_err())
        .map_or_else(String::new, |host| format!(" -servername {}", quote(&host)));
    format!(
        "openssl s_client -connect {}{name}{more} </dev/null",
        quote(&with_port(address))
    )
}

/// The address with its port; 443 where it has none. IPv6 addresses get the brackets that openssl wants.
fn with_port(address: &str) -> String {
    if address.parse::<std::net::SocketAddr>().is_ok() {
        return address.to_owned();
    }
    match address.parse::<std::net::IpAddr>() {
        Ok(ip) => std::net::SocketAddr::new(ip, 443).to_string(),
        Err(_)
            if address
                .rsplit_once(':')
                .is_some_and(|(_, port)| port.parse::<u16>().is_ok()) =>
        {
            address.to_owned()
        }
        Err(_) => format!("{address}:443"),
    }
}

/// `Secret shop-tls`, or `the Secret`.
fn stored(row: &Row<'_>) -> String {
    expected(row).map_or_else(|| "the Secret".to_owned(), |key| secret(key, row))
}

/// The first digits of a fingerprint.
fn short(sha256: &str) -> String {
    sha256.chars().take(DIGITS).collect()
}
