//! Finds everything that would stop an issuance without ordering: all checks run at once, each for a few seconds at
//! most.

mod account;
mod caa;
pub mod change;
mod delegation;
mod host;
mod names;
mod provider;
mod standing;
mod storing;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::join_all, stream};

use super::{choose::method_under, ledger::Ledger, prepare};
use crate::{
    acme::{Acme, AcmeError, Issuer, Limits},
    apply::{Permits, RunId},
    event::Method,
    inventory::Inventory,
    k8s::Connection,
    net::{
        HostPort, Lookup,
        dns::{Authorities, DnsError, Resolver},
    },
    plan::{
        Target,
        limits::Seen,
        names::UNROUTED,
        preflight::{Check, Grade, Report, Topic},
    },
    settings::{Settings, store::Store},
    solve::{
        SolveError,
        dns_persist01::DnsPersist01,
        dns01::{Dns01, Operator, Secrets},
    },
};

/// How long one check may take. Writing and removing a test record has more time, because it must not be left half
/// done.
const LIMIT: Duration = Duration::from_secs(5);
/// How many certificates are checked at once.
const AT_ONCE: usize = 8;

/// Reads the CA's directory once, within the limit of any other check.
pub async fn open(issuer: &Issuer) -> Result<Acme, AcmeError> {
    let limits = Limits {
        request: LIMIT,
        tries: 1,
        patience: Duration::ZERO,
        ..Limits::default()
    };
    Acme::open_with(issuer, limits).await
}

/// The subject of the preflight, and the means to check it.
pub struct Preflight<'a> {
    /// The inventory that was read.
    pub inventory: &'a Inventory,
    /// The targets that would be renewed.
    pub targets: &'a [Target],
    /// The settings of the issuance.
    pub settings: &'a Settings,
    /// The cluster; `None` for manifests.
    pub connection: Option<&'a Connection>,
    /// The CA.
    pub acme: &'a Result<Acme, AcmeError>,
    /// Where the account is stored.
    pub store: &'a Store,
    /// Reads credentials from Secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Writes records for the provider `manual`.
    pub operator: Arc<dyn Operator>,
    /// What the cluster's certificates reveal about the CA's rate limits.
    pub seen: Seen,
    /// Whether to write and remove a test record with each DNS provider.
    pub write_test: bool,
    /// The address at which the routes are reached from here, instead of their own addresses.
    pub connect: Option<HostPort>,
}

/// What the checks of all certificates share.
struct SharedChecks {
    /// The URL of the account; `None` if there is none yet.
    account: Option<String>,
    /// The rights in the cluster that storing the account needs.
    of_account: Permits,
    /// The ledger of the account.
    ledger: Ledger,
    /// The name servers for addresses, as in a run, and for other records.
    lookup: Lookup,
    resolver: Result<Resolver, DnsError>,
    /// Who is asked for names that may not exist yet; `None` if the system has no resolver.
    authorities: Option<Authorities>,
    /// The solver for DNS-01.
    dns01: Result<Option<Dns01>, prepare::PrepareError>,
    /// The solver for DNS-PERSIST-01; `None` without an account.
    dns_persist01: Result<Option<DnsPersist01>, SolveError>,
    /// The settings of a production order: the preflight also checks what a rehearsal skips.
    settings: Settings,
    /// Stands for the run in the names of objects that are never created.
    run: RunId,
}

