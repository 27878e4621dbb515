//! Asking again until something is done.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    client::Client,
    engine::Ask,
    error::{AcmeError, shown},
    http::HttpAnswer,
    retry::moment_after,
};
use crate::{clock::Pauses, object::Seconds, text::date_time};

/// The first wait; each next one is twice as long.
const FIRST: Duration = Duration::from_millis(10);
/// The longest wait at the beginning, and later.
const SOON: Duration = Duration::from_millis(250);
const LATER: Duration = Duration::from_secs(2);
/// Where "later" begins.
const BEGINNING: Duration = Duration::from_secs(5);
/// How long is asked often, whatever the server wishes: most of what is asked for is done by then, and a server that
/// wishes for seconds by habit would make each certificate take that much longer.
const BURST: Duration = Duration::from_millis(300);
/// The longest wait that a server's wish makes of it, in the first half minute and then: some wish for a day, and are done in seconds.
const WISHED: Duration = Duration::from_secs(5);
const WISHED_LATER: Duration = Duration::from_secs(15);
const HALF_MINUTE: Duration = Duration::from_secs(30);

/// When a CA asks to come back, for whoever says that it is waited for.
#[derive(Debug, Default)]
pub struct Wish(AtomicI64);

impl Wish {
    fn note(&self, wish: Option<Duration>) {
        let back = wish.filter(|wish| *wish > WISHED_LATER).map_or(0, moment_after);
        self.0.store(back, Ordering::Relaxed);
    }

    /// The moment, where it is later than the next question.
    pub fn back(&self) -> Option<Seconds> {
        Some(self.0.load(Ordering::Relaxed)).filter(|back| *back > 0)
    }

    /// The same as the end of a sentence; empty where there is none.
    pub fn words(&self) -> String {
        let words = |at| format!(", which asks to come back after {}, and is asked before", date_time(at));
        self.back().map(words).unwrap_or_default()
    }
}

/// The wait before the next question, the `asked`th wait (from 0), after `waited` in all.
fn interval(asked: u32, waited: Duration, wish: Option<Duration>) -> Duration {
    let cap = if waited < BEGINNING { SOON } else { LATER };
    let ours = Pauses::doubling(FIRST, cap).nth(asked);
    let longest = if waited < HALF_MINUTE { WISHED } else { WISHED_LATER };
    match wish {
        Some(wish) if waited >= BURST => wish.min(longest).max(ours),
        _ => ours,
    }
}

impl Client {
    /// Asks for a resource at once and then again, until `read` finds it done or the time is over. `read` says what it
    /// has read and, while it is not done, its status.
    pub(super) async fn poll<T>(
        &self,
        what: &'static str,
        url: &str,
        limit: Duration,
        wish: &Wish,
        read: impl Fn(&HttpAnswer) -> Result<(T, Option<String>), AcmeError>,
    ) -> Result<T, AcmeError> {
        let start = Instant::now();
        let mut asked = 0;
        loop {
            let answer = self.ask(&Ask::Read(url)).await?;
            let (value, pending) = read(&answer)?;
            let Some(status) = pending else {
                return Ok(value);
            };
            wish.note(answer.retry_after);
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(AcmeError::StillWaiting {
                    what,
                    status,
                    url: shown(url),
                    after: limit,
                    back: wish.back(),
                });
            }
            sleep(interval(asked, start.elapsed(), answer.retry_after).min(left)).await;
            asked += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_double_and_then_follow_the_server() {
        let ms = Duration::from_millis;
        let first: Vec<_> = (0..7).map(|n| interval(n, ms(0), None).as_millis()).collect();
        assert_eq!(first, [10, 20, 40, 80, 160, 250, 250]);
        assert_eq!(interval(20, ms(6000), None), LATER);
        assert_eq!(interval(u32::MAX, ms(0), None), SOON);
        // What the server wishes counts once it is clear that it takes longer.
        assert_eq!(interval(2, ms(30), Some(ms(3000))), ms(40));
        assert_eq!(interval(6, ms(400), Some(ms(3000))), ms(3000));
        assert_eq!(interval(6, ms(400), Some(ms(0))), SOON);
        assert_eq!(interval(20, ms(6000), Some(ms(0))), LATER);
    }

    #[test]
    fn a_wish_for_a_day_is_told_and_does_not_keep_from_asking_again_within_seconds() {
        let (day, seconds) = (Duration::from_hours(24), Duration::from_secs);
        assert_eq!(interval(6, seconds(1), Some(day)), seconds(5));
        assert_eq!(interval(20, seconds(60), Some(day)), seconds(15));
        let wish = Wish::default();
        assert_eq!(wish.words(), "");
        wish.note(Some(day));
        let (words, back) = (wish.words(), date_time(wish.back().unwrap()));
        assert!(
            words.contains(&back) && words.ends_with("and is asked before"),
            "{words}"
        );
        wish.note(Some(seconds(3)));
        assert_eq!(wish.words(), "");
    }
}
