//! An installation with two CAs and a test environment of the second one: three Pebbles, of which the first is behind what
//! limits and may be away.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    cluster::Namespace,
    controller::{asking, lines, resume},
    eventually_within,
    issuing::{Issuing, NODE},
    limiter::{Limiter, Outage, Rates},
    pebble::{DEFAULT, Options, Pebble},
    run::{Call, Running},
    server::free_port,
    watcher::{Fault, Gap, Watcher},
};

/// How long before the CA is back a route asks for a certificate.
const LATE: Duration = Duration::from_secs(25);
/// By when such a one has to be there, after it was asked for.
const WANTED: Duration = Duration::from_mins(10);

/// The installation.
pub(crate) struct TwoCas {
    pub(crate) it: Issuing,
    /// What is in front of the first.
    pub(crate) limiter: Limiter,
    pub(crate) second: Pebble,
    /// The second one's test environment, and what is in front of it.
    pub(crate) test: Pebble,
    pub(crate) before_test: Limiter,
}

impl TwoCas {
    /// Three CAs that are well, and an account at each.
    pub(crate) fn new(ns: Namespace, rates: impl FnOnce(&mut Rates), options: impl Fn(&mut Options)) -> Self {
        let it = Issuing::within(ns, &options);
        let limiter = Limiter::with(&it.pebble, rates);
        let beside = |identity: &str| {
            Pebble::start_with(&it.resolver, |of| {
                options(of);
                of.caa_identities = vec![identity.to_owned()];
            })
        };
        let (second, test) = (beside("second.example"), beside("second.example"));
        let before_test = Limiter::with(&test, |_| {});
        let entry = |url: String, ca: std::path::PathBuf, more: &str| {
            format!(
                "{{directory: \"{url}\", caFile: {}, agreeTos: true{more}}}",
                ca.display()
            )
        };
        let mut asked = Options::usual();
        options(&mut asked);
        let profile = match asked.profiles.as_slice() {
            [_, (name, _)] => format!(", profile: {name}"),
            _ => String::new(),
        };
        let first = entry(limiter.url.clone(), limiter.ca_file(), &profile);
        let staged = format!(", staging: second-test{profile}");
        it.settings(&format!(
            "issuers:\n  first: {first}\n  second: {}\n  second-test: {}\nstoring:\n  caFiles: [{}, {}]\nunattended:\n  issuers:\n  \
             - order: [first, second]\n",
            entry(second.directory_url(), second.ca_file(), &staged),
            entry(before_test.url.clone(), before_test.ca_file(), ", stage: staging"),
            it.pebble.root_file().display(),
            second.root_file().display(),
        ));
        // The first leader takes it at once.
        it.ns.apply(vec![json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "kubectl-certs-controller"}, "spec": {},
        })]);
        let this = Self {
            it,
            limiter,
            second,
            test,
            before_test,
        };
        for issuer in ["first", "second", "second-test"] {
            this.register(issuer);
        }
        resume(&this.it);
        this
    }

    fn register(&self, issuer: &str) {
        let account = format!("{}/account", self.it.ns.name);
        let args = ["account", "register", "--issuer", issuer, "--account-secret", &account];
        self.it.at_home(&args).run().ends_with(0);
    }

    /// A replica of the controller, to be started.
    pub(crate) fn call(&self) -> Call {
        let account = format!("{}/account", self.it.ns.name);
        let (resolver, advertise) = (self.it.resolver.ip().to_string(), format!("{NODE}:{}", free_port()));
        self.it.plain(&[
            "controller",
            "--issuer",
            "first",
            "--account-secret",
            &account,
            "--resolver",
            &resolver,
            "--advertise",
            &advertise,
        ])
    }

    /// How many orders the second CA has been asked for.
    pub(crate) fn at_second(&self) -> usize {
        self.second.log().matches("POST /order-plz").count()
    }

    /// What is noted on a Secret of where its certificate came from.
    pub(crate) fn issuer_of(&self, secret: &str) -> String {
        let path = "jsonpath={.metadata.annotations.kubectl-certs\\.io/issuer}";
        let get = ["get", "secret", secret, "--ignore-not-found", "-o", path];
        self.it.ns.kubectl(&get)
    }

    /// Waits until the certificate of a Secret is one of this issuer.
    #[track_caller]
    pub(crate) fn until_of(&self, secret: &str, issuer: &str, longest: Duration, running: &Running) {
        eventually_within(longest, &format!("a certificate of {issuer} in {secret}"), || {
            let found = self.issuer_of(secret);
            if found == issuer {
                Ok(())
            } else {
                Err(format!("{found:?} {:#?}", running.out.all()))
            }
        });
    }
}

