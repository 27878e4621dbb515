//! The metrics, made anew from a picture each time: what is gone leaves no series behind.
//!
//! Their number does not grow with the certificates: by name there are only those that are the worst.

use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{
    controller::state::{CertificateState, Snapshot, Stage},
    object::Seconds,
};

/// How many certificates are told of by name.
const WORST: usize = 50;
/// The upper ends of the parts into which lives are divided.
const LIVES: [f64; 9] = [0.0, 0.01, 0.05, 0.1, 0.2, 0.33, 0.5, 0.67, 1.0];

/// What metrics are made of.
pub(super) struct Metrics<'a> {
    /// How far the controller has come.
    pub(super) stage: Stage,
    /// How everything stands, once it does.
    pub(super) snapshot: Option<&'a Snapshot>,
    /// When the process began.
    pub(super) began: Seconds,
}

type Labels = Vec<(&'static str, String)>;
type Of<T> = Family<Labels, T>;
type Float = Gauge<f64, AtomicU64>;

impl Metrics<'_> {
    /// All metrics as `OpenMetrics`.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut all = Registry::default();
        process(&mut all, self.began);
        // Before it is known, nothing is said of it: 0 would be an answer.
        match (self.stage, self.snapshot) {
            (Stage::WithoutAccount, _) => account(&mut all, false),
            (_, Some(snapshot)) => {
                account(&mut all, snapshot.has_account);
                standing(&mut all, snapshot);
                certificates(&mut all, snapshot);
                worst(&mut all, snapshot);
                orders(&mut all, snapshot);
            }
            (_, None) => {}
        }
        let mut text = String::new();
        encode(&mut text, &all)?;
        Ok(text)
    }
}

