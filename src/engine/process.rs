//! Identifies this process, so that others can tell whether it is still running.

use std::fmt;

use crate::system::{place, started};

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
            began: started(pid).unwrap_or(0),
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
        !self.place.is_empty() && self.place == place() && self.began != 0 && started(self.pid) != Some(self.began)
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.place, self.pid, self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_os = "linux", not(portable_system)))] // /proc
    #[test]
    fn this_process_is_alive_and_one_that_has_ended_is_not() {
        let this = Process::this();
        assert_eq!(Process::parse(&this.to_string()), Some(this.clone()));
        assert!(!this.has_ended());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other = Process {
            pid: child.id(),
            began: started(child.id()).unwrap(),
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
