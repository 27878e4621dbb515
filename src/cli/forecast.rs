//! `forecast`: the coming year, with certificates of several lifetimes.

use crate::{
    cli::failure::Exit,
    clock::seconds,
    controller::moment,
    engine::cancel::Cancel,
    ops::{
        Checks, Cluster, Context, OpError,
        forecast::{self, Moments},
    },
    report::forecast::{self as report, Shown},
};

use super::{args::issue::ForecastCommand, front::Terminal, hint, note, print, print_text, settings::ca_layer};

pub(super) async fn run(command: ForecastCommand) -> Result<Exit, OpError> {
    let source = command.source.source();
    let is_part = source.filename.is_empty() && !command.source.all_namespaces;
    let request = forecast::Request {
        lifetimes: command.lifetime.iter().map(|length| seconds(*length)).collect(),
        new_names: command.new.map_or(0, |new| usize::try_from(new).unwrap_or(usize::MAX)),
        under: command.under.clone(),
        source,
        checks: Checks {
            config: command.ca.settings.config.clone(),
            ..Checks::default()
        },
        flags: ca_layer(&command.ca)?,
        moments: Moments {
            due: moment::renewal_of,
            later: moment::of_share,
            share: moment::share,
        },
    };
    let context = Context::new(
        Cluster::new(command.source.connection.options(), Terminal::telling()),
        command.ca.settings.config(),
        Cancel::never(),
    );
    let found = Box::pin(forecast::run(&request, &context)).await?;
    let shown = Shown {
        issuer: &found.issuer,
        directory: &found.directory,
        account: found.account.as_deref(),
        limits: found.limits.as_ref(),
        certificates: found.certificates,
        absent: found.absent,
        courses: &found.courses,
        advice: &found.advice,
        now: found.now,
        until: found.until,
    };
    match command.output.as_deref() {
        Some("json") => print(report::json(&shown).as_bytes())?,
        output => print_text(&report::text(&shown, output == Some("wide")))?,
    };
    note("an estimate: the CA counts certificates that are not here, too, and may change its limits");
    if is_part {
        hint("-A counts the certificates of all namespaces");
    }
    Ok(found.trouble.map_or(Exit::Ok, Exit::from))
}
