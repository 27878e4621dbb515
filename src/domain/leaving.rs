//! How a host leaves: marked by 404s, released when these have lasted, kept back while too many turn at once, and not given
//! to another tenant before a week has passed.

use super::{Host, Marks, Moved, Record, Said, Tenant};
use crate::{
    object::Seconds,
    text::time::{DAY, HOUR},
};

/// How long the application has to say 404 before a host is released, in seconds.
pub const LASTING: Seconds = 7 * DAY;
/// How many times it has to say so.
pub const ANSWERS: u8 = 5;
/// How long a host that was released is kept from other tenants, in seconds.
pub const KEPT_BACK: Seconds = 7 * DAY;
/// Within which time turning hosts are counted.
const WITHIN: Seconds = HOUR;
/// Releases freeze when one of so many hosts turns within that time.
const ONE_IN: usize = 100;
/// Fewer than this are never a flood.
const FEW: usize = 5;
/// How many hosts have to be asked about within a day before their answers are compared.
const ENOUGH_ANSWERS: usize = 20;

impl Marks {
    /// From when on the host may be released; `None` while there are too few answers.
    pub fn release_at(&self) -> Option<Seconds> {
        (self.answers >= ANSWERS).then(|| self.first.saturating_add(LASTING))
    }
}

/// Whether the application has said often and long enough that the host is nobody's. Whoever releases it asks
/// [`Census::frozen`] first.
pub fn may_leave(record: &Record, now: Seconds) -> bool {
    let release = record.marks.as_ref().and_then(Marks::release_at);
    record.released.is_none() && release.is_some_and(|at| at <= now)
}

impl Record {
    /// Releases the host: nothing is ordered for it any more. Its certificate stays where it is until it ends.
    pub fn release(&mut self, now: Seconds) {
        self.released.get_or_insert(now);
        self.order = None;
        self.due = Seconds::MAX;
    }
}

/// What all records together say about releases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// How many hosts are not released.
    hosts: usize,
    /// When the marked ones turned.
    turned: Vec<Seconds>,
    /// When the application said last of others that it wants them renewed.
    kept: Vec<Seconds>,
}

/// Releases are frozen: so many hosts turned at once that the application is more likely to be wrong than they are to have
/// left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frozen {
    /// How many hosts turned.
    pub turned: usize,
    /// Of how many: all, or those that were asked about.
    pub of: usize,
    /// From when on, in seconds since 1970.
    pub from: Seconds,
    /// Within how many seconds.
    pub within: Seconds,
}

impl std::fmt::Display for Frozen {
    /// `300 of 30000 hosts turned to 404 within 1h from 2026-12-01T03:00:00Z on`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of {} hosts turned to 404 within {} from {} on",
            self.turned,
            self.of,
            if self.within == WITHIN { "an hour" } else { "a day" },
            crate::text::date_time(self.from)
        )
    }
}

impl Census {
    /// Counts a record.
    pub fn count(&mut self, record: &Record) {
        if record.released.is_some() {
            return;
        }
        self.hosts = self.hosts.saturating_add(1);
        if let Some(marks) = &record.marks {
            self.turned.push(marks.first);
        } else if let Some(asked) = record
            .asked
            .as_ref()
            .filter(|asked| asked.renewal && asked.said == Said::Yes)
        {
            self.kept.push(asked.at);
        }
    }

    /// Why nothing is released, if that is so: of the hosts that are marked, one in a hundred of all turned within an hour, or
    /// most of those that were asked about within a day. Renewals are spread over months, so that an application that has lost
    /// its data turns few hosts an hour, but all that it is asked about.
    ///
    /// It ends when the application says yes again, or when somebody releases the hosts by hand.
    pub fn frozen(&self) -> Option<Frozen> {
        let (mut turned, mut kept) = (self.turned.clone(), self.kept.clone());
        turned.sort_unstable();
        kept.sort_unstable();
        let most = FEW.max(self.hosts.div_ceil(ONE_IN));
        let mut begin = 0;
        let mut day = 0;
        for (at, last) in turned.iter().enumerate() {
            while last.saturating_sub(turned[begin]) >= WITHIN {
                begin += 1;
            }
            while last.saturating_sub(turned[day]) >= DAY {
                day += 1;
            }
            let within_hour = at + 1 - begin;
            if within_hour >= most {
                return Some(Frozen {
                    turned: within_hour,
                    of: self.hosts,
                    from: turned[begin],
                    within: WITHIN,
                });
            }
            let within_day = at + 1 - day;
            let from = turned[day];
            let others =
                kept.partition_point(|at| *at < from.saturating_add(DAY)) - kept.partition_point(|at| *at < from);
            if within_day + others >= ENOUGH_ANSWERS && within_day > others {
                return Some(Frozen {
                    turned: within_day,
                    of: within_day + others,
                    from,
                    within: DAY,
                });
            }
        }
        None
    }
}