fn number(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn gauge(all: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    all.register(name, help, gauge);
}

fn process(all: &mut Registry, began: Seconds) {
    let build: Of<Gauge> = Family::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    build.get_or_create(&version).set(1);
    all.register("certs_build_info", "The version of the program, as a label", build);
    gauge(
        all,
        "process_start_time_seconds",
        "When the process began, in seconds since 1970",
        began,
    );
    if let Some(bytes) = crate::system::resident() {
        gauge(
            all,
            "process_resident_memory_bytes",
            "How much memory the process has",
            bytes,
        );
    }
}

fn account(all: &mut Registry, has_account: bool) {
    gauge(
        all,
        "certs_account_missing",
        "Whether there is no account, so that nothing is ordered",
        i64::from(!has_account),
    );
}

fn standing(all: &mut Registry, of: &Snapshot) {
    gauge(all, "certs_leader", "Whether this replica orders", i64::from(of.leads));
    gauge(
        all,
        "certs_orders_allowed",
        "Whether somebody has told it to order, and nobody to pause",
        i64::from(of.orders),
    );
    gauge(
        all,
        "certs_paused",
        "Whether somebody has paused it",
        i64::from(of.paused_since.is_some()),
    );
    if let Some(since) = of.paused_since {
        gauge(
            all,
            "certs_paused_since_timestamp_seconds",
            "Since when it is paused; absent if it is not",
            since,
        );
    }
    let up: Of<Gauge> = Family::default();
    up.get_or_create(&vec![("issuer", of.issuer.clone())])
        .set(i64::from(of.ca_down_since.is_none()));
    all.register("ca_up", "Whether the CA answers, as far as orders have shown", up);
    gauge(
        all,
        "certs_last_full_judgement_timestamp_seconds",
        "When everything was last judged",
        of.judged_at,
    );
}

fn certificates(all: &mut Registry, of: &Snapshot) {
    let counted: Of<Gauge> = Family::default();
    let failing: Of<Gauge> = Family::default();
    let lives = Histogram::new(LIVES);
    for times in ["1", "2", "3", "4+"] {
        let _ = failing.get_or_create(&vec![("times", times.to_owned())]);
    }
    let (mut not_served, mut without) = (0, 0);
    // Labels are made once for each kind, and not for each certificate.
    let mut kinds: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for certificate in &of.certificates {
        *kinds
            .entry((certificate.state, certificate.reason.as_str()))
            .or_default() += 1;
        if certificate.state != "Held"
            && let Some(left) = certificate.life_left(of.at)
        {
            lives.observe(left);
        }
        let times = match certificate.failures {
            0 => None,
            1 => Some("1"),
            2 => Some("2"),
            3 => Some("3"),
            _ => Some("4+"),
        };
        if let Some(times) = times {
            failing.get_or_create(&vec![("times", times.to_owned())]).inc();
        }
        not_served += usize::from(certificate.after.is_some());
        without += usize::from(certificate.without.is_some());
    }
    for ((state, reason), count) in kinds {
        let labels = vec![
            ("state", state.to_owned()),
            ("reason", reason.to_owned()),
            ("issuer", of.issuer.clone()),
        ];
        counted.get_or_create(&labels).set(count);
    }
    all.register(
        "certs_certificates",
        "Secrets for which routes ask, by state, by why they are wanted or held, and by issuer",
        counted,
    );
    all.register(
        "certs_life_left_ratio",
        "The share of its life that each kept certificate has left, now; not a count over time",
        lives,
    );
    all.register(
        "certs_failures",
        "Certificates whose last orders failed, by how many in a row",
        failing,
    );
    gauge(
        all,
        "certs_not_served",
        "Certificates that are stored, and a restart or the look at what is served failed",
        number(not_served),
    );
    gauge(
        all,
        "certs_without_names",
        "Certificates that were issued without new names that failed",
        number(without),
    );
}

/// The worst by name.
fn worst(all: &mut Registry, of: &Snapshot) {
    let kept = || of.certificates.iter().filter(|certificate| certificate.state != "Held");
    let name = |certificate: &CertificateState| -> Labels {
        vec![
            ("namespace", certificate.secret.namespace.to_string()),
            ("secret", certificate.secret.name.to_string()),
        ]
    };
    let mut ends: Vec<(Seconds, &CertificateState)> = kept().filter_map(|it| Some((it.not_after?, it))).collect();
    ends.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.secret.cmp(&b.1.secret)));
    let expiry: Of<Gauge> = Family::default();
    for (end, certificate) in ends.into_iter().take(WORST) {
        expiry.get_or_create(&name(certificate)).set(end);
    }
    all.register(
        "certs_expiry_timestamp_seconds",
        "When certificates end, of the 50 that end first",
        expiry,
    );
    let mut left: Vec<(f64, &CertificateState)> = kept().filter_map(|it| Some((it.life_left(of.at)?, it))).collect();
    left.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.secret.cmp(&b.1.secret)));
    let lives: Of<Float> = Family::default();
    for (share, certificate) in left.into_iter().take(WORST) {
        let mut labels = name(certificate);
        labels.push(("state", certificate.state.to_owned()));
        lives.get_or_create(&labels).set(share);
    }
    all.register(
        "certs_life_left_worst_ratio",
        "The share of their life that certificates have left, of the 50 that have the least",
        lives,
    );
}

fn orders(all: &mut Registry, of: &Snapshot) {
    let results: Of<Counter> = Family::default();
    for (result, count) in &of.results {
        let counter = results.get_or_create_owned(&vec![("result", (*result).to_owned())]);
        counter.inner().store(*count, Ordering::Relaxed);
    }
    all.register("certs_orders", "Orders that have ended, by how", results);
    let missed: Counter = Counter::default();
    missed.inner().store(of.missed, Ordering::Relaxed);
    all.register(
        "certs_deadline_missed",
        "Certificates that have ended without being renewed",
        missed,
    );
    let (left, burst): (Of<Gauge>, Of<Gauge>) = (Family::default(), Family::default());
    for limit in &of.limits {
        let labels = vec![
            ("limit", limit.of.word().to_owned()),
            ("of", limit.of.which().to_owned()),
            ("issuer", of.issuer.clone()),
        ];
        left.get_or_create(&labels).set(limit.left);
        burst.get_or_create(&labels).set(limit.limit.burst());
    }
    all.register(
        "certs_limit_remaining",
        "How much of a limit of the CA is left, by what is known here; of the account, and the worst of the others",
        left,
    );
    all.register("certs_limit_burst", "How much a limit of the CA permits at once", burst);
}
