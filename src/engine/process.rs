//! This process, as others can tell whether it is still there.

use std::fmt;

/// A process, told apart from every other that ever had its number on the same machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The machine's boot and the PID namespace: whoever sees others knows nothing of the process.
    place: String,
    /// Its number there.
    pid: u32,
    /// When it began, in the kernel's ticks since boot; 0 where that cannot be known.
    began: u64,
}

impl Process {
    /// This one.
    pub fn this() -> Self {
        let pid = std::process::id();
        Self {
            place: place(),
            pid,
            began: began(pid).unwrap_or(0),
        }
    }

    /// Reads what [`fmt::Display`] wrote.
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

    /// Whether it has surely ended: it was of this place, and is not there any more. What runs elsewhere may be alive.
    pub fn has_ended(&self) -> bool {
        !self.place.is_empty() && self.place == place() && self.began != 0 && began(self.pid) != Some(self.began)
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.place, self.pid, self.began)
    }
}

/// The boot and the PID namespace; empty where the system does not say.
fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    match (boot.trim(), namespace.to_string_lossy()) {
        ("", _) => String::new(),
        (boot, namespace) => format!("{boot}/{namespace}"),
    }
}

/// The 22nd field of /proc/PID/stat (proc(5)); the second may hold anything, parentheses too.
fn began(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    // A zombie has ended, and only waits to be counted.
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
