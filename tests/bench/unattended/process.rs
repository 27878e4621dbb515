//! What the kernel says of a controller, and what the controller says of its requests.

use std::fs;

use crate::support::run::Running;

/// Memory of a process in MB (10^6): `VmRSS`, `VmHWM`.
pub(crate) fn memory(running: &Running, what: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(what)).expect(what);
    let kibibytes: f64 = line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().unwrap();
    kibibytes * 1_024.0 / 1e6
}

/// How much processor time a process has taken so far, in seconds.
pub(crate) fn processor(running: &Running) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/stat", running.pid())).unwrap();
    // The name of the program, in brackets, may hold spaces.
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    // Linux tells of hundredths of a second, whatever its own clock.
    ticks / 100.0
}

/// How much time the processors of the machine have had so far, and how much of it they were idle, in the kernel's ticks.
pub(crate) fn idle() -> (f64, f64) {
    let text = fs::read_to_string("/proc/stat").unwrap();
    let all: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split(' ')
        .filter_map(|field| field.parse().ok())
        .collect();
    (all.iter().sum(), all[3] + all[4])
}

/// Has the kernel forget the most memory that it saw.
pub(crate) fn forget_peak(running: &Running) {
    fs::write(format!("/proc/{}/clear_refs", running.pid()), "5").unwrap();
}

/// One request of the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With its parameters.
    pub(crate) path: String,
    /// The status of the answer; `None` if there was none.
    pub(crate) status: Option<u16>,
}

impl Request {
    fn of(line: &str) -> Option<Self> {
        let (before, rest) = line.split_once(" http").or_else(|| line.split_once(" https"))?;
        let method = before.rsplit(' ').next()?;
        let (_, rest) = rest.split_once("://")?;
        let (url, answer) = rest.split_once(' ').unwrap_or((rest, ""));
        let path = url.find('/').map_or("/", |at| &url[at..]);
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            status: answer.split(' ').next().and_then(|word| word.parse().ok()),
        })
    }

    pub(crate) fn is_of_cluster(&self) -> bool {
        self.path.starts_with("/api/") || self.path.starts_with("/apis")
    }

    pub(crate) fn is_write(&self) -> bool {
        self.is_of_cluster() && ["POST", "PUT", "PATCH", "DELETE"].contains(&self.method.as_str())
    }

    /// Whether the server has done what was asked.
    pub(crate) fn is_done(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether it is about all objects of a kind, and not about one of them.
    pub(crate) fn lists(&self, resource: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        self.method == "GET" && path.ends_with(&format!("/{resource}"))
    }

    pub(crate) fn is_of(&self, resource: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        path.split('/').any(|part| part == resource)
    }
}

/// The requests since a mark of standard error.
pub(crate) fn requests(running: &Running, mark: usize) -> Vec<Request> {
    let lines = running.err.all();
    lines.iter().skip(mark).filter_map(|line| Request::of(line)).collect()
}

/// How many lines of the audit tell of an event.
pub(crate) fn count(running: &Running, event: &str) -> usize {
    running.out.count(&format!("\"event\":\"{event}\""))
}
