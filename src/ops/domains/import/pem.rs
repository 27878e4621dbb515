//! Directories of PEM files.
//!
//! | who | chain | key |
//! | --- | --- | --- |
//! | certbot (`live/HOST`), dehydrated (`certs/HOST`) | `fullchain.pem` | `privkey.pem` |
//! | acme.sh (`HOST`, `HOST_ecc`) | `fullchain.cer` | the one `*.key` |
//! | a mounted Secret | `tls.crt` | `tls.key` |
//! | lego (`certificates`), and by hand | `HOST.crt`, `HOST.cer`, `HOST.pem` | `HOST.key`, `HOST-key.pem` |
//! | `HAProxy` | `HOST.pem` | in the same file |
//!
//! A certificate is for the names that it has: what a file is called says nothing.

use std::path::Path;

use secrecy::SecretString;

use super::found::{self, Below, Found, Item, LARGEST, Sink, StoreError, cannot, entries};
use crate::file;

/// How far down directories are looked into: `/etc/letsencrypt/live/HOST` is the third.
const DEPTH: usize = 6;

pub(super) fn walk(path: &Path, sink: Sink<'_>) -> Result<(), StoreError> {
    if !path.is_dir() {
        return Err(StoreError::Other {
            path: path.to_owned(),
            what: "is not a directory".to_owned(),
            hint: Some("name the directory that holds the files, such as /etc/letsencrypt/live"),
        });
    }
    down(path, path, DEPTH, sink).map(drop)
}

/// Whether to go on.
fn down(root: &Path, path: &Path, left: usize, sink: Sink<'_>) -> Result<bool, StoreError> {
    let (files, directories) = entries(path)?;
    for item in items(root, path, &files) {
        if sink(item).is_break() {
            return Ok(false);
        }
    }
    // What certbot has beside `live` are former pairs, keys and requests.
    let is_certbots = directories.iter().any(|name| name == "live");
    for name in directories.iter().filter(|name| !is_certbots || *name == "live") {
        let below = path.join(name);
        if left == 0 {
            let at = Below(root, &below).to_string();
            let why = format!("it is more than {DEPTH} directories down, and is left out");
            if sink(Item::Problem { at, why }).is_break() {
                return Ok(false);
            }
        } else if !down(root, &below, left - 1, sink)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the files of one directory are.
fn items<'a>(root: &'a Path, path: &'a Path, files: &'a [String]) -> impl Iterator<Item = Item> + 'a {
    let has = move |name: &str| files.binary_search_by(|one| one.as_str().cmp(name)).is_ok();
    let pair = move |chain: &str, key: &str| {
        let chain = path.join(chain);
        found::pair(Below(root, &chain).to_string(), &chain, &path.join(key), None, None)
    };
    let alone = move |chain: &str, why: String| Item::Problem {
        at: Below(root, &path.join(chain)).to_string(),
        why,
    };
    // One pair a directory, by names that say which file is which.
    let only = if has("fullchain.pem") {
        Some(if has("privkey.pem") {
            pair("fullchain.pem", "privkey.pem")
        } else {
            alone("fullchain.pem", "there is no privkey.pem beside it".to_owned())
        })
    } else if has("fullchain.cer") {
        let mut keys = files
            .iter()
            .filter(|name| name.rsplit_once('.').is_some_and(|(_, end)| end == "key"));
        Some(match (keys.next(), keys.next()) {
            (Some(key), None) => pair("fullchain.cer", key),
            (None, _) => alone("fullchain.cer", "there is no key beside it".to_owned()),
            (Some(_), Some(_)) => alone("fullchain.cer", "there are several keys beside it".to_owned()),
        })
    } else {
        None
    };
    let is_only = only.is_some();
    let others = files.iter().filter(move |_| !is_only).filter_map(move |name| {
        let (stem, end) = name.rsplit_once('.')?;
        let key = [format!("{stem}.key"), format!("{stem}-key.pem")];
        let key = key.iter().find(|key| has(key));
        match (end, key) {
            ("crt" | "cer" | "pem", Some(key)) => Some(pair(name, key)),
            // The chains of lego, and those of CAs.
            ("crt", None) if stem.ends_with(".issuer") || stem == "ca" => None,
            ("crt" | "cer", None) => Some(alone(name, format!("there is no {stem}.key beside it"))),
            ("pem", None) => combined(root, &path.join(name)),
            _ => None,
        }
    });
    only.into_iter().chain(others)
}

/// A file that holds chain and key; `None` if it lacks one of them.
fn combined(root: &Path, path: &Path) -> Option<Item> {
    let at = Below(root, path).to_string();
    let text = match file::check(path, LARGEST).and_then(|()| file::read_text(path, LARGEST)) {
        Ok(text) => text,
        Err(error) => {
            let why = cannot(path, &error);
            return Some(Item::Problem { at, why });
        }
    };
    let has = |label: &str| text.contains(label);
    if !has("-----BEGIN CERTIFICATE-----") || !has("PRIVATE KEY-----") {
        return None;
    }
    Some(Item::Pair(Found {
        at,
        host: None,
        chain: without_keys(&text).into_bytes(),
        key: SecretString::from(keys(&text)),
        directory: None,
    }))
}

/// Whether a line begins or ends the block of a key.
fn is_bound(line: &str, word: &str) -> bool {
    line.trim_start()
        .strip_prefix("-----")
        .and_then(|line| line.strip_prefix(word))
        .is_some_and(|line| line.trim_end().ends_with("PRIVATE KEY-----"))
}

/// The text without its keys.
fn without_keys(text: &str) -> String {
    let mut is_key = false;
    let mut out = String::new();
    for line in text.lines() {
        is_key |= is_bound(line, "BEGIN ");
        if !is_key {
            out.push_str(line);
            out.push('\n');
        }
        is_key &= !is_bound(line, "END ");
    }
    out
}

/// The keys of the text, and nothing else of it.
fn keys(text: &str) -> String {
    let mut is_key = false;
    // As large as it may become: it is not copied while it grows.
    let mut out = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        is_key |= is_bound(line, "BEGIN ");
        if is_key {
            out.push_str(line);
            out.push('\n');
        }
        is_key &= !is_bound(line, "END ");
    }
    out
}
