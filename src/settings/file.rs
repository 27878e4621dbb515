//! The settings file, as it is written. An unknown field is an error, and no field holds a credential: each names a place.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::{
    policy::PolicyEntry,
    problem::{FileError, explain},
    trust::TrustEntry,
    value::{
        Advertised, Length, NameServer, Namespaced, RestartWord, SecretKeys, SelfCheck, ServicePort, SolverKind,
        Toleration,
    },
};
use crate::{
    apply::KeyKind,
    solve::{
        dns01::config::{Credential, DnsEntry},
        http01::Network,
    },
};

/// A settings file is small: whatever is larger is something else.
pub(super) const LARGEST: u64 = 1 << 20;
/// How deep it may be nested.
const MAX_DEPTH: usize = 16;

/// All that a file, or a `ConfigMap`, may say. What it does not say is left to the next source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct File {
    /// The issuer that `--production` means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production: Option<String>,
    /// The issuer that `--staging` means, and a rehearsal without a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staging: Option<String>,
    /// Where CAs write to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Addresses>,
    /// Whether the CAs' terms of service are agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agree_tos: Option<bool>,
    /// The Secret that accounts are kept in, instead of local files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_secret: Option<Namespaced>,
    /// CAs by name; the built-in names may be changed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub issuers: BTreeMap<String, IssuerEntry>,
    /// What is ordered.
    #[serde(skip_serializing_if = "is_default")]
    pub certificate: CertificateEntry,
    /// How HTTP-01 is answered.
    #[serde(skip_serializing_if = "is_default")]
    pub http01: Http01Entry,
    /// The Pod that does.
    #[serde(skip_serializing_if = "is_default")]
    pub solver: SolverEntry,
    /// How DNS-01 is answered.
    #[serde(skip_serializing_if = "is_default")]
    pub dns01: Dns01Entry,
    /// What becomes of the certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub storing: StoringEntry,
    /// CAs of one's own that are trusted wherever certificates are judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<Vec<TrustEntry>>,
    /// What is allowed.
    #[serde(skip_serializing_if = "is_default")]
    pub policy: PolicyEntry,
    /// Ingress controllers by the name that their classes have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub controllers: BTreeMap<String, ControllerEntry>,
    /// The terminal UI.
    #[serde(skip_serializing_if = "is_default")]
    pub tui: TuiEntry,
}

/// What stands behind the name of a controller: written as the word alone, or with its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControllerEntry {
    /// Which program it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<ControllerWord>,
    /// The Secret of its default certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_certificate: Option<Namespaced>,
}

impl<'de> Deserialize<'de> for ControllerEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        struct Fields {
            is: Option<ControllerWord>,
            default_certificate: Option<Namespaced>,
        }
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ControllerEntry;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a program, or the fields is and defaultCertificate")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ControllerEntry, E> {
                let word = ControllerWord::deserialize(de::value::StrDeserializer::new(text))?;
                Ok(ControllerEntry {
                    is: Some(word),
                    default_certificate: None,
                })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ControllerEntry, A::Error> {
                let fields = Fields::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(ControllerEntry {
                    is: fields.is,
                    default_certificate: fields.default_certificate,
                })
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// A program whose choice of certificates is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControllerWord {
    /// The community's ingress-nginx.
    IngressNginx,
    /// Traefik.
    Traefik,
    /// F5's NGINX ingress controller.
    F5Nginx,
    /// The controller of `HAProxy` Technologies.
    Haproxy,
    /// `HAProxy` Ingress.
    HaproxyIngress,
    /// Contour.
    Contour,
    /// Kong.
    Kong,
    /// Another one.
    Other,
}

/// The terminal UI.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TuiEntry {
    /// terminal, dark, light, high-contrast or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// Colours by what they mean, instead of the theme's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colours: Option<BTreeMap<String, String>>,
    /// Keys by action, instead of the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<BTreeMap<String, Vec<String>>>,
    /// The columns of the hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Whether only ASCII is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ascii: Option<bool>,
    /// Whether the mouse belongs to the screen; else the terminal selects text with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mouse: Option<bool>,
    /// Whether nothing may be changed from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// Contexts on which production is not confirmed by the context's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unprotected_contexts: Option<Vec<String>>,
}

