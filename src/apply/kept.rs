//! The kept pair: the present and the former certificate and key of a Secret, kept in a Secret of their own in another
//! namespace. It is written before the Secret, does not expire, and is there when the Secret is deleted or spoilt.
//!
//! It has the type and the marks of a backup, so that no controller and no scan takes it for a certificate in use.

mod served;
mod swapped;

pub use served::note_served;
pub use swapped::swap;

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Api, ApiError, Pair, Purpose, RunId, backup, mark,
    pair::{PairError, Roots},
    secret::{self, Data, NOTED, REVOKED, SecretChange, Slots, Target},
};
use crate::{
    error::{Blame, Diagnose},
    k8s::{Believed, Edit},
    object::resource::SECRET,
    object::{
        Key, Seconds, Text,
        annotation::{ISSUED_AT_DIRECTORY, ISSUED_KIND},
    },
    plan::{
        permits::{Permit, Permits, Verb},
        tenure::{History, Tenure},
    },
    text::parse_time,
    x509::{Fingerprint, Interner, KeyState, bundle},
};

/// The data keys of the present pair, of the former one, and of the record.
const PRESENT: [&str; 2] = ["tls.crt", "tls.key"];
pub(crate) const FORMER: [&str; 2] = ["former.crt", "former.key"];
const RECORD: &str = "kept.json";
/// How long the time of an issuance is kept, in seconds: longer than any limit of a CA looks back.
const REMEMBERED: Seconds = 8 * 86_400;
/// How many issuances are remembered at most, the latest ones.
const MOST: usize = 20;

/// Where pairs are kept, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// The namespace.
    pub namespace: Text,
    /// The claim: the install that renews the Secrets. Another install's kept pair is neither replaced nor put back.
    pub claim: String,
}

impl Keeping {
    /// The key of the kept pair of a Secret.
    pub fn key(&self, of: &Key) -> Key {
        Key::new(self.namespace.clone(), Purpose::Kept.name(&of.to_string()))
    }

    /// The rights for keeping the pair of a Secret.
    pub fn permits(&self, of: &Key) -> Permits {
        self.permit(of, &[Verb::Get, Verb::Create, Verb::Update])
    }

    /// The rights for reading it.
    pub fn permits_to_read(&self, of: &Key) -> Permits {
        self.permit(of, &[Verb::Get])
    }

    fn permit(&self, of: &Key, verbs: &[Verb]) -> Permits {
        let at = self.key(of);
        Permits::none().with(Permit::one(verbs, SECRET, at.namespace, at.name))
    }
}

/// Why the kept pair cannot be used or replaced.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// A request to the cluster failed.
    #[error("cannot keep the pair in the cluster: {0}")]
    Api(#[from] ApiError),
    /// Another install keeps the pairs of the Secret.
    #[error("{claim} keeps the pairs of Secret {secret} in {at}")]
    Claimed {
        /// The Secret.
        secret: Key,
        /// Whose it is.
        claim: String,
        /// The Secret that keeps them.
        at: Key,
    },
    /// An object with this name is something else.
    #[error("Secret {at} is not the kept pair of Secret {secret}")]
    Other {
        /// The Secret.
        secret: Key,
        /// The object.
        at: Key,
    },
}

impl Diagnose for KeepError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Api(error) => error.hint(),
            Self::Claimed { .. } => Some("let one of both installs renew it".to_owned()),
            Self::Other { at, .. } => Some(format!("look at Secret {at}, and remove it if nobody needs it")),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Api(error) => error.blame(),
            Self::Claimed { .. } | Self::Other { .. } => Blame::Write,
        }
    }
}

/// When a certificate was issued, and for which names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuance {
    /// In seconds since 1970.
    pub at: Seconds,
    /// Its names, sorted.
    pub names: Vec<String>,
}

/// What is kept besides the pairs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    claim: String,
    /// The data keys of chain and key in the Secret.
    slots: (String, String),
    /// This program's annotations of the Secret with the present pair; null where there was none.
    present: Map<String, Value>,
    /// The same with the former pair.
    #[serde(default)]
    former: Map<String, Value>,
    issuances: Vec<Issuance>,
    /// The certificates of the Secret. Earlier versions did not write it.
    #[serde(default)]
    history: History,
}

