//! `domains:`: customers' own domains, which an application knows.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::example::ROOT;
use super::{
    notify::problem,
    section::section,
    value::{Allowance, AskUrl, Domain, Length, ListenAt, Namespaced, ServeWord, ServicePort, StoreWord, is_name},
};
use crate::{
    domain::{Platform, Tenant, limit::RegistrationLimits},
    object::{Key, Seconds},
    plan::limits::Limit,
    policy::{Pattern, PatternError},
    solve::dns01::config::Credential,
};

/// How long the application has for an answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest that it may be given. Handshakes wait for the answer.
const LONGEST_ASK: Duration = Duration::from_secs(10);
/// The namespace of the objects of hosts that are registered by the API.
pub const NAMESPACE: &str = "kubectl-certs-domains";
/// How many hosts one object serves: an Ingress has no limit, and grows with each; a `ListenerSet` has 64 listeners at most.
const MOST_OF_INGRESS: u16 = 200;
const MOST_OF_LISTENER_SET: u16 = 64;
/// The port of the API and the certificate source.
const PORT: u16 = 9403;
/// The audience of tokens.
const AUDIENCE: &str = "kubectl-certs";
/// How long a handshake is held while its certificate is ordered. Clients of a web server wait longer than that.
const HOLD: Duration = Duration::from_secs(25);
/// The longest that it may be held.
const LONGEST_HOLD: Duration = Duration::from_mins(2);
/// How many pairs the certificate source keeps: 60 MB.
const CACHED: u32 = 10_000;

const fn an_hour(times: u32) -> Allowance {
    Allowance {
        times,
        period: Some(Duration::from_hours(1)),
    }
}

/// The limits of registrations.
const PER_TOKEN: Allowance = an_hour(1_000);
const PER_TENANT: Allowance = an_hour(300);
const PER_DOMAIN: Allowance = an_hour(50);

