//! An issuance to be tried: a namespace, an ACME server of its own that validates, the name server that it asks.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{
    cluster::Namespace,
    dns::{PowerDns, Resolver},
    pebble::{Options, Pebble},
    run::{Call, Ran},
    server::free_port,
};

/// Where Traefik is, and where the cluster reaches what runs beside it.
pub(crate) const NODE: &str = "10.99.0.1";
/// What tells the temporary objects of the program.
pub(crate) const MANAGED: &str = "app.kubernetes.io/managed-by=kubectl-certs,kubectl-certs.io/purpose";
/// The kinds of which it makes temporary ones.
pub(crate) const KINDS: &str =
    "jobs,pods,services,endpointslices,ingresses,configmaps,secrets,leases,httproutes.gateway.networking.k8s.io";

/// What an issuance takes.
pub(crate) struct Issuing {
    pub(crate) ns: Namespace,
    pub(crate) resolver: Resolver,
    pub(crate) pebble: Pebble,
    home: tempfile::TempDir,
    advertise: String,
}

impl Issuing {
    pub(crate) fn new(label: &str) -> Self {
        Self::with(label, |_| {})
    }

    /// With an ACME server that is set otherwise.
    pub(crate) fn with(label: &str, change: impl FnOnce(&mut Options)) -> Self {
        Self::within(Namespace::new(label), change)
    }

    /// With a resolver that keeps answers, which the ACME server and the program share.
    pub(crate) fn keeping(label: &str) -> Self {
        Self::of(Namespace::new(label), Resolver::keeping(), |_| {})
    }

    /// In a namespace that is there.
    pub(crate) fn within(ns: Namespace, change: impl FnOnce(&mut Options)) -> Self {
        Self::of(ns, Resolver::start(), change)
    }

    fn of(ns: Namespace, resolver: Resolver, change: impl FnOnce(&mut Options)) -> Self {
        let pebble = Pebble::start_with(&resolver, change);
        Self {
            ns,
            resolver,
            pebble,
            home: tempfile::tempdir().unwrap(),
            advertise: format!("{NODE}:{}", free_port()),
        }
    }

    /// A host of the namespace that leads to Traefik.
    pub(crate) fn host(&self, label: &str) -> String {
        let host = self.ns.host(label);
        self.resolver.host(&host, &[NODE]);
        host
    }

    /// Where the cluster reaches this machine.
    pub(crate) fn advertise(&self) -> String {
        self.advertise.clone()
    }

