//! Caddy's storage in the file system, as certmagic lays it out (storage.go, `KeyBuilder`, v0.25):
//! `certificates/ISSUER/HOST/HOST.{crt,key,json}`, where HOST is lower-cased and a wildcard's `*` is `wildcard_`. The JSON is
//! `{"sans": [...], "issuer_data": {"ca": URL, ...}}`, and says from which directory the certificate was ordered.

use std::path::Path;

use serde::Deserialize;

use super::found::{self, Below, Item, Sink, StoreError, entries, small_text};

/// What is read of the JSON beside a pair.
#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(default)]
    issuer_data: Option<IssuerData>,
}

#[derive(Debug, Deserialize)]
struct IssuerData {
    ca: Option<String>,
}

pub(super) fn walk(path: &Path, sink: Sink<'_>) -> Result<(), StoreError> {
    let below = path.join("certificates");
    let all = if below.is_dir() { below } else { path.to_owned() };
    let named = all.file_name().is_some_and(|name| name == "certificates");
    if !named || !all.is_dir() {
        return Err(StoreError::Other {
            path: path.to_owned(),
            what: "is no storage of Caddy: there is no directory certificates in it".to_owned(),
            hint: Some(
                "`caddy environ` prints caddy.AppDataDir, where it is; where Caddy keeps it in another place, `caddy storage export` \
                        writes it into an archive to be unpacked",
            ),
        });
    }
    for issuer in entries(&all)?.1 {
        let of_issuer = all.join(issuer);
        for host in entries(&of_issuer)?.1 {
            let place = of_issuer.join(&host);
            let file = |end: &str| place.join(format!("{host}.{end}"));
            let at = Below(&all, &file("crt")).to_string();
            let meta: Meta = small_text(&file("json"))
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
            let directory = meta.issuer_data.and_then(|data| data.ca);
            let item = if file("crt").exists() {
                found::pair(at, &file("crt"), &file("key"), None, directory)
            } else {
                let why = "there is no certificate in its directory".to_owned();
                Item::Problem { at, why }
            };
            if sink(item).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}