/// What became of certificates during an outage of the first CA.
pub(crate) struct Kept {
    /// When somebody would have met an expired certificate.
    pub(crate) expired: Vec<Gap>,
    /// When somebody would have met something else.
    pub(crate) gaps: Vec<Gap>,
    /// How many certificates were ordered at the second CA while the first was away.
    pub(crate) changed: usize,
    /// How many of those that were not due, or not late, changed.
    pub(crate) changed_early: usize,
    /// How long it took until all were the first CA's again, after it was back.
    pub(crate) until_back: Duration,
    /// How many that failed their validations were ordered at the second CA.
    pub(crate) failed_changed: usize,
    /// How many lines told that the first CA was away.
    pub(crate) told: usize,
}

/// Keeps so many certificates of so many seconds, of which the first CA is away for a while from shortly before they are due; and
/// beside them one that a route asks for meanwhile, and one whose host leads elsewhere.
pub(crate) fn through_an_outage(label: &str, count: usize, life: u64, away: Duration) -> Kept {
    let profiles = move |options: &mut Options| options.profiles = vec![DEFAULT, ("short", life)];
    let two = TwoCas::new(Namespace::alone(label), |_| {}, profiles);
    let it = &two.it;
    let running = two.call().start();
    running.out.after(0, &["\"event\":\"leads\""]);
    let host = |n: usize| format!("h{n}.d{}-{}.example", n / 20, it.ns.name);
    let hosts: Vec<String> = (0..count).map(host).collect();
    it.resolver.hosts(&hosts, NODE);
    // Nobody answers there.
    let bad = it.ns.host("bad");
    it.resolver.host(&bad, &["10.99.0.77"]);
    let watcher = Watcher::of(&hosts);
    let begin = Instant::now();
    let mut routes: Vec<_> = hosts
        .iter()
        .enumerate()
        .map(|(n, host)| asking(&format!("h{n}"), &[host]))
        .collect();
    routes.push(asking("bad", &[&bad]));
    it.ns.apply(routes);
    eventually_within(Duration::from_secs(life / 2), "everything being served", || {
        let served = watcher.served();
        (served == count).then_some(()).ok_or_else(|| format!("{served}"))
    });
    assert_eq!(two.at_second(), 0, "none is due");
    std::thread::sleep(Duration::from_secs(life / 2 - life / 20).saturating_sub(begin.elapsed()));
    two.limiter.outage(Some(Outage::Refuse));
    std::thread::sleep(away.saturating_sub(LATE));
    let late = it.host("late");
    it.ns.apply(vec![asking("late", &[&late])]);
    // The outage is expected to last as long again: until the middle of what is left then, it can wait.
    let can_wait = LATE.min(WANTED.saturating_sub(away.saturating_sub(LATE)) / 2) * 2 / 3;
    std::thread::sleep(can_wait);
    let changed_early = usize::from(two.issuer_of("late-tls") == "second");
    std::thread::sleep(LATE.saturating_sub(can_wait));
    let secrets: Vec<String> = (0..count).map(|n| format!("h{n}-tls")).collect();
    let changed = secrets
        .iter()
        .filter(|secret| two.issuer_of(secret) == "second")
        .count();
    two.limiter.outage(None);
    let back = Instant::now();
    for secret in secrets.iter().map(String::as_str).chain(["late-tls"]) {
        two.until_of(secret, "first", Duration::from_secs(life + 60), &running);
    }
    let until_back = back.elapsed();
    let (gaps, _) = watcher.end();
    let (expired, gaps) = gaps.into_iter().partition(|gap| gap.fault == Fault::Expired);
    let failed_changed = lines(&running, &["issuer-changed", "bad-tls", "\"ca\":\"second\""]).len();
    let told = lines(&running, &["\"event\":\"ca-down\"", "\"ca\":\"first\""]).len();
    Kept {
        expired,
        gaps,
        changed,
        changed_early,
        until_back,
        failed_changed,
        told,
    }
}
