//! The metrics, made anew from a picture each time: what is gone leaves no series behind.
//!
//! Their number does not grow with the certificates: by name there are only those that are the worst.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry},
};

use super::described::{self, Described};
use crate::{
    controller::state::{Snapshot, Stage},
    object::{Key, Seconds},
};

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

fn put(all: &mut Registry, of: &Described, metric: impl Metric) {
    all.register(of.name, of.help, metric);
}

fn gauge(all: &mut Registry, of: &Described, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    put(all, of, gauge);
}

fn process(all: &mut Registry, began: Seconds) {
    let build: Of<Gauge> = Family::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    build.get_or_create(&version).set(1);
    put(all, &described::BUILD_INFO, build);
    gauge(all, &described::BEGAN, began);
    if let Some(bytes) = crate::system::resident() {
        gauge(all, &described::MEMORY, bytes);
    }
}

fn account(all: &mut Registry, has_account: bool) {
    gauge(all, &described::ACCOUNT_MISSING, i64::from(!has_account));
}

fn standing(all: &mut Registry, of: &Snapshot) {
    gauge(all, &described::LEADER, i64::from(of.leads));
    gauge(all, &described::ORDERS_ALLOWED, i64::from(of.orders));
    gauge(all, &described::PAUSED, i64::from(of.paused_since.is_some()));
    if let Some(since) = of.paused_since {
        gauge(all, &described::PAUSED_SINCE, since);
    }
    let up: Of<Gauge> = Family::default();
    up.get_or_create(&vec![("issuer", of.issuer.clone())])
        .set(i64::from(of.ca_down_since.is_none()));
    for other in &of.others {
        let labels = vec![("issuer", other.name.clone())];
        up.get_or_create(&labels).set(i64::from(other.down_since.is_none()));
    }
    put(all, &described::CA_UP, up);
    if !of.others.is_empty() {
        others(all, of);
    }
    gauge(all, &described::JUDGED, of.judged_at);
}

fn others(all: &mut Registry, of: &Snapshot) {
    gauge(all, &described::NO_OTHER_CA, number(of.bound));
    let (at, passed): (Of<Gauge>, Of<Gauge>) = (Family::default(), Family::default());
    for other in &of.others {
        let Some(rehearsal) = &other.rehearsal else { continue };
        let labels = vec![("issuer", other.name.clone())];
        at.get_or_create(&labels).set(rehearsal.at);
        passed.get_or_create(&labels).set(i64::from(rehearsal.failed.is_none()));
    }
    put(all, &described::REHEARSED, at);
    put(all, &described::REHEARSAL_PASSED, passed);
}

fn certificates(all: &mut Registry, of: &Snapshot) {
    let overview = &of.certificates;
    let failing: Of<Gauge> = Family::default();
    for (times, count) in ["1", "2", "3", "4+"].into_iter().zip(overview.failing) {
        failing.get_or_create(&vec![("times", times.to_owned())]).set(count);
    }
    let lives = Histogram::new(LIVES);
    for left in &overview.lives {
        lives.observe(*left);
    }
    let counted: Of<Gauge> = Family::default();
    for ((state, reason, elsewhere), count) in &overview.kinds {
        let issuer = elsewhere.as_deref().unwrap_or(&of.issuer);
        let labels = vec![
            ("state", (*state).to_owned()),
            ("reason", reason.to_string()),
            ("issuer", issuer.to_owned()),
        ];
        counted.get_or_create(&labels).set(*count);
    }
    put(all, &described::CERTIFICATES, counted);
    put(all, &described::LIFE_LEFT, lives);
    put(all, &described::FAILURES, failing);
    gauge(all, &described::NOT_SERVED, number(overview.not_served));
    gauge(all, &described::WITHOUT_NAMES, number(overview.without_names));
}

/// The worst by name.
fn worst(all: &mut Registry, of: &Snapshot) {
    let name = |secret: &Key| -> Labels {
        vec![
            ("namespace", secret.namespace.to_string()),
            ("secret", secret.name.to_string()),
        ]
    };
    let expiry: Of<Gauge> = Family::default();
    for (end, secret) in &of.certificates.first_to_end {
        expiry.get_or_create(&name(secret)).set(*end);
    }
    put(all, &described::EXPIRY, expiry);
    let lives: Of<Float> = Family::default();
    for (share, secret, state) in &of.certificates.least_left {
        let mut labels = name(secret);
        labels.push(("state", (*state).to_owned()));
        lives.get_or_create(&labels).set(*share);
    }
    put(all, &described::LIFE_LEFT_WORST, lives);
}

fn orders(all: &mut Registry, of: &Snapshot) {
    let results: Of<Counter> = Family::default();
    for (result, count) in &of.results {
        let counter = results.get_or_create_owned(&vec![("result", (*result).to_owned())]);
        counter.inner().store(*count, Ordering::Relaxed);
    }
    put(all, &described::ORDERS, results);
    let missed: Counter = Counter::default();
    missed.inner().store(of.missed, Ordering::Relaxed);
    put(all, &described::DEADLINE_MISSED, missed);
    let (left, burst): (Of<Gauge>, Of<Gauge>) = (Family::default(), Family::default());
    let of_others = of
        .others
        .iter()
        .flat_map(|other| other.limits.iter().map(move |limit| (&other.name, limit)));
    for (issuer, limit) in of.limits.iter().map(|limit| (&of.issuer, limit)).chain(of_others) {
        let labels = vec![
            ("limit", limit.of.word().to_owned()),
            ("of", limit.of.which().to_owned()),
            ("issuer", issuer.clone()),
        ];
        left.get_or_create(&labels).set(limit.left);
        burst.get_or_create(&labels).set(limit.limit.burst());
    }
    put(all, &described::LIMIT_REMAINING, left);
    put(all, &described::LIMIT_BURST, burst);
}
