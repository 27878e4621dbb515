//! `rollback`: the pair before the last renewal is put back.

use crate::{
    cli::failure::Exit,
    engine::cancel::Cancel,
    ops::{Cluster, Context, OpError, rollback},
};

use super::{args::issue::RollbackCommand, front::Terminal};

pub(super) async fn run(command: RollbackCommand) -> Result<Exit, OpError> {
    let context = Context::new(
        Cluster::new(command.connection.options(), Terminal::asking(command.yes)),
        command.config(),
        Cancel::never(),
    );
    Box::pin(rollback::run(&command.request(), &context)).await?;
    Ok(Exit::Ok)
}
