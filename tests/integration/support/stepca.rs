//! step-ca, a private CA of its own kind: one intermediate below a root that no public list has, accounts in a database.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use super::{
    dns::Resolver,
    pki::Pki,
    server::{Address, Server, curl},
};

const PORT: u16 = 9000;

/// The CA. What it keeps is in its directory, so that it can begin again.
pub(crate) struct StepCa {
    server: Server,
    address: Address,
    dir: tempfile::TempDir,
    resolv_conf: PathBuf,
}

impl StepCa {
    /// Starts one that resolves names as `resolver` does.
    #[track_caller]
    pub(crate) fn start(resolver: &Resolver) -> Self {
        let (address, dir, pki) = (Address::take(), tempfile::tempdir().unwrap(), Pki::new());
        let (issuing, key) = pki.issuing();
        let configuration = json!({
            "root": dir.path().join("root.pem"), "crt": dir.path().join("issuing.pem"), "key": dir.path().join("issuing.key"),
            "address": format!("{}:{PORT}", address.ip()), "dnsNames": [address.ip()],
            "db": {"type": "badgerv2", "dataSource": dir.path().join("db")},
            "authority": {"provisioners": [{
                "type": "ACME", "name": "acme",
                "claims": {"maxTLSCertDuration": "2160h", "defaultTLSCertDuration": "2160h"},
            }]},
        });
        for (name, text) in [
            ("root.pem", pki.root_pem()),
            ("issuing.pem", issuing),
            ("issuing.key", key),
            ("ca.json", configuration.to_string()),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let resolv_conf = resolver.resolv_conf();
        let server = Self::serve(dir.path(), &resolv_conf);
        let mut this = Self {
            server,
            address,
            dir,
            resolv_conf,
        };
        this.wait();
        this
    }

    /// Ends it and starts it again, with what it had kept or without.
    #[track_caller]
    pub(crate) fn restart(mut self, keeps: bool) -> Self {
        let Self {
            server,
            dir,
            resolv_conf,
            ..
        } = &mut self;
        server.stop();
        if !keeps {
            std::fs::remove_dir_all(dir.path().join("db")).unwrap();
        }
        *server = Self::serve(dir.path(), resolv_conf);
        self.wait();
        self
    }

    fn serve(dir: &Path, resolv_conf: &Path) -> Server {
        let mut command = Command::new("unshare");
        let script = r#"mount --bind "$0" /etc/resolv.conf && exec step-ca ca.json"#;
        command.args(["--mount", "sh", "-c", script, resolv_conf.to_str().unwrap()]);
        command.env("HOME", dir).env("STEPPATH", dir);
        Server::start("step-ca", dir, &command)
    }

    #[track_caller]
    fn wait(&mut self) {
        let (url, ca) = (self.directory_url(), self.root_file());
        self.server
            .wait_until(|| curl(&["--cacert", ca.to_str().unwrap(), &url]).is_ok());
    }

    pub(crate) fn directory_url(&self) -> String {
        format!("https://{}:{PORT}/acme/acme/directory", self.address.ip())
    }

    /// Its root, which both its own HTTPS and what it issues are trusted by.
    pub(crate) fn root_file(&self) -> PathBuf {
        self.dir.path().join("root.pem")
    }
}
