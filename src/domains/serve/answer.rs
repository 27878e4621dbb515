//! What a server that asks for a pair is answered.

use std::time::Duration;

use super::cache::Body;
use crate::{
    domain::{OrderState, Record, Said, State, state},
    object::Seconds,
};

/// The answer.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// The chain and its key.
    Pair(Body),
    /// The host is nobody's here.
    NotOurs,
    /// Too many hosts that nobody knows are asked for.
    Busy,
    /// The host is registered, and there is no certificate for it now.
    NotYet(NotYet),
    /// The store or the Secret cannot be read; the log says why.
    Failed,
}

/// Why there is no certificate yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotYet {
    /// Where the host stands.
    pub(super) state: State,
    /// Why, as a sentence.
    pub(super) reason: String,
    /// What to do about it, as a sentence.
    pub(super) next: String,
    /// After how long it may be asked again.
    pub(super) again: Duration,
}

/// How it is with a record whose pair is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its pair is valid.
    Pair,
    /// It has left, and its pair has ended: it may have come back.
    Left,
    /// It was refused.
    NotOurs,
    /// A certificate may be there soon.
    Soon(NotYet),
    /// Waiting helps nobody.
    Later(NotYet),
}

/// How long whoever asks again waits at least.
const SOON: Duration = Duration::from_secs(5);
/// And at most.
const LATE: Duration = Duration::from_mins(5);

/// How it is with a record at a moment.
pub(super) fn standing(record: &Record, now: Seconds) -> Standing {
    let told = state(record, now);
    // Of a host that has left, too, as those do that are served by routes.
    if told.certificate {
        return Standing::Pair;
    }
    if record.released.is_some() {
        return Standing::Left;
    }
    if told.state == State::Refused {
        return Standing::NotOurs;
    }
    let is_soon = is_soon(record, told.state);
    let why = NotYet {
        state: told.state,
        reason: told.reason,
        next: told.next,
        again: told.until.map_or(SOON, |until| wait(until, now).clamp(SOON, LATE)),
    };
    if is_soon {
        Standing::Soon(why)
    } else {
        Standing::Later(why)
    }
}

/// Whether there may be a certificate within seconds, so that a handshake may wait for it.
fn is_soon(record: &Record, state: State) -> bool {
    let is_kept = matches!(state, State::Paused | State::Moved | State::Limited | State::Blocked);
    let said = record.asked.as_ref().map(|asked| &asked.said);
    let is_unsure = matches!(said, Some(Said::NotNow(_)));
    let lacks_dns = record.dns.as_ref().is_some_and(|seen| !seen.is_enough());
    let is_held = matches!(
        record.order,
        Some(OrderState::Failed { .. } | OrderState::Limited { .. } | OrderState::Blocked { .. })
    );
    !is_kept && !is_unsure && !lacks_dns && !is_held
}

/// How long it is from one moment to another.
pub(super) fn wait(until: Seconds, now: Seconds) -> Duration {
    Duration::from_secs(until.saturating_sub(now).max(0).unsigned_abs())
}

/// An error, which is a fragment, as a sentence.
pub(super) fn sentence(fragment: &impl std::fmt::Display) -> String {
    let text = fragment.to_string();
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Asked, Looked, Moved, Pair};

    const NOW: Seconds = 1_800_000_000;

    fn record(change: impl FnOnce(&mut Record)) -> Record {
        let mut record = Record::new("shop.example.com".parse().unwrap(), "shop".parse().unwrap(), NOW);
        record.asked = Some(Asked {
            at: NOW,
            said: Said::Yes,
            renewal: false,
        });
        change(&mut record);
        record
    }

    fn pair(not_after: Seconds) -> Pair {
        Pair {
            not_before: NOW - 100,
            not_after,
            serial: "01".into(),
            secret: None,
            material: None,
        }
    }

    fn word(record: &Record) -> &'static str {
        match standing(record, NOW) {
            Standing::Pair => "pair",
            Standing::Left => "left",
            Standing::NotOurs => "not ours",
            Standing::Soon(_) => "soon",
            Standing::Later(why) => {
                assert!(why.again >= SOON && why.again <= LATE);
                "later"
            }
        }
    }

    #[test]
    fn a_handshake_waits_only_for_what_may_come_within_seconds() {
        let missing = Looked {
            at: NOW,
            server: "ns1.example.com".into(),
            traffic: false,
            challenge: false,
            standing: false,
            kept: None,
            ownership: None,
            missing: Vec::new(),
            seen: String::new(),
        };
        let no = |said| {
            Some(Asked {
                at: NOW,
                said,
                renewal: false,
            })
        };
        let limited = OrderState::Limited {
            reason: "50 a week".to_owned(),
            until: NOW + 40_000,
        };
        let moved = Moved {
            to: "blog".parse().unwrap(),
            at: NOW,
        };
        for (record, wanted) in [
            (record(|_| {}), "soon"),
            (record(|it| it.asked = None), "soon"),
            (record(|it| it.pair = Some(pair(NOW + 1))), "pair"),
            (record(|it| it.pair = Some(pair(NOW - 1))), "soon"),
            (record(|it| it.released = Some(NOW)), "left"),
            (record(|it| it.asked = no(Said::No)), "not ours"),
            (record(|it| it.asked = no(Said::NotNow("500".to_owned()))), "later"),
            (record(|it| it.dns = Some(missing.clone())), "later"),
            (record(|it| it.paused = Some("moving house".to_owned())), "later"),
            (
                record(|it| it.order = Some(OrderState::Validating { since: NOW })),
                "soon",
            ),
            (record(|it| it.order = Some(limited.clone())), "later"),
            (record(|it| it.moved = Some(moved.clone())), "soon"),
        ] {
            assert_eq!(word(&record), wanted, "{record:?}");
        }
        let served = record(|it| {
            it.pair = Some(pair(NOW + 9));
            it.moved = Some(moved);
        });
        assert_eq!(word(&served), "pair", "what is served stays served");
        let released = record(|it| {
            it.pair = Some(pair(NOW + 9));
            it.released = Some(NOW);
        });
        assert_eq!(word(&released), "pair", "until it ends");
    }
}
