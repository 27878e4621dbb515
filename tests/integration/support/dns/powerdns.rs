//! PowerDNS with its HTTP API.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::{Command, Record, delegation};
use crate::support::server::{Address, Server, curl};

const API_PORT: u16 = 8081;

/// A name server on port 53 of its own address, whose zones are changed by its API.
pub(crate) struct PowerDns {
    // the server goes before its address and its files
    server: Server,
    address: Address,
    api_key: String,
    _dir: tempfile::TempDir,
}

impl PowerDns {
    /// Without zones: [`PowerDns::create_zone`].
    #[track_caller]
    pub(crate) fn start() -> Self {
        let (address, dir) = (Address::take(), tempfile::tempdir().unwrap());
        let (ip, path) = (address.ip(), dir.path().display());
        let api_key = format!("key-{}", dir.path().file_name().unwrap().to_string_lossy());
        let testbed = std::env::var("TESTBED").expect("TESTBED, which tests/testbed/run sets");
        std::fs::copy(format!("{testbed}/dns/pdns.sqlite3"), dir.path().join("pdns.sqlite3"))
            .expect("tests/testbed/build");
        // it keeps nothing: a change is seen by the next question
        let configuration = format!(
            "launch=gsqlite3
gsqlite3-database={path}/pdns.sqlite3
gsqlite3-pragma-synchronous=0
socket-dir={path}
local-address={ip}
receiver-threads=1
distributor-threads=1
daemon=no
guardian=no
disable-syslog=yes
loglevel=6
security-poll-suffix=
cache-ttl=0
negquery-cache-ttl=0
query-cache-ttl=0
zone-cache-refresh-interval=0
api=yes
api-key={api_key}
webserver=yes
webserver-address={ip}
webserver-port={API_PORT}
webserver-allow-from=0.0.0.0/0
"
        );
        std::fs::write(dir.path().join("pdns.conf"), configuration).unwrap();
        let mut command = Command::new("pdns_server");
        command.arg(format!("--config-dir={path}"));
        let server = Server::start("pdns", dir.path(), &command);
        let mut this = Self {
            server,
            address,
            api_key,
            _dir: dir,
        };
        // the API is up last
        let (url, key) = (
            format!("{}/api/v1/servers/localhost", this.api_url()),
            this.key_header(),
        );
        this.server.wait_until(|| curl(&["-H", &key, &url]).is_ok());
        this
    }

    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.address.ip()
    }

    /// `http://IP:8081`, without a path.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}:{API_PORT}", self.ip())
    }

    pub(crate) fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Creates a zone with its SOA and `ns1.ZONE` as name server. Somebody has to delegate it to [`PowerDns::ip`].
    #[track_caller]
    pub(crate) fn create_zone(&self, zone: &str) {
        let soa = format!("ns1.{zone}. hostmaster.{zone}. 1 60 60 600 1");
        let [ns, a] = delegation(zone, self.ip());
        let rrsets = [&Record::new(zone, "SOA", &soa), &ns, &a].map(|record| rrset(record, &[&record.data]));
        let body = json!({"name": format!("{zone}."), "kind": "Native", "rrsets": rrsets});
        self.api("POST", "", Some(&body));
    }

    /// Makes a record set just these values, as a zone file has them; none removes it.
    #[track_caller]
    pub(crate) fn set(&self, zone: &str, name: &str, kind: &str, data: &[&str]) {
        let mut change = rrset(&Record::new(name, kind, ""), data);
        change["changetype"] = json!(if data.is_empty() { "DELETE" } else { "REPLACE" });
        self.api("PATCH", &format!("/{zone}."), Some(&json!({"rrsets": [change]})));
    }

    /// Makes a zone say that resolvers may keep for so many seconds that a record does not exist.
    #[track_caller]
    pub(crate) fn keep_absence(&self, zone: &str, seconds: u32) {
        let soa = format!("ns1.{zone}. hostmaster.{zone}. 2 60 60 600 {seconds}");
        let mut change = rrset(&Record::new(zone, "SOA", ""), &[&soa]);
        change["changetype"] = json!("REPLACE");
        change["ttl"] = json!(seconds);
        self.api("PATCH", &format!("/{zone}."), Some(&json!({"rrsets": [change]})));
    }

    /// Hands a zone below one of its own to another server.
    #[track_caller]
    pub(crate) fn delegate(&self, zone: &str, below: &str, server: Ipv4Addr) {
        for record in delegation(below, server) {
            self.set(zone, &record.name, &record.kind, &[&record.data]);
        }
    }

    /// All records of a zone but its SOA, whose serial counts changes; sorted.
    #[track_caller]
    pub(crate) fn records(&self, zone: &str) -> Vec<Record> {
        let answer = self.api("GET", &format!("/{zone}."), None);
        let mut records = Vec::new();
        for set in answer["rrsets"].as_array().expect("rrsets") {
            let (name, kind) = (set["name"].as_str().unwrap(), set["type"].as_str().unwrap());
            for value in set["records"].as_array().expect("records") {
                records.push(Record::new(name, kind, value["content"].as_str().unwrap()));
            }
        }
        records.retain(|record| record.kind != "SOA");
        records.sort();
        records
    }

    fn key_header(&self) -> String {
        format!("X-API-Key: {}", self.api_key)
    }

    /// Calls `/api/v1/servers/localhost/zones` and what is below.
    #[track_caller]
    fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}/api/v1/servers/localhost/zones{path}", self.api_url());
        let (key, body) = (self.key_header(), body.map(Value::to_string));
        let mut args = vec!["-X", method, "-H", &key, "-H", "Content-Type: application/json"];
        if let Some(body) = &body {
            args.extend(["-d", body]);
        }
        args.push(&url);
        let text = curl(&args).unwrap_or_else(|error| panic!("PowerDNS, {method} {path}: {error}"));
        serde_json::from_str(&text).unwrap_or_default()
    }
}

fn rrset(record: &Record, data: &[&str]) -> Value {
    let records: Vec<Value> = data
        .iter()
        .map(|data| json!({"content": data, "disabled": false}))
        .collect();
    json!({"name": format!("{}.", record.name), "type": record.kind, "ttl": 1, "records": records})
}
