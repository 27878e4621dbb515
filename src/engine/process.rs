//! Identifies this process, so that others can tell whether it is still running.

use std::fmt;

/// A process, distinct from every other that ever had its number on the same machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The boot id of the machine and the PID namespace. Processes in other namespaces cannot judge this one.
    place: String,
    /// Its number in that namespace.
    pid: u32,
    /// When it was started, in the kernel's ticks since boot; 0 if that cannot be known.
    began: u64,
}

impl Process {
    /// The current process.
    pub fn this() -> Self {
        let pid = std::process::id();
        Self {
            place: place(),
            pid,
            began: began(pid).unwrap_or(0),
        }
    }

    /// Reads the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, ' ');
        let began = parts.next()?.parse().ok()?;
        let pid = parts.next()?.parse().ok()?;
        Some(Self {
            place: parts.next()?.to_owned(),
            pid,
            began,
        })
    }

    /// Whether it has certainly ended: it belongs to this place and no longer exists. A process elsewhere may be alive.
    pub fn has_ended(&self) -> bool {
        !self.place.is_empty() && self.place == place() && self.began != 0 && began(self.pid) != Some(self.began)
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.place, self.pid, self.began)
    }
}

/// The boot id and the PID namespace; empty if the system does not tell.
fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    match (boot.trim(), namespace.to_string_lossy()) {
        ("", _) => String::new(),
        (boot, namespace) => format!("{boot}/{namespace}"),
    }
}

/// The start time: the 22nd field of /proc/PID/stat (proc(5)). The second field may contain anything, including
/// parentheses.
fn began(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    // A zombie has ended, and only waits for its parent.
    let mut fields = rest.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_one_that_has_ended_is_not() {
        let this = Process::this();
        assert_eq!(Process::parse(&this.to_string()), Some(this.clone()));
        assert!(!this.has_ended());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other = Process {
            pid: child.id(),
            began: began(child.id()).unwrap(),
            ..this.clone()
        };
        assert!(!other.has_ended());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(other.has_ended());
        let elsewhere = Process {
            place: "another boot/pid:[1]".into(),
            ..other
        };
        assert!(!elsewhere.has_ended(), "nothing is known of another machine");
    }
}
