//! One process, measured.

use std::{
    fs::File,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

/// Nothing that is measured takes longer; Pebble is known to stand still under load.
const WATCHDOG: Duration = Duration::from_mins(3);

/// How a process went.
pub(crate) struct Run {
    /// When it was started.
    pub(crate) began: SystemTime,
    /// From its start to its end.
    pub(crate) wall: Duration,
    pub(crate) out: String,
}

/// Runs a command with a resolv.conf of its own to its end, which has to be a good one. Its output goes through files of
/// `scratch`, so that no pipe has to be read meanwhile.
pub(crate) fn run(scratch: &Path, resolv_conf: &Path, command: &Command) -> Run {
    let script = r#"mount --bind "$0" /etc/resolv.conf && exec "$@""#;
    let mut within = Command::new("unshare");
    within.args(["--mount", "sh", "-c", script]).arg(resolv_conf);
    within.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => within.env(name, value),
            None => within.env_remove(name),
        };
    }
    let (out, err) = (scratch.join("stdout"), scratch.join("stderr"));
    within.stdin(Stdio::null());
    within
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap());
    let (began, start) = (SystemTime::now(), Instant::now());
    let mut child = within.spawn().expect("unshare");
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if start.elapsed() > WATCHDOG => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let wall = start.elapsed();
    let (out, err) = (text(&out), text(&err));
    match status {
        Some(status) if status.success() => Run { began, wall, out },
        Some(status) => panic!("{} ended with {status}:\n{out}\n{err}", command.get_program().display()),
        None => panic!(
            "{} did not end within {WATCHDOG:?}:\n{out}\n{err}",
            command.get_program().display()
        ),
    }
}

fn text(file: &Path) -> String {
    let mut bytes = Vec::new();
    let _ = File::open(file).and_then(|mut file| file.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The middle one; zero of none.
pub(crate) fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}
