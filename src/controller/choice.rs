//! At which issuer a certificate is ordered: the first one, unless the certificate would end before that one answers, or
//! permits, its order.
//!
//! Pure. It knows nothing of failures: a name that one CA could not validate is ordered nowhere else because of that.
//!
//! Nobody knows when an outage ends. It is expected to last as long again as it has lasted already, so that a certificate with
//! weeks left waits for days, and one with minutes left waits for minutes. A certificate has to be there before the last tenth of
//! the life of the present one begins, of which three days are enough.

use crate::{
    object::{Seconds, Text},
    text::time::DAY,
};

/// The part of its life that a certificate does not have to wait into: one in so many, and the most of it, in seconds.
const RESERVE: Seconds = 10;
const MOST_RESERVE: Seconds = 3 * DAY;
/// How long an outage has lasted at least, in seconds; of a short life one in so many is enough.
const OUTAGE: Seconds = 60;
const PART: Seconds = 8;

/// A certificate that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// By when it has to be there, in seconds since 1970.
    pub deadline: Seconds,
    /// How long the present one lives, in seconds; `None` if there is none that is of use.
    pub life: Option<Seconds>,
}

impl Wanted {
    /// The renewal of a certificate with this validity.
    pub fn renewal(not_before: Seconds, not_after: Seconds) -> Self {
        let life = not_after.saturating_sub(not_before).max(0);
        Self {
            deadline: not_after.saturating_sub((life / RESERVE).min(MOST_RESERVE)),
            life: Some(life),
        }
    }

    /// How long an outage has to have lasted, in seconds.
    fn patience(&self) -> Seconds {
        self.life.map_or(OUTAGE, |life| (life / PART).min(OUTAGE))
    }
}

/// What keeps an issuer from taking an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Nothing.
    None,
    /// It does not answer, since this moment in seconds since 1970.
    Down(Seconds),
    /// One of its limits does not permit this certificate before this moment, in seconds since 1970.
    Limited(Seconds),
}

impl Obstacle {
    /// When it is expected to be over, in seconds since 1970.
    fn over_at(&self, now: Seconds) -> Seconds {
        match self {
            Self::None => now,
            Self::Down(since) => now.saturating_add(now.saturating_sub(*since)),
            Self::Limited(until) => *until,
        }
    }

    /// Whether a certificate would come too late.
    fn passes(&self, wanted: &Wanted, now: Seconds) -> bool {
        match self {
            Self::None => false,
            Self::Down(since) => {
                now.saturating_sub(*since) >= wanted.patience() && self.over_at(now) >= wanted.deadline
            }
            Self::Limited(until) => *until > now && *until >= wanted.deadline,
        }
    }

    /// When time alone makes it pass the deadline, in seconds since 1970; `None` if it does not.
    fn passes_at(&self, wanted: &Wanted) -> Option<Seconds> {
        let Self::Down(since) = self else { return None };
        let by_deadline = since.saturating_add(wanted.deadline.saturating_sub(*since).saturating_add(1) / 2);
        Some(by_deadline.max(since.saturating_add(wanted.patience())))
    }
}

/// An issuer besides the first, as far as this certificate is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its name.
    pub name: Text,
    /// What keeps it from taking the order.
    pub obstacle: Obstacle,
    /// Whether it would issue, as far as that was found out beforehand.
    pub may: bool,
}

/// At which issuer a certificate is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// At the first; time alone changes that at this moment, in seconds since 1970, if nothing else does.
    First(Option<Seconds>),
    /// At the one with this number among the others.
    Other(usize),
    /// At the first, although it comes too late: none of the others would issue.
    NoOther,
}

/// Chooses the issuer.
pub fn choose(wanted: &Wanted, first: &Obstacle, others: &[Other], now: Seconds) -> Choice {
    if !first.passes(wanted, now) {
        return Choice::First(first.passes_at(wanted).filter(|_| !others.is_empty()));
    }
    let may = || others.iter().enumerate().filter(|(_, other)| other.may);
    if let Some((at, _)) = may().find(|(_, other)| !other.obstacle.passes(wanted, now) && is_open(&other.obstacle, now))
    {
        return Choice::Other(at);
    }
    // All are away: the one that is expected back first, and of equals the first.
    let soonest = may().min_by_key(|(_, other)| other.obstacle.over_at(now));
    match soonest {
        Some((at, other)) if other.obstacle.over_at(now) < first.over_at(now) => Choice::Other(at),
        Some(_) => Choice::First(None),
        None if others.is_empty() => Choice::First(None),
        None => Choice::NoOther,
    }
}

