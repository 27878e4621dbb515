//! cert-manager's objects, and who else writes a Secret.

use std::borrow::Cow;

use super::say::{brief, certificate_of, in_namespace, kubectl, list, name, object, quote, said, secret};
use crate::{
    check::{Fact, ObjectRef},
    object::{Key, Kind, Seconds},
    report::row::Row,
};

pub(super) fn message(fact: &Fact, row: &Row<'_>, _now: Seconds) -> String {
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
            "The {} challenge {} for {} does not come to an end{}",
            brief(challenge_type),
            name(challenge, row),
            brief(dns_name),
            said("", message)
        ),
        Fact::ConflictingOwners { secret: key, owners } => format!(
            "{} is written by {} owners, each of which overwrites the others: {}.",
            secret(key, row),
            owners.len(),
            list(owners.iter().map(|o| object(o, row)))
        ),
        _ => fact.reason().to_string(),
    }
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>) -> String {
    match fact {
        Fact::CertificateNotReady { certificate, .. } => format!(
            "Read its events with `{}` and follow them to the CertificateRequest, the Order and the Challenge (`kubectl{} \
             get certificaterequest,order,challenge`); when the cause is mended, try at once with `cmctl renew {}{}`.",
            kubectl("describe", Kind::Certificate, certificate),
            in_namespace(&certificate.namespace),
            quote(&certificate.name),
            in_namespace(&certificate.namespace)
        ),
        Fact::IssuerNotReady {
            kind,
            issuer,
            missing: true,
            ..
        } => format!(
            "Create it, or correct kind and name in spec.issuerRef of the Certificate; `kubectl get {}{}` lists those there \
             are.",
            if *kind == Kind::ClusterIssuer {
                "clusterissuer"
            } else {
                "issuer"
            },
            in_namespace(&issuer.namespace)
        ),
        Fact::IssuerNotReady { kind, issuer, .. } => format!(
            "See why with `{}`: mostly the account could not be registered (spec.acme.server, the network, \
             privateKeySecretRef) or a Secret of the issuer is missing.",
            kubectl("describe", *kind, issuer)
        ),
        Fact::OrderFailed { order, .. } => format!(
            "See which name failed and why with `{}` and `kubectl{} get challenge`; mend that first, for Let's Encrypt \
             allows five failures a name and hour, then run `cmctl renew {}{}`.",
            kubectl("describe", Kind::Order, order),
            in_namespace(&order.namespace),
            certificate_of(row).map_or(Cow::Borrowed("CERTIFICATE"), |certificate| quote(&certificate.name)),
            in_namespace(&order.namespace)
        ),
        Fact::ChallengeStuck {
            challenge,
            dns_name,
            challenge_type,
            ..
        } => stuck(challenge, dns_name, challenge_type),
        Fact::ConflictingOwners { owners, .. } => conflicting(owners, row),
        _ => fact.reason().to_string(),
    }
}

fn stuck(challenge: &Key, dns_name: &str, challenge_type: &str) -> String {
    let bare = dns_name.trim_start_matches("*.");
    let see = kubectl("describe", Kind::Challenge, challenge);
    if challenge_type.eq_ignore_ascii_case("DNS-01") {
        format!(
            "See what it waits for with `{see}`, and whether the record is there with `dig +short TXT {}`: check the DNS \
             provider's credentials in the issuer, and where _acme-challenge is delegated to.",
            quote(&format!("_acme-challenge.{bare}"))
        )
    } else {
        format!(
            "See what it waits for with `{see}`, and whether its path is reachable from outside on port 80 with `curl -sS -i \
             {}`: check DNS, firewalls, redirects and the class of the solver's Ingress.",
            quote(&format!("http://{bare}/.well-known/acme-challenge/test"))
        )
    }
}

fn conflicting(owners: &[ObjectRef], row: &Row<'_>) -> String {
    let see: Vec<String> = owners
        .iter()
        .take(2)
        .map(|o| format!("`{}`", kubectl("get", o.kind, &o.key)))
        .collect();
    format!(
        "Leave one of them to write it and give the others a secretName of their own, or take the cert-manager annotation off \
         the Ingress; see them with {}.",
        if see.is_empty() {
            format!(
                "`kubectl{} get certificate.cert-manager.io`",
                in_namespace(row.namespace)
            )
        } else {
            see.join(" and ")
        }
    )
}
