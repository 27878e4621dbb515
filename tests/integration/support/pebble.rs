//! Pebble, an ACME server that validates for real, with what it is told to do wrong.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    dns::Resolver,
    pki::Pki,
    server::{Address, Server, curl, random_bytes},
};
/// For [`Options::profiles`]: 90 days.
pub(crate) const DEFAULT: (&str, u64) = ("default", 90 * 24 * 60 * 60);
/// For [`Options::profiles`]: 160 hours.
pub(crate) const SHORTLIVED: (&str, u64) = ("shortlived", 160 * 60 * 60);
/// For [`Options::profiles`]: lives of ten minutes and of 200 seconds, of which a test sees the renewal.
pub(crate) const SHORT_LIVES: [(&str, u64); 2] = [("minutes", 600), ("seconds", 200)];

const ACME_PORT: u16 = 14000;
const MANAGEMENT_PORT: u16 = 15000;

/// How it behaves. What is not said here is as with a CA that is well: no nonce refused, no authorization reused, no
/// Retry-After, no waiting before a validation, validations at the usual ports.
pub(crate) struct Options {
    /// Key ids and keys, of [`Pebble::eab_key`]'s form. Where there is one, an account without is refused.
    pub(crate) eab: Vec<(String, String)>,
    /// Percent of good nonces that are refused as bad.
    pub(crate) nonce_reject: u8,
    /// Percent of identifiers for which a valid authorization is used again.
    pub(crate) authz_reuse: u8,
    /// How many chains besides the first, each to a root of its own.
    pub(crate) alternate_roots: u8,
    /// How many intermediates.
    pub(crate) chain_length: u8,
    /// The longest random wait before each validation, in seconds; 0 is none.
    pub(crate) sleep: u32,
    /// Retry-After of a pending authorization, in seconds; 0 leaves the header out.
    pub(crate) retry_after_authz: u32,
    /// Retry-After of an order that is being processed, in seconds; 0 leaves the header out.
    pub(crate) retry_after_order: u32,
    /// Names and lifetimes in seconds; `default` and nothing else unless changed. Of several, an order that names none
    /// gets any.
    pub(crate) profiles: Vec<(&'static str, u64)>,
    /// Names that are refused with `rejectedIdentifier`, with all below them.
    pub(crate) blocklist: Vec<String>,
    /// What its directory says for CAA. It does not look at CAA records.
    pub(crate) caa_identities: Vec<String>,
    /// Where HTTP-01 is validated.
    pub(crate) http_port: u16,
    /// Where TLS-ALPN-01 is validated.
    pub(crate) tls_port: u16,
    /// The name server that validations ask: `IP:PORT`.
    pub(crate) dns: String,
}

impl Options {
    /// Those of a server that is well, and that asks no name server.
    pub(crate) fn usual() -> Self {
        Self {
            eab: Vec::new(),
            nonce_reject: 0,
            authz_reuse: 0,
            alternate_roots: 0,
            chain_length: 1,
            sleep: 0,
            retry_after_authz: 0,
            retry_after_order: 0,
            profiles: vec![DEFAULT],
            blocklist: Vec::new(),
            caa_identities: vec!["pebble.letsencrypt.org".to_owned()],
            http_port: 80,
            tls_port: 443,
            dns: String::new(),
        }
    }
}

/// An ACME server. It keeps everything in memory.
pub(crate) struct Pebble {
    // the server goes before its address and its files
    server: Server,
    address: Address,
    dir: tempfile::TempDir,
    roots: Vec<PathBuf>,
}

impl Pebble {
    /// One that is well.
    #[track_caller]
    pub(crate) fn start(resolver: &Resolver) -> Self {
        Self::start_with(resolver, |_| {})
    }

    /// One that differs in what `change` changes.
    #[track_caller]
    pub(crate) fn start_with(resolver: &Resolver, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options {
            dns: resolver.address(),
            ..Options::usual()
        };
        change(&mut options);
        let (address, dir) = (Address::take(), tempfile::tempdir().unwrap());
        let https = Pki::new();
        let pair = https.pair(&[&address.ip().to_string()]);
        for (name, text) in [
            ("https-ca.pem", https.root_pem()),
            ("https.pem", pair.chain.clone()),
            ("https.key", pair.key.clone()),
            ("pebble.json", options.configuration(&address, dir.path()).to_string()),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let server = Server::start("pebble", dir.path(), &options.command());
        let roots = (0..=options.alternate_roots)
            .map(|n| dir.path().join(format!("root-{n}.pem")))
            .collect();
        let mut this = Self {
            server,
            address,
            dir,
            roots,
        };
        let (directory, management) = (this.directory_url(), format!("{}/roots/0", this.management_url()));
        let ca = this.ca_file();
        let answers = |url: &str| curl(&["--cacert", path(&ca), url]).is_ok();
        this.server.wait_until(|| answers(&directory) && answers(&management));
        for (number, file) in this.roots.iter().enumerate() {
            std::fs::write(file, this.management(&format!("/roots/{number}"))).unwrap();
        }
        this
    }

    /// A key for [`Options::eab`]: base64url.
    pub(crate) fn eab_key() -> String {
        BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>())
    }

