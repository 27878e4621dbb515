//! The DNS providers of the settings: which zones each serves, how it is reached, where its credentials are.
//!
//! ```yaml
//! - name: internal
//!   zones: [corp.internal]
//!   provider: powerdns
//!   url: https://pdns.corp.internal:8081
//!   apiKey: {secretRef: {namespace: dns, name: powerdns-letsencrypt-apikey, key: apikey}}
//! ```

mod fields;
#[cfg(test)]
mod schema;
mod service;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

pub use super::credential::{Credential, NoSecrets, SecretRef, Secrets};
use super::update::{
    spec::{Field, Kind, ProviderSpec},
    table,
};
pub use fields::{fields, words};
use service::{not_by_service, reachable};

use crate::settings::value::Length;

/// The default TTL of the records that this program writes, in seconds.
pub const TTL: u32 = 60;
/// The default time limit of a hook, in seconds.
pub const HOOK_SECONDS: u64 = 120;

/// One DNS provider of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsEntry {
    /// Its name for `--dns NAME`; by default the word of the provider.
    pub name: String,
    /// The domains that it serves, with every name in them. If there are none, it serves whatever no other entry
    /// serves.
    pub zones: Vec<String>,
    /// The TTL of its records, in seconds.
    pub ttl: u32,
    /// The kind of provider, and how to reach it.
    pub provider: ProviderConfig,
}

/// How to reach a provider. It has the location of credentials, never the credentials themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderConfig {
    /// PowerDNS's HTTP API.
    PowerDns(PowerDnsConfig),
    /// Dynamic update (RFC 2136), signed with TSIG (RFC 8945).
    Rfc2136(Rfc2136Config),
    /// An acme-dns server.
    AcmeDns(AcmeDnsConfig),
    /// An executable with dehydrated's arguments.
    Hook(HookConfig),
    /// The operator.
    Manual(ManualConfig),
    /// A provider of the dns-update crate.
    Update(UpdateConfig),
}

/// PowerDNS's HTTP API (`provider: powerdns`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PowerDnsConfig {
    /// Where it listens, without `/api/v1`; `service://NAMESPACE/NAME:PORT` is a Service that is reached through the cluster's API server.
    pub url: String,
    /// The key of the API.
    pub api_key: Credential,
    /// The server's id in the API.
    #[serde(default = "localhost")]
    pub server: String,
    /// PEM of the CA that signed its certificate, where no public one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

fn localhost() -> String {
    "localhost".to_owned()
}

/// Dynamic update (`provider: rfc2136`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rfc2136Config {
    /// The primary server: a name or an address, with a port where it is not 53.
    pub server: String,
    /// The key's name. Without it updates are not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// The key in base64, as BIND writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Credential>,
    /// The key's algorithm.
    #[serde(default)]
    pub algorithm: TsigAlgorithm,
    /// How updates are sent.
    #[serde(default)]
    pub transport: Transport,
}

/// The algorithms of TSIG keys that are safe (RFC 8945, section 6, without those cut short).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum TsigAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// HMAC with SHA-384.
    #[serde(rename = "hmac-sha384")]
    HmacSha384,
    /// HMAC with SHA-512.
    #[serde(rename = "hmac-sha512")]
    HmacSha512,
}

/// How a message reaches a name server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Over TCP: nothing is lost on the way.
    #[default]
    Tcp,
    /// Over UDP.
    Udp,
}

/// An acme-dns account (`provider: acme-dns`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcmeDnsConfig {
    /// Where the server's API is; `service://NAMESPACE/NAME:PORT` is a Service that is reached through the cluster's API server.
    pub url: String,
    /// The account's user name.
    pub username: Setting,
    /// The account's password.
    pub password: Credential,
    /// The account's subdomain: the first label of the name that `_acme-challenge` is a CNAME to.
    pub subdomain: String,
    /// PEM of the CA that signed its certificate, where no public one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// An executable (`provider: hook`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HookConfig {
    /// Its path.
    pub command: PathBuf,
    /// How long it may take, in seconds: `5m`, or a number of seconds.
    #[serde(
        default = "hook_seconds",
        serialize_with = "as_length",
        deserialize_with = "of_length"
    )]
    #[cfg_attr(test, schemars(schema_with = "schema::length"))]
    pub timeout: u64,
    /// Whether it also gets `deploy_cert` and `unchanged_cert`, with the certificate and its private key in files; `false` for a hook that knows challenges only.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub deploy_cert: bool,
    /// The environment variables that it gets beside the usual ones (`PATH`, `HOME`, the language, proxies): where its credentials are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
}