impl Preflight<'_> {
    /// Runs all checks. The first report is about the CA and the account; the others are about the targets, in order.
    pub async fn run(&self) -> Vec<Report> {
        let kept = self.kept().await;
        let lookup = Lookup::of(&self.settings.dns01.resolvers);
        let account = kept.as_ref().ok().and_then(|kept| kept.as_ref()?.account.url.clone());
        let resolver = lookup.resolver();
        let zones = self.settings.dns01.zones();
        let issuers = self.acme.as_ref().map(|acme| &acme.directory().meta.caa_identities[..]);
        let shared = SharedChecks {
            dns_persist01: match &account {
                Some(url) => prepare::dns_persist01(&self.settings.dns01, url, issuers.unwrap_or_default()),
                None => Ok(None),
            },
            ledger: self.ledger(account.as_deref()).await,
            account,
            of_account: self.store.permits().await,
            authorities: resolver.clone().ok().map(|resolver| Authorities::new(resolver, zones)),
            resolver,
            lookup,
            dns01: prepare::dns01(
                &self.settings.dns01,
                &Arc::default(),
                Arc::clone(&self.secrets),
                Arc::clone(&self.operator),
            ),
            settings: {
                let mut settings = self.settings.clone();
                settings.chosen.rehearsal = false;
                settings
            },
            run: RunId::random(),
        };
        let of_targets = stream::iter(self.targets)
            .map(|target| self.target(target, &shared))
            .buffered(AT_ONCE)
            .collect::<Vec<Report>>();
        let (ca, answers, mut reports) =
            futures_util::future::join3(self.ca(&kept), self.caa_answers(&shared), of_targets).await;
        for (report, target) in reports.iter_mut().zip(self.targets) {
            if self.is_ours(target) && self.asked_of_cert_manager(target).is_none() {
                report.checks.extend(self.caa(target, &answers, &shared));
            }
        }
        let ca = Report {
            secret: None,
            title: self.settings.chosen.issuer.name.clone(),
            checks: ca,
        };
        std::iter::once(ca).chain(reports).collect()
    }

    /// Whether this program renews the target, and not cert-manager.
    fn is_ours(&self, target: &Target) -> bool {
        self.inventory.certificates_of(&target.secret).next().is_none()
    }

    async fn target(&self, target: &Target, shared: &SharedChecks) -> Report {
        let title = format!("Secret {}", target.secret);
        let checks = if self.is_ours(target) {
            Box::pin(self.ours(target, shared)).await
        } else {
            self.cert_managers(target).await
        };
        Report {
            secret: Some(target.secret.clone()),
            title,
            checks,
        }
    }

    async fn ours(&self, target: &Target, shared: &SharedChecks) -> Vec<Check> {
        if let Some(check) = self.asked_of_cert_manager(target) {
            return vec![check];
        }
        let mut checks = names::names(target, &self.settings.chosen.issuer, &self.settings.chosen.ca);
        let preparing = prepare::Preparing {
            inventory: self.inventory,
            targets: std::slice::from_ref(target),
            settings: &shared.settings,
            connection: self.connection,
            directory: None,
            connect: self.connect.clone(),
            run: shared.run.clone(),
        };
        let mut prepared = preparing.prepare();
        if let (Ok(ready), Ok(Some(dns01))) = (&mut prepared, &shared.dns01)
            && let Err(error) = ready.locate(&preparing, dns01).await
        {
            prepared = Err(error);
        }
        checks.extend(self.solver(&preparing, &prepared));
        let hosts = target
            .names
            .order
            .iter()
            .filter(|name| method_under(&self.settings.dns01, name) == Method::Http01)
            .map(|name| self.host(target, name, prepared.as_ref().ok(), shared));
        let permits = prepared.as_ref().ok().map(|prepared| {
            let mut permits = prepared.permits.clone();
            permits.extend(shared.of_account.clone());
            permits
        });
        let (secret, pod, rights, hosts, providers, delegations, records, limits) = tokio::join!(
            self.secret(target),
            Self::answering(&preparing, prepared.as_ref().ok()),
            self.rights(permits.as_ref()),
            join_all(hosts),
            self.providers(target, shared),
            self.delegations(target, shared),
            self.records(target, shared),
            self.limits(target, shared),
        );
        checks.extend(pod);
        let at = checks.iter().take_while(|check| check.topic == Topic::Names).count();
        checks.splice(at..at, secret.into_iter().chain(rights));
        checks.extend(hosts.into_iter().flatten());
        checks.extend(providers);
        checks.extend(delegations);
        checks.extend(records);
        checks.extend(limits);
        let unrouted: Vec<String> = target.names.unrouted.iter().map(ToString::to_string).collect();
        for check in &mut checks {
            let is_one = check.subject.as_ref().is_some_and(|subject| unrouted.contains(subject));
            if is_one && check.grade == Grade::Fails {
                check.hint = Some(UNROUTED.to_owned());
            }
        }
        checks
    }
}

/// The result of `ask`, or a check that reports that there was none in time.
async fn in_time<T>(what: &str, topic: Topic, ask: impl Future<Output = T>) -> Result<T, Check> {
    tokio::time::timeout(LIMIT, ask)
        .await
        .map_err(|_| Check::warning(topic, format!("{what} does not answer within {} s", LIMIT.as_secs())))
}
