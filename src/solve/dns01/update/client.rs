//! A provider of the dns-update crate behind this program's own trait.

use std::{sync::OnceLock, time::Duration};

use dns_update::{DnsRecord, DnsRecordType, DnsUpdater, Error};
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

use super::{
    scrub::scrub,
    spec::{Given, Holds, Kind, ProviderSpec, Writes},
};
use crate::clock::Pauses;
use crate::solve::{
    SolveError,
    dns01::{
        api::cut,
        config::{Secrets, Setting, UpdateConfig},
        provider::{Provider, Record},
    },
};

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(20);
/// How long a change may take, which consists of several requests.
const CHANGE: Duration = Duration::from_secs(90);
/// How many times a change is attempted if its request did not arrive, or if the provider asked for a retry.
const TRIES: u32 = 3;

/// A provider. It has no Debug form of the crate's types, because some of them show credentials.
pub(in crate::solve::dns01) struct Update {
    spec: &'static ProviderSpec,
    updater: DnsUpdater,
    /// Values that no error may show.
    secrets: Vec<SecretString>,
    places: String,
}

impl std::fmt::Debug for Update {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Update")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

impl Update {
    pub(in crate::solve::dns01) async fn new(config: &UpdateConfig, secrets: &dyn Secrets) -> Result<Self, SolveError> {
        let spec = config.spec;
        roots().clone().map_err(|why| {
            SolveError::new(format!("cannot set up HTTPS to {}: {why}", spec.label))
                .hint("install the system's CA certificates, or name their file with SSL_CERT_FILE")
        })?;
        let (mut given, mut hidden, mut places) = (Given::default(), Vec::new(), Vec::new());
        for (name, setting) in &config.fields {
            let value = match setting {
                Setting::Plain(text) => SecretString::from(text.as_str()),
                Setting::From(credential) => {
                    let value = credential.resolve(secrets).await?;
                    places.push(credential.to_string());
                    hidden.push(value.clone());
                    value
                }
            };
            let kind = spec.field(name).map(|field| field.kind);
            // The crate omits a header that it cannot send, and the provider then only says "unauthorized".
            if kind != Some(Kind::Document) && value.expose_secret().chars().any(char::is_control) {
                return Err(SolveError::new(format!(
                    "{name} of {} holds more than one line",
                    spec.label
                )));
            }
            given.put(name, value);
        }
        let made = (spec.make)(&given, Some(REQUEST));
        let updater = made.map_err(|error| {
            let said = scrub(&words(&error), &hidden);
            SolveError::new(format!("{} cannot be used as it is set: {said}", spec.label))
        })?;
        Ok(Self {
            spec,
            updater,
            secrets: hidden,
            places: places.join(", "),
        })
    }

    /// Carries out a change, and repeats it if it did not arrive: both kinds of change may happen twice without harm.
    async fn change(&self, record: &Record, remove: bool) -> Result<(), Error> {
        let mut pauses = Pauses::growing(Duration::from_secs(1), Duration::MAX, (3, 1));
        let mut attempt = 1;
        loop {
            let changed = tokio::time::timeout(CHANGE, self.once(record, remove)).await;
            let error = match changed {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => return Err(Error::Api(format!("it did not end within {} s", CHANGE.as_secs()))),
            };
            if attempt == TRIES || !passes(&error) {
                return Err(error);
            }
            tokio::time::sleep(pauses.take()).await;
            attempt += 1;
        }
    }

    async fn once(&self, record: &Record, remove: bool) -> Result<(), Error> {
        let (name, zone, kind) = (record.name.as_str(), record.zone.as_str(), DnsRecordType::TXT);
        let value = vec![DnsRecord::TXT(record.value.clone())];
        match (self.spec.holds, remove) {
            (Holds::Many, false) => self.updater.add_to_rrset(name, kind, record.ttl, value, zone).await,
            (Holds::Many, true) => self.updater.remove_from_rrset(name, kind, value, zone).await,
            (Holds::One, _) => {
                let value = if remove { Vec::new() } else { value };
                self.updater.set_rrset(name, kind, record.ttl, value, zone).await
            }
        }
    }

    fn failed(&self, record: &Record, error: &Error) -> SolveError {
        let said = cut(&scrub(&words(error), &self.secrets));
        let label = self.spec.label;
        let failed = SolveError::new(format!(
            "{label} does not change {} in zone {}: {said}",
            record.name, record.zone
        ));
        match error {
            Error::Unauthorized => failed.hint(format!(
                "check the credentials ({}) and the changes that they allow",
                self.places
            )),
            Error::NotFound => failed.hint(format!("the account must hold the zone {}", record.zone)),
            _ => failed,
        }
    }
}

/// Whether the error may pass by itself. The crate has messages for errors, and no types.
fn passes(error: &Error) -> bool {
    match error {
        Error::Api(text) | Error::Client(text) => ["Failed to send request", "HTTP 429", "HTTP 5"]
            .iter()
            .any(|start| text.starts_with(start)),
        _ => false,
    }
}

/// The message of the crate without its wrapping.
fn words(error: &Error) -> String {
    match error {
        Error::Protocol(text)
        | Error::Parse(text)
        | Error::Client(text)
        | Error::Response(text)
        | Error::Api(text)
        | Error::Serialize(text)
        | Error::Unsupported(text) => text.clone(),
        Error::Unauthorized => "the credentials are refused (401)".to_owned(),
        Error::NotFound => "it is not found (404)".to_owned(),
        Error::BadRequest => "the request is refused (400)".to_owned(),
        Error::InvalidRegion => "the region is not the name of a region".to_owned(),
        _ => "an error without a message".to_owned(),
    }
}

/// Whether the HTTP client of the crate can be made: if the system has no CA certificates, it would end the program.
fn roots() -> &'static Result<(), String> {
    static ROOTS: OnceLock<Result<(), String>> = OnceLock::new();
    ROOTS.get_or_init(|| match reqwest::Client::builder().build() {
        Ok(_) => Ok(()),
        Err(error) => Err(crate::error::chain(&error)),
    })
}

impl Provider for Update {
    fn label(&self) -> &str {
        self.spec.label
    }

    fn writes(&self) -> Writes {
        self.spec.writes
    }

    fn holds(&self) -> usize {
        match self.spec.holds {
            Holds::Many => usize::MAX,
            Holds::One => 1,
        }
    }

    fn add<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move { self.change(record, false).await.map_err(|e| self.failed(record, &e)) })
    }

    fn remove<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<bool, SolveError>> {
        Box::pin(async move {
            match self.change(record, true).await {
                Ok(()) => Ok(true),
                Err(Error::NotFound) => Ok(false),
                Err(error) => Err(self.failed(record, &error)),
            }
        })
    }
}

#[cfg(test)]
mod tests;
