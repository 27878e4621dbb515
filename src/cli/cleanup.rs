//! `cleanup`: what runs that were killed have left is listed, or removed.

use crate::{
    cli::failure::Exit,
    engine::cancel::Cancel,
    ops::{Cluster, Context, OpError, cleanup},
};

use super::{args::issue::CleanupCommand, front::Terminal};

pub(super) async fn run(command: CleanupCommand) -> Result<Exit, OpError> {
    let context = Context::new(
        Cluster::new(command.connection.options(), Terminal::asking(command.yes)),
        command.settings.config(),
        Cancel::never(),
    );
    let request = cleanup::Request {
        namespace: command.namespace,
        all_namespaces: command.all_namespaces,
        force: command.force,
        is_dry: command.dry_run,
    };
    let report = cleanup::run(&request, &context).await?;
    Ok(report.trouble.map_or(Exit::Ok, Exit::from))
}
