//! Validity: expired, not yet valid, due.

use super::{
    commands::Commands,
    say::{brief, certificate, expected, moment, reissue, renew, the_certificate, with_cert_manager},
};
use crate::{
    check::{DueBy, Fact, Renewer},
    object::{Key, Kind, Seconds, Text},
    report::row::Row,
    text::age,
};

pub(super) fn message(fact: &Fact, row: &Row<'_>, now: Seconds) -> String {
    let it = certificate(row);
    match fact {
        Fact::Expired { not_after } => {
            format!("{it} expired on {}: clients refuse it.", moment(*not_after, now))
        }
        Fact::NotYetValid { not_before } => {
            format!(
                "{it} is valid only from {}: until then clients refuse it.",
                moment(*not_before, now)
            )
        }
        Fact::RenewalDue { not_after, since, by } => {
            let ends = moment(*not_after, now);
            match by {
                DueBy::CertManager => format!(
                    "{it} expires on {ends}, and cert-manager, which was to renew it on {}, has not.",
                    moment(*since, now)
                ),
                DueBy::Asked => format!("{it} expires on {ends}: within the time given by --expiring-within."),
                DueBy::Window => format!(
                    "{it} expires on {ends}, and the CA's renewal window has been open since {}.",
                    moment(*since, now)
                ),
                DueBy::Lifetime => format!(
                    "{it} expires on {ends}, and by its lifetime it has been due for renewal since {}.",
                    moment(*since, now)
                ),
            }
        }
        Fact::RenewsTooLate {
            certificate,
            planned,
            not_after,
        } => format!(
            "cert-manager is to renew {} for Certificate {} on {}, only {} before it expires: that leaves little time to repeat a \
             failed attempt.",
            the_certificate(row),
            brief(certificate),
            moment(*planned, now),
            age(not_after.saturating_sub(*planned).max(0))
        ),
        Fact::RenewNow { window_end } => format!(
            "The CA's renewal window of {} ended on {}, before the certificate was due by its age: it may have been \
             revoked, or may soon be.",
            the_certificate(row),
            moment(*window_end, now)
        ),
        Fact::ChainExpired {
            subject,
            root,
            not_after,
            not_before,
        } => {
            let (what, place) = if *root {
                ("root", "above")
            } else {
                ("intermediate", "beside")
            };
            let when = if *not_before > now {
                format!("is valid only from {}", moment(*not_before, now))
            } else {
                format!("expired on {}", moment(*not_after, now))
            };
            format!(
                "The {what} {} {place} {} {when}: clients refuse the chain.",
                brief(subject),
                the_certificate(row)
            )
        }
        Fact::ChainExpiresFirst {
            subject,
            root,
            not_after,
        } => format!(
            "The {} {} expires on {}, before {} does.",
            if *root { "root" } else { "intermediate" },
            brief(subject),
            moment(*not_after, now),
            the_certificate(row)
        ),
        Fact::LifetimeTooLong { days, allowed } => format!(
            "{it} is valid for {days} days, but publicly trusted ones of its date may be valid for at most {allowed}: \
             browsers refuse it."
        ),
        _ => fact.reason().to_string(),
    }
}

/// `kubectl describe` of the Certificate that writes the row's Secret.
fn describe(certificate: &Text, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let namespace = expected(row).map_or(row.namespace, |key| &key.namespace);
    let certificate = Key::new(namespace, certificate.clone());
    commands.kubectl("describe", Kind::Certificate, &certificate)
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    match fact {
        Fact::RenewalDue {
            by: DueBy::CertManager, ..
        } => {
            let see = match row.renewer {
                Renewer::CertManager(certificate) => {
                    format!("See what holds it up with {}. ", describe(certificate, row, commands))
                }
                _ => String::new(),
            };
            format!("{see}{}", renew(row, commands))
        }
        Fact::Expired { .. } | Fact::RenewalDue { .. } => renew(row, commands),
        Fact::RenewsTooLate { certificate, .. } => format!(
            "Remove spec.renewBefore and spec.renewBeforePercentage from Certificate {}, so that it is renewed when a third of its \
             lifetime is left; {} shows its dates.",
            brief(certificate),
            describe(certificate, row, commands)
        ),
        Fact::NotYetValid { .. } => format!(
            "Compare the dates with {} and the issuer's clock; wait for that moment, or store the previous \
             certificate or one issued with a correct clock. {}",
            commands.openssl_expected(row, "x509 -noout -dates"),
            renew(row, commands)
        ),
        Fact::RenewNow { .. } => format!(
            "Renew it now, and look for a revocation notice from the CA. {}",
            renew(row, commands)
        ),
        Fact::ChainExpired { root: true, .. } | Fact::ChainExpiresFirst { root: true, .. } => format!(
            "Get the CA's current root to the clients, and to {}; or let the server send the CA's intermediate for a root that \
             is still valid. See the chain with {}. {}",
            commands.status_with("--ca-file <CA-FILE>", row),
            commands.show(row),
            renew(row, commands)
        ),
        Fact::ChainExpired { .. } | Fact::ChainExpiresFirst { .. } => format!(
            "Replace the intermediate with the CA's current one: a renewal includes it. See the chain with {}. {}",
            commands.show(row),
            renew(row, commands)
        ),
        Fact::LifetimeTooLong { allowed, .. } => format!(
            "Issue it again for {allowed} days or fewer{}. {}",
            with_cert_manager(row, "set spec.duration of the Certificate"),
            reissue(row, commands)
        ),
        _ => fact.reason().to_string(),
    }
}