section! {
    /// Customers' own domains: hosts that an application knows, for which the controller keeps certificates. Nothing is done without ask.
    pub struct DomainsEntry {
        /// Where the application is asked whether a host is a customer's: 200 is yes, 404 no, anything else not now. It is asked before the first order,
        /// and with &renewal=true when a renewal is near. {host} stands for the host. --ask.
        ask: AskUrl => "https://app.shop/allowed?domain={host}", off = true;
        /// How long the application has for an answer, up to 10s.
        ask_timeout: Length => "2s", usual = Some(Length(ASK_TIMEOUT));
        /// The CA (PEM) of the application's HTTPS, beside the public roots.
        ask_ca: String => ROOT, off = true;
        /// The name to which customers' CNAME records lead.
        target: Domain => "customers.example.com", off = true;
        /// The addresses to which customers' A and AAAA records lead, for domains that cannot have a CNAME record. Without them, those of target.
        addresses: Vec<IpAddr> => "[192.0.2.7, \"2001:db8::7\"]", off = true;
        /// A zone of a DNS provider of dns01, to which customers delegate _acme-challenge by a CNAME record: for a certificate before traffic moves.
        challenge_zone: Domain => "challenges.example.com", off = true;
        /// Order nothing before a TXT record proves that the tenant controls the name.
        ownership: bool => "false", usual = Some(false);
        /// The platform's own names, which no customer may have: * is any characters but a dot, ** any. The host of ask is
        /// among them, and so are target and challengeZone with all names below.
        own: Vec<String> => "[example.com, \"**.example.com\"]", off = true;
        /// The domain of the cluster, below which no customer may have a name.
        cluster_domain: Domain => "cluster.local", usual = Some(Domain("cluster.local".to_owned()));
        /// The namespace of the objects and Secrets of hosts that are registered by the API.
        namespace: String => "kubectl-certs-domains", usual = Some(NAMESPACE.to_owned());
        /// How domains are served: ingress (Ingresses with many hosts each), listenerset (ListenerSets with many listeners each), template (an object
        /// for each, of template), or source (no objects: OpenResty, Caddy and the like ask for each certificate at GET /v1/certificate).
        serve: ServeWord => "ingress", usual = Some(ServeWord::Ingress);
        /// How many hosts one Ingress or ListenerSet has: up to 200, or up to 64.
        chunk: u16 => "200", off = true;
        /// The Service, in that namespace, to which all hosts of an Ingress lead.
        backend: ServicePort => "app:80", off = true;
        /// The ConfigMap of the controller's namespace whose template.yaml is the manifest of which each host gets an object of its own: an Ingress, an
        /// HTTPRoute or an IngressRoute, with {host}, {tenant} and {secret}.
        template: String => "customers-route", off = true;
        /// The Gateway to which ListenerSets belong.
        gateway: Namespaced => "edge/gateway", off = true;
        /// Where the API and the certificate source listen: ADDRESS:PORT, or :PORT for all addresses.
        listen: ListenAt => ":9403", usual = Some(ListenAt { address: None, port: PORT });
        /// The Secret (kubernetes.io/tls) whose certificate the API and the source show; its ca.crt is the CA of clients' certificates. NAMESPACE/NAME.
        /// Without it keys are given to this machine alone.
        server_secret: Namespaced => "kubectl-certs/domains-server", off = true;
        /// The audience that tokens of ServiceAccounts have to be made for.
        audience: String => "kubectl-certs", usual = Some(AUDIENCE.to_owned());
        /// The namespaces whose ServiceAccounts may register hosts by the API, as patterns; each namespace sees its own. None by default.
        tenants: Vec<String> => "[shop, \"team-*\"]", off = true;
        /// The ServiceAccounts that get certificates with their keys from the source: NAMESPACE/NAME. None by default.
        readers: Vec<Namespaced> => "[edge/openresty]", off = true;
        /// The owners of clients' certificates, by a name of the certificate: whose hosts they register (tenant; \"*\" is everybody's), and whether they
        /// get certificates with their keys.
        clients: Vec<ClientEntry> => "\n- {name: caddy.edge.internal, certificates: true}\n- {name: portal.shop.internal, tenant: shop}", off = true;
        /// How long a handshake for a new host is held while its certificate is ordered; 0 does not hold it.
        hold: Length => "25s", usual = Some(Length(HOLD));
        /// How many certificates the source keeps in memory.
        cached: u32 => "10000", usual = Some(CACHED);
        /// Where the records of domains are: cluster (Domain objects), or postgres, for more than 100,000.
        store: StoreWord => "cluster", usual = Some(StoreWord::Cluster);
        /// Where the URL of the PostgreSQL database is. It holds a password.
        database_url: Credential => "{file: database-url}", off = true;
        /// Where the keys are with which private keys in the database are sealed: lines of 32 bytes in base64 (openssl rand -base64 32), the newest first.
        database_key: Credential => "{file: database-key}", off = true;
        /// A URL that is told of each change of a domain's state, http or https.
        webhook: String => "https://app.shop/hooks/domains", off = true;
        /// Where the secret is by which what the webhook is told is signed: whsec_ and Base64, of 24 bytes at least.
        webhook_secret: Credential => "{file: webhook-secret}", off = true;
        /// How many hosts one token may register at once; as many come back in the period. 0 is no limit.
        per_token: Allowance => "1000/1h", usual = Some(PER_TOKEN);
        /// How many hosts one tenant may register.
        per_tenant: Allowance => "300/1h", usual = Some(PER_TENANT);
        /// How many hosts below one registered domain may be registered.
        per_domain: Allowance => "50/1h", usual = Some(PER_DOMAIN);
    }
}

/// The owner of a client's certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientEntry {
    /// The common name, or a DNS name, of the certificate.
    pub name: String,
    /// Whose hosts it registers and sees: a tenant, or `*` for all; nobody's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Whether it gets certificates with their keys.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub certificates: bool,
}

