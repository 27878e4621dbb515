//! cert-manager's objects, and who else writes a Secret.

use super::{
    commands::{Commands, UNKNOWN_CERTIFICATE},
    say::{brief, certificate_of, moment, name, objects, said, secret},
};
use crate::{
    check::{Fact, ObjectRef, Renewer},
    object::{Key, Kind, Seconds},
    report::row::Row,
    text::quote,
};

/// ` (4 attempts, the last on 2026-11-28, 3d ago)`.
fn failures(attempts: u32, last: Option<Seconds>, now: Seconds) -> String {
    let count = match attempts {
        0 => None,
        1 => Some("one attempt".to_owned()),
        _ => Some(format!("{attempts} attempts")),
    };
    let last = last.map(|at| format!("the last on {}", moment(at, now)));
    let parts: Vec<String> = count.into_iter().chain(last).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}

pub(super) fn message(fact: &Fact, row: &Row<'_>, now: Seconds) -> String {
    match fact {
        Fact::CertificateNotReady {
            certificate,
            reason,
            message,
        } => format!(
            "cert-manager's Certificate {} is not ready{}",
            name(certificate, row),
            said(reason, message)
        ),
        Fact::RenewalFailing {
            certificate,
            attempts,
            last,
            message,
        } => format!(
            "cert-manager's Certificate {} is ready, but its renewal fails{}{}",
            name(certificate, row),
            failures(*attempts, *last, now),
            said("", message)
        ),
        Fact::IssuerNotReady {
            kind,
            issuer,
            missing: true,
            ..
        } => format!(
            "{} {}, which the Certificate names, does not exist: nothing is issued.",
            kind.as_str(),
            name(issuer, row)
        ),
        Fact::IssuerNotReady {
            kind, issuer, message, ..
        } => format!(
            "{} {} is not ready{}",
            kind.as_str(),
            name(issuer, row),
            said("", message)
        ),
        Fact::OrderFailed { order, state, message } => {
            format!("The ACME order {} failed{}", name(order, row), said(state, message))
        }
        Fact::ChallengeStuck {
            challenge,
            dns_name,
            challenge_type,
            message,
        } => format!(
            "The {} challenge {} for {} is stuck{}",
            brief(challenge_type),
            name(challenge, row),
            brief(dns_name),
            said("", message)
        ),
        Fact::ConflictingOwners { secret: key, owners } => format!(
            "{} is written by {} owners, each of which overwrites the others: {}.",
            secret(key, row),
            owners.count(),
            objects(owners, row)
        ),
        _ => fact.reason().to_string(),
    }
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    match fact {
        Fact::CertificateNotReady { certificate, .. } | Fact::RenewalFailing { certificate, .. } => format!(
            "Read its events with {} and follow them to the CertificateRequest, the Order and the Challenge ({}); once the \
             cause is fixed, retry with {}.",
            commands.kubectl("describe", Kind::Certificate, certificate),
            commands.kubectl_in(&certificate.namespace, "get certificaterequest,order,challenge"),
            commands.cmctl_renew(&certificate.namespace, &certificate.name)
        ),
        Fact::IssuerNotReady {
            kind,
            issuer,
            missing: true,
            ..
        } => format!(
            "Create it, or correct kind and name in spec.issuerRef of the Certificate; {} lists the existing ones.",
            commands.kubectl_in(
                &issuer.namespace,
                if *kind == Kind::ClusterIssuer {
                    "get clusterissuer.cert-manager.io"
                } else {
                    "get issuer.cert-manager.io"
                }
            )
        ),
        Fact::IssuerNotReady { kind, issuer, .. } => format!(
            "See why with {}: usually the account could not be registered (spec.acme.server, the network, \
             privateKeySecretRef) or a Secret of the issuer is missing.",
            commands.kubectl("describe", *kind, issuer)
        ),
        Fact::OrderFailed { order, .. } => {
            let certificate = certificate_name(row).unwrap_or(UNKNOWN_CERTIFICATE);
            format!(
                "See which name failed and why with {} and {}; fix that first, because Let's Encrypt allows five failures \
                 per name and hour, then run {}.",
                commands.kubectl("describe", Kind::Order, order),
                commands.kubectl_in(&order.namespace, "get challenge"),
                commands.cmctl_renew(&order.namespace, certificate)
            )
        }
        Fact::ChallengeStuck {
            challenge,
            dns_name,
            challenge_type,
            ..
        } => stuck(challenge, dns_name, challenge_type, commands),
        Fact::ConflictingOwners { owners, .. } => conflicting(owners, row, commands),
        _ => fact.reason().to_string(),
    }
}

/// The Certificate that writes the row's Secret: by another finding, or by the Secret.
fn certificate_name<'a>(row: &Row<'a>) -> Option<&'a str> {
    certificate_of(row)
        .map(|certificate| certificate.name.as_str())
        .or(match row.renewer {
            Renewer::CertManager(name) => Some(name.as_str()),
            _ => None,
        })
}

fn stuck(challenge: &Key, dns_name: &str, challenge_type: &str, commands: &mut Commands<'_>) -> String {
    let bare = dns_name.trim_start_matches("*.");
    let see = commands.kubectl("describe", Kind::Challenge, challenge);
    if challenge_type.eq_ignore_ascii_case("DNS-01") {
        format!(
            "See what it is waiting for with {see}, and whether the record exists with {}: check the DNS provider's credentials \
             in the issuer, and where _acme-challenge is delegated to.",
            commands.run(format!("dig +short TXT {}", quote(&format!("_acme-challenge.{bare}"))))
        )
    } else {
        format!(
            "See what it is waiting for with {see}, and whether its path is reachable from outside on port 80 with {}: check DNS, \
             firewalls, redirects and the class of the solver's Ingress.",
            commands.run(format!(
                "curl -sS -i {}",
                quote(&format!("http://{bare}/.well-known/acme-challenge/test"))
            ))
        )
    }
}

fn conflicting(owners: &[ObjectRef], row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let see: Vec<String> = owners
        .iter()
        .take(2)
        .map(|o| commands.kubectl("get", o.kind, &o.key))
        .collect();
    format!(
        "Let one of them write it and give the others their own secretName, or remove the cert-manager annotation from the \
         Ingress; see them with {}.",
        if see.is_empty() {
            commands.kubectl_in(row.namespace, "get certificate.cert-manager.io")
        } else {
            see.join(" and ")
        }
    )
}
