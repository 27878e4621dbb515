//! Certificates that live for minutes, kept by the controller behind a CA with limits while somebody looks at them each
//! second: what a year of renewals does, in a small part of the time.

use std::time::{Duration, Instant};

use super::{
    controller::{self, Way, asking, call_by, resume},
    eventually_within,
    issuing::{Issuing, NODE},
    limiter::{Counts, Limiter},
    pebble::DEFAULT,
    watcher::{Gap, Watcher},
};

/// How many share a registered domain, for which Let's Encrypt issues fifty new certificates at once.
const OF_A_DOMAIN: usize = 20;
/// Orders beyond those of the schedule: 2 %.
const BEYOND: f64 = 1.02;

/// How many there are, how long they live, and how long they are kept.
pub(crate) struct Lives {
    pub(crate) count: usize,
    /// The profile, of those that a Pebble has, and its lifetime in seconds.
    pub(crate) profile: (&'static str, u64),
    pub(crate) lasts: Duration,
}

/// What became of them.
pub(crate) struct Kept {
    pub(crate) gaps: Vec<Gap>,
    /// How often each host was looked at, at least.
    pub(crate) looks: usize,
    /// How many certificates each host has shown, at least.
    pub(crate) fewest: usize,
    /// By set of names.
    pub(crate) orders: Vec<(String, Counts)>,
    /// How many orders a certificate may have had.
    pub(crate) allowed: usize,
    /// How many orders were refused because of a limit.
    pub(crate) refused: usize,
    /// What the controller said of what did not go well.
    pub(crate) trouble: Vec<String>,
}

impl Kept {
    /// The most orders that a certificate had.
    pub(crate) fn most(&self) -> usize {
        self.orders
            .iter()
            .map(|(_, counts)| counts.orders)
            .max()
            .unwrap_or_default()
    }
}

/// Keeps them in a namespace that has the cluster to itself.
pub(crate) fn keep(label: &str, lives: &Lives) -> Kept {
    let ns = super::cluster::Namespace::alone(label);
    let it = Issuing::within(ns, |options| options.profiles = vec![DEFAULT, lives.profile]);
    let limiter = Limiter::of(&it.pebble);
    let way = Way::by(&limiter);
    controller::installed_by(&it, &way);
    resume(&it);
    let running = call_by(&it, &way, &["--profile", lives.profile.0]).start();
    running.out.after(0, &["\"event\":\"leads\""]);
    let host = |n: usize| format!("h{n}.d{}-{}.example", n / OF_A_DOMAIN, it.ns.name);
    let hosts: Vec<String> = (0..lives.count).map(host).collect();
    it.resolver.hosts(&hosts, NODE);
    let watcher = Watcher::of(&hosts);
    let begin = Instant::now();
    let routes = hosts.iter().enumerate();
    it.ns
        .apply(routes.map(|(n, host)| asking(&format!("h{n}"), &[host])).collect());
    // Traefik writes the status of a few new Ingresses a second, and serves nothing new meanwhile.
    let patience = Duration::from_mins(1) + Duration::from_millis(400) * u32::try_from(lives.count).unwrap();
    eventually_within(patience, "everything being served", || {
        let served = watcher.served();
        if served == lives.count {
            Ok(())
        } else {
            Err(format!("{served} of {}: {:?}", lives.count, bad(&running.out.all())))
        }
    });
    std::thread::sleep(lives.lasts.saturating_sub(begin.elapsed()));
    let lasted = begin.elapsed().as_secs_f64();
    let fewest = hosts
        .iter()
        .map(|host| watcher.shown(host).len())
        .min()
        .unwrap_or_default();
    let (gaps, looks) = watcher.end();
    #[allow(clippy::cast_precision_loss)] // Seconds.
    let halves = lasted / (lives.profile.1 as f64 / 2.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A small positive number.
    let allowed = (BEYOND * (halves + 1.0)) as usize;
    Kept {
        gaps,
        looks,
        fewest,
        orders: limiter.all_counts(),
        allowed,
        refused: limiter.refused(),
        trouble: bad(&running.out.all()),
    }
}

fn bad(lines: &[String]) -> Vec<String> {
    let words = [
        "\"event\":\"failed\"",
        "\"event\":\"ca-down\"",
        "\"event\":\"held\"",
        "\"level\":\"error\"",
    ];
    let is_bad = |line: &&String| words.iter().any(|word| line.contains(word));
    lines.iter().filter(is_bad).cloned().collect()
}
