//! Asking again until something is done.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    client::Client,
    engine::Ask,
    error::{AcmeError, shown},
    http::HttpAnswer,
};
use crate::clock::Pauses;

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

/// The wait before the next question, the `asked`th wait (from 0), after `waited` in all.
fn interval(asked: u32, waited: Duration, wish: Option<Duration>) -> Duration {
    let cap = if waited < BEGINNING { SOON } else { LATER };
    let ours = Pauses::doubling(FIRST, cap).nth(asked);
    match wish {
        Some(wish) if waited >= BURST => wish.max(FIRST),
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
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(AcmeError::StillWaiting {
                    what,
                    status,
                    url: shown(url),
                    after: limit,
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
        assert_eq!(interval(6, ms(400), Some(ms(0))), FIRST);
    }
}
