//! When somebody has to look at a host again.

use super::{Looked, Record, dns::next_look, next_question};
use crate::object::Seconds;

impl Record {
    /// Sets when somebody has to look at it again: to ask the application, or to look at DNS. Whoever has changed the record
    /// otherwise calls this before it is put back.
    pub fn plan(&mut self, now: Seconds) {
        let question = next_question(self).map(|question| question.from);
        let next = question.into_iter().chain(next_look(self)).min();
        self.due = next.map_or(Seconds::MAX, |at| at.max(now));
    }

    /// Notes what was seen in DNS.
    pub fn seen_in_dns(&mut self, looked: Looked, now: Seconds) {
        self.dns = Some(looked);
        self.plan(now);
    }

    /// Makes it due at once: somebody has asked for it again, and may have set the records meanwhile.
    pub fn look_again(&mut self, now: Seconds) {
        if self.released.is_none() && self.paused.is_none() {
            self.due = self.due.min(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};
    use crate::{
        domain::Said,
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
        record.look_again(NOW + 5);
        assert_eq!(record.due, NOW + 5);
        record.seen_in_dns(led_here(), NOW + 5);
        assert_eq!(record.due, NOW + DAY);
        record.paused = Some("maintenance".into());
        record.plan(NOW + HOUR);
        assert_eq!(record.due, Seconds::MAX);
        record.look_again(NOW + HOUR);
        assert_eq!(record.due, Seconds::MAX);
    }
}