impl Record {
    fn of(data: &Data) -> Option<Self> {
        serde_json::from_slice(data.get(RECORD)?.expose_secret()).ok()
    }
}

/// What can be told of a kept pair that an earlier version wrote: when the present certificate was issued, and of the one before
/// when it ended, if this program had issued that too.
fn of_older(present: &KeptPair, former: Option<&KeptPair>, issuances: &[Issuance]) -> History {
    let noted = |pair: &KeptPair| Some(pair.annotations.get(secret::ISSUED_AT)?.as_str()?.to_owned());
    let at = noted(present).and_then(|at| parse_time(&at));
    let Some(at) = at.or_else(|| issuances.last().map(|last| last.at)) else {
        return History::default();
    };
    let left = former.filter(|former| noted(former).is_some());
    let left = left.map(|former| former.not_after.saturating_sub(at));
    History {
        from: Some(at),
        tenures: vec![Tenure::new(&present.sha256, at, present.not_after, left)],
    }
}

/// A chain and its key. `Debug` shows no part of the key.
pub struct KeptPair {
    /// The SHA-256 of the leaf.
    pub sha256: Fingerprint,
    /// The end of its validity, in seconds since 1970.
    pub not_after: Seconds,
    /// This program's annotations of the Secret with this pair.
    pub(super) annotations: Map<String, Value>,
    chain: SecretSlice<u8>,
    key: SecretSlice<u8>,
}

impl std::fmt::Debug for KeptPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptPair")
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

impl KeptPair {
    /// A pair, if the key is that of the leaf.
    fn of(data: &Data, [chain, key]: [&str; 2], annotations: Map<String, Value>) -> Option<Self> {
        let (chain, key) = (data.get(chain)?, data.get(key)?);
        let parsed = bundle::parse(Some(chain.expose_secret()), Some(key), &mut Interner::new()).bundle;
        (parsed.key == KeyState::Matches).then_some(())?;
        let leaf = parsed.leaf()?;
        Some(Self {
            sha256: leaf.sha256,
            not_after: leaf.not_after,
            annotations,
            chain: chain.clone(),
            key: key.clone(),
        })
    }

    /// The pair that a Secret holds now, with its annotations as far as they are about this pair.
    fn of_target(target: &Target, slots: &Slots) -> Option<Self> {
        let mut pair = Self::of(target.data()?, [&slots.certificate, &slots.key], Map::new())?;
        if target.annotation(secret::SHA256) == Some(pair.sha256.to_string().as_str()) {
            let noted = |name: &&str| {
                (
                    (*name).to_owned(),
                    target.annotation(name).map_or(Value::Null, Value::from),
                )
            };
            pair.annotations = NOTED.iter().map(noted).collect();
        }
        Some(pair)
    }

    /// The pair, judged anew. It had begun when it was accepted: that it has not by `now` is a clock's fault.
    pub fn pair(&self, now: Seconds) -> Result<Pair, PairError> {
        let key = String::from_utf8(self.key.expose_secret().to_vec());
        let key = SecretString::from(key.map_err(|_| PairError::KeyDiffers)?);
        let check = |now| Pair::check(key.clone(), self.chain.expose_secret(), &[], now, &Roots::Any);
        match check(now) {
            Err(PairError::NotYetValid(at)) => check(at),
            other => other,
        }
    }
}

/// The kept pairs of a Secret. `Debug` shows no key.
#[derive(Debug)]
pub struct Kept {
    /// Whose it is.
    pub claim: String,
    /// The data keys of chain and key in the Secret.
    pub slots: Slots,
    /// The pair that was stored last, or was about to be stored.
    pub present: KeptPair,
    /// The pair that it replaced.
    pub former: Option<KeptPair>,
    /// The last issuances.
    pub issuances: Vec<Issuance>,
    /// The certificates of the Secret, as far as they are remembered. There is one at least.
    pub history: History,
    /// The annotation of a revocation, of either pair.
    revoked: Option<String>,
}

impl Kept {
    /// Reads the kept pairs of a Secret. `None` if there are none that can be read.
    pub async fn read(api: &Api, keeping: &Keeping, of: &Key) -> Result<Option<Self>, KeepError> {
        match api.get(SECRET, &keeping.key(of)).await? {
            Some(object) => Self::of(&object, keeping, of),
            None => Ok(None),
        }
    }

