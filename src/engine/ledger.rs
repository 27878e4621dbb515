//! The ledger of an account: what it has ordered. It is kept beside the account, to estimate rate limits and to know
//! which certificates belong to the account.

use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    apply::{Api, ApiError, mark::short_hash},
    k8s::{Believed, Edit, Updated},
    name::Name,
    object::resource::SECRET,
    object::{Key, Seconds},
    plan::limits::{Past, PastEvent},
    settings::store::Store,
};

/// How long issued certificates are remembered, in seconds: longer than any certificate of a public CA lasts.
const KEPT: Seconds = 400 * 86_400;
/// How long orders and failures are remembered, in seconds: longer than any limit counts.
const COUNTED: Seconds = 8 * 86_400;
/// A file with more bytes than this has been tampered with.
const LARGEST: u64 = 16 << 20;
/// How many bytes of a ledger are kept in a Secret, which may have 1 MiB.
const MOST: usize = 512 << 10;

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    at: Seconds,
    what: Word,
    names: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl Line {
    fn counts(&self, now: Seconds) -> bool {
        self.at > now - if self.what == Word::Issued { KEPT } else { COUNTED }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Ordered,
    Issued,
    Failed,
}

/// Where a ledger is kept.
#[derive(Debug, Clone)]
pub enum LedgerStore {
    /// In a file of this directory.
    Directory(PathBuf),
    /// In the Secret of the account.
    Secret(Box<Api>, Key),
    /// Nowhere.
    Nowhere,
}

impl LedgerStore {
    /// The place of the ledger beside the account.
    pub fn beside(store: &Store) -> Self {
        match store {
            Store::Local(directory) => Self::Directory(directory.clone()),
            Store::Secret(api, key) => Self::Secret(api.clone(), key.0.clone()),
        }
    }
}

/// The ledger of one account.
#[derive(Debug)]
pub struct Ledger {
    place: LedgerStore,
    name: String,
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    all: Vec<Line>,
    /// How many of the lines have been written already.
    kept: usize,
}

impl Ledger {
    /// Reads the ledger of an account. An unreadable ledger is taken to be empty, because it only serves for estimates.
    pub async fn open(place: LedgerStore, account_url: &str, now: Seconds) -> Self {
        let name = format!("{}.ledger", short_hash(account_url));
        let text = match &place {
            LedgerStore::Directory(directory) => read(&directory.join(&name)).unwrap_or_default(),
            LedgerStore::Secret(api, key) => from_secret(api, key, &name).await.unwrap_or_default(),
            LedgerStore::Nowhere => String::new(),
        };
        let all: Vec<Line> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Line| line.counts(now))
            .collect();
        let kept = all.len();
        Self {
            place,
            name,
            lines: Mutex::new(Lines { all, kept }),
        }
    }

    /// The past orders and failures that are known to count.
    pub fn past(&self) -> Vec<Past> {
        let lines = self.lock();
        let past = lines.all.iter().map(|line| Past {
            at: line.at,
            names: line.names.iter().filter_map(|n| n.parse().ok()).collect(),
            what: match line.what {
                Word::Ordered => PastEvent::Ordered,
                Word::Issued => PastEvent::Issued,
                Word::Failed => PastEvent::Failed,
            },
            sha256: line.sha256.clone(),
        });
        past.collect()
    }

    /// Whether this account got the certificate with this SHA-256.
    pub fn issued(&self, sha256: &str) -> bool {
        self.lock()
            .all
            .iter()
            .any(|line| line.sha256.as_deref() == Some(sha256))
    }

    /// Records an order.
    pub fn ordered(&self, names: &[Name], now: Seconds) {
        self.add(Word::Ordered, names, None, now);
    }

    /// Records an issued certificate.
    pub fn got(&self, names: &[Name], sha256: String, now: Seconds) {
        self.add(Word::Issued, names, Some(sha256), now);
    }

    /// Records a failed validation.
    pub fn failed(&self, name: &Name, now: Seconds) {
        self.add(Word::Failed, std::slice::from_ref(name), None, now);
    }

    fn add(&self, what: Word, names: &[Name], sha256: Option<String>, at: Seconds) {
        let line = Line {
            at,
            what,
            names: names.iter().map(ToString::to_string).collect(),
            sha256,
        };
        let mut lines = self.lock();
        if let LedgerStore::Directory(directory) = &self.place {
            // A line that is lost makes the estimate a little too low.
            if append(&directory.join(&self.name), &line).is_ok() {
                lines.kept += 1;
            }
        }
        lines.all.push(line);
    }

    /// Writes the lines that have not been written yet.
    pub async fn keep(&self) -> Result<(), ApiError> {
        let LedgerStore::Secret(api, key) = &self.place else {
            return Ok(());
        };
        let (new, kept) = {
            let lines = self.lock();
            (lines.all[lines.kept.min(lines.all.len())..].to_vec(), lines.all.len())
        };
        if new.is_empty() {
            return Ok(());
        }
        let mut tried = false;
        let add = |secret: Option<&Value>| {
            // Without the account's Secret there is no account that could have ordered anything.
            let Some(secret) = secret else {
                return Ok::<_, ApiError>(Edit::Nothing);
            };
            // Lines that other runs have added meanwhile stay.
            let kept_there = decoded(secret, &self.name).unwrap_or_default();
            let counts =
                |line: &&str| serde_json::from_str(line).is_ok_and(|line: Line| line.counts(crate::clock::now()));
            let mut lines: Vec<String> = kept_there.lines().filter(counts).map(str::to_owned).collect();
            for line in new.iter().filter_map(|line| serde_json::to_string(line).ok()) {
                // A write whose answer was lost may have been done.
                if !(tried && lines.contains(&line)) {
                    lines.push(line);
                }
            }
            tried = true;
            let mut secret = secret.clone();
            secret["data"][&self.name] = BASE64_STANDARD.encode(newest(&lines)).into();
            Ok(Edit::Whole(secret))
        };
        if let Updated::Written(_) = api.update(SECRET, key, Believed::Unknown, add).await? {
            self.lock().kept = kept;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Option<String> {
    String::from_utf8(crate::cache::read(path, "the counted orders", LARGEST)?).ok()
}

/// Appends one line by a single write, so that two runs at once lose none.
fn append(path: &Path, line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    let open = || {
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
    };
    let mut file = match open() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Some(directory) = path.parent() {
                std::fs::create_dir_all(directory)?;
            }
            open()?
        }
        other => other?,
    };
    file.write_all(&text)
}

async fn from_secret(api: &Api, key: &Key, name: &str) -> Option<String> {
    decoded(&api.get(SECRET, key).await.ok()??, name)
}

fn decoded(secret: &Value, name: &str) -> Option<String> {
    let bytes = BASE64_STANDARD.decode(secret["data"][name].as_str()?).ok()?;
    String::from_utf8(bytes).ok()
}

/// The newest lines that a Secret has room for beside the accounts.
fn newest(lines: &[String]) -> String {
    let mut room = MOST;
    let fits = |line: &&String| {
        room = room.saturating_sub(line.len() + 1);
        room > 0
    };
    let mut kept: Vec<&str> = lines.iter().rev().take_while(fits).map(String::as_str).collect();
    kept.reverse();
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Seconds = 1_800_000_000;

    #[tokio::test]
    async fn what_was_ordered_is_known_to_the_next_run_for_as_long_as_it_counts() {
        let scratch = tempfile::tempdir().unwrap();
        let place = LedgerStore::Directory(scratch.path().join("accounts"));
        let names: Vec<Name> = vec!["a.example".parse().unwrap()];
        let account = "https://ca.example/acct/1";
        let ledger = Ledger::open(place.clone(), account, NOW).await;
        ledger.ordered(&names, NOW);
        ledger.got(&names, "ab12".into(), NOW);
        ledger.failed(&names[0], NOW);
        let next = Ledger::open(place.clone(), account, NOW + 60).await;
        assert_eq!(next.past().len(), 3);
        assert!(next.issued("ab12") && !next.issued("cd34"));
        let later = Ledger::open(place.clone(), account, NOW + 9 * 86_400).await;
        assert_eq!(later.past().len(), 1, "what was issued is remembered longer");
        let first = &next.past()[1];
        assert_eq!(first.sha256.as_deref(), Some("ab12"));
        let other = Ledger::open(place, "https://ca.example/acct/2", NOW).await;
        assert!(other.past().is_empty());
    }

    #[test]
    fn a_secret_keeps_the_newest_lines() {
        let lines: Vec<String> = (0..20_000).map(|n| format!("{n:0>50}")).collect();
        let kept = newest(&lines);
        assert!(kept.len() < MOST && kept.len() > MOST / 2);
        assert!(kept.ends_with(&lines[19_999]) && !kept.contains(&lines[0]));
        assert_eq!(newest(&lines[..2]), lines[..2].join("\n"));
    }
}
