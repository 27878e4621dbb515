//! The controller of a test: with an account that was registered beforehand, and its namespace to itself.

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};

use super::{
    cluster::ingress,
    eventually_within,
    front::Front,
    issuing::{Issuing, NODE},
    limiter::Limiter,
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
    register(it, &Way::direct(it));
    start(it)
}

/// The same by another way to its CA.
pub(crate) fn controller_by(it: &Issuing, front: &Front) -> Running {
    let way = Way {
        url: front.url.clone(),
        ca: front.ca_file(),
    };
    register(it, &way);
    call_by(it, &way, &[]).start()
}

/// A way to the CA: its directory, and what its HTTPS is trusted by.
pub(crate) struct Way {
    pub(crate) url: String,
    pub(crate) ca: PathBuf,
}

impl Way {
    pub(crate) fn direct(it: &Issuing) -> Self {
        Self {
            url: it.pebble.directory_url(),
            ca: it.pebble.ca_file(),
        }
    }

    /// Through what limits.
    pub(crate) fn by(limiter: &Limiter) -> Self {
        Self {
            url: limiter.url.clone(),
            ca: limiter.ca_file(),
        }
    }
}

/// One more replica for the namespace of the test, to be started, which logs its requests.
pub(crate) fn call_by(it: &Issuing, way: &Way, args: &[&str]) -> Call {
    let words = words(it, way, args);
    logging(it.plain(&words.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// The same for all namespaces.
#[expect(dead_code, reason = "a bench needs it")]
pub(crate) fn call_everywhere(it: &Issuing, way: &Way, args: &[&str]) -> Call {
    let words = words(it, way, &[args, &["-A"]].concat());
    logging(it.at_home(&words.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn logging(call: Call) -> Call {
    call.env("KUBECTL_CERTS_LOG", "kubectl_certs::requests=debug")
}

/// Makes the account of a controller, and what else its installation would make.
pub(crate) fn installed(it: &Issuing) {
    register(it, &Way::direct(it));
}

/// The same by another way to its CA.
pub(crate) fn installed_by(it: &Issuing, way: &Way) {
    register(it, way);
}

/// One more replica, which logs its requests.
pub(crate) fn start_logging(it: &Issuing) -> Running {
    logging(call(it, &[])).start()
}

/// One more replica, called otherwise, to be started.
pub(crate) fn call_with(it: &Issuing, args: &[&str]) -> Call {
    call(it, args)
}

/// One more replica, called otherwise.
pub(crate) fn start_with(it: &Issuing, args: &[&str]) -> Running {
    call(it, args).start()
}

fn register(it: &Issuing, way: &Way) {
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
        &way.url,
        "--directory-ca-file",
        way.ca.to_str().unwrap(),
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
    register(it, &Way::direct(it));
    call(it, args).start()
}

/// One that is called in no namespace in particular.
pub(crate) fn call_anywhere(it: &Issuing, args: &[&str]) -> Call {
    let words = words(it, &Way::direct(it), args);
    it.at_home(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn call(it: &Issuing, args: &[&str]) -> Call {
    let words = words(it, &Way::direct(it), args);
    it.plain(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The words of the command line, without the namespaces that are followed.
fn words(it: &Issuing, way: &Way, args: &[&str]) -> Vec<String> {
    let account = format!("{}/account", it.ns.name);
    let resolver = it.resolver.ip().to_string();
    let advertise = format!("{NODE}:{}", free_port());
    let own = [
        "controller",
        "--account-secret",
        &account,
        "--directory-url",
        &way.url,
        "--directory-ca-file",
        way.ca.to_str().unwrap(),
        "--ca-file",
        it.pebble.root_file().to_str().unwrap(),
        "--resolver",
        &resolver,
        "--advertise",
        &advertise,
    ];
    own.into_iter().chain(args.iter().copied()).map(str::to_owned).collect()
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