impl TuiEntry {
    /// What this says, and where it says nothing, what another does.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            theme: self.theme.or(other.theme),
            colours: self.colours.or(other.colours),
            keys: self.keys.or(other.keys),
            columns: self.columns.or(other.columns),
            ascii: self.ascii.or(other.ascii),
            mouse: self.mouse.or(other.mouse),
            read_only: self.read_only.or(other.read_only),
            unprotected_contexts: self.unprotected_contexts.or(other.unprotected_contexts),
        }
    }
}

/// One CA.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IssuerEntry {
    /// The URL of its directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// What its certificates are good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageWord>,
    /// A PEM file with the CA of its own HTTPS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The same, as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// A proxy to reach it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Whether http is taken for a loopback address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_loopback_http: Option<bool>,
    /// Where it writes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Addresses>,
    /// Whether its terms of service are agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agree_tos: Option<bool>,
    /// An external account binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eab: Option<EabEntry>,
    /// The Secret that the account is kept in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_secret: Option<Namespaced>,
    /// The profile of its orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The chain that is preferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_chain: Option<String>,
    /// Its rate limits, where they are not Let's Encrypt's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limits: Option<LimitsEntry>,
}

/// What an issuer's certificates are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageWord {
    /// For rehearsals: no client trusts them.
    Staging,
    /// For everybody.
    Production,
    /// For whoever trusts this CA.
    Own,
}

/// An external account binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EabEntry {
    /// The key's id.
    pub kid: String,
    /// Where the key is.
    pub key: Credential,
}

/// The rate limits of a CA; 0 is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitsEntry {
    /// New orders of an account in three hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders: Option<u32>,
    /// Certificates of a registered domain in seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates_per_domain: Option<u32>,
    /// Certificates for the same names in seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_names: Option<u32>,
    /// Failed authorizations of a name in an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
}

/// What is ordered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CertificateEntry {
    /// The algorithm and size of keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_type: Option<KeyKind>,
    /// Whether a renewal keeps the private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reuse_key: Option<bool>,
    /// How many certificates at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u16>,
}

/// What a container asks for and may take, as Kubernetes writes quantities: `cpu: 100m`, `memory: 32Mi`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Resources {
    /// What it is sure to get.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, String>,
    /// What it may take at most.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
}

/// The Pod that answers HTTP-01.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SolverEntry {
    /// Its image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The resources of its container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Its priority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Secrets to pull it with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_secrets: Option<Vec<String>>,
    /// Labels of the nodes that it may run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<BTreeMap<String, String>>,
    /// Taints that it tolerates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerations: Option<Vec<Toleration>>,
}

/// How HTTP-01 is answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Http01Entry {
    /// What answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solver: Option<SolverKind>,
    /// The Service that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServicePort>,
    /// Where the cluster reaches this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advertise: Option<Advertised>,
    /// How the answer is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_check: Option<SelfCheck>,
    /// What may be asked although it is an address of this machine, a link or the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_addresses: Option<Vec<Network>>,
}

/// How DNS-01 is answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Dns01Entry {
    /// Which provider serves which zones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<DnsEntry>,
    /// Name servers that are asked for hosts, zones and CAA records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolvers: Option<Vec<NameServer>>,
    /// How long a record may take to be everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagation_timeout: Option<Length>,
    /// How long is waited instead of asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagation_wait: Option<Length>,
}

