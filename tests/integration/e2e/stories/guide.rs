//! Every command of the guide and of the README is run: here, in the order of each page, unless a story or another test has it.
//!
//! Commands that write are run as `--dry-run`, by ours, or `--dry-run=server`, by kubectl: what they write is seen by the tests of each
//! command. What stands for a reader's own names stands for those of the test ([`names`]).

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;

use super::{coming_over, first_steps::world};
use crate::support::{
    cluster::{gateway, ingress, listener},
    issuing::{Issuing, NODE},
    kubeconfig,
    pages::{self, blocks_of, page, root},
};

/// Pages that a story follows from the first command to the last.
const FOLLOWED: [(&str, &str); 2] = [
    ("docs/guide/first-steps.md", "stories/first_steps.rs"),
    ("docs/guide/coming-from-certbot.md", "stories/coming_over.rs"),
];

/// How commands begin that other tests run, with a test that does and words of it. They take what is long to set up: a release, a
/// running controller, a former tool, other users.
const ELSEWHERE: [(&str, &str, &str); 46] = [
    (
        "kubectl get secrets,configmaps -n kubectl-certs",
        "e2e/stories/backup.rs",
        "\"kubectl get secrets,configmaps\"",
    ),
    (
        "kubectl create namespace kubectl-certs",
        "e2e/stories/backup.rs",
        "fn command(",
    ),
    (
        "age -d -i identity.txt kubectl-certs.age",
        "e2e/stories/backup.rs",
        "age",
    ),
    ("kubectl certs export -A --to ./certs", "e2e/proof.rs", "\"export\""),
    ("kubectl certs adopt", "e2e/adopt.rs", "typed("),
    (
        "kubectl annotate ingress web cert-manager.io/cluster-issuer-",
        "e2e/stories/coming_over.rs",
        "cert-manager.io/cluster-issuer-",
    ),
    (
        "kubectl get secret web-tls -o jsonpath=",
        "e2e/stories/coming_over.rs",
        "ownerReferences",
    ),
    (
        "kubectl delete certificate web-tls",
        "e2e/stories/coming_over.rs",
        "kubectl delete certificate web-tls",
    ),
    (
        "kubectl annotate secret web-tls cert-manager.io/certificate-name-",
        "e2e/stories/coming_over.rs",
        "certificate-name-",
    ),
    (
        "kubectl label secret web-tls controller.cert-manager.io/fao-",
        "e2e/stories/coming_over.rs",
        "certificate-name-",
    ),
    (
        "kubectl certs account register --production --account-secret",
        "e2e/account.rs",
        "\"--account-secret\"",
    ),
    (
        "kubectl certs account register --issuer corp --agree-tos --eab-kid",
        "e2e/account.rs",
        "\"--eab-kid\"",
    ),
    (
        "kubectl certs account register --issuer google",
        "e2e/account.rs",
        "\"--eab-kid\"",
    ),
    (
        "kubectl logs -n kubectl-certs deployment/kubectl-certs",
        "e2e/install.rs",
        "deployment/kubectl-certs",
    ),
    ("kubectl certs resume", "e2e/install.rs", "\"resume\""),
    ("kubectl certs domains list", "e2e/domains_import.rs", "\"list\""),
    ("kubectl certs domains show", "e2e/domains_import.rs", "\"show\""),
    ("kubectl certs domains put", "e2e/domains_import.rs", "\"put\""),
    ("kubectl certs domains release", "e2e/domains_import.rs", "\"release\""),
    ("kubectl certs domains import", "e2e/domains_import.rs", "\"import\""),
    (
        "redis-cli -h redis.shop.svc --rdb",
        "e2e/domains_import.rs",
        "\"--rdb\"",
    ),
    ("kubectl certs proof", "e2e/proof.rs", "\"proof\""),
    ("plugin/image", "release/image.rs", "plugin/image"),
    (
        "kubectl certs uninstall",
        "e2e/install.rs",
        "\"uninstall\", \"--dry-run\"",
    ),
    (
        "kubectl certs preflight shop -n shop --issuer NAME",
        "e2e/dns_persist.rs",
        "dns-persist-01",
    ),
    ("kubectl certs preflight --all -A", "e2e/preflight.rs", "\"--all\""),
    (
        "kubectl certs preflight secret/wild-tls",
        "e2e/preflight.rs",
        "\"--write-test\"",
    ),
    (
        "kubectl certs ensure -f secrets/",
        "e2e/stories/pipeline.rs",
        "\"ensure\"",
    ),
    ("kubectl certs status -f edge.yaml -q", "cli/guides.rs", "\"edge.yaml\""),
    ("key=$(openssl rand -hex 24)", "e2e/powerdns_in_cluster.rs", "powerdns"),
    (
        "kubectl create secret generic powerdns-api",
        "e2e/powerdns_in_cluster.rs",
        "powerdns-api",
    ),
    (
        "kubectl rollout status -n dns",
        "e2e/powerdns_in_cluster.rs",
        "deployment/powerdns",
    ),
    (
        "kubectl exec -n dns deployment/powerdns",
        "e2e/powerdns_in_cluster.rs",
        "\"create-zone\"",
    ),
    (
        "kubectl create secret generic powerdns-letsencrypt-apikey",
        "e2e/issue_dns.rs",
        "apikey",
    ),
    (
        "kubectl certs status -A --no-secrets --fail-on warning --as=jane",
        "e2e/rights_ready.rs",
        "fn the_prober_sees",
    ),
    (
        "kubectl certs status -n shop --as=jane",
        "e2e/rights_ready.rs",
        "fn the_reader_of_a_namespace",
    ),
    (
        "kubectl auth can-i list secrets -A --as=jane",
        "e2e/rights_ready.rs",
        "fn may_list",
    ),
    (
        "kubectl certs preflight --all -n shop --as=jane",
        "e2e/rights_ready.rs",
        "fn the_renewer_renews",
    ),
    (
        "kubectl certs renew web -n shop --production --as=jane",
        "e2e/rights_ready.rs",
        "fn who_renews_from_a_laptop",
    ),
    ("kubectl certs rollback wild-tls", "e2e/rollback.rs", "\"rollback\""),
    ("kubectl certs status -A -w", "e2e/watch.rs", "\"-w\""),
    ("kubectl certs man renew", "cli/manual.rs", "\"man\""),
    ("kubectl certs forecast -A --new 30000", "cli/forecast.rs", "\"--new\""),
    ("kubectl certs revoke", "e2e/revoke.rs", "\"revoke\""),
    ("kubectl certs status -f docs/example", "cli/guides.rs", "docs/example"),
    (
        "kubectl certs status -f deploy/ --recursive",
        "cli/guides.rs",
        "-f deploy/",
    ),
];

