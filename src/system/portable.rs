//! The form for systems without the calls of Unix: files are as private as the directory that they are in, other processes are
//! not known, and only Ctrl-C reaches this one.

use std::{
    fs::{DirBuilder, Metadata, OpenOptions, Permissions},
    future::pending,
    io,
    path::Path,
    process::{Child, Command},
    sync::LazyLock,
    time::{Duration, Instant},
};

use super::{Foreign, SystemSignal};

/// Does nothing: what a file inherits from its directory decides who may open it, and on Windows a user's own directories are
/// closed to other users.
pub(crate) fn private_file(_: &mut OpenOptions) {}

/// Does nothing, as [`private_file`].
pub(crate) fn private_directory(_: &mut DirBuilder) {}

/// None: see [`private_file`].
pub(crate) fn private_permissions() -> Option<Permissions> {
    None
}

/// Does nothing, as [`private_file`].
#[allow(clippy::unnecessary_wraps)] // the other form can fail
pub(crate) fn close(_: &Path) -> io::Result<()> {
    Ok(())
}

/// None: who else may open a file is not known.
pub(crate) fn permissions_for_others(_: &Metadata) -> Option<u32> {
    None
}

/// Nothing is checked.
#[allow(clippy::unnecessary_wraps)] // the other form finds something
pub(crate) fn owned(_: &Path) -> Result<(), Foreign> {
    Ok(())
}

/// Does nothing: a directory cannot be opened as a file everywhere.
#[allow(clippy::unnecessary_wraps)] // the other form can fail
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Does nothing: Ctrl-C reaches the process that is started as well.
pub(crate) fn own_group(_: &mut Command) {}

/// Ends the process alone. What it has started goes on.
pub(crate) fn end_group(child: &mut Child) {
    let _ = child.kill();
}

/// None: whether a process exists is not known.
pub(crate) fn is_running(_: u32) -> Option<bool> {
    None
}

/// Empty: numbers of processes are not compared.
pub(crate) fn place() -> String {
    String::new()
}

/// None: the start of a process is not known.
pub(crate) fn started(_: u32) -> Option<u64> {
    None
}

/// None: how much memory the process has is not known.
pub(crate) fn resident() -> Option<i64> {
    None
}

/// The name of the machine, from the variable that the shell or Windows sets.
pub(crate) fn host() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|name| !name.is_empty());
    set("HOSTNAME").or_else(|| set("COMPUTERNAME"))
}

/// False: there is no such signal.
pub(crate) fn ignores_hang_up() -> bool {
    false
}

/// The time since the first call. On Windows it goes on while the machine sleeps (`QueryPerformanceCounter`).
pub(crate) fn since_boot() -> Duration {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed()
}

/// Fails: a process cannot stop itself here.
pub(crate) fn stop_this_process() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Hears Ctrl-C. Other signals never come.
#[derive(Debug)]
pub(crate) struct SignalListener(SystemSignal);

impl SignalListener {
    #[allow(clippy::unnecessary_wraps)] // the other form can fail
    pub(crate) fn new(signal: SystemSignal) -> io::Result<Self> {
        Ok(Self(signal))
    }

    /// Returns when the signal comes.
    pub(crate) async fn next(&mut self) {
        let hears = self.0 == SystemSignal::Interrupt && tokio::signal::ctrl_c().await.is_ok();
        if !hears {
            pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn files_are_made_read_and_replaced_without_permissions() {
        let scratch = tempfile::tempdir().unwrap();
        let (directory, path) = (scratch.path().join("kept"), scratch.path().join("kept/key"));
        let mut builder = DirBuilder::new();
        private_directory(&mut builder);
        builder.create(&directory).unwrap();
        let mut options = File::options();
        options.write(true).create_new(true);
        private_file(&mut options);
        options.open(&path).unwrap();
        close(&directory).unwrap();
        sync_directory(&directory).unwrap();
        assert_eq!(owned(&path), Ok(()));
        assert_eq!(permissions_for_others(&fs::metadata(&path).unwrap()), None);
        assert_eq!(private_permissions(), None);
    }

    #[test]
    fn a_process_is_ended_and_of_others_nothing_is_claimed() {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new(program);
        own_group(&mut command);
        let mut child = command
            .arg("--list")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        end_group(&mut child);
        child.wait().unwrap();
        assert_eq!(is_running(child.id()), None);
        assert_eq!((place(), started(std::process::id())), (String::new(), None));
        assert_eq!(resident(), None);
        assert!(!ignores_hang_up());
        assert_eq!(stop_this_process().unwrap_err().kind(), io::ErrorKind::Unsupported);
        assert_ne!(host(), Some(String::new()));
    }

    #[test]
    fn its_clock_goes_on() {
        let before = since_boot();
        std::thread::sleep(Duration::from_millis(2));
        assert!(since_boot() >= before + Duration::from_millis(2));
    }

    #[tokio::test]
    async fn only_ctrl_c_is_heard() {
        use futures_util::FutureExt as _;
        for signal in [SystemSignal::Terminate, SystemSignal::HangUp, SystemSignal::Suspend] {
            let mut listener = SignalListener::new(signal).unwrap();
            assert_eq!(listener.next().now_or_never(), None, "{signal:?}");
        }
    }
}
