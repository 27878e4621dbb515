//! The rights of an installation are the least: the API server's audit log says what the controller asks for, each of which its roles
//! permit, and everything that they permit is asked for.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::{Value, json};

use crate::support::{
    cluster::{Namespace, gateway, http_route, kubectl, objects_of},
    controller::{NEXT_TRY, asking, asks, call_anywhere, installed, plain_listener, resume},
    eventually, eventually_within,
    issuing::Issuing,
    kubeconfig,
    run::{Call, Running},
};

/// `VERB KIND.GROUP`.
type Asked = BTreeSet<String>;

/// What the scope of an installation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Cluster,
    Some,
    One,
}

/// An installation of which there is nothing in the cluster but its rights, and what it follows.
struct Installed {
    it: Issuing,
    app: Option<Namespace>,
    wide: Vec<String>,
    /// What its roles permit.
    permitted: Asked,
    kubeconfig: PathBuf,
    scope: Scope,
}

impl Drop for Installed {
    fn drop(&mut self) {
        for object in &self.wide {
            drop(Call::kubectl(["delete", object, "--ignore-not-found"]).run());
        }
    }
}

fn of_kind(verb: &str, plural: &str, group: &str) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    format!("{verb} {plural}{dot}{group}")
}

impl Installed {
    fn new(scope: Scope) -> Self {
        let it = Issuing::within(Namespace::alone("rights"), |_| {});
        // The routes of the first installation lead challenges to it, also while its namespace goes.
        eventually("an end of other installations", || {
            let label = "kubectl-certs.io/purpose=standing";
            let left = kubectl(&["get", "ingresses", "-A", "-l", label, "-o", "name"]);
            if left.is_empty() { Ok(()) } else { Err(left) }
        });
        let app = (scope != Scope::One).then(|| Namespace::new("rights-app"));
        let home = it.ns.name.clone();
        let followed = app.as_ref().map_or(home.as_str(), |app| app.name.as_str()).to_owned();
        let mut args = vec![
            "install",
            "--print",
            "-n",
            &home,
            "--image",
            "none:1",
            "--restart",
            "auto",
        ];
        if scope != Scope::Cluster {
            args.extend(["--namespaced", &followed]);
        }
        let printed = Call::certs(args).run().ends_with(0);
        let kinds = [
            "ServiceAccount",
            "Role",
            "RoleBinding",
            "ClusterRole",
            "ClusterRoleBinding",
        ];
        let mut objects = objects_of(&printed.out);
        objects.retain(|object| kinds.contains(&object["kind"].as_str().unwrap()));
        let rules = objects
            .iter()
            .flat_map(|object| object["rules"].as_array().into_iter().flatten());
        let permitted = rules.flat_map(permits).collect();
        let is_wide = |object: &&Value| object["metadata"]["namespace"].is_null();
        let name = |object: &Value| {
            format!(
                "{}/{}",
                object["kind"].as_str().unwrap(),
                object["metadata"]["name"].as_str().unwrap()
            )
        };
        let wide = objects.iter().filter(is_wide).map(name).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let applied = Call::kubectl(["apply", "--server-side", "-f", "-"]).run_with(list.to_string().as_bytes());
        assert_eq!(applied.status, Some(0), "{}", applied.err);
        installed(&it);
        resume(&it);
        let token = it.ns.kubectl(&["create", "token", "kubectl-certs"]);
        let mut config = kubeconfig::with_user(&json!({"token": token.trim()}));
        config["contexts"][0]["context"]["namespace"] = home.as_str().into();
        let kubeconfig = kubeconfig::write(it.ns.dir.path(), "controller", &config);
        Self {
            it,
            app,
            wide,
            permitted,
            kubeconfig,
            scope,
        }
    }

    fn app(&self) -> &Namespace {
        self.app.as_ref().unwrap_or(&self.it.ns)
    }

