//! A press of TAB: what the whole process takes from its start until the shell has its answer, the longest of some.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Result, say};

/// What the presses took, and how many names came.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tab {
    /// Nothing is kept.
    pub(crate) first: (Duration, usize),
    /// The process beside has read on.
    pub(crate) second: (Duration, usize),
    /// The server takes connections and says nothing.
    pub(crate) stalled: (Duration, usize),
}

/// What one press took, and how many names it brought.
fn press(program: &Path, cache: &Path, more: &[&str]) -> Result<(Duration, usize)> {
    let mut command = Command::new(program);
    command.args(["complete", "--", "renew", "-A"]).args(more).arg("");
    command
        .env("XDG_CACHE_HOME", cache)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let begin = Instant::now();
    let output = command.output()?;
    let took = begin.elapsed();
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let names = lines.filter(|line| !line.is_empty() && !line.starts_with(b":"));
    Ok((took, names.count()))
}

/// Presses so often, each time with an empty cache at first.
pub(crate) fn measure(program: &Path, scratch: &Path, rounds: usize) -> Result<Tab> {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let server = format!("http://{}", silent.local_addr()?);
    let mut tab = Tab::default();
    for round in 0..rounds {
        let cache = scratch.join(format!("tab-{round}"));
        fs::create_dir_all(&cache)?;
        let longer = |one: &mut (Duration, usize), other: (Duration, usize)| *one = (*one).max(other);
        longer(&mut tab.first, press(program, &cache, &[])?);
        let until = Instant::now() + Duration::from_secs(40);
        while reading(&cache) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        longer(&mut tab.second, press(program, &cache, &[])?);
        longer(&mut tab.stalled, press(program, &cache, &["--server", &server])?);
        fs::remove_dir_all(&cache)?;
    }
    say(&format!("TAB: {tab:?}"));
    Ok(tab)
}

/// Whether somebody reads on.
fn reading(cache: &Path) -> bool {
    let files = fs::read_dir(cache.join("kubectl-certs").join("names"));
    let mut files = files.into_iter().flatten().flatten();
    files.any(|file| file.path().extension().is_some_and(|end| end == "reading"))
}
