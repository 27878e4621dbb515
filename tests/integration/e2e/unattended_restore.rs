//! A Secret that loses its pair gets it back from the kept pair: nothing is ordered for it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kubectl_certs::x509::Fingerprint;
use serde_json::json;

use crate::support::{
    controller::{self, Way},
    eventually,
    issuing::Issuing,
    limiter::{Limiter, Outage},
    pki::Pki,
    tls,
};

/// How long a host may be without its certificate.
const BACK: Duration = Duration::from_secs(2);
/// Each look costs a kubectl.
const LOOK: Duration = Duration::from_millis(700);

/// Looks at what Traefik shows for a host until it ends.
struct Looking {
    /// The times in which it showed another certificate than this one, or none.
    gaps: Arc<Mutex<Vec<Duration>>>,
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Looking {
    fn at(host: &str, sha256: &str) -> Self {
        let (gaps, over) = (Arc::<Mutex<Vec<Duration>>>::default(), Arc::<AtomicBool>::default());
        let (host, sha256) = (host.to_owned(), sha256.to_owned());
        let (all, ends) = (Arc::clone(&gaps), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            let mut since: Option<Instant> = None;
            loop {
                let is_it = tls::served(&host).is_ok_and(|leaf| Fingerprint::of(&leaf).to_string() == sha256);
                if let Some(began) = since.filter(|_| is_it) {
                    all.lock().unwrap().push(began.elapsed());
                    since = None;
                } else if !is_it {
                    since = since.or(Some(Instant::now()));
                }
                if ends.load(Ordering::Relaxed) && since.is_none() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { gaps, over, thread }
    }

    /// Ends once it is served. All gaps.
    #[track_caller]
    fn end(self, host: &str) -> Vec<Duration> {
        self.over.store(true, Ordering::Relaxed);
        eventually(&format!("{host} being served"), || {
            if self.thread.is_finished() {
                Ok(())
            } else {
                Err(format!("{:?}", self.gaps.lock()))
            }
        });
        self.thread.join().unwrap();
        self.gaps.lock().unwrap().clone()
    }
}

/// Waits until the Secret has this certificate with its own key again.
#[track_caller]
fn until_back(it: &Issuing, sha256: &str, what: &str) {
    let began = Instant::now();
    eventually(&format!("the pair to be back after {what}"), || {
        let found = it.ns.kubectl(&[
            "get",
            "secret",
            "shop-tls",
            "--ignore-not-found",
            "-o",
            "jsonpath={.data.tls\\.crt}",
        ]);
        if found.is_empty() {
            return Err("there is no pair".to_owned());
        }
        let leaf = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| it.leaf("shop-tls")))
            .map_err(|_| "it does not parse".to_owned())?;
        if leaf.key_matches && leaf.sha256() == sha256 {
            Ok(())
        } else {
            Err(format!("{} {}", leaf.key_matches, leaf.sha256()))
        }
    });
    assert!(began.elapsed() < BACK + LOOK, "{what}: {:?}", began.elapsed());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_that_is_deleted_or_spoilt_gets_its_pair_back_without_an_order_and_a_good_one_of_another_stays() {
    let it = Issuing::new("restore");
    let host = it.host("shop");
    let running = controller::controller(&it);
    controller::resume(&it);
    it.ns.apply(vec![controller::asking("shop", &[&host])]);
    controller::until_stored(&it, "shop-tls", &[&host], &running);
    running.out.after(0, &["\"event\":\"done\""]);
    let sha256 = it.leaf("shop-tls").sha256();
    let is_served = || tls::served(&host).is_ok_and(|leaf| Fingerprint::of(&leaf).to_string() == sha256);
    eventually("the host being served", || {
        if is_served() { Ok(()) } else { Err("another".to_owned()) }
    });
    let looking = Looking::at(&host, &sha256);
    for number in 0..20 {
        it.ns.kubectl(&["delete", "secret", "shop-tls"]);
        until_back(&it, &sha256, &format!("deletion {number}"));
    }
    let other = Pki::new().pair(&[&host]);
    let patch = |data: serde_json::Value| {
        let patch = json!({"data": null, "stringData": data}).to_string();
        it.ns
            .kubectl(&["patch", "secret", "shop-tls", "--type=merge", "-p", &patch]);
    };
    let stored = it.leaf("shop-tls").pem;
    patch(json!({"tls.crt": "nonsense", "tls.key": "nonsense"}));
    until_back(&it, &sha256, "nonsense");
    patch(json!({"tls.crt": stored, "tls.key": other.key}));
    until_back(&it, &sha256, "another key");
    let gaps = looking.end(&host);
    assert!(gaps.iter().all(|gap| *gap <= BACK), "{gaps:?}");
    let log = it.pebble.log();
    assert_eq!(log.matches("POST /order-plz").count(), 1, "{log}");
    // A good pair that is not ours is somebody's own.
    patch(json!({"tls.crt": other.chain, "tls.key": other.key}));
    std::thread::sleep(Duration::from_secs(3));
    assert_ne!(it.leaf("shop-tls").sha256(), sha256);
    let log = it.pebble.log();
    assert_eq!(log.matches("POST /order-plz").count(), 1, "{log}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_secret_that_is_lost_while_the_ca_hangs_gets_its_pair_back_at_once() {
    let it = Issuing::new("restore-hung");
    let limiter = Limiter::of(&it.pebble);
    let way = Way::by(&limiter);
    controller::installed_by(&it, &way);
    let host = it.host("shop");
    let running = controller::call_by(&it, &way, &[]).start();
    controller::resume(&it);
    it.ns.apply(vec![controller::asking("shop", &[&host])]);
    controller::until_stored(&it, "shop-tls", &[&host], &running);
    running.out.after(0, &["\"event\":\"done\""]);
    let sha256 = it.leaf("shop-tls").sha256();
    running.signal("-TERM");
    running.end();
    // Another one does not know whether the CA answers, asks it for another certificate, and waits for up to 20 s.
    limiter.outage(Some(Outage::Hang));
    let running = controller::call_by(&it, &way, &[]).start();
    running.out.after(0, &["\"event\":\"leads\""]);
    let asked = Instant::now();
    it.ns.apply(vec![controller::asking("other", &[&it.host("other")])]);
    eventually("the CA being asked", || {
        let asked = limiter.requests(asked, "/dir");
        (!asked.is_empty()).then_some(()).ok_or_else(String::new)
    });
    for number in 0..3 {
        it.ns.kubectl(&["delete", "secret", "shop-tls"]);
        until_back(&it, &sha256, &format!("deletion {number}"));
    }
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "the CA still hangs: {:?}",
        asked.elapsed()
    );
    assert!(controller::lines(&running, &["\"event\":\"ca-down\""]).is_empty());
    assert_eq!(limiter.counts(&[&host]).orders, 1);
}
