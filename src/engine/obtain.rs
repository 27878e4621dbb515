//! From names to a certificate: order, prove, finalize, download. An order of a killed run is continued.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all, stream};
use tokio::time::Instant;

use super::{
    authority::{Authority, Permitted},
    authorize::{AuthorizationRequest, Refused},
    counter::Counter,
    issue_target::Renewal,
    journal::{Entry, Journal, JournalError},
};
use crate::{
    acme::{AcmeError, Chain, Client, Order, OrderOptions, OrderStatus, Wish},
    apply::key::PrivateKey,
    event::EventKind,
    name::Name,
    plan::{
        Names,
        limits::{Limits, OrderKind},
    },
    solve::{Challenge, Solve, patience::told},
};

mod error;
mod finish;

pub(super) use error::AGAIN;
pub use error::ObtainError;

/// How long a cluster that is away is waited for with what would be lost otherwise: usually, and by a process that leads no
/// longer, which has nothing else to do; and the pause between two tries.
const AWAY: Duration = Duration::from_mins(3);
const LONG_AWAY: Duration = Duration::from_hours(1);
const PAUSE: Duration = Duration::from_secs(1);
/// How many names are checked at once before the order.
const AT_ONCE: usize = 10;
/// How often an order is repeated without names that failed. Names are lost each time, so this ends soon.
const ATTEMPTS: usize = 4;

/// A certificate that has been issued.
pub struct Obtained {
    /// The chain.
    pub chain: Chain,
    /// The names that it was ordered for.
    pub names: Vec<Name>,
    /// The URL of the order.
    pub order: String,
    /// New names that failed. The certificate was ordered without them.
    pub left_out: BTreeMap<Name, Refused>,
    /// What the order counted towards.
    pub kind: OrderKind,
}

/// The parameters of an order.
pub struct OrderRequest<'a> {
    /// How names are proved, and who receives events.
    pub proving: AuthorizationRequest<'a>,
    /// The journal of the order.
    pub journal: &'a Journal,
    /// The profile of the order.
    pub profile: Option<String>,
    /// The renewal that the CA may be told of.
    pub(super) renewal: Option<Renewal>,
    /// Who lets the run order.
    pub authority: &'a Authority,
    /// The limits that no order may exceed.
    pub limits: Option<&'a Limits>,
    /// The preferred chain.
    pub preferred_chain: Option<String>,
    /// Whether the request has a common name.
    pub common_name: bool,
    /// The private key of the certificate.
    pub key: &'a PrivateKey,
    /// Counts the order towards the limits of the CA.
    pub(super) counter: &'a Counter,
    /// Whether the names of the last order are proved. From then on it completes without further answers.
    pub proved: AtomicBool,
}