/// Whether a tenant may register a host that has a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is its own.
    Own,
    /// It was another tenant's, which has left it long ago.
    Free,
    /// It is another tenant's. The ownership TXT record gives it away at once.
    Kept {
        /// When it is free without that; `None` if time alone changes nothing.
        until: Option<Seconds>,
    },
}

/// Whether a tenant may register a host that has a record.
///
/// Who was served keeps the host until it is released, and a week longer. Who has never shown that the name leads here keeps
/// it for a week, so that nobody can keep a name from its owner by being first.
pub fn access(record: &Record, tenant: &Tenant, now: Seconds) -> Access {
    if record.tenant == *tenant {
        return Access::Own;
    }
    let is_shown = record.pair.is_some() || record.dns.as_ref().is_some_and(super::Looked::is_enough);
    let until = match record.released {
        Some(released) => Some(released.saturating_add(KEPT_BACK)),
        None if is_shown => None,
        None => Some(record.since.saturating_add(KEPT_BACK)),
    };
    match until {
        Some(until) if until <= now => Access::Free,
        until => Access::Kept { until },
    }
}

impl Record {
    /// Notes that another tenant asks for the host, which is looked at for its proof. For the owner nothing changes.
    pub fn wanted_by(&mut self, tenant: &Tenant, now: Seconds) {
        if self.tenant == *tenant {
            return;
        }
        if self.moved.as_ref().is_none_or(|moved| moved.to != *tenant) {
            self.moved = Some(Moved {
                to: tenant.clone(),
                at: now,
            });
        }
        self.look_again(now);
    }

    /// The record of the next tenant, which begins anew: it is asked about, and its records in DNS are looked at.
    ///
    /// Only for a host that is free, or whose ownership the tenant has proved.
    #[must_use]
    pub fn handed_over(host: &Host, to: &Tenant, now: Seconds) -> Self {
        Self::new(host.clone(), to.clone(), now)
    }

