//! Validity: expired, not yet valid, due.

use super::{
    commands::Commands,
    say::{brief, certificate, moment, reissue, renew, the_certificate, with_cert_manager},
};
use crate::{
    check::{DueBy, Fact},
    object::Seconds,
    report::row::Row,
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
        Fact::RenewNow { window_end } => format!(
            "The CA's renewal window of {} ended on {}, before the certificate was due by its age: it may have been \
             revoked or be about to be.",
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
            "{it} is valid for {days} days, and publicly trusted ones of its date may be for {allowed} at most: \
             browsers refuse it."
        ),
        _ => fact.reason().to_string(),
    }
}

pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    match fact {
        Fact::Expired { .. } | Fact::RenewalDue { .. } => renew(row, commands),
        Fact::NotYetValid { .. } => format!(
            "Compare the dates with {} and the clock of what issued it; wait for that moment, or store the previous \
             certificate or one issued with a right clock. {}",
            commands.openssl_expected(row, "x509 -noout -dates"),
            renew(row, commands)
        ),
        Fact::RenewNow { .. } => format!(
            "Renew it now, and look for a notice of the CA about revocations. {}",
            renew(row, commands)
        ),
        Fact::ChainExpired { root: true, .. } | Fact::ChainExpiresFirst { root: true, .. } => format!(
            "Get the CA's present root to the clients, and to {}; or let the server send the CA's intermediate for a root that \
             is still valid. See the chain with {}. {}",
            commands.status_with("--ca-file <CA-FILE>", row),
            commands.show(row),
            renew(row, commands)
        ),
        Fact::ChainExpired { .. } | Fact::ChainExpiresFirst { .. } => format!(
            "Replace the intermediate by the CA's present one: a renewal brings it along. See the chain with {}. {}",
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
