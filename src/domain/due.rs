//! When somebody has to look at a host again.

use super::{Looked, Record, dns::look_after, next_question};
use crate::object::Seconds;

/// How far two looks are apart that somebody asks for, in seconds.
const APART: Seconds = 5;

impl Record {
    /// Sets when somebody has to look at it again: to ask the application, or to look at DNS. Whoever has changed the record
    /// otherwise calls this before it is put back.
    pub fn plan(&mut self, now: Seconds) {
        let question = next_question(self).map(|question| question.from);
        let next = question.into_iter().chain(look_after(self)).min();
        self.due = next.map_or(Seconds::MAX, |at| at.max(now));
    }

    /// Notes what was seen in DNS.
    pub fn seen_in_dns(&mut self, looked: Looked, now: Seconds) {
        self.dns = Some(looked);
        self.plan(now);
    }

    /// Makes it due at once: somebody has asked for it again, and may have set the records meanwhile. Within a few seconds it is
    /// looked at once, however often that is.
    pub fn look_again(&mut self, now: Seconds) {
        let is_contested = self.moved.is_some();
        if self.paused.is_none() && (self.released.is_none() || is_contested) {
            let apart = self.dns.as_ref().map(|looked| looked.at.saturating_add(APART));
            self.due = self.due.min(apart.map_or(now, |at| at.max(now)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};
    use crate::{
        domain::{Said, dns::next_look},
        text::time::{DAY, HOUR},
    };

    #[test]
    fn a_host_is_due_when_the_first_thing_about_it_is() {
        let mut record = record();
        assert_eq!(record.due, NOW);
        record.answered(Said::Yes, false, NOW + 1);
        assert_eq!(record.due, NOW + 1, "its records are looked at");
        let missing = Looked {
            at: NOW + 2,
            traffic: false,
            ..led_here()
        };
        record.seen_in_dns(missing, NOW + 2);
        assert_eq!(record.due, NOW + 17);
        record.look_again(NOW + 3);
        assert_eq!(record.due, NOW + 7);
        assert_eq!(next_look(&record), Some(NOW + 7));
        record.look_again(NOW + 9);
        assert_eq!(record.due, NOW + 7);
        record.seen_in_dns(led_here(), NOW + 9);
        assert_eq!(record.due, NOW + DAY);
        record.paused = Some("maintenance".into());
        record.plan(NOW + HOUR);
        assert_eq!(record.due, Seconds::MAX);
        record.look_again(NOW + HOUR);
        assert_eq!(record.due, Seconds::MAX);
    }
}
