//! `limits`: what is left of the CA's rate limits, and what the certificates of a cluster will take.

use std::collections::BTreeSet;

use super::{
    Checks, Context, OpError, Source,
    issuance::seen_of,
    session::{Open, Session},
};
use crate::{
    acme::Stage,
    engine::ledger::Ledger,
    error::{Blame, Diagnose as _, chain},
    object::Seconds,
    plan::ca::Ca,
    plan::limits::{
        Buckets, Forecast, Left, Limits, certificates_of, concerns, domain_of, domains_of, forecast, overview, renewals,
    },
    settings::{Settings, layer::Layer, store::Store},
    text::{nearest, time::DAY},
};

/// How far the forecast goes, in seconds.
const AHEAD: Seconds = 90 * DAY;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The domain to look at; `None` for all.
    pub domain: Option<String>,
    /// Where certificates are read from.
    pub source: Source,
    /// How they are judged.
    pub checks: Checks,
    /// What the caller says himself of settings.
    pub flags: Layer,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The name of the CA.
    pub issuer: String,
    /// The URL of its directory.
    pub directory: String,
    /// The URL of the account; `None` if there is none yet.
    pub account: Option<String>,
    /// The limits; `None` if they are not known.
    pub limits: Option<Limits>,
    /// The registered domain that was asked for.
    pub domain: Option<String>,
    /// What is left of each limit.
    pub left: Vec<Left>,
    /// What will be due, and which limit holds it up first.
    pub forecast: Forecast,
    /// When it was judged, in seconds since 1970.
    pub now: Seconds,
    /// Until when the forecast goes.
    pub until: Seconds,
}

/// What was found of every issuer at which certificates may be ordered, the chosen one first.
#[derive(Debug)]
pub struct Reports {
    /// Each of them.
    pub all: Vec<Report>,
    /// What is to blame for what could not be read, which was told.
    pub trouble: Option<Blame>,
}

/// The CA whose limits count, and where the account with it is kept.
pub(super) struct Standing<'a> {
    /// The CA, and whether its staging environment is meant.
    pub(super) ca: (&'a Ca, bool),
    /// Its limits; `None` if they are not known.
    pub(super) limits: Option<Limits>,
    pub(super) store: Store,
}

impl<'a> Standing<'a> {
    /// What settings choose. Without a choice, what counts is the CA that a rehearsal stands for.
    ///
    /// # Errors
    ///
    /// There is no place for the account.
    pub(super) async fn of(settings: &'a Settings, context: &Context) -> Result<Self, OpError> {
        let chosen = &settings.chosen;
        let is_staging = !chosen.rehearsal && chosen.issuer.stage == Stage::Staging;
        Ok(Self {
            ca: (&chosen.ca, is_staging),
            limits: chosen.ca_limits,
            store: context.store(chosen).await?,
        })
    }

    /// The URL of the account, and what it has counted. What cannot be read is told, and is what `trouble` is about then.
    pub(super) async fn look(
        &self,
        now: Seconds,
        front: &dyn super::Front,
        trouble: &mut Option<Blame>,
    ) -> (Option<String>, Buckets) {
        let account = match self.store.load(&self.ca.0.directory).await {
            Ok(kept) => kept.and_then(|kept| kept.account.url),
            Err(error) => {
                front.warn(&format!("the orders of the account are not counted: {}", chain(&error)));
                *trouble = (*trouble).max(Some(error.blame()));
                None
            }
        };
        let ledger = Ledger::of_account(&self.store, account.as_deref(), self.limits, now).await;
        (account, ledger.look(Clone::clone))
    }
}

/// Reads certificates and the ledgers of the accounts. No CA is asked.
///
/// # Errors
///
/// The domain is none; or the settings, the account's place or the cluster cannot be read.
pub async fn run(request: &Request, context: &Context) -> Result<Reports, OpError> {
    let front = &**context.front();
    let domain = request.domain.as_deref().map(domain_of).transpose();
    let domain = domain.map_err(|error| {
        OpError::usage(error.to_string()).hint("give a registered domain or a host below it, such as shop.example")
    })?;
    let settings = context.settings(request.flags.clone()).await?;
    let preference = context.preference(request.flags.clone(), &settings.chosen).await?;
    let others = preference.others.into_iter().map(|other| settings.at(other.chosen));
    let every: Vec<Settings> = others.collect();
    let mut standings = Vec::new();
    for settings in std::iter::once(&settings).chain(&every) {
        standings.push(Standing::of(settings, context).await?);
    }
    let open = Open::default();
    let mut session = Session::open(&context.cluster, &request.source, &request.checks, &[], open).await?;
    let mut trouble = session.trouble;
    let mut all = Vec::new();
    for standing in &standings {
        session.set_home(&standing.store);
        let of_one = of_issuer(standing, &session, domain.as_deref(), front, &mut trouble);
        all.push(of_one.await);
    }
    Ok(Reports { all, trouble })
}

/// What is found of one issuer.
async fn of_issuer(
    standing: &Standing<'_>,
    session: &Session,
    domain: Option<&str>,
    front: &dyn super::Front,
    trouble: &mut Option<Blame>,
) -> Report {
    let ((ca, is_staging), limits) = (standing.ca, standing.limits);
    let (inventory, now) = (&session.inventory, session.rules.now);
    let (account, mut known) = standing.look(now, front, trouble).await;
    known.join(seen_of(inventory, (ca, is_staging), limits.as_ref()).buckets());
    let domains: BTreeSet<String> = certificates_of(inventory, ca, is_staging)
        .iter()
        .flat_map(|certificate| domains_of(&certificate.names))
        .collect();
    if let Some(domain) = domain {
        tell_unknown(domain, &domains, &ca.name, front);
    }
    let until = now.saturating_add(AHEAD);
    let mut wanted = renewals(
        inventory,
        (ca, is_staging),
        limits.as_ref(),
        account.as_deref(),
        (now, until),
    );
    if let Some(domain) = domain {
        wanted.retain(|wanted| concerns(&wanted.names, domain));
    }
    let left = left_of(limits.as_ref(), &known, &domains, domain, now);
    Report {
        issuer: ca.name.clone(),
        directory: ca.directory.clone(),
        account,
        left,
        forecast: forecast(limits.as_ref(), &known, &wanted, now, until),
        limits,
        domain: domain.map(str::to_owned),
        now,
        until,
    }
}

fn left_of(
    limits: Option<&Limits>,
    known: &Buckets,
    domains: &BTreeSet<String>,
    only: Option<&str>,
    now: Seconds,
) -> Vec<Left> {
    limits.map_or_else(Vec::new, |limits| overview(limits, known, domains, only, now))
}

/// Says that no certificate has a name of the domain, which may be mistyped.
fn tell_unknown(domain: &str, domains: &BTreeSet<String>, ca: &str, front: &dyn super::Front) {
    if domains.contains(domain) {
        return;
    }
    let near = nearest(domain, domains.iter().map(String::as_str));
    let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    front.note(&format!(
        "no certificate of {ca} that was read has a name of {domain}{meant}"
    ));
}
