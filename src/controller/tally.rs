//! What the loop remembers only for those who ask: counts, and what it last saw of the account and of its limits.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::fate::Fate;
use crate::{
    object::{Key, Seconds},
    plan::limits::{Left, LimitOf},
};

/// How many orders have ended in each way, by the word for a label.
const RESULTS: [&str; 7] = [
    "issued",
    "issued_not_served",
    "issued_without_names",
    "waiting",
    "limited",
    "ca_down",
    "failed",
];

/// How many limits of each kind are told of: there is one for each domain and each set of names.
const WORST: usize = 5;

/// What is remembered.
#[derive(Debug)]
pub struct Tally {
    began: Seconds,
    results: [u64; RESULTS.len()],
    missed: u64,
    /// The certificates that have ended and are counted, by Secret, with their end.
    ended: BTreeMap<Key, Seconds>,
    /// Whether there is an account.
    pub has_account: bool,
    /// What is left of the limits: those of the account, and the worst of the others.
    pub limits: Vec<Left>,
    /// The same of the issuers besides the first, by their names.
    others: BTreeMap<String, Vec<Left>>,
    /// When all of it were last looked at.
    pub looked: Option<Instant>,
}

impl Tally {
    /// Of a process that begins at this moment.
    pub fn new(began: Seconds) -> Self {
        Self {
            began,
            results: [0; RESULTS.len()],
            missed: 0,
            ended: BTreeMap::new(),
            has_account: true,
            limits: Vec::new(),
            others: BTreeMap::new(),
            looked: None,
        }
    }

    /// Counts how an order ended.
    pub fn order(&mut self, fate: &Fate) {
        let word = match fate {
            Fate::Stored => "issued",
            Fate::StoredBut { after: Some(_), .. } => "issued_not_served",
            Fate::StoredBut { .. } => "issued_without_names",
            Fate::NotWanted => return,
            Fate::Waiting { .. } => "waiting",
            Fate::Limited { .. } => "limited",
            Fate::CaDown => "ca_down",
            Fate::Failed { .. } => "failed",
        };
        for (name, count) in RESULTS.iter().zip(&mut self.results) {
            *count += u64::from(*name == word);
        }
    }

    /// Counts the certificates that have ended since it was last looked, each once, given all that have. Those that had ended
    /// before this process began are not counted: it did not miss them.
    pub fn look(&mut self, ended: &BTreeMap<Key, Seconds>) {
        let news = ended
            .iter()
            .filter(|(secret, end)| **end >= self.began && self.ended.get(*secret) != Some(*end));
        self.missed += u64::try_from(news.count()).unwrap_or_default();
        self.ended.clone_from(ended);
    }

    /// How many certificates have ended without being renewed.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// How many orders have ended, by how.
    pub fn results(&self) -> Vec<(&'static str, u64)> {
        RESULTS.into_iter().zip(self.results).collect()
    }

    /// Takes note of what is left of the limits, of which it keeps the worst.
    pub fn limits(&mut self, all: Vec<Left>) {
        self.limits = worst(all);
    }

    /// The same of issuers besides the first.
    pub fn limits_of_others(&mut self, all: impl Iterator<Item = (String, Vec<Left>)>) {
        self.others = all.map(|(name, limits)| (name, worst(limits))).collect();
    }

    /// What is left of the limits of an issuer besides the first.
    pub fn of_other(&self, name: &str) -> &[Left] {
        self.others.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The limits of an account, and the worst of the others.
fn worst(mut all: Vec<Left>) -> Vec<Left> {
    all.retain(|left| left.of == LimitOf::Orders || left.left < left.limit.burst());
    // By the share that is left, without fractions.
    all.sort_by_key(|left| left.left.saturating_mul(1_000_000) / left.limit.burst().max(1));
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    all.retain(|left| {
        let count = counts.entry(left.of.word()).or_default();
        *count += 1;
        *count <= WORST
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        controller::{overview::Overview, state::CertificateState},
        plan::limits::Limit,
    };

    fn certificate(name: &str, state: &'static str, not_after: Seconds) -> CertificateState {
        CertificateState {
            secret: Key::new("shop", name),
            state,
            reason: "renewal".into(),
            message: "".into(),
            until: None,
            not_after: Some(not_after),
            not_before: Some(0),
            failures: 0,
            after: None,
            without: None,
            elsewhere: None,
        }
    }

    #[test]
    fn a_certificate_that_ends_is_counted_once_and_only_if_it_was_ours_to_renew() {
        let mut tally = Tally::new(1_000);
        let all = [
            certificate("before", "BackOff", 900),
            certificate("held", "Held", 1_500),
            certificate("late", "BackOff", 1_500),
            certificate("good", "Scheduled", 9_000),
        ];
        let mut look = |all: &[CertificateState], now| {
            tally.look(&Overview::of(all.iter().cloned(), now).ended);
            tally.missed()
        };
        assert_eq!([1_400, 1_501, 1_600].map(|now| look(&all, now)), [0, 1, 1]);
        // The next one ends too.
        let next = [certificate("late", "Ready", 3_000)];
        assert_eq!([2_000, 3_001].map(|now| look(&next, now)), [1, 2]);
    }

    #[test]
    fn the_worst_limits_of_each_kind_are_kept_and_full_ones_only_of_the_account() {
        let mut tally = Tally::new(0);
        let limit = Limit::new(50, 3_600).unwrap();
        let left = |of: LimitOf, left: i64| Left {
            of,
            limit,
            left,
            possible_at: 0,
            full_at: 0,
        };
        let mut all: Vec<Left> = (0..40)
            .map(|n| left(LimitOf::Domain(format!("{n}.de")), 10 + n))
            .collect();
        all.push(left(LimitOf::Domain("full.de".to_owned()), 50));
        all.push(left(LimitOf::Orders, 50));
        tally.limits(all);
        let kept: Vec<(i64, LimitOf)> = tally.limits.iter().map(|left| (left.left, left.of.clone())).collect();
        assert_eq!(kept.len(), 6, "{kept:?}");
        assert_eq!(kept[0], (10, LimitOf::Domain("0.de".to_owned())));
        assert_eq!(kept[5], (50, LimitOf::Orders));
    }

    #[test]
    fn orders_are_counted_by_how_they_end() {
        let mut tally = Tally::new(0);
        for fate in [
            Fate::Stored,
            Fate::Stored,
            Fate::CaDown,
            Fate::NotWanted,
            Fate::StoredBut {
                after: Some("x".to_owned()),
                without: None,
            },
        ] {
            tally.order(&fate);
        }
        let counted: Vec<_> = tally.results().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("issued", 2), ("issued_not_served", 1), ("ca_down", 1)]);
    }
}
