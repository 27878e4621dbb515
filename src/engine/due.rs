//! Whether certificates are due: according to the CA (ARI, RFC 9773), otherwise according to their lifetime.

use std::{
    hash::{BuildHasher as _, Hasher as _},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};

use super::asked::{Known, RenewalAnswers};
use crate::{
    acme::{Acme, CertId, LETS_ENCRYPT_STAGING},
    check::{self, Fact, Rules},
    inventory::Inventory,
    object::Seconds,
    plan::{Target, ensure::Dueness},
    x509::Certificate,
};

/// About how many certificates the CA is asked at the same time.
const AT_ONCE: usize = 16;

/// How long the CA may take to answer when a certificate is to be renewed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a certificate is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// It is due now, for this reason.
    Now(&'static str),
    /// It is not due yet; from this moment on according to the CA or its lifetime, if that is known.
    Later(Option<Seconds>),
}

/// What the validity of a certificate says of its renewal before its CA is asked. `window` is the CA's renewal window that is stored
/// beside it.
///
/// The CA is asked (ARI) only while its answer may change anything: not in the first half of the lifetime, in which no
/// CA wants a renewal unless it has to revoke, and not once the lifetime decides anyway.
pub fn foresee(
    (not_before, not_after): (Seconds, Seconds),
    window: Option<(Seconds, Seconds)>,
    now: Seconds,
) -> Dueness {
    let by_age = check::due_by_lifetime(not_before, not_after);
    let half = not_before.saturating_add(not_after.saturating_sub(not_before) / 2);
    if check::has_ended(not_after, now) {
        Dueness::Now("it has expired")
    } else if window.is_some_and(|(start, _)| start <= now) {
        Dueness::Now("the CA's renewal window has opened")
    } else if by_age <= now {
        Dueness::Now("most of its lifetime is over")
    } else if half <= now {
        Dueness::AskCa
    } else {
        Dueness::NotYet
    }
}

/// The moment at which the CA wants a certificate of its own to be renewed, if it names one. An answer in `asked` that
/// is still valid is not requested again.
pub async fn wanted_by_ca(acme: &Acme, leaf: &Certificate, asked: &RenewalAnswers) -> Option<Seconds> {
    acme.directory().renewal_info.as_ref()?;
    let found = moment(acme, &id_of_leaf(leaf)?, asked).await;
    asked.keep(crate::clock::now());
    found
}

/// Judges each target, in order. The CA is asked about certificates that it issued itself ([`Target::changes_ca`]); for
/// others, their lifetime decides. Answers in `asked` that are still valid are not requested again.
pub async fn judge(
    acme: &Acme,
    inventory: &Inventory,
    targets: &[Target],
    rules: Rules,
    asked: &RenewalAnswers,
) -> Vec<Due> {
    let judged = stream::iter(targets)
        .map(|target| one(acme, inventory, target, rules, asked))
        .buffered(AT_ONCE)
        .collect()
        .await;
    asked.keep(crate::clock::now());
    judged
}

async fn one(acme: &Acme, inventory: &Inventory, target: &Target, rules: Rules, asked: &RenewalAnswers) -> Due {
    let Some(held) = &target.held else {
        return Due::Now("it holds no certificate");
    };
    if rules.now >= held.not_after {
        return Due::Now("it has expired");
    }
    // A CA does not know certificates of another CA, nor staging those of production.
    if acme.directory().renewal_info.is_some()
        && target.changes_ca.is_none()
        && held.staging == (acme.directory_url() == LETS_ENCRYPT_STAGING)
        && let Some(id) = id_of(inventory, target)
        && let Some(moment) = moment(acme, &id, asked).await
    {
        // The lifetime is the backstop, because a CA may name a window that comes too late or never.
        let by_age = check::due_by_lifetime(held.not_before, held.not_after);
        return if moment <= rules.now {
            Due::Now("the CA's renewal window has opened")
        } else if by_age <= rules.now {
            Due::Now("most of its lifetime is over")
        } else {
            Due::Later(Some(moment.min(by_age)))
        };
    }
    by_verdict(inventory, target, rules)
}

