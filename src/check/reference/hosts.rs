//! The hosts of tls entries compared with the hosts of rules, and hosts that several routes claim.

use crate::{
    check::finding,
    inventory::{Binding, Origin},
    object::{Ingress, Kind, annotation},
};

use super::super::{
    reason::Severity,
    verdict::{Collector, Subject},
};

pub(super) fn judge(subject: &Subject<'_>, binding: &Binding, collector: &mut Collector) {
    if binding.route.kind == Kind::Ingress
        && let Some(ingress) = subject.inventory.ingress(&binding.route.key)
    {
        two_sets(subject, binding, ingress, collector);
    }
    // Secrets in several namespaces may hold the same certificate, which is not known where no Secret is read.
    if let Some((id, _)) = subject.binding.filter(|_| !subject.inventory.secrets_left_out) {
        finding::DuplicateHost::check(subject, id, binding, collector);
    }
}

fn two_sets(subject: &Subject<'_>, binding: &Binding, ingress: &Ingress, collector: &mut Collector) {
    let host = &binding.host;
    match binding.origin {
        Origin::RuleOnly if subject.stored.is_none() => {
            let asked_for_acme = ingress.meta.annotation(annotation::TLS_ACME) == Some("true");
            // ingress-nginx redirects requests for such a host to HTTPS, where clients get its self-signed default
            // certificate.
            let sent_there = subject.is_fake()
                && !ingress.tls.is_empty()
                && ingress.meta.annotation(annotation::NGINX_SSL_REDIRECT) != Some("false")
                && subject.inventory.has_only_its_own_default(&binding.route);
            let severity = if asked_for_acme || sent_there {
                Severity::Critical
            } else {
                Severity::Info
            };
            collector.add_at(
                severity,
                finding::RuleHostWithoutTls {
                    host: host.clone(),
                    asked_for_acme,
                },
            );
        }
        Origin::Entry(_) | Origin::Below(_) if !binding.in_rules && !ingress.rules.is_empty() => {
            finding::TlsHostWithoutRule::check(subject, binding, ingress, collector);
        }
        _ => {}
    }
}
