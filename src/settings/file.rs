//! The settings in the form of a file. Each is declared here once, with its text in the example. An unknown field is an
//! error, and no field has a credential: each names its location.
//!
//! CONTRIBUTING.md explains how to add a setting, and `section` what a declaration means.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    CONCURRENCY, PROPAGATION_TIMEOUT, RESOLVE_TIMEOUT, WAIT,
    domains::DomainsEntry,
    notify::NotifyEntry,
    policy::PolicyEntry,
    section::{Section as _, section},
    trust::TrustEntry,
    unattended::UnattendedEntry,
    value::{
        Advertised, Allowance, ChallengeWord, Domain, Length, NameServer, Namespaced, RestartWord, SecretKeys,
        SelfCheck, ServicePort, SolverKind, Toleration,
    },
};
#[cfg(test)]
use super::{
    example::{CONTROLLERS, PROVIDERS, ROOT, TRUST},
    section::{Example, ShownSettings},
};
use crate::{
    apply::KeyKind,
    solve::{dns01::config::DnsEntry, http01::Network},
};
pub use forms::{Addresses, ControllerEntry, ControllerWord, EabEntry, Resources, StageWord};
pub(super) use read::{LARGEST, has_user};

mod forms;
mod read;

section! {
    /// All that a file, or a `ConfigMap`, may say. What it does not say is left to the next source.
    pub struct File {
        /// The contact address for CAs: one, or a list. KUBECTL_CERTS_EMAIL, --email.
        email: Addresses => "ops@example.com";
        /// Agree to the CAs' terms of service. Without it they are shown, with a question on a terminal.
        /// KUBECTL_CERTS_AGREE_TOS, --agree-tos.
        agree_tos: bool => "false";
        /// The issuer of --production.
        production: String => "letsencrypt", usual = Some(super::BUILT_IN[1].0.to_owned());
        /// The issuer of --staging; a run without a choice rehearses with it.
        staging: String => "letsencrypt-staging", usual = Some(super::BUILT_IN[0].0.to_owned());
        /// Keep accounts in this Secret instead of files below accounts/ beside this file. NAMESPACE/NAME.
        /// KUBECTL_CERTS_ACCOUNT_SECRET, --account-secret.
        account_secret: Namespaced => "certs/acme-accounts", off = true;

        sections {
            /// CAs by name, for --issuer NAME. letsencrypt and letsencrypt-staging are built in; fields given here replace theirs.
            issuers: BTreeMap<String, IssuerEntry> => Example::Entries(
                IssuerEntry::DECLARED,
                &[
                    ("letsencrypt", ShownSettings::Only(&["profile", "preferred_chain"])),
                    ("corp", ShownSettings::AllBut(&["profile", "preferred_chain", "ca_file"])),
                ],
            );
            /// How a certificate is ordered.
            certificate: CertificateEntry => Example::Section(CertificateEntry::DECLARED);
            /// How HTTP-01 is answered.
            http01: Http01Entry => Example::Section(Http01Entry::DECLARED);
            /// The Pod that answers HTTP-01, and that looks from inside the cluster.
            solver: SolverEntry => Example::Section(SolverEntry::DECLARED);
            /// How DNS-01 is answered. The fields of each provider are in the guide to DNS-01.
            dns01: Dns01Entry => Example::Section(Dns01Entry::DECLARED);
            /// How a certificate is stored.
            storing: StoringEntry => Example::Section(StoringEntry::DECLARED);
            /// Private CAs that are trusted wherever certificates are checked: status, show, probe, renew and the terminal UI.
            /// Each is a file (`caFile: corp-root.pem`), or the PEM itself; its roots are trusted besides the public ones, and its other certificates
            /// help to complete chains. contexts: only in these contexts of the kubeconfig, as patterns; in all of them by default.
            trust: Option<Vec<TrustEntry>> => Example::Value(TRUST);
            /// What the controller keeps renewed, besides what annotated routes ask for.
            unattended: UnattendedEntry => Example::Section(UnattendedEntry::DECLARED);
            /// Customers' own domains: hosts that an application knows, for which the controller keeps certificates. Nothing is done without ask.
            domains: DomainsEntry => Example::Section(DomainsEntry::DECLARED);
            /// Who is told what the controller, ensure and renew --due did. Nobody watches those.
            notify: NotifyEntry => Example::Section(NotifyEntry::DECLARED);
            /// Restrictions. One deny is enough, in any of the sources.
            policy: PolicyEntry => Example::Section(PolicyEntry::DECLARED);
            /// Ingress controllers, by the name that their classes have in spec.controller. Without it, their Pods tell the program if they may be
            /// read, else the name does. One word names the program: ingress-nginx, traefik, f5-nginx, haproxy, haproxy-ingress, contour, kong or other.
            controllers: BTreeMap<String, ControllerEntry> => Example::Value(CONTROLLERS);
            /// The terminal UI.
            tui: TuiEntry => Example::Section(TuiEntry::DECLARED);
        }
    }
}

