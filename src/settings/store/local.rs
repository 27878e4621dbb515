//! Accounts in files with mode 0600 in a directory with mode 0700, written completely or not at all.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{Change, Kept, StoreError, file_name, parse, text};
use crate::{
    file::{Lasting, create_private_directory, replace},
    system,
};

/// The largest file in bytes. An account takes some hundred bytes, an RSA key some thousand.
const LARGEST: u64 = 1 << 20;
/// How long another run may hold the lock, while it writes a small file.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause between two attempts to lock.
const PAUSE: Duration = Duration::from_millis(50);

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.display().to_string();
    move |reason| StoreError::Io { what, path, reason }
}

pub(super) fn load(dir: &Path, directory: &str) -> Result<Option<Kept>, StoreError> {
    let path = dir.join(file_name(directory));
    read(&path)?
        .map(|bytes| parse(&bytes, Some(directory), &path.display().to_string()))
        .transpose()
}

pub(super) fn list(dir: &Path) -> Result<Vec<Result<Kept, StoreError>>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed("read", dir))?,
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    paths.sort();
    let one = |path: &PathBuf| match read(path) {
        Ok(Some(bytes)) => Some(parse(&bytes, None, &path.display().to_string())),
        Ok(None) => None,
        Err(error) => Some(Err(error)),
    };
    Ok(paths.iter().filter_map(one).collect())
}

/// Reads a file that nobody else may read; `None` if it does not exist.
fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed("read", path))?,
    };
    let meta = file.metadata().map_err(failed("read", path))?;
    crate::own::check(path).map_err(StoreError::NotOurs)?;
    closed(path, &meta, 0o600)?;
    if let Some(dir) = path.parent() {
        closed(dir, &fs::metadata(dir).map_err(failed("read", dir))?, 0o700)?;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(meta.len().min(LARGEST)).unwrap_or(0) + 1,
    ));
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(failed("read", path))?;
    Ok(Some(bytes))
}

/// Refuses what others may read or change.
fn closed(path: &Path, meta: &fs::Metadata, wanted: u32) -> Result<(), StoreError> {
    match system::permissions_for_others(meta) {
        None => Ok(()),
        Some(mode) => Err(StoreError::Open {
            path: path.display().to_string(),
            mode,
            wanted,
        }),
    }
}

pub(super) async fn change(
    dir: &Path,
    directory: &str,
    change: &(dyn Fn(Option<Kept>) -> Change + Send + Sync),
) -> Result<Option<Kept>, StoreError> {
    make(dir)?;
    let path = dir.join(file_name(directory));
    let _lock = lock(&path).await?;
    let present = load(dir, directory)?;
    match change(present.clone()) {
        Change::Leave => Ok(present),
        Change::Keep(kept) => {
            write(&path, &text(&kept)?)?;
            Ok(Some(*kept))
        }
        Change::Remove => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(error)),
            _ => Ok(None),
        },
    }
}

pub(super) fn keep_aside(dir: &Path, name: &str, pem: &[u8]) -> Result<String, StoreError> {
    make(dir)?;
    let path = dir.join(name);
    write(&path, pem)?;
    Ok(path.display().to_string())
}

/// Creates the directory. Its parents belong to the user and get the usual mode.
fn make(dir: &Path) -> Result<(), StoreError> {
    if create_private_directory(dir).map_err(failed("make", dir))? {
        return Ok(());
    }
    closed(dir, &fs::metadata(dir).map_err(failed("read", dir))?, 0o700)
}

/// Takes the lock beside a file of an account. The system releases it when the process ends, in whichever way.
///
/// # Errors
///
/// The lock cannot be opened, or another run holds it for too long.
pub async fn lock(path: &Path) -> Result<File, StoreError> {
    let lock = path.with_extension("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    system::private_file(&mut options);
    let file = options.open(&lock).map_err(failed("open", &lock))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    place: path.display().to_string(),
                    seconds: PATIENCE.as_secs(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &lock)(error)),
        }
    }
}

/// Writes a file completely or not at all, so that its name also survives a power failure.
fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace(path, bytes, Lasting::Name).map_err(failed("write", path))
}
