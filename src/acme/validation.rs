//! Waiting until a CA has looked at the answer to a challenge (RFC 8555, sections 7.5.1 and 8.2).

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    client::Client,
    error::AcmeError,
    order::{Authorization, AuthorizationStatus, Challenge, ChallengeStatus},
    poll::Wish,
    problem::Problem,
};
use crate::clock::Pauses;

/// How often a challenge is offered again that failed and is pending still.
const OFFERS: u32 = 5;
/// The pauses before it: twice as long each time.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);
/// How long an error that was there before the answer may be the old one.
const SETTLED: Duration = Duration::from_secs(1);

/// What a CA says of an answer while it is still pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The CA looks again by itself.
    CaRetries,
    /// The challenge is offered again after this time.
    OfferedAgain(Duration),
}

/// Who is told of trouble at once.
pub type OnTrouble<'a> = &'a (dyn Fn(&Problem, Trouble) + Send + Sync);

impl Client {
    /// Waits until the CA has looked at the answer to a challenge, and returns the authorization as it is then: proved when it is
    /// valid. It may be pending still: its challenge has failed for good then, and nothing will come of the order.
    ///
    /// A challenge that failed and stays pending waits to be offered again, which is done a few times. While one that failed is
    /// processing, the CA tries by itself. Fails with [`AcmeError::StillWaiting`] after `limit`.
    pub async fn wait_validation(
        &self,
        url: &str,
        challenge: &Challenge,
        limit: Duration,
        wish: &Wish,
        trouble: OnTrouble<'_>,
    ) -> Result<Authorization, AcmeError> {
        let began = Instant::now();
        let (mut answered, mut before) = (Instant::now(), challenge.error.clone());
        let retried = Mutex::new(None);
        for offer in 0.. {
            let left = limit.saturating_sub(began.elapsed());
            let waited = self.poll("authorization", url, left, wish, |answer| {
                let authorization = Authorization::of(answer)?;
                let now = authorization.now(challenge);
                if let Some(now) = now {
                    retries(now, &retried, trouble);
                }
                let over = authorization.status != AuthorizationStatus::Pending
                    || now.is_some_and(|now| has_failed(now, before.as_ref(), answered));
                Ok((authorization, (!over).then(|| "pending".to_owned())))
            });
            let authorization = match waited.await {
                Ok(authorization) => authorization,
                // What the CA said of its own tries is the better reason.
                Err(AcmeError::StillWaiting { .. }) if is_some(&retried) => return self.authorization(url).await,
                Err(error) => return Err(error),
            };
            let pause = Pauses::doubling(FIRST, LONGEST).nth(offer);
            let may_go_on = authorization.status == AuthorizationStatus::Pending
                && offer < OFFERS
                && pause < limit.saturating_sub(began.elapsed());
            let offered = authorization
                .now(challenge)
                .filter(|now| may_go_on && waits_for_us(now));
            let Some(now) = offered else {
                return Ok(authorization);
            };
            if let Some(problem) = &now.error {
                trouble(problem, Trouble::OfferedAgain(pause));
            }
            sleep(pause).await;
            match self.respond(now).await {
                Ok(()) => {}
                // The CA does not take it twice, so it has failed.
                Err(AcmeError::Refused { .. }) => return Ok(authorization),
                Err(error) => return Err(error),
            }
            (answered, before) = (Instant::now(), now.error.clone());
        }
        self.authorization(url).await
    }
}

fn is_some(of: &Mutex<Option<Problem>>) -> bool {
    of.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Tells of an error with which the CA goes on by itself, once.
fn retries(now: &Challenge, told: &Mutex<Option<Problem>>, trouble: OnTrouble<'_>) {
    let (ChallengeStatus::Processing, Some(problem)) = (now.status, &now.error) else {
        return;
    };
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    if told.as_ref() != Some(problem) {
        trouble(problem, Trouble::CaRetries);
        *told = Some(problem.clone());
    }
}

/// Whether a challenge has failed and can be offered again.
fn waits_for_us(now: &Challenge) -> bool {
    now.status == ChallengeStatus::Pending && now.error.is_some()
}

/// Whether a challenge has failed since it was answered: an error that was there before may be the old one for a moment.
fn has_failed(now: &Challenge, before: Option<&Problem>, answered: Instant) -> bool {
    let is_new = || now.error.as_ref() != before || answered.elapsed() >= SETTLED;
    now.status == ChallengeStatus::Invalid || (waits_for_us(now) && is_new())
}
