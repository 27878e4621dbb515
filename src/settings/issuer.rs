//! Selects the CA, and collects its settings.

use std::{collections::BTreeSet, path::Path};

use secrecy::SecretString;

use super::{
    SettingsError,
    file::{Addresses, IssuerEntry, LARGEST, LimitsEntry, StageWord, has_user},
    layer::{Choice, Layer},
    preference,
    value::{Allowance, ChallengeWord, Namespaced},
};
use crate::{
    acme::{Eab, Issuer, LETS_ENCRYPT, LETS_ENCRYPT_STAGING, Stage},
    clock::seconds,
    file,
    object::Seconds,
    plan::{
        ca::Ca,
        limits::{Limit, Limits},
    },
    solve::{
        SolveError,
        dns01::config::{Credential, Secrets},
    },
};

/// The built-in issuers, with their names and directories.
pub const BUILT_IN: [(&str, &str); 2] = [
    ("letsencrypt-staging", LETS_ENCRYPT_STAGING),
    ("letsencrypt", LETS_ENCRYPT),
];

/// The CA that is used, and the account at it.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The CA. Its EAB has not been read; [`Chosen::eab`] has its location.
    pub issuer: Issuer,
    /// The CA whose certificates are renewed: that of [`Chosen::issuer`], or for a rehearsal the one that it stands
    /// for.
    pub ca: Ca,
    /// Whether the user chose no issuer, so that nothing that serves traffic is changed.
    pub rehearsal: bool,
    /// An external account binding for a new account.
    pub eab: Option<EabPlace>,
    /// The challenge that proves every name, if the settings choose one.
    pub challenge: Option<ChallengeWord>,
    /// The Secret in which the account is stored; without it, a local file.
    pub account_secret: Option<Namespaced>,
    /// Whether the user has agreed to the terms of service beforehand.
    pub agree_tos: bool,
    /// The CA's rate limits, if they are known.
    pub limits: Option<Limits>,
    /// The rate limits of [`Chosen::ca`].
    pub ca_limits: Option<Limits>,
}

/// The location of an external account binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EabPlace {
    /// The id of the key.
    pub kid: String,
    /// The location of the key.
    pub key: Credential,
}

impl EabPlace {
    /// Reads the key.
    pub async fn read(&self, secrets: &dyn Secrets) -> Result<Eab, SolveError> {
        let key: SecretString = self.key.resolve(secrets).await?;
        Ok(Eab {
            kid: self.kid.clone(),
            key,
        })
    }
}

/// The names of all issuers: first the built-in ones, then those of the layers.
pub fn names(layers: &[Layer]) -> Vec<String> {
    let own: BTreeSet<&str> = layers
        .iter()
        .flat_map(|l| l.file.issuers.keys())
        .map(String::as_str)
        .collect();
    let built_in = BUILT_IN.iter().map(|(name, _)| *name);
    let more = own
        .iter()
        .copied()
        .filter(|name| !BUILT_IN.iter().any(|(b, _)| b == name));
    built_in.chain(more).map(str::to_owned).collect()
}

/// The name of the CA with this directory in the layers.
pub fn name_of(layers: &[Layer], directory: &str) -> Option<String> {
    names(layers).into_iter().find(|name| {
        let said = IssuerSettings::of(layers, name).get(|e| e.directory.as_deref());
        said.or_else(|| built_in(name)) == Some(directory)
    })
}

/// The errors of each issuer that the layers define or name (`production`, `staging`), as if it were chosen.
pub fn problems(layers: &[Layer]) -> Vec<SettingsError> {
    let files: Vec<Layer> = layers
        .iter()
        .map(|l| Layer::of(l.origin.clone(), l.file.clone()))
        .collect();
    let mut all = names(&files);
    for named in files
        .iter()
        .flat_map(|l| [&l.file.production, &l.file.staging])
        .flatten()
    {
        if !all.contains(named) {
            all.push(named.clone());
        }
    }
    let preferred = preference::problems(layers);
    all.iter()
        .filter_map(|name| one(&files, name, None).err())
        .chain(preferred)
        .collect()
}

/// The issuer with this name, as files have it: what flags and variables say is about the chosen one.
pub(super) fn of_files(layers: &[Layer], name: &str) -> Result<Chosen, SettingsError> {
    let files: Vec<Layer> = layers
        .iter()
        .map(|layer| Layer::of(layer.origin.clone(), layer.file.clone()))
        .collect();
    one(&files, name, None)
}

/// The name of the issuer at which a change to this one is rehearsed, if there is one.
pub(super) fn staging_of(layers: &[Layer], name: &str) -> Option<String> {
    let said = IssuerSettings::of(layers, name).get(|entry| entry.staging.clone());
    let built_in = || (name == BUILT_IN[1].0).then(|| BUILT_IN[0].0.to_owned());
    said.or_else(built_in)
}

