//! After the write: events, restarts, and the check that clients get the new certificate.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    failure::TargetError,
    obtain::ObtainError,
    rivals::Rivals,
    rollouts::NotRestarted,
    run::Run,
    store::{Destination, Stored},
    witness::Left,
};
use crate::{
    apply::{
        Api, Pair,
        events::{self, About, Reason},
        rollout::{self, RolloutError, Workload},
        verify,
    },
    error::Diagnose,
    event::{EventKind, Teller},
    name::Name,
    net::{HostPort, address},
    object::{Key, resource::SECRET},
    plan::{Target, target::names_of},
    solve::patience::told,
    text::first_of,
};

/// How long a lookup of an address may take.
const LOOKUP: Duration = Duration::from_secs(5);
/// How long one workload may take to restart.
const ROLLOUT: Duration = Duration::from_mins(5);
/// How many names an Event lists.
const NAMED: usize = 5;

impl Run {
    /// Records events on the routes, restarts workloads, and waits until the certificate is served.
    pub(super) async fn after_storing(
        &self,
        api: &Api,
        target: &Target,
        pair: &Pair,
        issued: &[Name],
        stored: &Stored,
        tell: &Teller,
    ) -> Result<(), TargetError> {
        let what = format!(
            "{} issued a certificate for {}, valid until {}",
            self.parts.issuer.name,
            first_of(issued, NAMED),
            crate::text::date_time(pair.leaf().not_after)
        );
        let proving = async {
            let restarted = self.restart(api, target, tell).await;
            restarted.inspect_err(|_| self.left(&target.secret, Left::Restart))?;
            let served = self.look(api, target, pair, stored.at, tell).await;
            served.inspect_err(|_| self.left(&target.secret, Left::Serving))
        };
        let message = events::signed(&what, api, stored.forced.as_deref());
        let recording = async {
            self.record(api, target, Reason::CertificateIssued, &message).await;
            if self.rows_of(&target.secret).is_none() {
                record_on_secret(api, &target.secret, Reason::CertificateIssued, &message).await;
            }
        };
        let ((), proved) = tokio::join!(recording, proving);
        proved
    }

    /// Records an event about a failure on the routes.
    pub(super) async fn record_failure(&self, target: &Target, error: &ObtainError) {
        let Destination::Cluster(api) = &self.parts.destination else {
            return;
        };
        let is_interrupted = matches!(error, ObtainError::Interrupted | ObtainError::InterruptedLate);
        if self.parts.options.rehearsal || is_interrupted || error.is_waiting() {
            return;
        }
        let reason = match error {
            ObtainError::Names(_) => Reason::ChallengeFailed,
            _ => Reason::CertificateFailed,
        };
        self.record(api, target, reason, &crate::error::chain(error)).await;
    }

    /// Records an event. Best effort: an event that cannot be recorded changes nothing.
    async fn record(&self, api: &Api, target: &Target, reason: Reason, message: &str) {
        // There is no object that it could be about.
        if self.rows_of(&target.secret).is_some() {
            return;
        }
        let cleared = crate::text::Clear(message).to_string();
        for used in &target.uses {
            let about = About {
                resource: used.route.kind.resource(),
                key: used.route.key.clone(),
                uid: None,
            };
            if let Err(error) = events::record(api, &about, reason, &cleared, crate::clock::now()).await {
                log::debug!("cannot record an event: {error}");
            }
        }
    }