section! {
    /// One CA.
    pub struct IssuerEntry {
        /// A profile of the CA: --profile.
        profile: String => "classic";
        /// The chain whose root or issuer has this common name, if the CA offers several: --preferred-chain.
        preferred_chain: String => "ISRG Root X1";
        /// Put the first name of at most 64 octets into requests as their common name, for CAs that want one.
        common_name: bool => "true", off = true;
        /// The URL of the ACME directory: https.
        directory: String => "https://ca.corp.example/acme/directory";
        /// The audience of its certificates: staging (for rehearsals), production (everybody), own (whoever trusts the CA).
        stage: StageWord => "own";
        /// The issuer at which the controller rehearses a change to this one each month: the CA's own test environment.
        staging: String => "corp-test", off = true;
        /// The CA (PEM) of the directory's own HTTPS, beside the public roots, as a file.
        ca_file: PathBuf => "corp-root.pem";
        /// The CA (PEM) of the directory's own HTTPS, beside the public roots: a file (`caFile: corp-root.pem`), or the PEM itself.
        ca: String => ROOT;
        /// A proxy for this CA; a proxy with a password goes into HTTPS_PROXY. Without it HTTPS_PROXY and NO_PROXY apply.
        proxy: String => "http://proxy.corp.example:3128";
        /// Allow an http directory at a loopback address.
        allow_loopback_http: bool => "false";
        /// This replaces the email above.
        email: Addresses => "[pki@corp.example, ops@corp.example]";
        /// This replaces the agreeTos above.
        agree_tos: bool => "true";
        /// An external account binding, for CAs that create accounts only with one. --eab-kid, --eab-key-file, --eab-key-env.
        eab: EabEntry => "\nkid: kid-1\nkey: {env: CORP_EAB_KEY}";
        /// This replaces the accountSecret above.
        account_secret: Namespaced => "certs/corp-account";
        /// dns-persist-01: every name is proved by a TXT record that is set once and stays; preflight prints it. --challenge.
        challenge: ChallengeWord => "dns-persist-01", off = true;

        sections {
            /// Limits that are counted before an order; 0 is no limit. Those of Let's Encrypt are built in.
            rate_limits: Option<LimitsEntry> => Example::Section(LimitsEntry::DECLARED);
        }
    }
}

section! {
    /// The rate limits of a CA, as TIMES or TIMES/PERIOD; 0 is none.
    pub struct LimitsEntry {
        /// New orders of an account at once; as many come back in the period, usually three hours.
        orders: Allowance => "300/3h";
        /// Certificates of a registered domain at once; as many come back in the period, usually seven days.
        certificates_per_domain: Allowance => "50/7d";
        /// Certificates for exactly the same names at once; as many come back in the period, usually seven days.
        same_names: Allowance => "5/7d";
        /// Failed validations of a name at once; as many come back in the period, usually an hour.
        failures: Allowance => "5/1h";
    }
}

section! {
    /// How a certificate is ordered.
    pub struct CertificateEntry {
        /// ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096. Without it a renewal keeps the current kind.
        key_type: KeyKind => "ecdsa-p256", variable = "KEY_TYPE";
        /// Keep the private key in a renewal.
        reuse_key: bool => "false";
        /// How many certificates at once: 1 to 256.
        concurrency: u16 => "8", variable = "CONCURRENCY", usual = Some(CONCURRENCY);
    }
}

section! {
    /// How HTTP-01 is answered.
    pub struct Http01Entry {
        /// pod, endpoint, service or in-place. Without it: pod from outside a cluster, endpoint inside.
        solver: SolverKind => "pod", variable = "SOLVER";
        /// For solver: service. The Service in the route's namespace that answers.
        service: ServicePort => "acme-responder:8089";
        /// For solver: endpoint. The address at which the cluster reaches this process.
        advertise: Advertised => "192.0.2.7:8089", variable = "ADVERTISE";
        /// How the answer is checked before the CA is asked: auto, direct, cluster, wait=30s or off.
        self_check: SelfCheck => "auto", variable = "SELF_CHECK", usual = Some(SelfCheck::default());
        /// How long a host that does not resolve yet is waited for before anything is ordered; 0 does not wait.
        resolve_timeout: Length => "2m", variable = "RESOLVE_TIMEOUT", usual = Some(Length(RESOLVE_TIMEOUT));
        /// Addresses and ranges that the self-check may contact even if they are loopback, link-local or inside the cluster.
        allow_addresses: Vec<Network> => "[10.96.3.0/24, \"fd00:1::7\"]";
    }
}