/// What runs nowhere, and why.
const NOWHERE: [(&str, &str); 11] = [
    (
        "kubectl certs account import",
        "no other client has an account at the CA of the test; cli::config runs it up to the request to the CA",
    ),
    ("cargo install", "release::long runs it, which takes minutes"),
    (
        "cargo run --profile quick",
        "it builds for minutes; cli::guides runs what it runs",
    ),
    ("tests/run", "it is what runs this"),
    ("shred -u", "it is a program of the system, and deletes"),
    (
        "skopeo copy",
        "there is no registry; e2e::install has the image in the node's store",
    ),
    (
        "kubectl delete deployment kube-lego",
        "there is no kube-lego; e2e::stories::kube_lego has what it leaves",
    ),
    ("kubectl delete service,ingress kube-lego-nginx", "the same"),
    (
        "pdnsutil create-zone",
        "it is for a PowerDNS outside of the cluster; e2e::powerdns_in_cluster runs the same one in it",
    ),
    ("step ca root", "a program of step-ca; e2e::stepca has its root"),
    ("vault ", "a program of Vault, which is not built here"),
];

/// A command of a page.
struct Typed {
    place: String,
    text: String,
}

/// The commands of a text, each with the lines that it goes on for.
fn split(script: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in script.lines() {
        let bare = line.split(" # ").next().unwrap_or(line).trim_end();
        if goes_on {
            let last = all.last_mut().expect("it goes on");
            last.push('\n');
            last.push_str(bare);
        } else if !bare.is_empty() && !bare.starts_with('#') {
            all.push(bare.trim_start().to_owned());
        }
        goes_on = bare.ends_with(['\\', '|']);
    }
    all
}

