//! The testbed's cluster: one namespace for each test, gone with it.

use std::{
    hash::{BuildHasher, Hasher},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    gate::Turn,
    pki::Pki,
    run::{Call, Items, Ran},
};

/// Where Traefik serves.
pub(crate) const TRAEFIK: &str = "10.99.0.1:443";

/// Runs kubectl; it has to succeed.
#[track_caller]
pub(crate) fn kubectl(args: &[&str]) -> String {
    kubectl_at(None, args)
}

/// The same in the cluster of a kubeconfig; `None` is the testbed's.
#[track_caller]
fn kubectl_at(kubeconfig: Option<&Path>, args: &[&str]) -> String {
    let ran = at(kubeconfig, Call::kubectl(args)).run();
    assert_eq!(ran.status, Some(0), "kubectl {args:?}: {}", ran.err);
    ran.out
}

fn at(kubeconfig: Option<&Path>, call: Call) -> Call {
    match kubeconfig {
        Some(file) => call.env("KUBECONFIG", file),
        None => call,
    }
}

/// The name under which the cluster knows who runs these tests, as kubectl says it.
#[track_caller]
pub(crate) fn user() -> String {
    kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"])
}

/// A namespace, a PKI, and a directory for files.
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) pki: Pki,
    pub(crate) dir: tempfile::TempDir,
    /// The kubeconfig of its cluster; `None` is the testbed's.
    kubeconfig: Option<PathBuf>,
    /// What else is to be deleted: KIND/NAME without namespace.
    others: Vec<String>,
    _turn: Turn,
}

impl Namespace {
    pub(crate) fn new(label: &str) -> Self {
        Self::within(Turn::shared(), label, None)
    }

    /// One whose test runs without any other: it takes so much that others would not get theirs.
    pub(crate) fn alone(label: &str) -> Self {
        Self::within(Turn::alone(), label, None)
    }

    /// The same in another cluster than the testbed's.
    #[expect(dead_code, reason = "a bench needs it")]
    pub(crate) fn elsewhere(label: &str, kubeconfig: &Path) -> Self {
        Self::within(Turn::alone(), label, Some(kubeconfig.to_owned()))
    }

    fn within(turn: Turn, label: &str, kubeconfig: Option<PathBuf>) -> Self {
        let random = std::collections::hash_map::RandomState::new().build_hasher().finish() % 0x1_000_000;
        let name = format!("e2e-{label}-{random:06x}");
        kubectl_at(kubeconfig.as_deref(), &["create", "namespace", &name]);
        let this = Self {
            name,
            pki: Pki::new(),
            dir: tempfile::tempdir().unwrap(),
            kubeconfig,
            others: Vec::new(),
            _turn: turn,
        };
        std::fs::write(this.ca_file(), this.pki.root_pem()).unwrap();
        this
    }

    /// What is to be run, in its cluster.
    pub(crate) fn at(&self, call: Call) -> Call {
        at(self.kubeconfig.as_deref(), call)
    }

    /// The kubeconfig of its cluster; `None` is the testbed's.
    #[expect(dead_code, reason = "a bench needs it")]
    pub(crate) fn kubeconfig(&self) -> Option<&Path> {
        self.kubeconfig.as_deref()
    }

