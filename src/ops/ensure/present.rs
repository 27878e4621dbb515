//! The Secret as it is now: read from the cluster, from manifests, or from an encrypted manifest and the chain beside it.

use std::{path::Path, sync::PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::super::{
    OpError,
    issuance::{Issuance, Order},
    opened::Opened,
};
use crate::{
    apply::{
        Api, Permits, Slots, Target as Stored,
        folder::Sealed,
        secret::{REVOKED, SHA256},
    },
    check::due_by_lifetime,
    engine::{due, prepare},
    file::{self, SMALL},
    object::{Key, Kind, Seconds, annotation::RENEWAL_WINDOW},
    plan::ensure::{Held, Present},
    source::manifests,
    text::parse_time,
    x509::{Certificate, KeyState, San, bundle::Parsed},
};

/// What was found.
pub(super) struct Found {
    read: Read,
    slots: Slots,
    parsed: Option<Parsed>,
}

impl Found {
    /// Reads the Secret.
    ///
    /// # Errors
    ///
    /// It may not be read, or a file cannot be.
    pub(super) async fn read(opened: &Opened, order: &Order, secret: &Key) -> Result<Self, OpError> {
        let slots = prepare::slots(&opened.settings);
        let read = match &opened.session.connection {
            Some(connection) => {
                let api = Api::new(connection.clone(), Permits::none());
                let read = Stored::read(&api, secret).await;
                let read = read.map_err(|error| OpError::because(&error).after("nothing was ordered"))?;
                Read {
                    stored: read,
                    sealed: None,
                    file: None,
                }
            }
            None => from_files(opened, order, secret, &slots)?,
        };
        Ok(Self {
            parsed: read.stored.contents(&slots),
            slots,
            read,
        })
    }

    /// The leaf, if there is one.
    pub(super) fn leaf(&self) -> Option<&Certificate> {
        Some(self.parsed.as_ref()?.bundle.leaf()?)
    }

    /// The leaf, if it can be served.
    pub(super) fn usable(&self) -> Option<&Certificate> {
        self.leaf().filter(|_| self.fault().is_none())
    }

    /// Whether the certificate comes from a staging CA.
    pub(super) fn is_staging(&self) -> bool {
        self.read.stored.holds_staging(&self.slots)
    }

    /// The CA's renewal window that was stored with the certificate.
    pub(super) fn window(&self) -> Option<(Seconds, Seconds)> {
        // An annotation only applies to the certificate with which it was written.
        let sha256 = self.leaf()?.sha256.to_string();
        if self.read.stored.annotation(SHA256).is_some_and(|noted| noted != sha256) {
            return None;
        }
        let (start, end) = self.read.stored.annotation(RENEWAL_WINDOW)?.split_once('/')?;
        Some((parse_time(start.trim())?, parse_time(end.trim())?))
    }

    /// What it is for the decision.
    pub(super) fn state(&self, now: Seconds) -> Present {
        if !self.read.stored.exists() {
            return Present::Missing;
        }
        if let Some(why) = self.fault() {
            return Present::Unusable(why);
        }
        let Some(leaf) = self.leaf() else {
            return Present::Unusable("it holds no certificate".to_owned());
        };
        let (mut names, mut others) = (std::collections::BTreeSet::new(), Vec::new());
        for san in &*leaf.names {
            match san {
                San::Ip(address) => drop(names.insert(crate::name::Name::Ip(*address))),
                San::Dns(name) => match name.parse() {
                    Ok(name) => drop(names.insert(name)),
                    Err(_) => others.push(name.to_string()),
                },
            }
        }
        Present::Held(Held {
            names,
            others,
            staging: self.is_staging(),
            due: due::foresee((leaf.not_before, leaf.not_after), self.window(), now),
        })
    }

    /// When the certificate is due by what is known here.
    pub(super) fn due(&self) -> Option<Seconds> {
        let leaf = self.leaf()?;
        let by_age = due_by_lifetime(leaf.not_before, leaf.not_after);
        Some(self.window().map_or(by_age, |(start, _)| start.min(by_age)))
    }

    /// Why what it holds cannot be served, if it cannot.
    fn fault(&self) -> Option<String> {
        let bundle = &self.parsed.as_ref()?.bundle;
        let Some(leaf) = bundle.leaf() else {
            return Some(match bundle.unreadable.first() {
                None if let Some(path) = &self.read.sealed => {
                    format!("no chain belongs to {path}, so nobody knows without an identity what it holds")
                }
                Some((_, why)) => format!("its certificate cannot be read: {why}"),
                None => "it holds no certificate".to_owned(),
            });
        };
        let revoked = self
            .read
            .stored
            .annotation(REVOKED)
            .and_then(|text| text.split(' ').next());
        if revoked.is_some_and(|sha256| sha256 == leaf.sha256.to_string()) {
            return Some("its certificate was revoked".to_owned());
        }
        match &bundle.key {
            KeyState::Matches | KeyState::NotAsked => None,
            // It is in the encrypted file.
            KeyState::Missing if self.read.sealed.is_some() => None,
            KeyState::Missing => Some("it holds no private key".to_owned()),
            KeyState::Differs | KeyState::NothingToCompare => {
                Some("its private key belongs to another certificate".to_owned())
            }
            KeyState::OfPosition(at) => Some(format!(
                "its private key belongs to certificate {} of the chain, not to the first",
                at + 1
            )),
            KeyState::Encrypted => Some("its private key is encrypted".to_owned()),
            KeyState::Invalid(why) => Some(format!("its private key cannot be read: {why}")),
        }
    }

    /// Gives a Secret of manifests to the run that writes it, so that what else is in it stays. That of a cluster is
    /// read again under its Lease; of one whose chain alone is known, nothing else stays.
    pub(super) fn hand_over(self, issuance: &Issuance<'_>) {
        let from_manifests = issuance.connection.is_none() && self.read.sealed.is_none();
        if from_manifests {
            *issuance.present.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.read.stored);
        }
    }

    /// That the new manifest will be another file than the present one, if it is so: both would be applied.
    pub(super) fn elsewhere(&self, order: &Order, secret: &Key) -> Option<String> {
        let (file, path) = (self.read.file.as_ref()?, order.output_dir.as_ref()?.path(secret));
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        (real(Path::new(file)) != real(&path)).then(|| {
            format!(
                "Secret {secret} stands in {file}, and is written to {}: remove it from the former, or both are applied",
                path.display()
            )
        })
    }
}