    /// Writes the settings.
    pub(crate) fn settings(&self, yaml: &str) {
        let directory = self.home.path().join("config/kubectl-certs");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("config.yaml"), yaml).unwrap();
    }

    /// The issuers of the settings: this ACME server in the place of Let's Encrypt's staging and production.
    pub(crate) fn issuers(&self) -> String {
        let (url, ca) = (self.pebble.directory_url(), self.pebble.ca_file());
        let entry = format!("{{directory: \"{url}\", caFile: {}, agreeTos: true}}", ca.display());
        format!("issuers:\n  letsencrypt-staging: {entry}\n  letsencrypt: {entry}\n")
    }

    /// A name server for zones, whose key is in the Secret `powerdns`, and what settings say of it.
    #[track_caller]
    pub(crate) fn powerdns(&self, zones: &[&str]) -> (PowerDns, String) {
        let server = PowerDns::start();
        for zone in zones {
            server.create_zone(zone);
            self.resolver.delegate(zone, server.ip());
        }
        self.ns.apply(vec![json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "powerdns"}, "stringData": {"apikey": server.api_key()},
        })]);
        let settings = format!(
            "dns01:\n  providers:\n  - name: internal\n    zones: [{}]\n    provider: powerdns\n    url: {}\n    apiKey: \
             {{secretRef: {{namespace: {}, name: powerdns, key: apikey}}}}\n",
            zones.join(", "),
            server.api_url(),
            self.ns.name,
        );
        (server, settings)
    }

    /// The program with settings, accounts and state of its own, in the namespace. No CA is chosen.
    pub(crate) fn plain(&self, args: &[&str]) -> Call {
        self.at_home(&[args, &["-n", &self.ns.name]].concat())
    }

    /// The same in no namespace in particular.
    pub(crate) fn at_home(&self, args: &[&str]) -> Call {
        self.of_home(Call::certs(args.iter().copied()))
    }

    /// A script of somebody who sits there, and whose context has the namespace of this test.
    pub(crate) fn shell(&self, script: &str) -> Call {
        let mut config = super::kubeconfig::admin();
        config["contexts"][0]["context"]["namespace"] = self.ns.name.as_str().into();
        let config = super::kubeconfig::write(self.ns.dir.path(), "shell.conf", &config);
        self.of_home(Call::shell(script).env("KUBECONFIG", config))
    }

    /// Runs the commands of a page of the guide by the letter, but those that `skipped` names with their reason, and holds
    /// what they print against what the page says. `shop` on the page is the namespace of this test.
    #[track_caller]
    pub(crate) fn follow(&self, page: &str, skipped: &[(&str, &str)], mut after: impl FnMut(&str, &str)) {
        let mut skips = skipped.iter();
        for shown in super::pages::commands(&super::pages::page(page)) {
            if skipped.iter().any(|(script, _)| shown.script.trim() == *script) {
                skips.next();
                continue;
            }
            let ran = self.shell(&shown.script).run();
            let at = format!("{page}, line {}: {}", shown.line, shown.script);
            assert_eq!(ran.status, Some(0), "{at}{}", ran.out);
            let out = ran.out.replace(&self.ns.name, "shop");
            // The README shows some of the same.
            let readme = super::pages::commands(&super::pages::page("README.md"));
            let same = readme.iter().filter(|other| other.script == shown.script);
            for printed in same.chain([&shown]).filter_map(|shown| shown.printed.as_ref()) {
                if let Err(error) = super::pages::says(printed, &out) {
                    panic!("{at}{error}");
                }
            }
            after(shown.script.trim(), &out);
        }
        assert!(skips.next().is_none(), "{page} no longer has all of {skipped:?}");
    }

    fn of_home(&self, call: Call) -> Call {
        let call = call
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .env("XDG_CACHE_HOME", self.home.path().join("cache"));
        self.resolver.within(self.ns.at(call))
    }

    /// The same with this ACME server, answering from this machine.
    pub(crate) fn call(&self, args: &[&str]) -> Call {
        self.call_to(&self.pebble.directory_url(), &self.pebble.ca_file(), args)
    }

    /// The same with what answers left to the arguments.
    pub(crate) fn without_advertise(&self, args: &[&str]) -> Call {
        let own = self.own_flags(&self.pebble.directory_url(), &self.pebble.ca_file());
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        self.at_home(&[args, &["-n", &self.ns.name], &own[..]].concat())
    }

    /// The same by another way to this ACME server.
    pub(crate) fn call_to(&self, url: &str, ca: &Path, args: &[&str]) -> Call {
        self.call_of(url, ca, &[args, &["-n", &self.ns.name]].concat())
    }

    /// The same as [`Self::call`], in all namespaces: the arguments choose what is of this test alone.
    pub(crate) fn everywhere(&self, args: &[&str]) -> Call {
        self.call_of(&self.pebble.directory_url(), &self.pebble.ca_file(), args)
    }

    fn call_of(&self, url: &str, ca: &Path, args: &[&str]) -> Call {
        let mut own = self.own_flags(url, ca);
        // Who names a solver that is not in this process says nothing of its address.
        let is_other = |words: &[&str]| words[0] == "--solver" && ["pod", "service"].contains(&words[1]);
        if !args.windows(2).any(is_other) {
            own.extend(["--advertise".to_owned(), self.advertise.clone()]);
        }
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        self.at_home(&[args, &own[..]].concat())
    }

    fn own_flags(&self, url: &str, ca: &Path) -> Vec<String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut own: Vec<String> = ["--agree-tos", "--yes"].map(str::to_owned).into();
        own.extend(["--directory-url".to_owned(), url.to_owned()]);
        own.extend(["--directory-ca-file".to_owned(), text(ca)]);
        own.extend(["--ca-file".to_owned(), text(self.pebble.root_file())]);
        own.extend(["--resolver".to_owned(), self.resolver.ip().to_string()]);
        own
    }

    #[track_caller]
    pub(crate) fn certs(&self, args: &[&str]) -> Ran {
        self.call(args).run()
    }

    /// Waits until Traefik has written an address into the status of a route: `ingress/NAME`.
    #[track_caller]
    pub(crate) fn until_addressed(&self, route: &str) {
        super::eventually(&format!("an address of {route}"), || {
            let path = "jsonpath={.status.loadBalancer.ingress[*].ip}{.status.addresses[*].value}";
            let found = self.ns.kubectl(&["get", route, "-o", path]);
            if found.is_empty() { Err(found) } else { Ok(()) }
        });
    }

    /// A Secret of the namespace.
    #[track_caller]
    pub(crate) fn secret(&self, name: &str) -> Value {
        serde_json::from_str(&self.ns.kubectl(&["get", "secret", name, "-o", "json"])).unwrap()
    }

    /// The version of an object, which every write changes.
    #[track_caller]
    pub(crate) fn version(&self, name: &str) -> String {
        self.secret(name)["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The leaf of a Secret, as openssl shows it.
    #[track_caller]
    pub(crate) fn leaf(&self, name: &str) -> x509::Leaf {
        x509::Leaf::of(&self.secret(name))
    }

    /// What the program has left in the namespace, but the pair that was replaced.
    #[track_caller]
    pub(crate) fn left(&self) -> Vec<String> {
        let selector = format!("{MANAGED},kubectl-certs.io/purpose notin (backup,kept,standing,state)");
        let out = self.ns.kubectl(&["get", KINDS, "-l", &selector, "-o", "name"]);
        out.lines().map(str::to_owned).collect()
    }

    /// A file that the program keeps.
    pub(crate) fn kept(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }
}

/// What a certificate says.
pub(crate) mod x509 {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use kubectl_certs::x509::{Certificate, Interner, KeyState, bundle};
    use serde_json::Value;

    pub(crate) struct Leaf {
        pub(crate) certificate: Certificate,
        pub(crate) key_matches: bool,
        pub(crate) chain: usize,
        pub(crate) pem: String,
    }

    impl Leaf {
        #[track_caller]
        pub(crate) fn of(secret: &Value) -> Self {
            let data = |key: &str| {
                BASE64_STANDARD
                    .decode(secret["data"][key].as_str().expect(key))
                    .unwrap()
            };
            let (chain, key) = (data("tls.crt"), data("tls.key"));
            let parsed = bundle::parse(Some(&chain), Some(&key.into()), &mut Interner::new()).bundle;
            Self {
                key_matches: parsed.key == KeyState::Matches,
                chain: parsed.certificates.len(),
                certificate: parsed.leaf().expect("a leaf").as_ref().clone(),
                pem: String::from_utf8(chain).unwrap(),
            }
        }

        pub(crate) fn names(&self) -> Vec<String> {
            let mut names: Vec<String> = self.certificate.names.iter().map(ToString::to_string).collect();
            names.sort();
            names
        }

        /// The leaf alone, as PEM.
        #[track_caller]
        pub(crate) fn first_pem(&self) -> String {
            let end = "-----END CERTIFICATE-----";
            let (leaf, _) = self.pem.split_once(end).expect("a certificate");
            format!("{leaf}{end}\n")
        }

        pub(crate) fn sha256(&self) -> String {
            self.certificate.sha256.to_string()
        }
    }
}