/// All of them, page by page. A file that a page shows is none (`#!`).
fn typed() -> Vec<Vec<Typed>> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("docs/guide"))
        .expect("the guide")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md"))
        .map(|name| format!("docs/guide/{name}"))
        .collect();
    names.push("README.md".to_owned());
    names.sort();
    let of_page = |name: String| {
        let text = page(&name);
        let blocks = pages::commands(&text)
            .into_iter()
            .map(|shown| (shown.line, shown.script));
        let indented = pages::indented(&text).map(|line| (0, line.to_owned()));
        let scripts: Vec<(usize, String)> = blocks
            .chain(indented)
            .filter(|(_, script)| !script.starts_with("#!"))
            .collect();
        let commands = scripts.iter().flat_map(|(line, script)| {
            let place = format!("{name}, line {line}");
            split(script).into_iter().map(move |text| Typed {
                place: place.clone(),
                text,
            })
        });
        commands.collect()
    };
    names
        .into_iter()
        .filter(|name| FOLLOWED.iter().all(|(page, _)| name != page))
        .map(of_page)
        .collect()
}

/// Whether a command is run by another test, or by none.
fn is_elsewhere(command: &str) -> bool {
    let of_story = |page: &str| {
        pages::commands(&pages::page(page))
            .into_iter()
            .flat_map(|shown| split(&shown.script))
    };
    ELSEWHERE.iter().any(|(begin, ..)| command.starts_with(begin))
        || NOWHERE.iter().any(|(begin, _)| command.starts_with(begin))
        || FOLLOWED
            .iter()
            .any(|(page, _)| of_story(page).any(|other| other == command))
}

#[test]
fn what_is_said_of_commands_that_run_elsewhere_is_so() {
    let all: Vec<Typed> = typed().into_iter().flatten().collect();
    let begins = ELSEWHERE
        .iter()
        .map(|(begin, ..)| begin)
        .chain(NOWHERE.iter().map(|(begin, _)| begin));
    let gone: Vec<&&str> = begins
        .filter(|begin| !all.iter().any(|typed| typed.text.starts_with(**begin)))
        .collect();
    assert!(gone.is_empty(), "no page has {gone:#?}");
    let tests = root().join("tests/integration");
    for (begin, file, words) in ELSEWHERE {
        let text = std::fs::read_to_string(tests.join(file)).unwrap_or_else(|error| panic!("{begin}: {file}: {error}"));
        assert!(text.contains(words), "{begin}: {file} has no {words}");
    }
    for (page, file) in FOLLOWED {
        let text = std::fs::read_to_string(tests.join("e2e").join(file)).expect("the story");
        assert!(text.contains(&format!("\"{page}\"")), "{file} does not follow {page}");
    }
    // What a story leaves out of its page is run elsewhere too.
    let left_out = coming_over::ELSEWHERE.iter().flat_map(|(script, _)| split(script));
    for command in left_out.filter(|command| !command.starts_with("kubectl certs install")) {
        assert!(is_elsewhere(&command), "{command}");
    }
    let here = all.iter().filter(|typed| !is_elsewhere(&typed.text)).count();
    assert!(here > 90, "only {here} of {} commands run here", all.len());
}

