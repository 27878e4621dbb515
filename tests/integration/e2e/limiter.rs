//! The CA with limits that other tests stand on: what it counts is what happened, and it refuses as Let's Encrypt does.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::support::{
    issuing::Issuing,
    limiter::{Counts, Limiter, Outage, Rate, Rates},
    pebble::{DEFAULT, SHORT_LIVES},
    pki::now,
    run::Ran,
    server::curl,
};

/// An issuance by way of a CA with limits.
struct Limited {
    it: Issuing,
    limiter: Limiter,
}

impl Limited {
    fn new(label: &str, change: impl FnOnce(&mut Rates)) -> Self {
        let it = Issuing::new(label);
        let limiter = Limiter::with(&it.pebble, change);
        Self { it, limiter }
    }

    fn certs(&self, args: &[&str]) -> Ran {
        // Whatever the CA said of a renewal is asked anew.
        let cache = tempfile::tempdir().unwrap();
        let call = self.it.call_to(&self.limiter.url, &self.ca_file(), args);
        call.env("XDG_CACHE_HOME", cache.path()).run()
    }

    fn ca_file(&self) -> PathBuf {
        self.limiter.ca_file()
    }

    /// Orders a certificate for a host that nothing is wrong with.
    fn issue(&self, name: &str) -> (String, Ran) {
        let host = self.it.host(name);
        let secret = format!("{name}-tls");
        let ran = self.certs(&["issue", "--secret", &secret, "-d", &host]);
        (host, ran)
    }
}

