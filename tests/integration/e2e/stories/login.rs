//! Everything is behind a login: the entry point redirects to https, and there an oauth2-proxy beside each application
//! sends who has no cookie to the login. Challenges pass; the login stays shut all the while.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

use crate::{
    e2e::http01::backend,
    support::{
        controller::{asking, controller, lines, resume, until_stored},
        eventually,
        issuing::{Issuing, NODE},
        server::{Address, Server, answering, curl, free_port},
    },
};

/// The login, where oauth2-proxy sends people.
const LOGIN: &str = "https://login.example/oauth2/start";

/// A sidecar that lets nobody in without a cookie, whatever is asked for.
fn sidecar() -> SocketAddr {
    answering(NODE, |head| {
        if head.to_lowercase().contains("\r\ncookie: _oauth2_proxy=") {
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nshop".to_owned()
        } else {
            format!("HTTP/1.1 302 Found\r\nLocation: {LOGIN}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
    })
}

/// A Traefik for the namespace alone, on an address of its own, whose port 80 knows nothing but the redirect to https.
struct Edge {
    // the server goes before its address and its files
    _server: Server,
    address: Address,
    _dir: tempfile::TempDir,
}

impl Edge {
    fn start(namespace: &str) -> Self {
        let (address, dir, ping) = (Address::take(), tempfile::tempdir().unwrap(), free_port());
        let ip = address.ip();
        let mut command = Command::new("traefik");
        command
            .args([
                "--global.checknewversion=false",
                "--global.sendanonymoususage=false",
                "--log.level=INFO",
                "--ping=true",
            ])
            .args([
                format!("--entrypoints.traefik.address=127.0.0.1:{ping}"),
                format!("--entrypoints.web.address={ip}:80"),
                format!("--entrypoints.websecure.address={ip}:443"),
                format!("--providers.kubernetesingress.namespaces={namespace}"),
            ])
            .args([
                "--entrypoints.web.http.redirections.entrypoint.to=websecure",
                "--entrypoints.web.http.redirections.entrypoint.scheme=https",
                "--entrypoints.websecure.http.tls=true",
                "--providers.providersthrottleduration=100ms",
                "--providers.kubernetesingress=true",
                "--providers.kubernetesingress.allowemptyservices=true",
            ])
            .env("KUBECONFIG", std::env::var_os("KUBECONFIG").unwrap_or_default());
        let mut server = Server::start("traefik", dir.path(), &command);
        let url = format!("http://127.0.0.1:{ping}/ping");
        server.wait_until(|| curl(&[&url]).is_ok());
        Self {
            _server: server,
            address,
            _dir: dir,
        }
    }

    fn ip(&self) -> Ipv4Addr {
        self.address.ip()
    }
}

/// What a browser gets for a URL: the status and where it is sent. `more` is for curl.
fn visit(ip: Ipv4Addr, url: &str, more: &[&str]) -> Result<String, String> {
    let to = format!("::{ip}:");
    let own = [
        "-k",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %{redirect_url}",
        "--connect-to",
        &to,
        url,
    ];
    curl(&[&own[..], more].concat()).map(|said| said.trim().to_owned())
}

/// Looks again and again what who is not logged in gets, until it is told to stop. Returns how often it looked.
fn watch(ip: Ipv4Addr, hosts: Vec<String>, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<usize> {
    std::thread::spawn(move || {
        let mut looks = 0;
        while !stop.load(Ordering::Relaxed) {
            for host in &hosts {
                for path in ["/", "/.well-known/other"] {
                    let seen = visit(ip, &format!("https://{host}{path}"), &[]);
                    assert_eq!(seen, Ok(format!("302 {LOGIN}")), "{host}{path} after {looks} looks");
                }
            }
            looks += 1;
            std::thread::sleep(Duration::from_millis(100));
        }
        looks
    })
}

/// The Ingress of a team: who serves it, one host, and one certificate that it asks for.
fn team(name: &str, host: &str) -> Value {
    asking(name, &[host])
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn challenges_pass_behind_a_login_that_lets_nobody_in_meanwhile() {
    let it = Issuing::new("login");
    let edge = Edge::start(&it.ns.name);
    // Traefik puts the longer rule first: this host's own rule comes before the route that stays.
    let long = "a-host-with-a-name-so-long-that-its-rule-comes-first-at-traefik";
    let hosts: Vec<String> = ["shop", "wiki", long].map(|label| it.ns.host(label)).into();
    for host in &hosts {
        it.resolver.host(host, &[&edge.ip().to_string()]);
    }
    it.ns.apply(backend("web", sidecar()));
    it.ns.apply(vec![
        team("shop", &hosts[0]),
        team("wiki", &hosts[1]),
        team("long", &hosts[2]),
    ]);
    eventually("the login before all hosts", || {
        hosts.iter().try_for_each(|host| {
            let seen = visit(edge.ip(), &format!("https://{host}/"), &[])?;
            if seen == format!("302 {LOGIN}") {
                Ok(())
            } else {
                Err(seen)
            }
        })
    });
    let plain = format!("http://{}/.well-known/acme-challenge/x", hosts[0]);
    let seen = visit(edge.ip(), &plain, &[]).unwrap();
    assert!(
        seen.starts_with("30") && seen.contains(" https://"),
        "port 80 redirects, challenges too: {seen}"
    );

    let stop = Arc::new(AtomicBool::new(false));
    let watching = watch(edge.ip(), hosts.clone(), Arc::clone(&stop));
    let running = controller(&it);
    resume(&it);
    for (name, host) in ["shop-tls", "wiki-tls", "long-tls"].iter().zip(&hosts) {
        until_stored(&it, name, &[host], &running);
    }
    // The new certificate is served, and who has logged in gets the application by it.
    let root = it.pebble.root_file().to_str().unwrap();
    for host in &hosts {
        eventually(&format!("{host} by its certificate"), || {
            let to = format!("::{}:", edge.ip());
            let url = format!("https://{host}/");
            curl(&[
                "--cacert",
                root,
                "--connect-to",
                &to,
                "-H",
                "Cookie: _oauth2_proxy=me",
                &url,
            ])
            .and_then(|said| if said == "shop" { Ok(()) } else { Err(said) })
        });
    }
    stop.store(true, Ordering::Relaxed);
    let looks = watching.join().expect("the login was before all hosts all the while");
    assert!(looks > 5, "{looks}");
    assert_eq!(lines(&running, &["\"event\":\"failed\""]), [""; 0]);
}
