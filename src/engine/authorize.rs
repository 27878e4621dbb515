//! Proves the names of an order. All authorizations are processed at once, but each host only once at a time in the
//! whole run.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};

use super::{cancel::Cancel, hosts::Hosts};
use crate::{
    acme::{
        AcmeError, Authorization, AuthorizationStatus, Challenge as Offered, ChallengeKind, ChallengeStatus, Client,
        Order,
    },
    error::{Blame, Diagnose},
    event::{EventKind, Method, Teller},
    name::Name,
    plan::names::UNROUTED,
    solve::{Challenge, Solve, SolveError, patience::told},
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
    /// once.
    pub async fn all(&self, order: &Order) -> Proved {
        let mut proved = Proved::default();
        let mut running = stream::iter(&order.authorizations)
            .map(|url| self.one(url))
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
        proved
    }

    /// Proves the name of one authorization. Returns the name, the challenges that were answered, and the result.
    async fn one(&self, url: &str) -> (Name, Vec<(Arc<dyn Solve>, Challenge)>, Result<(), Refused>) {
        let mut answered = Vec::new();
        let authorization = match self.client.authorization(url).await {
            Ok(authorization) => authorization,
            // The URL stands for the name, which is not known.
            Err(error) => return (Name::Dns(url.into()), answered, Err(Refused::Acme(error))),
        };
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
            authorization = self
                .client
                .authorization(&authorization.url)
                .await
                .map_err(Refused::Acme)?;
            if authorization.status == AuthorizationStatus::Valid {
                self.validated(name, true);
                return Ok(());
            }
        }
        let solver = self.choose.solver(name).map_err(Refused::Solve)?;
        let offered = offered(&authorization, solver.method())?;
        let Some(token) = &offered.token else {
            return Err(unanswerable(&authorization, solver.method()));
        };
        let challenge = Challenge {
            name: authorization.name.clone(),
            wildcard: authorization.wildcard,
            key_authorization: self.client.key_authorization(token),
            token: token.as_str().to_owned(),
        };
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
        let looks = self.client.wait_authorization(&authorization.url, PATIENCE);
        let ended = tokio::select! {
            ended = told(self.tell, || format!("the CA to validate {name}"), looks) => ended.map_err(Refused::Acme)?,
            () = self.cancel.cancelled() => return Err(interrupted()),
        };
        drop(turn);
        if ended.status == AuthorizationStatus::Valid {
            self.validated(name, false);
            return Ok(());
        }
        Err(Refused::Ca {
            detail: why(&ended),
            method: Some(solver.method()),
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
    };
    authorization
        .challenge(&wanted)
        .ok_or_else(|| unanswerable(authorization, method))
}

fn unanswerable(authorization: &Authorization, method: Method) -> Refused {
    let kinds: Vec<String> = authorization.challenges.iter().map(|c| c.kind.to_string()).collect();
    let error = SolveError::new(format!(
        "the CA does not accept {} for this name (it accepts {})",
        method.as_str(),
        kinds.join(", ")
    ));
    Refused::Solve(match method {
        Method::Http01 => error.hint("--dns NAME validates names by DNS-01"),
        Method::Dns01 => error.hint("addresses are validated by HTTP-01 only: leave --dns out"),
    })
}

/// The problem that the CA reports for an authorization.
fn why(authorization: &Authorization) -> String {
    authorization.failure().map_or_else(
        || format!("the authorization is {:?}", authorization.status).to_lowercase(),
        ToString::to_string,
    )
}
