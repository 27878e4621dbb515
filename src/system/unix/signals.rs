//! Signals.

use std::{
    io::{self, IsTerminal as _},
    sync::OnceLock,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::system::SystemSignal;

/// Hears one signal, which from then on does not end the process.
#[derive(Debug)]
pub(crate) struct SignalListener(Signal);

impl SignalListener {
    pub(crate) fn new(which: SystemSignal) -> io::Result<Self> {
        let kind = match which {
            SystemSignal::Interrupt => SignalKind::interrupt(),
            SystemSignal::Terminate => SignalKind::terminate(),
            SystemSignal::HangUp => SignalKind::hangup(),
            SystemSignal::Suspend => SignalKind::from_raw(signal_hook::consts::SIGTSTP),
        };
        signal(kind).map(Self)
    }

    /// Returns when the signal comes.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Stops this process as SIGTSTP does; returns when it is continued.
pub(crate) fn stop_this_process() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)
}

/// Whether the process was started to outlive its terminal, as `nohup` does: SIGHUP is ignored then, and stays so. Looked at once:
/// who listens changes it.
pub(crate) fn ignores_hang_up() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| match std::fs::read_to_string("/proc/self/status") {
        Ok(status) => is_in_mask(&status),
        // Elsewhere `nohup` can be told by what it does to the streams (POSIX): none is a terminal.
        Err(_) => !io::stderr().is_terminal() && !io::stdout().is_terminal(),
    })
}

/// Whether SIGHUP, the first signal, is in the mask of ignored ones (`proc_pid_status(5)`).
fn is_in_mask(status: &str) -> bool {
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
            assert_eq!(is_in_mask(&status), ignored, "{mask}");
        }
        assert!(!is_in_mask(""));
    }
}
