//! `ensure`: a Secret is as it is wanted. What is missing, unusable, due or for other names is ordered; otherwise nothing
//! is done, and the CA is not asked.

mod present;

use super::{
    Context, Front, OpError,
    issuance::{Order, Report, check_place},
    issue,
    named::Named,
    opened::Opened,
};
use crate::{
    acme::{LETS_ENCRYPT_STAGING, Stage},
    cache,
    engine::{asked::RenewalAnswers, due},
    name::Name,
    object::{Key, Kind},
    plan::{
        CurrentCertificate, Names, Target,
        ca::Issuers,
        ensure::{Decision, Need, decide},
        target::{names_of, target},
    },
    text::{first_few, time},
    x509::Certificate,
};
use present::Found;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The Secret's name; its namespace is the one of the order's source.
    pub secret: String,
    /// What the certificate is for: these names, and no others.
    pub names: Vec<Name>,
    /// How it is ordered.
    pub order: Order,
}

/// Orders a certificate if the Secret is not as it is wanted, after it was confirmed, and stores it.
///
/// # Errors
///
/// Nothing was ordered although something has to be: it cannot be, or it was not wanted. Or what is there cannot be read.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    check_place(&request.order)?;
    let word = Named::new(Kind::Secret, request.secret.clone());
    let opened = Box::pin(Opened::read_alone(&request.order, std::slice::from_ref(&word), context)).await?;
    let secret = issue::secret(&opened, &request.order, &request.secret)?;
    let found = Found::read(&opened, &request.order, &secret).await?;
    let mut target = wanted(&opened, secret, &request.names, &found);
    tell_of_routes(&target, front);
    let chosen = &opened.settings.chosen;
    let trusted = chosen.rehearsal || chosen.issuer.stage != Stage::Staging;
    let state = found.state(opened.session.rules.now);
    let need = match decide(&state, &target.names.order, trusted) {
        Decision::Order(need) => Some(need),
        Decision::Nothing => None,
        Decision::AskCa => asked(&opened, &target, found.leaf(), front).await,
    };
    let Some(need) = need else {
        front.note(&nothing(&target.secret, &found));
        return Ok(Report::default());
    };
    front.note(&format!("{}: {need}", target.secret));
    if need.can_wait() {
        // Every name counts as one that is served: where one fails, nothing is stored, and what is there stays.
        target.names.present = target.names.order.iter().cloned().collect();
    }
    if let Some(told) = found.elsewhere(&request.order, &target.secret) {
        front.warn(&told);
    }
    let issuance = opened.issuance(&request.order, context, &[]);
    found.hand_over(&issuance);
    Box::pin(issuance.carry_out(&[target])).await
}

/// The target with exactly these names.
fn wanted(opened: &Opened, secret: Key, names: &[Name], found: &Found) -> Target {
    let inventory = &opened.session.inventory;
    let mut target = target(inventory, secret, false);
    Issuers::of(inventory, opened.settings.chosen.ca.clone()).mark(std::slice::from_mut(&mut target));
    let hosts: Vec<String> = names.iter().map(ToString::to_string).collect();
    target.names = Names::join(hosts.iter().map(String::as_str), [], false);
    target.held = found.usable().map(|leaf| CurrentCertificate {
        staging: found.is_staging(),
        ..CurrentCertificate::of(leaf)
    });
    let held = found.usable().map(names_of).unwrap_or_default();
    let serves = |name: &&Name| held.iter().any(|has| has.covers(name));
    target.names.present = target.names.order.iter().filter(serves).cloned().collect();
    target
}

/// Tells which hosts of routes the certificate will not cover: the list is the whole truth, and may be too short.
fn tell_of_routes(target: &Target, front: &dyn Front) {
    let hosts = target.uses.iter().flat_map(|used| &used.hosts).map(|(host, _)| host);
    let covered = |host: &str| {
        let host = host.parse::<Name>();
        host.is_ok_and(|host| target.names.order.iter().any(|name| name.covers(&host)))
    };
    let mut left: Vec<String> = hosts.filter(|host| !covered(host)).map(ToString::to_string).collect();
    left.sort();
    left.dedup();
    if !left.is_empty() {
        front.warn(&format!(
            "routes use Secret {} for hosts that are not asked for: {}",
            target.secret,
            first_few(&left)
        ));
    }
}

/// Asks the CA whether it wants a certificate of its own to be renewed by now. Where it does not answer, the lifetime
/// decides, by which it is not due.
async fn asked(opened: &Opened, target: &Target, leaf: Option<&Certificate>, front: &dyn Front) -> Option<Need> {
    let (leaf, issuer) = (leaf?, &opened.settings.chosen.issuer);
    let is_staging = target.held.as_ref().is_some_and(|held| held.staging);
    // A CA does not know certificates of another CA, nor staging those of production.
    if target.changes_ca.is_some() || is_staging != (issuer.directory_url == LETS_ENCRYPT_STAGING) {
        return None;
    }
    let acme = match opened.acme.get(front).await {
        Ok(acme) => acme,
        Err(error) => {
            front.warn(&format!(
                "{} cannot be asked whether it wants the renewal already: {error}",
                issuer.name
            ));
            return None;
        }
    };
    let answers = RenewalAnswers::open(cache::file("renewals.json"));
    let _waiting = front.wait_for_ca(&issuer.name);
    let moment = due::wanted_by_ca(acme, leaf, &answers).await?;
    (moment <= opened.session.rules.now).then_some(Need::Due("the CA's renewal window has opened"))
}

/// The line about a Secret that is as it is wanted.
fn nothing(secret: &Key, found: &Found) -> String {
    let when = found.leaf().zip(found.due()).map_or_else(String::new, |(leaf, due)| {
        format!(
            ": it is valid until {}, and due on {}",
            time::date(leaf.not_after),
            time::date(due)
        )
    });
    format!("nothing to do for Secret {secret}{when}")
}
