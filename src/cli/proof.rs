//! `proof`: that certificates were renewed in time.

use crate::{
    cli::failure::Exit,
    clock::now,
    engine::cancel::Cancel,
    ops::{Cluster, Config, Context, OpError, proof},
    plan::proof::Proof,
    report::proof::{self as report, Shown},
};

use super::{args::kept::ProofCommand, front::Terminal, print, print_text};

pub(super) async fn run(command: ProofCommand) -> Result<Exit, OpError> {
    let now = now();
    let request = proof::Request {
        namespace: command.place.namespace.clone(),
        since: command.since.before(now),
        now,
        audit: command.audit.clone(),
        audit_only: command.audit_only,
    };
    let cluster = Cluster::new(command.place.connection.options(), Terminal::telling());
    let context = Context::new(cluster, Config::default(), Cancel::never());
    let found = Box::pin(proof::run(&request, &context)).await?;
    let shown = Shown {
        namespace: &request.namespace,
        installs: &found.installs,
        proof: found.proof.as_ref(),
        unreadable: found.unreadable,
        audit: found.audit.as_ref(),
        since: request.since,
        now,
    };
    match command.output.as_deref() {
        Some("json") => print(report::json(&shown).as_bytes())?,
        Some("csv") => print(found.proof.as_ref().map(report::csv).unwrap_or_default().as_bytes())?,
        _ => print_text(&report::text(&shown))?,
    };
    let has_expired = found.proof.as_ref().is_some_and(|proof: &Proof| proof.expired() > 0);
    let is_broken = found.audit.as_ref().is_some_and(|audit| !audit.breaks.is_empty());
    Ok(match found.trouble {
        _ if has_expired || is_broken => Exit::Findings,
        trouble => trouble.map_or(Exit::Ok, Exit::from),
    })
}
