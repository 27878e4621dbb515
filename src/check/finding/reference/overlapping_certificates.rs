use crate::{
    check::{
        finding::{ObjectRef, prelude::*},
        words::say::{brief, object, route},
    },
    inventory::{Binding, Stored, gateway::OwnedListener, ingress::normal_host, query::covers},
    object::gateway::Listener,
};

/// A certificate that also covers hosts of another listener at the same address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlappingCertificates {
    pub other: ObjectRef,
    pub other_listener: Text,
}

impl Defect for OverlappingCertificates {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { other, other_listener } = self;
        format!(
            "The certificate of {} also covers hosts of listener {} of {}: a client that reuses its HTTP/2 connection \
             reaches the wrong listener or is answered 421.",
            route(row),
            brief(other_listener),
            object(other, row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Give each listener a certificate that names only its own hosts, or serve the hosts from one listener; {} \
             shows the names.",
            match row.secret() {
                Some(key) => commands.openssl(key, "x509 -noout -ext subjectAltName"),
                None => commands.kubectl_route("describe", row),
            }
        )
    }
}

impl OverlappingCertificates {
    /// Reports another listener of the port that serves a different certificate which names this host too. Browsers
    /// that share a connection between both hosts reach the wrong listener (Gateway API, `OverlappingTLSConfig`).
    pub(in crate::check) fn check(
        subject: &Subject<'_>,
        binding: &Binding,
        listener: &Listener,
        gateway: &Key,
        collector: &mut Collector,
    ) {
        let inventory = subject.inventory;
        if binding.host == "*" {
            return;
        }
        let hostname = listener.hostname.as_deref().map(normal_host);
        let own = subject.stored.and_then(Stored::leaf).map(|leaf| leaf.sha256);
        let differs = |stored: &Stored| stored.leaf().is_some_and(|leaf| Some(leaf.sha256) != own);
        let overlaps = |other: &OwnedListener<'_>| {
            let others = other
                .listener
                .hostname
                .as_deref()
                .map_or_else(|| "*".into(), normal_host);
            let same = other.listener.certificate_refs == listener.certificate_refs && other.is_of(&binding.route);
            // Two listeners with the same hostname have a finding of their own, a conflict.
            !same && hostname.as_ref() != Some(&others)
        };
        let other = inventory.other_listener(gateway, binding, listener, overlaps, |stored| {
            differs(stored) && covers(stored, &binding.host)
        });
        if let Some(other) = other {
            collector.add(Self {
                other: ObjectRef::from(&other.owner()),
                other_listener: other.listener.name.clone(),
            });
        }
    }
}
