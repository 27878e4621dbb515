//! BIND's named, with zones that are changed by RFC 2136 and nothing else.

use std::{fmt::Write as _, io::Write as _, net::Ipv4Addr, path::Path, process::Stdio};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{Command, Record, lookup};
use crate::support::server::{Address, Server, random_bytes};

pub(super) const KEY_NAME: &str = "testbed-update";
pub(super) const KEY_ALGORITHM: &str = "hmac-sha256";

pub(super) struct Named {
    // the server goes before its address and its files
    _server: Server,
    address: Address,
    secret: String,
    _dir: tempfile::TempDir,
}

impl Named {
    /// Serves zones, each with its SOA and with itself as name server `ns1.ZONE`. `.` is the root.
    #[track_caller]
    pub(super) fn start(zones: &[&str]) -> Self {
        let (address, dir) = (Address::take(), tempfile::tempdir().unwrap());
        let secret = BASE64_STANDARD.encode(random_bytes::<32>());
        std::fs::write(
            dir.path().join("named.conf"),
            configuration(&address, dir.path(), &secret, zones),
        )
        .unwrap();
        for (number, zone) in zones.iter().enumerate() {
            std::fs::write(dir.path().join(format!("zone-{number}")), zone_file(zone, address.ip())).unwrap();
        }
        let mut command = Command::new("named");
        // -X: its lock would be one for all; -n: a thread for each core is more than a test needs
        command
            .args(["-g", "-4", "-n", "1", "-X", "none", "-c"])
            .arg(dir.path().join("named.conf"));
        let mut server = Server::start("named", dir.path(), &command);
        // it answers before it has loaded all of its zones
        server.wait_until(|| zones.iter().all(|zone| lookup(address.ip(), zone, "SOA").authoritative));
        Self {
            _server: server,
            address,
            secret,
            _dir: dir,
        }
    }

    pub(super) fn ip(&self) -> Ipv4Addr {
        self.address.ip()
    }

    /// Base64.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Sends nsupdate's commands as one change.
    #[track_caller]
    pub(super) fn update(&self, commands: &[String]) {
        let mut script = format!("server {}\n", self.ip());
        for command in commands {
            writeln!(script, "{command}").unwrap();
        }
        script.push_str("send\n");
        let mut child = Command::new("nsupdate")
            .args(["-t", "10", "-y", &format!("{KEY_ALGORITHM}:{KEY_NAME}:{}", self.secret)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nsupdate");
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let ran = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success() && said.is_empty(), "nsupdate: {said}\n{script}");
    }

    /// The command that adds a record. TTL 1: what others keep, they keep for as short as can be.
    pub(super) fn add(record: &Record) -> String {
        format!("update add {}. 1 {} {}", record.name, record.kind, record.data)
    }
}

fn configuration(address: &Address, dir: &Path, secret: &str, zones: &[&str]) -> String {
    let (ip, dir) = (address.ip(), dir.display());
    let mut text = format!(
        r#"key "{KEY_NAME}" {{ algorithm {KEY_ALGORITHM}; secret "{secret}"; }};
controls {{ }};
options {{
  directory "{dir}";
  listen-on {{ {ip}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  allow-query {{ any; }};
  allow-transfer {{ any; }};
  dnssec-validation no;
  empty-zones-enable no;
  notify no;
  interface-interval 0;
  automatic-interface-scan no;
  max-cache-size 8m;
  pid-file none;
  session-keyfile none;
}};
"#
    );
    for (number, zone) in zones.iter().enumerate() {
        writeln!(
            text,
            r#"zone "{zone}" {{ type primary; file "zone-{number}"; update-policy {{ grant {KEY_NAME} zonesub ANY; }}; }};"#
        )
        .unwrap();
    }
    text
}

fn zone_file(zone: &str, server: Ipv4Addr) -> String {
    let origin = if zone == "." {
        ".".to_owned()
    } else {
        format!("{zone}.")
    };
    // the last number is how long others may keep that a name does not exist
    format!("$ORIGIN {origin}\n$TTL 1\n@ SOA ns1 hostmaster 1 60 60 600 1\n@ NS ns1\nns1 A {server}\n")
}
