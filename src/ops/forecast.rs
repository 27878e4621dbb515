//! `forecast`: the coming year for the certificates of a cluster, with certificates of several lifetimes: which limit of the CA
//! holds up what, and when.

use super::{
    Checks, Context, OpError, Source,
    issuance::seen_of,
    limits::Standing,
    session::{Open, Session},
};
use crate::{
    error::Blame,
    inventory::Stored,
    name::Name,
    object::{Seconds, annotation::CLAIM},
    plan::{
        forecast::{Advice, Course, Kept, Moment, Year, advice},
        limits::{Ahead, BACKDATED, Limits, OrderKind, ahead, domain_of},
    },
    settings::layer::Layer,
    text::time::DAY,
    x509::Fingerprint,
};

/// How far the forecast goes, in seconds.
const AHEAD: Seconds = 365 * DAY;

/// The rules of the controller, which are not this module's.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    /// When the controller with an install id renews what a Secret holds.
    pub due: fn(&str, &Stored) -> Option<Seconds>,
    /// When it renews a certificate that is still to be issued.
    pub later: Moment,
    /// The share of its window that a certificate waits.
    pub share: fn(&str, &Fingerprint) -> u64,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The lifetimes of new certificates, in seconds.
    pub lifetimes: Vec<Seconds>,
    /// How many new names come on the first day, each with a certificate of its own.
    pub new_names: usize,
    /// The domain under which they are; `None`: each is of a domain of its own.
    pub under: Option<String>,
    /// Where certificates are read from.
    pub source: Source,
    /// How they are judged.
    pub checks: Checks,
    /// What the caller says himself of settings.
    pub flags: Layer,
    /// When certificates are renewed.
    pub moments: Moments,
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
    /// How many certificates will be renewed.
    pub certificates: usize,
    /// How many Secrets wait for their first certificate.
    pub absent: usize,
    /// The year with each lifetime.
    pub courses: Vec<Course>,
    /// What is to be done now.
    pub advice: Vec<Advice>,
    /// When it was judged, in seconds since 1970.
    pub now: Seconds,
    /// Until when the forecast goes.
    pub until: Seconds,
    /// What is to blame for what could not be read, which was told.
    pub trouble: Option<Blame>,
}

/// Reads certificates and the ledger of the account. The CA is not asked.
///
/// # Errors
///
/// The domain of new names is none; or the settings, the account's place or the cluster cannot be read.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let under = request.under.as_deref().map(domain_of).transpose();
    under.map_err(|error| OpError::usage(error.to_string()).hint("give a registered domain or a host below it"))?;
    let settings = context.settings(request.flags.clone()).await?;
    let standing = Standing::of(&settings, context).await?;
    let open = Open::default();
    let mut session = Session::open(&context.cluster, &request.source, &request.checks, &[], open).await?;
    session.set_home(&standing.store);
    let (inventory, now) = (&session.inventory, session.rules.now);
    let (ca, is_staging) = standing.ca;
    let mut trouble = session.trouble;
    let (account, mut known) = standing.look(now, &**context.front(), &mut trouble).await;
    known.join(seen_of(inventory, (ca, is_staging), standing.limits.as_ref()).buckets());
    let mut all = ahead(
        inventory,
        (ca, is_staging),
        standing.limits.as_ref(),
        account.as_deref(),
    );
    // Those without a certificate are last: they are new names of the first day, as those are that are asked for.
    all.sort_by_key(|one| one.present.is_none());
    let absent = all.iter().filter(|one| one.present.is_none()).count();
    let certificates = all.len() - absent;
    let mut kept: Vec<Kept> = all.into_iter().map(|one| of_ahead(one, request.moments, now)).collect();
    let new = (1..=request.new_names).filter_map(|number| new_name(number, request.under.as_deref(), now));
    let before = if request.new_names == 0 {
        certificates
    } else {
        kept.len()
    };
    kept.extend(new);
    let until = now.saturating_add(AHEAD);
    let year = Year {
        limits: standing.limits.as_ref(),
        known: &known,
        new_names: kept.len() - before,
        kept: &kept,
        moment: request.moments.later,
        backdated: if ca.is_lets_encrypt() { BACKDATED } else { 0 },
        now,
        until,
    };
    let mut courses: Vec<Course> = request.lifetimes.iter().map(|lifetime| year.with(*lifetime)).collect();
    if request.new_names == 0 {
        // Nobody has asked for them: they are told where they wait.
        for course in &mut courses {
            course.new_names = course.new_names.take().filter(|new| new.held_by.is_some());
        }
    }
    Ok(Report {
        issuer: ca.name.clone(),
        directory: ca.directory.clone(),
        account,
        certificates,
        absent,
        advice: advice(&courses, standing.limits.as_ref()),
        courses,
        limits: standing.limits,
        now,
        until,
        trouble,
    })
}

/// A certificate as the forecast has it. The installation that claims it decides when it is renewed; of one that is not claimed,
/// one without a name.
fn of_ahead(one: Ahead<'_>, moments: Moments, now: Seconds) -> Kept {
    let install = |stored: &Stored| stored.meta.annotation(CLAIM).unwrap_or_default().to_owned();
    let due = one
        .present
        .and_then(|(stored, _)| (moments.due)(&install(stored), stored));
    let seed = one.present.map_or_else(
        || Fingerprint::of(one.secret.to_string().as_bytes()),
        |(_, leaf)| leaf.sha256,
    );
    let install = one.present.map(|(stored, _)| install(stored)).unwrap_or_default();
    Kept {
        at: due.unwrap_or(now).max(now),
        until: one.present.map(|(_, leaf)| leaf.not_after).filter(|until| *until > now),
        kind: one.kind,
        again: one.again,
        seed: (moments.share)(&install, &seed),
        names: one.names,
    }
}

/// A name that is not there yet; `None` never, because each is a name.
fn new_name(number: usize, under: Option<&str>, now: Seconds) -> Option<Kept> {
    let host = format!("new-{number}.{}", under.unwrap_or("example"));
    let name: Name = host.parse().ok()?;
    Some(Kept {
        names: vec![name],
        at: now,
        until: None,
        kind: OrderKind::New,
        again: OrderKind::SameNames,
        seed: u64::try_from(number).unwrap_or_default(),
    })
}
