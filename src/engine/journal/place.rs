//! Where an entry is kept: read, written and removed only as the entry of the run that does it.

use std::{fs::File, io, path::Path};

use serde_json::Value;

use super::{JournalError, JournalStore, key_of, name};
use crate::{
    apply::{Api, ApiError, RunId, mark},
    file::{self, Lasting},
    k8s::{Believed, Edit, Updated},
    object::{Key, resource::SECRET},
    settings::store,
    system,
};

/// An entry as it was found or written; `None` if there was none.
pub(super) type Found = Option<Value>;

/// How often the removal is tried anew because the entry of the same run has changed.
const TRIES: usize = 3;

/// Whether the entry that is there now may be replaced by a run: it is the one that the run has found or written last,
/// or another one with its id, because the answer to a write was lost.
pub(super) fn is_ours(now: Option<&Value>, last: Option<&Value>, run: &RunId) -> bool {
    match (now, last) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some(now), last) => mark::run_of(now) == Some(run.as_str()) || last.is_some_and(|last| is_same(now, last)),
    }
}

/// Whether two looks show the same version of an entry.
fn is_same(one: &Value, other: &Value) -> bool {
    let version = |object: &Value| {
        let meta = &object["metadata"];
        Some((
            meta["uid"].as_str()?.to_owned(),
            meta["resourceVersion"].as_str()?.to_owned(),
        ))
    };
    match (version(one), version(other)) {
        (Some(one), Some(other)) => one == other,
        // A file has no version.
        _ => one == other,
    }
}

/// Reads the entry of a Secret.
pub(super) async fn read(place: &JournalStore, secret: &Key) -> Result<Found, JournalError> {
    match place {
        JournalStore::Cluster(api) => Ok(api.get(SECRET, &key_of(secret)).await?),
        JournalStore::Directory(directory) => {
            let path = path(directory, secret);
            content(&path).map_err(failed(&path))
        }
    }
}

/// Writes an entry in the place of the `last` one that the run has found or written, and returns it as it is stored.
pub(super) async fn write(
    place: &JournalStore,
    secret: &Key,
    run: &RunId,
    last: Option<&Value>,
    object: Value,
) -> Result<Value, JournalError> {
    match place {
        JournalStore::Cluster(api) => write_secret(api, secret, run, last, object).await,
        JournalStore::Directory(directory) => {
            let path = path(directory, secret);
            make(directory).map_err(failed(&path))?;
            let _lock = lock(directory, &path).await?;
            crate::own::check(&path)
                .map_err(io::Error::other)
                .map_err(failed(&path))?;
            if !is_ours(content(&path).map_err(failed(&path))?.as_ref(), last, run) {
                return Err(JournalError::Taken(secret.clone()));
            }
            let bytes = zeroize::Zeroizing::new(serde_json::to_vec(&object).unwrap_or_default());
            file::replace(&path, &bytes, Lasting::Content).map_err(failed(&path))?;
            Ok(object)
        }
    }
}

async fn write_secret(
    api: &Api,
    secret: &Key,
    run: &RunId,
    last: Option<&Value>,
    object: Value,
) -> Result<Value, JournalError> {
    let key = key_of(secret);
    let believed = last.map_or(Believed::Absent, |last| Believed::There(last.clone()));
    let written = api.update(SECRET, &key, believed, |present| match present {
        // Another object with this name is nobody's journal.
        Some(other) if mark::run_of(other).is_none() && !is_ours(present, last, run) => {
            Err(JournalError::Api(ApiError::AlreadyExists {
                object: format!("Secret {key}"),
            }))
        }
        present if is_ours(present, last, run) => Ok(Edit::Whole(object.clone())),
        _ => Err(JournalError::Taken(secret.clone())),
    });
    match written.await? {
        Updated::Written(written) | Updated::Kept(written) => Ok(written),
        Updated::Absent => Ok(object),
    }
}

/// Removes the `last` entry that the run has found or written. Another run's stays.
pub(super) async fn remove(
    place: &JournalStore,
    secret: &Key,
    run: &RunId,
    last: Option<&Value>,
) -> Result<(), JournalError> {
    let Some(last) = last else { return Ok(()) };
    match place {
        JournalStore::Cluster(api) => {
            let mut last = last.clone();
            for _ in 0..TRIES {
                if api.delete_version(SECRET, &last).await? {
                    return Ok(());
                }
                // The answer to a write may have been lost.
                match api.get(SECRET, &key_of(secret)).await? {
                    Some(now) if is_ours(Some(&now), Some(&last), run) => last = now,
                    _ => return Ok(()),
                }
            }
            Ok(())
        }
        JournalStore::Directory(directory) => {
            let path = path(directory, secret);
            let _lock = lock(directory, &path).await?;
            if !is_ours(content(&path).map_err(failed(&path))?.as_ref(), Some(last), run) {
                return Ok(());
            }
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other.map_err(failed(&path)),
            }
        }
    }
}