/// What pages name, and what the test has in its place.
fn names(it: &Issuing) -> Vec<(&'static str, String)> {
    let (ns, host) = (&it.ns.name, format!("shop.{}.example", it.ns.name));
    let here = it.ns.dir.path().display();
    let mut all = vec![("shop.example", host), ("shop:certs", format!("{ns}:certs"))];
    for name in [
        "-n shop",
        "-n blog",
        "-n infra",
        "-n kubectl-certs",
        "-n dns",
        "--namespaced shop,blog",
        "--namespaced shop",
        "namespace qa",
    ] {
        let (flag, _) = name.rsplit_once(' ').expect("a flag");
        all.push((name, format!("{flag} {ns}")));
    }
    all.push(("https://ca.corp.example/acme/directory", it.pebble.directory_url()));
    all.push(("/var/lib/node_exporter", here.to_string()));
    // `NAME` and `...` stand for more; `--from-file` names a file of the reader's.
    all.push(("--issuer NAME", "--issuer corp".to_owned()));
    all.push(("203.0.113.7", NODE.to_owned()));
    all.push((
        "REGISTRY/kubectl-certs:TAG",
        "registry.example/kubectl-certs:1".to_owned(),
    ));
    all.push((
        "--egress 8081 ...",
        "--egress 8081 --image registry.example/kubectl-certs:1".to_owned(),
    ));
    all.push((
        " ...",
        " --production --image registry.example/kubectl-certs:1".to_owned(),
    ));
    all
}

/// kubectl that writes nothing, and the programs whose output ours reads, which print the example.
const HARMLESS: &str = r#"
kubectl() {
  case " $* " in
    *" --dry-run"* | *" --print"* | *" --help"*) command kubectl "$@" ;;
    " certs renew "* | " certs issue "* | " certs ensure "* | " certs revoke "* | " certs cleanup "* | " certs install "*)
      command kubectl "$@" --dry-run ;;
    " create "* | " apply "* | " annotate "* | " label "*) command kubectl "$@" --dry-run=server ;;
    *) command kubectl "$@" ;;
  esac
}
helm() { cat docs/example/shop.yaml; }
kustomize() { cat docs/example/shop.yaml; }
"#;

/// The files that pages name.
fn place(it: &Issuing) {
    let dir = it.ns.dir.path();
    for (name, target) in [
        ("docs", "docs"),
        ("plugin", "plugin"),
        ("deploy", "docs/example"),
        ("manifests", "docs/example"),
    ] {
        std::os::unix::fs::symlink(root().join(target), dir.join(name)).unwrap();
    }
    for (block, name) in blocks_of(&page("docs/guide/many-teams.md"), "yaml")
        .iter()
        .zip(["settings.yaml", "blog.yaml"])
    {
        std::fs::write(dir.join(name), &block.text).unwrap();
    }
    let domains = &blocks_of(&page("docs/guide/customers-domains.md"), "yaml")[0];
    std::fs::write(dir.join("domains.yaml"), &domains.text).unwrap();
    let (url, ca) = (
        it.pebble.directory_url(),
        std::fs::read_to_string(it.pebble.ca_file()).unwrap(),
    );
    let pem: Vec<String> = ca.lines().map(|line| format!("      {line}\n")).collect();
    let pem = pem.concat();
    let corp = format!("issuers:\n  corp:\n    directory: {url}\n    agreeTos: true\n    ca: |\n{pem}");
    std::fs::write(dir.join("corp.yaml"), corp).unwrap();
    std::fs::write(dir.join("config.yaml"), "http01:\n  solver: endpoint\n").unwrap();
    std::fs::copy(it.pebble.ca_file(), dir.join("corp-root.pem")).unwrap();
}