/// The settings of customers' domains, validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainsSettings {
    /// The settings of all sources.
    pub said: DomainsEntry,
    /// Where the application is asked.
    pub ask: AskUrl,
    /// How long it has for an answer.
    pub ask_timeout: Duration,
    /// What the platform keeps for itself.
    pub platform: Platform,
    /// How often hosts may be registered.
    pub limits: RegistrationLimits,
    /// The namespace of registrations by the API.
    pub namespace: String,
    /// The `ConfigMap` with the template, if they are served by one.
    pub template: Option<String>,
    /// How domains are served.
    pub serve: ServeWord,
    /// How many hosts one object has.
    pub chunk: usize,
    /// Where the API listens.
    pub listen: ListenAt,
    /// The Secret with the server's certificate.
    pub server_secret: Option<Key>,
    /// The audience of tokens.
    pub audience: String,
    /// The namespaces whose `ServiceAccount`s register hosts.
    pub tenants: Vec<Pattern>,
    /// The `ServiceAccount`s that get pairs.
    pub readers: Vec<Key>,
    /// The owners of clients' certificates.
    pub clients: Vec<ClientEntry>,
    /// How long a handshake is held.
    pub hold: Duration,
    /// How many pairs are kept.
    pub cached: usize,
    /// Where the database is, if records are in one; otherwise they are in the cluster.
    pub database: Option<Credential>,
    /// The URL that is told of changes, and where the secret is by which they are signed.
    pub webhook: Option<(String, Credential)>,
    /// Where the keys are with which private keys in it are sealed.
    pub database_key: Option<Credential>,
}

impl DomainsEntry {
    /// What is wrong with the settings of one file, whatever other sources say.
    ///
    /// # Errors
    ///
    /// The setting, and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        patterns("own", self.own.as_deref().unwrap_or_default())?;
        patterns("tenants", self.tenants.as_deref().unwrap_or_default())?;
        for client in self.clients.iter().flatten() {
            let is_tenant = |tenant: &str| tenant == "*" || tenant.parse::<Tenant>().is_ok();
            if client.name.is_empty() || !client.tenant.as_deref().is_none_or(is_tenant) {
                return Err("domains.clients: each has a name, and as its tenant a namespace or \"*\"".to_owned());
            }
        }
        if self.hold.is_some_and(|hold| hold.0 > LONGEST_HOLD) {
            return Err("domains.hold is 2m at most, because no client waits longer for a handshake".to_owned());
        }
        if let Some(timeout) = self.ask_timeout
            && (timeout.0.is_zero() || timeout.0 > LONGEST_ASK)
        {
            return Err("domains.askTimeout is from 1ms to 10s, because handshakes wait for the answer".to_owned());
        }
        if self
            .namespace
            .as_deref()
            .is_some_and(|name| !is_name(name) || name.contains('.') || name.len() > 63)
        {
            return Err("domains.namespace is not the name of a namespace".to_owned());
        }
        if self.template.as_deref().is_some_and(|name| !is_name(name)) {
            return Err("domains.template is not the name of a ConfigMap".to_owned());
        }
        if let Some(problem) = self.webhook.as_deref().and_then(problem) {
            return Err(format!("domains.webhook {problem}"));
        }
        Ok(())
    }

    /// The validated settings; `None` without `ask`, where there are no customers' domains.
    ///
    /// # Errors
    ///
    /// The setting, and what is wrong with it.
    pub(super) fn settings(&self) -> Result<Option<DomainsSettings>, String> {
        self.check()?;
        let Some(ask) = self.ask.clone() else { return Ok(None) };
        let serve = self.serve.unwrap_or(ServeWord::Ingress);
        let most = match serve {
            ServeWord::ListenerSet => MOST_OF_LISTENER_SET,
            ServeWord::Ingress | ServeWord::Template | ServeWord::Source => MOST_OF_INGRESS,
        };
        let chunk = self.chunk.unwrap_or(most);
        if !(1..=most).contains(&chunk) {
            return Err(format!("domains.chunk is from 1 to {most} for {serve}"));
        }
        if serve == ServeWord::Template && self.template.is_none() {
            return Err(
                "domains.serve: template needs domains.template, the ConfigMap with the manifest of each host"
                    .to_owned(),
            );
        }
        let database = match (self.store, &self.database_url) {
            (Some(StoreWord::Postgres), None) => {
                return Err(
                    "domains.store: postgres needs domains.databaseUrl, where the URL of the database is".to_owned(),
                );
            }
            (Some(StoreWord::Postgres), Some(_)) if serve != ServeWord::Source => {
                return Err(
                    "domains.store: postgres needs domains.serve: source, because no Secret of the cluster has the certificates".to_owned(),
                );
            }
            (Some(StoreWord::Postgres), Some(_)) if self.database_key.is_none() => {
                return Err(
                    "domains.store: postgres needs domains.databaseKey, by which private keys in the database are sealed".to_owned(),
                );
            }
            (Some(StoreWord::Postgres), Some(place)) => Some(place.clone()),
            (Some(StoreWord::Cluster) | None, _) => None,
        };
        let webhook = match (&self.webhook, &self.webhook_secret) {
            (Some(_), None) => {
                return Err(
                    "domains.webhook needs domains.webhookSecret, by which what it is told is signed".to_owned(),
                );
            }
            (url, secret) => url.clone().zip(secret.clone()),
        };
        let reserved = [&self.target, &self.challenge_zone];
        Ok(Some(DomainsSettings {
            platform: Platform {
                own: patterns("own", self.own.as_deref().unwrap_or_default())?
                    .into_iter()
                    .chain(ask.server().parse().ok())
                    .collect(),
                cluster: self.cluster_domain.as_ref().map(|domain| domain.0.as_str().into()),
                reserved: reserved
                    .into_iter()
                    .flatten()
                    .map(|domain| domain.0.as_str().into())
                    .collect(),
            },
            ask,
            ask_timeout: self.ask_timeout.map_or(ASK_TIMEOUT, |timeout| timeout.0),
            limits: RegistrationLimits {
                per_token: limit(self.per_token.unwrap_or(PER_TOKEN)),
                per_tenant: limit(self.per_tenant.unwrap_or(PER_TENANT)),
                per_domain: limit(self.per_domain.unwrap_or(PER_DOMAIN)),
            },
            namespace: self.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned()),
            template: self.template.clone().filter(|_| serve == ServeWord::Template),
            serve,
            chunk: chunk.into(),
            listen: self.listen.unwrap_or(ListenAt {
                address: None,
                port: PORT,
            }),
            server_secret: self.server_secret.as_ref().map(|name| name.0.clone()),
            audience: self.audience.clone().unwrap_or_else(|| AUDIENCE.to_owned()),
            tenants: patterns("tenants", self.tenants.as_deref().unwrap_or_default())?,
            readers: self.readers.iter().flatten().map(|name| name.0.clone()).collect(),
            clients: self.clients.clone().unwrap_or_default(),
            hold: self.hold.map_or(HOLD, |hold| hold.0),
            cached: usize::try_from(self.cached.unwrap_or(CACHED)).unwrap_or(usize::MAX),
            database_key: self.database_key.clone().filter(|_| database.is_some()),
            database,
            webhook,
            said: self.clone(),
        }))
    }
}

