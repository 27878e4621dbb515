//! A pace: so many at once, and so many each second.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Hands out turns. In no second there are more than those at once and those of a second together.
#[derive(Debug)]
pub(super) struct Pace {
    /// How far the next turn may be ahead of the present time.
    ahead: Duration,
    interval: Duration,
    /// When the turns that were handed out are used up (the theoretical arrival time of the generic cell rate algorithm).
    arrival: Mutex<Option<Instant>>,
}

impl Pace {
    /// So many at once, and so many each second; at least one of each.
    pub(super) fn new(at_once: u32, each_second: u32) -> Self {
        let interval = Duration::from_secs(1) / each_second.max(1);
        Self {
            ahead: interval * at_once.max(1).saturating_sub(1),
            interval,
            arrival: Mutex::new(None),
        }
    }

    /// Takes a turn if there is one now.
    pub(super) fn try_take(&self) -> bool {
        let now = Instant::now();
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        let next = arrival.map_or(now, |arrival| arrival.max(now));
        let is_free = next.duration_since(now) <= self.ahead;
        if is_free {
            *arrival = Some(next + self.interval);
        }
        is_free
    }

    /// Waits for a turn. Turns are handed out in the order in which they are asked for.
    pub(super) async fn take(&self) {
        let turn = {
            let now = Instant::now();
            let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
            let next = arrival.map_or(now, |arrival| arrival.max(now));
            *arrival = Some(next + self.interval);
            next.checked_sub(self.ahead).unwrap_or(now)
        };
        sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many turns there were in the fullest second.
    fn fullest(turns: &[Instant]) -> usize {
        let within = |from: &Instant| {
            turns
                .iter()
                .filter(|at| (*from..*from + Duration::from_secs(1)).contains(at))
                .count()
        };
        turns.iter().map(within).max().unwrap_or_default()
    }

    #[tokio::test]
    async fn no_second_has_more_turns_than_those_at_once_and_those_of_a_second() {
        let pace = Pace::new(10, 40);
        let mut turns = Vec::new();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(1_500) {
            let now = Instant::now();
            if pace.try_take() {
                turns.push(now);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!((40..=71).contains(&turns.len()), "{}", turns.len());
        assert!(fullest(&turns) <= 50, "{}", fullest(&turns));
    }

    #[tokio::test]
    async fn who_waits_gets_a_turn_although_others_take_all_that_there_is() {
        let pace = std::sync::Arc::new(Pace::new(10, 40));
        let greedy = std::sync::Arc::clone(&pace);
        let flood = tokio::spawn(async move {
            loop {
                while greedy.try_take() {}
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        for _ in 0..10 {
            pace.take().await;
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        flood.abort();
    }
}
