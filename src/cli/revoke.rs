//! `revoke`: a certificate of a Secret or a file, unless it is in use.

use crate::{
    cli::failure::Exit,
    engine::cancel::Cancel,
    ops::{Cluster, Context, OpError, revoke},
};

use super::{args::issue::RevokeCommand, front::Terminal};

pub(super) async fn run(command: RevokeCommand) -> Result<Exit, OpError> {
    let request = command.request()?;
    let context = Context::new(
        Cluster::new(command.source.connection.options(), Terminal::asking(command.yes)),
        command.ca.settings.config(),
        Cancel::never(),
    );
    Box::pin(revoke::run(&request, &context)).await?;
    Ok(Exit::Ok)
}
