//! An Internet's names: root and top-level zones on a BIND, and an Unbound that resolves from there.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use super::{Answer, Command, Record, delegation, lookup, named::Named};
use crate::support::{
    run::Call,
    server::{Address, Server},
};

/// The top-level domains that exist.
const TOP: [&str; 3] = ["example", "test", "internal"];

/// What a CA, a program under test or anybody else asks who wants to know a name: it follows delegations and CNAMEs from
/// the root on, and keeps no answer, so that every change is seen by the next question. [`Resolver::keeping`] starts one
/// that keeps answers, as resolvers do.
///
/// Names are below `example`, `test` and `internal`. No other exists.
pub(crate) struct Resolver {
    // the server goes before its address and its files
    _server: Server,
    address: Address,
    top: Named,
    dir: tempfile::TempDir,
}

impl Resolver {
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::with(false)
    }

    /// One that keeps answers for their TTL, and also that a name does not exist.
    #[track_caller]
    pub(crate) fn keeping() -> Self {
        Self::with(true)
    }

    #[track_caller]
    fn with(keeps: bool) -> Self {
        let top = Named::start(&[&["."], &TOP[..]].concat());
        let (address, dir) = (Address::take(), tempfile::tempdir().unwrap());
        std::fs::write(
            dir.path().join("unbound.conf"),
            configuration(address.ip(), top.ip(), keeps),
        )
        .unwrap();
        std::fs::write(dir.path().join("resolv.conf"), format!("nameserver {}\n", address.ip())).unwrap();
        let mut command = Command::new("unbound");
        command.args(["-d", "-c", "unbound.conf"]);
        let mut server = Server::start("unbound", dir.path(), &command);
        server.wait_until(|| lookup(address.ip(), TOP[0], "SOA").status == "NOERROR");
        Self {
            _server: server,
            address,
            top,
            dir,
        }
    }

    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.address.ip()
    }

    /// The name server of the root and the top-level zones.
    pub(crate) fn top(&self) -> Ipv4Addr {
        self.top.ip()
    }

    /// `IP:53`.
    pub(crate) fn address(&self) -> String {
        format!("{}:53", self.ip())
    }

    /// A file for `/etc/resolv.conf` that names it.
    pub(crate) fn resolv_conf(&self) -> PathBuf {
        self.dir.path().join("resolv.conf")
    }

    /// Lets a program have this as its system's resolver: it sees a resolv.conf of its own.
    pub(crate) fn within(&self, call: Call) -> Call {
        let script = r#"mount --bind "$0" /etc/resolv.conf && exec "$@""#;
        let resolv_conf = self.resolv_conf();
        call.through(&["unshare", "--mount", "sh", "-c", script, resolv_conf.to_str().unwrap()])
    }

    /// Makes a host have just these addresses, of either family; none makes it not exist.
    #[track_caller]
    pub(crate) fn host(&self, name: &str, addresses: &[&str]) {
        let mut commands = vec![
            format!("update delete {name}. A"),
            format!("update delete {name}. AAAA"),
        ];
        for address in addresses {
            let ip: IpAddr = address.parse().expect("an IP address");
            let kind = if ip.is_ipv4() { "A" } else { "AAAA" };
            commands.push(Named::add(&Record::new(name, kind, address)));
        }
        self.top.update(&commands);
    }

    /// Makes many new hosts have this address.
    pub(crate) fn hosts(&self, names: &[String], address: &str) {
        // A message of DNS has 64 KiB.
        for some in names.chunks(200) {
            let add = |name: &String| Named::add(&Record::new(name, "A", address));
            self.top.update(&some.iter().map(add).collect::<Vec<_>>());
        }
    }

    /// Adds a record (CAA, CNAME, ...) to the top-level zone: data as a zone file has it, names in it with their last dot.
    #[track_caller]
    pub(crate) fn add(&self, name: &str, kind: &str, data: &str) {
        self.top.update(&[Named::add(&Record::new(name, kind, data))]);
    }

    /// Hands a zone to a name server: its `NS` record is `ns1.ZONE`, which has this address.
    #[track_caller]
    pub(crate) fn delegate(&self, zone: &str, server: Ipv4Addr) {
        self.top
            .update(&delegation(zone, server).map(|record| Named::add(&record)));
    }

    /// Asks it.
    pub(crate) fn lookup(&self, name: &str, kind: &str) -> Answer {
        lookup(self.ip(), name, kind)
    }
}

fn configuration(ip: Ipv4Addr, top: Ipv4Addr, keeps: bool) -> String {
    let mut text = format!(
        r#"server:
  username: ""
  chroot: ""
  directory: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-daemonize: no
  num-threads: 1
  incoming-num-tcp: 256
  interface: {ip}
  access-control: 0.0.0.0/0 allow
  module-config: "iterator"
  msg-cache-size: 1m
  rrset-cache-size: 1m
  unblock-lan-zones: yes
  local-zone: "test." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: {top}
"#
    );
    // not at the root alone: there `stub-no-cache` has no effect
    let no_cache = if keeps { "no" } else { "yes" };
    for zone in TOP {
        write!(
            text,
            "stub-zone:\n  name: \"{zone}\"\n  stub-addr: {top}\n  stub-no-cache: {no_cache}\n"
        )
        .unwrap();
    }
    text
}
