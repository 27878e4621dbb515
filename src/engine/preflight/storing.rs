//! Checks of the cluster (the Secret and its owner, the rights, the challenge routes) and of the CA's rate limits.

use super::{Preflight, SharedChecks, in_time};
use crate::{
    apply::{
        Api, Permits, rights,
        secret::{self, may_be_written},
    },
    engine::{
        certmanager,
        choose::{method_under, no_cluster},
        cleanup,
        counter::is_known,
        due::is_in_window,
        foreseen::is_of,
        prepare::{PrepareError, Prepared, Preparing, store_options},
    },
    error::{Blame, Diagnose as _},
    event::Method,
    plan::{
        Target,
        limits::{self, OrderKind, set_of},
        preflight::{Check, Topic},
    },
    solve::http01,
};

impl Preflight<'_> {
    /// Checks whether the Secret may be written, as far as that can be judged without a new certificate.
    pub(super) async fn secret(&self, target: &Target) -> Option<Check> {
        let connection = self.connection?;
        let reader = Api::new(connection.clone(), Permits::none());
        let read = secret::Target::read(&reader, &target.secret);
        let found = match in_time("the API server", Topic::Secret, read).await {
            Err(late) => return Some(late),
            Ok(Err(error)) => return Some(Check::because(Topic::Secret, &error)),
            Ok(Ok(found)) => found,
        };
        let options = store_options(self.settings);
        Some(match may_be_written(&found, &options) {
            Err(refusal) => Check::because(Topic::Secret, &refusal),
            Ok(()) => match found.owner(&options.slots) {
                Some(owner) => Check::warning(Topic::Secret, format!("it is {owner}, and is written with --force")),
                None if found.exists() => Check::ok(Topic::Secret, "it may be written"),
                None => Check::ok(Topic::Secret, "it does not exist yet, and will be created"),
            },
        })
    }

    /// The check that replaces all others if a renewal leaves the Secret to cert-manager, although there is no
    /// Certificate yet.
    pub(super) fn asked_of_cert_manager(&self, target: &Target) -> Option<Check> {
        let asked = certmanager::asked_for(self.inventory, &target.secret)?;
        (!self.settings.certificate.force)
            .then(|| Check::fails(Topic::Secret, Blame::Usage, asked.what).hint(Some(asked.hint)))
    }

    /// Checks whether the rights are granted.
    pub(super) async fn rights(&self, permits: Option<&Permits>) -> Option<Check> {
        let connection = self.connection?;
        let permits = permits?;
        let reviewer = Api::new(connection.clone(), permits.clone());
        let asked = in_time("the API server", Topic::Rights, rights::missing(&reviewer, permits)).await;
        Some(match asked {
            Err(late) => late,
            Ok(Err(error)) => Check::because(Topic::Rights, &error),
            Ok(Ok(missing)) if missing.is_none() => self.rights_to_clean_up(&reviewer, permits, missing.user).await,
            Ok(Ok(missing)) => Check::because(Topic::Rights, &missing).hint(http01::rights_hint(&missing)),
        })
    }

    /// Checks whether the next run, and `cleanup`, would find what a killed run leaves.
    async fn rights_to_clean_up(&self, reviewer: &Api, permits: &Permits, user: String) -> Check {
        let needed = cleanup::permits_to_find(permits);
        match in_time("the API server", Topic::Rights, rights::missing(reviewer, &needed)).await {
            Ok(Ok(missing)) if missing.is_none() => Check::ok(Topic::Rights, format!("{user} has all that is needed")),
            Ok(Ok(missing)) => Check::warning(
                Topic::Rights,
                format!("{user} can renew, but cannot find what a killed run leaves behind: {missing}"),
            )
            .hint(missing.hint()),
            Ok(Err(error)) => Check::because(Topic::Rights, &error),
            Err(late) => late,
        }
    }

    /// The checks that replace all others if cert-manager renews.
    pub(super) async fn cert_managers(&self, target: &Target) -> Vec<Check> {
        let certificates = self.inventory.certificates_of(&target.secret);
        let mut checks = Vec::new();
        for certificate in certificates {
            let key = certificate.meta.key();
            // A rehearsal is judged like production; staging is judged as it is.
            let judged = certmanager::allowed(
                &self.settings.chosen,
                &key,
                &target.secret,
                self.inventory.from_manifests,
            );
            if let Some(error) = judged.err().filter(|_| !self.settings.chosen.rehearsal) {
                checks.push(Check::because(Topic::Secret, &error));
                continue;
            }
            checks.push(
                Check::ok(
                    Topic::Secret,
                    format!("cert-manager renews it (Certificate {key}), with its own issuer and its own challenges"),
                )
                .hint(Some("`kubectl certs renew` with --production asks it to")),
            );
            checks.extend(self.rights(Some(&certmanager::permits(&key))).await);
        }
        checks
    }

    /// Checks the route of each challenge that is answered over HTTP.
    pub(super) fn solver(&self, preparing: &Preparing<'_>, prepared: &Result<Prepared, PrepareError>) -> Vec<Check> {
        if self.connection.is_none() {
            let names = preparing.targets.iter().flat_map(|target| &target.names.order);
            return names
                .filter(|name| method_under(&self.settings.dns01, name) == Method::Http01)
                .map(|name| Check::because(Topic::Solver, &no_cluster(name)).of(name.to_string()))
                .collect();
        }
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return vec![Check::because(Topic::Solver, error)],
        };
        let mut checks: Vec<Check> = prepared
            .unplaced()
            .map(|(name, error)| Check::because(Topic::Solver, error).of(name.to_string()))
            .collect();
        let ways: std::collections::BTreeSet<String> = prepared
            .placed()
            .map(|name| preparing.through(name, prepared))
            .collect();
        checks.extend(ways.into_iter().map(|way| Check::ok(Topic::Solver, way)));
        checks
    }

    /// Checks whether the solver can answer.
    pub(super) async fn answering(preparing: &Preparing<'_>, prepared: Option<&Prepared>) -> Option<Check> {
        match in_time("the API server", Topic::Solver, prepared?.can_answer(preparing)).await {
            Err(late) => Some(late),
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Check::because(Topic::Solver, &error)),
        }
    }

    /// Checks the CA's rate limits, as far as the past orders are known.
    pub(super) async fn limits(&self, target: &Target, shared: &SharedChecks) -> Option<Check> {
        let known = self.settings.chosen.limits.as_ref()?;
        let (names, now) = (&target.names.order, crate::clock::now());
        let in_window = self.is_in_window(target, shared).await;
        let kind = OrderKind::of(known, is_known(&self.seen, &shared.ledger, names), in_window);
        if kind == OrderKind::Replacement {
            return Some(Check::ok(Topic::Limits, "a renewal in its window counts towards none"));
        }
        let seen = self.seen.buckets();
        let exceeded = shared
            .ledger
            .look(|own| limits::exceeded(known, &[own, seen], names, kind, now));
        Some(match exceeded {
            None => Check::ok(Topic::Limits, self.not_exceeded(known, target, shared, kind)),
            Some(exceeded) if self.settings.certificate.ignore_rate_limits => {
                Check::warning(Topic::Limits, format!("by this tool's estimate, {exceeded}"))
            }
            Some(exceeded) => Check::fails(
                Topic::Limits,
                Blame::Acme,
                format!("by this tool's estimate, {exceeded}"),
            )
            .hint(Some("wait until then, or order anyway with --ignore-rate-limits")),
        })
    }

    /// The words for an order that exceeds no limit.
    fn not_exceeded(&self, known: &limits::Limits, target: &Target, shared: &SharedChecks, kind: OrderKind) -> String {
        let limit = known.same_names.filter(|_| kind == OrderKind::SameNames);
        let Some(limit) = limit else {
            return "none would be exceeded, by this tool's estimate".to_owned();
        };
        let set = set_of(&target.names.order);
        let own = shared.ledger.look(|own| own.set(&set));
        let left = own.max(self.seen.buckets().set(&set)).left(&limit, crate::clock::now());
        format!(
            "a renewal of the same names counts towards certificates for exactly these names alone: {left} of {} left, by this tool's estimate",
            limit.burst()
        )
    }

    /// Whether the order would name the certificate that it replaces, within the window of the CA.
    async fn is_in_window(&self, target: &Target, shared: &SharedChecks) -> bool {
        let ours = |account: &String| is_of(self.inventory, target, account);
        if !shared.account.as_ref().is_some_and(ours) {
            return false;
        }
        match self.acme {
            Ok(acme) => is_in_window(Some(acme), self.inventory, target).await,
            Err(_) => false,
        }
    }
}
