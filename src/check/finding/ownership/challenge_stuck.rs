use crate::{
    check::{
        finding::prelude::*,
        words::say::{brief, name, said},
    },
    object::{Order, Told, certmanager::Challenge},
    text::quote,
};

/// A cert-manager challenge that has been pending for too long, or has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeStuck {
    pub challenge: Key,
    pub dns_name: Text,
    pub challenge_type: Text,
    pub message: Told,
}

impl Defect for ChallengeStuck {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self {
            challenge,
            dns_name,
            challenge_type,
            message,
        } = self;
        format!(
            "The {} challenge {} for {} is stuck{}",
            brief(challenge_type),
            name(challenge, row),
            brief(dns_name),
            said("", message)
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self {
            challenge,
            dns_name,
            challenge_type,
            ..
        } = self;
        stuck(challenge, dns_name, challenge_type, commands)
    }
}

fn stuck(challenge: &Key, dns_name: &str, challenge_type: &str, commands: &mut Commands<'_>) -> String {
    let bare = dns_name.trim_start_matches("*.");
    let see = commands.kubectl("describe", Kind::Challenge, challenge);
    if challenge_type.eq_ignore_ascii_case("DNS-01") {
        format!(
            "See what it is waiting for with {see}, and whether the record exists with {}: check the DNS provider's credentials \
             in the issuer, and where _acme-challenge is delegated to.",
            commands.run(format!("dig +short TXT {}", quote(&format!("_acme-challenge.{bare}"))))
        )
    } else {
        format!(
            "See what it is waiting for with {see}, and whether its path is reachable from outside on port 80 with {}: check DNS, \
             firewalls, redirects and the class of the solver's Ingress.",
            commands.run(format!(
                "curl -sS -i {}",
                quote(&format!("http://{bare}/.well-known/acme-challenge/test"))
            ))
        )
    }
}

/// How long a challenge may be pending before it is reported, in seconds: cert-manager retries its self-check every 10
/// s, and DNS changes of most providers become visible within minutes.
const STUCK_AFTER: Seconds = 10 * 60;

impl ChallengeStuck {
    pub(in crate::check) fn check(challenge: &Challenge, order: &Order, now: Seconds, collector: &mut Collector) {
        let waits = matches!(challenge.state.as_str(), "" | "pending" | "processing");
        let since = challenge.meta.created.or(order.meta.created);
        if let Some(since) = since.filter(|_| waits) {
            collector.moment(since.saturating_add(STUCK_AFTER), now);
        }
        let old = since.is_none_or(|at| now.saturating_sub(at) >= STUCK_AFTER);
        let failed = matches!(challenge.state.as_str(), "invalid" | "errored" | "expired");
        if failed || (waits && old) {
            collector.add(Self {
                challenge: challenge.meta.key(),
                dns_name: challenge.dns_name.clone(),
                challenge_type: challenge.challenge_type.clone(),
                message: challenge.reason.clone(),
            });
        }
    }
}
