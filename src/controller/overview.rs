//! Many certificates in few numbers: what is told of all of them, and by name of the worst alone. So it takes as much memory for
//! fifty thousand as for a hundred, but for one number each.

use std::collections::BTreeMap;

use super::state::CertificateState;
use crate::object::{Key, Seconds, Text};

/// How many certificates are told of by name.
pub const WORST: usize = 50;

/// What is told of all certificates for which routes ask.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// How many there are, by state, by reason, and by the issuer at which they are ordered next in place of the first one.
    pub kinds: BTreeMap<(&'static str, Text, Option<Text>), i64>,
    /// How many have failed once, twice, three times, and more often in a row.
    pub failing: [i64; 4],
    /// How many are stored, while a restart or the look at what is served failed.
    pub not_served: usize,
    /// How many were issued without new names that failed.
    pub without_names: usize,
    /// The share of its life that each kept one has left, from 0 to 1.
    pub lives: Vec<f64>,
    /// Those that end first, with their ends in seconds since 1970.
    pub first_to_end: Vec<(Seconds, Key)>,
    /// Those that have the least of their lives left: the share, the Secret and the state.
    pub least_left: Vec<(f64, Key, &'static str)>,
    /// The kept ones that have ended, with their ends in seconds since 1970.
    pub ended: BTreeMap<Key, Seconds>,
}

impl Overview {
    /// Counts certificates as of a moment in seconds since 1970.
    pub fn of(certificates: impl Iterator<Item = CertificateState>, now: Seconds) -> Self {
        let mut all = Self::default();
        for certificate in certificates {
            all.add(certificate, now);
            // A list is sorted once it is several times too long.
            if all.first_to_end.len() >= 8 * WORST {
                all.cut();
            }
        }
        all.cut();
        all.lives.shrink_to_fit();
        all
    }

    fn add(&mut self, of: CertificateState, now: Seconds) {
        let kind = (of.state, of.reason.clone(), of.elsewhere.clone());
        *self.kinds.entry(kind).or_default() += 1;
        let times = usize::try_from(of.failures)
            .unwrap_or(usize::MAX)
            .min(self.failing.len());
        if let Some(count) = times.checked_sub(1).and_then(|at| self.failing.get_mut(at)) {
            *count += 1;
        }
        self.not_served += usize::from(of.after.is_some());
        self.without_names += usize::from(of.without.is_some());
        if of.state == "Held" {
            return;
        }
        if let Some(left) = of.life_left(now) {
            self.lives.push(left);
            self.least_left.push((left, of.secret.clone(), of.state));
        }
        if let Some(end) = of.not_after {
            if end < now {
                self.ended.insert(of.secret.clone(), end);
            }
            self.first_to_end.push((end, of.secret));
        }
    }

    /// Leaves the worst alone in the lists.
    fn cut(&mut self) {
        self.first_to_end.sort_unstable();
        self.first_to_end.truncate(WORST);
        let by_share = |a: &(f64, Key, _), b: &(f64, Key, _)| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1));
        self.least_left.sort_unstable_by(by_share);
        self.least_left.truncate(WORST);
    }
}
