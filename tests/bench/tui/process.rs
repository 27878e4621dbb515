//! Whole processes in a terminal: the start, 10,000 hosts of a real API server beside `status -A`, memory, an idle minute.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use serde_json::{Value, json};

use super::{
    Plan, Result,
    api::Api,
    load::{self, Material},
    measure::{self, middle},
    pki::{self, Pki},
    say,
};

/// How many hosts a certificate of the manifests has.
const HOSTS_EACH: usize = 10;

/// What was measured. Times in seconds, memory in MB.
#[derive(Debug, Clone, Default)]
pub(crate) struct Process {
    pub(crate) hosts: usize,
    pub(crate) first: f64,
    pub(crate) all: f64,
    pub(crate) status: f64,
    pub(crate) many: usize,
    pub(crate) memory: f64,
    pub(crate) peak: f64,
    pub(crate) idle: f64,
    pub(crate) idle_for: u64,
}

/// What `watch.py` says.
struct Seen(Value);

impl Seen {
    fn number(&self, name: &str) -> Result<f64> {
        self.0[name]
            .as_f64()
            .ok_or_else(|| format!("watch.py did not say {name}: {}", self.0).into())
    }
}

/// Measures all of it.
pub(crate) async fn all(plan: &Plan) -> Result<Process> {
    let scratch = tempfile::tempdir()?;
    let kept = std::env::var_os("TESTBED").ok_or("TESTBED is not set: start this by tests/bench/run")?;
    let keys_file = Path::new(&kept).join("bench").join("rsa-2048.pem");
    let material = Arc::new(Material {
        pki: Pki::new()?,
        rsa: pki::rsa_keys(load::rsa_keys(plan.hosts), &keys_file)?,
    });
    let root = scratch.path().join("root.pem");
    fs::write(&root, material.pki.root_pem())?;
    let mut process = Process {
        hosts: plan.hosts,
        idle_for: plan.idle,
        ..Process::default()
    };
    let manifests = manifests(&material, plan, scratch.path())?;
    process.many = plan.rows;
    say(&format!("{} hosts of manifests", plan.rows));
    let file = manifests.display().to_string();
    let root = root.display().to_string();
    let seen = watch(plan, scratch.path(), "read in", 0, &["-f", &file, "--ca-file", &root])?;
    (process.memory, process.peak) = (seen.number("rss")?, seen.number("peak")?);
    let api = Api::new().await?;
    api.clear(&load::namespaces(), load::CLASS).await?;
    let measured = cluster(plan, &api, &material, scratch.path(), &root, &mut process).await;
    api.clear(&load::namespaces(), load::CLASS).await?;
    measured?;
    Ok(process)
}

/// Runs the program in a terminal until `word` is drawn.
fn watch(plan: &Plan, scratch: &Path, word: &str, idle: u64, arguments: &[&str]) -> Result<Seen> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/tui/watch.py");
    let ran = Command::new("python3")
        .arg(script)
        .args([word, &idle.to_string()])
        .arg(&plan.program)
        .args(arguments)
        .env("XDG_CACHE_HOME", scratch.join("cache"))
        .env("XDG_CONFIG_HOME", scratch.join("config"))
        .output()?;
    if !ran.status.success() {
        return Err(format!("watch.py: {}", String::from_utf8_lossy(&ran.stderr)).into());
    }
    let seen: Value = serde_json::from_slice(&ran.stdout)?;
    if seen["status"] != 0 {
        return Err(format!("the program ended badly: {seen}").into());
    }
    Ok(Seen(seen))
}

async fn cluster(
    plan: &Plan,
    api: &Api,
    material: &Arc<Material>,
    scratch: &Path,
    root: &str,
    process: &mut Process,
) -> Result<()> {
    load::prepare(api).await?;
    load::grow(api, material, 0, plan.hosts).await?;
    let program = plan.program.display().to_string();
    let status = || {
        let command = [program.as_str(), "status", "-A", "--ca-file", root];
        let cache = scratch.join("cache");
        measure::run(scratch, &scratch.join("out"), &[("XDG_CACHE_HOME", &cache)], &command)
    };
    // The signatures are remembered from here on, for both.
    fs::create_dir_all(scratch.join("cache"))?;
    status()?;
    let (mut first, mut all, mut table) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..plan.rounds {
        say(&format!("{} hosts, round {} of {}", plan.hosts, round + 1, plan.rounds));
        table.push(status()?.wall);
        let idle = if round + 1 == plan.rounds { plan.idle } else { 0 };
        let seen = watch(plan, scratch, "live", idle, &["-A", "--ca-file", root])?;
        first.push(seen.number("first")?);
        all.push(seen.number("all")?);
        process.idle = seen.number("idle")?;
    }
    (process.first, process.all, process.status) = (middle(first), middle(all), middle(table));
    Ok(())
}

/// Ingresses of ten hosts each, with a Secret each, as one file.
fn manifests(material: &Material, plan: &Plan, scratch: &Path) -> Result<PathBuf> {
    let path = scratch.join("many.json");
    let mut items = Vec::new();
    for number in 0..plan.rows / HOSTS_EACH {
        // Numbers without a defect.
        let Some((chain, key)) = material.pair(number * 20 + 1)? else {
            continue;
        };
        let mut secret = load::secret(number * 20 + 1, &chain, &key);
        let namespace = format!("team-{:03}", number % 200);
        let name = format!("web-{number}");
        secret["metadata"] = json!({"name": format!("{name}-tls"), "namespace": namespace});
        let hosts: Vec<String> = (0..HOSTS_EACH)
            .map(|n| format!("h{n}.{name}.{namespace}.example"))
            .collect();
        let rules: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
        items.push(secret);
        items.push(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": namespace},
            "spec": {"tls": [{"hosts": hosts, "secretName": format!("{name}-tls")}], "rules": rules},
        }));
    }
    fs::write(
        &path,
        serde_json::to_vec(&json!({"apiVersion": "v1", "kind": "List", "items": items}))?,
    )?;
    Ok(path)
}
