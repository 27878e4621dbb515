//! Time and memory grow with the input and not with its square: each dimension of it is doubled, and neither may grow more than 2.6
//! times. `tests/run long` doubles pairs of dimensions too.

mod made;

use std::process::{Command, Stdio};

use made::Input;

use crate::support::run::program;

/// Twice the input may take so many times as much.
const MOST: f64 = 2.6;
/// From so much processor time on, a figure is more than chance.
const SECONDS: f64 = 0.15;
/// What the program takes whatever the input is, in KB.
const OWN: f64 = 40_000.0;
/// No input of these tests takes so long.
const LONGEST: f64 = 20.0;

/// What one run took: processor time in seconds, and the largest resident set in KB.
#[derive(Debug, Clone, Copy)]
struct Took {
    seconds: f64,
    memory: f64,
}

fn run(manifests: &str) -> Took {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("m.yaml"), manifests).expect("manifests");
    let status = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%U %S %M", "-o"])
        .arg(path("took"))
        .arg(program())
        .args(["status", "-f"])
        .arg(path("m.yaml"))
        .env("XDG_CACHE_HOME", dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("/usr/bin/time (GNU time) asks the kernel what a child took: apt-get install time");
    // 2: some objects cannot be read, which an input may mean.
    assert!(matches!(status.code(), Some(0 | 2)), "{status}");
    let took = std::fs::read_to_string(path("took")).expect("figures");
    let figures: Vec<f64> = took
        .split_whitespace()
        .filter_map(|figure| figure.parse().ok())
        .collect();
    let [user, system, memory] = figures[..] else {
        panic!("GNU time said {took:?}");
    };
    Took {
        seconds: user + system,
        memory,
    }
}

/// Others use the machine too, and not evenly: so often both sizes are measured, in turn, before the growth is believed. What grows with
/// the square never fits, however often it is measured.
const TRIES: usize = 8;

/// Doubles an input from where it takes long enough to be measured, or from its largest size.
fn doubles(name: &str, largest: usize, made: impl Fn(usize) -> String) -> Option<String> {
    let mut size = largest / 16;
    let mut once = run(&made(size));
    while once.seconds < SECONDS && size < largest / 2 {
        size *= 2;
        once = run(&made(size));
    }
    let (small, large) = (made(size), made(size * 2));
    let mut twice = run(&large);
    for _ in 1..TRIES {
        if fits(once, twice) {
            return None;
        }
        once = once.min(run(&small));
        twice = twice.min(run(&large));
    }
    (!fits(once, twice)).then(|| format!("{name}: {size} take {once:?}, twice as many {twice:?}"))
}

fn fits(once: Took, twice: Took) -> bool {
    let seconds = twice.seconds <= once.seconds.max(SECONDS) * MOST;
    let memory = twice.memory - OWN <= (once.memory - OWN).max(OWN / 2.0) * MOST;
    seconds && memory && twice.seconds < LONGEST
}

impl Took {
    fn min(self, other: Self) -> Self {
        Self {
            seconds: self.seconds.min(other.seconds),
            memory: self.memory.min(other.memory),
        }
    }
}

fn all(inputs: &[Input]) {
    let wrong: Vec<String> = inputs
        .iter()
        .filter_map(|(name, largest, made)| doubles(name, *largest, |size| made(size).text()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn twice_the_input_takes_twice_the_time() {
    all(made::USUAL);
}

#[test]
fn pairs_and_what_is_rare_grow_no_faster() {
    if std::env::var_os("KUBECTL_CERTS_LONG").is_some() {
        all(made::RARE);
    }
}
