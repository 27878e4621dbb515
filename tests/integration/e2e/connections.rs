//! What `docs/trust/connections.md` says that commands connect to is all that they connect to: every address that the kernel is asked for,
//! as strace sees it, is one of a kind that the page names for the command.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    path::Path,
};

use crate::support::{
    cluster::{ingress, kubectl},
    controller::{asking, call_with, installed, resume, until_stored},
    dns::PowerDns,
    eventually,
    issuing::{Issuing, NODE},
    run::{Call, Ran},
};

/// The kinds of places that the page names for each command.
fn page() -> BTreeMap<String, BTreeSet<String>> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/trust/connections.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (_, table) = text.split_once("\n## By command\n").expect("the table");
    let (table, _) = table.split_once("\n## ").expect("its end");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let places = cells[2].split(", ").filter(|word| *word != "nothing");
        (
            cells[1].trim_matches('`').to_owned(),
            places.map(str::to_owned).collect(),
        )
    })
    .collect()
}

/// The addresses in lines of strace: of every socket that is connected, and of every packet.
fn addresses(lines: &str) -> BTreeSet<(String, u16)> {
    let of = |text: &str, before: &str, after: &str| -> Option<String> {
        let (_, rest) = text.split_once(before)?;
        rest.split_once(after).map(|(found, _)| found.to_owned())
    };
    let mut found = BTreeSet::new();
    for line in lines.lines() {
        for address in line.split("sa_family=").skip(1) {
            let (port, ip) = if address.starts_with("AF_INET6") {
                (of(address, "sin6_port=htons(", ")"), of(address, "AF_INET6, \"", "\""))
            } else if address.starts_with("AF_INET") {
                (of(address, "sin_port=htons(", ")"), of(address, "inet_addr(\"", "\""))
            } else {
                continue;
            };
            let (port, ip) = (port.expect(line), ip.expect(line));
            // The C library orders addresses by the route that the kernel has to each, and sends nothing.
            if port != "0" {
                found.insert((ip, port.parse().expect(line)));
            }
        }
    }
    found
}

/// What strace is to tell.
const TRACE: [&str; 5] = [
    "-f",
    "-qq",
    "--seccomp-bpf",
    "-e",
    "trace=connect,sendto,sendmsg,sendmmsg",
];

/// Runs it under strace: how it ended, and the addresses that it and what it starts connected to.
#[track_caller]
fn traced(call: Call, directory: &Path) -> (Ran, BTreeSet<(String, u16)>) {
    let out = directory.join("strace");
    let strace = [&["strace"], &TRACE[..], &["-o", out.to_str().unwrap()]].concat();
    let ran = call.through(&strace).run();
    let lines = std::fs::read_to_string(&out).expect("strace, which tests/testbed/build gets");
    (ran, addresses(&lines))
}

/// The API server's address.
fn api_server() -> (String, u16) {
    let url = kubectl(&[
        "config",
        "view",
        "--minify",
        "-o",
        "jsonpath={.clusters[0].cluster.server}",
    ]);
    let (host, port) = url
        .trim_start_matches("https://")
        .split_once(':')
        .expect("a host and a port");
    (host.to_owned(), port.trim_end_matches('/').parse().unwrap())
}

/// Who is where, and where the program was seen that the page does not say.
struct Places<'a> {
    it: &'a Issuing,
    provider: &'a PowerDns,
    page: BTreeMap<String, BTreeSet<String>>,
    api_server: (String, u16),
    apart: RefCell<Vec<String>>,
}

impl<'a> Places<'a> {
    fn of(it: &'a Issuing, provider: &'a PowerDns) -> Self {
        Self {
            it,
            provider,
            page: page(),
            api_server: api_server(),
            apart: RefCell::default(),
        }
    }

    /// The page's word for an address; another's is the address itself.
    fn word(&self, (ip, port): &(String, u16)) -> String {
        let is = |other: Ipv4Addr| *ip == other.to_string();
        let ca = self.it.pebble.directory_url();
        let word = match port {
            _ if (ip, port) == (&self.api_server.0, &self.api_server.1) => "cluster",
            _ if ca.starts_with(&format!("https://{ip}:{port}/")) => "CA",
            53 if is(self.it.resolver.ip()) => "resolver",
            53 if is(self.it.resolver.top()) || is(self.provider.ip()) => "zones",
            8081 if is(self.provider.ip()) => "provider",
            80 | 443 if ip == NODE => "hosts",
            _ => return format!("{ip}:{port}"),
        };
        word.to_owned()
    }

