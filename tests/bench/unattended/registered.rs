//! What a controller takes that keeps many customers' domains, and what is left when it is killed.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{StreamExt as _, stream};
use kubectl_certs::{
    domain::{Asked, Looked, Pair, Record, Said},
    domains::store::{Store as _, cluster::ClusterStore},
    k8s::{ConnectOptions, connect},
    object::Key,
    x509::{Interner, bundle},
};
use serde_json::{Value, json};

use crate::{
    Plan, Result,
    api::Api,
    figure::{Figure, Of, percentile, seconds, thousands},
    pki::{Leaf, Pki},
    process::memory,
    say,
    support::{
        cluster::Namespace,
        controller::{Way, call_by, installed, resume},
        customers::{Application, define},
        eventually_within,
        issuing::{Issuing, NODE},
        kubeconfig,
        run::Running,
        server::{curl, free_port},
    },
};

const INSTALL: &str = "bench";
/// How many objects are written at once.
const TOGETHER: usize = 8;
/// How many pages are timed.
const ASKED: usize = 200;
/// How long it may take to read everything.
const PATIENCE: Duration = Duration::from_mins(2);

fn host(number: usize) -> String {
    format!("shop-{number}.customer-{}.com", number % 5_000)
}

/// Each with a certificate that is not due, as a Secret that the installation has claimed.
async fn grow(it: &Issuing, many: usize, pki: &Arc<Pki>) -> Result<()> {
    let (namespace, directory, pki) = (it.ns.name.clone(), it.pebble.directory_url(), Arc::clone(pki));
    let pairs: Arc<Mutex<Vec<(usize, Pair)>>> = Arc::default();
    let (made, of) = (Arc::clone(&pairs), namespace.clone());
    let object = move |number: usize| {
        let host = host(number);
        let issued = pki.issue(&Leaf {
            host: &host,
            rsa: None,
            expired: false,
            issuer: number,
        })?;
        let chain = issued.leaf + &issued.intermediate;
        let parsed = bundle::parse(Some(chain.as_bytes()), None, &mut Interner::new());
        let leaf = parsed.bundle.leaf().ok_or("no leaf")?;
        let name = format!("domain-{host}");
        let pair = Pair {
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            serial: leaf.serial.to_string().into(),
            secret: Some(Key::new(of.as_str(), name.as_str())),
            material: None,
        };
        made.lock().unwrap().push((number, pair));
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": of, "annotations": {
                "kubectl-certs.io/claim": INSTALL,
                "kubectl-certs.io/issued-by": "kubectl-certs 0.1.0",
                "kubectl-certs.io/directory": directory,
                "kubectl-certs.io/sha256": leaf.sha256.to_string(),
            }},
            "data": {"tls.crt": BASE64_STANDARD.encode(&chain), "tls.key": BASE64_STANDARD.encode(&issued.key)},
        });
        Ok(vec![(format!("/api/v1/namespaces/{of}/secrets"), secret)])
    };
    Api::new().await?.create_all(0..many, object).await?;
    say("the Secrets are there");

    let options = ConnectOptions {
        kubeconfig: Some(kubeconfig::write(it.ns.dir.path(), "admin", &kubeconfig::admin())),
        ..ConnectOptions::default()
    };
    let connection = connect(&options).await?;
    let store = ClusterStore::new(&connection, &namespace, Some(&[namespace.as_str().into()]));
    let (store, namespace, pairs) = (&store, &namespace, std::mem::take(&mut *pairs.lock().unwrap()));
    let put = stream::iter(pairs).for_each_concurrent(TOGETHER, |(number, pair)| async move {
        let at = pair.not_before;
        let mut record = Record::new(host(number).parse().unwrap(), namespace.parse().unwrap(), at);
        record.asked = Some(Asked {
            at,
            said: Said::Yes,
            renewal: false,
        });
        record.dns = Some(Looked {
            at,
            server: "ns1.customer.com (192.0.2.53)".into(),
            traffic: true,
            challenge: false,
            standing: false,
            kept: None,
            ownership: None,
            missing: Vec::new(),
            seen: String::new(),
        });
        record.due = pair.not_before + 60 * 86_400;
        record.pair = Some(pair);
        store.put(&record, None).await.unwrap();
    });
    put.await;
    say("and so are the Domains");
    Ok(())
}

