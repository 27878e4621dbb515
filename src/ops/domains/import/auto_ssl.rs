//! What lua-resty-auto-ssl keeps (lib/resty/auto-ssl/storage.lua, v0.13): under the key `HOST:latest`, behind a prefix and a colon
//! where one was configured, a JSON object with `fullchain_pem` and `privkey_pem`. Its Redis adapter has one string a key, its file
//! adapter one file a key in `storage/file`, called by the key with `:` as `%3A`.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    found::{Below, Found, Item, LARGEST, Sink, StoreError, cannot, entries},
    rdb::{RdbError, Reader, Value},
};
use crate::file;

/// The end of the keys that hold pairs.
const LATEST: &str = ":latest";
/// The same as the file adapter writes it.
const LATEST_FILE: &str = "%3Alatest";

/// What is read of a value.
#[derive(Deserialize)]
struct Stored {
    fullchain_pem: String,
    privkey_pem: String,
}

pub(super) fn walk(path: &Path, sink: Sink<'_>) -> Result<(), StoreError> {
    if path.is_dir() {
        return files(path, sink);
    }
    dump(path, sink)
}

fn files(path: &Path, sink: Sink<'_>) -> Result<(), StoreError> {
    let below = ["storage/file", "file", ""].map(|below| path.join(below));
    let all = below.into_iter().find(|below| below.is_dir()).unwrap_or_default();
    let (files, _) = entries(&all)?;
    let mut is_none = true;
    for name in files {
        let Some(key) = name.strip_suffix(LATEST_FILE) else {
            continue;
        };
        is_none = false;
        let place: PathBuf = all.join(&name);
        let at = Below(path, &place).to_string();
        let text = file::check(&place, LARGEST).and_then(|()| file::read(&place, LARGEST, file::PATIENCE));
        let item = match text {
            Ok(text) => item(at, host_of(&key.replace("%3A", ":")), &text),
            Err(error) => Item::Problem {
                at,
                why: cannot(&place, &error),
            },
        };
        if sink(item).is_break() {
            return Ok(());
        }
    }
    if is_none {
        return Err(StoreError::Other {
            path: path.to_owned(),
            what: format!("has no file that ends in {LATEST_FILE}"),
            hint: Some(
                "name the dir of the settings of lua-resty-auto-ssl, /etc/resty-auto-ssl by default, or a dump of its Redis",
            ),
        });
    }
    Ok(())
}

fn dump(path: &Path, sink: Sink<'_>) -> Result<(), StoreError> {
    let failed = |error: RdbError| match error {
        RdbError::Io(source) => StoreError::Read {
            path: path.to_owned(),
            source,
        },
        other => StoreError::Other {
            path: path.to_owned(),
            what: other.to_string(),
            hint: other.hint(),
        },
    };
    // A pipe without a writer would be waited for.
    file::check(path, u64::MAX).map_err(|error| StoreError::Read {
        path: path.to_owned(),
        source: error.into(),
    })?;
    let opened = File::open(path).map_err(|error| failed(error.into()))?;
    let mut reader = Reader::open(BufReader::with_capacity(1 << 16, opened)).map_err(failed)?;
    while let Some((key, value)) = reader.next(|key| key.ends_with(LATEST.as_bytes())).map_err(failed)? {
        let key = String::from_utf8_lossy(&key).into_owned();
        let host = host_of(key.strip_suffix(LATEST).unwrap_or(&key));
        let at = format!("key {key}");
        let item = match value {
            Value::Text(text) => item(at, host, &text),
            Value::TooLarge(bytes) => Item::Problem {
                at,
                why: format!("its value has {bytes} bytes, and is left out"),
            },
            Value::Other => Item::Problem {
                at,
                why: "its value is no string".to_owned(),
            },
        };
        if sink(item).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// The host of a key, without the prefix that was configured: no host has a colon.
fn host_of(key: &str) -> String {
    key.rsplit(':').next().unwrap_or_default().to_owned()
}

fn item(at: String, host: String, text: &[u8]) -> Item {
    let stored: Stored = match serde_json::from_slice(text) {
        Ok(stored) => stored,
        // The words of the parser could quote the value, which holds a key.
        Err(error) => {
            let why = format!(
                "its value is no JSON with fullchain_pem and privkey_pem (line {}, column {})",
                error.line(),
                error.column()
            );
            return Item::Problem { at, why };
        }
    };
    let key = Zeroizing::new(stored.privkey_pem);
    Item::Pair(Found {
        at,
        host: Some(host),
        chain: stored.fullchain_pem.into_bytes(),
        key: SecretString::from(key.as_str()),
        directory: None,
    })
}