fn path(directory: &Path, secret: &Key) -> std::path::PathBuf {
    directory.join(format!("{}.json", name(secret)))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> JournalError {
    |source| JournalError::File {
        path: path.to_owned(),
        source,
    }
}

/// What a file holds; `None` if there is none, or if it cannot be used: it is not JSON, or not its owner's alone.
fn content(path: &Path) -> io::Result<Found> {
    match std::fs::read(path) {
        // Otherwise another user could supply an order and a key.
        Ok(_) if !crate::own::is_usable(path, "the journal of an earlier run") => Ok(None),
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The lock of all entries of a directory: between a look at one and its write nobody else writes.
async fn lock(directory: &Path, path: &Path) -> Result<File, JournalError> {
    let locked = store::lock(&directory.join("journal")).await;
    locked.map_err(io::Error::other).map_err(failed(path))
}

/// Creates the directory. It holds keys, so only its owner may access it, even if an older version created it.
fn make(directory: &Path) -> io::Result<()> {
    if file::create_private_directory(directory)? {
        return Ok(());
    }
    system::close(directory)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        engine::journal::{Entry, Journal, find},
        k8s::fake::{Fake, json as answer, refusal},
    };

    fn secret() -> Key {
        Key::new("shop", "shop-tls")
    }

    async fn begun(place: &JournalStore, run: &RunId) -> Journal {
        let former = find(place, &secret()).await.unwrap();
        Journal::begin(place, &secret(), run, Entry::default(), "the key".into(), former)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_run_whose_entry_another_one_has_taken_over_writes_and_removes_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let place = JournalStore::Directory(scratch.path().join("journal"));
        let first = begun(&place, &RunId::random()).await;
        first.check().await.unwrap();
        let second = begun(&place, &RunId::random()).await;
        let bytes = || std::fs::read(path(&scratch.path().join("journal"), &secret())).ok();
        let before = bytes();
        for result in [
            first.note(|entry| entry.finalizing = true).await,
            first.keep_only(Vec::new()).await,
            first.check().await,
        ] {
            assert!(matches!(result, Err(JournalError::Taken(_))), "{result:?}");
        }
        first.end().await.unwrap();
        assert_eq!(bytes(), before);
        second.note(|entry| entry.finalizing = true).await.unwrap();
        second.end().await.unwrap();
        assert_eq!(bytes(), None);
        let gone = first.note(|entry| entry.finalizing = true).await;
        assert!(matches!(gone, Err(JournalError::Taken(_))), "{gone:?}");
        assert_eq!(bytes(), None);
    }

    #[tokio::test]
    async fn of_two_that_begin_at_once_one_is_over() {
        let scratch = tempfile::tempdir().unwrap();
        let place = JournalStore::Directory(scratch.path().join("journal"));
        let (one, other) = (RunId::random(), RunId::random());
        // Both have looked, and have found nothing.
        let secret = secret();
        let begin = |run| Journal::begin(&place, &secret, run, Entry::default(), "the key".into(), None);
        let (one, other) = (begin(&one).await, begin(&other).await);
        assert!(one.is_ok() && matches!(other, Err(JournalError::Taken(_))), "{other:?}");
    }

    /// An entry as the server has it.
    fn stored(run: &str, version: &str) -> Value {
        json!({"metadata": {
            "namespace": "shop", "name": name(&secret()), "uid": "u", "resourceVersion": version,
            "labels": {"kubectl-certs.io/run": run},
        }})
    }

    async fn cluster(fake: &Fake) -> JournalStore {
        JournalStore::Cluster(Api::new(
            fake.connection().await,
            crate::engine::journal::permits(&secret()),
        ))
    }

    #[tokio::test]
    async fn in_a_cluster_an_entry_that_changed_hands_is_neither_replaced_nor_removed() {
        let run = RunId::random();
        for other in [Some("aaaaaaaaaa"), None] {
            let fake = Fake::start(move |asked, _| match (asked.split_whitespace().next(), other) {
                (Some("PUT" | "DELETE"), _) => refusal(409, "Conflict", ""),
                (_, Some(other)) => answer(&stored(other, "7").to_string()),
                _ => refusal(404, "NotFound", ""),
            })
            .await;
            let place = cluster(&fake).await;
            let last = stored(run.as_str(), "3");
            let written = write(&place, &secret(), &run, Some(&last), last.clone()).await;
            assert!(matches!(written, Err(JournalError::Taken(_))), "{written:?}");
            remove(&place, &secret(), &run, Some(&last)).await.unwrap();
            let count = |method: &str| fake.asked().iter().filter(|asked| asked.starts_with(method)).count();
            assert_eq!((count("PUT"), count("DELETE")), (1, 1));
            let sent = fake.sent();
            let only = sent.iter().find_map(|sent| sent.get("preconditions"));
            assert_eq!(only, Some(&json!({"uid": "u", "resourceVersion": "3"})));
        }
    }

    #[tokio::test]
    async fn an_entry_of_ones_own_whose_answer_was_lost_is_replaced_and_removed() {
        let run = RunId::random();
        let (own, id) = (run.clone(), run.as_str().to_owned());
        let fake = Fake::start(move |asked, before| match (asked.split_whitespace().next(), before) {
            (Some("PUT" | "DELETE"), 0) => refusal(409, "Conflict", ""),
            _ => answer(&stored(&id, "4").to_string()),
        })
        .await;
        let place = cluster(&fake).await;
        let last = stored(own.as_str(), "3");
        write(&place, &secret(), &own, Some(&last), last.clone()).await.unwrap();
        remove(&place, &secret(), &own, Some(&last)).await.unwrap();
        let count = |method: &str| fake.asked().iter().filter(|asked| asked.starts_with(method)).count();
        assert_eq!((count("PUT"), count("DELETE")), (2, 2));
    }
}