/// What becomes of the certificate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StoringEntry {
    /// The Secret's keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_keys: Option<SecretKeys>,
    /// What is restarted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Vec<RestartWord>>,
    /// How long the new certificate may take to be served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Length>,
    /// PEM files with roots to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_files: Option<Vec<PathBuf>>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// E-mail addresses: one, or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Addresses(pub Vec<String>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Addresses;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an e-mail address, or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Addresses, E> {
                Ok(Addresses(vec![text.to_owned()]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Addresses, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(Addresses(all))
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl File {
    /// Reads a text. `name` is what errors call it; relative paths in it begin at `beside`.
    pub fn parse(text: &str, name: &str, beside: Option<&Path>) -> Result<Self, FileError> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_documents: 1, },
            strict_booleans: true,
            with_snippet: false,
        };
        // An empty file, or one of comments alone, says nothing.
        let empty = text
            .lines()
            .map(str::trim)
            .all(|line| line.is_empty() || line.starts_with('#') || line == "---");
        if empty {
            return Ok(Self::default());
        }
        let mut file: Self =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| explain(&error, name, text))?;
        file.anchor(&|path| anchored(path, beside))
            .and_then(|()| file.without_passwords())
            .and_then(|()| file.trust_is_sound())
            .map_err(|message| FileError::new(name, message))?;
        Ok(file)
    }

    /// Refuses passwords in URLs, before anything could show them.
    fn without_passwords(&self) -> Result<(), String> {
        for (name, entry) in &self.issuers {
            if entry.proxy.as_deref().is_some_and(has_user) {
                return Err(format!(
                    "issuers.{name}.proxy holds a password: give it by the variable HTTPS_PROXY instead"
                ));
            }
            if entry.directory.as_deref().is_some_and(has_user) {
                return Err(format!("issuers.{name}.directory holds a user name"));
            }
        }
        Ok(())
    }

    fn trust_is_sound(&self) -> Result<(), String> {
        let mut entries = self.trust.iter().flatten().enumerate();
        match entries.find_map(|(at, entry)| Some((at, entry.problem()?))) {
            Some((at, problem)) => Err(format!("entry {} of trust: {problem}", at + 1)),
            None => Ok(()),
        }
    }

    /// Makes every path absolute by `place`.
    fn anchor(&mut self, place: &dyn Fn(&Path) -> PathBuf) -> Result<(), String> {
        for entry in self.issuers.values_mut() {
            if let Some(path) = &mut entry.ca_file {
                *path = place(path);
            }
            if let Some(EabEntry {
                key: Credential::File(path),
                ..
            }) = &mut entry.eab
            {
                *path = place(path);
            }
        }
        let trusted = self
            .trust
            .iter_mut()
            .flatten()
            .filter_map(|entry| entry.ca_file.as_mut());
        for path in self.storing.ca_files.iter_mut().flatten().chain(trusted) {
            *path = place(path);
        }
        for entry in &mut self.dns01.providers {
            // Which fields of a provider are paths only its own form knows; by name they are the same in all.
            let mut value = serde_json::to_value(&*entry).map_err(|error| error.to_string())?;
            anchor_value(&mut value, place);
            *entry = serde_json::from_value(value).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// What a `ConfigMap` may not say: whoever may write one would otherwise choose where an operator's credentials are
    /// sent, and what is run on their machine.
    pub(super) fn forbidden_in_config_map(&self) -> Option<String> {
        let issuer = self.issuers.iter().find_map(|(name, entry)| {
            let field = match entry {
                IssuerEntry { eab: Some(_), .. } => "eab",
                IssuerEntry { ca_file: Some(_), .. } => "caFile",
                IssuerEntry { proxy: Some(_), .. } => "proxy",
                IssuerEntry { agree_tos: Some(_), .. } => "agreeTos",
                IssuerEntry {
                    account_secret: Some(_),
                    ..
                } => "accountSecret",
                _ => return None,
            };
            Some(format!("issuers.{name}.{field}"))
        });
        issuer
            .or_else(|| (!self.dns01.providers.is_empty()).then(|| "dns01.providers".to_owned()))
            .or_else(|| self.agree_tos.map(|_| "agreeTos".to_owned()))
            .or_else(|| self.account_secret.as_ref().map(|_| "accountSecret".to_owned()))
            .or_else(|| {
                let allowed = self.http01.allow_addresses.as_ref();
                allowed.map(|_| "http01.allowAddresses".to_owned())
            })
            .or_else(|| self.storing.ca_files.as_ref().map(|_| "storing.caFiles".to_owned()))
            // Whoever may write it would have whatever they serve called trusted.
            .or_else(|| self.trust.as_ref().map(|_| "trust".to_owned()))
    }
}

/// Whether a URL holds a user name, and so perhaps a password.
pub(super) fn has_user(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#'])
        .next()
        .is_some_and(|authority| authority.contains('@'))
}

fn anchor_value(value: &mut Value, place: &dyn Fn(&Path) -> PathBuf) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(path) if ["file", "caFile", "command"].contains(&name.as_str()) => {
                        *path = place(Path::new(path)).to_string_lossy().into_owned();
                    }
                    _ => anchor_value(value, place),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| anchor_value(item, place)),
        _ => {}
    }
}

/// `~/x` in the home directory, and a relative path beside the file that names it.
fn anchored(path: &Path, beside: Option<&Path>) -> PathBuf {
    if let Ok(rest) = path.strip_prefix("~")
        && let Some(home) = std::env::var_os("HOME")
    {
        return PathBuf::from(home).join(rest);
    }
    match beside {
        Some(dir) => dir.join(path),
        None => path.to_owned(),
    }
}
