//! The Leases on Secrets that a controller holds, and when the next leader of the same install takes them at once.

use serde_json::Value;

// The Leases of a command line have neither.
use crate::object::annotation::{IDENTITY, INSTALL};
use crate::{k8s::Marked, object::Text};

/// A controller that leads its install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leading {
    /// The install.
    pub install: Text,
    /// The identity of the process, which no other has.
    pub identity: Text,
    /// Whether every former leader of the install has certainly stopped: the leader's Lease was seen unrenewed for as long
    /// as it lasts.
    pub is_alone: bool,
}

impl Leading {
    /// Notes the controller on a Lease.
    pub fn note(&self, lease: &mut impl Marked) {
        lease.annotate(INSTALL, &self.install);
        lease.annotate(IDENTITY, &self.identity);
    }

    /// Whether the Lease of a Secret is that of a former leader of the same install, which has stopped: it is taken at once,
    /// however long it lasts. The Leases of command lines and of other installs are not.
    pub fn supersedes(&self, lease: &Value) -> bool {
        let noted = |annotation: &str| lease["metadata"]["annotations"][annotation].as_str();
        let is_of_another = noted(IDENTITY).is_some_and(|identity| !identity.is_empty() && identity != self.identity);
        self.is_alone && is_of_another && !self.install.is_empty() && noted(INSTALL) == Some(self.install.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        apply::{Api, RunId},
        engine::lease::{Lease, LeaseError, Taking, permits},
        k8s::{
            fake::{Fake, json as answer, refusal},
            micro_time,
        },
        object::Key,
    };

    fn leading(install: &str, identity: &str, is_alone: bool) -> Leading {
        Leading {
            install: install.into(),
            identity: identity.into(),
            is_alone,
        }
    }

    #[test]
    fn only_a_former_leaders_lease_is_taken_at_once_and_only_once_it_has_stopped() {
        let mut of_former = json!({"metadata": {"name": "x"}});
        leading("prod", "pod-1", true).note(&mut of_former);
        assert!(leading("prod", "pod-2", true).supersedes(&of_former));
        assert!(
            !leading("prod", "pod-2", false).supersedes(&of_former),
            "it may still be at work"
        );
        assert!(!leading("prod", "pod-1", true).supersedes(&of_former), "it is its own");
        assert!(
            !leading("dev", "pod-2", true).supersedes(&of_former),
            "of another install"
        );
        let of_command_line = json!({"metadata": {"annotations": {"kubectl-certs.io/process": "boot/pid:[1] 7 9"}}});
        assert!(!leading("prod", "pod-2", true).supersedes(&of_command_line));
        let mut nameless = json!({"metadata": {}});
        leading("", "", true).note(&mut nameless);
        assert!(!leading("", "pod-2", true).supersedes(&nameless));
    }

    #[tokio::test]
    async fn a_secret_that_a_former_leader_held_a_second_ago_is_the_next_ones_at_once() {
        let secret = Key::new("shop", "shop-tls");
        let mut held = json!({
            "metadata": {"namespace": "shop", "name": "x", "uid": "u", "resourceVersion": "7"},
            "spec": {"holderIdentity": "somebody", "renewTime": micro_time(crate::clock::now()), "leaseDurationSeconds": 40},
        });
        leading("prod", "pod-1", true).note(&mut held);
        for (taker, is_taken) in [
            (Some(leading("prod", "pod-2", true)), true),
            (Some(leading("prod", "pod-2", false)), false),
            (None, false),
        ] {
            let present = held.to_string();
            let fake = Fake::start(move |asked, _| match asked.split(' ').next() {
                Some("POST") => refusal(409, "AlreadyExists", ""),
                _ => answer(&present),
            })
            .await;
            let api = Api::new(fake.connection().await, permits(&secret));
            let taking = Taking {
                leading: taker.as_ref(),
                ..Taking::default()
            };
            let taken = Lease::take_with(&api, &secret, &RunId::random(), &taking).await;
            assert_eq!(taken.is_ok(), is_taken, "{taker:?}");
            assert_eq!(matches!(taken, Err(LeaseError::Held { .. })), !is_taken, "{taker:?}");
            let notes = |lease: &Value| lease["metadata"]["annotations"][IDENTITY].as_str().map(str::to_owned);
            let written = fake.sent().last().and_then(notes);
            assert_eq!(written.as_deref(), taker.as_ref().map(|taker| taker.identity.as_str()));
        }
    }
}
