//! `domains`: customers' own domains.

use crate::{
    cli::failure::Exit,
    domain::{State, Told},
    engine::cancel::Cancel,
    ops::{
        Cluster, Config, Context, OpError,
        domains::{Domain, import, list, put, release, show},
    },
    report::domains::{self as report, Shown},
};

use super::{
    args::domains::{
        DomainsCommand, DomainsWhat, ImportCommand, ListCommand, PutCommand, ReleaseCommand, ShowCommand, WhereArgs,
    },
    front::Terminal,
    hint, note, print, print_text,
};

pub(super) async fn run(command: DomainsCommand, cancel: Cancel) -> Result<Exit, OpError> {
    match command.what {
        DomainsWhat::List(command) => listed(command).await,
        DomainsWhat::Show(command) => shown(command).await,
        DomainsWhat::Put(command) => registered(command, cancel).await,
        DomainsWhat::Release(command) => released(command, cancel).await,
        DomainsWhat::Import(command) => imported(command, cancel).await,
    }
}

fn telling(place: &WhereArgs) -> Context {
    let cluster = Cluster::new(place.connection.options(), Terminal::telling());
    Context::new(cluster, Config::default(), Cancel::never())
}

fn asking(place: &WhereArgs, yes: bool, cancel: Cancel) -> Context {
    let cluster = Cluster::new(place.connection.options(), Terminal::asking(yes));
    Context::new(cluster, Config::default(), cancel)
}

async fn listed(command: ListCommand) -> Result<Exit, OpError> {
    let request = list::Request {
        namespace: command.place.namespace.clone(),
        all_namespaces: command.all_namespaces,
        state: command.state.as_deref().and_then(State::named),
        tenant: command.tenant.clone(),
        after: command.after.clone(),
        limit: command.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
    };
    let found = list::run(&request, &telling(&command.place)).await?;
    let shown: Vec<Shown<'_>> = found
        .lines
        .iter()
        .map(|line| row(&line.domain, line.told.as_ref()))
        .collect();
    match command.output.as_deref() {
        Some("json") => print(report::list_json(&shown, found.next.as_deref(), found.now).as_bytes())?,
        Some("name") => print_text(&report::names(&shown))?,
        output if !shown.is_empty() => print_text(&report::table(
            &shown,
            output == Some("wide"),
            command.all_namespaces,
            !command.no_headers,
        ))?,
        _ => {
            note("no Domain is there that is asked for");
            if !command.all_namespaces && command.place.namespace.is_none() {
                hint("-A lists those of all namespaces");
            }
            Exit::Ok
        }
    };
    if let Some(next) = &found.next {
        note(&format!("there are more: --after {next} goes on"));
    }
    Ok(Exit::Ok)
}

async fn shown(command: ShowCommand) -> Result<Exit, OpError> {
    let request = show::Request {
        host: command.host.clone(),
        namespace: command.place.namespace.clone(),
    };
    let found = show::run(&request, &telling(&command.place)).await?;
    let shown = row(&found.domain, found.told.as_ref());
    match command.output.as_deref() {
        Some(_) => print(report::show_json(&shown, found.now).as_bytes()),
        None => print_text(&report::text(&shown)),
    }
}

fn row<'a>(domain: &'a Domain, told: Option<&'a Told>) -> Shown<'a> {
    Shown {
        key: &domain.key,
        secret: &domain.secret,
        record: domain.record.as_deref().map_err(|why| &**why),
        told,
    }
}

async fn registered(command: PutCommand, cancel: Cancel) -> Result<Exit, OpError> {
    let mut hosts = command.hosts.clone();
    hosts.sort_unstable();
    hosts.dedup();
    let request = put::Request {
        hosts,
        namespace: command.place.namespace.clone(),
        tenant: command.tenant.clone(),
        is_dry: command.doing.dry_run,
    };
    let context = asking(&command.place, command.doing.yes, cancel);
    let report = Box::pin(put::run(&request, &context)).await?;
    if report.registered > 0 && !command.doing.dry_run {
        note("the controller asks the application for them: `kubectl certs domains list` says where they stand");
    }
    Ok(report.trouble.map_or(Exit::Ok, Exit::from))
}

async fn released(command: ReleaseCommand, cancel: Cancel) -> Result<Exit, OpError> {
    let mut hosts = command.hosts.clone();
    hosts.sort_unstable();
    hosts.dedup();
    let request = release::Request {
        hosts,
        namespace: command.place.namespace.clone(),
        is_dry: command.doing.dry_run,
    };
    let context = asking(&command.place, command.doing.yes, cancel);
    let report = Box::pin(release::run(&request, &context)).await?;
    Ok(report.trouble.map_or(Exit::Ok, Exit::from))
}

async fn imported(command: ImportCommand, cancel: Cancel) -> Result<Exit, OpError> {
    let Some(form) = import::Form::named(&command.from) else {
        return Err(OpError::usage(format!("{} is no store that is known", command.from)));
    };
    let request = import::Request {
        form,
        path: command.path.clone(),
        namespace: command.place.namespace.clone(),
        tenant: command.tenant.as_ref().map(ToString::to_string),
        controller_namespace: command.controller_namespace.clone(),
        same_ca: command.same_ca,
        is_dry: command.doing.dry_run,
    };
    let context = asking(&command.place, command.doing.yes, cancel);
    let report = Box::pin(import::run(&request, &context)).await?;
    Ok(report.trouble.map_or(Exit::Ok, Exit::from))
}