/// The issuer that the layers select.
pub(super) fn choose(layers: &[Layer]) -> Result<Chosen, SettingsError> {
    let choice = layers.iter().find_map(|layer| layer.choice.clone());
    let first = |of: fn(&Layer) -> Option<&String>| layers.iter().find_map(of).cloned();
    let staging = || first(|l| l.file.staging.as_ref()).unwrap_or_else(|| BUILT_IN[0].0.to_owned());
    let production = || first(|l| l.file.production.as_ref()).unwrap_or_else(|| BUILT_IN[1].0.to_owned());
    let rehearses = matches!(choice, None | Some(Choice::Staging));
    let (name, url) = match &choice {
        None | Some(Choice::Staging) => (staging(), None),
        Some(Choice::Production) => (production(), None),
        Some(Choice::Issuer(name)) => (name.clone(), None),
        Some(Choice::Directory(url)) => by_directory(layers, url),
    };
    let mut chosen = one(layers, &name, url)?;
    chosen.rehearsal = choice.is_none();
    // Whatever its certificates are good for elsewhere, here they are for testing: they do not replace a trusted
    // certificate unless asked to.
    if choice == Some(Choice::Staging) && chosen.issuer.stage == Stage::Own {
        chosen.issuer.stage = Stage::Staging;
    }
    if chosen.rehearsal
        && let Some(ca) = ca_of(layers, &production())
    {
        chosen.ca = ca;
        chosen.ca_limits = one(layers, &production(), None).ok().and_then(|of| of.limits);
    }
    if rehearses && chosen.issuer.stage == Stage::Production {
        return Err(SettingsError::StagingIsProduction(name));
    }
    Ok(chosen)
}

/// The CA with this name, if its directory is known.
fn ca_of(layers: &[Layer], name: &str) -> Option<Ca> {
    let said = IssuerSettings::of(layers, name).get(|e| e.directory.as_deref());
    Some(Ca {
        name: name.to_owned(),
        directory: said.or_else(|| built_in(name))?.to_owned(),
    })
}

/// The issuer for a directory: the one of the settings that has it, or a new one named after its host.
fn by_directory(layers: &[Layer], url: &str) -> (String, Option<String>) {
    let known = name_of(layers, url);
    let host = || {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        // The name is printed before a user name in the URL is refused.
        crate::text::without_user(authority).into_owned()
    };
    (known.unwrap_or_else(host), Some(url.to_owned()))
}

fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(own, _)| *own == name).map(|(_, url)| *url)
}

/// The settings of one issuer: first those of flags and the environment, which concern the chosen issuer, then those of
/// files under its name.
struct IssuerSettings<'a>(Vec<&'a IssuerEntry>);

impl<'a> IssuerSettings<'a> {
    fn of(layers: &'a [Layer], name: &str) -> Self {
        Self(layers.iter().filter_map(|layer| layer.file.issuers.get(name)).collect())
    }

    fn chosen(layers: &'a [Layer], name: &str) -> Self {
        let mut all: Vec<&IssuerEntry> = layers.iter().map(|layer| &layer.issuer).collect();
        all.extend(Self::of(layers, name).0);
        Self(all)
    }

