//! When a certificate is ordered for a host whose record is all that there is of it: no Secret says when it is due, and no kept pair
//! how often it was ordered.

use super::{Record, is_permitted};
use crate::{check::due_by_lifetime, object::Seconds, plan::target::ENOUGH, text::time::DAY};

/// How soon a host is looked at again for which a certificate is wanted: whoever was about to order it may have died.
const AGAIN: Seconds = 300;

/// From when on a certificate is wanted, in seconds since 1970; `None` if none may be ordered.
pub fn order_from(record: &Record) -> Option<Seconds> {
    if !is_permitted(record) {
        return None;
    }
    let pair = record.pair.as_ref();
    // A pair whose key cannot be read is lost.
    let pair = pair.filter(|pair| pair.material.is_some());
    Some(pair.map_or(record.since, |pair| due_by_lifetime(pair.not_before, pair.not_after)))
}

/// Until when nothing is ordered, because it was twice within a day; `None` if it may be. A certificate that lives for hours is
/// renewed in its time.
pub fn too_often(record: &Record, now: Seconds) -> Option<Seconds> {
    let life = record
        .pair
        .as_ref()
        .map(|pair| pair.not_after.saturating_sub(pair.not_before));
    let within = life.map_or(DAY, |life| (life / 4).clamp(0, DAY));
    let lately = record.issuances.iter().filter(|at| at.saturating_add(within) > now);
    let (count, first) = lately.fold((0, None::<Seconds>), |(count, first), at| {
        (count + 1, Some(first.map_or(*at, |first| first.min(*at))))
    });
    (count >= ENOUGH).then(|| first.unwrap_or(now).saturating_add(within))
}

impl Record {
    /// Notes that a certificate was issued.
    pub fn issued(&mut self, at: Seconds) {
        self.issuances.push(at);
        let more = self.issuances.len().saturating_sub(ENOUGH + 1);
        self.issuances.drain(..more);
    }

    /// Makes it due when its certificate is to be ordered, or again soon while that is to be done.
    pub fn plan_order(&mut self, now: Seconds) {
        if let Some(from) = order_from(self) {
            let next = if from > now { from } else { now.saturating_add(AGAIN) };
            self.due = self.due.min(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{super::testing::*, *};
    use crate::domain::{Looked, Material};

    fn stored(life: Seconds) -> Record {
        let mut record = served(life);
        if let Some(pair) = &mut record.pair {
            pair.material = Some(Arc::new(Material {
                chain: "chain".to_owned(),
                key: "key".into(),
            }));
        }
        record
    }

    #[test]
    fn a_first_certificate_is_wanted_at_once_and_the_next_when_two_thirds_of_its_life_are_over() {
        let mut record = stored(90 * DAY);
        assert_eq!(order_from(&record), Some(NOW + 60 * DAY));
        record.plan(NOW);
        record.plan_order(NOW);
        assert!(record.due <= NOW + 60 * DAY);
        record.due = Seconds::MAX;
        record.plan_order(NOW + 70 * DAY);
        assert_eq!(record.due, NOW + 70 * DAY + AGAIN, "until somebody has ordered it");
        let lost = served(90 * DAY);
        assert_eq!(order_from(&lost), Some(lost.since), "its key cannot be read");
        let elsewhere = Record {
            dns: Some(Looked {
                traffic: false,
                ..led_here()
            }),
            ..stored(90 * DAY)
        };
        assert_eq!(order_from(&elsewhere), None);
    }

    #[test]
    fn two_within_a_day_are_enough_and_a_certificate_of_hours_is_renewed_all_the_same() {
        let mut record = stored(90 * DAY);
        record.issued(NOW);
        assert_eq!(too_often(&record, NOW + 1), None);
        record.issued(NOW + 60);
        assert_eq!(too_often(&record, NOW + 61), Some(NOW + DAY));
        assert_eq!(too_often(&record, NOW + DAY), None);
        let mut short = stored(8 * 3_600);
        (0..4).for_each(|n| short.issued(NOW + n * 4 * 3_600));
        assert_eq!(short.issuances.len(), 3);
        assert_eq!(too_often(&short, NOW + 13 * 3_600), None);
    }
}
