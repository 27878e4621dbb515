//! The certificate that is to be revoked, and what there is to sign with.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::Request;
use crate::{
    acme::SigningKey,
    apply::{
        Api, Permits, Slots, Target as Secret, backup,
        secret::{ISSUER, SHA256},
    },
    object::{Key, Text},
    ops::{
        Context, OpError,
        files::read_file,
        named::{ingress_instead, one_secret},
    },
    text::{Clear, time},
    x509::{Certificate, Interner, KeyState, bundle, is_staging_issuer, pem},
};

/// A PEM file of one chain, with its key perhaps.
const LARGEST_FILE: u64 = 1 << 20;
/// How many names are shown.
pub(super) const SHOWN: usize = 5;

/// What is to be revoked.
pub(super) enum RevocationTarget<'a> {
    File(&'a Path),
    /// Its namespace, where that is said, and its name.
    Secret(Option<String>, String),
}

impl<'a> RevocationTarget<'a> {
    pub(super) fn of(request: &'a Request) -> Result<Self, OpError> {
        let word = request.target.as_str();
        if word.starts_with("./") || word.starts_with("../") || word.starts_with('/') {
            return Ok(Self::File(Path::new(word)));
        }
        let given = match request.source.namespace.as_slice() {
            [] => None,
            [one] => Some(one.as_str()),
            _ => return Err(one_namespace()),
        };
        let route = "a route may use several certificates: name the Secret, or ./FILE";
        let (namespace, name) = one_secret(word, given, route)?;
        if namespace.is_none() && request.source.all_namespaces {
            return Err(one_namespace());
        }
        Ok(Self::Secret(namespace, name))
    }
}

fn one_namespace() -> OpError {
    OpError::usage("a Secret is in one namespace").hint("-n NAMESPACE names it")
}

/// A certificate, and what there is to sign with.
pub(super) struct Revocable {
    /// Where it is: `Secret shop/shop-tls`.
    pub(super) place: String,
    /// The Secret, where it is one.
    pub(super) secret: Option<Key>,
    pub(super) leaf: Certificate,
    pub(super) der: Vec<u8>,
    /// The certificate's key, where it is at hand.
    pub(super) signing: Option<SigningKey>,
    /// The issuer that was noted when it was stored.
    pub(super) noted: Option<String>,
}

impl Revocable {
    pub(super) fn of_file(path: &Path) -> Result<Self, OpError> {
        let shown = path.display();
        let bytes = read_file(path, LARGEST_FILE)
            .map(SecretSlice::from)
            .map_err(|error| OpError::usage(format!("cannot read {shown}: {error}")))?;
        let parsed = bundle::parse_file(bytes.expose_secret(), &mut Interner::new());
        let why = || match parsed.bundle.unreadable.first() {
            Some((_, why)) => why.clone(),
            None if bytes.expose_secret().is_empty() => "it is empty".to_owned(),
            None => "it has no block of PEM that is one".to_owned(),
        };
        let mut found = Self::of(format!("file {shown}"), &parsed)
            .ok_or_else(|| OpError::usage(format!("there is no certificate in {shown}: {}", why())))?;
        if parsed.bundle.key == KeyState::Matches {
            found.signing = SigningKey::from_pem(bytes.expose_secret()).ok();
        }
        Ok(found)
    }

    fn of(place: String, parsed: &bundle::Parsed) -> Option<Self> {
        let at = parsed.bundle.leaf?;
        Some(Self {
            place,
            secret: None,
            leaf: parsed.bundle.certificates.get(at)?.as_ref().clone(),
            der: parsed.der.get(at)?.to_vec(),
            signing: None,
            noted: None,
        })
    }

    /// With the key of `--key-file`, which has to be the certificate's.
    pub(super) fn with_key_file(mut self, path: Option<&Path>) -> Result<Self, OpError> {
        let Some(path) = path else {
            return Ok(self);
        };
        let shown = path.display();
        let text = read_file(path, pem::KEY_CAP as u64)
            .map(SecretSlice::from)
            .map_err(|error| OpError::usage(format!("cannot read --key-file {shown}: {error}")))?;
        let key = SigningKey::from_pem(text.expose_secret())
            .map_err(|error| OpError::usage(format!("cannot sign with --key-file {shown}: {error}")))?;
        let certificate = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            BASE64_STANDARD.encode(&self.der)
        );
        let both = bundle::parse(Some(certificate.as_bytes()), Some(&text), &mut Interner::new());
        if both.bundle.key != KeyState::Matches {
            return Err(OpError::usage(format!(
                "the key in {shown} is not that of certificate {}",
                self.leaf.serial
            )));
        }
        self.signing = Some(key);
        Ok(self)
    }

    /// The name of the issuer, where nobody chose one: as noted, or Let's Encrypt by its certificates.
    pub(super) fn issuer(&self) -> Option<String> {
        if let Some(noted) = &self.noted {
            return Some(noted.clone());
        }
        if is_staging_issuer(&self.leaf) {
            return Some("letsencrypt-staging".to_owned());
        }
        let own = |rdn: &str| rdn.trim() == "O=Let's Encrypt";
        self.leaf
            .issuer
            .full
            .split(',')
            .any(own)
            .then(|| "letsencrypt".to_owned())
    }

    pub(super) fn summary(&self) -> String {
        let leaf = &self.leaf;
        let mut names: Vec<String> = leaf.names.iter().take(SHOWN).map(ToString::to_string).collect();
        if let Some(more) = leaf.names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            names.push(format!("and {more} more"));
        }
        format!(
            "certificate {} (serial number; SHA-256 {}) of {}, for {}, by {}, valid until {}",
            leaf.serial,
            leaf.sha256.short(),
            self.place,
            Clear(&names.join(", ")),
            Clear(&leaf.issuer.full),
            time::date(leaf.not_after)
        )
    }
}

/// The certificate of a Secret, with its key.
pub(super) async fn of_secret(context: &Context, namespace: Option<&str>, name: &str) -> Result<Revocable, OpError> {
    let connection = context.cluster.connection().await?;
    let _waiting = context.front().wait_for_server(connection);
    let key = Key::new(Text::from(namespace.unwrap_or(&connection.namespace)), name);
    let secret = Secret::read(&Api::new(connection.clone(), Permits::none()), &key)
        .await
        .map_err(|error| OpError::because(&error))?;
    if !secret.exists() {
        let instead = ingress_instead(connection, &key).await;
        let hint = instead.unwrap_or_else(|| "-n chooses the namespace; a file begins with ./ or /".to_owned());
        return Err(OpError::usage(format!("there is no Secret {key}")).hint(hint));
    }
    let slots = Slots::default();
    let parsed = secret.held(&slots);
    let mut found = parsed
        .as_ref()
        .and_then(|parsed| Revocable::of(format!("Secret {key}"), parsed))
        .ok_or_else(|| OpError::usage(format!("there is no certificate in Secret {key}")))?;
    if parsed.is_some_and(|parsed| matches!(parsed.bundle.key, KeyState::Matches)) {
        let text: Option<SecretString> = secret.private_key(&slots);
        found.signing = text.and_then(|text| SigningKey::from_pem(text.expose_secret().as_bytes()).ok());
    }
    found.secret = Some(key.clone());
    // A note speaks of the certificate that it was written with, and of no other.
    if secret.annotation(SHA256) == Some(found.leaf.sha256.to_string().as_str()) {
        found.noted = secret.annotation(ISSUER).map(str::to_owned);
    } else {
        found.noted = backup::issuer_of(&secret, found.leaf.sha256);
    }
    Ok(found)
}