/// The moment at which the CA wants a certificate to be renewed, if it names one.
async fn moment(acme: &Acme, id: &CertId, asked: &RenewalAnswers) -> Option<Seconds> {
    let (name, now) = (id.to_string(), crate::clock::now());
    if let Some(moment) = asked.get(&name, now) {
        return Some(moment);
    }
    let info = acme.renewal_info(id).await.ok()?;
    let seed = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let moment = info.moment(seed);
    let again = now.saturating_add(info.retry_after);
    asked.put(name, Known { moment, again });
    Some(moment)
}

/// The verdict of the checks on the Secret, so that `status` and renewals follow one rule.
fn by_verdict(inventory: &Inventory, target: &Target, rules: Rules) -> Due {
    let Some(verdict) = check::secret(inventory, &target.secret, rules) else {
        return Due::Now("it holds no certificate");
    };
    let due = verdict.findings.iter().find_map(|finding| match finding.fact {
        Fact::RenewalDue(_) => Some("most of its lifetime is over"),
        Fact::RenewNow(_) => Some("the CA's renewal window has passed"),
        Fact::Expired(_) => Some("it has expired"),
        _ => None,
    });
    due.map_or(Due::Later(verdict.changes_at), Due::Now)
}

/// Whether the CA's renewal window for a certificate is open: a renewal within it counts towards no limit. Without a
/// CA to ask, the window that is stored on the Secret decides.
pub(super) async fn is_in_window(acme: Option<&Acme>, inventory: &Inventory, target: &Target) -> bool {
    let Some(acme) = acme else {
        let stored = inventory.secrets().get(&target.secret);
        return stored
            .and_then(check::renewal_window)
            .is_some_and(|(start, end)| (start..=end).contains(&crate::clock::now()));
    };
    let Some(id) = id_of(inventory, target) else {
        return false;
    };
    let asked = tokio::time::timeout(PATIENCE, acme.renewal_info(&id)).await;
    asked.is_ok_and(|info| info.is_ok_and(|info| info.is_open(crate::clock::now())))
}

/// The id by which the CA knows the certificate of a Secret; `None` if the Secret holds no certificate, or one without
/// a key id.
fn id_of(inventory: &Inventory, target: &Target) -> Option<CertId> {
    id_of_leaf(inventory.secrets().get(&target.secret)?.leaf()?)
}

fn id_of_leaf(leaf: &Certificate) -> Option<CertId> {
    let key_id = leaf.authority_key_id.as_deref()?;
    Some(CertId::new(key_id, leaf.serial.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::time::DAY;

    #[test]
    fn the_ca_is_asked_only_while_its_answer_may_change_anything() {
        let at = |days: Seconds, window: Option<(Seconds, Seconds)>, day: Seconds| {
            let window = window.map(|(start, end)| (start * DAY, end * DAY));
            match foresee((0, days * DAY), window, day * DAY) {
                Dueness::Now(why) => why,
                Dueness::AskCa => "ask",
                Dueness::NotYet => "not yet",
            }
        };
        for (days, window, day, expected) in [
            (90, None, 0, "not yet"),
            (90, None, 44, "not yet"),
            (90, None, 45, "ask"),
            (90, None, 59, "ask"),
            (90, None, 60, "most of its lifetime is over"),
            (90, None, 90, "it has expired"),
            // What the CA said once is known without asking.
            (90, Some((58, 60)), 57, "ask"),
            (90, Some((58, 60)), 58, "the CA's renewal window has opened"),
            (90, Some((5, 6)), 6, "the CA's renewal window has opened"),
            // A window after the end does not hold it back.
            (90, Some((200, 210)), 60, "most of its lifetime is over"),
            // Of a short lifetime, half of it decides.
            (6, None, 2, "not yet"),
            (6, None, 3, "most of its lifetime is over"),
        ] {
            assert_eq!(at(days, window, day), expected, "{days} days, {window:?}, day {day}");
        }
    }
}
