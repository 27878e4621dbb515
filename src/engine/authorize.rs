//! Proves an order's names: each authorization on its own, all at once, one host at a time over the whole run.

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

/// How many authorizations of one order are worked on at the same time.
const AT_ONCE: usize = 10;
/// How long the CA may take over one name: Let's Encrypt answers within a minute.
const PATIENCE: Duration = Duration::from_mins(3);

/// Chooses how a name is proved.
pub trait Choose: Send + Sync {
    /// The solver for a name. The error says what the operator has to give.
    fn solver(&self, name: &Name) -> Result<Arc<dyn Solve>, SolveError>;
}

/// Why a name was not proved.
#[derive(Debug)]
pub enum Refused {
    /// Nothing can answer for it, or the answer did not come to be seen.
    Solve(SolveError),
    /// The CA looked, and said this.
    Ca {
        /// In words: type and detail, not cleared.
        detail: String,
        /// How it was to be proved; `None` when the order itself was refused.
        method: Option<Method>,
    },
    /// The protocol failed.
    Acme(AcmeError),
    /// No route has the name any more, which is the likely cause.
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
    /// The same of a name that no route has any more. What is the cluster's fault is no sign of it.
    #[must_use]
    pub fn unrouted(self) -> Self {
        match self {
            Self::Solve(error) if error.cluster => Self::Solve(error),
            why @ (Self::Solve(_) | Self::Ca { .. }) => Self::Unrouted(Box::new(why)),
            why => why,
        }
    }
}

/// What became of an order's names.
#[derive(Default)]
pub struct Proved {
    /// The names that failed, as the order has them, and why.
    pub failed: BTreeMap<Name, Refused>,
    /// The challenges that were answered: to be cleaned, whatever became of them.
    pub answered: Vec<(Arc<dyn Solve>, Challenge)>,
}

/// What proving takes.
pub struct AuthorizationRequest<'a> {
    /// The account.
    pub client: &'a Client,
    /// How names are proved.
    pub choose: &'a dyn Choose,
    /// Who has a turn with which host.
    pub hosts: &'a Hosts,
    /// Ctrl-C.
    pub cancel: &'a Cancel,
    /// Told of each step.
    pub tell: &'a Teller,
}

impl AuthorizationRequest<'_> {
    /// Proves all names of an order. One that fails stops no other, so that all that is wrong is told at once.
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

    /// The name, what was answered, and how it ended.
    async fn one(&self, url: &str) -> (Name, Vec<(Arc<dyn Solve>, Challenge)>, Result<(), Refused>) {
        let mut answered = Vec::new();
        let authorization = match self.client.authorization(url).await {
            Ok(authorization) => authorization,
            // A name that nobody knows stands for its URL.
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
        // The record of a wildcard is that of its base.
        let (turn, waited) = self.hosts.turn(&authorization.name).await;
        if waited {
            // The other order may have proved it: Let's Encrypt shares authorizations between orders.
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
        // An order that is resumed may have been told to look already: then only the answer counts.
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

/// The challenge of a method.
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

/// What the CA says went wrong.
fn why(authorization: &Authorization) -> String {
    authorization.failure().map_or_else(
        || format!("the authorization is {:?}", authorization.status).to_lowercase(),
        ToString::to_string,
    )
}
