//! One process, measured: how long it took, and the most memory that it held.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::Result;

/// What one run took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    pub(crate) wall: f64,
    /// Processor time of the process, in the program and in the kernel.
    pub(crate) processor: f64,
    /// The largest resident set, in MB (10^6).
    pub(crate) memory: f64,
}

/// Runs a command to its end. GNU time asks the kernel for what it took: its own memory is small, where that of this
/// process would be counted as the command's.
pub(crate) fn run(scratch: &Path, out: &Path, envs: &[(&str, &Path)], command: &[&str]) -> Result<Run> {
    let told = scratch.join("time");
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-q", "-f", "%U %S %M", "-o"]).arg(&told).args(command);
    timed.envs(envs.iter().copied());
    timed.stdin(Stdio::null()).stdout(File::create(out)?);
    timed.stderr(File::create(scratch.join("stderr"))?);
    let begin = Instant::now();
    let status = timed.status()?;
    let wall = begin.elapsed().as_secs_f64();
    if !status.success() {
        let stderr = std::fs::read_to_string(scratch.join("stderr")).unwrap_or_default();
        return Err(format!("{} ended with {status}: {stderr}", command.join(" ")).into());
    }
    let text = std::fs::read_to_string(&told)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [user, system, kilobytes] = numbers[..] else {
        return Err(format!("GNU time said {text:?}").into());
    };
    Ok(Run {
        wall,
        processor: user + system,
        memory: kilobytes * 1024.0 / 1e6,
    })
}

/// The medians of several runs, each figure for itself.
pub(crate) fn median(runs: &[Run]) -> Run {
    let of = |figure: fn(&Run) -> f64| middle(runs.iter().map(figure).collect());
    Run {
        wall: of(|r| r.wall),
        processor: of(|r| r.processor),
        memory: of(|r| r.memory),
    }
}

/// The middle one of some figures; 0 of none.
pub(crate) fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// The median time of a short command's whole process, started directly.
pub(crate) fn short(program: &Path, arguments: &[&str], times: usize) -> Result<Duration> {
    let mut taken = Vec::new();
    for _ in 0..times {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let begin = Instant::now();
        let status = command.status()?;
        taken.push(begin.elapsed().as_secs_f64());
        if !status.success() {
            return Err(format!("{arguments:?} ended with {status}").into());
        }
    }
    Ok(Duration::from_secs_f64(middle(taken)))
}
