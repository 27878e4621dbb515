//! The controller of a test: with an account that was registered beforehand, and its namespace to itself.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use super::{
    cluster::ingress,
    eventually_within,
    front::Front,
    issuing::{Issuing, NODE},
    run::{Call, Running},
    server::free_port,
};

/// How long what failed once, or waits for a DNS record, takes at most until it is tried again and is there.
pub(crate) const NEXT_TRY: Duration = Duration::from_secs(85);

/// Has a route ask for its certificates.
pub(crate) fn asks(mut route: Value) -> Value {
    route["metadata"]["annotations"]["kubernetes.io/tls-acme"] = "true".into();
    route
}

/// An Ingress that asks for a certificate for its hosts, in a Secret of its name and `-tls`.
pub(crate) fn asking(name: &str, hosts: &[&str]) -> Value {
    asks(ingress(name, &[(hosts, &format!("{name}-tls"))]))
}

/// A controller for the namespace of the test, with an account that was registered beforehand.
pub(crate) fn controller(it: &Issuing) -> Running {
    register(it, &it.pebble.directory_url(), &it.pebble.ca_file());
    start(it)
}

/// The same by another way to its CA.
pub(crate) fn controller_by(it: &Issuing, front: &Front) -> Running {
    register(it, &front.url, &front.ca_file());
    call_by(it, &front.url, &front.ca_file(), &[]).start()
}

/// Makes the account of a controller, and what else its installation would make.
pub(crate) fn installed(it: &Issuing) {
    register(it, &it.pebble.directory_url(), &it.pebble.ca_file());
}

/// One more replica, which logs its requests.
pub(crate) fn start_logging(it: &Issuing) -> Running {
    let call = call(it, &[]);
    call.env("KUBECTL_CERTS_LOG", "kubectl_certs::requests=debug").start()
}

/// One more replica, called otherwise, to be started.
pub(crate) fn call_with(it: &Issuing, args: &[&str]) -> Call {
    call(it, args)
}

/// One more replica, called otherwise.
pub(crate) fn start_with(it: &Issuing, args: &[&str]) -> Running {
    call(it, args).start()
}

fn register(it: &Issuing, url: &str, ca: &Path) {
    // The first leader takes it at once.
    it.ns.apply(vec![json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "kubectl-certs-controller"}, "spec": {},
    })]);
    let account = format!("{}/account", it.ns.name);
    it.at_home(&[
        "account",
        "register",
        "--account-secret",
        &account,
        "--directory-url",
        url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
        "--agree-tos",
    ])
    .run()
    .ends_with(0);
}

/// One more replica of it.
pub(crate) fn start(it: &Issuing) -> Running {
    call(it, &[]).start()
}

/// A controller that is called otherwise, with an account that was registered beforehand.
pub(crate) fn controller_with(it: &Issuing, args: &[&str]) -> Running {
    register(it, &it.pebble.directory_url(), &it.pebble.ca_file());
    call(it, args).start()
}

/// One that is called in no namespace in particular.
pub(crate) fn call_anywhere(it: &Issuing, args: &[&str]) -> Call {
    let own = own_args(it, &it.pebble.directory_url(), &it.pebble.ca_file());
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    it.at_home(&[&own[..], args].concat())
}

fn call(it: &Issuing, args: &[&str]) -> Call {
    call_by(it, &it.pebble.directory_url(), &it.pebble.ca_file(), args)
}

fn call_by(it: &Issuing, url: &str, ca: &Path, args: &[&str]) -> Call {
    let own = own_args(it, url, ca);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    it.plain(&[&own[..], args].concat())
}

fn own_args(it: &Issuing, url: &str, ca: &Path) -> Vec<String> {
    let account = format!("{}/account", it.ns.name);
    let resolver = it.resolver.ip().to_string();
    let advertise = format!("{NODE}:{}", free_port());
    let own = [
        "controller",
        "--account-secret",
        &account,
        "--directory-url",
        url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
        "--ca-file",
        it.pebble.root_file().to_str().unwrap(),
        "--resolver",
        &resolver,
        "--advertise",
        &advertise,
    ];
    own.map(str::to_owned).into()
}

/// Tells the controller to order.
pub(crate) fn resume(it: &Issuing) {
    it.plain(&["resume"]).run().ends_with(0);
}

/// Waits until a Secret has a certificate for exactly these names.
#[track_caller]
pub(crate) fn until_stored(it: &Issuing, secret: &str, names: &[&str], running: &Running) {
    until_stored_within(super::PATIENCE, it, secret, names, running);
}

/// The same, which may take longer.
#[track_caller]
pub(crate) fn until_stored_within(longest: Duration, it: &Issuing, secret: &str, names: &[&str], running: &Running) {
    let mut names = names.to_vec();
    names.sort_unstable();
    eventually_within(longest, &format!("a certificate in {secret}"), || {
        let said = || format!("{:?} {:?}", running.out.all(), running.err.all());
        let found = it.ns.kubectl(&[
            "get",
            "secret",
            secret,
            "--ignore-not-found",
            "-o",
            "jsonpath={.data.tls\\.crt}",
        ]);
        if found.is_empty() {
            return Err(said());
        }
        let has = it.leaf(secret).names();
        if has == names {
            Ok(())
        } else {
            Err(format!("{has:?} {}", said()))
        }
    });
}

/// Whether there is a Secret.
pub(crate) fn exists(it: &Issuing, secret: &str) -> bool {
    let found = it
        .ns
        .kubectl(&["get", "secret", secret, "--ignore-not-found", "-o", "name"]);
    !found.is_empty()
}

/// How many orders the CA has been asked for.
pub(crate) fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("POST /order-plz").count()
}

/// How many certificates the CA has been asked to make.
pub(crate) fn finalized(it: &Issuing) -> usize {
    it.pebble.log().matches("POST /finalize-order/").count()
}

/// The lines that have all of these words.
pub(crate) fn lines(running: &Running, words: &[&str]) -> Vec<String> {
    let has = |line: &String| words.iter().all(|word| line.contains(word));
    running.out.all().into_iter().filter(has).collect()
}

/// What a Gateway's listener of port 80 is for: challenges.
pub(crate) fn plain_listener() -> Value {
    json!({"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}})
}
