//! The journal of an order: what the next run needs to continue where a killed one stopped. It has the order, its key,
//! and the DNS records that were written, and is kept in a Secret beside the target, or in a local file if there is no
//! cluster.
//!
//! Whoever writes the journal last owns the order: a run replaces and removes only the entry that it has written itself,
//! or that it began from. One that finds the entry of another run is over.

mod place;

use std::{path::PathBuf, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    apply::{
        Api, ApiError, Permit, Permits, Purpose, RunId, Verb,
        mark::{self, mark},
    },
    error::{Blame, Diagnose},
    home::{self, Keeps},
    object::resource::SECRET,
    object::{Key, Seconds, Text},
    solve::dns01::Written,
};
use place::{Found, remove, write};

/// The data keys of the entry and of the private key.
const ENTRY: &str = "order.json";
const KEY: &str = "tls.key";
/// How long an entry is kept that no run continues, in seconds: an order of Let's Encrypt lasts seven days.
const KEPT: Seconds = 7 * 86_400;

/// The entry of one order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The URL of the CA's directory.
    pub directory: String,
    /// The URL of the account. Another account cannot continue the order.
    pub account: String,
    /// The URL of the order, once it exists.
    pub order: Option<String>,
    /// The names that the certificate is for.
    pub names: Vec<String>,
    /// The profile of the order.
    pub profile: Option<String>,
    /// The algorithm of the new key.
    pub key_type: String,
    /// When the order began, in seconds since 1970.
    pub started: Seconds,
    /// SHA-256 of the certificate that the Secret held when the order began, in lower-case hexadecimal; empty if it held
    /// none. Earlier versions did not write it.
    #[serde(default)]
    pub held: Option<String>,
    /// Whether the order was about to be finalized: the CA may have issued its certificate.
    #[serde(default)]
    pub finalizing: bool,
    /// What was written, or was about to be written, without a label of the run.
    #[serde(default)]
    pub left: Vec<Left>,
}

/// Something that a killed run may have left and that no label marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Left {
    /// A TXT record.
    Record(Written),
    /// A change to somebody else's object: an Ingress, or the `ConfigMap` of a Service.
    #[serde(rename_all = "camelCase")]
    Change {
        /// Its kind, such as `Ingress`.
        kind: String,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// An entry that an earlier run has left.
pub struct LeftEntry {
    /// The entry itself.
    pub entry: Entry,
    /// The new private key in PEM.
    pub key: Option<SecretString>,
    /// The run that wrote it.
    pub run: Option<RunId>,
    /// The Secret that holds it, or the path of the file.
    object: Value,
}

impl LeftEntry {
    /// The Secret that holds it, as it was read.
    pub(super) fn object(&self) -> &Value {
        &self.object
    }
}

impl std::fmt::Debug for LeftEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeftEntry")
            .field("entry", &self.entry)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// Why an entry could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A request to the cluster failed.
    #[error("cannot keep the order in the cluster")]
    Api(#[from] ApiError),
    /// The file could not be read or written.
    #[error("cannot keep the order in {}", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error.
        #[source]
        source: std::io::Error,
    },
    /// The entry is another run's, or was removed: this run orders, finalizes and deletes nothing more.
    #[error("another run has taken over the order for Secret {0}")]
    Taken(Key),
}

impl JournalError {
    /// Whether the same may work later: the cluster is away, or it fails, as one does whose etcd is full.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_passing() || error.is_uncertain())
    }
}

impl Diagnose for JournalError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Api(error) => error.hint(),
            Self::File { .. } => Some("XDG_STATE_HOME names another directory".to_owned()),
            Self::Taken(_) => Some("wait for the end of that run, and look at the Secret".to_owned()),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Api(_) | Self::File { .. } => Blame::Cluster,
            Self::Taken(_) => Blame::Write,
        }
    }
}

/// Where entries are kept.
// There is only one for each run, so its size does not matter.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
pub enum JournalStore {
    /// In Secrets.
    Cluster(Api),
    /// In files of this directory.
    Directory(PathBuf),
}

/// The journal of an order in progress.
pub struct Journal {
    place: JournalStore,
    secret: Key,
    run: RunId,
    state: Mutex<State>,
}

struct State {
    entry: Entry,
    key: SecretString,
    /// The entry as this run has found or written it last: a Secret as the server has it, or the content of the file.
    object: Found,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("secret", &self.secret)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// The rights that writing the journal of a Secret needs.
pub fn permits(secret: &Key) -> Permits {
    let verbs = [Verb::Get, Verb::Create, Verb::Update, Verb::Delete];
    Permits::none().with(Permit::one(&verbs, SECRET, secret.namespace.clone(), name(secret)))
}

/// The name of the Secret that holds the journal for another Secret.
pub fn name(secret: &Key) -> Text {
    Purpose::Journal.name(&secret.to_string())
}

fn key_of(secret: &Key) -> Key {
    Key::new(secret.namespace.clone(), name(secret))
}

/// The entry that an earlier run has left for a Secret.
pub async fn find(place: &JournalStore, secret: &Key) -> Result<Option<LeftEntry>, JournalError> {
    Ok(place::read(place, secret).await?.map(read))
}

/// Reads an entry. An unreadable one is returned as empty, and is only good for removal.
pub fn read(object: Value) -> LeftEntry {
    let data = |key: &str| {
        let text = object["data"][key].as_str()?;
        BASE64_STANDARD.decode(text).ok()
    };
    LeftEntry {
        entry: data(ENTRY).and_then(|bytes| from_json(&bytes)).unwrap_or_default(),
        key: data(KEY)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(SecretString::from),
        run: mark::run_of(&object).and_then(RunId::parse),
        object,
    }
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}

impl Journal {
    /// Begins an entry, in place of one that an earlier run has left.
    pub async fn begin(
        place: &JournalStore,
        secret: &Key,
        run: &RunId,
        entry: Entry,
        key: SecretString,
        former: Option<LeftEntry>,
    ) -> Result<Self, JournalError> {
        let journal = Self {
            place: place.clone(),
            secret: secret.clone(),
            run: run.clone(),
            state: Mutex::new(State {
                object: former.map(|found| found.object),
                entry,
                key,
            }),
        };
        journal.note(|_| {}).await?;
        Ok(journal)
    }

