//! What becomes of a certificate in the queue after an order: a failure is one only if trying again is what helps.

use crate::{
    acme::AcmeError,
    engine::{failure::TargetError, lease::LeaseError, obtain::ObtainError},
    error::{Blame, Diagnose as _, chain},
    object::{Seconds, Text},
    plan::limits::Exceeded,
    text::time::HOUR,
};

/// How long what is not there yet is waited for at first, in seconds. external-dns looks at the routes once a minute.
const YET: Seconds = 15;
/// How long another run that works on the Secret is waited for, in seconds: longer than its Lease lasts.
const BUSY: Seconds = 45;
/// How long a limit of the CA is waited for whose end the CA does not name, in seconds.
const LIMIT: Seconds = HOUR;

/// What becomes of a certificate in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is stored, and everything after that went well.
    Stored,
    /// It is stored.
    StoredBut {
        /// What failed after it was stored.
        after: Option<String>,
        /// The names without which it was issued, and why.
        without: Option<String>,
    },
    /// It is not wanted any more: another run has renewed it, or somebody has changed it.
    NotWanted,
    /// Something is not there yet, which is no failure.
    Waiting {
        /// When it is tried again, in seconds since 1970.
        until: Seconds,
        /// What is waited for.
        reason: Text,
    },
    /// A limit of the CA does not permit it yet.
    Limited {
        /// When it does, in seconds since 1970.
        until: Seconds,
        /// The limit, in words.
        limit: Text,
        /// Whether another CA might permit it: not where validations have failed too often, nor where it is a rule of ours.
        elsewhere: bool,
    },
    /// The CA does not answer, so that nobody's order succeeds.
    CaDown,
    /// It failed.
    Failed {
        /// Why.
        reason: Text,
        /// Whether the CA has answered.
        ca_answered: bool,
    },
}

/// What becomes of a certificate whose order ended with an error.
pub fn fate(error: &TargetError, now: Seconds) -> Fate {
    let waiting = |seconds: Seconds| Fate::Waiting {
        until: now.saturating_add(seconds),
        reason: chain(error).into(),
    };
    match error {
        TargetError::Kept { error, .. } => fate(error, now),
        error if error.is_done_elsewhere() => Fate::NotWanted,
        error if error.is_waiting() => waiting(YET),
        TargetError::LeftOut { .. } => Fate::StoredBut {
            after: None,
            without: Some(chain(error)),
        },
        error if error.is_after_storing() => Fate::StoredBut {
            after: Some(chain(error)),
            without: None,
        },
        // That run is about to end: it ordered at the issuer before this one.
        TargetError::Lease(error) if error.is_held_here() => waiting(1),
        TargetError::Lease(LeaseError::Held { .. }) => waiting(BUSY),
        // Nobody else has it for sure: it is gone on with as soon as this process leads again.
        TargetError::NotNow(_) | TargetError::Obtain(ObtainError::NotNow(_)) => waiting(1),
        error if error.is_taken() => waiting(BUSY),
        error if error.blame() == Blame::Interrupted => waiting(1),
        TargetError::Stopped | TargetError::MoreNames { .. } | TargetError::Older { .. } => waiting(1),
        TargetError::Limit { exceeded, .. } => limited(exceeded),
        TargetError::Obtain(ObtainError::Acme(error)) => of_ca(error, now),
        error => Fate::Failed {
            reason: chain(error).into(),
            ca_answered: !is_of_cluster(error),
        },
    }
}

/// What becomes of a certificate whose order would exceed a limit.
pub fn limited(exceeded: &Exceeded) -> Fate {
    Fate::Limited {
        until: exceeded.possible_at,
        limit: exceeded.limit.as_str().into(),
        elsewhere: !exceeded.is_of_failures,
    }
}

fn is_of_cluster(error: &TargetError) -> bool {
    match error {
        TargetError::Api(_)
        | TargetError::Lease(_)
        | TargetError::Journal(_)
        | TargetError::Keep(_)
        | TargetError::Row(_) => true,
        TargetError::Obtain(error) => error.is_of_cluster(),
        _ => false,
    }
}

/// Whether a CA says that validations have failed too often, by its message or its page about it, as Let's Encrypt words them
/// (<https://letsencrypt.org/docs/rate-limits/#authorization-failures-per-identifier-per-account>).
fn is_of_failures(detail: &str, help: Option<&str>) -> bool {
    let says = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.contains("failed authorization")
            || text.contains("authorization-failures")
            || text.contains("failed validation")
    };
    says(detail) || help.is_some_and(says)
}