    /// Reads all kept pairs of a namespace, and makes of each what is wanted of it. What cannot be read is left out, and counted.
    pub async fn list<T>(
        api: &Api,
        namespace: &str,
        mut take: impl FnMut(Key, Self) -> Option<T>,
    ) -> Result<(Vec<T>, usize), ApiError> {
        let mut unreadable = 0;
        let selector = mark::selector(Some(Purpose::Kept));
        let read = |object: Value| {
            let Some((of, kept)) = Self::of_any(object) else {
                unreadable += 1;
                return None;
            };
            take(of, kept)
        };
        let found = api.list_as(SECRET, Some(namespace), Some(&selector), read).await?;
        Ok((found, unreadable))
    }

    /// The kept pairs in an object, and their Secret, by its annotation.
    fn of_any(object: Value) -> Option<(Key, Self)> {
        let about = object["metadata"]["annotations"][mark::FOR].as_str()?;
        let (namespace, name) = about.split_once('/')?;
        // Whoever may write Secrets there may write one that says anything: its name at least is that of the Secret.
        (object["metadata"]["name"] == Purpose::Kept.name(about).as_str()).then_some(())?;
        let of = Key::new(namespace, name);
        let kept = Target::of(of.clone(), Some(object));
        let read = Self::of_data(kept.data()?, &kept)?;
        Some((of, read))
    }

    /// Reads them from the object. [`KeepError::Other`] if it is not theirs.
    fn of(object: &Value, keeping: &Keeping, of: &Key) -> Result<Option<Self>, KeepError> {
        let meta = &object["metadata"];
        let (purpose, about) = (&meta["labels"][mark::PURPOSE], &meta["annotations"][mark::FOR]);
        // The name is a hash of the Secret's.
        if *purpose != Purpose::Kept.as_str() || *about != of.to_string().as_str() {
            return Err(KeepError::Other {
                secret: of.clone(),
                at: keeping.key(of),
            });
        }
        let kept = Target::of(of.clone(), Some(object.clone()));
        Ok(kept.data().and_then(|data| Self::of_data(data, &kept)))
    }

    fn of_data(data: &Data, kept: &Target) -> Option<Self> {
        let record = Record::of(data)?;
        let present = KeptPair::of(data, PRESENT, record.present)?;
        let former = KeptPair::of(data, FORMER, record.former);
        let history = if record.history.tenures.is_empty() {
            of_older(&present, former.as_ref(), &record.issuances)
        } else {
            record.history
        };
        Some(Self {
            claim: record.claim,
            slots: Slots {
                certificate: record.slots.0,
                key: record.slots.1,
            },
            present,
            former,
            history,
            issuances: record.issuances,
            revoked: kept.annotation(REVOKED).map(str::to_owned),
        })
    }

    /// Why one of its certificates was revoked, if this program recorded that here or in its annotations.
    pub fn revoked<'a>(&'a self, pair: &'a KeptPair) -> Option<&'a str> {
        let noted = pair.annotations.get(REVOKED).and_then(Value::as_str);
        let on = |annotation: &'a str| secret::reason_of(annotation, pair.sha256);
        self.revoked.as_deref().and_then(on).or_else(|| noted.and_then(on))
    }

    /// How many certificates were issued for exactly these names since a moment.
    pub fn issued_since(&self, names: &[String], since: Seconds) -> usize {
        let mut names = names.to_vec();
        names.sort();
        let counts = |issuance: &&Issuance| issuance.at >= since && issuance.names == names;
        self.issuances.iter().filter(counts).count()
    }
}

/// Keeps the pair that a change is about to store, and the one that it replaces. Does nothing if it is kept already.
/// Call it before the Secret is written: should that fail, the newest pair is not lost.
///
/// # Errors
///
/// The kept pair is another install's, or the cluster refuses the write. The Secret must not be written then.
pub async fn keep(
    api: &Api,
    keeping: &Keeping,
    target: &Target,
    pair: &Pair,
    change: &SecretChange,
    run: &RunId,
    now: Seconds,
) -> Result<(), KeepError> {
    let of = target.key();
    api.update(SECRET, &keeping.key(of), Believed::Unknown, |present| {
        let before = match present {
            Some(object) => Kept::of(object, keeping, of)?,
            None => None,
        };
        if let Some(before) = &before {
            if before.claim != keeping.claim {
                return Err(KeepError::Claimed {
                    secret: of.clone(),
                    claim: before.claim.clone(),
                    at: keeping.key(of),
                });
            }
            if before.present.sha256 == pair.sha256() {
                return Ok(Edit::Nothing);
            }
        }
        Ok(Edit::Whole(object(keeping, before, target, pair, change, run, now)))
    })
    .await
    .map(drop)
}