    /// Changes the entry, and returns when the change has been written. [`JournalError::Taken`] if it is not this run's
    /// any more; nothing is written then.
    pub async fn note(&self, change: impl FnOnce(&mut Entry) + Send) -> Result<(), JournalError> {
        let mut state = self.state.lock().await;
        change(&mut state.entry);
        let object = self.object(&state);
        state.object = Some(write(&self.place, &self.secret, &self.run, state.object.as_ref(), object).await?);
        Ok(())
    }

    /// Fails with [`JournalError::Taken`] if another run has the entry by now, or has removed it.
    pub async fn check(&self) -> Result<(), JournalError> {
        let state = self.state.lock().await;
        let now = place::read(&self.place, &self.secret).await?;
        if place::is_ours(now.as_ref(), state.object.as_ref(), &self.run) {
            return Ok(());
        }
        Err(JournalError::Taken(self.secret.clone()))
    }

    fn object(&self, state: &State) -> Value {
        let encoded = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        let key = key_of(&self.secret);
        let entry = serde_json::to_vec(&state.entry).unwrap_or_default();
        let mut object = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"namespace": key.namespace, "name": key.name},
            "data": {ENTRY: encoded(&entry), KEY: encoded(state.key.expose_secret().as_bytes())},
        });
        let expires = crate::clock::now() + KEPT;
        mark(&mut object, &self.run, Purpose::Journal, expires, &self.secret);
        object
    }

    /// The current entry.
    pub async fn entry(&self) -> Entry {
        self.state.lock().await.entry.clone()
    }

    /// Removes everything about the order, and keeps only what still has to be removed.
    pub async fn keep_only(&self, left: Vec<Left>) -> Result<(), JournalError> {
        self.state.lock().await.key = SecretString::default();
        self.note(|entry| {
            entry.order = None;
            entry.finalizing = false;
            entry.left = left;
        })
        .await
    }

    /// Removes the entry, because there is nothing to continue. One that is not this run's any more stays.
    pub async fn end(&self) -> Result<(), JournalError> {
        let state = self.state.lock().await;
        remove(&self.place, &self.secret, &self.run, state.object.as_ref()).await
    }
}

/// The directory for entries without a cluster: `$XDG_STATE_HOME/kubectl-certs/journal`, or below `~/.local/state`.
pub fn local_directory() -> Option<PathBuf> {
    Some(home::of_process(Keeps::State)?.join("journal"))
}

/// A journal that several tasks write to.
pub type Shared = Arc<Journal>;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_killed_run_kept_is_found_by_the_next_and_gone_when_it_ends() {
        let scratch = tempfile::tempdir().unwrap();
        let place = JournalStore::Directory(scratch.path().join("journal"));
        let (secret, run) = (Key::new("shop", "shop-tls"), RunId::random());
        assert!(find(&place, &secret).await.unwrap().is_none());
        let entry = Entry {
            directory: "https://ca.example/directory".into(),
            names: vec!["a.example".into()],
            ..Entry::default()
        };
        let journal = Journal::begin(&place, &secret, &run, entry, SecretString::from("the key"), None)
            .await
            .unwrap();
        journal
            .note(|e| e.order = Some("https://ca.example/order/1".into()))
            .await
            .unwrap();
        drop(journal);
        let found = find(&place, &secret).await.unwrap().unwrap();
        assert_eq!(found.entry.order.as_deref(), Some("https://ca.example/order/1"));
        assert_eq!(found.key.as_ref().unwrap().expose_secret(), "the key");
        assert_eq!(found.run, Some(run.clone()));
        assert!(!format!("{found:?}").contains("the key"));
        let key = found.key.clone().unwrap();
        let journal = Journal::begin(&place, &secret, &run, found.entry.clone(), key, Some(found))
            .await
            .unwrap();
        journal.end().await.unwrap();
        assert!(find(&place, &secret).await.unwrap().is_none());
    }

    #[cfg(all(unix, not(portable_system)))]
    #[tokio::test]
    async fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("state/journal");
        let place = JournalStore::Directory(directory.clone());
        let secret = Key::new("shop", "shop-tls");
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for _ in 0..2 {
            let key = SecretString::from("the key");
            let former = find(&place, &secret).await.unwrap();
            Journal::begin(&place, &secret, &RunId::random(), Entry::default(), key, former)
                .await
                .unwrap();
            assert_eq!(mode(&directory.join(format!("{}.json", name(&secret)))), 0o600);
            assert_eq!(mode(&directory), 0o700);
            // An older version created it with this mode.
            std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert!(find(&place, &secret).await.unwrap().is_some());
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(
            find(&place, &secret).await.unwrap().is_none(),
            "anybody may have put it there"
        );
    }
}