/// Whether an order is taken now.
fn is_open(obstacle: &Obstacle, now: Seconds) -> bool {
    obstacle.over_at(now) <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::time::HOUR;

    const T: Seconds = 1_800_000_000;

    /// A certificate of 90 days that is due, with so many days left.
    fn left(days: Seconds) -> Wanted {
        Wanted::renewal(T + (days - 90) * DAY, T + days * DAY)
    }

    fn other(obstacle: Obstacle) -> Other {
        Other {
            name: "second".into(),
            obstacle,
            may: true,
        }
    }

    fn second() -> Vec<Other> {
        vec![other(Obstacle::None)]
    }

    #[test]
    fn an_outage_changes_the_certificates_alone_that_would_end_within_it() {
        let down_for = |seconds: Seconds, days| choose(&left(days), &Obstacle::Down(T - seconds), &second(), T);
        // With 30 days left nobody changes for a day, nor for a week; three days are kept as a reserve.
        assert!(matches!(down_for(DAY, 30), Choice::First(Some(_))));
        assert!(matches!(down_for(7 * DAY, 30), Choice::First(Some(_))));
        assert_eq!(down_for(27 * DAY, 30), Choice::Other(0));
        assert!(matches!(down_for(10 * HOUR, 4), Choice::First(Some(_))));
        assert_eq!(down_for(24 * HOUR, 4), Choice::Other(0));
        // One that ends within the reserve changes after a minute, and not at the first answer that fails.
        assert!(matches!(down_for(30, 2), Choice::First(Some(_))));
        assert_eq!(down_for(60, 2), Choice::Other(0));
    }

    #[test]
    fn a_life_of_minutes_is_changed_in_time_for_an_order() {
        // Due at half of its life, when the CA goes away.
        let of = |life: Seconds| Wanted::renewal(T - life / 2, T + life / 2);
        for (life, changes) in [(200, 40), (600, 120), (3_600, 720)] {
            let down = Obstacle::Down(T);
            let Choice::First(Some(at)) = choose(&of(life), &down, &second(), T) else {
                panic!("{life}");
            };
            assert_eq!(at, T + changes, "{life}");
            assert!(matches!(
                choose(&of(life), &down, &second(), at - 1),
                Choice::First(Some(_))
            ));
            assert_eq!(choose(&of(life), &down, &second(), at), Choice::Other(0), "{life}");
        }
    }

    #[test]
    fn a_limit_whose_wait_passes_the_deadline_changes_it_and_a_shorter_one_does_not() {
        let limited = |until: Seconds| choose(&left(30), &Obstacle::Limited(until), &second(), T);
        assert_eq!(limited(T + 26 * DAY), Choice::First(None));
        assert_eq!(limited(T + 27 * DAY), Choice::Other(0));
        // A new certificate is expected within minutes.
        let new = Wanted {
            deadline: T + 600,
            life: None,
        };
        assert_eq!(
            choose(&new, &Obstacle::Limited(T + 36), &second(), T),
            Choice::First(None)
        );
        assert_eq!(
            choose(&new, &Obstacle::Limited(T + 700), &second(), T),
            Choice::Other(0)
        );
        // What is over is no obstacle, however late it is.
        let late = Wanted { deadline: T - 1, ..new };
        assert_eq!(choose(&late, &Obstacle::Limited(T), &second(), T), Choice::First(None));
        assert_eq!(choose(&late, &Obstacle::None, &second(), T), Choice::First(None));
    }

    #[test]
    fn the_preferred_one_of_those_that_would_issue_and_answer_is_taken() {
        let away = Obstacle::Down(T - 30 * DAY);
        let wanted = left(2);
        let not = |mut of: Other| {
            of.may = false;
            of
        };
        let of = |others: &[Other]| choose(&wanted, &away, others, T);
        let open = || other(Obstacle::None);
        assert_eq!(of(&[open(), open()]), Choice::Other(0));
        assert_eq!(of(&[not(open()), open()]), Choice::Other(1));
        assert_eq!(of(&[other(Obstacle::Down(T - 90)), open()]), Choice::Other(1));
        assert_eq!(of(&[other(Obstacle::Limited(T + 9 * DAY)), open()]), Choice::Other(1));
        assert_eq!(of(&[not(open())]), Choice::NoOther);
        assert_eq!(of(&[]), Choice::First(None));
        // All are away: the one that is expected back first.
        assert_eq!(of(&[other(Obstacle::Limited(T + 9 * DAY))]), Choice::Other(0));
        assert_eq!(of(&[other(Obstacle::Limited(T + 31 * DAY))]), Choice::First(None));
    }

    #[test]
    fn without_another_issuer_nothing_wakes_it() {
        assert_eq!(choose(&left(30), &Obstacle::Down(T - 5), &[], T), Choice::First(None));
    }
}