    fn get<T>(&self, of: impl Fn(&'a IssuerEntry) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|entry| of(entry))
    }
}

/// The issuer with this name, with all its settings. A `url` defines an issuer that the settings do not have.
pub(super) fn one(layers: &[Layer], name: &str, url: Option<String>) -> Result<Chosen, SettingsError> {
    let entry = IssuerSettings::chosen(layers, name);
    let known = names(layers);
    if url.is_none() && !known.iter().any(|one| one == name) {
        return Err(SettingsError::NoIssuer {
            name: name.to_owned(),
            known,
        });
    }
    let wrong = |reason: String| SettingsError::Issuer {
        issuer: name.to_owned(),
        reason,
    };
    let directory = url
        .or_else(|| entry.get(|e| e.directory.clone()))
        .or_else(|| built_in(name).map(str::to_owned))
        .ok_or_else(|| SettingsError::NoDirectory(name.to_owned()))?;
    let mut issuer = Issuer::new(name, directory.trim());
    issuer.allow_http_loopback = entry.get(|e| e.allow_loopback_http).unwrap_or_default();
    check_url(&issuer.directory_url, issuer.allow_http_loopback).map_err(wrong)?;
    if let Some(stage) = entry.get(|e| e.stage) {
        issuer.stage = match stage {
            StageWord::Staging => Stage::Staging,
            StageWord::Production => Stage::Production,
            StageWord::Own => Stage::Own,
        };
    }
    issuer.ca_pem = ca_pem(&entry).map_err(wrong)?;
    issuer.proxy = entry.get(|e| e.proxy.clone());
    issuer.profile = entry.get(|e| e.profile.clone());
    issuer.preferred_chain = entry.get(|e| e.preferred_chain.clone());
    issuer.common_name = entry.get(|e| e.common_name).unwrap_or_default();
    let email = entry
        .get(|e| e.email.as_ref())
        .or_else(|| layers.iter().find_map(|l| l.file.email.as_ref()));
    issuer.contact = email.map_or(Ok(Vec::new()), contact).map_err(wrong)?;
    let limits = limits(issuer.stage, entry.get(|e| e.rate_limits.clone()));
    Ok(Chosen {
        ca: Ca {
            name: issuer.name.clone(),
            directory: issuer.directory_url.clone(),
        },
        rehearsal: false,
        eab: entry.get(|e| e.eab.as_ref()).map(|eab| EabPlace {
            kid: eab.kid.clone(),
            key: eab.key.clone(),
        }),
        challenge: entry.get(|e| e.challenge),
        account_secret: entry
            .get(|e| e.account_secret.clone())
            .or_else(|| layers.iter().find_map(|l| l.file.account_secret.clone())),
        agree_tos: entry
            .get(|e| e.agree_tos)
            .or_else(|| layers.iter().find_map(|l| l.file.agree_tos))
            .unwrap_or_default(),
        ca_limits: limits,
        limits,
        issuer,
    })
}

/// Checks the URL of a directory. Whether http may be used with it is checked again when it is fetched.
fn check_url(url: &str, loopback: bool) -> Result<(), String> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://").filter(|_| loopback));
    match rest {
        Some(_) if has_user(url) => Err("directory holds a user name".to_owned()),
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !url.contains(char::is_whitespace) => Ok(()),
        _ => Err("directory is not an https URL".to_owned()),
    }
}

fn ca_pem(entry: &IssuerSettings<'_>) -> Result<Option<Vec<u8>>, String> {
    for one in &entry.0 {
        match (&one.ca_file, &one.ca) {
            (Some(_), Some(_)) => return Err("caFile and ca are two ways to say the same thing: keep one".to_owned()),
            (Some(path), None) => {
                return read_whole(path)
                    .map(Some)
                    .map_err(|reason| format!("CA file {} cannot be read: {reason}", path.display()));
            }
            (None, Some(pem)) => return Ok(Some(pem.clone().into_bytes())),
            (None, None) => {}
        }
    }
    Ok(None)
}

/// Reads a file of at most [`LARGEST`] bytes.
pub(super) fn read_whole(path: &Path) -> Result<Vec<u8>, String> {
    let read = file::read(path, LARGEST, file::PATIENCE);
    read.map(|mut bytes| std::mem::take(&mut *bytes))
        .map_err(|error| error.to_string())
}

/// Converts addresses into `mailto:` URLs (RFC 6068) without parameters, which RFC 8555 forbids (section 7.3).
fn contact(addresses: &Addresses) -> Result<Vec<String>, String> {
    let one = |address: &String| {
        let bare = address.trim();
        let bare = bare.strip_prefix("mailto:").unwrap_or(bare);
        let wrong = |c: char| c.is_whitespace() || c.is_control() || ",?&<>\"".contains(c);
        match bare.split_once('@') {
            Some((user, host))
                if !user.is_empty() && host.contains('.') && !host.contains('@') && !bare.contains(wrong) =>
            {
                Ok(format!("mailto:{bare}"))
            }
            _ => Err(format!(
                "{:?} is not an e-mail address",
                crate::text::shorten(bare, 100)
            )),
        }
    };
    addresses.0.iter().map(one).collect()
}

fn limits(stage: Stage, entry: Option<LimitsEntry>) -> Option<Limits> {
    let base = match (stage, &entry) {
        (Stage::Production, _) => Limits::PRODUCTION,
        (Stage::Staging, _) => Limits::STAGING,
        // Nobody knows whether such a CA exempts renewals.
        (Stage::Own, Some(_)) => Limits::of([0; 4], false),
        (Stage::Own, None) => return None,
    };
    let entry = entry.unwrap_or_default();
    let of = |said: Option<Allowance>, base: Option<Limit>, usual: Seconds| {
        let period = |said: Allowance| said.period.map_or(usual, seconds);
        said.map_or(base, |said| Limit::new(said.times.into(), period(said)))
    };
    let [orders, domain, same_names, failures] = Limits::PERIODS;
    Some(Limits {
        orders: of(entry.orders, base.orders, orders),
        domain: of(entry.certificates_per_domain, base.domain, domain),
        same_names: of(entry.same_names, base.same_names, same_names),
        failures: of(entry.failures, base.failures, failures),
        exempts_renewals: base.exempts_renewals,
    })
}
