//! Proves the names of an order. All authorizations are processed at once, but each host only once at a time in the
//! whole run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{cancel::Cancel, hosts::Hosts};
use crate::{
    acme::{
        AcmeError, Authorization, AuthorizationStatus, Challenge as Offered, ChallengeKind, ChallengeStatus, Client,
        Order, Problem, Trouble, Wish,
    },
    error::{Blame, Diagnose},
    event::{EventKind, Method, Teller},
    name::Name,
    plan::names::UNROUTED,
    solve::{Challenge, Solve, SolveError, patience::told},
    text::counted,
};

/// How many authorizations of one order are processed at the same time.
const AT_ONCE: usize = 10;
/// How long the CA may take to validate one name. Let's Encrypt answers within a minute.
const PATIENCE: Duration = Duration::from_mins(3);

/// Chooses the solver for a name.
pub trait Choose: Send + Sync {
    /// The solver for a name. The error says which setting is missing.
    fn solver(&self, name: &Name) -> Result<Arc<dyn Solve>, SolveError>;
}

/// Why a name was not proved.
#[derive(Debug)]
pub enum Refused {
    /// No solver can answer for the name, or the answer did not become visible.
    Solve(SolveError),
    /// The CA validated the answer and rejected it.
    Ca {
        /// The type and detail of the problem in words, not cleared for a terminal.
        detail: String,
        /// The method of the challenge; `None` when the order itself was refused.
        method: Option<Method>,
    },
    /// The protocol failed.
    Acme(AcmeError),
    /// No route has the name any more, which is the likely cause of the inner error.
    Unrouted(Box<Refused>),
}

impl std::error::Error for Refused {}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Solve(error) => error.fmt(f),
            Self::Ca { detail, .. } => write!(f, "the CA says: {detail}"),
            Self::Acme(error) => f.write_str(&crate::error::chain(error)),
            Self::Unrouted(why) => why.fmt(f),
        }
    }
}

impl Diagnose for Refused {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Solve(error) => error.hint.clone(),
            Self::Ca {
                method: Some(Method::Http01),
                ..
            } => Some(
                "the CA does not see the answer that the self-check saw, if one was made: look for a firewall, \
                 a DNS answer or an IPv6 address that differs from outside"
                    .to_owned(),
            ),
            Self::Ca {
                method: Some(Method::Dns01),
                ..
            } => Some("the record was seen at the zone's name servers: look for DNSSEC and for CAA records".to_owned()),
            Self::Ca {
                method: Some(Method::DnsPersist01),
                ..
            } => Some(
                "the record was seen: look for DNSSEC, for CAA records, and for a DNS answer that differs from outside"
                    .to_owned(),
            ),
            Self::Ca { method: None, .. } => None,
            Self::Acme(error) => error.hint(),
            Self::Unrouted(_) => Some(UNROUTED.to_owned()),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Solve(error) => error.blame(),
            Self::Ca { .. } | Self::Acme(_) => Blame::Acme,
            Self::Unrouted(why) => why.blame(),
        }
    }
}

impl Refused {
    /// Marks the error of a name that no route has any more. Errors of the cluster are no sign of that, and stay as
    /// they are.
    #[must_use]
    pub fn unrouted(self) -> Self {
        match self {
            Self::Solve(error) if error.cluster => Self::Solve(error),
            why @ (Self::Solve(_) | Self::Ca { .. }) => Self::Unrouted(Box::new(why)),
            why => why,
        }
    }
}

/// The result of proving the names of an order.
#[derive(Default)]
pub struct Proved {
    /// The names that failed, as the order has them, with the reasons.
    pub failed: BTreeMap<Name, Refused>,
    /// The challenges that were answered. They have to be cleaned up whatever the result.
    pub answered: Vec<(Arc<dyn Solve>, Challenge)>,
}

/// The parameters of proving names.
pub struct AuthorizationRequest<'a> {
    /// The account.
    pub client: &'a Client,
    /// Chooses the solver for each name.
    pub choose: &'a dyn Choose,
    /// Ensures that each host is validated only once at a time.
    pub hosts: &'a Hosts,
    /// Cancellation by Ctrl-C.
    pub cancel: &'a Cancel,
    /// Receives an event for each step.
    pub tell: &'a Teller,
}