fn yes() -> bool {
    true
}

// serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_yes(flag: &bool) -> bool {
    *flag
}

fn hook_seconds() -> u64 {
    HOOK_SECONDS
}

// serde requires a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn as_length<S: Serializer>(seconds: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&Length(Duration::from_secs(*seconds)))
}

fn of_length<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a length of time, as 5m, or a number of seconds")]
    enum Either {
        Seconds(u64),
        Length(Length),
    }
    Ok(match Either::deserialize(from)? {
        Either::Seconds(seconds) => seconds,
        Either::Length(length) => length.0.as_secs(),
    })
}

/// The operator (`provider: manual`): there is nothing to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ManualConfig {}

/// A provider of the dns-update crate (`provider: cloudflare`, ...).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateConfig {
    /// The description of the provider.
    pub spec: &'static ProviderSpec,
    /// Its fields, including all that are required.
    pub fields: BTreeMap<&'static str, Setting>,
}

/// Text that is written in the settings, or that comes from the same sources as credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Setting {
    /// The text in the settings.
    Plain(String),
    /// The location of the text.
    From(Credential),
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Plain(text)),
            Value::Number(number) => Ok(Self::Plain(number.to_string())),
            other => Credential::deserialize(other)
                .map(Self::From)
                .map_err(de::Error::custom),
        }
    }
}

impl ProviderConfig {
    /// The provider's word in the settings: `powerdns`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::PowerDns(_) => "powerdns",
            Self::Rfc2136(_) => "rfc2136",
            Self::AcmeDns(_) => "acme-dns",
            Self::Hook(_) => "hook",
            Self::Manual(_) => "manual",
            Self::Update(config) => config.spec.word,
        }
    }

    /// The locations of all credentials.
    pub fn credentials(&self) -> Vec<&Credential> {
        match self {
            Self::PowerDns(config) => vec![&config.api_key],
            Self::Rfc2136(config) => config.key.iter().collect(),
            Self::AcmeDns(config) => {
                let mut all = vec![&config.password];
                all.extend(config.username.credential());
                all
            }
            Self::Hook(_) | Self::Manual(_) => Vec::new(),
            Self::Update(config) => config.fields.values().filter_map(Setting::credential).collect(),
        }
    }

    /// The data keys of Secrets among the locations.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.credentials().into_iter().filter_map(|from| match from {
            Credential::SecretRef(of) => Some(of),
            Credential::Env(_) | Credential::File(_) => None,
        })
    }
}

impl Setting {
    fn credential(&self) -> Option<&Credential> {
        match self {
            Self::Plain(_) => None,
            Self::From(credential) => Some(credential),
        }
    }
}

impl DnsEntry {
    /// The operator, for `--dns manual`, which needs no settings.
    pub fn manual() -> Self {
        Self {
            name: "manual".to_owned(),
            zones: Vec::new(),
            ttl: TTL,
            provider: ProviderConfig::Manual(ManualConfig {}),
        }
    }
}

impl Serialize for DnsEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = Map::new();
        map.insert("name".to_owned(), self.name.clone().into());
        map.insert("zones".to_owned(), self.zones.clone().into());
        map.insert("ttl".to_owned(), self.ttl.into());
        map.insert("provider".to_owned(), self.provider.word().into());
        let fields = match &self.provider {
            ProviderConfig::PowerDns(config) => serde_json::to_value(config),
            ProviderConfig::Rfc2136(config) => serde_json::to_value(config),
            ProviderConfig::AcmeDns(config) => serde_json::to_value(config),
            ProviderConfig::Hook(config) => serde_json::to_value(config),
            ProviderConfig::Manual(config) => serde_json::to_value(config),
            ProviderConfig::Update(config) => serde_json::to_value(&config.fields),
        };
        if let Value::Object(fields) = fields.map_err(serde::ser::Error::custom)? {
            map.extend(fields);
        }
        map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DnsEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Map::<String, Value>::deserialize(deserializer)?;
        read(map).map_err(de::Error::custom)
    }
}

