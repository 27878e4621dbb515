//! Checks of DNS-01: which provider writes the record and where, and whether it can be written.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;

use super::{Preflight, SharedChecks, in_time};
use crate::{
    engine::choose::{method_under, no_provider},
    error::Blame,
    event::Method,
    name::Name,
    plan::{
        Target,
        preflight::{Check, Topic},
    },
    solve::{
        SolveError,
        dns01::{Dns01, Ready},
    },
};

/// How long writing and removing a test record may take.
const WRITE: Duration = Duration::from_mins(2);

impl Preflight<'_> {
    /// Checks the names that are proved by DNS, each domain once.
    pub(super) async fn providers(&self, target: &Target, shared: &SharedChecks) -> Vec<Check> {
        let names = &target.names.order;
        let by_dns: Vec<&Name> = names
            .iter()
            .filter(|name| method_under(&self.settings.dns01, name) == Method::Dns01)
            .collect();
        if by_dns.is_empty() {
            return Vec::new();
        }
        match &shared.dns01 {
            Err(error) => vec![Check::because(Topic::Provider, error)],
            Ok(None) => by_dns
                .iter()
                .map(|name| Check::because(Topic::Provider, &no_provider(name)).of(name.to_string()))
                .collect(),
            Ok(Some(dns01)) => {
                let domains: BTreeSet<&str> = by_dns.iter().filter_map(|name| name.base()).collect();
                let checks = join_all(domains.into_iter().map(|domain| self.provider(dns01, domain))).await;
                checks.into_iter().flatten().collect()
            }
        }
    }

    /// Checks who writes the record of a domain. A CNAME that a wildcard alone has is told, whether or not it counts.
    async fn provider(&self, dns01: &Dns01, domain: &str) -> Vec<Check> {
        let ready = in_time("DNS", Topic::Provider, dns01.ready(domain)).await;
        let by_wildcard = ready
            .as_ref()
            .ok()
            .and_then(|ready| ready.as_ref().ok()?.about_wildcards());
        let check = self.writer(dns01, domain, ready).await;
        let told = by_wildcard.map(|said| Check::ok(Topic::Dns, said).of(domain));
        told.into_iter().chain([check.of(domain)]).collect()
    }

    async fn writer(&self, dns01: &Dns01, domain: &str, ready: Result<Result<Ready, SolveError>, Check>) -> Check {
        match ready {
            Err(late) => late,
            Ok(Err(error)) => Check::because(Topic::Provider, &error),
            Ok(Ok(ready)) if ready.by_hand => Check::ok(
                Topic::Provider,
                format!("you write the record at {}, when the run says which", ready.place.name),
            ),
            Ok(Ok(_)) if self.write_test => match tokio::time::timeout(WRITE, dns01.write_test(domain)).await {
                Err(_) => Check::fails(
                    Topic::Provider,
                    Blame::Acme,
                    format!(
                        "the test record is not written and removed within {} s",
                        WRITE.as_secs()
                    ),
                )
                .hint(Some(format!("check for a leftover record at _acme-challenge.{domain}"))),
                Ok(Err(error)) => Check::because(Topic::Provider, &error),
                Ok(Ok(tested)) if tested.removed => Check::ok(
                    Topic::Provider,
                    format!(
                        "{} wrote a test record at {} and removed it",
                        tested.provider, tested.name
                    ),
                ),
                Ok(Ok(tested)) => Check::warning(
                    Topic::Provider,
                    format!(
                        "{} wrote a test record at {}, and does not remove any",
                        tested.provider, tested.name
                    ),
                ),
            },
            Ok(Ok(ready)) => Check::ok(
                Topic::Provider,
                format!(
                    "{} writes {} in the zone {}; its credentials can be read (--write-test tries them)",
                    ready.provider, ready.place.name, ready.place.zone
                ),
            ),
        }
    }
}
