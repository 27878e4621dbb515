//! What the operating system alone can tell or do: who may open a file, signals, other processes, the clock that goes on in sleep.
//!
//! It has two forms with the same functions. `unix` is for Linux, macOS and their like. `portable` needs the standard library and
//! tokio alone, and is for all others, among them Windows. `--cfg portable_system` chooses it on Unix too; its tests always run.

#[cfg(any(test, portable_system, not(unix)))]
#[cfg_attr(not(any(portable_system, not(unix))), allow(dead_code))]
mod portable;
#[cfg(all(unix, not(portable_system)))]
mod unix;

use std::path::PathBuf;

#[cfg(any(portable_system, not(unix)))]
use portable as form;
#[cfg(all(unix, not(portable_system)))]
use unix as form;

pub(crate) use form::{
    SignalListener, close, end_group, host, ignores_hang_up, is_running, own_group, owned, permissions_for_others,
    place, private_directory, private_file, private_permissions, resident, since_boot, started, stop_this_process,
    sync_directory,
};

/// What reaches the process from outside while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SystemSignal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM: whoever started the process wants it to end.
    Terminate,
    /// SIGHUP: its terminal is gone.
    HangUp,
    /// SIGTSTP: it is to stop until it is continued.
    Suspend,
}

/// A file or directory that is not this user's alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// The file, or its directory.
    pub path: PathBuf,
    pub why: ForeignReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForeignReason {
    /// It belongs to the user with this number.
    Owner(u32),
    /// Others may write it. Contains its mode.
    Mode(u32),
}
