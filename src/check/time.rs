//! Time: expired, not yet valid, due for renewal, an intermediate that expires first, a lifetime that is longer than
//! allowed.

use crate::{
    check::finding,
    inventory::{Inventory, Stored},
    object::{Seconds, Text, annotation},
    text::time::{DAY, HOUR},
    x509::{Certificate, Trust},
};

use super::{
    finding::DueBy,
    verdict::{CertificateSubject, Collector, Rules},
};

pub(super) fn judge(on: &CertificateSubject<'_>, collector: &mut Collector) {
    let CertificateSubject {
        inventory,
        stored,
        leaf,
        rules,
    } = *on;
    let now = rules.now;
    finding::time::certificate(on, collector);
    if !has_ended(leaf.not_after, now) && now >= leaf.not_before {
        renewal(inventory, stored, leaf, rules, collector);
    }
    for (position, certificate) in stored.bundle.chain() {
        if certificate.self_signed || !is_used(stored, position) {
            continue;
        }
        chain_time(leaf, certificate, now, collector);
    }
    root_time(stored, leaf, now, collector);
}

/// Whether clients regard a certificate as expired. RFC 5280 (section 4.1.2.5) includes the whole second that notAfter
/// names. Go compares instants, though (`crypto/x509/verify.go`, `isValid`), and OpenSSL treats that second as past
/// (`crypto/x509/x509_vfy.c`, `x509_check_cert_time`). `now` in whole seconds stands for a moment within that second.
pub fn has_ended(not_after: Seconds, now: Seconds) -> bool {
    now >= not_after
}

/// Whether a certificate of the chain matters: it is on the path, or no path is known.
fn is_used(stored: &Stored, position: usize) -> bool {
    match &stored.bundle.trust {
        Trust::Trusted { path, .. } => path.iter().any(|p| usize::from(*p) == position),
        _ => true,
    }
}

fn chain_time(leaf: &Certificate, certificate: &Certificate, now: Seconds, collector: &mut Collector) {
    let validity = (certificate.not_before, certificate.not_after);
    above_the_leaf(leaf, validity, || (certificate.called().into(), false), now, collector);
}

/// Judges the validity of the root. OpenSSL and Go check it whether the root is sent or not, which caused the outages
/// of `AddTrust`'s root in 2020 and of DST Root CA X3 in 2021. If there is a path to another root, that path was chosen
/// already.
fn root_time(stored: &Stored, leaf: &Certificate, now: Seconds, collector: &mut Collector) {
    if let Trust::Trusted {
        root,
        bounds: Some(bounds),
        ..
    } = &stored.bundle.trust
    {
        let validity = (bounds.not_before, bounds.not_after);
        above_the_leaf(leaf, validity, || (root.as_ref().into(), true), now, collector);
    }
}

fn above_the_leaf(
    leaf: &Certificate,
    (not_before, not_after): (Seconds, Seconds),
    name: impl Fn() -> (Text, bool),
    now: Seconds,
    collector: &mut Collector,
) {
    collector.moment(not_after, now);
    collector.moment(not_before, now);
    if has_ended(not_after, now) || now < not_before {
        let (subject, root) = name();
        collector.add(finding::ChainExpired {
            subject,
            root,
            not_after,
            not_before,
        });
    } else if not_after < leaf.not_after && !has_ended(leaf.not_after, now) {
        let (subject, root) = name();
        collector.add(finding::ChainExpiresFirst {
            subject,
            root,
            not_after,
        });
    }
}

/// When a certificate falls due by its age: after two thirds of its lifetime, or after half of a lifetime of ten days
/// or less.
pub fn due_by_lifetime(not_before: Seconds, not_after: Seconds) -> Seconds {
    let lifetime = not_after.saturating_sub(not_before);
    let kept = if lifetime <= 10 * DAY {
        lifetime / 2
    } else {
        lifetime / 3
    };
    not_after.saturating_sub(kept)
}

/// Reads the CA's renewal window (RFC 9773) that is stored on the Secret.
pub fn renewal_window(stored: &Stored) -> Option<(Seconds, Seconds)> {
    let (start, end) = stored.meta.annotation(annotation::RENEWAL_WINDOW)?.split_once('/')?;
    let start = crate::text::parse_time(start.trim())?;
    let end = crate::text::parse_time(end.trim())?;
    (start <= end).then_some((start, end))
}

fn renewal(inventory: &Inventory, stored: &Stored, leaf: &Certificate, rules: &Rules, collector: &mut Collector) {
    let (now, not_after) = (rules.now, leaf.not_after);
    if let Some(asked) = rules.expiring_within {
        let since = not_after.saturating_sub(asked);
        collector.moment(since, now);
        if now >= since {
            collector.add(finding::RenewalDue {
                not_after,
                since,
                by: DueBy::Asked,
            });
        }
        return;
    }
    let by_age = due_by_lifetime(leaf.not_before, not_after);
    let window = renewal_window(stored);
    if let Some((_, end)) = window {
        collector.moment(end, now);
        if now >= end && now < by_age {
            collector.add(finding::RenewNow { window_end: end });
            return;
        }
    }
    let secret = stored.meta.key();
    let planned = inventory
        .certificates_of(&secret)
        .find_map(|certificate| Some((certificate, certificate.renewal_time?)));
    if let Some((certificate, at)) = planned {
        by_certmanager(&certificate.meta.name, at, leaf, now, collector);
        return;
    }
    // The lifetime is the backstop: a CA may name a window after the end of the certificate, or in 2099.
    let (since, by) = match window {
        Some((start, _)) if start <= by_age => (start, DueBy::Window),
        _ => (by_age, DueBy::Lifetime),
    };
    collector.moment(since, now);
    if now >= since {
        collector.add(finding::RenewalDue { not_after, since, by });
    }
}

/// How far past its own renewal time cert-manager may be before that is reported.
const GRACE: Seconds = HOUR;

/// Judges a certificate that cert-manager renews. cert-manager renews at `status.renewalTime` and at no other moment;
/// that time already accounts for spec.renewBefore, ARI and the windows of spec.renewal (pkg/util/pki/renewaltime.go
/// and internal/controller/certificates/policies/checks.go, `CurrentCertificateNearingExpiry`; v1.21). It repeats a
/// first failed attempt after an hour, and later ones after up to 32 hours.
fn by_certmanager(certificate: &Text, at: Seconds, leaf: &Certificate, now: Seconds, collector: &mut Collector) {
    let late = at.saturating_add(GRACE);
    collector.moment(late.saturating_add(1), now);
    let not_after = leaf.not_after;
    if now > late {
        collector.add(finding::RenewalDue {
            not_after,
            since: at,
            by: DueBy::CertManager,
        });
    } else if not_after.saturating_sub(at) < least_left(leaf) {
        collector.add(finding::RenewsTooLate {
            certificate: certificate.clone(),
            planned: at,
            not_after,
        });
    }
}

/// How much of the lifetime must be left when a renewal begins, so that a failure can be noticed and repeated: a day,
/// or a tenth of a lifetime that is shorter than ten days.
fn least_left(leaf: &Certificate) -> Seconds {
    (leaf.not_after.saturating_sub(leaf.not_before) / 10).min(DAY)
}