/// The patterns of a setting. Hosts and namespaces are compared in lower case.
fn patterns(setting: &str, all: &[String]) -> Result<Vec<Pattern>, String> {
    let read = all.iter().map(|text| text.to_ascii_lowercase().parse());
    read.collect::<Result<_, PatternError>>()
        .map_err(|error| format!("domains.{setting}: {error}"))
}

/// `None` is no limit.
fn limit(allowance: Allowance) -> Option<Limit> {
    let period = allowance.period.unwrap_or(Duration::from_hours(1));
    Limit::new(
        allowance.times.into(),
        Seconds::try_from(period.as_secs()).unwrap_or(Seconds::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Host, HostError},
        settings::{
            Settings,
            file::File,
            layer::{Layer, Origin},
        },
    };

    fn of(text: &str) -> Result<Option<DomainsSettings>, String> {
        let file = File::parse(text, "x", None).map_err(|error| error.to_string())?;
        let layer = Layer::of(Origin::File("x".to_owned()), file);
        let settings = Settings::of(&[layer]).map_err(|error| error.to_string())?;
        Ok(settings.domains)
    }

    #[test]
    fn without_a_url_to_ask_there_are_no_domains_and_with_one_all_else_has_a_default() {
        assert_eq!(of("email: a@b.example"), Ok(None));
        assert_eq!(of("domains: {target: customers.example.com}"), Ok(None));
        let settings = of("domains: {ask: \"https://app.shop/allowed?domain={host}\"}")
            .unwrap()
            .unwrap();
        assert_eq!(settings.ask_timeout, Duration::from_secs(2));
        assert_eq!((settings.serve, settings.chunk), (ServeWord::Ingress, 200));
        assert_eq!(settings.listen.to_string(), ":9403");
        assert_eq!(settings.namespace, "kubectl-certs-domains");
        assert_eq!(settings.database, None);
        assert!(
            settings.tenants.is_empty() && settings.readers.is_empty(),
            "nobody is let in"
        );
        assert_eq!(settings.limits.per_domain, Limit::new(50, 3_600));
        assert_eq!(settings.platform.cluster.as_deref(), Some("cluster.local"));
    }

    #[test]
    fn no_customer_may_have_what_the_settings_name_as_the_platforms() {
        let settings = of(
            "domains:\n  ask: https://app.example.com/{host}\n  target: customers.example.com\n  challengeZone: proofs.example.net\n  \
             own: [Example.org, \"*.example.org\"]\n  clusterDomain: k8s.example.com\n  serve: listenerset\n  perDomain: 0\n",
        );
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.chunk, 64);
        assert_eq!(settings.limits.per_domain, None);
        for (host, judged) in [
            ("shop.example.com", None),
            ("app.example.com", Some(HostError::Own)),
            ("customers.example.com", Some(HostError::Own)),
            ("x.proofs.example.net", Some(HostError::Own)),
            ("example.org", Some(HostError::Own)),
            ("www.example.org", Some(HostError::Own)),
            ("db.default.svc.k8s.example.com", Some(HostError::Inside)),
        ] {
            assert_eq!(Host::parse(host, &settings.platform).err(), judged, "{host}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_setting() {
        let ask = "ask: \"https://app.shop/{host}\"";
        for (text, why) in [
            (
                "ask: https://app.shop/allowed",
                "is not a URL at which the application is asked",
            ),
            ("ask: \"https://me:hunter2@app.shop/{host}\"", "without a user name"),
            ("askTimeout: 0", "domains.askTimeout"),
            ("askTimeout: 11s", "domains.askTimeout"),
            ("own: [\"a{b}\"]", "domains.own: the pattern"),
            ("tenants: [\"a b\"]", "domains.tenants: the pattern"),
            ("clients: [{name: a, tenant: A}]", "domains.clients"),
            ("clients: [{name: a, key: x}]", "key"),
            ("readers: [edge]", "NAMESPACE/NAME"),
            ("hold: 3m", "domains.hold"),
            ("namespace: A/b", "domains.namespace"),
            (
                "webhook: \"https://me:hunter2@app.shop\"",
                "domains.webhook holds a user name",
            ),
            ("webhook: app", "domains.webhook is no http or https URL"),
            ("webhook: \"https://app.shop/hook\"", "needs domains.webhookSecret"),
            ("chunk: 0", "domains.chunk is from 1 to 200 for ingress"),
            (
                "chunk: 65, serve: listenerset",
                "domains.chunk is from 1 to 64 for listenerset",
            ),
            ("store: postgres", "domains.databaseUrl"),
            (
                "databaseUrl: postgres://me:hunter2@db",
                "a credential itself is never written here",
            ),
            ("serve: caddy", "ingress, listenerset, template or source"),
            ("serve: template", "domains.template"),
            ("store: postgres, databaseUrl: {env: DB}", "serve: source"),
            (
                "serve: source, store: postgres, databaseUrl: {env: DB}",
                "domains.databaseKey",
            ),
            ("template: \"a/b\"", "name of a ConfigMap"),
        ] {
            let text = if text.starts_with("ask:") {
                text.to_owned()
            } else {
                format!("{ask}, {text}")
            };
            let error = of(&format!("domains: {{{text}}}")).unwrap_err();
            assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}");
        }
        let settings = of(&format!(
            "domains: {{{ask}, serve: source, store: postgres, databaseUrl: {{env: DB}}, databaseKey: {{env: KEY}}}}"
        ));
        assert_eq!(
            settings.unwrap().unwrap().database,
            Some(Credential::Env("DB".to_owned()))
        );
    }
}