const ONE: Counts = Counts {
    orders: 1,
    finalizations: 1,
    certificates: 1,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn orders_are_limited_by_account_and_renewals_of_the_same_names_are_not() {
    let world = Limited::new("limiter", |rates| {
        rates.orders = Rate::new(2, Duration::from_hours(2));
        rates.speed = 1;
    });
    let limiter = &world.limiter;
    let mut hosts = Vec::new();
    for name in ["a", "b"] {
        let (host, ran) = world.issue(name);
        assert_eq!(limiter.counts(&[&host]), ONE, "{}", ran.ends_with(0).err);
        hosts.push(host);
    }
    let (third, ran) = world.issue("c");
    let err = ran.ends_with(4).err;
    // When there is a token again: an hour after the first.
    let until = now() + time::Duration::minutes(60);
    let words = "too many new orders (2) from this account in the last 2h0m0s, retry after";
    assert!(
        err.contains("a rate limit is reached until ") && err.contains(words),
        "{err}"
    );
    let hour = |at: time::OffsetDateTime| format!("{}T{:02}:", at.date(), at.hour());
    let spaced = |at: time::OffsetDateTime| format!("{} {:02}:", at.date(), at.hour());
    let near = [until, until - time::Duration::minutes(5)];
    let says = |at: &time::OffsetDateTime| err.contains(&hour(*at)) || err.contains(&spaced(*at));
    assert!(near.iter().any(says), "{err}");
    assert!(err.contains("#new-orders-per-account"), "{err}");
    assert_eq!((limiter.counts(&[&third]), limiter.refused()), (Counts::default(), 1));
    // The same names again, although the account has no order left.
    let ran = world.certs(&["renew", "secret/a-tls"]).ends_with(0);
    let twice = Counts {
        orders: 2,
        finalizations: 2,
        certificates: 2,
    };
    assert_eq!(limiter.counts(&[&hosts[0]]), twice, "{}", ran.err);
    let accounts = limiter.orders_by_account();
    assert_eq!((accounts.len(), accounts[0].1), (1, 3), "{accounts:?}");
    assert_eq!(limiter.all_counts().len(), 2);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn tokens_come_back_a_thousand_times_as_fast() {
    let world = Limited::new("limiter-time", |rates| {
        rates.orders = Rate::new(1, Duration::from_hours(3));
    });
    world.issue("a").1.ends_with(0);
    let begin = Instant::now();
    // Three hours are 10.8 s, for which the program waits as it is told.
    let (host, ran) = world.issue("b");
    let err = ran.ends_with(0).err;
    assert!(err.contains("waits: the CA to accept the order"), "{err}");
    assert!((8..25).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    assert_eq!((world.limiter.refused(), world.limiter.counts(&[&host])), (1, ONE));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_exact_set_is_limited_and_a_replacement_in_its_window_is_exempt() {
    let world = Limited::new("limiter-set", |rates| {
        rates.same_names = Rate::new(2, Duration::from_hours(168));
        rates.speed = 1;
    });
    let limiter = &world.limiter;
    let (host, ran) = world.issue("a");
    ran.ends_with(0);
    world.certs(&["renew", "secret/a-tls"]).ends_with(0);
    let err = world.certs(&["renew", "secret/a-tls"]).ends_with(4).err;
    let words = "too many certificates (2) already issued for this exact set of identifiers in the last 168h0m0s";
    assert!(err.contains(words), "{err}");
    let plan = world.certs(&["renew", "--due", "--dry-run"]).ends_with(0);
    assert!(
        !plan.err.contains("a-tls: due"),
        "half of its life is ahead: {}",
        plan.err
    );
    // The CA wants it replaced. The program chooses a moment in the window, which has passed but for one in 100,000.
    let at = now().unix_timestamp();
    limiter.suggest(Some((at - 10_000_000, at + 100)));
    let ran = world.certs(&["renew", "--due"]).ends_with(0);
    assert_eq!(limiter.counts(&[&host]).certificates, 3, "{}", ran.err);
    limiter.suggest(None);
    // It counts towards nothing, and takes nothing away that is counted.
    let err = world.certs(&["renew", "secret/a-tls"]).ends_with(4).err;
    assert!(err.contains(words), "{err}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn failed_validations_are_limited_by_name() {
    let world = Limited::new("limiter-fail", |rates| {
        rates.failures = Rate::new(1, Duration::from_hours(1));
        rates.speed = 1;
    });
    // The name leads to where nobody answers.
    let host = world.it.ns.host("nobody");
    world.it.resolver.host(&host, &["10.99.0.99"]);
    let args = ["issue", "--secret", "x-tls", "-d", &host, "--self-check", "off"];
    let first = world.certs(&args).ends_with(4);
    assert!(!first.err.contains("rate limit"), "{}", first.err);
    let err = world.certs(&args).ends_with(4).err;
    assert!(
        err.contains("too many failed authorizations (1) for"),
        "{err}\n{}",
        first.err
    );
    assert_eq!(world.limiter.counts(&[&host]).certificates, 0);
    world.issue("other").1.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_ca_is_out_of_order_when_it_is_told_to_be() {
    let world = Limited::new("limiter-out", |_| {});
    let limiter = &world.limiter;
    for outage in [Outage::Unavailable, Outage::Refuse] {
        limiter.outage(Some(outage));
        let begin = Instant::now();
        let (host, ran) = world.issue("a");
        ran.ends_with(4);
        assert_eq!(limiter.counts(&[&host]), Counts::default());
        let asked = limiter.requests(begin, "/dir");
        assert_eq!(asked.is_empty(), outage == Outage::Refuse, "{asked:?}");
    }
    limiter.outage(Some(Outage::Hang));
    let ca = world.ca_file();
    let hung = curl(&["--cacert", ca.to_str().unwrap(), "--max-time", "1", &limiter.url]);
    assert!(hung.is_err_and(|error| error.contains("timed out")));
    limiter.outage(None);
    let begin = Instant::now();
    world.issue("a").1.ends_with(0);
    assert_eq!(limiter.requests(begin, limiter.new_order_path()).len(), 1);
    assert!(limiter.requests(Instant::now(), "/").is_empty());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_life_of_seconds_is_due_in_the_window_that_the_ca_names() {
    let it = Issuing::with("limiter-life", |options| {
        options.profiles = vec![DEFAULT, SHORT_LIVES[1]];
    });
    let limiter = Limiter::of(&it.pebble);
    let world = Limited { it, limiter };
    let host = world.it.host("a");
    let args = ["issue", "--secret", "a-tls", "-d", &host, "--profile", SHORT_LIVES[1].0];
    world.certs(&args).ends_with(0);
    let leaf = world.it.leaf("a-tls").certificate;
    let life = leaf.not_after + 1 - leaf.not_before;
    assert_eq!(life, 200);
    let secret = world.it.secret("a-tls");
    let noted = secret["metadata"]["annotations"]["kubectl-certs/renewal-window"].as_str();
    let start = kubectl_certs::text::date_time(leaf.not_before + 100);
    let end = kubectl_certs::text::date_time(leaf.not_before + 104);
    assert_eq!(noted, Some(format!("{start}/{end}").as_str()));
}