    /// `https://IP:14000/dir`
    pub(crate) fn directory_url(&self) -> String {
        format!("https://{}:{ACME_PORT}/dir", self.address.ip())
    }

    /// What its own HTTPS is to be trusted by, and only that: PEM, made for this server.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.path().join("https-ca.pem")
    }

    /// The roots of all chains, the first one's and the alternates': a PEM file each.
    pub(crate) fn root_files(&self) -> &[PathBuf] {
        &self.roots
    }

    /// The common name of a root, by which an alternate chain is preferred.
    pub(crate) fn root_name(&self, number: usize) -> String {
        let text = std::fs::read(&self.roots[number]).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(&text).unwrap();
        let root = pem.parse_x509().unwrap();
        let name = root.subject().iter_common_name().next().unwrap();
        name.as_str().unwrap().to_owned()
    }

    /// What its management says: `/roots/N`, `/intermediates/N`, `/root-keys/N`, `/cert-status-by-serial/HEX`, ...
    #[track_caller]
    pub(crate) fn management(&self, what: &str) -> String {
        let url = format!("{}{what}", self.management_url());
        curl(&["--cacert", path(&self.ca_file()), &url]).unwrap_or_else(|error| panic!("Pebble, {what}: {error}"))
    }

    /// What it has logged: each request, each validation and what came of it.
    pub(crate) fn log(&self) -> String {
        self.server.log()
    }

    fn management_url(&self) -> String {
        format!("https://{}:{MANAGEMENT_PORT}", self.address.ip())
    }
}

/// What is asked after an order, and what is said of a certificate that came of one.
impl Pebble {
    /// The root of what it issues, made at its start: PEM.
    pub(crate) fn root_file(&self) -> &Path {
        &self.roots[0]
    }

    /// `Status` (`Valid`, `Revoked`), `Reason` and more of a certificate that it has issued, by its serial in hexadecimal.
    #[track_caller]
    pub(crate) fn certificate_status(&self, serial: &str) -> Value {
        serde_json::from_str(&self.management(&format!("/cert-status-by-serial/{serial}"))).unwrap()
    }

    /// Says when a certificate (PEM) that it has issued is to be renewed, in place of two thirds of its lifetime.
    #[track_caller]
    pub(crate) fn set_renewal_window(&self, certificate: &str, start: &str, end: &str) {
        let window = json!({"suggestedWindow": {"start": start, "end": end}});
        self.set_renewal_info(certificate, &window.to_string());
    }

    /// Makes its answer about a certificate's renewal this text, whatever it is.
    #[track_caller]
    pub(crate) fn set_renewal_info(&self, certificate: &str, answer: &str) {
        let body = json!({"certificate": certificate, "ariResponse": answer}).to_string();
        let url = format!("{}/set-renewal-info/", self.management_url());
        curl(&["--cacert", path(&self.ca_file()), "-d", &body, &url])
            .unwrap_or_else(|error| panic!("Pebble, renewal information: {error}"));
    }
}

impl Options {
    fn configuration(&self, address: &Address, dir: &Path) -> Value {
        let ip = address.ip();
        let profiles: serde_json::Map<String, Value> = self
            .profiles
            .iter()
            .map(|&(name, seconds)| (name.to_owned(), profile(name, seconds)))
            .collect();
        let keys: serde_json::Map<String, Value> = self.eab.iter().map(|(id, key)| (id.clone(), json!(key))).collect();
        json!({"pebble": {
            "listenAddress": format!("{ip}:{ACME_PORT}"),
            "managementListenAddress": format!("{ip}:{MANAGEMENT_PORT}"),
            "certificate": dir.join("https.pem"),
            "privateKey": dir.join("https.key"),
            "httpPort": self.http_port,
            "tlsPort": self.tls_port,
            "externalAccountBindingRequired": !self.eab.is_empty(),
            "externalAccountMACKeys": keys,
            "domainBlocklist": self.blocklist,
            "caaIdentities": self.caa_identities,
            "retryAfter": {"authz": self.retry_after_authz, "order": self.retry_after_order},
            "keyAlgorithm": "ecdsa",
            "profiles": profiles,
        }})
    }

    fn command(&self) -> Command {
        let mut command = Command::new("pebble");
        command.args(["-config", "pebble.json", "-dnsserver", &self.dns]);
        command.env("PEBBLE_WFE_NONCEREJECT", self.nonce_reject.to_string());
        command.env("PEBBLE_AUTHZREUSE", self.authz_reuse.to_string());
        command.env("PEBBLE_ALTERNATE_ROOTS", self.alternate_roots.to_string());
        command.env("PEBBLE_CHAIN_LENGTH", self.chain_length.to_string());
        if self.sleep == 0 {
            command.env("PEBBLE_VA_NOSLEEP", "1");
        } else {
            command.env("PEBBLE_VA_SLEEPTIME", self.sleep.to_string());
        }
        command
    }
}

/// As Let's Encrypt has it, the usual one puts a name in the subject and others do not.
fn profile(name: &str, seconds: u64) -> Value {
    json!({"description": name, "validityPeriod": seconds, "promoteCommonName": name == DEFAULT.0})
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
