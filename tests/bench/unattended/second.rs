//! A second cluster, for what may not happen to the testbed's: an etcd with little room and an API server, and nothing else.

use std::{path::PathBuf, process::Command};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::support::{
    kubeconfig,
    pki::Pki,
    run::Call,
    server::{Address, Server, curl},
};

/// The testbed's API server has its usual port at every address.
const PORT: u16 = 7443;

/// A cluster that is gone with the bench.
pub(crate) struct Second {
    // The servers go before their address and their files, and the API server before the etcd that it needs.
    _api_server: Server,
    _etcd: Server,
    address: Address,
    pub(crate) kubeconfig: PathBuf,
    _dir: tempfile::TempDir,
}

impl Second {
    /// Starts one whose etcd takes so many bytes. Whoever the testbed's administrator is may do everything in it.
    pub(crate) fn with_room_for(bytes: u64) -> Self {
        let (address, dir) = (Address::take(), tempfile::tempdir().unwrap());
        let ip = address.ip().to_string();
        let mut config = kubeconfig::admin();
        let pki = Pki::new();
        let pair = pki.pair(&[&ip]);
        let cluster = &mut config["clusters"][0]["cluster"];
        let clients = cluster["certificate-authority-data"].as_str().expect("the CA's data");
        let clients = BASE64_STANDARD.decode(clients).unwrap();
        *cluster = json!({
            "server": format!("https://{ip}:{PORT}"),
            "certificate-authority-data": BASE64_STANDARD.encode(pki.root_pem()),
        });
        let kubeconfig = kubeconfig::write(dir.path(), "second", &config);
        for (name, content) in [
            ("clients.pem", clients),
            // The tokens of accounts are signed with the same key, of which nobody has one.
            ("server.pem", pair.chain.into()),
            ("server.key", pair.key.into()),
        ] {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        let mut command = Command::new("etcd");
        command
            // As the testbed's, it need not outlive the machine.
            .args(["--data-dir", "etcd", "--unsafe-no-fsync", "--log-level", "warn"])
            .args(["--quota-backend-bytes", &bytes.to_string()])
            .args(["--listen-client-urls", &format!("http://{ip}:2379")])
            .args(["--advertise-client-urls", &format!("http://{ip}:2379")])
            .args(["--listen-peer-urls", &format!("http://{ip}:2380")]);
        let etcd = Server::start("etcd", dir.path(), &command);
        let mut command = Command::new("kube-apiserver");
        command
            .args([
                format!("--etcd-servers=http://{ip}:2379"),
                format!("--bind-address={ip}"),
            ])
            .args([
                format!("--secure-port={PORT}"),
                "--service-cluster-ip-range=10.97.0.0/16".to_owned(),
            ])
            .args(["--tls-cert-file=server.pem", "--tls-private-key-file=server.key"])
            .args(["--client-ca-file=clients.pem", "--authorization-mode=AlwaysAllow"])
            .args(["--service-account-issuer=https://kubernetes.default.svc"])
            .args([
                "--service-account-key-file=server.pem",
                "--service-account-signing-key-file=server.key",
            ]);
        let mut api_server = Server::start("kube-apiserver", dir.path(), &command);
        let answers = || {
            let call = Call::kubectl(["get", "--raw", "/readyz"]).env("KUBECONFIG", &kubeconfig);
            call.run().status == Some(0)
        };
        api_server.wait_until(answers);
        Self {
            _api_server: api_server,
            _etcd: etcd,
            address,
            kubeconfig,
            _dir: dir,
        }
    }

    /// How many bytes etcd has taken.
    pub(crate) fn used(&self) -> u64 {
        let status = self.etcd("maintenance/status", &json!({}));
        // A long number is a text in JSON.
        let size = status["dbSize"].as_str().and_then(|size| size.parse().ok());
        size.unwrap_or_else(|| panic!("{status}"))
    }

    /// Gives room back that nothing needs any more, and lets etcd write again, as its documentation has it: compacts,
    /// defragments, and ends the alarm.
    pub(crate) fn make_room(&self) {
        let status = self.etcd("maintenance/status", &json!({}));
        let compaction = json!({"revision": status["header"]["revision"], "physical": true});
        self.etcd("kv/compaction", &compaction);
        self.etcd("maintenance/defragment", &json!({}));
        let raised = self.etcd("maintenance/alarm", &json!({"action": "GET"}));
        for alarm in raised["alarms"].as_array().into_iter().flatten() {
            let end = json!({"action": "DEACTIVATE", "memberID": alarm["memberID"], "alarm": alarm["alarm"]});
            self.etcd("maintenance/alarm", &end);
        }
    }

    /// Asks etcd by its JSON gateway.
    fn etcd(&self, path: &str, body: &Value) -> Value {
        let url = format!("http://{}:2379/v3/{path}", self.address.ip());
        let answer = curl(&["-d", &body.to_string(), &url]).unwrap_or_else(|error| panic!("etcd, {path}: {error}"));
        serde_json::from_str(&answer).unwrap()
    }
}
