//! Other processes, and this one.

use std::{
    os::unix::process::CommandExt as _,
    process::{Child, Command},
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};

/// A process that is started with it is the first of a group, which Ctrl-C does not reach.
pub(crate) fn own_group(command: &mut Command) {
    command.process_group(0);
}

/// Ends a process of [`own_group`], and all that it started.
pub(crate) fn end_group(child: &mut Child) {
    if let Some(group) = number(child.id()) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
}

/// Whether there is a process with this number among those that are seen from here.
pub(crate) fn is_running(pid: u32) -> Option<bool> {
    // Another user's process refuses the signal, and is there.
    let answer = test_kill_process(number(pid)?);
    Some(answer != Err(rustix::io::Errno::SRCH))
}

fn number(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Within what numbers of processes can be compared: the boot id and the PID namespace. Empty if the system does not tell.
pub(crate) fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    match (boot.trim(), namespace.to_string_lossy()) {
        ("", _) => String::new(),
        (boot, namespace) => format!("{boot}/{namespace}"),
    }
}

/// When a process was started, in the kernel's ticks since boot: the 22nd field of /proc/PID/stat (proc(5)). The second field
/// may contain anything, including parentheses.
pub(crate) fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    // A zombie has ended, and only waits for its parent.
    let mut fields = rest.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// How much memory this process has, in bytes, where the kernel says so.
pub(crate) fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1_024)
}

/// The name of the machine.
pub(crate) fn host() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_process_is_ended_with_all_that_it_started() {
        let mut command = Command::new("sh");
        own_group(&mut command);
        let mut child = command
            .args(["-c", "sleep 600 & echo $!; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        let started_by_it: u32 = line.trim().parse().unwrap();
        assert_eq!(is_running(started_by_it), Some(true));
        end_group(&mut child);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        // Its end of the pipe is closed when it has ended.
        line.clear();
        assert_eq!(std::io::BufRead::read_line(&mut said, &mut line).unwrap(), 0);
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while started(started_by_it).is_some() {
            assert!(std::time::Instant::now() < until, "it has ended too");
            std::thread::yield_now();
        }
        assert_eq!(is_running(child.id()), Some(false));
    }

    #[test]
    fn the_host_is_what_the_kernel_says() {
        if let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
            assert_eq!(host().as_deref(), Some(name.trim()));
        }
    }
}
