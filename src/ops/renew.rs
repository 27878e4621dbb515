//! `renew`: which Secrets, and who issues each: this program, or cert-manager.

pub(super) mod certmanager;
pub(super) mod choose;
mod unchanged;

use super::{
    Context, Front, OpError,
    issuance::Order,
    left::Left,
    named::{Named, for_writing, not_found},
    opened::Opened,
};
use crate::{
    error::Blame,
    name::Name,
    plan::{Target, ca::Issuers},
    settings::value::DryRun,
    text::counted,
};
use certmanager::{leave_what_is_asked, refuse, renewed, split};
use choose::{chosen, dropped, first_to_end, leave_to_their_ca, only_due, tell_of_unused, unread_secrets};

pub use super::issuance::Report;

/// What is asked.
// Each is a choice of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone)]
pub struct Request {
    /// The routes, Secrets and hosts; none means all of the order's source.
    pub targets: Vec<Named>,
    /// Whether only what is due is renewed.
    pub due: bool,
    /// How many at most, those first that end first.
    pub max: Option<u32>,
    /// Whether certificates of other CAs are taken over, where none is named.
    pub adopt: bool,
    /// Whether names that no route has are left out.
    pub only_route_hosts: bool,
    /// How they are ordered.
    pub order: Order,
}

const RIGHT_TO_SECRETS: &str = "a renewal needs the right to get Secrets: `kubectl certs rights` prints the Role";

/// Renews certificates, after it was confirmed: those that were named, or what could be meant.
///
/// # Errors
///
/// Nothing was ordered: it cannot be, or it was not wanted.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let words = request.targets.clone();
    if request.order.flags.force && words.is_empty() {
        return Err(OpError::usage("--force needs named Secrets").hint(
            "name each: `kubectl certs renew secret/NAME --force`; `kubectl certs show secret/NAME` says who owns it",
        ));
    }
    let opened = Box::pin(Opened::read(&request.order, &words, context)).await?;
    let words = for_writing(&opened.session, words)?;
    not_found(&opened.session, &words)?;
    let found = chosen(&opened.session, &words, request.only_route_hosts)?;
    if found.is_empty() && !request.due {
        return Err(opened.session.nothing("there is nothing to renew"));
    }
    let mut left_out = Vec::new();
    let (unread, found): (Vec<Target>, Vec<Target>) = found.into_iter().partition(|target| {
        target.held.is_none() && opened.session.inventory.forbidden_secret(&target.secret).is_some()
    });
    if let Some(said) = unread_secrets(&unread) {
        if !words.is_empty() || found.is_empty() {
            return Err(OpError::new(Blame::Cluster, said).hint(RIGHT_TO_SECRETS));
        }
        front.note(&said);
        front.hint(RIGHT_TO_SECRETS);
        left_out.push(said);
    }
    let mut trouble = (!unread.is_empty()).then_some(Blame::Cluster);
    for target in &found {
        tell_of_names(target, front);
    }
    let (mut theirs, mut ours) = split(&opened.session, found);
    let left = if words.is_empty() {
        let asked = leave_what_is_asked(&opened, ours, front);
        ours = asked.0;
        left_out.extend(asked.1);
        Vec::new()
    } else {
        refuse(&opened, &mut theirs, &mut ours, front)?
    };
    if words.is_empty() && !theirs.is_empty() {
        // Who asks for all leaves cert-manager's to cert-manager.
        let all = format!("{} of cert-manager's", counted(theirs.len(), "Secret"));
        front.note(&format!("{all} left to it; name one to renew it"));
        left_out.push(all);
        theirs.clear();
    }
    let issuers = Issuers::of(&opened.session.inventory, opened.settings.chosen.ca.clone());
    issuers.mark(&mut ours);
    if words.is_empty() {
        left_out.extend(tell_of_unused(&opened.session.inventory, front));
        if !request.adopt {
            ours = leave_to_their_ca(ours, &mut left_out, front);
        }
    }
    let mut unchanged = Vec::new();
    if request.due {
        let (due, later) = only_due(&opened, ours, &mut left_out, front).await?;
        ours = due;
        if request.order.dry_run == DryRun::None {
            unchanged = later;
        }
        if ours.is_empty() {
            front.note(&opened.session.said_of_place("nothing is due"));
            trouble = trouble.max(unchanged::tell(&opened, &unchanged, context).await);
            return Ok(nothing_renewed(trouble));
        }
    }
    if let Some(max) = request.max {
        ours = first_to_end(ours, usize::try_from(max).unwrap_or(usize::MAX), &mut left_out, front);
    }
    if ours.is_empty() && theirs.is_empty() {
        front.note("nothing was renewed");
        return Ok(nothing_renewed(trouble));
    }
    left_out.extend(dropped(&ours));
    let mut issuance = opened.issuance(&request.order, context, &left);
    issuance.is_bounded = request.max.is_some();
    issuance.left_out = left_out;
    let by_cert_manager = Box::pin(renewed(&opened, &request.order, &theirs, &left, context)).await?;
    // Nothing is ordered where all are cert-manager's, so no account is needed.
    let mut report = if ours.is_empty() {
        Report {
            is_rehearsal: opened.settings.chosen.rehearsal,
            is_dry: request.order.dry_run != DryRun::None,
            ..Report::default()
        }
    } else {
        Box::pin(issuance.carry_out(&ours)).await?
    };
    report.outcomes.extend(by_cert_manager);
    // After what is due, which does not wait for hooks that are told of the rest.
    trouble = trouble.max(unchanged::tell(&opened, &unchanged, context).await);
    if !report.is_dry {
        report.outcomes.extend(left.iter().map(Left::outcome));
    }
    report.trouble = trouble.max((!left.is_empty()).then_some(Blame::Acme));
    Ok(report)
}

fn nothing_renewed(trouble: Option<Blame>) -> Report {
    Report {
        trouble,
        ..Report::default()
    }
}

/// What becomes of the names that are not ordered as they stand.
pub(super) fn tell_of_names(target: &Target, front: &dyn Front) {
    let list = |names: &[Name]| {
        let all: Vec<String> = names.iter().map(ToString::to_string).collect();
        all.join(", ")
    };
    if !target.names.dropped.is_empty() {
        front.note(&format!(
            "{}: left out, as no route has them: {}",
            target.secret,
            list(&target.names.dropped)
        ));
    }
}