section! {
    /// The Pod that answers HTTP-01, and that looks from inside the cluster.
    pub struct SolverEntry {
        /// The Pod's image: one with a shell and busybox's nc, such as busybox. Without it, one that a node already has, else a public one.
        image: String => "registry.example.com/mirror/busybox:1.37.0", variable = "SOLVER_IMAGE";
        /// The requests and limits of its container.
        resources: Resources => "{requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}";
        /// Its priority class.
        priority_class_name: String => "low";
        /// Secrets, in the route's namespace, to pull it with.
        image_pull_secrets: Vec<String> => "[registry]";
        /// Labels of the nodes that it may run on.
        node_selector: BTreeMap<String, String> => "{kubernetes.io/os: linux}";
        /// Taints that it tolerates: KEY, KEY=VALUE, KEY=VALUE:NoSchedule.
        tolerations: Vec<Toleration> => "[\"dedicated=edge:NoSchedule\"]";
    }
}

section! {
    /// How DNS-01 is answered.
    pub struct Dns01Entry {
        /// The provider with the longest matching zone serves a name; one without zones serves all others.
        providers: Vec<DnsEntry> => PROVIDERS;
        /// Domains whose names, with all below them, are proved by dns-persist-01 instead: by a TXT record that is set once and stays.
        standing: Vec<Domain> => "[static.example]";
        /// Name servers that are asked for hosts (HTTP-01 too), zones and CAA records: IP or IP:PORT. Without them, the system's.
        resolvers: Vec<NameServer> => "[192.0.2.53, \"[2001:db8::53]:53\"]", variable = "RESOLVER";
        /// Follow a CNAME of _acme-challenge even if a wildcard alone has it (*.shop.example CNAME ...). Without it, only a CNAME at the name itself
        /// counts.
        follow_cname: bool => "false";
        /// How long a record may take to be on every name server of its zone.
        propagation_timeout: Length => "2m", variable = "PROPAGATION_TIMEOUT", usual = Some(Length(PROPAGATION_TIMEOUT));
        /// Wait this long instead of asking the name servers.
        propagation_wait: Length => "30s", off = true, variable = "PROPAGATION_WAIT";
    }
}

section! {
    /// How a certificate is stored.
    pub struct StoringEntry {
        /// The Secret's keys, if they are not tls.crt and tls.key; Secrets that Pods mount are checked under them too.
        secret_keys: SecretKeys => "certificate=tls.crt,key=tls.key";
        /// The workloads to restart afterwards: none, auto, or workloads of the Secret's namespace.
        restart: Vec<RestartWord> => "[none]", variable = "RESTART", usual = Some(vec![RestartWord::None]);
        /// How long the new certificate may take to be served; 0 does not check.
        wait: Length => "60s", variable = "WAIT", usual = Some(Length(WAIT));
        /// PEM files with further trusted roots, here and wherever certificates are checked.
        ca_files: Vec<PathBuf> => "[corp-root.pem]", off = true;
    }
}

section! {
    /// The terminal UI.
    pub struct TuiEntry {
        /// terminal (its own sixteen colours), dark, light, high-contrast or none. NO_COLOR and --color=never are none.
        theme: String => "terminal";
        /// Colours that replace the theme's, by meaning: text, dim, title, key, border, bar, critical, warning, unknown, info,
        /// healthy, staging, production. A name (red, light-blue), a number (208) or #rrggbb.
        colours: BTreeMap<String, String> => "{warning: \"#d7af00\"}";
        /// Keys that replace the usual ones, by action; the guide to the terminal UI lists the actions. [] removes the key.
        keys: BTreeMap<String, Vec<String>> => "\nrenew: [R, f5]\nrestart: []";
        /// The columns of the hosts: status, namespace, route, host, secret, expires, issuer, reason, serial, algorithm, names, sha256,
        /// class, age, labels, controller.
        columns: Vec<String> => "[status, namespace, route, host, secret, expires, issuer, reason]";
        /// Draw only ASCII. Without it: if TERM is linux.
        ascii: bool => "false";
        /// Use the mouse in the screen. false leaves it to the terminal, to select text with; M in the screen does too.
        mouse: bool => "true";
        /// Change nothing, whatever key is pressed. --read-only.
        read_only: bool => "false";
        /// Contexts in which production needs no confirmation by the context's name.
        unprotected_contexts: Vec<String> => "[kind-dev]";
    }
}

impl TuiEntry {
    /// These settings, completed by `other` where they have no value.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.merged(other)
    }
}
