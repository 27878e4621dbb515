//! What a controller does with a certificate, in words: one sentence for every report.

pub mod shard;

use std::fmt::Write as _;

use crate::{
    object::{
        Seconds,
        doing::{Doing, DoingBy, DoingState, Heard, Orders},
    },
    text::date_time,
};

/// What a controller does with a certificate, as one sentence without its full stop. Not cleared for a terminal.
///
/// `the controller (kubectl-certs) failed 4 times since 2026-12-01T03:12:00Z: ...; next try at 2026-12-01T05:00:00Z`
pub fn sentence(one: &DoingBy, now: Seconds) -> String {
    let does = does(one, now);
    let by = &one.by.namespace;
    match one.heard {
        Heard::Running => format!("the controller ({by}) {does}"),
        Heard::Unknown => format!("the controller ({by}) has said that it {does}"),
        Heard::Gone { last: Some(last) } => format!(
            "the controller ({by}) does not run now; what it said until {} was that it {does}",
            date_time(last)
        ),
        Heard::Gone { last: None } => {
            format!("the controller ({by}) does not run now; the last that it said was that it {does}")
        }
    }
}

/// The same for a cell of a table: `failed 4 times`, `held: OtherOwner`.
pub fn in_short(one: &DoingBy) -> String {
    let doing = &one.doing;
    let words = match doing.state {
        DoingState::Ready if doing.elsewhere.is_some() && one.by.orders == Orders::Allowed => {
            "next, elsewhere".to_owned()
        }
        DoingState::Ready => match one.by.orders {
            Orders::Allowed if one.by.ca_down_since.is_some() => "CA down".to_owned(),
            Orders::Allowed => "next".to_owned(),
            Orders::Paused { .. } => "paused".to_owned(),
            Orders::Untold => "not told to order".to_owned(),
        },
        DoingState::Running => "being ordered".to_owned(),
        DoingState::BackOff if doing.failures < 2 => "failed".to_owned(),
        DoingState::BackOff => format!("failed {} times", doing.failures),
        DoingState::Waiting => "waits".to_owned(),
        DoingState::Limited => "limited".to_owned(),
        DoingState::Held => format!("held: {}", doing.reason),
        DoingState::Scheduled if doing.without.is_some() => "without names".to_owned(),
        DoingState::Scheduled if doing.after.is_some() => "not served".to_owned(),
        DoingState::Scheduled if doing.bound.is_some() => "no other CA".to_owned(),
        DoingState::Scheduled => String::new(),
    };
    match one.heard {
        Heard::Gone { .. } => format!("{words} (not running)"),
        Heard::Running | Heard::Unknown => words,
    }
}

/// What it does, with the verb first.
fn does(one: &DoingBy, now: Seconds) -> String {
    let doing = &one.doing;
    let mut out = match doing.state {
        DoingState::Ready => next(one),
        DoingState::Running => match doing.since {
            Some(since) if doing.failures > 0 => format!("orders it again, after it {}", failed(doing, since)),
            Some(since) => format!("has been ordering it since {}", date_time(since)),
            None => "is ordering it".to_owned(),
        },
        DoingState::BackOff => failing(doing, now),
        DoingState::Waiting => match doing.until.filter(|until| *until > now) {
            Some(until) => format!("waits, and looks again at {}: {}", date_time(until), doing.message),
            None => format!("waits, and looks again now: {}", doing.message),
        },
        DoingState::Limited => match doing.until.filter(|until| *until > now) {
            Some(until) => format!("waits for a limit until {}: {}", date_time(until), doing.message),
            None => format!("waits for a limit, which ends now: {}", doing.message),
        },
        DoingState::Held => format!(
            "does not order it, because the rule {} holds it: {}",
            doing.reason, doing.message
        ),
        DoingState::Scheduled => "keeps it".to_owned(),
    };
    if let Some(without) = &doing.without
        && doing.state != DoingState::BackOff
    {
        let _ = write!(out, "; it was issued without some names: {without}");
    }
    if let Some(after) = &doing.after {
        let _ = write!(
            out,
            "; after it was stored at {}: {}",
            date_time(after.at),
            after.message
        );
    }
    if let Some((issuer, why)) = &doing.elsewhere {
        let _ = write!(out, "; it is ordered at {issuer}, because {why}");
    }
    if let Some(bound) = &doing.bound {
        let _ = write!(out, "; it could be ordered at no other CA: {bound}");
    }
    out
}

fn next(one: &DoingBy) -> String {
    match (&one.by.orders, one.by.ca_down_since) {
        (Orders::Untold, _) => format!(
            "would order it next, and has not been told to order: `kubectl certs resume -n {}` tells it to",
            one.by.namespace
        ),
        (Orders::Paused { since, reason }, _) => {
            format!(
                "would order it next, and is paused since {}: {reason}",
                date_time(*since)
            )
        }
        (Orders::Allowed, Some(since)) if one.doing.elsewhere.is_none() => {
            format!(
                "orders it once the CA answers, which has been down since {}",
                date_time(since)
            )
        }
        (Orders::Allowed, _) => "orders it next".to_owned(),
    }
}

