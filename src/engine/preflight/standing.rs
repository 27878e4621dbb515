//! Checks of DNS-PERSIST-01: whether the record of each domain is there, and which one it needs.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::{Preflight, SharedChecks, in_time};
use crate::{
    engine::choose::{method_under, no_account},
    event::Method,
    plan::{
        Target,
        preflight::{Check, Topic},
    },
    solve::dns_persist01::DnsPersist01,
    text::{date_time, first_of},
};

/// How many name servers a line names.
const NAMED: usize = 3;

impl Preflight<'_> {
    /// Checks the names that are proved by records that stay, each domain once.
    pub(super) async fn records(&self, target: &Target, shared: &SharedChecks) -> Vec<Check> {
        let mut domains: BTreeMap<&str, bool> = BTreeMap::new();
        for name in &target.names.order {
            if let Some(domain) = name.base()
                && method_under(&self.settings.dns01, name) == Method::DnsPersist01
            {
                *domains.entry(domain).or_default() |= name.is_wildcard();
            }
        }
        if domains.is_empty() {
            return Vec::new();
        }
        let solver = match &shared.dns_persist01 {
            Ok(Some(solver)) => solver,
            Ok(None) => {
                return vec![Check::because(
                    Topic::Record,
                    &no_account(&self.settings.chosen.issuer.name),
                )];
            }
            Err(error) => return vec![Check::because(Topic::Record, error)],
        };
        join_all(
            domains
                .into_iter()
                .map(|(domain, wildcard)| record(solver, domain, wildcard)),
        )
        .await
    }
}

async fn record(solver: &DnsPersist01, domain: &str, wildcard: bool) -> Check {
    let check = match in_time("DNS", Topic::Record, solver.look(domain, wildcard)).await {
        Err(late) => late.hint(Some(solver.needed(domain, wildcard))),
        Ok(Err(error)) => Check::because(Topic::Record, &error),
        Ok(Ok(found)) => {
            let until = found
                .until
                .map_or_else(String::new, |until| format!(" until {}", date_time(until)));
            Check::ok(
                Topic::Record,
                format!(
                    "_validation-persist.{domain} lets this account order{until} (seen at {})",
                    first_of(&found.seen, NAMED)
                ),
            )
        }
    };
    check.of(domain)
}