    /// Restarts the workloads that the settings name, and reports others that need a restart.
    async fn restart(&self, api: &Api, target: &Target, tell: &Teller) -> Result<(), TargetError> {
        let Some(restarts) = self.parts.restarts.get(&target.secret) else {
            return Ok(());
        };
        let mut left: Vec<String> = restarts.left.workloads.iter().map(|(w, _)| w.to_string()).collect();
        left.extend(
            restarts
                .left
                .others
                .iter()
                .map(|(kind, key)| format!("{}/{}", kind.as_str().to_lowercase(), key.name)),
        );
        if !left.is_empty() {
            tell.tell(EventKind::Note { text: unnoticed(&left) });
        }
        if restarts.restarted.is_empty() {
            return Ok(());
        }
        // Others may need the turn for the certificate that is waited for.
        self.parts.standing.turns.give_back(&target.secret);
        let mut done = Vec::new();
        let mut stopped = Ok(());
        for workload in &restarts.restarted {
            let act = async || self.restart_one(api, workload).await;
            let ended = self
                .parts
                .standing
                .rollouts
                .restart(&target.secret, workload, act)
                .await;
            if let Err(why) = ended {
                stopped = Err(if why.interrupted {
                    TargetError::NotRestarted(format!("{workload} -n {}", target.secret.namespace))
                } else {
                    TargetError::Restart {
                        message: why.message,
                        hint: why.hint,
                    }
                });
                break;
            }
            tell.tell(EventKind::Restarted {
                workload: workload.to_string(),
            });
            done.push(workload.clone());
        }
        record_restarts(api, &target.secret, &done).await;
        stopped
    }

    async fn restart_one(&self, api: &Api, workload: &Workload) -> Result<(), NotRestarted> {
        let cancelled = || self.parts.cancel.is_cancelled();
        let (one, now) = (std::slice::from_ref(workload), crate::clock::now());
        let done = rollout::restart_unless(api, one, now, ROLLOUT, &cancelled, &Teller::silent()).await;
        match done.stopped {
            None => Ok(()),
            Some(error) => Err(NotRestarted {
                message: crate::error::chain(&error),
                hint: error.hint(),
                interrupted: matches!(error, RolloutError::Interrupted(_)),
            }),
        }
    }

    async fn look(
        &self,
        api: &Api,
        target: &Target,
        pair: &Pair,
        stored: Instant,
        tell: &Teller,
    ) -> Result<(), TargetError> {
        if self.parts.options.wait.is_zero() {
            return Ok(());
        }
        let (places, unreached) = places(target, &names_of(pair.leaf()), self.parts.options.connect.as_ref()).await;
        for text in unreached {
            tell.tell(EventKind::Note { text });
        }
        if places.is_empty() {
            return Ok(());
        }
        self.parts.standing.turns.give_back(&target.secret);
        let waits = || {
            let hosts: Vec<&str> = places.iter().map(|place| place.host.as_str()).collect();
            format!(
                "{} to serve the new certificate, {} s at most",
                first_of(&hosts, 3),
                self.parts.options.wait.as_secs()
            )
        };
        let looks = verify::served(&places, pair.sha256(), stored, self.parts.options.wait, tell);
        let outcomes = tokio::select! {
            outcomes = told(tell, waits, looks) => outcomes,
            () = self.parts.cancel.cancelled() => return Ok(()),
        };
        let Some(unserved) = Unserved::of(&outcomes, &self.parts.rivals) else {
            self.served(&target.secret);
            let message = format!("the certificate with SHA-256 {} is served", pair.sha256());
            self.record(api, target, Reason::CertificateServed, &message).await;
            return Ok(());
        };
        let (name, namespace) = (&target.secret.name, &target.secret.namespace);
        Err(TargetError::NotServed {
            message: unserved.message,
            hint: Some(format!(
                "{}`kubectl certs show secret/{name} -n {namespace} --probe` shows the served certificate; `kubectl certs rollback {name} \
                 -n {namespace}` puts the earlier pair back",
                unserved.first
            )),
        })
    }
}

/// The report about hosts that do not serve the stored certificate.
pub struct Unserved {
    /// Which certificate they serve instead, and which routes have the hosts.
    pub message: String,
    /// What to check first, with the separator to the text that follows it; empty if there is nothing.
    pub first: String,
}

