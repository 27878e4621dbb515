//! `limits`: what is left of the CA's rate limits.

use crate::{
    cli::failure::Exit,
    engine::cancel::Cancel,
    ops::{Checks, Cluster, Context, OpError, limits},
    report::limits::{self as report, Shown},
};

use super::{args::issue::LimitsCommand, front::Terminal, hint, note, print, print_text, settings::ca_layer};

pub(super) async fn run(command: LimitsCommand) -> Result<Exit, OpError> {
    let source = command.source.source();
    let is_part = source.filename.is_empty() && !command.source.all_namespaces;
    let request = limits::Request {
        domain: command.domain.clone(),
        source,
        checks: Checks {
            config: command.ca.settings.config.clone(),
            ..Checks::default()
        },
        flags: ca_layer(&command.ca)?,
    };
    let context = Context::new(
        Cluster::new(command.source.connection.options(), Terminal::telling()),
        command.ca.settings.config(),
        Cancel::never(),
    );
    let found = Box::pin(limits::run(&request, &context)).await?;
    let all: Vec<Shown<'_>> = found.all.iter().map(shown).collect();
    match command.output.as_deref() {
        Some("json") => print(report::json(&all).as_bytes())?,
        output => print_text(&report::tables(&all, output == Some("wide")))?,
    };
    note("an estimate: the CA counts certificates that are not here, too");
    if is_part {
        hint("-A counts the certificates of all namespaces");
    }
    Ok(found.trouble.map_or(Exit::Ok, Exit::from))
}

fn shown(found: &limits::Report) -> Shown<'_> {
    Shown {
        issuer: &found.issuer,
        directory: &found.directory,
        account: found.account.as_deref(),
        domain: found.domain.as_deref(),
        left: found.limits.as_ref().map(|_| found.left.as_slice()),
        forecast: &found.forecast,
        now: found.now,
        until: found.until,
    }
}
