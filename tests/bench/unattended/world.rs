//! An installation that is measured: a namespace that has the cluster to itself, a Pebble, and what limits before it.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    api::Api,
    process::count,
    support::{
        cluster::{Namespace, ingress},
        controller::{Way, call_by, installed_by, resume},
        eventually_within,
        issuing::{Issuing, NODE},
        limiter::{Counts, Limiter, Rates},
        pebble::Options,
        run::Running,
    },
};

/// How often the cluster is asked whether everything is stored.
const BETWEEN: Duration = Duration::from_millis(900);

/// A class of Ingresses that nobody serves.
const LATER: &str = "bench-later";
/// How many hosts share a registered domain, for which Let's Encrypt issues fifty new certificates at once.
const OF_A_DOMAIN: usize = 20;

/// An installation with an account, which was told to order.
pub(crate) struct World {
    pub(crate) limiter: Option<Limiter>,
    pub(crate) it: Issuing,
    pub(crate) way: Way,
    runtime: Runtime,
    api: Api,
}

impl World {
    /// With a CA without limits.
    pub(crate) fn free(label: &str) -> Self {
        let it = Issuing::within(Namespace::alone(label), |_| {});
        let way = Way::direct(&it);
        Self::of(it, None, way)
    }

    /// Behind what limits.
    pub(crate) fn limited(label: &str, options: impl FnOnce(&mut Options), rates: impl FnOnce(&mut Rates)) -> Self {
        Self::limited_in(Namespace::alone(label), options, rates)
    }

    /// The same in a namespace that is there.
    pub(crate) fn limited_in(
        ns: Namespace,
        options: impl FnOnce(&mut Options),
        rates: impl FnOnce(&mut Rates),
    ) -> Self {
        let it = Issuing::within(ns, options);
        let limiter = Limiter::with(&it.pebble, rates);
        let way = Way::by(&limiter);
        Self::of(it, Some(limiter), way)
    }

    fn of(it: Issuing, limiter: Option<Limiter>, way: Way) -> Self {
        installed_by(&it, &way);
        resume(&it);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let api = runtime.block_on(Api::of(it.ns.kubeconfig())).unwrap();
        Self {
            limiter,
            it,
            way,
            runtime,
            api,
        }
    }

    /// The limits, of a world that has them.
    pub(crate) fn limits(&self) -> &Limiter {
        self.limiter.as_ref().expect("a limiter")
    }

    /// Waits until each of so many certificates has been renewed. Returns how long that took.
    pub(crate) fn until_renewed(&self, many: usize, longest: Duration, running: &Running) -> Duration {
        let begin = Instant::now();
        eventually_within(longest, "everything being renewed", || {
            let counts = self.limits().all_counts();
            let renewed = counts.iter().filter(|(_, counts)| counts.certificates > 1).count();
            if renewed == many {
                Ok(())
            } else {
                Err(format!("{renewed} of {many}: {:#?}", last(running)))
            }
        });
        begin.elapsed()
    }

    /// How many orders there were of one certificate, at most.
    pub(crate) fn most_orders(&self) -> usize {
        let counts = self.limits().all_counts();
        counts.iter().map(|(_, counts)| counts.orders).max().unwrap_or_default()
    }

    /// How many of what the CA has counted were more than one for each set of names.
    pub(crate) fn beyond_one(&self, number: fn(&Counts) -> usize) -> usize {
        let counts = self.limits().all_counts();
        counts.iter().map(|(_, counts)| number(counts).saturating_sub(1)).sum()
    }

    /// How many Events of the type Warning there are: one that is told again is one.
    pub(crate) fn warnings(&self) -> usize {
        let path = "jsonpath={range .items[*]}{.type}{\"\\n\"}{end}";
        let events = self.it.ns.kubectl(&["get", "events", "-o", path]);
        events.lines().filter(|line| *line == "Warning").count()
    }

    /// One more replica.
    pub(crate) fn replica(&self) -> Running {
        call_by(&self.it, &self.way, &[]).start()
    }

    /// The first replica, once it leads.
    pub(crate) fn leader(&self) -> Running {
        let running = self.replica();
        running.out.after(0, &["\"event\":\"leads\""]);
        running
    }

    /// So many new hosts that lead to Traefik, in several registered domains.
    pub(crate) fn hosts(&self, label: &str, count: usize) -> Vec<String> {
        let name = &self.it.ns.name;
        let host = |n: usize| format!("{label}{n}.{label}d{}-{name}.example", n / OF_A_DOMAIN);
        let hosts: Vec<String> = (0..count).map(host).collect();
        self.it.resolver.hosts(&hosts, NODE);
        hosts
    }