/// `failed 4 times since ...`
fn failed(doing: &Doing, since: Seconds) -> String {
    if doing.failures > 1 {
        format!("failed {} times since {}", doing.failures, date_time(since))
    } else {
        format!("failed at {}", date_time(since))
    }
}

/// `failed 4 times since ...: ...; next try at ...`
fn failing(doing: &Doing, now: Seconds) -> String {
    let mut out = doing
        .since
        .map_or_else(|| "failed".to_owned(), |since| failed(doing, since));
    let _ = write!(out, ": {}", doing.message);
    match doing.until.filter(|until| *until > now) {
        Some(until) => drop(write!(out, "; next try at {}", date_time(until))),
        None => out.push_str("; next try now"),
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::object::{
        Key,
        doing::{AfterStoring, Installation},
    };

    /// 2026-12-01T00:00:00Z.
    const NOW: Seconds = 1_796_083_200;

    fn by(orders: Orders) -> Arc<Installation> {
        Arc::new(Installation {
            namespace: "certs-system".into(),
            id: "a".into(),
            orders,
            ..Installation::default()
        })
    }

    fn said(state: DoingState) -> DoingBy {
        DoingBy {
            by: by(Orders::Allowed),
            heard: Heard::Running,
            doing: Doing {
                state,
                message: "the name does not resolve".into(),
                since: Some(NOW - 3_600),
                until: Some(NOW + 600),
                failures: 4,
                ..Doing::of(Key::new("shop", "shop-tls"))
            },
        }
    }

    #[test]
    fn each_state_is_one_sentence_and_says_which_controller_and_until_when() {
        for (state, sentence_of, short) in [
            (DoingState::Ready, "orders it next", "next"),
            (
                DoingState::Running,
                "orders it again, after it failed 4 times since 2026-11-30T23:00:00Z",
                "being ordered",
            ),
            (
                DoingState::BackOff,
                "failed 4 times since 2026-11-30T23:00:00Z: the name does not resolve; next try at 2026-12-01T00:10:00Z",
                "failed 4 times",
            ),
            (
                DoingState::Waiting,
                "waits, and looks again at 2026-12-01T00:10:00Z: the name does not resolve",
                "waits",
            ),
            (
                DoingState::Limited,
                "waits for a limit until 2026-12-01T00:10:00Z: the name does not resolve",
                "limited",
            ),
        ] {
            let one = said(state);
            assert_eq!(
                sentence(&one, NOW),
                format!("the controller (certs-system) {sentence_of}")
            );
            assert_eq!(in_short(&one), short);
        }
        let mut held = said(DoingState::Held);
        held.doing.reason = "OtherOwner".into();
        held.doing.message = "Helm writes it".into();
        assert_eq!(
            sentence(&held, NOW),
            "the controller (certs-system) does not order it, because the rule OtherOwner holds it: Helm writes it"
        );
        assert_eq!(in_short(&held), "held: OtherOwner");
    }

    #[test]
    fn what_was_said_by_one_that_does_not_run_is_not_told_as_if_it_were_so_now() {
        let mut one = said(DoingState::BackOff);
        one.heard = Heard::Gone { last: Some(NOW - 60) };
        let told = sentence(&one, NOW);
        assert!(
            told.starts_with("the controller (certs-system) does not run now; what it said until 2026-11-30T23:59:00Z"),
            "{told}"
        );
        assert!(in_short(&one).ends_with("(not running)"));
    }

    #[test]
    fn who_may_not_order_or_has_no_ca_says_so_and_what_happened_after_storing_is_added() {
        let mut one = said(DoingState::Ready);
        one.by = by(Orders::Untold);
        assert!(sentence(&one, NOW).contains("`kubectl certs resume -n certs-system`"));
        one.by = by(Orders::Paused {
            since: NOW,
            reason: "a move".into(),
        });
        assert!(sentence(&one, NOW).contains("is paused since 2026-12-01T00:00:00Z: a move"));
        let mut down = (*by(Orders::Allowed)).clone();
        down.ca_down_since = Some(NOW);
        one.by = Arc::new(down);
        assert!(sentence(&one, NOW).contains("down since 2026-12-01T00:00:00Z"));
        let mut elsewhere = one.clone();
        elsewhere.doing.elsewhere = Some(("second".into(), "first has not answered since noon".into()));
        assert_eq!(
            sentence(&elsewhere, NOW),
            "the controller (certs-system) orders it next; it is ordered at second, because first has not answered since noon"
        );
        assert_eq!(in_short(&elsewhere), "next, elsewhere");
        let mut bound = said(DoingState::Scheduled);
        bound.doing.bound = Some("second: the CAA records of shop.example: it lets no CA issue".into());
        let told = sentence(&bound, NOW);
        assert!(told.ends_with(
            "could be ordered at no other CA: second: the CAA records of shop.example: it lets no CA issue"
        ));
        assert_eq!(in_short(&bound), "no other CA");
        let mut stored = said(DoingState::Scheduled);
        stored.doing.after = Some(AfterStoring {
            at: NOW,
            message: "not served".into(),
            is_unrestarted: false,
        });
        assert_eq!(
            sentence(&stored, NOW),
            "the controller (certs-system) keeps it; after it was stored at 2026-12-01T00:00:00Z: not served"
        );
    }
}
