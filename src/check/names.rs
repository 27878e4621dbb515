//! Names: is the host one of the certificate's, and are the certificate's names all wanted? (RFC 9525)

use crate::{
    check::finding,
    inventory::{Inventory, Origin, Stored, ingress::normal_host, query::covers},
    object::Text,
    x509::{Certificate, San},
};

use super::{
    finding::Instead,
    reason::Severity,
    sample::Sample,
    verdict::{CertificateSubject, Collector, Subject},
};

pub(super) fn judge(subject: &Subject<'_>, on: &CertificateSubject<'_>, collector: &mut Collector) {
    let CertificateSubject { stored, leaf, .. } = *on;
    let Some((_, binding)) = subject.binding else { return };
    if !covers(stored, &binding.host) {
        // Who comes over plain HTTP to a host that is redirected never sees the certificate.
        let severity = if binding.origin == Origin::Redirect {
            Severity::Warning
        } else {
            subject.unless_served()
        };
        mismatch(subject, leaf, &binding.host, severity, collector);
    }
    finding::names::host(subject, on, collector);
}

/// A named Secret that is not served, because its certificate is not for the host and another one is.
pub(super) fn judge_unserved(subject: &Subject<'_>, stored: &Stored, collector: &mut Collector) {
    let Some((_, binding)) = subject.binding else { return };
    if let Some(leaf) = stored.leaf().filter(|_| !covers(stored, &binding.host)) {
        mismatch(subject, leaf, &binding.host, Severity::Warning, collector);
    }
}

/// Certificates that belong to no route, for the host that they were asked for.
pub(super) fn judge_host(stored: &Stored, host: Option<&str>, collector: &mut Collector) {
    let (Some(leaf), Some(host)) = (stored.leaf(), host) else {
        return;
    };
    let host = normal_host(host);
    if !covers(stored, &host) {
        report_mismatch(leaf, &host, Instead::Unknown, Severity::Critical, collector);
    }
}

fn mismatch(subject: &Subject<'_>, leaf: &Certificate, host: &Text, severity: Severity, collector: &mut Collector) {
    let checks = subject
        .binding
        .is_some_and(|(_, b)| subject.controller.checks_names(b.route.kind));
    let instead = if checks { subject.instead() } else { Instead::Unknown };
    report_mismatch(leaf, host, instead, severity, collector);
}

fn report_mismatch(leaf: &Certificate, host: &Text, instead: Instead, severity: Severity, collector: &mut Collector) {
    if !leaf.has_san {
        let common_name = leaf.common_name().unwrap_or_default().into();
        collector.add_at(severity, finding::CommonNameOnly { common_name });
        return;
    }
    let names = Sample::of(&leaf.names, |san| compact_str::format_compact!("{san}"));
    collector.add_at(
        severity,
        finding::HostMismatch {
            host: host.clone(),
            names,
            instead,
        },
    );
}

/// A Secret that Pods mount, whose certificate names Services: the names of the Services that select those Pods. Of several that do,
/// one is enough: the others may be for metrics, or headless. What names no Service may be for clients outside, or for webhooks.
pub(super) fn judge_services(inventory: &Inventory, stored: &Stored, collector: &mut Collector) {
    let Some(leaf) = stored.leaf().filter(|_| names_services(stored)) else {
        return;
    };
    let secret = stored.meta.key();
    let mut missed = None;
    for service in inventory.services_of_pods(&secret) {
        let (name, namespace) = (&service.meta.name, &service.meta.namespace);
        let forms = [
            name.clone(),
            compact_str::format_compact!("{name}.{namespace}"),
            service.host(),
            compact_str::format_compact!("{name}.{namespace}.svc.cluster.local"),
        ];
        // `*.db.shop.svc` is for each Pod behind a headless Service.
        let below = compact_str::format_compact!(".{}", service.host());
        let covered = forms.iter().any(|form| covers(stored, form))
            || leaf
                .names
                .iter()
                .any(|san| matches!(san, San::Dns(dns) if dns.contains(below.as_str())));
        if covered {
            return;
        }
        missed.get_or_insert_with(|| service.host());
    }
    if let Some(host) = missed {
        report_mismatch(leaf, &host, Instead::Unknown, Severity::Warning, collector);
    }
}

/// Whether some name of a Secret's certificate is one of a Service beside it: `NAME.NAMESPACE.svc`, with or without the cluster's domain.
pub fn names_services(stored: &Stored) -> bool {
    let namespace = stored.meta.namespace.as_str();
    let names = stored.leaf().into_iter().flat_map(|leaf| &leaf.names);
    names.into_iter().any(|san| {
        let San::Dns(name) = san else { return false };
        let labels = || name.split('.').skip(1);
        labels()
            .zip(labels().skip(1))
            .any(|(first, second)| first == namespace && second == "svc")
    })
}
