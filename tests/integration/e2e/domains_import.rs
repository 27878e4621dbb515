//! Certificates that lua-resty-auto-ssl keeps in a real Redis, Caddy in its storage and certbot in its directories go over with their keys,
//! without an order.

use std::{os::unix::fs::symlink, path::Path, process::Command};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::adopt::installed;
use crate::support::{
    controller::orders,
    customers::define,
    issuing::Issuing,
    pki::{Pair, Pki},
    run::{Call, Ran},
    server::Server,
};

/// A Redis of its own, which is spoken to through a socket.
struct Redis<'a> {
    _server: Server,
    dir: &'a Path,
}

impl<'a> Redis<'a> {
    fn start(dir: &'a Path) -> Self {
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--unixsocket", "redis.sock", "--save", "", "--dir", "."]);
        let mut server = Server::start("redis-server", dir, &command);
        server.wait_until(|| {
            let ran = Command::new("redis-cli")
                .args(["-s", "redis.sock", "ping"])
                .current_dir(dir)
                .output();
            ran.is_ok_and(|ran| ran.stdout == b"PONG\n")
        });
        Self { _server: server, dir }
    }

    fn run(&self, args: &[&str]) {
        let ran = Command::new("redis-cli")
            .args(["-s", "redis.sock"])
            .args(args)
            .current_dir(self.dir)
            .output();
        let ran = ran.expect("redis-cli");
        assert!(
            ran.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }

    /// Keeps what is no certificate: a key of each type that a dump has.
    fn keep_other_kinds(&self) {
        for args in [
            &["hset", "session:1", "user", "someone", "count", "7"][..],
            &["rpush", "list", "1", "2", "3"],
            &["sadd", "set", "x", "y"],
            &["zadd", "zset", "1.5", "x"],
            &["xadd", "stream", "*", "field", "value"],
            &["xgroup", "create", "stream", "group", "0"],
            &["xreadgroup", "group", "group", "me", "streams", "stream", ">"],
            &["setex", "short", "100", "value"],
            &["pfadd", "hll", "a", "b"],
        ] {
            self.run(args);
        }
    }

    /// As lua-resty-auto-ssl stores it.
    fn keep(&self, key: &str, pair: &Pair) {
        let value = json!({
            "fullchain_pem": pair.chain, "privkey_pem": pair.key, "cert_pem": pair.chain, "expiry": 1_900_000_000,
        });
        self.run(&["set", key, &value.to_string()]);
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn import(it: &Issuing, from: &str, path: &Path, more: &[&str]) -> Ran {
    let path = path.to_str().unwrap();
    let args = [
        "domains",
        "import",
        "--from",
        from,
        path,
        "--controller-namespace",
        &it.ns.name,
        "--same-ca",
    ];
    it.plain(&[&args[..], more].concat()).run()
}

/// What the Secret of a host holds, and that the installation claims it.
fn holds(it: &Issuing, host: &str, pair: &Pair) {
    let secret = it.secret(&format!("domain-{host}"));
    let decoded = |name: &str| {
        let text = secret["data"][name].as_str().expect("data");
        String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap()
    };
    assert_eq!(
        (decoded("tls.crt"), decoded("tls.key")),
        (pair.chain.clone(), pair.key.clone()),
        "{host}"
    );
    assert_eq!(secret["type"], "kubernetes.io/tls");
    let claim = &secret["metadata"]["annotations"]["kubectl-certs.io/claim"];
    assert!(claim.is_string(), "{}", secret["metadata"]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_auto_ssl_caddy_and_certbot_keep_goes_over_without_an_order_and_a_second_run_changes_nothing() {
    let it = Issuing::new("imported");
    define();
    let _wide = installed(&it);
    let (pki, dir) = (Pki::new(), it.ns.dir.path());
    let host = |label: &str| format!("{label}.{}.example.com", it.ns.name);
    let [one, two, three, four, five, taken] = ["one", "two", "three", "four", "five", "taken"].map(host);
    let pair = |host: &str| pki.pair(&[host]);
    let of = [
        pair(&one),
        pair(&two),
        pair(&three),
        pki.pair(&[&four, &five]),
        pair(&taken),
    ];
    let ordered = orders(&it);

    // Redis, which holds more than certificates.
    let redis = Redis::start(dir);
    redis.keep(&format!("{one}:latest"), &of[0]);
    redis.keep(&format!("auto-ssl:{two}:latest"), &of[1]);
    redis.keep(&format!("{taken}:latest"), &of[4]);
    redis.keep(&format!("other.{}.example.com:latest", it.ns.name), &of[0]);
    redis.keep_other_kinds();
    redis.run(&["--rdb", "dump.rdb"]);
    let dump = dir.join("dump.rdb");
    // Somebody else has a Secret of that name.
    it.ns
        .apply(vec![pki.pair(&[&taken]).secret(&format!("domain-{taken}"))]);

    let dry = import(&it, "auto-ssl", &dump, &["--dry-run"]);
    assert!(
        dry.out.contains(&format!("would import Domain {}/{one}", it.ns.name)),
        "{}{}",
        dry.out,
        dry.err
    );
    assert_eq!(it.ns.kubectl(&["get", "domains", "-o", "name"]), "");

    let ran = import(&it, "auto-ssl", &dump, &["--yes"]).ends_with(5);
    assert!(
        ran.err
            .contains("2 hosts imported, and nothing was ordered; 2 left out"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("nobody has claimed it for the installation"),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains(&format!("its certificate is not for other.{}", it.ns.name)),
        "{}",
        ran.err
    );
    assert!(!format!("{}{}", ran.out, ran.err).contains("PRIVATE KEY"));
    holds(&it, &one, &of[0]);
    holds(&it, &two, &of[1]);

    let caddy = dir.join("caddy");
    let place = caddy.join(format!("certificates/acme-directory/{three}"));
    write(&place.join(format!("{three}.crt")), &of[2].chain);
    write(&place.join(format!("{three}.key")), &of[2].key);
    write(&place.join(format!("{three}.json")), "{\"sans\": []}");
    import(&it, "caddy", &caddy, &["--yes"]).ends_with(0);
    holds(&it, &three, &of[2]);

    // certbot's files are links.
    let certbot = dir.join("letsencrypt");
    for (name, text) in [("fullchain", &of[3].chain), ("privkey", &of[3].key)] {
        write(&certbot.join(format!("archive/{four}/{name}1.pem")), text);
        let link = certbot.join(format!("live/{four}/{name}.pem"));
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(format!("../../archive/{four}/{name}1.pem"), link).unwrap();
    }
    import(&it, "pem-dir", &certbot, &["--yes"]).ends_with(0);
    holds(&it, &four, &of[3]);
    holds(&it, &five, &of[3]);

    let version = it.version(&format!("domain-{one}"));
    let again = import(&it, "auto-ssl", &dump, &["--yes"]);
    assert!(again.err.contains("0 hosts imported"), "{}", again.err);
    assert!(again.err.contains("2 there already"), "{}", again.err);
    assert_eq!((it.version(&format!("domain-{one}")), orders(&it)), (version, ordered));

    let listed = it.plain(&["domains", "list", "-o", "json"]).run().ends_with(0);
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    let hosts: Vec<&str> = listed["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["host"].as_str())
        .collect();
    assert_eq!(hosts, [&five, &four, &one, &three, &two], "in the order of their names");
    let shown = it.plain(&["domains", "show", &one]).run().ends_with(0);
    assert!(shown.out.starts_with(&one), "{}", shown.out);
    let kubectl = Call::kubectl(["get", "domains", "-n", &it.ns.name, &one])
        .run()
        .ends_with(0);
    assert!(kubectl.out.contains("STATE"), "{}", kubectl.out);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_host_is_registered_and_released_by_hand() {
    let it = Issuing::new("by-hand");
    define();
    let host = format!("hand.{}.example.com", it.ns.name);
    let run = |args: &[&str]| it.plain(&[&["domains"], args].concat()).run();
    assert_eq!(run(&["put", "*.com", "--yes"]).status, Some(2));
    let dry = run(&["put", &host, "--dry-run"]).ends_with(0);
    assert!(
        dry.out
            .contains(&format!("would register Domain {}/{host}", it.ns.name)),
        "{}",
        dry.out
    );
    assert_eq!(it.ns.kubectl(&["get", "domains", "-o", "name"]), "");
    run(&["put", &host, "--yes"]).ends_with(0);
    let again = run(&["put", &host, "--yes"]).ends_with(0);
    assert!(again.err.contains("is registered already"), "{}", again.err);
    let listed = run(&["list", "--state", "asked", "-o", "name"]).ends_with(0);
    assert_eq!(listed.out, format!("domain.kubectl-certs.io/{host}\n"));
    run(&["release", &host, "--yes"]).ends_with(0);
    let shown = run(&["show", &host]).ends_with(0);
    assert!(shown.out.contains("released"), "{}", shown.out);
    let again = run(&["release", &host, "--yes"]).ends_with(0);
    assert!(again.err.contains("is released already"), "{}", again.err);
}