impl OrderRequest<'_> {
    /// Obtains a certificate for the names. If new names fail, the others are ordered without them; if a present name
    /// fails, nothing is ordered.
    pub async fn certificate(&self, names: &Names, resume: Option<String>) -> Result<Obtained, ObtainError> {
        let mut names = names.clone();
        let mut left_out = BTreeMap::new();
        let mut resume = resume;
        for attempt in 1.. {
            let resumed = resume.take();
            let again = resumed.is_some();
            // Names that no solver can answer for are not ordered.
            let unsolved = if again {
                BTreeMap::new()
            } else {
                self.unsolved(&names).await?
            };
            let result = if unsolved.is_empty() {
                Box::pin(self.once(&names, resumed)).await
            } else {
                Err(ObtainError::Names(unsolved))
            };
            match result {
                Ok(fetched) => {
                    return Ok(Obtained {
                        chain: fetched.chain,
                        names: names.order,
                        order: fetched.order,
                        left_out,
                        kind: fetched.kind,
                    });
                }
                // Nothing answered the challenges that the killed run had begun.
                Err(ObtainError::Names(_) | ObtainError::Order(_)) if again => {}
                Err(ObtainError::Acme(error @ (AcmeError::Distrusted { .. } | AcmeError::Refused { .. })))
                    if again && self.is_unusable(&error).await => {}
                Err(ObtainError::Names(failed)) if attempt < ATTEMPTS && may_be_left_out(&names, &failed) => {
                    let lost: BTreeSet<Name> = failed.keys().cloned().collect();
                    names = names.without(&lost);
                    left_out.extend(failed);
                }
                Err(ObtainError::Names(mut failed)) => {
                    failed.extend(left_out);
                    return Err(ObtainError::Names(failed));
                }
                Err(error) => return Err(error),
            }
        }
        Err(ObtainError::Names(left_out))
    }

    /// The names that no solver can answer for, with the reasons.
    async fn unsolved(&self, names: &Names) -> Result<BTreeMap<Name, Refused>, ObtainError> {
        let judged = stream::iter(&names.order)
            .map(|name| async move {
                let judged = match self.proving.choose.solver(name) {
                    Ok(solver) => solver.can_answer(name).await,
                    Err(error) => Err(error),
                };
                Some((name.clone(), Refused::Solve(judged.err()?)))
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect();
        let judged = told(
            self.proving.tell,
            || "DNS to say where the records go".to_owned(),
            judged,
        );
        let judged = async {
            let mut unsolved: BTreeMap<Name, Refused> = judged.await;
            let unfound = self.unfound(names, &unsolved).await;
            unsolved.extend(unfound);
            unsolved
        };
        tokio::select! {
            unsolved = judged => Ok(unsolved),
            () = self.proving.cancel.cancelled() => Err(ObtainError::Interrupted),
        }
    }

    /// The names that no CA would find, after they were waited for. All are waited for at once.
    async fn unfound(&self, names: &Names, unsolved: &BTreeMap<Name, Refused>) -> BTreeMap<Name, Refused> {
        let remaining = names.order.iter().filter(|name| !unsolved.contains_key(*name));
        let found = remaining.map(|name| async move {
            let solver = self.proving.choose.solver(name).ok()?;
            // The record of a name that no route has any more is not about to be made.
            let is_expected = !names.unrouted.contains(name);
            let found = solver.until_found(name, is_expected, self.proving.tell).await;
            Some((name.clone(), Refused::Solve(found.err()?)))
        });
        join_all(found).await.into_iter().flatten().collect()
    }

    fn client(&self) -> &Client {
        self.proving.client
    }

    /// Carries out one order to its end.
    async fn once(&self, names: &Names, resume: Option<String>) -> Result<Fetched, ObtainError> {
        self.proved.store(false, Ordering::Relaxed);
        let (mut order, kind) = self.order(names, resume).await?;
        let mut answered = Vec::new();
        if order.status == OrderStatus::Pending {
            let proved = self.proving.all(&order, &names.order).await?;
            answered = proved.answered;
            let (failed, is_cancelled) = (failure(proved.failed, names), self.proving.cancel.is_cancelled());
            let failed = match self.authority.permit().err() {
                // Who leads no longer leaves the order to whoever does. Also one that failed: a process that was stopped finds that
                // its time is over for all that it waited for, before it is told that another one leads.
                Some(not_now) if is_cancelled || failed.is_some() => Some(ObtainError::NotNow(not_now)),
                None if is_cancelled => Some(ObtainError::Interrupted),
                _ => failed,
            };
            if let Some(failed) = failed {
                return Err(self.give_up(answered, failed).await);
            }
        }
        self.proved.store(true, Ordering::Relaxed);
        let wish = Wish::default();
        let waiting = || format!("the CA to issue the certificate{}", wish.words());
        // From here on no other run can have the order: the answers are this run's too.
        let claimed = told(self.proving.tell, waiting, self.claim(&mut order, &wish));
        if let Err(failed) = Box::pin(self.unless_interrupted(claimed)).await {
            return Err(self.give_up(answered, failed).await);
        }
        // Remove temporary objects while the CA signs.
        let fetched = async {
            let order = self.finish(&mut order, names, &wish).await?;
            let Some(url) = &order.certificate else {
                return Err(ObtainError::Order("it is valid, but names no certificate".to_owned()));
            };
            let chain = self.client().certificate(url, self.preferred_chain.as_deref()).await?;
            Ok(Fetched {
                chain,
                order: order.url,
                kind,
            })
        };
        let fetched = told(self.proving.tell, waiting, fetched);
        let (fetched, ()) = tokio::join!(self.unless_interrupted(fetched), self.clean(answered));
        fetched
    }

    /// What comes of the end of an order, unless the user presses Ctrl-C before.
    async fn unless_interrupted<T>(&self, end: impl Future<Output = Result<T, ObtainError>>) -> Result<T, ObtainError> {
        tokio::select! {
            end = end => end,
            () = self.proving.cancel.cancelled() => Err(ObtainError::InterruptedLate),
        }
    }

    /// The order of a killed run, if it can still be used; otherwise a new one. With what it counts towards.
    async fn order(&self, names: &Names, resume: Option<String>) -> Result<(Order, OrderKind), ObtainError> {
        let tell = self.proving.tell;
        if let Some(order) = self.continued(names, resume).await? {
            tell.tell(EventKind::Ordered {
                url: order.url.clone(),
                names: names.order.clone(),
                resumed: true,
            });
            // It was counted by the run that made it. Which certificate it replaces is not known any more.
            return Ok((order, self.counter.kind(&names.order, false)));
        }
        // Nothing is ordered for a journal that another run has.
        self.journal.check().await?;
        let (order, kind) = match self.new_order(names, self.renewal.as_ref()).await {
            Err(ObtainError::Acme(AcmeError::ReplacesRefused { problem })) => {
                tell.tell(EventKind::ReplacesRefused {
                    detail: problem.to_string(),
                });
                self.new_order(names, None).await?
            }
            ordered => ordered?,
        };
        if let Some(url) = self.client().take_moved() {
            tell.tell(EventKind::Note {
                text: format!("the CA has the account at {url} now, which is kept"),
            });
        }
        self.note(&order.url, names).await?;
        tell.tell(EventKind::Ordered {
            url: order.url.clone(),
            names: names.order.clone(),
            resumed: false,
        });
        Ok((order, kind))
    }

    /// Writes into the journal which order was made: nobody else knows of it. A cluster that is away, or takes no writes, is waited for,
    /// also by a process that leads no longer, because whoever does would make another.
    async fn note(&self, url: &str, names: &Names) -> Result<(), JournalError> {
        let began = Instant::now();
        let waits = || {
            let away = began.elapsed();
            away < AWAY || (away < LONG_AWAY && self.authority.permit().is_err())
        };
        let change = |entry: &mut Entry| {
            entry.order = Some(url.to_owned());
            entry.finalizing = false;
            entry.names = names.order.iter().map(ToString::to_string).collect();
        };
        let mut noted = self.journal.note(change).await;
        while noted.as_ref().is_err_and(JournalError::is_passing) && waits() {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.proving.cancel.cancelled(), if matches!(self.authority, Authority::Always) => break,
            }
            noted = self.journal.note(change).await;
        }
        noted
    }

    /// Whether an order of a killed run cannot be used because of an error. One that may have its certificate already is
    /// not replaced because the CA does not answer, or fails.
    async fn is_unusable(&self, error: &AcmeError) -> bool {
        !error.is_of_server() || !self.journal.entry().await.finalizing
    }

    /// The order of a killed run, if it can still be used.
    async fn continued(&self, names: &Names, resume: Option<String>) -> Result<Option<Order>, ObtainError> {
        let Some(url) = resume else { return Ok(None) };
        let order = match self.client().order(&url).await {
            Ok(order) => order,
            Err(error) if self.is_unusable(&error).await => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let usable = !matches!(order.status, OrderStatus::Invalid | OrderStatus::Unknown)
            && order.names.iter().collect::<BTreeSet<_>>() == names.order.iter().collect();
        Ok(usable.then_some(order))
    }

    /// Makes an order, unless it would exceed a limit, and counts it. Every order of a run passes here.
    async fn new_order(&self, names: &Names, renewal: Option<&Renewal>) -> Result<(Order, OrderKind), ObtainError> {
        let in_window = renewal.is_some_and(|renewal| renewal.in_window);
        if let Some(limits) = self.limits
            && let Some(exceeded) = self
                .counter
                .exceeded(limits, &names.order, in_window, crate::clock::now())
        {
            return Err(ObtainError::Limit(exceeded));
        }
        let options = OrderOptions {
            profile: self.profile.clone(),
            replaces: renewal.map(|renewal| renewal.id.clone()),
        };
        let ordering = self.send(&names.order, &options, self.authority.permit()?);
        match told(self.proving.tell, || "the CA to accept the order".to_owned(), ordering).await {
            Ok(order) => {
                let kind = self.counter.kind(&names.order, in_window);
                self.counter.ordered(&names.order, kind);
                Ok((order, kind))
            }
            Err(error) => {
                let refused = error.refused_names();
                if refused.is_empty() {
                    return Err(error.into());
                }
                let said = |name: &Name| {
                    let detail = error.problem().map(ToString::to_string).unwrap_or_default();
                    (name.clone(), Refused::Ca { detail, method: None })
                };
                Err(ObtainError::Names(refused.iter().map(said).collect()))
            }
        }
    }

    async fn send(&self, names: &[Name], options: &OrderOptions, _permitted: Permitted) -> Result<Order, AcmeError> {
        self.client().new_order(names, options).await
    }

    /// Ends an order that failed, and removes its answers, unless another run has the order by now: they may be its
    /// answers too. Returns why it ends.
    async fn give_up(&self, answered: Vec<(Arc<dyn Solve>, Challenge)>, failed: ObtainError) -> ObtainError {
        let failed = match self.journal.check().await {
            Err(error @ JournalError::Taken(_)) => error.into(),
            // What cannot be read is no reason to leave the answers.
            Ok(()) | Err(_) => failed,
        };
        if failed.is_taken() {
            for (solver, challenge) in &answered {
                solver.leave(challenge);
            }
        } else {
            self.clean(answered).await;
        }
        failed
    }

    /// Removes the answers. What cannot be removed now is reported, and `cleanup` removes it later.
    async fn clean(&self, answered: Vec<(Arc<dyn Solve>, Challenge)>) {
        let cleaned = answered.iter().map(|(solver, challenge)| solver.clean(challenge));
        let mut count = 0;
        for result in join_all(cleaned).await {
            match result {
                Ok(removed) => count += removed,
                Err(error) => self.proving.tell.tell(EventKind::Note {
                    text: format!("could not clean up: {error}; `kubectl certs cleanup` does"),
                }),
            }
        }
        if count > 0 {
            self.proving.tell.tell(EventKind::CleanedUp { count });
        }
    }
}

/// A certificate that was downloaded.
struct Fetched {
    chain: Chain,
    /// The URL of its order.
    order: String,
    kind: OrderKind,
}

/// The error for names that failed. Problems that do not concern a name are reported as what they are, and so are those of
/// a name that is in use now: the order may be continued.
fn failure(failed: BTreeMap<Name, Refused>, names: &Names) -> Option<ObtainError> {
    if failed.is_empty() {
        return None;
    }
    let mut told = BTreeMap::new();
    for (name, refused) in failed {
        match refused {
            Refused::Acme(error)
                if names.present.contains(&name)
                    || !matches!(error, AcmeError::Refused { .. } | AcmeError::StillWaiting { .. }) =>
            {
                return Some(error.into());
            }
            other => drop(told.insert(name, other)),
        }
    }
    Some(ObtainError::Names(told))
}

/// Whether the other names can be ordered without those that failed: none of the failed names is in use now, and at
/// least one name is left. The same applies to a Secret without a certificate: hosts that pass do not wait for one that
/// fails.
fn may_be_left_out(names: &Names, failed: &BTreeMap<Name, Refused>) -> bool {
    let cluster = failed
        .values()
        .any(|why| matches!(why, Refused::Solve(error) if error.cluster));
    let present = failed.keys().any(|name| names.present.contains(name));
    // Without all that is new, it would be the certificate that is there already.
    let is_of_use = |name: &Name| !names.for_new || !names.present.contains(name);
    let mut rest = names.order.iter().filter(|name| !failed.contains_key(*name));
    !cluster && !present && rest.any(is_of_use)
}

#[cfg(test)]
mod tests;
