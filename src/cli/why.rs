//! `why`: from annotation to served, where a host stands.

use crate::{
    cli::failure::Exit,
    controller::moment,
    engine::cancel::Cancel,
    error::Blame,
    net::probe::TIMEOUT,
    ops::{
        Checks, Cluster, Config, Context, OpError,
        named::{Named, NamedError},
        why,
    },
    report::why as report,
    scan::probe::ProbeOptions,
};

use super::{args::WhyCommand, front::Terminal, print, print_text, whom};

pub(super) async fn run(command: WhyCommand) -> Result<Exit, OpError> {
    let host: Named = command
        .host
        .parse()
        .map_err(|error: NamedError| OpError::of(Blame::Usage, &error))?;
    if !host.host && !host.bare {
        return Err(OpError::usage(format!("{host} is not a host")).hint("give a host, such as shop.example"));
    }
    let timeout = command.probe_timeout.unwrap_or(TIMEOUT);
    let request = why::Request {
        host: Named::host(&host.name),
        source: command.source.source(),
        checks: Checks {
            ca_file: command.ca_file.clone(),
            config: command.config.clone(),
            ..Checks::default()
        },
        probe: ProbeOptions {
            connect: command.connect.clone(),
            timeout,
            lookup: timeout,
            one_each: false,
            compare_dns: true,
        },
        controller_namespace: command.controller_namespace.clone(),
        due: moment::renewal_of,
    };
    let config = Config {
        file: command.config.clone(),
        ..Config::default()
    };
    let cluster = Cluster::new(command.source.connection.options(), Terminal::telling());
    let context = Context::new(cluster, config, Cancel::never());
    let mut found = Box::pin(why::run(&request, &context)).await?;
    for answer in found.found.iter_mut().map(|found| &mut found.answer) {
        answer.next = answer.next.take().map(|next| whom::completed(&next).into_owned());
    }
    if command.output.is_some() {
        print(report::json(&found.host, &found.found, found.now).as_bytes())?;
    } else {
        print_text(&report::list(&found.host, &found.found))?;
    }
    let is_good = found.found.iter().all(|found| found.answer.is_good);
    Ok(match (is_good, found.trouble) {
        (true, None) => Exit::Ok,
        _ => Exit::Findings,
    })
}