/// The object that keeps a new pair beside the one that it replaces.
fn object(
    keeping: &Keeping,
    before: Option<Kept>,
    target: &Target,
    pair: &Pair,
    change: &SecretChange,
    run: &RunId,
    now: Seconds,
) -> Value {
    let (at, slots) = (keeping.key(target.key()), change.slots());
    let is_renewal = before.is_some();
    let (kept, mut issuances, mut history, revoked) = match before {
        Some(before) => (Some(before.present), before.issuances, before.history, before.revoked),
        None => (None, Vec::new(), History::default(), None),
    };
    // What the Secret holds is what a rollback would want; where it holds nothing usable, what was kept last.
    let held = KeptPair::of_target(target, slots).filter(|held| held.sha256 != pair.sha256());
    let former = held.or(kept);
    let left = former.as_ref().filter(|_| is_renewal);
    let left = left.map(|former| former.not_after.saturating_sub(now));
    history.begin(Tenure::new(&pair.sha256(), now, pair.leaf().not_after, left));
    let mut names: Vec<String> = pair.leaf().names.iter().map(ToString::to_string).collect();
    names.sort();
    issuances.retain(|issuance| issuance.at > now.saturating_sub(REMEMBERED));
    issuances.push(Issuance { at: now, names });
    let surplus = issuances.len().saturating_sub(MOST);
    issuances.drain(..surplus);
    let noted = change
        .annotations()
        .iter()
        .filter(|(name, _)| NOTED.contains(&name.as_str()));
    let record = Record {
        claim: keeping.claim.clone(),
        slots: (slots.certificate.clone(), slots.key.clone()),
        present: noted.map(|(name, value)| (name.clone(), value.clone())).collect(),
        former: former
            .as_ref()
            .map(|former| former.annotations.clone())
            .unwrap_or_default(),
        issuances,
        history,
    };
    let mut data = Data::from([
        (PRESENT[0].to_owned(), pair.chain_pem().into_bytes().into()),
        (
            PRESENT[1].to_owned(),
            pair.key().expose_secret().as_bytes().to_vec().into(),
        ),
        (
            RECORD.to_owned(),
            serde_json::to_vec(&record).unwrap_or_default().into(),
        ),
    ]);
    if let Some(former) = &former {
        data.insert(FORMER[0].to_owned(), former.chain.clone());
        data.insert(FORMER[1].to_owned(), former.key.clone());
    }
    let mut object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": backup::TYPE,
        "metadata": {"namespace": at.namespace.as_str(), "name": at.name.as_str()},
        "data": secret::encoded(&data),
    });
    mark::mark_lasting(&mut object, run, Purpose::Kept, target.key());
    let mut annotate = |name: &str, value: &str| mark::set(&mut object, "annotations", name, value);
    annotate(backup::HOLDS, &pair.sha256().to_string());
    for (name, value) in told(&record.present) {
        annotate(name, value);
    }
    if let Some(former) = &former {
        annotate(backup::HELD, &former.sha256.to_string());
        // A revocation of what is now the former pair stays known.
        if let Some(revoked) = revoked.filter(|text| secret::reason_of(text, former.sha256).is_some()) {
            annotate(REVOKED, &revoked);
        }
    }
    object
}

/// What is told of the present pair in annotations too, where scans read it: which CA issued it, and what its order counted
/// towards. Nobody but the installation writes them.
fn told(present: &Map<String, Value>) -> impl Iterator<Item = (&'static str, &str)> {
    let noted = |name: &'static str| Some((name, present.get(name)?.as_str()?));
    [ISSUED_AT_DIRECTORY, ISSUED_KIND, secret::SHA256]
        .into_iter()
        .filter_map(noted)
}

#[cfg(test)]
pub(crate) mod tests;
