//! Scans of the testbed's real API server, beside what people use otherwise.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{
    Plan, Result,
    api::Api,
    load::{self, Defect, Material},
    measure::{self, Run, median},
    page::{Page, Scan},
    pki::{self, Pki},
    rivals::{self, Curl},
    say, tab,
};

/// Where files of one run are, and what is run.
struct Bench<'a> {
    plan: &'a Plan,
    scratch: PathBuf,
    root: PathBuf,
    curl: Curl,
}

/// Loads the cluster size by size, and measures each.
pub(crate) async fn all(plan: &Plan, page: &mut Page) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700))?;
    let kept = std::env::var_os("TESTBED").ok_or("TESTBED is not set: start this by tests/bench/run")?;
    let largest = plan.sizes.iter().copied().max().unwrap_or_default();
    let keys_file = Path::new(&kept).join("bench").join("rsa-2048.pem");
    let material = Arc::new(Material {
        pki: Pki::new()?,
        rsa: pki::rsa_keys(load::rsa_keys(largest), &keys_file)?,
    });
    let root = scratch.path().join("root.pem");
    fs::write(&root, material.pki.root_pem())?;
    let bench = Bench {
        plan,
        curl: Curl::new(scratch.path())?,
        scratch: scratch.path().to_owned(),
        root,
    };
    let api = Api::new().await?;
    page.server = api.version().await?;
    // What an interrupted run left.
    api.clear(&load::namespaces(), load::CLASS).await?;
    let measured = bench.grow_and_measure(&api, &material, page).await;
    if plan.keep {
        let kept_root = Path::new(&kept).join("bench").join("root.pem");
        fs::copy(&bench.root, &kept_root)?;
        say(&format!("left in the cluster; its root is {}", kept_root.display()));
        return measured;
    }
    api.clear(&load::namespaces(), load::CLASS).await?;
    measured
}

impl Bench<'_> {
    async fn grow_and_measure(&self, api: &Api, material: &Arc<Material>, page: &mut Page) -> Result<()> {
        load::prepare(api).await?;
        let mut there = 0;
        for size in self.plan.sizes.iter().copied() {
            load::grow(api, material, there, size).await?;
            there = size;
            self.check(size)?;
            if self.plan.smoke {
                let tab = tab::measure(&self.plan.program, &self.scratch, 1)?;
                if tab.second.1 < size || tab.stalled.1 > 0 {
                    return Err(format!("of {size} routes, TAB offers {tab:?}").into());
                }
            } else {
                page.scans.push(self.measure(size)?);
                page.print_scans();
            }
        }
        Ok(())
    }

    /// Every route must be reported, each with its defect.
    fn check(&self, size: usize) -> Result<()> {
        let out = self.scratch.join("json");
        let run = self.status("checked", &out, true, &["-o", "json"])?;
        let list: Value = serde_json::from_slice(&fs::read(&out)?)?;
        let items: Vec<&Value> = list["items"]
            .as_array()
            .ok_or("status printed no list")?
            .iter()
            .filter(|item| item["namespace"].as_str().is_some_and(|n| n.starts_with("bench-")))
            .collect();
        let count = |wanted: &dyn Fn(&Value) -> bool| items.iter().filter(|item| wanted(item)).count();
        let mut wrong = Vec::new();
        let mut expect = |what: &str, found: usize, expected: usize| {
            if found != expected {
                wrong.push(format!("{what}: {found} instead of {expected}"));
            }
        };
        expect("routes", items.len(), size);
        let defects = (0..size).filter_map(Defect::of).count();
        let healthy = count(&|item| item["status"] == "healthy");
        expect("healthy", healthy, size - defects);
        for defect in Defect::ALL {
            let has = |item: &Value| {
                let mut findings = item["findings"].as_array().into_iter().flatten();
                findings.any(|f| f["reason"] == defect.reason())
            };
            let expected = (0..size).filter(|n| Defect::of(*n) == Some(defect)).count();
            expect(defect.reason(), count(&has), expected);
        }
        if !wrong.is_empty() {
            return Err(format!("of {size} routes, {}", wrong.join(", ")).into());
        }
        let said = format!(
            "{size} routes reported, {defects} with their defect, in {:.2} s",
            run.wall
        );
        say(&said);
        Ok(())
    }

    /// Runs `status -A`; what it remembers is kept under a name. `trusting`: with the CA's root.
    fn status(&self, memory: &str, out: &Path, trusting: bool, more: &[&str]) -> Result<Run> {
        let cache = self.scratch.join(memory);
        fs::create_dir_all(&cache)?;
        let (program, root) = (self.plan.program.display().to_string(), self.root.display().to_string());
        let root = ["--ca-file", root.as_str()];
        let root = if trusting { &root[..] } else { &[] };
        let command = [&[program.as_str(), "status", "-A"][..], root, more].concat();
        measure::run(&self.scratch, out, &[("XDG_CACHE_HOME", &cache)], &command)
    }

    /// All of them in turn, so that what else goes on in the machine touches each alike.
    fn measure(&self, size: usize) -> Result<Scan> {
        let out = self.scratch.join("out");
        let null = Path::new("/dev/null");
        let [mut curl, mut again, mut first, mut untrusted, mut kubectl] = [const { Vec::new() }; 5];
        for round in 0..self.plan.rounds {
            say(&format!("{size} routes, round {} of {}", round + 1, self.plan.rounds));
            curl.push(measure::run(&self.scratch, null, &[], &self.curl.command())?);
            again.push(self.status("checked", &out, true, &[])?);
            untrusted.push(self.status("checked", &out, false, &[])?);
            let name = format!("first-{size}-{round}");
            first.push(self.status(&name, &out, true, &[])?);
            // It takes half a minute and 2 GB at the largest size.
            if round < 3 {
                let command = ["kubectl", "get", "secret,ingress", "-A", "-o", "json"];
                kubectl.push(measure::run(&self.scratch, null, &[], &command)?);
            }
        }
        Ok(Scan {
            size,
            again: median(&again),
            first: median(&first),
            untrusted: median(&untrusted),
            curl: median(&curl),
            kubectl: median(&kubectl),
            shell: rivals::shell_loop(&self.scratch, size)?,
            tab: tab::measure(&self.plan.program, &self.scratch, self.plan.rounds)?,
        })
    }
}