/// A Secret as it was read.
struct Read {
    stored: Stored,
    /// The path of its encrypted manifest, if its chain alone is known.
    sealed: Option<String>,
    /// The file of its plain manifest.
    file: Option<String>,
}

impl Read {
    fn of(secret: &Key, object: Option<Value>) -> Self {
        Self {
            stored: Stored::of(secret.clone(), object),
            sealed: None,
            file: None,
        }
    }
}

/// The Secret of manifests.
fn from_files(opened: &Opened, order: &Order, secret: &Key, slots: &Slots) -> Result<Read, OpError> {
    let folder = order.output_dir.clone().unwrap_or_default();
    let (plain, file) = plain(opened, order, secret)?.unzip();
    // Where it is encrypted for somebody, that is what is kept, and a plain manifest beside it is older.
    if plain.is_none() || !folder.recipients.is_empty() {
        let sealed = folder.sealed(secret).map_err(|error| {
            OpError::usage(format!(
                "cannot read the encrypted manifest of Secret {secret}: {error}"
            ))
        })?;
        if let Some(sealed) = sealed {
            let read = from_sealed(&sealed, secret, slots)?;
            return Ok(Read { file, ..read });
        }
    }
    Ok(Read {
        file,
        ..Read::of(secret, plain)
    })
}

/// The manifest of the Secret among those that were read, and its file.
fn plain(opened: &Opened, order: &Order, secret: &Key) -> Result<Option<(Value, String)>, OpError> {
    if opened.session.inventory.secrets().get(secret).is_none() {
        return Ok(None);
    }
    let Some((file, _)) = opened.session.places.get(Kind::Secret, secret) else {
        return Err(OpError::usage(format!(
            "Secret {secret} comes from standard input, and is not written back"
        ))
        .hint("name its file or directory: -f ./DIR -o ./DIR"));
    };
    let failed = |why: &dyn std::fmt::Display| OpError::usage(format!("cannot read Secret {secret} in {file}: {why}"));
    let text = file::read_text(Path::new(file), SMALL).map_err(|error| failed(&error))?;
    let namespace = order.source.namespace.first().map_or("default", String::as_str);
    match manifests::secret(&text, secret, namespace) {
        Some(manifest) => Ok(Some((manifest, file.to_owned()))),
        None => Err(failed(&"it is not there any more")),
    }
}

/// What is known of an encrypted manifest: all of it with an identity, otherwise the chain beside it.
fn from_sealed(sealed: &Sealed, secret: &Key, slots: &Slots) -> Result<Read, OpError> {
    let path = sealed.path.display().to_string();
    if let Some(text) = &sealed.manifest {
        let manifest = manifests::secret(text, secret, &secret.namespace);
        let manifest = manifest.ok_or_else(|| OpError::usage(format!("{path} does not hold Secret {secret}")))?;
        return Ok(Read::of(secret, Some(manifest)));
    }
    // Without a chain that belongs to it, nobody knows what it holds, and it is ordered anew.
    let chain = sealed.chain.as_deref().map(|chain| STANDARD.encode(chain));
    let mut data = json!({});
    if let Some(chain) = chain {
        data[slots.certificate.as_str()] = chain.into();
    }
    let manifest = json!({
        "apiVersion": "v1", "kind": "Secret", "data": data,
        "metadata": {"name": secret.name.as_str(), "namespace": secret.namespace.as_str()},
    });
    Ok(Read {
        sealed: Some(path),
        ..Read::of(secret, Some(manifest))
    })
}