    /// The root to trust.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.path().join("root.pem")
    }

    /// A host that no other test has.
    pub(crate) fn host(&self, label: &str) -> String {
        format!("{label}.{}.example", self.name)
    }

    /// Creates or changes objects of this namespace.
    #[track_caller]
    pub(crate) fn apply(&self, objects: Vec<Value>) {
        let ran = self.try_apply(objects);
        assert_eq!(ran.status, Some(0), "kubectl apply: {}", ran.err);
    }

    #[track_caller]
    pub(crate) fn try_apply(&self, mut objects: Vec<Value>) -> Ran {
        for object in &mut objects {
            let meta = object["metadata"].as_object_mut().expect("metadata");
            meta.entry("namespace").or_insert_with(|| self.name.clone().into());
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let call = Call::kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"]);
        self.at(call).run_with(list.to_string().as_bytes())
    }

    /// Creates objects, of which the server is sent JSON with every character escaped that YAML does not allow.
    #[track_caller]
    pub(crate) fn create(&self, objects: Vec<Value>) {
        for object in objects {
            let text: String = object.to_string().chars().fold(String::new(), |mut text, c| {
                use std::fmt::Write as _;
                if c.is_ascii() && c != '\u{7f}' {
                    text.push(c);
                } else {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        let _ = write!(text, "\\u{unit:04x}");
                    }
                }
                text
            });
            let call = Call::kubectl(["create", "-n", &self.name, "-f", "-"]);
            let ran = self.at(call).run_with(text.as_bytes());
            assert_eq!(ran.status, Some(0), "kubectl create: {}", ran.err);
        }
    }

    /// Creates objects without namespace, which go when this goes.
    #[track_caller]
    pub(crate) fn apply_wide(&mut self, objects: &[Value]) {
        for object in objects {
            let kind = object["kind"].as_str().expect("kind").to_lowercase();
            self.others
                .push(format!("{kind}/{}", object["metadata"]["name"].as_str().expect("name")));
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let call = Call::kubectl(["apply", "--server-side", "-f", "-"]);
        let ran = self.at(call).run_with(list.to_string().as_bytes());
        assert_eq!(ran.status, Some(0), "kubectl apply: {}", ran.err);
    }

    /// Applies a file as it is; what it makes goes when this goes.
    #[track_caller]
    pub(crate) fn apply_file(&mut self, path: &str, args: &[&str]) {
        let made = self.at(Call::kubectl([&["apply", "-o", "name", "-f", path], args].concat()));
        let made = made.run().ends_with(0);
        // What is of a namespace goes with it.
        if args.is_empty() {
            self.others.extend(made.out.lines().map(str::to_owned));
        }
    }

    /// Runs kubectl in this namespace; it has to succeed.
    #[track_caller]
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        kubectl_at(self.kubeconfig.as_deref(), &[&["-n", &self.name], args].concat())
    }

    /// The messages of the Events about an object of this namespace, a line each.
    #[track_caller]
    pub(crate) fn events(&self, kind: &str, name: &str, reason: &str) -> Vec<String> {
        let about = format!("involvedObject.kind={kind},involvedObject.name={name},reason={reason}");
        let path = r#"jsonpath={range .items[*]}{.message}{"\n"}{end}"#;
        let out = self.kubectl(&["get", "events", "--field-selector", &about, "-o", path]);
        out.lines().map(str::to_owned).collect()
    }

    /// `kubectl certs ... -n NAMESPACE --ca-file ROOT`, to be run.
    pub(crate) fn call(&self, args: &[&str]) -> Call {
        let ca = self.ca_file();
        let own = ["-n", &self.name, "--ca-file", ca.to_str().expect("UTF-8")];
        self.at(Call::certs([args, &own].concat()))
    }

    #[track_caller]
    pub(crate) fn certs(&self, args: &[&str]) -> Ran {
        self.call(args).run()
    }

    /// The items of `kubectl certs status -o json ...`, which ends with 0.
    #[track_caller]
    pub(crate) fn status(&self, args: &[&str]) -> Items {
        self.certs(&[&["status", "-o", "json"], args].concat())
            .ends_with(0)
            .items()
    }

    /// The kubeconfig of a `ServiceAccount` of this namespace that has just the `rules`, here.
    pub(crate) fn account(&self, name: &str, rules: &Value) -> PathBuf {
        let mut config = super::kubeconfig::with_user(&json!({"token": self.token(name, rules)}));
        config["contexts"][0]["context"]["namespace"] = self.name.as_str().into();
        super::kubeconfig::write(self.dir.path(), name, &config)
    }

    /// The token of such an account.
    pub(crate) fn token(&self, name: &str, rules: &Value) -> String {
        let namespace = &self.name;
        self.apply(vec![
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}),
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}),
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
            }),
        ]);
        self.kubectl(&["create", "token", name]).trim().to_owned()
    }

    /// The user name of an account of this namespace, for `--as`.
    pub(crate) fn user(&self, account: &str) -> String {
        format!("system:serviceaccount:{}:{account}", self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let mut all: Vec<&str> = vec!["delete", "--wait=false", "--ignore-not-found"];
        let own = format!("namespace/{}", self.name);
        all.push(&own);
        all.extend(self.others.iter().map(String::as_str));
        // While a test unwinds, a second panic would hide the first.
        let ran = self.at(Call::kubectl(all)).run();
        if ran.status != Some(0) {
            eprintln!("cannot delete {own}: {}", ran.err);
        }
    }
}

/// An Ingress of class `traefik`: its tls entries, each with its hosts and Secret; its rules are all hosts of the entries.
pub(crate) fn ingress(name: &str, entries: &[(&[&str], &str)]) -> Value {
    let hosts: Vec<&str> = entries.iter().flat_map(|(hosts, _)| hosts.iter().copied()).collect();
    let mut ingress = bare_ingress(name, entries);
    let rules: Vec<Value> = hosts
        .iter()
        .map(|host| json!({"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend()}]}}))
        .collect();
    ingress["spec"]["rules"] = rules.into();
    ingress
}

/// An Ingress without rules.
pub(crate) fn bare_ingress(name: &str, entries: &[(&[&str], &str)]) -> Value {
    let tls: Vec<Value> = entries
        .iter()
        .map(|(hosts, secret)| json!({"hosts": hosts, "secretName": secret}))
        .collect();
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
        "spec": {"ingressClassName": "traefik", "defaultBackend": backend(), "tls": tls},
    })
}

fn backend() -> Value {
    json!({"service": {"name": "web", "port": {"number": 80}}})
}

/// A Gateway of class `traefik` with HTTPS listeners on port 443: name, hostname, certificateRefs.
pub(crate) fn gateway(name: &str, listeners: &[(&str, &str, Value)]) -> Value {
    let listeners: Vec<Value> = listeners
        .iter()
        .map(|(name, host, refs)| listener(name, host, refs))
        .collect();
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": name},
        "spec": {"gatewayClassName": "traefik", "listeners": listeners},
    })
}

/// One HTTPS listener.
pub(crate) fn listener(name: &str, host: &str, refs: &Value) -> Value {
    json!({
        "name": name, "hostname": host, "port": 443, "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": refs},
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    })
}

/// An HTTPRoute of a Gateway or ListenerSet.
pub(crate) fn http_route(name: &str, parent: &Value, hosts: &[&str]) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name},
        "spec": {"parentRefs": [parent], "hostnames": hosts, "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]},
    })
}

/// The objects of manifests, as kubectl reads them.
#[track_caller]
pub(crate) fn objects_of(yaml: &str) -> Vec<Value> {
    let args = ["create", "--dry-run=client", "-o", "json", "-f", "-"];
    let made = Call::kubectl(args).run_with(yaml.as_bytes()).ends_with(0).out;
    let documents = serde_json::Deserializer::from_str(&made).into_iter::<Value>();
    let mut objects = Vec::new();
    for document in documents.map(Result::unwrap) {
        match document["items"].as_array() {
            Some(items) => objects.extend(items.clone()),
            None => objects.push(document),
        }
    }
    objects
}
