//! `install` and `uninstall`.

use crate::{
    cli::failure::Exit,
    document::yaml,
    engine::cancel::Cancel,
    ops::{
        Cluster, Config, Context, OpError,
        install::{self, Manifests},
        uninstall,
    },
};

use super::{
    args::install::{InstallCommand, UninstallCommand},
    front::Terminal,
    hint, print,
};

/// `install`.
pub(super) async fn run(command: InstallCommand) -> Result<Exit, OpError> {
    let context = Context::new(
        Cluster::new(command.connection.options(), Terminal::asking(command.yes)),
        command.config(),
        Cancel::never(),
    );
    let request = command.request()?;
    if command.print {
        let made = install::manifests(&request, &context).await?;
        let exit = print(&documents(&made)?)?;
        hint(&format!(
            "`kubectl apply -f -` takes it; `{}` makes the account",
            made.register
        ));
        return Ok(exit);
    }
    Box::pin(install::run(&request, &context)).await?;
    Ok(Exit::Ok)
}

/// The objects as documents of YAML.
fn documents(made: &Manifests) -> Result<Vec<u8>, OpError> {
    let mut out = Vec::new();
    for (number, one) in made.objects.iter().enumerate() {
        if number > 0 {
            out.extend_from_slice(b"---\n");
        }
        yaml::write(&one.object, &mut out).map_err(OpError::usage)?;
    }
    Ok(out)
}

/// `uninstall`.
pub(super) async fn uninstall(command: UninstallCommand) -> Result<Exit, OpError> {
    let context = Context::new(
        Cluster::new(command.connection.options(), Terminal::asking(command.yes)),
        Config::default(),
        Cancel::never(),
    );
    let report = Box::pin(uninstall::run(&command.request(), &context)).await?;
    Ok(report.trouble.map_or(Exit::Ok, Exit::from))
}
