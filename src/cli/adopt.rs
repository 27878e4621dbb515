//! `adopt`: certificates that others keep are taken over, or given back.

use crate::{
    cli::failure::Exit,
    engine::cancel::Cancel,
    ops::{Cluster, Config, Context, OpError, adopt},
};

use super::{args::adopt::AdoptCommand, front::Terminal};

pub(super) async fn run(command: AdoptCommand, cancel: Cancel) -> Result<Exit, OpError> {
    let context = Context::new(
        Cluster::new(command.connection.options(), Terminal::asking(command.yes)),
        Config::default(),
        cancel,
    );
    let report = Box::pin(adopt::run(&command.request(), &context)).await?;
    Ok(report.trouble.map_or(Exit::Ok, Exit::from))
}