/// The hosts in all pages, or why they are not told.
fn listed(api: &str, bearer: &str, filter: &str) -> std::result::Result<usize, String> {
    let (mut hosts, mut after) = (0, String::new());
    loop {
        let page = curl(&["-H", bearer, &format!("{api}/v1/domains?limit=1000{filter}{after}")])?;
        let page: Value = serde_json::from_str(&page).map_err(|error| error.to_string())?;
        hosts += page["items"].as_array().map_or(0, Vec::len);
        match page["after"].as_str() {
            Some(last) => after = format!("&after={last}"),
            None => return Ok(hosts),
        }
    }
}

/// Starts it, and waits until it tells of all of them. Returns how long that took.
fn start(it: &Issuing, api: &str, bearer: &str, many: usize) -> (Running, Duration) {
    let begin = Instant::now();
    // Of a CA that is trusted, as nearly all certificates are.
    let root = it.ns.dir.path().join("root.pem");
    let call = call_by(it, &Way::direct(it), &["--ca-file", root.to_str().unwrap()]);
    let running = call.env("MALLOC_ARENA_MAX", "1").start();
    eventually_within(PATIENCE, "all hosts in the API's pages", || {
        match listed(api, bearer, "") {
            Ok(hosts) if hosts == many => Ok(()),
            other => Err(format!("{other:?} {:?}", running.err.all().last())),
        }
    });
    let took = begin.elapsed();
    running.out.after(0, &["\"event\":\"leads\""]);
    (running, took)
}

pub(crate) fn all(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(200, 30_000);
    let changed = (many / 100).max(1);
    let mut of = Of::size(thousands(many));
    let it = Issuing::within(Namespace::alone("bench-registered"), |_| {});
    define();
    let app = Application::start(&it);
    installed(&it);
    it.ns.kubectl(&[
        "annotate",
        "secret",
        "account",
        &format!("kubectl-certs.io/install={INSTALL}"),
    ]);
    resume(&it);
    let (port, namespace) = (free_port(), &it.ns.name);
    it.settings(&format!(
        "domains:\n  ask: \"{}\"\n  addresses: [{NODE}]\n  namespace: {namespace}\n  serve: source\n  listen: 127.0.0.1:{port}\n  tenants: [{namespace}]\n",
        app.url()
    ));
    it.ns.kubectl(&["create", "serviceaccount", "app"]);
    let token = it
        .ns
        .kubectl(&["create", "token", "app", "--audience", "kubectl-certs"]);
    let bearer = format!("Authorization: Bearer {}", token.trim());
    let api = format!("http://127.0.0.1:{port}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pki = Arc::new(Pki::new().unwrap());
    std::fs::write(it.ns.dir.path().join("root.pem"), pki.root_pem()).unwrap();
    let begin = Instant::now();
    runtime.block_on(grow(&it, many, &pki)).unwrap();
    say(&format!("made within {} s", begin.elapsed().as_secs()));

    let (running, took) = start(&it, &api, &bearer, many);
    of.told("start to all in the API's pages", seconds(took));
    let pages = (0..ASKED).map(|at| {
        let after = host(at * 7_919 % many);
        let begin = Instant::now();
        curl(&["-H", &bearer, &format!("{api}/v1/domains?limit=100&after={after}")]).unwrap();
        begin.elapsed()
    });
    let most = Duration::from_millis(50);
    of.time(
        "a page of the API, curl's start included, p99",
        percentile(pages.collect(), 99),
        most,
    );
    let begin = Instant::now();
    for number in 0..changed {
        let at = format!("{api}/v1/domains/{}", host(number));
        curl(&["-X", "PUT", "-H", &bearer, "-d", "{\"paused\": \"moving\"}", &at]).unwrap();
    }
    of.told("1 % changed by the API, one after the other", seconds(begin.elapsed()));
    std::thread::sleep(Duration::from_secs(if plan.smoke { 1 } else { 20 }));
    of.memory("resident", memory(&running, "VmRSS"), 200.0);
    of.told("most memory until then", format!("{:.0} MB", memory(&running, "VmHWM")));
    of.none("orders", crate::support::controller::orders(&it), "");

    say("it is killed");
    running.signal("-KILL");
    drop(running);
    let (running, _) = start(&it, &api, &bearer, many);
    of.exactly("whole afterwards", listed(&api, &bearer, "").unwrap(), many);
    of.exactly(
        "changes that are there",
        listed(&api, &bearer, "&state=paused").unwrap(),
        changed,
    );
    drop(running);
    of.figures
}
