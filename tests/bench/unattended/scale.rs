//! 10,000 and 50,000 certificates of which none is due: the start, what it costs to keep them, and a list that is read anew.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use kubectl_certs::x509::Fingerprint;
use serde_json::{Value, json};

use crate::{
    Plan, Result,
    api::Api,
    figure::{Figure, Of, seconds, thousands},
    load,
    pki::{Leaf, Pki},
    process::{Request, forget_peak, memory, requests},
    say,
    support::{
        cluster::Namespace,
        controller::{Way, call_everywhere, installed, resume},
        eventually, eventually_within,
        issuing::Issuing,
        kubeconfig,
        proxy::{API_SERVER, Plain, Proxy},
        run::Running,
        server::curl,
    },
};

/// The testbed's etcd.
const ETCD: &str = "http://127.0.0.1:2379";
const INSTALL: &str = "bench";
/// How long it may take to read everything.
const PATIENCE: Duration = Duration::from_mins(3);

/// What is asked of a size.
struct Size {
    certificates: usize,
    judged: Duration,
    resident: f64,
    relisting: f64,
}

/// 10,000.
pub(crate) fn usual(plan: &Plan) -> Vec<Figure> {
    all(
        plan,
        &Size {
            certificates: plan.size(200, 10_000),
            judged: Duration::from_secs(3),
            resident: 60.0,
            relisting: 250.0,
        },
    )
}

/// 50,000.
pub(crate) fn large(plan: &Plan) -> Vec<Figure> {
    all(
        plan,
        &Size {
            certificates: plan.size(200, 50_000),
            judged: Duration::from_secs(15),
            resident: 150.0,
            relisting: 250.0,
        },
    )
}

fn all(plan: &Plan, size: &Size) -> Vec<Figure> {
    let it = Issuing::within(Namespace::alone("bench-scale"), |_| {});
    installed(&it);
    // The claim of everything that is there.
    it.ns.kubectl(&[
        "annotate",
        "secret",
        "account",
        &format!("kubectl-certs.io/install={INSTALL}"),
    ]);
    resume(&it);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let api = runtime.block_on(Api::new()).unwrap();
    let pki = Arc::new(Pki::new().unwrap());
    runtime.block_on(api.clear(&load::namespaces(), load::CLASS)).unwrap();
    runtime.block_on(load::prepare(&api)).unwrap();
    let begin = Instant::now();
    let directory = it.pebble.directory_url();
    runtime
        .block_on(grow(&api, &pki, &directory, 0..size.certificates))
        .unwrap();
    let took = begin.elapsed().as_secs_f64();
    say(&format!("{} are there after {took:.0} s", size.certificates));
    let figures = measured(plan, &it, &pki, size);
    if !plan.keep {
        runtime.block_on(api.clear(&load::namespaces(), load::CLASS)).unwrap();
    }
    figures
}

/// Adds Secrets that this installation has claimed, with the Ingresses that ask for them.
async fn grow(api: &Api, pki: &Arc<Pki>, directory: &str, numbers: std::ops::Range<usize>) -> Result<()> {
    let (pki, directory) = (Arc::clone(pki), directory.to_owned());
    let make = move |number: usize| {
        let host = load::host(number);
        let issued = pki.issue(&Leaf {
            host: &host,
            rsa: None,
            expired: false,
            issuer: number,
        })?;
        let mut secret = load::secret(number, &(issued.leaf.clone() + &issued.intermediate), &issued.key);
        secret["metadata"]["annotations"] = json!({
            "kubectl-certs.io/claim": INSTALL,
            "kubectl-certs.io/issued-by": "kubectl-certs 0.1.0",
            "kubectl-certs.io/directory": directory,
            "kubectl-certs.io/sha256": sha256(&issued.leaf)?,
        });
        let mut ingress = load::ingress(number);
        ingress["metadata"]["annotations"] = json!({"kubernetes.io/tls-acme": "true"});
        let path = |group: &str, kind: &str, object: &Value| {
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            format!("{group}/namespaces/{namespace}/{kind}")
        };
        Ok(vec![
            (path("/api/v1", "secrets", &secret), secret),
            (path("/apis/networking.k8s.io/v1", "ingresses", &ingress), ingress),
        ])
    };
    api.create_all(numbers, make).await
}

/// As the program notes it.
fn sha256(leaf: &str) -> Result<String> {
    let base64: String = leaf.lines().filter(|line| !line.starts_with("-----")).collect();
    Ok(Fingerprint::of(&BASE64_STANDARD.decode(base64)?).to_string())
}

/// Starts a controller with nothing remembered. Returns how long it took until it had judged everything.
fn start(it: &Issuing, server: &str, pki: &Pki, certificates: usize) -> (Running, Duration) {
    // Of a CA that is trusted, as nearly all certificates are.
    let root = it.ns.dir.path().join("root.pem");
    std::fs::write(&root, pki.root_pem()).unwrap();
    let config = kubeconfig::with_server(server);
    let file = kubeconfig::write(it.ns.dir.path(), "other", &config);
    let cache = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    let call = call_everywhere(it, &Way::direct(it), &["--ca-file", root.to_str().unwrap()]).env("KUBECONFIG", file);
    // As `install` has it in the Pod.
    let call = call.env("MALLOC_ARENA_MAX", "1");
    let running = call.env("XDG_CACHE_HOME", cache.path()).start();
    let line = eventually_within(PATIENCE, "everything being judged", || {
        let lines = running.out.all();
        let found = lines.iter().find(|line| line.contains("Secrets are kept")).cloned();
        found.ok_or_else(|| format!("{:?}", running.err.all().last()))
    });
    let took = begin.elapsed();
    assert!(line.contains(&format!("{certificates} Secrets are kept")), "{line}");
    (running, took)
}