impl Unserved {
    /// Makes the report; `None` if every host serves the certificate.
    pub fn of(outcomes: &[verify::Outcome], rivals: &Rivals) -> Option<Self> {
        let (mut said, mut clauses, mut first) = (Vec::new(), Vec::new(), None);
        for outcome in outcomes {
            let Some(complaint) = outcome.complaint() else {
                continue;
            };
            said.push(complaint);
            clauses.extend(rivals.clause(&outcome.host));
            first = first.or_else(|| rivals.hint(&outcome.host));
        }
        if said.is_empty() {
            return None;
        }
        said.append(&mut clauses);
        Some(Self {
            message: said.join("; "),
            first: first.map_or_else(String::new, |hint| format!("{hint}; ")),
        })
    }
}

/// The places where the hosts are served that a certificate covers, and notes about hosts that cannot be reached. A host whose clients
/// are led elsewhere has no place yet.
pub async fn places(
    target: &Target,
    issued: &[Name],
    connect: Option<&HostPort>,
) -> (Vec<verify::ServedHost>, Vec<String>) {
    let (mut places, mut notes) = (Vec::new(), Vec::new());
    for used in &target.uses {
        for (host, port) in &used.hosts {
            // A new name that failed is reported elsewhere: it cannot be served.
            if !host
                .parse()
                .is_ok_and(|host| issued.iter().any(|name| name.covers(&host)))
            {
                continue;
            }
            if target.is_elsewhere(host) {
                continue;
            }
            match address::addresses(connect, &used.addresses, *port, host, LOOKUP).await {
                Ok(found) => places.push(verify::ServedHost {
                    host: host.to_string(),
                    addresses: found.sockets,
                }),
                Err(error) => notes.push(format!("whether {host} serves it is not known: {error}")),
            }
        }
    }
    (places, notes)
}

/// Records an event on a Secret about the workloads that were restarted for it, and by whom. Does nothing if there are
/// none.
pub async fn record_restarts(api: &Api, secret: &Key, restarted: &[Workload]) {
    if restarted.is_empty() {
        return;
    }
    let names: Vec<String> = restarted.iter().map(ToString::to_string).collect();
    let message = events::signed(&format!("restarted {}", names.join(", ")), api, None);
    record_on_secret(api, secret, Reason::Restarted, &message).await;
}

/// Records an event on a Secret, so that a write leaves a trace where it was made, whether or not a route uses the
/// Secret. Best effort.
pub async fn record_on_secret(api: &Api, secret: &Key, reason: Reason, message: &str) {
    let about = About {
        resource: SECRET,
        key: secret.clone(),
        uid: None,
    };
    let message = crate::text::Clear(message).to_string();
    if let Err(error) = events::record(api, &about, reason, &message, crate::clock::now()).await {
        log::debug!("cannot record an event: {error}");
    }
}

/// Names the workloads that continue with the content that they read when they started.
fn unnoticed(left: &[String]) -> String {
    let (it, them) = if left.len() == 1 {
        ("it reads", "it")
    } else {
        ("they read", "them")
    };
    format!(
        "{} would not notice the new certificate until restarted: {it} the Secret by subPath or environment (--restart auto \
         restarts {them})",
        left.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_served_leads_to_the_routes_that_were_not_read() {
        let outcome = || verify::Outcome {
            host: "shop.example".to_owned(),
            seen: Vec::new(),
            after: Duration::ZERO,
        };
        let unserved = Unserved::of(&[outcome()], &Rivals::default()).unwrap();
        assert_eq!(unserved.message, "there is no address to ask");
        assert!(
            unserved
                .first
                .contains("`kubectl certs status -A --filter shop.example`")
                && unserved.first.ends_with("; "),
            "{}",
            unserved.first
        );
        assert!(Unserved::of(&[], &Rivals::default()).is_none());
    }

    #[test]
    fn one_workload_is_it_and_several_are_they() {
        let one = unnoticed(&["deployment/app".to_owned()]);
        assert!(
            one.starts_with(
                "deployment/app would not notice the new certificate until restarted: it reads the Secret by"
            ),
            "{one}"
        );
        assert!(one.ends_with("(--restart auto restarts it)"), "{one}");
        let two = unnoticed(&["deployment/app".to_owned(), "statefulset/db".to_owned()]);
        assert!(two.contains("until restarted: they read the Secret by"), "{two}");
    }
}