impl AuthorizationRequest<'_> {
    /// Proves all names of an order. A name that fails does not stop the others, so that all problems are reported at
    /// once. All authorizations are read, and compared with what was ordered, before anything is published.
    pub async fn all(&self, order: &Order, ordered: &[Name]) -> Result<Proved, AcmeError> {
        let authorizations = tokio::select! {
            read = self.authorizations(order, ordered) => read?,
            () = self.cancel.cancelled() => return Ok(Proved::default()),
        };
        let mut proved = Proved::default();
        let mut running = stream::iter(authorizations)
            .map(|authorization| self.one(authorization))
            .buffer_unordered(AT_ONCE);
        while let Some((name, answered, result)) = running.next().await {
            proved.answered.extend(answered);
            if let Err(refused) = result {
                self.tell.tell(EventKind::ChallengeFailed {
                    name: name.clone(),
                    detail: refused.to_string(),
                });
                proved.failed.insert(name, refused);
            }
        }
        Ok(proved)
    }

    /// The authorizations of an order. Fails with [`AcmeError::Distrusted`] when they are for more than was ordered.
    pub async fn authorizations(&self, order: &Order, ordered: &[Name]) -> Result<Vec<Authorization>, AcmeError> {
        let (count, most) = (order.authorizations.len(), ordered.len());
        if count > most {
            return Err(distrusted(
                order,
                format!("it has {count} authorizations for {}", counted(most, "name")),
            ));
        }
        let mut read: Vec<Authorization> = stream::iter(&order.authorizations)
            .map(|url| self.client.authorization(url))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        as_ordered(order, ordered, &mut read)?;
        Ok(read)
    }

    /// Proves the name of one authorization. Returns the name, the challenges that were answered, and the result.
    async fn one(&self, authorization: Authorization) -> (Name, Vec<(Arc<dyn Solve>, Challenge)>, Result<(), Refused>) {
        let mut answered = Vec::new();
        let name = authorization.ordered();
        let result = self.prove(&name, authorization, &mut answered).await;
        (name, answered, result)
    }

    async fn prove(
        &self,
        name: &Name,
        mut authorization: Authorization,
        answered: &mut Vec<(Arc<dyn Solve>, Challenge)>,
    ) -> Result<(), Refused> {
        if authorization.status == AuthorizationStatus::Valid {
            self.validated(name, true);
            return Ok(());
        }
        // The record of a wildcard is the same as that of its base.
        let (turn, waited) = self.hosts.turn(&authorization.name).await;
        if waited {
            // Another order may have proved the name: Let's Encrypt shares authorizations between orders.
            let now = self
                .client
                .authorization(&authorization.url)
                .await
                .map_err(Refused::Acme)?;
            // Whatever it says now, it is for what was ordered.
            authorization = Authorization {
                name: authorization.name,
                wildcard: authorization.wildcard,
                ..now
            };
            if authorization.status == AuthorizationStatus::Valid {
                self.validated(name, true);
                return Ok(());
            }
        }
        let solver = self.choose.solver(name).map_err(Refused::Solve)?;
        let offered = offered(&authorization, solver.method())?;
        let Some(challenge) = self.challenge(&authorization, offered) else {
            return Err(unanswerable(&authorization, solver.method()));
        };
        if offered.status == ChallengeStatus::Invalid {
            return Err(refused(&authorization, solver.method()));
        }
        answered.push((Arc::clone(&solver), challenge.clone()));
        // The CA may have been told to validate already, if the order is resumed. Then only its result counts.
        if !matches!(offered.status, ChallengeStatus::Processing | ChallengeStatus::Valid) {
            tokio::select! {
                presented = solver.present(&challenge, self.tell) => presented.map_err(Refused::Solve)?,
                () = self.cancel.cancelled() => return Err(interrupted()),
            }
            self.client.respond(offered).await.map_err(Refused::Acme)?;
            self.tell.tell(EventKind::Asked { name: name.clone() });
        }
        let wish = Wish::default();
        let trouble = |problem: &Problem, then: Trouble| self.trouble(name, problem, then);
        let looks = self
            .client
            .wait_validation(&authorization.url, offered, PATIENCE, &wish, &trouble);
        let waiting = || format!("the CA to validate {name}{}", wish.words());
        let ended = tokio::select! {
            ended = told(self.tell, waiting, looks) => ended.map_err(Refused::Acme)?,
            () = self.cancel.cancelled() => return Err(interrupted()),
        };
        drop(turn);
        if ended.status == AuthorizationStatus::Valid {
            self.validated(name, false);
            return Ok(());
        }
        Err(refused(&ended, solver.method()))
    }

    /// Tells at once what the CA says of an answer that it has not rejected for good.
    fn trouble(&self, name: &Name, problem: &Problem, then: Trouble) {
        let then = match then {
            Trouble::CaRetries => "it tries again by itself".to_owned(),
            Trouble::OfferedAgain(pause) => format!("the answer is offered again in {} s", pause.as_secs()),
        };
        self.tell.tell(EventKind::Note {
            text: format!("the CA says of {name}: {problem}; {then}"),
        });
    }

    /// What a solver has to know of a challenge; `None` if it lacks the token that its kind needs.
    fn challenge(&self, authorization: &Authorization, offered: &Offered) -> Option<Challenge> {
        let (token, key_authorization) = match (&offered.kind, &offered.token) {
            (ChallengeKind::DnsPersist01, _) => (String::new(), String::new()),
            (_, Some(token)) => (token.as_str().to_owned(), self.client.key_authorization(token)),
            (_, None) => return None,
        };
        Some(Challenge {
            name: authorization.name.clone(),
            wildcard: authorization.wildcard,
            token,
            key_authorization,
            issuers: offered.issuers.clone(),
        })
    }

    fn validated(&self, name: &Name, already: bool) {
        self.tell.tell(EventKind::Validated {
            name: name.clone(),
            already,
        });
    }
}