/// The exit statuses that are right for a command: findings may be there where `--fail-on` asks for them.
fn is_right(command: &str, status: Option<i32>) -> bool {
    status == Some(0) || (command.contains("--fail-on") && status == Some(1))
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_commands_of_the_guide_run() {
    let it = Issuing::new("guide");
    let shop = format!("shop.{}.example", it.ns.name);
    let (powerdns, dns) = it.powerdns(&[&shop, "internal.example", "corp.example"]);
    powerdns.set(&shop, &shop, "A", &[NODE]);
    let dns = dns.replace("name: internal", "name: powerdns");
    let (_, providers) = dns.split_once("dns01:\n").unwrap();
    let (url, ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    let corp = format!(
        "  corp: {{directory: \"{url}\", caFile: {}, agreeTos: true}}\nhttp01:",
        ca.display()
    );
    let settings = world(&it)
        .replace("http01:", &corp)
        .replace("dns01:\n", &format!("dns01:\n{providers}"));
    it.settings(&settings);
    let pair = it.ns.pki.pair(&[&shop]);
    let mut edge = gateway("edge", &[("wild", &format!("*.{shop}"), json!([{"name": "edge-tls"}]))]);
    edge["spec"]["allowedListeners"] = json!({"namespaces": {"from": "Same"}});
    let secrets = [
        "web-tls",
        "shop-tls",
        "apps-tls",
        "edge-tls",
        "more-tls",
        "internal-tls",
    ];
    // Nobody manages them: they are made, and not applied.
    it.ns.create(secrets.map(|name| pair.secret(name)).into());
    it.ns.apply(vec![
        ingress("web", &[(&[&shop], "web-tls")]),
        ingress("shop", &[(&[&shop], "shop-tls")]),
        edge,
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "ListenerSet", "metadata": {"name": "more"},
            "spec": {
                "parentRef": {"name": "edge", "kind": "Gateway", "group": "gateway.networking.k8s.io"},
                "listeners": [listener("more", &format!("more.{shop}"), &json!([{"name": "more-tls"}]))],
            },
        }),
    ]);
    it.until_addressed("ingress/web");
    it.until_addressed("ingress/shop");
    place(&it);
    let here = it.ns.dir.path().display().to_string();
    it.shell(&format!(
        "cd {here}\nkubectl certs status -n {} -o json >old.json",
        it.ns.name
    ))
    .run()
    .ends_with(0);
    let mut config = kubeconfig::admin();
    config["contexts"][0]["context"]["namespace"] = it.ns.name.as_str().into();
    let mut eu = config["contexts"][0].clone();
    eu["name"] = "prod-eu".into();
    config["contexts"].as_array_mut().unwrap().push(eu);
    let config = kubeconfig::write(it.ns.dir.path(), "guide.conf", &config);

    let (pages, next, names) = (typed(), AtomicUsize::new(0), names(&it));
    let (ran, wrong) = (Mutex::new(BTreeSet::new()), Mutex::new(Vec::new()));
    let follow = || {
        while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
            for Typed { place, text } in page.iter().filter(|typed| !is_elsewhere(&typed.text)) {
                // A command that stands on several pages is run once.
                if !ran.lock().unwrap().insert(text.clone()) {
                    continue;
                }
                let script = names
                    .iter()
                    .fold(text.clone(), |script, (page, own)| script.replace(page, own));
                let call = it.shell(&format!("cd {here}\n{HARMLESS}\n{script}"));
                let done = call
                    .env("KUBECONFIG", &config)
                    .env("SLACK_URL", "http://127.0.0.1:9")
                    .run();
                if !is_right(text, done.status) || done.out.contains("panicked") {
                    let words: String = done.out.chars().take(1500).collect();
                    wrong
                        .lock()
                        .unwrap()
                        .push(format!("{place}: {text}\n-> {script}: {:?}\n{words}", done.status));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(follow);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(ran.into_inner().unwrap().len() > 80);
    // Nothing of it was written.
    assert_eq!(it.leaf("web-tls").sha256(), it.leaf("shop-tls").sha256());
    assert_eq!(it.left(), [""; 0]);
}