    fn start(&self) -> Running {
        let followed = self.app().name.clone();
        let place: &[&str] = match self.scope {
            Scope::Cluster => &["-A"],
            Scope::Some | Scope::One => &["-n", &followed],
        };
        call_anywhere(&self.it, &[&["--restart", "auto", "--wait", "2s"], place].concat())
            .env("KUBECONFIG", &self.kubeconfig)
            .start()
    }

    /// What the API server has seen of the account, and what it has refused.
    fn audited(&self) -> (Asked, BTreeSet<String>) {
        let testbed = std::env::var("TESTBED").expect("TESTBED, which tests/testbed/run sets");
        let log = std::fs::read_to_string(format!("{testbed}/log/audit.log")).unwrap();
        let user = format!("system:serviceaccount:{}:kubectl-certs", self.it.ns.name);
        let (mut asked, mut refused) = (Asked::new(), BTreeSet::new());
        for line in log.lines().filter(|line| line.contains(&user)) {
            let Ok(event) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let object = &event["objectRef"];
            let Some(plural) = object["resource"].as_str() else {
                continue;
            };
            let plural = match object["subresource"].as_str() {
                Some(part) => format!("{plural}/{part}"),
                None => plural.to_owned(),
            };
            let group = object["apiGroup"].as_str().unwrap_or_default();
            let asks = of_kind(event["verb"].as_str().unwrap(), &plural, group);
            let words = event["responseStatus"]["message"].as_str().unwrap_or_default();
            // Namespaces of other tests go meanwhile.
            if event["responseStatus"]["code"] == 403 && !words.contains("being terminated") {
                let at = object["namespace"]
                    .as_str()
                    .map_or_else(String::new, |at| format!(" in {at}"));
                refused.insert(format!("{asks}{at}"));
            }
            asked.insert(asks);
        }
        (asked, refused)
    }
}

/// What a rule permits.
fn permits(rule: &Value) -> Vec<String> {
    let words = |field: &str| -> Vec<String> {
        let all = rule[field].as_array().unwrap().iter();
        all.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut all = Vec::new();
    for group in words("apiGroups") {
        for plural in words("resources") {
            all.extend(words("verbs").iter().map(|verb| of_kind(verb, &plural, &group)));
        }
    }
    all
}

/// The kinds that this cluster serves, as `PLURAL.GROUP`.
fn served() -> BTreeSet<String> {
    let all = kubectl(&["api-resources", "--no-headers", "-o", "name"]);
    all.lines().map(str::to_owned).collect()
}

/// Waits until a Secret has another certificate than this one, with its key.
#[track_caller]
fn until_other(app: &Namespace, secret: &str, before: &str, running: &Running) -> String {
    eventually_within(NEXT_TRY, &format!("a certificate in {secret}"), || {
        let found = app.kubectl(&[
            "get",
            "secret",
            secret,
            "--ignore-not-found",
            "-o",
            "jsonpath={.data.tls\\.crt}",
        ]);
        if !found.is_empty() && found != before {
            Ok(found)
        } else {
            Err(format!("{:?} {:?}", running.out.all(), running.err.all()))
        }
    })
}

/// Everything that the controller does.
fn exercise(this: &Installed) {
    let (it, app) = (&this.it, this.app());
    let hosts: Vec<String> = ["shop", "gw"]
        .iter()
        .map(|label| {
            let host = app.host(label);
            it.resolver.host(&host, &[crate::support::issuing::NODE]);
            host
        })
        .collect();
    let running = this.start();
    let refs = json!([{"name": "gw-tls"}]);
    let mut gw = asks(gateway("gw", &[("web", &hosts[1], refs)]));
    gw["spec"]["listeners"].as_array_mut().unwrap().push(plain_listener());
    app.apply(vec![
        asking("shop", &[&hosts[0]]),
        gw,
        http_route("gw", &json!({"name": "gw"}), &[&hosts[1]]),
    ]);
    let first = until_other(app, "shop-tls", "", &running);
    until_other(app, "gw-tls", "", &running);
    // A workload that is restarted, and a pair that is replaced.
    app.apply(vec![json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "app"}}, "template": {
            "metadata": {"labels": {"app": "app"}},
            "spec": {"containers": [{
                "name": "main", "image": "testbed.local/busybox:1",
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "shop-tls", "key": "tls.crt"}}}],
            }]},
        }},
    })]);
    let past = "kubectl-certs/renewal-window=2026-01-01T00:00:00Z/2026-01-02T00:00:00Z";
    let mark = running.out.mark();
    app.kubectl(&["annotate", "secret", "shop-tls", past, "--overwrite"]);
    until_other(app, "shop-tls", &first, &running);
    running.out.after(mark, &["\"event\":\"restarted\"", "deployment/app"]);
    // One that is lost, and put back.
    app.kubectl(&["delete", "secret", "shop-tls"]);
    until_other(app, "shop-tls", "", &running);
    let said = running.out.clone();
    running.interrupt();
    let (status, _) = running.end();
    assert_eq!(status, Some(0), "{:?}", said.all());
}