    /// Registers a host of the same tenant again after it was released.
    pub fn registered_again(&mut self, now: Seconds) {
        if self.released.take().is_some() {
            self.marks = None;
            self.asked = None;
            self.since = now;
            self.due = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::testing::*, *};
    use crate::domain::Asked;

    fn marked(first: Seconds, answers: u8) -> Record {
        Record {
            marks: Some(Marks { first, answers }),
            ..served(90 * DAY)
        }
    }

    fn frozen(records: impl IntoIterator<Item = Record>) -> Option<Frozen> {
        let mut census = Census::default();
        records.into_iter().for_each(|record| census.count(&record));
        census.frozen()
    }

    #[test]
    fn a_host_leaves_after_seven_days_and_five_answers_and_not_before_both() {
        for (days, answers, leaves) in [
            (7, 5, true),
            (30, 4, false),
            (6, 200, false),
            (0, 5, false),
            (8, 5, true),
        ] {
            let record = marked(NOW, answers);
            assert_eq!(
                may_leave(&record, NOW + days * DAY),
                leaves,
                "{days} days, {answers} answers"
            );
        }
        assert!(
            !may_leave(&served(90 * DAY), NOW + 100 * DAY),
            "nobody said that it is nobody's"
        );
        let mut record = marked(NOW, 5);
        record.release(NOW + 7 * DAY);
        assert!(!may_leave(&record, NOW + 8 * DAY), "it has left");
        assert!(!super::super::is_permitted(&record));
        assert!(record.pair.is_some(), "the certificate is not taken away");
    }

    #[test]
    fn one_in_a_hundred_within_an_hour_freezes_releases_and_the_same_over_a_day_does_not() {
        let all = |turned: i64, apart: Seconds| {
            let marked = (0..turned).map(move |n| marked(NOW + n * apart, 5));
            let served = (turned..1_000).map(|_| served(90 * DAY));
            marked.chain(served)
        };
        assert_eq!(
            frozen(all(10, 60)),
            Some(Frozen {
                turned: 10,
                of: 1_000,
                from: NOW,
                within: HOUR
            })
        );
        assert_eq!(frozen(all(9, 60)), None);
        assert_eq!(frozen(all(10, 400)), None, "9 within an hour are fewer");
    }

    #[test]
    fn a_few_hosts_of_a_small_platform_leave_and_a_flood_is_no_question_of_size() {
        let few = (0..4).map(|_| marked(NOW, 5)).chain((0..6).map(|_| served(90 * DAY)));
        assert_eq!(frozen(few), None);
        let five = (0..5).map(|_| marked(NOW, 5)).chain((0..5).map(|_| served(90 * DAY)));
        assert_eq!(frozen(five).map(|it| it.turned), Some(5));
    }

    #[test]
    fn an_application_that_says_404_to_all_renewals_of_a_day_freezes_releases_however_few_an_hour_these_are() {
        let kept = |at: Seconds| Record {
            asked: Some(Asked {
                at,
                said: Said::Yes,
                renewal: true,
            }),
            ..served(90 * DAY)
        };
        let all = |turned: i64, yes: i64| {
            (0..turned)
                .map(|n| marked(NOW + n * HOUR, 5))
                .chain((0..yes).map(move |n| kept(NOW + n * HOUR)))
                .chain((0..30_000).map(|_| served(90 * DAY)))
                .collect::<Vec<_>>()
        };
        let seen = frozen(all(22, 2)).unwrap();
        assert!(seen.turned > seen.of / 2 && seen.within == DAY, "{seen:?}");
        assert!(
            seen.to_string()
                .contains("turned to 404 within a day from 2027-01-15T08:00:00Z on"),
            "{seen}"
        );
        assert_eq!(frozen(all(8, 20)), None, "some customers leave");
        assert_eq!(frozen(all(15, 0)), None, "too few were asked about to tell");
    }

    #[test]
    fn releases_thaw_when_the_application_says_yes_again_or_somebody_has_released_them() {
        let mut records: Vec<Record> = (0..20).map(|_| marked(NOW, 5)).collect();
        assert!(frozen(records.clone()).is_some());
        for record in &mut records[..10] {
            record.answered(Said::Yes, true, NOW + DAY);
        }
        for record in &mut records[10..] {
            record.release(NOW + DAY);
        }
        assert_eq!(frozen(records), None);
    }

    #[test]
    fn who_is_served_keeps_the_host_and_who_left_it_keeps_it_from_others_for_a_week() {
        let kept = |until| Access::Kept { until };
        let owner = served(90 * DAY);
        assert_eq!(access(&owner, &shop(), NOW), Access::Own);
        assert_eq!(access(&owner, &blog(), NOW + 400 * DAY), kept(None));
        let mut left = owner.clone();
        left.release(NOW + DAY);
        assert_eq!(access(&left, &blog(), NOW + 2 * DAY), kept(Some(NOW + 8 * DAY)));
        assert_eq!(access(&left, &blog(), NOW + 8 * DAY), Access::Free);
        assert_eq!(access(&left, &shop(), NOW + 2 * DAY), Access::Own);
        // Being first is not enough.
        assert_eq!(access(&record(), &blog(), NOW + DAY), kept(Some(NOW + 7 * DAY)));
        assert_eq!(access(&record(), &blog(), NOW + 7 * DAY), Access::Free);
    }

    #[test]
    fn another_tenant_that_asks_changes_nothing_for_the_owner() {
        let mut record = served(90 * DAY);
        record.wanted_by(&shop(), NOW);
        assert_eq!(record.moved, None, "it is its own");
        record.wanted_by(&blog(), NOW + 5);
        record.wanted_by(&blog(), NOW + 10);
        assert_eq!(record.moved.as_ref().map(|moved| moved.at), Some(NOW + 5));
        assert!(super::super::is_permitted(&record));
        let next = Record::handed_over(&record.host, &blog(), NOW + 20);
        assert_eq!((next.tenant, next.pair, next.asked), (blog(), None, None));
    }

    #[test]
    fn a_host_that_is_registered_again_begins_with_the_question() {
        let mut record = marked(NOW, 5);
        record.registered_again(NOW + DAY);
        assert!(record.marks.is_some(), "it was not released");
        record.release(NOW + 7 * DAY);
        record.registered_again(NOW + 9 * DAY);
        assert_eq!(
            (record.released, record.marks, record.asked.as_ref()),
            (None, None, None)
        );
        assert_eq!(record.due, NOW + 9 * DAY);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_flood_within_an_hour_is_seen_wherever_it_lies(
            others in prop::collection::vec(0_i64..10_000_000, 0..40),
            flood in 0_i64..10_000_000,
            hosts in 100_usize..700,
        ) {
            let many = FEW.max(hosts.div_ceil(ONE_IN));
            let turned = others.iter().copied().chain(std::iter::repeat_n(flood, many));
            let marked = turned.map(|at| marked(NOW + at, 1)).collect::<Vec<_>>();
            let rest = hosts.saturating_sub(marked.len());
            let served = std::iter::repeat_n(served(90 * DAY), rest);
            prop_assert!(frozen(marked.into_iter().chain(served)).is_some());
        }
    }
}
