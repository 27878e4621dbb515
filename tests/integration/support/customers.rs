//! A platform whose customers bring their own domains: the application, its settings, and what serves its pages.

use std::{
    collections::BTreeSet,
    net::TcpStream,
    sync::{Arc, Mutex},
};

use kubectl_certs::install::domains::definition;
use serde_json::{Value, json};

use super::{
    controller::{controller, resume},
    eventually,
    issuing::{Issuing, NODE},
    run::{Call, Running},
    server::{answering, free_port},
};

/// What every customer's page says.
pub(crate) const PAGE: &str = "a customer's page";

/// Defines the kind `Domain`, which all tests share.
pub(crate) fn define() {
    Call::kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"])
        .run_with(definition().object.to_string().as_bytes())
        .ends_with(0);
}

/// The application: it knows its customers, says what it was asked, and serves all of them the same page.
pub(crate) struct Application {
    known: Arc<Mutex<BTreeSet<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
    url: String,
}

impl Application {
    pub(crate) fn start(it: &Issuing) -> Self {
        let known: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (customers, notes) = (Arc::clone(&known), Arc::clone(&asked));
        let address = answering("127.0.0.1", move |head| {
            let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
            let host = path.split("domain=").nth(1).unwrap_or_default();
            let host = host.split('&').next().unwrap_or_default();
            let is_known = customers.lock().unwrap().contains(host);
            notes.lock().unwrap().push(path.clone());
            let status = if is_known { "200 OK" } else { "404 Not Found" };
            format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        });
        let page = answering(NODE, |_| {
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{PAGE}",
                PAGE.len()
            )
        });
        it.ns.apply(vec![
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "app"},
                "spec": {"ports": [{"port": 80, "targetPort": page.port()}]},
            }),
            json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": "app", "labels": {"kubernetes.io/service-name": "app"}},
                "endpoints": [{"addresses": [NODE]}], "ports": [{"port": page.port()}],
            }),
        ]);
        Self {
            known,
            asked,
            url: format!("http://{address}/allowed?domain={{host}}"),
        }
    }

    /// Where it is asked, as the settings have it.
    #[expect(dead_code, reason = "a bench needs it")]
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn knows(&self, host: &str) {
        self.known.lock().unwrap().insert(host.to_owned());
    }

    pub(crate) fn asked_about(&self, host: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|path| path.contains(host)).count()
    }
}

/// A name that somebody registered, which leads to the platform.
pub(crate) fn customer(it: &Issuing, label: &str) -> String {
    let host = format!("{label}.{}.com", it.ns.name);
    it.resolver.host(&host, &[NODE]);
    host
}

pub(crate) fn domain(host: &str) -> Value {
    json!({
        "apiVersion": "kubectl-certs.io/v1", "kind": "Domain", "metadata": {"name": host}, "spec": {"host": host},
    })
}

/// A controller with customers' domains, and where its API is.
pub(crate) fn platform(it: &Issuing, app: &Application) -> (Running, String) {
    platform_with(it, app, "", "")
}

/// The same with more settings of customers' domains, as lines, and other settings before them.
pub(crate) fn platform_with(it: &Issuing, app: &Application, more: &str, before: &str) -> (Running, String) {
    let port = free_port();
    let namespace = &it.ns.name;
    it.settings(&format!(
        "{before}domains:\n  ask: \"{}\"\n  addresses: [{NODE}]\n  namespace: {namespace}\n  backend: app:80\n  listen: 127.0.0.1:{port}\n  \
         tenants: [{namespace}]\n  readers: [{namespace}/edge]\n{more}",
        app.url
    ));
    let running = controller(it);
    resume(it);
    eventually("the API for domains to listen", || {
        TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())
    });
    (running, format!("http://127.0.0.1:{port}"))
}
