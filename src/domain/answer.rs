//! When the application is asked about a host, and what its answer does to the record.

use super::{Asked, Marks, Pair, Record, Said};
use crate::{
    object::Seconds,
    text::time::{DAY, HOUR, MINUTE},
};

/// How long a negative answer is remembered, so that unknown names do not become questions, in seconds.
pub const REMEMBERED: Seconds = MINUTE;
/// The longest pause between two questions about a host that has no certificate.
const LONGEST_PAUSE: Seconds = HOUR;
/// How old a yes may be when the first order begins.
const FRESH: Seconds = DAY;
/// How often the application is asked while a certificate is due for renewal, or after a 404.
const AGAIN: Seconds = DAY;
/// How soon it is asked again if it gave no answer to that.
const UNANSWERED: Seconds = HOUR;

/// A question to the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Whether it is told that a certificate is to be renewed.
    pub renewal: bool,
    /// From when on it is asked, in seconds since 1970.
    pub from: Seconds,
}

/// The next question about a host; `None` for one that was released or paused.
///
/// Before the first certificate the application is asked until it says yes, with growing pauses. Afterwards it is asked when a
/// renewal is near, and daily while it says that the host is nobody's.
pub fn next_question(record: &Record) -> Option<Question> {
    if record.released.is_some() || record.paused.is_some() {
        return None;
    }
    let Some(pair) = &record.pair else {
        return Some(Question {
            renewal: false,
            from: first(record),
        });
    };
    let near = near(pair);
    let asked = record.asked.as_ref().filter(|asked| asked.renewal);
    let from = match asked {
        Some(Asked {
            at,
            said: Said::NotNow(_),
            ..
        }) => at.saturating_add(UNANSWERED),
        Some(asked) if record.marks.is_some() => asked.at.saturating_add(AGAIN),
        // What was said for a certificate before this one says nothing about this one's renewal.
        Some(asked) => near.max(asked.at.saturating_add(AGAIN)),
        None => near,
    };
    Some(Question { renewal: true, from })
}

/// When the application is asked next about a host without a certificate.
fn first(record: &Record) -> Seconds {
    match &record.asked {
        None => record.since,
        Some(Asked {
            at, said: Said::Yes, ..
        }) => at.saturating_add(FRESH),
        // Each pause is as long as the time before it.
        Some(Asked { at, .. }) => {
            let before = at.saturating_sub(record.since);
            at.saturating_add(before.clamp(REMEMBERED, LONGEST_PAUSE))
        }
    }
}

/// From when on the renewal of a certificate is near: after half of its life. It is renewed when a third is left, or earlier by
/// what its CA says.
fn near(pair: &Pair) -> Seconds {
    let life = pair.not_after.saturating_sub(pair.not_before).max(0);
    pair.not_before.saturating_add(life / 2)
}

impl Record {
    /// Notes an answer, and when somebody has to look again.
    ///
    /// A 404 to a question about a renewal only marks the record; a yes takes the marks away; no answer changes neither.
    pub fn answered(&mut self, said: Said, renewal: bool, now: Seconds) {
        match &said {
            Said::Yes => self.marks = None,
            Said::No if renewal => {
                let marks = self.marks.get_or_insert(Marks { first: now, answers: 0 });
                marks.answers = marks.answers.saturating_add(1);
            }
            Said::No | Said::NotNow(_) => {}
        }
        self.asked = Some(Asked { at: now, said, renewal });
        self.plan(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::testing::*, *};

    #[test]
    fn an_unknown_host_is_asked_for_at_once_and_then_with_pauses_that_grow_to_an_hour() {
        let mut record = record();
        let mut asked = Vec::new();
        for _ in 0..9 {
            let question = next_question(&record).unwrap();
            assert!(!question.renewal);
            asked.push(question.from - NOW);
            record.answered(Said::No, false, question.from);
            assert_eq!(record.due, next_question(&record).unwrap().from);
        }
        assert_eq!(asked, [0, 60, 120, 240, 480, 960, 1_920, 3_840, 7_440]);
        assert_eq!(record.marks, None, "nothing is served that could be marked");
    }

    #[test]
    fn a_yes_begins_at_once_and_counts_for_a_day_before_the_first_order() {
        let mut record = record();
        record.answered(Said::Yes, false, NOW + 5);
        assert_eq!(record.due, NOW + 5);
        let again = next_question(&record).unwrap();
        assert_eq!((again.renewal, again.from), (false, NOW + 5 + DAY));
    }

    #[test]
    fn a_renewal_is_asked_about_once_when_it_is_near_and_not_before() {
        let mut record = served(90 * DAY);
        let question = next_question(&record).unwrap();
        assert_eq!((question.renewal, question.from), (true, NOW + 45 * DAY));
        record.answered(Said::Yes, true, question.from);
        assert_eq!(next_question(&record).unwrap().from, question.from + DAY);
        // The next certificate is asked about when its own renewal is near.
        record.pair = Some(pair(NOW + 60 * DAY, 90 * DAY));
        assert_eq!(next_question(&record).unwrap().from, NOW + 105 * DAY);
    }

    #[test]
    fn a_404_at_a_renewal_only_marks_and_a_yes_takes_the_marks_away() {
        let mut record = served(90 * DAY);
        for answers in 1..=3_u8 {
            let at = NOW + Seconds::from(answers) * DAY;
            record.answered(Said::No, true, at);
            assert_eq!(
                record.marks,
                Some(Marks {
                    first: NOW + DAY,
                    answers
                })
            );
            assert_eq!(
                next_question(&record).unwrap().from,
                at + DAY,
                "the application is asked daily"
            );
            assert!(record.released.is_none() && super::super::is_permitted(&record));
        }
        record.answered(Said::NotNow("500".into()), true, NOW + 4 * DAY);
        assert_eq!(record.marks.unwrap().answers, 3, "no answer changes nothing");
        assert_eq!(next_question(&record).unwrap().from, NOW + 4 * DAY + HOUR);
        assert!(super::super::is_permitted(&record), "what is served goes on");
        record.answered(Said::Yes, true, NOW + 5 * DAY);
        assert_eq!(record.marks, None);
    }

    #[test]
    fn whoever_was_released_or_paused_is_not_asked_about() {
        let mut record = record();
        record.paused = Some("maintenance".into());
        assert_eq!(next_question(&record), None);
        record.answered(Said::No, false, NOW);
        assert_eq!(record.due, Seconds::MAX);
        record.paused = None;
        record.released = Some(NOW);
        assert_eq!(next_question(&record), None);
    }

    proptest! {
        #[test]
        fn whatever_is_answered_nothing_is_released_and_the_next_look_is_not_in_the_past(
            answers in prop::collection::vec((0_u8..3, any::<bool>(), 0_i64..1_000_000), 1..60),
            has_pair in any::<bool>(),
        ) {
            let mut record = if has_pair { served(90 * DAY) } else { record() };
            let mut now = NOW;
            for (word, renewal, later) in answers {
                now += later;
                let before = record.marks;
                let said = [Said::Yes, Said::No, Said::NotNow(String::new())][usize::from(word)].clone();
                record.answered(said.clone(), renewal, now);
                prop_assert!(record.released.is_none());
                prop_assert!(record.due >= now);
                match said {
                    Said::Yes => prop_assert!(record.marks.is_none()),
                    Said::No if renewal => prop_assert!(record.marks.is_some()),
                    Said::No | Said::NotNow(_) => prop_assert_eq!(record.marks, before),
                }
            }
        }
    }
}