    /// Makes an Ingress for each host, of a class that nobody serves, with the status that Traefik would give it. Traefik writes
    /// the status of a new Ingress inside its loop, five a second, and serves nothing new meanwhile.
    pub(crate) fn prepare(&self, label: &str, hosts: &[String]) {
        let objects = Arc::new(self.objects(label, hosts));
        let statuses = self.paths(label);
        let made = Arc::clone(&objects);
        let collection = self.collection();
        let create = move |n: usize| Ok(vec![(collection.clone(), made[n].clone())]);
        self.runtime
            .block_on(self.api.create_all(0..hosts.len(), create))
            .unwrap();
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": NODE}]}}});
        let note = move |n: usize| Ok(vec![(format!("{}/status", statuses(n)), status.clone())]);
        self.runtime.block_on(self.api.patch_all(0..hosts.len(), note)).unwrap();
    }

    /// Has Ingresses that were prepared ask for certificates, all at once.
    pub(crate) fn ask(&self, label: &str, count: usize) {
        let paths = self.paths(label);
        let patch = json!({
            "metadata": {"annotations": {"kubernetes.io/tls-acme": "true"}},
            "spec": {"ingressClassName": "traefik"},
        });
        let ask = move |n: usize| Ok(vec![(paths(n), patch.clone())]);
        self.runtime.block_on(self.api.patch_all(0..count, ask)).unwrap();
    }

    /// Prepares them, and has them ask.
    pub(crate) fn new_ones(&self, label: &str, hosts: &[String]) {
        self.prepare(label, hosts);
        self.ask(label, hosts.len());
    }

    /// Creates a core object of the namespace: `configmaps`.
    pub(crate) fn create(&self, plural: &str, object: &Value) -> crate::Result<()> {
        let path = format!("/api/v1/namespaces/{}/{plural}", self.it.ns.name);
        self.runtime.block_on(self.api.create(&path, object))
    }

    /// Which of the Secrets of such Ingresses hold a pair.
    pub(crate) fn stored(&self, label: &str) -> usize {
        let selector = "type=kubernetes.io/tls";
        let names = self
            .it
            .ns
            .kubectl(&["get", "secrets", "--field-selector", selector, "-o", "name"]);
        let lead = format!("secret/{label}");
        let is_of = |line: &&str| {
            line.strip_prefix(&lead)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        names.lines().filter(is_of).count()
    }

    /// The sets of names of the journals that do not have the address of an order, each as [`Limiter::all_counts`] has it.
    pub(crate) fn without_address(&self) -> BTreeSet<String> {
        let path = "jsonpath={range .items[*]}{.data.order\\.json}{\"\\n\"}{end}";
        let selector = "kubectl-certs.io/purpose=journal";
        let found = self.it.ns.kubectl(&["get", "secrets", "-l", selector, "-o", path]);
        let entries = found.lines().filter_map(|line| BASE64_STANDARD.decode(line).ok());
        let entries = entries.filter_map(|json| serde_json::from_slice::<Value>(&json).ok());
        let names = |entry: Value| {
            let mut names: Vec<String> = serde_json::from_value(entry["names"].clone()).unwrap_or_default();
            names.sort();
            names.join(",")
        };
        entries.filter(|entry| entry["order"].is_null()).map(names).collect()
    }

    /// Waits until so many of them are stored.
    pub(crate) fn until_stored(&self, running: &Running, label: &str, count: usize, longest: Duration) {
        eventually_within(longest, "everything being stored", || {
            let stored = self.stored(label);
            if stored >= count {
                Ok(())
            } else {
                // To list them takes the processors from what is measured.
                std::thread::sleep(BETWEEN);
                Err(format!("{stored} of {count}: {:#?}", last(running)))
            }
        });
    }

    fn objects(&self, label: &str, hosts: &[String]) -> Vec<Value> {
        let object = |(n, host): (usize, &String)| {
            let mut object = ingress(&format!("{label}{n}"), &[(&[host], &format!("{label}{n}-tls"))]);
            object["metadata"]["namespace"] = self.it.ns.name.as_str().into();
            object["spec"]["ingressClassName"] = LATER.into();
            object
        };
        hosts.iter().enumerate().map(object).collect()
    }

    fn collection(&self) -> String {
        format!("/apis/networking.k8s.io/v1/namespaces/{}/ingresses", self.it.ns.name)
    }

    fn paths(&self, label: &str) -> impl Fn(usize) -> String + Clone + Send + 'static {
        let (collection, label) = (self.collection(), label.to_owned());
        move |n| format!("{collection}/{label}{n}")
    }
}

/// Waits until a replica leads that has led before.
pub(crate) fn until_leads_again(running: &Running, longest: Duration) {
    eventually_within(longest, "it leads again", || {
        if count(running, "leads") > 1 {
            Ok(())
        } else {
            Err(format!("{:#?}", last(running)))
        }
    });
}

/// What a controller said last, without what says that all is well.
pub(crate) fn last(running: &Running) -> Vec<String> {
    let words = ["error", "warning", "failed", "waiting", "notStarted", "held"];
    let lines = running.out.all();
    let is_of = |line: &&String| words.iter().any(|word| line.contains(word));
    let mut last: Vec<String> = lines.iter().rev().filter(is_of).take(8).cloned().collect();
    last.extend(lines.last().cloned());
    last
}
