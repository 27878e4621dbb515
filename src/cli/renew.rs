//! `renew` and `issue`.

use crate::{
    cli::failure::Exit,
    engine::cancel::Cancel,
    name::Name,
    ops::{Cluster, Context, OpError, issuance::Report, issue, notify, renew},
};

use super::{
    args::issue::{IssueArgs, IssueCommand, Output, RenewCommand},
    front::Terminal,
    note, summary,
};

/// `renew`.
pub(super) async fn run(command: RenewCommand, cancel: Cancel) -> Result<Exit, OpError> {
    let request = command.request()?;
    let context = context(&command.issue, cancel);
    let result = Box::pin(renew::run(&request, &context)).await;
    if request.due {
        notify::of_run(&request.order, &context, &result).await;
    }
    ended(&result?)
}

/// `issue`.
pub(super) async fn issue(command: IssueCommand, cancel: Cancel) -> Result<Exit, OpError> {
    let names: Vec<Name> = command
        .domains
        .iter()
        .map(|host| host.parse())
        .collect::<Result<_, _>>()
        .map_err(|error: crate::name::NameError| OpError::usage(error))?;
    let request = issue::Request {
        secret: command.secret,
        names,
        order: command.issue.order()?,
    };
    let context = context(&command.issue, cancel);
    ended(&Box::pin(issue::run(&request, &context)).await?)
}

pub(super) fn context(args: &IssueArgs, cancel: Cancel) -> Context {
    let front = Terminal::following(args.run.yes, args.run.output == Some(Output::Json));
    Context::new(
        Cluster::new(args.source.connection.options(), front),
        args.how.ca.settings.config(),
        cancel,
    )
}

/// Shows what came of it.
pub(super) fn ended(report: &Report) -> Result<Exit, OpError> {
    summary::show(report);
    if let Some(refused) = report.refused() {
        if report.is_dry {
            for refusal in report.refusals_besides() {
                note(&refusal.what);
                refusal.hint.as_deref().into_iter().for_each(super::hint);
            }
        }
        return Err(refused);
    }
    Ok(report.blame().map_or(Exit::Ok, Exit::from))
}
