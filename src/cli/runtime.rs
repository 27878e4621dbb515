//! The threads that a command runs on, and what ends it from outside: Ctrl-C, SIGTERM, a terminal that goes.

use std::{
    future::Future,
    io::IsTerminal as _,
    sync::{Arc, OnceLock},
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use super::{ask, note};
use crate::{
    cli::failure::Exit,
    engine::cancel::{self, Cancel},
    error::Blame,
    ops::OpError,
    solve::dns01::remove_own_files,
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
    let of = async |kind: SignalKind, exit: Exit| {
        if let Ok(mut signal) = signal(kind) {
            signal.recv().await;
            exit
        } else {
            std::future::pending().await
        }
    };
    tokio::select! {
        exit = of(SignalKind::interrupt(), Exit::Interrupted) => exit,
        exit = of(SignalKind::terminate(), Exit::Terminated) => exit,
        exit = of(SignalKind::hangup(), Exit::HungUp), if also && !outlives_its_terminal() => exit,
    }
}

/// Whether the process was started to outlive its terminal, as `nohup` does: SIGHUP is ignored then, and stays so. Looked at once:
/// who listens changes it.
fn outlives_its_terminal() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| match std::fs::read_to_string("/proc/self/status") {
        Ok(status) => ignores_hangup(&status),
        // Elsewhere `nohup` can be told by what it does to the streams (POSIX): none is a terminal.
        Err(_) => !std::io::stderr().is_terminal() && !std::io::stdout().is_terminal(),
    })
}

/// Whether SIGHUP, the first signal, is in the mask of ignored ones (`proc_pid_status(5)`).
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_nohup_started_is_told_by_its_mask() {
        for (mask, ignored) in [
            ("0000000000000001", true),
            ("0000000000001000", false),
            ("0000000000001001", true),
        ] {
            let status = format!("Name:\tkubectl-certs\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
            assert_eq!(ignores_hangup(&status), ignored, "{mask}");
        }
        assert!(!ignores_hangup(""));
    }
}
