//! Names: does the certificate cover the host, and does a route use each of its names? (RFC 9525)

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
        // A client that uses plain HTTP for a redirected host never sees the certificate.
        let severity = if binding.origin == Origin::Redirect {
            Severity::Warning
        } else {
            subject.unless_served()
        };
        mismatch(subject, leaf, &binding.host, severity, collector);
    }
    finding::names::host(subject, on, collector);
}

/// Judges a named Secret that is not served because its certificate does not cover the host and another certificate
/// does.
pub(super) fn judge_unserved(subject: &Subject<'_>, stored: &Stored, collector: &mut Collector) {
    let Some((_, binding)) = subject.binding else { return };
    if let Some(leaf) = stored.leaf().filter(|_| !covers(stored, &binding.host)) {
        mismatch(subject, leaf, &binding.host, Severity::Warning, collector);
    }
}

/// Judges a certificate that belongs to no route against the host that it was requested for.
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

/// Judges a Secret that Pods mount and whose certificate names Services: does it name the Services that select those
/// Pods? If several Services do, one of them is enough, because the others may be headless or serve metrics. A
/// certificate that names no Service may be meant for clients outside or for webhooks.
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
        // `*.db.shop.svc` covers each Pod behind a headless Service.
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

/// Whether the certificate of a Secret names a Service of its namespace: `NAME.NAMESPACE.svc`, with or without the
/// domain of the cluster.
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