fn interrupted() -> Refused {
    Refused::Solve(SolveError::new("interrupted"))
}

/// The challenge that uses a method.
fn offered(authorization: &Authorization, method: Method) -> Result<&Offered, Refused> {
    let wanted = match method {
        Method::Http01 => ChallengeKind::Http01,
        Method::Dns01 => ChallengeKind::Dns01,
        Method::DnsPersist01 => ChallengeKind::DnsPersist01,
    };
    authorization
        .challenge(&wanted)
        .ok_or_else(|| unanswerable(authorization, method))
}

fn refused(authorization: &Authorization, method: Method) -> Refused {
    Refused::Ca {
        detail: why(authorization),
        method: Some(method),
    }
}

fn unanswerable(authorization: &Authorization, method: Method) -> Refused {
    let usable = authorization
        .challenges
        .iter()
        .filter(|c| c.token.is_some() || matches!(c.kind, ChallengeKind::Other(_)));
    let kinds: Vec<String> = usable.map(|c| c.kind.to_string()).collect();
    let kinds = if kinds.is_empty() {
        "none".to_owned()
    } else {
        kinds.join(", ")
    };
    let error = SolveError::new(format!(
        "the CA does not accept {} for this name (it accepts {kinds})",
        method.as_str(),
    ));
    Refused::Solve(match method {
        Method::Http01 => error.hint("--dns NAME validates names by DNS-01"),
        Method::Dns01 => error.hint("addresses are validated by HTTP-01 only: leave --dns out"),
        Method::DnsPersist01 => error.hint(
            "leave --challenge (or the setting that stands for it) out, or choose a CA that accepts dns-persist-01",
        ),
    })
}

/// Gives each authorization the name that was ordered, and fails when one is for another name, or the second one for the same.
/// Some CAs do not say of a wildcard's authorization that it is for a wildcard.
fn as_ordered(order: &Order, ordered: &[Name], read: &mut [Authorization]) -> Result<(), AcmeError> {
    tell_wildcards(ordered, read);
    let mut left: BTreeSet<&Name> = ordered.iter().collect();
    for authorization in read {
        let name = authorization.ordered();
        if left.remove(&name) {
            continue;
        }
        let wildcard = match &name {
            Name::Dns(base) => Name::Wildcard(base.clone()),
            _ => name.clone(),
        };
        if left.remove(&wildcard) {
            authorization.wildcard = true;
            continue;
        }
        return Err(distrusted(
            order,
            if ordered.contains(&name) {
                format!("it has a second authorization for {name}")
            } else {
                format!("it has an authorization for {name}, which was not ordered")
            },
        ));
    }
    Ok(())
}

/// Tells a wildcard's authorization from that of its base where neither says which it is: HTTP-01 cannot prove a wildcard.
fn tell_wildcards(ordered: &[Name], read: &mut [Authorization]) {
    for name in ordered {
        let Name::Wildcard(base) = name else { continue };
        let base = Name::Dns(base.clone());
        if !ordered.contains(&base) {
            continue;
        }
        let mut unflagged: Vec<&mut Authorization> = read.iter_mut().filter(|one| one.ordered() == base).collect();
        if let [first, second] = unflagged.as_mut_slice() {
            let by_http = |one: &Authorization| one.challenge(&ChallengeKind::Http01).is_some();
            match (by_http(first), by_http(second)) {
                (false, true) => first.wildcard = true,
                (true, false) => second.wildcard = true,
                _ => {}
            }
        }
    }
}

fn distrusted(order: &Order, reason: String) -> AcmeError {
    AcmeError::Distrusted {
        url: crate::text::clear(&order.url).into_owned(),
        reason,
    }
}

/// The problem that the CA reports for an authorization.
pub(super) fn why(authorization: &Authorization) -> String {
    authorization.failure().map_or_else(
        || format!("the authorization is {:?}", authorization.status).to_lowercase(),
        ToString::to_string,
    )
}

#[cfg(test)]
mod tests;
