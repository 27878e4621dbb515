//! When it is proved that a new pair is not served because of what it is. Pure.
//!
//! Before the write the old pair was seen at an address. Afterwards the same look sees neither of both, three times over 30 s,
//! within an hour of the write. One that sees the new pair ends the matter for good; one that still sees the old one, or
//! gets no answer, begins the count anew.

use crate::{engine::witness::Sight, object::Seconds, text::time::HOUR};

/// What it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How many looks in a row see neither pair.
    pub looks: u32,
    /// From the first to the last of them, in seconds.
    pub over: Seconds,
    /// How long after the write a look counts, in seconds: what changes later has another cause.
    pub within: Seconds,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            looks: 3,
            over: over(),
            within: HOUR,
        }
    }
}

/// 30 s, unless a test wants less: `KUBECTL_CERTS_TEST_PROOF` in a build for tests, in seconds.
fn over() -> Seconds {
    const OVER: Seconds = 30;
    #[cfg(debug_assertions)]
    if let Some(over) = std::env::var("KUBECTL_CERTS_TEST_PROOF")
        .ok()
        .and_then(|over| over.parse().ok())
    {
        return over;
    }
    OVER
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing is proved, and nothing is about to be.
    Unproved,
    /// It may be: the next look is after so many seconds.
    Again(Seconds),
    /// It is.
    Proved,
}

/// What the looks have seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    rule: Rule,
    stored_at: Seconds,
    /// When the first of the looks in a row was that see neither pair, and how many there are.
    neither: Option<(Seconds, u32)>,
    /// Whether there can be a proof.
    is_open: bool,
}

impl Proof {
    /// Of a pair that was stored at this moment, in seconds since 1970. There is no proof unless the old one was `seen` before.
    pub fn new(rule: Rule, stored_at: Seconds, seen: bool) -> Self {
        Self {
            rule,
            stored_at,
            neither: None,
            is_open: seen,
        }
    }

    /// Whether there can be a proof.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Begins to count anew.
    pub fn anew(&mut self) {
        self.neither = None;
    }

    /// There is none any more, whatever is seen.
    pub fn close(&mut self) {
        self.is_open = false;
    }

    /// Takes note of what was seen where the old pair was before.
    pub fn saw(&mut self, sight: Sight, now: Seconds) -> Step {
        if sight == Sight::New || now.saturating_sub(self.stored_at) > self.rule.within {
            self.close();
        }
        if sight != Sight::Neither || !self.is_open {
            self.neither = None;
            return Step::Unproved;
        }
        let (first, count) = self.neither.map_or((now, 1), |(first, count)| (first, count + 1));
        self.neither = Some((first, count));
        if count >= self.rule.looks && now.saturating_sub(first) >= self.rule.over {
            return Step::Proved;
        }
        let between = Seconds::from(self.rule.looks.saturating_sub(1).max(1));
        // Rounded up: the last of them is not too early.
        Step::Again((self.rule.over.saturating_add(between - 1) / between).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Sight::{Neither, New, Nothing, Old};

    const RULE: Rule = Rule {
        looks: 3,
        over: 30,
        within: HOUR,
    };

    fn steps(seen: bool, looks: &[(Seconds, Sight)]) -> Vec<Step> {
        let mut proof = Proof::new(RULE, 1_000, seen);
        looks.iter().map(|(at, sight)| proof.saw(*sight, 1_000 + at)).collect()
    }

    #[test]
    fn neither_pair_three_times_over_thirty_seconds_is_a_proof_and_nothing_less() {
        use Step::{Again, Proved, Unproved};
        assert_eq!(
            steps(true, &[(60, Neither), (75, Neither), (90, Neither)]),
            [Again(15), Again(15), Proved]
        );
        // Three times, but faster.
        let fast = [(60, Neither), (61, Neither), (62, Neither), (90, Neither)];
        assert_eq!(steps(true, &fast), [Again(15), Again(15), Again(15), Proved]);
        // Twice, over a longer time.
        assert_eq!(steps(true, &[(60, Neither), (120, Neither)]), [Again(15), Again(15)]);
        // The old one was not seen before.
        assert_eq!(
            steps(false, &[(60, Neither), (75, Neither), (90, Neither)]),
            [Unproved; 3]
        );
    }

    #[test]
    fn the_old_pair_and_no_answer_change_nothing_and_the_new_one_ends_it() {
        use Step::{Again, Unproved};
        for other in [Old, Nothing] {
            assert_eq!(
                steps(true, &[(60, Neither), (75, other), (90, Neither), (105, Neither)]),
                [Again(15), Unproved, Again(15), Again(15)],
                "{other:?}"
            );
        }
        assert_eq!(
            steps(true, &[(60, New), (75, Neither), (90, Neither), (105, Neither)]),
            [Unproved; 4]
        );
        let late = HOUR - 10;
        assert_eq!(
            steps(true, &[(late, Neither), (late + 15, Neither), (late + 30, Neither)]),
            [Again(15), Unproved, Unproved],
            "an hour later it has another cause"
        );
    }
}