/// Reads one entry. Errors do not quote values, because one may be a credential in the wrong place.
fn read(mut map: Map<String, Value>) -> Result<DnsEntry, String> {
    let word = match map.remove("provider") {
        Some(Value::String(word)) => word,
        Some(_) => return Err("provider: expected a provider's name, such as powerdns".to_owned()),
        None => return Err("missing field `provider`".to_owned()),
    };
    let known =
        fields(&word).ok_or_else(|| format!("unknown variant `{word}`, expected one of {}", quoted(words())))?;
    if let Some(unknown) = map.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("unknown field `{unknown}`, expected one of {}", quoted(known)));
    }
    let name = take(&mut map, "name")?.unwrap_or_else(|| word.clone());
    let zones = take::<Vec<String>>(&mut map, "zones")?.unwrap_or_default();
    let ttl = take(&mut map, "ttl")?.unwrap_or(TTL);
    if !(1..=86_400).contains(&ttl) {
        return Err("ttl: expected 1 to 86400 seconds".to_owned());
    }
    let zones = zones.iter().map(|zone| domain(zone)).collect::<Result<_, _>>()?;
    let provider = match word.as_str() {
        "powerdns" => {
            let config: PowerDnsConfig = own(map)?;
            reachable(&config.url, config.ca_file.is_some())?;
            ProviderConfig::PowerDns(config)
        }
        "rfc2136" => {
            let config: Rfc2136Config = own(map)?;
            if config.key.is_some() != config.key_name.is_some() {
                return Err("keyName and key are needed together".to_owned());
            }
            ProviderConfig::Rfc2136(config)
        }
        "acme-dns" => {
            let config: AcmeDnsConfig = own(map)?;
            reachable(&config.url, config.ca_file.is_some())?;
            ProviderConfig::AcmeDns(config)
        }
        "hook" => ProviderConfig::Hook(own(map)?),
        "manual" => ProviderConfig::Manual(own(map)?),
        other => {
            let spec = table::find(other).ok_or_else(|| format!("unknown variant `{other}`"))?;
            ProviderConfig::Update(update(spec, map)?)
        }
    };
    Ok(DnsEntry {
        name,
        zones,
        ttl,
        provider,
    })
}

fn quoted(words: impl IntoIterator<Item = &'static str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

fn take<T: de::DeserializeOwned>(map: &mut Map<String, Value>, name: &str) -> Result<Option<T>, String> {
    match map.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value)
            .map(Some)
            .map_err(|e| format!("{name}: {e}")),
    }
}

fn own<T: de::DeserializeOwned>(map: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(map)).map_err(|e| e.to_string())
}

/// Reads a zone in the forms of the settings: any case, a trailing dot, U-labels.
fn domain(text: &str) -> Result<String, String> {
    let bare = text.trim().trim_start_matches("*.");
    let ascii = idna::domain_to_ascii(bare).ok();
    let ascii = ascii.as_deref().map(|name| name.trim_end_matches('.'));
    match ascii {
        Some(name) if !name.is_empty() && name.len() <= 253 => Ok(name.to_owned()),
        _ => Err(format!("zones: {text:?} is not a domain")),
    }
}

fn update(spec: &'static ProviderSpec, mut map: Map<String, Value>) -> Result<UpdateConfig, String> {
    let mut fields = BTreeMap::new();
    let mut missing = BTreeSet::new();
    for field in spec.fields {
        match map.remove(field.name) {
            None | Some(Value::Null) if field.needed => {
                missing.insert(field.name);
            }
            None | Some(Value::Null) => {}
            Some(value) => {
                let setting = setting(field, value).map_err(|e| format!("{}: {e}", field.name))?;
                if let ("url", Setting::Plain(url)) = (field.name, &setting) {
                    not_by_service(spec, url).map_err(|e| format!("url: {e}"))?;
                }
                fields.insert(field.name, setting);
            }
        }
    }
    if let Some(field) = missing.first() {
        return Err(format!("missing field `{field}`"));
    }
    let joker = spec.word == "joker" && !fields.contains_key("apiKey");
    if joker && !(fields.contains_key("username") && fields.contains_key("password")) {
        return Err("expected apiKey, or username and password".to_owned());
    }
    Ok(UpdateConfig { spec, fields })
}

fn setting(field: &Field, value: Value) -> Result<Setting, String> {
    match field.kind {
        Kind::Secret | Kind::Document => Credential::deserialize(value)
            .map(Setting::From)
            .map_err(|e| e.to_string()),
        Kind::Text => Setting::deserialize(value).map_err(|e| e.to_string()),
        Kind::Number => match value {
            Value::Number(number) if number.is_u64() => Ok(Setting::Plain(number.to_string())),
            _ => Err("expected a number".to_owned()),
        },
        Kind::Flag => match value {
            Value::Bool(flag) => Ok(Setting::Plain(flag.to_string())),
            _ => Err("expected true or false".to_owned()),
        },
        Kind::OneOf(words) => match value {
            Value::String(word) if words.contains(&word.as_str()) => Ok(Setting::Plain(word)),
            _ => Err(format!("expected one of {}", quoted(words.iter().copied()))),
        },
    }
}