#[track_caller]
fn is_least(scope: Scope) {
    let this = Installed::new(scope);
    exercise(&this);
    let (asked, mut refused) = this.audited();
    assert!(!asked.is_empty());
    // Whoever is not in a Pod asks whether production by hand is denied.
    refused.remove("get configmaps in kubectl-certs");
    if scope != Scope::Cluster {
        // It asks for some things of the whole cluster that its roles do not give, and goes on without.
        refused.retain(|it| it.contains(" in ") && !it.starts_with("get namespaces"));
    }
    let served = served();
    let is_served = |permit: &&String| {
        let (_, kind) = permit.split_once(' ').unwrap();
        served.contains(kind) || kind.contains('/')
    };
    let permitted = this.permitted.iter().filter(is_served);
    let superfluous: BTreeSet<&String> = permitted
        .filter(|it| !asked.contains(*it) && !SELDOM.contains(&it.as_str()))
        .collect();
    assert!(
        refused.is_empty() && superfluous.is_empty(),
        "{scope:?}: missing {refused:?}; nothing asks for {superfluous:?}"
    );
}

/// Rights for what this test does not bring about, with what does.
const SELDOM: &[&str] = &[
    // another installation has the routes that stay, so that a challenge has an Ingress of its own; many hosts at once
    "delete ingresses.networking.k8s.io",
    "patch ingresses.networking.k8s.io",
    // a route of Traefik's own kind
    "get ingressroutes.traefik.io",
    "get ingressroutetcps.traefik.io",
    "create ingressroutes.traefik.io",
    "delete ingressroutes.traefik.io",
    // a listener of a set
    "get listenersets.gateway.networking.k8s.io",
    // the answer to a creation that was lost
    "get httproutes.gateway.networking.k8s.io",
    "get services",
    "get endpointslices.discovery.k8s.io",
    // what is not healthy changes once more
    "update configmaps",
    // answers to challenges that a killed run has left
    "list leases.coordination.k8s.io",
    // another address of the controller
    "update services",
    "update endpointslices.discovery.k8s.io",
    "update ingresses.networking.k8s.io",
    // the same Event once more
    "get events",
    "patch events",
    // other workloads than Deployments
    "get statefulsets.apps",
    "patch statefulsets.apps",
    "get daemonsets.apps",
    "patch daemonsets.apps",
    "get replicationcontrollers",
    "create pods/eviction",
    // Services that Pods with certificates are named by
    "list services",
    // wildcards for namespaces
    "get namespaces",
    "list namespaces",
    "watch namespaces",
];

#[test]
#[ignore = "needs the testbed: tests/run"]
fn each_right_in_the_cluster_is_needed_and_none_is_missing() {
    is_least(Scope::Cluster);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn each_right_in_some_namespaces_is_needed_and_none_is_missing() {
    is_least(Scope::Some);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn each_right_in_one_namespace_is_needed_and_none_is_missing() {
    is_least(Scope::One);
}