fn of_ca(error: &AcmeError, now: Seconds) -> Fate {
    match error {
        AcmeError::RateLimited { until, problem, help } => Fate::Limited {
            until: until.unwrap_or_else(|| now.saturating_add(LIMIT)),
            limit: chain(error).into(),
            elsewhere: !is_of_failures(&problem.detail, help.as_deref()),
        },
        AcmeError::Busy { .. }
        | AcmeError::TimedOut { .. }
        | AcmeError::Unreachable { .. }
        | AcmeError::Unresolved { .. }
        | AcmeError::Broken { .. }
        | AcmeError::Proxy { .. }
        | AcmeError::Outdated { .. } => Fate::CaDown,
        AcmeError::Status { status, .. } if *status >= 500 => Fate::CaDown,
        AcmeError::Refused { problem, .. } if problem.status.is_some_and(|status| status >= 500) => Fate::CaDown,
        error => Fate::Failed {
            reason: chain(error).into(),
            ca_answered: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{acme::Problem, engine::authority::NotNow, object::Key};

    fn of(error: AcmeError) -> Fate {
        fate(&TargetError::Obtain(ObtainError::Acme(error)), 1_000)
    }

    fn problem(status: u16) -> Problem {
        Problem {
            status: Some(status),
            ..Problem::default()
        }
    }

    #[test]
    fn a_ca_that_is_down_a_limit_and_another_run_are_no_failures_of_the_certificate() {
        let url = || "https://ca.example/o".to_owned();
        for down in [
            AcmeError::Status {
                url: url(),
                status: 503,
                said: String::new(),
            },
            AcmeError::Broken {
                url: url(),
                reason: "reset".to_owned(),
            },
            AcmeError::Refused {
                url: url(),
                problem: Box::new(problem(500)),
            },
            AcmeError::Busy {
                url: url(),
                until: 2_000,
                said: String::new(),
            },
        ] {
            assert_eq!(of(down), Fate::CaDown);
        }
        let limited = |until| AcmeError::RateLimited {
            until,
            problem: Box::new(problem(429)),
            help: None,
        };
        assert!(matches!(of(limited(Some(5_000))), Fate::Limited { until: 5_000, .. }));
        assert!(matches!(of(limited(None)), Fate::Limited { until: 4_600, .. }));
        let elsewhere = |detail: &str, help: Option<&str>| {
            let error = AcmeError::RateLimited {
                until: None,
                problem: Box::new(Problem {
                    detail: detail.to_owned(),
                    ..problem(429)
                }),
                help: help.map(str::to_owned),
            };
            matches!(of(error), Fate::Limited { elsewhere: true, .. })
        };
        assert!(elsewhere("too many new orders (300) from this account", None));
        let failures = "too many failed authorizations (5) for \"shop.example\" in the last 1h0m0s";
        assert!(!elsewhere(failures, None));
        let page = "https://letsencrypt.org/docs/rate-limits/#authorization-failures-per-identifier-per-account";
        assert!(!elsewhere("too many", Some(page)));
        let refused = AcmeError::Refused {
            url: url(),
            problem: Box::new(problem(403)),
        };
        assert!(matches!(of(refused), Fate::Failed { ca_answered: true, .. }));
        let lost = TargetError::LeaseLost(Key::new("shop", "shop-tls"));
        assert!(matches!(fate(&lost, 1_000), Fate::Waiting { until: 1_045, .. }));
    }

    #[test]
    fn what_ends_with_the_term_of_a_leader_is_no_failure_and_gone_on_with_at_once() {
        let not_now = || NotNow("this process does not lead".to_owned());
        for ended in [
            TargetError::Interrupted,
            ObtainError::Interrupted.into(),
            ObtainError::InterruptedLate.into(),
            TargetError::NotStored,
            not_now().into(),
            ObtainError::NotNow(not_now()).into(),
        ] {
            let fate = fate(&ended, 1_000);
            assert!(
                matches!(fate, Fate::Waiting { until: 1_001, .. }),
                "{ended:?}: {fate:?}"
            );
        }
    }

    #[test]
    fn what_fails_after_the_store_is_no_reason_to_order_again() {
        let not_served = TargetError::NotServed {
            message: "the default certificate is".to_owned(),
            hint: None,
        };
        let Fate::StoredBut { after: Some(after), .. } = fate(&not_served, 0) else {
            panic!("stored");
        };
        assert!(after.contains("not served"), "{after}");
    }
}
