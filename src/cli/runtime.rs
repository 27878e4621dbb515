//! The threads that a command runs on, and what ends it from outside: Ctrl-C, SIGTERM, a terminal that goes.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
};

use tokio::runtime::{Builder, Runtime};

use super::{ask, note};
use crate::{
    cli::failure::Exit,
    engine::cancel::{self, Cancel},
    error::Blame,
    ops::OpError,
    solve::dns01::remove_own_files,
    system::{SignalListener, SystemSignal, ignores_hang_up},
};

/// Runs what looks after Ctrl-C and signals itself.
pub(super) fn on_plain_runtime(command: impl Future<Output = Result<Exit, OpError>>) -> Result<Exit, OpError> {
    let runtime = threads()?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

/// Ends the process in the middle of its work. A key that a hook has been given does not stay in its file.
fn leave(exit: Exit) -> ! {
    remove_own_files();
    ask::leave();
    std::process::exit(exit as i32)
}

/// Runs a command until it ends or Ctrl-C is pressed.
pub(super) fn on_runtime(command: impl Future<Output = Result<Exit, OpError>>) -> Result<Exit, OpError> {
    let runtime = threads()?;
    // A task of its own, which ends the process: the command may be reading standard input, or computing.
    runtime.spawn(async {
        let exit = asked(true).await;
        leave(exit);
    });
    let result = runtime.block_on(command);
    // A name that the system's resolver never answers for must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Runs a command that cleans up when it is asked to end: Ctrl-C, SIGTERM, or SIGHUP when its terminal goes. A second time ends it
/// at once.
pub(super) fn on_runtime_giving_up<F>(command: impl FnOnce(Cancel) -> F) -> Result<Exit, OpError>
where
    F: Future<Output = Result<Exit, OpError>>,
{
    let runtime = threads()?;
    let (canceller, cancel) = cancel::pair();
    let watching = cancel.clone();
    let by = Arc::new(OnceLock::new());
    let ended = Arc::clone(&by);
    runtime.spawn(async move {
        let exit = asked(true).await;
        // Until something is under way there is nothing to clean up.
        if !watching.has_begun() {
            leave(exit);
        }
        let _ = ended.set(exit);
        note("interrupted: cleaning up; Ctrl-C again stops at once, and `kubectl certs cleanup` removes the rest");
        canceller.cancel();
        // A shell passes on the SIGHUP that it got from the kernel: a second one is no second wish.
        let exit = asked(false).await;
        leave(exit);
    });
    let result = runtime.block_on(command(cancel));
    runtime.shutdown_background();
    // What was cleaned up after is told by the same status as what was not.
    let Some(by) = by.get().copied() else { return result };
    match result {
        Ok(Exit::Interrupted) => Ok(by),
        Err(failure) if failure.blame == Blame::Interrupted => {
            super::ended(&failure);
            Ok(by)
        }
        other => other,
    }
}

fn threads() -> Result<Runtime, OpError> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| OpError::new(Blame::Cluster, format!("cannot start threads: {error}")))
}

/// Returns when the process is asked to end: the exit status that says by what. The end of the terminal is `also` one.
async fn asked(also: bool) -> Exit {
    let of = async |signal, exit: Exit| {
        if let Ok(mut listener) = SignalListener::new(signal) {
            listener.next().await;
            exit
        } else {
            std::future::pending().await
        }
    };
    tokio::select! {
        exit = of(SystemSignal::Interrupt, Exit::Interrupted) => exit,
        exit = of(SystemSignal::Terminate, Exit::Terminated) => exit,
        exit = of(SystemSignal::HangUp, Exit::HungUp), if also && !ignores_hang_up() => exit,
    }
}