    /// A command connects to the places that its row names, and to no other.
    fn holds(&self, row: &str, call: Call) {
        let (ran, found) = traced(call, self.it.ns.dir.path());
        let words: BTreeSet<String> = found.iter().map(|at| self.word(at)).collect();
        let named = self.page.get(row);
        if ran.status != Some(0) || named != Some(&words) {
            let said = format!("{}\n{}", ran.out, ran.err);
            let said: String = said.chars().take(2000).collect();
            let (status, named) = (ran.status, named.cloned().unwrap_or_default());
            let apart = format!("`{row}` connects to {words:?} and not {named:?}; it ended with {status:?}:\n{said}");
            self.apart.borrow_mut().push(apart);
        }
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn commands_connect_to_what_the_page_says_and_to_nothing_else() {
    let it = Issuing::new("connects");
    let host = it.host("shop");
    let zone = it.ns.host("zone");
    let (provider, dns) = it.powerdns(&[&zone]);
    it.settings(&dns);
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.until_addressed("ingress/shop");
    let places = Places::of(&it, &provider);
    // Without a cluster, nobody is asked.
    let root = env!("CARGO_MANIFEST_DIR");
    let (example, ca) = (format!("{root}/docs/example"), format!("{root}/docs/example/root.pem"));
    let offline = ["status", "-f", &example, "--ca-file", &ca, "--at", "2026-12-01"];
    for (row, words) in [
        ("status -f", &offline[..]),
        ("show FILE", &["show", &ca]),
        ("config", &["config", "view"]),
        ("explain", &["explain", "Expired"]),
        ("rights", &["rights", "-n", "shop"]),
        ("version", &["version"]),
        ("completion", &["completion", "bash"]),
        ("man", &["man"]),
    ] {
        places.holds(row, it.at_home(words));
    }

    places.holds("preflight", it.call(&["preflight", "shop"]));
    places.holds("renew --dry-run", it.call(&["renew", "shop", "--dry-run"]));
    places.holds("renew", it.call(&["renew", "shop"]));
    let names = ["-d", &format!("a.{zone}"), "-d", &format!("*.{zone}")];
    let dns01 = [&["issue", "--secret", "zone-tls", "--dns", "internal"], &names[..]].concat();
    places.holds("issue", it.call(&dns01));
    places.holds("ensure", it.call(&["ensure", "--secret", "shop-tls", "-d", &host]));
    // What is renewed once more can be put back, and what was replaced can be revoked.
    it.certs(&["renew", "shop"]).ends_with(0);
    places.holds("rollback", it.plain(&["rollback", "shop-tls", "--yes", "--wait", "0"]));
    let (url, own_ca) = (it.pebble.directory_url(), it.pebble.ca_file());
    let own_ca = own_ca.to_str().unwrap();
    let at_ca = ["--directory-url", &url, "--directory-ca-file", own_ca];
    places.holds(
        "revoke",
        it.plain(&[&["revoke", "shop-tls", "--yes", "--force"], &at_ca[..]].concat()),
    );
    places.holds("limits", it.plain(&["limits"]));
    places.holds("cleanup", it.plain(&["cleanup", "--yes"]));
    places.holds("account", it.at_home(&[&["account", "show"], &at_ca[..]].concat()));

    let ca = it.pebble.root_file().to_str().unwrap().to_owned();
    let looked = |words: &[&str]| it.plain(&[words, &["--ca-file", &ca]].concat());
    places.holds("status", looked(&["status"]));
    places.holds("show", looked(&["show", "shop"]));
    places.holds("status --probe", looked(&["status", "--probe"]));
    places.holds("status --no-secrets", looked(&["status", "--no-secrets"]));
    places.holds("probe", looked(&["probe"]));
    places.holds("why", looked(&["why", &host]));
    places.holds(
        "show HOST:PORT",
        it.at_home(&["show", &format!("{host}:443"), "--ca-file", &ca]),
    );
    let apart = places.apart.take();
    assert!(apart.is_empty(), "{}", apart.join("\n"));
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_controller_connects_to_what_the_page_says_and_to_nothing_else() {
    let it = Issuing::new("connects-on");
    let (shop, zone) = (it.host("shop"), it.ns.host("zone"));
    let (provider, dns) = it.powerdns(&[&zone]);
    it.settings(&dns);
    installed(&it);
    resume(&it);
    it.ns
        .apply(vec![asking("shop", &[&shop]), asking("zone", &[&format!("*.{zone}")])]);
    let out = it.ns.dir.path().join("strace");
    // The tracer stands aside, so that the signal reaches the controller.
    let strace = [&["strace", "-D"], &TRACE[..], &["-o", out.to_str().unwrap()]].concat();
    let call = call_with(&it, &[]).through(&strace);
    let running = call.start();
    until_stored(&it, "shop-tls", &[&shop], &running);
    until_stored(&it, "zone-tls", &[&format!("*.{zone}")], &running);
    running.signal("-TERM");
    running.end();
    let places = Places::of(&it, &provider);
    let seen = eventually("what it has connected to", || {
        let lines = std::fs::read_to_string(&out).expect("strace, which tests/testbed/build gets");
        let words: BTreeSet<String> = addresses(&lines).iter().map(|at| places.word(at)).collect();
        let is_whole = Some(&words) == places.page.get("controller");
        is_whole.then_some(words.clone()).ok_or_else(|| format!("{words:?}"))
    });
    assert!(seen.len() > 3, "{seen:?}");
}

#[test]
fn lines_of_strace_are_read() {
    let lines = r#"7 connect(3, {sa_family=AF_UNIX, sun_path="/run/nscd"}, 110) = -1 ENOENT
8 connect(9, {sa_family=AF_INET, sin_port=htons(6443), sin_addr=inet_addr("10.99.0.1")}, 16 <unfinished ...>
8 connect(9, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("10.99.0.2")}, 16) = 0
8 sendto(9, "x", 1, 0, {sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "fd00::1", &sin6_addr), sin6_scope_id=0}, 28) = 1
8 connect(9, {sa_family=AF_NETLINK, nl_pid=0}, 12) = 0
"#;
    let expected = [("10.99.0.1".to_owned(), 6443), ("fd00::1".to_owned(), 53)];
    assert_eq!(addresses(lines), BTreeSet::from(expected));
    assert!(page().len() > 20, "{:?}", page());
}