fn measured(plan: &Plan, it: &Issuing, pki: &Pki, size: &Size) -> Vec<Figure> {
    let mut of = Of::size(thousands(size.certificates));
    let rounds = if plan.smoke { 1 } else { 3 };
    let mut times = Vec::new();
    let mut running = None;
    for _ in 0..rounds {
        // One at a time: another replica would take processor time and the Lease.
        drop(running.take());
        let (started, took) = start(it, &format!("https://{API_SERVER}"), pki, size.certificates);
        say(&format!("judged after {:.2} s", took.as_secs_f64()));
        times.push(took);
        running = Some(started);
    }
    let running = running.unwrap();
    times.sort_unstable();
    of.time(
        "start to everything judged, nothing remembered (median of three)",
        times[times.len() / 2],
        size.judged,
    );
    of.told("most memory meanwhile", format!("{:.0} MB", memory(&running, "VmHWM")));
    running.out.after(0, &["\"event\":\"leads\""]);
    std::thread::sleep(Duration::from_secs(if plan.smoke { 1 } else { 10 }));
    let mark = running.err.mark();
    let idle = Duration::from_secs(if plan.smoke { 5 } else { 60 });
    std::thread::sleep(idle);
    let asked = requests(&running, mark);
    let beside: Vec<String> = asked
        .iter()
        .filter(|request| !request.is_of("leases"))
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    for request in &beside {
        say(request);
    }
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    let a_minute = beside.len() as f64 * 60.0 / idle.as_secs_f64();
    of.most(
        "requests a minute beside Leases, while nothing is due",
        a_minute,
        if plan.smoke { 60.0 } else { 10.0 },
    );
    of.memory(
        "resident, while nothing is due",
        memory(&running, "VmRSS"),
        size.resident,
    );
    drop(running);
    relist(it, &mut of, pki, size);
    of.figures
}

/// Has a controller of its own read everything anew, because the server no longer knows the version from which it would go on.
fn relist(it: &Issuing, of: &mut Of, pki: &Pki, size: &Size) {
    // Through plain HTTP, so that what it asks can be exchanged.
    let plain = Plain::start();
    let proxy = Proxy::to(&plain.address);
    let (running, _) = start(it, &format!("http://{}", proxy.address), pki, size.certificates);
    std::thread::sleep(Duration::from_secs(3));
    // What etcd no longer has, the server refuses as expired (410): here a page of a list in place of each watch.
    compact();
    let token = BASE64_URL_SAFE_NO_PAD.encode(r#"{"v":"meta.k8s.io/v1","rv":2,"start":"a\u0000"}"#);
    proxy.replace(&[
        ("&resourceVersion=", "&was="),
        ("watch=true", &format!("limit=1&continue={token}")),
    ]);
    forget_peak(&running);
    let (mark, begin) = (running.err.mark(), Instant::now());
    proxy.break_all();
    std::thread::sleep(Duration::from_millis(100));
    proxy.fix();
    let since = || running.err.all().split_off(mark);
    let refused = |kind: &str| {
        let is_refused = |line: &String| line.contains(&format!("/{kind}?")) && line.contains(" 410 ");
        since().iter().any(is_refused)
    };
    eventually("watches being refused as expired", || {
        let all = refused("secrets") && refused("ingresses");
        all.then_some(()).ok_or_else(|| format!("{:?}", since()))
    });
    proxy.replace(&[]);
    // A watch that comes after the list.
    let watched = |kind: &str| {
        let asked = requests(&running, mark);
        let last = |is_watch: bool| {
            let found = |request: &Request| request.lists(kind) && request.path.contains("watch=true") == is_watch;
            asked.iter().rposition(found)
        };
        last(false).is_some_and(|list| last(true) > Some(list))
    };
    eventually_within(PATIENCE, "everything being read anew", || {
        let all = watched("secrets") && watched("ingresses");
        all.then_some(()).ok_or_else(|| format!("{:?}", since()))
    });
    of.told(
        "until everything has been read anew, through a proxy",
        seconds(begin.elapsed()),
    );
    std::thread::sleep(Duration::from_secs(3));
    of.memory(
        "most memory while everything is read anew",
        memory(&running, "VmHWM"),
        size.relisting,
    );
    of.told("resident afterwards", format!("{:.0} MB", memory(&running, "VmRSS")));
}

/// Has etcd forget all versions but the present one.
fn compact() {
    let status = curl(&["-d", "{}", &format!("{ETCD}/v3/maintenance/status")]).unwrap();
    let status: Value = serde_json::from_str(&status).unwrap();
    let revision = status["header"]["revision"].as_str().unwrap();
    let body = json!({"revision": revision}).to_string();
    curl(&["-d", &body, &format!("{ETCD}/v3/kv/compaction")]).unwrap();
}
